// Package reporttest makes judged worlds for tests of scoring and of formats,
// without a network and without real checks: it starts from a domain where
// everything is right, and changes the answer of one check at a time.
package reporttest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/report/score"
)

// MX1 and MX2 are the mail hosts of [Right].
const (
	MX1 = "mx1.example.test"
	MX2 = "mx2.example.test"
)

// World is a domain, its mail hosts, and what each check answers. A change
// that makes no sense panics, as it is a mistake in the test.
type World struct {
	Policy *score.Policy
	Domain string
	Hosts  []string // none: a domain without mail hosts
	// Free drops all requirements: each check answers as it was told.
	Free    bool
	answers map[key]answer
}

type key struct{ check, host string }

type answer struct {
	common  *check.Code // or
	verdict string
	points  *int
	unknown bool // inconclusive
}

// Right is a domain with two mail hosts where every check is good.
func Right() *World {
	return &World{Policy: score.InternetNL(), Domain: "example.test", Hosts: []string{MX1, MX2}, answers: map[key]answer{}}
}

// Set changes answers. A change is CHECK=ANSWER, for all hosts, or
// CHECK@HOST=ANSWER. An answer is an outcome of the policy, with ":N" where
// its points vary, or one of
//
//	*unknown           inconclusive, without a verdict
//	*unknown(OUTCOME)  inconclusive, with one
//	*ungathered *blocked *nothing *unknown-by *skipped
//
// for the answers that any check may give.
func (w *World) Set(changes ...string) *World {
	for _, c := range changes {
		what, how, ok := strings.Cut(c, "=")
		id, host, _ := strings.Cut(what, "@")
		row := w.Policy.Row(id)
		if !ok || row == nil {
			panic("reporttest: no such check: " + c)
		}
		w.answers[key{id, host}] = parse(row, how)
	}
	return w
}

var common = map[string]*check.Code{
	"*ungathered": check.Ungathered, "*blocked": check.BlockedBy, "*nothing": check.NothingBy,
	"*unknown-by": check.UnknownBy, "*skipped": check.SkippedBy,
}

func parse(row *score.Row, how string) answer {
	if code := common[how]; code != nil {
		return answer{common: code}
	}
	var a answer
	if how == "*unknown" {
		return answer{unknown: true}
	}
	if inner, ok := strings.CutPrefix(how, "*unknown("); ok {
		a.unknown, how = true, strings.TrimSuffix(inner, ")")
	}
	verdict, points, ok := strings.Cut(how, ":")
	if ok {
		n, err := strconv.Atoi(points)
		if err != nil {
			panic("reporttest: " + err.Error())
		}
		a.points = &n
	}
	if a.verdict = verdict; row.Outcome(verdict) == nil {
		panic("reporttest: " + row.Check + " has no outcome " + verdict)
	}
	return a
}

// NoTLSA takes the TLSA records of a host away.
func (w *World) NoTLSA(host string) *World {
	return w.Set("dane-exists@"+host+"=bad", "dane-valid@"+host+"=*blocked", "dane-rollover@"+host+"=*blocked")
}

// NoCertificate is a host whose certificates could not be had though TLS works.
func (w *World) NoCertificate(host string) *World {
	w.Set("cert-trust@"+host+"=could-not-test", "caa@"+host+"=bad").NoTLSA(host)
	for _, id := range []string{"cert-key", "cert-signature", "cert-host"} {
		w.Set(id + "@" + host + "=*blocked")
	}
	return w
}

// NoMail is a domain without mail hosts. The variant is "no-mx" or one of
// Internet.nl's verdicts for a null MX.
func (w *World) NoMail(variant string) *World {
	w.Hosts = nil
	address, exists, starttls := variant, variant, variant
	if variant == "no-mx" {
		address, exists, starttls = "other", "no-mailservers", "other-2"
	}
	return w.Set("ipv6-mx-address="+address, "ipv6-mx-reach=not-tested/none", "dnssec-mx-exists="+exists, "dnssec-mx-valid=not-tested/none",
		"starttls-exists="+starttls, "rpki-mx-exists=no-addresses", "rpki-mx-valid=not-tested", "rpki-mx-ns-exists=no-addresses", "rpki-mx-ns-valid=not-tested")
}

func (w *World) answer(row *score.Row, host string) answer {
	for _, k := range []key{{row.Check, host}, {row.Check, ""}} {
		if a, ok := w.answers[k]; ok {
			return a
		}
	}
	best := row.Outcomes[0]
	a := answer{verdict: best.ID}
	if best.Points.Min < best.Points.Max && row.PointsOf == "" {
		a.points = &best.Points.Max
	}
	return a
}

