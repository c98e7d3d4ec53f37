package dnscheck

import (
	"mailvet/dnscheck/mtasts"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	mtastsMatch = &check.Code{Name: "match", Outcome: check.Pass,
		Text: "The MTA-STS policy of {domain} allows the mail server {host}."}
	mtastsMatchTesting = &check.Code{Name: "match-testing-with-dane", Outcome: check.Pass,
		Text: "The MTA-STS policy of {domain} allows the mail server {host}. Its mode is testing, while the TLSA records of {host} bind senders that know DANE already."}
	mtastsMismatch = &check.Code{Name: "mismatch", Outcome: check.Fail,
		Text:   "The MTA-STS policy of {domain} does not allow the mail server {host}; it allows {patterns}. Senders that follow the policy do not deliver there.",
		Advice: "Add a line \"mx: {host}\" to {url} and change the id of the record, or remove the host from the MX records."}
	mtastsMismatchDANE = &check.Code{Name: "mismatch-with-dane", Outcome: check.Fail, Cites: []check.Citation{check.RFC("8461", "2")},
		Text:   "The MTA-STS policy of {domain} does not allow the mail server {host}; it allows {patterns}. The TLSA records of {host} say that it is one of the domain's: the two contradict each other, and senders that follow the policy do not deliver there.",
		Advice: "Add a line \"mx: {host}\" to {url} and change the id of the record."}
	mtastsMismatchTesting = &check.Code{Name: "mismatch-testing", Outcome: check.Weak,
		Text:   "The MTA-STS policy of {domain} does not allow the mail server {host}; it allows {patterns}. Senders still deliver there, as the mode is testing.",
		Advice: "Add a line \"mx: {host}\" to {url} and change the id of the record, before the mode becomes enforce."}
	mtastsMXNone = &check.Code{Name: "mode-none", Outcome: check.NotApplicable,
		Text: "The MTA-STS policy of {domain} is in mode none, so that it says nothing about {host}."}
	mtastsMXUnknown = &check.Code{Name: "policy-unknown", Outcome: check.Inconclusive,
		Text: "Whether the MTA-STS policy of {domain} allows the mail server {host} is not known, as there is no policy that can be read."}
)

var mtastsMX = &check.Check{
	ID: "mta-sts-mx", Category: check.Extra, Level: check.Required, Scope: check.PerHost,
	Title: "Mail servers in the MTA-STS policy",
	Doc: check.Doc{
		What: "The name of every mail server must match one of the mx patterns of the MTA-STS policy; \"*.\" at the beginning of a pattern stands for one label.",
		Why:  "Senders that follow a policy in mode enforce do not deliver to a server that it does not name, whatever DANE says. Where that is all of them, mail stays away.",
		How:  "List every MX host in the policy. Add a new one to the policy, and change the id of the record, before it is added to the MX records.",
	},
	Cites:    []check.Citation{check.RFC("8461", "4.1")},
	Requires: []*check.Check{mtastsValid},
	Args:     []string{"domain", "host", "url", "patterns"},
	Codes:    []*check.Code{mtastsMatch, mtastsMatchTesting, mtastsMismatch, mtastsMismatchDANE, mtastsMismatchTesting, mtastsMXNone, mtastsMXUnknown},
	Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
		policy, _, _ := mtastsPolicy(s)
		tlsa := s.Lookup("_25._tcp."+subject.Host, "TLSA")
		dane := tlsa.Exists() && tlsa.Security == evidence.SecuritySecure
		f := check.Finding{Args: map[string]string{
			"domain": s.Domain, "host": subject.Host, "url": mtasts.PolicyURL(s.Domain), "patterns": enumerate(policy.MX),
		}}
		f.Evidence = append(pointers(s, s.Lookup(s.Domain, "MX"), tlsa), pointers(s, s.Fetch(mtasts.PolicyURL(s.Domain)))...)
		f.Code = mtastsHostCode(policy.Mode, policy.Allows(subject.Host), dane)
		return f
	},
}

func mtastsHostCode(mode mtasts.Mode, allowed, dane bool) *check.Code {
	testing := mode == mtasts.ModeTesting
	switch {
	case mode == mtasts.ModeUnknown:
		return mtastsMXUnknown
	case mode == mtasts.ModeNone:
		return mtastsMXNone
	case allowed && testing && dane:
		return mtastsMatchTesting
	case allowed:
		return mtastsMatch
	case testing:
		return mtastsMismatchTesting
	case dane:
		return mtastsMismatchDANE
	}
	return mtastsMismatch
}
