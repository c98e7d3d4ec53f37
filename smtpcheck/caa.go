package smtpcheck

import (
	"strings"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/caa"
)

var (
	caaGood = &check.Code{Name: "good", Outcome: check.Pass, Verdict: "good",
		Text: "The CAA records at {owner} say who may issue certificates for {host}: {issuers}."}
	caaGoodCapital = &check.Code{Name: "good-capital", Outcome: check.Pass, Verdict: "insufficient",
		Text:   "The CAA records at {owner} say who may issue certificates for {host}: {issuers}. Internet.nl overlooks the property for its capital letters.",
		Advice: "Write the tag in small letters: issue."}
	caaGoodPlain = &check.Code{Name: "good-plain-report", Outcome: check.Pass, Verdict: "syntax-error",
		Text:   "The CAA records at {owner} say who may issue certificates for {host}: {issuers}. Internet.nl remarks on them: {problems}.",
		Advice: "Have violations reported to an https: or mailto: address."}
	caaGoodUnread = &check.Code{Name: "good-certificate-unreadable", Outcome: check.Pass, Verdict: "bad",
		Text: "The CAA records at {owner} say who may issue certificates for {host}: {issuers}. Internet.nl does not look at them where it cannot read the server's certificate."}
	caaNone = &check.Code{Name: "none", Outcome: check.Fail, Verdict: "bad",
		Text:   "There are no CAA records for {host}: every authority may issue certificates for it.",
		Advice: "Publish a record that names your authority, for instance: {host}. IN CAA 0 issue \"ca.example\""}
	caaSyntax = &check.Code{Name: "syntax-error", Outcome: check.Fail, Verdict: "syntax-error",
		Text:   "The CAA records at {owner} have mistakes: {problems}.",
		Advice: "Correct the records; an authority that cannot read one that is marked critical must not issue."}
	caaInsufficient = &check.Code{Name: "insufficient", Outcome: check.Fail, Verdict: "insufficient",
		Text:   "The CAA records at {owner} have no property \"issue\", so that every authority may issue certificates for {host}.",
		Advice: "Add a record with the property \"issue\" that names your authority, for instance: {owner}. IN CAA 0 issue \"ca.example\""}
	caaUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive, Verdict: "bad",
		Text:   "Whether there are CAA records for {host} could not be found out ({failed}). Internet.nl counts that as none.",
		Advice: "Scan again later. An authority must not issue while it cannot look the records up."}
	caaBogus = &check.Code{Name: "bogus", Outcome: check.Fail,
		Text:   "The answer to the question for CAA records of {host} does not pass DNSSEC validation ({failed}), so that authorities must not issue. Internet.nl takes the answer as it is.",
		Advice: "Repair the DNSSEC signatures of the domain."}
	caaNotAsked = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "The CAA records of {host} were not looked up: no resolver could be reached, or the scan ended before."}
)

var caaRecords = &check.Check{
	ID: "caa", API: "mail_starttls_tls_caa", Category: check.TLS, Level: check.Recommended, Scope: check.PerHost,
	Title: "CAA records",
	Doc: check.Doc{
		What: "CAA records at the name of the mail server, or at the nearest domain above it that has any, say which authorities may issue certificates for it.",
		Why:  "Without them any authority may issue one, also to somebody who fooled it.",
		How:  "Publish a record that names your authority, for instance: example.test. IN CAA 0 issue \"ca.example\"",
	},
	Cites:    []check.Citation{check.RFC("8659", "4"), check.InternetNL("mail_starttls_tls_caa")},
	Requires: requiresTLS,
	Args:     []string{"host", "owner", "issuers", "problems", "failed"},
	Codes:    []*check.Code{caaGood, caaGoodCapital, caaGoodPlain, caaGoodUnread, caaNone, caaSyntax, caaInsufficient, caaUnknown, caaBogus, caaNotAsked},
	Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
		f := judgeCAA(s, subject.Host)
		// Internet.nl looks CAA records up together with the certificate.
		if x := servedBy(s, subject.Host); len(x) > 0 && x[0].chain != nil && x[0].leaf() == nil && f.Code.Verdict != "" {
			if f.Verdict = "bad"; f.Code == caaGood {
				f.Code = caaGoodUnread
			}
		}
		return f
	},
}

