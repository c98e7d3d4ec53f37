// Package summary adds up the reports of a run: how many domains there are,
// how they score, which findings are frequent, which mail providers share
// them, which DKIM keys several domains have, and what is unknown and why.
//
// What it holds is bounded whatever the number of reports; where a list was
// cut, a count says how much is left out.
package summary

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"mailvet/report"
	"mailvet/report/check"
	"mailvet/report/keys"
)

// Schema names the form of the JSON. Within a version fields are only added.
const Schema = "mailvet.summary/v1"

// Bounds of what is held and told.
const (
	maxProviders = 20000 // of which the frequent ones are told
	maxTold      = 25    // providers, and keys
	maxFaults    = 5     // findings of a provider
	maxNames     = 20    // domains named for one reason
	maxWhy       = 300   // octets of one reason in words
)

// Summary is the last message of a stream of results.
type Summary struct {
	Schema string `json:"schema"`
	// Domains is the number of reports, Errors that of domains about which
	// nothing could be found out; only the others have a score.
	Domains int `json:"domains"`
	Errors  int `json:"errors"`
	// Incomplete is the number of domains whose score is open, because
	// something that counts is unknown or was not tested.
	Incomplete int       `json:"incomplete"`
	Scores     Scores    `json:"scores"`
	Findings   []Finding `json:"findings"` // the most frequent first
	// Providers are the organisational domains of the MX hosts, those with
	// most domains first. OtherProviders is the number of those left out.
	Providers      []Provider `json:"providers"`
	OtherProviders int        `json:"other_providers"`
	// UnknownDomains is the number of domains of which something is not known,
	// those included about which nothing is.
	UnknownDomains int       `json:"unknown_domains"`
	Unknown        []Unknown `json:"unknown"` // the most frequent first
	// SharedKeys are DKIM keys that several domains publish, OtherSharedKeys is
	// the number of those left out.
	SharedKeys      []keys.Shared `json:"shared_dkim_keys"`
	OtherSharedKeys int           `json:"other_shared_dkim_keys"`
	Cost            Cost          `json:"cost"`
}

// Scores is the distribution of the percentages.
type Scores struct {
	Mean    float64 `json:"mean"`    // of all scored domains, 0 if there are none
	Perfect int     `json:"perfect"` // domains with 100
	// Tenths are the numbers of domains from 0 to 9 percent, from 10 to 19,
	// and so on; the last holds 90 to 99.
	Tenths [10]int `json:"tenths"`
}

// Finding is an answer that is neither passed nor not tested, and the number
// of domains that have it.
type Finding struct {
	Check   string       `json:"check"`
	Code    string       `json:"code"`
	Title   string       `json:"title"`
	Status  check.Status `json:"status"`
	Domains int          `json:"domains"`
}

// Provider is an organisational domain with MX hosts.
type Provider struct {
	Name     string    `json:"name"`
	Domains  int       `json:"domains"`
	Findings []Finding `json:"findings"` // about its hosts, the most frequent first
}

// Unknown is a reason why something is not known.
type Unknown struct {
	Check   string   `json:"check"` // empty: the domain could not be scanned at all
	Code    string   `json:"code"`  // or the class of the error
	Title   string   `json:"title"`
	Domains int      `json:"domains"`
	Names   []string `json:"names"` // some of them
	Why     string   `json:"why"`   // in words, of the first of them
}

// Cost is what the run asked of others.
type Cost struct {
	DNSQueries      int     `json:"dns_queries"`
	SMTPConnections int     `json:"smtp_connections"`
	Seconds         float64 `json:"seconds"` // of the whole run; 0 if not known
}

// Builder adds up reports. The zero value is ready. It is not safe for
// concurrent use.
type Builder struct {
	s         Summary
	sum       int
	findings  map[answer]*Finding
	unknown   map[answer]*Unknown
	number    map[answer]uint32 // of a finding about providers, in
	answers   []Finding         // whose Domains are 0
	providers map[string]*provider
	others    int
	keys      keys.Notes
}

type answer struct{ check, code string }

// provider is kept small, for there are many.
type provider struct {
	domains  int
	findings []tally
}

// tally is the number of domains of a finding, by its place in Builder.answers.
type tally struct{ answer, domains uint32 }

// Add counts a report, of which it keeps nothing but names.
func (b *Builder) Add(r *report.Report) {
	if b.findings == nil {
		b.findings, b.unknown, b.providers = map[answer]*Finding{}, map[answer]*Unknown{}, map[string]*provider{}
		b.number = map[answer]uint32{}
	}
	b.s.Domains++
	b.s.Cost.DNSQueries += r.Cost.DNSQueries
	b.s.Cost.SMTPConnections += r.Cost.SMTPConnections
	if r.Score == nil {
		b.s.Errors++
		b.s.UnknownDomains++
		class, why := "error", ""
		if r.Error != nil {
			class, why = r.Error.Class.String(), r.Error.Text
		}
		b.notKnown(answer{"", class}, "The domain could not be scanned", r.Domain, why)
		return
	}
	b.score(r.Score)
	b.keys.Note(r)
	mine := map[*provider]bool{}
	unknown := false
	for _, c := range r.Categories {
		for i := range c.Checks {
			if b.check(r.Domain, &c.Checks[i], mine) {
				unknown = true
			}
		}
	}
	if unknown {
		b.s.UnknownDomains++
	}
	for p := range mine {
		p.domains++
	}
}

func (b *Builder) score(s *report.Score) {
	if !s.Complete {
		b.s.Incomplete++
	}
	b.sum += s.Percent
	switch p := min(max(s.Percent, 0), 100); p {
	case 100:
		b.s.Scores.Perfect++
	default:
		b.s.Scores.Tenths[p/10]++
	}
}

