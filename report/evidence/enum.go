package evidence

import "fmt"

// texts is the one table of a closed set: the index is the value.
type texts []string

func (t texts) text(v uint8) string {
	if int(v) >= len(t) {
		panic(fmt.Sprintf("evidence: %s value %d is outside its set", t[0], v))
	}
	return t[v]
}

func (t texts) parse(what string, b []byte) (uint8, error) {
	for i, s := range t {
		if s == string(b) {
			return uint8(i), nil
		}
	}
	return 0, fmt.Errorf("evidence: %q is no %s", b, what)
}

// Outcome is how a DNS question ended. OutcomeUnknown is never written by the
// resolver.
type Outcome uint8

const (
	OutcomeUnknown   Outcome = iota
	OutcomeAnswer            // NOERROR with records of the type at the end of the aliases
	OutcomeNoData            // NOERROR without (RFC 2308, Section 2.2)
	OutcomeNXDomain          // the name at the end of the aliases does not exist
	OutcomeServFail          // the resolver could not resolve it, see EDE
	OutcomeRefused           // the resolver would not
	OutcomeRCode             // any other response code, see RCode
	OutcomeTimeout           // no answer from any resolver in all tries
	OutcomeMalformed         // only answers that could not be read
	OutcomeNetwork           // no resolver could be reached: see Failure
	OutcomeBadName           // the name cannot be asked for (RFC 1035, Section 2.3.4)
	OutcomeLoop              // the aliases form a loop or are too many
)

var outcomes = texts{"unknown", "answer", "nodata", "nxdomain", "servfail", "refused", "rcode", "timeout", "malformed", "network", "bad-name", "alias-loop"}

func (o Outcome) String() string               { return outcomes.text(uint8(o)) }
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }
func (o *Outcome) UnmarshalText(b []byte) error {
	v, err := outcomes.parse("lookup outcome", b)
	*o = Outcome(v)
	return err
}

// Known reports whether the outcome tells what the name holds.
func (o Outcome) Known() bool {
	return o == OutcomeAnswer || o == OutcomeNoData || o == OutcomeNXDomain
}

// Security is the result of validation (RFC 4033, Section 5).
type Security uint8

const (
	SecurityUnknown       Security = iota // not validated
	SecuritySecure                        // a chain of signatures from the trust anchor
	SecurityInsecure                      // a proof that the chain ends above the name, or no anchor
	SecurityBogus                         // there should be a chain, and there is none
	SecurityIndeterminate                 // could not be found out: DNSKEY or DS could not be had
)

var securities = texts{"unknown", "secure", "insecure", "bogus", "indeterminate"}

func (s Security) String() string               { return securities.text(uint8(s)) }
func (s Security) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
func (s *Security) UnmarshalText(b []byte) error {
	v, err := securities.parse("security status", b)
	*s = Security(v)
	return err
}

// Op is what was being done when it failed.
type Op uint8

const (
	OpUnknown   Op = iota
	OpConfig       // refused before anything was sent
	OpDial         // opening the connection
	OpQuery        // sending a DNS question and waiting for the answer
	OpBanner       // waiting for the SMTP greeting
	OpHello        // EHLO or HELO in the clear
	OpSTARTTLS     // the STARTTLS command
	OpHandshake    // the TLS handshake
	OpHelloTLS     // EHLO after the handshake
	OpQuit         // QUIT
	OpFetch        // an HTTPS request
)

var ops = texts{"unknown", "config", "dial", "query", "banner", "hello", "starttls", "handshake", "hello-tls", "quit", "fetch"}

func (o Op) String() string               { return ops.text(uint8(o)) }
func (o Op) MarshalText() ([]byte, error) { return []byte(o.String()), nil }
func (o *Op) UnmarshalText(b []byte) error {
	v, err := ops.parse("operation", b)
	*o = Op(v)
	return err
}

// Class is the kind of failure.
type Class uint8

