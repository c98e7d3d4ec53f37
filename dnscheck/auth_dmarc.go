package dnscheck

import (
	"strconv"

	"mailvet/dnscheck/dmarc"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

const dmarcOtherwise = "Internet.nl takes the texts that begin with \"v=DMARC1\", in any case, for DMARC records and no others, and wants exactly one; its verdict is \"{verdict}\"."

const dmarcPublish = "Begin by watching, with p=none. When the reports show that all genuine mail passes, change that into p=quarantine, then p=reject. Publish one TXT record: _dmarc.{domain}. IN TXT \"v=DMARC1; p=none; rua=mailto:postmaster@{domain}\""

var (
	dmarcFound = newAnswer(check.Code{Name: "found", Outcome: check.Pass, Verdict: "good",
		Text: "{name} holds one DMARC record: \"{record}\"."}, dmarcOtherwise)
	dmarcFoundAbove = newAnswer(check.Code{Name: "found-at-organization", Outcome: check.Pass, Verdict: "good",
		Text:  "{domain} has no DMARC record of its own, so that of its organizational domain holds. {name} has one: \"{record}\".",
		Cites: []check.Citation{check.RFC("7489", "6.6.3")}}, dmarcOtherwise)
	dmarcMissing = newAnswer(check.Code{Name: "missing", Outcome: check.Fail, Verdict: "bad",
		Text:   "{domain} has no DMARC record: there is none at {name}, the last place where it could be. Anybody can send mail in the name of {domain}, and nobody reports it.",
		Advice: dmarcPublish,
		Cites:  []check.Citation{check.RFC("7489", "6.6.3"), check.RFC("9989", "4")}}, dmarcOtherwise)
	dmarcSeveral = newAnswer(check.Code{Name: "several", Outcome: check.Fail, Verdict: "bad",
		Text:   "{name} holds {count} DMARC records. Receivers then act as if there were none.",
		Advice: "Keep one of the records at {name} and remove all others. The first of them is: \"{record}\"",
		Cites:  []check.Citation{check.RFC("7489", "6.6.3")}}, dmarcOtherwise)
	dmarcUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive, Verdict: "bad",
		Text:   "Whether {domain} has a DMARC record is not known, because a DNS question failed ({failed}). Internet.nl counts such a failure as a fault of the domain; its verdict is \"{verdict}\".",
		Advice: "Scan again later. If it stays so, see whether the name servers of {domain} answer questions for TXT records at {name}."}
	dmarcNotLookedUp = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "Whether {domain} has a DMARC record was not found out ({failed}): no resolver could be reached, or the scan ended before."}
)

var dmarcExists = &check.Check{
	ID: "dmarc-exists", API: "mail_auth_dmarc_exist", Category: check.Auth, Level: check.Required, Scope: check.PerDomain,
	Title: "DMARC record",
	Doc: check.Doc{
		What: "The TXT records at _dmarc below the domain, and where there is no DMARC record among them, those at _dmarc below its organizational domain. There must be exactly one DMARC record.",
		Why:  "SPF and DKIM say which mail is genuine, but not what to do with the rest, and they do not look at the sender that people see. DMARC binds both to the visible From address, tells receivers what to do with mail that fails, and asks them to report it.",
		How:  "Publish one TXT record that begins with \"v=DMARC1;\". A good one to begin with: _dmarc.DOMAIN. IN TXT \"v=DMARC1; p=none; rua=mailto:postmaster@DOMAIN\"",
	},
	Cites:    []check.Citation{check.RFC("9989", "4"), check.RFC("7489", "6.1"), check.RFC("7489", "6.6.3")},
	Args:     []string{"domain", "name", "record", "count", "verdict", "failed"},
	Codes:    codesOf([]answer{dmarcFound, dmarcFoundAbove, dmarcMissing, dmarcSeveral}, dmarcUnknown, dmarcNotLookedUp),
	Evaluate: evaluateDMARCExists,
}

func evaluateDMARCExists(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	own := findDMARC(s)
	compat := dmarc.CompatFind(s.Lookup, s.Domain)
	verdict := "bad"
	if len(compat.Texts) == 1 {
		verdict = "good"
	}
	var f check.Finding
	switch {
	case own.Unknown:
		f = unknownFinding(dmarcUnknown, dmarcNotLookedUp, verdict, own.Lookup)
	case len(own.Texts) > 1:
		f = dmarcSeveral.finding(verdict)
	case len(own.Texts) == 0:
		f = dmarcMissing.finding(verdict)
	case own.Org:
		f = dmarcFoundAbove.finding(verdict)
	default:
		f = dmarcFound.finding(verdict)
	}
	return dmarcArgs(s, own, f, verdict)
}

// dmarcArgs adds what every finding about DMARC tells.
func dmarcArgs(s *evidence.Snapshot, found dmarc.Found, f check.Finding, verdict string) check.Finding {
	if f.Args == nil {
		f.Args = map[string]string{}
	}
	first := ""
	if len(found.Texts) > 0 {
		first = found.Texts[0]
	}
	at := found.Domain
	if at == "" {
		at = s.Domain
	}
	f.Args["domain"] = shown(s.Domain)
	f.Args["name"] = shown(dmarc.NameOf(at))
	f.Args["record"] = shown(first)
	f.Args["count"] = strconv.Itoa(len(found.Texts))
	f.Args["verdict"] = verdict
	f.Evidence = append(pointers(s, s.Lookup(dmarc.NameOf(s.Domain), "TXT"), found.Lookup), f.Evidence...)
	return f
}
