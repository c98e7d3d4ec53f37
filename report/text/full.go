package text

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"mailvet/report"
	"mailvet/report/check"
)

// full writes one report.
func (p *page) full(r *report.Report, verbose bool) {
	p.heading(r)
	if r.Error != nil {
		p.para(2, Clean(r.Error.Text))
		p.line("")
		p.cost(r)
		return
	}
	for _, n := range r.Notes {
		p.para(2, Clean(n))
	}
	p.line("")
	for _, c := range r.Categories {
		p.categoryLine(c)
	}
	if verbose {
		p.details(r)
	} else {
		p.wrong(r)
		p.unknown(r)
		p.notTested(r)
	}
	p.line("")
	p.cost(r)
}

func (p *page) heading(r *report.Report) {
	name, score, st := domainText(r.Domain), "not scanned", red
	if r.Score != nil {
		score, st = scoreText(r), scoreStyle(r.Score)
	}
	if Width(name)+3+Width(score) <= p.width {
		p.line(p.paint(name, bold) + "   " + p.paint(score, st))
		return
	}
	for _, l := range wrap(name, p.width) {
		p.line(p.paint(l, bold))
	}
	for _, l := range wrap(score, p.width-2) {
		p.line("  " + p.paint(l, st))
	}
}

// domainText is the name as it was scanned, with its U-labels where it has any.
func domainText(domain string) string {
	if u, err := idna.Display.ToUnicode(domain); err == nil && u != domain {
		return Clean(domain + " (" + u + ")")
	}
	return Clean(domain)
}

// scoreText is the score, and if it is open its range and the reason.
func scoreText(r *report.Report) string {
	s, why := r.Score, "not everything was tested"
	if hasUnknown(r) {
		why = "not everything is known"
	}
	switch {
	case s.Complete:
		return strconv.Itoa(s.Percent) + " %"
	case s.Low == s.Percent:
		return fmt.Sprintf("%d to %d %% (%s)", s.Low, s.High, why)
	}
	return fmt.Sprintf("%d %% (%d to %d %% possible: %s)", s.Percent, s.Low, s.High, why)
}

func hasUnknown(r *report.Report) bool {
	for _, c := range r.Categories {
		if slices.ContainsFunc(c.Checks, func(k report.Check) bool { return k.Status == check.StatusUnknown }) {
			return true
		}
	}
	return false
}

func scoreStyle(s *report.Score) style {
	switch {
	case s.Percent == 100:
		return green
	case s.High < 100:
		return yellow
	}
	return cyan
}

// categoryLine says in one line how a category stands; what does not fit is
// left out from the right.
func (p *page) categoryLine(c report.Category) {
	title, word := 19, 10
	line := "  " + pad(cut(Clean(c.Title), title), title) + " " + p.padded(c.Status.String(), word, styleOf(c.Status))
	used := 2 + title + 1 + word
	for _, part := range categoryParts(c) {
		if used += 1 + Width(part); used > p.width {
			break
		}
		line += " " + part
	}
	p.line(line)
}

func categoryParts(c report.Category) []string {
	var parts []string
	if c.Max > 0 {
		parts = append(parts, padLeft(fmt.Sprintf("%d/%d", c.Points, c.Max), 7), padLeft(strconv.Itoa(c.Percent)+" %", 6))
		if c.High > c.Percent {
			parts = append(parts, fmt.Sprintf("to %d %%", c.High))
		}
	} else if c.Internetnl != "" {
		parts = append(parts, padLeft("not counted", 14))
	}
	n := 0
	for _, k := range c.Checks {
		if k.Status == check.StatusNotTested {
			n++
		}
	}
	if n > 0 && c.Status != check.StatusNotTested {
		parts = append(parts, fmt.Sprintf("  %d not tested", n))
	}
	return parts
}

// item is what one check says with one code, or several checks with the same
// texts: one thing to read.
type item struct {
	checks   []report.Check
	code     string
	status   check.Status
	findings []report.Finding
}

// items collects the findings with a status, in the order of the report.
func items(r *report.Report, status check.Status) []item {
	var list []item
	for _, c := range r.Categories {
		for _, k := range c.Checks {
			first := len(list)
			for _, f := range k.Findings {
				if f.Status != status {
					continue
				}
				i := slices.IndexFunc(list[first:], func(it item) bool { return it.code == f.Code })
				if i < 0 {
					list = append(list, item{[]report.Check{k}, f.Code, status, nil})
					i = len(list) - 1 - first
				}
				list[first+i].findings = append(list[first+i].findings, f)
			}
		}
	}
	return list
}

