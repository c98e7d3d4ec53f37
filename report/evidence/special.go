package evidence

import "net/netip"

// special is one block of addresses that no mail server on the Internet has.
type special struct {
	prefix netip.Prefix
	name   string
	rfc    string // where the block is set apart
}

// specials are the blocks of the IANA IPv4 and IPv6 Special-Purpose Address
// Registries (RFC 6890, RFC 8190) that are not globally reachable, multicast
// (RFC 5771, RFC 4291), and blocks once reserved and never given back. The
// anycast services among the registries' globally reachable blocks (AS112,
// AMT) are left out: to connect there harms nobody. More specific blocks come
// first.
var specials = []special{
	{netip.MustParsePrefix("0.0.0.0/8"), "this network", "RFC 791, Section 3.2"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private use", "RFC 1918"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared address space (CGN)", "RFC 6598"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback", "RFC 1122, Section 3.2.1.3"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local", "RFC 3927"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private use", "RFC 1918"},
	{netip.MustParsePrefix("192.0.0.0/24"), "IETF protocol assignments", "RFC 6890, Section 2.1"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation", "RFC 5737"},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay anycast, deprecated", "RFC 7526"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private use", "RFC 1918"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking", "RFC 2544"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation", "RFC 5737"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation", "RFC 5737"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast", "RFC 5771"},
	{netip.MustParsePrefix("255.255.255.255/32"), "limited broadcast", "RFC 8190"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved", "RFC 1112, Section 4"},

	{netip.MustParsePrefix("::/128"), "unspecified", "RFC 4291, Section 2.5.2"},
	{netip.MustParsePrefix("::1/128"), "loopback", "RFC 4291, Section 2.5.3"},
	{netip.MustParsePrefix("::/96"), "IPv4-compatible, deprecated", "RFC 4291, Section 2.5.5.1"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "local-use translation", "RFC 8215"},
	{netip.MustParsePrefix("100::/64"), "discard-only", "RFC 6666"},
	{netip.MustParsePrefix("100:0:0:1::/64"), "dummy prefix", "RFC 9780"},
	{netip.MustParsePrefix("2001::/32"), "Teredo", "RFC 4380"},
	{netip.MustParsePrefix("2001:2::/48"), "benchmarking", "RFC 5180"},
	{netip.MustParsePrefix("2001:10::/28"), "ORCHID, deprecated", "RFC 4843"},
	{netip.MustParsePrefix("2001:20::/28"), "ORCHIDv2", "RFC 7343"},
	{netip.MustParsePrefix("2001::/23"), "IETF protocol assignments", "RFC 2928"},
	{netip.MustParsePrefix("2001:db8::/32"), "documentation", "RFC 3849"},
	{netip.MustParsePrefix("3fff::/20"), "documentation", "RFC 9637"},
	{netip.MustParsePrefix("5f00::/16"), "segment routing SIDs", "RFC 9602"},
	{netip.MustParsePrefix("fc00::/7"), "unique local", "RFC 4193"},
	{netip.MustParsePrefix("fe80::/10"), "link-local", "RFC 4291, Section 2.5.6"},
	{netip.MustParsePrefix("fec0::/10"), "site-local, deprecated", "RFC 3879"},
	{netip.MustParsePrefix("ff00::/8"), "multicast", "RFC 4291, Section 2.7"},
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052, Section 2.1
	sixToFour = netip.MustParsePrefix("2002::/16")    // RFC 3056, Section 2
)

// SpecialPurpose reports whether an address belongs to a block that no mail
// server on the Internet has, and names the block with its RFC: "private use
// (RFC 1918)".
//
// Addresses that carry an IPv4 address, as those of NAT64 (RFC 6052) and 6to4
// (RFC 3056), are special if that one is; IPv4-mapped ones (RFC 4291, Section
// 2.5.5.2) always are, for they never appear on the wire.
func SpecialPurpose(addr netip.Addr) (name string, is bool) {
	if addr.Is4In6() {
		return "IPv4-mapped (RFC 4291, Section 2.5.5.2)", true
	}
	addr = addr.WithZone("")
	for _, s := range specials {
		if s.prefix.Contains(addr) {
			return s.name + " (" + s.rfc + ")", true
		}
	}
	b := addr.AsSlice()
	switch {
	case nat64.Contains(addr):
		if name, is = SpecialPurpose(netip.AddrFrom4([4]byte(b[12:16]))); is {
			return "NAT64 (RFC 6052) of " + name, true
		}
	case sixToFour.Contains(addr):
		if name, is = SpecialPurpose(netip.AddrFrom4([4]byte(b[2:6]))); is {
			return "6to4 (RFC 3056) of " + name, true
		}
	}
	return "", false
}
