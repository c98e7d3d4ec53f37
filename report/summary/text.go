package summary

import (
	"fmt"
	"io"
	"strings"
	"time"

	"mailvet/report/text"
)

// maxLines is how many entries of each list the text shows.
const maxLines = 8

// Text writes the summary for people, at most width columns wide (0 is 80).
func (s *Summary) Text(w io.Writer, width int) error {
	if width <= 0 {
		width = 80
	}
	p := page{width: max(width, 40)}
	p.line("%s", s.headline())
	if s.Domains > s.Errors {
		p.line("Score: %.1f %% on average; %s with 100 %%; %s below 50 %%; %s open.", s.Scores.Mean,
			domains(s.Scores.Perfect), domains(s.below()), domains(s.Incomplete))
	}
	p.findings("Most frequent findings", s.Findings)
	if len(s.Providers) > 0 {
		p.head("Mail providers")
		for _, v := range s.Providers[:min(len(s.Providers), maxLines)] {
			common := make([]string, 0, 2)
			for _, f := range v.Findings[:min(len(v.Findings), 2)] {
				common = append(common, fmt.Sprintf("%s (%d)", f.Check, f.Domains))
			}
			p.row(v.Domains, v.Name, strings.Join(common, ", "))
		}
		p.more(len(s.Providers)+s.OtherProviders-maxLines, "providers")
	}
	if len(s.Unknown) > 0 {
		p.head("What stays unknown")
		for _, u := range s.Unknown[:min(len(s.Unknown), maxLines)] {
			what := u.Title + ": " + u.Code
			if u.Check != "" {
				what += " [" + u.Check + "]"
			}
			p.row(u.Domains, what, "such as "+strings.Join(u.Names[:min(len(u.Names), 2)], ", "))
		}
		p.more(len(s.Unknown)-maxLines, "reasons")
	}
	_, err := io.WriteString(w, p.b.String())
	return err
}

func (s *Summary) headline() string {
	parts := []string{domains(s.Domains)}
	if s.Errors > 0 {
		parts = append(parts, fmt.Sprintf("%d of them could not be scanned", s.Errors))
	}
	parts = append(parts, fmt.Sprintf("%d DNS queries", s.Cost.DNSQueries), fmt.Sprintf("%d SMTP connections", s.Cost.SMTPConnections))
	if s.Cost.Seconds > 0 {
		parts = append(parts, time.Duration(s.Cost.Seconds*float64(time.Second)).Round(time.Second/10).String())
	}
	return strings.Join(parts, ", ") + "."
}

func (s *Summary) below() int {
	n := 0
	for _, t := range s.Scores.Tenths[:5] {
		n += t
	}
	return n
}

func domains(n int) string {
	if n == 1 {
		return "1 domain"
	}
	return fmt.Sprintf("%d domains", n)
}

type page struct {
	b     strings.Builder
	width int
}

// line writes one line, cut to the width.
func (p *page) line(format string, args ...any) {
	s := text.Clean(fmt.Sprintf(format, args...))
	for text.Width(s) > p.width {
		r := []rune(strings.TrimSuffix(s, "..."))
		s = strings.TrimRight(string(r[:len(r)-1]), " ") + "..."
	}
	p.b.WriteString(strings.TrimRight(s, " ") + "\n")
}

func (p *page) head(s string) { p.line(""); p.line("%s", s) }

func (p *page) row(n int, what, more string) {
	if more != "" {
		what += "; " + more
	}
	p.line("%8d  %s", n, what)
}

func (p *page) more(n int, what string) {
	if n > 0 {
		p.line("%8s  and %d more %s", "", n, what)
	}
}

func (p *page) findings(title string, list []Finding) {
	if len(list) == 0 {
		return
	}
	p.head(title)
	for _, f := range list[:min(len(list), maxLines)] {
		p.row(f.Domains, fmt.Sprintf("%-7s %s [%s]", f.Status, f.Title, f.Check), f.Code)
	}
	p.more(len(list)-maxLines, "findings")
}
