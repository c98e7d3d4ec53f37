package smtpcheck

import (
	"fmt"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/certificate"
	"mailvet/smtpcheck/guideline"
)

var (
	keyGood = &check.Code{Name: "good", Outcome: check.Pass, Verdict: "good",
		Text: "The keys in the certificates of {host} are strong: {keys}."}
	keyPhaseOut = &check.Code{Name: "phase-out", Outcome: check.Weak, Verdict: "phase-out",
		Text:   "Certificates of {host} at {addrs} have keys that should be phased out: {keys}.",
		Advice: "Take an ECDSA key on the curve P-256, or an RSA key of 3072 bits, with the next certificate. If the key is an authority's, ask it for a chain with stronger keys."}
	keyInsufficient = &check.Code{Name: "insufficient", Outcome: check.Fail, Verdict: "bad",
		Text:   "Certificates of {host} at {addrs} have insufficient keys: {keys}.",
		Advice: "Get a certificate with an ECDSA key on the curve P-256, or with an RSA key of 3072 bits."}
	keyUnreadable = &check.Code{Name: "unreadable", Outcome: check.Fail,
		Text:   "What {host} sends as its certificates at {addrs} cannot be read as such. Internet.nl does not test the keys then.",
		Advice: "Install certificates as an authority issues them."}
)

func certKeyBy(tables *guideline.Tables) *check.Check {
	return &check.Check{
		ID: "cert-key", API: "mail_starttls_cert_pubkey", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
		Title: "Public key of the certificate",
		Doc: check.Doc{
			What: "The public keys of the certificates that the mail server sends, but for the root's, are compared with the guideline: their algorithm, length and curve.",
			Why:  "Who computes the private key from a weak public key can pose as the server.",
			How:  "Use ECDSA on P-256 or P-384, Ed25519, or RSA with at least 3072 bits.",
		},
		Cites:    []check.Citation{cite(tables, tables.CertificateCurves)},
		Requires: requiresTLS,
		Args:     append([]string{"keys"}, certArgs...),
		Codes:    []*check.Code{keyGood, keyPhaseOut, keyInsufficient, keyUnreadable, noCertificate, worseElsewhere, weakerElsewhere},
		Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
			return judgeEach(s, subject.Host, worseElsewhere, weakerElsewhere, func(x *served) answer { return judgeKeys(x, tables) })
		},
	}
}

func judgeKeys(x *served, tables *guideline.Tables) answer {
	switch {
	case x.chain == nil:
		return answer{code: noCertificate}
	case !x.readable():
		return answer{code: keyUnreadable}
	}
	return worstOf(x.judged(), "keys", func(c *certificate.Certificate) (guideline.Level, string) { return keyLevel(c, tables) }, map[guideline.Level]*check.Code{
		guideline.Insufficient: keyInsufficient, guideline.PhaseOut: keyPhaseOut, guideline.Sufficient: keyGood, guideline.Good: keyGood,
	})
}

// worstOf answers by the worst level of the certificates. The argument lists
// those that have it, or all where it is fine.
func worstOf(certs []*certificate.Certificate, arg string, level func(*certificate.Certificate) (guideline.Level, string), codes map[guideline.Level]*check.Code) answer {
	worst := guideline.Good
	for _, c := range certs {
		l, _ := level(c)
		worst = min(worst, l)
	}
	var labels []string
	for _, c := range certs {
		l, what := level(c)
		if l == worst || worst >= guideline.Sufficient {
			name := c.CommonName
			if name == "" {
				name = "-"
			}
			labels = append(labels, name+" ("+what+")")
		}
	}
	return answer{code: codes[worst], args: map[string]string{arg: join(labels)}}
}

func keyLevel(c *certificate.Certificate, tables *guideline.Tables) (guideline.Level, string) {
	k := c.Key
	switch k.Algorithm {
	case certificate.RSA, certificate.RSAPSS:
		return tables.RSA(k.Bits), fmt.Sprintf("RSA, %d bits", k.Bits)
	case certificate.EC:
		level, name := tables.CertificateCurves.ByOID(k.Curve)
		switch {
		case k.Curve == "":
			name = "a curve without name"
		case name == "":
			name = "curve " + k.Curve
		}
		return level, "ECDSA, " + name
	case certificate.DSA:
		return guideline.Insufficient, fmt.Sprintf("DSA, %d bits", k.Bits)
	}
	level, name := tables.CertificateEdwards.ByOID(k.Algorithm)
	if name == "" {
		name = "algorithm " + k.Algorithm
	}
	return level, name
}
