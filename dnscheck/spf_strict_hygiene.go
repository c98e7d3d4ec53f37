package dnscheck

import (
	"slices"
	"strconv"

	"mailvet/dnscheck/spf"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// maxSPFOctets bounds the name and texts of a TXT RRset, so that an answer
// fits in a DNS message of 512 octets (RFC 7208, Section 3.4).
const maxSPFOctets = 450

var (
	spfHygieneClean = &check.Code{Name: "clean", Outcome: check.Pass,
		Text: "The SPF record of {domain} has no leftovers: nothing in it is deprecated, double or out of reach, and it is short enough."}
	spfHygieneUnreachable = &check.Code{Name: "unreachable", Outcome: check.Weak,
		Text:   "In the SPF record at {name} terms stand behind \"all\", where no receiver looks: {terms}.{also}",
		Advice: "Move {terms} before \"all\" in the record at {name}, or remove them.",
		Cites:  []check.Citation{check.RFC("7208", "5.1")}}
	spfHygieneRedirect = &check.Code{Name: "redirect-with-all", Outcome: check.Weak,
		Text:   "The SPF record at {name} has {terms} beside \"all\": receivers ignore the redirect.{also}",
		Advice: "Remove {terms}, or else \"all\", from the record at {name}.",
		Cites:  []check.Citation{check.RFC("7208", "6.1")}}
	spfHygienePTR = &check.Code{Name: "ptr", Outcome: check.Weak,
		Text:   "The SPF record at {name} has {terms}. The mechanism ptr is slow, not reliable, and should not be used; some receivers ignore it.{also}",
		Advice: "Put the addresses of the servers in the place of {terms}, as ip4 and ip6.",
		Cites:  []check.Citation{check.RFC("7208", "5.5")}}
	spfHygieneDouble = &check.Code{Name: "double", Outcome: check.Weak,
		Text:   "In the SPF record at {name} terms stand twice: {terms}. The second one matches nobody, and an include among them costs its lookups again.{also}",
		Advice: "Remove the second {terms} from the record at {name}.",
		Cites:  []check.Citation{check.RFC("7208", "4.6.2")}}
	spfHygieneType99 = &check.Code{Name: "type-99", Outcome: check.Weak,
		Text:   "{domain} has a DNS record of the type SPF (number 99), which is obsolete: receivers look at TXT records only.{also}",
		Advice: "Remove the record of the type SPF; nobody reads it, and it is forgotten at the next change.",
		Cites:  []check.Citation{check.RFC("7208", "3.1")}}
	spfHygieneLong = &check.Code{Name: "too-long", Outcome: check.Weak,
		Text:   "The TXT records of {domain} take {octets} octets, the SPF record {own} of them; above 450 an answer may not fit in a plain DNS message, and some receivers then do not get it.{also}",
		Advice: "Remove the TXT records of {domain} that no service needs any more, or shorten the SPF record.",
		Cites:  []check.Citation{check.RFC("7208", "3.4")}}
)

var spfHygiene = &check.Check{
	ID: "spf-hygiene", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
	Title: "SPF leftovers",
	Doc: check.Doc{
		What: "What does not belong into an SPF record: the mechanism ptr, terms after all, a redirect beside all, the same term twice, a record of the obsolete type SPF, and TXT records of more than 450 octets in all. Records of others are not judged.",
		Why:  "What stands after all looks as if it worked, and does not. The rest costs lookups, or gets lost on the way to some receivers.",
		How:  "Put all last, and nothing after it. List addresses instead of ptr. Publish SPF as TXT only, and keep the record short.",
	},
	Cites: []check.Citation{check.RFC("7208", "3.1"), check.RFC("7208", "3.4"), check.RFC("7208", "5.1"), check.RFC("7208", "5.5"), check.RFC("7208", "6.1")},
	Args:  []string{"domain", "name", "terms", "octets", "own", "also", "failed"},
	Codes: []*check.Code{spfHygieneClean, spfHygieneUnreachable, spfHygieneRedirect, spfHygienePTR, spfHygieneDouble, spfHygieneType99, spfHygieneLong,
		spfStrictNone, spfStrictUnknown, spfStrictNotLookedUp},
	Evaluate: evaluateSPFHygiene,
}

func evaluateSPFHygiene(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	v := viewSPF(s)
	var faults []fault
	seen := map[string]bool{}
	v.Root.Each(func(b *spf.Branch, _ *spf.Line, _ int) {
		if v.own(b) && !seen[b.Name] {
			seen[b.Name] = true
			faults = append(faults, termFaults(b)...)
		}
	})
	obsolete := s.Lookup(s.Domain, "SPF")
	if obsolete.Exists() {
		faults = append(faults, fault{spfHygieneType99, "there is a record of the obsolete type SPF", nil})
	}
	if l := v.Root.Lookup; l.Exists() && len(v.Root.Texts) > 0 {
		octets := len(s.Domain)
		for _, rr := range l.Answer {
			octets += len(rr.Text())
		}
		if octets > maxSPFOctets {
			faults = append(faults, fault{spfHygieneLong, "the TXT records take " + strconv.Itoa(octets) + " octets",
				map[string]string{"octets": strconv.Itoa(octets), "own": strconv.Itoa(len(v.Root.Texts[0]))}})
		}
	}
	order := []*check.Code{spfHygieneUnreachable, spfHygieneRedirect, spfHygienePTR, spfHygieneDouble, spfHygieneType99, spfHygieneLong}
	slices.SortStableFunc(faults, func(x, y fault) int { return slices.Index(order, x.code) - slices.Index(order, y.code) })
	var lacking []*evidence.Lookup
	if obsolete == nil || obsolete.Unknown() {
		lacking = []*evidence.Lookup{obsolete}
	}
	f := v.finding(faults, spfHygieneClean, lacking...)
	f.Evidence = append(f.Evidence, pointers(s, obsolete)...)
	return f
}

// termFaults are those of the terms of one record.
func termFaults(b *spf.Branch) []fault {
	var after, redirects, ptrs, doubles []string
	seen := map[string]bool{}
	for _, l := range b.Lines {
		text := l.Term.String()
		switch {
		case !l.Reached && l.Term.Kind == spf.Redirect:
			redirects = append(redirects, text)
		case !l.Reached && l.Term.Kind.Mechanism():
			after = append(after, text)
		case l.Reached && l.Term.Kind == spf.PTR:
			ptrs = append(ptrs, text)
		case l.Reached && seen[text]:
			doubles = append(doubles, text)
		}
		seen[text] = seen[text] || l.Reached
	}
	var list []fault
	add := func(code *check.Code, terms []string, brief string) {
		if terms != nil {
			args := map[string]string{"name": shown(b.Name), "terms": shown(enumerate(terms))}
			list = append(list, fault{code, args["terms"] + " at " + args["name"] + " " + brief, args})
		}
	}
	add(spfHygieneUnreachable, after, "cannot be reached")
	add(spfHygieneRedirect, redirects, "is ignored beside all")
	add(spfHygienePTR, ptrs, "should not be used")
	add(spfHygieneDouble, doubles, "stands twice")
	return list
}
