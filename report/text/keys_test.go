package text_test

import (
	"fmt"
	"strings"
	"testing"

	"mailvet/report"
	"mailvet/report/text"
)

// TestSharedKeys: a run tells of DKIM keys that several of its domains have.
func TestSharedKeys(t *testing.T) {
	key := func(n int) string { return fmt.Sprintf("sha256:%064x", n) }
	domain := func(name, fingerprints string) *report.Report {
		return &report.Report{Domain: name, Categories: []report.Category{{ID: "extra", Checks: []report.Check{
			{ID: "dkim-keys", Findings: []report.Finding{{Code: "good", Args: map[string]string{"fingerprints": fingerprints}}}},
		}}}}
	}
	for _, tt := range []struct {
		name    string
		reports []*report.Report
		want    []string // what is there; a leading ! is what is not
	}{
		{"none", []*report.Report{domain("a.test", ""), domain("b.test", "s1 "+key(1))}, []string{"!same DKIM key"}},
		{"one domain twice the same", []*report.Report{domain("a.test", "s1 "+key(1)+"; s2 "+key(1)), domain("b.test", "s1 "+key(2))}, []string{"!same DKIM key"}},
		{"two", []*report.Report{domain("a.test", "s1 "+key(1)+"; s2 "+key(9)), domain("c.test", ""), domain("b.test", "x "+key(9))},
			[]string{"same DKIM key", "sha256:0000000000000000...: a.test, b.test", "!c.test, "}},
		{"many", []*report.Report{domain("a.test", "s "+key(1)), domain("b.test", "s "+key(1)), domain("c.test", "s "+key(1)), domain("d.test", "s "+key(1)), domain("e.test", "s "+key(1))},
			[]string{"a.test, b.test, c.test, d.test, 1 other"}},
	} {
		var b strings.Builder
		h := text.New(&b, text.Options{Many: true, Width: 80})
		for _, r := range tt.reports {
			if err := h.Report(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		for _, w := range tt.want {
			if w, not := strings.CutPrefix(w, "!"); strings.Contains(b.String(), w) == not {
				t.Errorf("%s: %q is there: %v\n%s", tt.name, w, !not, b.String())
			}
		}
	}
}
