package probe

import (
	"container/list"
	"context"
	"time"

	"mailvet/report/evidence"
)

// probing is a probe under way, or done. All but key, done and cancel is
// guarded by Prober.mu; result is fixed once done is closed.
type probing struct {
	key
	cancel  context.CancelFunc
	done    chan struct{}
	result  Result
	grading *grading  // of the address, if it is in the result and final
	at      time.Time // when it was done
	stored  bool      // Store was given it
	waiting int       // callers
	owned   bool      // the one who caused it is among them
	opened  int       // connections so far
	charged int       // of which are put to some call's account
	element *list.Element
}

func (p *Prober) join(ctx context.Context, k key) (q *probing, owner bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q = p.probes[k]
	if q == nil {
		// The probe outlives the caller that caused it if others wait for it.
		run, cancel := context.WithCancel(context.WithoutCancel(ctx))
		q = &probing{key: k, cancel: cancel, done: make(chan struct{}), owned: true}
		p.probes[k] = q
		p.running.Go(func() { p.run(run, q) })
		owner = true
	}
	if q.element != nil {
		p.recent.MoveToBack(q.element)
	}
	q.waiting++
	return q, owner
}

func (p *Prober) leave(ctx context.Context, q *probing, owner bool) (Result, error) {
	p.mu.Lock()
	q.waiting--
	done := isClosed(q.done)
	if !done && q.waiting == 0 {
		q.cancel()
		if p.probes[q.key] == q {
			delete(p.probes, q.key)
		}
		p.mu.Unlock()
		<-q.done // at once: the connection is being closed
		p.mu.Lock()
	}
	r, err := q.result, error(nil)
	if !done {
		var left Result
		left, err = p.left(ctx, q.key)
		f := r.Session.Failure
		switch {
		case !isClosed(q.done):
			r = left
		case f != nil && f.Class == evidence.ClassCancelled: // by this caller
			f.Class, f.Text = left.Session.Failure.Class, left.Session.Failure.Text
		}
		if plan := r.Session.TLS; plan != nil && plan.Stopped != nil && plan.Stopped.Class == evidence.ClassCancelled {
			copied := *plan
			copied.Stopped = left.Session.Failure
			r.Session.TLS = &copied
		}
	}
	r.Opened = 0
	if owner || !q.owned {
		r.Opened, q.charged = q.opened-q.charged, q.opened
	}
	if owner {
		q.owned = false
	}
	p.mu.Unlock()
	return r, err
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
