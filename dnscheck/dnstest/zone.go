package dnstest

import (
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Options says how a zone is served. The zero value is an unsigned zone.
type Options struct {
	Signed bool
	// Algorithm is the DNSSEC algorithm number of the keys: 13 when 0; 5, 7, 8,
	// 10, 14 and 15 are real too. Any other number gives well-formed keys and
	// signatures that nobody can verify, for tests of unsupported algorithms.
	Algorithm uint8
	// Also is a second algorithm that everything is signed with too, as in a
	// roll-over of algorithms (RFC 6781, Section 4.1.4); 0 means none.
	Also uint8
	// NSEC3 chooses hashed denial of existence; nil means NSEC.
	NSEC3 *NSEC3Options
	// Inception and Expiration of all signatures; zero means one hour before,
	// and 14 days after the time of the world.
	Inception, Expiration time.Time
	// Seed makes the keys; the zone's name when empty.
	Seed string
	// SingleKey signs all with one key (flags 257) instead of a key-signing
	// key and a zone-signing key.
	SingleKey bool
	// Corrupt spoils every signature of the zone.
	Corrupt bool

	// NoDS leaves the DS record out of the parent: an island of security.
	NoDS bool
	// BadDS puts a DS record into the parent that no key of the zone matches,
	// also when the zone is not signed.
	BadDS bool
	// OldDS makes the DS record from a key of this algorithm, which the zone no
	// longer has; 0 means not.
	OldDS uint8
	// Digest is the digest type of the DS record: 2 (SHA-256) when 0; 1 and 4
	// are real too, others give a digest that nobody can verify.
	Digest uint8
}

// NSEC3Options are the parameters of RFC 5155. The zero value is what RFC
// 9276, Section 3.1, recommends: no extra iterations, no salt, no opt-out.
type NSEC3Options struct {
	Iterations uint16
	Salt       string // hexadecimal, "" for none
	OptOut     bool
}

// Zone is a zone's data before it is signed. It does not change, so it may be
// part of several worlds.
type Zone struct {
	origin  string
	records []dns.RR
	opts    Options
}

// ParseZone reads a zone file (RFC 1035, Section 5.1; $TTL of RFC 2308). The
// default TTL is 3600. All records must lie at or below origin; signatures and
// denial records must not be there, since signing makes them; DNSKEY records
// are published besides the zone's own. A missing SOA record is supplied.
func ParseZone(origin, text string, opts Options) (*Zone, error) {
	if _, err := dns.PackDomainName(dns.Fqdn(origin), make([]byte, 256), 0, nil, false); err != nil {
		return nil, fmt.Errorf("dnstest: zone %q: not a domain name", origin)
	}
	z := &Zone{origin: canonical(origin), opts: opts}
	parser := dns.NewZoneParser(strings.NewReader(text), z.origin, "")
	parser.SetDefaultTTL(3600)
	soa := false
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		rr, err := normal(rr)
		if err != nil {
			return nil, fmt.Errorf("dnstest: zone %s: %w", z.origin, err)
		}
		h := rr.Header()
		switch {
		case h.Class != dns.ClassINET:
			return nil, fmt.Errorf("dnstest: zone %s: %s: class is not IN", z.origin, h.Name)
		case !dns.IsSubDomain(z.origin, h.Name):
			return nil, fmt.Errorf("dnstest: zone %s: %s %s lies outside", z.origin, h.Name, dns.TypeToString[h.Rrtype])
		}
		switch h.Rrtype {
		case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM:
			return nil, fmt.Errorf("dnstest: zone %s: %s %s is made by signing", z.origin, h.Name, dns.TypeToString[h.Rrtype])
		case dns.TypeSOA:
			if soa || h.Name != z.origin {
				return nil, fmt.Errorf("dnstest: zone %s: %s: an SOA record too many", z.origin, h.Name)
			}
			soa = true
		}
		z.records = append(z.records, rr)
	}
	if err := parser.Err(); err != nil {
		return nil, fmt.Errorf("dnstest: zone %s: %w", z.origin, err)
	}
	if !soa {
		z.records = append(z.records, defaultSOA(z.origin))
	}
	return z, nil
}

// MustParseZone is ParseZone for texts that are part of the program: it panics
// on errors.
func MustParseZone(origin, text string, opts Options) *Zone {
	z, err := ParseZone(origin, text, opts)
	if err != nil {
		panic(err)
	}
	return z
}

// Origin is the zone's name, in lower case and with the final dot.
func (z *Zone) Origin() string { return z.origin }

// normal takes a record through its form in messages, where the parser's
// leniency ends, and gives its owner name in the canonical form.
func normal(rr dns.RR) (dns.RR, error) {
	wire := make([]byte, dns.Len(rr))
	n, err := dns.PackRR(rr, wire, 0, nil, false)
	if err != nil {
		return nil, err
	}
	rr, _, err = dns.UnpackRR(wire[:n], 0)
	if err != nil {
		return nil, err
	}
	rr.Header().Name = canonical(rr.Header().Name)
	return rr, nil
}

func defaultSOA(origin string) *dns.SOA {
	return &dns.SOA{
		Hdr:     dns.RR_Header{Name: origin, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 3600},
		Ns:      join("ns", origin),
		Mbox:    join("hostmaster", origin),
		Serial:  1,
		Refresh: 7200, Retry: 3600, Expire: 1209600, Minttl: 300,
	}
}
