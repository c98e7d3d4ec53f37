package resolver_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/dnstest"
	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

// provenWorld has one and the same zone signed in each way.
func provenWorld(t testing.TB) *dnstest.World {
	t.Helper()
	var zones []*dnstest.Zone
	add := func(origin, text string, o dnstest.Options) {
		z, err := dnstest.ParseZone(origin, "$TTL 300\n@ NS ns\nns A 192.0.2.53\n"+text, o)
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, z)
	}
	add("test", "", dnstest.Options{Signed: true})
	for name, o := range map[string]dnstest.Options{
		"nsec": {Signed: true}, "nsec3": {Signed: true, NSEC3: &dnstest.NSEC3Options{}},
		"optout": {Signed: true, NSEC3: &dnstest.NSEC3Options{OptOut: true}}, "plain": {},
	} {
		add(name+".test", `
@ MX 10 mx
mx A 192.0.2.25
mx TXT "text"
_dmarc TXT "v=DMARC1; p=none"
x.ent A 192.0.2.26
*.wild TXT "any"
alias CNAME mx
tree DNAME mx
cut NS ns
safe NS ns
`, o)
		add("cut."+name+".test", "@ TXT \"below\"\n", dnstest.Options{})
		add("safe."+name+".test", "@ TXT \"below\"\n", dnstest.Options{Signed: true})
	}
	w, err := dnstest.NewWorld(epoch, zones...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func provenQuestions(zone string) []evidence.Question {
	var list []evidence.Question
	for _, n := range []string{"", "no.", "other.", "zz.", "0.", "mx.", "below.mx.", "ent.", "x.ent.", "y.ent.", "wild.", "q.wild.", "r.q.wild.", "*.wild.",
		"alias.", "no.alias.", "tree.", "no.tree.", "cut.", "no.cut.", "safe.", "no.safe.", "_dmarc.", "_smtp._tls.", "_mta-sts.", "k1._domainkey."} {
		for _, typ := range []string{"A", "TXT", "MX", "SPF"} {
			list = append(list, evidence.Question{Name: n + zone, Type: typ})
		}
	}
	return list
}

// TestProven: in whatever order questions come, what is answered out of proofs
// is what the servers would have answered.
func TestProven(t *testing.T) {
	w := provenWorld(t)
	validating := func(s *dnstest.Server) *resolver.Resolver {
		r := over(t, serving(s, 0), "192.0.2.1")
		r.Validator = &dnssec.Validator{Anchors: w.Anchors(), Now: func() time.Time { return epoch }}
		return r
	}
	tell := func(l evidence.Lookup) string {
		var nsec3 []evidence.NSEC3
		if l.Outcome == evidence.OutcomeAnswer {
			nsec3 = l.NSEC3
		}
		return fmt.Sprint(l.Outcome, l.Security, l.Reason, l.Owner, l.Aliases, l.Answer, l.AD, l.Failure, l.EDE, l.Zones, nsec3)
	}
	for _, zone := range []string{"nsec.test", "nsec3.test", "optout.test", "plain.test"} {
		synctest.Test(t, func(t *testing.T) {
			questions := provenQuestions(zone)
			want := map[evidence.Question]string{}
			for _, q := range questions {
				r := validating(w.Resolver())
				r.AskAll = true
				want[q] = tell(lookup(t, r, q.Name, q.Type))
			}
			for seed := range uint64(12) {
				server := w.Resolver()
				r := validating(server)
				order := slices.Clone(questions)
				rand.New(rand.NewPCG(seed, 1)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
				for _, q := range order {
					if got := tell(provenOr(t, r, q.Name, q.Type)); got != want[q] {
						t.Errorf("%v:\n%s, want\n%s", q, got, want[q])
					}
				}
				proven := r.Stats().Proven
				if seed == 0 {
					t.Logf("%s: %d of %d lookups were not asked for", zone, proven, len(order))
				}
				if most := int64(len(order)) / 4; zone == "plain.test" && proven != 0 || zone[:4] == "nsec" && proven < most {
					t.Errorf("%s: %d lookups were not asked for", zone, proven)
				}
				for _, typ := range []uint16{dns.TypeA, dns.TypeTXT, dns.TypeMX} { // its servers may deny it
					if server.Count()[dnstest.Question{Name: "ent." + zone + ".", Type: typ}] == 0 {
						t.Errorf("ent.%s was not asked for", zone)
					}
				}
			}
		})
	}
}

func provenOr(t *testing.T, r *resolver.Resolver, name, qtype string) evidence.Lookup {
	t.Helper()
	if l, ok := r.Proven(t.Context(), name, qtype); ok {
		return l
	}
	return lookup(t, r, name, qtype)
}

// TestProvenEnds: a proof holds for as long as the zone says, and not longer.
func TestProvenEnds(t *testing.T) {
	w := provenWorld(t)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		r := over(t, serving(w.Resolver(), 0), "192.0.2.1")
		r.Validator = &dnssec.Validator{Anchors: w.Anchors(), Now: func() time.Time { return epoch.Add(time.Since(began)) }}
		provenOr(t, r, "no.nsec.test", "TXT")
		time.Sleep(299 * time.Second)
		if provenOr(t, r, "nn.nsec.test", "TXT"); r.Stats().Proven != 1 {
			t.Errorf("%+v: a name next to it was asked for", r.Stats())
		}
		time.Sleep(2 * time.Second)
		if provenOr(t, r, "nm.nsec.test", "TXT"); r.Stats().Proven != 1 {
			t.Errorf("%+v: the proof is too old", r.Stats())
		}
		if provenOr(t, r, "nn.nsec.test", "TXT"); r.Stats().Proven != 2 {
			t.Errorf("%+v: what followed from the old proof should be proven anew", r.Stats())
		}
	})
}
