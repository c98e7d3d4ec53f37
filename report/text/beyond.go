package text

import (
	"fmt"
	"slices"
	"strings"

	"mailvet/report"
	"mailvet/report/check"
)

// beyond reports whether a check is one that Internet.nl does not have.
func beyond(r *report.Report, id string) bool {
	for _, c := range r.Categories {
		if c.ID == check.Extra.String() {
			return slices.ContainsFunc(c.Checks, func(k report.Check) bool { return k.ID == id })
		}
	}
	return false
}

// beyond has one short entry for each thing worth knowing that nobody asked for.
func (p *page) beyond(list []item) {
	if len(list) == 0 {
		return
	}
	p.line("")
	p.line(p.paint("Beyond Internet.nl's test (all of it with -v)", bold))
	for _, it := range merged(list) {
		texts := unique(it.findings, findingText)
		lead := Clean(it.checks[0].Title)
		if len(texts) > 1 {
			lead += fmt.Sprintf(" (the first of %d)", len(texts))
		}
		for _, t := range texts[:min(1, len(texts))] {
			p.hanging(p.sentences(lead+": "+Clean(t), 2), 2)
		}
	}
}

// sentences are as many of the sentences of s as fit on so many lines of
// hanging; all of s where not even the first does.
func (p *page) sentences(s string, most int) string {
	for end := len(s); end > 0; end = strings.LastIndex(s[:end-1], ". ") + 1 {
		lines := wrap(s[:end], p.width-2)
		if len(lines) > 0 && len(wrap(strings.Join(lines[1:], " "), p.width-4)) < most {
			return s[:end]
		}
	}
	return s
}
