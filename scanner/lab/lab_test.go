package lab_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
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

var update = flag.Bool("update", false, "write what is found into the scenarios and golden files")

func load(t testing.TB, opts lab.Options) *lab.Lab {
	t.Helper()
	if opts.Now.IsZero() {
		opts.Now = time.Now()
	}
	l, err := lab.Load(testdata.Scenarios, "scenarios", opts)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// start is a new scanner on the lab that is closed with the test.
func start(t testing.TB, l *lab.Lab) *scanner.Scanner {
	t.Helper()
	s := l.Scanner()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func scan(t testing.TB, s *scanner.Scanner, domain string) *evidence.Snapshot {
	t.Helper()
	snap, err := s.Scan(context.Background(), domain)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func judge(t testing.TB, snap *evidence.Snapshot) *report.Report {
	t.Helper()
	r, err := report.New(scanner.Catalogue, score.InternetNL(), snap)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// found lists what a scenario's want section lists. Of what is usual, that
// which the section does list is among it.
func found(snap *evidence.Snapshot, usual, listed []string) []string {
	var list []string
	for _, r := range scanner.Judge(snap) {
		for _, f := range r.Findings {
			switch {
			case f.Code.Outcome == check.Pass, f.Code == check.Ungathered, f.Code == check.NothingBy, f.Code == check.BlockedBy, f.Code == check.UnknownBy:
				continue
			}
			line := strings.Join(strings.Fields(fmt.Sprintf("%s %s %s", r.Check.ID, f.Subject.Host, f.Code.Name)), " ")
			if r.Check.Category == check.Extra && !slices.Contains(listed, line) &&
				(f.Code.Outcome == check.NotApplicable || slices.Contains(usual, r.Check.ID+" "+f.Code.Name)) {
				continue
			}
			list = append(list, line)
		}
	}
	slices.Sort(list)
	return list
}

// TestPerfect holds the promise of the scenario perfect.test apart from its
// file: nothing failed, nothing unknown, and 100 within reach.
func TestPerfect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := load(t, lab.Options{})
		r := judge(t, scan(t, start(t, l), "perfect.test"))
		for _, c := range r.Categories {
			for _, k := range c.Checks {
				if k.Status != check.StatusPassed && k.Status != check.StatusNotTested {
					t.Errorf("%s is %s", k.ID, k.Status)
				}
			}
		}
		if r.Score.High != 100 {
			t.Errorf("high is %d, want 100", r.Score.High)
		}
	})
}

// TestStoredScore: what is stored judges to the same bytes as what was seen.
func TestStoredScore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := load(t, lab.Options{})
		s := start(t, l)
		for _, d := range l.Domains() {
			live := scan(t, s, d)
			b, err := evidence.Marshal(live)
			if err != nil {
				t.Fatal(err)
			}
			stored, err := evidence.Unmarshal(b)
			if err != nil {
				t.Fatalf("%s: %v", d, err)
			}
			again, err := evidence.Marshal(stored)
			if err != nil || string(again) != string(b) {
				t.Errorf("%s: the stored form is not the same on the way back (%v)", d, err)
			}
			if a, b := encode(t, judge(t, live)), encode(t, judge(t, stored)); a != b {
				t.Errorf("%s: the report of the stored snapshot differs:\n%s\n%s", d, a, b)
			}
		}
	})
}

func encode(t *testing.T, r *report.Report) string {
	t.Helper()
	var b strings.Builder
	if err := report.NewEncoder(&b, false).Report(r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
