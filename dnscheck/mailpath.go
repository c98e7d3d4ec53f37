package dnscheck

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	pathSecure = &check.Code{Name: "secure", Outcome: check.Pass,
		Text: "Every answer on the way to the mail servers of {domain} is secure: {names}."}
	pathBogus = &check.Code{Name: "bogus", Outcome: check.Fail,
		Text:   "Some answers on the way to the mail servers of {domain} have signatures that are not valid, so validating senders do not get them: {invalid}.",
		Advice: "Have the zone signed anew, as a whole. If that does not help, compare what each name server gives: dig +dnssec +cd @NAMESERVER NAME TYPE."}
	pathHidden = &check.Code{Name: "insecure-part", Outcome: check.Weak,
		Text:   "Some answers on the way to the mail servers of {domain} are not secure, although the zones seem signed by the one answer that Internet.nl looks at (SOA): {hidden}.",
		Advice: "See where an alias (CNAME) leads into a zone that is not signed, or a delegation without DS record lies in between; DANE does not hold there."}
	pathUnsigned = &check.Code{Name: "zone-not-secure", Outcome: check.Blocked,
		Text: "Not every zone on the way to the mail servers of {domain} is signed rightly, as the checks of DNSSEC tell."}
	pathUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text:   "Not every answer on the way to the mail servers of {domain} could be had or judged: {failed}.",
		Advice: "Scan again later. If it stays so, the name servers concerned do not answer, or answer what cannot be used."}
	pathNotAsked = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "The way to the mail servers of {domain} was not looked up to the end: no resolver could be reached, or the scan ended before."}
	pathStripped = &check.Code{Name: "resolver-strips", Outcome: check.Inconclusive,
		Text:   "The resolver in use strips DNSSEC records from its answers, so nothing can be said about {domain}.",
		Advice: "Use another resolver: --resolver ADDRESS, or one of your own that validates."}

	mailPath = &check.Check{
		ID: "dnssec-mail-path", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
		Title: "DNSSEC all the way to the mail servers",
		Doc: check.Doc{
			What: "Whether the answers that a mail sender really uses are secure: the MX records of the domain, and the addresses of each mail server, over all aliases and including the proof that one does not exist.",
			Why:  "Internet.nl looks at one answer of each name, that for its SOA record. A single record with a broken signature, or an alias into an unsigned zone, does not show there, but DANE ends with it.",
			How:  "Sign the whole zone by software that does it by itself, and let MX records name hosts that are no aliases, in signed zones.",
		},
		Cites:    []check.Citation{check.RFC("7672", "2.1.1"), check.RFC("7672", "2.2.1"), check.RFC("4035", "5.3.2")},
		Args:     []string{"domain", "names", "invalid", "hidden", "failed"},
		Codes:    []*check.Code{pathSecure, pathBogus, pathHidden, pathUnsigned, pathUnknown, pathNotAsked, pathStripped},
		Evaluate: evaluateMailPath,
	}
)

func evaluateMailPath(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	questions := []evidence.Question{{Name: s.Domain, Type: "MX"}}
	for _, h := range s.Mail().Hosts {
		questions = append(questions, evidence.Question{Name: h, Type: "A"}, evidence.Question{Name: h, Type: "AAAA"})
	}
	var lookups, failed []*evidence.Lookup
	var names, bogus, hidden []string
	notAsked, told := false, false // told: by the checks of the SOA records
	for _, q := range questions {
		l := s.Lookup(q.Name, q.Type)
		lookups = append(lookups, l)
		what := q.Name + " " + q.Type
		switch chainOf(s, l) {
		case chainNotAsked:
			notAsked = true
		case chainFailed, chainUnjudged, chainNoKeys, chainStripped:
			failed = append(failed, l)
		case chainSecure, chainSecureDenial:
			names = append(names, what)
		case chainBogus, chainBogusDenial:
			bogus = appendUntold(s, q, l, bogus)
			told = true
		case chainInsecure, chainInsecureDenial:
			hidden = appendUntold(s, q, l, hidden)
			told = true
		}
	}
	f := check.Finding{Evidence: pointers(s, lookups...), Args: map[string]string{
		"domain": s.Domain, "names": enumerate(names), "invalid": enumerate(bogus), "hidden": enumerate(hidden), "failed": whatFailed(failed...)}}
	switch {
	case len(bogus) > 0:
		f.Code = pathBogus
	case s.Vantage.StripsDNSSEC && len(failed) > 0:
		f.Code = pathStripped
	case len(hidden) > 0:
		f.Code = pathHidden
	case told:
		f.Code = pathUnsigned
	case notAsked:
		f.Code = pathNotAsked
	case len(failed) > 0:
		f.Code = pathUnknown
	default:
		f.Code = pathSecure
	}
	return f
}

// appendUntold adds an answer that is not secure, unless that shows in the
// answer for the name's SOA record already.
func appendUntold(s *evidence.Snapshot, q evidence.Question, l *evidence.Lookup, list []string) []string {
	if c := chainOf(s, s.Lookup(q.Name, "SOA")); c != chainSecure && c != chainSecureDenial {
		return list
	}
	zone, reason := breaks(l)
	return append(list, q.Name+" "+q.Type+" (at "+zone+": "+reason+")")
}
