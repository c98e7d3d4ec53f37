package dnssec

import (
	"encoding/base32"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// hashed is the owner label of a name's NSEC3 record without salt and
// iterations; next is the one right after.
func hashed(s string) (label, next string) {
	n, _ := parseName(s)
	h := nsec3Hash(n, "", 0)
	encode := func() string {
		return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(h[:]))
	}
	label = encode()
	h[19]++
	return label, encode()
}

// at is an NSEC3 record of zone test. that matches a name.
func at(name, types string) string {
	label, next := hashed(name)
	return fmt.Sprintf("%s.test. 300 IN NSEC3 1 0 0 - %s %s", label, next, types)
}

// over is an NSEC3 record of zone test. that covers a name.
func over(name string, flags int) string {
	n, _ := parseName(name)
	h := nsec3Hash(n, "", 0)
	encode := func() string {
		return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(h[:]))
	}
	h[18]--
	owner := encode()
	h[18] += 2
	return fmt.Sprintf("%s.test. 300 IN NSEC3 1 %d 0 - %s A RRSIG", owner, flags, encode())
}

// TestDenials judges denials made by hand, by a zone test. that signs whatever
// is asked of it: each row must prove what it says, and no more.
func TestDenials(t *testing.T) {
	const (
		yes   = evidence.SecuritySecure
		maybe = evidence.SecurityInsecure
		no    = evidence.SecurityBogus
		nx    = dns.RcodeNameError
		ok    = dns.RcodeSuccess
	)
	s := newSigner("test.")
	for _, c := range []struct {
		what, q string
		typ     uint16
		rcode   int
		proof   []string
		want    evidence.Security
	}{
		{"NODATA", "a.test.", dns.TypeMX, ok, []string{"a.test. NSEC b.test. A RRSIG NSEC"}, yes},
		{"NODATA, type is there", "a.test.", dns.TypeA, ok, []string{"a.test. NSEC b.test. A RRSIG NSEC"}, no},
		{"NODATA, CNAME is there", "a.test.", dns.TypeMX, ok, []string{"a.test. NSEC b.test. CNAME RRSIG NSEC"}, no},
		{"NODATA, record of another name", "a.test.", dns.TypeMX, ok, []string{"b.test. NSEC c.test. A RRSIG NSEC"}, no},
		{"NODATA of ANY, types are there", "a.test.", dns.TypeANY, ok, []string{"a.test. NSEC b.test. A RRSIG NSEC"}, no},
		{"NODATA of ANY at a name with nothing", "a.test.", dns.TypeANY, ok, []string{"a.test. NSEC \\000.a.test. RRSIG NSEC"}, yes},
		{"black lie (RFC 9824)", "a.test.", dns.TypeMX, ok, []string{"a.test. NSEC \\000.a.test. RRSIG NSEC TYPE128"}, yes},
		{"black lie told as NXDOMAIN", "a.test.", dns.TypeMX, nx, []string{"a.test. NSEC \\000.a.test. RRSIG NSEC TYPE128"}, yes},
		{"empty non-terminal", "b.test.", dns.TypeA, ok, []string{"a.test. NSEC x.b.test. A RRSIG NSEC"}, yes},
		{"empty non-terminal told as NXDOMAIN", "b.test.", dns.TypeA, nx, []string{"a.test. NSEC x.b.test. A RRSIG NSEC", "test. NSEC a.test. NS SOA RRSIG NSEC"}, yes},
		{"empty non-terminal does not deny what is below", "y.b.test.", dns.TypeA, nx, []string{"a.test. NSEC x.b.test. A RRSIG NSEC", "test. NSEC a.test. NS SOA"}, no},
		{"NXDOMAIN", "b.test.", dns.TypeA, nx, []string{"a.test. NSEC c.test. A RRSIG NSEC", "test. NSEC a.test. NS SOA RRSIG NSEC"}, yes},
		{"NXDOMAIN in one record", "b.test.", dns.TypeA, nx, []string{"test. NSEC test. NS SOA RRSIG NSEC"}, yes},
		{"NXDOMAIN at the end of the zone", "z.test.", dns.TypeA, nx, []string{"y.test. NSEC test. A RRSIG NSEC", "test. NSEC a.test. NS SOA RRSIG NSEC"}, yes},
		{"NXDOMAIN without denial of the wildcard", "b.test.", dns.TypeA, nx, []string{"a.test. NSEC c.test. A RRSIG NSEC"}, no},
		{"NXDOMAIN, wildcard exists", "b.test.", dns.TypeA, nx, []string{"a.test. NSEC c.test. A RRSIG NSEC", "*.test. NSEC a.test. A RRSIG NSEC"}, no},
		{"NXDOMAIN, denial of a wildcard too far up", "x.a.test.", dns.TypeA, nx, []string{"a.test. NSEC c.test. A RRSIG NSEC", "test. NSEC a.test. NS SOA RRSIG NSEC"}, yes},
		{"NXDOMAIN's proof told as NODATA", "b.test.", dns.TypeA, ok, []string{"a.test. NSEC c.test. A RRSIG NSEC", "test. NSEC a.test. NS SOA RRSIG NSEC"}, no},
		{"NXDOMAIN with the record of the name itself", "a.test.", dns.TypeA, nx, []string{"a.test. NSEC c.test. A RRSIG NSEC", "test. NSEC a.test. NS SOA RRSIG NSEC"}, no},
		{"NXDOMAIN below a delegation", "www.a.test.", dns.TypeA, nx, []string{"a.test. NSEC c.test. NS DS RRSIG NSEC", "test. NSEC a.test. NS SOA RRSIG NSEC"}, no},
		{"NXDOMAIN below an unsigned delegation", "www.a.test.", dns.TypeA, nx, []string{"a.test. NSEC c.test. NS RRSIG NSEC", "test. NSEC a.test. NS SOA RRSIG NSEC"}, maybe},
		{"NXDOMAIN below a DNAME", "www.a.test.", dns.TypeA, nx, []string{"a.test. NSEC c.test. DNAME RRSIG NSEC", "test. NSEC a.test. NS SOA RRSIG NSEC"}, no},
		{"NODATA at a delegation", "a.test.", dns.TypeA, ok, []string{"a.test. NSEC c.test. NS DS RRSIG NSEC"}, no},
		{"NODATA at an unsigned delegation", "a.test.", dns.TypeA, ok, []string{"a.test. NSEC c.test. NS RRSIG NSEC"}, maybe},
		{"no DS, from above", "a.test.", dns.TypeDS, ok, []string{"a.test. NSEC c.test. NS RRSIG NSEC"}, yes},
		{"no DS, from below", "a.test.", dns.TypeDS, ok, []string{"a.test. NSEC c.test. NS SOA RRSIG NSEC"}, no},
		{"no DS, but there is", "a.test.", dns.TypeDS, ok, []string{"a.test. NSEC c.test. NS DS RRSIG NSEC"}, no},
		{"next name out of the zone", "b.test.", dns.TypeA, nx, []string{"a.test. NSEC c.example. A RRSIG NSEC", "test. NSEC a.test. NS SOA"}, no},
		{"next name not after", "b.test.", dns.TypeA, nx, []string{"z.test. NSEC c.test. A RRSIG NSEC", "test. NSEC a.test. NS SOA"}, no},
		{"wildcard NODATA", "b.test.", dns.TypeMX, ok, []string{"a.test. NSEC c.test. A", "*.test. NSEC a.test. A RRSIG NSEC"}, yes},
		{"wildcard NODATA, wildcard has the type", "b.test.", dns.TypeA, ok, []string{"a.test. NSEC c.test. A", "*.test. NSEC a.test. A RRSIG NSEC"}, no},
		{"wildcard NODATA, the wildcard of another name", "x.a.test.", dns.TypeMX, ok, []string{"a.test. NSEC c.test. A", "*.test. NSEC a.test. A RRSIG NSEC"}, no},
		{"wildcard NODATA, name exists", "b.test.", dns.TypeMX, ok, []string{"*.test. NSEC b.test. A RRSIG NSEC"}, no},
		{"record of the wrong zone", "b.test.", dns.TypeA, nx, []string{"a.example. NSEC c.example. A"}, no},
		{"nothing", "b.test.", dns.TypeA, nx, nil, no},

		{"NSEC3 NODATA", "a.test.", dns.TypeMX, ok, []string{at("a.test.", "A RRSIG")}, yes},
		{"NSEC3 NODATA, type is there", "a.test.", dns.TypeA, ok, []string{at("a.test.", "A RRSIG")}, no},
		{"NSEC3 NODATA, CNAME is there", "a.test.", dns.TypeA, ok, []string{at("a.test.", "CNAME RRSIG")}, no},
		{"NSEC3 NODATA at a delegation", "a.test.", dns.TypeA, ok, []string{at("a.test.", "NS DS RRSIG")}, no},
		{"NSEC3 NODATA at an unsigned delegation", "a.test.", dns.TypeA, ok, []string{at("a.test.", "NS")}, maybe},
		{"NSEC3 no DS, from above", "a.test.", dns.TypeDS, ok, []string{at("a.test.", "NS")}, yes},
		{"NSEC3 no DS, from below", "a.test.", dns.TypeDS, ok, []string{at("a.test.", "NS SOA RRSIG")}, no},
		{"NSEC3 no DS, opt-out", "a.test.", dns.TypeDS, ok, []string{at("test.", "NS SOA RRSIG"), over("a.test.", 1)}, maybe},
		{"NSEC3 no DS, covered without opt-out", "a.test.", dns.TypeDS, ok, []string{at("test.", "NS SOA RRSIG"), over("a.test.", 0)}, no},
		{"NSEC3 NXDOMAIN", "a.test.", dns.TypeA, nx, []string{at("test.", "NS SOA RRSIG"), over("a.test.", 0), over("*.test.", 0)}, yes},
		{"NSEC3 NXDOMAIN deeper", "c.b.a.test.", dns.TypeA, nx, []string{at("a.test.", "A RRSIG"), over("b.a.test.", 0), over("*.a.test.", 0)}, yes},
		{"NSEC3 NXDOMAIN, opt-out", "a.test.", dns.TypeA, nx, []string{at("test.", "NS SOA RRSIG"), over("a.test.", 1), over("*.test.", 0)}, maybe},
		{"NSEC3 NXDOMAIN, unknown flag", "a.test.", dns.TypeA, nx, []string{at("test.", "NS SOA RRSIG"), over("a.test.", 2), over("*.test.", 0)}, no},
		{"NSEC3 NXDOMAIN without closest encloser", "a.test.", dns.TypeA, nx, []string{over("a.test.", 0), over("*.test.", 0)}, no},
		{"NSEC3 NXDOMAIN without next closer name", "a.test.", dns.TypeA, nx, []string{at("test.", "NS SOA RRSIG"), over("*.test.", 0)}, no},
		{"NSEC3 NXDOMAIN without wildcard", "a.test.", dns.TypeA, nx, []string{at("test.", "NS SOA RRSIG"), over("a.test.", 0)}, no},
		{"NSEC3 NXDOMAIN below a delegation", "www.a.test.", dns.TypeA, nx, []string{at("a.test.", "NS DS RRSIG"), over("www.a.test.", 0), over("*.a.test.", 0)}, no},
		{"NSEC3 NXDOMAIN below an unsigned delegation", "www.a.test.", dns.TypeA, nx, []string{at("a.test.", "NS"), over("www.a.test.", 0), over("*.a.test.", 0)}, maybe},
		{"NSEC3 NXDOMAIN below a DNAME", "www.a.test.", dns.TypeA, nx, []string{at("a.test.", "DNAME RRSIG"), over("www.a.test.", 0), over("*.a.test.", 0)}, no},
		{"NSEC3 wildcard NODATA", "a.test.", dns.TypeMX, ok, []string{at("test.", "NS SOA RRSIG"), over("a.test.", 0), at("*.test.", "A RRSIG")}, yes},
		{"NSEC3 wildcard NODATA, type is there", "a.test.", dns.TypeA, ok, []string{at("test.", "NS SOA RRSIG"), over("a.test.", 0), at("*.test.", "A RRSIG")}, no},
		{"NSEC3 wildcard NODATA, opt-out", "a.test.", dns.TypeMX, ok, []string{at("test.", "NS SOA RRSIG"), over("a.test.", 1), at("*.test.", "A RRSIG")}, maybe},
	} {
		t.Run(c.what, func(t *testing.T) {
			v := &Validator{Anchors: []dns.RR{s.dnskey}, Now: clockOf}
			src := answers{setKey{"\x04test\x00", dns.TypeDNSKEY}: {Answer: s.sign(s.dnskey)}}
			// Whatever the walk asks for exists and is no zone, so that only
			// the proof of the row counts.
			for n, _ := parseName(c.q); n != "\x04test\x00"; n = n.parent() {
				src[setKey{n, dns.TypeDS}] = &dns.Msg{Ns: s.sign(rr(t, n.fqdn()+" 300 IN NSEC \\000."+n.fqdn()+" RRSIG NSEC"))}
			}
			m := &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: c.rcode}}
			for _, text := range c.proof {
				if strings.HasPrefix(text, "a.example") {
					m.Ns = append(m.Ns, newSigner("example.").sign(rr(t, text))...)
					continue
				}
				m.Ns = append(m.Ns, s.sign(sortTypes(rr(t, text)))...)
			}
			if j, got := judgeWork(v, src, c.q, c.typ, m); got != c.want {
				t.Errorf("%s, want %s: %+v", got, c.want, j.fault)
			}
		})
	}
}

