package smtpcheck

import (
	"slices"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/guideline"
)

const hashAdvice = "Limit the signature algorithms to SHA-256 and better. In Postfix with OpenSSL 3 leave the security level at 2, so without @SECLEVEL=0 or 1 in the cipher lists. In Exim with GnuTLS: add -SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1 to tls_require_ciphers."

var (
	hashGood = &check.Code{Name: "good", Outcome: check.Pass, Verdict: "good",
		Text: "{where} signs the key exchange with good hash functions only."}
	hashNothing = &check.Code{Name: "nothing-signed", Outcome: check.Pass, Verdict: "good",
		Text: "{where} does not sign a key exchange in TLS 1.2, where the hash function could be chosen."}
	hashPhaseOut = &check.Code{Name: "phase-out", Outcome: check.Weak, Verdict: "phase-out",
		Text:   "{where} agrees to sign the key exchange with {hash}, which should be phased out.",
		Advice: hashAdvice}
	hashInsufficient = &check.Code{Name: "insufficient", Outcome: check.Fail, Verdict: "bad",
		Text:   "{where} agrees to sign the key exchange with {hash}.",
		Advice: hashAdvice}
	hashUnseen = &check.Code{Name: "insufficient-unseen", Outcome: check.Fail,
		Text:   "{where} agrees to sign the key exchange with {hash}. Internet.nl does not try that.",
		Advice: hashAdvice}
	hashOpen = openCodes("whether {where} agrees to sign the key exchange with SHA-1 or another weak hash function")
)

func tlsKeyExchangeHashBy(tables *guideline.Tables) *check.Check {
	return &check.Check{
		ID: "tls-key-exchange-hash", API: "mail_starttls_tls_keyexchangehash", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
		Title: "Hash function of the key exchange",
		Doc: check.Doc{
			What: "In TLS 1.2 the mail server signs its part of the key exchange. It must not agree to do so with SHA-1.",
			Why:  "Collisions of SHA-1 can be computed, which weakens the signature.",
			How:  "Use a TLS library of this decade with its usual security level. In Postfix with OpenSSL: do not lower SECLEVEL below 2.",
		},
		Cites:    []check.Citation{cite(tables, tables.KeyExchangeHashes), check.RFC("9155", "")},
		Requires: requiresTLS,
		Args:     append([]string{"hash"}, tlsArgs...),
		Codes: append([]*check.Code{hashGood, hashNothing, hashPhaseOut, hashInsufficient, hashUnseen, tlsWorseElsewhere, tlsWeakerElsewhere},
			hashOpen.codes()...),
		Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
			return gradeEach(s, subject.Host, judgeName{hashGood, tables}, func(g *graded) opinion { return judgeHash(g, tables.KeyExchangeHashes) })
		},
	}
}

// triedHashes are those that Internet.nl tries.
var triedHashes = []string{"SHA1", "SHA224"}

func judgeHash(g *graded, table *guideline.Table) opinion {
	found := levels{}
	unknown, signed := false, false
	for _, h := range append([]string{"MD5"}, triedHashes...) {
		switch answer := g.tls.Hash(h); answer {
		case evidence.Accepted:
			found.add(table.ByName(h), h)
			signed = true
		case evidence.NotAskable:
		default:
			signed, unknown = true, unknown || answer != evidence.Refused
		}
	}
	verdict := hashVerdict(g, table)
	worst := found.worst()
	args := map[string]string{"hash": join(found[worst])}
	o := opinion{hashGood, verdict, "", args}
	if worst < guideline.Sufficient {
		o.problem = "agrees to sign the key exchange with " + args["hash"]
	}
	switch {
	case worst == guideline.Insufficient && verdict == "bad":
		o.code = hashInsufficient
	case worst == guideline.Insufficient:
		o.code = hashUnseen
	case unknown:
		return hashOpen.of(g, verdict)
	case worst == guideline.PhaseOut:
		o.code = hashPhaseOut
	case !signed:
		o.code = hashNothing
	}
	return o
}

// hashVerdict is Internet.nl's.
func hashVerdict(g *graded, table *guideline.Table) string {
	worst := guideline.Good
	for _, h := range triedHashes {
		if g.tls.Hash(h) == evidence.Accepted {
			worst = min(worst, table.ByName(h))
		}
	}
	open := slices.ContainsFunc(triedHashes, func(h string) bool {
		a := g.tls.Hash(h)
		return !a.Known() && a != evidence.NotAskable && table.ByName(h) < worst
	})
	if open {
		return ""
	}
	return verdictOf(worst)
}
