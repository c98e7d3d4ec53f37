package dnscheck

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"mailvet/dnscheck/spf"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// The checks of SPF by RFC 7208 alone. They count nothing: spf-exists and
// spf-policy make the points, by Internet.nl's reading.
var spfStrictChecks = []*check.Check{spfStrictSyntax, spfLimits, spfSenders, spfIncludes, spfHygiene}

// fault is one thing that a check found. The worst makes the finding, the
// others are told in its argument also, and named in others.
type fault struct {
	code  *check.Code
	brief string // a clause: "ptr stands in the record at example.test"
	args  map[string]string
}

// maxAlso bounds the further faults that a text tells.
const maxAlso = 6

// strictFinding makes a finding of faults, the worst first; list must not be
// empty.
func strictFinding(list []fault) check.Finding {
	f := check.Finding{Code: list[0].code, Args: map[string]string{}}
	for k, v := range list[0].args {
		f.Args[k] = v
	}
	var briefs, others []string
	for _, o := range list[1:] {
		if o.code != list[0].code && !slices.Contains(others, o.code.Name) {
			others = append(others, o.code.Name)
		}
		if !slices.Contains(briefs, o.brief) && o.brief != list[0].brief {
			briefs = append(briefs, o.brief)
		}
	}
	f.Args["others"] = strings.Join(others, ", ")
	if n := len(briefs); n > 0 {
		more := ""
		if n > maxAlso {
			briefs, more = briefs[:maxAlso], "; and "+strconv.Itoa(n-maxAlso)+" more"
		}
		f.Args["also"] = " Also: " + cut(strings.Join(briefs, "; "), 2*maxShown) + more + "."
	}
	return f
}

// Answers that all of them may give.
var (
	spfStrictNone = &check.Code{Name: "no-record", Outcome: check.NotApplicable,
		Text: "There is nothing to judge: {domain} does not have exactly one SPF record that can be read."}
	spfStrictUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text:   "The SPF policy of {domain} could not be judged in this respect, because a DNS question failed ({failed}).",
		Advice: "Scan again later. If it stays so, receivers meet the failure, too."}
	spfStrictNotLookedUp = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "The SPF policy of {domain} was not judged in this respect ({failed}): no resolver could be reached, the scan ended before, or the records name more hosts than are looked up."}
)

// spfView is what the checks read: the policy as receivers see it.
type spfView struct {
	*spf.Survey
	s *evidence.Snapshot
}

type surveyKey struct{}

func viewSPF(s *evidence.Snapshot) spfView {
	return spfView{evidence.Once(s, surveyKey{}, func() *spf.Survey { return spf.SurveyTree(s.Lookup, walkSPF(s)) }), s}
}

// finding completes one: with faults it is the worst of them, without it is ok,
// or what keeps us from knowing.
func (v spfView) finding(faults []fault, ok *check.Code, lacking ...*evidence.Lookup) check.Finding {
	var f check.Finding
	switch {
	case len(faults) > 0:
		f = strictFinding(faults)
	case v.rootUnknown():
		f = unknownFinding(spfStrictUnknown, spfStrictNotLookedUp, "", v.Root.Lookup)
	case v.Root.State != spf.Valid:
		f = check.Finding{Code: spfStrictNone}
	case len(lacking) > 0:
		f = unknownFinding(spfStrictUnknown, spfStrictNotLookedUp, "", lacking...)
	default:
		f = check.Finding{Code: ok}
	}
	if f.Args == nil {
		f.Args = map[string]string{}
	}
	f.Args["domain"] = shown(v.s.Domain)
	f.Args["record"] = ""
	if len(v.Root.Texts) > 0 {
		f.Args["record"] = shown(v.Root.Texts[0])
	}
	for _, k := range []string{"also", "others"} {
		if _, has := f.Args[k]; !has {
			f.Args[k] = ""
		}
	}
	for _, n := range v.Root.All() {
		f.Evidence = addPointers(v.s, f.Evidence, n.Lookup)
	}
	slices.Sort(f.Evidence)
	return f
}

