package probe

import (
	"slices"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/tlshello"
)

const (
	// chunk is how many suites a server is offered at once that fails at more.
	chunk = 48
	// usualConnections is what the grading of a server with sound TLS 1.2 and 1.3
	// may take in all. What is good to know, but changes no judgement, is asked
	// only while fewer were opened.
	usualConnections = 12
	// manySuites is more than a server with sound suites has for two certificates.
	manySuites = 6
)

// plan is a list of questions that is made while it is asked: the next question
// is the one that tells most, given all answers so far. All that is bad comes
// first, at once, for one refusal then answers for everything. It holds no
// connection and knows no time; what it knows it works out anew from the log.
type plan struct {
	lists  *lists
	first  first
	before int // connections opened to the address before the plan
	log    []entry
}

// first is what the plain session's handshake, by crypto/tls, showed.
type first struct {
	complete     bool
	version      tlshello.Version
	suite        tlshello.Suite
	group        tlshello.Group
	chain, kind  string
	ticket, ocsp bool
	tickets      int // of TLS 1.3
	early        evidence.Answer
	maxEarly     uint32
}

// note adds what the first handshake showed. It offered TLS 1.0 to 1.3.
func (h *first) note(f *facts) {
	if h.version == 0 {
		return
	}
	f.version[h.version] = evidence.Accepted
	if h.suite != 0 {
		f.suites[h.version] = []tlshello.Suite{h.suite}
		x := evidence.TLSSuite{Name: h.suite.String()}
		if h.group != 0 {
			x.Group = h.group.String()
		}
		if h.version < tlshello.TLS13 {
			x.Chain = h.chain
		}
		f.found[h.version] = []evidence.TLSSuite{x}
		f.open[h.version] = without(f.open[h.version], h.suite)
	}
	if h.group != 0 {
		f.modern, f.weakOpen = without(f.modern, h.group), without(f.weakOpen, h.group)
		f.addGroup(h.group.String(), h.version.String())
	}
	if h.kind != "" {
		f.kinds[h.kind] = evidence.TLSCertificate{Kind: h.kind, Answer: evidence.Accepted, Chain: h.chain}
	}
	if h.complete {
		f.ticket, f.ocsp = answerOf(h.ticket), answerOf(h.ocsp)
	}
}

// next is the question to ask now; nil at the end of the plan.
func (p *plan) next() *question {
	f := p.fold(true)
	if q := p.confirm(f); q != nil {
		return q
	}
	for _, ask := range []func(*facts) *question{
		p.weak, p.older, p.renegotiate, p.signatures,
		func(f *facts) *question { return p.some(f, tlshello.TLS12) },
		p.ssl2,
		func(f *facts) *question { return p.more(f, tlshello.TLS13) },
		p.order, p.lower, p.curves,
		func(f *facts) *question { return p.more(f, tlshello.TLS12) },
		p.lowerSuites, p.hole, p.extras, p.last,
	} {
		if q := ask(f); q != nil {
			return q
		}
	}
	return nil
}

// asked reports how often the plan asked about something.
func (p *plan) asked(about string) int {
	n := 0
	for i := range p.log {
		if p.log[i].about == about && p.log[i].spoke {
			n++
		}
	}
	return n
}

// unless gives q up where it was asked twice without an answer, or once and
// what came back is still a riddle.
func (p *plan) unless(q *question) *question {
	if p.pending(q) {
		return nil
	}
	n := 0
	for i := range p.log {
		if p.log[i].spoke && p.log[i].same(q) && p.effective(i, true) == evidence.NoAnswer {
			n++
		}
	}
	if n > 1 {
		return nil
	}
	return q
}

// once asks until there is an answer, but not more than twice.
func (p *plan) once(q *question) *question {
	n := 0
	for i := range p.log {
		if p.log[i].spoke && p.log[i].about == q.about && p.log[i].version == q.version {
			if p.effective(i, true).Known() {
				return nil
			}
			n++
		}
	}
	if n > 1 || p.pending(q) {
		return nil
	}
	return q
}

