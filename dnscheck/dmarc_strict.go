package dnscheck

import (
	"slices"
	"strconv"
	"strings"

	"mailvet/dnscheck/dmarc"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// The checks of DMARC by RFC 7489 and RFC 9989. They count nothing:
// dmarc-exists and dmarc-policy make the points, by Internet.nl's reading.
var dmarcStrictChecks = []*check.Check{dmarcSyntax, dmarcReceivers, dmarcSubdomains, dmarcRollout, dmarcAlignment, dmarcReports, dmarcDestinations}

// Answers that all of them may give.
var (
	dmarcStrictNone = &check.Code{Name: "no-record", Outcome: check.NotApplicable,
		Text: "There is nothing to judge: there is not exactly one DMARC record for {domain} that can be read."}
	dmarcStrictUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text:   "The DMARC policy of {domain} could not be judged in this respect, because a DNS question failed ({failed}).",
		Advice: "Scan again later. If it stays so, receivers meet the failure, too."}
	dmarcStrictNotLookedUp = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "The DMARC policy of {domain} was not judged in this respect ({failed}): no resolver could be reached, or the scan ended before."}
)

// dmarcView is the record that the checks read: the domain's own or that of its
// organizational domain by the public suffix list.
type dmarcView struct {
	s      *evidence.Snapshot
	found  dmarc.Found
	text   string
	record *dmarc.Record // nil where there is not exactly one that parses
}

func viewDMARC(s *evidence.Snapshot) dmarcView {
	return evidence.Once(s, viewDMARCKey{}, func() dmarcView { return lookAtDMARC(s) })
}

type viewDMARCKey struct{}

func lookAtDMARC(s *evidence.Snapshot) dmarcView {
	v := dmarcView{s: s, found: findDMARC(s)}
	if text, ok := v.found.One(); ok {
		v.text = text
		v.record, _ = dmarc.Parse(text)
	}
	return v
}

// gate answers where there is no record to judge; else its code is nil.
func (v dmarcView) gate() check.Finding {
	switch {
	case v.found.Unknown:
		return unknownFinding(dmarcStrictUnknown, dmarcStrictNotLookedUp, "", v.found.Lookup)
	case v.record == nil:
		return check.Finding{Code: dmarcStrictNone}
	}
	return check.Finding{}
}

// with completes a finding.
func (v dmarcView) with(f check.Finding, lookups ...*evidence.Lookup) check.Finding {
	if f.Args == nil {
		f.Args = map[string]string{}
	}
	at := v.found.Domain
	if at == "" {
		at = v.s.Domain
	}
	for _, arg := range [...][2]string{{"domain", shown(v.s.Domain)}, {"name", shown(dmarc.NameOf(at))}, {"record", shown(v.text)}, {"also"}, {"others"}} {
		if _, has := f.Args[arg[0]]; !has {
			f.Args[arg[0]] = arg[1]
		}
	}
	f.Evidence = pointers(v.s, append([]*evidence.Lookup{v.s.Lookup(dmarc.NameOf(v.s.Domain), "TXT"), v.found.Lookup}, lookups...)...)
	return f
}

// departureCode makes the answer for one kind of departure.
func departureCode(name string, outcome check.Outcome, effect, advice string) *check.Code {
	return &check.Code{Name: name, Outcome: outcome,
		Text:   "The DMARC record at {name} departs from the standard at octet {position}, \"{part}\": {reason}. " + effect + "{also}",
		Advice: advice,
		Cites:  []check.Citation{check.RFC("9989", "4.8"), check.RFC("7489", "6.4")}}
}

const (
	departureIgnored = "Receivers ignore that part."
	departureRemove  = "Correct or remove \"{part}\" in the record: \"{record}\""
)

