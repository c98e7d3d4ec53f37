package dnssec

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// honest is the part of the Internet that an attacker cannot change: zones
// with keys of their own, and what they answer to DS and DNSKEY questions. A
// name that is no zone is denied by the zone it is in.
type honest struct {
	t     testing.TB
	zones map[name]*signer
	// unsigned are the delegations without DS.
	unsigned map[name]bool
	said     answers // instead of what would be made up
}

// estate has a signed child below three kinds of parent: one with NSEC, one
// with NSEC3 and opt-out, and one whose NSEC3 has too many iterations.
func estate(t testing.TB) *honest {
	h := &honest{t: t, zones: map[name]*signer{}, unsigned: map[name]bool{}, said: answers{}}
	for _, z := range []string{".", "test.", "child.test.", "b.a.test.", "opt.", "child.opt.", "slow.", "child.slow."} {
		n, _ := parseName(z)
		seed := sha256.Sum256([]byte(z))
		private := ed25519.NewKeyFromSeed(seed[:])
		h.zones[n] = &signer{private: private, zone: z, dnskey: dnskeyOf(z, private.Public().(ed25519.PublicKey))}
	}
	for _, z := range []string{"plain.test.", "plain.opt."} {
		n, _ := parseName(z)
		h.unsigned[n] = true
	}
	return h
}

func (h *honest) of(zone string) *signer {
	n, _ := parseName(zone)
	return h.zones[n]
}

// by signs records with the key of a zone.
func (h *honest) by(zone string, texts ...string) (list []dns.RR) {
	var set []dns.RR
	for _, text := range texts {
		set = append(set, sortTypes(rr(h.t, text)))
	}
	if set[0].Header().Name == "*." {
		return h.of(zone).signOurselves(set)
	}
	return h.of(zone).sign(set...)
}

// signOurselves signs what package dns cannot: a wildcard right below the root.
func (s *signer) signOurselves(set []dns.RR) []dns.RR {
	sig := s.sign(dns.Copy(s.dnskey))[1].(*dns.RRSIG)
	sig.Hdr, sig.TypeCovered, sig.Labels = *set[0].Header(), set[0].Header().Rrtype, 0
	sig.Hdr.Rrtype = dns.TypeRRSIG
	signer, _ := parseName(s.zone)
	data, err := new(work).signedData(sig, signer, group(set).order[0])
	if err != nil {
		panic(err)
	}
	sig.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(s.private, data))
	return append(set, sig)
}

// each is by, for records that are RRsets of their own.
func (h *honest) each(zone string, texts ...string) (list []dns.RR) {
	for _, text := range texts {
		list = append(list, h.by(zone, text)...)
	}
	return list
}

// Fetch implements [Source].
func (h *honest) Fetch(_ context.Context, q string, typ uint16) (*dns.Msg, error) {
	n, _ := parseName(q)
	if m := h.said[setKey{n, typ}]; m != nil {
		return m, nil
	}
	own := h.zones[n]
	switch {
	case typ == dns.TypeDNSKEY && own != nil:
		return &dns.Msg{Answer: own.sign(own.dnskey)}, nil
	case typ == dns.TypeDNSKEY:
		return &dns.Msg{}, nil
	}
	above := n.parent()
	for h.zones[above] == nil {
		above = above.parent()
	}
	parent := h.zones[above]
	if own != nil {
		return &dns.Msg{Answer: parent.sign(own.dnskey.ToDS(dns.SHA256))}, nil
	}
	types := "RRSIG NSEC"
	if h.unsigned[n] {
		types = "NS RRSIG NSEC"
	}
	return &dns.Msg{Ns: parent.sign(rr(h.t, fmt.Sprintf("%s 300 IN NSEC \\000.%s %s", n.fqdn(), n.fqdn(), types)))}, nil
}

func (h *honest) validator() *Validator {
	return &Validator{Anchors: []dns.RR{h.of(".").dnskey.ToDS(dns.SHA256)}, Now: clockOf}
}

// ring is an NSEC3 record of a zone: from just before (or, with exact, at) the
// hash of a name to just after it.
func ring(zone, covered string, exact bool, flags, iterations int, salt, types string) string {
	n, _ := parseName(covered)
	raw := ""
	if salt != "-" {
		raw = string([]byte{0xaa})
		salt = "aa"
	}
	h := nsec3Hash(n, raw, iterations)
	encode := func() string {
		return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(h[:]))
	}
	if !exact {
		h[17]--
	}
	owner := encode()
	h[17] += 2
	return fmt.Sprintf("%s.%s 300 IN NSEC3 1 %d %d %s %s %s", owner, zone, flags, iterations, salt, encode(), types)
}

