package dnscheck

import (
	"errors"
	"slices"
	"strconv"

	"mailvet/dnscheck/spf"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

const (
	spfPolicyOtherwise = "Internet.nl reads the records otherwise: its verdict is \"{verdict}\"."
	spfPolicyGrammar   = "Internet.nl's grammar is another one, and accepts it; its verdict is \"{verdict}\"."
	spfPolicyCount     = "Internet.nl counts otherwise (terms such as a:host or +a cost nothing there, and it looks at the limit only before it follows an include or redirect): its verdict is \"{verdict}\"."
	spfPolicySyntax    = "To Internet.nl, whose grammar is narrower, the record has a syntax error at \"{rest}\", and it gives no points."
	spfPolicyRepair    = "To satisfy Internet.nl too, remove or reword what begins at \"{rest}\"."
	spfTargetAdvice    = "Remove {term} from the record, or ask the operator of {target} for the right name."
)

var (
	spfEnforced = newAnswer(check.Code{Name: "enforced", Outcome: check.Pass, Verdict: "good",
		Text: "The SPF policy of {domain} is valid and refuses what it does not list, with {count} of 10 DNS lookups: \"{record}\"."},
		spfPolicyOtherwise).withSyntax(spfPolicySyntax, spfPolicyRepair)
	spfSyntax = newAnswer(check.Code{Name: "syntax", Outcome: check.Fail, Verdict: "bad",
		Text:   "The SPF record of {domain} has a syntax error at \"{at}\": {reason}. Receivers answer permerror, as if there were no policy.",
		Advice: "Correct or remove \"{at}\" in the record of {domain}: \"{record}\"",
		Cites:  []check.Citation{check.RFC("7208", "4.6"), check.RFC("7208", "12")}}, spfPolicyGrammar)
	spfAllPass = newAnswer(check.Code{Name: "all-pass", Outcome: check.Fail, Verdict: "all",
		Text:   "The SPF record at {name} ends in +all: it allows every server in the world to send mail in the name of {domain}.",
		Advice: "Replace the record by this one: {suggestion}",
		Cites:  []check.Citation{check.RFC("7208", "5.1")}}, spfPolicyOtherwise, "redirect")
	spfNeutral = newAnswer(check.Code{Name: "neutral", Outcome: check.Fail, Verdict: "all",
		Text:   "The SPF record at {name} ends in ?all: it says nothing about servers that it does not list, so anybody can send mail in the name of {domain}.",
		Advice: "Replace the record by this one: {suggestion}",
		Cites:  []check.Citation{check.RFC("7208", "5.1"), check.RFC("7208", "2.6.2")}}, spfPolicyOtherwise, "redirect")
	spfNoAll = newAnswer(check.Code{Name: "no-all", Outcome: check.Fail, Verdict: "all",
		Text:   "The SPF record at {name} has neither all nor redirect at its end: it says nothing about servers that it does not list, so anybody can send mail in the name of {domain}.",
		Advice: "Replace the record by this one: {suggestion}",
		Cites:  []check.Citation{check.RFC("7208", "4.7")}}, spfPolicyOtherwise, "redirect")
	spfTargetMissing = newAnswer(check.Code{Name: "target-missing", Outcome: check.Fail, Verdict: "include",
		Text:   "The SPF record at {name} has {term}, but {target} has no SPF record. Receivers answer permerror, as if there were no policy.",
		Advice: spfTargetAdvice,
		Cites:  []check.Citation{check.RFC("7208", "5.2"), check.RFC("7208", "6.1")}}, spfPolicyOtherwise, "redirect")
	spfTargetSeveral = newAnswer(check.Code{Name: "target-several", Outcome: check.Fail, Verdict: "include",
		Text:   "The SPF record at {name} has {term}, but {target} has several SPF records. Receivers answer permerror, as if there were no policy.",
		Advice: spfTargetAdvice,
		Cites:  []check.Citation{check.RFC("7208", "4.5"), check.RFC("7208", "5.2")}}, spfPolicyOtherwise, "redirect")
	spfTargetSyntax = newAnswer(check.Code{Name: "target-syntax", Outcome: check.Fail, Verdict: "include",
		Text:   "The SPF record at {name} has {term}, but the SPF record of {target} has a syntax error at \"{at}\": {reason}. Receivers answer permerror, as if there were no policy.",
		Advice: "Ask the operator of {target} to correct the record, or remove {term} from the record at {name}.",
		Cites:  []check.Citation{check.RFC("7208", "4.6"), check.RFC("7208", "5.2")}}, spfPolicyOtherwise, "redirect")
	spfTargetAll = newAnswer(check.Code{Name: "target-all", Outcome: check.Fail, Verdict: "include",
		Text:   "The SPF record at {name} has {term}, and the SPF record of {target} ends in +all: it allows every server in the world to send mail in the name of {domain}.",
		Advice: spfTargetAdvice,
		Cites:  []check.Citation{check.RFC("7208", "5.1"), check.RFC("7208", "5.2")}}, spfPolicyOtherwise)
	spfTooMany = newAnswer(check.Code{Name: "too-many-lookups", Outcome: check.Fail, Verdict: "max-lookups",
		Text:   "The SPF policy of {domain}, with the records that it includes, {lookups}; 10 are allowed. Receivers give up with permerror, as if there were no policy, for all senders that are not listed early.",
		Advice: "Remove what no longer sends mail from the record, and put ip4 and ip6 in the place of a and mx where the addresses are your own: \"{record}\". \"mailvet spf {domain}\" shows what each term costs.",
		Cites:  []check.Citation{check.RFC("7208", "4.6.4")}}, spfPolicyCount)
	spfMacros = newAnswer(check.Code{Name: "macros", Outcome: check.Pass, Verdict: "good",
		Text:  "The SPF policy of {domain} is valid as far as it can be read beforehand, with {count} of 10 DNS lookups. The name in {term} depends on the message, and cannot be followed without one: \"{record}\".",
		Cites: []check.Citation{check.RFC("7208", "7")}}, spfPolicyOtherwise)
	spfNoRecord = newAnswer(check.Code{Name: "no-record", Outcome: check.Blocked, Verdict: "not-tested",
		Text: "There is no policy to judge, because {domain} does not have exactly one SPF record."}, spfPolicyOtherwise)
	spfPolicyUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive, Verdict: "not-tested",
		Text:   "Whether the SPF policy of {domain} is sufficient is not known, because a DNS question failed ({failed}). Internet.nl counts such a failure as a fault of the domain: its verdict is \"{verdict}\".",
		Advice: "Scan again later. If it stays so, receivers meet the failure, too, and put mail off (temperror)."}
	spfPolicyNotLookedUp = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "Whether the SPF policy of {domain} is sufficient was not found out ({failed}): no resolver could be reached, the scan ended before, or the records lead to more names than are looked up."}
)

