package dnstest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// denial proves that names or types do not exist. Each method appends to the
// authority section of r.
type denial interface {
	// noType proves that a name exists without a certain type.
	noType(r *response, name string)
	// noName proves that a name does not exist, and no wildcard in its place.
	// encloser is the closest encloser, next the next closer name.
	noName(r *response, name, encloser, next string)
	// expanded proves that name does not exist, so that the wildcard's records
	// stand for it.
	expanded(r *response, name, next string)
	// noTypeExpanded proves that the wildcard that stands for name lacks a type.
	noTypeExpanded(r *response, name, encloser, next string)
}

// nsecChain is the chain of NSEC records (RFC 4034, Section 4).
type nsecChain struct {
	t    *tree
	keys []string // order keys, sorted
	sets []*rrset
}

func newNSECChain(t *tree) *nsecChain {
	c := &nsecChain{t: t}
	var names []string
	for _, name := range t.sortedNames() {
		if len(t.nodes[name].sets) > 0 { // empty non-terminals have no NSEC record
			names = append(names, name)
		}
	}
	for i, name := range names {
		n := t.nodes[name]
		types := append(n.types(), dns.TypeNSEC, dns.TypeRRSIG)
		slices.Sort(types)
		s := &rrset{rrs: []dns.RR{&dns.NSEC{
			Hdr:        dns.RR_Header{Name: name, Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: t.negativeTTL()},
			NextDomain: names[(i+1)%len(names)],
			TypeBitMap: types,
		}}}
		n.sets[dns.TypeNSEC] = s
		c.keys = append(c.keys, orderKey(name))
		c.sets = append(c.sets, s)
	}
	return c
}

// add appends the record that matches a name, or else the one that covers it.
func (c *nsecChain) add(r *response, name string) {
	i, found := slices.BinarySearch(c.keys, orderKey(name))
	if !found {
		i-- // never below the apex, which comes first
	}
	r.prove(c.t, c.sets[i])
}

// RFC 4035, Section 3.1.3.1. An empty non-terminal is covered by the record
// before it, whose next name lies below.
func (c *nsecChain) noType(r *response, name string) { c.add(r, name) }

// RFC 4035, Section 3.1.3.2.
func (c *nsecChain) noName(r *response, name, encloser, _ string) {
	c.add(r, name)
	c.add(r, join("*", encloser))
}

// RFC 4035, Section 3.1.3.3.
func (c *nsecChain) expanded(r *response, name, _ string) { c.add(r, name) }

// RFC 4035, Section 3.1.3.4.
func (c *nsecChain) noTypeExpanded(r *response, name, encloser, _ string) {
	c.add(r, name)
	c.add(r, join("*", encloser))
}

// nsec3Chain is the chain of NSEC3 records (RFC 5155).
type nsec3Chain struct {
	t      *tree
	opts   NSEC3Options
	hashes []string // upper case, sorted
	sets   []*rrset
}

func newNSEC3Chain(t *tree, o NSEC3Options) (*nsec3Chain, error) {
	c := &nsec3Chain{t: t, opts: o}
	if dns.HashName(".", dns.SHA1, 0, o.Salt) == "" || len(o.Salt) > 510 {
		return nil, fmt.Errorf("dnstest: zone %s: NSEC3 salt %q is not hexadecimal", t.origin, o.Salt)
	}
	t.add(&dns.NSEC3PARAM{
		Hdr:        dns.RR_Header{Name: t.origin, Rrtype: dns.TypeNSEC3PARAM, Class: dns.ClassINET, Ttl: t.negativeTTL()},
		Hash:       dns.SHA1,
		Iterations: o.Iterations,
		SaltLength: uint8(len(o.Salt) / 2),
		Salt:       o.Salt,
	})
	type entry struct{ hash, name string }
	var list []entry
	for name, n := range t.nodes {
		insecure := n.cut && n.sets[dns.TypeDS] == nil
		if n.hidden || o.OptOut && insecure { // RFC 5155, Section 7.1
			continue
		}
		list = append(list, entry{c.hash(name), name})
	}
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.hash, b.hash) })
	for i, e := range list {
		c.hashes = append(c.hashes, e.hash)
		c.sets = append(c.sets, c.record(t.nodes[e.name], e.hash, list[(i+1)%len(list)].hash))
	}
	return c, nil
}

func (c *nsec3Chain) hash(name string) string {
	return dns.HashName(name, dns.SHA1, c.opts.Iterations, c.opts.Salt)
}

func (c *nsec3Chain) record(n *node, hash, next string) *rrset {
	types := n.types()
	if len(types) > 0 && (!n.cut || n.sets[dns.TypeDS] != nil) {
		types = append(types, dns.TypeRRSIG) // something here is signed
		slices.Sort(types)
	}
	var flags uint8
	if c.opts.OptOut {
		flags = 1
	}
	return &rrset{rrs: []dns.RR{&dns.NSEC3{
		Hdr:        dns.RR_Header{Name: join(strings.ToLower(hash), c.t.origin), Rrtype: dns.TypeNSEC3, Class: dns.ClassINET, Ttl: c.t.negativeTTL()},
		Hash:       dns.SHA1,
		Flags:      flags,
		Iterations: c.opts.Iterations,
		SaltLength: uint8(len(c.opts.Salt) / 2),
		Salt:       c.opts.Salt,
		HashLength: 20,
		NextDomain: next,
		TypeBitMap: types,
	}}}
}

// match appends the record of a name, if there is one.
func (c *nsec3Chain) match(r *response, name string) bool {
	i, found := slices.BinarySearch(c.hashes, c.hash(name))
	if found {
		c.prove(r, i)
	}
	return found
}

// cover appends the record whose span holds the hash of a name.
func (c *nsec3Chain) cover(r *response, name string) {
	i, _ := slices.BinarySearch(c.hashes, c.hash(name))
	c.prove(r, (i-1+len(c.hashes))%len(c.hashes))
	if c.opts.OptOut {
		// RFC 5155, Section 9.2: there may be an unsigned delegation here.
		r.secure = false
	}
}

func (c *nsec3Chain) prove(r *response, i int) {
	r.prove(c.t, c.sets[i])
	if c.opts.Iterations > maxIterations {
		r.secure = false
	}
}

// maxIterations is how many extra NSEC3 iterations our resolver goes along
// with; beyond them the zone counts as insecure (RFC 9276, Section 3.2).
const maxIterations = 150

// RFC 5155, Sections 7.2.3 and 7.2.4: the matching record, or under opt-out the
// closest provable encloser with the next closer name covered.
func (c *nsec3Chain) noType(r *response, name string) {
	for next := ""; ; next, name = name, parent(name) {
		if c.match(r, name) {
			if next != "" {
				c.cover(r, next)
			}
			return
		}
	}
}

// RFC 5155, Section 7.2.2.
func (c *nsec3Chain) noName(r *response, _, encloser, next string) {
	c.match(r, encloser)
	c.cover(r, next)
	c.cover(r, join("*", encloser))
}

// RFC 5155, Section 7.2.6.
func (c *nsec3Chain) expanded(r *response, _, next string) { c.cover(r, next) }

// RFC 5155, Section 7.2.5.
func (c *nsec3Chain) noTypeExpanded(r *response, _, encloser, next string) {
	c.match(r, encloser)
	c.cover(r, next)
	c.match(r, join("*", encloser))
}
