package smtpcheck

import (
	"slices"
	"strings"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/dane"
)

var (
	agreeOne = &check.Code{Name: "one-address", Outcome: check.NotApplicable,
		Text: "{host} has one address that could be compared."}
	agreeAll = &check.Code{Name: "agree", Outcome: check.Pass,
		Text: "All addresses of {host} that answered show the same STARTTLS, TLS and certificate."}
	agreeUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text:   "{host} could be tested at one of its addresses only, so that nothing can be compared.",
		Advice: "Scan again later."}
	agreeSTARTTLS = &check.Code{Name: "starttls-differs", Outcome: check.Fail,
		Text:   "{host} does not offer STARTTLS at {others}, but does at {first}. Which of them a sender meets is chance.",
		Advice: "Configure all addresses of {host} alike, or delete the A and AAAA records of those that are not."}
	agreeTLS = &check.Code{Name: "tls-differs", Outcome: check.Weak,
		Text:   "{host} speaks TLS otherwise at {others} than at {first}: {difference}.",
		Advice: "Configure all addresses of {host} alike."}
	agreeCertificate = &check.Code{Name: "certificate-differs", Outcome: check.Weak,
		Text:   "{host} serves another certificate at {others} than at {first}, with another key. TLSA records must match both.",
		Advice: "Install the same certificate at all addresses of {host}, or publish a TLSA record for each."}
	agreeRenewal = &check.Code{Name: "certificate-differs-same-key", Outcome: check.Pass,
		Text: "{host} serves another certificate at {others} than at {first}, with the same key, so that TLSA records \"3 1 1\" match both."}
)

var addressesAgree = &check.Check{
	ID: "tls-addresses-agree", Category: check.Extra, Level: check.Recommended, Scope: check.PerHost,
	Title: "Addresses of a mail server agree",
	Doc: check.Doc{
		What: "All addresses of a mail server, IPv4 and IPv6, are compared: STARTTLS, the versions and suites of TLS, and the certificate.",
		Why:  "Senders pick an address by themselves. A fault at one of them hits some of the mail, which makes it hard to find.",
		How:  "Serve all addresses from one configuration, and renew certificates on all machines behind them.",
	},
	Cites:    []check.Citation{check.RFC("7672", "2.2"), check.RFC("5321", "5.1")},
	Requires: requiresTLS,
	Args:     []string{"host", "first", "others", "difference"},
	Codes:    []*check.Code{agreeOne, agreeAll, agreeUnknown, agreeSTARTTLS, agreeTLS, agreeCertificate, agreeRenewal},
	Evaluate: evaluateAgreement,
}

func evaluateAgreement(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
	list, at := gradedOf(s, subject.Host)
	f := check.Finding{Code: agreeAll, Args: map[string]string{"host": subject.Host, "first": list[at].addr.String()}}
	var without, other []string
	contacts, _ := contacts(s, subject.Host)
	for _, c := range contacts {
		switch c.code {
		case starttlsNotOffered, starttlsStripped, starttlsRefused:
			without = append(without, c.addr.String())
			f.Evidence = append(f.Evidence, pointers(s, c.session)...)
		}
	}
	for _, g := range list {
		f.Evidence = append(f.Evidence, pointers(s, g.session)...)
	}
	for i := range list {
		if d := difference(&list[at], &list[i]); d != "" {
			f.Args["difference"] = d
			other = append(other, list[i].addr.String())
		}
	}
	addrs, sameKey := otherChains(s, subject.Host)
	switch {
	case len(without) > 0:
		f.Code, other = agreeSTARTTLS, without
	case len(list) < 2 && len(contacts) > 1:
		f.Code = agreeUnknown
	case len(list) < 2:
		f.Code = agreeOne
	case len(other) > 0:
		f.Code = agreeTLS
	case len(addrs) > 0 && sameKey:
		f.Code, other = agreeRenewal, addrs
	case len(addrs) > 0:
		f.Code, other = agreeCertificate, addrs
	}
	f.Args["others"] = join(other)
	return f
}

// difference says how the TLS of two addresses differs as far as both are
// known, without the order in which suites were found; empty if it does not.
func difference(a, b *graded) string {
	for _, v := range versionNames {
		x, y := a.tls.Version(v), b.tls.Version(v)
		switch {
		case !x.Answer.Known() || !y.Answer.Known():
		case x.Answer == evidence.Accepted && y.Answer == evidence.Refused:
			return "no " + v
		case x.Answer == evidence.Refused && y.Answer == evidence.Accepted:
			return v + " too"
		case x.SuitesComplete && y.SuitesComplete && v != "TLS 1.3":
			if name := missing(x.Suites, y.Suites); name != "" {
				return "no " + name
			}
			if name := missing(y.Suites, x.Suites); name != "" {
				return name + " too"
			}
		}
	}
	return ""
}

