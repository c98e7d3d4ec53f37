package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnstest"
)

// reverseZone is the zone arpa with the names of the mail servers' addresses:
// each has that of its host, unless the host says otherwise with "ptr: NAME..."
// or "ptr: no". It is one zone, where the Internet has three and more.
func (l *Lab) reverseZone(hosts []hostText, zones map[string]string) (*dnstest.Zone, error) {
	names := map[string][]string{}
	for _, h := range hosts {
		names[dns.Fqdn(h.name)] = []string{h.name}
		if ptr, ok := h.values["ptr"]; ok {
			names[dns.Fqdn(h.name)] = strings.Fields(ptr)
		}
	}
	var lines []string
	for origin, text := range zones {
		p := dns.NewZoneParser(strings.NewReader(text), dns.Fqdn(origin), "")
		p.SetDefaultTTL(3600)
		for rr, ok := p.Next(); ok; rr, ok = p.Next() {
			var addr netip.Addr
			switch rr := rr.(type) {
			case *dns.A:
				addr, _ = netip.AddrFromSlice(rr.A.To4())
			case *dns.AAAA:
				addr, _ = netip.AddrFromSlice(rr.AAAA)
			default:
				continue
			}
			for _, name := range names[strings.ToLower(rr.Header().Name)] {
				reverse, err := dns.ReverseAddr(addr.String())
				if err != nil {
					return nil, fmt.Errorf("lab: reverse name of %s: %w", addr, err)
				}
				if name != "no" {
					lines = append(lines, reverse+" PTR "+dns.Fqdn(name))
				}
			}
		}
		if err := p.Err(); err != nil {
			return nil, fmt.Errorf("lab: zone %s: %w", origin, err)
		}
	}
	slices.Sort(lines)
	text := strings.Join(slices.Compact(lines), "\n") + "\n@ NS ns1.dns.test.\n@ NS ns2.dns.test.\n"
	return dnstest.ParseZone("arpa.", text, dnstest.Options{Signed: true})
}
