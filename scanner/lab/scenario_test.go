package lab_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"mailvet/report"
	"mailvet/report/evidence"
	"mailvet/scanner"
	"mailvet/scanner/lab"
	"mailvet/testdata"
)

// seen is one scan that a want section asks for.
type seen struct {
	want lab.Want
	snap *evidence.Snapshot
}

// everything is what the scans of all want sections saw, those of the codes
// with them. They are made once for all tests, on a fake clock.
var everything struct {
	sync.Once
	scans []seen
	usual []string
}

func scanEverything(t *testing.T) []seen {
	everything.Do(func() {
		synctest.Test(t, func(t *testing.T) {
			l, err := lab.Load(testdata.Codes, "scenarios", lab.Options{Now: time.Now(), With: []string{"codes"}})
			if err != nil {
				t.Fatal(err)
			}
			everything.usual = l.Usual
			scanners := map[string]*scanner.Scanner{}
			for _, w := range l.Wants {
				how := strings.Join(w.How, " ")
				if scanners[how] == nil {
					if scanners[how], err = l.ScannerFor(w.How); err != nil {
						t.Fatal(err)
					}
				}
				everything.scans = append(everything.scans, seen{w, look(t, scanners[how], w.Domain)})
			}
			for _, s := range scanners {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	})
	return everything.scans
}

// look scans a domain or a mail address.
func look(t *testing.T, s *scanner.Scanner, input string) (snap *evidence.Snapshot) {
	t.Helper()
	d, err := scanner.ParseDomain(input)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ScanAll(context.Background(), slices.Values([]scanner.Domain{d}), func(_ scanner.Domain, x *evidence.Snapshot) error {
		snap = x
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return snap
}

// sameOctets holds the faster JSON library to what encoding/json writes, and the
// report to that of the stored evidence, which shares nothing with other scans.
func sameOctets(t *testing.T, snap *evidence.Snapshot, r *report.Report) {
	t.Helper()
	var got, want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	if err := errors.Join(report.NewEncoder(&got, false).Report(r), enc.Encode(r)); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("%s: %v, the line is not as encoding/json writes it:\n%s\n%s", snap.Domain, err, got.Bytes(), want.Bytes())
	}
	stored, err := evidence.Marshal(snap)
	if digest := fmt.Sprintf("sha256:%x", sha256.Sum256(stored)); err != nil || r.EvidenceDigest != digest {
		t.Errorf("%s: %v, digest %s, and the stored form has %s", snap.Domain, err, r.EvidenceDigest, digest)
	}
	alone, err := evidence.Unmarshal(stored)
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := report.NewEncoder(&again, false).Report(judge(t, alone)); err != nil || !bytes.Equal(again.Bytes(), got.Bytes()) {
		t.Errorf("%s: %v, judged alone the report is another:\n%s\n%s", snap.Domain, err, again.Bytes(), got.Bytes())
	}
}

// TestScenarios scans every domain of the built-in Internet, and those of the
// codes, on a fake clock and compares all findings with those the scenarios want.
func TestScenarios(t *testing.T) {
	got := map[string]lab.Want{}
	scans := scanEverything(t)
	for _, x := range scans {
		w := x.want
		g := lab.Want{Domain: w.Domain, Findings: found(x.snap, everything.usual, w.Findings)}
		r := judge(t, x.snap)
		sameOctets(t, x.snap, r)
		if r.Score != nil {
			g.Score = fmt.Sprintf("%d %d %d", r.Score.Percent, r.Score.Low, r.Score.High)
		}
		name := strings.TrimSpace(w.Domain + " " + strings.Join(w.How, " "))
		got[name] = g
		if *update {
			continue
		}
		for _, f := range g.Findings {
			if !slices.Contains(w.Findings, f) {
				t.Errorf("%s: found, not wanted: %s", name, f)
			}
		}
		for _, f := range w.Findings {
			if !slices.Contains(g.Findings, f) {
				t.Errorf("%s: wanted, not found: %s", name, f)
			}
		}
		if g.Score != w.Score {
			t.Errorf("%s: score %q, want %q", name, g.Score, w.Score)
		}
	}
	if len(got) < 14 || len(got) != len(scans) {
		t.Errorf("%d domains of %d scans; the built-in Internet has at least 14", len(got), len(scans))
	}
	if *update {
		rewrite(t, "../../testdata/scenarios/", got)
		rewrite(t, "../../testdata/codes/", got)
	}
}

// rewrite puts what was found into the want sections of the scenario files of a
// folder. Read the difference before it is committed: it is the judgement.
func rewrite(t *testing.T, dir string, got map[string]lab.Want) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(dir + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		a := txtar.Parse(data)
		for i, f := range a.Files {
			name, ok := strings.CutPrefix(f.Name, "want ")
			if !ok {
				continue
			}
			w := got[strings.Join(strings.Fields(name), " ")]
			lines := w.Findings
			if w.Score != "" {
				lines = append(lines, "score "+w.Score)
			}
			a.Files[i].Data = []byte(strings.Join(lines, "\n") + "\n")
		}
		if err := os.WriteFile(dir+e.Name(), txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
