package dnssec

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

var testNow = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// signer makes zones with whatever keys and signatures an attacker likes.
type signer struct {
	private ed25519.PrivateKey
	dnskey  *dns.DNSKEY
	zone    string
}

func newSigner(zone string) *signer {
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", 32)))
	return &signer{private: private, zone: zone, dnskey: dnskeyOf(zone, private.Public().(ed25519.PublicKey))}
}

func dnskeyOf(zone string, public []byte) *dns.DNSKEY {
	return &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300},
		Flags: 257, Protocol: 3, Algorithm: dns.ED25519, PublicKey: base64.StdEncoding.EncodeToString(public),
	}
}

func (s *signer) sign(rrs ...dns.RR) []dns.RR {
	sig := &dns.RRSIG{
		Hdr: dns.RR_Header{Ttl: rrs[0].Header().Ttl}, KeyTag: s.dnskey.KeyTag(), SignerName: s.zone, Algorithm: dns.ED25519,
		Inception: uint32(testNow.Unix() - 60), Expiration: uint32(testNow.Unix() + 86400),
	}
	if err := sig.Sign(s.private, rrs); err != nil {
		panic(err)
	}
	return append(rrs[:len(rrs):len(rrs)], sig)
}

// wrong is a signature with the right names that does not hold.
func (s *signer) wrong(rr dns.RR, salt int) *dns.RRSIG {
	signed := s.sign(rr)
	sig := signed[1].(*dns.RRSIG)
	b := make([]byte, ed25519.SignatureSize)
	b[0] = byte(salt)
	b[1] = byte(salt >> 8)
	sig.Signature = base64.StdEncoding.EncodeToString(b)
	return sig
}

// colliding makes keys that have the key tag of s: the tag is a sum of words,
// whatever their order.
func (s *signer) colliding(n int) []dns.RR {
	public := []byte(s.private.Public().(ed25519.PublicKey))
	var list []dns.RR
	for i := range n {
		words := append([]byte(nil), public...)
		a, b := 2*(i%15), 2*(i/15%15)+2
		words[a], words[a+1], words[b], words[b+1] = words[b], words[b+1], words[a], words[a+1]
		list = append(list, dnskeyOf(s.zone, words))
	}
	return list
}

type answers map[setKey]*dns.Msg

func (a answers) Fetch(_ context.Context, q string, typ uint16) (*dns.Msg, error) {
	n, _ := parseName(q)
	if m := a[setKey{n, typ}]; m != nil {
		return m, nil
	}
	return &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: dns.RcodeServerFailure}}, nil
}

