package dnstest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// tree is a zone within a world: indexed, linked to its parent, signed.
type tree struct {
	origin string
	opts   Options
	nodes  map[string]*node // every name that exists, empty non-terminals and glue included
	apex   *node
	soa    *rrset // as negative answers carry it, see RFC 2308, Section 3
	keys   []*key // key-signing key first; nil for unsigned zones
	also   []*key // of the second algorithm, if there is one
	denial denial // nil for unsigned zones
	parent *tree  // nil for the root

	inception, expiration uint32
	trust                 trust
}

// node is what a zone holds at one name. One without sets is an empty
// non-terminal.
type node struct {
	name   string
	sets   map[uint16]*rrset
	cut    bool // a delegation: NS records, but not at the apex
	hidden bool // below a cut or a DNAME: glue, never answered from
}

// rrset is an RRset. Its signatures are made when they are first wanted.
type rrset struct {
	rrs  []dns.RR
	once sync.Once
	sigs []dns.RR
}

func (s *rrset) header() *dns.RR_Header { return s.rrs[0].Header() }

func newTree(z *Zone) *tree {
	t := &tree{origin: z.origin, opts: z.opts, nodes: make(map[string]*node)}
	t.apex = t.node(z.origin)
	for _, rr := range z.records {
		t.add(dns.Copy(rr))
	}
	return t
}

// node finds or makes the node of a name, with the empty non-terminals above.
func (t *tree) node(name string) *node {
	if n := t.nodes[name]; n != nil {
		return n
	}
	n := &node{name: name, sets: make(map[uint16]*rrset)}
	t.nodes[name] = n
	if name != t.origin {
		t.node(parent(name))
	}
	return n
}

// add puts a record into the zone. Duplicates are dropped, and the first
// record's TTL holds for the whole RRset (RFC 2181, Sections 5 and 5.2).
func (t *tree) add(rr dns.RR) {
	h := rr.Header()
	n := t.node(h.Name)
	s := n.sets[h.Rrtype]
	if s == nil {
		n.sets[h.Rrtype] = &rrset{rrs: []dns.RR{rr}}
		return
	}
	h.Ttl = s.header().Ttl
	for _, old := range s.rrs {
		if dns.IsDuplicate(old, rr) {
			return
		}
	}
	s.rrs = append(s.rrs, rr)
}

// finish marks cuts and what lies below them. It runs when all delegations are
// in, before the denial chain is built.
func (t *tree) finish() error {
	for _, n := range t.nodes {
		n.cut = n != t.apex && n.sets[dns.TypeNS] != nil
		if c := n.sets[dns.TypeCNAME]; c != nil && (len(n.sets) > 1 || len(c.rrs) > 1) {
			// RFC 1034, Section 3.6.2: no other data beside a CNAME.
			return fmt.Errorf("dnstest: zone %s: %s has a CNAME and other records", t.origin, n.name)
		}
	}
	for _, n := range t.nodes {
		for name := n.name; name != t.origin; {
			name = parent(name)
			if up := t.nodes[name]; up.cut || up.sets[dns.TypeDNAME] != nil {
				n.hidden = true
				break
			}
		}
	}
	if t.opts.Signed && t.nodes["*."] != nil {
		return errors.New("dnstest: zone .: the DNS library cannot sign a wildcard of the root")
	}
	if t.apex.sets[dns.TypeNS] == nil {
		return fmt.Errorf("dnstest: zone %s has no NS records", t.origin)
	}
	soa := dns.Copy(t.apex.sets[dns.TypeSOA].rrs[0]).(*dns.SOA)
	soa.Hdr.Ttl = t.negativeTTL()
	t.soa = &rrset{rrs: []dns.RR{soa}}
	return nil
}

// negativeTTL is that of negative answers and of denial records (RFC 2308,
// Section 5; RFC 9077, Section 3).
func (t *tree) negativeTTL() uint32 {
	soa := t.apex.sets[dns.TypeSOA].rrs[0].(*dns.SOA)
	return min(soa.Hdr.Ttl, soa.Minttl)
}

// sortedNames lists the names that the zone answers for, in canonical order.
func (t *tree) sortedNames() []string {
	type entry struct{ key, name string }
	list := make([]entry, 0, len(t.nodes))
	for name, n := range t.nodes {
		if !n.hidden {
			list = append(list, entry{orderKey(name), name})
		}
	}
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = e.name
	}
	return names
}

// types lists the RRset types of a node as a denial record shows them; at a
// cut only what belongs to the parent (RFC 4035, Section 2.3).
func (n *node) types() []uint16 {
	var list []uint16
	for typ := range n.sets {
		if !n.cut || typ == dns.TypeNS || typ == dns.TypeDS {
			list = append(list, typ)
		}
	}
	slices.Sort(list)
	return list
}
