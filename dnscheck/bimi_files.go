package dnscheck

import (
	"bytes"
	"strings"

	"mailvet/dnscheck/bimi"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	bimiGood = &check.Code{Name: "good", Outcome: check.Pass,
		Text: "The logo of {domain} at {url} has the form that mail programs ask for, and its DMARC policy is in force."}
	bimiHints = &check.Code{Name: "hints", Outcome: check.Weak,
		Text:   "The logo of {domain} at {url} can be read, but some mail programs will not show it: {problem}.",
		Advice: "Make the logo square, with a short title, and smaller than 32 kB."}
	bimiDMARC = &check.Code{Name: "dmarc", Outcome: check.Fail,
		Text:   "{domain} names a logo, but no mail program shows it, because {problem}.",
		Advice: "Set the DMARC policy to quarantine or reject for all messages, those of subdomains included, once the reports show that nothing of yours fails."}
	bimiSyntax = &check.Code{Name: "record-syntax", Outcome: check.Fail,
		Text:   "The BIMI record of {domain} cannot be used: {problem}.",
		Advice: "Publish one record: default._bimi.{domain}. IN TXT \"v=BIMI1; l=https://{domain}/logo.svg; a=https://{domain}/vmc.pem\""}
	bimiNoLogo = &check.Code{Name: "no-logo", Outcome: check.Fail,
		Text:   "The BIMI record of {domain} names a certificate, but no logo (l=).",
		Advice: "Add the address of the SVG file to the record: l=https://{domain}/logo.svg"}
	bimiNotServed = &check.Code{Name: "not-served", Outcome: check.Fail,
		Text:   "The logo of {domain} cannot be fetched from {url}: {problem}.",
		Advice: "Serve the SVG file at {url} with a valid certificate, or correct the record."}
	bimiProfile = &check.Code{Name: "profile", Outcome: check.Fail,
		Text:   "The logo of {domain} at {url} is not of the profile SVG Tiny PS, so mail programs do not show it: {problem}.",
		Advice: "Export the logo again with a tool that knows SVG Tiny PS (version=\"1.2\" baseProfile=\"tiny-ps\"), and give it a title."}
	bimiLogoUnknown = &check.Code{Name: "unavailable", Outcome: check.Inconclusive,
		Text:   "The logo of {domain} could not be fetched this time from {url} ({problem}).",
		Advice: "Scan again later."}
	bimiNotFetched = &check.Code{Name: "not-fetched", Outcome: check.Inconclusive, NotAsked: true,
		Text: "The logo of {domain} was not fetched, as this scan makes no HTTPS requests."}
)

var bimiLogo = &check.Check{
	ID: "bimi-logo", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
	Title: "BIMI record and logo",
	Doc: check.Doc{
		What: "The record must be readable, the DMARC policy in force for all messages, and the logo a file of the profile SVG Tiny PS: with a title, square, without scripts, animation and anything from outside, of at most 32 kB.",
		Why:  "Mail programs show no logo where any of this is missing, and tell nobody why.",
		How:  "Export the logo with a tool that knows SVG Tiny PS and serve it by HTTPS at the address in the record's tag l.",
	},
	Cites:    []check.Citation{bimiDraft, {Source: "draft-svg-tiny-ps-abrotman"}},
	Requires: []*check.Check{bimiExists},
	Args:     []string{"domain", "url", "problem"},
	Codes:    []*check.Code{bimiGood, bimiHints, bimiDMARC, bimiSyntax, bimiNoLogo, bimiNotServed, bimiProfile, bimiLogoUnknown, bimiNotFetched},
	Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
		r, _ := bimiRecord(s)
		code, problem := judgeBIMI(s)
		got := s.Fetch(r.Logo)
		return check.Finding{Code: code, Args: map[string]string{"domain": s.Domain, "url": shown(r.Logo), "problem": shown(problem)},
			Evidence: append(pointers(s, s.Lookup(bimi.RecordName(s.Domain), "TXT")), pointers(s, got)...)}
	},
}

func judgeBIMI(s *evidence.Snapshot) (*check.Code, string) {
	r, problem := bimiRecord(s)
	if problem != "" {
		return bimiSyntax, problem
	}
	if ok, why := dmarcInForce(s); !ok {
		return bimiDMARC, why
	}
	got := s.Fetch(r.Logo)
	switch {
	case r.Logo == "":
		return bimiNoLogo, ""
	case got == nil:
		return bimiNotFetched, ""
	case got.Unknown():
		return bimiLogoUnknown, fetchWords(got)
	case unserved(got) != "":
		return bimiNotServed, unserved(got)
	}
	logo := bimi.ReadLogo(got.Body)
	switch {
	case len(logo.Faults) > 0:
		return bimiProfile, strings.Join(logo.Faults, "; ")
	case len(logo.Hints) > 0:
		return bimiHints, strings.Join(logo.Hints, "; ")
	}
	return bimiGood, ""
}

// unserved says why a fetch brought nothing; "" where it did.
func unserved(f *evidence.Fetch) string {
	switch {
	case f.Failure != nil && badCertificate(f):
		return "the web server's certificate does not do (" + certificateWords(f.Certificate) + ")"
	case f.Failure != nil || f.Status != 200:
		return fetchWords(f)
	case f.Truncated:
		return "it is larger than 256 kB"
	}
	return ""
}

