package evidence_test

import (
	"testing"

	"mailvet/report/evidence"
)

func TestExtendedErrorNames(t *testing.T) {
	for code, want := range map[uint16]string{
		0: "Other Error", 6: "DNSSEC Bogus", 9: "DNSKEY Missing", 12: "NSEC Missing", 15: "Blocked", 18: "Prohibited", 20: "Not Authoritative",
		22: "No Reachable Authority", 24: "Invalid Data", 27: "Unsupported NSEC3 Iterations Value", 30: "Invalid Query Type", 31: "", 65535: "",
	} {
		if got := (evidence.EDE{Code: code, Text: "not this"}).Name(); got != want {
			t.Errorf("code %d has the name %q, want %q", code, got, want)
		}
	}
}

func TestLookupWords(t *testing.T) {
	for _, c := range []struct {
		l    *evidence.Lookup
		want string
	}{
		{nil, "not asked"},
		{&evidence.Lookup{}, "nothing is known"},
		{&evidence.Lookup{Outcome: evidence.OutcomeTimeout}, "no answer in time"},
		{&evidence.Lookup{Outcome: evidence.OutcomeServFail, RCode: "SERVFAIL"}, "SERVFAIL"},
		{&evidence.Lookup{Outcome: evidence.OutcomeServFail, EDE: []evidence.EDE{{Code: 22, Text: "x"}, {Code: 6}}}, "SERVFAIL, extended error 22 (No Reachable Authority)"},
		{&evidence.Lookup{Outcome: evidence.OutcomeRefused, EDE: []evidence.EDE{{Code: 49152}}}, "REFUSED, extended error 49152"},
		{&evidence.Lookup{Outcome: evidence.OutcomeRCode, RCode: "NOTIMP"}, "the answer was NOTIMP"},
		{&evidence.Lookup{Outcome: evidence.OutcomeRCode}, "an answer of another code"},
	} {
		if got := c.l.Words(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.l, got, c.want)
		}
	}
	for o := evidence.OutcomeUnknown; o <= evidence.OutcomeLoop; o++ {
		if (&evidence.Lookup{Outcome: o}).Words() == "" {
			t.Errorf("%v has no words", o)
		}
	}
}

func TestFailureWords(t *testing.T) {
	for _, c := range []struct {
		f    *evidence.Failure
		want string
	}{
		{nil, "no failure"},
		{&evidence.Failure{}, "failed"},
		{&evidence.Failure{Op: evidence.OpBanner, Class: evidence.ClassTooLarge}, "greeting: more was sent than is read"},
		{&evidence.Failure{Op: evidence.OpConfig, Class: evidence.ClassBudget, Text: "the time was used up"}, "given up (the time was used up)"},
		{&evidence.Failure{Op: evidence.OpDial, Class: evidence.ClassTimeout, Text: "no connection within 10s"}, "connecting: no answer in time (no connection within 10s)"},
	} {
		if got := c.f.Words(); got != c.want {
			t.Errorf("%v: %q, want %q", c.f, got, c.want)
		}
	}
	for c := evidence.ClassUnknown; c <= evidence.ClassBadInput; c++ {
		if c.Words() == "" {
			t.Errorf("%v has no words", c)
		}
	}
	for o := evidence.OpDial; o <= evidence.OpFetch; o++ {
		if o.Lead() == "" {
			t.Errorf("%v has no words", o)
		}
	}
}
