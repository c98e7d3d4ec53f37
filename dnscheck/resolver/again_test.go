package resolver_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

// What CD brought, and is bogus, is asked for once more without CD; a domain
// that is bogus through and through costs one question more for it.
func TestCheckedAgainCost(t *testing.T) {
	w := faultWorld(t)
	ask := func(t *testing.T, question string, faults ...string) resolver.Stats {
		row := faultRow{servers: one(faults...)}
		n, addrs := row.network(t, w)
		r := over(t, n, addrs...)
		r.Validator = &dnssec.Validator{Anchors: w.Anchors(), Now: time.Now}
		name, qtype, _ := strings.Cut(question, " ")
		lookup(t, r, name, qtype)
		return r.Stats()
	}
	synctest.Test(t, func(t *testing.T) {
		clean := ask(t, "good.test MX")
		if clean.Again != 0 {
			t.Errorf("a good domain: %+v", clean)
		}
		if s := ask(t, "good.test MX", "good.test MX * expire-rrsig cd"); s.Again != 1 || s.Questions != 2*clean.Questions {
			t.Errorf("a stale secondary: %d questions, %d again; %d without it", s.Questions, s.Again, clean.Questions)
		}
		blind := ask(t, "bogus.test A", "* * * no-validation") // the resolver does not validate
		s := ask(t, "bogus.test A")
		if s.Again != 1 || blind.Again != 1 || blind.Questions != 2*(s.Questions-1) {
			t.Errorf("a bogus domain: %d questions, of a resolver that does not validate %d", s.Questions, blind.Questions)
		}
	})
}

// Where the chain of trust to a zone is broken, the server that validates is
// asked for the zone's keys once, and for none of its names.
func TestCheckedAgainOnceForZone(t *testing.T) {
	w := faultWorld(t)
	synctest.Test(t, func(t *testing.T) {
		row := faultRow{servers: one()}
		n, addrs := row.network(t, w)
		r := over(t, n, addrs...)
		r.Validator = &dnssec.Validator{Anchors: w.Anchors(), Now: time.Now}
		lookup(t, r, "bogus.test", "A")
		before := r.Stats().Questions
		for i, qtype := range []string{"MX", "TXT", "AAAA", "NS"} {
			if l := lookup(t, r, "bogus.test", qtype); l.Security != evidence.SecurityBogus {
				t.Errorf("%s: %s", qtype, l.Security)
			}
			if got := r.Stats().Questions - before; got != int64(i+1) {
				t.Errorf("%d names more cost %d questions", i+1, got)
			}
		}
		time.Sleep(resolver.FailureTTL)
		before = r.Stats().Questions
		lookup(t, r, "bogus.test", "SRV")
		if got := r.Stats().Questions - before; got < 2 {
			t.Errorf("later, only %d questions: what failed is not asked for again", got)
		}
	})
}
