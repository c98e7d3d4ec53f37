package dnssec

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// walk is the way from a trust anchor down to the names of one reply.
type walk struct {
	v         *Validator
	src       Source
	now       time.Time
	questions atomic.Int32
}

var errQuestions = errors.New("too many questions for one reply")

// Which questions are asked before it is known that they are needed, so that
// they wait together: below an anchor, the first names nearly always are
// zones, and a signature tells of its zone that it is one.
const (
	earlyDS     = 2 // labels below the anchor
	earlyDNSKEY = 1
	earlySigned = 5 // for a name that a signature calls a zone
)

// state finds out which zone n is in. signer says that n is named as a zone by
// a signature.
func (x *walk) state(ctx context.Context, n name, signer bool) *state {
	for {
		s, f, leader := x.v.enter(n, x.now)
		switch {
		case s != nil:
			return s
		case leader:
			return x.lead(ctx, n, signer, f)
		}
		select {
		case <-f.done:
			if f.state != nil && !f.state.private {
				return f.state
			}
		case <-ctx.Done():
			return cancelled(n, "DS")
		}
	}
}

func (x *walk) lead(ctx context.Context, n name, signer bool, f *flight) *state {
	defer func() { x.v.leave(n, f) }()
	f.state = x.find(ctx, n, signer)
	return f.state
}

// enter returns the remembered state, or the flight to wait for, or a flight
// to lead.
func (v *Validator) enter(n name, now time.Time) (s *state, f *flight, leader bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.cache.find(n, now); s != nil {
		return s, nil, false
	}
	if f := v.flights[n]; f != nil {
		return nil, f, false
	}
	f = &flight{done: make(chan struct{})}
	if v.flights == nil {
		v.flights = make(map[name]*flight)
	}
	v.flights[n] = f
	return nil, f, true
}

func (v *Validator) leave(n name, f *flight) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.flights, n)
	if s := f.state; s != nil && !s.private && !s.expires.IsZero() {
		limit := v.MaxZones
		if limit <= 0 {
			limit = defaultMaxZones
		}
		v.cache.put(n, s, limit)
	}
	close(f.done)
}

// find makes the state of n from that of the name above it.
func (x *walk) find(ctx context.Context, n name, signer bool) *state {
	anchors := x.v.anchorMap()
	at, ok := anchors.above(n)
	if !ok {
		return &state{fault: insecure(0, "there is no trust anchor at or above %s", n)}
	}
	var known *state // of the name above
	if at != n {
		known = x.v.known(n.parent(), x.now)
	}
	if known != nil && (known.fault != nil || known.empty) {
		return known
	}
	ctx, cancel := context.WithCancel(ctx)
	asked := &asking{walk: x, ctx: ctx}
	defer asked.wait()
	defer cancel()
	if at == n {
		return asked.kept(x.prime(asked, n, anchors[n]), nil)
	}
	depth := n.labels() - at.labels()
	if known == nil && (depth <= earlyDS || signer && depth <= earlySigned) { // else it is asked next
		asked.start(n, dns.TypeDS)
	}
	if depth <= earlyDNSKEY || signer && depth <= earlySigned {
		asked.start(n, dns.TypeDNSKEY)
	}
	above := x.state(ctx, n.parent(), false)
	if above.fault != nil || above.empty {
		return above
	}
	return asked.kept(x.descend(asked, n, above), above.messages)
}

// kept puts what was asked for a new state, after what led to the one above
// it, into the state.
func (q *asking) kept(s *state, above []Message) *state {
	if q.v.Keep {
		s.messages = append(above[:len(above):len(above)], q.used...)
	}
	return s
}

// known is the remembered state, if there is one.
func (v *Validator) known(n name, now time.Time) *state {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.cache.find(n, now)
}

// descend goes from the zone that holds the name above n to the one that
// holds n: the same, or the one delegated there (RFC 4035, Section 5.2).
func (x *walk) descend(asked *asking, n name, above *state) *state {
	msg, f := asked.answer(n, dns.TypeDS)
	if f != nil {
		return x.failed(asked, n, above.chain, f, 0)
	}
	c := x.judgeCut(n, above.zone, msg)
	switch {
	case c.fault != nil:
		return x.failed(asked, n, above.chain, c.fault, c.ttl)
	case len(c.ds) == 0:
		s := &state{zone: above.zone, empty: c.empty, chain: above.chain}
		return s.remember(x.now, c.ttl)
	}
	names, f := usableDS(n, c.ds)
	names.seen = c.ds
	if f != nil {
		return x.failed(asked, n, above.chain, f, c.ttl).with(names, nil)
	}
	return x.enterZone(asked, n, names, above.chain, c.ttl)
}

