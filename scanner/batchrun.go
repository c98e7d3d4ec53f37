package scanner

import (
	"context"
	"iter"
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/probe"
)

// batchRun is a Batch under way.
type batchRun struct {
	*Batch
	prepare Prepare
	caller  context.Context
	slots   chan struct{} // holds one for each domain in hand of a worker
	aside   asides
	order   *order // nil: as they come

	emitting sync.Mutex // one report at a time

	answered atomic.Bool // a resolver has answered at least once

	mu    sync.Mutex
	again backlog       // for the second pass
	up    chan struct{} // closed while a resolver answers
}

// pass is one way through a list.
type pass struct {
	*batchRun
	group  *errgroup.Group
	ctx    context.Context
	putOff bool // those worth another try are kept for later
}

// pass scans the domains; those worth another try are kept for later if putOff
// says so.
func (r *batchRun) pass(domains iter.Seq2[Domain, evidence.Cost], putOff bool) error {
	group, ctx := errgroup.WithContext(r.caller)
	p := &pass{r, group, ctx, putOff}
	if r.Interrupt != nil {
		ended := make(chan struct{})
		defer close(ended)
		go func() {
			select {
			case <-ctx.Done():
				r.Interrupt()
			case <-ended:
			}
		}()
	}
	at := 0
	for d, spent := range domains {
		if r.order.wait(ctx, at) != nil || r.take(ctx) != nil {
			break
		}
		h := &hand{pass: p, domain: d, at: at, spent: spent}
		at++
		r.progress.inHand.Add(1)
		group.Go(h.scan)
	}
	return group.Wait()
}

// comeBack scans a domain that was parked.
func (p *pass) comeBack(under netip.Addr, d Domain, spent evidence.Cost) {
	if p.stopped() || p.ctx.Err() != nil {
		return
	}
	p.group.Go(func() error {
		if p.take(p.ctx) != nil {
			return nil // the run is to end
		}
		p.progress.parked.Add(-1)
		p.progress.inHand.Add(1)
		h := &hand{pass: p, domain: d, spent: spent, kept: true, under: under}
		return h.scan()
	})
}

// take waits for a free worker, and while no resolver answers.
func (r *batchRun) take(ctx context.Context) error {
	r.mu.Lock()
	up := r.up
	r.mu.Unlock()
	select {
	case <-up:
	case <-r.Stop:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-r.Stop:
		return ErrStopped
	default:
	}
	select {
	case r.slots <- struct{}{}:
		return nil
	case <-r.Stop:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *batchRun) emit(ctx context.Context, at int, write func() error) error {
	counted := func() error {
		if write == nil {
			return nil
		}
		if err := write(); err != nil {
			return err
		}
		r.progress.done.Add(1)
		return nil
	}
	r.emitting.Lock()
	defer r.emitting.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.order.emit(at, counted)
}

// worthAgain reports whether something about the domain is unknown for a
// reason that may pass.
func worthAgain(s *evidence.Snapshot) bool {
	if s.Error != nil {
		return s.Error.Temporary()
	}
	for i := range s.Lookups {
		if l := &s.Lookups[i]; l.Unknown() && (l.Failure.Temporary() || l.Outcome == evidence.OutcomeServFail) {
			return true
		}
	}
	for i := range s.Sessions {
		if probe.Passing(&s.Sessions[i]) {
			return true
		}
	}
	for i := range s.Reaches {
		// One try only: the address has been silent for other names before.
		if r := &s.Reaches[i]; r.Failure.Temporary() && (r.Tries != 1 || r.Failure.Class != evidence.ClassTimeout) {
			return true
		}
	}
	return false
}
