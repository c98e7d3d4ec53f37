package dnscheck

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailvet/dnscheck/openpgp"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// mailboxAnswers are the answers of one of the three places for keys.
type mailboxAnswers struct{ usable, unsigned, unfit, none, unknown, cut *check.Code }

// newMailboxAnswers makes them for a place, such as "an OPENPGPKEY record".
func newMailboxAnswers(place, why string) mailboxAnswers {
	return mailboxAnswers{
		usable: &check.Code{Name: "usable", Outcome: check.Pass, Text: "{address} has a key in " + place + ": {key}."},
		unsigned: &check.Code{Name: "not-secure", Outcome: check.Weak,
			Text:   "{address} has a key in " + place + " ({key}), but the answer is not protected by DNSSEC, so nobody may rely on it.",
			Advice: "Sign {domain} with DNSSEC, or publish the key in a Web Key Directory."},
		unfit: &check.Code{Name: "not-usable", Outcome: check.Weak,
			Text:   "What {address} has in " + place + " cannot be used: {key}.",
			Advice: why},
		none:    &check.Code{Name: "none", Outcome: check.NotApplicable, Text: "{address} has no key in " + place + "."},
		unknown: &check.Code{Name: "unknown", Outcome: check.Inconclusive, Text: "Whether {address} has a key in " + place + " could not be found out ({failed}).", Advice: "Scan again later."},
		cut: &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
			Text: "Whether {address} has a key in " + place + " was not looked up: no resolver could be reached, requests by HTTPS were left out, or the scan ended before."},
	}
}

func (a mailboxAnswers) codes() []*check.Code {
	list := []*check.Code{a.usable, a.unfit, a.none, a.unknown, a.cut}
	if a.unsigned != nil {
		list = append(list, a.unsigned)
	}
	return list
}

var (
	mailboxArgs = []string{"address", "domain", "key", "failed"}
	newPGPKey   = "Publish the key that is in use, as a binary key whose user ID names {address}, without an end that has passed."
	pgpAnswers  = newMailboxAnswers("an OPENPGPKEY record", newPGPKey)
	smAnswers   = newMailboxAnswers("an SMIMEA record", "Publish the certificate that is in use, one whose alternative names have {address}: usage 3, selector 0, matching type 0.")
	wkdAnswers  = withoutDNSSEC(newMailboxAnswers("the Web Key Directory", newPGPKey+" It has to be served by HTTPS with a valid certificate, without redirect."))

	mailboxPGPKey = &check.Check{
		ID: "mailbox-openpgpkey", Category: check.Extra, Level: check.Informational, Scope: check.PerMailbox,
		Title: "OpenPGP key in the DNS",
		Doc: check.Doc{
			What: "Whether the mail address that was given has an OPENPGPKEY record, signed with DNSSEC, and what the key in it says of itself. Only with an address, not with a domain.",
			Why:  "Mail programs and gateways that know the record encrypt to the address without being asked. Without DNSSEC anybody on the way could put in another key.",
			How:  "Sign the domain, and publish the binary key at the name made of the local part: gpg --export --export-options export-dane makes the record.",
		},
		Cites: []check.Citation{check.RFC("7929", "3"), check.RFC("7929", "5.1")}, Args: mailboxArgs, Codes: pgpAnswers.codes(),
		Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
			return pgpAnswers.record(s, pgpRecord, pgpWords)
		},
	}
	mailboxSMIMEA = &check.Check{
		ID: "mailbox-smimea", Category: check.Extra, Level: check.Informational, Scope: check.PerMailbox,
		Title: "S/MIME certificate in the DNS",
		Doc: check.Doc{
			What: "Whether the mail address that was given has an SMIMEA record, signed with DNSSEC, and what the certificate in it says of itself. Only with an address, not with a domain.",
			Why:  "Mail programs and gateways that know the record encrypt to the address, or verify its signatures, without an authority that both sides pay.",
			How:  "Sign the domain, and publish the certificate at the name made of the local part, as for TLSA: 3 0 0 with the whole certificate.",
		},
		Cites: []check.Citation{check.RFC("8162", "3"), check.RFC("8162", "4")}, Args: mailboxArgs, Codes: smAnswers.codes(),
		Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
			return smAnswers.record(s, smimeRecord, smimeWords)
		},
	}
	mailboxWKD = &check.Check{
		ID: "mailbox-wkd", Category: check.Extra, Level: check.Informational, Scope: check.PerMailbox,
		Title: "OpenPGP key in the Web Key Directory",
		Doc: check.Doc{
			What: "Whether the domain's web server has an OpenPGP key for the mail address that was given: at openpgpkey.DOMAIN, or, where that does not exist, at the domain itself. Only with an address, not with a domain.",
			Why:  "Thunderbird, GnuPG and several providers look there, so that mail is encrypted without anybody exchanging keys first.",
			How:  "Serve the binary key at the address that gpg-wks-client --print-wkd-url ADDRESS prints, by HTTPS with a valid certificate, without redirect.",
		},
		Cites: []check.Citation{{Source: "draft-koch-openpgp-webkey-service", Section: "3.1"}, check.RFC("9580", "10.1")}, Args: mailboxArgs, Codes: wkdAnswers.codes(),
		Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding { return wkdAnswers.directory(s) },
	}
)

