package smtpcheck

import (
	"slices"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/dane"
	"mailvet/smtpcheck/guideline"
)

var (
	hostMatch = &check.Code{Name: "match", Outcome: check.Pass, Verdict: "good",
		Text: "The certificate of {host} is for this name."}
	hostMismatch = &check.Code{Name: "mismatch", Outcome: check.Fail, Verdict: "bad",
		Text:   "The certificate of {host} at {addrs} is not for this name, but for {names}.",
		Advice: "Get a certificate that has {host} among its subject alternative names, or point the MX record to a name that is on it."}
	hostMismatchTA = &check.Code{Name: "mismatch-dane-ta", Outcome: check.Fail, Verdict: "bad/has_daneTA", Cites: []check.Citation{check.RFC("7672", "3.2.2")},
		Text:   "The certificate of {host} at {addrs} is not for this name, but for {names}. With a TLSA record of usage 2 the name must match; Internet.nl fails the whole category for it.",
		Advice: "Get a certificate that has {host} among its subject alternative names, or replace the TLSA records of usage 2 by some of usage 3."}
	hostNoNames = &check.Code{Name: "no-names", Outcome: check.Fail, Verdict: "good",
		Text:   "The certificate of {host} at {addrs} is for no name at all. Internet.nl counts that as a match, for it finds no name that does not match.",
		Advice: "Get a certificate that has {host} among its subject alternative names."}
	hostUnreadable = &check.Code{Name: "unreadable", Outcome: check.Fail,
		Text:   "What {host} sends as its certificate at {addrs} cannot be read as one. Internet.nl does not test the name then.",
		Advice: "Install a certificate as an authority issues it."}
)

var certHost = &check.Check{
	ID: "cert-host", API: "mail_starttls_cert_domain", Category: check.TLS, Level: check.Optional, Scope: check.PerHost,
	Title: "Name on the certificate",
	Doc: check.Doc{
		What: "The certificate of the mail server must be for the name in the MX record: one of its subject alternative names must match. The common name does not count.",
		Why:  "Senders that check certificates without DANE, by MTA-STS for instance, and those that find a TLSA record of usage 2, deliver only if the name matches. For DANE with usage 3 it does not matter.",
		How:  "Ask the authority for a certificate with the MX name, or a wildcard for its left-most label, among the subject alternative names.",
	},
	Cites:    []check.Citation{check.NCSC(guideline.SectionCertificateTrust), check.RFC("7672", "3.2.3"), check.RFC("8461", "4.2")},
	Requires: requiresTLS,
	Args:     append([]string{"names"}, certArgs...),
	Codes:    []*check.Code{hostMatch, hostMismatch, hostMismatchTA, hostNoNames, hostUnreadable, noCertificate, worseElsewhere},
	Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
		anchors := hasAnchorRecord(s, subject.Host)
		return judgeEach(s, subject.Host, worseElsewhere, worseElsewhere, func(x *served) answer { return judgeHost(x, anchors) })
	},
}

func judgeHost(x *served, anchors bool) answer {
	leaf := x.leaf()
	switch {
	case x.chain == nil:
		return answer{code: noCertificate}
	case leaf == nil:
		return answer{code: hostUnreadable}
	case matchesHost(leaf, x.host):
		return answer{code: hostMatch}
	case !leaf.HasNames && !leaf.HasAddresses && leaf.CommonName == "":
		return answer{code: hostNoNames}
	}
	names := slices.Clone(leaf.DNSNames)
	if leaf.CommonName != "" && !slices.Contains(names, leaf.CommonName) {
		names = append(names, leaf.CommonName)
	}
	if len(names) == 0 {
		names = []string{"an address"}
	}
	a := answer{code: hostMismatch, args: map[string]string{"names": join(names)}}
	if anchors {
		a.code = hostMismatchTA
	}
	return a
}

// hasAnchorRecord reports whether the host has a secure TLSA record of usage 2.
func hasAnchorRecord(s *evidence.Snapshot, host string) bool {
	l := s.Lookup(tlsaName(host), "TLSA")
	return l.Exists() && l.Security == evidence.SecuritySecure && slices.ContainsFunc(tlsaRecords(l), func(t evidence.TLSA) bool { return t.Usage == dane.DANETA })
}
