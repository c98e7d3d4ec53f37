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
	defer p.mailbox(r)
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

// mailbox says of the address that was given, if it was one, what is good news:
// the rest stands with what is beyond Internet.nl's test.
func (p *page) mailbox(r *report.Report) {
	if r.Address == "" {
		return
	}
	for _, c := range r.Categories {
		for _, k := range c.Checks {
			if k.ID == "mailbox-encryption" && k.Status == check.StatusPassed {
				p.para(0, Clean(k.Findings[0].Text))
			}
		}
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

// hasUnknown reports whether something that counts is not known.
func hasUnknown(r *report.Report) bool {
	for _, c := range r.Categories {
		if c.ID != check.Extra.String() && slices.ContainsFunc(c.Checks, func(k report.Check) bool { return k.Status == check.StatusUnknown }) {
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
		if i := slices.IndexFunc(out, it.sameAs); i >= 0 {
			out[i].checks = append(out[i].checks, it.checks...)
			continue
		}
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

// sameAs reports whether o, told before, tells all that the item would.
func (it item) sameAs(o item) bool {
	return !slices.ContainsFunc(it.findings, func(f report.Finding) bool {
		return !slices.ContainsFunc(o.checks, func(k report.Check) bool { return k.ID == f.SameAs })
	})
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
	extra := func(it item) bool { return beyond(r, it.checks[0].ID) }
	info := items(r, check.StatusInfo)
	more := slices.Clone(info)
	info, more = slices.DeleteFunc(info, extra), slices.DeleteFunc(more, func(it item) bool { return !extra(it) })
	p.section("What is wrong, and what to do", wrong)
	p.section("Good to know", info)
	p.section("Right, but Internet.nl gives no points for it", otherwise(r))
	p.beyond(more)
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

func (p *page) cost(r *report.Report) {
	c := r.Cost
	cost := number(c.DNSQueries, "DNS query", "DNS queries") + ", " + number(c.SMTPConnections, "SMTP connection", "SMTP connections")
	if c.HTTPSConnections > 0 {
		cost += ", " + number(c.HTTPSConnections, "HTTPS connection", "HTTPS connections")
	}
	p.para(0, fmt.Sprintf("Cost: %s, %.1f seconds.", cost, c.Seconds))
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