// missing is the first suite of a that b lacks, but for those that only another
// kind of key has.
func missing(a, b []evidence.TLSSuite) string {
	for _, x := range a {
		if !slices.ContainsFunc(b, func(y evidence.TLSSuite) bool { return x.Name == y.Name }) {
			return x.Name
		}
	}
	return ""
}

// otherChains lists the addresses with another chain than the counted one, and
// tells whether all keys are the same.
func otherChains(s *evidence.Snapshot, host string) (addrs []string, sameKey bool) {
	chains := servedBy(s, host)
	sameKey = true
	for _, x := range chains[min(1, len(chains)):] {
		addrs = append(addrs, x.addrs...)
		a, b := chains[0].leaf(), x.leaf()
		sameKey = sameKey && a != nil && b != nil && string(a.SPKI) == string(b.SPKI)
	}
	return addrs, sameKey
}

var (
	bothOne = &check.Code{Name: "one-kind", Outcome: check.NotApplicable,
		Text: "{host} was seen to serve one kind of certificate only."}
	bothNone = &check.Code{Name: "no-records", Outcome: check.NotApplicable,
		Text: "{host} serves certificates with RSA and with ECDSA keys, and has no secure TLSA records that could match them."}
	bothMatch = &check.Code{Name: "match", Outcome: check.Pass,
		Text: "{host} serves certificates with RSA and with ECDSA keys, and the TLSA records match all."}
	bothMismatch = &check.Code{Name: "mismatch", Outcome: check.Fail,
		Text:   "{host} serves certificates with RSA and with ECDSA keys, and the TLSA records do not match the {kinds} one. Senders that prefer this kind hold their mail back. Internet.nl looks at one certificate only.",
		Advice: "Publish this record too: {record}"}
	bothUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text: "Whether {host} serves certificates of more than one kind could not be found out."}
)

var daneBothKeys = &check.Check{
	ID: "dane-both-keys", Category: check.Extra, Level: check.Required, Scope: check.PerHost,
	Title: "TLSA records for both kinds of keys",
	Doc: check.Doc{
		What: "A server may have one certificate with an RSA key and another with an ECDSA key; the sender's suites decide which it gets. TLSA records must match both.",
		Why:  "With a record for one of them only, mail from some senders is held back, from others not.",
		How:  "Publish a record \"3 1 1\" for each of the keys, or one \"2 1 1\" for the authority that issued both certificates.",
	},
	Cites:    []check.Citation{check.RFC("7671", "8"), check.RFC("7672", "3.1")},
	Requires: requiresTLS,
	Args:     []string{"host", "kinds", "record"},
	Codes:    []*check.Code{bothOne, bothNone, bothMatch, bothMismatch, bothUnknown},
	Evaluate: evaluateBothKeys,
}

func evaluateBothKeys(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
	list, at := gradedOf(s, subject.Host)
	f := check.Finding{Code: bothMatch, Args: map[string]string{"host": subject.Host}, Evidence: pointers(s, list[at].session)}
	src := sourceOf(s, subject.Host)
	kinds, open := 0, false
	var bad []string
	for _, c := range list[at].tls.Certificates {
		open = open || !c.Answer.Known() && c.Answer != evidence.NotAskable
		chain, ders := s.Chain(c.Chain)
		if c.Answer != evidence.Accepted || chain == nil {
			continue
		}
		kinds++
		x := &served{host: subject.Host, chain: chain, ders: ders, memo: s.Memo()}
		if len(src.ownRecords()) > 0 && dane.Verify(src.input(s, x)).Verdict == dane.Mismatched {
			bad, f.Args["record"] = append(bad, c.Kind), src.record(x)
		}
	}
	f.Args["kinds"] = strings.Join(bad, " and the ")
	switch {
	case kinds < 2 && (open || len(list[at].tls.Certificates) == 0):
		f.Code = bothUnknown
	case kinds < 2:
		f.Code = bothOne
	case len(src.ownRecords()) == 0:
		f.Code = bothNone
	case len(bad) > 0:
		f.Code = bothMismatch
	}
	return f
}

var (
	quantumSafe = &check.Code{Name: "accepted", Outcome: check.Pass,
		Text: "{where} agrees on keys by X25519MLKEM768 with senders that know it, so that mail recorded today cannot be read with the quantum computers of tomorrow."}
	quantumNot = &check.Code{Name: "not-accepted", Outcome: check.Weak,
		Text:   "{where} does not know the key exchange X25519MLKEM768, which protects mail recorded today from the quantum computers of tomorrow.",
		Advice: "Update the TLS library: OpenSSL 3.5 has X25519MLKEM768 by default, GnuTLS 3.8.10 with leancrypto. In Postfix with OpenSSL 3.5: tls_eecdh_auto_curves = X25519MLKEM768 X25519 prime256v1 secp384r1."}
	quantumOpen = openCodes("whether {where} accepts X25519MLKEM768")
)

