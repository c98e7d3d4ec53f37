package dnssec

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// model is a zone made at random, of which everything is known, signed with
// NSEC or NSEC3, with the signed zones right below it.
type model struct {
	*signer
	apex   name
	zones  map[name]*model   // by apex
	types  map[name][]uint16 // by owner
	nsec3  bool
	optOut bool
	hashes int        // iterations; the validators here follow one
	chain  [][]dns.RR // NSEC or NSEC3 records, each with its signature
	listed map[name]bool
}

// kinds are what a name of a model can be.
var kinds = [][]uint16{
	{dns.TypeA}, {dns.TypeA}, {dns.TypeMX}, {dns.TypeA, dns.TypeMX}, {dns.TypeCNAME},
	{dns.TypeDNAME}, {dns.TypeDNAME, dns.TypeA}, {dns.TypeNS}, {dns.TypeNS, dns.TypeDS}, {dns.TypeNS, dns.TypeDS},
}

func randomName(r *rand.Rand, n name, depth int) name {
	for range depth {
		n = name("\x01") + name("ab*c"[r.IntN(4)]) + n
	}
	return n
}

// newModel makes a zone, and deep says whether the zones below it too.
func newModel(r *rand.Rand, apex name, deep bool) *model {
	seed := sha256.Sum256([]byte(apex))
	private := ed25519.NewKeyFromSeed(seed[:])
	s := &signer{private: private, zone: apex.fqdn(), dnskey: dnskeyOf(apex.fqdn(), private.Public().(ed25519.PublicKey))}
	m := &model{signer: s, apex: apex, zones: map[name]*model{}, types: map[name][]uint16{apex: {dns.TypeNS, dns.TypeSOA}}, listed: map[name]bool{}}
	m.nsec3 = r.IntN(3) > 0
	m.optOut = m.nsec3 && r.IntN(2) == 0
	if m.nsec3 && r.IntN(4) == 0 {
		m.hashes = 2
	}
	for range 1 + r.IntN(6) {
		n, types := randomName(r, apex, 1+r.IntN(3)), kinds[r.IntN(len(kinds))]
		if strings.Contains(string(n), "*") && len(types) > 0 && (types[0] == dns.TypeNS || types[0] == dns.TypeDNAME) {
			continue // RFC 4592, Section 4: what these mean at wildcards is not defined
		}
		m.types[n] = types
	}
	for n := range m.types { // nothing is below a delegation or a DNAME
		for up := n.parent(); up != apex && n != apex; up = up.parent() {
			if m.has(up, dns.TypeNS) || m.has(up, dns.TypeDNAME) {
				delete(m.types, n)
			}
		}
	}
	m.link()
	for _, n := range slices.Sorted(maps.Keys(m.types)) {
		if deep && m.has(n, dns.TypeDS) {
			m.zones[n] = newModel(r, n, false)
		}
	}
	return m
}

func (m *model) has(n name, typ uint16) bool { return slices.Contains(m.types[n], typ) }

func (m *model) exists(n name) bool {
	for owner := range m.types {
		if owner.within(n) {
			return true
		}
	}
	return false
}

// link makes the chain of denials.
func (m *model) link() {
	var owners []name
	for n, types := range m.types {
		if m.optOut && n != m.apex && slices.Equal(types, []uint16{dns.TypeNS}) {
			continue
		}
		for ; !m.listed[n]; n = n.parent() {
			m.listed[n] = true
			owners = append(owners, n)
			if !m.nsec3 || n == m.apex { // NSEC3 is for empty non-terminals too
				break
			}
		}
	}
	bits := func(n name) []uint16 {
		types := slices.Clone(m.types[n])
		if len(types) > 0 && !slices.Equal(types, []uint16{dns.TypeNS}) || !m.nsec3 {
			types = append(types, dns.TypeRRSIG)
		}
		if !m.nsec3 {
			types = append(types, dns.TypeNSEC)
		}
		return sortedTypes(types)
	}
	if !m.nsec3 {
		slices.SortFunc(owners, compare)
		for i, n := range owners {
			m.chain = append(m.chain, m.sign(&dns.NSEC{
				Hdr:        dns.RR_Header{Name: n.fqdn(), Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 300},
				NextDomain: owners[(i+1)%len(owners)].fqdn(), TypeBitMap: bits(n),
			}))
		}
		return
	}
	label := func(n name) string {
		h := nsec3Hash(n, "", m.hashes)
		return strings.ToLower(base32.HexEncoding.EncodeToString(h[:]))
	}
	slices.SortFunc(owners, func(a, b name) int { return strings.Compare(label(a), label(b)) })
	for i, n := range owners {
		x := &dns.NSEC3{
			Hdr:  dns.RR_Header{Name: label(n) + "." + m.zone, Rrtype: dns.TypeNSEC3, Class: dns.ClassINET, Ttl: 300},
			Hash: dns.SHA1, Iterations: uint16(m.hashes), HashLength: 20, NextDomain: label(owners[(i+1)%len(owners)]), TypeBitMap: bits(n),
		}
		if m.optOut {
			x.Flags = 1
		}
		m.chain = append(m.chain, m.sign(x))
	}
}

