package scanner

import (
	"cmp"
	"context"

	"mailvet/report/evidence"
)

// controlQuestion is one that every working resolver can answer.
var controlQuestion = evidence.Question{Name: ".", Type: "NS"}

// control asks it where the resolver could answer nothing about the domain. If
// that fails, too, the resolver is broken, and not the domain.
func (r *run) control(ctx, budget context.Context) error {
	failed := false
	for _, l := range r.snap.Lookups {
		switch l.Outcome {
		case evidence.OutcomeServFail, evidence.OutcomeRCode:
			failed = true
		case evidence.OutcomeTimeout, evidence.OutcomeNetwork, evidence.OutcomeRefused, evidence.OutcomeMalformed:
		default:
			return nil
		}
	}
	if !failed {
		return nil
	}
	r.lookup(budget, controlQuestion)
	if r.running == 0 {
		return nil
	}
	deliver := <-r.results
	r.running--
	return cmp.Or(ctx.Err(), deliver())
}

// hopeless says why nothing at all is known of a domain: then there is nothing
// to judge, and the fault is almost surely not the domain's. A SERVFAIL is an
// answer about the domain, unless the control question has the same fate.
func hopeless(s *evidence.Snapshot) *evidence.Failure {
	var last *evidence.Lookup
	broken := false
	if c := s.Lookup(controlQuestion.Name, controlQuestion.Type); c != nil {
		broken = c.Outcome == evidence.OutcomeServFail || c.Outcome == evidence.OutcomeRCode
	}
	for i := range s.Lookups {
		switch l := &s.Lookups[i]; l.Outcome {
		case evidence.OutcomeTimeout, evidence.OutcomeNetwork, evidence.OutcomeRefused, evidence.OutcomeMalformed:
			last = l
		case evidence.OutcomeServFail, evidence.OutcomeRCode:
			if !broken {
				return nil
			}
			last = l
		default:
			return nil
		}
	}
	if last == nil {
		return &evidence.Failure{Op: evidence.OpConfig, Class: evidence.ClassUnknown, Text: "nothing was asked"}
	}
	if broken {
		return &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassTemporary,
			Text: "the resolver fails for every question, even for the root of the DNS; see whether it reaches the Internet, or name another one with --resolver"}
	}
	f := evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassTimeout, Text: "no resolver answered any question; check the network, or name another one with --resolver"}
	switch last.Outcome {
	case evidence.OutcomeRefused:
		f.Class, f.Text = evidence.ClassRefused, "the resolver refuses to answer this host; name another one with --resolver"
	case evidence.OutcomeMalformed:
		f.Class, f.Text = evidence.ClassProtocol, "what answers is no DNS server; name another one with --resolver"
	case evidence.OutcomeNetwork:
		f.Class = evidence.ClassUnreachable
		if last.Failure != nil {
			f.Class = last.Failure.Class
		}
		f.Text = "no resolver can be reached; check the network, or name another one with --resolver"
		if last.Failure != nil && last.Failure.Op == evidence.OpHandshake {
			f.Op = evidence.OpHandshake
			f.Text = "no TLS can be had with the resolver (" + last.Failure.Text + "); where its certificate is from a private CA, name that with --root-ca"
		}
	}
	return &f
}
