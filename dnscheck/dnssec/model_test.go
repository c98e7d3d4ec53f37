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

	"github.com/miekg/dns"
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
