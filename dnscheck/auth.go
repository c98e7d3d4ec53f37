package dnscheck

import (
	"slices"
	"strconv"

	"mailvet/dnscheck/dmarc"
	"mailvet/dnscheck/spf"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// The checks of sender authentication: what a domain says about mail that
// carries its name. Each is read twice over the same answers. Internet.nl's
// reading (Compat in packages spf and dmarc) makes the verdict and the points,
// the standards' reading makes the words.
var authChecks = []*check.Check{dmarcExists, dmarcPolicy, dkimExists, spfExists, spfPolicy}

// spfWants names the questions for SPF records. However hostile these are, the
// questions are bounded: see [spf.Wanted] (41 names).
func spfWants(s *evidence.Snapshot) []evidence.Question {
	return ofTXT(spf.Wanted(s.Lookup, s.Domain))
}

// dmarcWants names those for DMARC records: see [dmarc.Wanted] (22 names).
func dmarcWants(s *evidence.Snapshot) []evidence.Question {
	return ofTXT(dmarc.Wanted(s.Lookup, s.Domain))
}

func ofTXT(names []string) []evidence.Question {
	list := make([]evidence.Question, len(names))
	for i, n := range names {
		list[i] = evidence.Question{Name: n, Type: "TXT"}
	}
	return list
}

// walkSPF and findDMARC read the domain's own records. The results are shared by
// those who look at one view of a snapshot: nobody changes them.
func walkSPF(s *evidence.Snapshot) *spf.Node {
	return evidence.Once(s, walkKey{}, func() *spf.Node { return spf.Walk(s.Lookup, s.Domain) })
}

func findDMARC(s *evidence.Snapshot) dmarc.Found {
	return evidence.Once(s, findKey{}, func() dmarc.Found { return dmarc.Find(s.Lookup, s.Domain) })
}

type (
	walkKey struct{}
	findKey struct{}
)

// answer is one of our answers: the code where Internet.nl says what belongs
// to it, and its twins where Internet.nl says something else.
type answer struct {
	agree *check.Code
	// also are further verdicts that belong to the code, besides its own.
	also []string
	// syntax, if not nil, is the twin where Internet.nl alone cannot parse the
	// record, differ the one for all else.
	syntax, differ *check.Code
}

// newAnswer makes the twin for other verdicts, which tells why.
func newAnswer(agree check.Code, why string, also ...string) answer {
	return answer{agree: &agree, also: also, differ: twin(agree, "-otherwise", why)}
}

// withSyntax adds the twin for records that Internet.nl cannot parse.
func (a answer) withSyntax(why, advice string) answer {
	a.syntax = twin(*a.agree, "-syntax", why)
	a.syntax.Verdict = "bad"
	if a.syntax.Advice == "" {
		a.syntax.Advice = advice
	}
	return a
}

// withNote adds what Internet.nl makes of it to the code without twins' texts.
func (a answer) withNote(note string) answer {
	a.agree.Text += " " + note
	return a
}

func twin(c check.Code, suffix, why string) *check.Code {
	c.Name += suffix
	c.Verdict = ""
	c.Text += " " + why
	return &c
}

func (a answer) codes() []*check.Code {
	list := []*check.Code{a.agree, a.differ}
	if a.syntax != nil {
		list = append(list, a.syntax)
	}
	return list
}

func codesOf(answers []answer, more ...*check.Code) []*check.Code {
	var list []*check.Code
	for _, a := range answers {
		list = append(list, a.codes()...)
	}
	return append(list, more...)
}

// finding picks the code that fits Internet.nl's verdict.
func (a answer) finding(verdict string) check.Finding {
	switch {
	case verdict == a.agree.Verdict:
		return check.Finding{Code: a.agree}
	case slices.Contains(a.also, verdict):
		return check.Finding{Code: a.agree, Verdict: verdict}
	case a.syntax != nil && verdict == a.syntax.Verdict:
		return check.Finding{Code: a.syntax}
	}
	return check.Finding{Code: a.differ, Verdict: verdict}
}

// unknownFinding is the answer where a lookup that is needed brought nothing:
// unknown with Internet.nl's verdict, or, if nobody else would have met the
// failure, not looked up without one.
func unknownFinding(unknown, notLookedUp *check.Code, verdict string, lookups ...*evidence.Lookup) check.Finding {
	args := map[string]string{"failed": shown(whatFailed(lookups...))}
	if slices.ContainsFunc(lookups, ownFault) {
		return check.Finding{Code: notLookedUp, Args: args}
	}
	return check.Finding{Code: unknown, Verdict: verdict, Args: args}
}

// maxShown bounds the octets of a text out of the DNS that an argument holds.
const maxShown = 512

// shown makes an argument of a raw text: printable ASCII, bounded.
func shown(text string) string { return cut(evidence.EscapeText(text), maxShown) }

// cut bounds an escaped text and marks where it was cut.
func cut(escaped string, n int) string {
	if len(escaped) <= n {
		return escaped
	}
	return escaped[:n] + " [cut here; " + strconv.Itoa(len(escaped)) + " octets in all]"
}
