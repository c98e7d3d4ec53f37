package scanner

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

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
	aside   chan struct{} // and for each that is set aside
	order   *order        // nil: as they come

	emitting sync.Mutex // one report at a time

	answered atomic.Bool // a resolver has answered at least once

	mu    sync.Mutex
	again []Domain      // for the second pass
	up    chan struct{} // closed while a resolver answers
}

// pass scans the domains. With putOff, those worth another try are kept for later.
func (r *batchRun) pass(domains iter.Seq[Domain], putOff bool) error {
	group, ctx := errgroup.WithContext(r.caller)
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
	for d := range domains {
		if r.order.wait(ctx, at) != nil || r.take(ctx) != nil {
			break
		}
		i := at
		at++
		r.progress.inHand.Add(1)
		group.Go(func() error {
			defer r.progress.inHand.Add(-1)
			defer func() { <-r.slots }()
			return r.one(ctx, i, d, putOff)
		})
	}
	return group.Wait()
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

// maxScans bounds how often one domain is scanned because no resolver answered.
const maxScans = 3

// one scans one domain, whose worker the caller holds.
func (r *batchRun) one(ctx context.Context, at int, d Domain, putOff bool) error {
	if r.Keep != nil {
		switch keep, err := r.Keep(ctx, d); {
		case err != nil:
			return err
		case !keep:
			return r.emit(ctx, at, nil)
		}
	}
	var snap *evidence.Snapshot
	for try := 1; ; try++ {
		var err error
		if snap, err = r.Scanner.scan(ctx, d, r); err != nil {
			return err
		}
		if !noResolver(snap) {
			r.answered.Store(true)
			break
		}
		if r.Pause < 0 || try == maxScans {
			break
		}
		waited, err := r.awaitResolver(ctx)
		if err != nil {
			return err
		}
		if !waited && putOff {
			break // it is about this domain, which is tried again anyway
		}
	}
	if putOff && worthAgain(snap) {
		if r.order == nil {
			r.mu.Lock()
			r.again = append(r.again, d)
			r.mu.Unlock()
			if r.Scanner.Prove != nil {
				r.Scanner.Prove(snap, nil) // what it was judged by is not needed
			}
			r.progress.again.Add(1)
			return nil
		}
		aside := r.setAside()
		r.rest(ctx, restBefore) // if the run is to end, the other try follows at once
		if aside {
			r.takeUp()
		}
		r.Scanner.forget(staleAfter)
		var err error
		if snap, err = r.Scanner.scan(ctx, d, r); err != nil {
			return err
		}
	}
	emit, err := r.prepare(d, snap)
	if err != nil {
		return err
	}
	return r.emit(ctx, at, emit)
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

// setAside gives the worker to another domain, if there is room for one more
// that waits. It reports whether it did.
func (r *batchRun) setAside() bool {
	select {
	case r.aside <- struct{}{}:
		r.progress.setAside.Add(1)
		<-r.slots
		return true
	default:
		return false
	}
}

// takeUp waits for a worker again. A domain that is nearly done goes on even
// if the list waits for a resolver. Without a worker (ctx is done) the domain
// goes on all the same, for a moment.
func (r *batchRun) takeUp() {
	r.slots <- struct{}{}
	r.progress.setAside.Add(-1)
	<-r.aside
}

// patience is for how long a domain may be set aside.
func (r *batchRun) patience() time.Duration { return cmpOr(r.Batch.Patience, DefaultPatience) }

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
