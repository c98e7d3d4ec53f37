package dnscheck

import (
	"slices"
	"strings"

	"mailvet/dnscheck/dkim"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

const dkimNewKey = "Make a new key of 2048 bits at the mail server or provider, publish it at a new selector, and sign with that. When nothing signed with the old key is under way any more, after a week or so, revoke it: {revoke}"

// dkimTrouble is something wrong with a key, with the answer that says so.
type dkimTrouble struct {
	code *check.Code
	has  func(dkimRow) bool
}

// trouble makes a row of dkimTroubles out of a code of the check.
func trouble(c check.Code, has func(dkimRow) bool) dkimTrouble { return dkimTrouble{&c, has} }

// broken is a record that verifiers cannot use, for one of some faults.
func broken(name, advice string, faults ...dkim.Fault) dkimTrouble {
	return trouble(check.Code{Name: name, Outcome: check.Fail,
		Text:   "{domain} has a DKIM record that verifiers cannot use, so that signatures with it count for nothing: {at}. Found: {list}.",
		Advice: advice,
		Cites:  []check.Citation{check.RFC("6376", "3.6.1"), check.RFC("6376", "6.1.2")},
	}, func(r dkimRow) bool { return r.err != nil && slices.Contains(faults, r.err.Fault) })
}

const dkimAgain = "Copy the record anew from the mail server or provider, whole, and publish it as one TXT record at {at}. "

// dkimTroubles is what may be wrong with keys, the worst first: the first that
// any key has is the answer.
var dkimTroubles = []dkimTrouble{
	trouble(check.Code{Name: "unsafe", Outcome: check.Fail,
		Text:   "{domain} has a DKIM key that protects nothing, because its numbers are not those of an RSA key: an exponent that is even or 1, or an even modulus. At {at}. Found: {list}.",
		Advice: dkimNewKey, Cites: []check.Citation{check.RFC("8017", "3.1")},
	}, func(r dkimRow) bool { return r.key != nil && r.key.Unsafe() }),
	trouble(check.Code{Name: "short", Outcome: check.Fail,
		Text:   "{domain} has an RSA key of under 1024 bits for DKIM: anybody can work out the private key and sign in the name of {domain}, and verifiers must not accept it. At {at}. Found: {list}.",
		Advice: dkimNewKey, Cites: []check.Citation{check.RFC("8301", "3.2")},
	}, func(r dkimRow) bool { return r.key != nil && r.key.Strength() == dkim.TooShort }),
	broken("several", "Keep one TXT record at {at} and remove the others: verifiers fail, or take any of them.", dkim.Several),
	broken("quotes", dkimAgain+"The quotation marks around the text belong to zone files; leave them out where a form asks for the value.", dkim.Quotes),
	broken("backslash", dkimAgain+"In zone files and forms a semicolon within quotation marks needs no backslash: take out all of them.", dkim.Backslash),
	broken("duplicate", "Publish each tag once in the record at {at}; a tag that occurs twice makes all of it invalid.", dkim.Duplicate),
	broken("version", "The record at {at} has to begin with \"v=DKIM1;\", in capitals, or to have no tag v at all.", dkim.Version, dkim.VersionLate),
	broken("no-key", "The record at {at} lacks its key, the tag p. "+dkimAgain, dkim.NoKey),
	broken("base64", dkimAgain+"The value of p is often cut off by a form or damaged by a line break: compare its length, and split it into several strings of at most 255 octets only where the software does not.", dkim.Base64),
	broken("asn1", dkimAgain+"The value of p must be the public key in DER and base64, all of it: what stands between the BEGIN and END lines of a PUBLIC KEY file, in one line.", dkim.ASN1, dkim.TrailingData),
	broken("wrong-type", "Let k in the record at {at} name the type that the key has: k=rsa for RSA, k=ed25519 for Ed25519. Without k it is rsa; other types cannot be used.", dkim.WrongType),
	broken("unknown-type", "Verifiers ignore keys of other types than rsa and ed25519. Sign with one of these, and publish its key at {at}.", dkim.UnknownType),
	broken("ed25519-length", dkimAgain+"The value of p is the 32 octets of the Ed25519 key in base64, 44 characters.", dkim.Ed25519Length),
	broken("ed25519-wrapped", "Replace p in the record at {at} by the 32 octets of the key alone, in base64, without the ASN.1 that openssl puts around them; the finding shows it.", dkim.Ed25519Wrapped),
	broken("syntax", "Publish one TXT record at {at} of this form, with nothing else in it: \"v=DKIM1; k=rsa; p=MIIB...\"", dkim.Syntax, dkim.BadList),
	trouble(check.Code{Name: "sha1-only", Outcome: check.Fail,
		Text:   "{domain} has a DKIM key that allows signatures with SHA-1 alone (tag h), which verifiers must not accept. At {at}. Found: {list}.",
		Advice: "Leave the tag h out of the record at {at}, and let the mail server sign with SHA-256 (rsa-sha256).", Cites: []check.Citation{check.RFC("8301", "3.1")},
	}, func(r dkimRow) bool { return r.record != nil && r.err == nil && !r.record.SHA256() }),
	broken("not-a-key", "Remove the TXT record at {at}, or publish the key there that should be there. Where the name is an alias (CNAME), see whether it leads to what the provider tells.", dkim.NotKey),
	trouble(check.Code{Name: "small", Outcome: check.Weak,
		Text:   "{domain} has an RSA key of 1024 to 2047 bits for DKIM; such keys should be replaced by longer ones. At {at}. Found: {list}.",
		Advice: dkimNewKey, Cites: []check.Citation{check.RFC("8301", "3.2")},
	}, func(r dkimRow) bool { return r.key != nil && r.key.Strength() == dkim.Small }),
	trouble(check.Code{Name: "not-for-mail", Outcome: check.Weak,
		Text:   "{domain} has a DKIM key that its tag s does not allow to be used for mail. At {at}. Found: {list}.",
		Advice: "Leave the tag s out of the record at {at} if mail is signed with the key.", Cites: []check.Citation{check.RFC("6376", "3.6.1")},
	}, func(r dkimRow) bool { return r.record != nil && r.key != nil && !r.record.ForMail() }),
	trouble(check.Code{Name: "low-exponent", Outcome: check.Weak,
		Text:   "{domain} has an RSA key with an exponent below 65537 for DKIM, such as 3, which careless verifiers can be deceived about. At {at}. Found: {list}.",
		Advice: dkimNewKey, Cites: []check.Citation{{Source: "FIPS 186-5", Section: "A.1.1"}},
	}, func(r dkimRow) bool { return r.key != nil && r.key.LowExponent() }),
	trouble(check.Code{Name: "bare-key", Outcome: check.Weak,
		Text:   "{domain} has a DKIM key in the form RSAPublicKey. RFC 6376 says so, but in its examples, and for many verifiers, it is a SubjectPublicKeyInfo: they do not accept the signatures. At {at}. Found: {list}.",
		Advice: "Publish the key at {at} in the form that openssl rsa -pubout writes (BEGIN PUBLIC KEY), not BEGIN RSA PUBLIC KEY.", Cites: []check.Citation{check.RFC("6376", "3.6.1"), {Source: "RFC 6376, Erratum 3017"}},
	}, func(r dkimRow) bool { return r.key != nil && r.key.Bare }),
	trouble(check.Code{Name: "loose-syntax", Outcome: check.Weak,
		Text:   "{domain} has a DKIM record that departs from the grammar in a way that most verifiers, but not all, overlook: {at}. Found: {list}.",
		Advice: "Take out the white space behind the last semicolon, and tags without a value, except an empty p, which revokes the key.", Cites: []check.Citation{check.RFC("6376", "3.2")},
	}, func(r dkimRow) bool { return r.err != nil && r.err.Tolerated() }),
	trouble(check.Code{Name: "testing", Outcome: check.Weak,
		Text:   "{domain} says with t=y that it only tests DKIM: verifiers then treat mail as if it were not signed. At {at}. Found: {list}.",
		Advice: "When signing works, take \"t=y\" out of the record at {at}.", Cites: []check.Citation{check.RFC("6376", "3.6.1")},
	}, func(r dkimRow) bool { return r.key != nil && r.record.Testing() }),
}

var (
	keysOnlyEd25519 = &check.Code{Name: "only-ed25519", Outcome: check.Weak,
		Text:   "{domain} has only Ed25519 keys for DKIM among the selectors asked for. Many receivers cannot verify these yet, and take the mail for unsigned. Found: {list}.",
		Advice: "Sign each message twice: with an RSA key of 2048 bits at a selector of its own besides.",
		Cites:  []check.Citation{check.RFC("8463", "3"), check.RFC("6376", "3.3")}}
	keysOnlyRevoked = &check.Code{Name: "only-revoked", Outcome: check.Weak,
		Text:   "All keys found are revoked: {list}. Signatures with them count for nothing. {domain} may sign with another selector that was not asked for.",
		Advice: "If mail is still signed with such a selector, make a new key and publish it. Else name the selector in use with --selectors."}
	keysGood = &check.Code{Name: "good", Outcome: check.Pass,
		Text: "The DKIM keys of {domain} that were found are as they should be: {list}."}
	keysNoEmail = &check.Code{Name: "no-email", Outcome: check.NotApplicable,
		Text: "{domain} says with its SPF and DMARC records that it sends no mail, and no key of it that could still be used was found: as it should be."}
	keysNoEmailKeys = &check.Code{Name: "no-email-keys", Outcome: check.Weak,
		Text:   "{domain} says with its SPF and DMARC records that it sends no mail, and yet it has DKIM keys: {list}. Whoever has the private keys can sign in its name, and passes DMARC.",
		Advice: "Revoke the keys: {revoke}"}
	keysNoNames = &check.Code{Name: "no-names", Outcome: check.NotApplicable,
		Text: "{domain} has no DKIM keys, because {name} does not exist."}
	keysWildcard = &check.Code{Name: "wildcard", Outcome: check.NotApplicable,
		Text: "No key of {domain} can be judged, because every selector is answered, also one that surely does not exist."}
	keysNone = &check.Code{Name: "none-found", Outcome: check.NotApplicable,
		Text:   "No DKIM key of {domain} was found at the {asked} selectors asked for, so there is none to judge. That proves nothing: it may have keys at others.",
		Advice: dkimName4Users}
	keysUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text:   "What DKIM keys {domain} has is not known, because a DNS question failed ({failed}).",
		Advice: "Scan again later. If it stays so, see whether the name servers of {domain} answer questions for names below {name}."}
	keysNotLookedUp = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "What DKIM keys {domain} has was not found out ({failed}): no resolver could be reached, or the scan ended before."}
)

