package rpki

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

// Zones are the DNS zones of a service that tells who announces an address, in
// the manner of Team Cymru. Zero fields are that service's own zones.
type Zones struct {
	IPv4  string // origins of IPv4 addresses; "": origin.asn.cymru.com
	IPv6  string // origins of IPv6 addresses; "": origin6.asn.cymru.com
	Names string // names of autonomous systems; "": asn.cymru.com
}

// OriginName is the name whose TXT records tell the origins of the routes to
// addr: its octets, of IPv6 its nibbles, in reverse before the zone, as for
// in-addr.arpa (RFC 1035, Section 3.5) and ip6.arpa (RFC 3596, Section 2.5). It
// is "" for the zero Addr.
func (z Zones) OriginName(addr netip.Addr) string {
	addr = addr.Unmap()
	var b strings.Builder
	switch {
	case addr.Is4():
		a := addr.As4()
		for _, c := range slices.Backward(a[:]) {
			fmt.Fprintf(&b, "%d.", c)
		}
		b.WriteString(zone(z.IPv4, "origin.asn.cymru.com"))
	case addr.Is6():
		a := addr.As16()
		for _, c := range slices.Backward(a[:]) {
			fmt.Fprintf(&b, "%x.%x.", c&0xf, c>>4)
		}
		b.WriteString(zone(z.IPv6, "origin6.asn.cymru.com"))
	}
	return b.String()
}

// SystemName is the name whose TXT record tells the name of an autonomous
// system.
func (z Zones) SystemName(a ASN) string {
	return strings.ToLower(a.String()) + "." + zone(z.Names, "asn.cymru.com")
}

func zone(name, standard string) string {
	if name == "" {
		return standard
	}
	return strings.ToLower(strings.Trim(name, "."))
}

// Announcement is one TXT record about an address: a prefix that contains it,
// with who announces it and how it is registered.
type Announcement struct {
	Origins   []ASN // ascending; empty if nobody does
	Prefix    netip.Prefix
	Country   string // two capital letters, of the registration; "" if not told
	Registry  string // "arin", "ripencc"; "" if not told
	Allocated string // a date, 2006-01-02; "" if not told
}

// System is the TXT record about an autonomous system. Text is made printable
// and cut to a bound.
type System struct {
	ASN       ASN
	Country   string
	Registry  string
	Allocated string
	Name      string
}

// Bounds on what a record may hold.
const (
	maxText          = 1024 // octets of one record
	maxAnnouncements = 64   // records for one address
	maxWord          = 16   // octets of a registry's name
	maxName          = 128  // characters of a system's name
)

// ParseAnnouncement reads "64496 | 192.0.2.0/24 | NL | ripencc | 2001-02-03".
// Several origins stand beside one another, "NA" is none. What is behind the
// prefix only informs: it may be missing, and is left out where odd.
func ParseAnnouncement(text string) (Announcement, error) {
	f, err := splitRecord(text)
	if err != nil {
		return Announcement{}, err
	}
	var a Announcement
	for _, s := range strings.Fields(f[0]) {
		if s == "NA" {
			continue
		}
		n, err := ParseASN(s)
		if err != nil {
			return Announcement{}, err
		}
		a.Origins = append(a.Origins, n)
	}
	slices.Sort(a.Origins)
	a.Origins = slices.Compact(a.Origins)
	if len(a.Origins) > maxOrigins {
		return Announcement{}, fmt.Errorf("rpki: more than %d origins of one prefix: %w", maxOrigins, ErrTooLarge)
	}
	if a.Prefix, err = parsePrefix(f[1]); err == nil {
		a.Prefix, err = checkPrefix(a.Prefix)
	}
	if err != nil {
		return Announcement{}, fmt.Errorf("rpki: read an origin: %w", err)
	}
	a.Country, a.Registry, a.Allocated = country(f[2]), word(f[3]), date(f[4])
	return a, nil
}

// ParseSystem reads "64496 | NL | ripencc | 2001-02-03 | EXAMPLE, NL".
func ParseSystem(text string) (System, error) {
	f, err := splitRecord(text)
	if err != nil {
		return System{}, err
	}
	asn, err := ParseASN(f[0])
	if err != nil {
		return System{}, err
	}
	return System{asn, country(f[1]), word(f[2]), date(f[3]), printable(f[4])}, nil
}

// ParseAnnouncements reads the records for one address, and puts the most
// specific prefix first. A record that cannot be read, or is about another
// address, is left out; the error then tells of it beside the others. A result
// without any announcement but with an error is unknown, not unrouted.
func ParseAnnouncements(addr netip.Addr, texts []string) ([]Announcement, error) {
	addr = addr.Unmap().WithZone("")
	var list []Announcement
	var errs []error
	if len(texts) > maxAnnouncements {
		errs = append(errs, fmt.Errorf("rpki: %d records about %s, of which %d are read: %w", len(texts), addr, maxAnnouncements, ErrTooLarge))
		texts = texts[:maxAnnouncements]
	}
	for _, text := range texts {
		a, err := ParseAnnouncement(text)
		if err == nil && !a.Prefix.Contains(addr) {
			err = fmt.Errorf("rpki: a record about %s in answer to a question about %s", a.Prefix, addr)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b Announcement) int {
		return cmp.Or(cmp.Compare(b.Prefix.Bits(), a.Prefix.Bits()), slices.Compare(b.Origins, a.Origins), cmp.Compare(a.Registry, b.Registry))
	})
	return list, errors.Join(errs...)
}

// RoutesOf are the routes in announcements, one for each origin, in the order
// that [Routes.To] gives; how many peers see them is not told.
func RoutesOf(list []Announcement) []Route {
	var routes []Route
	for _, a := range list {
		for _, o := range slices.Backward(a.Origins) {
			if r := (Route{Prefix: a.Prefix, Origin: o}); !slices.Contains(routes, r) {
				routes = append(routes, r)
			}
		}
	}
	return routes
}

// splitRecord gives five fields, the last ones "" where the record ends early.
// A bar in the last field belongs to it.
func splitRecord(text string) ([5]string, error) {
	var f [5]string
	if len(text) > maxText {
		return f, fmt.Errorf("rpki: a record of %d octets: %w", len(text), ErrTooLarge)
	}
	parts := strings.SplitN(text, "|", len(f))
	if len(parts) < 2 {
		return f, fmt.Errorf("rpki: %s is no record about an origin or system", quote(text))
	}
	for i, p := range parts {
		f[i] = strings.TrimSpace(p)
	}
	return f, nil
}

func country(s string) string {
	if len(s) == 2 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return s
	}
	return ""
}

func word(s string) string {
	if len(s) <= maxWord && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" {
		return s
	}
	return ""
}

func date(s string) string {
	if len(s) != len("2006-01-02") {
		return ""
	}
	for i := range s {
		if dash := i == 4 || i == 7; dash != (s[i] == '-') || !dash && (s[i] < '0' || s[i] > '9') {
			return ""
		}
	}
	return s
}

// printable drops what is not for reading, and cuts the rest to its bound.
func printable(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			r = '?'
		}
		if n++; n > maxName {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