// prime enters the zone of a trust anchor.
func (x *walk) prime(asked *asking, n name, a anchor) *state {
	names, f := a.usable(n)
	names.seen = a.ds
	if f != nil {
		return x.failed(asked, n, nil, f, longest).with(names, nil)
	}
	return x.enterZone(asked, n, names, nil, longest)
}

// enterZone fetches and checks the keys of a zone that names lead to.
func (x *walk) enterZone(asked *asking, n name, names entry, chain []evidence.Zone, ttl time.Duration) *state {
	msg, f := asked.answer(n, dns.TypeDNSKEY)
	if f != nil {
		return x.failed(asked, n, chain, f, 0).with(names, nil)
	}
	z, life, f := trustKeys(n, names, msg, x.now, &work{v: x.v})
	if f != nil {
		if n == root && strippedKeys(msg) {
			f = indeterminate(dns.ExtendedErrorCodeDNSSECIndeterminate, "the resolver does not hand on DNSSEC records: it has the root's DNSKEY without signatures, or not at all")
			f.stripped = true
		}
		return x.failed(asked, n, chain, f, ttl).with(names, msg)
	}
	z.chain = append(chain[:len(chain):len(chain)], z.chain...)
	return (&state{zone: z, chain: z.chain}).with(names, msg).remember(x.now, min(ttl, life))
}

// failed is the state of a name without a chain of trust to it.
func (x *walk) failed(asked *asking, n name, chain []evidence.Zone, f *fault, ttl time.Duration) *state {
	link := evidence.Zone{Name: n.String(), Security: f.security, Reason: f.reason}
	s := &state{fault: f, chain: append(chain[:len(chain):len(chain)], link)}
	if f.security == evidence.SecurityIndeterminate && (asked.ctx.Err() != nil || x.questions.Load() > maxQuestions) {
		s.private = true
		return s
	}
	return s.remember(x.now, ttl)
}

func cancelled(n name, what string) *state {
	f := indeterminate(dns.ExtendedErrorCodeDNSSECIndeterminate, "cancelled while waiting for %s %s", n, what)
	return &state{fault: f, private: true, chain: []evidence.Zone{{Name: n.String(), Security: f.security, Reason: f.reason}}}
}

// asking is the questions asked on the way to one name. Only the goroutine that
// made it uses it.
type asking struct {
	*walk
	ctx     context.Context
	group   sync.WaitGroup
	pending map[setKey]*question
	used    []Message // the answers that were waited for; only with Keep
}

type question struct {
	done chan struct{}
	msg  *dns.Msg
	err  error
}

// start asks without waiting.
func (q *asking) start(n name, typ uint16) {
	if q.pending == nil {
		q.pending = make(map[setKey]*question, 2)
	}
	p := &question{done: make(chan struct{})}
	q.pending[setKey{n, typ}] = p
	q.group.Go(func() {
		defer close(p.done)
		q.fetch(p, n, typ)
	})
}

func (q *asking) fetch(p *question, n name, typ uint16) {
	if q.walk.questions.Add(1) > maxQuestions {
		p.err = errQuestions
		return
	}
	p.msg, p.err = q.src.Fetch(q.ctx, n.fqdn(), typ)
}

func (q *asking) wait() { q.group.Wait() }

// answer waits for the answer, or asks if that was not started. What is no answer is a
// fault, and never that of the zone.
func (q *asking) answer(n name, typ uint16) (*dns.Msg, *fault) {
	p := q.pending[setKey{n, typ}]
	if p != nil {
		<-p.done
	} else {
		p = new(question)
		q.fetch(p, n, typ)
	}
	what := dns.Type(typ).String()
	switch {
	case p.err != nil && q.ctx.Err() != nil:
		return nil, indeterminate(dns.ExtendedErrorCodeDNSSECIndeterminate, "cancelled while waiting for %s %s", n, what)
	case p.err != nil:
		return nil, indeterminate(dns.ExtendedErrorCodeNetworkError, "%s %s could not be had: %s", n, what, clean(p.err.Error()))
	case p.msg == nil:
		return nil, indeterminate(dns.ExtendedErrorCodeNetworkError, "%s %s could not be had", n, what)
	case p.msg.Truncated:
		return nil, indeterminate(dns.ExtendedErrorCodeDNSSECIndeterminate, "%s %s could not be had: the answer is truncated", n, what)
	case p.msg.Rcode != dns.RcodeSuccess && p.msg.Rcode != dns.RcodeNameError:
		return nil, indeterminate(dns.ExtendedErrorCodeDNSSECIndeterminate, "%s %s could not be had: the resolver answered %s", n, what, rcode(p.msg.Rcode))
	}
	if q.v.Keep {
		q.used = append(q.used, Message{n.fqdn(), typ, p.msg})
	}
	return p.msg, nil
}
