package dnscheck

import (
	"slices"
	"strings"

	"mailvet/dnscheck/dmarc"
	"mailvet/dnscheck/spf"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	dmarcAlignmentRelaxed = &check.Code{Name: "relaxed", Outcome: check.Pass,
		Text: "DMARC alignment is relaxed for SPF and DKIM, as is usual: mail counts as genuine that any name of the organization {organization} authenticates."}
	dmarcAlignmentStrict = &check.Code{Name: "strict", Outcome: check.Pass,
		Text: "DMARC alignment is strict for SPF and DKIM: only mail that exactly the domain in From authenticates counts as genuine."}
	dmarcAlignmentMixed = &check.Code{Name: "mixed", Outcome: check.Pass,
		Text: "DMARC alignment is {strict} and relaxed for the other: there any name of the organization {organization} will do."}
)

var dmarcAlignment = &check.Check{
	ID: "dmarc-alignment", Category: check.Extra, Level: check.Informational, Scope: check.PerDomain,
	Title: "DMARC alignment",
	Doc: check.Doc{
		What: "The alignment modes of the DMARC record, adkim and aspf: relaxed (r, the default) or strict (s).",
		Why:  "Relaxed lets every subdomain send in the name of the whole organization. Strict is for those whose subdomains are in others' hands.",
		How:  "Leave adkim and aspf out, or publish adkim=s; aspf=s when all services sign with, and use as return path, exactly the domain in From.",
	},
	Cites:    []check.Citation{check.RFC("9989", "4.4"), check.RFC("7489", "3.1")},
	Args:     []string{"domain", "organization", "strict", "failed"},
	Codes:    []*check.Code{dmarcAlignmentRelaxed, dmarcAlignmentStrict, dmarcAlignmentMixed, dmarcStrictNone, dmarcStrictUnknown, dmarcStrictNotLookedUp},
	Evaluate: evaluateDMARCAlignment,
}

func evaluateDMARCAlignment(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	v := viewDMARC(s)
	f := v.gate()
	if f.Code != nil {
		return v.with(f)
	}
	dkim, _ := v.record.Get("adkim")
	from, _ := v.record.Get("aspf")
	f = check.Finding{Code: dmarcAlignmentMixed, Args: map[string]string{"organization": orgText(dmarc.OrgDomain(evidence.Name(s.Domain)))}}
	switch strictDKIM, strictSPF := strings.EqualFold(dkim, "s"), strings.EqualFold(from, "s"); {
	case strictDKIM && strictSPF:
		f.Code = dmarcAlignmentStrict
	case strictDKIM:
		f.Args["strict"] = "strict for DKIM"
	case strictSPF:
		f.Args["strict"] = "strict for SPF"
	default:
		f.Code = dmarcAlignmentRelaxed
	}
	return v.with(f)
}

var (
	dmarcReportsAsked = &check.Code{Name: "asked", Outcome: check.Pass,
		Text: "The DMARC record at {name} asks for aggregate reports, to {addresses}."}
	dmarcReportsNone = &check.Code{Name: "no-rua", Outcome: check.Weak,
		Text:   "The DMARC record at {name} asks for no aggregate reports (rua): nobody sees which mail in the name of {domain} passes and which fails.",
		Advice: "Add the tag rua=mailto:ADDRESS with an address that a program reads.",
		Cites:  []check.Citation{check.RFC("9990", ""), check.RFC("7489", "7.2")}}
	dmarcReportsUnneeded = &check.Code{Name: "not-needed", Outcome: check.NotApplicable,
		Text: "The DMARC record at {name} asks for no aggregate reports (rua). {domain} sends no mail, by its SPF record, and the policy is reject: no genuine mail can be hit."}
	dmarcReportsUnusable = &check.Code{Name: "no-usable-rua", Outcome: check.Weak,
		Text:   "The DMARC record at {name} has the tag rua, but no address in it that reports can be sent to: \"{record}\".",
		Advice: "Write the address as rua=mailto:ADDRESS.",
		Cites:  []check.Citation{check.RFC("9990", ""), check.RFC("7489", "6.2")}}
)

