package smtpcheck

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/dane"
)

// Records are there and secure.
var (
	daneFound = &check.Code{Name: "found", Outcome: check.Pass, Verdict: "good",
		Text: "There are secure TLSA records for {host}: {records}."}
	daneFoundMXInsecure = &check.Code{Name: "found-mx-insecure", Outcome: check.Weak, Verdict: "good", Cites: []check.Citation{check.RFC("7672", "2.2.1")},
		Text:   "There are secure TLSA records for {host} ({records}), but the MX records of {domain} are not signed: who can forge these leads mail to another server, and DANE does not help. Internet.nl counts the TLSA records all the same.",
		Advice: "Have the zone of {domain} signed with DNSSEC."}
	daneFoundHostInsecure = &check.Code{Name: "found-host-insecure", Outcome: check.Weak, Verdict: "good", Cites: []check.Citation{check.RFC("7672", "2.2.2")},
		Text:   "There are secure TLSA records for {host} ({records}), but its addresses are not signed, so that senders do not look for TLSA records at all. Internet.nl counts them all the same.",
		Advice: "Have the zone signed that the addresses of {host} stand in, which an alias may have led to."}
	daneFoundAtAlias = &check.Code{Name: "found-at-alias", Outcome: check.Pass, Verdict: "bad", Cites: []check.Citation{check.RFC("7672", "2.2.3")},
		Text:   "{host} is an alias for {base}, and there are secure TLSA records for that name: {records}. Internet.nl looks for them at {host} only, and finds none.",
		Advice: "Point the MX record to {base} itself: an MX record must not point to an alias (RFC 2181, Section 10.3)."}
	daneFoundNoCertificate = &check.Code{Name: "found-without-certificate", Outcome: check.Pass, Verdict: "bad",
		Text:   "There are secure TLSA records for {host}: {records}. Internet.nl cannot read the certificate to compare them with, and then counts them as missing.",
		Advice: "Install a certificate as an authority issues it."}
	daneOnlyPKIX = &check.Code{Name: "only-pkix", Outcome: check.Fail, Verdict: "bad", Cites: []check.Citation{check.RFC("7672", "3.1.3")},
		Text:   "The TLSA records of {host} have usage 0 or 1 only ({records}). These mean nothing for mail: senders encrypt, but authenticate nobody.",
		Advice: "Publish this record instead: {record}"}
)

// Records are not there, or not secure.
var (
	daneNone = &check.Code{Name: "none", Outcome: check.Fail, Verdict: "bad",
		Text:   "There are no TLSA records for {host}. Its zone is signed, so that nothing else is missing for DANE.",
		Advice: "Publish this record, and with it one for the next key before the key is changed: {record}"}
	daneNoneUnsigned = &check.Code{Name: "none-unsigned", Outcome: check.Fail, Verdict: "bad",
		Text:   "There are no TLSA records for {host}, and its zone is not signed.",
		Advice: "Have the zone of {host} signed with DNSSEC first; TLSA records without it mean nothing. Then publish this record: {record}"}
	daneInsecure = &check.Code{Name: "insecure", Outcome: check.Fail, Verdict: "bad", Cites: []check.Citation{check.RFC("7672", "2.2")},
		Text:   "There are TLSA records for {host} ({records}), but they are not signed. Senders ignore them, and Internet.nl counts them as missing.",
		Advice: "Have the zone of {host} signed with DNSSEC."}
	daneBogus = &check.Code{Name: "bogus", Outcome: check.Fail, Verdict: "bogus", Cites: []check.Citation{check.RFC("7672", "2.2")},
		Text:   "There are TLSA records for {host}, but their signatures are wrong ({reason}). Senders that use DANE hold their mail back.",
		Advice: "Repair DNSSEC in the zone of {host} at once."}
	daneDenialBogus = &check.Code{Name: "denial-bogus", Outcome: check.Fail, Verdict: "bad", Cites: []check.Citation{check.RFC("7672", "2.2")},
		Text:   "The answer that there are no TLSA records for {host} is not signed as it must be ({reason}). Senders that use DANE hold their mail back. Internet.nl counts the records as missing, no more.",
		Advice: "Repair DNSSEC in the zone of {host} at once, in particular the answers for names that do not exist; some old load balancers get them wrong."}
	daneLookupFailed = &check.Code{Name: "lookup-failed", Outcome: check.Inconclusive, Verdict: "bad", Cites: []check.Citation{check.RFC("7672", "2.2")},
		Text:   "Whether there are TLSA records for {host} could not be looked up ({reason}). If others get no answer either, senders that use DANE hold their mail back. Internet.nl would count the records as missing.",
		Advice: "Scan again. If it stays so, the name servers do not answer for {name}; some old load balancers do that for types they do not know."}
	daneSecurityUnknown = &check.Code{Name: "security-unknown", Outcome: check.Inconclusive, Verdict: "bad",
		Text:   "Whether the answer about the TLSA records of {host} is secure is not known ({reason}). Internet.nl counts the records as missing where it cannot tell that they are secure.",
		Advice: "Scan again, with a resolver that passes DNSSEC records on."}
	daneKeysUnknown = &check.Code{Name: "keys-unknown", Outcome: check.Inconclusive, Verdict: "bogus", Cites: []check.Citation{check.RFC("7672", "2.2")},
		Text:   "There are TLSA records for {host}, but the keys to judge their signatures could not be had ({reason}). Validating resolvers refuse such an answer, and Internet.nl counts it as one with wrong signatures.",
		Advice: "Scan again. If it stays so, see whether all name servers of the zone answer questions for DS and DNSKEY records."}
	daneNotAsked = &check.Code{Name: "not-asked", Outcome: check.Inconclusive, NotAsked: true,
		Text: "The TLSA records of {host} were not asked for."}
)

