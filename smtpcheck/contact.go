package smtpcheck

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/tlshello"
)

// contact is one address of a host with what became of it: the code that the
// host would get if it had no other address.
type contact struct {
	addr    netip.Addr
	session *evidence.Session // nil if there is none
	code    *check.Code
}

// secured reports whether the address is known to speak TLS after STARTTLS.
func (c contact) secured() bool { return c.code == starttlsGood || c.code == starttlsNotCompleted }

// contacts judges each address of a host that is looked at. The second result
// is the place of the counted address.
func contacts(s *evidence.Snapshot, host string) ([]contact, int) {
	x := evidence.Once(s, contactsKey(host), func() shared[contact] { return newShared(judgeContacts(s, host)) })
	return x.list, x.at
}

type contactsKey string

// shared is a list that several checks read, with the place of the counted
// address. Nobody changes it or what it leads to.
type shared[T any] struct {
	list []T
	at   int
}

func newShared[T any](list []T, at int) shared[T] { return shared[T]{slices.Clip(list), at} }

func judgeContacts(s *evidence.Snapshot, host string) ([]contact, int) {
	addrs := targets(s, host)
	list := make([]contact, len(addrs))
	for i, a := range addrs {
		x := sessionWith(s, host, a)
		list[i] = contact{a, x, contactCode(x)}
	}
	return list, counted(addrs)
}

func contactCode(x *evidence.Session) *check.Code {
	switch {
	case x == nil:
		return starttlsNotFinished
	case x.Handshake != nil && x.Handshake.Complete:
		return starttlsGood
	}
	switch x.StartTLS {
	case evidence.StartTLSNotOffered:
		if stripped(x.Extensions) {
			return starttlsStripped
		}
		return starttlsNotOffered
	case evidence.StartTLSRefused:
		return starttlsRefused
	case evidence.StartTLSDeferred:
		return starttlsDeferred
	case evidence.StartTLSStarted:
		f := x.Failure
		if x.Handshake != nil && x.Handshake.Failure != nil {
			f = x.Handshake.Failure
		}
		if code := offeredCode(x); code != nil {
			return code
		}
		return handshakeCode(f)
	case evidence.StartTLSUnknown:
		return failureCode(x)
	default:
		panic("smtpcheck: STARTTLS state " + x.StartTLS.String())
	}
}

// offeredCode answers for a server with which the scan completed no handshake,
// but which agreed to one when the plan asked; nil where it did not, or where it
// is not known whether Internet.nl would complete one.
//
// Internet.nl's libraries speak SSL 3.0, RC4 and the like. Suites of the export
// rules and others with keys below 112 bits are no TLS that anybody should use.
// Anonymous suites, of a server without a certificate, some senders do use.
func offeredCode(x *evidence.Session) *check.Code {
	if x.TLS == nil || x.Handshake == nil {
		return nil
	}
	g := graded{tls: x.TLS, asked: true}
	seen, open, weak, other := false, false, false, false
	for _, v := range versionNames {
		for _, x := range g.tls.Version(v).Suites {
			suite, ok := tlshello.ParseSuite(x.Name)
			t := suite.Traits()
			if bad := ok && (t.Export || t.Bits < 112); bad {
				weak = true
			} else {
				other = true
			}
		}
		switch g.sees(v) {
		case evidence.Accepted:
			seen = true
		case evidence.Refused:
		default:
			open = true
		}
	}
	switch {
	case seen:
		return starttlsNotCompleted
	case weak && !other && !open:
		return starttlsUseless
	}
	return nil
}

// spoken is what TLS a server agreed to: versions, with their suites.
func spoken(x *evidence.Session) string {
	g := graded{tls: x.TLS}
	var list []string
	for _, version := range g.accepted() {
		var suites []string
		for _, s := range g.tls.Version(version).Suites {
			suites = append(suites, s.Name)
		}
		const most = 3
		if n := len(suites); n > most {
			suites = append(suites[:most], "and "+strconv.Itoa(n-most)+" more")
		}
		if len(suites) > 0 {
			version += " with " + strings.Join(suites, ", ")
		}
		list = append(list, version)
	}
	return strings.Join(list, "; ")
}

// chainOf is the id of the chain that a server showed: in the handshake of the
// session, or else in a flight of the plan.
func chainOf(x *evidence.Session) string {
	if x.Handshake.Chain != "" || x.TLS == nil {
		return x.Handshake.Chain
	}
	for _, c := range x.TLS.Certificates {
		if c.Chain != "" {
			return c.Chain
		}
	}
	return ""
}