const (
	ClassUnknown     Class = iota
	ClassTimeout           // nothing came in time
	ClassRefused           // connection refused (RST to SYN), or a DNS REFUSED
	ClassReset             // reset while in use
	ClassClosed            // closed while in use
	ClassUnreachable       // no route to the host or network, as told by the network
	ClassNoFamily          // this scanner has no address of that family
	ClassForbidden         // an address this scanner will not connect to (RFC 6890)
	ClassTemporary         // a 4xx reply
	ClassPermanent         // a 5xx reply
	ClassProtocol          // not what the protocol allows
	ClassTooLarge          // more than the scanner reads
	ClassTLSAlert          // the other side ended the handshake with an alert
	ClassTLS               // the handshake failed on this side
	ClassBudget            // the budget of connections or time was used up
	ClassCancelled         // the scan was cancelled
	ClassBadInput          // what the user asked for cannot be scanned
)

var classes = texts{"unknown", "timeout", "refused", "reset", "closed", "unreachable", "no-family", "forbidden", "temporary", "permanent", "protocol", "too-large", "tls-alert", "tls", "budget", "cancelled", "bad-input"}

func (c Class) String() string               { return classes.text(uint8(c)) }
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
func (c *Class) UnmarshalText(b []byte) error {
	v, err := classes.parse("failure class", b)
	*c = Class(v)
	return err
}

// Availability says whether the scanner had something.
type Availability uint8

const (
	AvailabilityUnknown Availability = iota
	Available
	Missing
)

var availabilities = texts{"unknown", "available", "missing"}

func (a Availability) String() string               { return availabilities.text(uint8(a)) }
func (a Availability) MarshalText() ([]byte, error) { return []byte(a.String()), nil }
func (a *Availability) UnmarshalText(b []byte) error {
	v, err := availabilities.parse("availability", b)
	*a = Availability(v)
	return err
}

// Validation says who decided what is secure.
type Validation uint8

const (
	ValidationUnknown Validation = iota
	ValidationOwn                // the scanner, from its trust anchors
	ValidationAD                 // the resolver's AD bit was believed
	ValidationOff                // nobody
)

var validations = texts{"unknown", "own", "ad", "off"}

func (v Validation) String() string               { return validations.text(uint8(v)) }
func (v Validation) MarshalText() ([]byte, error) { return []byte(v.String()), nil }
func (v *Validation) UnmarshalText(b []byte) error {
	x, err := validations.parse("validation mode", b)
	*v = Validation(x)
	return err
}

// Reachable says whether an address answered at all.
type Reachable uint8

const (
	ReachableUnknown Reachable = iota // not found out: our own fault, or cancelled
	Reached
	NotReached
)

var reachables = texts{"unknown", "reached", "not-reached"}

func (r Reachable) String() string               { return reachables.text(uint8(r)) }
func (r Reachable) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
func (r *Reachable) UnmarshalText(b []byte) error {
	v, err := reachables.parse("reachability", b)
	*r = Reachable(v)
	return err
}

// StartTLS is what became of STARTTLS (RFC 3207) in a session.
type StartTLS uint8

const (
	StartTLSUnknown    StartTLS = iota // the session ended before it could be known
	StartTLSNotOffered                 // the EHLO reply was read whole and does not have it
	StartTLSRefused                    // offered, but the command was refused for good (5xx)
	StartTLSDeferred                   // offered, but the command was refused for now (4xx)
	StartTLSStarted                    // 220: the handshake began
)

var startTLSs = texts{"unknown", "not-offered", "refused", "deferred", "started"}

func (s StartTLS) String() string               { return startTLSs.text(uint8(s)) }
func (s StartTLS) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
func (s *StartTLS) UnmarshalText(b []byte) error {
	v, err := startTLSs.parse("STARTTLS state", b)
	*s = StartTLS(v)
	return err
}

// Trust says whether a chain leads to a trusted root at the time of the scan.
// The host name plays no part in it.
type Trust uint8

const (
	TrustUnknown Trust = iota // no roots were at hand, or the chain cannot be read
	Trusted
	Untrusted
)

var trusts = texts{"unknown", "trusted", "untrusted"}

func (t Trust) String() string               { return trusts.text(uint8(t)) }
func (t Trust) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
func (t *Trust) UnmarshalText(b []byte) error {
	v, err := trusts.parse("trust", b)
	*t = Trust(v)
	return err
}