var spfPolicy = &check.Check{
	ID: "spf-policy", API: "mail_auth_spf_policy", Category: check.Auth, Level: check.Required, Scope: check.PerDomain,
	Title: "SPF policy",
	Doc: check.Doc{
		What: "The SPF record and all records that it includes or redirects to: whether they parse, whether the policy refuses servers that are not listed (it ends in -all or ~all), and whether an evaluation stays within 10 DNS lookups.",
		Why:  "A record with an error, or one that takes too many lookups, protects as little as none. One that ends in ?all, +all or nothing lets everybody send mail in the domain's name.",
		How:  "End the record in \"-all\" or \"~all\", both are fine. Count include, a, mx, ptr, exists and redirect in it and in all records that it includes: at most 10. Remove includes of names that have no SPF record.",
	},
	Cites: []check.Citation{check.RFC("7208", "4.6"), check.RFC("7208", "4.6.4"), check.RFC("7208", "4.7"), check.RFC("7208", "5"), check.RFC("7208", "6.1")},
	Args:  []string{"domain", "name", "record", "count", "lookups", "at", "reason", "rest", "term", "target", "suggestion", "verdict", "failed"},
	Codes: codesOf([]answer{spfEnforced, spfSyntax, spfAllPass, spfNeutral, spfNoAll, spfTargetMissing, spfTargetSeveral, spfTargetSyntax, spfTargetAll, spfTooMany, spfMacros, spfNoRecord},
		spfPolicyUnknown, spfPolicyNotLookedUp),
	Evaluate: evaluateSPFPolicy,
}

func evaluateSPFPolicy(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	root := walkSPF(s)
	compat, rest, verdict := compatSPF(s)
	var f check.Finding
	problem := pickProblem(spfProblems(s, root), verdict)
	missing := root.Find(spf.NotAsked, spf.NoAnswer)
	switch {
	case problem != nil:
		f = problem.answer.finding(verdict)
		f.Args = problem.args
	case missing != nil:
		f = unknownFinding(spfPolicyUnknown, spfPolicyNotLookedUp, verdict, missing.Lookup)
	case compat.NotAsked != "":
		f = unknownFinding(spfPolicyUnknown, spfPolicyNotLookedUp, verdict, nil)
	case root.State != spf.Valid:
		f = spfNoRecord.finding(verdict)
	default:
		f = spfEnforced.finding(verdict)
		if n := root.Find(spf.Macro); n != nil {
			f = spfMacros.finding(verdict)
			f.Args = map[string]string{"term": shown(n.Term.String())}
		}
	}
	f = spfArgs(s, root.Texts, f, verdict)
	f.Args["count"] = strconv.Itoa(root.Lookups())
	f.Args["lookups"] = lookupsOf(root)
	f.Args["rest"] = cut(rest, 80)
	if (verdict == "include" || verdict == "redirect") && f.VerdictID() != "" {
		f.Points = &compat.Points
	}
	for _, n := range root.All() {
		f.Evidence = addPointers(s, f.Evidence, n.Lookup)
	}
	slices.Sort(f.Evidence)
	return f
}

