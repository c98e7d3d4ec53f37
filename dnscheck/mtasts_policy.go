package dnscheck

import (
	"cmp"
	"mime"
	"strconv"
	"strings"

	"mailvet/dnscheck/mtasts"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	mtastsGood = &check.Code{Name: "good", Outcome: check.Pass,
		Text: "The MTA-STS policy of {domain} is in force: senders that follow it deliver only to its mail servers ({patterns}), over TLS with a valid certificate. They keep it for {age}."}
	mtastsTesting = &check.Code{Name: "testing", Outcome: check.Weak, Cites: []check.Citation{check.RFC("8461", "5")},
		Text:   "The MTA-STS policy of {domain} is in mode testing: senders deliver whatever they find, and only report.",
		Advice: "Read the reports (TLS-RPT); where they show no failures set \"mode: enforce\" and change the id of the record."}
	mtastsModeNone = &check.Code{Name: "mode-none", Outcome: check.Weak, Cites: []check.Citation{check.RFC("8461", "8.3")},
		Text:   "The MTA-STS policy of {domain} is in mode none: MTA-STS is being given up, and nothing is protected by it.",
		Advice: "Remove the record once max_age ({age}) has passed since the mode was set, or set \"mode: enforce\" and change the id of the record."}
	mtastsShort = &check.Code{Name: "short-age", Outcome: check.Weak, Cites: []check.Citation{check.RFC("8461", "3.2")},
		Text:   "Senders may keep the MTA-STS policy of {domain} for {age} only, so that most have none at hand when somebody interferes.",
		Advice: "Set max_age to some weeks, such as \"max_age: 2419200\", and change the id of the record."}
	mtastsOdd = &check.Code{Name: "policy-odd", Outcome: check.Weak, Cites: []check.Citation{check.RFC("8461", "3.2")},
		Text:   "The MTA-STS policy of {domain} can be used, but is not as it should be: {problem}.",
		Advice: "Correct {url}."}
	mtastsType = &check.Code{Name: "content-type", Outcome: check.Weak, Cites: []check.Citation{check.RFC("8461", "3.2")},
		Text:   "The MTA-STS policy of {domain} is served with the content type {problem}, and not as text/plain. Senders that look at it do not use the policy.",
		Advice: "Have the web server send \"Content-Type: text/plain\" for {url}."}
	mtastsSeveral = &check.Code{Name: "several", Outcome: check.Fail, Cites: []check.Citation{check.RFC("8461", "3.1")},
		Text:   "{domain} has {problem} MTA-STS records. Senders then act as if there were none.",
		Advice: "Remove all TXT records at _mta-sts.{domain} but one."}
	mtastsRecordSyntax = &check.Code{Name: "record-syntax", Outcome: check.Fail, Cites: []check.Citation{check.RFC("8461", "3.1")},
		Text:   "The MTA-STS record of {domain} cannot be read ({problem}). Senders then act as if there were none.",
		Advice: "Publish: _mta-sts.{domain}. IN TXT \"v=STSv1; id=1\" (with another id of letters and digits after each change of the policy)."}
	mtastsNoHost = &check.Code{Name: "no-address", Outcome: check.Fail,
		Text:   "{domain} announces an MTA-STS policy, but the host mta-sts.{domain}, where senders look for it, has no address.",
		Advice: "Let mta-sts.{domain} lead to a web server, and serve the policy at {url}."}
	mtastsCertificate = &check.Code{Name: "certificate", Outcome: check.Fail,
		Text:   "Senders cannot fetch the MTA-STS policy of {domain}: the web server's certificate does not do ({problem}).",
		Advice: "Install a certificate of a public authority for the name mta-sts.{domain}, and have it renewed in time."}
	mtastsRedirect = &check.Code{Name: "redirect", Outcome: check.Fail,
		Text:   "The MTA-STS policy of {domain} is not served at its address; the web server redirects ({problem}). Senders must not follow that.",
		Advice: "Serve the policy at {url} itself; a proxy on the server does, or a CNAME record of mta-sts.{domain}."}
	mtastsStatus = &check.Code{Name: "not-served", Outcome: check.Fail,
		Text:   "The MTA-STS policy of {domain} is announced, but not served: the web server answers with status {problem}.",
		Advice: "Serve the policy at {url}, or remove the record."}
	mtastsUnreached = &check.Code{Name: "unreachable", Outcome: check.Fail,
		Text:   "The MTA-STS policy of {domain} is announced, but cannot be fetched ({problem}).",
		Advice: "See to the web server at mta-sts.{domain}: it must serve {url} over TLS 1.2 or later."}
	mtastsTooLarge = &check.Code{Name: "too-large", Outcome: check.Fail,
		Text:   "What is served as the MTA-STS policy of {domain} is larger than 64 kB; senders need not read that much.",
		Advice: "Serve the policy alone at {url}: a few short lines."}
	mtastsPolicySyntax = &check.Code{Name: "policy-syntax", Outcome: check.Fail, Cites: []check.Citation{check.RFC("8461", "3.2")},
		Text:   "The MTA-STS policy of {domain} cannot be used: {problem}.",
		Advice: "Correct {url}. A policy has these lines: version: STSv1, mode: enforce, mx: with a mail server's name (one line for each), max_age: 2419200."}
	mtastsUnavailable = &check.Code{Name: "unavailable", Outcome: check.Inconclusive,
		Text:   "The MTA-STS policy of {domain} could not be fetched this time ({problem}).",
		Advice: "Scan again later. If it stays so, see to the web server at mta-sts.{domain}."}
	mtastsNotFetched = &check.Code{Name: "not-fetched", Outcome: check.Inconclusive, NotAsked: true,
		Text: "The MTA-STS policy of {domain} was not fetched, as this scan makes no HTTPS requests."}
)

