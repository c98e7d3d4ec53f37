package compat_test

import (
	"slices"
	"strings"
	"testing"

	"mailvet/report/check"
	"mailvet/report/score"
	"mailvet/scanner"
)

// agree reports whether our outcome and Internet.nl's status say the same.
func agree(o check.Outcome, level check.Level, s score.Status) bool {
	switch o {
	case check.Pass:
		return s == score.Passed
	case check.Weak:
		return s == score.Warning || s == score.Info
	case check.Fail:
		switch level {
		case check.Required:
			return s == score.Failed
		case check.Recommended:
			return s == score.Warning
		}
		return s == score.Info
	case check.NotApplicable, check.Blocked:
		return s == score.NotTested
	}
	// Inconclusive: Internet.nl does not know either.
	return s == score.NotTested || s == score.Error || s == score.Info
}

// unreachable are the answers that say what Internet.nl's error says: nobody
// can deliver to this server.
var unreachable = []string{"connection-refused", "no-such-host", "no-address", "not-a-host-name"}

// TestDifferencesAreTold: where the two readings differ the text says so, and
// what is not known never shows as failed.
func TestDifferencesAreTold(t *testing.T) {
	policy := score.InternetNL()
	for _, c := range scanner.Catalogue {
		row := policy.Row(c.ID)
		if row == nil {
			continue
		}
		for _, code := range c.Codes {
			o := row.Outcome(code.Verdict)
			if code.Verdict == "" || o == nil || agree(code.Outcome, c.Level, o.Status) || o.Status == score.Error && slices.Contains(unreachable, code.Name) {
				continue
			}
			if !strings.Contains(code.Text, "Internet.nl") {
				t.Errorf("%s %s is %s here and %s at Internet.nl; the text does not say so: %s", c.ID, code.Name, code.Outcome, o.Status, code.Text)
			}
		}
	}
}