// Fetch implements [Source]: the truth, with the whole chain.
func (m *model) Fetch(ctx context.Context, q string, typ uint16) (*dns.Msg, error) {
	n, _ := parseName(q)
	if below := m.below(n, typ); below != m {
		return below.Fetch(ctx, q, typ)
	}
	if typ == dns.TypeDNSKEY && n == m.apex {
		return &dns.Msg{Answer: m.sign(m.dnskey)}, nil
	}
	reply := &dns.Msg{Ns: slices.Concat(m.chain...)}
	switch what, owner := m.truth(n, dns.TypeDS); {
	case what == isData, what == isAlias:
		reply.Answer = m.records(owner, n, typ)
	case what == isBelowDNAME:
		reply.Answer = m.records(owner, owner, dns.TypeDNAME)
	}
	return reply, nil
}

// below is the zone that a name is in, if it has been made: else the one above.
func (m *model) below(q name, typ uint16) *model {
	for n, z := range m.zones {
		if q.within(n) && (q != n || typ != dns.TypeDS) {
			return z
		}
	}
	return m
}

// What there is at a name.
type truth int

const (
	isData truth = iota
	isAlias
	isNoData
	isNoName
	isBelowDNAME
	isSigned   // at or below a signed delegation
	isUnsigned // at or below an unsigned one
)

// truth says what there is, and at which owner, a wildcard for example.
func (m *model) truth(q name, typ uint16) (truth, name) {
	if below := m.below(q, typ); below != m {
		return below.truth(q, typ)
	}
	for labels := m.apex.labels() + 1; labels <= q.labels(); labels++ {
		switch up := q.last(labels); {
		case m.has(up, dns.TypeNS) && (up != q || typ != dns.TypeDS):
			if m.has(up, dns.TypeDS) {
				return isSigned, up
			}
			return isUnsigned, up
		case m.has(up, dns.TypeDNAME) && up != q:
			return isBelowDNAME, up
		}
	}
	at := q
	if !m.exists(q) {
		ce := q.parent()
		for !m.exists(ce) {
			ce = ce.parent()
		}
		if at = ce.wildcard(); !m.exists(at) {
			return isNoName, ""
		}
	}
	switch {
	case m.has(at, typ):
		return isData, at
	case m.has(at, dns.TypeCNAME):
		return isAlias, at
	}
	return isNoData, at
}

// records is the RRset of an owner as it is answered for q: its own, or what
// the wildcard makes of it.
func (m *model) records(owner, q name, typ uint16) []dns.RR {
	if below := m.below(owner, typ); below != m {
		return below.records(owner, q, typ)
	}
	if !m.has(owner, typ) {
		typ = dns.TypeCNAME
	}
	data := map[uint16]string{
		dns.TypeA: "A 192.0.2.1", dns.TypeMX: "MX 1 a.test.", dns.TypeCNAME: "CNAME a.example.", dns.TypeDNAME: "DNAME example.",
		dns.TypeNS: "NS ns.example.", dns.TypeDS: "DS 1 15 2 " + strings.Repeat("00", 32),
		dns.TypeSOA: "SOA a.test. b.test. 1 2 3 4 5",
	}[typ]
	r, err := dns.NewRR(owner.fqdn() + " 300 IN " + data)
	if err != nil {
		panic(err)
	}
	if z := m.zones[owner]; z != nil && typ == dns.TypeDS {
		r = z.dnskey.ToDS(dns.SHA256)
	}
	list := m.sign(r)
	for _, r := range list {
		r.Header().Name = q.fqdn()
	}
	return list
}

