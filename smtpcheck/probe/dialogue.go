package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"mailvet/report/evidence"
)

const (
	// quitWait is how long the reply to QUIT is waited for, after the result
	// has been handed over.
	quitWait = 2 * time.Second
	// maxSession bounds what is read from one connection.
	maxSession = 1 << 20
)

// attempt is one connection to an address.
type attempt struct {
	p *Prober
	key
	small  bool    // offer less in the ClientHello
	asking *asking // nil for the plain session
	gated  bool    // holds a place in Prober.gate
	result Result

	began     time.Time // monotonic, for times in the transcript
	limit     time.Time // when the attempt as a whole ends
	exhausted bool      // it ended then
	raw       net.Conn  // as dialled
	conn      net.Conn  // what is spoken over: raw with a limit, or TLS over it
	r         *bufio.Reader
	alive     bool // the other side may still hear a QUIT
	mute      bool // but no sensible reply is to be expected
	tickets   *ticketNote
	clear     *clearConn // under the plain session's handshake
	log       keyLog     // its secrets
	ders      [][]byte   // and certificates
	release   func() bool
}

// run connects and talks until there is nothing more to say. If conn is set
// afterwards the connection is open, and close must be called.
func (t *attempt) run(ctx context.Context, opened func()) {
	t.began = time.Now()
	t.limit = t.began.Add(t.p.SessionTimeout)
	s := &t.result.Session
	if s.Failure = t.dial(ctx); s.Failure != nil {
		s.Reach = reachOf(s.Failure)
		return
	}
	opened()
	s.Reach = evidence.Reached
	t.alive = true
	t.release = context.AfterFunc(ctx, func() { t.raw.Close() })
	if s.Failure = t.talk(ctx); t.alive {
		_ = t.raw.SetDeadline(time.Now().Add(quitWait))
		_ = t.send("QUIT")
	}
}

func (t *attempt) dial(ctx context.Context) *evidence.Failure {
	dialling, cancel := context.WithTimeout(ctx, min(t.p.ConnectTimeout, t.p.SessionTimeout))
	defer cancel()
	address := netip.AddrPortFrom(t.addr, uint16(t.p.Port)).String()
	conn, err := t.p.Dial(dialling, "tcp", address)
	if err != nil {
		return t.failure(ctx, evidence.OpDial, err)
	}
	t.raw = conn
	t.use(&limitedConn{Conn: conn, left: maxSession})
	return nil
}

func (t *attempt) use(c net.Conn) {
	t.conn, t.r = c, bufio.NewReaderSize(c, maxLine)
}

// talk is the dialogue from the greeting to the second EHLO.
func (t *attempt) talk(ctx context.Context) *evidence.Failure {
	s := &t.result.Session
	var f *evidence.Failure
	if s.Greeting, f = t.await(ctx, evidence.OpBanner); f != nil {
		return f
	}
	if s.Greeting.Code != 220 {
		return refusal(evidence.OpBanner, s.Greeting)
	}
	if f = t.hello(ctx); f != nil {
		return f
	}
	if !offers(s.Extensions, "STARTTLS") {
		s.StartTLS = evidence.StartTLSNotOffered
		return nil
	}
	if t.asking != nil && t.asking.trial != nil {
		return t.inject(ctx, t.asking.trial)
	}
	if f = t.startTLS(ctx); f != nil {
		return f
	}
	if t.asking != nil {
		return t.question(ctx)
	}
	if f = t.handshake(ctx); f != nil {
		return f
	}
	// RFC 3207, Section 4.2: what was said before is forgotten.
	s.HelloTLS, f = t.ask(ctx, evidence.OpHelloTLS, "EHLO "+t.helo())
	switch {
	case f != nil:
		return f
	case s.HelloTLS.Code/100 != 2:
		return refusal(evidence.OpHelloTLS, s.HelloTLS)
	}
	s.ExtensionsTLS = extensions(s.HelloTLS)
	return nil
}

// hello says EHLO, and HELO where that is refused for good (RFC 5321, Section
// 3.2: older servers that do not know it answer 500).
func (t *attempt) hello(ctx context.Context) *evidence.Failure {
	s := &t.result.Session
	for _, verb := range []string{"EHLO", "HELO"} {
		var f *evidence.Failure
		s.Verb = verb
		if s.Hello, f = t.ask(ctx, evidence.OpHello, verb+" "+t.helo()); f != nil {
			return f
		}
		if s.Hello.Code/100 != 5 {
			break
		}
	}
	switch {
	case s.Hello.Code != 250:
		// A 220 here is a second greeting: the dialogue is out of step, and
		// nothing follows about STARTTLS.
		return refusal(evidence.OpHello, s.Hello)
	case s.Verb == "EHLO":
		s.Extensions = extensions(s.Hello)
	}
	return nil
}

