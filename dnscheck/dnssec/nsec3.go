package dnssec

import (
	"crypto/sha1"
	"encoding/base32"
	"encoding/hex"
	"strings"

	"github.com/miekg/dns"
)

// hash is a hashed owner name (RFC 5155, Section 5).
type hash [sha1.Size]byte

// nsec3 is an NSEC3 record: there is no name whose hash is between owner and
// next, except, with optOut, those of unsigned delegations.
type nsec3 struct {
	record
	owner, next hash
	optOut      bool
	iterations  int
	salt        string
}

type hashKey struct {
	name       name
	salt       string
	iterations int
}

// newNSEC3 leaves out records of other hashes and with unknown flags (RFC
// 5155, Section 8.1 and 8.2).
func newNSEC3(set *rrset, rr *dns.NSEC3, apex name) (*nsec3, bool) {
	if rr.Hash != dns.SHA1 || rr.Flags&^1 != 0 || set.owner == root || set.owner.parent() != apex {
		return nil, false
	}
	salt, err := hex.DecodeString(strings.TrimPrefix(rr.Salt, "-"))
	if err != nil {
		return nil, false
	}
	r := &nsec3{record: record{set: set, types: rr.TypeBitMap}, optOut: rr.Flags&1 != 0, iterations: int(rr.Iterations), salt: string(salt)}
	if !decodeHash(&r.owner, string(set.owner[1:int(set.owner[0])+1])) || !decodeHash(&r.next, rr.NextDomain) {
		return nil, false
	}
	return r, true
}

func decodeHash(h *hash, s string) bool {
	b, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(s))
	if err != nil || len(b) != len(h) {
		return false
	}
	copy(h[:], b)
	return true
}

// hash hashes a name as the record does. It fails when the reply has cost too
// much already.
func (d *denial) hash(n name, r *nsec3) (hash, bool) {
	k := hashKey{n, r.salt, r.iterations}
	if h, ok := d.hashes[k]; ok {
		return h, true
	}
	cost := r.iterations + 1
	if d.work.rounds+cost > maxHashRounds {
		d.work.limited = true
		d.fail(bogus(dns.ExtendedErrorCodeDNSBogus, "%s: too many names to hash to prove that something does not exist", r.set))
		return hash{}, false
	}
	d.work.rounds += cost
	h := nsec3Hash(n, r.salt, r.iterations)
	if d.hashes == nil {
		d.hashes = make(map[hashKey]hash)
	}
	d.hashes[k] = h
	return h, true
}

func nsec3Hash(n name, salt string, iterations int) hash {
	h := sha1.Sum([]byte(string(n) + salt))
	buf := make([]byte, 0, 2*sha1.Size+len(salt))
	for range iterations {
		buf = append(append(buf[:0], h[:]...), salt...)
		h = sha1.Sum(buf)
	}
	return h
}

// covers reports whether h is between owner and next; the last record of the
// ring points back to the first.
func (r *nsec3) covers(h hash) bool {
	after := string(r.owner[:]) < string(h[:])
	before := string(h[:]) < string(r.next[:])
	if string(r.owner[:]) < string(r.next[:]) {
		return after && before
	}
	return h != r.owner && (after || before)
}

// matching3 finds the trusted NSEC3 record of q.
func (d *denial) matching3(q name) *nsec3 {
	for _, r := range d.nsec3 {
		if h, ok := d.hash(q, r); ok && h == r.owner && d.trust(&r.record) {
			return r
		}
	}
	return nil
}

// covering3 finds a trusted NSEC3 record that says that there is no q.
func (d *denial) covering3(q name) *nsec3 {
	for _, r := range d.nsec3 {
		if h, ok := d.hash(q, r); ok && r.covers(h) && d.trust(&r.record) {
			return r
		}
	}
	return nil
}

