package dnstest

import (
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// locate notes at which addresses a zone is served: those of the hosts that
// its own NS records or its parent's name.
func (w *World) locate(t *tree) {
	var hosts []string
	add := func(s *rrset) {
		for _, rr := range s.rrs {
			if host := canonical(rr.(*dns.NS).Ns); !slices.Contains(hosts, host) {
				hosts = append(hosts, host)
			}
		}
	}
	add(t.apex.sets[dns.TypeNS])
	if t.parent != nil {
		add(t.parent.nodes[t.origin].sets[dns.TypeNS])
	}
	for _, host := range hosts {
		for _, addr := range w.addresses(host, t) {
			if !slices.Contains(w.hosts[addr], t.origin) {
				w.hosts[addr] = append(w.hosts[addr], t.origin)
			}
		}
	}
}

// addresses finds the addresses of a name server: from the zone that holds the
// name, or else from the parent's glue.
func (w *World) addresses(host string, t *tree) []netip.Addr {
	var list []netip.Addr
	for _, typ := range []uint16{dns.TypeA, dns.TypeAAAA} {
		r := new(response)
		w.enclosing(host).lookup(r, host, typ)
		rrs := r.answer
		if len(rrs) == 0 && t.parent != nil {
			if glue := t.parent.nodes[host]; glue != nil && glue.sets[typ] != nil {
				rrs = glue.sets[typ].rrs
			}
		}
		for _, rr := range rrs {
			switch rr := rr.(type) {
			case *dns.A:
				if addr, ok := netip.AddrFromSlice(rr.A.To4()); ok {
					list = append(list, addr)
				}
			case *dns.AAAA:
				if addr, ok := netip.AddrFromSlice(rr.AAAA.To16()); ok {
					list = append(list, addr)
				}
			}
		}
	}
	return list
}

// ServersFor gives the authoritative server that lives at an address: that of
// all zones one of whose name servers resolves to it. It is nil if there is
// none, and the same server for the same address every time, so that faults
// and counts stay with it.
func (w *World) ServersFor(addr netip.Addr) *Server {
	addr = addr.Unmap()
	zones := w.hosts[addr]
	if zones == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.servers[addr]
	if s == nil {
		s = w.Authoritative(zones...)
		w.servers[addr] = s
	}
	return s
}

// Addrs lists the addresses at which name servers live, sorted.
func (w *World) Addrs() []netip.Addr {
	list := make([]netip.Addr, 0, len(w.hosts))
	for addr := range w.hosts {
		list = append(list, addr)
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return list
}
