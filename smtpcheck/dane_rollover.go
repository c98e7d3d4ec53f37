package smtpcheck

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/dane"
)

var (
	rolloverScheme = &check.Code{Name: "scheme", Outcome: check.Pass, Verdict: "good",
		Text: "The TLSA records of {host} leave room for the next certificate: one matches now, another describes another key or the authority."}
	rolloverSchemeNotCounted = &check.Code{Name: "scheme-not-counted", Outcome: check.Pass, Verdict: "bad",
		Text: "The TLSA records of {host} leave room for the next certificate: one matches now, another describes another authority. Internet.nl wants two records of usage 3, or one of usage 3 and one of usage 2."}
	rolloverUseless = &check.Code{Name: "useless", Outcome: check.Weak, Verdict: "good", Cites: []check.Citation{check.RFC("7671", "8.1")},
		Text:   "There are several TLSA records for {host}, which Internet.nl counts as a scheme for changing the key. But those that are usable all describe the key that is served now, so that none matches the next one.",
		Advice: "Before the key is changed, publish a record \"3 1 1\" of the next key beside the present one."}
	rolloverSingle = &check.Code{Name: "single", Outcome: check.Fail, Verdict: "bad", Cites: []check.Citation{check.RFC("7671", "8.1")},
		Text:   "The TLSA records of {host} describe only what is served now ({records}).",
		Advice: "Before the key is changed, publish a record \"3 1 1\" of the next key beside the present one, or one \"2 1 1\" of the authority."}
	rolloverMismatch = &check.Code{Name: "mismatch", Outcome: check.Fail, Verdict: "bad",
		Text:   "No TLSA record of {host} matches what it serves now, and none will help with the next certificate.",
		Advice: "First see to the check of whether the records match."}
	rolloverMismatchCounted = &check.Code{Name: "mismatch-counted", Outcome: check.Fail, Verdict: "good",
		Text:   "No TLSA record of {host} matches what it serves now. There are several, which Internet.nl counts as a scheme for changing the key.",
		Advice: "First see to the check of whether the records match. If the key was changed too early, publish the record of the present one."}
	rolloverNotCounted = &check.Code{Name: "not-counted", Outcome: check.NotApplicable,
		Text: "Internet.nl does not find the TLSA records of {host}, and so does not look at how the key can be changed."}
)

var daneRollover = &check.Check{
	ID: "dane-rollover", API: "mail_starttls_dane_rollover", Category: check.TLS, Level: check.Optional, Scope: check.PerHost,
	Title: "DANE roll-over scheme",
	Doc: check.Doc{
		What: "Beside the TLSA record that matches now there should be one for the next key, or for the authority.",
		Why:  "Records stay in caches for hours. If the key is changed with one record only, there is a time in which no sender that uses DANE can deliver.",
		How:  "Publish two records \"3 1 1\", of the present and of the next key, or \"3 1 1\" of the key and \"2 1 1\" of the authority.",
	},
	Cites:    []check.Citation{check.RFC("7671", "8"), check.InternetNL("mail_starttls_dane_rollover")},
	Requires: []*check.Check{starttlsExists, daneExists},
	Args:     append([]string{"records"}, certArgs...),
	Codes:    []*check.Code{rolloverScheme, rolloverSchemeNotCounted, rolloverUseless, rolloverSingle, rolloverMismatch, rolloverMismatchCounted, rolloverNotCounted, noCertificate},
	Evaluate: evaluateRollover,
}

// evaluateRollover looks at the counted address: a record that matches nothing
// there may well be that of another address, or of a second kind of key.
func evaluateRollover(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
	src, x := sourceOf(s, subject.Host), countedOf(s, subject.Host)
	f := check.Finding{Args: map[string]string{"host": subject.Host}, Evidence: pointers(s, src.own)}
	if x == nil || x.chain == nil {
		f.Code, f.Args["addrs"] = noCertificate, "the address that counts"
		return f
	}
	in := src.input(s, x)
	in.MatchOnly = true // whether they validate is the question of dane-valid
	res := dane.Verify(in)
	var texts []string
	for _, r := range res.Records {
		texts = append(texts, recordWords(r))
	}
	f.Args["records"] = join(texts)
	f.Code = rolloverCode(res, dane.CompatRollover(src.compatRecords()))
	if !dane.CompatShown(src.compatRecords()) || x.leaf() == nil {
		f.Code = rolloverNotCounted
	}
	return f
}

func rolloverCode(res dane.Result, compat bool) *check.Code {
	scheme := dane.Scheme(res)
	switch {
	case res.Verdict != dane.Validated && compat:
		return rolloverMismatchCounted
	case res.Verdict != dane.Validated:
		return rolloverMismatch
	case scheme == dane.RolloverNextKey || scheme == dane.RolloverIssuer:
		if compat {
			return rolloverScheme
		}
		return rolloverSchemeNotCounted
	case compat:
		return rolloverUseless
	}
	return rolloverSingle
}
