package spf

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"mailvet/report/evidence"
)

// Survey is all that can be said of a domain's policy without a sender: its
// records, what they cost a receiver, and whom they authorise. It is whole
// also where a receiver would give up.
type Survey struct {
	Root *Branch
	// Lookups is the number of terms that look something up, for a sender whom
	// nothing matches; see [Node.Lookups].
	Lookups int
	// Void4 and Void6 are the lookups that find nothing, in the order of
	// evaluation, each as often as it is made: for a sender with an IPv4 and
	// one with an IPv6 address whom nothing matches. Those of terms that
	// depend on the message are not known.
	Void4, Void6 []evidence.Question
	// Missing are the questions that src was not asked for.
	Missing []evidence.Question
	// Failed are the lookups without an answer.
	Failed []*evidence.Lookup
}

// Branch is a record of the tree.
type Branch struct {
	*Node
	// Owner is the organisational domain of the name, the part that somebody
	// registered, by the public suffix list; empty if there is none.
	Owner string
	// Lines are the terms: first those that can be reached, in the order of
	// evaluation, which puts redirect last; then the others.
	Lines []Line
}

// Line is a term with what becomes of it.
type Line struct {
	Term    Term
	Reached bool // false: behind all, redirect beside all, or a modifier that plays no part in matching
	Nth     int  // the number of its lookup in the evaluation, from 1; 0 if it makes none
	// Open: whom it matches depends on the message or the sender's names, as
	// with macros, ptr and exists.
	Open  bool
	Hosts []string // of mx: its exchanges, by preference
	// Over: a domain with more than ten MX hosts (Section 4.6.4).
	Over bool
	// Networks are those that it matches: of ip4, ip6, a and mx.
	Networks     []netip.Prefix
	Void4, Void6 []evidence.Question // as in Survey, its own
	Failed       []*evidence.Lookup  // of its own lookups, those without an answer
	Missing      []evidence.Question // those that were not made
	Below        *Branch             // of include and redirect
}

// NewSurvey reads the policy of a domain out of answers. It never returns nil.
// Where it has Missing, the same survey with the answers to those questions
// shows more, and may have others; [Look] goes on until there are none.
func NewSurvey(src Source, domain string) *Survey {
	return SurveyTree(src, Walk(src, domain))
}

// SurveyTree is [NewSurvey] where the records were walked already, by the same
// answers.
func SurveyTree(src Source, root *Node) *Survey {
	s := &surveyor{Survey: &Survey{}, src: src, seen: map[evidence.Question]bool{}}
	root.each(func(n *Node) bool {
		if n.Lookup != nil || n.State == NotAsked {
			s.note(n.Lookup, evidence.Question{Name: n.Name, Type: "TXT"})
		}
		return true
	})
	s.Root = s.branch(root)
	return s.Survey
}

// everyNetwork is all addresses of both families; it is not written to.
var everyNetwork = []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}

type surveyor struct {
	*Survey
	src  Source
	seen map[evidence.Question]bool
	line *Line // for which is being asked
}

// ask keeps what was not asked and what failed.
func (s *surveyor) ask(name, typ string) *evidence.Lookup {
	l := s.src(name, typ)
	s.note(l, evidence.Question{Name: name, Type: typ})
	return l
}

func (s *surveyor) note(l *evidence.Lookup, q evidence.Question) {
	if l != nil && (l.Outcome.Known() || l.Outcome == evidence.OutcomeBadName) {
		return
	}
	if s.line != nil {
		s.line.lack(l, q)
	}
	if s.seen[q] {
		return
	}
	s.seen[q] = true
	if l == nil {
		s.Missing = append(s.Missing, q)
	} else {
		s.Failed = append(s.Failed, l)
	}
}

// lack keeps a question that has no answer.
func (l *Line) lack(found *evidence.Lookup, q evidence.Question) {
	if found == nil {
		l.Missing = append(l.Missing, q)
	} else {
		l.Failed = append(l.Failed, found)
	}
}

func (s *surveyor) branch(n *Node) *Branch {
	b := &Branch{Node: n}
	if n.State != Macro {
		b.Owner = ownerOf(n.Name)
	}
	if n.Record == nil {
		return b
	}
	children := n.Children
	b.Lines = make([]Line, 0, len(n.Record.Terms))
	for t := range n.Record.reached() {
		b.Lines = append(b.Lines, Line{Term: *t, Reached: true})
		l := &b.Lines[len(b.Lines)-1]
		if t.Kind.Looks() {
			s.Lookups++
			l.Nth = s.Lookups
		}
		s.line = l
		s.read(l, n.Name)
		s.line = nil
		s.Void4, s.Void6 = append(s.Void4, l.Void4...), append(s.Void6, l.Void6...)
		// The last children of a tree that is too large are not there.
		if (t.Kind == Include || t.Kind == Redirect) && len(children) > 0 {
			l.Below = s.branch(children[0])
			children = children[1:]
		}
	}
	b.Lines = append(b.Lines, passedOver(n.Record)...)
	return b
}

