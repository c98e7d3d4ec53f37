package dmarc

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// OrgDomain returns the organizational domain of a name by the public suffix
// list, the private section included: one label more than the longest rule
// that matches, as many as an exception has, two labels where no rule matches.
// For a name that is itself a public suffix, or one label, it is empty. The
// name is in lower case, without final dot.
//
// The list is the one of golang.org/x/net/publicsuffix; Internet.nl fetches it
// once a day.
func OrgDomain(name string) string {
	suffix, _ := publicsuffix.PublicSuffix(name)
	if isAddr(name) {
		// The library makes an exception for addresses, the algorithm does not.
		suffix = name[strings.LastIndexByte(name, '.')+1:]
	}
	above := strings.TrimSuffix(name, suffix)
	if above == name || !strings.HasSuffix(above, ".") {
		return ""
	}
	return name[strings.LastIndexByte(above[:len(above)-1], '.')+1:]
}

// isAddr reports whether a text is an address. It ends in a digit or has a
// colon, which saves most names the parsing.
func isAddr(name string) bool {
	if name == "" || !strings.Contains(name, ":") && (name[len(name)-1] < '0' || name[len(name)-1] > '9') {
		return false
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}