var tlsPostQuantum = &check.Check{
	ID: "tls-post-quantum", Category: check.Extra, Level: check.Informational, Scope: check.PerHost,
	Title: "Post-quantum key exchange",
	Doc: check.Doc{
		What: "The group X25519MLKEM768 of TLS 1.3 agrees on a key by an elliptic curve and by ML-KEM together.",
		Why:  "Who records encrypted mail now and has a quantum computer one day could read it, unless the key exchange withstands both.",
		How:  "Use a TLS library that has the group, such as OpenSSL 3.5 or Go 1.24.",
	},
	Cites:    []check.Citation{{Source: "draft-ietf-tls-ecdhe-mlkem"}, {Source: "FIPS 203"}},
	Requires: requiresTLS,
	Args:     tlsArgs,
	Codes:    append([]*check.Code{quantumSafe, quantumNot, tlsWeakerHere}, quantumOpen.codes()...),
	Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
		return gradeExtra(s, subject.Host, judgeName{code: quantumSafe}, func(g *graded) opinion {
			switch group := g.tls.Group("X25519MLKEM768"); {
			case group.Answer == evidence.Accepted, strings.EqualFold(g.session.Handshake.Group, "X25519MLKEM768"):
				return opinion{code: quantumSafe}
			case group.Answer == evidence.Refused, g.tls.Version("TLS 1.3").Answer == evidence.Refused:
				return opinion{code: quantumNot, problem: "does not know X25519MLKEM768"}
			case group.Answer == evidence.NotAsked && g.tls.Stopped == nil:
				return opinion{code: quantumOpen.notAsked}
			}
			return quantumOpen.of(g, "")
		})
	},
}

var (
	sessionFeatures = &check.Code{Name: "features", Outcome: check.Pass,
		Text: "{where}: session tickets {tickets}, OCSP stapling {ocsp}, ALPN {alpn}. None of them matters to mail."}
	sessionStaple = &check.Code{Name: "staple-missing", Outcome: check.Weak, Cites: []check.Citation{check.RFC("7633", "4")},
		Text:   "The certificate of {where} says that an OCSP response comes with it, and none does. Senders that heed this refuse the certificate.",
		Advice: "Get a certificate without \"must staple\": Postfix and Exim with OpenSSL cannot staple by themselves."}
	sessionOpen = openCodes("what else {where} offers in the handshake")
)

var tlsSession = &check.Check{
	ID: "tls-session", Category: check.Extra, Level: check.Informational, Scope: check.PerHost,
	Title: "Session tickets, OCSP stapling, ALPN",
	Doc: check.Doc{
		What: "What else the server offers in the handshake: to resume sessions by ticket, to staple an OCSP response, to agree on a protocol by ALPN.",
		Why:  "None of it is needed for mail. Only a certificate that demands stapling, from a server that does not staple, is a fault.",
		How:  "Nothing needs to be done.",
	},
	Cites:    []check.Citation{check.RFC("8446", "4.6.1"), check.RFC("6066", "8"), check.RFC("7301", "3")},
	Requires: requiresTLS,
	Args:     append([]string{"tickets", "ocsp", "alpn"}, tlsArgs...),
	Codes:    append([]*check.Code{sessionFeatures, sessionStaple, tlsWeakerHere}, sessionOpen.codes()...),
	Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
		return gradeExtra(s, subject.Host, judgeName{}, func(g *graded) opinion { return judgeSession(s, g) })
	},
}

func judgeSession(s *evidence.Snapshot, g *graded) opinion {
	word := func(a evidence.Answer) string {
		switch a {
		case evidence.Accepted:
			return "yes"
		case evidence.Refused, evidence.NotAskable:
			return "no"
		}
		return "not known"
	}
	o := opinion{code: sessionFeatures, args: map[string]string{"tickets": word(g.tls.Tickets), "ocsp": word(g.tls.OCSP), "alpn": word(g.tls.ALPN)}}
	if !slices.ContainsFunc([]evidence.Answer{g.tls.Tickets, g.tls.OCSP, g.tls.ALPN}, evidence.Answer.Known) {
		return sessionOpen.of(g, "")
	}
	chain, ders := s.Chain(chainOf(g.session))
	leaf := (&served{chain: chain, ders: ders, memo: s.Memo()}).leaf()
	if leaf != nil && leaf.MustStaple && !g.session.Handshake.OCSP && g.tls.OCSP == evidence.Refused {
		o.code, o.problem = sessionStaple, "does not staple the OCSP response that its certificate demands"
	}
	return o
}