// passedOver are the terms that Reached leaves out.
func passedOver(r *Record) (list []Line) {
	all := false
	for _, t := range r.Terms {
		switch {
		case t.Kind == Exp || t.Kind == Unknown || t.Kind == Redirect && r.All() != nil || t.Kind != Redirect && all:
			list = append(list, Line{Term: t})
		case t.Kind == All:
			all = true
		}
	}
	return list
}

// read finds out whom a term of the record at a name matches.
func (s *surveyor) read(l *Line, name string) {
	t := l.Term
	if t.Kind.Looks() && t.Domain != "" {
		if name = target(t.Domain); HasMacros(t.Domain) {
			l.Open = true
			return
		}
	}
	switch t.Kind {
	case All:
		l.Networks = slices.Clone(everyNetwork)
	case IP4, IP6:
		l.Networks = []netip.Prefix{t.Prefix.Masked()}
	case A:
		s.host(l, name)
	case MX:
		mx := s.ask(name, "MX")
		s.void(l, mx, true, true)
		if !mx.Exists() {
			return
		}
		l.Over = len(mx.Answer) > maxMXHosts
		l.Hosts = mxHosts(mx.Answer)
		for i, host := range l.Hosts {
			if i < maxMXHosts {
				s.host(l, host)
			}
		}
	case PTR:
		l.Open = true
	case Exists:
		// It matches everybody or nobody.
		a := s.ask(name, "A")
		s.void(l, a, true, true)
		if a.Exists() {
			l.Networks = slices.Clone(everyNetwork)
		}
	}
}

// host adds the networks around the addresses of a host.
func (s *surveyor) host(l *Line, name string) {
	for _, f := range []struct {
		typ  string
		bits int
	}{{"A", l.Term.Len4}, {"AAAA", l.Term.Len6}} {
		found := s.ask(name, f.typ)
		s.void(l, found, f.typ == "A", f.typ == "AAAA")
		if found == nil {
			continue
		}
		for _, rr := range found.Answer {
			if addr, err := rr.Addr(); err == nil {
				l.Networks = append(l.Networks, netip.PrefixFrom(addr, f.bits).Masked())
			}
		}
	}
	slices.SortStableFunc(l.Networks, netip.Prefix.Compare)
	l.Networks = slices.Compact(l.Networks)
}

// void counts a lookup that senders of a family make if it finds nothing.
func (s *surveyor) void(l *Line, found *evidence.Lookup, v4, v6 bool) {
	if !found.Absent() {
		return
	}
	q := evidence.Question{Name: found.Name, Type: found.Type}
	if v4 {
		l.Void4 = append(l.Void4, q)
	}
	if v6 {
		l.Void6 = append(l.Void6, q)
	}
}

// Authorised are the addresses for which the result is pass, as far as the
// records name them: what depends on the message (see Line.Open) or is not
// known matches nobody here, and so does an include of a broken record. How
// many lookups there are does not matter.
func (s *Survey) Authorised() Addresses { return s.Root.pass() }

// pass is the addresses for which the result of a record is pass.
func (b *Branch) pass() Addresses {
	var reached []Line
	for _, l := range b.Lines {
		if l.Reached {
			reached = append(reached, l)
		}
	}
	pass, _ := firstMatch(reached)
	return pass
}

// firstMatch divides what the lines match, in two halves at a time: what has
// matched in the first half never gets to the second.
func firstMatch(lines []Line) (pass, matched Addresses) {
	switch len(lines) {
	case 0:
		return pass, matched
	case 1:
		l := lines[0]
		if l.Below != nil {
			matched = l.Below.pass()
		} else {
			matched = AddressesOf(l.Networks...)
		}
		if l.Term.Qualifier == Pass || l.Term.Kind == Redirect {
			pass = matched
		}
		return pass, matched
	}
	pass, matched = firstMatch(lines[:len(lines)/2])
	pass2, matched2 := firstMatch(lines[len(lines)/2:])
	return pass.Or(pass2.Minus(matched)), matched.Or(matched2)
}

// Each calls f for every line of the tree in order, with its depth from 0.
func (b *Branch) Each(f func(b *Branch, l *Line, depth int)) { b.each(f, 0) }

func (b *Branch) each(f func(b *Branch, l *Line, depth int), depth int) {
	for i := range b.Lines {
		f(b, &b.Lines[i], depth)
		if below := b.Lines[i].Below; below != nil {
			below.each(f, depth+1)
		}
	}
}

// ownerOf is the organisational domain of a name.
func ownerOf(name string) string {
	if strings.IndexByte(name, '.') < 0 || strings.Contains(name, "..") {
		return ""
	}
	owner, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return ""
	}
	return owner
}
