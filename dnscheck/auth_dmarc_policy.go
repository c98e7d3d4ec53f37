package dnscheck

import (
	"errors"

	"mailvet/dnscheck/dmarc"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

const (
	dmarcPolicyOtherwise = "Internet.nl reads the records at {name} otherwise: its verdict is \"{verdict}\"."
	dmarcPolicySyntax    = "Receivers ignore what they do not know in a record. Internet.nl does not: to it the record has a syntax error at \"{at}\", and it gives no points."
	dmarcPolicyRepair    = "To satisfy Internet.nl too, replace the record by this one: {suggestion}"
)

var (
	dmarcEnforced = newAnswer(check.Code{Name: "enforced", Outcome: check.Pass, Verdict: "good",
		Text: "The DMARC record at {name} asks receivers to {policy} mail that fails in the name of {domain}."},
		dmarcPolicyOtherwise).withSyntax(dmarcPolicySyntax, dmarcPolicyRepair)
	dmarcExternal = newAnswer(check.Code{Name: "external", Outcome: check.Weak, Verdict: "external",
		Text:   "The DMARC record at {name} asks receivers to {policy} mail that fails, and to report to {host}. That host did not consent, so receivers send it no reports.",
		Advice: "Remove the address from rua and ruf, or ask the operator of {host} to publish this record: {consent_record}",
		Cites:  []check.Citation{check.RFC("7489", "7.1")}},
		dmarcPolicyOtherwise).withSyntax(dmarcPolicySyntax, dmarcPolicyRepair)
	dmarcConsentForm = &check.Code{Name: "external-uncounted", Outcome: check.Pass, Verdict: "external",
		Text:   "The DMARC record at {name} asks receivers to {policy} mail that fails, and to report to {host}, which consented. Internet.nl does not see the consent: it wants exactly one record at {consent} that its grammar parses in full, such as \"v=DMARC1;\" with the semicolon. It gives full points with a warning.",
		Advice: "To satisfy Internet.nl too, ask the operator of {host} for exactly this record: {consent_record}",
		Cites:  []check.Citation{check.RFC("7489", "7.1")}}
	dmarcWeakNone = newAnswer(check.Code{Name: "none", Outcome: check.Fail, Verdict: "policy",
		Text:   "The DMARC record at {name} asks receivers to do nothing about mail that fails in the name of {domain}: the policy that holds for it is none.",
		Advice: "When the reports show that all genuine mail passes, replace the record by this one, at first perhaps with quarantine in the place of reject: {suggestion}",
		Cites:  []check.Citation{check.RFC("7489", "6.3")}},
		dmarcPolicyOtherwise).withSyntax(dmarcPolicySyntax, dmarcPolicyRepair)
	dmarcTesting = newAnswer(check.Code{Name: "testing", Outcome: check.Fail, Verdict: "policy",
		Text:   "The DMARC record at {name} has the policy quarantine, but says with t=y that it is only tested: receivers then do nothing about mail that fails.",
		Advice: "When the test has shown that all genuine mail passes, replace the record by this one: {suggestion}",
		Cites:  []check.Citation{check.RFC("9989", "4.7")}},
		dmarcPolicyOtherwise).withSyntax(dmarcPolicySyntax, dmarcPolicyRepair)
	dmarcNoPolicy = newAnswer(check.Code{Name: "no-policy", Outcome: check.Fail, Verdict: "policy",
		Text:   "The DMARC record at {name} has no valid tag p, and so asks receivers to do nothing: \"{record}\".",
		Advice: "Replace the record by this one, or to begin by watching only by one with p=none: {suggestion}",
		Cites:  []check.Citation{check.RFC("7489", "6.6.3")}},
		dmarcPolicyOtherwise).withSyntax(dmarcPolicySyntax, dmarcPolicyRepair)
	dmarcInvalid = newAnswer(check.Code{Name: "invalid", Outcome: check.Fail, Verdict: "bad",
		Text:   "The DMARC record at {name} has a tag twice, which makes all of it invalid: \"{record}\".",
		Advice: "Publish each tag once, for instance in this record: {suggestion}",
		Cites:  []check.Citation{check.RFC("6376", "3.2"), check.RFC("7489", "6.3")}}, dmarcPolicyOtherwise)
	dmarcNoRecord = newAnswer(check.Code{Name: "no-record", Outcome: check.Blocked, Verdict: "not-tested",
		Text: "There is no policy to judge, because there is not exactly one DMARC record for {domain}."}, dmarcPolicyOtherwise)
	dmarcDestUnknown = newAnswer(check.Code{Name: "unknown-destination", Outcome: check.Inconclusive, Verdict: "external",
		Text:   "The DMARC record at {name} asks receivers to {policy} mail that fails, and to report to {host}. Whether that host consented is not known ({failed}).",
		Advice: "Scan again later. The consent must stand at {consent}."}, dmarcPolicyOtherwise).
		withSyntax(dmarcPolicySyntax, dmarcPolicyRepair).withNote("Internet.nl counts this as no consent, with full points and a warning.")
	dmarcPolicyUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive, Verdict: "not-tested",
		Text:   "The DMARC policy of {domain} is not known, because a DNS question failed ({failed}). Internet.nl counts such a failure as a fault of the domain; its verdict is \"{verdict}\".",
		Advice: "Scan again later. If it stays so, see whether the name servers of {domain} answer questions for TXT records at {name}."}
	dmarcPolicyNotLookedUp = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "The DMARC policy of {domain} was not found out ({failed}): no resolver could be reached, or the scan ended before."}
)

