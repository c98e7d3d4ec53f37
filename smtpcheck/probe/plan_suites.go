package probe

import (
	"slices"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/tlshello"
)

// weak asks for everything bad in TLS 1.2 at once: suites without elliptic
// curves, and bad curves for the others. Curves that hardly anybody has go with
// them, and all others where TLS 1.3's are known: a refusal is then for all.
func (p *plan) weak(f *facts) *question {
	if f.intolerant {
		return nil
	}
	q := p.all(askWeak, tlshello.TLS12, nil)
	q.groups, q.limit = append(slices.Clone(f.weakOpen), p.lists.rare...), true
	if f.told {
		q.groups = f.curves
	}
	return p.once(q)
}

// older asks for TLS 1.1, and with it for TLS 1.0 and SSL 3.0: who knows one of
// them answers in the highest (RFC 5246, Section E.1).
func (p *plan) older(f *facts) *question {
	if f.version[tlshello.TLS11].Known() || f.intolerant {
		return nil
	}
	return p.once(p.all(askOlder, tlshello.TLS11, nil))
}

// more asks for all suites of a version that are not known to be accepted,
// until that is refused.
func (p *plan) more(f *facts, v tlshello.Version) *question {
	if len(f.open[v]) == 0 || f.version[v] == evidence.Refused {
		return nil
	}
	if f.intolerant {
		return p.unless(&question{about: askSuites, version: v, suites: f.open[v][:min(chunk, len(f.open[v]))]})
	}
	q := p.all(askSuites, v, f.suites[v])
	if v == tlshello.TLS13 {
		p.alongside(f, q)
	}
	return p.unless(q)
}

// some is more, until the list is long: then all else is asked first, so that a
// limit on connections cuts off the end of a long list and nothing else.
func (p *plan) some(f *facts, v tlshello.Version) *question {
	if len(f.suites[v]) > manySuites {
		return nil
	}
	return p.more(f, v)
}

func (p *plan) ssl2(*facts) *question {
	return p.once(&question{about: askSSL2, version: tlshello.SSL20})
}

// lower asks for the versions below TLS 1.1 one by one, where one refusal did
// not answer for all.
func (p *plan) lower(f *facts) *question {
	for _, v := range oldVersions[1:] {
		if f.intolerant {
			if q := p.more(f, v); q != nil {
				return q
			}
		} else if !f.version[v].Known() {
			if q := p.once(p.all(askVersion, v, nil)); q != nil {
				return q
			}
		}
	}
	return nil
}

// hole asks for TLS 1.0 where TLS 1.1 was refused with an alert that says that no
// lower version is spoken either (RFC 5246, Section E.1): GnuTLS 3.7 sends it as
// well if TLS 1.0 is switched on, and only TLS 1.1 is not. That is so rare that
// it is left out where this question would be the one too many.
func (p *plan) hole(f *facts) *question {
	if f.version[tlshello.TLS10] != evidence.Refused || !f.implied[tlshello.TLS10] || p.opened() == usualConnections {
		return nil
	}
	return p.once(p.all(askVersion, tlshello.TLS10, nil))
}

// lowerSuites asks for the suites of versions below TLS 1.2.
func (p *plan) lowerSuites(f *facts) *question {
	for _, v := range oldVersions[1:] {
		if f.version[v] == evidence.Accepted {
			if q := p.more(f, v); q != nil {
				return q
			}
		}
	}
	return nil
}

// order offers suites to be phased out before a sound one, as Internet.nl does.
// The sound one found last is the one that the server likes least, so that its
// choice speaks for the others. Suites to be phased out of which nothing is
// known yet go with them.
func (p *plan) order(f *facts) *question {
	v, good, bad := ordered(f)
	for _, s := range f.open[v] {
		if phaseOut(s) {
			bad = append(bad, s)
		}
	}
	if len(good) == 0 || len(bad) == 0 {
		return nil
	}
	last := good[len(good)-1]
	switch len(f.order) {
	case 0:
		return p.unless(&question{about: askOrder, version: v, suites: append(byStandard(bad), last)})
	case 1:
		if chosen := f.order[0].flight.Hello.Suite; phaseOut(chosen) { // does the client's order decide?
			return p.unless(&question{about: askOrder, version: v, suites: []tlshello.Suite{f.order[0].lastSuite(), chosen}})
		}
	}
	return nil
}

func (e *entry) lastSuite() tlshello.Suite { return e.suites[len(e.suites)-1] }

// ordered lists the sound suites, and those to be phased out, of the highest
// version below TLS 1.3.
func ordered(f *facts) (v tlshello.Version, good, bad []tlshello.Suite) {
	v = highest(f)
	for _, s := range f.suites[v] {
		switch {
		case sound(s):
			good = append(good, s)
		case phaseOut(s):
			bad = append(bad, s)
		}
	}
	return v, good, bad
}
