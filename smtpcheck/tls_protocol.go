package smtpcheck

import (
	"strconv"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/guideline"
)

// answered makes the judgement of a check that rests on one question.
func answered(answer func(*evidence.TLS) evidence.Answer, accepted, refused, none *check.Code, o open, problem string) func(*evidence.Snapshot, evidence.Subject) check.Finding {
	judge := func(g *graded) opinion {
		switch answer(g.tls) {
		case evidence.Accepted:
			return opinion{code: accepted, verdict: accepted.Verdict, problem: problem}
		case evidence.Refused:
			return opinion{code: refused, verdict: refused.Verdict, problem: problem}
		case evidence.NotAskable:
			return opinion{code: none, verdict: none.Verdict}
		}
		return o.of(g, "")
	}
	return func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
		return gradeEach(s, subject.Host, judgeName{code: accepted}, judge)
	}
}

var (
	compressionGood = &check.Code{Name: "good", Outcome: check.Pass, Verdict: "good", Text: "{where} does not compress within TLS."}
	compressionBad  = &check.Code{Name: "compresses", Outcome: check.Fail, Verdict: "bad", Text: "{where} compresses within TLS.",
		Advice: "Switch TLS compression off. In Postfix: tls_ssl_options = NO_COMPRESSION. In Exim with OpenSSL: openssl_options = +no_compression."}
	compressionOpen = openCodes("whether {where} compresses within TLS")
)

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
	Args:     tlsArgs,
	Codes:    append([]*check.Code{compressionGood, compressionBad, tlsWorseElsewhere}, compressionOpen.codes()...),
	Evaluate: answered(func(t *evidence.TLS) evidence.Answer { return t.Compression }, compressionBad, compressionGood, compressionGood, compressionOpen,
		"compresses within TLS"),
}

var (
	secureGood = &check.Code{Name: "good", Outcome: check.Pass, Verdict: "good", Text: "{where} supports secure renegotiation."}
	secureNone = &check.Code{Name: "tls-1-3-only", Outcome: check.Pass, Verdict: "good", Text: "{where} has TLS 1.3 only, where there is no renegotiation."}
	secureBad  = &check.Code{Name: "not-supported", Outcome: check.Fail, Verdict: "bad", Text: "{where} does not support secure renegotiation.",
		Advice: "Update the mail server's TLS library, and do not switch RFC 5746 off. In Exim with GnuTLS remove %DISABLE_SAFE_RENEGOTIATION from tls_require_ciphers."}
	secureOpen = openCodes("whether {where} supports secure renegotiation")
)

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
	Args:     tlsArgs,
	Codes:    append([]*check.Code{secureGood, secureNone, secureBad, tlsWorseElsewhere}, secureOpen.codes()...),
	Evaluate: answered(func(t *evidence.TLS) evidence.Answer { return t.SecureRenegotiation }, secureGood, secureBad, secureNone, secureOpen,
		"does not support secure renegotiation"),
}

const renegotiationAdvice = "Switch renegotiation off. In Postfix: tls_ssl_options = NO_RENEGOTIATION. In Exim with OpenSSL: openssl_options = +no_renegotiation."

var (
	clientNot     = &check.Code{Name: "not-allowed", Outcome: check.Pass, Verdict: "not-allowed", Text: "{where} does not let the sender renegotiate."}
	clientLimited = &check.Code{Name: "limited", Outcome: check.Weak, Verdict: "allowed-with-low-limit", Text: "{where} lets the sender renegotiate, and stops after {times}.",
		Advice: renegotiationAdvice}
	clientUnlimited = &check.Code{Name: "unlimited", Outcome: check.Fail, Verdict: "allowed-with-too-high-limit",
		Text:   "{where} lets the sender renegotiate without a low limit: {times} were tried, and all went through. Internet.nl remarks on it, at no cost.",
		Advice: renegotiationAdvice}
	clientNotAskable = &check.Code{Name: "not-askable", Outcome: check.Inconclusive,
		Text: "Whether {where} lets the sender renegotiate could not be found out: it accepts no suite below TLS 1.3 in which this scan can finish a handshake."}
	clientOpen = openCodes("whether {where} lets the sender renegotiate")
)

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
	Args:     append([]string{"times"}, tlsArgs...),
	Codes:    append([]*check.Code{clientNot, clientLimited, clientUnlimited, clientNotAskable, tlsWorseElsewhere, tlsWeakerElsewhere}, clientOpen.codes()...),
	Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
		return gradeEach(s, subject.Host, judgeName{code: clientNot}, judgeClientRenegotiation)
	},
}