var dmarcPolicy = &check.Check{
	ID: "dmarc-policy", API: "mail_auth_dmarc_policy", Category: check.Auth, Level: check.Required, Scope: check.PerDomain,
	Title: "DMARC policy",
	Doc: check.Doc{
		What: "The policy of the DMARC record: p, or for a record of the organizational domain sp where it has one, and whether it is only tested (t=y). If it is sufficient, also whether hosts of others that reports go to consented to that.",
		Why:  "With the policy none receivers deliver forged mail as if there were no DMARC. Only quarantine and reject protect those who get mail in the domain's name. Reports to a host that did not consent are not sent.",
		How:  "A host of another organization consents to reports with a record \"v=DMARC1;\" at DOMAIN._report._dmarc.HOST. Once the reports show that all genuine mail passes, publish p=quarantine or p=reject: _dmarc.DOMAIN. IN TXT \"v=DMARC1; p=reject; rua=mailto:postmaster@DOMAIN\"",
	},
	Cites: []check.Citation{check.RFC("9989", "4.7"), check.RFC("7489", "6.3"), check.RFC("7489", "7.1")},
	Args:  []string{"domain", "name", "record", "policy", "host", "consent", "consent_record", "suggestion", "at", "verdict", "failed"},
	Codes: codesOf([]answer{dmarcEnforced, dmarcExternal, dmarcWeakNone, dmarcTesting, dmarcNoPolicy, dmarcInvalid, dmarcNoRecord, dmarcDestUnknown},
		dmarcConsentForm, dmarcPolicyUnknown, dmarcPolicyNotLookedUp),
	Evaluate: evaluateDMARCPolicy,
}

func evaluateDMARCPolicy(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	own := findDMARC(s)
	compat, verdict := compatDMARC(s)
	_, one := own.One()
	var f check.Finding
	switch {
	case own.Unknown:
		f = unknownFinding(dmarcPolicyUnknown, dmarcPolicyNotLookedUp, verdict, own.Lookup)
	case !one:
		f = dmarcNoRecord.finding(verdict)
	default:
		f = judgeDMARC(s, own, verdict)
	}
	f = dmarcArgs(s, own, f, verdict)
	var syntax *dmarc.CompatSyntaxError
	if errors.As(compat.Err, &syntax) {
		f.Args["at"] = cut(syntax.Rest, 80)
	}
	return f
}

// compatDMARC is Internet.nl's judgement of the policy, and its verdict.
func compatDMARC(s *evidence.Snapshot) (dmarc.CompatResult, string) {
	x := evidence.Once(s, compatDMARCKey{}, func() compatReading {
		r, verdict := readCompatDMARC(s)
		return compatReading{r, verdict}
	})
	return x.result, x.verdict
}

