package spf

import (
	"slices"
	"strings"

	"mailvet/report/evidence"
)

// State says what came of looking for the record of one name.
type State uint8

const (
	NotAsked  State = iota // nobody asked for its TXT records
	NoAnswer               // asked, but nothing is known: SERVFAIL, time-out, ...
	None                   // it is known that there is no record
	Several                // more than one: permerror (RFC 7208, Section 4.5)
	Malformed              // one, which does not parse: permerror (Section 4.6)
	Valid                  // one, which parses
	Macro                  // the name has macros: it depends on the message
	Loop                   // the name stands above itself: evaluation never ends but by the limits
	CutOff                 // the tree is too large to be followed further here
)

var states = [...]string{"not-asked", "no-answer", "none", "several", "malformed", "valid", "macro", "loop", "cut-off"}

func (s State) String() string { return states[s] }

// Node is the record of one name, with the records it leads to.
type Node struct {
	Name     string // the name asked, in presentation format without final dot
	Term     *Term  // the include or redirect that leads here; nil at the root
	State    State
	Lookup   *evidence.Lookup // nil where not asked
	Texts    []string         // the records found, raw
	Record   *Record          // with State Valid
	Err      error            // with State Malformed: a *[SyntaxError]
	Children []*Node          // one for each include and redirect that can be reached
}

// Bounds of a tree: nodes in all, and levels below the root.
const (
	maxNodes = 200
	maxDepth = 20
)

// Walk reads the record of a domain and all records it leads to, as far as src
// knows them. What is wrong somewhere does not end it: the tree shows
// everything. It never returns nil.
func Walk(src Source, domain string) *Node {
	w := walker{src: src, left: maxNodes}
	return w.node(evidence.Name(domain), nil, nil)
}

type walker struct {
	src  Source
	left int
}

func (w *walker) node(name string, via *Term, above []string) *Node {
	n := &Node{Name: name, Term: via}
	w.left--
	switch {
	case via != nil && HasMacros(via.Domain):
		n.State = Macro
	case slices.Contains(above, name):
		n.State = Loop
	case w.left < 0 || len(above) > maxDepth:
		n.State = CutOff
	default:
		n.look(w.src)
	}
	if n.Record == nil {
		return n
	}
	above = append(above, name)
	for t := range n.Record.reached() {
		if w.left < 0 {
			break
		}
		if t.Kind == Include || t.Kind == Redirect {
			n.Children = append(n.Children, w.node(target(t.Domain), t, slices.Clip(above)))
		}
	}
	return n
}

// look finds the record of the node's name.
func (n *Node) look(src Source) {
	if isBlank(n.Name) {
		n.State = None
		return
	}
	n.Lookup = src(n.Name, "TXT")
	switch l := n.Lookup; {
	case l == nil:
		n.State = NotAsked
		return
	case l.Outcome == evidence.OutcomeBadName:
		// RFC 7208, Section 4.3: a malformed name has no record.
		n.State = None
		return
	case l.Unknown():
		n.State = NoAnswer
		return
	}
	switch n.Texts = Select(n.Lookup); len(n.Texts) {
	case 0:
		n.State = None
	case 1:
		n.State = Valid
		if n.Record, n.Err = Parse(n.Texts[0]); n.Err != nil {
			n.State = Malformed
		}
	default:
		n.State = Several
	}
}

// target is the name that a domain-spec without macros stands for, in
// presentation format.
func target(spec string) string {
	return evidence.Name(evidence.EscapeText(spec))
}

// All returns the node and those below it, in the order of evaluation.
func (n *Node) All() []*Node {
	var list []*Node
	n.each(func(n *Node) bool {
		list = append(list, n)
		return true
	})
	return list
}

// each calls f for the node and those below it until it returns false.
func (n *Node) each(f func(*Node) bool) bool {
	if !f(n) {
		return false
	}
	for _, c := range n.Children {
		if !c.each(f) {
			return false
		}
	}
	return true
}

// Lookups counts the terms of the whole tree that make a receiver ask the DNS,
// for a sender whom nothing matches (RFC 7208, Section 4.6.4). Where a part is
// not known, or endless (see [State] Loop and CutOff), it is the number of
// those that are seen.
func (n *Node) Lookups() int {
	sum := 0
	if n.Record != nil {
		for t := range n.Record.reached() {
			if t.Kind.Looks() {
				sum++
			}
		}
	}
	for _, c := range n.Children {
		sum += c.Lookups()
	}
	return sum
}

// OverLimit reports whether an evaluation exceeds [MaxLookups].
func (n *Node) OverLimit() bool {
	return n.Lookups() > MaxLookups || n.Find(Loop, CutOff) != nil
}

// Find returns the first node in one of the states, nil if there is none.
func (n *Node) Find(states ...State) *Node {
	var found *Node
	n.each(func(x *Node) bool {
		if slices.Contains(states, x.State) {
			found = x
		}
		return found == nil
	})
	return found
}

// Last follows the redirects from n to the record whose all decides, and
// returns its node; that node may be one without a record.
func (n *Node) Last() *Node {
	for n.Record != nil && len(n.Children) > 0 {
		last := n.Children[len(n.Children)-1]
		if last.Term.Kind != Redirect {
			break
		}
		n = last
	}
	return n
}

// MaxTree is the number of names below a domain that [Wanted] asks for to see
// the tree of its records; the at most ten names that Internet.nl's walk looks
// up may come on top of that.
const MaxTree = 30

// Wanted lists the names whose TXT records are needed next to know what Walk
// and [CompatPolicy] say of a domain. It names all that are known by now at
// once: level by level down the tree, each level whole before the next, so
// that what is asked does not depend on the order of the answers. However
// large the tree, in all at most 1 + MaxTree + MaxLookups names are named.
func Wanted(src Source, domain string) []string {
	domain = evidence.Name(domain)
	var want []string
	cut := false // not all of the tree is looked at
	seen := map[string]bool{domain: true}
	for level := []string{domain}; len(level) > 0 && len(want) == 0; {
		var next []string
		for _, name := range level {
			l := src(name, "TXT")
			if l == nil {
				want = append(want, name)
				continue
			}
			for _, t := range targets(l) {
				switch {
				case seen[t]:
				case len(seen) > MaxTree:
					cut = true
				default:
					seen[t] = true
					next = append(next, t)
				}
			}
		}
		level = next
	}
	if len(want) == 0 && !cut {
		return nil // Internet.nl's walk goes no other ways
	}
	if texts := CompatSelect(src(domain, "TXT")); len(texts) == 1 {
		if c := CompatPolicy(src, domain, texts[0]); c.NotAsked != "" && !slices.Contains(want, c.NotAsked) {
			want = append(want, c.NotAsked)
		}
	}
	return want
}

// targets lists the names that the record in an answer leads to, in either
// reading.
func targets(l *evidence.Lookup) []string {
	var list []string
	if texts := CompatSelect(l); len(texts) == 1 {
		if terms, err := CompatParse(texts[0]); err == nil {
			list = compatTargets(terms)
		}
	}
	if texts := Select(l); len(texts) == 1 {
		if r, err := Parse(texts[0]); err == nil {
			for t := range r.reached() {
				if (t.Kind == Include || t.Kind == Redirect) && !HasMacros(t.Domain) {
					list = append(list, target(t.Domain))
				}
			}
		}
	}
	return list
}

// isBlank reports whether a target names nothing that can be asked for.
func isBlank(name string) bool { return strings.Trim(name, ". ") == "" }
