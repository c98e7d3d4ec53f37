package dnssec

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// TestRFC9077: a denial counts no longer than the zone's negative TTL, though
// its NSEC records, made before RFC 9077, have a longer one.
func TestRFC9077(t *testing.T) {
	s := newSigner("test.")
	nsec := s.sign(rr(t, "a.test. 3600 IN NSEC c.test. A RRSIG NSEC"))
	soa := func(ttl, minimum string) dns.RR {
		return rr(t, "test. "+ttl+" IN SOA ns.test. host.test. 1 7200 3600 1209600 "+minimum)
	}
	k, err := newKey(s.dnskey)
	if err != nil {
		t.Fatal(err)
	}
	apex, _ := parseName("test.")
	q, _ := parseName("b.test.")
	z := &zone{name: apex, keys: []*key{k}}
	for name, row := range map[string]struct {
		authority []dns.RR
		want      time.Duration
	}{
		"no SOA":              {nsec, time.Hour},
		"minimum below":       {append([]dns.RR{soa("3600", "60")}, nsec...), time.Minute},
		"SOA TTL below":       {append([]dns.RR{soa("30", "3600")}, nsec...), 30 * time.Second},
		"both above":          {append([]dns.RR{soa("86400", "86400")}, nsec...), time.Hour},
		"SOA of another zone": {append([]dns.RR{rr(t, "other. 1 IN SOA ns.test. host.test. 1 7200 3600 1209600 1")}, nsec...), time.Hour},
	} {
		d := newDenial(z, group(row.authority), testNow, &work{}, 100)
		if empty, f := d.noCut(q); f != nil || !empty || d.ttl != row.want {
			t.Errorf("%s: counts %s, want %s (%v)", name, d.ttl, row.want, f)
		}
	}
}

// mute gives the same answer to all questions, if it has one.
type mute struct {
	msg   *dns.Msg
	asked atomic.Int32
}

func (m *mute) Fetch(context.Context, string, uint16) (*dns.Msg, error) {
	m.asked.Add(1)
	if m.msg == nil {
		return nil, errQuestions
	}
	return m.msg, nil
}

// FuzzQuestion asks for any name and type and answers with any octets, to the
// question as to those for DS and DNSKEY: without the anchor's key nothing is
// secure, and nothing panics or goes on for long.
func FuzzQuestion(f *testing.F) {
	s := newSigner("test.")
	signed := &dns.Msg{Answer: append(s.sign(rr(f, "mx.test. 300 IN A 192.0.2.1")), s.sign(s.dnskey)...),
		Ns: s.sign(rr(f, "a.test. 300 IN NSEC c.test. A RRSIG NSEC"))}
	signed.SetQuestion("mx.test.", dns.TypeA)
	wire, err := signed.Pack()
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"mx.test.", ".", "*.test", `a\.b.test`, "no.such.name", "", "x..y"} {
		f.Add(name, dns.TypeA, wire)
		f.Add(name, dns.TypeDS, wire)
		f.Add(name, dns.TypeDNSKEY, wire[:20])
	}
	// An anchor whose key nobody has: digests do not come in zeros.
	anchor := rr(f, ". 0 IN DS 1 15 2 0000000000000000000000000000000000000000000000000000000000000000")
	f.Fuzz(func(t *testing.T, name string, typ uint16, wire []byte) {
		m := new(dns.Msg)
		if m.Unpack(wire) != nil {
			m = nil
		}
		src := &mute{msg: m}
		v := &Validator{Anchors: []dns.RR{anchor}, Now: clockOf}
		got := v.Validate(t.Context(), src, name, typ, m)
		if got.Security == evidence.SecuritySecure {
			t.Errorf("%q %d is secure", name, typ)
		}
		if src.asked.Load() > maxQuestions {
			t.Errorf("%q %d: %d questions", name, typ, src.asked.Load())
		}
	})
}
