package scanner

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/probe"
)

// Defaults of a [Batch].
const (
	DefaultWorkers   = 16
	DefaultSetAside  = 512
	DefaultPatience  = 15 * time.Minute
	DefaultPause     = 10 * time.Minute
	DefaultLookAhead = 256
)

const (
	// restBefore is the pause before what is unknown is tried again.
	restBefore = 10 * time.Second
	// staleAfter is when, in a list that keeps its order, a mail server that
	// failed is asked again for the next domain. Were it asked for each, the
	// manners that the run has to keep would be lost.
	staleAfter = 10 * time.Minute
)

// ErrNetwork says that no resolver answers, so that nothing can be scanned.
var ErrNetwork = errors.New("no resolver answers, not even for the root of the DNS")

// ErrStopped says that a run ended early because it was asked to.
var ErrStopped = errors.New("stopped before the end of the list")

// Batch scans a list of any length. What it holds does not grow with the list,
// but for the names of the domains that are to be tried again.
//
// A worker has a domain in hand while there are DNS questions to ask. A domain
// that only waits for mail servers, which may be slow, busy with somebody
// else's probe or asking for patience, is set aside, and the worker takes the
// next one.
//
// What could not be found out for a reason that may pass is not reported at
// once: such a domain is scanned once more after all others, and then reported
// as it is. When no resolver answers any more, the list waits until one does
// instead of reporting every domain as unknown.
//
// The fields are not changed once Run was called; a Batch is run once.
type Batch struct {
	Scanner *Scanner
	// Workers is the number of domains in hand at once, SetAside that of those
	// that wait for mail servers; 0 means the defaults, and a negative SetAside
	// none.
	Workers, SetAside int
	// Patience bounds the time for which a domain may be set aside; 0 means
	// DefaultPatience.
	Patience time.Duration
	// Pause bounds how long the list waits for a resolver that has answered
	// before; 0 means DefaultPause. Negative: it never waits, and the domains
	// are reported as what could not be scanned.
	Pause time.Duration
	// Once leaves out the second pass over what is unknown.
	Once bool
	// InOrder reports in the order of the list. The results that wait for an
	// earlier one, and the domains in hand, are at most LookAhead (0 means
	// DefaultLookAhead); the second try then follows the first at once.
	InOrder   bool
	LookAhead int
	// Keep, if not nil, says whether a domain is to be scanned at all, just
	// before it would be. Many goroutines call it at once.
	Keep func(context.Context, Domain) (bool, error)
	// Stop, once closed, lets no further domain begin and leaves out the second
	// pass. Those in hand are finished, and Run ends with ErrStopped.
	Stop <-chan struct{}
	// Interrupt, if not nil, is called when the run is to end before the
	// sequence does, so that one that blocks may end, too.
	Interrupt func()
	// Notice, if not nil, is told what a user should know while it happens. It
	// may be called by several goroutines.
	Notice func(Notice)

	progress counters
}

// Notice is an event of a run.
type Notice struct {
	Kind  NoticeKind
	Count int // domains to be tried again, for SecondPass
}

// NoticeKind says what happened.
type NoticeKind uint8

// Kinds of [Notice].
const (
	NoticeNone NoticeKind = iota
	Paused                // no resolver answers: the list waits
	Resumed               // one answers again
	SecondPass            // what is unknown is tried again
)

// Progress counts domains.
type Progress struct {
	Done     int // reported
	InHand   int // being scanned, those set aside included
	SetAside int // waiting for mail servers
	Again    int // put off to the second pass
}

type counters struct{ done, inHand, setAside, again atomic.Int64 }

// Progress may be called at any time.
func (b *Batch) Progress() Progress {
	c := &b.progress
	return Progress{int(c.done.Load()), int(c.inHand.Load()), int(c.setAside.Load()), int(c.again.Load())}
}

// Prepare turns a snapshot into what is to be written. Many goroutines call it
// at once; what it returns is called by one at a time.
type Prepare func(Domain, *evidence.Snapshot) (emit func() error, err error)

