package dnscheck

import (
	"slices"
	"strconv"
	"strings"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// dnssecNSEC3Wants asks for the parameters of the domain's zone if no answer
// has shown how it proves that something does not exist. That costs at most
// one question; call it when nothing else is wanted.
func dnssecNSEC3Wants(s *evidence.Snapshot) []evidence.Question {
	z := signedZoneOf(s, s.Domain)
	if z.state != zoneSecure || z.lookup.Security != evidence.SecuritySecure {
		return nil
	}
	if list, nsec, _ := denialsOf(s, z.zone.Name); len(list) > 0 || nsec {
		return nil
	}
	return []evidence.Question{{Name: z.zone.Name, Type: "NSEC3PARAM"}}
}

// denialsOf lists the parameters of the zone's NSEC3 records that were seen;
// nsec reports whether NSEC records were.
func denialsOf(s *evidence.Snapshot, zone string) (list []evidence.NSEC3, nsec bool, from []*evidence.Lookup) {
	for i := range s.Lookups {
		l := &s.Lookups[i]
		for _, n := range l.NSEC3 {
			if n.Zone == zone && !slices.Contains(list, n) {
				list, from = append(list, n), append(from, l)
			}
		}
		nsec = nsec || slices.ContainsFunc(l.Signatures, func(sig evidence.Signature) bool { return sig.Zone == zone && sig.Covers == "NSEC" })
		if n, ok := nsec3param(l); ok && l.Name == zone && len(list) == 0 {
			list, from = append(list, n), append(from, l)
		}
	}
	return list, nsec, from
}

// nsec3param reads the answer to a question for NSEC3PARAM (RFC 5155, Section
// 4.3). It says nothing of opt-out.
func nsec3param(l *evidence.Lookup) (evidence.NSEC3, bool) {
	if l.Type != "NSEC3PARAM" || !l.Exists() || l.Security != evidence.SecuritySecure {
		return evidence.NSEC3{}, false
	}
	for _, rr := range l.Answer {
		f := strings.Fields(rr.Data)
		if len(f) != 4 || f[0] != "1" || f[1] != "0" {
			continue
		}
		if n, err := strconv.ParseUint(f[2], 10, 16); err == nil {
			return evidence.NSEC3{Zone: l.Name, Iterations: uint16(n), Salt: strings.ToLower(strings.TrimPrefix(f[3], "-"))}, true
		}
	}
	return evidence.NSEC3{}, false
}

// manyIterations is the number above which validators may take the zone for
// an unsigned one (RFC 9276, Section 3.2); ours and most others do.
const manyIterations = 100

const adviceNSEC3 = "Set 0 additional iterations, no salt and no opt-out: \"nsec3param iterations 0 optout no salt-length 0\" in BIND's dnssec-policy, nsec3-iterations 0 and nsec3-salt-length 0 in Knot DNS."

var (
	nsec3Zone   = newZoneCodes("the denials")
	nsec3Unseen = &check.Code{Name: "not-seen", Outcome: check.Inconclusive,
		Text: "No answer has shown how the zone {zone} proves that a name does not exist."}
	nsec3None = &check.Code{Name: "nsec", Outcome: check.Pass,
		Text: "The zone {zone} proves with NSEC records that a name does not exist, so there are no parameters of NSEC3."}
	nsec3TooMany = &check.Code{Name: "iterations-too-many", Outcome: check.Fail,
		Text:   "The NSEC3 records of {zone} want {iterations} additional iterations. Over {most}, validators take the zone for an unsigned one: DNSSEC, and with it DANE, does not count.",
		Advice: adviceNSEC3, Cites: []check.Citation{check.RFC("9276", "3.2")}}
	nsec3Iterations = &check.Code{Name: "iterations", Outcome: check.Weak,
		Text:   "The NSEC3 records of {zone} want {iterations} additional iterations. That protects nothing and costs every resolver work; the number must be 0.",
		Advice: adviceNSEC3}
	nsec3Salt = &check.Code{Name: "salt", Outcome: check.Weak,
		Text:   "The NSEC3 records of {zone} have a salt ({salt}). It protects nothing, since all hashes of a zone contain its name already, and should be left out.",
		Advice: adviceNSEC3}
	nsec3OptOut = &check.Code{Name: "opt-out", Outcome: check.Weak,
		Text:   "The NSEC3 records of {zone} leave unsigned delegations out (opt-out). That is meant for zones with very many delegations, and lets unsigned names below {zone} be forged.",
		Advice: adviceNSEC3}
	nsec3Good = &check.Code{Name: "good", Outcome: check.Pass,
		Text: "The NSEC3 records of {zone} have the recommended parameters: no additional iterations, no salt."}

	dnssecNSEC3 = &check.Check{
		ID: "dnssec-nsec3", Category: check.Extra, Level: check.Optional, Scope: check.PerDomain,
		Title: "NSEC3 parameters of the domain",
		Doc: check.Doc{
			What: "Whether the hashed denials of the domain's zone have the parameters that RFC 9276 recommends, as far as answers of this scan have shown them.",
			Why:  "Iterations and salt cost resolvers work without hiding anything, and with many iterations validators no longer believe the zone.",
			How:  adviceNSEC3,
		},
		Cites: []check.Citation{check.RFC("9276", "3.1"), check.RFC("5155", "3.1")},
		Args:  []string{"domain", "name", "zone", "iterations", "salt", "most"},
		Codes: append(nsec3Zone.domain(), nsec3Unseen, nsec3None, nsec3TooMany, nsec3Iterations, nsec3Salt, nsec3OptOut, nsec3Good),
		Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
			z := signedZoneOf(s, s.Domain)
			list, nsec, from := denialsOf(s, z.name(s.Domain))
			if len(list) == 0 {
				if f := nsec3Zone.finding(s, subject, z, false); f != nil {
					return *f
				}
			}
			f := check.Finding{Code: nsec3Unseen, Evidence: pointers(s, from...), Args: map[string]string{
				"domain": s.Domain, "name": s.Domain, "zone": z.name(s.Domain), "most": strconv.Itoa(manyIterations)}}
			switch {
			case len(list) > 0:
				judgeNSEC3(&f, list)
			case nsec:
				f.Code = nsec3None
			case z.state == zoneBroken:
				f.Code = nsec3Zone.broken
			}
			return f
		},
	}
)

// judgeNSEC3 answers by the worst of the parameters.
func judgeNSEC3(f *check.Finding, list []evidence.NSEC3) {
	worst := evidence.NSEC3{}
	for _, n := range list {
		worst.Iterations = max(worst.Iterations, n.Iterations)
		worst.OptOut = worst.OptOut || n.OptOut
		if n.Salt != "" {
			worst.Salt = n.Salt
		}
	}
	f.Args["iterations"], f.Args["salt"] = strconv.Itoa(int(worst.Iterations)), worst.Salt
	switch {
	case worst.Iterations > manyIterations:
		f.Code = nsec3TooMany
	case worst.Iterations > 0:
		f.Code = nsec3Iterations
	case worst.Salt != "":
		f.Code = nsec3Salt
	case worst.OptOut:
		f.Code = nsec3OptOut
	default:
		f.Code = nsec3Good
	}
}
