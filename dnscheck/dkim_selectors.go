package dnscheck

import (
	"slices"
	"strconv"
	"strings"

	"mailvet/dnscheck/dkim"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

const dkimName4Users = "Name the selectors with --selectors, or give a signed message with --message; --selectors all asks for every one that is known."

var (
	selectorsFound = &check.Code{Name: "found", Outcome: check.Pass,
		Text: "Of {asked} selectors asked for, {domain} has {count}: {list}. There may be others, for selectors cannot be listed."}
	selectorsNone = &check.Code{Name: "none-found", Outcome: check.Weak,
		Text:   "There are names below {name}, but none of the {asked} selectors asked for is among them. That proves nothing: selectors cannot be listed, and {domain} may sign with any other.",
		Advice: dkimName4Users}
	selectorsWildcard = &check.Code{Name: "wildcard", Outcome: check.Weak,
		Text:   "Every selector of {domain} is answered, also one that surely does not exist, by a wildcard record or by the resolver. So nothing that was found counts as a key. For instance {probe}: \"{answer}\".",
		Advice: "Remove the wildcard record at or above {name}, and publish one record for each selector. If there is none, the resolver makes up answers: scan with another one (--resolver).",
		Cites:  []check.Citation{check.RFC("4592", "2.2.1"), check.RFC("6376", "6.1.2")}}
	selectorsRevoked = &check.Code{Name: "wildcard-revoked", Outcome: check.Pass,
		Text: "Every selector of {domain} that has no record of its own is answered with a revoked key, by a wildcard record. Of {asked} selectors asked for, {count} have another answer: {list}."}
	selectorsAbsent = &check.Code{Name: "no-names", Outcome: check.NotApplicable,
		Text:  "{name} does not exist, so there are no names below it and none was asked for.",
		Cites: []check.Citation{check.RFC("8020", "2")}}
	selectorsDespite = &check.Code{Name: "denied", Outcome: check.Weak,
		Text:   "The name servers of {domain} say that {name} does not exist (NXDOMAIN), and yet there is a name below it: {list}. Resolvers that take NXDOMAIN at its word never find that key, and neither does Internet.nl's test.",
		Advice: "The name servers must answer NODATA for {name}, an empty non-terminal. Update their software, or as a way out publish any TXT record at {name}.",
		Cites:  []check.Citation{check.RFC("8020", "2"), check.RFC("8020", "3.1")}}
	selectorsUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text:   "Which selectors {domain} has is not known, because a DNS question failed ({failed}).",
		Advice: "Scan again later. If it stays so, see whether the name servers of {domain} answer questions for names below {name}."}
	selectorsNotLookedUp = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "Which selectors {domain} has was not found out ({failed}): no resolver could be reached, or the scan ended before."}
)

var dkimSelectorsCheck = &check.Check{
	ID: "dkim-selectors", Category: check.Extra, Level: check.Informational, Scope: check.PerDomain,
	Title: "DKIM selectors",
	Doc: check.Doc{
		What: "Which selectors the domain has, of those that its mail servers and its SPF record suggest and a few common ones: at most 12 questions. Those named with --selectors or found in a message (--message) are always asked for, and with --selectors all every one that is known.",
		Why:  "Nobody can list the selectors of a domain, so a scan has to guess. What is found tells who signs in the domain's name; what is not found tells nothing.",
		How:  "Nothing has to be done for guessing to succeed. Where a key is not found, look for s= in the DKIM-Signature field of a message that you sent, and name it: --selectors NAME.",
	},
	Cites:    []check.Citation{check.RFC("6376", "3.1"), check.RFC("6376", "3.6.2.1")},
	Args:     []string{"domain", "name", "asked", "count", "list", "probe", "answer", "failed"},
	Codes:    []*check.Code{selectorsFound, selectorsNone, selectorsWildcard, selectorsRevoked, selectorsAbsent, selectorsDespite, selectorsUnknown, selectorsNotLookedUp},
	Evaluate: evaluateDKIMSelectors,
}

