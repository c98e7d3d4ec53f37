package lab_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/dnscheck/resolver"
	"mailvet/report"
	"mailvet/report/text"
	"mailvet/scanner/lab"
)

// TestGolden compares the whole report of every domain of the built-in
// Internet, as people read it, and one as programs do, with what was last
// found good. Run with -update to write them anew, and read the difference.
func TestGolden(t *testing.T) {
	const dir = "../../testdata/reports"
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		l := load(t, lab.Options{Now: began})
		// The one whose golden counts days comes first, before the clock has moved.
		domains := slices.DeleteFunc(l.Domains(), func(d string) bool { return d == "perfect.test" })
		for _, d := range append([]string{"perfect.test"}, domains...) {
			// A scanner for each: nothing is remembered.
			s := start(t, l)
			// What need not be asked depends on which answer is first.
			s.Resolver.(*resolver.Resolver).AskAll = true
			r := judge(t, scan(t, s, d))
			// The seconds depend on which of two servers is asked first, and the
			// time on what was scanned before.
			r.Cost.Seconds, r.Time = 0, began
			var b strings.Builder
			h := text.New(&b, text.Options{})
			if err := errors.Join(h.Report(r), h.Close()); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join(dir, d+".txt"), b.String())
			if d != "perfect.test" {
				continue
			}
			b.Reset()
			if err := report.NewEncoder(&b, true).Report(r); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join(dir, d+".json"), b.String())
		}
	})
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	was, now := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range min(len(was), len(now)) {
		if was[i] != now[i] {
			t.Errorf("%s, line %d, is not what is reported now; run with -update and read the difference.\nthere: %s\nnow:   %s", file, i+1, was[i], now[i])
			return
		}
	}
	if len(was) != len(now) {
		t.Fatalf("%s has %d lines, what is reported now has %d; run with -update and read the difference", file, len(was), len(now))
	}
}
