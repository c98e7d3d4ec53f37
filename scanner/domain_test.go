package scanner_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"mailvet/scanner"
)

func TestParseDomain(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "example.org", "example.org"},
		{"upper case", "EXAMPLE.Org", "example.org"},
		{"final dot", "example.org.", "example.org"},
		{"blanks", "  example.org\t", "example.org"},
		{"byte-order mark", "\ufeffexample.org", "example.org"},
		{"address", "info@example.org", "example.org"},
		{"address with a quoted at", `"a@b"@example.org`, "example.org"},
		{"URL", "https://www.example.org/path?x=1", "www.example.org"},
		{"URL with port and user", "https://u:p@example.org:8443/", "example.org"},
		{"U-labels", "bücher.example", "xn--bcher-kva.example"},
		{"U-labels in upper case", "BÜCHER.example", "xn--bcher-kva.example"},
		{"A-labels", "XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"ideographic full stop", "bücher。example", "xn--bcher-kva.example"},
		{"longest label", long + ".example", long + ".example"},
		{"longest name", strings.Repeat(long+".", 3) + strings.Repeat("b", 61), strings.Repeat(long+".", 3) + strings.Repeat("b", 61)},
		{"digits in front", "4th.example", "4th.example"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := scanner.ParseDomain(tt.in)
			if err != nil || d.Name != tt.want || d.Input != tt.in {
				t.Errorf("ParseDomain(%q) = %+v, %v; want %s", tt.in, d, err, tt.want)
			}
		})
	}
}

func TestParseDomainRefuses(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, tt := range []struct{ name, in, says string }{
		{"nothing", "", "empty"},
		{"blanks", " \t ", "empty"},
		{"a byte-order mark alone", "\ufeff", "empty"},
		{"one label", "localhost", "one label"},
		{"IPv4", "192.0.2.1", "IP address"},
		{"IPv6", "2001:db8::1", "IP address"},
		{"address literal", "[192.0.2.1]", "IP address"},
		{"address at a literal", "info@[192.0.2.1]", "IP address"},
		{"nothing after the at", "info@", "nothing after the @"},
		{"empty label", "a..example", "empty label"},
		{"leading dot", ".example.org", "empty label"},
		{"label too long", long + ".example", "at most 63"},
		{"name too long", strings.Repeat(strings.Repeat("a", 63)+".", 4) + "b", "at most 253"},
		{"leading hyphen", "-x.example", "hyphen"},
		{"trailing hyphen", "x-.example", "hyphen"},
		{"underscore", "_dmarc.example.org", "cannot be in a mail domain"},
		{"blank inside", "two words.example", "cannot be in a mail domain"},
		{"two names", "a.example b.example", "one domain at a time"},
		{"port", "example.org:25", "leave out the port"},
		{"path", "example.org/mail", "leave out the path"},
		{"address with a name", "Info <info@example.org>", "the address alone"},
		{"wildcard", "*.example.org", "a domain that is there"},
		{"terminal escape", "\x1b[31m.example", "cannot be in a mail domain"},
		{"NUL", "a\x00b.example", "cannot be in a mail domain"},
		{"not UTF-8", "b\xfccher.example", "not UTF-8"},
		{"broken A-label", "xn--\u2603.example", "internationalised"},
		{"number at the end", "example.123", "a number"},
		{"URL without a host", "https://", "without a host"},
		{"very long", strings.Repeat("x", 100_000), "100000 octets"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := scanner.ParseDomain(tt.in)
			if !errors.Is(err, scanner.ErrDomain) {
				t.Fatalf("ParseDomain(%q) = %+v, %v; want an ErrDomain", tt.in, d, err)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("the error does not say %q: %v", tt.says, err)
			}
			if strings.ContainsAny(err.Error(), "\x1b\x00") || len(err.Error()) > 400 {
				t.Errorf("the error hands on raw or endless input: %q", err)
			}
		})
	}
}

// FuzzParseDomain: whatever is accepted is a domain name, and stays the same
// when it is parsed again.
func FuzzParseDomain(f *testing.F) {
	for _, s := range []string{"example.org", "info@bücher.example", "https://x.example/", "a..b", "xn--bcher-kva.example", "\x1b[31m"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := scanner.ParseDomain(s)
		if err != nil {
			return
		}
		if len(d.Name) > 253 || strings.ToLower(d.Name) != d.Name || strings.Trim(d.Name, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
			t.Fatalf("ParseDomain(%q) = %q", s, d.Name)
		}
		again, err := scanner.ParseDomain(d.Name)
		if err != nil || again.Name != d.Name {
			t.Fatalf("ParseDomain(%q) = %q, and that gives %q, %v", s, d.Name, again.Name, err)
		}
	})
}

func ExampleParseDomain() {
	d, err := scanner.ParseDomain("Postmaster@BÜCHER.example")
	fmt.Println(d.Name, err)
	// Output: xn--bcher-kva.example <nil>
}
