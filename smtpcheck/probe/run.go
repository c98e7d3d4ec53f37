package probe

import (
	"container/list"
	"context"
	"hash/fnv"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"mailvet/report/evidence"
)

// refusedPause is the pause before the one retry at an address that answered,
// and at once, that nobody is there.
const refusedPause = time.Second

// manyOpened is why nothing more is asked.
const manyOpened = "as many connections were opened as are allowed for one address"

// address is what the run knows of one address, under whatever name.
type address struct {
	turn chan struct{} // holds one while the address is being probed
	last time.Time     // when the last connection was closed
	// limit bounds the connections a minute; nil: none.
	limit *rate.Limiter
	// failed is when something failed for now that is kept here.
	failed time.Time
	// settled is the result that holds for every name, if there is one.
	settled *Result
	// injected is the trial, once it was made.
	injected *evidence.Injection
	// plan is what was asked about its TLS, under the name planHost; nil once it
	// came to its end. planDone says that it is not to be gone on with.
	plan      *plan
	planHost  string
	planBegan time.Time
	planDone  bool
	// greeted is the session of planHost with which the plan began. It is not held
	// again where the plan goes on.
	greeted  Result
	spent    int      // connections of a plan that is not at hand any more
	cut      int      // connections that were cut short, by calls whose time was up
	graded   Result   // the chains that it showed
	grading  *grading // what it showed; written with Prober.mu held
	loaded   bool     // Store was asked for all that
	recorded bool     // and there is a record of it

	addr    netip.Addr
	users   int           // guarded by Prober.mu, as
	element *list.Element // of Prober.idle, while there are none
}

// grading is what the plan of handshakes showed of an address, for all its
// names. It is not changed.
type grading struct {
	TLS          *evidence.TLS
	Chains       []evidence.Chain
	Certificates []evidence.Certificate
	// Full is what is to be put into the handshake of a session where crypto/tls
	// could not finish it, and the plan could; nil if it could not.
	Full   *evidence.Handshake
	whole  bool // the plan came to its end
	stored atomic.Bool
}

// run finds out q's result, hands it to those who wait, and only then takes
// leave of the server.
func (p *Prober) run(ctx context.Context, q *probing) {
	defer q.cancel()
	if !p.recall(q) {
		p.find(ctx, q)
	}
	p.spill()
}

func (p *Prober) find(ctx context.Context, q *probing) {
	a := p.enter(q.addr)
	defer p.exit(a)

	var result Result
	var open *attempt
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
		p.load(a)
		p.refresh(a)
		goesOn := a.plan != nil && !a.planDone && a.planHost == q.host
		if goesOn {
			result = a.greeted
		} else {
			result, open = p.tries(ctx, q, a)
		}
		if goesOn || open != nil && (!p.HandshakeOnly || p.TestInjection) && gradable(&result.Session) {
			first := first{}
			if open != nil {
				first = firstOf(open)
				p.end(open, a)
			}
			if p.TestInjection && result.Session.Failure == nil {
				result.Session.Injection = p.injection(ctx, q, a, result.Session.Connections)
			}
			if !p.HandshakeOnly {
				p.grade(ctx, q, a, &result, first)
			}
			open = nil
		}
	case <-ctx.Done():
		result = p.unasked(q.key, evidence.ClassCancelled, "the scan was cancelled")
	}
	p.publish(q, result, time.Now())
	if open != nil {
		p.end(open, a)
	}
}

// gradable reports whether the server comes as far as a handshake.
func gradable(s *evidence.Session) bool {
	return s.StartTLS == evidence.StartTLSStarted && s.Handshake != nil && (s.Failure == nil || s.Failure.Class != evidence.ClassCancelled)
}