// TestAttacks: replies made of records that their zones did sign, put together
// to say what is not so, as somebody on the way to the resolver can.
func TestAttacks(t *testing.T) {
	const (
		yes   = evidence.SecuritySecure
		maybe = evidence.SecurityInsecure
		no    = evidence.SecurityBogus
		nx    = dns.RcodeNameError
		ok    = dns.RcodeSuccess
	)
	h := estate(t)
	join := func(parts ...[]dns.RR) (list []dns.RR) {
		for _, p := range parts {
			list = append(list, p...)
		}
		return list
	}
	expand := func(owner string, rrs ...dns.RR) []dns.RR {
		for _, r := range rrs {
			r.Header().Name = owner
		}
		return rrs
	}
	edit := func(rrs []dns.RR, f func(*dns.RRSIG)) []dns.RR {
		f(rrs[len(rrs)-1].(*dns.RRSIG))
		return rrs
	}
	plain := func(texts ...string) (list []dns.RR) {
		for _, text := range texts {
			list = append(list, rr(t, text))
		}
		return list
	}
	testNSEC := []string{"test. 300 IN NSEC child.test. NS SOA RRSIG NSEC DNSKEY", "child.test. 300 IN NSEC plain.test. NS DS RRSIG NSEC", "plain.test. 300 IN NSEC test. NS RRSIG NSEC"}
	childNSEC := []string{"child.test. 300 IN NSEC www.child.test. NS SOA MX RRSIG NSEC DNSKEY", "www.child.test. 300 IN NSEC child.test. A RRSIG NSEC"}
	for _, c := range []struct {
		what, q string
		typ     uint16
		rcode   int
		answer  []dns.RR
		ns      []dns.RR
		want    evidence.Security
	}{
		{"honest answer", "www.child.test.", dns.TypeA, ok, h.by("child.test.", "www.child.test. 300 IN A 192.0.2.1"), nil, yes},
		{"honest denial", "no.child.test.", dns.TypeA, nx, nil, h.each("child.test.", childNSEC[0]), yes},
		{"stripped", "www.child.test.", dns.TypeA, ok, plain("www.child.test. 300 IN A 192.0.2.9"), nil, no},
		{"stripped, with an SOA of the unsigned sibling", "www.child.test.", dns.TypeA, ok, plain("www.child.test. 300 IN A 192.0.2.9"), plain("plain.test. 300 IN SOA a. b. 1 2 3 4 5"), no},
		{"stripped, with the proof that the sibling is not signed", "www.child.test.", dns.TypeA, ok, plain("www.child.test. 300 IN A 192.0.2.9"), h.each("test.", testNSEC[2]), no},
		{"empty and unsigned", "www.child.test.", dns.TypeA, ok, nil, nil, no},
		{"NXDOMAIN and unsigned", "www.child.test.", dns.TypeA, nx, nil, plain("child.test. 300 IN SOA a. b. 1 2 3 4 5"), no},
		{"records of another type", "www.child.test.", dns.TypeAAAA, ok, h.by("child.test.", "www.child.test. 300 IN A 192.0.2.1"), nil, no},
		{"records of another name", "mx.child.test.", dns.TypeA, ok, h.by("child.test.", "www.child.test. 300 IN A 192.0.2.1"), nil, no},
		{"signature of another type", "www.child.test.", dns.TypeTXT, ok, join(plain("www.child.test. 300 IN TXT x"), h.by("child.test.", "www.child.test. 300 IN A 192.0.2.1")[1:]), nil, no},
		{"signature of another type, renamed", "www.child.test.", dns.TypeTXT, ok, join(plain("www.child.test. 300 IN TXT x"), edit(h.by("child.test.", "www.child.test. 300 IN A 192.0.2.1")[1:], func(s *dns.RRSIG) { s.TypeCovered = dns.TypeTXT })), nil, no},
		{"signature of another owner", "mx.child.test.", dns.TypeA, ok, expand("mx.child.test.", h.by("child.test.", "www.child.test. 300 IN A 192.0.2.1")...), nil, no},
		{"records of another class", "www.child.test.", dns.TypeA, ok, join(plain("www.child.test. 300 CH A 192.0.2.1"), h.by("child.test.", "www.child.test. 300 IN A 192.0.2.1")[1:]), nil, no},
		{"signed by the unsigned sibling's parent", "www.plain.test.", dns.TypeA, ok, plain("www.plain.test. 300 IN A 192.0.2.1"), nil, maybe},
		{"signed by a sibling", "www.child.test.", dns.TypeA, ok, h.by("b.a.test.", "www.child.test. 300 IN A 192.0.2.9"), nil, no},
		{"signed by a sibling, signer renamed", "www.child.test.", dns.TypeA, ok, edit(h.by("b.a.test.", "www.child.test. 300 IN A 192.0.2.9"), func(s *dns.RRSIG) { s.SignerName = "child.test." }), nil, no},
		{"DS signed by the child", "child.test.", dns.TypeDS, ok, h.by("child.test.", "child.test. 300 IN DS 1 15 2 00000000000000000000000000000000000000000000000000000000000000aa"), nil, no},
		{"DS denied by the child's apex", "child.test.", dns.TypeDS, ok, nil, h.each("child.test.", childNSEC[0]), no},
		{"DS denied by the grandparent", "child.test.", dns.TypeDS, ok, nil, h.each(".", "test. 300 IN NSEC . NS DS RRSIG NSEC"), no},
		{"DS denied as NXDOMAIN by the grandparent", "child.test.", dns.TypeDS, nx, nil, h.each(".", "test. 300 IN NSEC . NS DS RRSIG NSEC", ". 300 IN NSEC slow. NS SOA RRSIG NSEC"), no},
		{"denied by the parent at the cut", "child.test.", dns.TypeMX, ok, nil, h.each("test.", testNSEC[1]), no},
		{"denied by the parent below the cut", "www.child.test.", dns.TypeA, nx, nil, h.each("test.", testNSEC[1], testNSEC[0]), no},
		{"denied by the parent below the cut as NODATA", "www.child.test.", dns.TypeA, ok, nil, h.each("test.", testNSEC[1], testNSEC[0]), no},
		{"denied by the root below two cuts", "www.child.test.", dns.TypeA, nx, nil, h.each(".", "test. 300 IN NSEC . NS DS RRSIG NSEC", ". 300 IN NSEC opt. NS SOA RRSIG NSEC"), no},
		{"insecure by the sibling's delegation", "www.child.test.", dns.TypeA, nx, nil, h.each("test.", testNSEC[2]), no},
		{"delegation record that is not signed", "www.child.test.", dns.TypeA, nx, nil, plain("child.test. 300 IN NSEC plain.test. NS RRSIG NSEC"), no},
		{"NSEC of a wildcard's expansion", "no.child.test.", dns.TypeA, ok, nil, expand("no.child.test.", h.by("child.test.", "*.child.test. 300 IN NSEC child.test. MX RRSIG NSEC")...), no},
		{"wildcard for a name that exists", "www.child.test.", dns.TypeA, ok, expand("www.child.test.", h.by("child.test.", "*.child.test. 300 IN A 192.0.2.9")...), h.each("child.test.", childNSEC...), no},
		{"wildcard of the parent for a name of the child", "www.child.test.", dns.TypeA, ok, expand("www.child.test.", h.by("test.", "*.test. 300 IN A 192.0.2.9")...), h.each("test.", testNSEC...), no},
		{"wildcard of the parent for the child", "child.test.", dns.TypeMX, ok, expand("child.test.", h.by("test.", "*.test. 300 IN MX 1 evil.test.")...), h.each("test.", testNSEC...), no},
		{"wildcard below an empty non-terminal's wildcard", "x.a.test.", dns.TypeA, ok, expand("x.a.test.", h.by("test.", "*.test. 300 IN A 192.0.2.9")...), h.each("test.", "test. 300 IN NSEC b.a.test. NS SOA RRSIG NSEC", "b.a.test. 300 IN NSEC child.test. NS DS RRSIG NSEC"), no},
		{"wildcard of the root", "nosuch.", dns.TypeTXT, ok, expand("nosuch.", h.by(".", "*. 300 IN TXT x")...), h.each(".", ". 300 IN NSEC opt. NS SOA RRSIG NSEC"), yes},
		{"wildcard of the root for a name that exists", "test.", dns.TypeTXT, ok, expand("test.", h.by(".", "*. 300 IN TXT x")...), h.each(".", ". 300 IN NSEC opt. NS SOA RRSIG NSEC"), no},

		{"opt-out does not hide a signed child", "www.child.opt.", dns.TypeA, nx, nil, h.each("opt.", ring("opt.", "opt.", true, 1, 0, "-", "NS SOA RRSIG"), ring("opt.", "other.opt.", false, 1, 0, "-", "NS"), ring("opt.", "*.opt.", false, 1, 0, "-", "NS")), no},
		{"opt-out is never secure", "no.opt.", dns.TypeA, nx, nil, h.each("opt.", ring("opt.", "opt.", true, 1, 0, "-", "NS SOA RRSIG"), ring("opt.", "no.opt.", false, 1, 0, "-", "NS"), ring("opt.", "*.opt.", false, 1, 0, "-", "NS")), maybe},
		{"NSEC3 of the parent at the cut", "child.opt.", dns.TypeMX, ok, nil, h.each("opt.", ring("opt.", "child.opt.", true, 1, 0, "-", "NS DS RRSIG")), no},
		{"NSEC3 of the parent below the cut", "www.child.opt.", dns.TypeA, nx, nil, h.each("opt.", ring("opt.", "child.opt.", true, 1, 0, "-", "NS DS RRSIG"), ring("opt.", "www.child.opt.", false, 1, 0, "-", "A"), ring("opt.", "*.child.opt.", false, 1, 0, "-", "A")), no},
		{"NSEC3 of a sibling under its own name", "www.child.opt.", dns.TypeA, nx, nil, h.each("child.test.", ring("child.test.", "child.opt.", true, 0, 0, "-", "NS SOA RRSIG"), ring("child.test.", "www.child.opt.", false, 0, 0, "-", "A"), ring("child.test.", "*.child.opt.", false, 0, 0, "-", "A")), no},
		{"NSEC3 of two sets of parameters, each whole", "no.child.opt.", dns.TypeA, nx, nil, h.each("child.opt.", ring("child.opt.", "child.opt.", true, 0, 0, "-", "NS SOA RRSIG"), ring("child.opt.", "no.child.opt.", false, 0, 2, "aa", "A"), ring("child.opt.", "*.child.opt.", false, 0, 2, "aa", "A")), yes},
		{"NSEC3 hashed for other parameters than it says", "no.child.opt.", dns.TypeA, nx, nil, h.each("child.opt.", ring("child.opt.", "child.opt.", true, 0, 0, "-", "NS SOA RRSIG"), strings.Replace(ring("child.opt.", "no.child.opt.", false, 0, 2, "aa", "A"), " 2 aa ", " 0 - ", 1), ring("child.opt.", "*.child.opt.", false, 0, 0, "-", "A")), no},
		{"costly NSEC3 of the parent for a name of the signed child", "www.child.slow.", dns.TypeA, nx, nil, h.each("slow.", ring("slow.", "slow.", true, 0, 500, "-", "NS SOA RRSIG")), no},
		{"costly NSEC3 of the parent and its wildcard, for a name of the signed child", "www.child.slow.", dns.TypeA, ok, expand("www.child.slow.", h.by("slow.", "*.slow. 300 IN A 192.0.2.9")...), h.each("slow.", ring("slow.", "slow.", true, 0, 500, "-", "NS SOA RRSIG")), no},
		{"costly NSEC3 that is not signed", "no.child.test.", dns.TypeA, nx, nil, plain(ring("child.test.", "child.test.", true, 0, 500, "-", "NS SOA RRSIG")), no},

		{"signature with the labels of the root's wildcard", "www.child.test.", dns.TypeA, ok, edit(h.by("child.test.", "www.child.test. 300 IN A 192.0.2.1"), func(s *dns.RRSIG) { s.Labels = 0 }), nil, no},
		{"signature with too many labels", "www.child.test.", dns.TypeA, ok, edit(h.by("child.test.", "www.child.test. 300 IN A 192.0.2.1"), func(s *dns.RRSIG) { s.Labels = 9 }), nil, no},
		{"TTL above the original", "www.child.test.", dns.TypeA, ok, edit(h.by("child.test.", "www.child.test. 300 IN A 192.0.2.1"), func(s *dns.RRSIG) { s.Hdr.Ttl = 1 << 30 }), nil, yes},
		{"upper case throughout", "WWW.Child.TEST.", dns.TypeA, ok, expand("wWw.cHILD.tEST.", edit(h.by("child.test.", "www.child.test. 300 IN A 192.0.2.1"), func(s *dns.RRSIG) { s.SignerName = "CHILD.test." })...), nil, yes},
		{"escapes", `a\.b\000.child.test.`, dns.TypeA, ok, h.by("child.test.", `a\.b\000.child.test. 300 IN A 192.0.2.1`), nil, yes},
		{"an escaped dot is no label's end", `www\.child.test.`, dns.TypeA, ok, h.by("child.test.", "www.child.test. 300 IN A 192.0.2.1"), nil, no},
		{"a signer that only ends like the name", "www.xchild.test.", dns.TypeA, ok, h.by("child.test.", "www.xchild.test. 300 IN A 192.0.2.1"), nil, no},

		{"alias into the signed zone, end stripped", "www.child.test.", dns.TypeA, ok, join(h.by("child.test.", "www.child.test. 300 IN CNAME mx.child.opt."), plain("mx.child.opt. 300 IN A 192.0.2.9")), nil, no},
		{"alias signed, end from an unsigned zone", "www.child.test.", dns.TypeA, ok, join(h.by("child.test.", "www.child.test. 300 IN CNAME x.plain.test."), plain("x.plain.test. 300 IN A 192.0.2.9")), nil, maybe},
		{"alias that is not signed, end secure", "www.child.test.", dns.TypeA, ok, join(plain("www.child.test. 300 IN CNAME mx.child.opt."), h.by("child.opt.", "mx.child.opt. 300 IN A 192.0.2.9")), nil, no},
		{"DNAME signed, CNAME to elsewhere", "x.d.child.test.", dns.TypeA, ok, join(h.by("child.test.", "d.child.test. 300 IN DNAME child.opt."), plain("x.d.child.test. 300 IN CNAME y.child.opt."), h.by("child.opt.", "y.child.opt. 300 IN A 192.0.2.9")), nil, no},
		{"DNAME of another tree", "x.d.child.test.", dns.TypeA, ok, join(h.by("child.test.", "e.child.test. 300 IN DNAME child.opt."), plain("x.d.child.test. 300 IN CNAME x.child.opt."), h.by("child.opt.", "x.child.opt. 300 IN A 192.0.2.9")), nil, no},
		{"DNAME of the parent above a signed child", "x.child.test.", dns.TypeA, ok, join(expand("child.test.", h.by("test.", "*.test. 300 IN DNAME child.opt.")...), plain("x.child.test. 300 IN CNAME x.child.opt."), h.by("child.opt.", "x.child.opt. 300 IN A 192.0.2.9")), h.each("test.", testNSEC...), no},
	} {
		t.Run(c.what, func(t *testing.T) {
			m := &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: c.rcode}, Answer: c.answer, Ns: c.ns}
			if j, got := judgeWork(h.validator(), h, c.q, c.typ, m); got != c.want {
				t.Errorf("%s, want %s: %+v", got, c.want, j.fault)
			}
		})
	}
}