func judgeCAA(s *evidence.Snapshot, host string) check.Finding {
	asked := climbCAA(s, host)
	f := check.Finding{Args: map[string]string{"host": host}, Evidence: pointers(s, asked...)}
	if len(asked) == 0 {
		f.Code = caaNotAsked
		return f
	}
	last := asked[len(asked)-1]
	f.Args["failed"] = last.Name + " CAA: " + last.Words()
	switch {
	case last.Security == evidence.SecurityBogus:
		f.Code, f.Verdict, f.Args["failed"] = caaBogus, caaVerdict(caaProperties(last)), bound(last.Reason)
		return f
	case last.Absent() && len(asked) == len(caa.Climb(host)):
		f.Code = caaNone
		return f
	case last.Outcome == evidence.OutcomeNetwork, last.Absent(), last.Failure != nil && last.Failure.Class == evidence.ClassBudget:
		f.Code = caaNotAsked
		return f
	case !last.Exists():
		f.Code = caaUnknown
		return f
	}
	list := caaProperties(last)
	f.Args["owner"] = last.Name
	if last.Owner != "" {
		f.Args["owner"] = last.Owner
	}
	f.Code, f.Verdict = caaCode(list), caaVerdict(list)
	f.Args["issuers"], f.Args["problems"] = caaIssuers(list), caaProblems(list)
	return f
}

// caaVerdict is Internet.nl's reading of the records that were found.
func caaVerdict(list []caa.Property) string {
	switch {
	case len(list) == 0:
		return "bad"
	case !caa.LimitsIssuanceExactly(list):
		return "insufficient"
	case len(caa.Problems(list)) > 0:
		return "syntax-error"
	}
	return "good"
}

// caaCode is ours: tags know no case, and reports may go to http: addresses.
func caaCode(list []caa.Property) *check.Code {
	severe := false
	for _, p := range caa.Problems(list) {
		severe = severe || p.Kind != caa.PlainReportAddress
	}
	switch verdict := caaVerdict(list); {
	case !caa.LimitsIssuance(list):
		return caaInsufficient
	case severe:
		return caaSyntax
	case verdict == "insufficient":
		return caaGoodCapital
	case verdict == "syntax-error":
		return caaGoodPlain
	}
	return caaGood
}

func caaProperties(l *evidence.Lookup) []caa.Property {
	var list []caa.Property
	for _, rr := range l.Answer[:min(len(l.Answer), caa.MaxRecords)] {
		if p, err := caa.Parse(rr.Data); err == nil {
			list = append(list, p)
		}
	}
	return list
}

func caaIssuers(list []caa.Property) string {
	var names []string
	for _, p := range list {
		if !strings.EqualFold(p.Tag, "issue") {
			continue
		}
		switch v, at := caa.ParseIssue(p.Value); {
		case at >= 0:
		case v.Domain == "":
			names = append(names, "nobody")
		default:
			names = append(names, v.Domain)
		}
	}
	return join(names)
}

func caaProblems(list []caa.Property) string {
	var words []string
	for _, p := range caa.Problems(list) {
		words = append(words, p.String())
	}
	return join(words)
}

// climbCAA lists the lookups for a host as far as they were made, the one that
// decides last.
func climbCAA(s *evidence.Snapshot, host string) []*evidence.Lookup {
	var list []*evidence.Lookup
	for _, name := range caa.Climb(host) {
		l := s.Lookup(name, "CAA")
		if l == nil {
			break
		}
		list = append(list, l)
		if !l.Absent() || l.Security == evidence.SecurityBogus {
			break
		}
	}
	return list
}

// caaWants is the next question on the way up from each MX host (RFC 8659,
// Section 3).
func caaWants(s *evidence.Snapshot, host string) []evidence.Question {
	names := caa.Climb(host)
	asked := climbCAA(s, host)
	if n := len(asked); n == len(names) || n > 0 && (!asked[n-1].Absent() || asked[n-1].Security == evidence.SecurityBogus) {
		return nil
	}
	return []evidence.Question{{Name: names[len(asked)], Type: "CAA"}}
}
