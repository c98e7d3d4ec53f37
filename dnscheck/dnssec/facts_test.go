package dnssec_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/dnstest"
	"mailvet/report/evidence"
)

// TestFacts looks at what is told of a zone, whole or broken.
func TestFacts(t *testing.T) {
	l := newLab(t,
		zone(".", "a.root A 192.0.2.1\n", options{Signed: true}),
		zone("rsa.test", "www A 192.0.2.1\n", options{Signed: true, Algorithm: 8, NSEC3: &dnstest.NSEC3Options{Iterations: 3, Salt: "ABCD", OptOut: true}}),
		zone("badds.test", "www A 192.0.2.1\n", options{Signed: true, BadDS: true}),
		zone("sm2.test", "www A 192.0.2.1\n", options{Signed: true, Algorithm: 17}),
	)
	v := l.validator()
	last := func(name string, typ uint16, want evidence.Security) (evidence.Zone, dnssec.Result) {
		got := l.ask(t, v, name, typ)
		if got.Security != want || len(got.Zones) == 0 {
			t.Fatalf("%s: %s (%s), zones %+v", name, got.Security, got.Reason, got.Zones)
		}
		return got.Zones[len(got.Zones)-1], got
	}

	z, got := last("www.rsa.test.", dns.TypeMX, secure)
	if len(z.DS) != 1 || len(z.DNSKEYs) != 2 || z.DS[0].Tag != z.DNSKEYs[0].Tag || z.DS[0].Digest != dns.SHA256 ||
		z.DNSKEYs[0].Flags != 257 || z.DNSKEYs[1].Flags != 256 || z.DNSKEYs[0].Algorithm != 8 || z.DNSKEYs[0].Bits != 2048 {
		t.Errorf("zone %+v", z)
	}
	if z.Signature == nil || z.Signature.Covers != "DNSKEY" || z.Signature.Zone != "rsa.test" || z.Signature.Tag != z.DS[0].Tag {
		t.Errorf("signature %+v", z.Signature)
	}
	want := []evidence.NSEC3{{Zone: "rsa.test", Iterations: 3, Salt: "abcd", OptOut: true}}
	if !slices.Equal(got.NSEC3, want) {
		t.Errorf("NSEC3 %+v, want %+v", got.NSEC3, want)
	}
	if len(got.Signatures) == 0 || got.Signatures[0].Covers != "NSEC3" {
		t.Errorf("signatures %+v", got.Signatures)
	}
	if z, _ := last("www.badds.test.", dns.TypeA, bogus); len(z.DS) != 1 || len(z.DNSKEYs) != 2 || z.Signature != nil || len(z.Keys) != 0 {
		t.Errorf("zone %+v", z)
	}
	if z, _ := last("www.sm2.test.", dns.TypeA, insecure); len(z.DS) != 1 || z.DS[0].Algorithm != 17 || z.DNSKEYs != nil {
		t.Errorf("zone %+v", z)
	}
}

// only answers what a proof holds.
type only struct{ chain []dnssec.Message }

func (o only) Fetch(_ context.Context, name string, typ uint16) (*dns.Msg, error) {
	for _, m := range o.chain {
		if m.Name == name && m.Type == typ {
			return m.Msg, nil
		}
	}
	return nil, errors.New("not in the proof")
}

// TestKeep: what is kept with a judgement is enough to come to it again, also
// where the zones were known before; and nothing is kept that was not asked for.
func TestKeep(t *testing.T) {
	l := internet(t)
	v := l.validator()
	v.Keep = true
	questions := signedQuestions
	for _, q := range []string{"www.badds.test.", "www.unsigned.test.", "www.sm2.test.", "away.nsec.test.", "www.expired.test."} {
		questions = append(questions, struct {
			name string
			typ  uint16
		}{q, dns.TypeA})
	}
	for range 2 { // cold and warm
		for _, q := range questions {
			got := l.ask(t, v, q.name, q.typ)
			p := got.Proof
			if p == nil || p.Name != q.name || p.Type != q.typ || !p.Time.Equal(now) || p.Security != got.Security || len(p.Chain) == 0 {
				t.Fatalf("%s: proof %+v", q.name, p)
			}
			again := l.validator().Validate(t.Context(), only{p.Chain}, q.name, q.typ, p.Reply)
			if again.Security != got.Security || again.Reason != got.Reason {
				t.Errorf("%s %s: %s (%s) by the proof, %s (%s) before", q.name, dns.Type(q.typ), again.Security, again.Reason, got.Security, got.Reason)
			}
			for i := range p.Chain { // nothing in it is idle
				less := slices.Delete(slices.Clone(p.Chain), i, i+1)
				if again := l.validator().Validate(t.Context(), only{less}, q.name, q.typ, p.Reply); again.Security == secure {
					t.Errorf("%s %s is secure without %s %s", q.name, dns.Type(q.typ), p.Chain[i].Name, dns.Type(p.Chain[i].Type))
				}
			}
		}
	}
	if got := l.ask(t, l.validator(), "www.nsec.test.", dns.TypeA); got.Proof != nil {
		t.Error("a proof is kept that nobody asked for")
	}
}
