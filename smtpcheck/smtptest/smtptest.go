// Package smtptest provides mail servers for tests, in the shape of
// net/http/httptest: small, real, and as badly behaved as a script says. With
// them comes a certificate authority whose keys and certificates are the same
// octets on every run.
//
// A [Server] speaks the part of SMTP that comes before any mail (RFC 5321,
// Sections 3.1 and 3.2; RFC 3207): greeting, EHLO, STARTTLS, EHLO, QUIT. It
// serves any net.Conn, such as one end of a [Pipe], also on the fake clock of
// testing/synctest; [Server.Listen] serves TCP on the loopback interface.
package smtptest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"strings"
	"sync"
	"time"
)

// Step is a moment of the dialogue at which a script can interfere: the
// greeting, a command in the clear ("EHLO"), the TLS handshake, or a command
// after it ("TLS EHLO").
type Step string

// Steps of a good dialogue, in order. At Handshake the script acts when the
// client's first flight has begun to arrive; Delay, Inject, Silent, Close and
// Reset apply, in this order.
const (
	Banner    Step = "banner"
	EHLO      Step = "EHLO"
	HELO      Step = "HELO"
	STARTTLS  Step = "STARTTLS"
	Handshake Step = "handshake"
	EHLOTLS   Step = "TLS EHLO"
	QUIT      Step = "QUIT"
	QUITTLS   Step = "TLS QUIT"
)

// Reply is what the server does at a step. The zero Reply is the good one.
type Reply struct {
	// Text is the reply, its lines separated by "\n"; each is sent with CRLF
	// behind it. Empty: the good reply. At STARTTLS the handshake begins only
	// if Text is empty or begins with "220".
	Text   string
	Delay  time.Duration // before the first octet
	Drip   time.Duration // before every further octet: a tarpit
	Silent bool          // say nothing, and wait for the client to leave
	// Endless is sent over and over in place of a reply, as it is, until the
	// client leaves.
	Endless string
	// Inject is sent as it is right behind the reply, in the same segment.
	Inject string
	// First limits the reply to the first so many times that any client comes
	// to the step; afterwards the server is good. 0: always.
	First int
	Close bool // close after the reply; with Silent, in place of it
	Reset bool // like Close, with a reset
}

// Leftover is what a server does with octets in the clear that it holds when
// TLS begins.
type Leftover uint8

const (
	LeftoverToTLS    Leftover = iota // takes them for the beginning of the handshake
	LeftoverDropped                  // throws them away (RFC 3207, Section 4.2)
	LeftoverObeyed                   // obeys them after the handshake: CVE-2011-0411
	LeftoverRefused                  // refuses STARTTLS because of them, and closes
	LeftoverAnswered                 // goes on in the clear until all are answered
)

// Server is a scripted mail server. Its fields must not be changed once it
// serves. The zero value is a good server without STARTTLS.
type Server struct {
	Name string // in greeting and EHLO reply; default "mx.example.test"
	// TLS, if not nil, makes the server offer STARTTLS.
	TLS *tls.Config
	// Model, if not nil, decides what TLS is spoken, beyond what crypto/tls can.
	// It needs TLS with a certificate.
	Model *Model
	// Flood, if not nil, is sent at the handshake, and nothing else.
	Flood *Flood
	// Leftover is what it does with commands that came behind STARTTLS.
	Leftover Leftover
	// Extensions are the lines of the EHLO reply beside STARTTLS, which comes
	// last; nil means PIPELINING, SIZE and 8BITMIME.
	Extensions []string
	Script     map[Step]Reply
	// Defer answers the first so many connections with 421; all if negative.
	Defer int
	// PerMinute and MaxOpen, if positive, answer connections beyond so many
	// within a minute, or at once, with 421.
	PerMinute, MaxOpen int
	Now                func() time.Time // the clock of PerMinute; nil: time.Now

	mu     sync.Mutex
	counts Counts
	open   int
	recent []time.Time
	steps  map[Step]int // with Reply.First: how often reached
}

// Counts says what a server saw.
type Counts struct {
	Connections int            // accepted in all
	MaxOpen     int            // open at once
	Deferred    int            // answered with 421 by a limit
	Early       int            // clients that spoke before a delayed greeting
	Handshakes  int            // completed
	Commands    map[string]int // by upper-case verb, in the clear and after the handshake
}

