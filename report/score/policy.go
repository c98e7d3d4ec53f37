package score

import (
	"errors"
	"fmt"
	"strings"

	"mailvet/report/check"
)

// Policy is a way to score: which checks, how many points for which outcome.
// It is data and is not changed once in use.
type Policy struct {
	Name       string
	Categories []CategoryRule
	Rows       []Row // in the order of reports, which decides Internet.nl's category status
}

// Named is the same policy under another name, for checks that judge by another
// guideline: their verdicts are scored alike.
func (p *Policy) Named(name string) *Policy {
	c := *p
	c.Name = name
	return &c
}

// CategoryRule says how the rows of a category are added up and worded.
type CategoryRule struct {
	ID    check.Category
	API   string
	Title string
	// PerHost makes one sum for each host, and one for the domain where a
	// check is evaluated for it; else there is one sum.
	PerHost bool
	// Lead is the check whose status is the category's when (almost) nothing
	// else was tested; empty for none.
	Lead string
	// LeadVerdicts gives the category's verdict by the verdict of Lead. For
	// others, and without Lead, it is the category's status.
	LeadVerdicts map[string]string
}

// Row is a scored check with all its outcomes.
type Row struct {
	Check    string // our id
	API      string // Internet.nl's
	Category check.Category
	// Field is the score field in which the points are kept. Rows may share
	// one: the points are then found under any of them, and count as often as
	// rows with this field count.
	Field string
	Full  int // added to the maximum when the row counts; 0 if it never does
	// PointsOf is the check from which an outcome whose points vary takes them.
	PointsOf string
	// Initial is the worst status before anything is tested.
	Initial Status
	// NotMandatory: the category is not failed by what is not tested here.
	NotMandatory bool
	Outcomes     []Outcome
}

// Outcome is one answer that Internet.nl gives.
type Outcome struct {
	// ID is the verdict, followed by a stroke and a word of its own where one
	// verdict stands for several outcomes ("not-tested/none").
	ID     string
	Status Status
	Worst  Status
	Points Points
}

// Verdict is the short id that the API shows.
func (o Outcome) Verdict() string {
	v, _, _ := strings.Cut(o.ID, "/")
	return v
}

// Points is what an outcome is worth. The zero value is "none": nothing is
// stored, which counts 0.
type Points struct {
	Min, Max int
	Set      bool
}

func pts(n int) Points       { return Points{n, n, true} }
func span(lo, hi int) Points { return Points{lo, hi, true} }

// of picks the points of a finding within the range: the smallest if the
// finding does not say.
func (p Points) of(n *int) int {
	if n == nil {
		return p.Min
	}
	return min(max(*n, p.Min), p.Max)
}

// Row returns the row of a check, nil if it has none.
func (p *Policy) Row(id string) *Row {
	for i := range p.Rows {
		if p.Rows[i].Check == id {
			return &p.Rows[i]
		}
	}
	return nil
}

// Outcome returns the outcome of that id, nil if there is none. Every row has
// [check.Untested].
func (r *Row) Outcome(id string) *Outcome {
	if id == check.Untested {
		return &Outcome{ID: notTested, Status: NotTested, Worst: r.Initial}
	}
	for i := range r.Outcomes {
		if r.Outcomes[i].ID == id {
			return &r.Outcomes[i]
		}
	}
	return nil
}

// Counts reports whether the row can add to the maximum at all.
func (r *Row) Counts() bool {
	if r.Full == 0 || r.Field == "" {
		return false
	}
	for _, o := range r.Outcomes {
		if o.Worst == Failed {
			return true
		}
	}
	return false
}

// fieldFull is the highest number of points a row of this field can bring, 0
// if no row of it ever counts.
func (p *Policy) fieldFull(field string) int {
	full := 0
	for i := range p.Rows {
		if r := &p.Rows[i]; field != "" && r.Field == field && r.Counts() {
			full = max(full, r.Full)
		}
	}
	return full
}

// Validate reports every mistake, joined: of the policy itself, a scored check
// without a row, a row without a check, and a code whose verdict is no outcome
// of its row. A program calls it once for the policy and catalogue it uses.
func (p *Policy) Validate(catalogue []*check.Check) error {
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("score: policy %s: %s", p.Name, fmt.Sprintf(format, args...)))
	}
	p.validateRows(fail)
	checks := map[string]*check.Check{}
	for _, c := range catalogue {
		checks[c.ID] = c
		row := p.Row(c.ID)
		switch {
		case c.Category == check.Extra && row != nil:
			fail("check %s is extra, but has a row", c.ID)
		case c.Category == check.Extra:
		case row == nil:
			fail("check %s has no row", c.ID)
			continue
		case row.Category != c.Category:
			fail("check %s is of category %s, its row of %s", c.ID, c.Category, row.Category)
		case row.API != c.API:
			fail("check %s is %q in the API, its row %q", c.ID, c.API, row.API)
		}
		for _, code := range c.Codes {
			if code.Verdict != "" && (row == nil || row.Outcome(code.Verdict) == nil) {
				fail("check %s: code %s has the verdict %q, which is no outcome of its row", c.ID, code.Name, code.Verdict)
			}
		}
	}
	for _, r := range p.Rows {
		if checks[r.Check] == nil {
			fail("the row %s has no check", r.Check)
		}
	}
	return errors.Join(errs...)
}

func (p *Policy) validateRows(fail func(string, ...any)) {
	rules := map[check.Category]bool{}
	for _, c := range p.Categories {
		if rules[c.ID] {
			fail("the category %s has two rules", c.ID)
		}
		rules[c.ID] = true
		if c.Lead != "" && p.Row(c.Lead) == nil {
			fail("the category %s is led by %s, which has no row", c.ID, c.Lead)
		}
	}
	seen := map[string]bool{}
	for i := range p.Rows {
		r := &p.Rows[i]
		if seen[r.Check] {
			fail("the check %s has two rows", r.Check)
		}
		seen[r.Check] = true
		if !rules[r.Category] {
			fail("the row %s is of category %s, which has no rule", r.Check, r.Category)
		}
		if r.Full > 0 && r.Field == "" {
			fail("the row %s has points but no score field", r.Check)
		}
		if r.PointsOf != "" && p.Row(r.PointsOf) == nil {
			fail("the row %s takes its points of %s, which has no row", r.Check, r.PointsOf)
		}
		ids := map[string]bool{}
		for _, o := range r.Outcomes {
			if ids[o.ID] {
				fail("the row %s has the outcome %q twice", r.Check, o.ID)
			}
			ids[o.ID] = true
			if o.Worst == Error {
				fail("the row %s: a worst status of error, which would never count, for %q", r.Check, o.ID)
			}
			if full := p.fieldFull(r.Field); full > 0 && (o.Points.Max > full || o.Points.Min < 0 || o.Points.Min > o.Points.Max) {
				fail("the row %s: %q has points outside 0 to %d", r.Check, o.ID, full)
			}
		}
	}
}
