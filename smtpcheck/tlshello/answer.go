package tlshello

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Outcome says how far a server's answer to a hello has come.
type Outcome uint8

// The outcomes. The zero value is that nothing is known: a time-out leaves an
// answer there, and is no answer.
const (
	Incomplete Outcome = iota // more octets are needed
	Accepted                  // the first flight is there to its end
	Refused                   // an alert, or an error of SSL 2.0
	Closed                    // the connection ended before the flight did
	Malformed                 // not what a server may answer; see [Problem]
)

var outcomeNames = []string{"incomplete", "accepted", "refused", "closed", "malformed"}

func (o Outcome) String() string { return outcomeNames[o] }

// Problem says what is wrong with a malformed answer.
type Problem uint8

// The problems.
const (
	NoProblem        Problem = iota
	NotTLS                   // octets that begin no record of SSL or TLS: see [Answer.Nonsense]
	UnknownRecord            // a record of a type or version that does not exist, after good ones
	UnexpectedRecord         // a record that has no place in a first flight
	OversizedRecord          // a record longer than allowed
	MisplacedMessage         // a handshake message out of its order
	MissingMessage           // the flight ends without a message that the suite needs
	OversizedMessage         // a message longer than [MaxMessage]
	OversizedFlight          // more than [MaxFlight] octets without an end
	BrokenAlert              // an alert that is not two octets
	BrokenMessage            // a message whose lengths do not fit; see [Answer.Detail]
)

var problemNames = []string{"none", "not TLS", "unknown record", "unexpected record", "oversized record", "misplaced message",
	"missing message", "oversized message", "oversized flight", "broken alert", "broken message"}

func (p Problem) String() string { return problemNames[p] }

// Limits of what is read. Beyond them an answer is [Malformed].
const (
	MaxFlight       = 1 << 19 // octets of a whole flight
	MaxMessage      = 1 << 18 // octets of a handshake message
	MaxCertificates = 100
	MaxAlerts       = 16
	maxSample       = 256
)

// Answer is what a server said to a hello, as far as it came. Its slices are
// parts of the octets received; nothing in it has been verified.
type Answer struct {
	Outcome Outcome
	Problem Problem // for Malformed
	Detail  string  // for Malformed: which message; else empty

	// Hello is nil unless a ServerHello came. It may be there also where the
	// Outcome is not Accepted: then the server chose, and failed afterwards.
	Hello        *ServerHello
	Certificates [][]byte // X.509 DER, leaf first; nil without the message (and in TLS 1.3, where it is encrypted)
	OCSP         []byte   // of the message CertificateStatus
	KeyExchange  *ServerKeyExchange
	Request      *CertificateRequest
	// Resumed: the server goes on with an earlier session, and there is no
	// further message in the clear.
	Resumed bool

	// Alerts in the order received, without close_notify, which only ends the
	// connection. The last one refused where the Outcome is Refused; the others
	// are warnings.
	Alerts []Alert

	V2      *V2ServerHello // an answer in SSL 2.0
	V2Error V2Error

	// Octets is how many were read up to the end of the flight.
	Octets int
	// Beginning is the first octets received, at most 256.
	Beginning []byte
}

// Version is the version that the server chose; 0 where it chose none.
func (a *Answer) Version() Version {
	switch {
	case a.V2 != nil:
		return SSL20
	case a.Hello != nil:
		return a.Hello.Negotiated()
	default:
		return 0
	}
}

// Alert is the alert by which the server refused.
func (a *Answer) Alert() (Alert, bool) {
	if a.Outcome != Refused || len(a.Alerts) == 0 {
		return Alert{}, false
	}
	return a.Alerts[len(a.Alerts)-1], true
}

// Group is the group of the key exchange: of the key share or the wish in TLS
// 1.3, of the named curve below, or that of RFC 7919 whose prime the server
// uses. 0 where there is none, or none with a number.
func (a *Answer) Group() Group {
	switch {
	case a.Hello != nil && a.Hello.Group != 0:
		return a.Hello.Group
	case a.KeyExchange != nil && a.KeyExchange.Curve != nil:
		return a.KeyExchange.Curve.Group
	case a.KeyExchange != nil && a.KeyExchange.DH != nil:
		g, _ := ParseGroup(a.KeyExchange.DH.Name())
		return g
	default:
		return 0
	}
}

// Nonsense is what a server said instead of TLS.
type Nonsense uint8

// The kinds of nonsense.
const (
	NoNonsense Nonsense = iota
	SMTPText            // a reply line: STARTTLS was answered twice, or not meant
	HTTPText            // a web server, or a portal on the way
	OtherText
	Binary
)

var nonsenseNames = []string{"none", "an SMTP reply", "HTTP", "text", "binary data"}

func (n Nonsense) String() string { return nonsenseNames[n] }

// Nonsense says what an answer with the problem [NotTLS] looks like.
func (a *Answer) Nonsense() Nonsense {
	if a.Problem != NotTLS {
		return NoNonsense
	}
	b := a.Beginning
	switch {
	case len(b) >= 4 && isDigit(b[0]) && isDigit(b[1]) && isDigit(b[2]) && strings.IndexByte(" -\r\n", b[3]) >= 0:
		return SMTPText
	case bytes.HasPrefix(b, []byte("HTTP/")), bytes.HasPrefix(b, []byte("<!")), bytes.HasPrefix(bytes.ToLower(b), []byte("<html")):
		return HTTPText
	case isText(b):
		return OtherText
	default:
		return Binary
	}
}

// String tells the answer in a few words, all of them ours or the standards'.
func (a *Answer) String() string {
	switch a.Outcome {
	case Accepted:
		switch {
		case a.V2 != nil:
			return fmt.Sprintf("accepted %s with %d ciphers", SSL20, len(a.V2.Specs))
		case a.Hello.Retry:
			return fmt.Sprintf("accepted %s %s, wants group %s", a.Version(), a.Hello.Suite, a.Hello.Group)
		}
		return fmt.Sprintf("accepted %s %s", a.Version(), a.Hello.Suite)
	case Refused:
		if alert, ok := a.Alert(); ok {
			return "refused: " + alert.String()
		}
		return "refused: " + a.V2Error.String()
	case Malformed:
		switch {
		case a.Problem == NotTLS:
			return "malformed: " + a.Nonsense().String()
		case a.Detail != "":
			return "malformed: " + a.Problem.String() + " " + a.Detail
		}
		return "malformed: " + a.Problem.String()
	default:
		return a.Outcome.String()
	}
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// isText reports whether b is UTF-8, cut off anywhere, without control
// characters other than white space.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 && utf8.FullRune(b) || r < ' ' && strings.IndexByte("\t\r\n", byte(r)) < 0 || r == 0x7F {
			return false
		}
		b = b[n:]
	}
	return true
}