func (v spfView) rootUnknown() bool {
	return v.Root.State == spf.NotAsked || v.Root.State == spf.NoAnswer
}

// unread are the records of the tree that nobody knows: nil for one that was
// not asked for.
func (v spfView) unread() []*evidence.Lookup {
	var list []*evidence.Lookup
	for _, n := range v.Root.All() {
		if n.State == spf.NotAsked || n.State == spf.NoAnswer {
			list = append(list, n.Lookup)
		}
	}
	return list
}

// own reports whether whoever owns the domain owns a record, too.
func (v spfView) own(b *spf.Branch) bool {
	return b == v.Root || b.Owner != "" && b.Owner == v.Root.Owner
}

var (
	spfSyntaxValid = &check.Code{Name: "valid", Outcome: check.Pass,
		Text: "The SPF record of {domain}, and every record that it includes, fits the grammar of RFC 7208."}
	spfSyntaxSeveral = &check.Code{Name: "several", Outcome: check.Fail,
		Text:   "{name} has {count} SPF records, where exactly one is allowed: receivers answer permerror.{also}",
		Advice: "Publish one record at {name} that merges them, and remove the others.",
		Cites:  []check.Citation{check.RFC("7208", "3.2"), check.RFC("7208", "4.5")}, SameAs: []*check.Code{spfSeveral}}
	spfSyntaxFault = &check.Code{Name: "syntax", Outcome: check.Fail,
		Text:   "The SPF record of {domain} leaves the grammar at octet {position}, \"{at}\": {reason}. Receivers answer permerror.{also}",
		Advice: "Correct or remove \"{at}\" in the record: \"{record}\"",
		Cites:  []check.Citation{check.RFC("7208", "4.6"), check.RFC("7208", "12")}, SameAs: spfSyntax.codes()}
	spfSyntaxAlmost = &check.Code{Name: "almost-a-record", Outcome: check.Fail,
		Text:   "{domain} has a TXT record that is meant to be an SPF record and is none: \"{text}\". The record must begin with \"v=spf1\" and then a space.{also}",
		Advice: "Correct the beginning of the record; nothing may stand before \"v=spf1\".",
		Cites:  []check.Citation{check.RFC("7208", "4.5")}}
	spfSyntaxBelow = &check.Code{Name: "target-syntax", Outcome: check.Fail,
		Text:   "The SPF record of {name}, which that of {domain} leads to, leaves the grammar at octet {position}, \"{at}\": {reason}. Receivers answer permerror.{also}",
		Advice: "Ask the operator of {name} to correct the record.",
		Cites:  []check.Citation{check.RFC("7208", "4.6"), check.RFC("7208", "5.2")}, SameAs: spfTargetSyntax.codes()}
	spfSyntaxBelowSeveral = &check.Code{Name: "target-several", Outcome: check.Fail,
		Text:   "{name}, which the SPF record of {domain} leads to, has {count} SPF records, where exactly one is allowed: receivers answer permerror.{also}",
		Advice: "Ask the operator of {name} to publish one record that merges them.",
		Cites:  []check.Citation{check.RFC("7208", "4.5"), check.RFC("7208", "5.2")}, SameAs: spfTargetSeveral.codes()}
	spfSyntaxModifier = &check.Code{Name: "unknown-modifier", Outcome: check.Weak,
		Text:   "The SPF record of {name} has the unknown modifier \"{at}\", which receivers ignore. A mechanism has a colon, not an equals sign.{also}",
		Advice: "If it was meant to be a mechanism, write it with a colon; else remove it.",
		Cites:  []check.Citation{check.RFC("7208", "6")}}
)

