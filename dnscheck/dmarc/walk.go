package dmarc

import (
	"slices"
	"strings"

	"mailvet/report/evidence"
)

// Standard is an edition of DMARC. Receivers of both are about.
type Standard uint8

const (
	NoStandard Standard = iota
	RFC7489             // 2015: organizational domain by the public suffix list; pct
	RFC9989             // 2026: by walking up the DNS; np, psd, t
)

var standards = [...]string{"", "RFC 7489", "RFC 9989"}

func (s Standard) String() string { return standards[s] }

// maxWalk is the number of questions of one walk (RFC 9989, Section 4.10).
const maxWalk = 8

// WalkNames lists the domains whose records the tree walk from a domain looks
// at, in its order: the domain, then the names above it to the top level, at
// most eight; from a name of more than eight labels it jumps to seven (RFC
// 9989, Section 4.10).
func WalkNames(domain string) []string {
	domain = evidence.Name(domain)
	list := append(make([]string, 0, maxWalk), domain)
	above := domain
	for labels := strings.Count(domain, "."); labels > 0; labels-- { // above the last one cut off
		if _, above, _ = strings.Cut(above, "."); labels < maxWalk {
			list = append(list, above)
		}
	}
	return list
}

// Step is one name of a tree walk.
type Step struct {
	Domain string
	Lookup *evidence.Lookup // nil where not asked
	// Record is the one valid record there; nil if there is none, or several,
	// which count as none.
	Record *Record
	// Unknown: it is not known whether there is a record.
	Unknown bool
}

// Tree is a finished tree walk.
type Tree struct {
	// Steps are the names looked at, to where a record with psd=y or psd=n ended
	// the walk.
	Steps []Step
	// Org is the organizational domain (Section 4.10.2), PSD the domain above it
	// that says psd=y, or empty.
	Org, PSD string
	// Unknown: a step is not known, so Org and PSD may be others.
	Unknown bool
}

// Walk walks up the tree from a domain, as far as src knows it.
func Walk(src Source, domain string) Tree { return walk(src, WalkNames(domain)) }

// walk walks over names; the first one is where it starts.
func walk(src Source, names []string) Tree {
	t := Tree{Org: names[0]}
	for i, name := range names {
		s := stepAt(src, name)
		t.Steps = append(t.Steps, s)
		t.Unknown = t.Unknown || s.Unknown
		if s.Record == nil {
			continue
		}
		switch psd, _ := s.Record.Get("psd"); {
		case equalFold(psd, "n"):
			t.Org = name
			return t
		case equalFold(psd, "y"):
			if i > 0 {
				t.PSD, t.Org = name, names[i-1]
				if strings.Count(names[0], ".") >= maxWalk && i == 1 {
					// The walk jumped over the name below.
					t.Org = below(names[0], name)
				}
			} else {
				t.Org = name
			}
			return t
		}
		t.Org = name // so far the one with the fewest labels
	}
	return t
}

// below is the name one label longer than an upper one, towards name.
func below(name, upper string) string {
	rest := strings.TrimSuffix(name, "."+upper)
	return rest[strings.LastIndexByte(rest, '.')+1:] + "." + upper
}

func stepAt(src Source, domain string) Step {
	f := look(src, domain, isRecord)
	s := Step{Domain: domain, Lookup: f.Lookup, Unknown: f.Unknown}
	if text, ok := f.One(); ok {
		// What does not parse is no valid record.
		s.Record, _ = Parse(text)
	}
	return s
}

// At returns the step at a domain, or nil.
func (t Tree) At(domain string) *Step {
	if i := slices.IndexFunc(t.Steps, func(s Step) bool { return s.Domain == domain }); i >= 0 {
		return &t.Steps[i]
	}
	return nil
}

// Kind is the kind of a name for which a policy is looked for.
type Kind uint8

const (
	Itself      Kind = iota // the domain
	Subdomain               // a name below it that exists and has no record of its own
	Nonexistent             // a name below it that does not exist
)

var kinds = [...]string{"the domain itself", "a subdomain that exists", "a subdomain that does not exist"}

func (k Kind) String() string { return kinds[k] }

// Applied is the policy that receivers of one standard apply.
type Applied struct {
	Domain string  // where the record is; empty if there is none
	Record *Record // nil if there is none
	Effect Effect
	Org    string // the organizational domain of the name, for alignment
	// Unknown: something on the way is not known.
	Unknown bool
}

// Apply finds the policy for a domain, or for some name below it, as receivers
// of a standard do.
func Apply(src Source, std Standard, domain string, kind Kind) Applied {
	domain = evidence.Name(domain)
	if std == RFC9989 {
		return applyWalk(src, domain, kind)
	}
	return applyList(src, domain, kind)
}

