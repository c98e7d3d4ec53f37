// Package resolver asks questions of recursive resolvers, and records what
// came of them. It is a stub resolver (RFC 1034, Section 5.3.1): it follows no
// delegations, it sends each question to a server that does, over UDP with
// EDNS (RFC 6891), over TCP where the answer was truncated (RFC 7766), or over
// TLS (RFC 7858) or HTTPS (RFC 8484). Unlike most stubs it believes nothing about DNSSEC: it asks
// for unchecked data first (CD, RFC 4035, Section 3.2.2) and validates by itself.
//
// How a question goes:
//
//   - [Resolver.Lookup] checks the name, then looks for the finished answer in
//     the cache, which all callers share.
//   - The same question asked by many at once is sent once; they share the
//     answer. Whoever sent it may give up without harm to the others.
//   - Servers are asked in their order. One that stays silent or broken is
//     left aside for a while, then tried with a single question again. After
//     silence a question is sent in another manner: for a small answer, without
//     EDNS, over TCP. Where all servers seem dead one short try must do.
//   - As many questions are under way to a server as it bears.
//   - SERVFAIL and REFUSED from one server lead to the next; an answer from
//     any server wins. Where none answers, the most telling outcome is kept.
//   - What turns out bogus is asked again with the server validating too, and
//     of the other servers, chain of trust and all: what one of them can prove
//     is not the domain's fault.
//   - An answer that a resolver says it made up (it filters the name) is none.
//   - Aliases are followed, also where the server did not do so.
//   - What a signed zone has proven not to exist need not be asked for: see
//     [Resolver.Proven].
//   - The validator asks for DNSKEY and DS through the same path.
//
// What the network or a server does wrong is in the [evidence.Lookup]. An
// error means that the context ended or that the Resolver is set up wrongly.
package resolver

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/flight"
	"mailvet/report/evidence"
)

// Defaults of the fields of [Resolver] that are zero.
const (
	DefaultTimeout     = 3 * time.Second
	DefaultTries       = 3
	DefaultMaxInFlight = 128
	DefaultMaxSockets  = 256
	DefaultCacheSize   = 20_000
)

// FailureTTL is how long SERVFAIL, a time-out and the like, and a validation
// that failed, are kept (RFC 9520, Section 3.2 wants at least one second, at
// most five minutes). Whoever wants to try again waits that long: before, the
// same outcome comes from the cache.
const FailureTTL = 5 * time.Second

// Bounds of what is recorded of one lookup.
const (
	MaxRecords = 512 // records of the answer; a larger RRset is cut, and the Failure says too-large
	MaxAliases = 16  // CNAME and DNAME records followed
)

// Resolver asks recursive resolvers. Its zero value asks those of the system
// and does not validate. It is safe for concurrent use. The fields must not be
// changed after the first question, and a Resolver must not be copied.
type Resolver struct {
	// Servers are the recursive resolvers in the form that [ParseServer]
	// reads, the preferred one first. Nil: those that [System] finds, with its
	// settings for Timeout, Tries and Rotate where these are zero.
	Servers []string

	// Dial opens connections; network is "udp" or "tcp". A connection of
	// network "udp" keeps the boundaries of messages, and a new one is opened
	// for every question, so that the source port cannot be guessed (RFC 5452,
	// Section 9.2). Close must end a Read and a Write in progress. Nil: a
	// net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// TLSConfig is for the servers of the form tls:// and https://; nil: the
	// system's roots. ServerName and NextProtos are always replaced.
	TLSConfig *tls.Config

	// Validator judges the answers. Nil: nothing is validated, unless TrustAD
	// is set, which must not be set beside it.
	Validator *dnssec.Validator

	// TrustAD believes the AD bit of the servers (RFC 6840, Section 5.8)
	// instead of validating. The way to the servers must then be safe.
	TrustAD bool

	// AskAll makes [Resolver.Proven] know of nothing.
	AskAll bool

	Timeout time.Duration // for one try; zero: DefaultTimeout

	// Tries is how often a question is sent before it is given up, all
	// servers together; every server is tried once all the same. Zero:
	// DefaultTries.
	Tries int

	// Rotate spreads the questions over the servers, instead of asking the
	// first one as long as it answers.
	Rotate bool

	// MaxInFlight bounds the questions that wait for servers at once; those of
	// [Resolver.Reach] are counted apart. Each server has a bound of its own
	// below it, which adapts to what the server bears. Zero:
	// DefaultMaxInFlight.
	MaxInFlight int

	// MaxSockets bounds the sockets open at once, those of [Resolver.Reach]
	// included; questions beyond it wait. Beside them each server has a
	// connection over TCP or TLS, shared by all questions, or up to eight over
	// HTTPS. Zero: DefaultMaxSockets.
	MaxSockets int

	// CacheSize bounds the messages and finished lookups kept, each. Zero:
	// DefaultCacheSize; negative: none.
	CacheSize int

	Rand io.Reader        // for message ids; nil: crypto/rand
	Now  func() time.Time // for the cache and back-off; nil: time.Now

	once     sync.Once
	setupErr error
	system   Settings // that Servers came from, if they were nil
	servers  []*server
	turn     atomic.Uint64 // of Rotate: which server is next
	sending  chan struct{} // semaphore of MaxInFlight
	reaching chan struct{} // the same for Reach
	sockets  chan struct{} // semaphore of MaxSockets
	buffers  sync.Pool     // *[]byte of maxMessage octets

	messages *cache[*reply]
	lookups  *cache[*finished]
	reaches  *cache[*evidence.Reach]
	silences *cache[int] // by address: names in a row that a name server was silent for
	asking   flight.Group[key, *reply]
	looking  flight.Group[key, *finished]
	probing  flight.Group[key, *evidence.Reach]
	dialing  flight.Group[*server, dialed]

	validators []*dnssec.Validator // two for each round: for CD set and for CD clear; none if nothing is validated

	stats    counters
	stripped atomic.Bool // a server was seen to leave out DNSSEC records
	handsOn  atomic.Bool // DNSSEC records came that lead to a secure zone
	readers  sync.WaitGroup
}

