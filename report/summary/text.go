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

// Text writes the summary for people, at most width columns wide (0 is 80),
// but at least 40.
func (s *Summary) Text(w io.Writer, width int) error {
	if width <= 0 {
		width = 80
	}
	p := page{width: max(width, 40)}
	p.para(0, s.headline())
	if s.Domains > s.Errors {
		p.para(0, fmt.Sprintf("Score: %.1f %% on average; %s with 100 %%; %s below 50 %%; %s open.", s.Scores.Mean,
			domains(s.Scores.Perfect), domains(s.below()), domains(s.Incomplete)))
	}
	p.findings("Most frequent findings", s.Findings)
	if len(s.Providers) > 0 {
		p.head("Mail providers by domains, with their common faults")
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
		p.head(fmt.Sprintf("What stays unknown, of %s", domains(s.UnknownDomains)))
		for _, u := range telling(s.Unknown) {
			what := u.Title
			if u.Check != "" {
				what += " [" + u.Check + "]"
			}
			p.row(u.Domains, what, u.example())
		}
		p.more(len(s.Unknown)-maxLines, "reasons")
	}
	_, err := io.WriteString(w, p.b.String())
	return err
}

// telling are the reasons to be shown: those first that name a domain which
// none before them does.
func telling(list []Unknown) []Unknown {
	var first, rest []Unknown
	named := map[string]bool{}
	for _, u := range list {
		if len(u.Names) > 0 && !named[u.Names[0]] {
			named[u.Names[0]] = true
			first = append(first, u)
			continue
		}
		rest = append(rest, u)
	}
	all := append(first, rest...)
	return all[:min(len(all), maxLines)]
}

// maxExample is how many columns of a reason in words are shown.
const maxExample = 160

// example says why, for one domain.
func (u *Unknown) example() string {
	if len(u.Names) == 0 {
		return u.Code
	}
	why, _, _ := strings.Cut(text.Clean(u.Why), ". ")
	if why = strings.TrimSuffix(why, "."); why == "" {
		why = u.Code
	}
	if lines := text.Wrap(why, maxExample); len(lines) > 1 {
		why = lines[0] + " ..."
	}
	return "such as " + u.Names[0] + ": " + why
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

// para writes text wrapped, indented by so many columns.
func (p *page) para(indent int, s string) { p.hang(strings.Repeat(" ", indent), s) }

// hang writes text wrapped, with the first line behind lead and the others
// below its end.
func (p *page) hang(lead, s string) {
	for _, line := range text.Wrap(s, p.width-len(lead)) {
		p.b.WriteString(lead + line + "\n")
		lead = strings.Repeat(" ", len(lead))
	}
}

func (p *page) head(s string) {
	p.b.WriteString("\n")
	p.para(0, s)
}

// column is the number that a row begins with.
func (p *page) column(n string) string {
	if p.width < 60 {
		return fmt.Sprintf("%5s  ", n)
	}
	return fmt.Sprintf("%8s  ", n)
}

func (p *page) row(n int, what, more string) {
	if more != "" {
		what += "; " + more
	}
	p.hang(p.column(fmt.Sprint(n)), what)
}

func (p *page) more(n int, what string) {
	if n > 0 {
		p.hang(p.column(""), fmt.Sprintf("and %d more %s", n, what))
	}
}

func (p *page) findings(title string, list []Finding) {
	if len(list) == 0 {
		return
	}
	p.head(title)
	for _, f := range list[:min(len(list), maxLines)] {
		lead := p.column(fmt.Sprint(f.Domains)) + fmt.Sprintf("%-7s ", f.Status)
		p.hang(lead, fmt.Sprintf("%s [%s]; %s", f.Title, f.Check, f.Code))
	}
	p.more(len(list)-maxLines, "findings")
}
