package message

import (
	"errors"
	"net/mail"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"mailvet/report/evidence"
)

// Author is one address of the From field.
type Author struct {
	Address string // as written, without display name; bounded
	Domain  string // lower-case A-labels
}

// Why a message has no author that DMARC could ask about.
var (
	ErrNoFrom        = errors.New("there is no From field")
	ErrSeveralFrom   = errors.New("there are several From fields")
	ErrMalformedFrom = errors.New("the From field holds no address that can be read")
	ErrManyFrom      = errors.New("the From field names too many domains")
)

// Bounds of what is kept of a message.
const (
	maxAuthors       = 20
	maxAuthorDomains = 4
	maxText          = 300 // octets of a text out of the message
)

// authors reads the one From field (RFC 5322, Section 3.6.2). What net/mail
// cannot read is tried once more in a simple way, for receivers are lenient:
// the address in the last angle brackets.
func authors(h []field) ([]Author, error) {
	from := fieldsOf(h, "From")
	switch len(from) {
	case 0:
		return nil, ErrNoFrom
	case 1:
	default:
		return nil, ErrSeveralFrom
	}
	value := from[0].value()
	var addresses []string
	// Display names are not looked at, so their encoding does not matter.
	if list, err := (&mail.AddressParser{}).ParseList(value); err == nil {
		for _, a := range list {
			addresses = append(addresses, a.Address)
		}
	} else if a := lastAngle(value); a != "" {
		addresses = append(addresses, a)
	}
	var found []Author
	var domains []string
	for _, a := range addresses {
		d := domainOf(a)
		if d == "" {
			continue
		}
		if !slices.Contains(domains, d) {
			domains = append(domains, d)
		}
		if len(found) < maxAuthors {
			found = append(found, Author{clip(a), d})
		}
	}
	switch {
	case len(found) == 0:
		return nil, ErrMalformedFrom
	case len(domains) > maxAuthorDomains:
		return found, ErrManyFrom
	}
	return found, nil
}

// lastAngle is what stands in the last pair of angle brackets, or the value
// itself where there are none and it is one word with an @.
func lastAngle(value string) string {
	i := strings.LastIndexByte(value, '<')
	if i < 0 {
		if strings.Count(value, "@") == 1 && !strings.ContainsAny(value, " \t,;:") {
			return value
		}
		return ""
	}
	inside, _, ok := strings.Cut(value[i+1:], ">")
	if !ok || strings.ContainsAny(inside, " \t<,;:") {
		return ""
	}
	return inside
}

// authorDomains are the domains in From, each once.
func authorDomains(list []Author) []string {
	var domains []string
	for _, a := range list {
		if !slices.Contains(domains, a.Domain) {
			domains = append(domains, a.Domain)
		}
	}
	return domains
}

// domainOf is the domain of an address, as lower-case A-labels; empty if there
// is none that the DNS could know.
func domainOf(address string) string {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return ""
	}
	return hostName(address[i+1:])
}

// hostName puts a domain name into lower-case A-labels (RFC 5891); empty for
// what is none, an address among them. Labels may have underscores.
func hostName(name string) string {
	name = strings.TrimSuffix(strings.TrimSpace(name), ".")
	if len(name) > 500 {
		return ""
	}
	if !isASCII(name) {
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil {
			return ""
		}
		name = ascii
	}
	name = evidence.Name(name)
	if _, err := netip.ParseAddr(name); err == nil || len(name) > 253 || !strings.Contains(name, ".") {
		return ""
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return ""
		}
		for _, c := range []byte(label) {
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return ""
			}
		}
	}
	return name
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] > 0x7f {
			return false
		}
	}
	return true
}

// clip bounds a text out of the message and makes it valid UTF-8.
func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "..."
	}
	return strings.ToValidUTF8(s, "\ufffd")
}
