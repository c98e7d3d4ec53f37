package dkim

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"

	"mailvet/report/evidence"
)

// Selector is a selector with who is known to use it.
type Selector struct {
	Name     string
	Provider string // who it is likely to be; empty where nobody is known, or several are
}

// Bounds of the questions below _domainkey of one domain.
const (
	// MaxPlanned is the number of questions by default, that for [Absent]
	// included.
	MaxPlanned = 12
	// MaxNamed is the number of selectors that a user may name besides.
	MaxNamed = 50
)

// Name is the name of the key at a selector (RFC 6376, Section 3.6.2.1).
func Name(selector, domain string) string {
	return selector + "._domainkey." + evidence.Name(domain)
}

// ValidSelector reports whether a text can be a selector: labels of letters,
// digits, hyphens and, beyond RFC 6376, Section 3.1, underscores, which are in
// use; in lower case.
func ValidSelector(s string) bool {
	if len(s) > 180 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// Absent is a selector that a domain surely does not have: if there is an
// answer, then to every name. It is always the same for a domain, so that two
// scans ask the same.
func Absent(domain string) string {
	h := sha256.Sum256([]byte("no such selector: " + evidence.Name(domain)))
	return "none-" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h[:10]))
}

// Hints are names that tell with whom a domain has to do.
type Hints struct {
	MX []string // its mail servers
	// Aliases are what _domainkey or selectors of the domain are aliases of.
	Aliases []string
	SPF     []string // all names that its SPF record leads to
}

// Plan lists the selectors worth asking for, at most most: those of the
// providers that the hints name, the first of each before the second of any,
// then the common ones.
func Plan(h Hints, most int) []Selector {
	var hinted []*Provider
	note := func(names []string, by map[string]*Provider) {
		for _, n := range names {
			if p := find(n, by); p != nil && !slices.Contains(hinted, p) {
				hinted = append(hinted, p)
			}
		}
	}
	note(h.Aliases, byTarget)
	note(h.MX, byMX)
	note(h.SPF, bySPF)
	list := make([]Selector, 0, MaxPlanned)
	add := func(s Selector) {
		if len(list) < most && !slices.ContainsFunc(list, func(o Selector) bool { return o.Name == s.Name }) {
			list = append(list, s)
		}
	}
	for i, more := 0, true; more; i++ {
		more = false
		for _, p := range hinted {
			if i < len(p.Selectors) {
				add(Selector{p.Selectors[i], p.Name})
				more = true
			}
		}
	}
	for _, s := range common {
		add(s)
	}
	return list
}

// common are the selectors of [Common].
var common = func() []Selector {
	list := make([]Selector, len(Common))
	for i, name := range Common {
		list[i] = Selector{name, soleUser(name)}
	}
	return list
}()

// All lists every selector of [Providers], each once.
func All() []Selector {
	var list []Selector
	for _, p := range Providers {
		for _, name := range p.Selectors {
			if !slices.ContainsFunc(list, func(o Selector) bool { return o.Name == name }) {
				list = append(list, Selector{name, soleUser(name)})
			}
		}
	}
	return list
}

// ProvidersOf names those who use a selector, in the order of [Providers].
func ProvidersOf(selector string) []string {
	var names []string
	for _, p := range Providers {
		if slices.Contains(p.Selectors, selector) {
			names = append(names, p.Name)
		}
	}
	return names
}

// soleUser names the one provider that uses a selector; empty where several
// do, for then the selector does not tell which.
func soleUser(selector string) string {
	if names := ProvidersOf(selector); len(names) == 1 {
		return names[0]
	}
	return ""
}

// Named reads what a user asked for, of what concerns a domain. A word is a
// selector for all domains, the whole name of a key, which is for its domain
// alone, or "all": then all is true. At most [MaxNamed] selectors are read,
// each once.
func Named(words []string, domain string) (list []Selector, all bool) {
	for _, word := range words {
		name := word
		if at := strings.Index(word, "._domainkey."); at >= 0 {
			if evidence.Name(word[at+len("._domainkey."):]) != evidence.Name(domain) {
				continue
			}
			name = word[:at]
		} else if word == "all" {
			all = true
			continue
		}
		s := Selector{name, soleUser(name)}
		if ValidSelector(name) && len(list) < MaxNamed && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list, all
}

// TargetProvider names the provider of whose names target, where a selector's
// alias leads, is one; empty if it is nobody's that is known.
func TargetProvider(target string) string {
	if p := find(target, byTarget); p != nil {
		return p.Name
	}
	return ""
}

// The providers by the names at or below which something of theirs stands.
var (
	byTarget = byName(func(p *Provider) []string { return p.Targets })
	byMX     = byName(func(p *Provider) []string { return p.MX })
	bySPF    = byName(func(p *Provider) []string { return p.SPF })
)

// byName is an index of [Providers]; of several with a name it holds the first.
func byName(of func(*Provider) []string) map[string]*Provider {
	index := map[string]*Provider{}
	for i := range Providers {
		for _, name := range of(&Providers[i]) {
			if index[name] == nil {
				index[name] = &Providers[i]
			}
		}
	}
	return index
}

// find returns the provider with the longest name that is or stands above the
// name.
func find(name string, by map[string]*Provider) *Provider {
	for above, more := evidence.Name(name), true; more; _, above, more = strings.Cut(above, ".") {
		if p := by[above]; p != nil {
			return p
		}
	}
	return nil
}