// The host could not be tested, so that Internet.nl does not look for records;
// they are in the DNS all the same.
var (
	daneBlockedWith = &check.Code{Name: "host-failed-with-records", Outcome: check.Blocked,
		Text: "There are secure TLSA records for {host} ({records}), which oblige senders to use TLS with it. It does not count, because \"{requires}\" did not pass."}
	daneBlockedWithout = &check.Code{Name: "host-failed-without-records", Outcome: check.Blocked,
		Text: "There are no secure TLSA records for {host}. It does not count, because \"{requires}\" did not pass."}
	daneUnknownWith = &check.Code{Name: "host-unknown-with-records", Outcome: check.Inconclusive, Verdict: check.Untested,
		Text: "{host} has secure TLSA records. Whether they count is not known, because \"{requires}\" is not."}
	daneUnknownWithout = &check.Code{Name: "host-unknown-without-records", Outcome: check.Inconclusive, Verdict: check.Untested,
		Text:   "{host} has no secure TLSA records. Whether that counts is not known, because \"{requires}\" is not.",
		Advice: "Publish TLSA records for each mail server, in a signed zone."}
	daneSkippedWith = &check.Code{Name: "host-not-asked-with-records", Outcome: check.Inconclusive, NotAsked: true,
		Text: "{host} has secure TLSA records. They do not count, because \"{requires}\" was not tested."}
	daneSkippedWithout = &check.Code{Name: "host-not-asked-without-records", Outcome: check.Inconclusive, NotAsked: true,
		Text:   "{host} has no secure TLSA records. It does not count, because \"{requires}\" was not tested.",
		Advice: "Publish TLSA records for each mail server, in a signed zone."}
)

var daneExists = &check.Check{
	ID: "dane-exists", API: "mail_starttls_dane_exist", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
	Title: "DANE records",
	Doc: check.Doc{
		What: "TLSA records at _25._tcp and the name of the mail server, signed with DNSSEC, say which certificate or key senders will meet there.",
		Why:  "STARTTLS alone can be taken away, and any certificate put in its place, by who controls the path. TLSA records tell senders that there is TLS and how to know the server.",
		How:  "Publish a record \"3 1 1\" with the SHA-256 hash of the server's public key: openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum. The zone must be signed.",
	},
	Cites: []check.Citation{check.RFC("7672", "2.2"), check.RFC("6698", "2"), check.InternetNL("mail_starttls_dane_exist")},
	Args:  []string{"host", "domain", "base", "name", "records", "record", "reason", "requires"},
	Codes: []*check.Code{
		daneFound, daneFoundMXInsecure, daneFoundHostInsecure, daneFoundAtAlias, daneFoundNoCertificate, daneOnlyPKIX,
		daneNone, daneNoneUnsigned, daneInsecure, daneBogus, daneDenialBogus, daneLookupFailed, daneSecurityUnknown, daneKeysUnknown, daneNotAsked,
		daneBlockedWith, daneBlockedWithout, daneUnknownWith, daneUnknownWithout, daneSkippedWith, daneSkippedWithout,
	},
	Evaluate: evaluateDANEExists,
}