func sortTypes(r dns.RR) dns.RR {
	switch x := r.(type) {
	case *dns.NSEC:
		x.TypeBitMap = sortedTypes(x.TypeBitMap)
	case *dns.NSEC3:
		x.TypeBitMap = sortedTypes(x.TypeBitMap)
	}
	return r
}

// TestPositive judges answers made by hand.
func TestPositive(t *testing.T) {
	const (
		yes = evidence.SecuritySecure
		no  = evidence.SecurityBogus
	)
	s := newSigner("test.")
	expand := func(owner string, rrs ...dns.RR) []dns.RR { // what a wildcard makes of its records
		for _, r := range rrs {
			r.Header().Name = owner
		}
		return rrs
	}
	join := func(parts ...[]dns.RR) (list []dns.RR) {
		for _, p := range parts {
			list = append(list, p...)
		}
		return list
	}
	edit := func(rrs []dns.RR, f func(*dns.RRSIG)) []dns.RR {
		f(rrs[len(rrs)-1].(*dns.RRSIG))
		return rrs
	}
	a := func() dns.RR { return rr(t, "a.test. 300 IN A 192.0.2.1") }
	wild := func() []dns.RR { return s.sign(rr(t, "*.test. 300 IN A 192.0.2.1")) }
	for _, c := range []struct {
		what, q  string
		answer   []dns.RR
		ns       []dns.RR
		want     evidence.Security
		wantText string
	}{
		{"signed", "a.test.", s.sign(a()), nil, yes, ""},
		{"the same record twice", "a.test.", append(s.sign(a()), a()), nil, yes, ""},
		{"one record more", "a.test.", append(s.sign(a()), rr(t, "a.test. 300 IN A 192.0.2.2")), nil, no, "does not fit"},
		{"case and TTL changed", "a.test.", expand("A.tEST.", append(s.sign(a()), rr(t, "a.test. 100000 IN A 192.0.2.1"))...), nil, yes, ""},
		{"two records in another order", "a.test.", s.sign(rr(t, "a.test. 300 IN A 192.0.2.9"), a()), nil, yes, ""},
		{"of another class", "a.test.", []dns.RR{rr(t, "a.test. 300 CH A 192.0.2.1")}, nil, no, ""},
		{"wildcard with proof", "b.test.", expand("b.test.", wild()...), s.sign(rr(t, "a.test. 300 IN NSEC c.test. A RRSIG NSEC")), yes, ""},
		{"wildcard without proof", "b.test.", expand("b.test.", wild()...), nil, no, "does not prove that the wildcard *.test may stand"},
		{"wildcard though the name exists", "a.test.", expand("a.test.", wild()...), s.sign(rr(t, "a.test. 300 IN NSEC c.test. MX RRSIG NSEC")), no, ""},
		{"wildcard though a closer name exists", "x.a.test.", expand("x.a.test.", wild()...), s.sign(rr(t, "a.test. 300 IN NSEC c.test. MX RRSIG NSEC")), no, ""},
		{"wildcard though there are names below", "b.test.", expand("b.test.", wild()...), s.sign(rr(t, "a.test. 300 IN NSEC x.b.test. A RRSIG NSEC")), no, ""},
		{"wildcard, asked for itself", "*.test.", wild(), nil, yes, ""},
		{"wildcard with NSEC3 proof", "b.test.", expand("b.test.", wild()...), s.sign(rr(t, over("b.test.", 0))), yes, ""},
		{"wildcard with opt-out", "b.test.", expand("b.test.", wild()...), s.sign(rr(t, over("b.test.", 1))), evidence.SecurityInsecure, "opt-out"},
		{"wildcard with the proof of another name", "b.test.", expand("b.test.", wild()...), s.sign(rr(t, over("c.test.", 0))), no, ""},
		{"more labels than the owner", "a.test.", edit(s.sign(a()), func(x *dns.RRSIG) { x.Labels = 3 }), nil, no, "number of labels"},
		{"fewer labels than the zone", "a.test.", edit(s.sign(a()), func(x *dns.RRSIG) { x.Labels = 0 }), nil, no, "number of labels"},
		{"another original TTL", "a.test.", edit(s.sign(a()), func(x *dns.RRSIG) { x.OrigTtl++ }), nil, no, "does not fit"},
		{"signed for ever", "a.test.", edit(s.sign(a()), func(x *dns.RRSIG) { x.Expiration = x.Inception + 1<<31 + 100 }), nil, no, ""},
		{"by a key that is not there", "a.test.", edit(s.sign(a()), func(x *dns.RRSIG) { x.KeyTag++ }), nil, no, "has no key"},
		{"by another zone", "a.test.", edit(s.sign(a()), func(x *dns.RRSIG) { x.SignerName = "example." }), nil, no, "there is no signature"},
		{"by a name that is no zone", "a.test.", edit(s.sign(a()), func(x *dns.RRSIG) { x.SignerName = "a.test." }), nil, no, "which is no zone"},
		{"no algorithm known", "a.test.", edit(s.sign(a()), func(x *dns.RRSIG) { x.Algorithm = 200 }), nil, no, "algorithm 200"},
		{"signature too short", "a.test.", edit(s.sign(a()), func(x *dns.RRSIG) { x.Signature = "AAAA" }), nil, no, "does not fit"},
		{"signature is no base64", "a.test.", edit(s.sign(a()), func(x *dns.RRSIG) { x.Signature = "?" }), nil, no, "does not fit"},
		{"a wrong signature first", "a.test.", append([]dns.RR{s.wrong(a(), 1)}, s.sign(a())...), nil, yes, ""},
		{"two aliases at one name", "a.test.", join(s.sign(rr(t, "a.test. 300 IN CNAME b.test."), rr(t, "a.test. 300 IN CNAME c.test.")), s.sign(rr(t, "b.test. 300 IN A 192.0.2.1")), s.sign(rr(t, "c.test. 300 IN A 192.0.2.1"))), nil, evidence.SecurityIndeterminate, "several CNAME"},
		{"alias loop", "a.test.", join(s.sign(rr(t, "a.test. 300 IN CNAME b.test.")), s.sign(rr(t, "b.test. 300 IN CNAME a.test."))), nil, yes, ""},
		{"unsigned alias to signed data", "a.test.", join([]dns.RR{rr(t, "a.test. 300 IN CNAME b.test.")}, s.sign(rr(t, "b.test. 300 IN A 192.0.2.1"))), nil, no, "a.test CNAME: there is no signature"},
		{"CNAME made from a DNAME", "x.a.test.", join(s.sign(rr(t, "a.test. 300 IN DNAME b.test.")), []dns.RR{rr(t, "x.a.test. 300 IN CNAME x.b.test.")}, s.sign(rr(t, "x.b.test. 300 IN A 192.0.2.1"))), nil, yes, ""},
		{"CNAME that a DNAME does not make", "x.a.test.", join(s.sign(rr(t, "a.test. 300 IN DNAME b.test.")), []dns.RR{rr(t, "x.a.test. 300 IN CNAME y.b.test.")}, s.sign(rr(t, "y.b.test. 300 IN A 192.0.2.1"))), nil, no, "x.a.test CNAME: there is no signature"},
		{"CNAME at the DNAME itself", "a.test.", join(s.sign(rr(t, "a.test. 300 IN DNAME b.test.")), []dns.RR{rr(t, "a.test. 300 IN CNAME b.test.")}, s.sign(rr(t, "b.test. 300 IN A 192.0.2.1"))), nil, no, "a.test CNAME: there is no signature"},
		{"DNAME without CNAME", "x.a.test.", join(s.sign(rr(t, "a.test. 300 IN DNAME b.test.")), s.sign(rr(t, "x.b.test. 300 IN A 192.0.2.1"))), nil, no, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			v := &Validator{Anchors: []dns.RR{s.dnskey}, Now: clockOf}
			src := answers{setKey{"\x04test\x00", dns.TypeDNSKEY}: {Answer: s.sign(s.dnskey)}}
			for _, q := range []string{"a.test.", "b.test.", "x.a.test.", "y.b.test.", "x.b.test.", "c.test."} {
				n, _ := parseName(q)
				src[setKey{n, dns.TypeDS}] = &dns.Msg{Ns: s.sign(rr(t, q+" 300 IN NSEC \\000."+q+" RRSIG NSEC"))}
			}
			m := &dns.Msg{Answer: c.answer, Ns: c.ns}
			j, got := judgeWork(v, src, c.q, dns.TypeA, m)
			if got != c.want {
				t.Errorf("%s, want %s: %+v", got, c.want, j.fault)
			}
			if c.wantText != "" && (j.fault == nil || !strings.Contains(j.fault.reason, c.wantText)) {
				t.Errorf("fault %+v, want ..%q..", j.fault, c.wantText)
			}
		})
	}
}

