package dnssec

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/miekg/dns"
)

// maxAnchors bounds what ParseAnchors reads.
const maxAnchors = 1000

// RootAnchors returns the trust anchors of the root zone as published by IANA:
// the key-signing keys of 2017 and 2024 (https://data.iana.org/root-anchors/).
func RootAnchors() []dns.RR {
	ds := func(tag uint16, digest string) dns.RR {
		return &dns.DS{
			Hdr:    dns.RR_Header{Name: ".", Rrtype: dns.TypeDS, Class: dns.ClassINET},
			KeyTag: tag, Algorithm: dns.RSASHA256, DigestType: dns.SHA256, Digest: digest,
		}
	}
	return []dns.RR{
		ds(20326, "e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d"),
		ds(38696, "683d2d0acb8c9b712a1948b27f741219298d0a450d612c483af444a4c0fb2b16"),
	}
}

// ParseAnchors reads trust anchors in zone file format (RFC 1035, Section 5):
// DS and DNSKEY records, comments and empty lines, names taken as absolute.
// Anything else is an error that gives the line, for an anchor file half read
// would silently change what is secure.
func ParseAnchors(r io.Reader) ([]dns.RR, error) {
	var list []dns.RR
	sc := bufio.NewScanner(r)
	entry, first := "", 0
	for line := 1; sc.Scan(); line++ {
		text := strings.TrimSpace(uncomment(sc.Text()))
		if entry == "" {
			first = line
		}
		if entry += " " + text; open(entry) { // the record goes on in the next line
			continue
		}
		rr, err := parseAnchor(entry)
		if err != nil {
			return nil, fmt.Errorf("dnssec: trust anchors: line %d: %w", first, err)
		}
		if rr != nil {
			list = append(list, rr)
		}
		if len(list) > maxAnchors {
			return nil, fmt.Errorf("dnssec: trust anchors: line %d: more than %d records", first, maxAnchors)
		}
		entry = ""
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("dnssec: trust anchors: %w", err)
	}
	if strings.TrimSpace(entry) != "" {
		return nil, fmt.Errorf("dnssec: trust anchors: line %d: a parenthesis is not closed", first)
	}
	if len(list) == 0 {
		return nil, errors.New("dnssec: trust anchors: there is no DS or DNSKEY record")
	}
	return list, nil
}

// uncomment cuts off a comment. Neither DS nor DNSKEY holds quoted text.
func uncomment(line string) string {
	line, _, _ = strings.Cut(line, ";")
	return line
}

func open(entry string) bool { return strings.Count(entry, "(") > strings.Count(entry, ")") }

func parseAnchor(entry string) (dns.RR, error) {
	entry = strings.TrimSpace(entry)
	if entry == "" {
		return nil, nil
	}
	if strings.HasPrefix(entry, "$") {
		return nil, fmt.Errorf("directives such as %.20q are not read; write names in full", entry)
	}
	rr, err := dns.NewRR(entry)
	if err != nil {
		return nil, fmt.Errorf("this is no DS or DNSKEY record: %w", err)
	}
	if rr == nil {
		return nil, nil
	}
	if rr.Header().Class != dns.ClassINET {
		return nil, fmt.Errorf("class %s; anchors are of class IN", dns.ClassToString[rr.Header().Class])
	}
	switch x := rr.(type) {
	case *dns.DS:
		if _, err := hex.DecodeString(x.Digest); err != nil {
			return nil, errors.New("the digest of the DS record is not hexadecimal")
		}
		if size, ok := digestSizes[x.DigestType]; ok && len(x.Digest) != 2*size {
			return nil, fmt.Errorf("the digest of the DS record has %d hexadecimal digits; type %d has %d", len(x.Digest), x.DigestType, 2*size)
		}
	case *dns.DNSKEY:
		switch {
		case x.Flags&dns.ZONE == 0:
			return nil, fmt.Errorf("the DNSKEY record has flags %d: it is no zone key", x.Flags)
		case x.Flags&dns.REVOKE != 0:
			return nil, fmt.Errorf("the DNSKEY record has flags %d: it is revoked", x.Flags)
		case x.Protocol != 3:
			return nil, fmt.Errorf("the DNSKEY record has protocol %d; it must be 3", x.Protocol)
		}
		if _, err := newKey(x); err != nil {
			return nil, fmt.Errorf("the DNSKEY record: %w", err)
		}
	default:
		return nil, fmt.Errorf("a record of type %s; anchors are DS or DNSKEY", dns.TypeToString[rr.Header().Rrtype])
	}
	return rr, nil
}

// digestSizes are the DS digest types known here, with their octets
// (RFC 4034, 4509, 6605).
var digestSizes = map[uint8]int{dns.SHA1: 20, dns.SHA256: 32, dns.SHA384: 48}
