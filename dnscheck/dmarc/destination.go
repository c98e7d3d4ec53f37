package dmarc

import (
	"slices"
	"strings"

	"mailvet/report/evidence"
)

// Destination is a host outside the organization that reports go to.
type Destination struct {
	Host    string // in presentation format
	Name    string // where its consent must stand: "DOMAIN._report._dmarc.HOST"
	Lookup  *evidence.Lookup
	Consent bool
}

// Unknown reports whether it is not known if the host consented.
func (d Destination) Unknown() bool {
	return d.Lookup == nil || d.Lookup.Unknown() && d.Lookup.Outcome != evidence.OutcomeBadName
}

// Destinations lists the external hosts of a record's report addresses, each
// once, and whether they consented (RFC 7489, Section 7.1): there must be a
// TXT record that begins like a DMARC record. Hosts of the organization that
// the record belongs to need no consent. Of more than [MaxDestinations] only
// one more is listed, without Lookup.
func Destinations(src Source, domain string, r *Record) []Destination {
	var hosts []string
	for _, tag := range []string{"rua", "ruf"} {
		for _, a := range r.Addresses(tag) {
			if i := strings.LastIndexByte(a, '@'); i >= 0 {
				hosts = append(hosts, strings.TrimSuffix(lowerASCII(evidence.EscapeText(trim(a[i+1:]))), "."))
			}
		}
	}
	return destinations(src, domain, hosts, Consents)
}

// Consents reports whether an answer holds a destination's consent: a TXT
// record that begins like a DMARC record, whatever stands beside it (RFC 7489,
// Section 7.1; RFC 9990, Section 4).
func Consents(l *evidence.Lookup) bool { return len(selectTexts(l, isRecord)) > 0 }

func destinations(src Source, domain string, hosts []string, consents func(*evidence.Lookup) bool) []Destination {
	domain = evidence.Name(domain)
	org := OrgDomain(domain)
	var list []Destination
	for _, h := range hosts {
		if OrgDomain(h) == org || slices.ContainsFunc(list, func(d Destination) bool { return d.Host == h }) {
			continue
		}
		d := Destination{Host: h, Name: domain + "._report._dmarc." + h}
		if len(list) == MaxDestinations {
			return append(list, d)
		}
		d.Lookup = src(d.Name, "TXT")
		d.Consent = consents(d.Lookup)
		list = append(list, d)
	}
	return list
}
