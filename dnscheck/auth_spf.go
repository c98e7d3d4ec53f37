package dnscheck

import (
	"slices"
	"strconv"

	"mailvet/dnscheck/spf"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

const spfOtherwise = "Internet.nl takes every text that begins with \"v=spf1\" for an SPF record, whatever follows; its verdict is \"{verdict}\"."

var (
	spfFound = newAnswer(check.Code{Name: "found", Outcome: check.Pass, Verdict: "good",
		Text: "{domain} has one SPF record: \"{record}\"."}, spfOtherwise)
	spfMissing = newAnswer(check.Code{Name: "missing", Outcome: check.Fail, Verdict: "bad",
		Text:   "{domain} has no SPF record, so receivers cannot tell which servers may send mail in its name.",
		Advice: "Publish one TXT record that names the servers that send mail for {domain} and ends in -all or ~all. For each provider that sends for you, add \"include:\" and the name that it tells you. To begin with: {suggestion}",
		Cites:  []check.Citation{check.RFC("7208", "3"), check.RFC("7208", "4.5")}}, spfOtherwise)
	spfSeveral = &check.Code{Name: "several", Outcome: check.Fail, Verdict: "bad",
		Text:   "{domain} has {count} SPF records. Receivers then answer permerror, as if the policy were broken. Internet.nl counts this as having none.",
		Advice: "Remove all these records and publish one that merges them: {suggestion}",
		Cites:  []check.Citation{check.RFC("7208", "3.2"), check.RFC("7208", "4.5")}}
	spfUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive, Verdict: "bad",
		Text:   "Whether {domain} has an SPF record is not known, because a DNS question failed ({failed}). Internet.nl counts this as having none.",
		Advice: "Scan again later. If it stays so, see whether the name servers of {domain} answer questions for its TXT records."}
	spfNotLookedUp = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "Whether {domain} has an SPF record was not found out ({failed}): no resolver could be reached, or the scan ended before."}
)

var spfExists = &check.Check{
	ID: "spf-exists", API: "mail_auth_spf_exist", Category: check.Auth, Level: check.Required, Scope: check.PerDomain,
	Title: "SPF record",
	Doc: check.Doc{
		What: "The TXT records of the domain. Exactly one of them must be an SPF record, one that begins with \"v=spf1\".",
		Why:  "The SPF record lists the servers that may send mail in the domain's name. Without it receivers cannot tell them from any other server, and DMARC has only DKIM to go by.",
		How:  "Publish one TXT record at the domain: \"v=spf1\", then the servers that send (\"mx\", \"ip4:192.0.2.1\", \"include:\" and the name that a provider tells), then \"-all\" or \"~all\". A domain that sends no mail publishes this: DOMAIN. IN TXT \"v=spf1 -all\"",
	},
	Cites:    []check.Citation{check.RFC("7208", "3"), check.RFC("7208", "4.5")},
	Args:     []string{"domain", "record", "count", "suggestion", "verdict", "failed"},
	Codes:    codesOf([]answer{spfFound, spfMissing}, spfSeveral, spfUnknown, spfNotLookedUp),
	Evaluate: evaluateSPFExists,
}

func evaluateSPFExists(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	l := s.Lookup(s.Domain, "TXT")
	texts := spf.Select(l)
	verdict := "bad"
	if len(spf.CompatSelect(l)) == 1 {
		verdict = "good"
	}
	var f check.Finding
	switch {
	case l == nil || l.Unknown() && l.Outcome != evidence.OutcomeBadName:
		f = unknownFinding(spfUnknown, spfNotLookedUp, verdict, l)
	case len(texts) == 0:
		f = spfMissing.finding(verdict)
	case len(texts) > 1:
		// Whatever is an SPF record here is one for Internet.nl, too.
		f.Code = spfSeveral
	default:
		f = spfFound.finding(verdict)
	}
	f = spfArgs(s, texts, f, verdict)
	f.Args["suggestion"] = txtRecord(s.Domain, suggestSPF(s, texts).String())
	return f
}

// spfArgs adds what every finding about SPF tells.
func spfArgs(s *evidence.Snapshot, texts []string, f check.Finding, verdict string) check.Finding {
	if f.Args == nil {
		f.Args = map[string]string{}
	}
	f.Args["domain"] = shown(s.Domain)
	f.Args["record"] = ""
	if len(texts) > 0 {
		f.Args["record"] = shown(texts[0])
	}
	f.Args["count"] = strconv.Itoa(len(texts))
	f.Args["verdict"] = verdict
	f.Evidence = pointers(s, s.Lookup(s.Domain, "TXT"))
	return f
}

// suggestSPF makes one record of several: all their terms, the first all or
// redirect last. Without any it is one for the MX hosts, or for nobody.
func suggestSPF(s *evidence.Snapshot, texts []string) *spf.Record {
	r := &spf.Record{}
	last := spf.Term{Kind: spf.All, Qualifier: spf.SoftFail}
	decided := false
	for _, t := range texts {
		parsed, err := spf.Parse(t)
		if err != nil {
			continue
		}
		for _, term := range parsed.Terms {
			switch {
			case term.Kind == spf.All || term.Kind == spf.Redirect:
				if !decided && (term.Kind == spf.Redirect || term.Qualifier == spf.Fail) {
					last, decided = term, true
				}
			case !slices.Contains(r.Terms, term) && (term.Kind != spf.Exp || !hasKind(r, spf.Exp)):
				r.Terms = append(r.Terms, term)
			}
		}
	}
	if len(texts) == 0 {
		last.Qualifier = spf.Fail
		if s.Mail().Status == evidence.MailHas {
			r.Terms = append(r.Terms, spf.Term{Kind: spf.MX, Qualifier: spf.Pass, Len4: 32, Len6: 128})
		}
	}
	r.Terms = append(r.Terms, last)
	return r
}

func hasKind(r *spf.Record, k spf.Kind) bool {
	return slices.ContainsFunc(r.Terms, func(t spf.Term) bool { return t.Kind == k })
}
