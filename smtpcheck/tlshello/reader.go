package tlshello

import (
	"golang.org/x/crypto/cryptobyte"
)

// Reader reads the first flight of a server: everything that it says in the
// clear up to where it waits for the client (RFC 5246, Section 7.3), or in TLS
// 1.3 up to the end of the ServerHello, behind which all is encrypted. Octets
// may come in pieces of any size; how they are cut changes nothing. The zero
// value is ready. A Reader keeps at most [MaxFlight] octets, and is not for use
// by several goroutines at once.
type Reader struct {
	answer  Answer
	pending []byte // octets of a record not yet complete
	message []byte // octets of handshake messages not yet complete
	alert   []byte // the first octet of an alert that came in two records
	fed     int    // octets received, also behind the end
	records int    // complete records
	last    uint8  // type of the last handshake message but HelloRequest
}

// Handshake message types.
const (
	messageHelloRequest       = 0
	messageServerHello        = 2
	messageCertificate        = 11
	messageServerKeyExchange  = 12
	messageCertificateRequest = 13
	messageServerHelloDone    = 14
	messageCertificateStatus  = 22
)

// ReadFlight reads octets that were all there were, up to the end of the
// connection or, where closed is false, up to when the caller stopped waiting.
func ReadFlight(octets []byte, closed bool) *Answer {
	var r Reader
	r.Feed(octets)
	if closed {
		r.Close()
	}
	return r.Answer()
}

// Feed takes octets, which it does not keep, and says how the answer stands.
// Anything but [Incomplete] is final: what comes then is not looked at.
func (r *Reader) Feed(octets []byte) Outcome {
	if n := min(len(octets), maxSample-len(r.answer.Beginning)); n > 0 {
		r.answer.Beginning = append(r.answer.Beginning, octets[:n]...)
	}
	if r.answer.Outcome != Incomplete {
		return r.answer.Outcome
	}
	r.fed += len(octets)
	over := r.fed - MaxFlight
	if over > 0 {
		octets = octets[:len(octets)-over]
	}
	r.pending = append(r.pending, octets...)
	for r.answer.Outcome == Incomplete && r.record() {
	}
	if over > 0 && r.answer.Outcome == Incomplete {
		r.fail(OversizedFlight, "")
	}
	if r.answer.Outcome != Incomplete {
		r.pending, r.message = nil, nil
	}
	return r.answer.Outcome
}

// Close says that the server ended the connection, and there will be no more
// octets. A server that sent a warning before, and chose nothing, has refused by
// it: some say handshake_failure at the level of a warning.
func (r *Reader) Close() Outcome {
	if r.answer.Outcome != Incomplete {
		return r.answer.Outcome
	}
	r.end()
	r.pending, r.message = nil, nil
	return r.answer.Outcome
}

func (r *Reader) end() {
	r.answer.Outcome = Closed
	if n := len(r.answer.Alerts); n > 0 && r.answer.Hello == nil {
		switch r.answer.Alerts[n-1].Description {
		case UserCanceled, UnrecognizedName:
		default:
			r.answer.Outcome = Refused
		}
	}
}

// Answer is what was understood so far. It belongs to the caller once the
// outcome is final.
func (r *Reader) Answer() *Answer { return &r.answer }

func (r *Reader) fail(p Problem, detail string) {
	r.answer.Outcome, r.answer.Problem, r.answer.Detail = Malformed, p, detail
}

// record takes one record from the pending octets, and reports whether there
// was one.
func (r *Reader) record() bool {
	b := r.pending
	if len(b) == 0 {
		return false
	}
	if r.records == 0 && b[0]&0x80 != 0 {
		return r.v2Record()
	}
	if b[0] < contentChangeCipherSpec || b[0] > contentChangeCipherSpec+4 || len(b) > 1 && b[1] != 3 {
		if r.records == 0 {
			r.fail(NotTLS, "")
		} else {
			r.fail(UnknownRecord, "")
		}
		return false
	}
	if len(b) < recordHeader {
		return false
	}
	length := int(b[3])<<8 | int(b[4])
	if length > maxFragment {
		r.fail(OversizedRecord, "")
		return false
	}
	if len(b) < recordHeader+length {
		return false
	}
	r.pending = b[recordHeader+length:]
	r.answer.Octets += recordHeader + length
	r.records++
	r.content(b[0], b[recordHeader:recordHeader+length])
	return true
}

func (r *Reader) content(kind uint8, b []byte) {
	switch kind {
	case contentHandshake:
		r.message = append(r.message, b...)
		for r.answer.Outcome == Incomplete && r.handshake() {
		}
	case contentAlert:
		r.alerts(b)
	case contentChangeCipherSpec:
		// RFC 5246, Section 7.3: right after the ServerHello where a session is
		// resumed.
		if r.last != messageServerHello || len(r.message) > 0 {
			r.fail(UnexpectedRecord, "")
			return
		}
		r.answer.Resumed = true
		r.answer.Outcome = Accepted
	default:
		r.fail(UnexpectedRecord, "")
	}
}

