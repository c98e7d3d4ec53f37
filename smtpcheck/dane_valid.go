package smtpcheck

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/dane"
)

var (
	daneValidGood = &check.Code{Name: "valid", Outcome: check.Pass, Verdict: "good",
		Text: "The TLSA records of {host} match its certificate."}
	daneValidCountedBad = &check.Code{Name: "valid-counted-invalid", Outcome: check.Pass, Verdict: "bad",
		Text:   "The TLSA records of {host} match its certificate, so that senders deliver. The tool that Internet.nl uses does not verify them with this certificate, because its RSA key is too short or its name is none it accepts, and counts them as invalid.",
		Advice: "Install a certificate with a stronger key, for the name {host}."}
	daneValidNotCounted = &check.Code{Name: "valid-not-counted", Outcome: check.Pass, Verdict: "not-tested",
		Text: "The TLSA records of {host} match its certificate. Internet.nl does not find them, and so does not test them."}
	daneUnusable = &check.Code{Name: "unusable", Outcome: check.Fail, Verdict: "bad", Cites: []check.Citation{check.RFC("7672", "2.2"), check.RFC("7671", "4")},
		Text:   "Not one of the TLSA records of {host} is usable ({records}). Senders must use TLS with it, but authenticate nobody. Internet.nl counts that as not matching.",
		Advice: "Publish this record instead: {record}"}
	daneMismatch = &check.Code{Name: "mismatch", Outcome: check.Fail, Verdict: "bad",
		Text:   "The TLSA records of {host} do not match the certificate it serves at {addrs} ({records}). Senders that use DANE do not deliver there.",
		Advice: "If the certificate is the right one, publish this record now, and leave the old ones until they are out of all caches: {record}"}
	daneMismatchName = &check.Code{Name: "mismatch-name", Outcome: check.Fail, Verdict: "bad", Cites: []check.Citation{check.RFC("7672", "3.2.2")},
		Text:   "A TLSA record of usage 2 for {host} matches the authority of its certificate, but the certificate served at {addrs} is for other names. Senders that use DANE do not deliver there.",
		Advice: "Get a certificate that has {host} among its subject alternative names, or publish this record: {record}"}
	daneMismatchDate = &check.Code{Name: "mismatch-date", Outcome: check.Fail, Verdict: "bad", Cites: []check.Citation{check.RFC("7671", "5.2")},
		Text:   "A TLSA record of usage 2 for {host} matches the authority of its certificate, but a certificate served at {addrs} is expired or not yet valid. Senders that use DANE do not deliver there.",
		Advice: "Renew the certificate, or publish this record, with which dates do not matter: {record}"}
	daneMismatchPath = &check.Code{Name: "mismatch-path", Outcome: check.Fail, Verdict: "bad", Cites: []check.Citation{check.RFC("7671", "5.2")},
		Text:   "A TLSA record of usage 2 for {host} names an authority, but the certificates served at {addrs} do not lead to it by their signatures. Senders that use DANE do not deliver there.",
		Advice: "Send all certificates between your own and that of the authority, or publish this record: {record}"}
	daneMismatchCountedGood = &check.Code{Name: "mismatch-counted-valid", Outcome: check.Fail, Verdict: "good", Cites: []check.Citation{check.RFC("7672", "3.1.3")},
		Text:   "No usable TLSA record of {host} matches the certificate it serves at {addrs} ({records}). Senders that use DANE do not deliver there. Internet.nl counts them as valid, for its tool takes a record of usage 0 or 1 that matches.",
		Advice: "Publish this record: {record}"}
	daneMismatchNotCounted = &check.Code{Name: "mismatch-not-counted", Outcome: check.Fail, Verdict: "not-tested",
		Text:   "The TLSA records of {host} do not match the certificate it serves at {addrs} ({records}). Senders that use DANE do not deliver there. Internet.nl does not find these records, and so does not test them.",
		Advice: "Publish this record: {record}"}
	daneMismatchElsewhere = &check.Code{Name: "mismatch-elsewhere", Outcome: check.Fail, Verdict: "good",
		Text:   "{host} serves another certificate at {addrs} than at {counted}, and no TLSA record matches it ({records}). Senders that use DANE do not deliver there. Internet.nl looks at {counted} only.",
		Advice: "Install the same certificate at every address of {host}, or publish this record beside the others: {record}"}
)

var daneValid = &check.Check{
	ID: "dane-valid", API: "mail_starttls_dane_valid", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
	Title: "DANE records match",
	Doc: check.Doc{
		What: "At least one usable TLSA record of the mail server must match the certificates it serves, at every address.",
		Why:  "A record that does not match is worse than none: senders that use DANE hold their mail back, and return it in the end.",
		How:  "Change the records before the key: publish one for the next key, wait until it is in all caches, then change the key, then delete the old record. Or keep the key when the certificate is renewed.",
	},
	Cites:    []check.Citation{check.RFC("7672", "3"), check.RFC("7671", "5"), check.InternetNL("mail_starttls_dane_valid")},
	Requires: []*check.Check{starttlsExists, daneExists},
	Args:     append([]string{"records", "record"}, certArgs...),
	Codes: []*check.Code{daneValidGood, daneValidCountedBad, daneValidNotCounted, daneUnusable, daneMismatch, daneMismatchName, daneMismatchDate,
		daneMismatchPath, daneMismatchCountedGood, daneMismatchNotCounted, daneMismatchElsewhere, noCertificate},
	Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
		src := sourceOf(s, subject.Host)
		f := judgeEach(s, subject.Host, daneMismatchElsewhere, daneMismatchElsewhere, func(x *served) answer { return judgeDANE(s, src, x) })
		f.Evidence = append(f.Evidence, pointers(s, src.own)...)
		return f
	},
}

// judgeDANE verifies signatures only where no DANE-EE record matches: one such
// record decides, whatever others say (RFC 7671, Section 5.1).
func judgeDANE(s *evidence.Snapshot, src source, x *served) answer {
	if x.chain == nil {
		return answer{code: noCertificate}
	}
	in := src.input(s, x)
	in.MatchOnly = true
	res := dane.Verify(in)
	if !res.MatchedEE() {
		in.MatchOnly = false
		res = dane.Verify(in)
	}
	var texts []string
	for _, r := range res.Records {
		texts = append(texts, recordWords(r))
	}
	code := daneCode(res, src.compatStatus(s, x))
	return answer{code: code, args: map[string]string{"records": join(texts), "record": src.record(x)}}
}

// daneCode joins our reading with Internet.nl's.
func daneCode(res dane.Result, compat dane.CompatStatus) *check.Code {
	switch {
	case res.Verdict == dane.Validated:
		return map[dane.CompatStatus]*check.Code{
			dane.CompatValidated: daneValidGood, dane.CompatFailed: daneValidCountedBad, dane.CompatNone: daneValidNotCounted,
		}[compat]
	case compat == dane.CompatValidated:
		return daneMismatchCountedGood
	case compat == dane.CompatNone:
		return daneMismatchNotCounted
	case res.Verdict == dane.Unusable:
		return daneUnusable
	}
	switch res.Worst() {
	case dane.WrongName:
		return daneMismatchName
	case dane.OutsideValidity:
		return daneMismatchDate
	case dane.NoPath, dane.Unreadable:
		return daneMismatchPath
	}
	return daneMismatch
}