// tries makes attempts until one tells something lasting. The caller has the
// address to itself. An attempt whose connection is still open is returned
// with the result.
func (p *Prober) tries(ctx context.Context, q *probing, a *address) (Result, *attempt) {
	if a.settled != nil {
		r := *a.settled
		r.Session.Host, r.Session.Connections = q.host, 0
		return r, nil
	}
	if a.cut >= p.MaxConnections {
		return p.unasked(q.key, evidence.ClassBudget, manyOpened), nil
	}
	var (
		opened  int
		reached bool
		small   bool
		before  *Result // of the try before
	)
	for try := 0; ; try++ {
		t := p.attempt(ctx, q, q.key, a, small, nil)
		s := &t.result.Session
		if t.conn != nil {
			opened++
		}
		reached = reached || s.Reach == evidence.Reached
		if s.Connections = opened; reached {
			s.Reach = evidence.Reached
		}
		f := s.Failure
		if f != nil && f.Class == evidence.ClassCancelled && before != nil {
			// What the tries before found is more than that the time was up.
			p.end(t, a)
			before.Session.Connections = opened
			return *before, nil
		}
		pause, again := p.again(q.key, t, try)
		p.backOff(q.host, s)
		if !again || try+1 >= p.MaxConnections {
			if s.StartTLS != evidence.StartTLSStarted && (f == nil || f.Class != evidence.ClassCancelled) {
				r := t.result
				a.settled = &r
				if Passing(s) {
					a.failed = time.Now()
				}
			}
			return t.result, t
		}
		small, before = small || f.Op == evidence.OpHandshake, &t.result
		p.end(t, a)
		if !sleep(ctx, pause) {
			// What the attempt found is true all the same; that it is not
			// tried again is the caller's wish.
			return t.result, nil
		}
	}
}

// again says whether the attempt, the number try from 0, is to be followed by
// another, and after what pause.
func (p *Prober) again(k key, t *attempt, try int) (time.Duration, bool) {
	f := t.result.Session.Failure
	if f == nil || try >= p.Retries || t.exhausted {
		return 0, false
	}
	pause := p.pause(k, try)
	switch {
	case f.Op == evidence.OpHelloTLS:
		return 0, false // all that is judged is known: another connection is not worth it
	case f.Class == evidence.ClassRefused, f.Class == evidence.ClassUnreachable:
		return min(pause, refusedPause), try == 0
	case f.Class == evidence.ClassTimeout, f.Class == evidence.ClassReset, f.Class == evidence.ClassClosed,
		f.Class == evidence.ClassTemporary, f.Class == evidence.ClassUnknown:
		return pause, true
	}
	return 0, false
}

// pause is how long to wait after failure number try from 0.
func (p *Prober) pause(k key, try int) time.Duration {
	pause := p.Backoff << min(try, 6)
	// The jitter keeps servers of one operator from being asked in step. It
	// depends on the address alone, so that a run can be repeated.
	h := fnv.New32a()
	h.Write(k.addr.AsSlice())
	return pause + pause*time.Duration(h.Sum32()%256)/1024
}

// attempt is one connection with its dialogue.
func (p *Prober) attempt(ctx context.Context, q *probing, k key, a *address, small bool, asking *asking) *attempt {
	t := &attempt{p: p, key: k, small: small, asking: asking}
	t.result.Session = evidence.Session{Host: k.host, Addr: q.addr.String(), Port: p.Port, Time: p.Now()}
	cancelled := func() *attempt {
		t.result.Session.Failure = &evidence.Failure{Op: evidence.OpConfig, Class: evidence.ClassCancelled, Text: "the scan was cancelled"}
		return t
	}
	if !a.last.IsZero() && !sleep(ctx, p.Interval-time.Since(a.last)) {
		return cancelled()
	}
	if !p.await(ctx, q.key, a) {
		return cancelled()
	}
	select {
	case p.gate <- struct{}{}:
		t.gated = true
	case <-ctx.Done():
		return cancelled()
	}
	t.result.Session.Time = p.Now()
	t.run(ctx, func() {
		p.mu.Lock()
		q.opened++
		p.mu.Unlock()
	})
	if ctx.Err() != nil {
		a.cut++ // the server may see a connection that was given up while it was made
	}
	if t.conn == nil {
		p.end(t, a)
	}
	return t
}

// end takes leave of the server and gives the places of the attempt free.
func (p *Prober) end(t *attempt, a *address) {
	if !t.gated {
		return
	}
	t.gated = false
	if t.conn != nil {
		t.close()
	}
	a.last = time.Now()
	<-p.gate
}

// sleep reports whether it slept to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