func (r *Reader) alerts(b []byte) {
	if len(b) == 0 {
		r.fail(BrokenAlert, "")
		return
	}
	b = append(r.alert, b...)
	r.alert = nil
	for len(b) >= 2 && r.answer.Outcome == Incomplete {
		a := Alert{AlertLevel(b[0]), AlertDescription(b[1])}
		b = b[2:]
		if a.Description == CloseNotify { // RFC 5246, Section 7.2.1: it says goodbye, not why
			r.end()
			return
		}
		r.answer.Alerts = append(r.answer.Alerts, a)
		switch {
		case a.Level != Warning && a.Level != Fatal:
			r.fail(BrokenAlert, "")
		case a.Level == Fatal:
			r.answer.Outcome = Refused
		case len(r.answer.Alerts) == MaxAlerts:
			r.fail(OversizedFlight, "")
		}
	}
	if r.answer.Outcome == Incomplete {
		r.alert = b
	}
}

// handshake takes one message from the handshake octets, and reports whether
// there was one.
func (r *Reader) handshake() bool {
	if len(r.message) < messageHeader {
		return false
	}
	kind := r.message[0]
	length := int(r.message[1])<<16 | int(r.message[2])<<8 | int(r.message[3])
	if length > MaxMessage {
		r.fail(OversizedMessage, messageName(kind))
		return false
	}
	if !r.expects(kind) {
		r.fail(MisplacedMessage, messageName(kind))
		return false
	}
	if len(r.message) < messageHeader+length {
		return false
	}
	body := cryptobyte.String(r.message[messageHeader : messageHeader+length])
	r.message = r.message[messageHeader+length:]
	if kind != messageHelloRequest {
		r.last = kind
	}
	if !r.take(kind, body) {
		r.fail(BrokenMessage, messageName(kind))
	}
	return true
}

// order is that of the messages of a flight (RFC 5246, Section 7.3). Each comes
// at most once, all but the first and the last may be left out.
var order = []uint8{messageServerHello, messageCertificate, messageCertificateStatus, messageServerKeyExchange, messageCertificateRequest, messageServerHelloDone}

// expects reports whether a message may come next. A HelloRequest may come
// before all, and means nothing (RFC 5246, Section 7.4.1.1).
func (r *Reader) expects(kind uint8) bool {
	if kind == messageHelloRequest {
		return r.answer.Hello == nil
	}
	if r.answer.Hello == nil {
		return kind == messageServerHello
	}
	behind := false
	for _, k := range order {
		if k == kind {
			return behind
		}
		behind = behind || k == r.last
	}
	return false
}

// take reads the body of a message; it is false where that cannot be done.
func (r *Reader) take(kind uint8, body cryptobyte.String) (ok bool) {
	a := &r.answer
	switch kind {
	case messageHelloRequest:
		return body.Empty()
	case messageServerHello:
		hello, ok := readServerHello(body)
		if !ok {
			return false
		}
		a.Hello = hello
		if hello.Negotiated() >= TLS13 {
			a.Outcome = Accepted
		}
		return true
	case messageCertificate:
		a.Certificates, ok = readCertificates(body)
	case messageCertificateStatus:
		a.OCSP, ok = readStatus(body)
	case messageServerKeyExchange:
		a.KeyExchange, ok = readKeyExchange(body, a.Hello.Suite, a.Hello.Negotiated())
	case messageCertificateRequest:
		a.Request, ok = readCertificateRequest(body, a.Hello.Negotiated())
	case messageServerHelloDone:
		r.done()
		return body.Empty()
	default:
		panic("tlshello: a message that was not expected")
	}
	return ok
}

// done ends a flight of TLS 1.2 or lower, if all is there that the suite needs.
func (r *Reader) done() {
	a := &r.answer
	t := a.Hello.Suite.Traits()
	certified := t.Authentication == ByRSA || t.Authentication == ByDSS || t.Authentication == ByECDSA
	ephemeral := t.KeyExchange == DHE || t.KeyExchange == ECDHE || t.KeyExchange == DHEPSK || t.KeyExchange == ECDHEPSK || t.KeyExchange == SRP
	switch {
	case certified && a.Certificates == nil:
		r.fail(MissingMessage, messageName(messageCertificate))
	case ephemeral && a.KeyExchange == nil:
		r.fail(MissingMessage, messageName(messageServerKeyExchange))
	default:
		a.Outcome = Accepted
	}
}

// v2Record takes the one record of an answer in SSL 2.0.
func (r *Reader) v2Record() bool {
	b := r.pending
	if len(b) < 3 {
		return false
	}
	length := int(b[0]&0x7F)<<8 | int(b[1])
	if kind := b[2]; kind != v2ServerHello && kind != v2ErrorMessage || length < 3 || kind == v2ErrorMessage && length != 3 {
		r.fail(NotTLS, "")
		return false
	}
	if len(b) < 2+length {
		return false
	}
	r.answer.Octets = 2 + length
	body := cryptobyte.String(b[3 : 2+length])
	if b[2] == v2ErrorMessage {
		body.ReadUint16((*uint16)(&r.answer.V2Error))
		r.answer.Outcome = Refused
		return false
	}
	hello, ok := readV2ServerHello(body)
	if !ok {
		r.fail(BrokenMessage, "SERVER-HELLO")
		return false
	}
	r.answer.V2, r.answer.Outcome = hello, Accepted
	return false
}

func messageName(kind uint8) string {
	switch kind {
	case messageHelloRequest:
		return "HelloRequest"
	case messageServerHello:
		return "ServerHello"
	case messageCertificate:
		return "Certificate"
	case messageServerKeyExchange:
		return "ServerKeyExchange"
	case messageCertificateRequest:
		return "CertificateRequest"
	case messageServerHelloDone:
		return "ServerHelloDone"
	case messageCertificateStatus:
		return "CertificateStatus"
	default:
		return "of an unknown type"
	}
}
