package lab_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"mailvet/dnscheck"
	"mailvet/report/evidence"
	"mailvet/scanner/lab"
)

// TestAsker: whatever the order in which answers come in, the families of
// checks that are not asked again would have wanted nothing new.
func TestAsker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := load(t, lab.Options{})
		s := start(t, l)
		rnd := rand.New(rand.NewPCG(1, 2))
		for _, domain := range l.Domains() {
			whole := scan(t, s, domain)
			for range 2 {
				replayWants(t, rnd, whole)
			}
		}
	})
}

func replayWants(t *testing.T, rnd *rand.Rand, whole *evidence.Snapshot) {
	t.Helper()
	s := &evidence.Snapshot{Domain: whole.Domain, Address: whole.Address, Time: whole.Time, Vantage: whole.Vantage}
	var asker dnscheck.Asker
	var fresh, open []evidence.Question
	wanted := map[evidence.Question]bool{}
	for steps := 0; ; steps++ {
		for _, q := range asker.Wants(s, fresh) {
			if !wanted[q] && whole.Lookup(q.Name, q.Type) != nil {
				open = append(open, q)
			}
			wanted[q] = true
		}
		for _, q := range dnscheck.Wants(s) {
			if q.Name = evidence.Name(q.Name); !wanted[q] {
				t.Fatalf("%s: after %d steps %v is wanted, and nobody was asked for it", whole.Domain, steps, q)
			}
		}
		if len(open) == 0 {
			return
		}
		fresh = nil
		for range min(len(open), 1+rnd.IntN(3)) {
			i := rnd.IntN(len(open))
			fresh = append(fresh, open[i])
			s.Lookups = append(s.Lookups, *whole.Lookup(open[i].Name, open[i].Type))
			open = append(open[:i], open[i+1:]...)
		}
		s.Canonical()
	}
}
