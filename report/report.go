// Package report is what a reader gets: one domain's snapshot, judged by the
// checks of a catalogue and scored by a policy, with all texts written out.
//
// [New] is a pure function of its arguments. Formats are [Handler]s: they take
// reports one after another and hold none of them. [Encoder] writes JSON; the
// others have packages of their own below this one.
package report

import (
	"fmt"
	"slices"
	"time"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/report/score"
)

// Schema names the form of the JSON. Within a version fields are only added.
const Schema = "mailvet.report/v1"

// Report is the judgement of one domain. Its JSON form is stable; every field
// without omitempty is always there.
type Report struct {
	Schema string `json:"schema"`
	Domain string `json:"domain"` // lower-case A-labels
	// Address is the mail address that was given, if it was one.
	Address string        `json:"address,omitempty"`
	Time    time.Time     `json:"time"` // when the scan began, UTC
	Tool    evidence.Tool `json:"tool"` // what gathered the evidence
	// Options are the flags of the scan that change what its results mean, see
	// [Options]: reports with others are not to be compared. Nil in a report of a
	// version that did not write them down.
	Options []string `json:"options"`
	// Error is set where the domain could not be scanned at all; then there is
	// no score, and Categories is empty.
	Error *Error `json:"error,omitempty"`
	// Notes are what a reader should know before anything else, each a full
	// sentence: that the domain does not exist, say.
	Notes      []string   `json:"notes,omitempty"`
	Score      *Score     `json:"score,omitempty"`
	Categories []Category `json:"categories"` // in the order of [check.Categories]; those without checks are left out
	// DNSSEC is the chains of trust that the verdicts rest on; absent where
	// nothing was validated.
	DNSSEC         *DNSSEC `json:"dnssec,omitempty"`
	Cost           Cost    `json:"cost"`
	EvidenceDigest string  `json:"evidence_digest"`
}

// Error says why a domain could not be scanned.
type Error struct {
	Class evidence.Class `json:"class"`
	Op    evidence.Op    `json:"op"`
	Text  string         `json:"text"`
}

// Score is the number and the range it may move in; see package score.
type Score struct {
	Percent  int    `json:"percent"`
	Low      int    `json:"low"`
	High     int    `json:"high"`
	Complete bool   `json:"complete"`
	Policy   string `json:"policy"`
}

// Category is a category with its checks, in the order of the catalogue.
//
// Status is ours: failed if any check failed; else unknown, warning or passed,
// the first that any of the checks has; else info; else not-tested. So a
// passed category may hold checks that were not tested: Percent, Low and High
// tell how much that can be worth. Internet.nl's status and verdict follow
// other rules and stand beside it.
type Category struct {
	ID                string       `json:"id"`
	Title             string       `json:"title"`
	Status            check.Status `json:"status"`
	Points            int          `json:"points"` // the smallest sum of any server
	Max               int          `json:"max"`
	Percent           int          `json:"percent"`
	Low               int          `json:"low"`
	High              int          `json:"high"`
	Internetnl        string       `json:"internetnl"` // the id in Internet.nl's API; empty for extra
	InternetnlStatus  string       `json:"internetnl_status"`
	InternetnlVerdict string       `json:"internetnl_verdict"`
	Checks            []Check      `json:"checks"`
}

// Check is a check with what it found.
//
// Status is that of the worst finding: failed, unknown, warning, info, passed,
// not-tested, in this order. Points is the smallest of any server; Points and
// Max are 0 where the check does not count.
type Check struct {
	ID                string           `json:"id"`
	Internetnl        string           `json:"internetnl"` // the id in Internet.nl's API; empty for extra checks
	InternetnlStatus  string           `json:"internetnl_status"`
	InternetnlVerdict string           `json:"internetnl_verdict"`
	Level             check.Level      `json:"level"`
	Title             string           `json:"title"`
	Status            check.Status     `json:"status"`
	Points            int              `json:"points"`
	Max               int              `json:"max"`
	Cites             []check.Citation `json:"cites"`
	Findings          []Finding        `json:"findings"`
}