func (t *attempt) startTLS(ctx context.Context) *evidence.Failure {
	s := &t.result.Session
	var f *evidence.Failure
	if s.StartReply, f = t.ask(ctx, evidence.OpSTARTTLS, "STARTTLS"); f != nil {
		return f
	}
	if s.StartReply.Code == 503 {
		// Beyond RFC 3207: some servers want a HELO first, EHLO or not.
		if _, f = t.ask(ctx, evidence.OpHello, "HELO "+t.helo()); f != nil {
			return f
		}
		if s.StartReply, f = t.ask(ctx, evidence.OpSTARTTLS, "STARTTLS"); f != nil {
			return f
		}
	}
	switch code := s.StartReply.Code; {
	case code == 220:
		s.StartTLS = evidence.StartTLSStarted
		return nil
	case code/100 == 4:
		s.StartTLS = evidence.StartTLSDeferred
	case code/100 == 5:
		s.StartTLS = evidence.StartTLSRefused
	}
	return refusal(evidence.OpSTARTTLS, s.StartReply)
}

// helo is the scanner's name for EHLO.
func (t *attempt) helo() string {
	if t.p.Helo != "" {
		return t.p.Helo
	}
	local, err := netip.ParseAddrPort(t.raw.LocalAddr().String())
	switch addr := local.Addr().Unmap().WithZone(""); {
	case err != nil:
		return "[127.0.0.1]"
	case addr.Is6():
		return "[IPv6:" + addr.String() + "]"
	default:
		return "[" + addr.String() + "]"
	}
}

// sni is the name for the extension server_name. Literal addresses are not
// sent (RFC 6066, Section 3).
func (t *attempt) sni() string {
	if _, err := netip.ParseAddr(t.host); err != nil {
		return t.host
	}
	return ""
}

// ask sends a command and reads the reply.
func (t *attempt) ask(ctx context.Context, op evidence.Op, command string) (*evidence.Reply, *evidence.Failure) {
	t.deadline(t.p.Timeout)
	if err := t.send(command); err != nil {
		// The server may have said why before it closed.
		if reply, rerr := readReply(t.r, t.received); rerr == nil && reply.Code/100 >= 4 {
			t.alive = false
			return reply, nil
		}
		return nil, t.failure(ctx, op, err)
	}
	return t.await(ctx, op)
}

// await reads a reply, which has to be there whole in time.
func (t *attempt) await(ctx context.Context, op evidence.Op) (*evidence.Reply, *evidence.Failure) {
	t.deadline(t.p.Timeout)
	reply, err := readReply(t.r, t.received)
	if err != nil {
		return nil, t.failure(ctx, op, err)
	}
	return reply, nil
}

func (t *attempt) send(command string) error {
	t.result.Session.Transcript = append(t.result.Session.Transcript, evidence.Line{Sent: true, At: t.elapsed(), Text: command})
	_, err := t.conn.Write([]byte(command + "\r\n"))
	return err
}

func (t *attempt) received(line string) {
	t.result.Session.Transcript = append(t.result.Session.Transcript, evidence.Line{At: t.elapsed(), Text: line})
}

func (t *attempt) elapsed() int64 { return time.Since(t.began).Milliseconds() }

// deadline gives the next operation d, and the attempt as a whole its limit.
func (t *attempt) deadline(d time.Duration) {
	at := time.Now().Add(d)
	if at.After(t.limit) {
		at = t.limit
	}
	_ = t.raw.SetDeadline(at)
}

// close waits a moment for the reply to QUIT, so that the server does not find
// the connection gone, and closes.
func (t *attempt) close() {
	if t.tickets != nil {
		t.tickets.h = nil // the result is no longer ours to change
	}
	if t.alive && !t.mute {
		_ = t.raw.SetDeadline(time.Now().Add(quitWait))
		_, _ = readReply(t.r, func(string) {})
	}
	if c, ok := t.conn.(*tls.Conn); ok && t.alive {
		_ = c.CloseWrite() // close_notify
	}
	t.release()
	_ = t.raw.Close()
}

// refusal is the failure that an unwanted reply is.
func refusal(op evidence.Op, r *evidence.Reply) *evidence.Failure {
	f := &evidence.Failure{Op: op, Class: evidence.ClassProtocol, Text: strconv.Itoa(r.Code) + " " + r.Lines[len(r.Lines)-1]}
	switch r.Code / 100 {
	case 4:
		f.Class = evidence.ClassTemporary
	case 5:
		f.Class = evidence.ClassPermanent
	}
	return f
}

// limitedConn ends after so many octets read.
type limitedConn struct {
	net.Conn
	left int
}

func (c *limitedConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, fmt.Errorf("over %d octets in one connection: %w", maxSession, errTooLarge)
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}