var dmarcReports = &check.Check{
	ID: "dmarc-reports", Category: check.Extra, Level: check.Optional, Scope: check.PerDomain,
	Title: "DMARC reports",
	Doc: check.Doc{
		What: "Whether the DMARC record asks for aggregate reports, by the tag rua.",
		Why:  "The reports are the only way to learn who sends in the domain's name and whether a stricter policy would hit genuine mail.",
		How:  "Add rua=mailto:ADDRESS. Reports are XML, many a day for a large domain: an address for a program, not for people.",
	},
	Cites:    []check.Citation{check.RFC("9990", ""), check.RFC("7489", "7.2")},
	Args:     []string{"domain", "name", "record", "addresses", "failed"},
	Codes:    []*check.Code{dmarcReportsAsked, dmarcReportsNone, dmarcReportsUnneeded, dmarcReportsUnusable, dmarcStrictNone, dmarcStrictUnknown, dmarcStrictNotLookedUp},
	Evaluate: evaluateDMARCReports,
}

func evaluateDMARCReports(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	v := viewDMARC(s)
	f := v.gate()
	if f.Code != nil {
		return v.with(f)
	}
	var addresses []string
	for _, u := range v.record.ReportURIs("rua") {
		if u.Address != "" {
			addresses = append(addresses, evidence.EscapeText(u.Address))
		}
	}
	f = check.Finding{Code: dmarcReportsAsked, Args: map[string]string{"addresses": shown(enumerate(addresses))}}
	switch _, has := v.record.Get("rua"); {
	case !has && v.record.Requested(v.found.Org) == dmarc.Reject && sendsNoMail(s):
		f.Code = dmarcReportsUnneeded
	case !has:
		f.Code = dmarcReportsNone
	case addresses == nil:
		f.Code = dmarcReportsUnusable
	}
	return v.with(f)
}

// sendsNoMail reports whether the domain's SPF record says that nobody sends
// mail in its name.
func sendsNoMail(s *evidence.Snapshot) bool {
	texts := spf.Select(s.Lookup(s.Domain, "TXT"))
	if len(texts) != 1 {
		return false
	}
	r, err := spf.Parse(texts[0])
	return err == nil && r.SendsNothing()
}

// maxReportHosts bounds the hosts of report addresses that are looked at.
const maxReportHosts = 3

var (
	dmarcDestinationsReady = &check.Code{Name: "ready", Outcome: check.Pass,
		Text: "The hosts that DMARC reports go to can receive them, and those of others consented: {hosts}."}
	dmarcDestinationsNone = &check.Code{Name: "none", Outcome: check.NotApplicable,
		Text: "The DMARC record at {name} asks for no reports by mail."}
	dmarcDestinationsRefused = &check.Code{Name: "unauthorised", Outcome: check.Fail,
		Text:   "The DMARC record at {name} asks for reports to {host}, which belongs to {owner} and did not consent: {receivers} send none there.{also}",
		Advice: "Remove the address from rua and ruf, or ask the operator of {host} to publish this record: {consent_record}",
		Cites:  []check.Citation{check.RFC("9990", "4"), check.RFC("9991", "5"), check.RFC("7489", "7.1")}}
	dmarcDestinationsNoMail = &check.Code{Name: "no-mail", Outcome: check.Fail,
		Text:   "The DMARC record at {name} asks for reports to {host}, which receives no mail: {reason}.{also}",
		Advice: "Remove the address from rua and ruf, or give {host} a mail server.",
		Cites:  []check.Citation{check.RFC("5321", "5.1"), check.RFC("7505", "3")}}
)

