package dnscheck

import (
	"slices"
	"strconv"
	"strings"

	"mailvet/dnscheck/mtasts"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// The checks of MTA-STS. The first is whether it is there at all, which is
// optional; whoever has it should have it right; and a policy in force that
// leaves out a mail server keeps mail away.
var mtastsChecks = []*check.Check{mtastsExists, mtastsValid, mtastsMX}

// published is how the checks that need a record in the DNS, and mail servers
// for it to be of use, begin.
type published struct{ noMail, mxUnknown, unknown, notLookedUp *check.Code }

// newPublished makes the codes; what is "MTA-STS" and the like.
func newPublished(what string) published {
	return published{
		noMail: &check.Code{Name: "no-mail-servers", Outcome: check.NotApplicable,
			Text: "{domain} has no mail servers, so there is nothing to use " + what + " for."},
		mxUnknown: &check.Code{Name: "mx-unknown", Outcome: check.Inconclusive,
			Text: "Which mail servers {domain} has could not be found out, so " + what + " was not looked for."},
		unknown: &check.Code{Name: "unknown", Outcome: check.Inconclusive,
			Text:   "Whether {domain} uses " + what + " could not be found out ({failed}).",
			Advice: "Scan again later. If it stays so, see why the name servers do not answer for {name}."},
		notLookedUp: &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
			Text: "The record {name} was not looked up: no resolver could be reached, or the scan ended before."},
	}
}

func (p published) codes() []*check.Code {
	return []*check.Code{p.noMail, p.mxUnknown, p.unknown, p.notLookedUp}
}

// texts looks the TXT records up. Without a code they are known, and there may
// be none.
func (p published) texts(s *evidence.Snapshot, name string) (texts []string, f check.Finding) {
	f.Args = map[string]string{"domain": s.Domain, "name": name}
	switch m := s.Mail(); m.Status {
	case evidence.MailHas:
	case evidence.MailUnknown:
		f.Code, f.Evidence = p.mxUnknown, pointers(s, s.Lookup(s.Domain, "MX"))
		return nil, f
	default:
		f.Code, f.Evidence = p.noMail, pointers(s, s.Lookup(s.Domain, "MX"))
		return nil, f
	}
	l := s.Lookup(name, "TXT")
	f.Evidence = pointers(s, l)
	switch {
	case l.Exists():
		for _, rr := range l.Answer {
			texts = append(texts, rr.Text())
		}
	case !l.Absent():
		args := f.Args
		f = unknownFinding(p.unknown, p.notLookedUp, "", l)
		f.Evidence = pointers(s, l)
		for k, v := range args {
			f.Args[k] = v
		}
	}
	return texts, f
}

// versioned picks the texts that are meant to be of a version, however badly.
func versioned(texts []string, version string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(t string) bool {
		return len(t) < len(version) || !strings.EqualFold(t[:len(version)], version)
	})
}

var (
	mtastsPublished = newPublished("MTA-STS")

	mtastsPresent = &check.Code{Name: "present", Outcome: check.Pass,
		Text: "{domain} announces an MTA-STS policy."}
	mtastsNone = &check.Code{Name: "none", Outcome: check.Fail,
		Text:   "{domain} does not use MTA-STS. Senders that do not know DANE, some of the largest among them, can then be made to deliver without TLS, or to somebody else. Beside DANE it is of use for them.",
		Advice: "Serve a policy at https://mta-sts.{domain}/.well-known/mta-sts.txt, in mode testing at first, then publish: _mta-sts.{domain}. IN TXT \"v=STSv1; id=1\""}
)

var mtastsExists = &check.Check{
	ID: "mta-sts-exists", Category: check.Extra, Level: check.Optional, Scope: check.PerDomain,
	Title: "MTA-STS",
	Doc: check.Doc{
		What: "A TXT record at _mta-sts announces a policy by which the domain promises TLS with valid certificates at its mail servers.",
		Why:  "TLS for mail is opportunistic: somebody on the way can strip it off. DANE and MTA-STS keep senders from falling for that. DANE is the stronger one and needs DNSSEC; several large senders know MTA-STS only.",
		How:  "Serve the policy at https://mta-sts.example.test/.well-known/mta-sts.txt and publish: _mta-sts.example.test. IN TXT \"v=STSv1; id=1\". Change the id whenever the policy changes.",
	},
	Cites: []check.Citation{check.RFC("8461", "3.1")},
	Args:  []string{"domain", "name", "failed"},
	Codes: append([]*check.Code{mtastsPresent, mtastsNone}, mtastsPublished.codes()...),
	Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
		texts, f := mtastsPublished.texts(s, mtasts.RecordName(s.Domain))
		if f.Code == nil {
			if f.Code = mtastsNone; len(versioned(texts, "v=STSv1")) > 0 {
				f.Code = mtastsPresent
			}
		}
		return f
	},
}

// mtastsWants is the record, where there are mail servers.
func mtastsWants(s *evidence.Snapshot) []evidence.Question {
	if s.Mail().Status != evidence.MailHas {
		return nil
	}
	return []evidence.Question{{Name: mtasts.RecordName(s.Domain), Type: "TXT"}}
}

// mtastsFetches is the policy, where a good record says that there is one.
func mtastsFetches(s *evidence.Snapshot) []FetchWant {
	if _, code, _ := mtastsRecord(s); code != nil {
		return nil
	}
	return []FetchWant{{URL: mtasts.PolicyURL(s.Domain), Limit: mtasts.MaxSize}}
}

// mtastsRecord reads the record; the code says what keeps senders from it, with
// the reason where there is one.
func mtastsRecord(s *evidence.Snapshot) (r mtasts.Record, code *check.Code, problem string) {
	texts, f := mtastsPublished.texts(s, mtasts.RecordName(s.Domain))
	if f.Code != nil {
		return r, f.Code, ""
	}
	list := mtasts.Select(texts)
	meant := versioned(texts, "v=STSv1")
	switch {
	case len(list) > 1:
		return r, mtastsSeveral, strconv.Itoa(len(list))
	case len(meant) == 0:
		return r, mtastsNone, ""
	case len(list) == 0:
		return r, mtastsRecordSyntax, "it does not begin with v=STSv1;"
	}
	r, err := mtasts.ParseRecord(list[0])
	if err != nil {
		return r, mtastsRecordSyntax, strings.TrimPrefix(err.Error(), "mtasts: record: ")
	}
	return r, nil, ""
}