// evaluateDANEExists requires starttls-exists like the others, but does so
// itself, to be able to say what is in the DNS where that did not pass.
//
// It sets no points: Internet.nl has one DANE score for this check and for
// dane-valid, and the policy takes it from there.
func evaluateDANEExists(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
	host := subject.Host
	tls := evaluateSTARTTLS(s, subject).Code
	if host == "" {
		return withoutServer(tls)
	}
	src := sourceOf(s, host)
	counted := countedOf(s, host)
	var texts []string
	for _, t := range tlsaRecords(src.own) {
		texts = append(texts, t.String())
	}
	f := check.Finding{Evidence: pointers(s, src.own), Args: map[string]string{
		"host": host, "domain": s.Domain, "base": src.base, "name": tlsaName(src.base), "records": join(texts),
		"record": src.record(counted), "reason": lookupReason(src.own), "requires": starttlsExists.Title,
	}}
	switch {
	case tls.Outcome != check.Pass && tls.Outcome != check.Weak:
		f.Code = untestedCode(src, tls)
	case secure(src.own):
		f.Code = foundCode(s, src, counted)
	default:
		f.Code = missingCode(src.own)
	}
	return f
}

// withoutServer answers for a domain without MX host.
func withoutServer(tls *check.Code) check.Finding {
	f := check.Finding{Code: commonCode(tls), Args: map[string]string{"requires": starttlsExists.Title}}
	if f.Code == check.UnknownBy {
		f.Verdict = check.Untested
	}
	return f
}

// commonCode is the answer that [check.Run] gives where a requirement did not
// pass.
func commonCode(required *check.Code) *check.Code {
	switch {
	case required.Outcome == check.Inconclusive && required.NotAsked:
		return check.SkippedBy
	case required.Outcome == check.Inconclusive:
		return check.UnknownBy
	case required.Outcome == check.NotApplicable:
		return check.NothingBy
	}
	return check.BlockedBy
}

func untestedCode(src source, tls *check.Code) *check.Code {
	with := secure(src.own)
	pick := func(yes, no *check.Code) *check.Code {
		if with {
			return yes
		}
		return no
	}
	switch {
	case src.own == nil || src.own.Unknown():
		return commonCode(tls)
	case tls.Outcome == check.Fail:
		return pick(daneBlockedWith, daneBlockedWithout)
	case tls.NotAsked:
		return pick(daneSkippedWith, daneSkippedWithout)
	}
	return pick(daneUnknownWith, daneUnknownWithout)
}

func foundCode(s *evidence.Snapshot, src source, counted *served) *check.Code {
	switch {
	case !dane.CompatShown(src.ownRecords()):
		return daneOnlyPKIX
	case src.base != src.host && len(src.compatRecords()) == 0:
		return daneFoundAtAlias
	case counted != nil && counted.chain != nil && counted.leaf() == nil:
		return daneFoundNoCertificate
	case insecure(s, s.Domain, "MX"):
		return daneFoundMXInsecure
	case insecure(s, src.host, "A") || insecure(s, src.host, "AAAA"):
		return daneFoundHostInsecure
	}
	return daneFound
}

func insecure(s *evidence.Snapshot, name, typ string) bool {
	l := s.Lookup(name, typ)
	return l.Exists() && l.Security == evidence.SecurityInsecure
}

// missingCode is for an answer that is not one of secure records.
func missingCode(l *evidence.Lookup) *check.Code {
	switch {
	case l == nil:
		return daneNotAsked
	case l.Unknown():
		return daneLookupFailed
	}
	switch l.Security {
	case evidence.SecurityBogus:
		if l.Exists() {
			return daneBogus
		}
		return daneDenialBogus
	case evidence.SecurityIndeterminate:
		if l.Exists() {
			return daneKeysUnknown
		}
		return daneSecurityUnknown
	case evidence.SecurityUnknown:
		if l.Exists() {
			return daneSecurityUnknown
		}
		return daneNoneUnsigned
	case evidence.SecurityInsecure:
		if l.Exists() {
			return daneInsecure
		}
		return daneNoneUnsigned
	case evidence.SecuritySecure:
		return daneNone
	}
	panic("smtpcheck: security " + l.Security.String())
}

// lookupReason says in data why an answer is not a secure one.
func lookupReason(l *evidence.Lookup) string {
	switch {
	case l == nil:
		return "not asked"
	case l.Failure != nil:
		return bound(l.Failure.Words())
	case l.Unknown():
		return bound(l.Words())
	case l.Reason != "":
		return bound(l.Reason)
	}
	return securityWords[l.Security]
}

// securityWords says for people what the status of an answer means.
var securityWords = map[evidence.Security]string{
	evidence.SecurityUnknown: "it was not validated", evidence.SecuritySecure: "it is secure", evidence.SecurityInsecure: "it is not signed",
	evidence.SecurityBogus: "its signatures are wrong", evidence.SecurityIndeterminate: "its keys could not be had",
}
