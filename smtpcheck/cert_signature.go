package smtpcheck

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/certificate"
	"mailvet/smtpcheck/guideline"
)

var (
	signatureGood = &check.Code{Name: "good", Outcome: check.Pass, Verdict: "good",
		Text: "The certificates of {host} are signed with strong hash functions: {signatures}."}
	signaturePSS = &check.Code{Name: "rsassa-pss", Outcome: check.Pass, Verdict: "bad", Cites: []check.Citation{check.RFC("4055", "3.1")},
		Text:   "The certificates of {host} are signed with strong hash functions, some by RSASSA-PSS: {signatures}. Internet.nl counts RSASSA-PSS as insufficient, for it is not in the guideline's list.",
		Advice: "Nothing has to be done for security. For Internet.nl's points take a certificate with another kind of signature."}
	signaturePhaseOut = &check.Code{Name: "phase-out", Outcome: check.Weak, Verdict: "phase-out",
		Text:   "Certificates of {host} at {addrs} are signed in a way that should be phased out: {signatures}.",
		Advice: "Get a certificate that is signed with SHA-256 or better, from top to bottom."}
	signatureInsufficient = &check.Code{Name: "insufficient", Outcome: check.Fail, Verdict: "bad",
		Text:   "Certificates of {host} at {addrs} are signed in an insufficient way: {signatures}.",
		Advice: "Get a certificate that is signed with SHA-256 or better, from top to bottom."}
	signatureUnreadable = &check.Code{Name: "unreadable", Outcome: check.Fail,
		Text:   "What {host} sends as its certificates at {addrs} cannot be read as such. Internet.nl does not test the signatures then.",
		Advice: "Install certificates as an authority issues them."}
)

func certSignatureBy(tables *guideline.Tables) *check.Check {
	return &check.Check{
		ID: "cert-signature", API: "mail_starttls_cert_sig", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
		Title: "Signature of the certificate",
		Doc: check.Doc{
			What: "The algorithms that sign the certificates which the mail server sends, but for the root's, are compared with the guideline.",
			Why:  "With a broken hash function such as SHA-1 a signature can be moved to a forged certificate.",
			How:  "Use certificates that are signed with SHA-256, SHA-384 or SHA-512, or by Ed25519 or Ed448.",
		},
		Cites:    []check.Citation{cite(tables, tables.CertificateSignatures)},
		Requires: requiresTLS,
		Args:     append([]string{"signatures"}, certArgs...),
		Codes:    []*check.Code{signatureGood, signaturePSS, signaturePhaseOut, signatureInsufficient, signatureUnreadable, noCertificate, worseElsewhere, weakerElsewhere},
		Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
			return judgeEach(s, subject.Host, worseElsewhere, weakerElsewhere, func(x *served) answer { return judgeSignatures(x, tables) })
		},
	}
}

func judgeSignatures(x *served, tables *guideline.Tables) answer {
	switch {
	case x.chain == nil:
		return answer{code: noCertificate}
	case !x.readable():
		return answer{code: signatureUnreadable}
	}
	certs := x.judged()
	a := worstOf(certs, "signatures", func(c *certificate.Certificate) (guideline.Level, string) { return signatureLevel(c, tables) }, map[guideline.Level]*check.Code{
		guideline.Insufficient: signatureInsufficient, guideline.PhaseOut: signaturePhaseOut, guideline.Sufficient: signatureGood, guideline.Good: signatureGood,
	})
	for _, c := range certs {
		if c.Signature.Algorithm == certificate.RSAPSS && a.code.Outcome != check.Fail {
			a.code = signaturePSS
		}
	}
	return a
}

// Hash functions of RSASSA-PSS (RFC 4055, Section 2.1).
var pssHashes = map[string]string{
	"2.16.840.1.101.3.4.2.1": "SHA-256", "2.16.840.1.101.3.4.2.2": "SHA-384", "2.16.840.1.101.3.4.2.3": "SHA-512",
}

// signatureLevel follows the guideline, but for RSASSA-PSS.
//
// Beyond the guideline: RSASSA-PSS is as good as its hash function.
func signatureLevel(c *certificate.Certificate, tables *guideline.Tables) (guideline.Level, string) {
	sig := c.Signature
	if sig.Algorithm == certificate.RSAPSS {
		if hash := pssHashes[sig.Hash]; hash != "" {
			return guideline.Sufficient, "RSASSA-PSS with " + hash
		}
		return guideline.Insufficient, "RSASSA-PSS with hash " + sig.Hash
	}
	level, name := tables.CertificateSignatures.ByOID(sig.Algorithm)
	if name == "" {
		name = brokenSignatures[sig.Algorithm]
	}
	if name == "" {
		name = "algorithm " + sig.Algorithm
	}
	return level, name
}

// brokenSignatures names algorithms that are still met and not in the
// guideline.
var brokenSignatures = map[string]string{
	"1.2.840.113549.1.1.2": "md2WithRSAEncryption", "1.2.840.113549.1.1.4": "md5WithRSAEncryption",
	"1.2.840.113549.1.1.5": "sha1WithRSAEncryption", "1.2.840.10045.4.1": "ecdsa-with-SHA1", "1.2.840.10040.4.3": "dsa-with-sha1",
}