// TestKeys: which DNSKEY records count.
func TestKeys(t *testing.T) {
	s := newSigner("test.")
	with := func(f func(*dns.DNSKEY)) *signer {
		c := *s
		c.dnskey = dns.Copy(s.dnskey).(*dns.DNSKEY)
		f(c.dnskey)
		return &c
	}
	sha1, sha2 := s.dnskey.ToDS(dns.SHA1), s.dnskey.ToDS(dns.SHA256)
	wrong2 := dns.Copy(sha2).(*dns.DS)
	wrong2.Digest = strings.Repeat("0", 64)
	other := dns.Copy(sha2).(*dns.DS)
	other.Algorithm, other.DigestType = dns.DSA, dns.SHA256
	small := dns.Copy(s.dnskey).(*dns.DNSKEY)
	small.Algorithm, small.PublicKey = dns.RSASHA256, "AwEAAQ==" // a modulus of one octet
	weak := with(func(k *dns.DNSKEY) { *k = *small })
	for _, c := range []struct {
		what   string
		signer *signer
		ds     []dns.RR
		want   evidence.Security
	}{
		{"only the unusable one of two keys is shown", weak, []dns.RR{small.ToDS(dns.SHA256), sha2}, evidence.SecurityBogus},
		{"only the unusable one of two known keys is shown", weak, []dns.RR{small, s.dnskey}, evidence.SecurityBogus},
		{"both of two unusable", weak, []dns.RR{small.ToDS(dns.SHA256), small.ToDS(dns.SHA384)}, evidence.SecurityInsecure},
		{"good", s, []dns.RR{sha2}, evidence.SecuritySecure},
		{"SHA-1 alone", s, []dns.RR{sha1}, evidence.SecuritySecure},
		{"SHA-1 beside a wrong SHA-2 is ignored", s, []dns.RR{sha1, wrong2}, evidence.SecurityBogus},
		{"SHA-1 beside an unusable SHA-2", s, []dns.RR{sha1, other}, evidence.SecuritySecure},
		{"one of two", s, []dns.RR{sha2, wrong2}, evidence.SecuritySecure},
		{"no zone key", with(func(k *dns.DNSKEY) { k.Flags = 1 }), nil, evidence.SecurityBogus},
		{"revoked", with(func(k *dns.DNSKEY) { k.Flags |= dns.REVOKE }), nil, evidence.SecurityBogus},
		{"protocol", with(func(k *dns.DNSKEY) { k.Protocol = 4 }), nil, evidence.SecurityBogus},
		{"not meant for DNSKEY", with(func(k *dns.DNSKEY) { k.Flags = 256 }), nil, evidence.SecuritySecure},
		{"a key too small", with(func(k *dns.DNSKEY) { *k = *small }), nil, evidence.SecurityInsecure},
	} {
		t.Run(c.what, func(t *testing.T) {
			ds := c.ds
			if ds == nil {
				ds = []dns.RR{c.signer.dnskey.ToDS(dns.SHA256)}
			}
			v := &Validator{Anchors: ds, Now: clockOf}
			src := answers{setKey{"\x04test\x00", dns.TypeDNSKEY}: {Answer: c.signer.sign(c.signer.dnskey)}}
			j, got := judgeWork(v, src, "test.", dns.TypeSOA, &dns.Msg{Answer: c.signer.sign(rr(t, "test. 300 IN SOA a.test. b.test. 1 2 3 4 5"))})
			if got != c.want {
				t.Errorf("%s, want %s: %+v", got, c.want, j.fault)
			}
		})
	}
}