// TestManyDS: whatever the order of a delegation's DS records, those that
// cannot be followed do not hide the one that can.
func TestManyDS(t *testing.T) {
	h := estate(t)
	good := h.of("child.test.").dnskey.ToDS(dns.SHA256)
	var list []dns.RR
	for i := range 2 * maxDS {
		useless := dns.Copy(good).(*dns.DS)
		useless.Algorithm, useless.KeyTag = 200, uint16(i)
		list = append(list, useless)
	}
	child, _ := parseName("child.test.")
	h.said[setKey{child, dns.TypeDS}] = &dns.Msg{Answer: h.of("test.").sign(append(list, good)...)}
	forged := &dns.Msg{Answer: []dns.RR{rr(t, "www.child.test. 300 IN A 192.0.2.9")}}
	if j, got := judgeWork(h.validator(), h, "www.child.test.", dns.TypeA, forged); got != evidence.SecurityBogus {
		t.Errorf("%s: %+v", got, j.fault)
	}
}

// TestExists: a response code of NXDOMAIN is not signed. Where the signatures
// prove that there is a name, the result says so.
func TestExists(t *testing.T) {
	h := estate(t)
	child := func(texts ...string) []dns.RR { return h.each("child.test.", texts...) }
	for _, c := range []struct {
		what       string
		rcode      int
		answer, ns []dns.RR
		want       bool
	}{
		{"no such name", dns.RcodeNameError, nil, child("child.test. 300 IN NSEC child.test. NS SOA RRSIG NSEC"), false},
		{"no such name, compact (RFC 9824)", dns.RcodeNameError, nil, child("www.child.test. 300 IN NSEC \\000.www.child.test. RRSIG NSEC TYPE128"), false},
		{"records", dns.RcodeNameError, child("www.child.test. 300 IN TXT x"), nil, true},
		{"records, as it should be", dns.RcodeSuccess, child("www.child.test. 300 IN TXT x"), nil, false},
		{"other records", dns.RcodeNameError, nil, child("www.child.test. 300 IN NSEC child.test. A RRSIG NSEC"), true},
		{"other records, NSEC3", dns.RcodeNameError, nil, child(ring("child.test.", "www.child.test.", true, 0, 0, "-", "A RRSIG")), true},
		{"names below", dns.RcodeNameError, nil, child("child.test. 300 IN NSEC x.www.child.test. NS SOA RRSIG NSEC"), true},
		{"alias to no such name", dns.RcodeNameError, child("www.child.test. 300 IN CNAME no.child.test."), child("child.test. 300 IN NSEC child.test. NS SOA RRSIG NSEC"), false},
		{"alias to a name with other records", dns.RcodeNameError, child("www.child.test. 300 IN CNAME mx.child.test."), child("mx.child.test. 300 IN NSEC child.test. A RRSIG NSEC"), true},
		{"records that are not signed", dns.RcodeNameError, []dns.RR{rr(t, "www.child.test. 300 IN TXT x")}, nil, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			m := &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: c.rcode}, Answer: c.answer, Ns: c.ns}
			got := h.validator().Validate(t.Context(), h, "www.child.test.", dns.TypeTXT, m)
			if got.Exists != c.want || c.want && got.Security != evidence.SecuritySecure {
				t.Errorf("%+v, want %t", got, c.want)
			}
		})
	}
}