// Finding is the answer for one subject. The values of Args, and so Text and
// Advice, may hold hostile octets of the network: they are valid UTF-8 and
// bounded, no more.
type Finding struct {
	Code     string            `json:"code"`
	Outcome  check.Outcome     `json:"outcome"`
	Status   check.Status      `json:"status"`
	Subject  evidence.Subject  `json:"subject"`
	Text     string            `json:"text"`
	Advice   string            `json:"advice"`
	Args     map[string]string `json:"args"`
	Evidence []string          `json:"evidence"` // JSON pointers (RFC 6901) into the snapshot
	Cites    []check.Citation  `json:"cites,omitempty"`
	// NotAsked: nobody looked, as against: looked and could not tell.
	NotAsked bool `json:"not_asked,omitempty"`
	// SameAs is the id of a check that stands before this one and tells the same
	// fault of the same subject.
	SameAs string `json:"same_as,omitempty"`
}

// Cost is what the scan asked of others.
type Cost struct {
	DNSQueries       int     `json:"dns_queries"`
	SMTPConnections  int     `json:"smtp_connections"`
	HTTPSConnections int     `json:"https_connections,omitempty"`
	Seconds          float64 `json:"seconds"`
}

// New judges a snapshot, which it makes canonical. The catalogue must be one
// that [check.Validate] and the policy's Validate accept.
func New(catalogue []*check.Check, policy *score.Policy, s *evidence.Snapshot) (*Report, error) {
	digest, err := evidence.Digest(s)
	if err != nil {
		return nil, fmt.Errorf("report: %s: %w", s.Domain, err)
	}
	r := &Report{
		Schema:         Schema,
		Domain:         valid(s.Domain, maxArg),
		Address:        valid(s.Address, maxArg),
		Time:           s.Time,
		Tool:           s.Tool,
		Options:        Options(&s.Vantage),
		Categories:     []Category{},
		Cost:           Cost{s.Cost.DNSQueries, s.Cost.SMTPConnections, s.Cost.HTTPSConnections, float64(s.Cost.Milliseconds) / 1000},
		EvidenceDigest: digest,
	}
	if s.Error != nil {
		r.Error = &Error{s.Error.Class, s.Error.Op, valid(s.Error.Text, maxArg)}
		return r, nil
	}
	r.Notes = notes(s)
	r.DNSSEC = explainDNSSEC(s)
	if s.Vantage.NoExtra {
		catalogue = slices.DeleteFunc(slices.Clone(catalogue), func(c *check.Check) bool { return c.Category == check.Extra })
	}
	results := check.Run(catalogue, s)
	sc := score.Compute(policy, results)
	same := faultsOf(results)
	r.Score = &Score{sc.Percent, sc.Low, sc.High, sc.Complete, sc.Policy}
	for _, id := range check.Categories {
		if c, ok := newCategory(id, policy, &sc, results, same); ok {
			r.Categories = append(r.Categories, c)
		}
	}
	return r, nil
}

// notes are about the scan as a whole.
func notes(s *evidence.Snapshot) []string {
	var list []string
	if missing(s) {
		list = append(list, valid(s.Domain, maxArg)+" does not exist in the DNS. See whether the name is spelt right: what follows is about a name that nobody has.")
	}
	if s.Vantage.StripsDNSSEC {
		list = append(list, "The resolver leaves out DNSSEC records, so that nothing could be validated. Scan with another one (--resolver).")
	}
	return list
}

// missing reports whether every question about the domain itself was answered
// with NXDOMAIN (RFC 8020).
func missing(s *evidence.Snapshot) bool {
	asked := 0
	for i := range s.Lookups {
		if l := &s.Lookups[i]; l.Name == s.Domain {
			if asked++; l.Outcome != evidence.OutcomeNXDomain {
				return false
			}
		}
	}
	return asked > 0
}