var dmarcDestinations = &check.Check{
	ID: "dmarc-destinations", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
	Title: "Destinations of DMARC reports",
	Doc: check.Doc{
		What: "For the first three hosts in rua and ruf: whether they receive mail, and, where they belong to another organization, whether they consented to get reports about the domain. Whatever the policy is: reports matter most while it is none.",
		Why:  "Reports that go nowhere, or that receivers do not send because the destination did not consent, are missed only when they are needed.",
		How:  "A host of another organization consents with a record \"v=DMARC1;\" at DOMAIN._report._dmarc.HOST, or for everybody at *._report._dmarc.HOST.",
	},
	Cites: []check.Citation{check.RFC("9990", "4"), check.RFC("9991", "5"), check.RFC("7489", "7.1")},
	Args:  []string{"domain", "name", "host", "hosts", "consent_record", "owner", "receivers", "reason", "also", "failed"},
	Codes: []*check.Code{dmarcDestinationsReady, dmarcDestinationsNone, dmarcDestinationsRefused, dmarcDestinationsNoMail,
		dmarcStrictNone, dmarcStrictUnknown, dmarcStrictNotLookedUp},
	Evaluate: evaluateDMARCDestinations,
}

// reportHosts lists the hosts of the report addresses, each once, bounded.
func (v dmarcView) reportHosts() []string {
	var hosts []string
	for _, tag := range []string{"rua", "ruf"} {
		for _, u := range v.record.ReportURIs(tag) {
			if u.Host != "" && !slices.Contains(hosts, u.Host) && len(hosts) < maxReportHosts {
				hosts = append(hosts, u.Host)
			}
		}
	}
	return hosts
}

// foreign says by which standard the organization of a report host is another
// than that of the record, so that the host must consent: by the public suffix
// list (RFC 7489, Section 7.1) or by the tree walk (RFC 9990, Section 4). Only
// from a host below the record's organization is there a walk to do: no other
// can be of it. unknown are the lookups of the walks without an answer.
func (v dmarcView) foreign(host string) (by7489, by9989 bool, unknown []*evidence.Lookup) {
	own := v.found.Domain
	if host == own {
		return false, false, nil
	}
	list := dmarc.OrgDomain(own)
	by7489 = list == "" || dmarc.OrgDomain(host) != list
	walk := dmarc.Walk(v.s.Lookup, own)
	steps := walk.Steps
	if within(host, walk.Org) {
		tree := dmarc.Walk(v.s.Lookup, host)
		by9989, steps = tree.Org != walk.Org, append(steps, tree.Steps...)
	} else {
		by9989 = true
	}
	for _, step := range steps {
		if step.Unknown {
			unknown = append(unknown, step.Lookup)
		}
	}
	return by7489, by9989, unknown
}

// within reports whether a name is another or below it.
func within(name, above string) bool { return name == above || strings.HasSuffix(name, "."+above) }

// consentTo is where the consent of a report host must stand.
func (v dmarcView) consentTo(host string) string { return v.found.Domain + "._report._dmarc." + host }

// consent judges the consent of a report host: what is wrong with it, if
// anything, and the lookups that tell or fail to.
func (v dmarcView) consent(host string) (faults []fault, asked, unknown []*evidence.Lookup) {
	by7489, by9989, failed := v.foreign(host)
	if !by7489 && !by9989 {
		return nil, nil, failed
	}
	name := v.consentTo(host)
	l := v.s.Lookup(name, "TXT")
	switch {
	case l == nil || l.Unknown() && l.Outcome != evidence.OutcomeBadName:
		return nil, []*evidence.Lookup{l}, []*evidence.Lookup{l}
	case dmarc.Consents(l):
		return nil, []*evidence.Lookup{l}, nil
	}
	args := map[string]string{"host": shown(host), "consent_record": txtRecord(name, "v=DMARC1;"), "owner": "somebody else", "receivers": "receivers"}
	switch {
	case !by7489 && failed != nil:
		return nil, []*evidence.Lookup{l}, failed
	case !by7489:
		args["owner"], args["receivers"] = "another organization by the DMARC records at it and above", "receivers of RFC 9989"
	case !by9989 || failed != nil:
		args["owner"], args["receivers"] = "another organization by the public suffix list", "receivers of RFC 7489"
	}
	return []fault{{dmarcDestinationsRefused, shown(host) + " did not consent", args}}, []*evidence.Lookup{l}, nil
}

