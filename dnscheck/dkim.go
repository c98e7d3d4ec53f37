package dnscheck

import (
	"slices"
	"strings"

	"mailvet/dnscheck/dkim"
	"mailvet/dnscheck/spf"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// The checks of DKIM keys, beyond Internet.nl's test, which looks at the name
// above them only. The questions for them are few, see [dkim.Plan]: none where
// _domainkey does not exist (RFC 8020), and all at once where it does.
var dkimChecks = []*check.Check{dkimSelectorsCheck, dkimKeysCheck, dkimReuseCheck}

// dkimWants names the questions for DKIM: the name above the keys, and the keys
// to ask for. Until the domain's MX and SPF records are known these wait, for
// they suggest which.
func dkimWants(s *evidence.Snapshot) []evidence.Question {
	zone := s.Lookup(dkimName(s.Domain), "TXT")
	switch {
	case zone == nil:
		return ofTXT([]string{dkimName(s.Domain)})
	case s.Vantage.NoExtra || noSelectors(zone) || s.Lookup(s.Domain, "MX") == nil || awaitsProof(s) || len(spf.Wanted(s.Lookup, s.Domain)) > 0:
		return nil
	}
	var names []string
	answered, denied := false, false
	for _, sel := range dkimSelectors(s) {
		answered, denied = answered || sel.lookup.Exists(), denied || sel.deniesWildcard()
		if sel.lookup == nil {
			names = append(names, sel.at)
		}
	}
	if answered && !denied && len(names) == 0 {
		if probe := dkim.Name(dkim.Absent(s.Domain), s.Domain); s.Lookup(probe, "TXT") == nil {
			names = append(names, probe)
		}
	}
	return ofTXT(names)
}

// noSelectors reports whether it is proved that there are no names below
// _domainkey (RFC 8020).
func noSelectors(zone *evidence.Lookup) bool {
	return zone.Outcome == evidence.OutcomeNXDomain && zone.Security == evidence.SecuritySecure
}

// dkimSelector is a selector whose key is to be looked at.
type dkimSelector struct {
	dkim.Selector
	at     string           // the key's name
	lookup *evidence.Lookup // nil if it was not asked for
}

func keysAt(s *evidence.Snapshot, selectors []dkim.Selector) []dkimSelector {
	list := make([]dkimSelector, len(selectors))
	for i, sel := range selectors {
		at := dkim.Name(sel.Name, s.Domain)
		list[i] = dkimSelector{sel, at, s.Lookup(at, "TXT")}
	}
	return list
}

// deniesWildcard reports whether the answer for a selector shows that there is
// no wildcard (RFC 4592, Section 2.2.1), so that no made-up selector has to be
// asked for.
func (sel dkimSelector) deniesWildcard() bool {
	return sel.lookup != nil && sel.lookup.Outcome == evidence.OutcomeNXDomain && !strings.Contains(sel.Name, ".")
}

// dkimSelectors lists the selectors whose keys are to be looked at: those that
// the user named, unless it is proved that there can be none, and, where
// _domainkey exists, the planned ones. What the answers so far suggest is among
// them: a selector that is an alias tells whose customer the domain is.
func dkimSelectors(s *evidence.Snapshot) []dkimSelector {
	zone := s.Lookup(dkimName(s.Domain), "TXT")
	named, all := dkim.Named(s.Vantage.Selectors, s.Domain)
	switch {
	case zone == nil, noSelectors(zone):
		return nil
	case !zone.Exists() && zone.Outcome != evidence.OutcomeNoData:
		// Some name servers say NXDOMAIN although there are names below.
		return keysAt(s, named)
	case all:
		return keysAt(s, union(named, dkim.All(), -1))
	}
	hints := dkimHints(s, zone)
	first := dkim.Plan(hints, dkim.MaxPlanned-1)
	list := keysAt(s, union(named, first, -1))
	known := len(hints.Aliases)
	for _, sel := range list {
		if sel.lookup == nil {
			return list
		}
		hints.Aliases = append(hints.Aliases, targets(sel.lookup)...)
	}
	if len(hints.Aliases) == known {
		return list
	}
	return keysAt(s, union(named, union(first, dkim.Plan(hints, dkim.MaxPlanned-1), dkim.MaxPlanned-1), -1))
}

// union appends to a what of b is not in it, up to most in all; -1 is no limit.
func union(a, b []dkim.Selector, most int) []dkim.Selector {
	list := slices.Clone(a)
	for _, sel := range b {
		known := slices.ContainsFunc(list, func(o dkim.Selector) bool { return o.Name == sel.Name })
		if !known && (most < 0 || len(list) < most) {
			list = append(list, sel)
		}
	}
	return list
}

func dkimHints(s *evidence.Snapshot, zone *evidence.Lookup) dkim.Hints {
	h := dkim.Hints{Aliases: targets(zone)}
	if mx := s.Lookup(s.Domain, "MX"); mx != nil {
		for _, rr := range mx.Answer {
			if x, err := rr.MX(); err == nil {
				h.MX = append(h.MX, x.Host)
			}
		}
	}
	for _, n := range walkSPF(s).All()[1:] {
		h.SPF = append(h.SPF, n.Name)
	}
	return h
}

// targets lists the names that an answer's aliases lead to.
func targets(l *evidence.Lookup) []string {
	var list []string
	for _, rr := range l.Aliases {
		if rr.Type == "CNAME" {
			list = append(list, rr.Target())
		}
	}
	return list
}

// dkimView is what is seen of a domain's keys.
type dkimView struct {
	zone  *evidence.Lookup // of _domainkey
	probe *evidence.Lookup // of a selector that nobody has: a made-up one, or one that does not exist
	asked int
	found []dkimRow          // what stands at a selector by itself
	wild  []*evidence.Lookup // answers that any selector would get
	// failed are questions without an answer.
	failed []*evidence.Lookup
}

// dkimRow is what stands at one selector.
type dkimRow struct {
	dkim.Selector
	alias  string // the last name that it is an alias of
	lookup *evidence.Lookup
	record *dkim.Record
	key    *dkim.Key
	err    *dkim.Error
}

// viewDKIM is shared by those who look at one view of a snapshot.
func viewDKIM(s *evidence.Snapshot) dkimView {
	return evidence.Once(s, dkimKey{}, func() dkimView {
		v := lookAtDKIM(s)
		v.found, v.wild, v.failed = slices.Clip(v.found), slices.Clip(v.wild), slices.Clip(v.failed)
		return v
	})
}

type dkimKey struct{}

func lookAtDKIM(s *evidence.Snapshot) dkimView {
	v := dkimView{
		zone:  s.Lookup(dkimName(s.Domain), "TXT"),
		probe: s.Lookup(dkim.Name(dkim.Absent(s.Domain), s.Domain), "TXT"),
	}
	selectors := dkimSelectors(s)
	for _, sel := range selectors {
		if v.probe == nil && sel.deniesWildcard() {
			v.probe = sel.lookup
		}
	}
	for _, sel := range selectors {
		switch l := sel.lookup; {
		case l == nil || l.Unknown() && l.Outcome != evidence.OutcomeBadName:
			v.failed = append(v.failed, l)
		case !l.Exists():
			v.asked++
		case v.probe.Exists() && (sameAnswer(l, v.probe) || usable(v.probe)):
			// Where any selector has a usable key no one of them means anything.
			v.asked++
			v.wild = append(v.wild, l)
		default:
			v.asked++
			v.found = append(v.found, newDKIMRow(sel.Selector, l))
		}
	}
	if l := v.probe; (len(v.found) > 0 || len(v.wild) > 0) && (l == nil || l.Unknown()) {
		v.failed = append(v.failed, l)
	}
	return v
}

// sameAnswer compares the records, whose order is canonical.
func sameAnswer(a, b *evidence.Lookup) bool {
	return slices.EqualFunc(a.Answer, b.Answer, func(x, y evidence.RR) bool { return x.Type == y.Type && x.Text() == y.Text() })
}

// usable reports whether an answer holds a key that is not revoked.
func usable(l *evidence.Lookup) bool {
	return newDKIMRow(dkim.Selector{}, l).key != nil
}

func newDKIMRow(sel dkim.Selector, l *evidence.Lookup) dkimRow {
	row := dkimRow{Selector: sel, lookup: l}
	// Where an alias leads tells more than what the selector is called.
	for _, t := range targets(l) {
		row.alias, row.Provider = t, dkim.TargetProvider(t)
	}
	var texts []string
	for _, rr := range l.Answer {
		if rr.Type == "TXT" {
			texts = append(texts, rr.Text())
		}
	}
	var err error
	row.record, err = dkim.ParseAll(texts)
	row.err, _ = err.(*dkim.Error)
	if row.record != nil {
		if row.key, err = row.record.Key(); err != nil {
			row.err, _ = err.(*dkim.Error)
		}
	}
	return row
}
