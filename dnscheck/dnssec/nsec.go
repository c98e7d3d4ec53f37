package dnssec

import (
	"slices"

	"github.com/miekg/dns"
)

// nsec is an NSEC record (RFC 4034, Section 4): there is nothing between
// owner and next, and at owner there is nothing but types.
type nsec struct {
	record
	owner, next name
}

func newNSEC(set *rrset, rr *dns.NSEC, apex name) (*nsec, bool) {
	next, ok := parseName(rr.NextDomain)
	if !ok || !next.within(apex) {
		return nil, false
	}
	// Only the last one points back, and that to the apex.
	if next != apex && compare(set.owner, next) >= 0 {
		return nil, false
	}
	return &nsec{record{set: set, types: rr.TypeBitMap}, set.owner, next}, true
}

// covers reports whether q is between owner and next.
func (r *nsec) covers(q, apex name) bool {
	return compare(r.owner, q) < 0 && (r.next == apex || compare(q, r.next) < 0)
}

// encloser is the longest existing name that q, which is covered, is below.
func (r *nsec) encloser(q name) name {
	a, b := common(q, r.owner), common(q, r.next)
	if len(a) > len(b) {
		return a
	}
	return b
}

// matching finds the trusted NSEC record at q.
func (d *denial) matching(q name) *nsec {
	for _, r := range d.nsec {
		if r.owner == q && d.trust(&r.record) {
			return r
		}
	}
	return nil
}

// covering finds a trusted NSEC record that says what is at q: nothing, or
// only names below it.
func (d *denial) covering(q name) *nsec {
	if !q.within(d.zone.name) {
		return nil
	}
	for _, r := range d.nsec {
		if r.covers(q, d.zone.name) && !(q.below(r.owner) && r.opaque()) && d.trust(&r.record) {
			return r
		}
	}
	return nil
}

func (d *denial) noDataNSEC(q name, typ uint16) bool {
	if m := d.matching(q); m != nil {
		return m.lacks(q, typ)
	}
	c := d.covering(q)
	if c == nil {
		return false
	}
	if c.next.below(q) { // an empty non-terminal
		return true
	}
	// RFC 4035, Section 5.4: the wildcard exists, but not with this type.
	star := c.encloser(q).wildcard()
	if m := d.matching(star); m != nil {
		return !m.delegates() && m.lacks(star, typ)
	}
	c = d.covering(star)
	return c != nil && c.next.below(star)
}

// lacks reports whether a record at q proves that the type is not there. One
// from above a delegation knows only of DS, one from below not of DS (RFC
// 6840, Section 4.4); where there is a CNAME, the answer is that.
func (r *record) lacks(q name, typ uint16) bool {
	switch {
	case r.has(typ), r.has(dns.TypeCNAME):
		return false
	case typ == dns.TypeANY:
		return !slices.ContainsFunc(r.types, func(t uint16) bool {
			return t != dns.TypeNSEC && t != dns.TypeNSEC3 && t != dns.TypeRRSIG && t != dns.TypeNXNAME
		})
	case typ == dns.TypeDS && q != root:
		return !r.has(dns.TypeSOA)
	}
	return !r.delegates() || typ == dns.TypeDS
}

// unsignedNSEC finds the proof that q is at or below an unsigned delegation.
func (d *denial) unsignedNSEC(q name) *fault {
	for _, r := range d.nsec {
		if r.unsignedCut() && q.within(r.owner) && r.owner != d.zone.name && d.trust(&r.record) {
			return unsigned(r.owner, d.zone.name)
		}
	}
	return nil
}

// unsignedCut reports whether the record stands at a delegation without DS.
func (r *record) unsignedCut() bool { return r.delegates() && !r.has(dns.TypeDS) }

func (d *denial) noNameNSEC(q name) bool {
	c := d.covering(q)
	if c == nil || c.next.below(q) {
		return false
	}
	return d.noCloserNSEC(c.encloser(q).wildcard())
}

func (d *denial) noCloserNSEC(q name) bool {
	c := d.covering(q)
	return c != nil && !c.next.below(q)
}

func (d *denial) noCutNSEC(q name) (empty bool, f *fault, ok bool) {
	if m := d.matching(q); m != nil {
		f, ok := m.cut(q, d.zone.name)
		return false, f, ok
	}
	c := d.covering(q)
	if c == nil {
		return false, nil, false
	}
	return !c.next.below(q), nil, true
}

// cut reads what a record at q says of a delegation there. Only one from
// above can tell.
func (r *record) cut(q, parent name) (f *fault, ok bool) {
	switch {
	case r.has(dns.TypeDS), r.has(dns.TypeSOA):
		return nil, false
	case r.has(dns.TypeNS):
		return unsigned(q, parent), true
	}
	return nil, true
}