var (
	dmarcSyntaxValid = &check.Code{Name: "valid", Outcome: check.Pass,
		Text: "The DMARC record at {name} fits the grammar of RFC 9989.{newer}"}
	dmarcSyntaxOutdated = &check.Code{Name: "outdated", Outcome: check.Pass,
		Text: "The DMARC record at {name} is sound, and has what RFC 9989 no longer knows: {outdated}. Receivers of that standard ignore it, those of RFC 7489 may heed it.{newer}"}
	dmarcSyntaxSeveral = &check.Code{Name: "several", Outcome: check.Fail,
		Text:   "{name} holds {count} DMARC records: receivers of either standard then apply none of them.",
		Advice: "Keep one of the records at {name} and remove all others.",
		Cites:  []check.Citation{check.RFC("9989", "4.10"), check.RFC("7489", "6.6.3")}, SameAs: dmarcSeveral.codes()}
	dmarcSyntaxAlmost = &check.Code{Name: "almost-a-record", Outcome: check.Fail,
		Text:   "{name} holds a text that is meant to be a DMARC record and is none: \"{text}\". It must begin with \"v=DMARC1\", in this case, and then a semicolon.",
		Advice: "Correct the beginning of the record.",
		Cites:  []check.Citation{check.RFC("9989", "4.7"), check.RFC("7489", "6.3")}}
	// dmarcDepartures are the answers by fault, the worst first.
	dmarcDepartures = []struct {
		fault dmarc.Fault
		code  *check.Code
	}{
		{dmarc.FaultRepeated, departureCode("repeated", check.Fail, "A tag that occurs twice makes the whole record invalid.", "Publish each tag once: \"{record}\"")},
		{dmarc.FaultPolicy, departureCode("bad-policy", check.Fail, "Receivers then take the policy for none, or do nothing at all where rua is missing.", departureRemove)},
		{dmarc.FaultNoPolicy, departureCode("no-policy", check.Weak, "Receivers take the policy for none; those of RFC 7489 only where rua is there.", "Add p=none, p=quarantine or p=reject behind the version: \"{record}\"")},
		{dmarc.FaultURI, departureCode("bad-address", check.Weak, "No report is sent there.", "Write addresses as mailto:ADDRESS with commas between them: \"{record}\"")},
		{dmarc.FaultScheme, departureCode("other-scheme", check.Weak, "Nobody has to send reports there.", "Give an address as mailto:ADDRESS: \"{record}\"")},
		{dmarc.FaultBadSize, departureCode("bad-size", check.Weak, "Some receivers then send no report there.", departureRemove)},
		{dmarc.FaultValue, departureCode("bad-value", check.Weak, "Receivers use the tag's default.", departureRemove)},
		{dmarc.FaultNoTag, departureCode("not-a-tag", check.Weak, departureIgnored, departureRemove)},
		{dmarc.FaultUnknown, departureCode("unknown-tag", check.Weak, departureIgnored+" Internet.nl takes it for a syntax error.", departureRemove)},
		{dmarc.FaultOctet, departureCode("odd-octet", check.Weak, "What receivers make of that is not defined.", departureRemove)},
		{dmarc.FaultOrder, departureCode("order", check.Weak, "RFC 9989 allows any order, RFC 7489 does not, and some receivers then see no policy.", "Put p directly behind the version: \"{record}\"")},
		{dmarc.FaultSpace, departureCode("leading-space", check.Weak, "Some receivers then see no record.", "Remove the white space before \"v=DMARC1\".")},
		{dmarc.FaultNoSeparator, departureCode("no-separator", check.Weak, "The record says nothing else.", "Add a semicolon and a policy: \"v=DMARC1; p=none\"")},
		{dmarc.FaultEmpty, departureCode("empty-tag", check.Weak, "Most receivers pass over it.", "Remove the semicolon that is too many: \"{record}\"")},
	}
)