var spfStrictSyntax = &check.Check{
	ID: "spf-syntax", Category: check.Extra, Level: check.Required, Scope: check.PerDomain,
	Title: "SPF syntax by RFC 7208",
	Doc: check.Doc{
		What: "Whether the SPF record and all records that it includes fit the grammar of RFC 7208, with the place where they do not, and whether there is exactly one at each name.",
		Why:  "One wrong character makes receivers answer permerror for all mail of the domain. Some other tests, Internet.nl's among them, read by another grammar and miss some of it.",
		How:  "Write terms with one space between them, mechanisms with a colon (include:NAME, ip4:ADDRESS), modifiers with an equals sign (redirect=NAME), nothing before \"v=spf1\".",
	},
	Cites: []check.Citation{check.RFC("7208", "12"), check.RFC("7208", "4.5"), check.RFC("7208", "4.6")},
	Args:  []string{"domain", "name", "record", "text", "count", "position", "at", "reason", "also", "failed"},
	Codes: []*check.Code{spfSyntaxValid, spfSyntaxSeveral, spfSyntaxFault, spfSyntaxAlmost, spfSyntaxBelow, spfSyntaxBelowSeveral, spfSyntaxModifier,
		spfStrictNone, spfStrictUnknown, spfStrictNotLookedUp},
	Evaluate: evaluateSPFSyntax,
}

func evaluateSPFSyntax(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	v := viewSPF(s)
	var faults, modifiers []fault
	for _, n := range v.Root.All() {
		switch n.State {
		case spf.Several:
			faults = append(faults, severalFault(n))
		case spf.Malformed:
			faults = append(faults, syntaxFault(n))
		case spf.Valid:
			modifiers = append(modifiers, unknownModifiers(n)...)
		}
	}
	if v.Root.State == spf.None {
		faults = append(faults, almostFaults(v.Root.Lookup)...)
	}
	return v.finding(append(faults, modifiers...), spfSyntaxValid, v.unread()...)
}

func severalFault(n *spf.Node) fault {
	f := fault{spfSyntaxSeveral, shown(n.Name) + " has several SPF records",
		map[string]string{"name": shown(n.Name), "count": strconv.Itoa(len(n.Texts))}}
	if n.Term != nil {
		f.code = spfSyntaxBelowSeveral
	}
	return f
}

func syntaxFault(n *spf.Node) fault {
	f := fault{spfSyntaxFault, "the record of " + shown(n.Name) + " has a syntax error", syntaxArgs(n.Err)}
	if n.Term != nil {
		f.code = spfSyntaxBelow
	}
	f.args["name"] = shown(n.Name)
	var e *spf.SyntaxError
	if errors.As(n.Err, &e) {
		// People count from one.
		f.args["position"] = strconv.Itoa(e.Offset + 1)
	}
	return f
}

func unknownModifiers(n *spf.Node) []fault {
	var list []fault
	for _, t := range n.Record.Terms {
		// RFC 6652 defines three for reports; whoever wrote them knows why.
		if t.Kind == spf.Unknown && !slices.Contains([]string{"ra", "rp", "rr"}, strings.ToLower(t.Name)) {
			at := cut(evidence.EscapeText(t.String()), 80)
			list = append(list, fault{spfSyntaxModifier, "\"" + at + "\" at " + shown(n.Name) + " is an unknown modifier",
				map[string]string{"name": shown(n.Name), "at": at}})
		}
	}
	return list
}

// almostFaults are texts that somebody meant to be an SPF record.
func almostFaults(l *evidence.Lookup) []fault {
	if !l.Exists() {
		return nil
	}
	var list []fault
	for _, rr := range l.Answer {
		text := rr.Text()
		start := strings.TrimLeft(text, " \t\r\n\"'")
		if rr.Type == "TXT" && (hasFold(start, "v=spf") || hasFold(start, "v = spf") || hasFold(start, "spf1 ") || hasFold(start, "spf=")) {
			list = append(list, fault{spfSyntaxAlmost, "\"" + cut(evidence.EscapeText(text), 80) + "\" is none either", map[string]string{"text": shown(text)}})
		}
	}
	return list
}

func hasFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