// withoutDNSSEC leaves out the answer for a record that is not signed.
func withoutDNSSEC(a mailboxAnswers) mailboxAnswers { a.unsigned = nil; return a }

// record judges the records of an address. words says what the data of one is
// like, and whether it can be used.
func (a mailboxAnswers) record(s *evidence.Snapshot, r mailboxRecord, words func(*evidence.Snapshot, evidence.RR) (string, bool)) check.Finding {
	m, _ := mailboxOf(s)
	l := r.found(s, m)
	f := check.Finding{Code: a.none, Args: map[string]string{"address": s.Address, "domain": s.Domain, "failed": whatFailed(l)}, Evidence: pointers(s, l)}
	switch {
	case ownFault(l):
		f.Code = a.cut
	case l.Unknown():
		f.Code = a.unknown
	case l.Exists():
		var texts []string
		f.Code = a.unfit
		for _, rr := range l.Answer {
			text, ok := words(s, rr)
			if ok && f.Code == a.unfit { // the first that is good is told
				f.Code, texts = a.usable, nil
			}
			if ok == (f.Code == a.usable) && len(texts) < 3 {
				texts = append(texts, text)
			}
		}
		if f.Code == a.usable && l.Security != evidence.SecuritySecure {
			f.Code = a.unsigned
		}
		f.Args["key"] = shown(strings.Join(texts, "; "))
	}
	return f
}

// directory judges what the Web Key Directory answered.
func (a mailboxAnswers) directory(s *evidence.Snapshot) check.Finding {
	m, _ := mailboxOf(s)
	lookups := []*evidence.Lookup{s.Lookup(m.keyHost(), "A"), s.Lookup(m.keyHost(), "AAAA")}
	got := s.Fetch(wkdURL(s))
	f := check.Finding{Code: a.none, Args: map[string]string{"address": s.Address, "domain": s.Domain}, Evidence: append(pointers(s, lookups...), pointers(s, got)...)}
	unknown := func(code *check.Code, why string) check.Finding {
		f.Code, f.Args["failed"] = code, shown(why)
		return f
	}
	open := slices.DeleteFunc(lookups, (*evidence.Lookup).Absent)
	switch {
	case wkdURL(s) == "" && slices.ContainsFunc(open, ownFault), got == nil && wkdURL(s) != "":
		return unknown(a.cut, "")
	case wkdURL(s) == "":
		return unknown(a.unknown, whatFailed(open...))
	case got.Unknown():
		why := "status " + strconv.Itoa(got.Status)
		if got.Failure != nil {
			why = got.Failure.Words()
		}
		return unknown(a.unknown, why)
	case got.Failure != nil || got.Status != 200:
		return f // no such host, no HTTPS, no such page
	case got.Truncated:
		f.Code, f.Args["key"] = a.unfit, "it is larger than "+strconv.Itoa(maxWKD)+" octets"
		return f
	}
	text, ok := pgpKeyWords(s, got.Body)
	f.Code, f.Args["key"] = a.unfit, shown(text)
	if ok {
		f.Code = a.usable
	}
	return f
}

// pgpWords describes the key of an OPENPGPKEY record.
func pgpWords(s *evidence.Snapshot, rr evidence.RR) (string, bool) {
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(rr.Data), ""))
	if err != nil {
		return "it is no base64", false
	}
	return pgpKeyWords(s, data)
}

