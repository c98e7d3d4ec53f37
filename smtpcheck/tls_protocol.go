package smtpcheck

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/guideline"
)

// The checks in this file, but for tls-zero-rtt, are declared; the evidence for
// them is not gathered yet, so that they have no Evaluate.

var tlsCompression = &check.Check{
	ID: "tls-compression", API: "mail_starttls_tls_compress", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
	Title: "TLS compression",
	Doc: check.Doc{
		What: "The mail server must not compress within TLS.",
		Why:  "The length of what is compressed gives away parts of its content (the attack called CRIME).",
		How:  "Use a TLS library of this decade: none compresses any more. In Postfix: tls_ssl_options = NO_COMPRESSION.",
	},
	Cites:    []check.Citation{check.NCSC(guideline.SectionCompression)},
	Requires: requiresTLS,
	Args:     []string{"host"},
	Codes: []*check.Code{
		{Name: "good", Outcome: check.Pass, Verdict: "good", Text: "{host} does not compress within TLS."},
		{Name: "compresses", Outcome: check.Fail, Verdict: "bad", Text: "{host} compresses within TLS.",
			Advice: "Switch TLS compression off. In Postfix: tls_ssl_options = NO_COMPRESSION."},
	},
}

var tlsSecureRenegotiation = &check.Check{
	ID: "tls-secure-renegotiation", API: "mail_starttls_tls_secreneg", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
	Title: "Secure renegotiation",
	Doc: check.Doc{
		What: "Below TLS 1.3 the mail server must support the secure form of renegotiation.",
		Why:  "With the older form an attacker can put text of their own before what the sender says.",
		How:  "Use a TLS library of this decade: all support RFC 5746.",
	},
	Cites:    []check.Citation{check.NCSC(guideline.SectionRenegotiation), check.RFC("5746", "")},
	Requires: requiresTLS,
	Args:     []string{"host"},
	Codes: []*check.Code{
		{Name: "good", Outcome: check.Pass, Verdict: "good", Text: "{host} supports secure renegotiation, or has TLS 1.3 only, where there is none."},
		{Name: "not-supported", Outcome: check.Fail, Verdict: "bad", Text: "{host} does not support secure renegotiation.",
			Advice: "Update the mail server's TLS library."},
	},
}

var tlsClientRenegotiation = &check.Check{
	ID: "tls-client-renegotiation", API: "mail_starttls_tls_clientreneg", Category: check.TLS, Level: check.Recommended, Scope: check.PerHost,
	Title: "Client-initiated renegotiation",
	Doc: check.Doc{
		What: "The sender should not be able to make the mail server renegotiate, or only a few times.",
		Why:  "Each renegotiation costs the server more than the sender, so that it can be used to wear the server out.",
		How:  "Switch renegotiation off. In Postfix: tls_ssl_options = NO_RENEGOTIATION.",
	},
	Cites:    []check.Citation{check.NCSC(guideline.SectionRenegotiation)},
	Requires: requiresTLS,
	Args:     []string{"host", "times"},
	Codes: []*check.Code{
		{Name: "not-allowed", Outcome: check.Pass, Verdict: "not-allowed", Text: "{host} does not let the sender renegotiate."},
		{Name: "limited", Outcome: check.Weak, Verdict: "allowed-with-low-limit", Text: "{host} lets the sender renegotiate, and stops after {times} times.",
			Advice: "Switch renegotiation off. In Postfix: tls_ssl_options = NO_RENEGOTIATION."},
		{Name: "unlimited", Outcome: check.Fail, Verdict: "allowed-with-too-high-limit", Text: "{host} lets the sender renegotiate without a low limit: {times} times were tried, and all went through. Internet.nl remarks on it, at no cost.",
			Advice: "Switch renegotiation off. In Postfix: tls_ssl_options = NO_RENEGOTIATION."},
	},
}

var (
	zeroRTTNotTested = &check.Code{Name: "not-tested-for-mail", Outcome: check.NotApplicable, Verdict: "na",
		Text: "0-RTT is not tested for {host}: SMTP has no use for it. Internet.nl does not test it for mail either, and gives full points."}
	zeroRTTUnknown = &check.Code{Name: "version-unknown", Outcome: check.Inconclusive, Verdict: "na",
		Text: "Which version of TLS {host} speaks is not known, and so neither whether there could be 0-RTT. Internet.nl does not test it for mail, and gives full points."}
)

