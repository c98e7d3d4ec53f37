package compat_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/report"
	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/report/score"
	"mailvet/scanner"
	"mailvet/scanner/lab"
	"mailvet/testdata"
)

// snapshotsOnce are those of all tests, which do not change them.
var snapshotsOnce struct {
	sync.Once
	all map[string][]byte
}

// snapshots are stored forms, by what they are of: the whole built-in Internet,
// and the worked examples.
func snapshots(t *testing.T) map[string][]byte {
	snapshotsOnce.Do(func() { snapshotsOnce.all = gather(t) })
	return snapshotsOnce.all
}

func gather(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	store := func(name string, s *evidence.Snapshot) {
		b, err := evidence.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = b
	}
	for _, ex := range examples(t) {
		w := right()
		ex.change(w)
		store(ex.name, w.scan(t))
	}
	synctest.Test(t, func(t *testing.T) {
		l, err := lab.Load(testdata.Codes, "scenarios", lab.Options{Now: time.Now(), With: []string{"codes"}})
		if err != nil {
			t.Fatal(err)
		}
		scanners := map[string]*scanner.Scanner{}
		for _, w := range l.Wants {
			how := strings.Join(w.How, " ")
			s := scanners[how]
			if s == nil {
				if s, err = l.ScannerFor(w.How); err != nil {
					t.Fatal(err)
				}
				scanners[how] = s
			}
			if strings.Contains(w.Domain, "@") {
				continue
			}
			snap, err := s.Scan(context.Background(), w.Domain)
			if err != nil {
				t.Fatal(err)
			}
			store(strings.TrimSpace(w.Domain+" "+how), snap)
		}
		for _, s := range scanners {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return all
}

func restore(t *testing.T, b []byte) *evidence.Snapshot {
	t.Helper()
	s, err := evidence.Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// written is the report of a snapshot in all detail.
func written(t *testing.T, s *evidence.Snapshot) string {
	t.Helper()
	r, err := report.New(scanner.Catalogue, score.InternetNL(), s)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := report.NewEncoder(&b, false).Report(r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func shuffle[E any](r *rand.Rand, list []E) {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// TestOrderDoesNotShow: hosts, RRsets and whatever else came in another order
// give the same report to the octet, and so does judging twice.
func TestOrderDoesNotShow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, stored := range snapshots(t) {
		s := restore(t, stored)
		want := written(t, s)
		if again := written(t, s); again != want {
			t.Errorf("%s: judged twice:\n%s\n%s", name, want, again)
		}
		for range 5 {
			s := restore(t, stored)
			shuffle(r, s.Lookups)
			for i := range s.Lookups {
				shuffle(r, s.Lookups[i].Answer)
				shuffle(r, s.Lookups[i].Signatures)
			}
			shuffle(r, s.Reaches)
			shuffle(r, s.Sessions)
			shuffle(r, s.Chains)
			shuffle(r, s.Certificates)
			shuffle(r, s.Fetches)
			if got := written(t, s); got != want {
				t.Fatalf("%s: in another order:\n%s\n%s", name, want, got)
			}
		}
	}
}

// TestBetterIsNotWorse: a failed finding that passes instead does not lower the
// score, as long as no other checks count for it.
func TestBetterIsNotWorse(t *testing.T) {
	policy := score.InternetNL()
	tried := 0
	for name, stored := range snapshots(t) {
		results := scanner.Judge(restore(t, stored))
		before := score.Compute(policy, results)
		for i, res := range results {
			row := policy.Row(res.Check.ID)
			for j, f := range res.Findings {
				if row == nil || f.Code.Outcome != check.Fail {
					continue
				}
				k := slices.IndexFunc(res.Check.Codes, func(c *check.Code) bool { return c.Outcome == check.Pass && c.Verdict != "" })
				if k < 0 {
					t.Fatalf("%s: no code to pass with", res.Check.ID)
				}
				full := row.Outcome(res.Check.Codes[k].Verdict).Points.Max
				better := slices.Clone(results)
				better[i].Findings = slices.Clone(res.Findings)
				better[i].Findings[j] = check.Finding{Code: res.Check.Codes[k], Points: &full, Subject: f.Subject}
				after := score.Compute(policy, better)
				if a, b := after.Category(res.Check.Category), before.Category(res.Check.Category); a.Max != b.Max {
					continue
				}
				tried++
				if after.Percent < before.Percent || after.Low < before.Low || after.High < before.High {
					t.Errorf("%s: %s %s %v made good: %d (%d-%d) becomes %d (%d-%d)", name, res.Check.ID, f.Code.Name, f.Subject,
						before.Percent, before.Low, before.High, after.Percent, after.Low, after.High)
				}
			}
		}
	}
	if tried < 40 {
		t.Errorf("only %d findings were replaced", tried)
	}
}

// TestRangeHolds: in every snapshot low, percent and high stand in this order,
// and complete is what it says.
func TestRangeHolds(t *testing.T) {
	for name, stored := range snapshots(t) {
		s := score.Compute(score.InternetNL(), scanner.Judge(restore(t, stored)))
		if s.Low > s.Percent || s.Percent > s.High || s.Complete != (s.Low == s.High) {
			t.Errorf("%s: %d (%d-%d), complete %v", name, s.Percent, s.Low, s.High, s.Complete)
		}
	}
}
