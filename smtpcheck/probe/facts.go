package probe

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/tlshello"
)

// facts are what follows from the questions asked so far.
type facts struct {
	suites  map[tlshello.Version][]tlshello.Suite // accepted, in the order found
	found   map[tlshello.Version][]evidence.TLSSuite
	open    map[tlshello.Version][]tlshello.Suite // neither accepted nor refused
	version map[tlshello.Version]evidence.Answer
	reason  map[tlshello.Version]string
	implied map[tlshello.Version]bool // refused along with a higher one

	groups       []evidence.TLSGroup // accepted
	told         bool                // by the server itself, those of TLS 1.3
	modern       []tlshello.Group    // of TLS 1.3, not accepted and not refused
	limited      []*entry            // questions about groups of TLS 1.3 that were refused
	curves       []tlshello.Group    // up to TLS 1.2, likewise
	weakOpen     []tlshello.Group    // of these the weak ones
	weakRefused  bool                // curves that are weak, where they were asked for
	hashesOpen   []tlshello.Hash
	hashes       map[tlshello.Hash]evidence.Answer
	master       evidence.Answer
	secure       map[tlshello.Version]evidence.Answer
	compression  evidence.Answer
	method       tlshello.Compression
	ticket, alpn evidence.Answer
	ocsp         evidence.Answer

	renegotiation  evidence.Answer
	renegotiations int
	kinds          map[string]evidence.TLSCertificate
	order          []entry // questions of order that were answered
	intolerant     bool    // of long lists of suites
}

// weakHashes are the hash functions that a server is asked to sign with.
var weakHashes = []tlshello.Hash{tlshello.SHA1, tlshello.SHA224, tlshello.MD5}

// fold works out the facts. While the plan goes on, tentative, a connection
// closed by a server that refuses by closing counts as a refusal at once; at
// its end only if the server still answered afterwards.
func (p *plan) fold(tentative bool) *facts {
	f := &facts{
		suites: map[tlshello.Version][]tlshello.Suite{}, found: map[tlshello.Version][]evidence.TLSSuite{},
		open: map[tlshello.Version][]tlshello.Suite{}, version: map[tlshello.Version]evidence.Answer{}, reason: map[tlshello.Version]string{},
		implied: map[tlshello.Version]bool{}, modern: p.lists.modern, curves: p.lists.usual, weakOpen: p.lists.weak, hashesOpen: weakHashes, hashes: map[tlshello.Hash]evidence.Answer{},
		secure: map[tlshello.Version]evidence.Answer{}, kinds: map[string]evidence.TLSCertificate{},
	}
	for v, list := range p.lists.usable {
		f.open[v] = list
	}
	p.first.note(f)
	f.intolerant = p.intolerant()
	for i := range p.log {
		e := &p.log[i]
		switch answer := p.effective(i, tentative); answer {
		case evidence.Accepted:
			f.accept(e)
		case evidence.Refused:
			f.refuse(e)
		default:
			f.unanswered(e)
		}
	}
	f.settleGroups()
	if f.believe(p.told()); p.plainOnly() {
		f.compression = evidence.Refused
	}
	for v, list := range f.open {
		if len(list) == 0 && len(f.suites[v]) == 0 && f.version[v] != evidence.Accepted {
			f.version[v] = evidence.Refused
		}
	}
	return f
}

// effective is the answer to a question, in the light of those asked later. A
// connection closed at the hello is a refusal if the server answers, when
// something is offered beside that it is known to accept: there is a control
// question for it, or there was one before that was as long.
func (p *plan) effective(i int, tentative bool) evidence.Answer {
	e := &p.log[i]
	switch {
	case e.answer != evidence.Accepted && e.compressing() && p.plainOnly():
		return evidence.NoAnswer // the compression was refused, whatever else may be
	case !e.closed:
		return e.answer
	}
	later := tentative
	for j := range p.log {
		x := &p.log[j]
		if x.about == askControl && x.of == i && x.answer.Known() {
			return p.shown(x)
		}
		later = later || j > i && x.answer.Known()
	}
	if later && p.habit(i) {
		return evidence.Refused
	}
	return evidence.NoAnswer
}

// shown is what an answered control question shows of the one that it is for.
func (p *plan) shown(control *entry) evidence.Answer {
	if control.answer != evidence.Accepted {
		return evidence.NoAnswer
	}
	e, s := &p.log[control.of], control.flight.Hello.Suite
	if e.version == control.flight.Version() && slices.Contains(e.suites, s) && !e.limits(s) {
		return evidence.NoAnswer // it takes what it seemed to refuse
	}
	return evidence.Refused
}

