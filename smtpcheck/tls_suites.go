package smtpcheck

import (
	"slices"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/guideline"
)

const suitesAdvice = "In Postfix: smtpd_tls_ciphers = high, smtpd_tls_mandatory_ciphers = high and tls_high_cipherlist = ECDHE+AESGCM:ECDHE+CHACHA20. In Exim with GnuTLS: tls_require_ciphers = NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-AES-128-CBC:-AES-256-CBC."

var (
	suitesGood = &check.Code{Name: "good", Outcome: check.Pass, Verdict: "good",
		Text: "{where} accepts only good and sufficient cipher suites."}
	suitesPhaseOut = &check.Code{Name: "phase-out", Outcome: check.Weak, Verdict: "phase-out",
		Text:   "{where} accepts cipher suites that should be phased out: {suites}.",
		Advice: "Switch these suites off once no sender needs them any more. " + suitesAdvice}
	suitesInsufficient = &check.Code{Name: "insufficient", Outcome: check.Fail, Verdict: "bad",
		Text:   "{where} accepts insufficient cipher suites: {suites}.",
		Advice: "Switch these suites off. Senders that know no better ones are rare. " + suitesAdvice}
	suitesPhaseOutUnseen = &check.Code{Name: "phase-out-unseen", Outcome: check.Weak,
		Text:   "{where} accepts cipher suites that should be phased out: {suites}. Internet.nl does not look for them there.",
		Advice: "Switch these suites off once no sender needs them any more. " + suitesAdvice}
	suitesUnseen = &check.Code{Name: "insufficient-unseen", Outcome: check.Fail,
		Text:   "{where} accepts insufficient cipher suites: {suites}. Internet.nl does not look for them there: in the highest version below TLS 1.3 it tries most suites, in TLS 1.3 one, in other versions none.",
		Advice: "Switch these suites off, and versions below TLS 1.2 altogether. " + suitesAdvice}
	suitesOpen = openCodes("whether {where} accepts cipher suites that are not good enough")
)

func tlsCiphersBy(tables *guideline.Tables) *check.Check {
	return &check.Check{
		ID: "tls-ciphers", API: "mail_starttls_tls_ciphers", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
		Title: "Cipher suites",
		Doc: check.Doc{
			What: "The cipher suites that the mail server accepts are compared with the guideline.",
			Why:  "A weak cipher suite can be broken, and lets an attacker read or change the mail under way.",
			How:  "Allow only suites with ECDHE and authenticated encryption (GCM or ChaCha20-Poly1305). In Postfix: smtpd_tls_ciphers = high and tls_high_cipherlist = ECDHE+AESGCM:ECDHE+CHACHA20.",
		},
		Cites:    []check.Citation{cite(tables, tables.Suites)},
		Requires: requiresTLS,
		Args:     append([]string{"suites"}, tlsArgs...),
		Codes: append([]*check.Code{suitesGood, suitesPhaseOut, suitesInsufficient, suitesPhaseOutUnseen, suitesUnseen, tlsWorseElsewhere, tlsWeakerElsewhere},
			suitesOpen.codes()...),
		Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
			return gradeEach(s, subject.Host, judgeName{suitesGood, tables}, func(g *graded) opinion { return judgeSuites(g, tables.Suites) })
		},
	}
}

func judgeSuites(g *graded, table *guideline.Table) opinion {
	found := levels{}
	for _, v := range g.accepted() {
		for _, x := range g.tls.Version(v).Suites {
			found.add(table.ByName(x.Name), x.Name)
		}
	}
	verdict := suitesVerdict(g, table)
	worst := found.worst()
	args := map[string]string{"suites": join(found[worst])}
	o := opinion{suitesGood, verdict, "", args}
	if worst < guideline.Sufficient {
		o.problem = "accepts " + args["suites"]
	}
	switch {
	case worst == guideline.Insufficient && verdict == "bad":
		o.code = suitesInsufficient
	case worst == guideline.Insufficient:
		o.code = suitesUnseen
	case !g.suitesKnown():
		return suitesOpen.of(g, verdict)
	case worst == guideline.PhaseOut && verdict == "phase-out":
		o.code = suitesPhaseOut
	case worst == guideline.PhaseOut:
		o.code = suitesPhaseOutUnseen
	}
	return o
}

// suitesKnown reports whether no suite can be accepted that is not known.
func (g *graded) suitesKnown() bool {
	return !slices.ContainsFunc(versionNames, func(v string) bool { return !g.complete(v) })
}

// suitesVerdict is Internet.nl's.
func suitesVerdict(g *graded, table *guideline.Table) string {
	list, all := g.looks()
	worst := guideline.Good
	for _, x := range list {
		worst = min(worst, table.ByName(x.Name))
	}
	if worst > guideline.Insufficient && !all {
		return ""
	}
	return verdictOf(worst)
}