type (
	compatDMARCKey struct{}
	compatReading  struct {
		result  dmarc.CompatResult
		verdict string
	}
)

func readCompatDMARC(s *evidence.Snapshot) (dmarc.CompatResult, string) {
	c := dmarc.CompatFind(s.Lookup, s.Domain)
	text, ok := c.One()
	if !ok {
		return dmarc.CompatResult{}, "not-tested"
	}
	r := dmarc.CompatPolicy(s.Lookup, c.Domain, text, c.Org)
	return r, map[dmarc.CompatStatus]string{
		dmarc.CompatValid: "good", dmarc.CompatInvalidSyntax: "bad", dmarc.CompatInvalidPolicy: "policy", dmarc.CompatInvalidExternal: "external",
	}[r.Status]
}

// judgeDMARC judges the one record by the standards.
func judgeDMARC(s *evidence.Snapshot, found dmarc.Found, verdict string) check.Finding {
	r := viewDMARC(s).record
	if r == nil {
		f := dmarcInvalid.finding(verdict)
		f.Args = map[string]string{"suggestion": txtRecord(dmarc.NameOf(found.Domain), "v=DMARC1; p=reject; rua=mailto:postmaster@"+found.Domain)}
		return f
	}
	policy := r.Requested(found.Org)
	tag := "p"
	if found.Org && policy >= dmarc.PolicyNone && r.Policy("sp") >= dmarc.PolicyNone {
		tag = "sp"
	}
	suggested := r.With(tag, "reject")
	if r.Testing() {
		suggested = suggested.With("t", "n")
	}
	var f check.Finding
	switch {
	case policy < dmarc.PolicyNone:
		f = dmarcNoPolicy.finding(verdict)
	case policy == dmarc.PolicyNone:
		f = dmarcWeakNone.finding(verdict)
	case !r.Sufficient(found.Org):
		f = dmarcTesting.finding(verdict)
	default:
		f = judgeDestinations(s, dmarc.Destinations(s.Lookup, found.Domain, r), verdict)
	}
	if f.Args == nil {
		f.Args = map[string]string{}
	}
	f.Args["policy"] = policy.String()
	f.Args["suggestion"] = txtRecord(dmarc.NameOf(found.Domain), withPlainReports(suggested.Compatible()).String())
	return f
}

// judgeDestinations judges a record whose policy is sufficient.
func judgeDestinations(s *evidence.Snapshot, list []dmarc.Destination, verdict string) check.Finding {
	var refused, unknown *dmarc.Destination
	var lookups []*evidence.Lookup
	for i := range list {
		d := &list[i]
		lookups = append(lookups, d.Lookup)
		switch {
		case d.Unknown() && unknown == nil:
			unknown = d
		case !d.Unknown() && !d.Consent && refused == nil:
			refused = d
		}
	}
	f := dmarcEnforced.finding(verdict)
	var shownOf *dmarc.Destination
	switch unseen := unseenConsent(s, list); {
	case refused != nil:
		f, shownOf = dmarcExternal.finding(verdict), refused
	case unknown != nil:
		f, shownOf = dmarcDestUnknown.finding(verdict), unknown
	case unseen != nil && verdict == dmarcConsentForm.Verdict:
		f, shownOf = check.Finding{Code: dmarcConsentForm}, unseen
	}
	if shownOf != nil {
		f.Args = map[string]string{"host": shown(shownOf.Host), "consent": shown(shownOf.Name), "consent_record": txtRecord(shownOf.Name, "v=DMARC1;"), "failed": shown(whatFailed(shownOf.Lookup))}
	}
	f.Evidence = pointers(s, lookups...)
	return f
}

// unseenConsent is the first destination whose consent Internet.nl does not
// see, nil if it sees all.
func unseenConsent(s *evidence.Snapshot, list []dmarc.Destination) *dmarc.Destination {
	compat, _ := compatDMARC(s)
	for i := range list {
		for _, c := range compat.Destinations {
			if !c.Consent && c.Name == list[i].Name {
				return &list[i]
			}
		}
	}
	return nil
}
