package smtpcheck

import (
	"slices"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/guideline"
)

var (
	orderGood = &check.Code{Name: "good", Outcome: check.Pass, Verdict: "good",
		Text: "{where} prefers good and sufficient cipher suites to others, or has no others that it could prefer."}
	orderNothing = &check.Code{Name: "not-applicable", Outcome: check.NotApplicable, Verdict: "na",
		Text: "There is no order to keep for {where}: below TLS 1.3 it accepts no suites among which it matters. Internet.nl counts that as passed."}
	orderWrong = &check.Code{Name: "wrong-order", Outcome: check.Fail, Verdict: "bad",
		Text:   "{where} chose {chosen} where {expected} was offered too.",
		Advice: "Put the better suites first in the server's list. In Postfix: tls_preempt_cipherlist = yes, and smtpd_tls_ciphers = high with tls_high_cipherlist = ECDHE+AESGCM:ECDHE+CHACHA20."}
	orderClient = &check.Code{Name: "client-order", Outcome: check.Fail, Verdict: "bad",
		Text:   "{where} leaves the choice of the suite to the sender: it took {chosen}, which was offered first, where {expected} was offered too.",
		Advice: "Let the server choose the suite. In Postfix: tls_preempt_cipherlist = yes. In Exim with OpenSSL: openssl_options = +cipher_server_preference. In Exim with GnuTLS: add %SERVER_PRECEDENCE to tls_require_ciphers."}
	orderInsufficient = &check.Code{Name: "prefers-insufficient", Outcome: check.Fail,
		Text:   "{where} chose {chosen} where {expected} was offered too. Internet.nl does not hold insufficient suites against the order.",
		Advice: "Switch {chosen} off. " + suitesAdvice}
	orderOpen = openCodes("whether {where} prefers the better cipher suites")
)

func tlsCipherOrderBy(tables *guideline.Tables) *check.Check {
	return &check.Check{
		ID: "tls-cipher-order", API: "mail_starttls_tls_cipherorder", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
		Title: "Order of cipher suites",
		Doc: check.Doc{
			What: "A mail server that accepts suites to be phased out must prefer better ones where the sender offers both.",
			Why:  "Without an order of its own the server takes what the sender names first, which may be the weakest that both know.",
			How:  "Let the server choose. In Postfix: tls_preempt_cipherlist = yes.",
		},
		Cites:    []check.Citation{cite(tables, tables.Suites)},
		Requires: requiresTLS,
		Args:     append([]string{"chosen", "expected"}, tlsArgs...),
		Codes:    append([]*check.Code{orderGood, orderNothing, orderWrong, orderClient, orderInsufficient, tlsWorseElsewhere}, orderOpen.codes()...),
		Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
			return gradeEach(s, subject.Host, judgeName{orderGood, tables}, func(g *graded) opinion { return judgeOrder(g, tables.Suites) })
		},
	}
}

// choice is a suite that was taken where a better one was offered too.
type choice struct{ version, chosen, expected string }

// judgeOrder compares what is to be phased out with what is sufficient or good,
// as Internet.nl does, in the version that Internet.nl looks at.
func judgeOrder(g *graded, table *guideline.Table) opinion {
	v, known := g.looked()
	verdict := ""
	if known {
		verdict = orderVerdict(g, table, v)
	}
	for _, level := range []guideline.Level{guideline.PhaseOut, guideline.Insufficient} {
		c, wrong := g.wrongChoice(table, level)
		if !wrong {
			continue
		}
		o := opinion{orderWrong, verdict, "chose " + c.chosen + " rather than " + c.expected, map[string]string{"chosen": c.chosen, "expected": c.expected}}
		switch {
		case level == guideline.Insufficient || c.version != v:
			o.code = orderInsufficient
		case g.tls.Preference == evidence.PreferenceClient:
			o.code = orderClient
		}
		return o
	}
	switch verdict {
	case "na":
		return opinion{code: orderNothing, verdict: verdict}
	case "good":
		return opinion{code: orderGood, verdict: verdict}
	}
	return orderOpen.of(g, verdict)
}

// orderVerdict is Internet.nl's: it offers all suites that should be phased out
// before each of the better ones in turn, and the latter must be chosen.
func orderVerdict(g *graded, table *guideline.Table, version string) string {
	if g.onlyTLS13() {
		return "na"
	}
	if c, wrong := g.wrongChoice(table, guideline.PhaseOut); wrong && c.version == version {
		return "bad"
	}
	list, all := g.looks()
	better, worse := split(list, table)
	switch {
	case !all && len(better)*len(worse) == 0:
		return ""
	case len(list) == 0:
		return "na"
	case len(better) == 0 || len(worse) == 0:
		return "good"
	}
	// The better one that was found last is the one that the server likes least:
	// its choice speaks for the others.
	if last := better[len(better)-1]; all && g.preferred(last, worse) {
		return "good"
	}
	return ""
}

// split separates suites of TLS 1.2 and below that are sufficient or good from
// those to be phased out.
func split(list []evidence.TLSSuite, table *guideline.Table) (better, worse []string) {
	for _, x := range list {
		switch level := table.ByName(x.Name); {
		case level >= guideline.Sufficient:
			better = append(better, x.Name)
		case level == guideline.PhaseOut:
			worse = append(worse, x.Name)
		}
	}
	return better, worse
}

// preferred reports whether a suite was once chosen though one of the others
// stood before it.
func (g *graded) preferred(suite string, others []string) bool {
	return slices.ContainsFunc(g.tls.Choices(), func(a evidence.Asked) bool {
		return a.Chosen == suite && slices.Contains(others, a.Offered[0])
	})
}

// wrongChoice looks for a suite of that level that was chosen though one that is
// known to be accepted, and sufficient or good, was offered too. Questions with a
// limit on groups or hash functions show no choice.
func (g *graded) wrongChoice(table *guideline.Table, level guideline.Level) (choice, bool) {
	for i := range g.tls.Asked {
		a := &g.tls.Asked[i]
		if a.Answer != evidence.Accepted || a.ChosenIn == "TLS 1.3" || len(a.Groups)+len(a.Hashes) > 0 || table.ByName(a.Chosen) != level {
			continue
		}
		found := g.tls.Version(a.ChosenIn).Suites
		at := slices.IndexFunc(found, func(x evidence.TLSSuite) bool { return x.Name == a.Chosen })
		for i, x := range found {
			// An offer of all but some leaves out those found before, too.
			if table.ByName(x.Name) >= guideline.Sufficient && a.Offers(x.Name) && (!a.AllBut || i > at) {
				return choice{a.ChosenIn, a.Chosen, x.Name}, true
			}
		}
	}
	return choice{}, false
}
