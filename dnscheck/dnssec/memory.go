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

// newHeldKey takes what is signed as the beginning of a buffer, whose rest it
// writes to.
func newHeldKey(k *key, data, signature []byte) heldKey {
	buf := data
	for _, part := range [][]byte{signature, k.rdata} {
		buf = append(buf, part...)
	}
	for _, part := range [][]byte{data, signature, k.rdata} { // so no two parts can pass for others
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(part)))
	}
	return sha256.Sum256(buf)
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

// remember is a record of the denial whose signature held.
func (d *denial) remember(u *verified, expires time.Time) (remembered, bool) {
	for _, r := range d.nsec {
		if r.set == u.set {
			return remembered{set: u.set, nsec: &nsec{record{set: u.set, types: r.types, known: u}, r.owner, r.next}, expires: expires}, true
		}
	}
	for _, r := range d.nsec3 {
		if r.set == u.set {
			own := *r
			own.record = record{set: u.set, types: r.types, known: u}
			return remembered{set: u.set, nsec3: &own, expires: expires}, true
		}
	}
	return remembered{}, false
}

// known is the record with the signature that held.
func (r remembered) known() *verified {
	if r.nsec != nil {
		return r.nsec.known
	}
	return r.nsec3.known
}

// rememberDenial keeps the records of a denial that was proven with the keys
// of a secure zone (RFC 8198), until the message ends, if that is known.
func (v *Validator) rememberDenial(d *denial, authority *section, ad bool, until time.Time) {
	soa := authority.find(d.zone.name, dns.TypeSOA)
	if soa == nil || d.ttl <= 0 || len(d.used) == 0 {
		return
	}
	expires := d.now.Add(min(d.ttl, longest))
	if !until.IsZero() && until.Before(expires) {
		expires = until
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	known := &denials{soa: soa, ad: ad}
	if old, ok := v.denied.get(d.zone.name); ok {
		known.records = old.records
	}
	fresh := make([]remembered, 0, maxZoneDenials)
	for _, u := range d.used {
		if r, ok := d.remember(u, expires); ok && len(fresh) < maxZoneDenials {
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

// Denial is a reply made out of what a zone said before.
type Denial struct {
	Reply *dns.Msg
	Until time.Time // when it ends to be one
	// Result is the judgement of the reply, if Judged. Else it has to be
	// validated as any other.
	Result Result
	Judged bool
}

// Deny makes the reply to a question out of what the zone of the name said
// before (RFC 8198, Sections 5.1 and 5.2): that there is no such name, or that
// a name that has records has none of the type. It fails where that does not
// follow, and where a name only has names below it, of which some servers say
// that it does not exist.
func (v *Validator) Deny(qname string, qtype uint16) (Denial, bool) {
	q, ok := parseName(qname)
	if !ok || v.Now == nil || qtype == dns.TypeDS || qtype == dns.TypeDNSKEY || qtype == dns.TypeRRSIG || qtype == dns.TypeANY {
		return Denial{}, false
	}
	now := v.Now()
	st, known := v.nearest(q, now)
	if st == nil {
		return Denial{}, false
	}
	z := st.zone
	d := known.denial(z, now, v.maxIterations())
	rcode := dns.RcodeNameError
	if m := d.exactly(q); m != nil {
		if len(m.types) == 0 || m.delegates() && q != z.name || !m.lacks(q, qtype) {
			return Denial{}, false
		}
		rcode = dns.RcodeSuccess
	} else if d.noName(q) != nil {
		return Denial{}, false
	}
	used := &denials{soa: known.soa, ad: known.ad, records: d.usedOf(known)}
	m := &dns.Msg{Question: []dns.Question{{Name: q.fqdn(), Qtype: qtype, Qclass: dns.ClassINET}}, Ns: make([]dns.RR, 0, 2+2*len(used.records))}
	m.Response, m.RecursionDesired, m.RecursionAvailable, m.CheckingDisabled = true, true, true, true
	m.AuthenticatedData, m.Rcode = known.ad, rcode
	m.Ns = known.soa.appendTo(m.Ns)
	made := Denial{Reply: m, Until: now.Add(longest)}
	for _, r := range used.records {
		m.Ns = r.set.appendTo(m.Ns)
		if r.expires.Before(made.Until) {
			made.Until = r.expires
		}
	}
	if made.Result, made.Judged = v.judgeMade(q, qtype, m, st, used, now); made.Judged {
		v.preferDenials(z.name, known, used)
	}
	return made, true
}

func (s *rrset) appendTo(list []dns.RR) []dns.RR {
	list = append(list, s.rrs...)
	for _, sig := range s.sigs {
		list = append(list, sig.RRSIG)
	}
	return list
}

// judgeMade judges a reply that was made out of denials. It leaves that undone
// unless nothing is to be found out anew: all records are signed by the zone
// alone, and were checked with the very keys that it has now.
func (v *Validator) judgeMade(q name, typ uint16, m *dns.Msg, st *state, used *denials, now time.Time) (Result, bool) {
	z := st.zone
	for _, r := range used.records {
		u := r.known()
		if f, _ := z.precheck(u.set, u.sig, now); f != nil || u.zone != z || !signedOnlyBy(u.set, z.name) {
			return Result{}, false
		}
	}
	if at, ok := v.anchorMap().above(q); !ok || !z.name.within(at) || !signedOnlyBy(used.soa, z.name) {
		return Result{}, false
	}
	j := &judge{walk: &walk{v: v, now: now}, reply: m}
	if j.denies(used.denial(z, now, v.maxIterations()), q, typ) != nil {
		return Result{}, false
	}
	j.keepState(st)
	j.link(st.chain)
	return j.conclude(q, typ), true
}

// preferDenials makes those that were of use the last to be forgotten.
func (v *Validator) preferDenials(zone name, known, used *denials) {
	same := func(a, b remembered) bool { return a.set == b.set }
	if n := len(used.records); slices.EqualFunc(known.records[:min(n, len(known.records))], used.records, same) {
		return
	}
	sorted := slices.Clone(used.records)
	for _, r := range known.records {
		if !slices.ContainsFunc(used.records, func(u remembered) bool { return same(u, r) }) {
			sorted = append(sorted, r)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if now, _ := v.denied.get(zone); now == known { // and not changed meanwhile
		v.denied.put(zone, &denials{soa: known.soa, ad: known.ad, records: sorted}, maxDenialZones)
	}
}

func signedOnlyBy(set *rrset, signer name) bool {
	return !slices.ContainsFunc(set.sigs, func(sig signature) bool { return sig.signer != signer })
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
// there may be another below, of which the denials must tell.
func (v *Validator) nearest(q name, now time.Time) (*state, *denials) {
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
			return s, known
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

// usedOf lists the records that the denial rests on.
func (d *denial) usedOf(known *denials) []remembered {
	list := make([]remembered, 0, len(d.used))
	for _, u := range d.used {
		if i := slices.IndexFunc(known.records, func(r remembered) bool { return r.set == u.set }); i >= 0 {
			list = append(list, known.records[i])
		}
	}
	return list
}