var (
	vmcGood = &check.Code{Name: "good", Outcome: check.Pass,
		Text: "The mark certificate of {domain} ({kind}, of {issuer}) is valid until {date}."}
	vmcSoon = &check.Code{Name: "expires-soon", Outcome: check.Weak,
		Text:   "The mark certificate of {domain} ({kind}, of {issuer}) expires on {date}.",
		Advice: "Renew it in time: the authority looks at the mark again, which takes a while."}
	vmcOtherLogo = &check.Code{Name: "another-logo", Outcome: check.Weak,
		Text:   "The logo that {domain} serves is not the one in its mark certificate ({kind}, of {issuer}). Mail programs show the one in the certificate, or none.",
		Advice: "Serve the file that was given to the authority, octet for octet, or get a certificate for the new one."}
	vmcNone = &check.Code{Name: "none", Outcome: check.Fail,
		Text:   "The BIMI record of {domain} names no mark certificate (a=). Most mail programs then show no logo.",
		Advice: "Get a mark certificate (VMC for a registered mark, CMC for one in use) and add it to the record: a=https://{domain}/vmc.pem"}
	vmcNotServed = &check.Code{Name: "not-served", Outcome: check.Fail,
		Text:   "The mark certificate of {domain} cannot be fetched from {url}: {problem}.",
		Advice: "Serve the PEM file at {url} with a valid certificate, or correct the record."}
	vmcUnreadable = &check.Code{Name: "unreadable", Outcome: check.Fail,
		Text:   "What {domain} serves as its mark certificate at {url} cannot be used: {problem}.",
		Advice: "Serve the PEM file as the authority gave it: the mark certificate first, then those above it."}
	vmcExpired = &check.Code{Name: "expired", Outcome: check.Fail,
		Text:   "The mark certificate of {domain} is not valid now ({problem}).",
		Advice: "Renew it and serve the new one at {url}."}
	vmcOtherName = &check.Code{Name: "other-name", Outcome: check.Fail,
		Text:   "The mark certificate of {domain} is not for this domain, but for {problem}.",
		Advice: "Have the domain added to the certificate."}
	vmcUnknown = &check.Code{Name: "unavailable", Outcome: check.Inconclusive,
		Text:   "The mark certificate of {domain} could not be fetched this time from {url} ({problem}).",
		Advice: "Scan again later."}
	vmcNotFetched = &check.Code{Name: "not-fetched", Outcome: check.Inconclusive, NotAsked: true,
		Text: "The mark certificate of {domain} was not fetched, as this scan makes no HTTPS requests."}
)

// vmcSoonDays is when the end of a mark certificate is near.
const vmcSoonDays = 30

var bimiCertificate = &check.Check{
	ID: "bimi-certificate", Category: check.Extra, Level: check.Optional, Scope: check.PerDomain,
	Title: "Mark certificate of the logo",
	Doc: check.Doc{
		What: "The certificate must be one for logos, for this domain, valid at the time of the scan, with its authority's certificates behind it, and the logo in it must be the one that is served. Whether its authority is one that mail programs trust is not judged.",
		Why:  "It says that somebody has checked the right to the mark. Most mail programs show a logo only with it.",
		How:  "Get a VMC for a registered mark or a CMC for one in use, and serve the PEM file by HTTPS at the address in the record's tag a.",
	},
	Cites:    []check.Citation{bimiDraft, check.RFC("3709", "4.1")},
	Requires: []*check.Check{bimiExists},
	Args:     []string{"domain", "url", "problem", "kind", "issuer", "date"},
	Codes:    []*check.Code{vmcGood, vmcSoon, vmcOtherLogo, vmcNone, vmcNotServed, vmcUnreadable, vmcExpired, vmcOtherName, vmcUnknown, vmcNotFetched},
	Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
		r, _ := bimiRecord(s)
		c, code, problem := judgeVMC(s, r)
		f := check.Finding{Code: code, Args: map[string]string{"domain": s.Domain, "url": shown(r.Evidence), "problem": shown(problem)}}
		if c != nil {
			f.Args["kind"], f.Args["issuer"], f.Args["date"] = "VMC", shown(c.Issuer), c.NotAfter.UTC().Format("2006-01-02")
			if c.Common() {
				f.Args["kind"] = "CMC"
			}
		}
		f.Evidence = append(pointers(s, s.Lookup(bimi.RecordName(s.Domain), "TXT")), pointers(s, s.Fetch(r.Evidence), s.Fetch(r.Logo))...)
		return f
	},
}

func judgeVMC(s *evidence.Snapshot, r bimi.Record) (*bimi.Certificate, *check.Code, string) {
	got := s.Fetch(r.Evidence)
	switch {
	case r.Evidence == "":
		return nil, vmcNone, ""
	case got == nil:
		return nil, vmcNotFetched, ""
	case got.Unknown():
		return nil, vmcUnknown, fetchWords(got)
	case unserved(got) != "":
		return nil, vmcNotServed, unserved(got)
	}
	c, err := bimi.ReadCertificate(got.Body)
	switch {
	case err != nil:
		return nil, vmcUnreadable, err.Error()
	case len(c.Faults) > 0:
		return c, vmcUnreadable, strings.Join(c.Faults, "; ")
	case s.Time.After(c.NotAfter):
		return c, vmcExpired, "it expired on " + c.NotAfter.UTC().Format("2006-01-02")
	case s.Time.Before(c.NotBefore):
		return c, vmcExpired, "it is not valid before " + c.NotBefore.UTC().Format("2006-01-02")
	case !c.Covers(s.Domain):
		return c, vmcOtherName, enumerate(c.Names)
	}
	logo := s.Fetch(r.Logo)
	switch {
	case logo != nil && len(logo.Body) > 0 && !logo.Truncated && c.Logo != nil && !bytes.Equal(c.Logo, logo.Body):
		return c, vmcOtherLogo, ""
	case c.NotAfter.Before(s.Time.AddDate(0, 0, vmcSoonDays)):
		return c, vmcSoon, ""
	}
	return c, vmcGood, ""
}
