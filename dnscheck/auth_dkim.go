package dnscheck

import (
	"regexp"
	"slices"
	"strings"

	"mailvet/dnscheck/dmarc"
	"mailvet/dnscheck/spf"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

const (
	dkimPublish = "Let the mail server or provider of {domain} sign with DKIM, and publish the key that it shows, a TXT record at SELECTOR._domainkey.{domain} that begins with \"v=DKIM1;\". If {domain} sends no mail, no key is asked for; then publish these two records instead: " + noEmailRecords
	// noEmailRecords are the records of a domain that sends no mail, in the
	// only spelling that Internet.nl knows.
	noEmailRecords = "{domain}. IN TXT \"v=spf1 -all\" and _dmarc.{domain}. IN TXT \"v=DMARC1; p=reject;\""
)

var (
	dkimFound = &check.Code{Name: "found", Outcome: check.Pass, Verdict: "good",
		Text: "{name} exists and has TXT records of its own. Names below it, where DKIM keys stand, cannot be listed; if the domain answers for any name (a wildcard), this says little."}
	dkimEmpty = &check.Code{Name: "empty-non-terminal", Outcome: check.Pass, Verdict: "good",
		Text:  "{name} exists without a TXT record of its own, so there are names below it, which is where DKIM keys stand.",
		Cites: []check.Citation{check.RFC("8020", "2")}}
	dkimMissing = &check.Code{Name: "missing", Outcome: check.Fail, Verdict: "bad",
		Text:   "{name} does not exist, so {domain} can have no DKIM key: receivers cannot verify any signature in its name.",
		Advice: dkimPublish,
		Cites:  []check.Citation{check.RFC("6376", "3.6.2.1"), check.RFC("8020", "2")}}
	dkimNoEmail = &check.Code{Name: "no-email", Outcome: check.NotApplicable, Verdict: "no-email",
		Text: "{domain} says with its SPF and DMARC records that it sends no mail, so it needs no DKIM key."}
	dkimNoEmailUncounted = &check.Code{Name: "no-email-uncounted", Outcome: check.NotApplicable, Verdict: "bad",
		Text:   "{domain} says with its SPF and DMARC records that it sends no mail, so it needs no DKIM key. Internet.nl does not recognise that, because it looks for records in one spelling only, with all report destinations consenting, and counts the missing key.",
		Advice: "To satisfy Internet.nl too, publish exactly these two records: " + noEmailRecords}
	dkimUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive, Verdict: "bad",
		Text:   "Whether {domain} can have DKIM keys is not known, because a DNS question failed ({failed}). Internet.nl counts this as having none.",
		Advice: "Scan again later. If it stays so, see whether the name servers of {domain} answer questions for {name}."}
	dkimNeedUnknown = &check.Code{Name: "unknown-need", Outcome: check.Inconclusive, Verdict: "bad",
		Text:   "{name} does not exist, so {domain} has no DKIM key. Whether it needs one is not known: it may be a domain that sends no mail, but a DNS question for its SPF or DMARC record failed ({failed}). Internet.nl counts the missing key.",
		Advice: "Scan again later. " + dkimPublish}
	dkimNotLookedUp = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "Whether {domain} can have DKIM keys was not found out ({failed}): no resolver could be reached, or the scan ended before."}
)

var dkimExists = &check.Check{
	ID: "dkim-exists", API: "mail_auth_dkim_exist", Category: check.Auth, Level: check.Required, Scope: check.PerDomain,
	Title: "DKIM keys",
	Doc: check.Doc{
		What: "Whether the name _domainkey below the domain exists, with or without records. DKIM keys stand below it, at SELECTOR._domainkey.DOMAIN; selectors cannot be listed from outside, so the keys themselves are not looked for.",
		Why:  "With DKIM the sender signs each message, and receivers find the key in the sender's DNS. A signature survives forwarding, where SPF does not, and lets receivers trust mail in the domain's name.",
		How:  "Switch on DKIM signing at the mail server or provider and publish the key that it shows. Once there are names below it, the name servers must answer NODATA for _domainkey.DOMAIN, not NXDOMAIN. The record looks like this: SELECTOR._domainkey.DOMAIN. IN TXT \"v=DKIM1; k=rsa; p=...\"",
	},
	Cites:    []check.Citation{check.RFC("6376", "3.6.2.1"), check.RFC("6376", "7.5"), check.InternetNL("mail_auth_dkim_exist")},
	Args:     []string{"domain", "name", "failed"},
	Codes:    []*check.Code{dkimFound, dkimEmpty, dkimMissing, dkimNoEmail, dkimNoEmailUncounted, dkimUnknown, dkimNeedUnknown, dkimNotLookedUp},
	Evaluate: evaluateDKIMExists,
}