func handshakeCode(f *evidence.Failure) *check.Code {
	if f == nil {
		return starttlsNotFinished
	}
	switch f.Class {
	case evidence.ClassProtocol, evidence.ClassTooLarge:
		return starttlsHandshakeFailed
	case evidence.ClassTLS, evidence.ClassTLSAlert:
		// An alert says that this client's offer does not suit the server. It
		// lacks what crypto/tls cannot do, finite-field DHE above all, so
		// nothing follows for other clients.
		return starttlsHandshakeUnknown
	case evidence.ClassTimeout:
		return starttlsSilent
	case evidence.ClassReset, evidence.ClassClosed:
		return starttlsBrokenOff
	}
	return starttlsNotFinished
}

// failureCode is for sessions that ended before STARTTLS.
func failureCode(x *evidence.Session) *check.Code {
	f := x.Failure
	if f == nil {
		return starttlsNotFinished
	}
	switch f.Class {
	case evidence.ClassForbidden:
		return starttlsForbidden
	case evidence.ClassNoFamily:
		return starttlsNoFamily
	case evidence.ClassTemporary:
		return starttlsDeferred
	case evidence.ClassPermanent:
		return rejectionCode(x)
	case evidence.ClassRefused:
		return starttlsConnectionRefused
	case evidence.ClassUnreachable:
		return starttlsNoAnswer
	case evidence.ClassTimeout:
		if f.Op == evidence.OpDial {
			return starttlsNoAnswer
		}
		return starttlsSilent
	case evidence.ClassReset, evidence.ClassClosed:
		return starttlsBrokenOff
	case evidence.ClassProtocol, evidence.ClassTooLarge:
		if f.Op == evidence.OpHello && f.Class == evidence.ClassProtocol {
			return starttlsRefusesUs // it greeted as SMTP does: a tarpit, rather
		}
		return starttlsNotSMTP
	}
	return starttlsNotFinished
}

// rejectionCode tells a server that takes no mail at all (554, RFC 5321,
// Section 3.1; 521, RFC 7504) from one that does not like this client. An
// enhanced status code of subject 7 (RFC 3463, Section 3.8: security or policy)
// is about the client.
func rejectionCode(x *evidence.Session) *check.Code {
	r := x.Greeting
	if x.Failure.Op != evidence.OpBanner || r == nil || r.Code != 554 && r.Code != 521 {
		return starttlsRefusesUs
	}
	for _, line := range r.Lines {
		if strings.HasPrefix(strings.TrimSpace(line), "5.7.") {
			return starttlsRefusesUs
		}
	}
	return starttlsNoService
}

// stripped reports whether an extension's keyword looks like STARTTLS written
// over by something on the path: a run of one letter, perhaps with another
// behind it ("XXXXXXXA").
func stripped(extensions []string) bool {
	for _, e := range extensions {
		keyword, _, _ := strings.Cut(e, " ")
		if len(keyword) == len("STARTTLS") && strings.Count(keyword, "X") >= len(keyword)-1 {
			return true
		}
	}
	return false
}

// dead reports whether nothing at all came back from an address.
func (c contact) dead() bool { return c.code == starttlsNoAnswer }

// nothingAnswers reports whether no address of any MX host answered. Then the
// cause may be here: many networks do not let out connections to port 25.
func nothingAnswers(s *evidence.Snapshot) bool {
	any := false
	for _, host := range s.Mail().Hosts {
		list, _ := contacts(s, host)
		for _, c := range list {
			if !c.dead() && c.code != starttlsNoFamily {
				return false
			}
			any = any || c.dead()
		}
	}
	return any
}

// lastReply is the last reply of the session that was read, in one line.
func lastReply(x *evidence.Session) string {
	for _, r := range []*evidence.Reply{x.StartReply, x.Hello, x.Greeting} {
		if r == nil {
			continue
		}
		text := strconv.Itoa(r.Code)
		if len(r.Lines) > 0 {
			text += " " + r.Lines[0]
		}
		return bound(text)
	}
	return ""
}

// bound cuts text of the network to the length of a line.
func bound(s string) string {
	const most = 160
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// join writes a bounded list.
func join(list []string) string {
	const most = 10
	if n := len(list); n > most {
		return strings.Join(list[:most], ", ") + ", and " + strconv.Itoa(n-most) + " more"
	}
	return strings.Join(list, ", ")
}