func (m *model) String() string {
	var b strings.Builder
	for n, types := range m.types {
		fmt.Fprintf(&b, "%s", n.fqdn())
		for _, typ := range types {
			fmt.Fprintf(&b, " %s", dns.Type(typ))
		}
		b.WriteString("; ")
	}
	fmt.Fprintf(&b, "NSEC3 %t, opt-out %t, %d iterations", m.nsec3, m.optOut, m.hashes)
	for _, z := range m.zones {
		fmt.Fprintf(&b, "\n%s", z)
	}
	return b.String()
}

// some takes a part of the chains of a zone and those below.
func (m *model) some(r *rand.Rand) (list []dns.RR) {
	for _, rrs := range m.chain {
		if r.IntN(3) > 0 {
			list = append(list, rrs...)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(m.zones)) {
		list = append(list, m.zones[n].some(r)...)
	}
	return list
}

// unsure reports whether opt-out, or too many iterations, leave open what is
// at q. The latter does so too where they are asked for at a name on the way to
// the zone of q.
func (m *model) unsure(q name, typ uint16) bool {
	z := m.below(q, typ)
	return z.optOut && !z.listed[q] || z.hashes > 1 || m.hashes > 1 && z.apex.labels() > m.apex.labels()+1
}

// wildcards lists those of a zone and the ones below.
func (m *model) wildcards() (list []name) {
	for n := range m.types {
		if n.isWildcard() {
			list = append(list, n)
		}
	}
	for _, z := range m.zones {
		list = append(list, z.wildcards()...)
	}
	slices.Sort(list)
	return list
}

// TestSound: whatever part of a zone's signed records a reply is made of, what
// is secure is true; and with all of them, the truth is secure.
func TestSound(t *testing.T) {
	rounds := 2000
	if testing.Short() {
		rounds = 600
	}
	types := []uint16{dns.TypeA, dns.TypeMX, dns.TypeDS, dns.TypeCNAME, dns.TypeNS, dns.TypeDNAME}
	seen := map[string]int{}
	for i := range rounds {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		m := newModel(r, "\x04test\x00", true)
		q, typ := randomName(r, m.apex, 1+r.IntN(4)), types[r.IntN(len(types))]
		what, owner := m.truth(q, typ)
		v := &Validator{Anchors: []dns.RR{m.dnskey}, Now: clockOf, MaxIterations: 1}
		fail := func(format string, args ...any) {
			t.Errorf("seed %d: %s %s, which is %d at %q: %s\n%s", i, q.fqdn(), dns.Type(typ), what, owner, fmt.Sprintf(format, args...), m)
		}

		// A denial made of a part of the chain.
		reply := &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: []int{dns.RcodeSuccess, dns.RcodeNameError}[r.IntN(2)]}, Ns: m.some(r)}
		got := v.Validate(t.Context(), m, q.fqdn(), typ, reply)
		switch {
		case got.Security == evidence.SecuritySecure && reply.Rcode == dns.RcodeNameError && !got.Exists && what != isNoName,
			got.Security == evidence.SecuritySecure && (reply.Rcode == dns.RcodeSuccess || got.Exists) && what != isNoData:
			fail("NXDOMAIN %t, exists %t, is secure by\n%v", reply.Rcode != 0, got.Exists, reply.Ns)
		case got.Security == evidence.SecurityInsecure && what != isUnsigned && !m.unsure(q, typ):
			fail("insecure (%s) by\n%v", got.Reason, reply.Ns)
		}
		seen["part "+got.Security.String()]++
		if m.below(q, typ) != m {
			seen["below "+got.Security.String()]++
		}

		// The truth, whole.
		reply = &dns.Msg{Ns: slices.Concat(m.below(q, typ).chain...)}
		switch what {
		case isNoName:
			reply.Rcode = dns.RcodeNameError
		case isData:
			reply.Answer = m.records(owner, q, typ)
		case isNoData:
		case isAlias:
			typ = dns.TypeCNAME
			reply.Answer = m.records(owner, q, typ)
		default:
			continue
		}
		got = v.Validate(t.Context(), m, q.fqdn(), typ, reply)
		if got.Security != evidence.SecuritySecure && !(got.Security == evidence.SecurityInsecure && m.unsure(q, typ)) {
			fail("%s (%s)", got.Security, got.Reason)
		}
		seen["whole "+got.Security.String()]++

		// The records of some wildcard, where they may not belong.
		for _, n := range m.wildcards() {
			if !q.below(n.parent()) || q == n {
				continue
			}
			typ := m.below(n, dns.TypeA).types[n][0]
			what, owner := m.truth(q, typ)
			reply = &dns.Msg{Answer: m.records(n, q, typ), Ns: m.some(r)}
			got = v.Validate(t.Context(), m, q.fqdn(), typ, reply)
			if got.Security == evidence.SecuritySecure && (what != isData || owner != n) {
				fail("records of %s are secure by\n%v", n.fqdn(), reply)
			}
			if got.Security == evidence.SecurityInsecure && what != isUnsigned && !m.unsure(q, typ) {
				fail("records of %s are insecure (%s) by\n%v", n.fqdn(), got.Reason, reply)
			}
			seen["wildcard "+got.Security.String()]++
		}
		if t.Failed() {
			return
		}
	}
	for _, want := range []string{"part secure", "part insecure", "part bogus", "below secure", "below bogus", "whole secure", "whole insecure", "wildcard secure", "wildcard bogus", "wildcard insecure"} {
		if seen[want] < rounds/600 {
			t.Errorf("only %d times %s, so this is no test of it: %v", seen[want], want, seen)
		}
	}
}

