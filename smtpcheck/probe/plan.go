package probe

import (
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
	told         []tlshello.Group // the server's own list of TLS 1.3
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
		f.addGroup(h.group, h.version)
	}
	if h.kind != "" {
		f.kinds[h.kind] = evidence.TLSCertificate{Kind: h.kind, Answer: evidence.Accepted, Chain: h.chain}
	}
	if h.complete {
		f.ticket, f.ocsp = answerOf(h.ticket), answerOf(h.ocsp)
	}
}

// opened is how many connections went to the address, those before the plan with
// them.
func (p *plan) opened() int { return p.before + len(p.log) }

// next is the question to ask now; nil at the end of the plan.
func (p *plan) next() *question {
	f := p.fold(true)
	if q := p.confirm(f); q != nil {
		return q
	}
	for _, ask := range []func(*facts) *question{
		p.tell, p.weak, p.older, p.renegotiate, p.plain, p.signatures,
		func(f *facts) *question { return p.some(f, tlshello.TLS12) },
		p.ssl2,
		func(f *facts) *question { return p.more(f, tlshello.TLS13) },
		p.order, p.lower, p.curves,
		func(f *facts) *question { return p.more(f, tlshello.TLS12) },
		p.lowerSuites, p.hole, p.certificate, p.hybrids, p.extras, p.last,
	} {
		if q := ask(f); q != nil {
			q.plain = q.plain || p.plainOnly()
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

// extras asks what is good to know and changes no judgement.
func (p *plan) extras(f *facts) *question {
	if p.opened() >= usualConnections {
		return nil
	}
	if q := p.hashes(f); q != nil {
		return q
	}
	if q := p.groups(f); q != nil {
		return q
	}
	if v, good, bad := ordered(f); len(good) > 1 && len(bad) == 0 && len(f.order) == 0 {
		// Both were offered when the first was chosen; now the other stands first.
		if q := p.unless(&question{about: askOrder, version: v, suites: []tlshello.Suite{good[1], good[0]}}); q != nil {
			return q
		}
	}
	return p.moreCurves(f)
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
