package text

import (
	"fmt"
	"io"
	"strings"

	"mailvet/report/check"
	"mailvet/report/score"
)

// Catalogue writes a list of all checks: id, level, title. It has no colours.
func Catalogue(w io.Writer, catalogue []*check.Check, width int) error {
	p := newPage(width, false)
	ids := 0
	for _, c := range catalogue {
		ids = max(ids, len(c.ID))
	}
	for _, category := range check.Categories {
		first := true
		for _, c := range catalogue {
			if c.Category != category {
				continue
			}
			if first {
				if p.Len() > 0 {
					p.line("")
				}
				p.line(category.String())
				first = false
			}
			p.catalogueLine(c, ids)
		}
	}
	p.line("")
	p.para(0, "`mailvet checks ID` explains a check.")
	return p.writeTo(w)
}

func (p *page) catalogueLine(c *check.Check, ids int) {
	title := Clean(c.Title)
	if c.Evaluate == nil {
		title += " (not yet tested)"
	}
	if p.width < ids+50 {
		p.line("  " + cut(c.ID, p.width-2))
		p.para(4, c.Level.String()+": "+title)
		return
	}
	p.block("  "+pad(c.ID, ids)+"  "+pad(c.Level.String(), 13)+"  ", 2+ids+2+13+2, title)
}

// Explain writes everything there is to know of a check. A check without row
// in the policy is not scored.
func Explain(w io.Writer, c *check.Check, policy *score.Policy, width int) error {
	p := newPage(width, false)
	p.para(0, fmt.Sprintf("%s: %s", c.ID, Clean(c.Title)))
	p.line("")
	p.para(0, fmt.Sprintf("Category %s, level %s, one answer for each %s.", c.Category, c.Level, c.Scope))
	if c.Evaluate == nil {
		p.para(0, check.Ungathered.Text)
	}
	if len(c.Requires) > 0 {
		var ids []string
		for _, r := range c.Requires {
			ids = append(ids, r.ID)
		}
		p.para(0, "Requires: "+strings.Join(ids, ", ")+".")
	}
	for _, part := range []struct{ head, text string }{{"What is tested", c.Doc.What}, {"Why it matters", c.Doc.Why}, {"How to get it right", c.Doc.How}} {
		p.line("")
		p.line(part.head)
		p.para(2, Clean(part.text))
	}
	p.line("")
	p.line("Sources")
	for _, cite := range c.Cites {
		p.para(2, cite.String())
	}
	p.codes(c)
	p.outcomes(policy, c)
	return p.writeTo(w)
}

func (p *page) codes(c *check.Check) {
	if len(c.Codes) == 0 {
		return
	}
	p.line("")
	p.line("Answers")
	for _, code := range c.Codes {
		p.para(2, fmt.Sprintf("%s: %s", code.Name, check.StatusOf(code, c.Level)))
		p.para(4, Clean(code.Text))
		if code.Advice != "" {
			p.para(4, "-> "+Clean(code.Advice))
		}
		if len(code.Cites) > 0 {
			p.para(4, "Source: "+citations(code.Cites))
		}
	}
}

func (p *page) outcomes(policy *score.Policy, c *check.Check) {
	p.line("")
	row := policy.Row(c.ID)
	if row == nil {
		p.para(0, "This check is not scored.")
		return
	}
	p.para(0, fmt.Sprintf("Score (%s, %s)", policy.Name, row.API))
	if !row.Counts() {
		p.para(2, "No points: it does not count in the score.")
	} else {
		p.para(2, fmt.Sprintf("At most %d points.", row.Full))
	}
	for _, o := range row.Outcomes {
		s := fmt.Sprintf("%s: %s", o.ID, o.Status)
		if row.Counts() {
			s += ", " + pointsText(row, o)
		}
		p.para(2, s)
	}
}

func pointsText(row *score.Row, o score.Outcome) string {
	switch {
	case o.Worst != score.Failed:
		return "does not count"
	case !o.Points.Set:
		return "0 points"
	case o.Points.Min != o.Points.Max && row.PointsOf != "":
		return "the points of " + row.PointsOf
	case o.Points.Min != o.Points.Max:
		return fmt.Sprintf("%d to %d points", o.Points.Min, o.Points.Max)
	}
	return number(o.Points.Max, "point", "points")
}