// TestSoundCut is the same of the question whether there is a delegation.
func TestSoundCut(t *testing.T) {
	rounds := 2000
	if testing.Short() {
		rounds = 600
	}
	seen := map[string]int{}
	for i := range rounds {
		r := rand.New(rand.NewPCG(2, uint64(i)))
		m := newModel(r, "\x04test\x00", false)
		z := zoneOf(t, []dns.RR{m.dnskey})
		q := randomName(r, m.apex, 1+r.IntN(3))
		what, _ := m.truth(q, dns.TypeDS)
		if what == isSigned || what == isUnsigned || what == isBelowDNAME {
			continue // below a delegation nobody asks this zone
		}
		x := &walk{v: &Validator{Now: clockOf, MaxIterations: 1}, src: m, now: testNow}
		delegated, signed := m.has(q, dns.TypeNS), m.has(q, dns.TypeDS)
		check := func(c cut, whole bool, ns []dns.RR) {
			is := ""
			switch {
			case c.fault == nil && len(c.ds) > 0:
				is = "signed delegation"
			case c.fault == nil && c.empty:
				is = "no name"
			case c.fault == nil:
				is = "no delegation"
			default:
				is = c.fault.security.String()
			}
			good := false
			switch is {
			case "signed delegation":
				good = delegated && signed
			case "no name":
				good = !m.exists(q)
			case "no delegation":
				good = m.exists(q) && !delegated
			case "insecure":
				good = delegated && !signed || m.unsure(q, dns.TypeDS)
			case "bogus":
				good = !whole
			}
			if !good {
				t.Errorf("seed %d: %s: %s by\n%v\n%s", i, q.fqdn(), is, ns, m)
			}
			seen[is]++
		}
		ns := m.some(r)
		check(x.judgeCut(q, z, &dns.Msg{Ns: ns}), false, ns)
		whole, _ := m.Fetch(t.Context(), q.fqdn(), dns.TypeDS)
		check(x.judgeCut(q, z, whole), true, whole.Ns)
		if t.Failed() {
			return
		}
	}
	for _, want := range []string{"signed delegation", "no name", "no delegation", "insecure", "bogus"} {
		if seen[want] < rounds/600 {
			t.Errorf("only %d times %s: %v", seen[want], want, seen)
		}
	}
}
