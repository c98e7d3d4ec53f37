// Package probe looks at one address of a mail server: one SMTP dialogue as
// far as TLS takes it, written down as evidence.
//
// A mail server is spoken to as a polite client does (RFC 5321, Sections 3.1
// and 3.2; RFC 3207): wait for the greeting, EHLO, STARTTLS, the handshake,
// EHLO again, QUIT. What the server, or the network on the way, does wrong is
// part of the evidence: a [evidence.Failure] with the operation and the class
// kept apart. A reply of 4xx, a time-out or a reset is tried again, with a
// growing pause, before it is reported; and then it says that something is
// unknown, never that it is absent.
//
// Manners, in the whole run of a [Prober]:
//
//   - An address is probed once for each MX name it has, however many domains
//     share that name; callers that ask at the same moment share one probe.
//   - What came out before the handshake cannot depend on the name, because the
//     name is first told in the ClientHello. So an address that is dead,
//     defers us or has no STARTTLS is asked under one name only.
//   - One connection at a time to an address, also under different names, and
//     at most so many a minute to it and to all addresses of its provider. One
//     that says 421 is left in peace for a while, and its provider with it.
//   - Every session that can still speak ends with QUIT.
package probe

import (
	"container/list"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"mailvet/report/evidence"
)

// Defaults of a [Prober].
const (
	DefaultTimeout        = 30 * time.Second
	DefaultConnectTimeout = 10 * time.Second
	DefaultRetries        = 2
	DefaultBackoff        = 5 * time.Second
	DefaultMaxConnections = 40
	DefaultMaxOpen        = 64
	DefaultHostRate       = 60
	DefaultProviderRate   = 600
	DefaultRemember       = 2048 // a probe takes some 20 kB
)

// Prober probes addresses and remembers what it found for one run. The zero
// value works. It is safe for concurrent use; its fields must not be changed
// once it is in use, and it must not be copied.
type Prober struct {
	// Dial opens connections; nil means a net.Dialer. It is called with "tcp"
	// and an address literal with port, and must obey its context, which is for opening only:
	// it is done once Dial has returned.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Port int // 0 means 25
	// Helo is the name in EHLO; empty means the literal of the connection's
	// own address (RFC 5321, Section 4.1.3).
	Helo string
	// Roots are what chains are verified against. Nil means the system's; if
	// these cannot be had, or are none at all, the trust of every chain is
	// unknown.
	Roots *x509.CertPool
	// AllowPrivate lets addresses of special purpose be connected to, see
	// [SpecialPurpose].
	AllowPrivate bool

	// Timeout bounds each reply, from the command to the last octet of its
	// last line, and the handshake. ConnectTimeout bounds the opening of the
	// connection; zero means Timeout, but at most DefaultConnectTimeout.
	// SessionTimeout bounds one attempt as a whole; zero means three Timeouts.
	Timeout, ConnectTimeout, SessionTimeout time.Duration
	// HandshakeOnly leaves out the plan of further handshakes by which the TLS of
	// a server is graded: then Session.TLS is nil.
	HandshakeOnly bool
	// TestInjection tries on one more connection whether the server obeys a
	// command that came in the clear behind STARTTLS, see [evidence.Injection]. It
	// breaks the order of RFC 3207 and RFC 2920 on purpose, so that it is for
	// those who want it: servers may log it, or drop the connection.
	TestInjection bool
	// Retries is how often a temporary fault is tried again: 0 means the
	// default, negative never. Backoff is the pause before the first retry; it
	// doubles with each further one.
	Retries int
	Backoff time.Duration
	// Interval is the least pause between two connections to one address.
	Interval time.Duration
	// MaxConnections bounds the connections to an address under one name, those
	// of the plan of handshakes included, and those that were cut short by callers
	// whose time was up. MaxOpen bounds those open at once to all addresses.
	MaxConnections, MaxOpen int
	// HostRate bounds the connections a minute to one address, ProviderRate
	// those to all addresses of the hosts of one organisational domain, by the
	// public suffix list. After a quiet time as many may come at once. Zero
	// means the defaults, negative no bound.
	HostRate, ProviderRate int
	// Remember is how many results are kept in memory, and of how many addresses
	// what holds for all their names. What was not used for longest goes to
	// Store; where that is nil it is dropped, and would be probed again.
	Remember int
	Store    Store
	// Now is the clock of what is written down, and of the validity of
	// certificates; nil means time.Now. Waiting is always real.
	Now func() time.Time

	once    sync.Once
	invalid error
	began   time.Time
	gate    chan struct{} // holds one for each open connection
	running sync.WaitGroup

	mu      sync.Mutex
	probes  map[key]*probing
	recent  list.List // of *probing that are done, least recently used first
	address map[netip.Addr]*address
	idle    list.List // of *address that nobody uses, least recently used first
	paces   map[string]*pace
	pruned  int // how many of these there were after the last clearing
	// forgotten: what failed for now before is not to be believed any more.
	forgotten time.Time
}