func evaluateDMARCDestinations(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	v := viewDMARC(s)
	f := v.gate()
	if f.Code != nil {
		return v.with(f)
	}
	hosts := v.reportHosts()
	if hosts == nil {
		return v.with(check.Finding{Code: dmarcDestinationsNone})
	}
	var faults []fault
	var lookups, failed []*evidence.Lookup
	for _, host := range hosts {
		refused, asked, unknown := v.consent(host)
		faults, lookups, failed = append(faults, refused...), append(lookups, asked...), append(failed, unknown...)
		reason, asked, unknown := noMailAt(s, host)
		lookups, failed = append(lookups, asked...), append(failed, unknown...)
		if reason != "" {
			faults = append(faults, fault{dmarcDestinationsNoMail, shown(host) + " receives no mail", map[string]string{"host": shown(host), "reason": reason}})
		}
	}
	switch {
	case faults != nil:
		f = strictFinding(faults)
	case failed != nil:
		f = unknownFinding(dmarcStrictUnknown, dmarcStrictNotLookedUp, "", failed...)
	default:
		f = check.Finding{Code: dmarcDestinationsReady, Args: map[string]string{"hosts": shown(enumerate(hosts))}}
	}
	return v.with(f, lookups...)
}

// noMailAt says why a host receives no mail, empty if it may; asked are the
// lookups that tell, unknown those of them without an answer.
func noMailAt(s *evidence.Snapshot, host string) (reason string, asked, unknown []*evidence.Lookup) {
	for _, typ := range []string{"MX", "A", "AAAA"} {
		l := s.Lookup(host, typ)
		asked = append(asked, l)
		switch {
		case l.Exists() && typ == "MX":
			if mx, err := l.Answer[0].MX(); len(l.Answer) == 1 && err == nil && mx.Host == "." {
				return "it says so with a null MX", asked, nil
			}
			return "", asked, nil
		case l.Exists():
			return "", asked, nil
		case !l.Absent() && (l == nil || l.Outcome != evidence.OutcomeBadName):
			return "", asked, []*evidence.Lookup{l}
		case l.Absent() && l.Outcome == evidence.OutcomeNXDomain:
			return "the name does not exist", asked, nil
		}
	}
	return "it has neither an MX record nor an address", asked, nil
}

// dmarcStrictWants names the questions for the checks of DMARC by the
// standards, beyond those for the score: the records on the tree walk (one for
// most domains, that of the top level), and for at most three hosts that
// reports go to their consent and whether they receive mail.
func dmarcStrictWants(s *evidence.Snapshot) []evidence.Question {
	var list []evidence.Question
	for _, d := range append(dmarc.WalkNames(s.Domain), dmarc.OrgDomain(evidence.Name(s.Domain))) {
		if d != "" {
			list = append(list, evidence.Question{Name: dmarc.NameOf(d), Type: "TXT"})
		}
	}
	v := viewDMARC(s)
	if v.record == nil {
		return list
	}
	for _, host := range v.reportHosts() {
		list = append(list, v.foreignWants(host)...)
		for _, typ := range []string{"MX", "A", "AAAA"} {
			l := s.Lookup(host, typ)
			if l == nil {
				list = append(list, evidence.Question{Name: host, Type: typ})
			}
			if l == nil || !l.Absent() || l.Outcome == evidence.OutcomeNXDomain {
				break
			}
		}
	}
	return list
}

// foreignWants names the questions about a report host's organization: its
// consent if it is another by the records that are known, and the records below
// the organization's if it may not be.
func (v dmarcView) foreignWants(host string) []evidence.Question {
	var list []evidence.Question
	by7489, by9989, unknown := v.foreign(host)
	pending := slices.Contains(unknown, nil)
	if by7489 || by9989 && !pending {
		list = append(list, evidence.Question{Name: v.consentTo(host), Type: "TXT"})
	}
	if pending {
		org := dmarc.Walk(v.s.Lookup, v.found.Domain).Org
		for _, d := range dmarc.WalkNames(host) {
			if d != org && within(d, org) {
				list = append(list, evidence.Question{Name: dmarc.NameOf(d), Type: "TXT"})
			}
		}
	}
	return list
}
