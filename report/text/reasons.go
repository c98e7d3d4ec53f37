package text

import (
	"fmt"
	"slices"
	"strings"

	"mailvet/report"
	"mailvet/report/check"
)

// unknown lists what could not be found out, apart from what is wrong. What is
// unknown only because of something else stands in one line with its reason.
func (p *page) unknown(r *report.Report) {
	var own []item
	var derived []report.Check
	reasons := groups{}
	for _, it := range items(r, check.StatusUnknown) {
		if it.code != check.UnknownBy.Name {
			own = append(own, it)
			continue
		}
		derived = append(derived, it.checks[0])
		for _, f := range it.findings {
			reasons.add(f, it.checks[0])
		}
	}
	if len(own) == 0 && len(derived) == 0 {
		return
	}
	p.section("Not known", own)
	if len(own) == 0 {
		p.line("")
		p.line(p.paint("Not known", bold))
	}
	p.reasons(reasons)
}

// notTested has one short entry for each reason. What does not apply is listed
// without reasons, but for those that several checks have: their own, or that
// of a check they stand behind. What Internet.nl does not have is left out:
// nobody misses it.
func (p *page) notTested(r *report.Report) {
	list := slices.DeleteFunc(items(r, check.StatusNotTested), func(it item) bool { return beyond(r, it.checks[0].ID) })
	if len(list) == 0 {
		return
	}
	tell := map[string]bool{} // texts, and titles of checks, that stand for several
	owner := map[string]string{}
	for _, it := range list {
		for _, f := range it.findings {
			if first, ok := owner[f.Text]; ok && first != it.checks[0].ID {
				tell[f.Text] = true
			}
			owner[f.Text] = it.checks[0].ID
			if f.Code == check.NothingBy.Name {
				tell[f.Args["requires"]] = true
			}
		}
	}
	reasons, nothing := groups{}, groups{}
	for _, it := range list {
		c := it.checks[0]
		for _, f := range it.findings {
			if f.Outcome == check.NotApplicable && f.Code != check.NothingBy.Name && !tell[f.Text] && !tell[c.Title] {
				f.Text = "" // one group for all
				nothing.add(f, c)
				continue
			}
			reasons.add(f, c)
		}
	}
	p.line("")
	p.line(p.paint("Not tested", bold))
	p.reasons(reasons)
	for _, g := range nothing {
		const lead = "  Does not apply (-v says why): "
		p.line(lead + names(g.checks, p.width-len(lead)))
	}
}

// groups are checks by the text that they have in common, in order. Where one
// check says the same of several hosts, the first stands for all.
type groups []group

type group struct {
	code, text string
	checks     []report.Check
	others     []string // texts that are left out
}

func (g *groups) add(f report.Finding, c report.Check) {
	for i := range *g {
		x := &(*g)[i]
		has := slices.ContainsFunc(x.checks, func(o report.Check) bool { return o.ID == c.ID })
		switch {
		case x.text == f.Text:
			if !has {
				x.checks = append(x.checks, c)
			}
			return
		case has && len(x.checks) == 1 && x.code == f.Code:
			if !slices.Contains(x.others, f.Text) {
				x.others = append(x.others, f.Text)
			}
			return
		}
	}
	*g = append(*g, group{f.Code, f.Text, []report.Check{c}, nil})
}

// reasons writes each reason, and in a line below the checks it holds for.
func (p *page) reasons(list groups) {
	for _, g := range list {
		if len(g.checks) > 1 {
			p.hanging(Clean(g.text), maxReason)
			p.line("    " + names(g.checks, p.width-4))
			continue
		}
		who := Clean(g.checks[0].Title)
		if n := len(g.others); n > 0 {
			who += fmt.Sprintf(" (the first of %d)", n+1)
		}
		p.hanging(who+": "+Clean(g.text), maxReason)
	}
}

// maxReason is how many lines a reason takes when not verbose.
const maxReason = 3

// hanging writes s, shortened if need be to most lines, all but the first
// indented further.
func (p *page) hanging(s string, most int) {
	for i := range most {
		indent := 2 + 2*min(i, 1)
		lines := wrap(s, p.width-indent)
		if len(lines) == 0 {
			return
		}
		line := lines[0]
		if i == most-1 {
			line = cut(strings.Join(strings.Fields(s), " "), p.width-indent)
		}
		p.line(strings.Repeat(" ", indent) + line)
		s = strings.Join(lines[1:], " ")
	}
}

// names lists as many titles as fit in n columns, and counts the rest.
func names(checks []report.Check, n int) string {
	line := ""
	for i, c := range checks {
		next := Clean(c.Title)
		if i > 0 {
			next = line + ", " + next
		}
		more := ""
		if left := len(checks) - i - 1; left > 0 {
			more = fmt.Sprintf(" and %d more", left)
		}
		if Width(next+more) > n {
			if i == 0 {
				return cut(next, n-len(more)) + more
			}
			return line + fmt.Sprintf(" and %d more", len(checks)-i)
		}
		line = next
	}
	return line
}
