package probe

import (
	"crypto/rand"
	"fmt"
	"slices"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/tlshello"
)

// The questions of a plan, as [evidence.Asked] has them.
const (
	askWeak        = "anything weak"   // every suite, with weak curves only for those that need one
	askOlder       = "older versions"  // the highest below TLS 1.2
	askVersion     = "this version"    // one below
	askSSL2        = "SSL 2.0"         //
	askRenegotiate = "renegotiation"   // finish a handshake, and ask for another
	askPlain       = "no compression"  // likewise, without offering any
	askCompression = "compression"     // the suite found without
	askHashes      = "weak hashes"     // sign with nothing better?
	askSuites      = "more suites"     // all but those known
	askOrder       = "order of suites" // two or more that are known
	askGroups      = "more groups"     //
	askCurves      = "weak curves"     //
	askMoreCurves  = "more curves"     // up to TLS 1.2
	askCertificate = "certificate"     // of the other kind, in TLS 1.3
	askControl     = "control"         // the last question with something known to be accepted
)

// question is a hello that the plan wants to send.
type question struct {
	about   string
	version tlshello.Version
	suites  []tlshello.Suite
	// allBut, where suites are all that are usable: but for those known to be
	// accepted, which except lists.
	allBut bool
	except []tlshello.Suite
	groups []tlshello.Group // all there are, if limited; nil: the usual ones
	limit  bool             // groups are a limit
	shares []tlshello.Group // of the groups: those for which the hello brings a key
	hashes []tlshello.Hash
	plain  bool // offer no compression
	// certificate is the kind asked for, in TLS 1.3: "RSA" or "ECDSA". The server
	// may sign with such a key only.
	certificate string

	of    int              // for askControl: the number of the question that it is for
	floor tlshello.Version // likewise, in TLS 1.3: versions from here on are offered too
}

// offer writes the question as a hello.
func (q *question) offer(l *lists, sni string) tlshello.Offer {
	o := tlshello.Offer{
		Version: q.version, Suites: q.suites, Groups: q.groups, Signatures: tlshello.SignatureSchemes(),
		ServerName: sni, ExtendedMasterSecret: true, SessionTicket: true, StatusRequest: true,
	}
	if q.version == tlshello.TLS13 && q.floor >= tlshello.SSL30 && q.floor < tlshello.TLS13 {
		o.Floor = q.floor
	}
	if o.Groups == nil {
		if o.Groups = l.usual; q.version == tlshello.TLS13 {
			o.Groups = l.modern
		}
	}
	if q.version < tlshello.TLS10 {
		o.Groups = nil
	}
	if len(q.hashes) > 0 {
		o.Signatures = nil
		for _, h := range q.hashes {
			o.Signatures = append(o.Signatures, tlshello.Pairs(h)...)
		}
		o.CertificateSignatures = tlshello.SignatureSchemes()
	}
	if q.certificate != "" {
		o.CertificateSignatures = o.Signatures
		o.Signatures = slices.DeleteFunc(tlshello.SignatureSchemes(), func(s tlshello.SignatureScheme) bool { return kindOfScheme(s) != q.certificate })
	}
	if q.compressing() {
		o.Compression = []tlshello.Compression{tlshello.Deflate, tlshello.LZS}
	}
	if q.about == askRenegotiate {
		o.ALPN = []string{alpnSMTP}
	}
	return o
}

const alpnSMTP = "smtp"

// compressing reports whether the question offers compression as well.
func (q *question) compressing() bool {
	return tlshello.SSL30 <= q.version && q.version < tlshello.TLS13 && !q.plain
}

// kindOfScheme is the kind of certificate that a scheme needs, as
// [evidence.TLSCertificate] has it; empty for others.
func kindOfScheme(s tlshello.SignatureScheme) string {
	switch s.Algorithm() {
	case tlshello.RSAPKCS1, tlshello.RSAPSS:
		return "RSA"
	case tlshello.ECDSA, tlshello.EdDSA:
		return "ECDSA"
	}
	return ""
}

// octets is the question as it goes over the wire, and the keys to its shares.
func (q *question) octets(l *lists, sni string) ([]byte, shares, error) {
	if q.about == askSSL2 {
		var challenge [16]byte
		_, _ = rand.Read(challenge[:])
		b, err := tlshello.AskV2(challenge).Marshal()
		return b, nil, err
	}
	o := q.offer(l, sni)
	keys, list, err := newShares(q.shares)
	if err != nil {
		return nil, nil, err
	}
	o.KeyShares = list
	b, err := o.Marshal(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("probe: %s: %w", q.about, err)
	}
	return b, keys, nil
}

