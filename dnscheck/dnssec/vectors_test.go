//go:debug rsa1024min=0

package dnssec_test

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/report/evidence"
)

// leftOut are the scenarios that are not played, with the reason.
var leftOut = map[string]string{}

// TestScenarios plays Unbound's scenarios: what its validator calls secure
// (AD), bogus (SERVFAIL) or neither, ours must call so too.
func TestScenarios(t *testing.T) {
	played, questions := 0, 0
	list := loadScenarios(t)
	for _, s := range list {
		t.Run(s.File, func(t *testing.T) {
			if reason := leftOut[s.File]; reason != "" {
				t.Skip("left out: " + reason)
			}
			played++
			questions += play(t, s)
		})
	}
	t.Logf("%d of %d scenarios played, %d answers compared", played, len(list), questions)
}

func play(t *testing.T, s *scenario) int {
	clock := s.clock(t)
	anchors, renewed := renew(t, s, parseRRs(t, s.Anchors))
	if renewed.genuine+renewed.wrong > 0 {
		t.Logf("signed anew: %d signatures, and %d that are wrong", renewed.genuine, renewed.wrong)
	}
	v := &dnssec.Validator{Anchors: anchors, Now: func() time.Time { return clock }, MaxIterations: 150}
	it := newIterator(s)
	count := 0
	var q *dns.Msg
	for i := range s.Steps {
		step := &s.Steps[i]
		it.step = step.N
		switch step.Type {
		case "QUERY":
			q, _ = step.Entry.parse()
		case "CHECK_ANSWER":
			want, _ := step.Entry.parse()
			if q == nil || q.CheckingDisabled {
				continue
			}
			question := q.Question[0]
			reply, err := it.Fetch(t.Context(), question.Name, question.Qtype)
			if err != nil {
				t.Logf("%d: %s %s: no answer: %v (want %s)", step.N, question.Name, dns.Type(question.Qtype), err, dns.RcodeToString[want.Rcode])
				if want.Rcode != dns.RcodeServerFailure {
					t.Errorf("no answer")
				}
				continue
			}
			got := v.Validate(t.Context(), it, question.Name, question.Qtype, reply)
			if !agrees(want, got.Security) {
				t.Errorf("step %d: %s %s: %s %q; Unbound says %s, AD %t", step.N, question.Name, dns.Type(question.Qtype), got.Security, got.Reason, dns.RcodeToString[want.Rcode], want.AuthenticatedData)
			} else {
				t.Logf("step %d: %s %s: %s %q", step.N, question.Name, dns.Type(question.Qtype), got.Security, got.Reason)
			}
			count++
		}
	}
	if count == 0 {
		t.Errorf("nothing was compared")
	}
	return count
}

func agrees(want *dns.Msg, got evidence.Security) bool {
	switch {
	case want.Rcode == dns.RcodeServerFailure:
		return got == evidence.SecurityBogus || got == evidence.SecurityIndeterminate
	case want.AuthenticatedData:
		return got == evidence.SecuritySecure
	}
	return got == evidence.SecurityInsecure
}
