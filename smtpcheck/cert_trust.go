package smtpcheck

import (
	"crypto/x509"
	"time"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/certificate"
	"mailvet/smtpcheck/guideline"
)

var (
	trustGood = &check.Code{Name: "trusted", Outcome: check.Pass, Verdict: "good",
		Text: "The certificate of {host} leads to a trusted root."}
	trustOtherName = &check.Code{Name: "trusted-for-another-name", Outcome: check.Pass, Verdict: "bad",
		Text: "The certificate of {host} leads to a trusted root. It is for another name, and Internet.nl counts that as not trusted."}
	trustExpired = &check.Code{Name: "expired", Outcome: check.Fail, Verdict: "bad",
		Text:   "The certificate of {host} at {addrs} expired on {date}.",
		Advice: "Renew the certificate, and see to it that renewal happens by itself and the mail server loads the new one."}
	trustNotYet = &check.Code{Name: "not-yet-valid", Outcome: check.Fail, Verdict: "bad",
		Text:   "The certificate of {host} at {addrs} is not valid before {date}.",
		Advice: "Wait, or install a certificate that is valid now."}
	trustSelfSigned = &check.Code{Name: "self-signed", Outcome: check.Fail, Verdict: "bad",
		Text:   "The certificate of {host} at {addrs} is signed by itself. Senders that use DANE with a matching TLSA record of usage 3 do not mind; all others cannot tell whom they speak to.",
		Advice: "Install a certificate of a public authority, or publish TLSA records and see that they match."}
	trustNone = &check.Code{Name: "untrusted", Outcome: check.Fail, Verdict: "bad",
		Text:   "The certificate of {host} at {addrs} does not lead to a trusted root ({reason}).",
		Advice: "Install the certificates of the intermediate authorities together with your own, in order, and without gaps. In Postfix all go into the file of smtpd_tls_chain_files."}
	trustUnreadable = &check.Code{Name: "unreadable", Outcome: check.Fail, Verdict: "could-not-test",
		Text:   "What {host} sends as its certificate at {addrs} cannot be read as one. Internet.nl does not test the chain then.",
		Advice: "Install a certificate as an authority issues it."}
	trustUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive, Verdict: "could-not-test",
		Text:   "Whether the certificate of {host} at {addrs} is trusted could not be found out ({reason}).",
		Advice: "Give a bundle of trusted roots with --root-ca."}
	trustNoCertificate = &check.Code{Name: "no-certificate", Outcome: check.Inconclusive, Verdict: "could-not-test",
		Text:   "The certificate of {host} at {addrs} could not be had.",
		Advice: "Scan again later."}
)

var certTrust = &check.Check{
	ID: "cert-trust", API: "mail_starttls_cert_chain", Category: check.TLS, Level: check.Optional, Scope: check.PerHost,
	Title: "Trust chain of the certificate",
	Doc: check.Doc{
		What: "The certificates that the mail server sends must lead to a root that is trusted publicly, at the time of the scan.",
		Why:  "Senders that check certificates without DANE, by MTA-STS for instance, deliver to trusted servers only. For DANE with usage 3 it does not matter.",
		How:  "Install a certificate of a public authority together with those of the intermediate authorities.",
	},
	Cites:    []check.Citation{check.NCSC(guideline.SectionCertificateTrust), check.RFC("5280", "6")},
	Requires: requiresTLS,
	Args:     append([]string{"date", "reason"}, certArgs...),
	Codes: []*check.Code{trustGood, trustOtherName, trustExpired, trustNotYet, trustSelfSigned, trustNone, trustUnreadable, trustUnknown,
		trustNoCertificate, worseElsewhere},
	Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
		return judgeEach(s, subject.Host, worseElsewhere, worseElsewhere, func(x *served) answer { return judgeTrust(s, x) })
	},
}

// judgeTrust keeps trust apart from the name; Internet.nl's tool does not.
func judgeTrust(s *evidence.Snapshot, x *served) answer {
	leaf := x.leaf()
	switch {
	case x.chain == nil:
		return answer{code: trustNoCertificate}
	case leaf == nil:
		return answer{code: trustUnreadable}
	}
	args := map[string]string{"reason": bound(x.chain.TrustReason)}
	if args["reason"] == "" {
		args["reason"] = "no reason is recorded"
	}
	date := func(t time.Time) map[string]string { return map[string]string{"date": t.UTC().Format(time.DateOnly)} }
	switch {
	case x.chain.Trust == evidence.Trusted && !matchesHost(leaf, x.host):
		return answer{code: trustOtherName}
	case x.chain.Trust == evidence.Trusted:
		return answer{code: trustGood}
	case x.chain.Trust == evidence.TrustUnknown:
		return answer{code: trustUnknown, args: args}
	case !leaf.NotAfter.IsZero() && s.Time.After(leaf.NotAfter):
		return answer{code: trustExpired, args: date(leaf.NotAfter)}
	case s.Time.Before(leaf.NotBefore):
		return answer{code: trustNotYet, args: date(leaf.NotBefore)}
	case leaf.SelfIssued():
		return answer{code: trustSelfSigned}
	}
	return answer{code: trustNone, args: args}
}

// matchesHost looks for the host in the certificate's dNSNames (RFC 6125,
// Section 6.4): a wildcard stands for the left-most label. The common name
// does not count.
func matchesHost(leaf *certificate.Certificate, host string) bool {
	presented := x509.Certificate{DNSNames: leaf.DNSNames}
	return presented.VerifyHostname(host) == nil
}