// habit reports whether the server was seen to refuse by closing before
// question i, at one as long.
func (p *plan) habit(i int) bool {
	for j := range p.log[:i] {
		x := &p.log[j]
		if x.about == askControl && x.answer.Known() && p.shown(x) == evidence.Refused && len(x.suites) >= min(len(p.log[i].suites), chunk*2) {
			return true
		}
	}
	return false
}

// intolerant reports whether the server fails at long lists of suites: a control
// question, with suites that it accepts in a long list, was not answered.
func (p *plan) intolerant() bool {
	for i := range p.log {
		x := &p.log[i]
		if x.about == askControl && x.spoke && !x.answer.Known() && len(x.suites) > chunk {
			return true
		}
	}
	return false
}

// pending reports whether a question like q ended in a connection closed, and
// what that means is still open.
func (p *plan) pending(q *question) bool {
	for i := range p.log {
		e := &p.log[i]
		if !e.closed || e.about != q.about || e.version != q.version || !slices.Equal(e.suites, q.suites) || p.effective(i, true).Known() {
			continue
		}
		if !slices.ContainsFunc(p.log, func(x entry) bool { return x.about == askControl && x.of == i && x.spoke }) {
			return true
		}
	}
	return false
}

func (f *facts) unanswered(e *entry) {
	for v := e.version; v >= tlshello.SSL20; v-- {
		if f.version[v] == evidence.AnswerUnknown && (v == e.version || e.about == askOlder) && v.Known() && len(e.hashes) == 0 && !e.limit {
			f.version[v], f.reason[v] = evidence.NoAnswer, failureText(e.failure)
		}
	}
	if e.about == askRenegotiate && f.renegotiation == evidence.AnswerUnknown {
		f.renegotiation = evidence.NoAnswer
	}
}

func failureText(f *evidence.Failure) string {
	if f == nil {
		return ""
	}
	return f.Class.String()
}

func (f *facts) accept(e *entry) {
	v := e.flight.Version()
	f.version[v], f.reason[v] = evidence.Accepted, ""
	if e.flight.V2 != nil {
		for _, c := range e.flight.V2.Specs {
			f.found[v] = append(f.found[v], evidence.TLSSuite{Name: c.String(), Chain: e.chain})
		}
		return
	}
	for u := min(e.version, tlshello.TLS12); u > v && u >= tlshello.SSL30 && !e.limit && len(e.hashes) == 0; u-- {
		// The server had the choice, and knows no better one.
		if f.open[u] = slices.DeleteFunc(slices.Clone(f.open[u]), e.offered); f.version[u] != evidence.Accepted {
			f.reason[u] = "chose " + v.String()
		}
	}
	f.suite(e, v)
	f.group(e, v)
	f.extensions(e, v)
	f.signature(e, v)
	switch e.about {
	case askOrder:
		f.order = append(f.order, *e)
	case askRenegotiate:
		if e.renegotiation != evidence.AnswerUnknown {
			f.renegotiation, f.renegotiations = e.renegotiation, e.renegotiations
		}
	case askCertificate:
		if c := (evidence.TLSCertificate{Kind: e.kind, Answer: evidence.Accepted, Chain: e.chain}); e.kind == e.certificate {
			f.kinds[e.kind] = c
		} else {
			f.kinds[e.certificate] = evidence.TLSCertificate{Kind: e.certificate, Answer: evidence.Refused} // it sent what it has instead
		}
	}
}

func (f *facts) suite(e *entry, v tlshello.Version) {
	s, k := e.flight.Hello.Suite, e.flight.KeyExchange
	f.open[v] = without(f.open[v], s)
	t := s.Traits()
	if kind := kindOf(t); kind != "" && e.chain != "" && f.kinds[kind].Answer != evidence.Accepted {
		f.kinds[kind] = evidence.TLSCertificate{Kind: kind, Answer: evidence.Accepted, Chain: e.chain}
	}
	i := slices.Index(f.suites[v], s)
	if i < 0 {
		i = len(f.suites[v])
		f.suites[v] = append(f.suites[v], s)
		f.found[v] = append(f.found[v], evidence.TLSSuite{Name: s.String(), Chain: e.chain})
	}
	x := &f.found[v][i]
	if e.limit && (v == tlshello.TLS13 || t.Elliptic()) {
		return // not what the server would do if it were free
	}
	if x.Group == "" {
		x.Group = groupText(e.flight)
	}
	if k == nil {
		return
	}
	if k.DH != nil {
		x.DH = field(k.DH)
	}
	if k.RSA != nil {
		x.RSABits = k.RSA.Bits()
	}
	if len(e.hashes) > 0 {
		return
	}
	if k.Scheme != 0 {
		x.Signature = k.Scheme.String()
	}
	if k.Hash != tlshello.UnknownHash {
		x.Hash = k.Hash.String()
	}
}

