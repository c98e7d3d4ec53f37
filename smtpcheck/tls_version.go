package smtpcheck

import (
	"slices"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/guideline"
)

var (
	versionGood = &check.Code{Name: "good", Outcome: check.Pass, Verdict: "good",
		Text: "{where} accepts only current versions: {versions}."}
	versionInsufficient = &check.Code{Name: "insufficient", Outcome: check.Fail, Verdict: "bad",
		Text:   "{where} accepts insufficient versions: {versions}.",
		Advice: "Allow TLS 1.2 and 1.3 only. In Postfix: smtpd_tls_protocols = >=TLSv1.2 and smtpd_tls_mandatory_protocols = >=TLSv1.2. In Exim with OpenSSL: openssl_options = +no_sslv2 +no_sslv3 +no_tlsv1 +no_tlsv1_1."}
	versionUnseen = &check.Code{Name: "insufficient-unseen", Outcome: check.Fail,
		Text:   "{where} accepts insufficient versions: {versions}. Internet.nl may not see that, for it looks for versions with stronger suites than {where} has for them.",
		Advice: "Allow TLS 1.2 and 1.3 only. In Postfix: smtpd_tls_protocols = >=TLSv1.2 and smtpd_tls_mandatory_protocols = >=TLSv1.2. In Exim with OpenSSL: openssl_options = +no_sslv2 +no_sslv3 +no_tlsv1 +no_tlsv1_1."}
	versionOpen = openCodes("whether {where} accepts old versions of SSL and TLS")
)

func tlsVersionBy(tables *guideline.Tables) *check.Check {
	return &check.Check{
		ID: "tls-version", API: "mail_starttls_tls_version", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
		Title: "TLS versions",
		Doc: check.Doc{
			What: "The versions of SSL and TLS that the mail server accepts are compared with the guideline.",
			Why:  "SSL 2.0 and 3.0 are broken, TLS 1.0 and 1.1 rest on hash functions that are. Who can interfere with the connection makes both sides use the oldest version they share.",
			How:  "Allow TLS 1.2 and 1.3 only. In Postfix: smtpd_tls_protocols = >=TLSv1.2.",
		},
		Cites:    []check.Citation{cite(tables, tables.Versions), check.RFC("8996", "")},
		Requires: requiresTLS,
		Args:     append([]string{"versions"}, tlsArgs...),
		Codes:    append([]*check.Code{versionGood, versionInsufficient, versionUnseen, tlsWorseElsewhere}, versionOpen.codes()...),
		Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
			return gradeEach(s, subject.Host, judgeName{versionGood, tables}, func(g *graded) opinion { return judgeVersions(g, tables.Versions) })
		},
	}
}

// cite is where a table stands.
func cite(tables *guideline.Tables, t *guideline.Table) check.Citation {
	return check.Citation{Source: tables.Source, Section: t.Section}
}

// judgeVersions knows no version that should be phased out: no guideline has one.
func judgeVersions(g *graded, table *guideline.Table) opinion {
	found := levels{}
	for _, v := range g.accepted() {
		found.add(table.ByName(v), v)
	}
	verdict := versionVerdict(g, table)
	worst := found.worst()
	args := map[string]string{"versions": join(found[worst])}
	switch unknown := g.versionsUnknown(table, worst); {
	case worst == guideline.Insufficient && verdict == "bad":
		return opinion{versionInsufficient, verdict, "accepts " + args["versions"], args}
	case worst == guideline.Insufficient:
		return opinion{versionUnseen, verdict, "accepts " + args["versions"], args}
	case unknown:
		return versionOpen.of(g, verdict)
	}
	args["versions"] = join(g.accepted())
	return opinion{versionGood, verdict, "", args}
}

// versionsUnknown reports whether a version of which nothing is known would be
// of a lower level than the worst that is accepted.
func (g *graded) versionsUnknown(table *guideline.Table, worst guideline.Level) bool {
	return slices.ContainsFunc(versionNames, func(v string) bool {
		return !g.tls.Version(v).Answer.Known() && table.ByName(v) < min(worst, guideline.Sufficient)
	})
}

// versionVerdict is Internet.nl's.
func versionVerdict(g *graded, table *guideline.Table) string {
	worst, open := guideline.Good, guideline.Good
	for _, v := range versionNames {
		switch g.sees(v) {
		case evidence.Accepted:
			worst = min(worst, table.ByName(v))
		case evidence.AnswerUnknown:
			open = min(open, table.ByName(v))
		}
	}
	if open < min(worst, guideline.Sufficient) {
		return ""
	}
	return verdictOf(worst)
}