// Result is what is known of one address under one name. It may be shared
// with other callers: it must not be changed.
type Result struct {
	Session      evidence.Session
	Chains       []evidence.Chain
	Certificates []evidence.Certificate
	// Opened is the number of connections to be put to this call's account:
	// all that were opened, for the call that caused the probe, and none for
	// those who share it. Over all calls the sum is the number opened.
	Opened int
}

type key struct {
	host string
	addr netip.Addr
}

// Probe returns what is known of the address of an MX host, and finds it out
// if need be. The error says that ctx is done or the Prober wrongly
// configured; everything else is evidence. With an error of the first kind
// the Result is still a true one: it says what was found so far, or just that
// the probe was cut short, with class cancelled or, at a deadline, budget. A
// caller that leaves does not disturb others that wait for the same result.
func (p *Prober) Probe(ctx context.Context, host string, addr netip.Addr) (Result, error) {
	p.once.Do(p.setup)
	k := key{evidence.Name(host), addr}
	switch {
	case p.invalid != nil:
		return Result{}, p.invalid
	case !addr.IsValid() || k.host == "" || k.host == ".":
		return Result{}, fmt.Errorf("probe: no host or no address: %q, %v", host, addr)
	}
	if name, special := SpecialPurpose(addr); special && !p.AllowPrivate {
		return p.unasked(k, evidence.ClassForbidden, "not connected to: "+name), nil
	}
	if ctx.Err() != nil {
		return p.left(ctx, k)
	}
	q, owner := p.join(ctx, k)
	select {
	case <-q.done:
	case <-ctx.Done():
	}
	return p.leave(ctx, q, owner)
}

// Wait returns when no connection is open any more: the reply to the last
// QUIT may be outstanding when its Probe has long returned. It must not run
// beside Probe.
func (p *Prober) Wait() { p.running.Wait() }

func (p *Prober) setup() {
	defaulted := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	defaulted(&p.Timeout, DefaultTimeout)
	defaulted(&p.ConnectTimeout, min(p.Timeout, DefaultConnectTimeout))
	defaulted(&p.SessionTimeout, 3*p.Timeout)
	defaulted(&p.Backoff, DefaultBackoff)
	numbered := func(n *int, def int) {
		if *n == 0 {
			*n = def
		}
	}
	numbered(&p.Port, 25)
	numbered(&p.Retries, DefaultRetries)
	numbered(&p.MaxConnections, DefaultMaxConnections)
	numbered(&p.MaxOpen, DefaultMaxOpen)
	numbered(&p.HostRate, DefaultHostRate)
	numbered(&p.ProviderRate, DefaultProviderRate)
	numbered(&p.Remember, DefaultRemember)
	if p.Dial == nil {
		p.Dial = new(net.Dialer).DialContext
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	switch {
	case p.Port < 1 || p.Port > 65535:
		p.invalid = fmt.Errorf("probe: port %d is outside 1 to 65535", p.Port)
	case min(p.Timeout, p.ConnectTimeout, p.SessionTimeout, p.Backoff) < 0 || p.Interval < 0:
		p.invalid = errors.New("probe: a time is negative")
	case p.MaxConnections < 0 || p.MaxOpen < 0 || p.Remember < 0:
		p.invalid = errors.New("probe: a limit is negative")
	case len(p.Helo) > 255 || strings.ContainsFunc(p.Helo, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		p.invalid = fmt.Errorf("probe: %q cannot be the name in EHLO", p.Helo)
	}
	if p.invalid != nil {
		return
	}
	if p.Roots == nil {
		p.Roots = systemRoots()
	}
	p.began = time.Now()
	p.gate = make(chan struct{}, p.MaxOpen)
	p.probes = map[key]*probing{}
	p.address = map[netip.Addr]*address{}
	p.paces = map[string]*pace{}
}

// systemRoots is nil where there are none: then nothing can be said about trust.
func systemRoots() *x509.CertPool {
	roots, err := x509.SystemCertPool()
	if err != nil || roots.Equal(x509.NewCertPool()) {
		return nil
	}
	return roots
}

// left is the answer to a caller that could not wait.
func (p *Prober) left(ctx context.Context, k key) (Result, error) {
	class, text := evidence.ClassCancelled, "the scan was cancelled"
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		class, text = evidence.ClassBudget, "the time for this domain was used up"
	}
	return p.unasked(k, class, text), fmt.Errorf("probe: %s [%s]: %w", k.host, k.addr, context.Cause(ctx))
}

// unasked is the session of an address that was not connected to.
func (p *Prober) unasked(k key, class evidence.Class, text string) Result {
	return Result{Session: evidence.Session{
		Host: k.host, Addr: k.addr.String(), Port: p.Port, Time: p.Now(),
		Failure: &evidence.Failure{Op: evidence.OpConfig, Class: class, Text: text},
	}}
}