// check counts the answers of one check, each once for the domain and once for
// each provider that has it. The providers met are added to mine. It reports
// whether something is not known.
func (b *Builder) check(domain string, k *report.Check, mine map[*provider]bool) (unknown bool) {
	told := map[string]bool{}
	type pair struct {
		p    *provider
		code string
	}
	toldOf := map[pair]bool{}
	for i := range k.Findings {
		f := &k.Findings[i]
		p := b.provider(f.Subject.Host)
		if p != nil && k.ID == "starttls-exists" { // it has a finding for each MX host
			mine[p] = true
		}
		a := answer{k.ID, f.Code}
		switch f.Status {
		case check.StatusPassed, check.StatusNotTested:
			continue
		case check.StatusUnknown:
			unknown = true
			if !told[f.Code] && f.Code != check.UnknownBy.Name {
				b.notKnown(a, k.Title, domain, f.Text)
			}
		}
		one := Finding{Check: k.ID, Code: f.Code, Title: k.Title, Status: f.Status}
		if !told[f.Code] {
			told[f.Code] = true
			b.count(a, one)
		}
		if p != nil && !toldOf[pair{p, f.Code}] {
			toldOf[pair{p, f.Code}] = true
			b.countOf(p, a, one)
		}
	}
	return unknown
}

func (b *Builder) count(a answer, f Finding) {
	if b.findings[a] == nil {
		b.findings[a] = &f
	}
	b.findings[a].Domains++
}

func (b *Builder) countOf(p *provider, a answer, f Finding) {
	n, ok := b.number[a]
	if !ok {
		n = uint32(len(b.answers))
		b.number[a] = n
		b.answers = append(b.answers, f)
	}
	for i := range p.findings {
		if p.findings[i].answer == n {
			p.findings[i].domains++
			return
		}
	}
	p.findings = append(p.findings, tally{n, 1})
}

func (b *Builder) notKnown(a answer, title, domain, why string) {
	u := b.unknown[a]
	if u == nil {
		if len(why) > maxWhy {
			why = strings.ToValidUTF8(why[:maxWhy], "") + "..."
		}
		u = &Unknown{Check: a.check, Code: a.code, Title: title, Why: strings.Clone(why)}
		b.unknown[a] = u
	}
	u.Domains++
	if len(u.Names) < maxNames {
		u.Names = append(u.Names, domain)
	}
}

// provider is that of a host; nil for none, or when there are too many already.
func (b *Builder) provider(host string) *provider {
	if host == "" || host == "." {
		return nil
	}
	name := OrganisationalDomain(host)
	p := b.providers[name]
	switch {
	case p != nil:
	case len(b.providers) >= maxProviders:
		b.drop()
		fallthrough
	default:
		p = &provider{}
		b.providers[strings.Clone(name)] = p // not the host with it
	}
	return p
}

// drop makes room by leaving out the providers with fewest domains, half of all.
func (b *Builder) drop() {
	names := slices.SortedFunc(maps.Keys(b.providers), func(x, y string) int {
		return cmp.Or(cmp.Compare(b.providers[x].domains, b.providers[y].domains), cmp.Compare(x, y))
	})
	for _, n := range names[:(len(names)+1)/2] {
		delete(b.providers, n)
		b.others++
	}
}

// OrganisationalDomain is the registered domain of a host by the public suffix
// list, or the host where it has none.
func OrganisationalDomain(host string) string {
	if d, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(host)); err == nil {
		return d
	}
	return strings.ToLower(host)
}

// Summary is what was added up, with the seconds that the run took.
func (b *Builder) Summary(seconds float64) Summary {
	s := b.s
	s.Schema, s.Cost.Seconds = Schema, seconds
	if n := s.Domains - s.Errors; n > 0 {
		s.Scores.Mean = float64(b.sum*10/n) / 10
	}
	for _, f := range b.findings {
		s.Findings = append(s.Findings, *f)
	}
	s.Findings = frequent(s.Findings)
	var all int
	s.SharedKeys, all = b.keys.Shared(maxTold)
	s.OtherSharedKeys = all - len(s.SharedKeys)
	s.Unknown = []Unknown{}
	for _, u := range b.unknown {
		s.Unknown = append(s.Unknown, *u)
	}
	slices.SortFunc(s.Unknown, func(x, y Unknown) int {
		return cmp.Or(cmp.Compare(y.Domains, x.Domains), cmp.Compare(x.Check, y.Check), cmp.Compare(x.Code, y.Code))
	})
	s.Providers = []Provider{}
	for name, p := range b.providers {
		s.Providers = append(s.Providers, Provider{name, p.domains, nil})
	}
	slices.SortFunc(s.Providers, func(x, y Provider) int {
		return cmp.Or(cmp.Compare(y.Domains, x.Domains), cmp.Compare(x.Name, y.Name))
	})
	s.OtherProviders = b.others + max(0, len(s.Providers)-maxTold)
	s.Providers = s.Providers[:min(len(s.Providers), maxTold)]
	for i := range s.Providers {
		list := []Finding{}
		for _, t := range b.providers[s.Providers[i].Name].findings {
			f := b.answers[t.answer]
			f.Domains = int(t.domains)
			list = append(list, f)
		}
		s.Providers[i].Findings = frequent(list)[:min(len(list), maxFaults)]
	}
	return s
}

// frequent sorts findings, the most frequent first; never nil.
func frequent(list []Finding) []Finding {
	slices.SortFunc(list, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(y.Domains, x.Domains), cmp.Compare(x.Check, y.Check), cmp.Compare(x.Code, y.Code))
	})
	if list == nil {
		list = []Finding{}
	}
	return list
}
