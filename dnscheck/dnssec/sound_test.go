package dnssec

import (
	"context"
	"encoding/base32"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// model is a zone test. made at random, of which everything is known, signed
// with NSEC or NSEC3.
type model struct {
	*signer
	types  map[name][]uint16 // by owner
	nsec3  bool
	optOut bool
	chain  [][]dns.RR // NSEC or NSEC3 records, each with its signature
	listed map[name]bool
}

const apex = name("\x04test\x00")

// kinds are what a name of a model can be.
var kinds = [][]uint16{
	{dns.TypeA}, {dns.TypeA}, {dns.TypeMX}, {dns.TypeA, dns.TypeMX}, {dns.TypeCNAME},
	{dns.TypeDNAME}, {dns.TypeDNAME, dns.TypeA}, {dns.TypeNS}, {dns.TypeNS, dns.TypeDS},
}

func randomName(r *rand.Rand, depth int) name {
	n := apex
	for range depth {
		n = name("\x01") + name("ab*c"[r.IntN(4)]) + n
	}
	return n
}

func newModel(r *rand.Rand, s *signer) *model {
	m := &model{signer: s, types: map[name][]uint16{apex: {dns.TypeNS, dns.TypeSOA}}, listed: map[name]bool{}}
	m.nsec3 = r.IntN(3) > 0
	m.optOut = m.nsec3 && r.IntN(2) == 0
	for range 1 + r.IntN(6) {
		n, types := randomName(r, 1+r.IntN(3)), kinds[r.IntN(len(kinds))]
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
		if m.optOut && n != apex && slices.Equal(types, []uint16{dns.TypeNS}) {
			continue
		}
		for ; !m.listed[n]; n = n.parent() {
			m.listed[n] = true
			owners = append(owners, n)
			if !m.nsec3 || n == apex { // NSEC3 is for empty non-terminals too
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
		h := nsec3Hash(n, "", 1)
		return strings.ToLower(base32.HexEncoding.EncodeToString(h[:]))
	}
	slices.SortFunc(owners, func(a, b name) int { return strings.Compare(label(a), label(b)) })
	for i, n := range owners {
		x := &dns.NSEC3{
			Hdr:  dns.RR_Header{Name: label(n) + ".test.", Rrtype: dns.TypeNSEC3, Class: dns.ClassINET, Ttl: 300},
			Hash: dns.SHA1, Iterations: 1, HashLength: 20, NextDomain: label(owners[(i+1)%len(owners)]), TypeBitMap: bits(n),
		}
		if m.optOut {
			x.Flags = 1
		}
		m.chain = append(m.chain, m.sign(x))
	}
}

// Fetch implements [Source]: the truth, with the whole chain.
func (m *model) Fetch(_ context.Context, q string, typ uint16) (*dns.Msg, error) {
	n, _ := parseName(q)
	if typ == dns.TypeDNSKEY && n == apex {
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
	for labels := apex.labels() + 1; labels <= q.labels(); labels++ {
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
		panic(fmt.Sprint(owner.fqdn(), data, err))
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
	return fmt.Sprintf("%sNSEC3 %t, opt-out %t", b.String(), m.nsec3, m.optOut)
}

// some takes a part of the chain.
func (m *model) some(r *rand.Rand) (list []dns.RR) {
	for _, rrs := range m.chain {
		if r.IntN(3) > 0 {
			list = append(list, rrs...)
		}
	}
	return list
}

// unsure reports whether opt-out leaves open what is at q.
func (m *model) unsure(q name) bool { return m.optOut && !m.listed[q] }

// TestSound: whatever part of a zone's signed records a reply is made of, what
// is secure is true; and with all of them, the truth is secure.
func TestSound(t *testing.T) {
	rounds := 2000
	if testing.Short() {
		rounds = 600
	}
	s := newSigner("test.")
	types := []uint16{dns.TypeA, dns.TypeMX, dns.TypeDS, dns.TypeCNAME, dns.TypeNS, dns.TypeDNAME}
	seen := map[string]int{}
	for i := range rounds {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		m := newModel(r, s)
		q, typ := randomName(r, 1+r.IntN(4)), types[r.IntN(len(types))]
		what, owner := m.truth(q, typ)
		v := &Validator{Anchors: []dns.RR{s.dnskey}, Now: clockOf}
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
		case got.Security == evidence.SecurityInsecure && what != isUnsigned && !m.unsure(q):
			fail("insecure (%s) by\n%v", got.Reason, reply.Ns)
		}
		seen["part "+got.Security.String()]++

		// The truth, whole.
		reply = &dns.Msg{Ns: slices.Concat(m.chain...)}
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
		if got.Security != evidence.SecuritySecure && !(got.Security == evidence.SecurityInsecure && m.unsure(q)) {
			fail("%s (%s)", got.Security, got.Reason)
		}
		seen["whole "+got.Security.String()]++

		// The records of some wildcard, where they may not belong.
		for n := range m.types {
			if !n.isWildcard() || !q.below(n.parent()) || q == n {
				continue
			}
			typ := m.types[n][0]
			what, owner := m.truth(q, typ)
			reply = &dns.Msg{Answer: m.records(n, q, typ), Ns: m.some(r)}
			got = v.Validate(t.Context(), m, q.fqdn(), typ, reply)
			if got.Security == evidence.SecuritySecure && (what != isData || owner != n) {
				fail("records of %s are secure by\n%v", n.fqdn(), reply)
			}
			if got.Security == evidence.SecurityInsecure && what != isUnsigned && !m.unsure(q) {
				fail("records of %s are insecure (%s) by\n%v", n.fqdn(), got.Reason, reply)
			}
			seen["wildcard "+got.Security.String()]++
		}
		if t.Failed() {
			return
		}
	}
	for _, want := range []string{"part secure", "part insecure", "part bogus", "whole secure", "whole insecure", "wildcard secure", "wildcard bogus", "wildcard insecure"} {
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
	s := newSigner("test.")
	z := zoneOf(t, []dns.RR{s.dnskey})
	seen := map[string]int{}
	for i := range rounds {
		r := rand.New(rand.NewPCG(2, uint64(i)))
		m := newModel(r, s)
		q := randomName(r, 1+r.IntN(3))
		what, _ := m.truth(q, dns.TypeDS)
		if what == isSigned || what == isUnsigned || what == isBelowDNAME {
			continue // below a delegation nobody asks this zone
		}
		x := &walk{v: &Validator{Now: clockOf}, src: m, now: testNow}
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
				good = delegated && !signed || m.unsure(q)
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