var dkimKeysCheck = &check.Check{
	ID: "dkim-keys", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
	Title: "Quality of DKIM keys",
	Doc: check.Doc{
		What: "The key records at the selectors that were found: whether they can be read, the type and length of the keys, whether they are revoked, for testing only, or restricted. The worst key decides.",
		Why:  "RSA keys of 512 bits are computed in hours, after which anybody signs in the domain's name; verifiers refuse those under 1024 bits. A record with a fault makes every signature fail, which nobody notices without reports.",
		How:  "Use RSA keys of 2048 bits, with an Ed25519 key besides if you like. Publish the record as the mail server shows it: SELECTOR._domainkey.DOMAIN. IN TXT \"v=DKIM1; k=rsa; p=...\"",
	},
	Cites:    []check.Citation{check.RFC("6376", "3.6.1"), check.RFC("8301", "3"), check.RFC("8463", "4")},
	Args:     []string{"domain", "name", "asked", "at", "revoke", "list", "fingerprints", "failed"},
	Codes:    dkimKeysCodes(),
	Evaluate: evaluateDKIMKeys,
}

func dkimKeysCodes() []*check.Code {
	var list []*check.Code
	for _, t := range dkimTroubles {
		list = append(list, t.code)
	}
	return append(list, keysOnlyEd25519, keysOnlyRevoked, keysGood, keysNoEmail, keysNoEmailKeys, keysNoNames, keysWildcard, keysNone, keysUnknown, keysNotLookedUp)
}

