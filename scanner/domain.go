package scanner

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// ErrDomain is wrapped by every error of ParseDomain.
var ErrDomain = errors.New("not a domain that can be scanned")

// Domain is one thing to scan.
type Domain struct {
	Name  string // lower-case A-labels, no final dot
	Local string // what stood before the @ of a mail address; empty for a domain, and for what DNS and web could not be asked for
	Input string // as the user wrote it
	Line  int    // of the list it came from; 0 for an argument
}

// Address is the mail address; empty where a domain was given.
func (d Domain) Address() string {
	if d.Local == "" {
		return ""
	}
	return d.Local + "@" + d.Name
}

// maxLocal is the longest local part (RFC 5321, Section 4.5.3.1.1).
const maxLocal = 64

// localPart is what stands before the @, if it is a plain one: no quotes, no
// white space, nothing invisible.
func localPart(s string) string {
	s = strings.TrimPrefix(s, "mailto:")
	bad := func(r rune) bool { return r <= ' ' || !unicode.IsPrint(r) || strings.ContainsRune(`"\\()<>[]:;,@`, r) }
	if len(s) > maxLocal || strings.ContainsFunc(s, bad) {
		return ""
	}
	return s
}

// maxInput bounds what is even looked at: far longer than any domain, address
// or URL that somebody means.
const maxInput = 2000

// ParseDomain reads a domain name, an e-mail address (its domain is meant) or
// a URL (its host is meant), with U-labels or A-labels, in any case, with or
// without the final dot. The name must be one that can have mail: at least two
// labels of letters, digits and hyphens (RFC 5321, Section 2.3.5), at most 253
// octets (RFC 1035, Section 2.3.4). Errors wrap ErrDomain and say what to do.
func ParseDomain(input string) (Domain, error) {
	fail := func(format string, args ...any) (Domain, error) {
		return Domain{}, fmt.Errorf("%s: %w: %s", quote(input), ErrDomain, fmt.Sprintf(format, args...))
	}
	if len(input) > maxInput {
		return fail("it is %d octets long; a domain name has at most 253", len(input))
	}
	if !utf8.ValidString(input) {
		return fail("it is not UTF-8; write internationalised names in UTF-8 or as A-labels (xn--...)")
	}
	name := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(input), "\ufeff"))
	if name == "" {
		return fail("it is empty; give a domain such as example.org")
	}
	if strings.Contains(name, "://") {
		u, err := url.Parse(name)
		if err != nil || u.Hostname() == "" {
			return fail("it looks like a URL without a host; give the domain alone")
		}
		name = u.Hostname()
	}
	local := ""
	if i := strings.LastIndexByte(name, '@'); i >= 0 {
		local = localPart(name[:i])
		if name = name[i+1:]; name == "" {
			return fail("there is nothing after the @; give an address such as info@example.org")
		}
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return fail("it is an IP address; give the domain of the mail addresses")
	}
	name = strings.TrimSuffix(name, ".")
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		if why := ldh(name); why != "" {
			return fail("%s", why)
		}
		return fail("it is no valid internationalised name (IDNA 2008); check the spelling")
	}
	ascii = strings.ToLower(ascii)
	if why := ldh(ascii); why != "" {
		return fail("%s", why)
	}
	return Domain{Name: ascii, Local: local, Input: input}, nil
}

// ldh says what keeps a name of ASCII letters from being a domain of mail; "" if nothing.
func ldh(name string) string {
	if len(name) > 253 {
		return fmt.Sprintf("it is %d octets long; a domain name has at most 253", len(name))
	}
	labels := strings.Split(name, ".")
	for _, l := range labels {
		switch {
		case l == "":
			return "it has an empty label (two dots, or a dot in front)"
		case len(l) > 63:
			return fmt.Sprintf("a label is %d octets long; at most 63 are allowed", len(l))
		case l[0] == '-' || l[len(l)-1] == '-':
			return "a label begins or ends with a hyphen"
		}
		for _, r := range l {
			if r > 127 {
				return ""
			}
			if !(r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
				return fmt.Sprintf("the character %q cannot be in a mail domain%s", r, hint(r))
			}
		}
	}
	if len(labels) < 2 {
		return "it has only one label; give a whole domain such as example.org"
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return "its last label is a number; give the domain of the mail addresses"
	}
	return ""
}

// hint says what to do about the characters that people do put there.
func hint(r rune) string {
	switch r {
	case ' ', '\t':
		return "; give one domain at a time"
	case ':':
		return "; leave out the port"
	case '/':
		return "; leave out the path"
	case '<', '>':
		return "; give the address alone"
	case '*':
		return "; give a domain that is there"
	}
	return ""
}

// quote shows input in an error, bounded and without control characters.
func quote(input string) string {
	const most = 80
	if len(input) > most {
		return fmt.Sprintf("%q...", input[:most])
	}
	return fmt.Sprintf("%q", input)
}