// key names a question, in all caches and flights.
type key struct {
	name  string // as in evidence: lower case, no final dot
	qtype uint16
	// checking asks the server to validate: CD clear, AD set.
	checking bool
	addr     string // of the name server; Reach only
	// round is how many servers are passed over at first, because what they
	// said did not hold.
	round uint8
}

// finished is the end of a lookup: what its callers get copies of.
type finished struct {
	lookup  evidence.Lookup
	proofs  []*dnssec.Proof // one for each reply that was validated; with Validator.Keep
	expires time.Time
}

// setup checks the fields on first use.
func (r *Resolver) setup() error {
	r.once.Do(func() { r.setupErr = r.configure() })
	return r.setupErr
}

func (r *Resolver) configure() error {
	names := r.Servers
	if names == nil {
		var err error
		if r.system, err = System(); err != nil {
			return err
		}
		names = r.system.Servers
	}
	if len(names) == 0 {
		return errors.New("resolver: no server to ask")
	}
	for _, name := range names {
		s, err := ParseServer(name)
		if err != nil {
			return err
		}
		r.servers = append(r.servers, &server{Server: s})
	}
	if r.TrustAD && r.Validator != nil {
		return errors.New("resolver: TrustAD and a Validator exclude each other")
	}
	n := r.MaxInFlight
	if n <= 0 {
		n = DefaultMaxInFlight
	}
	for _, s := range r.servers {
		s.window = newWindow(n)
	}
	r.sending = make(chan struct{}, n)
	r.reaching = make(chan struct{}, n)
	sockets := r.MaxSockets
	if sockets <= 0 {
		sockets = DefaultMaxSockets
	}
	r.sockets = make(chan struct{}, sockets)
	if v := r.Validator; v != nil {
		r.validators = append(r.validators, v)
		for range 2*r.rounds() - 1 {
			r.validators = append(r.validators, &dnssec.Validator{Anchors: v.Anchors, Now: v.Now, MaxIterations: v.MaxIterations, MaxZones: v.MaxZones, Keep: v.Keep})
		}
	}
	size := r.CacheSize
	if size == 0 {
		size = DefaultCacheSize
	}
	r.messages = newCache[*reply](size)
	r.lookups = newCache[*finished](size)
	r.reaches = newCache[*evidence.Reach](max(size, 1))
	r.silences = newCache[int](max(size, 1))
	return nil
}

func (r *Resolver) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

func (r *Resolver) timeout() time.Duration {
	if r.Timeout > 0 {
		return r.Timeout
	}
	return cmp.Or(r.system.Timeout, DefaultTimeout)
}