func dkimName(domain string) string { return "_domainkey." + evidence.Name(domain) }

func evaluateDKIMExists(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	l := s.Lookup(dkimName(s.Domain), "TXT")
	f := check.Finding{Code: dkimMissing}
	unknown := unknownNeed(s)
	switch {
	case l.Exists():
		f.Code = dkimFound
	case l != nil && l.Outcome == evidence.OutcomeNoData:
		f.Code = dkimEmpty
	case compatSendsNothing(s):
		f.Code = dkimNoEmail
	case l == nil || l.Unknown() && l.Outcome != evidence.OutcomeBadName:
		f = unknownFinding(dkimUnknown, dkimNotLookedUp, "bad", l)
	case len(unknown) > 0:
		f = unknownFinding(dkimNeedUnknown, dkimNeedUnknown, "bad", unknown...)
	case sendsNothing(s):
		f.Code = dkimNoEmailUncounted
	}
	if f.Args == nil {
		f.Args = map[string]string{}
	}
	f.Args["domain"], f.Args["name"] = shown(s.Domain), shown(dkimName(s.Domain))
	f.Evidence = pointers(s, append([]*evidence.Lookup{l}, unknown...)...)
	if f.Code == dkimNoEmail || f.Code == dkimNoEmailUncounted {
		f.Evidence = append(f.Evidence, pointers(s, s.Lookup(s.Domain, "TXT"), findDMARC(s).Lookup)...)
	}
	return f
}

// sendsNothing reports whether a domain declares by the standards that it
// sends no mail: nobody is authorised and all failing mail is to be rejected.
func sendsNothing(s *evidence.Snapshot) bool {
	return spfSendsNothing(s) && dmarcRejects(s)
}

func spfSendsNothing(s *evidence.Snapshot) bool {
	root := walkSPF(s)
	return root.Record != nil && root.Record.SendsNothing()
}

func dmarcRejects(s *evidence.Snapshot) bool {
	v := viewDMARC(s)
	return v.record != nil && v.record.Requested(v.found.Org) == dmarc.Reject && !v.record.Testing()
}

// unknownNeed lists the lookups without answer because of which it is not
// known whether the domain sends no mail; nothing where that is known.
func unknownNeed(s *evidence.Snapshot) []*evidence.Lookup {
	var unknown []*evidence.Lookup
	root := walkSPF(s)
	switch {
	case root.State == spf.NotAsked || root.State == spf.NoAnswer:
		unknown = append(unknown, root.Lookup)
	case !spfSendsNothing(s):
		return nil
	}
	found := findDMARC(s)
	switch {
	case found.Unknown:
		unknown = append(unknown, found.Lookup)
	case !dmarcRejects(s):
		return nil
	}
	compat, _ := compatDMARC(s)
	for _, d := range compat.Destinations {
		if d.Unknown() {
			unknown = append(unknown, d.Lookup)
		}
	}
	return slices.Clip(unknown)
}

// compatSPFNothing is Internet.nl's pattern of an SPF record that authorises
// nobody.
var compatSPFNothing = regexp.MustCompile(`^v=spf1 +(?:exp=[^ ]+ +)?-all;?(?: +exp=[^ ]+)?$`)

// compatSendsNothing reports whether Internet.nl takes a domain for one that
// sends no mail. It looks at the spelling of the records, case included.
func compatSendsNothing(s *evidence.Snapshot) bool {
	records := spf.CompatSelect(s.Lookup(s.Domain, "TXT"))
	if len(records) != 1 || !compatSPFNothing.MatchString(records[0]) {
		return false
	}
	found := dmarc.CompatFind(s.Lookup, s.Domain)
	text, ok := found.One()
	if r, _ := compatDMARC(s); !ok || r.Status != dmarc.CompatValid {
		return false
	}
	tail, ok := strings.CutPrefix(text, "v=DMARC1;")
	after, rejects := strings.CutPrefix(strings.TrimLeft(tail, " "), "p=reject")
	if found.Org {
		rejects = strings.Contains(tail, "sp=reject") || rejects && !strings.Contains(after, "sp=")
	}
	r, _, _ := compatSPF(s)
	return ok && rejects && r.Status == spf.CompatValid
}
