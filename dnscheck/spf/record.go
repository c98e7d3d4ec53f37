package spf

import (
	"iter"
	"net/netip"
	"strconv"
	"strings"
)

// Kind is what a term is.
type Kind uint8

const (
	NoKind   Kind = iota
	All           // Section 5.1
	Include       // Section 5.2
	A             // Section 5.3
	MX            // Section 5.4
	PTR           // Section 5.5
	IP4           // Section 5.6
	IP6           // Section 5.6
	Exists        // Section 5.7
	Redirect      // Section 6.1
	Exp           // Section 6.2
	Unknown       // an unrecognised modifier, which is ignored (Section 6)
)

var kinds = [...]string{"", "all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists", "redirect", "exp", ""}

// String is the keyword; empty for an unknown modifier.
func (k Kind) String() string { return kinds[k] }

// Mechanism reports whether the kind is one of mechanisms, not of modifiers.
func (k Kind) Mechanism() bool { return All <= k && k <= Exists }

// Looks reports whether evaluating such a term costs one of the ten lookups
// (Section 4.6.4).
func (k Kind) Looks() bool {
	switch k {
	case Include, A, MX, PTR, Exists, Redirect:
		return true
	}
	return false
}

// Qualifier is the result that a matching mechanism gives (Section 4.6.2). The
// zero value belongs to modifiers.
type Qualifier byte

const (
	Pass     Qualifier = '+' // also where none is written
	Fail     Qualifier = '-'
	SoftFail Qualifier = '~'
	Neutral  Qualifier = '?'
)

// Record is a parsed record.
type Record struct {
	Terms []Term
}

// Term is one term of a record.
type Term struct {
	Kind      Kind
	Qualifier Qualifier // of mechanisms
	// Name is the name of an unknown modifier, as written.
	Name string
	// Domain is the domain-spec, with its macros as written; the value of an
	// unknown modifier; empty where the term has none.
	Domain string
	// Prefix is the network of ip4 and ip6, its host bits as written.
	Prefix netip.Prefix
	// Len4 and Len6 are the prefix lengths of a and mx, 32 and 128 where none
	// is written.
	Len4, Len6 int
}

// String prints the record, one space between terms, keywords in lower case,
// the qualifier "+" and full prefix lengths left out. Parsing the result gives
// the same record.
func (r *Record) String() string {
	var b strings.Builder
	b.WriteString(version)
	for _, t := range r.Terms {
		b.WriteByte(' ')
		b.WriteString(t.String())
	}
	return b.String()
}

// String prints the term as [Record.String] does.
func (t Term) String() string {
	var b strings.Builder
	if t.Kind == Unknown {
		return t.Name + "=" + t.Domain
	}
	if t.Qualifier != 0 && t.Qualifier != Pass {
		b.WriteByte(byte(t.Qualifier))
	}
	b.WriteString(t.Kind.String())
	switch t.Kind {
	case IP4, IP6:
		b.WriteByte(':')
		b.WriteString(t.Prefix.Addr().String())
		if t.Prefix.Bits() < t.Prefix.Addr().BitLen() {
			b.WriteString("/" + strconv.Itoa(t.Prefix.Bits()))
		}
	case Redirect, Exp:
		b.WriteString("=" + t.Domain)
	default:
		if t.Domain != "" {
			b.WriteString(":" + t.Domain)
		}
	}
	if t.Kind == A || t.Kind == MX {
		if t.Len4 < 32 {
			b.WriteString("/" + strconv.Itoa(t.Len4))
		}
		if t.Len6 < 128 {
			b.WriteString("//" + strconv.Itoa(t.Len6))
		}
	}
	return b.String()
}

// Reached returns the terms that can take part in an evaluation: those up to
// the first all, for nothing behind it is tested (Section 5.1), and redirect
// where there is no all (Section 6.1).
func (r *Record) Reached() []Term {
	list := make([]Term, 0, len(r.Terms))
	for t := range r.reached() {
		list = append(list, *t)
	}
	return list
}

// reached gives those of Reached, within the record.
func (r *Record) reached() iter.Seq[*Term] {
	return func(yield func(*Term) bool) {
		var redirect *Term
		for i := range r.Terms {
			switch t := &r.Terms[i]; t.Kind {
			case Exp, Unknown:
			case Redirect:
				redirect = t
			default:
				if !yield(t) || t.Kind == All {
					return
				}
			}
		}
		if redirect != nil {
			yield(redirect)
		}
	}
}

// All returns the first all, or nil.
func (r *Record) All() *Term {
	for i := range r.Terms {
		if r.Terms[i].Kind == All {
			return &r.Terms[i]
		}
	}
	return nil
}

// SendsNothing reports whether the record authorises nobody: "-all" is its
// only mechanism.
func (r *Record) SendsNothing() bool {
	reached := r.Reached()
	return len(reached) == 1 && reached[0].Kind == All && reached[0].Qualifier == Fail
}