// merged joins items that say the same of the same: one cause, told once.
func merged(list []item) []item {
	var out []item
	for _, it := range list {
		texts := unique(it.findings, findingText)
		i := slices.IndexFunc(out, func(o item) bool {
			return o.status == it.status && slices.Equal(unique(o.findings, findingText), texts)
		})
		if i < 0 || len(texts) == 0 {
			out = append(out, it)
			continue
		}
		out[i].checks = append(out[i].checks, it.checks...)
		out[i].findings = append(out[i].findings, it.findings...)
	}
	return out
}

func findingText(f report.Finding) string   { return f.Text }
func findingAdvice(f report.Finding) string { return f.Advice }

// otherwise collects what we find right and Internet.nl does not.
func otherwise(r *report.Report) []item {
	return slices.DeleteFunc(items(r, check.StatusPassed), func(it item) bool {
		k := it.checks[0]
		return k.Status != check.StatusPassed || k.InternetnlStatus != "failed" && k.InternetnlStatus != "warning"
	})
}

func (p *page) wrong(r *report.Report) {
	wrong := append(items(r, check.StatusFailed), items(r, check.StatusWarning)...)
	info := items(r, check.StatusInfo)
	p.section("What is wrong, and what to do", wrong)
	p.section("Good to know", info)
	p.section("Right, but Internet.nl gives no points for it", otherwise(r))
	if len(wrong) > 0 || len(info) > 0 || !slices.ContainsFunc(r.Categories, func(c report.Category) bool { return c.Status == check.StatusPassed }) {
		return
	}
	p.line("")
	if r.Score.Complete {
		p.line("Nothing wrong was found.")
	} else {
		p.para(0, "Nothing wrong was found in what could be tested.")
	}
}

func (p *page) section(title string, list []item) {
	if len(list) == 0 {
		return
	}
	p.line("")
	p.line(p.paint(title, bold))
	for _, it := range merged(list) {
		p.item(it)
	}
}

// maxTexts is how many hosts' texts an item shows when not verbose.
const maxTexts = 3

func (p *page) item(it item) {
	indent := 2 + 8
	lead := "  " + p.padded(it.status.String(), 8, styleOf(it.status))
	for _, c := range it.checks {
		p.block(lead, indent, Clean(c.Title)+" ["+c.ID+"]")
		lead = strings.Repeat(" ", indent)
	}
	if p.width < 60 {
		indent = 4
	}
	texts := unique(it.findings, findingText)
	for i, t := range texts {
		if i == maxTexts && len(texts) > maxTexts+1 {
			p.para(indent, fmt.Sprintf("The same for %d more (all with -v).", len(texts)-maxTexts))
			break
		}
		p.para(indent, Clean(t))
	}
	advice := unique(it.findings, findingAdvice)
	for i, a := range advice {
		if i == maxTexts && len(advice) > maxTexts+1 {
			break
		}
		p.para(indent, "-> "+Clean(a))
	}
}

func unique(findings []report.Finding, text func(report.Finding) string) []string {
	var list []string
	for _, f := range findings {
		if t := text(f); t != "" && !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list
}

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
// of a check they stand behind.
func (p *page) notTested(r *report.Report) {
	list := items(r, check.StatusNotTested)
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
			p.hanging(Clean(g.text))
			p.line("    " + names(g.checks, p.width-4))
			continue
		}
		who := Clean(g.checks[0].Title)
		if n := len(g.others); n > 0 {
			who += fmt.Sprintf(" (the first of %d)", n+1)
		}
		p.hanging(who + ": " + Clean(g.text))
	}
}

// maxReason is how many lines a reason takes when not verbose.
const maxReason = 3

// hanging writes s, shortened if need be to maxReason lines, all but the first
// indented further.
func (p *page) hanging(s string) {
	for i := range maxReason {
		indent := 2 + 2*min(i, 1)
		lines := wrap(s, p.width-indent)
		if len(lines) == 0 {
			return
		}
		line := lines[0]
		if i == maxReason-1 {
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

func (p *page) cost(r *report.Report) {
	c := r.Cost
	p.para(0, fmt.Sprintf("Cost: %s, %s, %.1f seconds.", number(c.DNSQueries, "DNS query", "DNS queries"), number(c.SMTPConnections, "SMTP connection", "SMTP connections"), c.Seconds))
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
