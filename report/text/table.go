package text

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mailvet/report"
	"mailvet/report/check"
)

// tableMin is the width from which on a row is one line.
const tableMin = 72

// Columns of the table after the name: the score, and a mark for each category.
const scoreWidth = 8

var marked = []struct {
	id, head string
	width    int
}{{"ipv6", "IPv6", 4}, {"dnssec", "DNSSEC", 6}, {"auth", "auth", 4}, {"tls", "TLS", 4}, {"rpki", "RPKI", 4}}

func mark(s check.Status) string {
	switch s {
	case check.StatusPassed:
		return "ok"
	case check.StatusFailed:
		return "FAIL"
	case check.StatusWarning:
		return "warn"
	case check.StatusInfo:
		return "info"
	case check.StatusNotTested:
		return "-"
	case check.StatusUnknown:
		return "?"
	case check.StatusError:
		return "err"
	}
	panic("text: status " + s.String())
}

// nameWidth divides what score and marks leave between the name and the last
// column.
func (p *page) nameWidth() int {
	fixed := 1 + scoreWidth + 1
	for _, m := range marked {
		fixed += 1 + m.width
	}
	return min(max((p.width-fixed)/2, 16), 40)
}

func (p *page) tableHead() {
	if p.width < tableMin {
		return
	}
	line := pad("domain", p.nameWidth()) + " " + padLeft("score", scoreWidth) + " "
	for _, m := range marked {
		line += " " + pad(m.head, m.width)
	}
	p.line(p.paint(line+"  worst", bold))
}

func (p *page) tableRow(r *report.Report) {
	name, score := Clean(r.Domain), rangeText(r)
	if p.width < tableMin {
		p.narrowRow(r, name, score)
		return
	}
	n := p.nameWidth()
	if Width(name) > n {
		for _, l := range wrap(name, p.width) {
			p.line(l)
		}
		name = ""
	}
	line := pad(name, n) + " " + padLeft(score, scoreWidth) + " "
	if r.Error != nil { // there are no marks, so the reason has their room
		line += " "
		p.line(line + cut(mostWrong(r), p.width-Width(line)))
		return
	}
	used := n + 1 + scoreWidth + 1
	for _, m := range marked {
		s, ok := categoryStatus(r, m.id)
		word := ""
		if ok {
			word = mark(s)
		}
		line += " " + p.padded(word, m.width, styleOf(s))
		used += 1 + m.width
	}
	p.line(line + "  " + cut(mostWrong(r), p.width-used-2))
}

// narrowRow takes two or three lines, each readable alone.
func (p *page) narrowRow(r *report.Report, name, score string) {
	if Width(name)+2+len(score) <= p.width {
		p.line(p.paint(name, bold) + "  " + score)
	} else {
		for _, l := range wrap(name, p.width) {
			p.line(p.paint(l, bold))
		}
		p.line("  " + score)
	}
	var marks []string
	for _, m := range marked {
		if s, ok := categoryStatus(r, m.id); ok {
			marks = append(marks, m.head+":"+mark(s))
		}
	}
	p.para(2, strings.Join(marks, " "))
	p.para(2, mostWrong(r))
}

// rangeText is the score, or the range where it is not complete.
func rangeText(r *report.Report) string {
	switch {
	case r.Score == nil:
		return "-"
	case r.Score.Complete:
		return strconv.Itoa(r.Score.Percent) + " %"
	}
	return fmt.Sprintf("%d-%d %%", r.Score.Low, r.Score.High)
}

func categoryStatus(r *report.Report, id string) (check.Status, bool) {
	i := slices.IndexFunc(r.Categories, func(c report.Category) bool { return c.ID == id })
	if i < 0 {
		return check.StatusNotTested, false
	}
	return r.Categories[i].Status, true
}

// mostWrong names the check with the worst status, of these the one that costs
// most points, and says how many more have that status. Checks have ids that
// can be looked up.
func mostWrong(r *report.Report) string {
	if r.Error != nil {
		return "not scanned: " + Clean(r.Error.Text)
	}
	for _, status := range []check.Status{check.StatusFailed, check.StatusWarning, check.StatusUnknown} {
		id, lost, n := "", -1, 0
		for _, c := range r.Categories {
			for _, k := range c.Checks {
				if k.Status != status {
					continue
				}
				n++
				if k.Max-k.Points > lost {
					id, lost = k.ID, k.Max-k.Points
				}
			}
		}
		switch {
		case n == 0:
			continue
		case n > 1:
			id += fmt.Sprintf(" +%d", n-1)
		}
		if status == check.StatusUnknown {
			id = "? " + id
		}
		return id
	}
	return ""
}

func (p *page) legend(domains int) {
	p.line("")
	p.para(0, number(domains, "domain", "domains")+". A score such as 60-90 % is a range, as not everything was tested or is known. "+
		"ok: passed, warn: warning, FAIL: failed, info: for information, ?: not known, -: not tested. "+
		"In the last column stands the check that costs most, and how many more there are: "+
		"\"mailvet checks ID\" explains it. Name one domain alone for its full report.")
}