func (r *Resolver) tries() int {
	if r.Tries > 0 {
		return r.Tries
	}
	return cmp.Or(r.system.Tries, DefaultTries)
}

// Close closes the connections kept to the servers. It waits for the
// goroutines that read them. It must not be called before all questions have
// ended; after it the Resolver can be used again.
func (r *Resolver) Close() error {
	for _, s := range r.servers {
		s.retire(nil)
		s.leaveWeb(nil)
	}
	r.readers.Wait()
	return nil
}

// Lookup asks for the records of a type (a mnemonic: "MX", "TYPE65534") at a
// name, follows aliases and validates. The Lookup belongs to the caller. The
// error is the context's, or says what is wrong with the Resolver or qtype.
func (r *Resolver) Lookup(ctx context.Context, name, qtype string) (evidence.Lookup, error) {
	if err := r.setup(); err != nil {
		return evidence.Lookup{}, err
	}
	t, typ, err := parseType(qtype)
	if err != nil {
		return evidence.Lookup{}, err
	}
	if err := ctx.Err(); err != nil {
		return evidence.Lookup{}, fmt.Errorf("resolver: look up %s %s: %w", name, typ, context.Cause(ctx))
	}
	asked := evidence.Name(name)
	canonical, ok := canonicalName(asked)
	if !ok || asked == "." && len(name) > 1 {
		return evidence.Lookup{Name: text(asked, len(asked)), Type: typ, Outcome: evidence.OutcomeBadName}, nil
	}
	k := key{name: canonical, qtype: t}
	f, hit := r.lookups.get(k, r.now())
	if hit {
		r.stats.cached.Add(1)
	} else {
		var shared bool
		f, shared, err = r.looking.Do(ctx, k, func(ctx context.Context) *finished { return r.resolve(ctx, k, typ) })
		if err != nil {
			return evidence.Lookup{}, fmt.Errorf("resolver: look up %s %s: %w", name, typ, err)
		}
		if shared {
			r.stats.coalesced.Add(1)
		}
	}
	return given(ctx, f, asked), nil
}

// Cached is [Resolver.Lookup] where the answer is at hand: else, and for what
// Lookup refuses, ok is false.
func (r *Resolver) Cached(ctx context.Context, name, qtype string) (l evidence.Lookup, ok bool) {
	k, asked, ok := r.askable(ctx, name, qtype)
	if !ok {
		return l, false
	}
	f, hit := r.lookups.get(k, r.now())
	if !hit {
		return l, false
	}
	r.stats.cached.Add(1)
	return given(ctx, f, asked), true
}

// askable is the question for a name, and the name as it is asked for; ok is
// false for what [Resolver.Lookup] would not ask, or not now.
func (r *Resolver) askable(ctx context.Context, name, qtype string) (k key, asked string, ok bool) {
	if r.setup() != nil || ctx.Err() != nil {
		return k, "", false
	}
	t, _, err := parseType(qtype)
	asked = evidence.Name(name)
	canonical, valid := canonicalName(asked)
	if err != nil || !valid || asked == "." && len(name) > 1 {
		return k, "", false
	}
	return key{name: canonical, qtype: t}, asked, true
}

// given is what the caller gets of a finished lookup, to keep.
func given(ctx context.Context, f *finished, asked string) evidence.Lookup {
	l := clone(&f.lookup)
	l.Name = asked
	proofsOf(ctx).add(&l, f.proofs)
	return l
}

// parseType reads a type's mnemonic or the form of RFC 3597, Section 5, and
// returns the number and the mnemonic. Types that stand for no RRset (ANY,
// AXFR, OPT) are refused.
func parseType(s string) (uint16, string, error) {
	if t, ok := dns.StringToType[s]; ok {
		switch t {
		case dns.TypeNone, dns.TypeANY, dns.TypeAXFR, dns.TypeIXFR, dns.TypeOPT, dns.TypeMAILA, dns.TypeMAILB, dns.TypeTKEY, dns.TypeTSIG:
			return 0, "", fmt.Errorf("resolver: %s is no type that can be looked up", s)
		}
		return t, s, nil
	}
	var n uint16
	if _, err := fmt.Sscanf(s, "TYPE%d", &n); err != nil || s != fmt.Sprintf("TYPE%d", n) || n == 0 {
		return 0, "", fmt.Errorf("resolver: %q is no record type", s)
	}
	return n, typeName(n), nil
}

func typeName(t uint16) string { return dns.Type(t).String() }