// Run scans the domains of a sequence, which is read no faster than they are
// scanned, and reports each through prepare.
//
// It ends with the first error of prepare or of what that returned, with the
// context's, with one that wraps [ErrNetwork], or with nil. When the context
// ends, scans under way are given up; what was reported stays reported.
func (b *Batch) Run(ctx context.Context, domains iter.Seq[Domain], prepare Prepare) error {
	r := &batchRun{
		Batch: b, prepare: prepare, caller: ctx,
		slots: make(chan struct{}, cmpOr(b.Workers, DefaultWorkers)),
		aside: make(chan struct{}, max(0, cmpOr(b.SetAside, DefaultSetAside))),
		up:    closed(),
	}
	if b.InOrder {
		r.order = newOrder(cmpOr(b.LookAhead, DefaultLookAhead))
	}
	err := r.pass(domains, !b.Once)
	if err == nil && !b.stopped() && len(r.again) > 0 && r.rest(ctx, restBefore) {
		again := r.again
		r.again = nil
		b.notice(Notice{SecondPass, len(again)})
		b.Scanner.forget(0)
		err = r.pass(func(yield func(Domain) bool) {
			for _, d := range again {
				b.progress.again.Add(-1)
				if !yield(d) {
					return
				}
			}
		}, false)
	}
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case b.stopped():
		return ErrStopped
	}
	return nil
}

func (b *Batch) stopped() bool {
	select {
	case <-b.Stop: // a nil channel never is
		return true
	default:
		return false
	}
}

func (b *Batch) notice(n Notice) {
	if b.Notice != nil {
		b.Notice(n)
	}
}

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

// noResolver reports whether a scan failed because no resolver answered.
func noResolver(s *evidence.Snapshot) bool {
	return s.Error != nil && s.Error.Op == evidence.OpQuery
}

// Pauses between two tries to reach a resolver.
const (
	firstCheck = 2 * time.Second
	lastCheck  = 30 * time.Second
)

// awaitResolver returns when a resolver answers, and whether that took more
// than asking. The first that comes here asks for all, and the list waits
// meanwhile.
func (r *batchRun) awaitResolver(ctx context.Context) (waited bool, err error) {
	r.mu.Lock()
	up, asks := r.up, false
	if isClosed(up) {
		up, asks = make(chan struct{}), true
		r.up = up
	}
	r.mu.Unlock()
	if !asks {
		select {
		case <-up:
			return true, nil
		case <-ctx.Done():
			return true, ctx.Err()
		}
	}
	defer close(up)
	if r.answers(ctx) {
		return false, nil
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if !r.answered.Load() {
		return false, fmt.Errorf("scanner: %w", ErrNetwork)
	}
	r.notice(Notice{Kind: Paused})
	limit := cmpOr(r.Batch.Pause, DefaultPause)
	for slept, pause := time.Duration(0), firstCheck; slept < limit; pause = min(2*pause, lastCheck) {
		if !r.rest(ctx, pause) {
			return true, cmpErr(ctx.Err(), ErrStopped)
		}
		slept += pause
		if r.answers(ctx) {
			r.notice(Notice{Kind: Resumed})
			return true, nil
		}
	}
	return true, cmpErr(ctx.Err(), fmt.Errorf("scanner: gave up after %s: %w", limit, ErrNetwork))
}

// answers asks the control question, not of a cache if that can be helped.
func (r *batchRun) answers(ctx context.Context) bool {
	if a, ok := r.Scanner.Resolver.(interface{ Alive(context.Context) bool }); ok {
		return a.Alive(ctx)
	}
	l, err := r.Scanner.Resolver.Lookup(ctx, controlQuestion.Name, controlQuestion.Type)
	return err == nil && !l.Unknown()
}

// rest waits, and reports false if the run was to end meanwhile.
func (r *batchRun) rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Stop:
		return false
	case <-ctx.Done():
		return false
	}
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
