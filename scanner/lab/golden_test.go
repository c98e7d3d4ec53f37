package lab_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

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
		l := load(t, lab.Options{})
		for _, d := range l.Domains() {
			r := judge(t, scan(t, start(t, l), d))
			var b strings.Builder
			h := text.New(&b, text.Options{})
			if err := h.Report(r); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join(dir, d+".txt"), b.String())
			if d == "perfect.test" {
				var b strings.Builder
				if err := report.NewEncoder(&b, true).Report(r); err != nil {
					t.Fatal(err)
				}
				golden(t, filepath.Join(dir, d+".json"), b.String())
			}
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
	if got != string(want) {
		t.Errorf("%s is not what is reported now; run with -update and read the difference. Now:\n%s", file, got)
	}
}
