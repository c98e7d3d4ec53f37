package probe

import (
	"context"
	"time"

	"golang.org/x/net/publicsuffix"
	"golang.org/x/time/rate"

	"mailvet/report/evidence"
)

// pace bounds the connections a minute to a provider: to all addresses of
// hosts with one organisational domain. Many that come after a time of quiet
// may come at once, up to the number for a minute.
type pace struct {
	limit *rate.Limiter // nil: none
	until time.Time     // no connection before; guarded by Prober.mu
}

// newLimit is nil for a negative rate.
func newLimit(perMinute int) *rate.Limiter {
	if perMinute < 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute)
}

// quiet reports whether a limit is as that of one who was never asked.
func quiet(l *rate.Limiter, now time.Time) bool {
	return l == nil || l.TokensAt(now) >= float64(l.Burst())
}

// provider is the organisational domain of a host by the public suffix list,
// or the host where it has none.
func provider(host string) string {
	if d, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return d
	}
	return host
}

// maxPaces is how many providers are remembered at least; beyond it those that
// were asked lately, for a limit has to be known as long as it holds.
const maxPaces = 4096

// paceOf is that of the provider of a host.
func (p *Prober) paceOf(host string) *pace {
	name := provider(host)
	p.mu.Lock()
	defer p.mu.Unlock()
	if found := p.paces[name]; found != nil {
		return found
	}
	if len(p.paces) >= max(maxPaces, 2*p.pruned) {
		now := time.Now()
		for n, x := range p.paces { // one that had its quiet is as good as new
			if !now.Before(x.until) && quiet(x.limit, now) {
				delete(p.paces, n)
			}
		}
		p.pruned = len(p.paces)
	}
	made := &pace{limit: newLimit(p.ProviderRate)}
	p.paces[name] = made
	return made
}

// await returns when one more connection is polite, or with false when ctx ends.
func (p *Prober) await(ctx context.Context, k key, a *address) bool {
	of := p.paceOf(k.host)
	for _, limit := range []*rate.Limiter{a.limit, of.limit} {
		if limit != nil && limit.Wait(ctx) != nil {
			return false
		}
	}
	for {
		p.mu.Lock()
		left := time.Until(of.until)
		p.mu.Unlock()
		if left <= 0 {
			return ctx.Err() == nil
		}
		if !sleep(ctx, left) {
			return false
		}
	}
}

// backOff leaves the whole provider in peace for a while where a server said
// 421 (RFC 5321, Section 4.2.3: not available, closing): its limits may be for
// all its servers.
func (p *Prober) backOff(host string, s *evidence.Session) {
	for _, r := range []*evidence.Reply{s.Greeting, s.Hello, s.StartReply} {
		if r != nil && r.Code == 421 {
			of := p.paceOf(host)
			p.mu.Lock()
			if until := time.Now().Add(p.Backoff); until.After(of.until) {
				of.until = until
			}
			p.mu.Unlock()
			return
		}
	}
}

// Open is the number of connections open now.
func (p *Prober) Open() int {
	p.once.Do(p.setup)
	return len(p.gate)
}

// ForgetFailures makes what failed for now, before that long ago, be tried
// again when it is asked for next. A refused connection is among it, for that
// may be how a server that has had enough of us says so.
func (p *Prober) ForgetFailures(age time.Duration) {
	p.once.Do(p.setup)
	if p.invalid != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if before := time.Now().Add(-age); before.After(p.forgotten) {
		p.forgotten = before
	}
	for k, q := range p.probes {
		if isClosed(q.done) && p.stale(&q.result, q.at) {
			if q.element != nil {
				p.recent.Remove(q.element)
			}
			delete(p.probes, k)
		}
	}
}

// stale reports whether a result of that time is not to be believed any more.
// The caller holds the lock.
func (p *Prober) stale(r *Result, at time.Time) bool {
	return Passing(&r.Session) && !at.After(p.forgotten)
}

// Passing reports whether a session, or the plan after it, ended with
// something that may be otherwise at another time, so that it is worth to
// forget it (see [Prober.ForgetFailures]) and ask again.
func Passing(s *evidence.Session) bool {
	if retriable(s.Failure) {
		return true
	}
	t := s.TLS
	return t != nil && retriable(t.Stopped) && (t.Stopped.Class != evidence.ClassBudget || t.Stopped.Op == evidence.OpConfig)
}

func retriable(f *evidence.Failure) bool {
	return f.Temporary() || f != nil && (f.Class == evidence.ClassRefused || f.Class == evidence.ClassUnreachable)
}

// refresh forgets what failed at an address before the last ForgetFailures.
// The caller has the address to itself.
func (p *Prober) refresh(a *address) {
	p.mu.Lock()
	before := p.forgotten
	p.mu.Unlock()
	if a.failed.IsZero() || a.failed.After(before) {
		return
	}
	a.failed = time.Time{}
	a.settled = nil
	a.planDone = a.grading != nil && a.grading.whole
	if a.injected != nil && !a.injected.Answer.Known() {
		a.injected = nil
	}
}