func evaluateDKIMSelectors(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	v := viewDKIM(s)
	f := check.Finding{Code: selectorsNone}
	present := v.keys()
	switch blind := v.blind(); {
	case len(blind) > 0:
		f = unknownFinding(selectorsUnknown, selectorsNotLookedUp, "", blind...)
	case v.zone.Outcome == evidence.OutcomeNXDomain && len(v.found) > 0:
		f.Code, present = selectorsDespite, v.found
	case v.zone.Outcome == evidence.OutcomeNXDomain:
		f.Code = selectorsAbsent
	case len(v.wild) > 0 && v.revokesAll():
		f.Code = selectorsRevoked
	case len(v.wild) > 0:
		f.Code = selectorsWildcard
	case len(present) > 0:
		f.Code = selectorsFound
	}
	v.args(s, &f)
	f.Args["count"], f.Args["list"] = strconv.Itoa(len(present)), listRows(present, dkimRow.short)
	f.Args["probe"] = shown(dkim.Name(dkim.Absent(s.Domain), s.Domain))
	if v.probe.Exists() && len(v.probe.Answer) > 0 {
		f.Args["answer"] = cut(evidence.EscapeText(v.probe.Answer[0].Text()), 80)
	}
	return f
}

// args adds what every finding about keys tells.
func (v dkimView) args(s *evidence.Snapshot, f *check.Finding) {
	if f.Args == nil {
		f.Args = map[string]string{}
	}
	f.Args["domain"], f.Args["name"], f.Args["asked"] = shown(s.Domain), shown(dkimName(s.Domain)), strconv.Itoa(v.asked)
	lookups := []*evidence.Lookup{v.zone}
	for _, row := range v.found {
		lookups = append(lookups, row.lookup)
	}
	lookups = append(append(lookups, firstOf(v.wild, 1)...), v.probe)
	f.Evidence = pointers(s, append(lookups, v.failed...)...)
}

// keys lists what was found that is meant as a key.
func (v dkimView) keys() []dkimRow {
	return slices.DeleteFunc(slices.Clone(v.found), func(r dkimRow) bool { return r.err != nil && r.err.Fault == dkim.NotKey })
}

// blind lists the questions without whose answers nothing can be said; none
// where what was found says enough.
func (v dkimView) blind() []*evidence.Lookup {
	switch l := v.zone; {
	case len(v.found)+len(v.wild) > 0 && (v.probe == nil || v.probe.Unknown()):
		return []*evidence.Lookup{v.probe}
	case len(v.found) > 0:
		return nil
	case l == nil || l.Unknown() && l.Outcome != evidence.OutcomeBadName:
		return []*evidence.Lookup{l}
	case len(v.wild) == 0:
		return v.failed
	}
	return nil
}

// revokesAll reports whether what any selector is answered is a revoked key.
func (v dkimView) revokesAll() bool {
	r := newDKIMRow(dkim.Selector{}, v.probe).record
	return r != nil && r.Revoked()
}

// listRows joins rows for a text.
func listRows(rows []dkimRow, word func(dkimRow) string) string {
	if len(rows) == 0 {
		return "none"
	}
	words := make([]string, 0, len(rows))
	for _, r := range rows {
		words = append(words, word(r))
	}
	if len(words) > maxListed {
		words = append(words[:maxListed], "and "+strconv.Itoa(len(rows)-maxListed)+" more")
	}
	return strings.Join(words, "; ")
}

// short is "s1 (SendGrid)".
func (r dkimRow) short() string {
	switch {
	case r.Provider != "":
		return shown(r.Name) + " (" + r.Provider + ")"
	case r.alias != "":
		return shown(r.Name) + " (an alias of " + cut(evidence.EscapeText(r.alias), 80) + ")"
	}
	return shown(r.Name)
}

// long is "s1 (SendGrid), RSA 1024 bits, testing".
func (r dkimRow) long() string {
	list := []string{r.short()}
	switch {
	case r.err != nil && !r.err.Tolerated():
		return r.short() + ": " + shown(r.err.Words())
	case r.record.Revoked():
		list = append(list, "revoked")
	case r.key != nil:
		list = append(list, r.key.Type.String())
		if r.key.Type == dkim.RSA {
			list[1] += " " + strconv.Itoa(r.key.Bits()) + " bits"
		}
	}
	if r.record.Testing() {
		list = append(list, "testing")
	}
	return strings.Join(list, ", ")
}