// lookupsOf says how many lookups a tree takes.
func lookupsOf(root *spf.Node) string {
	n := strconv.Itoa(root.Lookups()) + " DNS lookups"
	if loop := root.Find(spf.Loop); loop != nil {
		return "goes in a loop at " + shown(loop.Name) + ", so that its DNS lookups never end"
	}
	if root.Find(spf.CutOff) != nil {
		return "takes more than " + n
	}
	return "takes " + n
}

// compatSPF is Internet.nl's judgement of the policy, what its grammar could
// not read, and its verdict.
func compatSPF(s *evidence.Snapshot) (r spf.CompatResult, rest, verdict string) {
	x := evidence.Once(s, compatSPFKey{}, func() (x compatSPFReading) {
		x.result, x.rest, x.verdict = readCompatSPF(s)
		return x
	})
	return x.result, x.rest, x.verdict
}

type (
	compatSPFKey     struct{}
	compatSPFReading struct {
		result        spf.CompatResult
		rest, verdict string
	}
)

func readCompatSPF(s *evidence.Snapshot) (r spf.CompatResult, rest, verdict string) {
	texts := spf.CompatSelect(s.Lookup(s.Domain, "TXT"))
	if len(texts) != 1 {
		return r, "", "not-tested"
	}
	r = spf.CompatPolicy(s.Lookup, s.Domain, texts[0])
	_, err := spf.CompatParse(texts[0])
	var syntax *spf.CompatSyntaxError
	if errors.As(err, &syntax) {
		rest = syntax.Rest
	}
	return r, rest, map[spf.CompatStatus]string{
		spf.CompatValid: "good", spf.CompatInvalidSyntax: "bad", spf.CompatInvalidAll: "all",
		spf.CompatInvalidInclude: "include", spf.CompatInvalidRedirect: "redirect", spf.CompatMaxLookups: "max-lookups",
	}[r.Status]
}

// spfProblem is a fault that is certain, whatever is unknown elsewhere.
type spfProblem struct {
	answer answer
	args   map[string]string
}

// pickProblem takes the problem that Internet.nl reports, if it is among them,
// else the first.
func pickProblem(list []spfProblem, verdict string) *spfProblem {
	for i, p := range list {
		if verdict == p.answer.agree.Verdict || slices.Contains(p.answer.also, verdict) {
			return &list[i]
		}
	}
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

// spfProblems lists the faults of a tree by RFC 7208, the worst first.
func spfProblems(s *evidence.Snapshot, root *spf.Node) []spfProblem {
	var list []spfProblem
	add := func(a answer, args map[string]string) { list = append(list, spfProblem{a, args}) }
	if root.State == spf.Malformed {
		add(spfSyntax, syntaxArgs(root.Err))
	}
	end := root.Last()
	endArgs := map[string]string{"name": shown(end.Name), "suggestion": txtRecord(end.Name, withEnd(end.Record).String())}
	all := (*spf.Term)(nil)
	if end.Record != nil {
		all = end.Record.All()
	}
	if all != nil && all.Qualifier == spf.Pass {
		add(spfAllPass, endArgs)
	}
	list = append(list, targetProblems(root)...)
	if root.OverLimit() {
		add(spfTooMany, nil)
	}
	switch {
	case all != nil && all.Qualifier == spf.Neutral:
		add(spfNeutral, endArgs)
	case all == nil && end.Record != nil:
		add(spfNoAll, endArgs)
	}
	return list
}

func syntaxArgs(err error) map[string]string {
	var e *spf.SyntaxError
	if !errors.As(err, &e) {
		return map[string]string{}
	}
	return map[string]string{"at": cut(e.Term, 80), "reason": e.Reason}
}

// targetProblems lists what is wrong with included records and with those
// redirected to, in the order of evaluation.
func targetProblems(n *spf.Node) []spfProblem {
	var list []spfProblem
	for _, c := range n.Children {
		args := map[string]string{"at": "", "reason": ""}
		var a answer
		switch {
		case c.State == spf.None:
			a = spfTargetMissing
		case c.State == spf.Several:
			a = spfTargetSeveral
		case c.State == spf.Malformed:
			a, args = spfTargetSyntax, syntaxArgs(c.Err)
		case c.Term.Kind == spf.Include && passesAll(c.Last().Record):
			a = spfTargetAll
		}
		if a.agree != nil {
			args["name"], args["term"], args["target"] = shown(n.Name), shown(c.Term.String()), shown(c.Name)
			list = append(list, spfProblem{a, args})
		}
		list = append(list, targetProblems(c)...)
	}
	return list
}

func passesAll(r *spf.Record) bool {
	return r != nil && r.All() != nil && r.All().Qualifier == spf.Pass
}

// withEnd is the record with ~all at its end.
func withEnd(r *spf.Record) *spf.Record {
	fixed := &spf.Record{}
	if r != nil {
		for _, t := range r.Terms {
			if t.Kind != spf.All && t.Kind != spf.Redirect {
				fixed.Terms = append(fixed.Terms, t)
			}
		}
	}
	fixed.Terms = append(fixed.Terms, spf.Term{Kind: spf.All, Qualifier: spf.SoftFail})
	return fixed
}
