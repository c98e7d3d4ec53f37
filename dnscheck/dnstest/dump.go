package dnstest

import (
	"cmp"
	"slices"

	"github.com/miekg/dns"
)

// SignedZone gives all records of a zone as a primary server would load them:
// the SOA record first, names in canonical order, signatures, denial chain and
// glue included. It gives nil for a zone that is not in the world.
func (w *World) SignedZone(origin string) []dns.RR {
	t := w.zones[canonical(origin)]
	if t == nil {
		return nil
	}
	names := make([]string, 0, len(t.nodes))
	for name := range t.nodes {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(orderKey(a), orderKey(b)) })
	r := &response{do: true}
	r.put(&r.answer, t, t.apex.sets[dns.TypeSOA], t.origin)
	for _, name := range names {
		n := t.nodes[name]
		for _, typ := range n.allTypes() {
			switch s := n.sets[typ]; {
			case typ == dns.TypeSOA:
			case n.hidden, n.cut && typ != dns.TypeDS && typ != dns.TypeNSEC:
				r.answer = append(r.answer, s.rrs...)
			default:
				r.put(&r.answer, t, s, name)
			}
		}
	}
	if chain, ok := t.denial.(*nsec3Chain); ok {
		for _, s := range chain.sets {
			r.put(&r.answer, t, s, s.header().Name)
		}
	}
	return r.answer
}

// allTypes lists the types of all RRsets at a node, sorted.
func (n *node) allTypes() []uint16 {
	list := make([]uint16, 0, len(n.sets))
	for typ := range n.sets {
		list = append(list, typ)
	}
	slices.Sort(list)
	return list
}