// Counts returns the counters so far.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.Commands = maps.Clone(c.Commands)
	return c
}

// Serve serves one connection and closes it. It returns when the dialogue is
// over or ctx is done.
func (s *Server) Serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	deferred := s.begin()
	defer s.end()
	d := &dialogue{s: s, ctx: ctx, raw: conn}
	d.use(conn)
	if deferred {
		d.write("421 " + s.name() + " Too many connections, come back later\r\n")
		return
	}
	d.serve()
}

func (s *Server) begin() (deferred bool) {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	t := now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Connections++
	s.open++
	s.counts.MaxOpen = max(s.counts.MaxOpen, s.open)
	for len(s.recent) > 0 && t.Sub(s.recent[0]) >= time.Minute {
		s.recent = s.recent[1:]
	}
	switch {
	case s.Defer < 0 || s.counts.Connections <= s.Defer,
		s.MaxOpen > 0 && s.open > s.MaxOpen,
		s.PerMinute > 0 && len(s.recent) >= s.PerMinute:
		s.counts.Deferred++
		return true
	}
	if s.PerMinute > 0 {
		s.recent = append(s.recent, t)
	}
	return false
}

func (s *Server) end() {
	s.mu.Lock()
	s.open--
	s.mu.Unlock()
}

func (s *Server) count(change func(*Counts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.counts)
}

// script is the reply for this time at a step.
func (s *Server) script(step Step) Reply {
	r := s.Script[step]
	if r.First > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.steps == nil {
			s.steps = map[Step]int{}
		}
		if s.steps[step]++; s.steps[step] > r.First {
			return Reply{}
		}
	}
	return r
}

func (s *Server) name() string {
	if s.Name == "" {
		return "mx.example.test"
	}
	return s.Name
}

// good is the reply of a well-behaved server.
func (s *Server) good(step Step, inTLS bool) string {
	switch step {
	case Banner:
		return "220 " + s.name() + " ESMTP"
	case EHLO, EHLOTLS:
		lines := append([]string{s.name()}, s.Extensions...)
		if s.Extensions == nil {
			lines = append(lines, "PIPELINING", "SIZE 10240000", "8BITMIME")
		}
		if s.TLS != nil && !inTLS {
			lines = append(lines, "STARTTLS")
		}
		last := len(lines) - 1
		var b strings.Builder
		for _, line := range lines[:last] {
			b.WriteString("250-" + line + "\n")
		}
		return b.String() + "250 " + lines[last]
	case HELO, "TLS HELO":
		return "250 " + s.name()
	case STARTTLS:
		if s.TLS != nil {
			return "220 2.0.0 Ready to start TLS"
		}
	case "NOOP", "TLS NOOP":
		return "250 2.0.0 Ok"
	case QUIT, QUITTLS:
		return "221 2.0.0 Bye"
	}
	return "502 5.5.2 Command not recognised"
}

// dialogue is one connection being served.
type dialogue struct {
	s     *Server
	ctx   context.Context
	raw   net.Conn
	conn  net.Conn // raw, or the TLS connection over it
	r     *bufio.Reader
	inTLS bool
}

func (d *dialogue) use(c net.Conn) {
	d.conn, d.r = c, bufio.NewReader(c)
}

func (d *dialogue) serve() {
	if !d.banner() {
		return
	}
	for {
		line, err := d.r.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		verb = strings.ToUpper(verb)
		d.s.count(func(c *Counts) {
			if c.Commands == nil {
				c.Commands = map[string]int{}
			}
			c.Commands[verb]++
		})
		step := Step(verb)
		if d.inTLS {
			step = "TLS " + step
		}
		if step == STARTTLS && d.r.Buffered() > 0 && d.s.Leftover == LeftoverRefused {
			d.write("554 5.5.0 Commands behind STARTTLS\r\n")
			return
		}
		text, ok := d.reply(step, d.s.script(step))
		switch {
		case !ok:
			return
		case step == STARTTLS && strings.HasPrefix(text, "220"):
			if !d.handshake() {
				return
			}
		case step == QUIT || step == QUITTLS:
			return
		}
	}
}