func judgeClientRenegotiation(g *graded) opinion {
	n := g.tls.Renegotiations
	times := strconv.Itoa(n) + " renegotiations"
	if n == 1 {
		times = "one renegotiation"
	}
	args := map[string]string{"times": times}
	switch answer := g.tls.ClientRenegotiation; {
	case answer == evidence.Accepted && n >= evidence.MaxRenegotiations:
		return opinion{clientUnlimited, clientUnlimited.Verdict, "lets the sender renegotiate without a low limit", args}
	case answer == evidence.Accepted && n > 0:
		return opinion{clientLimited, clientLimited.Verdict, "lets the sender renegotiate", args}
	case answer == evidence.Refused, answer == evidence.NotAskable && g.onlyTLS13():
		return opinion{code: clientNot, verdict: clientNot.Verdict}
	case answer == evidence.NotAskable && g.asked && g.tls.Stopped == nil:
		return opinion{code: clientNotAskable}
	}
	return clientOpen.of(g, "")
}

var (
	zeroRTTRefused = &check.Code{Name: "not-offered", Outcome: check.Pass, Verdict: "na",
		Text: "{where} offers no 0-RTT. Internet.nl does not test it for mail, and gives full points."}
	zeroRTTOffered = &check.Code{Name: "offered", Outcome: check.Fail, Verdict: "na",
		Text:   "{where} offers 0-RTT, of up to {octets} octets. Internet.nl does not test it for mail, and gives full points.",
		Advice: "Switch 0-RTT (early data) off in the mail server or in what stands before it: SMTP has no use for it."}
	zeroRTTOpen = openCodes("whether {where} offers 0-RTT, which Internet.nl does not test for mail")
)

func judgeZeroRTT(g *graded) opinion {
	switch g.tls.EarlyData {
	case evidence.Accepted:
		octets := strconv.FormatUint(uint64(g.tls.MaxEarlyData), 10)
		return opinion{zeroRTTOffered, "na", "offers 0-RTT", map[string]string{"octets": octets}}
	case evidence.Refused, evidence.NotAskable:
		return opinion{code: zeroRTTRefused, verdict: "na"}
	}
	return zeroRTTOpen.of(g, "na")
}

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
	Args:     append([]string{"octets"}, tlsArgs...),
	Codes:    append([]*check.Code{zeroRTTRefused, zeroRTTOffered, tlsWorseElsewhere}, zeroRTTOpen.codes()...),
	Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
		return gradeEach(s, subject.Host, judgeName{code: zeroRTTRefused}, judgeZeroRTT)
	},
}

var (
	masterGood = &check.Code{Name: "good", Outcome: check.Pass, Verdict: "good", Text: "{where} uses the extended master secret in TLS 1.2."}
	masterBad  = &check.Code{Name: "not-used", Outcome: check.Fail, Verdict: "bad", Text: "{where} does not use the extended master secret in TLS 1.2.",
		Advice: "Update the mail server's TLS library, and do not switch RFC 7627 off. In Exim with GnuTLS remove %NO_SESSION_HASH from tls_require_ciphers."}
	masterNone = &check.Code{Name: "no-tls-1-2", Outcome: check.NotApplicable, Verdict: "na-no-tls-1-2",
		Text: "{where} does not speak TLS 1.2, to which this check is limited; in TLS 1.3 every session is bound to its handshake."}
	masterOpen = openCodes("whether {where} uses the extended master secret in TLS 1.2")
)

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
	Args:     tlsArgs,
	Codes:    append([]*check.Code{masterGood, masterBad, masterNone, tlsWorseElsewhere}, masterOpen.codes()...),
	Evaluate: answered(func(t *evidence.TLS) evidence.Answer { return t.ExtendedMasterSecret }, masterGood, masterBad, masterNone, masterOpen,
		"does not use the extended master secret"),
}