// applyList goes by the public suffix list (RFC 7489, Section 6.6.3).
func applyList(src Source, domain string, kind Kind) Applied {
	a := Applied{Org: OrgDomain(domain)}
	if kind != Itself && a.Org == "" {
		a.Org = "*." + domain // one label below a public suffix
	}
	at := domain
	if kind != Itself {
		at = OrgDomain(domain)
	}
	for {
		if at == "" {
			return a
		}
		f := look(src, at, isRecord)
		a.Unknown = f.Unknown
		if text, ok := f.One(); ok {
			a.Domain = at
			if a.Record, _ = Parse(text); a.Record != nil {
				a.Effect = a.Record.Effect(RFC7489, at != domain || kind != Itself, kind != Nonexistent)
			}
			return a
		}
		// Several records at a name end the search, too.
		if f.Unknown || len(f.Texts) > 0 || at == OrgDomain(domain) {
			return a
		}
		at = OrgDomain(domain)
	}
}

// applyWalk goes by the tree walk: the record of the name itself, else that of
// its organizational domain, else that of the public suffix domain above it
// (RFC 9989, Section 4.10.1).
func applyWalk(src Source, domain string, kind Kind) Applied {
	names := WalkNames(domain)
	if kind != Itself {
		// A name below stands for all of them. That it has no record is given.
		names = WalkNames("*." + domain)
		under := src
		src = func(name, typ string) *evidence.Lookup {
			if name == NameOf(names[0]) {
				return &evidence.Lookup{Name: name, Type: typ, Outcome: evidence.OutcomeNXDomain}
			}
			return under(name, typ)
		}
	}
	t := walk(src, names)
	a := Applied{Org: t.Org, Unknown: t.Unknown}
	for _, at := range []string{names[0], t.Org, t.PSD} {
		if s := t.At(at); s != nil && s.Record != nil {
			a.Domain, a.Record = at, s.Record
			a.Effect = s.Record.Effect(RFC9989, at != names[0], kind != Nonexistent)
			break
		}
	}
	return a
}

// Effect is what a record asks for.
type Effect struct {
	// Policy is what is applied; PolicyAbsent means that the record is one that
	// receivers do not act on at all.
	Policy Policy
	Tag    string // the tag that says so: p, sp or np; empty where none does
	// Percent is how much of the mail gets the policy, by RFC 7489; the rest
	// gets the next weaker one. 100 by RFC 9989, which has no pct.
	Percent int
	Testing bool // RFC 9989's t=y has made the policy weaker
}

// Effect reads what the record asks for: for its own name, or for one below it
// that exists or does not.
func (r *Record) Effect(std Standard, below, exists bool) Effect {
	e := Effect{Percent: 100}
	tags := []string{"p"}
	if below {
		tags = []string{"sp", "p"}
		if std == RFC9989 && !exists {
			tags = []string{"np", "sp", "p"}
		}
	}
	for _, tag := range tags {
		if _, has := r.Get(tag); has {
			e.Tag, e.Policy = tag, r.Policy(tag)
			break
		}
	}
	if r.spoiled(std) {
		e.Tag, e.Policy = "", PolicyAbsent
		if len(r.Addresses("rua")) > 0 || std == RFC9989 && r.Policy("p") == PolicyAbsent {
			e.Policy = PolicyNone
		}
		return e
	}
	switch {
	case std == RFC9989 && r.Testing():
		if weaker := e.Policy.Weaker(); weaker != e.Policy {
			e.Policy, e.Testing = weaker, true
		}
	case std == RFC7489:
		if e.Percent = r.Percent(); e.Percent == 0 {
			e.Policy, e.Percent = e.Policy.Weaker(), 100
		}
	}
	return e
}

// spoiled reports whether p, sp or np keep a receiver from reading a policy
// (RFC 7489, Section 6.6.3; RFC 9989, Section 4.10.1).
func (r *Record) spoiled(std Standard) bool {
	return r.Policy("p") < PolicyNone || r.Policy("sp") == PolicyInvalid || std == RFC9989 && r.Policy("np") == PolicyInvalid
}

// Percent is the value of pct (RFC 7489, Section 6.3), 100 where there is none
// that can be read.
func (r *Record) Percent() int {
	v, ok := r.Get("pct")
	if !ok || v == "" || len(v) > 3 {
		return 100
	}
	n := 0
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return 100
		}
		n = n*10 + int(v[i]-'0')
	}
	return min(n, 100)
}

// Aligned reports whether an identifier that passed SPF or DKIM is aligned with
// the domain of the From field, strictly or relaxed (RFC 9989, Section 4.4).
// For RFC 9989 src must know the records on both walks.
func Aligned(src Source, std Standard, strict bool, from, id string) bool {
	from, id = strings.Trim(evidence.Name(from), "."), strings.Trim(evidence.Name(id), ".")
	if strict || from == id {
		return from == id
	}
	if std == RFC9989 {
		return Walk(src, from).Org == Walk(src, id).Org
	}
	org := OrgDomain(from)
	return org != "" && org == OrgDomain(id)
}