// confirm asks a control question where a connection was closed at the hello:
// the same with something that the server is known to accept, if need be in a
// higher version. If it takes that, then it had refused; if not, the hello was
// too much for it.
func (p *plan) confirm(f *facts) *question {
	for i := range p.log {
		e := &p.log[i]
		if !e.closed || e.about == askControl || p.effective(i, true).Known() || f.intolerant && len(e.suites) > chunk {
			continue
		}
		tried := 0
		for j := range p.log {
			if x := &p.log[j]; x.about == askControl && x.of == i && x.spoke {
				tried++
			}
		}
		if tried > 0 {
			continue
		}
		for _, v := range []tlshello.Version{e.version, tlshello.TLS13, tlshello.TLS12, tlshello.TLS11, tlshello.TLS10, tlshello.SSL30} {
			if known := f.suites[v]; len(known) > 0 && v != tlshello.SSL20 {
				return &question{about: askControl, version: v, suites: append(without(e.suites, known...), known...), of: i, floor: e.version}
			}
		}
	}
	return nil
}

func (p *plan) all(about string, v tlshello.Version, except []tlshello.Suite) *question {
	return &question{about: about, version: v, suites: without(p.lists.usable[v], except...), allBut: true, except: except}
}

// weak asks for everything bad in TLS 1.2 at once: suites without elliptic
// curves, and bad curves for the others.
func (p *plan) weak(f *facts) *question {
	if f.intolerant {
		return nil
	}
	q := p.all(askWeak, tlshello.TLS12, nil)
	q.groups, q.limit = p.lists.weak, true
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

// renegotiate finishes a handshake in TLS 1.2 or lower.
func (p *plan) renegotiate(f *facts) *question {
	if f.renegotiation.Known() || !below13(f) {
		return nil
	}
	// A suite that is not known yet may be learnt on the way.
	known := f.suites[tlshello.TLS12]
	fresh := without(p.lists.finishable, known...)
	q := &question{about: askRenegotiate, version: tlshello.TLS12, suites: append(fresh, slices.DeleteFunc(slices.Clone(known), func(s tlshello.Suite) bool { return !finishable(s) })...)}
	q.plain = f.compression == evidence.Accepted
	if p.asked(askRenegotiate) > 1 {
		return nil
	}
	for i := range p.log {
		if e := &p.log[i]; e.about == askRenegotiate && e.answer == evidence.Refused && e.plain == q.plain {
			return nil
		}
	}
	return q
}

// below13 reports whether there may be a version below TLS 1.3.
func below13(f *facts) bool {
	return slices.ContainsFunc(oldVersions, func(v tlshello.Version) bool { return f.version[v] != evidence.Refused })
}

// signatures asks the server to sign with a weak hash function, until it is
// known whether it does so with SHA-1. A suite that is not known yet stands
// before those that are: where the client's order decides, it is learnt on the
// way.
func (p *plan) signatures(f *facts) *question {
	if f.hashes[tlshello.SHA1] == evidence.Accepted {
		return nil // which others it takes besides is for extras
	}
	return p.hashes(f)
}

func (p *plan) hashes(f *facts) *question {
	known := slices.DeleteFunc(slices.Clone(f.suites[tlshello.TLS12]), func(s tlshello.Suite) bool { return !signed(s) })
	if len(known) == 0 || len(f.hashesOpen) == 0 {
		return nil
	}
	var suites []tlshello.Suite
	for _, s := range f.open[tlshello.TLS12] {
		if sound(s) && signed(s) {
			suites = append(suites, s)
		}
	}
	// OpenSSL signs with SHA-224, and with SHA-1 where Postfix uses it, so that
	// suites can be learnt from it that are offered alone.
	openssl := p.first.tickets > 1
	switch p.asked(askHashes) {
	case 0:
	case 1:
		openssl = !openssl && p.passedOver(suites)
	default:
		openssl = false
	}
	if len(suites) == 0 || !openssl {
		suites = append(suites, byStandard(known)...)
	}
	return p.unless(&question{about: askHashes, version: tlshello.TLS12, suites: suites, hashes: f.hashesOpen})
}

// passedOver reports whether the server signed with a weak hash function in a
// suite that was known, and passed others over, still open, that stood before.
func (p *plan) passedOver(open []tlshello.Suite) bool {
	for i := range p.log {
		if e := &p.log[i]; e.about == askHashes && e.answer == evidence.Accepted && e.flight.KeyExchange != nil {
			return slices.Contains(weakHashes, e.flight.KeyExchange.Hash) && slices.Contains(open, e.suites[0])
		}
	}
	return false
}

// signed reports whether the server signs its part of the key exchange.
func signed(s tlshello.Suite) bool {
	t := s.Traits()
	return t.ForwardSecrecy && !t.Anonymous() && t.KeyExchange != tlshello.AnyKeyExchange
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
	if v == tlshello.TLS13 && p.likely(f) && p.restricted() {
		// A suite and a group with one question.
		q.groups, q.limit = f.modern, true
	}
	return p.unless(q)
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

// restricted reports whether limits on groups did no harm so far.
func (p *plan) restricted() bool {
	return !slices.ContainsFunc(p.log, func(e entry) bool { return e.about == askSuites && e.limit && e.answer != evidence.Accepted })
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
	if f.version[tlshello.TLS10] != evidence.Refused || !f.implied[tlshello.TLS10] || p.before+len(p.log) == usualConnections {
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

// curves asks for weak curves alone where the first question was answered with
// something else that is weak.
func (p *plan) curves(f *facts) *question {
	if f.weakRefused || len(f.weakOpen) == 0 {
		return nil
	}
	var suites []tlshello.Suite
	for _, s := range f.suites[tlshello.TLS12] {
		if t := s.Traits(); t.KeyExchange == tlshello.ECDHE && t.Authentication != tlshello.ByECDSA {
			suites = append(suites, s)
		}
	}
	if len(suites) == 0 {
		return nil
	}
	return p.unless(&question{about: askCurves, version: tlshello.TLS12, suites: suites, groups: f.weakOpen, limit: true})
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

// extras asks what is good to know and changes no judgement.
func (p *plan) extras(f *facts) *question {
	if p.before+len(p.log) >= usualConnections {
		return nil
	}
	if q := p.hashes(f); q != nil {
		return q
	}
	if known := f.suites[tlshello.TLS13]; len(known) > 0 && len(f.modern) > 0 {
		groups := f.modern
		if hybrids := slices.DeleteFunc(slices.Clone(f.modern), func(g tlshello.Group) bool { return g.Kind() != tlshello.Hybrid }); len(hybrids) > 0 {
			groups = hybrids
		}
		if q := p.unless(&question{about: askGroups, version: tlshello.TLS13, suites: known, groups: groups, limit: true}); q != nil {
			return q
		}
	}
	v, good, bad := ordered(f)
	if len(good) < 2 || len(bad) > 0 || len(f.order) > 0 {
		return nil
	}
	// Both were offered when the first was chosen; now the other stands first.
	return p.unless(&question{about: askOrder, version: v, suites: []tlshello.Suite{good[1], good[0]}})
}

// last makes sure that a server which closed the connection at the last
// questions still answers others.
func (p *plan) last(f *facts) *question {
	end := len(p.log) - 1
	for i := end; i >= 0; i-- {
		e := &p.log[i]
		if e.answer.Known() {
			return nil
		}
		if e.closed && p.effective(i, true) == evidence.Refused {
			for _, v := range append([]tlshello.Version{tlshello.TLS13}, oldVersions...) {
				if known := f.suites[v]; len(known) > 0 {
					return p.unless(&question{about: askControl, version: v, suites: known, of: i})
				}
			}
		}
	}
	return nil
}