var mtastsValid = &check.Check{
	ID: "mta-sts-valid", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
	Title: "MTA-STS policy",
	Doc: check.Doc{
		What: "There must be one record with an id, and senders must be able to fetch the policy: at the one address, with a valid certificate, without redirects, as text of at most 64 kB; with a version, a mode, the names of the mail servers, and the time for which senders may keep it.",
		Why:  "A sender that cannot use the record or the policy acts as if there were no MTA-STS, without a word to anybody.",
		How:  "Serve these lines as text/plain: version: STSv1, mode: enforce, mx: mx.example.test, max_age: 2419200.",
	},
	Cites:    []check.Citation{check.RFC("8461", "3.2"), check.RFC("8461", "3.3")},
	Requires: []*check.Check{mtastsExists},
	Args:     []string{"domain", "url", "problem", "patterns", "age"},
	Codes: []*check.Code{mtastsGood, mtastsTesting, mtastsModeNone, mtastsShort, mtastsOdd, mtastsType, mtastsSeveral, mtastsRecordSyntax, mtastsNoHost, mtastsCertificate,
		mtastsRedirect, mtastsStatus, mtastsUnreached, mtastsTooLarge, mtastsPolicySyntax, mtastsUnavailable, mtastsNotFetched},
	Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
		policy, code, problem := mtastsPolicy(s)
		f := check.Finding{Code: code, Args: map[string]string{
			"domain": s.Domain, "url": mtasts.PolicyURL(s.Domain), "problem": shown(problem),
			"patterns": enumerate(policy.MX), "age": duration(policy.MaxAge),
		}}
		f.Evidence = append(pointers(s, s.Lookup(mtasts.RecordName(s.Domain), "TXT")), pointers(s, s.Fetch(mtasts.PolicyURL(s.Domain)))...)
		return f
	},
}

// mtastsPolicy reads the policy, and says how it is: the worst first.
func mtastsPolicy(s *evidence.Snapshot) (mtasts.Policy, *check.Code, string) {
	if _, code, problem := mtastsRecord(s); code != nil {
		return mtasts.Policy{}, code, problem
	}
	got := s.Fetch(mtasts.PolicyURL(s.Domain))
	if code, problem := mtastsFetched(got); code != nil {
		return mtasts.Policy{}, code, problem
	}
	policy, faults := mtasts.ParsePolicy(got.Body)
	var words []string
	for _, f := range faults {
		words = append(words, f.String())
	}
	problem := strings.Join(words, "; ")
	kind, _, err := mime.ParseMediaType(got.ContentType)
	switch {
	case !mtasts.Usable(faults):
		return policy, mtastsPolicySyntax, problem
	case err != nil || kind != "text/plain":
		return policy, mtastsType, cmp.Or(got.ContentType, "(none)")
	case policy.Mode == mtasts.ModeNone:
		return policy, mtastsModeNone, ""
	case policy.Mode == mtasts.ModeTesting:
		return policy, mtastsTesting, ""
	case policy.MaxAge < mtasts.ShortAge:
		return policy, mtastsShort, ""
	case len(faults) > 0:
		return policy, mtastsOdd, problem
	}
	return policy, mtastsGood, ""
}

// mtastsFetched says what keeps a sender from the policy (RFC 8461, Section
// 3.3); nil if nothing.
func mtastsFetched(got *evidence.Fetch) (*check.Code, string) {
	switch {
	case got == nil:
		return mtastsNotFetched, ""
	case got.Unknown():
		return mtastsUnavailable, fetchWords(got)
	case got.Failure != nil && got.Failure.Op == evidence.OpQuery && got.Failure.Class == evidence.ClassUnreachable:
		return mtastsNoHost, ""
	case got.Failure != nil && badCertificate(got):
		return mtastsCertificate, certificateWords(got.Certificate)
	case got.Failure != nil:
		return mtastsUnreached, got.Failure.Words()
	case got.Status >= 300 && got.Status < 400:
		return mtastsRedirect, fetchWords(got)
	case got.Status != 200:
		return mtastsStatus, strconv.Itoa(got.Status)
	case got.Truncated:
		return mtastsTooLarge, ""
	}
	return nil, ""
}

// badCertificate reports whether a fetch ended because of the certificate.
func badCertificate(f *evidence.Fetch) bool {
	return f.Certificate != nil && f.Certificate.State > evidence.CertificateValid
}

// certificateWords says what is wrong with a web server's certificate.
func certificateWords(c *evidence.WebCertificate) string {
	const day = "2006-01-02"
	switch c.State {
	case evidence.CertificateOtherName:
		if len(c.Names) == 0 {
			return "it is for no name at all"
		}
		return "it is for " + enumerate(c.Names)
	case evidence.CertificateExpired:
		return "it expired on " + c.NotAfter.Format(day)
	case evidence.CertificateNotYetValid:
		return "it is not valid before " + c.NotBefore.Format(day)
	}
	return c.State.Words() + "; it was issued by " + c.Issuer
}

// fetchWords says what came of a fetch that brought nothing.
func fetchWords(f *evidence.Fetch) string {
	switch {
	case f.Failure != nil:
		return f.Failure.Words()
	case f.Location != "":
		return "status " + strconv.Itoa(f.Status) + ", to " + f.Location
	}
	return "status " + strconv.Itoa(f.Status)
}

// duration writes seconds for people.
func duration(seconds int) string {
	for _, u := range []struct {
		size int
		name string
	}{{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}} {
		if n := seconds / u.size; n > 0 || u.size == 1 {
			if n == 1 {
				return "1 " + u.name
			}
			return strconv.Itoa(max(n, 0)) + " " + u.name + "s"
		}
	}
	return ""
}