var tlsZeroRTT = &check.Check{
	ID: "tls-zero-rtt", API: "mail_starttls_tls_0rtt", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
	Title: "0-RTT",
	Doc: check.Doc{
		What: "TLS 1.3 lets a returning client send data before the handshake is finished, which is called 0-RTT.",
		Why:  "Such data can be recorded and sent once more by an attacker.",
		How:  "Leave 0-RTT switched off, as mail servers do unless told otherwise.",
	},
	Cites:    []check.Citation{check.NCSC(guideline.SectionZeroRTT), check.RFC("8446", "8")},
	Requires: requiresTLS,
	Args:     []string{"host"},
	Codes:    []*check.Code{zeroRTTNotTested, zeroRTTUnknown},
	Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
		f := check.Finding{Code: zeroRTTUnknown, Args: map[string]string{"host": subject.Host}}
		for _, x := range s.SessionsOf(subject.Host) {
			if x.Handshake != nil && x.Handshake.Complete && x.Handshake.Version != "" {
				f.Code = zeroRTTNotTested
			}
		}
		return f
	},
}

var tlsKeyExchangeHash = &check.Check{
	ID: "tls-key-exchange-hash", API: "mail_starttls_tls_keyexchangehash", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
	Title: "Hash function of the key exchange",
	Doc: check.Doc{
		What: "In TLS 1.2 the mail server signs its part of the key exchange. It must not agree to do so with SHA-1.",
		Why:  "Collisions of SHA-1 can be computed, which weakens the signature.",
		How:  "Use a TLS library of this decade with its usual security level. In Postfix with OpenSSL: do not lower SECLEVEL below 2.",
	},
	Cites:    []check.Citation{check.NCSC(guideline.SectionHashFunctions), check.RFC("9155", "")},
	Requires: requiresTLS,
	Args:     []string{"host", "hash"},
	Codes: []*check.Code{
		{Name: "good", Outcome: check.Pass, Verdict: "good", Text: "{host} signs the key exchange with good hash functions only."},
		{Name: "phase-out", Outcome: check.Weak, Verdict: "phase-out", Text: "{host} agrees to sign the key exchange with {hash}, which should be phased out.",
			Advice: "Limit the signature algorithms to SHA-256 and better."},
		{Name: "insufficient", Outcome: check.Fail, Verdict: "bad", Text: "{host} agrees to sign the key exchange with {hash}.",
			Advice: "Limit the signature algorithms to SHA-256 and better."},
		{Name: "unknown", Outcome: check.Inconclusive, Verdict: "other", Text: "With which hash functions {host} signs the key exchange could not be found out."},
	},
}

var tlsExtendedMasterSecret = &check.Check{
	ID: "tls-extended-master-secret", API: "mail_starttls_tls_extendedmastersecret", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
	Title: "Extended master secret",
	Doc: check.Doc{
		What: "In TLS 1.2 the mail server must bind the session's secret to the whole handshake (extended master secret).",
		Why:  "Without it an attacker between both sides can make two sessions with the same secret and join them.",
		How:  "Use a TLS library of this decade: all support RFC 7627.",
	},
	Cites:    []check.Citation{check.NCSC(guideline.SectionExtendedMasterSecret), check.RFC("7627", "4")},
	Requires: requiresTLS,
	Args:     []string{"host"},
	Codes: []*check.Code{
		{Name: "good", Outcome: check.Pass, Verdict: "good", Text: "{host} uses the extended master secret in TLS 1.2."},
		{Name: "not-used", Outcome: check.Fail, Verdict: "bad", Text: "{host} does not use the extended master secret in TLS 1.2.",
			Advice: "Update the mail server's TLS library."},
		{Name: "no-tls-1-2", Outcome: check.NotApplicable, Verdict: "na-no-tls-1-2", Text: "{host} does not speak TLS 1.2; in TLS 1.3 every session is bound to its handshake."},
		{Name: "unknown", Outcome: check.Inconclusive, Verdict: "unknown", Text: "Whether {host} uses the extended master secret could not be found out."},
	},
}
