package probe

import (
	"slices"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/tlshello"
)

func (f *facts) group(e *entry, v tlshello.Version) {
	if g := e.flight.Group(); g != 0 {
		f.addGroup(g, v)
	}
}

// addGroup writes down a group that was chosen.
func (f *facts) addGroup(g tlshello.Group, v tlshello.Version) {
	f.modern, f.curves, f.weakOpen = without(f.modern, g), without(f.curves, g), without(f.weakOpen, g)
	for i := range f.groups {
		if x := &f.groups[i]; x.Name == g.String() {
			if !slices.Contains(x.Versions, v.String()) {
				x.Versions = append(x.Versions, v.String())
			}
			return
		}
	}
	f.groups = append(f.groups, evidence.TLSGroup{Name: g.String(), Answer: evidence.Accepted, Versions: []string{v.String()}})
}

// refuseGroups writes down what the refusal of a question limited to groups says
// of them.
func (f *facts) refuseGroups(e *entry) {
	switch {
	case !e.limit:
	case e.version == tlshello.TLS13:
		f.limited = append(f.limited, e)
	default:
		f.curves, f.weakOpen = without(f.curves, e.groups...), without(f.weakOpen, e.groups...)
		f.weakRefused = len(f.weakOpen) == 0
	}
}

// settleGroups sees to those of TLS 1.3: if a suite was offered that is known to be
// accepted, also if only since, the groups were refused. Else it may be the suites.
func (f *facts) settleGroups() {
	for _, e := range f.limited {
		if slices.ContainsFunc(e.suites, func(s tlshello.Suite) bool { return slices.Contains(f.suites[tlshello.TLS13], s) }) {
			f.modern = without(f.modern, e.groups...)
		}
	}
}

// told is the list of groups that the server sent itself; nil without.
func (p *plan) told() []tlshello.Group {
	list := p.first.told
	for i := range p.log {
		if p.log[i].told != nil {
			list = p.log[i].told
		}
	}
	return list
}

// believe takes the server's own list for the whole of TLS 1.3, unless the server
// was seen to take another group: it should hold all (RFC 8446, Section 4.2.7).
func (f *facts) believe(list []tlshello.Group) {
	const tls13 = "TLS 1.3"
	if list == nil {
		return
	}
	for _, x := range f.groups {
		if slices.Contains(x.Versions, tls13) && !slices.ContainsFunc(list, func(g tlshello.Group) bool { return g.String() == x.Name }) {
			return
		}
	}
	f.told, f.modern = true, nil
	for _, g := range list {
		if len(f.groups) >= tlshello.MaxGroups || g.Kind() != tlshello.UnknownGroup && !slices.Contains(tlshello.GroupsOf(tlshello.TLS13), g) {
			continue // of a lower version only
		}
		f.curves = without(f.curves, g)
		if i := slices.IndexFunc(f.groups, func(x evidence.TLSGroup) bool { return x.Name == g.String() }); i < 0 {
			f.groups = append(f.groups, evidence.TLSGroup{Name: g.String(), Answer: evidence.Accepted, Versions: []string{tls13}, Told: true})
		} else if x := &f.groups[i]; !slices.Contains(x.Versions, tls13) {
			x.Versions, x.Told = append(x.Versions, tls13), true
		}
	}
}
