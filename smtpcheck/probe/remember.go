package probe

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"mailvet/report/evidence"
)

// Store keeps what a [Prober] has found out and has no room for in memory. It is
// used by several goroutines at once. It may lose what it was given; then that
// is probed again.
type Store interface {
	// Put keeps a value under a key, in place of what was under it.
	Put(key string, value []byte)
	// Get is the value put last under a key, whole and unchanged, or false.
	Get(key string) (value []byte, ok bool)
}

// What is stored, each under a key of its own: the result of an address under
// one name, what its plan of handshakes showed for all names, and what else is
// known of it.
const (
	storedProbe   = "probe "
	storedGrading = "grading "
	storedAddress = "address "
)

func (k key) record() string { return storedProbe + k.addr.String() + " " + k.host }

// probeRecord is a result as it is stored, but for what the grading of its
// address holds. Times are since Prober.began, for clocks of the day may jump.
type probeRecord struct {
	At           time.Duration
	Session      evidence.Session
	Chains       []evidence.Chain
	Certificates []evidence.Certificate
	Graded       bool // it is to be completed with the grading
}

// addressRecord is what the run knows of an address beyond a whole grading.
type addressRecord struct {
	Failed   *time.Duration      `json:",omitempty"`
	Settled  *Result             `json:",omitempty"`
	Injected *evidence.Injection `json:",omitempty"`
	PlanHost string              `json:",omitempty"`
	// Partial is of a plan that was broken off, Spent the connections before that.
	Partial *grading `json:",omitempty"`
	Spent   int      `json:",omitempty"`
	Cut     int      `json:",omitempty"` // connections that were cut short
}

// publish makes a result of that time known.
func (p *Prober) publish(q *probing, r Result, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold(q, r, at)
}

// hold is publish with mu held.
func (p *Prober) hold(q *probing, r Result, at time.Time) {
	q.result, q.at, q.cancel = r, at, nil // which would keep the first caller's context
	close(q.done)
	if p.probes[q.key] != q {
		return // all have left: not a result to be remembered
	}
	q.element = p.recent.PushBack(q)
	for p.Store == nil && p.recent.Len() > p.Remember {
		delete(p.probes, p.recent.Remove(p.recent.Front()).(*probing).key)
	}
}

func (p *Prober) enter(addr netip.Addr) *address {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.address[addr]
	if a == nil {
		a = &address{addr: addr, turn: make(chan struct{}, 1), limit: newLimit(p.HostRate)}
		p.address[addr] = a
	}
	if a.element != nil {
		p.idle.Remove(a.element)
		a.element = nil
	}
	a.users++
	return a
}

func (p *Prober) exit(a *address) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.users--; a.users == 0 {
		a.element = p.idle.PushBack(a)
	}
}

// spill makes room in memory: what was not used for longest goes to the Store.
// Until it is there it can still be found here.
func (p *Prober) spill() {
	for {
		q, a := p.oldest()
		switch {
		case q != nil:
			p.storeProbe(q)
			p.mu.Lock()
			if p.probes[q.key] == q {
				delete(p.probes, q.key)
			}
			p.mu.Unlock()
		case a != nil:
			p.storeAddress(a)
			p.mu.Lock()
			<-a.turn
			if a.users--; a.users == 0 {
				delete(p.address, a.addr)
			}
			p.mu.Unlock()
		default:
			return
		}
	}
}

// oldest takes out what is to leave, if anything is: a result, or an address,
// whose turn it has taken. An address that may not be connected to just now, or
// not as often as another, is not forgotten before it may.
func (p *Prober) oldest() (*probing, *address) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.recent.Len() > p.Remember {
		q := p.recent.Remove(p.recent.Front()).(*probing)
		q.element = nil
		return q, nil
	}
	if p.idle.Len() > p.Remember {
		a := p.idle.Front().Value.(*address)
		if now := time.Now(); quiet(a.limit, now) && now.Sub(a.last) >= p.Interval {
			p.idle.Remove(a.element)
			a.element = nil
			a.users++
			a.turn <- struct{}{} // nobody has it, for nobody uses it
			return nil, a
		}
	}
	return nil, nil
}

func (p *Prober) put(key string, record any) {
	if data, err := json.Marshal(record); err == nil {
		p.Store.Put(key, data)
	}
}

func (p *Prober) get(key string, record any) bool {
	if p.Store == nil {
		return false
	}
	data, ok := p.Store.Get(key)
	return ok && json.Unmarshal(data, record) == nil
}

