package dnssec

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// TestHeld: a signature that held is known again by all its octets, those of
// what it signs and those of the key, and where each of them ends.
func TestHeld(t *testing.T) {
	s := newSigner("test.")
	k, err := newKey(s.dnskey)
	if err != nil {
		t.Fatal(err)
	}
	data := []byte("some octets that are signed, a few of them")
	sig := ed25519.Sign(s.private, data)
	w := &work{v: &Validator{}}
	holds := func(k *key, data, sig []byte) bool { return w.holds(k, slices.Clone(data), slices.Clone(sig)) }
	known := func() int { return len(w.v.held.entries) }
	for range 2 {
		if !holds(k, data, sig) || known() != 1 {
			t.Fatalf("it does not hold, or %d are remembered", known())
		}
	}
	same := newHeldKey(k, slices.Clone(data), sig)
	for i := range data {
		other := slices.Clone(data)
		other[i] ^= 1
		if holds(k, other, sig) || newHeldKey(k, other, sig) == same {
			t.Fatalf("octet %d of what is signed does not count", i)
		}
	}
	for i := range sig {
		other := slices.Clone(sig)
		other[i] ^= 1
		if holds(k, data, other) || newHeldKey(k, slices.Clone(data), other) == same {
			t.Fatalf("octet %d of the signature does not count", i)
		}
	}
	for i := range k.rdata {
		other := &key{rdata: slices.Clone(k.rdata)}
		other.rdata[i] ^= 1
		if newHeldKey(other, slices.Clone(data), sig) == same {
			t.Fatalf("octet %d of the key does not count", i)
		}
	}
	if newHeldKey(k, slices.Concat(data, sig[:1]), sig[1:]) == same || newHeldKey(&key{rdata: k.rdata[1:]}, slices.Clone(data), append(slices.Clone(sig), k.rdata[0])) == same {
		t.Error("where a part ends does not count")
	}
	if known() != 1 {
		t.Errorf("%d signatures are remembered, of which one held", known())
	}
}

// TestHeldTime: what is remembered of a signature says nothing of its time, its
// zone or the records.
func TestHeldTime(t *testing.T) {
	s := newSigner("test.")
	z := zoneOf(t, []dns.RR{s.dnskey})
	signed := s.sign(rr(t, "www.test. 300 IN A 192.0.2.1"))
	w := &work{v: &Validator{}}
	at := func(now time.Time, rrs []dns.RR) *fault {
		_, f := z.verify(group(rrs).order[0], now, w)
		return f
	}
	if f := at(testNow, signed); f != nil || len(w.v.held.entries) != 1 {
		t.Fatalf("%+v", f)
	}
	if f := at(testNow.Add(24*time.Hour+time.Second), signed); f == nil || f.ede != dns.ExtendedErrorCodeSignatureExpired {
		t.Errorf("after its time: %+v", f)
	}
	if f := at(testNow.Add(-61*time.Second), signed); f == nil || f.ede != dns.ExtendedErrorCodeSignatureNotYetValid {
		t.Errorf("before its time: %+v", f)
	}
	for _, text := range []string{"www.test. 300 IN A 192.0.2.2", "ww.test. 300 IN A 192.0.2.1"} {
		if f := at(testNow, []dns.RR{rr(t, text), renamed(signed[1], rr(t, text))}); f == nil || f.security != evidence.SecurityBogus {
			t.Errorf("%s: %+v", text, f)
		}
	}
	other := *z
	other.name, _ = parseName("other.")
	if _, f := other.verify(group(signed).order[0], testNow, w); f == nil {
		t.Error("it holds for another zone")
	}
	if len(w.v.held.entries) != 1 {
		t.Errorf("%d signatures are remembered", len(w.v.held.entries))
	}
}

func renamed(sig, rr dns.RR) dns.RR {
	c := dns.Copy(sig)
	c.Header().Name = rr.Header().Name
	return c
}

// TestHeldCounts: a remembered signature counts against the bounds as any other,
// so that what is judged does not depend on what was judged before.
func TestHeldCounts(t *testing.T) {
	s := newSigner("test.")
	v := &Validator{Anchors: []dns.RR{s.dnskey}, Now: func() time.Time { return testNow }}
	name, _ := parseName("test.")
	src := answers{setKey{name, dns.TypeDNSKEY}: {Answer: s.sign(s.dnskey)}}
	m := &dns.Msg{}
	for i := range 5 {
		m.Answer = append(m.Answer, s.sign(rr(t, fmt.Sprintf("a%d.test. 300 IN CNAME a%d.test.", i, i+1)))...)
	}
	m.Answer = append(m.Answer, s.sign(rr(t, "a5.test. 300 IN A 192.0.2.1"))...)
	for range 3 {
		if j, got := judgeWork(v, src, "a0.test.", dns.TypeA, m); got != evidence.SecuritySecure || j.work.verifications != 6 {
			t.Errorf("%s after %d verifications", got, j.work.verifications)
		}
	}
}

func TestRecent(t *testing.T) {
	var r recent[int, int]
	for i := range 100 {
		r.put(i, i, 10)
		if _, ok := r.get(0); !ok { // used all the time
			t.Fatalf("0 is gone after %d", i)
		}
	}
	if len(r.entries) != 10 || r.order.Len() != 10 {
		t.Errorf("%d entries, %d in order", len(r.entries), r.order.Len())
	}
	if _, ok := r.get(90); ok {
		t.Error("90 is there, and should be the first to go")
	}
	if v, ok := r.get(91); !ok || v != 91 {
		t.Errorf("91: %d, %t", v, ok)
	}
}

// TestGroup: sections sort the same, whether they are small or large and
// whether their RRsets come in one piece or not.
func TestGroup(t *testing.T) {
	s := newSigner("test.")
	for _, many := range []int{1, 2, fewSets, fewSets + 1, 50} {
		var rrs, turned []dns.RR
		for i := range many {
			set := []dns.RR{rr(t, fmt.Sprintf("n%d.test. 300 IN A 192.0.2.1", i)), rr(t, fmt.Sprintf("n%d.test. 300 IN A 192.0.2.2", i)), rr(t, fmt.Sprintf("n%d.test. 300 IN A 192.0.2.3", i))}
			rrs = append(rrs, s.sign(set...)...)
		}
		for from := range 4 { // all first records, then all second ones
			for i := from; i < len(rrs); i += 4 {
				turned = append(turned, rrs[i])
			}
		}
		before := slices.Clone(turned)
		a, b := group(rrs), group(turned)
		if len(a.order) != many || len(b.order) != many || !slices.Equal(turned, before) {
			t.Fatalf("%d and %d sets of %d", len(a.order), len(b.order), many)
		}
		for i := range many {
			n, _ := parseName(fmt.Sprintf("N%d.test.", i))
			x, y := a.find(n, dns.TypeA), b.find(n, dns.TypeA)
			if x == nil || y == nil || x != a.order[i] || !slices.Equal(x.rrs, rrs[4*i:4*i+3]) || !slices.Equal(x.rrs, y.rrs) || !slices.Equal(x.sigs, y.sigs) || len(x.sigs) != 1 || x.sigs[0].signer != "\x04test\x00" {
				t.Errorf("%d of %d: %+v, %+v", i, many, x, y)
			}
			if a.find(n, dns.TypeMX) != nil || b.find(n.wildcard(), dns.TypeA) != nil {
				t.Errorf("%d of %d: found what is not there", i, many)
			}
		}
	}
}