// Catalogue makes a check for each row of the policy, with a code for each
// outcome and one for "unknown" with each of them, in the policy's order.
func (w *World) Catalogue() []*check.Check {
	var list []*check.Check
	byID := map[string]*check.Check{}
	for i := range w.Policy.Rows {
		row := &w.Policy.Rows[i]
		c := w.check(row)
		if lead := "starttls-exists"; !w.Free && row.Category == check.TLS && row.Check != lead {
			c.Requires = []*check.Check{byID[lead]}
		}
		byID[c.ID] = c
		list = append(list, c)
	}
	return list
}

func (w *World) check(row *score.Row) *check.Check {
	c := &check.Check{
		ID: row.Check, API: row.API, Category: row.Category, Level: level(row), Scope: check.PerDomain,
		Title: strings.ToUpper(row.Check[:1]) + strings.ReplaceAll(row.Check[1:], "-", " "),
		Doc: check.Doc{What: "It looks at what " + row.Check + " is about.", Why: "Mail depends on it.",
			How: "Publish the record, or change the setting, and scan again."},
		Cites: []check.Citation{check.InternetNL(row.API)},
		Args:  []string{"subject"},
	}
	if row.Category == check.TLS || strings.HasPrefix(row.Check, "dnssec-mx-") {
		c.Scope = check.PerHost
	}
	for _, o := range row.Outcomes {
		code := &check.Code{Name: strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(o.ID)), Outcome: outcome(o), Verdict: o.ID,
			Text: "For {subject} the answer is \"" + o.ID + "\"."}
		if code.Outcome == check.Fail || code.Outcome == check.Weak {
			code.Advice = "Ask whoever runs {subject} to put this right."
		}
		c.Codes = append(c.Codes, code, &check.Code{Name: "unknown-" + code.Name, Verdict: o.ID, Text: "For {subject} it could not be found out."})
	}
	c.Codes = append(c.Codes, &check.Code{Name: "not-found-out", Text: "For {subject} it could not be found out."})
	c.Evaluate = func(_ *evidence.Snapshot, s evidence.Subject) check.Finding { return w.evaluate(c, row, s) }
	return c
}

func (w *World) evaluate(c *check.Check, row *score.Row, s evidence.Subject) check.Finding {
	a := w.answer(row, s.Host)
	subject := s.Host
	if subject == "" {
		subject = w.Domain
	}
	f := check.Finding{Code: a.common, Points: a.points, Args: map[string]string{"subject": subject, "requires": "Starttls exists"}, Evidence: []string{"/lookups/0"}}
	if f.Code != nil {
		return f
	}
	i := slices.IndexFunc(c.Codes, func(code *check.Code) bool {
		return code.Verdict == a.verdict && (code.Outcome == check.Inconclusive) == a.unknown
	})
	f.Code = c.Codes[i]
	return f
}

func level(row *score.Row) check.Level {
	worst := score.Passed
	for _, o := range row.Outcomes {
		worst = min(worst, o.Worst)
	}
	switch worst {
	case score.Failed:
		return check.Required
	case score.Warning:
		return check.Recommended
	}
	return check.Optional
}

func outcome(o score.Outcome) check.Outcome {
	switch o.Status {
	case score.Passed:
		return check.Pass
	case score.Warning, score.Info:
		if strings.Contains(o.ID, "null-mx") {
			return check.NotApplicable
		}
		return check.Weak
	case score.Failed, score.Error:
		return check.Fail
	case score.NotTested:
		return check.NotApplicable
	}
	panic(fmt.Sprint("reporttest: status ", o.Status))
}

// Snapshot is evidence with the domain's mail hosts and nothing else.
func (w *World) Snapshot() *evidence.Snapshot {
	mx := evidence.Lookup{Name: w.Domain, Type: "MX", Outcome: evidence.OutcomeNoData}
	for _, h := range w.Hosts {
		mx.Outcome = evidence.OutcomeAnswer
		mx.Answer = append(mx.Answer, evidence.RR{Name: w.Domain, Type: "MX", TTL: 300, Data: "10 " + h + "."})
	}
	s := &evidence.Snapshot{
		Schema: evidence.Schema, Tool: evidence.Tool{Name: "mailvet", Version: "test"}, Domain: w.Domain,
		Time: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Lookups: []evidence.Lookup{mx},
		Cost: evidence.Cost{DNSQueries: 41, SMTPConnections: 2, Milliseconds: 1300},
	}
	s.Canonical()
	return s
}

// Results runs the catalogue over the snapshot.
func (w *World) Results() []check.Result { return check.Run(w.Catalogue(), w.Snapshot()) }

// Score scores the results.
func (w *World) Score() score.Score { return score.Compute(w.Policy, w.Results()) }