// banner greets. While a delayed greeting is due, a client that speaks is an
// early talker (RFC 5321, Section 4.3.1: the sender should wait).
func (d *dialogue) banner() bool {
	r := d.s.script(Banner)
	if delay := r.Delay; delay > 0 {
		_ = d.raw.SetReadDeadline(time.Now().Add(delay))
		_, err := d.r.Peek(1)
		if err == nil {
			d.s.count(func(c *Counts) { c.Early++ })
			d.write("554 " + d.s.name() + " You talk too soon\r\n")
			return false
		}
		if ne := net.Error(nil); !errors.As(err, &ne) || !ne.Timeout() {
			return false
		}
		_ = d.raw.SetReadDeadline(time.Time{})
		d.use(d.raw) // the reader remembers the time-out
	}
	r.Delay = 0
	_, ok := d.reply(Banner, r)
	return ok
}

// reply answers at a step. It returns the text sent, and false if the
// connection is over.
func (d *dialogue) reply(step Step, r Reply) (string, bool) {
	text := r.Text
	if text == "" {
		text = d.s.good(step, d.inTLS)
	}
	if !d.sleep(r.Delay) {
		return "", false
	}
	if r.Endless != "" {
		for d.write(r.Endless) {
			continue
		}
		return "", false
	}
	if r.Silent && !d.hush(r) {
		return "", false
	}
	if !r.Silent && !d.drip(strings.ReplaceAll(text, "\n", "\r\n")+"\r\n"+r.Inject, r.Drip) {
		return "", false
	}
	return text, !d.leave(r)
}

// hush waits for the client to leave, unless the script leaves first.
func (d *dialogue) hush(r Reply) bool {
	if r.Close || r.Reset {
		return true
	}
	var b [512]byte
	for {
		if _, err := d.conn.Read(b[:]); err != nil {
			return false
		}
	}
}

// leave reports whether the script ends the connection here.
func (d *dialogue) leave(r Reply) bool {
	if r.Reset {
		switch c := d.raw.(type) {
		case interface{ Reset() }:
			c.Reset()
		case *net.TCPConn:
			_ = c.SetLinger(0)
		}
	}
	return r.Close || r.Reset
}

func (d *dialogue) handshake() bool {
	var held []byte
	switch d.s.Leftover {
	case LeftoverObeyed:
		held = d.buffered()
		fallthrough
	case LeftoverDropped:
		_, _ = d.r.Discard(d.r.Buffered())
	case LeftoverAnswered:
		for range bytes.Count(d.buffered(), []byte("\n")) {
			d.write("250 2.0.0 Ok\r\n")
		}
		_, _ = d.r.Discard(d.r.Buffered())
	}
	r := d.s.script(Handshake)
	if r != (Reply{}) {
		if _, err := d.r.Peek(1); err != nil || !d.sleep(r.Delay) || !d.write(r.Inject) {
			return false
		}
	}
	if r.Silent && !d.hush(r) || d.leave(r) {
		return false
	}
	conf := d.s.TLS
	if d.s.Flood != nil {
		if _, err := d.r.Peek(1); err == nil {
			d.flood(d.s.Flood)
		}
		return false
	}
	if d.s.Model != nil {
		if conf = d.model(d.s.Model); conf == nil {
			return false
		}
	}
	c := tls.Server(bufferedConn{d.raw, d.r}, conf)
	if err := c.HandshakeContext(d.ctx); err != nil {
		return false
	}
	d.s.count(func(c *Counts) { c.Handshakes++ })
	d.inTLS = true
	d.use(c)
	d.r.Reset(io.MultiReader(bytes.NewReader(held), c))
	return true
}

func (d *dialogue) write(text string) bool {
	_, err := d.conn.Write([]byte(text))
	return err == nil
}

func (d *dialogue) drip(text string, pause time.Duration) bool {
	if pause <= 0 {
		return d.write(text)
	}
	for i := range len(text) {
		if i > 0 && !d.sleep(pause) || !d.write(text[i:i+1]) {
			return false
		}
	}
	return true
}

func (d *dialogue) sleep(pause time.Duration) bool {
	if pause <= 0 {
		return d.ctx.Err() == nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-d.ctx.Done():
		return false
	}
}

// bufferedConn reads what the reader has buffered before the connection.
type bufferedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c bufferedConn) Read(b []byte) (int, error) { return c.r.Read(b) }

// Dial connects to the server in memory, whatever the address.
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := Pipe()
	go s.Serve(context.WithoutCancel(ctx), server)
	return client, nil
}
