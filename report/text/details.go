package text

import (
	"fmt"
	"strings"

	"mailvet/report"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// details writes all checks with all their findings.
func (p *page) details(r *report.Report) {
	for _, c := range r.Categories {
		p.line("")
		p.line(p.paint(cut(Clean(c.Title), p.width), bold))
		for _, k := range c.Checks {
			p.checkDetails(k)
		}
	}
	p.dnssec(r.DNSSEC)
	p.line("")
	p.para(0, fmt.Sprintf("Scanned %s by %s %s.", r.Time.UTC().Format("2006-01-02 15:04:05 UTC"), Clean(r.Tool.Name), Clean(r.Tool.Version)))
	p.para(0, "Evidence: "+Clean(r.EvidenceDigest))
}

func (p *page) checkDetails(k report.Check) {
	p.block("  "+p.padded(k.Status.String(), 11, styleOf(k.Status)), 2+11, fmt.Sprintf("%s [%s], %s", Clean(k.Title), k.ID, k.Level))
	if k.Internetnl != "" {
		points := "not counted"
		if k.Max > 0 {
			points = fmt.Sprintf("%d of %d points", k.Points, k.Max)
		}
		p.para(4, fmt.Sprintf("Internet.nl: %s, %s (%s), %s", k.InternetnlStatus, k.InternetnlVerdict, k.Internetnl, points))
	}
	p.para(4, "Source: "+citations(k.Cites))
	for _, f := range k.Findings {
		p.findingDetails(f)
	}
}

func (p *page) findingDetails(f report.Finding) {
	p.para(4, fmt.Sprintf("* %s%s: %s", f.Code, subjectText(f.Subject), f.Status))
	p.para(6, Clean(f.Text))
	if f.Advice != "" {
		p.para(6, "-> "+Clean(f.Advice))
	}
	if len(f.Cites) > 0 {
		p.para(6, "Source: "+citations(f.Cites))
	}
	if len(f.Evidence) > 0 {
		p.para(6, "Evidence: "+Clean(strings.Join(f.Evidence, ", ")))
	}
}

func subjectText(s evidence.Subject) string {
	switch {
	case s.Host == "":
		return ""
	case s.Addr == "":
		return " (" + Clean(s.Host) + ")"
	}
	return " (" + Clean(s.Host) + " " + Clean(s.Addr) + ")"
}

func citations(list []check.Citation) string {
	var words []string
	for _, c := range list {
		words = append(words, c.String())
	}
	return strings.Join(words, "; ")
}