// TestLongNames: names of 255 octets, the most there are, are judged like all
// others.
func TestLongNames(t *testing.T) {
	h := estate(t)
	label := strings.Repeat("a", 62) + "."
	end := strings.Repeat("b", 255-12-3*63-1) + "." + strings.Repeat(label, 3) + "child.test."
	if n, ok := parseName(end); !ok || len(n) != 255 {
		t.Fatalf("%d octets", len(n))
	}
	apex := h.by("child.test.", "child.test. 300 IN NSEC child.test. NS SOA RRSIG NSEC")
	star := h.by("child.test.", "*.child.test. 300 IN A 192.0.2.1")
	for _, r := range star {
		r.Header().Name = end
	}
	made := strings.Repeat("c.", 100) + "d.child.test." // 200 octets and more
	for _, c := range []struct {
		what, q string
		m       *dns.Msg
		want    evidence.Security
	}{
		{"answer", end, &dns.Msg{Answer: h.by("child.test.", end+" 300 IN A 192.0.2.1")}, evidence.SecuritySecure},
		{"denial", end, &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: dns.RcodeNameError}, Ns: apex}, evidence.SecuritySecure},
		{"denial with NSEC3", end, &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: dns.RcodeNameError}, Ns: h.each("child.test.",
			ring("child.test.", "child.test.", true, 0, 0, "-", "NS SOA RRSIG"), ring("child.test.", label+"child.test.", false, 0, 0, "-", "A"), ring("child.test.", "*.child.test.", false, 0, 0, "-", "A"))}, evidence.SecuritySecure},
		{"wildcard", end, &dns.Msg{Answer: star, Ns: apex}, evidence.SecuritySecure},
		{"a DNAME that makes it too long", made, &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: dns.RcodeYXDomain}, Answer: h.by("child.test.", "d.child.test. 300 IN DNAME "+label+label+"child.test.")}, evidence.SecuritySecure},
	} {
		t.Run(c.what, func(t *testing.T) {
			if j, got := judgeWork(h.validator(), h, c.q, dns.TypeA, c.m); got != c.want {
				t.Errorf("%s: %+v", got, j.fault)
			}
		})
	}
}
