package resolver_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mailvet/dnscheck/resolver"
)

func TestParseServer(t *testing.T) {
	tests := []struct{ in, want, wrong string }{
		{"192.0.2.1", "192.0.2.1:53", ""},
		{"192.0.2.1:5353", "192.0.2.1:5353", ""},
		{"2001:db8::1", "[2001:db8::1]:53", ""},
		{"[2001:db8::1]", "[2001:db8::1]:53", ""},
		{"[2001:DB8::1]:5353", "[2001:DB8::1]:5353", ""},
		{"fe80::1%eth0", "[fe80::1%eth0]:53", ""},
		{"dns.example", "dns.example:53", ""},
		{"dns.example:54", "dns.example:54", ""},
		{"localhost:54", "localhost:54", ""},
		{"tls://dns.example", "tls://dns.example:853", ""},
		{"tls://dns.example:443", "tls://dns.example:443", ""},
		{"tls://192.0.2.1", "tls://192.0.2.1:853", ""},
		{"tls://2001:db8::1", "tls://[2001:db8::1]:853", ""},
		{"tls://fe80::1%eth0", "tls://[fe80::1%eth0]:853", ""},
		{"tls://[2001:db8::1]:853#dns.example", "tls://[2001:db8::1]:853#dns.example", ""},
		{"", "", "empty"},
		{" ", "", "empty"},
		{"https://dns.example/dns-query", "", "only tls://"},
		{"udp://192.0.2.1", "", "only tls://"},
		{"tls://", "", "neither"},
		{"192.0.2.1:", "", "port"},
		{"192.0.2.1:0", "", "port"},
		{"192.0.2.1:65536", "", "port"},
		{"192.0.2.1:dns", "", "port"},
		{"192.0.2.300", "", "neither"},
		{"192.0.2", "", "neither"},
		{"2001:db8::1:53:53:53:53:53:53", "", "brackets"},
		{"[2001:db8::1", "", "brackets"},
		{"dns example", "", "neither"},
		{"dns..example", "", "neither"},
		{"-dns.example", "", "neither"},
		{"bücher.example", "", "neither"},
		{"192.0.2.1#dns.example", "", "tls:// only"},
		{"tls://192.0.2.1#", "", "certificate"},
	}
	for _, tt := range tests {
		s, err := resolver.ParseServer(tt.in)
		switch {
		case tt.wrong != "":
			if err == nil || !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("%q: %v, %v; want an error about %q", tt.in, s, err, tt.wrong)
			}
		case err != nil || s.String() != tt.want:
			t.Errorf("%q: %v, %v; want %s", tt.in, s, err, tt.want)
		}
	}
}

func FuzzParseServer(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "[2001:db8::1]:53", "tls://dns.example#a.b", "tls://[::]:1#x", "fe80::1%eth0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		s, err := resolver.ParseServer(in)
		if err != nil {
			return
		}
		again, err := resolver.ParseServer(s.String())
		if err != nil || again != s {
			t.Errorf("%q: %+v is written %q, which is read as %+v, %v", in, s, s, again, err)
		}
	})
}

func TestSystem(t *testing.T) {
	tests := []struct {
		name, file string
		want       []string
	}{
		{"usual", "# comment\nsearch example.test\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 \noptions edns0\n", []string{"192.0.2.1", "2001:db8::1"}},
		{"zone", "nameserver fe80::1%eth0\n", []string{"fe80::1%eth0"}},
		{"CRLF and no last line end", "nameserver 192.0.2.1\r\nnameserver 192.0.2.2", []string{"192.0.2.1", "192.0.2.2"}},
		{"broken lines", "nameserver\nnameserver x y\n;nameserver 192.0.2.9\nNAMESERVER 192.0.2.8\nnameserver 192.0.2.1 # x\n", []string{"192.0.2.1"}},
		{"none", "search example.test\n", nil},
		{"empty", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "resolv.conf")
			if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := resolver.SystemFrom(path)
			if !slices.Equal(got, tt.want) || (err == nil) != (tt.want != nil) {
				t.Errorf("%q, %v", got, err)
			}
			for _, s := range got {
				if _, err := resolver.ParseServer(s); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if _, err := resolver.SystemFrom(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file is no error")
	}
}

func TestWrongConfiguration(t *testing.T) {
	n, _ := behave("answer")
	for _, tt := range []struct {
		name, qtype string
		r           *resolver.Resolver
	}{
		{"no servers", "A", &resolver.Resolver{Servers: []string{}}},
		{"bad server", "A", &resolver.Resolver{Servers: []string{"192.0.2.1", "192.0.2.1:x"}}},
		{"two that validate", "A", &resolver.Resolver{Servers: []string{"192.0.2.1"}, TrustAD: true, Validator: validator()}},
		{"no such type", "BOGUS", over(t, &n.fakeNet)},
		{"no RRset", "ANY", over(t, &n.fakeNet)},
		{"type 0", "TYPE0", over(t, &n.fakeNet)},
		{"type too large", "TYPE65536", over(t, &n.fakeNet)},
		{"lower case", "mx", over(t, &n.fakeNet)},
	} {
		if _, err := tt.r.Lookup(t.Context(), "example.test", tt.qtype); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
}
