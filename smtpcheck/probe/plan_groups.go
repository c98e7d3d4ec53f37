package probe

import (
	"slices"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/tlshello"
)

// tell asks for a suite and a group of TLS 1.3 before all else, with keys, where
// the first handshake did not bring the server's own list of groups: OpenSSL tells
// it where the group in use is not the one it likes best.
func (p *plan) tell(f *facts) *question {
	if len(f.suites[tlshello.TLS13]) == 0 || p.first.told != nil || p.shared() {
		return nil
	}
	return p.more(f, tlshello.TLS13)
}

// shared reports whether a question with keys was asked.
func (p *plan) shared() bool {
	return slices.ContainsFunc(p.log, func(e entry) bool { return e.spoke && len(e.shares) > 0 })
}

// alongside makes a question for suites of TLS 1.3 one for groups as well.
func (p *plan) alongside(f *facts, q *question) {
	if p.likely(f) && p.restricted() && p.room(f) {
		q.groups, q.limit = f.modern, true
	}
	if p.first.told != nil || p.shared() {
		return
	}
	if q.groups == nil {
		q.groups = p.lists.modern
	}
	q.share(without(curves13, p.first.group))
	readable := func(s tlshello.Suite) bool { _, ok := cipher13Of(s); return ok }
	q.suites = append(slices.DeleteFunc(slices.Clone(q.suites), func(s tlshello.Suite) bool { return !readable(s) }), slices.DeleteFunc(slices.Clone(q.suites), readable)...)
}

// share brings keys for those of the groups that are in a list, in its order, and
// names them first, as it must be (RFC 8446, Section 4.2.8).
func (q *question) share(list []tlshello.Group) {
	q.shares = slices.DeleteFunc(slices.Clone(list), func(g tlshello.Group) bool { return !slices.Contains(q.groups, g) })
	q.groups = append(slices.Clone(q.shares), without(q.groups, q.shares...)...)
}

// likely reports whether a suite of TLS 1.3 is open that most servers have.
func (p *plan) likely(f *facts) bool {
	return len(f.suites[tlshello.TLS13]) > 0 && len(f.modern) > 0 && slices.ContainsFunc(f.open[tlshello.TLS13], sound3)
}

func sound3(s tlshello.Suite) bool {
	switch s.String() {
	case "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256":
		return true
	}
	return false
}

// room reports whether a question for a suite of TLS 1.3 may be asked in vain,
// within the usual number: one for each sound suite that is open, and one that is
// refused, are still to come. The first question may always.
func (p *plan) room(f *facts) bool {
	open := 0
	for _, s := range f.open[tlshello.TLS13] {
		if sound3(s) {
			open++
		}
	}
	return !p.shared() || p.opened()+open+2 <= usualConnections
}

// restricted reports whether limits on groups did no harm so far.
func (p *plan) restricted() bool {
	return !slices.ContainsFunc(p.log, func(e entry) bool { return e.about == askSuites && e.limit && e.answer != evidence.Accepted })
}

// curves asks for weak curves alone where the first question was answered with
// something else that is weak.
func (p *plan) curves(f *facts) *question {
	if f.weakRefused || len(f.weakOpen) == 0 {
		return nil
	}
	suites := curved(f)
	if len(suites) == 0 {
		return nil
	}
	return p.unless(&question{about: askCurves, version: tlshello.TLS12, suites: suites, groups: f.weakOpen, limit: true})
}

// moreCurves asks for other curves up to TLS 1.2 than those known: the good ones
// are left when nothing is to be found out that is judged.
func (p *plan) moreCurves(f *facts) *question {
	suites := curved(f)
	if len(suites) == 0 || len(f.curves) == 0 {
		return nil
	}
	return p.unless(&question{about: askMoreCurves, version: tlshello.TLS12, suites: suites, groups: f.curves, limit: true})
}

// curved lists the accepted suites of TLS 1.2 in which the server is free to take
// any curve that is offered: with a certificate of elliptic curves it needs that
// one's.
func curved(f *facts) []tlshello.Suite {
	return slices.DeleteFunc(slices.Clone(f.suites[tlshello.TLS12]), func(s tlshello.Suite) bool {
		t := s.Traits()
		return t.KeyExchange != tlshello.ECDHE || t.Authentication == tlshello.ByECDSA
	})
}

// hybrids asks for groups that withstand quantum computers, where it is open
// whether the server has the usual one. It is left out where this question would
// be the one too many.
func (p *plan) hybrids(f *facts) *question {
	known := f.suites[tlshello.TLS13]
	if len(known) == 0 || !slices.Contains(f.modern, tlshello.X25519MLKEM768) || p.opened() == usualConnections {
		return nil
	}
	groups := slices.DeleteFunc(slices.Clone(f.modern), func(g tlshello.Group) bool { return g.Kind() != tlshello.Hybrid })
	return p.unless(&question{about: askGroups, version: tlshello.TLS13, suites: known, groups: groups, limit: true})
}

// groups asks for the groups of TLS 1.3 that are still open, up to a refusal.
func (p *plan) groups(f *facts) *question {
	known := f.suites[tlshello.TLS13]
	if len(known) == 0 || len(f.modern) == 0 {
		return nil
	}
	return p.unless(&question{about: askGroups, version: tlshello.TLS13, suites: known, groups: f.modern, limit: true})
}

// certificate asks a server with TLS 1.3 alone for a certificate of the other
// kind. Which one is sent is encrypted, so that the question brings keys.
func (p *plan) certificate(f *facts) *question {
	q := p.otherCertificate(f)
	if q == nil || f.kinds[q.certificate].Answer.Known() {
		return nil
	}
	return p.unless(q)
}

// otherCertificate is that question; nil where it cannot be asked.
func (p *plan) otherCertificate(f *facts) *question {
	other := map[string]string{"RSA": "ECDSA", "ECDSA": "RSA"}[p.first.kind]
	if below13(f) || other == "" {
		return nil
	}
	q := &question{about: askCertificate, version: tlshello.TLS13, limit: true, certificate: other}
	for _, s := range f.suites[tlshello.TLS13] {
		if _, ok := cipher13Of(s); ok {
			q.suites = append(q.suites, s)
		}
	}
	// No other group, for some would rather ask for a key in that.
	q.groups = slices.DeleteFunc(slices.Clone(curves13), func(g tlshello.Group) bool {
		return !slices.ContainsFunc(f.groups, func(x evidence.TLSGroup) bool { return x.Name == g.String() })
	})
	if q.share(curves13); len(q.suites) == 0 || len(q.shares) == 0 {
		return nil
	}
	return q
}
