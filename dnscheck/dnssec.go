package dnscheck

import (
	"slices"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

var dnssecChecks = []*check.Check{dnssecExists, dnssecValid, dnssecMXExists, dnssecMXValid}

// dnssecWants names the one question whose validation tells whether a name is
// signed, for the domain and each mail server. Every zone has an SOA record,
// and below one a denial is signed in its place.
func dnssecWants(s *evidence.Snapshot) []evidence.Question {
	list := []evidence.Question{{Name: s.Domain, Type: "MX"}, {Name: s.Domain, Type: "SOA"}}
	for _, h := range s.Mail().Hosts {
		list = append(list, evidence.Question{Name: h, Type: "SOA"})
	}
	return list
}

// chain is what the validation of one name came to.
type chain uint8

const (
	chainNotAsked chain = iota // the scanner's own fault
	chainFailed                // the lookup failed
	chainStripped              // the resolver strips what validation needs
	chainUnjudged              // there is an answer, but nobody could judge it
	chainNoKeys                // there is an answer, but the keys to judge it could not be had
	chainSecure
	chainInsecure
	chainBogus
	chainSecureDenial // the name does not exist, and that is secure
	chainInsecureDenial
	chainBogusDenial
)

func chainOf(s *evidence.Snapshot, l *evidence.Lookup) chain {
	if ownFault(l) {
		return chainNotAsked
	}
	security := l.Security
	if !l.Outcome.Known() {
		if security != evidence.SecurityBogus && !toldBogus(l) {
			return chainFailed
		}
		security = evidence.SecurityBogus
	}
	if s.Vantage.StripsDNSSEC && security != evidence.SecuritySecure {
		return chainStripped
	}
	denial := l.Outcome == evidence.OutcomeNXDomain
	switch security {
	case evidence.SecuritySecure:
		if denial {
			return chainSecureDenial
		}
		return chainSecure
	case evidence.SecurityInsecure:
		if denial {
			return chainInsecureDenial
		}
		return chainInsecure
	case evidence.SecurityBogus:
		if denial {
			return chainBogusDenial
		}
		return chainBogus
	}
	if security == evidence.SecurityIndeterminate {
		return chainNoKeys
	}
	return chainUnjudged
}

// toldBogus reports whether a resolver refused the answer because it found it
// bogus, by the extended errors that Internet.nl goes by (RFC 8914, Section 4:
// 6 DNSSEC Bogus to 12 NSEC Missing).
func toldBogus(l *evidence.Lookup) bool {
	return l.Outcome == evidence.OutcomeServFail &&
		slices.ContainsFunc(l.EDE, func(e evidence.EDE) bool { return 6 <= e.Code && e.Code <= 12 })
}

// breaks says at which zone the chain of trust ends, and why.
func breaks(l *evidence.Lookup) (zone, reason string) {
	if l == nil {
		return "", ""
	}
	zone, reason = l.Name, l.Reason
	for _, z := range l.Zones {
		if z.Security != evidence.SecuritySecure {
			zone = z.Name
			if reason == "" {
				reason = z.Reason
			}
			break
		}
	}
	if reason == "" && len(l.EDE) > 0 {
		if reason = l.EDE[0].Text; reason == "" {
			reason = l.EDE[0].Name()
		}
	}
	if reason == "" {
		reason = "no reason is known"
	}
	return zone, reason
}

// dnssecArgs are the arguments of the texts of this family.
var dnssecArgs = []string{"domain", "name", "zone", "reason", "failed"}

// chainCodes is the answer of a check to each state of a chain.
type chainCodes map[chain]*check.Code

func (c chainCodes) codes() []*check.Code {
	var list []*check.Code
	for k := range chainBogusDenial + 1 {
		list = append(list, c[k])
	}
	return list
}

func (c chainCodes) finding(s *evidence.Snapshot, name string) check.Finding {
	l := s.Lookup(name, "SOA")
	zone, reason := breaks(l)
	code, verdict := c[chainOf(s, l)], ""
	if code == c[chainNoKeys] && l.Outcome == evidence.OutcomeNXDomain {
		verdict = c[chainBogusDenial].Verdict
	}
	return check.Finding{
		Code:     code,
		Verdict:  verdict,
		Args:     map[string]string{"domain": s.Domain, "name": name, "zone": zone, "reason": reason, "failed": whatFailed(l)},
		Evidence: pointers(s, l),
	}
}

const (
	adviceSign = "Have the zone signed and its DS record published at the registry. Most DNS providers do both on request; algorithm 13 (ECDSA P-256) is a good choice."
	adviceMend = "Mend the chain of trust at once, as validating resolvers do not find this name at all: compare the DS record at the registry with the zone's DNSKEY records, renew the signatures, and if that cannot be done soon, have the DS record removed."
	adviceName = "Check the name, or register it; mail for a name that does not exist cannot be delivered."
)

// unjudged are the answers, alike in all four checks, where nothing can be
// said. failed is Internet.nl's row for a DNS error, bogus the one for a name
// that its resolver refuses as bogus.
func unjudged(failed, bogus string) chainCodes {
	return chainCodes{
		chainNotAsked: {Name: "not-looked-up", Outcome: check.Inconclusive,
			Text: "Whether {name} is signed was not looked up: no resolver could be reached, or the scan ended before."},
		chainFailed: {Name: "lookup-failed", Outcome: check.Inconclusive, Verdict: failed,
			Text:   "Whether {name} is signed is not known, because the lookup failed ({failed}). Internet.nl counts that as a failure.",
			Advice: "Scan again later. If it stays so, the name servers of {name} do not answer, or answer what cannot be used."},
		chainStripped: {Name: "resolver-strips", Outcome: check.Inconclusive,
			Text:   "The resolver in use strips DNSSEC records from its answers, so nothing can be said about {name}.",
			Advice: "Use another resolver: --resolver ADDRESS, or one of your own that validates."},
		chainUnjudged: {Name: "not-validated", Outcome: check.Inconclusive,
			Text:   "There is an answer for {name}, but its signatures could not be judged ({reason}).",
			Advice: "Scan again later, or with another resolver (--resolver)."},
		chainNoKeys: {Name: "keys-unknown", Outcome: check.Inconclusive, Verdict: bogus,
			Text:   "There is an answer for {name}, but the keys to judge its signatures could not be had ({reason}). Validating resolvers refuse such an answer, and Internet.nl counts it as one with wrong signatures.",
			Advice: "Scan again later. If it stays so, see whether all name servers of {zone} answer questions for DS and DNSKEY records."},
	}
}

func merged(a, b chainCodes) chainCodes {
	for k, code := range b {
		a[k] = code
	}
	return a
}

// existCodes answer whether a name is signed at all: a broken chain is one too.
func existCodes() chainCodes {
	return merged(unjudged("resolver-error", "good"), chainCodes{
		chainSecure: {Name: "signed", Outcome: check.Pass, Verdict: "good",
			Text: "{name} is signed with DNSSEC."},
		chainInsecure: {Name: "unsigned", Outcome: check.Fail, Verdict: "bad",
			Text:   "{name} is not signed with DNSSEC: the chain of trust ends at {zone} ({reason}).",
			Advice: adviceSign},
		chainBogus: {Name: "signed-badly", Outcome: check.Pass, Verdict: "good",
			Text: "{name} is signed with DNSSEC, though not as it should be."},
		chainSecureDenial: {Name: "no-such-name-signed", Outcome: check.Pass, Verdict: "resolver-error",
			Text: "{name} does not exist, and the answer that says so is signed. Internet.nl counts this as a failed lookup.", Advice: adviceName},
		chainInsecureDenial: {Name: "no-such-name-unsigned", Outcome: check.Fail, Verdict: "resolver-error",
			Text: "{name} does not exist, and the answer that says so is not signed: the chain of trust ends at {zone} ({reason}). Internet.nl counts this as a failed lookup.", Advice: adviceName},
		chainBogusDenial: {Name: "no-such-name-signed-badly", Outcome: check.Pass, Verdict: "resolver-error",
			Text: "{name} is said not to exist. The zone is signed, but this answer does not prove it. Internet.nl counts this as a failed lookup.", Advice: adviceName},
	})
}

// validCodes answer whether the chain holds. failed is Internet.nl's row for a
// DNS error, NXDOMAIN included.
func validCodes(failed string) chainCodes {
	return merged(unjudged(failed, "bad"), chainCodes{
		chainSecure: {Name: "secure", Outcome: check.Pass, Verdict: "good",
			Text: "The signatures of {name} are valid up to the root."},
		chainInsecure: {Name: "unsigned", Outcome: check.Blocked, Verdict: "not-tested",
			Text: "{name} is not signed, so there is nothing to validate. Internet.nl gives 2 of 10 points for it."},
		chainBogus: {Name: "bogus", Outcome: check.Fail, Verdict: "bad",
			Text:   "The signatures of {name} are not valid: the chain of trust breaks at {zone} ({reason}).",
			Advice: adviceMend},
		chainSecureDenial: {Name: "no-such-name-secure", Outcome: check.Pass, Verdict: failed,
			Text: "{name} does not exist, and the proof of that is valid up to the root. Internet.nl gives no points, for it counts this as a failed lookup.", Advice: adviceName},
		chainInsecureDenial: {Name: "no-such-name-unsigned", Outcome: check.Blocked, Verdict: failed,
			Text: "{name} does not exist, and the answer that says so is not signed, so there is nothing to validate. Internet.nl gives no points.", Advice: adviceName},
		chainBogusDenial: {Name: "no-such-name-bogus", Outcome: check.Fail, Verdict: failed,
			Text: "{name} is said not to exist, but the proof of that is not valid: the chain of trust breaks at {zone} ({reason}). Internet.nl counts this as a failed lookup.", Advice: adviceMend},
	})
}

var (
	dnssecExistCodes = existCodes()
	dnssecValidCodes = validCodes("not-tested/resolver_error")

	dnssecExists = &check.Check{
		ID: "dnssec-exists", API: "mail_dnssec_mailto_exist",
		Category: check.DNSSEC, Level: check.Required, Scope: check.PerDomain,
		Title: "DNSSEC for the domain",
		Doc: check.Doc{
			What: "Whether the domain is signed with DNSSEC: whether a chain of DS and DNSKEY records leads from the root to the answer for its SOA record. As at Internet.nl this one answer stands for all.",
			Why:  "The MX records say where mail goes. Without signatures somebody on the way can forge them and have the mail delivered to a server of his own; and DANE, SPF and DMARC rest on the same ground.",
			How:  adviceSign,
		},
		Cites: []check.Citation{check.RFC("9364", "1.2"), check.RFC("4035", "5"), check.InternetNL("mail_dnssec_mailto_exist")},
		Args:  dnssecArgs,
		Codes: dnssecExistCodes.codes(),
		Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
			return dnssecExistCodes.finding(s, s.Domain)
		},
	}

	dnssecValid = &check.Check{
		ID: "dnssec-valid", API: "mail_dnssec_mailto_valid",
		Category: check.DNSSEC, Level: check.Required, Scope: check.PerDomain,
		Title: "DNSSEC validity for the domain",
		Doc: check.Doc{
			What: "Whether the signatures that lead from the root to the answer for the domain's SOA record are valid now.",
			Why:  "Where they are not, validating resolvers, which most large mail providers use, treat the domain as unreachable: it can neither receive mail nor prove that it sent some.",
			How:  "Let the DNS software renew signatures by itself, well before they expire, and change keys only together with the DS record at the registry, in the order of RFC 7583.",
		},
		Cites: []check.Citation{check.RFC("4035", "5"), check.RFC("7583", "3"), check.InternetNL("mail_dnssec_mailto_valid")},
		Args:  dnssecArgs,
		Codes: dnssecValidCodes.codes(),
		Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
			return dnssecValidCodes.finding(s, s.Domain)
		},
	}
)
