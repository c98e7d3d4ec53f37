package dnssec

import (
	"container/list"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// What a Validator remembers besides zones: which signatures held, and the
// denials of signed zones. It is guarded by the validator's mutex.

// Bounds of that memory.
const (
	maxHeld        = 8192 // signatures that held
	maxDenialZones = 1024
	maxZoneDenials = 8 // NSEC or NSEC3 records of one zone
)

// heldKey is the hash of a signature with all that it was checked against: the
// key, and what is signed. So it holds for these octets whoever sends them.
type heldKey [sha256.Size]byte

func newHeldKey(k *key, data, signature []byte) heldKey {
	h := sha256.New()
	for _, part := range [][]byte{k.rdata, signature, data} {
		var size [4]byte
		binary.BigEndian.PutUint32(size[:], uint32(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	return heldKey(h.Sum(nil))
}

// recent is a bounded map that forgets what was not used for the longest time.
// The zero value is empty and ready.
type recent[K comparable, V any] struct {
	entries map[K]*list.Element
	order   list.List // of *recentEntry, most recently used first
}

type recentEntry[K comparable, V any] struct {
	key   K
	value V
}

func (r *recent[K, V]) get(k K) (v V, ok bool) {
	e := r.entries[k]
	if e == nil {
		return v, false
	}
	r.order.MoveToFront(e)
	return e.Value.(*recentEntry[K, V]).value, true
}

func (r *recent[K, V]) put(k K, v V, limit int) {
	if r.entries == nil {
		r.entries = make(map[K]*list.Element)
	}
	if e := r.entries[k]; e != nil {
		e.Value.(*recentEntry[K, V]).value = v
		r.order.MoveToFront(e)
		return
	}
	r.entries[k] = r.order.PushFront(&recentEntry[K, V]{k, v})
	for len(r.entries) > limit {
		last := r.order.Back()
		delete(r.entries, last.Value.(*recentEntry[K, V]).key)
		r.order.Remove(last)
	}
}

// holds checks a signature, unless the same one held before.
func (w *work) holds(k *key, data, signature []byte) bool {
	v := w.v
	if v == nil {
		return k.verify(data, signature) == nil
	}
	id := newHeldKey(k, data, signature)
	v.mu.Lock()
	_, known := v.held.get(id)
	v.mu.Unlock()
	if known {
		return true
	}
	if k.verify(data, signature) != nil {
		return false
	}
	v.mu.Lock()
	v.held.put(id, struct{}{}, maxHeld)
	v.mu.Unlock()
	return true
}

// denials are the records by which a zone said that something does not exist,
// with the SOA record that came with them. It is never changed once made.
type denials struct {
	soa     *rrset
	ad      bool // the messages had the AD bit
	records []remembered
}

// remembered is a record in the form in which a denial has it.
type remembered struct {
	set     *rrset
	nsec    *nsec
	nsec3   *nsec3
	expires time.Time
}

// readDenial reads an NSEC or NSEC3 record whose signature held.
func readDenial(u *verified, apex name, expires time.Time) (remembered, bool) {
	r := remembered{set: u.set, expires: expires}
	ok := false
	switch rr := u.set.rrs[0].(type) {
	case *dns.NSEC:
		if r.nsec, ok = newNSEC(u.set, rr, apex); ok {
			r.nsec.known = u
		}
	case *dns.NSEC3:
		if r.nsec3, ok = newNSEC3(u.set, rr, apex); ok {
			r.nsec3.known = u
		}
	}
	return r, ok
}

// rememberDenial keeps the records of a denial that was proven with the keys
// of a secure zone (RFC 8198).
func (v *Validator) rememberDenial(d *denial, authority *section, ad bool) {
	soa := authority.find(d.zone.name, dns.TypeSOA)
	if soa == nil || d.ttl <= 0 || len(d.used) == 0 {
		return
	}
	expires := d.now.Add(min(d.ttl, longest))
	v.mu.Lock()
	defer v.mu.Unlock()
	known := &denials{soa: soa, ad: ad}
	if old, ok := v.denied.get(d.zone.name); ok {
		known.records = old.records
	}
	fresh := make([]remembered, 0, maxZoneDenials)
	for _, u := range d.used {
		if r, ok := readDenial(u, d.zone.name, expires); ok && len(fresh) < maxZoneDenials {
			fresh = append(fresh, r)
		}
	}
	for _, r := range known.records {
		i := slices.IndexFunc(fresh, func(f remembered) bool { return f.set.owner == r.set.owner && f.set.typ == r.set.typ })
		switch {
		case i >= 0 && fresh[i].set.rrs[0] == r.set.rrs[0]: // the same message again, or one made from it
			fresh[i].expires = r.expires
		case i < 0 && d.now.Before(r.expires) && len(fresh) < maxZoneDenials:
			fresh = append(fresh, r)
		}
	}
	known.records = fresh
	v.denied.put(d.zone.name, known, maxDenialZones)
}

// Deny makes the reply to a question out of what the zone of the name said
// before (RFC 8198, Sections 5.1 and 5.2): that there is no such name, or that
// a name that has records has none of the type. It is nil where that does not
// follow, and where a name only has names below it, of which some servers say
// that it does not exist. The reply counts only once it is validated, as any
// other; until is when it ends to be one.
func (v *Validator) Deny(qname string, qtype uint16) (reply *dns.Msg, until time.Time) {
	q, ok := parseName(qname)
	if !ok || v.Now == nil || qtype == dns.TypeDS || qtype == dns.TypeDNSKEY || qtype == dns.TypeRRSIG || qtype == dns.TypeANY {
		return nil, time.Time{}
	}
	now := v.Now()
	z, known := v.nearest(q, now)
	if z == nil {
		return nil, time.Time{}
	}
	until = now.Add(longest)
	d := known.denial(z, now, v.maxIterations())
	rcode := dns.RcodeNameError
	switch {
	case d.exactly(q) != nil:
		if m := d.exactly(q); len(m.types) == 0 || m.delegates() && q != z.name || !m.lacks(q, qtype) {
			return nil, time.Time{}
		}
		rcode = dns.RcodeSuccess
	case d.noName(q) != nil:
		return nil, time.Time{}
	}
	m := &dns.Msg{Question: []dns.Question{{Name: q.fqdn(), Qtype: qtype, Qclass: dns.ClassINET}}}
	m.Response, m.RecursionDesired, m.RecursionAvailable, m.CheckingDisabled = true, true, true, true
	m.AuthenticatedData, m.Rcode = known.ad, rcode
	for _, set := range append([]*rrset{known.soa}, usedSets(d, known, &until)...) {
		m.Ns = append(m.Ns, set.rrs...)
		for _, sig := range set.sigs {
			m.Ns = append(m.Ns, sig)
		}
	}
	return m, until
}

// denial is what they say now.
func (k *denials) denial(z *zone, now time.Time, iterations int) *denial {
	d := &denial{zone: z, now: now, work: &work{}, max: iterations, ttl: longest}
	for _, r := range k.records {
		switch {
		case !now.Before(r.expires):
		case r.nsec != nil:
			own := *r.nsec
			d.nsec = append(d.nsec, &own)
		case r.nsec3 != nil:
			own := *r.nsec3
			d.nsec3 = append(d.nsec3, &own)
		}
	}
	return d
}

// nearest finds the zone of a name, of those whose keys and denials are known:
// there may be another below, which only the validation of the reply can tell.
func (v *Validator) nearest(q name, now time.Time) (*zone, *denials) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for n := q; n != root; n = n.parent() {
		switch s := v.cache.find(n, now); {
		case s == nil: // not known to be a zone
		case s.zone == nil:
			return nil, nil
		case s.zone.name == n:
			known, _ := v.denied.get(n)
			if known == nil {
				return nil, nil
			}
			return s.zone, known
		}
	}
	return nil, nil
}

// exactly finds the record at q itself.
func (d *denial) exactly(q name) *record {
	if m := d.matching(q); m != nil {
		return &m.record
	}
	if d.costly() != nil {
		return nil
	}
	if m := d.matching3(q); m != nil {
		return &m.record
	}
	return nil
}

// usedSets are the records that the denial rests on.
func usedSets(d *denial, known *denials, until *time.Time) []*rrset {
	var list []*rrset
	for _, u := range d.used {
		for _, r := range known.records {
			if r.set == u.set {
				list = append(list, r.set)
				if r.expires.Before(*until) {
					*until = r.expires
				}
			}
		}
	}
	return list
}
