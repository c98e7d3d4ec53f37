package smtpcheck

import (
	"mailvet/report/check"
	"mailvet/smtpcheck/guideline"
)

// The checks in this file are declared; the evidence for them is not gathered
// yet, so that they have no Evaluate.

var tlsKeyExchange = &check.Check{
	ID: "tls-key-exchange", API: "mail_starttls_tls_keyexchange", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
	Title: "Key exchange parameters",
	Doc: check.Doc{
		What: "The elliptic curves and Diffie-Hellman groups that the mail server uses to agree on a key are compared with the guideline.",
		Why:  "A weak or home-made group lets an attacker compute the key and read the mail, even mail recorded years ago.",
		How:  "Allow only good curves, and no finite-field groups. In Postfix: tls_eecdh_auto_curves = X25519 prime256v1 secp384r1.",
	},
	Cites:    []check.Citation{check.NCSC(guideline.SectionKeyExchange), check.NCSC(guideline.SectionKeySizes), check.RFC("7919", "")},
	Requires: requiresTLS,
	Args:     []string{"host", "parameters"},
	Codes: []*check.Code{
		{Name: "good", Outcome: check.Pass, Verdict: "good", Text: "{host} uses only good groups for the key exchange."},
		{Name: "phase-out", Outcome: check.Weak, Verdict: "phase-out", Text: "{host} uses groups for the key exchange that should be phased out: {parameters}.",
			Advice: "Switch off finite-field key exchange (DHE), and the curve secp224r1, in the mail server."},
		{Name: "insufficient", Outcome: check.Fail, Verdict: "bad", Text: "{host} uses insufficient groups for the key exchange: {parameters}.",
			Advice: "Switch off finite-field key exchange (DHE) in the mail server, and allow only good curves, such as X25519 and secp256r1."},
		{Name: "not-applicable", Outcome: check.NotApplicable, Verdict: "na", Text: "{host} uses no groups for the key exchange of which Internet.nl sees the size. It counts that as good."},
	},
}

var tlsCiphers = &check.Check{
	ID: "tls-ciphers", API: "mail_starttls_tls_ciphers", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
	Title: "Cipher suites",
	Doc: check.Doc{
		What: "The cipher suites that the mail server accepts are compared with the guideline.",
		Why:  "A weak cipher suite can be broken, and lets an attacker read or change the mail under way.",
		How:  "Allow only suites with ECDHE and authenticated encryption (GCM or ChaCha20-Poly1305). In Postfix: smtpd_tls_ciphers = high and tls_high_cipherlist = ECDHE+AESGCM:ECDHE+CHACHA20.",
	},
	Cites:    []check.Citation{check.NCSC(guideline.SectionCipherSuites)},
	Requires: requiresTLS,
	Args:     []string{"host", "suites"},
	Codes: []*check.Code{
		{Name: "good", Outcome: check.Pass, Verdict: "good", Text: "{host} accepts only good and sufficient cipher suites."},
		{Name: "phase-out", Outcome: check.Weak, Verdict: "phase-out", Text: "{host} accepts cipher suites that should be phased out: {suites}.",
			Advice: "Switch these suites off once no sender needs them any more."},
		{Name: "insufficient", Outcome: check.Fail, Verdict: "bad", Text: "{host} accepts insufficient cipher suites: {suites}.",
			Advice: "Switch these suites off. Senders that know no better ones are rare."},
	},
}

var tlsCipherOrder = &check.Check{
	ID: "tls-cipher-order", API: "mail_starttls_tls_cipherorder", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
	Title: "Order of cipher suites",
	Doc: check.Doc{
		What: "A mail server that accepts suites to be phased out must prefer better ones where the sender offers both.",
		Why:  "Without an order of its own the server takes what the sender names first, which may be the weakest that both know.",
		How:  "Let the server choose. In Postfix: tls_preempt_cipherlist = yes.",
	},
	Cites:    []check.Citation{check.NCSC(guideline.SectionCipherSuites)},
	Requires: requiresTLS,
	Args:     []string{"host", "chosen", "expected"},
	Codes: []*check.Code{
		{Name: "good", Outcome: check.Pass, Verdict: "good", Text: "{host} prefers good and sufficient cipher suites to others."},
		{Name: "not-applicable", Outcome: check.NotApplicable, Verdict: "na", Text: "There is no order to keep for {host}: it accepts no suites among which it matters. Internet.nl counts that as passed."},
		{Name: "wrong-order", Outcome: check.Fail, Verdict: "bad", Text: "{host} chose {chosen} where {expected} was offered too.",
			Advice: "Let the server choose the suite, with the better ones first. In Postfix: tls_preempt_cipherlist = yes."},
	},
}

var tlsVersion = &check.Check{
	ID: "tls-version", API: "mail_starttls_tls_version", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
	Title: "TLS versions",
	Doc: check.Doc{
		What: "The versions of SSL and TLS that the mail server accepts are compared with the guideline.",
		Why:  "SSL 2.0 and 3.0 are broken, TLS 1.0 and 1.1 rest on hash functions that are. Who can interfere with the connection makes both sides use the oldest version they share.",
		How:  "Allow TLS 1.2 and 1.3 only. In Postfix: smtpd_tls_protocols = >=TLSv1.2.",
	},
	Cites:    []check.Citation{check.NCSC(guideline.SectionVersions), check.RFC("8996", "")},
	Requires: requiresTLS,
	Args:     []string{"host", "versions"},
	Codes: []*check.Code{
		{Name: "good", Outcome: check.Pass, Verdict: "good", Text: "{host} accepts only current versions: {versions}."},
		{Name: "phase-out", Outcome: check.Weak, Verdict: "phase-out", Text: "{host} accepts versions that should be phased out: {versions}.",
			Advice: "Switch these versions off once no sender needs them any more."},
		{Name: "insufficient", Outcome: check.Fail, Verdict: "bad", Text: "{host} accepts insufficient versions: {versions}.",
			Advice: "Allow TLS 1.2 and 1.3 only. In Postfix: smtpd_tls_protocols = >=TLSv1.2."},
	},
}
