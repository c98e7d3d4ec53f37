// Package rpki says whether the origin of a route is authorised, by what the
// Resource Public Key Infrastructure holds (RFC 6480).
//
// Every network on the Internet is a set of address prefixes, announced over
// BGP by autonomous systems (AS), each with a number. BGP believes whoever
// announces. The holder of addresses can therefore sign a Route Origin
// Authorisation (ROA, RFC 9582): this AS may announce this prefix, and what is
// inside it down to this length. Software called a relying party (Routinator,
// rpki-client and others) fetches all ROAs, checks the signatures and writes
// what is left as Validated ROA Payloads: triples of prefix, maximum length and
// AS number. This package begins there; it checks no signatures.
//
// Origin validation (RFC 6811, Section 2) compares a route, which is a prefix
// and the AS at the end of its path, with the VRPs:
//
//   - A VRP covers the route if its prefix contains the route's, or is the same.
//   - A covering VRP matches if it has the route's AS number and the route's
//     prefix is no longer than its maximum length.
//   - The route is valid if a VRP matches, invalid if some cover but none
//     matches, and not-found if none covers.
//
// A VRP for AS 0 says that nobody may announce the prefix (RFC 6483, Section
// 4): AS 0 is never the origin of a route (RFC 7607), so it matches nothing.
// The same holds for a route whose path ends in an AS_SET: its origin is NONE,
// which is written as 0 here.
//
// An invalid route is dropped by networks that validate, so mail for an address
// in it is lost, or goes to whom it does not belong if the ROA is right.
//
// A [VRPs] and a [Routes] are tables, filled through their builders from files
// in the formats that relying parties and route collectors write, or, in package
// rtr, from an RTR cache. Which AS announces an address can also be asked of the
// DNS: see [Zones].
//
// What is not known is not judged. A table that was never loaded, is empty, or
// comes from a source too old ([Source.Condition]) gives [StateUnknown] with
// the condition that says why; an old list of VRPs would call a network that
// has since moved invalid, an empty one would call everything not-found.
//
// The package reads from what it is given, opens nothing and asks nobody; the
// clock is its caller's. What it reads is bounded in size and number.
package rpki

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ASN is the number of an autonomous system (RFC 6793). 0 is nobody's.
type ASN uint32

// String is the number as RFC 5396 writes it ("asplain"), after "AS".
func (a ASN) String() string { return "AS" + strconv.FormatUint(uint64(a), 10) }

// ParseASN reads a number with or without "AS" before it.
func ParseASN(s string) (ASN, error) {
	digits := s
	if len(s) > 2 && strings.EqualFold(s[:2], "AS") {
		digits = s[2:]
	}
	// ParseUint takes a sign for an error, as it should.
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("rpki: %s is no AS number", quote(s))
	}
	return ASN(n), nil
}

// VRP is a validated ROA payload (RFC 6811, Section 2).
type VRP struct {
	Prefix      netip.Prefix // masked; never an IPv4-mapped one
	MaxLength   int          // from Prefix.Bits to the length of an address
	ASN         ASN          // 0: nobody may announce the prefix
	TrustAnchor string       // the registry below which it was found; "" if not told
}

// String is the VRP in one line, for people.
func (v VRP) String() string {
	return fmt.Sprintf("%s-%d %s", v.Prefix, v.MaxLength, v.ASN)
}

// Route is a prefix as announced, with its origin (RFC 6811, Section 2).
type Route struct {
	Prefix netip.Prefix
	// Origin is the last AS of the path; 0 where that is an AS_SET, so that
	// there is none. Internet.nl leaves such routes out.
	Origin ASN
	// Peers is how many peers of the route collector see the route; 0 if the
	// source does not tell.
	Peers int
}

// String is the route in one line, for people.
func (r Route) String() string {
	if r.Origin == 0 {
		return r.Prefix.String() + " without an origin"
	}
	return r.Prefix.String() + " " + r.Origin.String()
}

// HostPrefix is the prefix that holds addr alone, as a route to ask about where
// none is known. The zero Addr has none.
func HostPrefix(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	return netip.PrefixFrom(addr, addr.BitLen())
}

// Truncated is the network for which Internet.nl looks up routes in place of
// addr: its /24, of IPv6 its /48. Longer prefixes are hardly accepted between
// networks.
func Truncated(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	p, _ := addr.Prefix(bits) // the zero Addr gives the zero Prefix
	return p
}

// checkVRP bounds what a source may claim, and gives the prefix its one form.
func checkVRP(v VRP) (VRP, error) {
	p, err := checkPrefix(v.Prefix)
	if err != nil {
		return v, err
	}
	if v.MaxLength < p.Bits() || v.MaxLength > p.Addr().BitLen() {
		// RFC 9582, Section 4.3.2.2.
		return v, fmt.Errorf("maximum length %d for %s", v.MaxLength, p)
	}
	v.Prefix = p
	return v, nil
}

func checkPrefix(p netip.Prefix) (netip.Prefix, error) {
	switch {
	case !p.IsValid():
		return p, fmt.Errorf("no prefix")
	case p.Addr().Is4In6():
		return p, fmt.Errorf("%s is an IPv4-mapped prefix", p)
	case p != p.Masked():
		return p, fmt.Errorf("%s has bits set behind its length", p)
	}
	return p, nil
}

// quote makes text from a source fit for an error: short and printable.
func quote(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "..."
	}
	return strconv.QuoteToASCII(s)
}