// storeProbe stores a result, unless that was done.
func (p *Prober) storeProbe(q *probing) {
	if p.Store == nil || q.stored {
		return
	}
	q.stored = true
	r := probeRecord{q.at.Sub(p.began), q.result.Session, q.result.Chains, q.result.Certificates, q.grading != nil}
	if g := q.grading; g != nil {
		p.storeGrading(q.addr, g)
		r.Session.TLS = nil
		r.Chains = slices.DeleteFunc(slices.Clone(r.Chains), func(c evidence.Chain) bool {
			return slices.ContainsFunc(g.Chains, func(x evidence.Chain) bool { return reflect.DeepEqual(c, x) })
		})
		r.Certificates = slices.DeleteFunc(slices.Clone(r.Certificates), func(c evidence.Certificate) bool {
			return slices.ContainsFunc(g.Certificates, func(x evidence.Certificate) bool { return c.ID == x.ID })
		})
	}
	p.put(q.record(), &r)
}

func (p *Prober) storeGrading(addr netip.Addr, g *grading) {
	if !g.stored.Swap(true) {
		p.put(storedGrading+addr.String(), g)
	}
}

// storeAddress stores what is known of an address. The caller has its turn.
func (p *Prober) storeAddress(a *address) {
	if p.Store == nil || !a.loaded {
		return
	}
	r := addressRecord{Settled: a.settled, Injected: a.injected, PlanHost: a.planHost, Cut: a.cut}
	if !a.failed.IsZero() {
		failed := a.failed.Sub(p.began)
		r.Failed = &failed
	}
	switch g := a.grading; {
	case g != nil && g.whole:
		p.storeGrading(a.addr, g)
	case a.planDone:
		r.Partial = g
		fallthrough
	default:
		if r.Spent = a.spent; a.plan != nil {
			r.Spent += a.plan.opened()
		}
	}
	if r.Settled != nil || r.Injected != nil || r.Spent+r.Cut > 0 || a.recorded { // what was recorded before may hold no more
		a.recorded = true
		p.put(storedAddress+a.addr.String(), &r)
	}
}

// load fetches what was known of an address. The caller has its turn.
func (p *Prober) load(a *address) {
	if a.loaded {
		return
	}
	a.loaded = true
	var r addressRecord
	if a.recorded = p.get(storedAddress+a.addr.String(), &r); a.recorded {
		a.settled, a.injected, a.planHost, a.spent, a.cut = r.Settled, r.Injected, r.PlanHost, r.Spent, r.Cut
		if r.Failed != nil {
			a.failed = p.began.Add(*r.Failed)
		}
	}
	g := p.storedGrading(a.addr)
	if g == nil && r.Partial != nil && r.Partial.TLS != nil {
		g = r.Partial
	}
	if g != nil {
		a.planDone = true
		p.mu.Lock()
		a.grading = g
		p.mu.Unlock()
	}
}

// storedGrading is that of an address whose plan came to its end, if it is stored.
func (p *Prober) storedGrading(addr netip.Addr) *grading {
	g := &grading{whole: true}
	if !p.get(storedGrading+addr.String(), g) || g.TLS == nil {
		return nil
	}
	g.stored.Store(true)
	return g
}

// recall makes known again what is stored of q, and reports whether there is
// something that may still be believed.
func (p *Prober) recall(q *probing) bool {
	var s probeRecord
	if !p.get(q.record(), &s) || s.Session.Host != q.host || s.Session.Addr != q.addr.String() {
		return false
	}
	r, at := Result{Session: s.Session, Chains: s.Chains, Certificates: s.Certificates}, p.began.Add(s.At)
	if s.Graded {
		g := p.gradingOf(q.addr)
		if g == nil {
			return false
		}
		r.Session.TLS = g.TLS
		r.Chains, r.Certificates = mergeChains(r.Chains, r.Certificates, g)
		q.grading = g
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stale(&r, at) {
		return false
	}
	q.stored = true
	p.hold(q, r, at)
	return true
}

// gradingOf is that of an address whose plan came to its end, if it is at hand.
func (p *Prober) gradingOf(addr netip.Addr) *grading {
	p.mu.Lock()
	a := p.address[addr]
	if a != nil && a.grading != nil && a.grading.whole {
		defer p.mu.Unlock()
		return a.grading
	}
	p.mu.Unlock()
	return p.storedGrading(addr)
}