func rr(t testing.TB, text string) dns.RR {
	t.Helper()
	r, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// judgeWork judges a reply and returns what it cost.
func judgeWork(v *Validator, src Source, q string, typ uint16, reply *dns.Msg) (*judge, evidence.Security) {
	j := &judge{walk: &walk{v: v, src: src, now: v.Now()}, reply: reply}
	n, _ := parseName(q)
	j.run(context.Background(), n, typ)
	if j.fault == nil {
		return j, evidence.SecuritySecure
	}
	return j, j.fault.security
}

// TestKeyTrap: many keys with the same tag and many signatures (CVE-2023-50387)
// cost a bounded number of verifications.
func TestKeyTrap(t *testing.T) {
	s := newSigner("test.")
	keys := append(s.colliding(200), s.dnskey)
	v := &Validator{Anchors: []dns.RR{s.dnskey}, Now: func() time.Time { return testNow }}
	for _, rr := range keys {
		if tag := rr.(*dns.DNSKEY).KeyTag(); tag != s.dnskey.KeyTag() {
			t.Fatalf("key tag %d, want %d", tag, s.dnskey.KeyTag())
		}
	}
	z := zoneOf(t, keys)

	set := &rrset{typ: dns.TypeA}
	set.owner, _ = parseName("www.test.")
	set.rrs = []dns.RR{rr(t, "www.test. 300 IN A 192.0.2.1")}
	for i := range 200 {
		set.sigs = append(set.sigs, signature{s.wrong(set.rrs[0], i), z.name})
	}
	w := &work{}
	if _, f := z.verify(set, testNow, w); f == nil || !w.limited || w.verifications > maxSignatures {
		t.Errorf("%d verifications of one RRset, limit %d, fault %+v", w.verifications, maxSignatures, f)
	}

	// A chain of aliases, each with many wrong signatures, one right at the end.
	src := answers{setKey{z.name, dns.TypeDNSKEY}: {Answer: s.sign(append([]dns.RR{s.dnskey}, s.colliding(60)...)...)}}
	m := &dns.Msg{}
	for i := range 30 {
		alias := rr(t, fmt.Sprintf("a%d.test. 300 IN CNAME a%d.test.", i, i+1))
		for k := range 50 {
			m.Answer = append(m.Answer, s.wrong(alias, k))
		}
		m.Answer = append(m.Answer, s.sign(alias)...)
	}
	j, got := judgeWork(v, src, "a0.test.", dns.TypeA, m)
	if got != evidence.SecurityBogus || j.work.verifications > maxVerifications {
		t.Errorf("%s after %d verifications, limit %d", got, j.work.verifications, maxVerifications)
	}

	// Thirty-one aliases that are right are within the bounds.
	m = &dns.Msg{}
	for i := range 30 {
		m.Answer = append(m.Answer, s.sign(rr(t, fmt.Sprintf("a%d.test. 300 IN CNAME a%d.test.", i, i+1)))...)
	}
	m.Answer = append(m.Answer, s.sign(rr(t, "a30.test. 300 IN A 192.0.2.1"))...)
	j, got = judgeWork(&Validator{Anchors: v.Anchors, Now: v.Now}, answers{setKey{z.name, dns.TypeDNSKEY}: {Answer: s.sign(s.dnskey)}}, "a0.test.", dns.TypeA, m)
	if got != evidence.SecuritySecure || j.work.verifications != 31 {
		t.Errorf("a long chain: %s after %d verifications: %+v", got, j.work.verifications, j.fault)
	}
}

// TestCollision: two keys with one tag are both tried.
func TestCollision(t *testing.T) {
	s := newSigner("test.")
	z := zoneOf(t, append(s.colliding(maxSameTag-1), s.dnskey))
	set := group(s.sign(rr(t, "www.test. 300 IN A 192.0.2.1"))).order[0]
	if _, f := z.verify(set, testNow, &work{}); f != nil {
		t.Errorf("%+v", f)
	}
}

// TestHashBound: however many NSEC3 records with however many parameters, the
// hashes computed are bounded (CVE-2023-50868).
func TestHashBound(t *testing.T) {
	s := newSigner("test.")
	src := answers{setKey{"\x04test\x00", dns.TypeDNSKEY}: {Answer: s.sign(s.dnskey)}}
	v := &Validator{Anchors: []dns.RR{s.dnskey}, Now: func() time.Time { return testNow }}
	deep := strings.Repeat("a.", 120) + "test."
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: dns.RcodeNameError}}
	for i := range 300 {
		m.Ns = append(m.Ns, s.sign(rr(t, fmt.Sprintf("%032d.test. 300 IN NSEC3 1 0 100 %04x %032d A", i, i, i+1)))...)
	}
	start := time.Now()
	j, got := judgeWork(v, src, deep, dns.TypeA, m)
	if got == evidence.SecuritySecure || got == evidence.SecurityInsecure || !j.work.limited {
		t.Errorf("%s, limited %t", got, j.work.limited)
	}
	if j.work.rounds > maxHashRounds || j.work.verifications > maxVerifications {
		t.Errorf("%d hashes, %d verifications", j.work.rounds, j.work.verifications)
	}
	t.Logf("%d hashes, %d verifications, %v", j.work.rounds, j.work.verifications, time.Since(start))

	// The longest name with one set of parameters is within the bounds.
	d := newDenial(zoneOf(t, []dns.RR{s.dnskey}), group(m.Ns[:2]), testNow, &work{}, 100)
	n, _ := parseName(deep)
	d.noName(n)
	if d.work.limited {
		t.Errorf("a long name alone needs %d hashes, more than the limit", d.work.rounds)
	}
}

// TestManyRecords: NSEC records that all seem of use are not all verified.
func TestManyRecords(t *testing.T) {
	s := newSigner("test.")
	src := answers{setKey{"\x04test\x00", dns.TypeDNSKEY}: {Answer: s.sign(s.dnskey)}}
	v := &Validator{Anchors: []dns.RR{s.dnskey}, Now: func() time.Time { return testNow }}
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: dns.RcodeNameError}}
	for i := range 300 {
		n := rr(t, fmt.Sprintf("a%03d.test. 300 IN NSEC zz.test. A", i))
		m.Ns = append(m.Ns, n, s.wrong(n, i))
	}
	j, got := judgeWork(v, src, "www.test.", dns.TypeA, m)
	if got != evidence.SecurityBogus || j.work.verifications > 2*maxRecords {
		t.Errorf("%s after %d verifications", got, j.work.verifications)
	}
}

// TestDeepNames: a signature that names a zone a hundred labels down does not
// make a hundred questions.
func TestDeepNames(t *testing.T) {
	s := newSigner("test.")
	src := &counting{answers: answers{setKey{"\x04test\x00", dns.TypeDNSKEY}: {Answer: s.sign(s.dnskey)}}}
	v := &Validator{Anchors: []dns.RR{s.dnskey}, Now: func() time.Time { return testNow }}
	deep := strings.Repeat("a.", 120) + "test."
	src.deny = func(n string) []dns.RR { // each name exists, and is no zone
		return s.sign(rr(t, n+" 300 IN NSEC \\000."+n+" RRSIG NSEC"))
	}
	_, got := judgeWork(v, src, deep, dns.TypeA, &dns.Msg{Answer: []dns.RR{rr(t, deep+" 300 IN A 192.0.2.1")}})
	if got != evidence.SecurityIndeterminate || src.count.Load() > maxQuestions {
		t.Errorf("%s after %d questions, limit %d", got, src.count.Load(), maxQuestions)
	}
}

type counting struct {
	answers
	deny  func(string) []dns.RR
	count atomic.Int32
}

func (c *counting) Fetch(ctx context.Context, q string, typ uint16) (*dns.Msg, error) {
	c.count.Add(1)
	if typ == dns.TypeDS {
		return &dns.Msg{Ns: c.deny(dns.Fqdn(q))}, nil
	}
	return c.answers.Fetch(ctx, q, typ)
}

func clockOf() time.Time { return testNow }

func sortedTypes(types []uint16) []uint16 {
	slices.Sort(types)
	return types
}