// costly is the fault of a zone whose NSEC3 records ask for more iterations
// than are done here. Such a record counts only with its signature, or anybody
// could make the zone insecure (RFC 9276, Section 3.2).
func (d *denial) costly() *fault {
	kept := d.nsec3[:0]
	for _, r := range d.nsec3 {
		switch {
		case r.iterations <= d.max:
			kept = append(kept, r)
		case d.tooCostly == nil && d.trust(&r.record):
			d.tooCostly = insecure(dns.ExtendedErrorCodeUnsupportedNSEC3IterValue, "zone %s: its NSEC3 records have %d iterations; over %d they are not followed", d.zone.name, r.iterations, d.max)
		}
	}
	d.nsec3 = kept
	return d.tooCostly
}

// closest proves the closest encloser of q, which has no record of its own:
// the longest name above q that exists, and with it that the next closer name,
// one label longer, does not (RFC 5155, Section 8.3). The fault says that the
// way leads through an unsigned delegation.
func (d *denial) closest(q name) (ce name, next *nsec3, f *fault) {
	for closer := q; closer.below(d.zone.name); closer = closer.parent() {
		m := d.matching3(closer.parent())
		if m == nil {
			continue
		}
		ce := closer.parent()
		switch {
		case m.unsignedCut() && ce != d.zone.name:
			return "", nil, unsigned(ce, d.zone.name)
		case m.opaque():
			return "", nil, nil
		}
		return ce, d.covering3(closer), nil
	}
	return "", nil, nil
}

func optOut(q, zone name) *fault {
	return insecure(0, "%s: zone %s leaves unsigned delegations out of its proofs (opt-out), and this may be one", q, zone)
}

// The proofs with NSEC3 answer whether there is one; the fault says that it is
// one of insecurity.

func (d *denial) noDataNSEC3(q name, typ uint16) (*fault, bool) {
	if f := d.costly(); f != nil {
		return f, true
	}
	if m := d.matching3(q); m != nil { // RFC 5155, Sections 8.5 and 8.6
		if typ != dns.TypeDS && m.unsignedCut() && q != d.zone.name {
			return unsigned(q, d.zone.name), true
		}
		return nil, m.lacks(q, typ)
	}
	ce, next, f := d.closest(q)
	if next == nil {
		return f, f != nil
	}
	if next.optOut { // RFC 5155, Section 8.6; errata 3441 for other types
		return optOut(q, d.zone.name), true
	}
	star := ce.wildcard() // RFC 5155, Section 8.7
	m := d.matching3(star)
	return nil, m != nil && !m.delegates() && m.lacks(star, typ)
}

func (d *denial) noNameNSEC3(q name) (*fault, bool) { // RFC 5155, Section 8.4
	if f := d.costly(); f != nil {
		return f, true
	}
	ce, next, f := d.closest(q)
	if f != nil {
		return f, true
	}
	if next == nil || d.matching3(q) != nil || d.covering3(ce.wildcard()) == nil {
		return nil, false
	}
	if next.optOut { // RFC 5155, Section 9.2
		return optOut(q, d.zone.name), true
	}
	return nil, true
}

func (d *denial) noCloserNSEC3(next name) (*fault, bool) {
	if f := d.costly(); f != nil {
		return f, true
	}
	c := d.covering3(next)
	if c == nil {
		return nil, false
	}
	if c.optOut {
		return optOut(next, d.zone.name), true
	}
	return nil, true
}

func (d *denial) noCutNSEC3(q name) (empty bool, f *fault, ok bool) { // RFC 5155, Section 8.9
	if f := d.costly(); f != nil {
		return false, f, true
	}
	if m := d.matching3(q); m != nil {
		f, ok := m.cut(q, d.zone.name)
		return false, f, ok
	}
	_, next, f := d.closest(q)
	switch {
	case f != nil:
		return false, f, true
	case next == nil:
		return false, nil, false
	case next.optOut:
		return false, optOut(q, d.zone.name), true
	}
	return true, nil, true
}