// entry is a question with what became of it.
type entry struct {
	question
	at     int64
	spoke  bool // the hello was sent; else the dialogue did not come so far
	answer evidence.Answer
	// closed: the server ended the connection at the hello, or with an alert that
	// need not be about what was offered. Whether that is a refusal other
	// questions must show.
	closed  bool
	flight  *tlshello.Answer // nil unless something of a flight came
	chain   string
	kind    string           // of the certificate, for askCertificate
	told    []tlshello.Group // the server's own list, where it sent one
	failure *evidence.Failure

	finished       bool // the handshake, for askRenegotiate
	renegotiation  evidence.Answer
	renegotiations int
}

// refuses reports whether an alert says no to an offer. The others may as well
// complain about the form of the hello.
func refuses(a tlshello.AlertDescription) bool {
	switch a {
	case tlshello.HandshakeFailure, tlshello.InsufficientSecurity, tlshello.ProtocolVersion, tlshello.InappropriateFallback:
		return true
	}
	return false
}

// read says what an answer means for the question.
func (e *entry) read(a *tlshello.Answer, failure *evidence.Failure) {
	e.flight, e.failure = a, failure
	alert, alerted := a.Alert()
	switch {
	case a.Outcome == tlshello.Accepted && (a.V2 == nil || len(a.V2.Specs) > 0):
		e.answer, e.failure = evidence.Accepted, nil
	case a.Outcome == tlshello.Accepted: // SSL 2.0 without a cipher in common
		e.answer, e.failure = evidence.Refused, nil
	case a.Outcome == tlshello.Refused && !alerted:
		e.answer, e.failure = evidence.Refused, nil
	case a.Outcome == tlshello.Refused && (refuses(alert.Description) || e.narrow()):
		e.answer, e.failure = evidence.Refused, nil
	case a.Outcome == tlshello.Refused:
		e.answer, e.closed = evidence.NoAnswer, true
		e.failure = &evidence.Failure{Op: evidence.OpHandshake, Class: evidence.ClassTLSAlert, Text: alert.String()}
	case a.Outcome == tlshello.Malformed:
		e.answer = evidence.NoAnswer
		e.failure = &evidence.Failure{Op: evidence.OpHandshake, Class: evidence.ClassProtocol, Text: a.String()}
		if a.Hello != nil && a.Problem == tlshello.OversizedFlight {
			e.failure.Class = evidence.ClassTooLarge
		}
	default:
		e.answer = evidence.NoAnswer
		e.closed = a.Hello == nil && failure != nil && (failure.Class == evidence.ClassClosed || failure.Class == evidence.ClassReset)
	}
}

// narrow reports whether the question is so plain that any alert refuses it:
// it asks for a version, and not for what else the hello holds.
func (e *entry) narrow() bool {
	return e.about == askSSL2 || e.about == askVersion || e.about == askOlder
}

// asked is the entry as evidence.
func (e *entry) asked(answer evidence.Answer) evidence.Asked {
	a := evidence.Asked{
		At: e.at, Question: e.about, Version: e.version.String(), AllBut: e.allBut, Hashes: texts(e.hashes), Certificate: e.certificate,
		Answer: answer, Told: texts(e.told),
	}
	if !e.allBut {
		a.Offered = texts(e.suites)
	}
	if e.limit {
		a.Groups = texts(e.groups)
	}
	if e.flight != nil {
		if alert, ok := e.flight.Alert(); ok {
			a.Alert = alert.Description.String()
		}
	}
	switch answer {
	case evidence.Accepted:
		a.ChosenIn = e.flight.Version().String()
		if h := e.flight.Hello; h != nil {
			a.Chosen = h.Suite.String()
			a.Group = groupText(e.flight)
		}
		if k := e.flight.KeyExchange; k != nil && k.Scheme != 0 {
			a.Signature = k.Scheme.String()
		}
	case evidence.NoAnswer:
		a.Failure = e.failure
	}
	return a
}

func groupText(a *tlshello.Answer) string {
	if g := a.Group(); g != 0 {
		return g.String()
	}
	return ""
}

// offered reports whether a suite, usable in the version, was among those of the
// question.
func (q *question) offered(s tlshello.Suite) bool {
	if q.allBut {
		return !slices.Contains(q.except, s)
	}
	return slices.Contains(q.suites, s)
}

// limits reports whether the question offers less than its suites, for one of
// them: a control question does not.
func (q *question) limits(s tlshello.Suite) bool {
	return q.certificate != "" || len(q.hashes) > 0 || q.limit && (q.version == tlshello.TLS13 || s.Traits().Elliptic())
}

// same reports whether two questions ask the same.
func (q *question) same(r *question) bool {
	return q.about == r.about && q.version == r.version && q.of == r.of && slices.Equal(q.suites, r.suites) && slices.Equal(q.groups, r.groups) && slices.Equal(q.hashes, r.hashes) && q.certificate == r.certificate
}
