package dnscheck

import (
	"strconv"
	"strings"

	"mailvet/dnscheck/bimi"
	"mailvet/dnscheck/dmarc"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var bimiChecks = []*check.Check{bimiExists, bimiLogo, bimiCertificate}

var (
	bimiPresent = &check.Code{Name: "present", Outcome: check.Pass,
		Text: "{domain} names a logo for its messages (BIMI)."}
	bimiDeclined = &check.Code{Name: "declined", Outcome: check.NotApplicable,
		Text: "{domain} says that it wants no logo shown beside its messages (BIMI)."}
	bimiNone = &check.Code{Name: "none", Outcome: check.Fail,
		Text:   "{domain} names no logo that mail programs could show beside its messages (BIMI). It protects nobody by itself; it is of use for brands whose DMARC policy is in force.",
		Advice: "If you want one: make an SVG file of the profile Tiny PS, get a mark certificate, and publish: default._bimi.{domain}. IN TXT \"v=BIMI1; l=https://{domain}/logo.svg; a=https://{domain}/vmc.pem\""}
	bimiUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text:   "Whether {domain} names a logo (BIMI) could not be found out ({failed}).",
		Advice: "Scan again later. If it stays so, see why the name servers do not answer for default._bimi.{domain}."}
	bimiNoMail = &check.Code{Name: "no-mail-servers", Outcome: check.NotApplicable,
		Text: "{domain} has no mail servers, so no logo for its messages (BIMI) was looked for."}
	bimiNoDMARC = &check.Code{Name: "no-dmarc", Outcome: check.NotApplicable,
		Text: "{domain} has no DMARC record, without which no mail program shows a logo (BIMI)."}
	bimiNotLookedUp = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "Whether {domain} names a logo (BIMI) was not looked up: its DMARC record is not known, or the scan ended before."}
)

var bimiExists = &check.Check{
	ID: "bimi-exists", Category: check.Extra, Level: check.Optional, Scope: check.PerDomain,
	Title: "Logo for messages (BIMI)",
	Doc: check.Doc{
		What: "A TXT record at default._bimi names a logo for the domain's messages, and a certificate for the right to use it. It is looked for only where there is a DMARC record: without one no logo is shown.",
		Why:  "Some mail programs show the logo beside messages that pass DMARC. That helps readers to know a brand; it protects nobody by itself.",
		How:  "Publish: default._bimi.example.test. IN TXT \"v=BIMI1; l=https://example.test/logo.svg; a=https://example.test/vmc.pem\"",
	},
	Cites: []check.Citation{bimiDraft},
	Args:  []string{"domain", "failed"},
	Codes: []*check.Code{bimiPresent, bimiDeclined, bimiNone, bimiNoMail, bimiNoDMARC, bimiUnknown, bimiNotLookedUp},
	Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
		l := s.Lookup(bimi.RecordName(s.Domain), "TXT")
		f := check.Finding{Args: map[string]string{"domain": s.Domain}, Evidence: pointers(s, l)}
		records := bimiRecords(l)
		switch {
		case l == nil && s.Mail().Status > evidence.MailHas:
			f.Code, f.Evidence = bimiNoMail, pointers(s, s.Lookup(s.Domain, "MX"))
		case l == nil && withoutDMARC(s):
			f.Code = bimiNoDMARC
		case l == nil:
			f.Code = bimiNotLookedUp
		case !l.Exists() && !l.Absent():
			f.Code, f.Args["failed"] = bimiUnknown, whatFailed(l)
		case len(records) == 0:
			f.Code = bimiNone
		default:
			f.Code = bimiPresent
			if r, err := bimi.Parse(records[0]); err == nil && len(records) == 1 && r.Declined() {
				f.Code = bimiDeclined
			}
		}
		return f
	},
}

// withoutDMARC reports whether it is known that there is no DMARC record.
func withoutDMARC(s *evidence.Snapshot) bool {
	found := findDMARC(s)
	_, ok := found.One()
	return !ok && !found.Unknown && found.Lookup != nil
}

// bimiDraft is where the rules stand: BIMI is no RFC yet.
var bimiDraft = check.Citation{Source: "draft-brand-indicators-for-message-identification"}

func bimiRecords(l *evidence.Lookup) []string {
	var list []string
	if l.Exists() {
		for _, rr := range l.Answer {
			if t := rr.Text(); bimi.IsRecord(t) {
				list = append(list, t)
			}
		}
	}
	return list
}

// bimiWants is the record, where there is one of DMARC and there are mail
// servers: one question.
func bimiWants(s *evidence.Snapshot) []evidence.Question {
	if _, ok := findDMARC(s).One(); !ok || s.Mail().Status != evidence.MailHas || awaitsProof(s) {
		return nil
	}
	return []evidence.Question{{Name: bimi.RecordName(s.Domain), Type: "TXT"}}
}

// bimiFetches are the logo and the certificate.
func bimiFetches(s *evidence.Snapshot) []FetchWant {
	r, problem := bimiRecord(s)
	if problem != "" {
		return nil
	}
	var list []FetchWant
	for _, url := range []string{r.Logo, r.Evidence} {
		if url != "" {
			list = append(list, FetchWant{url, bimi.MaxFetch})
		}
	}
	return list
}

// bimiRecord reads the one record; the text says what is wrong.
func bimiRecord(s *evidence.Snapshot) (bimi.Record, string) {
	records := bimiRecords(s.Lookup(bimi.RecordName(s.Domain), "TXT"))
	if len(records) != 1 {
		return bimi.Record{}, "there are " + strconv.Itoa(len(records)) + " records"
	}
	r, err := bimi.Parse(records[0])
	if err != nil {
		return r, strings.TrimPrefix(err.Error(), "bimi: record: ")
	}
	return r, ""
}

// dmarcInForce reports whether messages of the domain that fail DMARC are
// rejected or put aside, all of them, and those of its subdomains too; else
// what is in the way.
func dmarcInForce(s *evidence.Snapshot) (bool, string) {
	found := findDMARC(s)
	text, ok := found.One()
	if !ok {
		return false, "there is no DMARC record"
	}
	r, err := dmarc.Parse(text)
	if err != nil {
		return false, "the DMARC record cannot be read"
	}
	policy := r.Requested(found.Org)
	switch {
	case policy <= dmarc.PolicyNone:
		return false, "the DMARC policy is none"
	case !r.Sufficient(found.Org):
		return false, "the DMARC policy is in test mode"
	case r.Policy("sp") == dmarc.PolicyNone:
		return false, "the DMARC policy of subdomains is none (sp=none)"
	}
	if pct, ok := r.Get("pct"); ok && policy == dmarc.Quarantine && strings.TrimSpace(pct) != "100" {
		return false, "the DMARC policy is for a part of the messages (pct=" + pct + ")"
	}
	return true, ""
}
