package main

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"mailvet/dnscheck/spf"
	"mailvet/report/evidence"
	"mailvet/report/text"
)

// Bounds of what is printed for people; JSON has it all.
const (
	maxShownNetworks = 4  // behind a term
	maxShownList     = 40 // in the list of those authorised
	maxTermWidth     = 46
	maxLineWidth     = 78 // of sentences
)

// page is a text whose lines are clean of control characters.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) {
	p.WriteString(strings.TrimRight(text.Clean(fmt.Sprintf(format, args...)), " ") + "\n")
}

// paragraph breaks a text into lines.
func (p *page) paragraph(format string, args ...any) {
	line := ""
	for _, word := range strings.Fields(fmt.Sprintf(format, args...)) {
		if line != "" && len(line)+1+len(word) > maxLineWidth {
			p.line("%s", line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	p.line("%s", line)
}

// surveyText is the survey for people.
func surveyText(s *spf.Survey) string {
	var p page
	p.paragraph("%s: %s", s.Root.Name, headline(s))
	if s.Root.Record == nil {
		for _, t := range s.Root.Texts {
			p.line("  \"%s\"", evidence.EscapeText(clip(t)))
		}
		return p.String()
	}
	p.line("")
	p.tree(s)
	p.line("")
	p.line("Lookups         %d; receivers make %d", s.Lookups, spf.MaxLookups)
	p.line("Void lookups    %d for IPv4 senders, %d for IPv6 senders; %d may find nothing", len(s.Void4), len(s.Void6), spf.MaxVoid)
	p.line("Anybody else    %s", otherwise(s.Root))
	if owners := otherOwners(s.Root); len(owners) > 0 {
		p.line("Trusts          %s", some(owners, maxShownList))
	}
	if open := openTerms(s.Root); len(open) > 0 {
		p.line("By the message  %s", some(open, maxShownNetworks))
	}
	authorised := s.Authorised()
	v4, v6 := authorised.Count()
	p.line("Authorised      %s IPv4 and %s IPv6 addresses%s", grouped(v4), grouped(v6), share(v4))
	networks := authorised.Networks()
	for i, n := range networks {
		if i == maxShownList {
			p.line("  and %d networks more; --format json has them all", len(networks)-i)
			break
		}
		p.line("  %s", network(n))
	}
	return p.String()
}

// headline says what receivers make of the policy.
func headline(s *spf.Survey) string {
	root := s.Root
	switch root.State {
	case spf.NotAsked:
		return "the record was not looked up, because the time ran out."
	case spf.NoAnswer:
		if ours(root.Lookup) {
			return fmt.Sprintf("not known whether there is an SPF record; no resolver answered (%s).", outcome(root.Lookup))
		}
		return fmt.Sprintf("not known whether there is an SPF record; the DNS question failed (%s). Receivers that see the same answer temperror.", outcome(root.Lookup))
	case spf.None:
		return "no SPF record, so anybody may send in its name (none)."
	case spf.Several:
		return fmt.Sprintf("%d SPF records where one is allowed. Receivers answer permerror, as if the policy were broken.", len(root.Texts))
	case spf.Malformed:
		return fmt.Sprintf("an SPF record that does not parse (%s). Receivers answer permerror.", syntax(root.Err))
	}
	if root.OverLimit() {
		over := fmt.Sprintf("%d lookups, %d more than receivers make", s.Lookups, s.Lookups-spf.MaxLookups)
		if s.Lookups <= spf.MaxLookups {
			over = "records that lead back to themselves, or too many of them"
		}
		return over + ". For senders that no earlier term matches they answer permerror (RFC 7208, Section 4.6.4)."
	}
	if bad := root.Find(spf.None, spf.Several, spf.Malformed); bad != nil {
		return fmt.Sprintf("%s leads to a broken record: receivers that get there answer permerror.", bad.Term)
	}
	const void = "%s find nothing for senders with %s whom no earlier term matches, where %d may: receivers may answer permerror (RFC 7208, Section 4.6.4)."
	policy := "a valid SPF policy"
	switch {
	case len(s.Failed)+len(s.Missing) > 0:
		policy = "a valid SPF policy as far as it is known"
	case defaultResult(root) == spf.ResultPass.String():
		policy = "a valid SPF policy, but one that lets anybody send in its name"
	}
	policy += ", " + plural(s.Lookups, "lookup")
	switch {
	case len(s.Void4) > spf.MaxVoid:
		return policy + "; " + fmt.Sprintf(void, fmt.Sprint(len(s.Void4)), "IPv4", spf.MaxVoid)
	case len(s.Void6) > spf.MaxVoid:
		return policy + "; " + fmt.Sprintf(void, fmt.Sprint(len(s.Void6)), "IPv6", spf.MaxVoid)
	}
	return policy + "."
}

// tree prints the terms with the running number of their lookups.
func (p *page) tree(s *spf.Survey) {
	width := len("term")
	s.Root.Each(func(_ *spf.Branch, l *spf.Line, depth int) {
		width = max(width, min(2*depth+len(l.Term.String()), maxTermWidth))
	})
	p.line("  lookup  %-*s  what it leads to", width, "term")
	s.Root.Each(func(b *spf.Branch, l *spf.Line, depth int) {
		number := ""
		if l.Nth > 0 {
			number = fmt.Sprint(l.Nth)
		}
		if l.Nth > spf.MaxLookups {
			number = "over " + number
		}
		p.line("%8s  %-*s  %s", number, width, strings.Repeat("  ", depth)+l.Term.String(), strings.Join(notes(s, b, l), "; "))
	})
}

// notes are what is to be said of a term.
func notes(s *spf.Survey, b *spf.Branch, l *spf.Line) []string {
	switch {
	case l.Term.Kind == spf.Exp:
		return []string{"the explanation for senders that fail"}
	case l.Term.Kind == spf.Unknown:
		return []string{"an unknown modifier, ignored"}
	case !l.Reached:
		return []string{"never reached, because of " + b.Record.All().String()}
	case l.Below != nil:
		return below(s.Root, l.Below)
	case l.Term.Kind == spf.PTR:
		return []string{"depends on the sender's names; should not be used (RFC 7208, Section 5.5)"}
	case l.Open:
		return []string{"depends on the message"}
	case l.Term.Kind == spf.Include || l.Term.Kind == spf.Redirect:
		return []string{"not followed, the tree is too large"}
	}
	var list []string
	if l.Over {
		list = append(list, fmt.Sprintf("%d MX hosts, more than 10: permerror", len(l.Hosts)))
	}
	switch l.Term.Kind {
	case spf.A, spf.MX:
		var networks []string
		for _, n := range l.Networks {
			networks = append(networks, network(n))
		}
		found := some(networks, maxShownNetworks)
		if len(l.Hosts) > 0 {
			found = strings.TrimSuffix(some(l.Hosts, maxShownNetworks)+": "+found, ": ")
		}
		if found != "" {
			list = append(list, found)
		}
	case spf.Exists:
		if len(l.Networks) > 0 {
			list = append(list, "exists: everybody matches")
		}
	}
	for _, f := range l.Failed {
		list = append(list, fmt.Sprintf("no answer for %s of %s (%s): temperror", f.Type, f.Name, outcome(f)))
	}
	for _, q := range l.Missing {
		list = append(list, fmt.Sprintf("%s of %s not looked up", q.Type, q.Name))
	}
	return append(list, voids(l)...)
}

// voids tells the lookups that find nothing, and for which senders.
func voids(l *spf.Line) (list []string) {
	var both, only4, only6 []string
	add := func(to *[]string, q evidence.Question) {
		if s := q.Type + " of " + q.Name; !slices.Contains(*to, s) {
			*to = append(*to, s)
		}
	}
	for _, q := range l.Void4 {
		if slices.Contains(l.Void6, q) {
			add(&both, q)
		} else {
			add(&only4, q)
		}
	}
	for _, q := range l.Void6 {
		if !slices.Contains(l.Void4, q) {
			add(&only6, q)
		}
	}
	for _, v := range []struct {
		of    string
		names []string
	}{{"void lookup", both}, {"void for IPv4 senders", only4}, {"void for IPv6 senders", only6}} {
		if len(v.names) > 0 {
			list = append(list, v.of+": "+some(v.names, maxShownNetworks))
		}
	}
	return list
}

// below tells what an include or redirect leads to.
func below(root, b *spf.Branch) []string {
	var list []string
	if b.Owner != "" && b.Owner != root.Owner {
		list = append(list, "of "+b.Owner)
	}
	switch b.State {
	case spf.NotAsked:
		list = append(list, "not looked up")
	case spf.NoAnswer:
		list = append(list, "no answer ("+outcome(b.Lookup)+"): temperror")
	case spf.None:
		list = append(list, "no SPF record: permerror")
	case spf.Several:
		list = append(list, fmt.Sprintf("%d SPF records: permerror", len(b.Texts)))
	case spf.Malformed:
		list = append(list, "permerror: "+syntax(b.Err))
	case spf.Macro:
		list = append(list, "depends on the message")
	case spf.Loop:
		list = append(list, "a loop: permerror")
	case spf.CutOff:
		list = append(list, "not followed, the tree is too large")
	}
	return list
}

// syntax is a syntax error in words. The term in it is escaped.
func syntax(err error) string {
	var e *spf.SyntaxError
	if !errors.As(err, &e) || e.Term == "" {
		return strings.TrimPrefix(err.Error(), "spf: ")
	}
	return fmt.Sprintf("\"%s\" at octet %d: %s", clip(e.Term), e.Offset, e.Reason)
}

// outcome says why a lookup has no answer.
func outcome(l *evidence.Lookup) string {
	if l.Security == evidence.SecurityBogus {
		return strings.TrimSuffix("DNSSEC bogus: "+l.Reason, ": ")
	}
	return l.Words()
}

// otherwise is what becomes of a sender whom no other term matches.
func otherwise(root *spf.Branch) string {
	last := root.Last()
	if last.Record == nil {
		return "not known"
	}
	if all := last.Record.All(); all != nil {
		return defaultResult(root) + " (" + all.String() + ")"
	}
	return defaultResult(root) + " (there is no all)"
}

// defaultResult is its result; empty if it is not known.
func defaultResult(root *spf.Branch) string {
	last := root.Last()
	if last.Record == nil {
		return ""
	}
	if all := last.Record.All(); all != nil {
		return spf.ResultOf(all.Qualifier).String()
	}
	return spf.ResultNeutral.String()
}

// otherOwners are the organisational domains that records of others belong to.
func otherOwners(root *spf.Branch) (list []string) {
	root.Each(func(_ *spf.Branch, l *spf.Line, _ int) {
		if b := l.Below; b != nil && b.Owner != "" && b.Owner != root.Owner && !slices.Contains(list, b.Owner) {
			list = append(list, b.Owner)
		}
	})
	return list
}

// openTerms are those that only a message can decide.
func openTerms(root *spf.Branch) (list []string) {
	root.Each(func(b *spf.Branch, l *spf.Line, _ int) {
		if l.Open {
			list = append(list, l.Term.String()+" of "+b.Name)
		}
	})
	return list
}

// network is a network, one address without its length.
func network(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func some(list []string, most int) string {
	if len(list) > most {
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, ", ")
}

// grouped writes a number with a comma before every three digits.
func grouped(n *big.Int) string {
	s := n.String()
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// share says how much of all IPv4 addresses there are, if that is much.
func share(v4 *big.Int) string {
	percent := new(big.Int).Mul(v4, big.NewInt(100))
	if percent.Rsh(percent, 32); percent.Sign() == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s %% of all IPv4)", percent)
}
