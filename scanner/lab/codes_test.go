package lab_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mailvet/report/check"
	"mailvet/scanner"
)

// shown is the first finding with a code, and the scan that made it.
type shown struct {
	finding check.Finding
	by      string
}

// codesShown are the findings of all scenarios by check id and code name.
func codesShown(t *testing.T) map[string]shown {
	list := map[string]shown{}
	for _, x := range scanEverything(t) {
		for _, r := range scanner.Judge(x.snap) {
			for _, f := range r.Findings {
				key := r.Check.ID + " " + f.Code.Name
				if _, ok := list[key]; !ok && slices.Contains(r.Check.Codes, f.Code) {
					list[key] = shown{f, strings.TrimSpace(x.want.Domain + " " + strings.Join(x.want.How, " "))}
				}
			}
		}
	}
	return list
}

// TestCodes: every code of every check is the answer to some scenario, the whole
// way from a zone and a mail server to the finding, but for those of a closed list.
func TestCodes(t *testing.T) {
	list := codesShown(t)
	excepted := map[string]bool{}
	for _, x := range exceptions {
		for _, key := range x.codes {
			if excepted[key] {
				t.Errorf("%s is excepted twice", key)
			}
			excepted[key] = true
		}
	}
	for _, c := range scanner.Catalogue {
		for _, code := range c.Codes {
			key := c.ID + " " + code.Name
			switch _, ok := list[key]; {
			case ok && excepted[key]:
				t.Errorf("%s is shown by %s, and need not be excepted", key, list[key].by)
			case !ok && !excepted[key]:
				t.Errorf("no scenario shows %s: write one in testdata/codes, or except it and say why", key)
			}
			delete(excepted, key)
		}
	}
	for key := range excepted {
		t.Errorf("there is no %s to except", key)
	}
}

// TestGoldenCodes compares what people read of every code with what was last
// found good: a file for each check, in it each code as the first scenario that
// shows it makes it read, or its bare text where none does.
func TestGoldenCodes(t *testing.T) {
	const dir = "../../testdata/reports/codes"
	list := codesShown(t)
	files := map[string]bool{}
	for _, c := range scanner.Catalogue {
		var b strings.Builder
		fmt.Fprintf(&b, "%s: %s\n", c.ID, c.Title)
		for _, code := range c.Codes {
			x, ok := list[c.ID+" "+code.Name]
			if !ok {
				x = shown{check.Finding{Code: code}, "no scenario"}
			}
			fmt.Fprintf(&b, "\n-- %s: %s, by %s --\n%s\n", code.Name, check.StatusOf(code, c.Level), x.by, check.Render(code.Text, x.finding.Args))
			if code.Advice != "" {
				fmt.Fprintf(&b, "> %s\n", check.Render(code.Advice, x.finding.Args))
			}
		}
		files[c.ID+".txt"] = true
		golden(t, filepath.Join(dir, c.ID+".txt"), b.String())
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !files[e.Name()] {
			t.Errorf("there is no check for %s", e.Name())
		}
	}
}