func newCategory(id check.Category, policy *score.Policy, sc *score.Score, results []check.Result, same faults) (Category, bool) {
	c := Category{ID: id.String(), Title: id.String(), Checks: []Check{}}
	if id == check.Extra {
		c.Title = "Beyond Internet.nl"
	}
	for _, rule := range policy.Categories {
		if rule.ID == id {
			c.Title = rule.Title
		}
	}
	if own := sc.Category(id); own != nil {
		c.Points, c.Max, c.Percent, c.Low, c.High = own.Points, own.Max, own.Percent, own.Low, own.High
		c.Internetnl, c.InternetnlStatus, c.InternetnlVerdict = own.API, own.Status.String(), own.Verdict
	}
	n := 0
	for i := range results {
		if results[i].Check.Category == id {
			n++
		}
	}
	c.Checks = slices.Grow(c.Checks, n)
	for _, res := range results {
		if res.Check.Category == id {
			c.Checks = append(c.Checks, newCheck(res, sc.Check(res.Check.ID), same))
		}
	}
	c.Status = worst(categoryOrder, len(c.Checks), func(i int) check.Status { return c.Checks[i].Status })
	return c, len(c.Checks) > 0
}

func newCheck(res check.Result, own *score.Check, same faults) Check {
	k := Check{
		ID: res.Check.ID, Internetnl: res.Check.API, Level: res.Check.Level, Title: res.Check.Title,
		Cites: some(res.Check.Cites), Findings: make([]Finding, len(res.Findings)),
	}
	if own != nil {
		k.Points, k.Max, k.InternetnlStatus, k.InternetnlVerdict = own.Points, own.Max, own.Status.String(), own.Verdict
	}
	for i, f := range res.Findings {
		k.Findings[i] = newFinding(f, res.Check.Level)
		k.Findings[i].SameAs = same.of(f)
	}
	k.Status = worst(checkOrder, len(k.Findings), func(i int) check.Status { return k.Findings[i].Status })
	return k
}

// some is a list that is never nil, as in JSON an empty one is no null. It is
// shared with what it was made from: nobody changes either.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return slices.Clip(list)
}

func newFinding(f check.Finding, level check.Level) Finding {
	args := bounded(f.Args, maxArg)
	short := args
	for _, v := range args {
		if len(v) > maxArgInText {
			short = bounded(f.Args, maxArgInText)
			break
		}
	}
	return Finding{
		Code: f.Code.Name, Outcome: f.Code.Outcome, Status: check.StatusOf(f.Code, level), Subject: f.Subject,
		Text: check.Render(f.Code.Text, short), Advice: check.Render(f.Code.Advice, short),
		Args: args, Evidence: some(f.Evidence), Cites: f.Code.Cites, NotAsked: f.Code.NotAsked,
	}
}

// fault is a code that says so, of a subject.
type fault struct {
	code    *check.Code
	subject evidence.Subject
}

// faults names the check that found each.
type faults map[fault]string

func faultsOf(results []check.Result) faults {
	m := faults{}
	for _, res := range results {
		for _, f := range res.Findings {
			if f.Code.Outcome == check.Fail || f.Code.Outcome == check.Weak {
				m[fault{f.Code, f.Subject}] = res.Check.ID
			}
		}
	}
	return m
}

// of names the check that tells the same as f; empty if there is none.
func (m faults) of(f check.Finding) string {
	if f.Args["also"] != "" || f.Args["compared"] != "" {
		return ""
	}
	for _, code := range f.Code.SameAs {
		if id := m[fault{code, f.Subject}]; id != "" {
			return id
		}
	}
	return ""
}

// The orders in which one status stands for many; see [Category] and [Check].
var (
	categoryOrder = []check.Status{check.StatusError, check.StatusFailed, check.StatusUnknown, check.StatusWarning, check.StatusPassed, check.StatusInfo, check.StatusNotTested}
	checkOrder    = []check.Status{check.StatusError, check.StatusFailed, check.StatusUnknown, check.StatusWarning, check.StatusInfo, check.StatusPassed, check.StatusNotTested}
)

func worst(order []check.Status, n int, status func(int) check.Status) check.Status {
	for _, s := range order {
		for i := range n {
			if status(i) == s {
				return s
			}
		}
	}
	return check.StatusNotTested
}
