package smtpcheck_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"

	"mailvet/report/check"
	"mailvet/report/score"
	"mailvet/smtpcheck"
)

func TestValidate(t *testing.T) {
	if err := check.Validate(smtpcheck.Checks); err != nil {
		t.Error(err)
	}
}

// subtest is one of Internet.nl's list.
type subtest struct {
	Category string
	API      string `json:"api_id"`
	Outcomes []struct {
		Outcome   string
		Reachable bool
	}
}

func subtests(t *testing.T) []subtest {
	t.Helper()
	data, err := os.ReadFile("../../shared/internetnl-subtests.json")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs the shared list of Internet.nl's subtests")
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []subtest
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSubtests compares the catalogue with Internet.nl's list where it is at hand.
func TestSubtests(t *testing.T) {
	all := subtests(t)
	scored := slices.DeleteFunc(slices.Clone(smtpcheck.Checks), func(c *check.Check) bool { return c.Category == check.Extra })
	i := 0
	for _, want := range all {
		if want.Category != "mail_starttls" {
			continue
		}
		if i >= len(scored) {
			t.Fatalf("%s is missing", want.API)
		}
		c := scored[i]
		i++
		if c.API != want.API || c.Category != check.TLS || c.Scope != check.PerHost {
			t.Errorf("check %d is %s (%s), want %s", i, c.ID, c.API, want.API)
		}
		verdicts := map[string]bool{}
		for _, code := range c.Codes {
			verdicts[code.Verdict] = true
		}
		for _, o := range want.Outcomes {
			known := verdicts[o.Outcome]
			delete(verdicts, o.Outcome)
			if o.Reachable && !known {
				t.Errorf("%s: no code has the verdict %q", c.ID, o.Outcome)
			}
		}
		delete(verdicts, "")
		delete(verdicts, check.Untested)
		for v := range verdicts {
			t.Errorf("%s: Internet.nl has no outcome %q", c.ID, v)
		}
	}
	if i != len(scored) {
		t.Errorf("%d checks, Internet.nl has %d", len(scored), i)
	}
}

// The policy must have a row for every verdict of every code.
func TestPolicy(t *testing.T) {
	for _, c := range smtpcheck.Checks {
		row := score.InternetNL().Row(c.ID)
		if c.Category == check.Extra {
			continue
		}
		if row == nil {
			t.Errorf("%s has no row", c.ID)
			continue
		}
		for _, code := range c.Codes {
			if code.Verdict != "" && row.Outcome(code.Verdict) == nil {
				t.Errorf("%s: the verdict %q of code %s is no outcome of the policy", c.ID, code.Verdict, code.Name)
			}
		}
	}
}
