package smtpcheck

import (
	"testing"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/dane"
)

func TestEveryStatusHasWords(t *testing.T) {
	for s := dane.NotTried; s <= dane.Matched; s++ {
		if statusWords[s] == "" {
			t.Errorf("%v has no words", s)
		}
	}
	for s := evidence.SecurityUnknown; s <= evidence.SecurityIndeterminate; s++ {
		if securityWords[s] == "" {
			t.Errorf("%v has no words", s)
		}
	}
}

func TestContactWords(t *testing.T) {
	failure := func(op evidence.Op, class evidence.Class, text string) *evidence.Failure {
		return &evidence.Failure{Op: op, Class: class, Text: text}
	}
	for want, x := range map[string]*evidence.Session{
		"no connection was made":                             nil,
		"greeting: more was sent than is read (4096 octets)": {Failure: failure(evidence.OpBanner, evidence.ClassTooLarge, "4096 octets")},
		"given up (the time for this domain was used up)":    {Failure: failure(evidence.OpConfig, evidence.ClassBudget, "the time for this domain was used up")},
		"greeting: 421 4.7.0 too many": {Failure: failure(evidence.OpBanner, evidence.ClassTemporary, ""),
			Greeting: &evidence.Reply{Code: 421, Lines: []string{"4.7.0 too many"}}},
		"it ended early, and no reason is recorded": {StartTLS: evidence.StartTLSStarted},
		"no STARTTLS in the reply to EHLO":          {Verb: "EHLO", StartTLS: evidence.StartTLSNotOffered},
		"TLS handshake: ended by a TLS alert (handshake failure)": {StartTLS: evidence.StartTLSStarted,
			Handshake: &evidence.Handshake{Failure: failure(evidence.OpHandshake, evidence.ClassTLSAlert, "handshake failure")}},
	} {
		if got := (contact{session: x, code: contactCode(x)}).words(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