// pgpKeyWords describes an OpenPGP key, and whether mail can be encrypted to it.
func pgpKeyWords(s *evidence.Snapshot, data []byte) (string, bool) {
	k, err := openpgp.Parse(data)
	switch {
	case errors.Is(err, openpgp.ErrArmor):
		return "the key is in ASCII armor, where it must be binary", false
	case err != nil:
		return "it is no OpenPGP key that can be read", false
	}
	text := "version " + strconv.Itoa(k.Version) + ", " + k.Algorithm.String() + ", made on " + day(k.Created)
	switch {
	case k.Revoked:
		return text + ", revoked", false
	case !k.Expires.IsZero() && k.Expires.Before(s.Time):
		return text + ", expired on " + day(k.Expires), false
	case !k.Has(s.Address):
		return text + ", none of its user IDs names the address", false
	case !k.Expires.IsZero():
		text += ", valid until " + day(k.Expires)
	}
	return text, true
}

// smimeWords describes an SMIMEA record (RFC 8162, Section 2).
func smimeWords(s *evidence.Snapshot, rr evidence.RR) (string, bool) {
	r, err := evidence.RR{Name: rr.Name, Type: "TLSA", Data: rr.Data}.TLSA()
	if err != nil || rr.Type != smimeRecord.typ {
		return "the record cannot be read", false
	}
	text := "usage " + strconv.Itoa(int(r.Usage)) + ", selector " + strconv.Itoa(int(r.Selector)) + ", matching type " + strconv.Itoa(int(r.Matching))
	switch {
	case r.Usage > 3 || r.Selector > 1 || r.Matching > 2:
		return text + ", which is not defined", false
	case r.Matching != 0 || r.Selector != 0:
		return text + ": it verifies a certificate that comes with signed mail, but holds none to encrypt to", false
	case r.Usage == 0 || r.Usage == 2:
		return text + ": it names an authority, and holds no certificate to encrypt to", false
	}
	c, err := x509.ParseCertificate(r.Data)
	if err != nil {
		return text + ", with something that is no certificate", false
	}
	text += ", a certificate valid until " + day(c.NotAfter)
	switch {
	case s.Time.After(c.NotAfter) || s.Time.Before(c.NotBefore):
		return text + " (and from " + day(c.NotBefore) + "), which is not now", false
	case !slices.ContainsFunc(c.EmailAddresses, func(a string) bool { return strings.EqualFold(a, s.Address) }):
		return text + ", which is not for the address", false
	}
	return text, true
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

var (
	encryptable = &check.Code{Name: "possible", Outcome: check.Pass, Text: "Mail to {address} can be encrypted by whoever looks for its key: it is published in {places}."}
	encryptNot  = &check.Code{Name: "not-possible", Outcome: check.Fail,
		Text:   "No key of {address} that could be used is published, neither in the DNS nor in a Web Key Directory. Mail to it can be encrypted only by those who got a key otherwise.",
		Advice: "Publish an OpenPGP key in a Web Key Directory, which most programs look at, or a key or certificate in the DNS (OPENPGPKEY, SMIMEA) if the domain is signed with DNSSEC."}
	encryptUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive, Text: "Whether a key of {address} is published could not be found out everywhere, and where it could, there is none that can be used."}

	mailboxEncryption = &check.Check{
		ID: "mailbox-encryption", Category: check.Extra, Level: check.Informational, Scope: check.PerMailbox,
		Title: "Encryption to the address",
		Doc: check.Doc{
			What: "Whether the mail address that was given has a published key to which mail can be encrypted from end to end: OPENPGPKEY, SMIMEA or the Web Key Directory. Only with an address, not with a domain.",
			Why:  "TLS protects mail between servers. On the servers it lies in clear, unless sender and recipient encrypt it themselves.",
			How:  "Publish a key in one of the three places.",
		},
		Cites: []check.Citation{check.RFC("7929", "1"), check.RFC("8162", "1")}, Args: []string{"address", "places"},
		Codes:    []*check.Code{encryptable, encryptNot, encryptUnknown},
		Evaluate: evaluateEncryption,
	}
)

func evaluateEncryption(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
	var places []string
	f := check.Finding{Code: encryptNot, Args: map[string]string{"address": s.Address}}
	for _, c := range []*check.Check{mailboxWKD, mailboxPGPKey, mailboxSMIMEA} {
		one := c.Evaluate(s, subject)
		f.Evidence = append(f.Evidence, one.Evidence...)
		switch one.Code.Outcome {
		case check.Pass:
			places = append(places, map[*check.Check]string{mailboxWKD: "the Web Key Directory", mailboxPGPKey: "an OPENPGPKEY record", mailboxSMIMEA: "an SMIMEA record"}[c])
		case check.Inconclusive:
			f.Code = encryptUnknown
		}
	}
	if len(places) > 0 {
		f.Code, f.Args["places"] = encryptable, strings.Join(places, ", ")
	}
	return f
}