var dmarcSyntax = &check.Check{
	ID: "dmarc-syntax", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
	Title: "DMARC syntax by RFC 9989 and RFC 7489",
	Doc: check.Doc{
		What: "Whether the DMARC record fits the grammars of RFC 9989 and of RFC 7489, with the place where it does not: unknown and repeated tags, values that a tag cannot have, report addresses, order, and what RFC 9989 no longer has (pct, rf, ri, size limits).",
		Why:  "Receivers ignore what they cannot read, and so what was meant does not happen. Receivers of both standards are about, and some are strict.",
		How:  "Write \"v=DMARC1; p=reject; rua=mailto:ADDRESS\": the version, then p, tags with semicolons between them, each once.",
	},
	Cites: []check.Citation{check.RFC("9989", "4.7"), check.RFC("9989", "4.8"), check.RFC("7489", "6.3"), check.RFC("7489", "6.4")},
	Args:  []string{"domain", "name", "record", "text", "count", "position", "part", "reason", "outdated", "newer", "also", "failed"},
	Codes: append([]*check.Code{dmarcSyntaxValid, dmarcSyntaxOutdated, dmarcSyntaxSeveral, dmarcSyntaxAlmost, dmarcStrictNone, dmarcStrictUnknown, dmarcStrictNotLookedUp},
		departureCodes()...),
	Evaluate: evaluateDMARCSyntax,
}

func departureCodes() []*check.Code {
	var list []*check.Code
	for _, d := range dmarcDepartures {
		list = append(list, d.code)
	}
	return list
}

func evaluateDMARCSyntax(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	v := viewDMARC(s)
	switch text := v.almost(); {
	case len(v.found.Texts) > 1:
		return v.with(check.Finding{Code: dmarcSyntaxSeveral, Args: map[string]string{"count": strconv.Itoa(len(v.found.Texts))}})
	case len(v.found.Texts) == 0 && text != "":
		f := v.with(check.Finding{Code: dmarcSyntaxAlmost, Args: map[string]string{"text": shown(text)}})
		f.Args["name"] = shown(dmarc.NameOf(s.Domain))
		return f
	case v.text == "":
		return v.with(v.gate())
	}
	departures := dmarc.Departures(v.text)
	var faults []fault
	for _, d := range dmarcDepartures {
		for _, at := range departures {
			if at.Fault == d.fault {
				faults = append(faults, departureFault(d.code, at))
			}
		}
	}
	outdated := partsOf(departures, dmarc.FaultRemoved, dmarc.FaultSize)
	f := check.Finding{Code: dmarcSyntaxValid, Args: map[string]string{}}
	switch {
	case len(faults) > 0:
		f = strictFinding(faults)
	case outdated != "":
		f.Code = dmarcSyntaxOutdated
	}
	f.Args["outdated"], f.Args["newer"] = outdated, ""
	if newer := partsOf(departures, dmarc.FaultNewer); newer != "" {
		f.Args["newer"] = " Receivers of RFC 7489 do not know " + newer + "."
	}
	return v.with(f)
}

func departureFault(code *check.Code, d dmarc.Departure) fault {
	part := cut(evidence.EscapeText(d.Part), 80)
	if part == "" {
		part = ";"
	}
	position := strconv.Itoa(d.Offset + 1)
	return fault{code, "\"" + part + "\" at octet " + position + " (" + d.Fault.String() + ")",
		map[string]string{"position": position, "part": part, "reason": d.Fault.String()}}
}

// partsOf lists the parts with some faults.
func partsOf(list []dmarc.Departure, faults ...dmarc.Fault) string {
	var parts []string
	for _, d := range list {
		if slices.Contains(faults, d.Fault) {
			parts = append(parts, cut(evidence.EscapeText(d.Part), 80))
		}
	}
	return enumerate(parts)
}

// almost is a text at the domain's own name that somebody meant to be a record.
func (v dmarcView) almost() string {
	l := v.s.Lookup(dmarc.NameOf(v.s.Domain), "TXT")
	if !l.Exists() {
		return ""
	}
	for _, rr := range l.Answer {
		text := rr.Text()
		start := strings.TrimLeft(text, " \t\r\n\"'")
		if rr.Type == "TXT" && (hasFold(start, "v=dmarc") || hasFold(start, "v = dmarc") || hasFold(start, "dmarc1") || hasFold(start, "p=")) {
			return text
		}
	}
	return ""
}