func evaluateDKIMKeys(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	v := viewDKIM(s)
	code, bad := worstKey(v.found)
	f := check.Finding{Code: code}
	blind := v.blind()
	silent := compatSendsNothing(s) || sendsNothing(s)
	live := slices.DeleteFunc(slices.Clone(v.found), func(r dkimRow) bool { return r.key == nil })
	dangerous := len(live) > 0 && (code.Name == "unsafe" || code.Name == "short")
	switch {
	case len(blind) > 0:
		f = unknownFinding(keysUnknown, keysNotLookedUp, "", blind...)
	case silent && len(live) > 0 && !dangerous:
		f.Code, bad = keysNoEmailKeys, live
	case silent && len(live) == 0:
		f.Code = keysNoEmail
	case len(v.found) > 0: // as it is
	case v.zone.Outcome == evidence.OutcomeNXDomain:
		f.Code = keysNoNames
	case len(v.wild) > 0:
		f.Code = keysWildcard
	default:
		f.Code = keysNone
	}
	v.args(s, &f)
	f.Args["list"], f.Args["at"] = listRows(v.found, dkimRow.long), atNames(s, bad)
	f.Args["fingerprints"], f.Args["revoke"] = fingerprints(v.found), revoking(s, bad)
	return f
}

// worstKey picks the answer for what was found, and to which rows it applies.
func worstKey(rows []dkimRow) (*check.Code, []dkimRow) {
	for _, t := range dkimTroubles {
		if bad := slices.DeleteFunc(slices.Clone(rows), func(r dkimRow) bool { return !t.has(r) }); len(bad) > 0 {
			return t.code, bad
		}
	}
	keys, ed25519 := 0, 0
	for _, r := range rows {
		if r.key != nil {
			keys++
			if r.key.Type == dkim.Ed25519 {
				ed25519++
			}
		}
	}
	switch {
	case keys == 0:
		return keysOnlyRevoked, rows
	case keys == ed25519:
		return keysOnlyEd25519, rows
	}
	return keysGood, rows
}

// atNames is the names of keys, for advice.
func atNames(s *evidence.Snapshot, rows []dkimRow) string {
	var names []string
	for _, r := range rows {
		names = append(names, shown(dkim.Name(r.Name, s.Domain)))
	}
	if len(names) == 0 {
		return "none"
	}
	return enumerate(names)
}

// revoking is the records that revoke keys, as they stand in a zone file.
func revoking(s *evidence.Snapshot, rows []dkimRow) string {
	var records []string
	for _, r := range firstOf(rows, 3) {
		records = append(records, txtRecord(dkim.Name(r.Name, s.Domain), "v=DKIM1; p="))
	}
	return strings.Join(records, " and ")
}

// fingerprints is "SELECTOR sha256:HEX", with semicolons between them, for
// programs that look for a key of several domains; empty where there is none.
func fingerprints(rows []dkimRow) string {
	var list []string
	for _, r := range firstOf(rows, maxListed) {
		if r.key != nil {
			list = append(list, shown(r.Name)+" "+r.key.Fingerprint())
		}
	}
	return strings.Join(list, "; ")
}
