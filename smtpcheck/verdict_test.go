package smtpcheck_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"

	"mailvet/smtpcheck"
	"mailvet/smtpcheck/guideline"
	"mailvet/smtpcheck/tlshello"
)

// verdicts that Internet.nl knows and never gives, as its code is now: the
// server without STARTTLS is unreachable to it, the list of versions to be
// phased out is empty, 0-RTT is not tested for mail, and so on.
var never = []string{
	"starttls-exists bad", "starttls-exists no-null-mx", "tls-version phase-out", "caa recommendations", "tls-zero-rtt good", "tls-zero-rtt bad",
	"tls-key-exchange-hash other", "tls-extended-master-secret unknown",
}

// TestVerdicts: every verdict of Internet.nl's list stands in a case above, but
// for those that it never gives.
func TestVerdicts(t *testing.T) {
	shown := map[string]bool{}
	for _, c := range cases(t) {
		shown[c.check+" "+c.verdict] = true
	}
	for _, subtest := range subtests(t) {
		for _, c := range smtpcheck.Checks {
			if c.API != subtest.API {
				continue
			}
			for _, o := range subtest.Outcomes {
				if name := c.ID + " " + o.Outcome; shown[name] == slices.Contains(never, name) {
					t.Errorf("%s: shown by a case: %v", name, shown[name])
				}
			}
		}
	}
}

// TestSeen compares the suites that Internet.nl is taken to look for with its
// list.
func TestSeen(t *testing.T) {
	data, err := os.ReadFile("../../shared/internetnl-tls-lists.json")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs the shared lists of Internet.nl")
	}
	if err != nil {
		t.Fatal(err)
	}
	var lists struct {
		Ciphers struct {
			Probe struct {
				Candidates []struct{ IANA string } `json:"approximate_candidates"`
			} `json:"tls12_probe"`
		}
	}
	if err := json.Unmarshal(data, &lists); err != nil {
		t.Fatal(err)
	}
	candidates := map[string]bool{}
	for _, c := range lists.Ciphers.Probe.Candidates {
		candidates[c.IANA] = true
	}
	if len(candidates) < 150 {
		t.Fatalf("%d candidates", len(candidates))
	}
	for _, suite := range tlshello.SuitesOf(tlshello.TLS12) {
		name := suite.String()
		want := "good"
		switch level := guideline.Suites.ByName(name); {
		case candidates[name] && level == guideline.PhaseOut:
			want = "phase-out"
		case candidates[name] && level == guideline.Insufficient:
			want = "bad"
		}
		w := newWorld()
		tlsBoth(speaks("TLS 1.2", name))(w)
		if got := finding(t, w, "tls-ciphers").VerdictID(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		delete(candidates, name)
	}
	for name := range candidates { // those that ended with TLS 1.1
		if suite, ok := tlshello.ParseSuite(name); !ok || suite.Traits().Max >= tlshello.TLS12 {
			t.Errorf("%s is no suite", name)
		}
	}
}