func field(d *tlshello.DHParameters) *evidence.DH {
	out := &evidence.DH{Bits: d.Bits(), Name: d.Name(), Generator: "long"}
	if g := trimZeros(d.Generator); len(g) <= 8 {
		out.Generator = hex.EncodeToString(g)
		if len(out.Generator) > 1 && out.Generator[0] == '0' {
			out.Generator = out.Generator[1:]
		}
	}
	sum := sha256.Sum256(trimZeros(d.Prime))
	out.Prime = "sha256:" + hex.EncodeToString(sum[:])
	return out
}

func trimZeros(b []byte) []byte {
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	return b
}

func kindOf(t tlshello.Traits) string {
	switch t.Authentication {
	case tlshello.ByRSA:
		return "RSA"
	case tlshello.ByECDSA:
		return "ECDSA"
	case tlshello.ByDSS:
		return "DSA"
	}
	return ""
}

func answerOf(yes bool) evidence.Answer {
	if yes {
		return evidence.Accepted
	}
	return evidence.Refused
}

func (f *facts) extensions(e *entry, v tlshello.Version) {
	h := e.flight.Hello
	if v == tlshello.TLS13 {
		return
	}
	if v == tlshello.TLS12 && f.master != evidence.Refused {
		f.master = answerOf(h.ExtendedMasterSecret)
	}
	if f.secure[v] != evidence.Refused {
		f.secure[v] = answerOf(h.SecureRenegotiation)
	}
	if !e.plain && f.compression != evidence.Accepted {
		f.compression, f.method = answerOf(h.Compression != tlshello.NoCompression), h.Compression
	}
	if f.ticket != evidence.Accepted {
		f.ticket = answerOf(h.SessionTicket)
	}
	if f.ocsp != evidence.Accepted {
		f.ocsp = answerOf(h.StatusRequest || len(e.flight.OCSP) > 0)
	}
	if e.about == askRenegotiate {
		f.alpn = answerOf(h.ALPN != "")
	}
}

func (f *facts) signature(e *entry, v tlshello.Version) {
	k := e.flight.KeyExchange
	if v != tlshello.TLS12 || k == nil || k.Scheme == 0 {
		return
	}
	if slices.Contains(weakHashes, k.Hash) {
		f.hashes[k.Hash], f.hashesOpen = evidence.Accepted, without(f.hashesOpen, k.Hash)
		return
	}
	for _, h := range e.hashes { // it answers with a better one instead
		if f.hashes[h] != evidence.Accepted {
			f.hashes[h] = evidence.Refused
		}
	}
	f.hashesOpen = without(f.hashesOpen, e.hashes...)
}

func (f *facts) refuse(e *entry) {
	switch e.about {
	case askControl, askOrder:
		return
	case askCertificate:
		f.kinds[e.certificate] = evidence.TLSCertificate{Kind: e.certificate, Answer: evidence.Refused}
		return
	case askSSL2:
		f.version[tlshello.SSL20], f.reason[tlshello.SSL20] = evidence.Refused, e.refusal()
		return
	}
	if slices.ContainsFunc(e.suites, func(s tlshello.Suite) bool { return slices.Contains(f.suites[e.version], s) }) {
		// Without a suite that is known to be accepted it may be the suites that
		// are refused.
		for _, h := range e.hashes {
			f.hashes[h], f.hashesOpen = evidence.Refused, without(f.hashesOpen, h)
		}
	}
	if len(e.hashes) > 0 || e.plain && f.compression == evidence.Accepted { // it may insist on compression
		return
	}
	f.refuseGroups(e)
	f.open[e.version] = slices.DeleteFunc(slices.Clone(f.open[e.version]), func(s tlshello.Suite) bool {
		return e.offered(s) && (!e.limit || e.version < tlshello.TLS13 && !s.Traits().Elliptic())
	})
	if f.version[e.version] != evidence.Accepted {
		f.reason[e.version] = e.refusal()
	}
	if alert, _ := e.flightAlert(); alert == tlshello.ProtocolVersion && e.version <= tlshello.TLS12 {
		for v := e.version; v >= tlshello.SSL30; v-- { // the server knows none of those offered
			if f.version[v] != evidence.Accepted {
				f.version[v], f.reason[v], f.implied[v] = evidence.Refused, e.refusal(), v < e.version
			}
		}
	}
}

func (e *entry) flightAlert() (tlshello.AlertDescription, bool) {
	if e.flight == nil {
		return 0, false
	}
	a, ok := e.flight.Alert()
	return a.Description, ok
}

func (e *entry) refusal() string {
	if d, ok := e.flightAlert(); ok {
		return d.String()
	}
	if e.flight != nil && e.flight.V2Error != 0 {
		return e.flight.V2Error.String()
	}
	return failureText(e.failure)
}
