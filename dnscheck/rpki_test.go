package dnscheck_test

import (
	"testing"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// As long as no evidence is gathered, each check says so, for any domain, and
// asks nothing.
func TestRPKIIsNotTestedYet(t *testing.T) {
	checks := checksOf(check.RPKI)
	if len(checks) != 6 {
		t.Fatalf("%d checks, want 6", len(checks))
	}
	for _, s := range []*evidence.Snapshot{world(""), world(twoServers)} {
		for _, r := range check.Run(checks, s) {
			if len(r.Findings) != 1 || r.Findings[0].Code != check.Ungathered {
				t.Errorf("%s: %+v", r.Check.ID, r.Findings)
			}
		}
	}
}

func TestRPKIListsEveryAnswer(t *testing.T) {
	for _, c := range checksOf(check.RPKI) {
		want := 4
		if len(c.Codes) != want {
			want = 6 // the validity of routes has two more
		}
		verdicts := map[string]bool{}
		for _, code := range c.Codes {
			verdicts[code.Verdict] = true
		}
		if len(c.Codes) != want || len(verdicts) != want || verdicts[""] {
			t.Errorf("%s: %d codes with %d verdicts", c.ID, len(c.Codes), len(verdicts))
		}
	}
}
