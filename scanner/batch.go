package scanner

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"time"

	"mailvet/report/evidence"
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
// next one. When too many are set aside, one that waits where most do is parked:
// nothing but its name is kept until that mail server has answered others, and
// then it is scanned anew.
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
	Parked   int // put off until mail servers have answered others
}

type counters struct{ done, inHand, setAside, again, parked atomic.Int64 }

// Progress may be called at any time.
func (b *Batch) Progress() Progress {
	c := &b.progress
	return Progress{int(c.done.Load()), int(c.inHand.Load()), int(c.setAside.Load()), int(c.again.Load()), int(c.parked.Load())}
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
		slots: make(chan struct{}, cmp.Or(b.Workers, DefaultWorkers)),
		aside: asides{most: max(0, cmp.Or(b.SetAside, DefaultSetAside))},
		up:    closed(),
	}
	if b.InOrder {
		r.order = newOrder(cmp.Or(b.LookAhead, DefaultLookAhead))
	}
	err := r.pass(func(yield func(Domain, evidence.Cost) bool) {
		for d := range domains {
			if !yield(d, evidence.Cost{}) {
				return
			}
		}
	}, !b.Once)
	if err == nil && !b.stopped() && r.again.len > 0 && r.rest(ctx, restBefore) {
		again := r.again
		r.again = backlog{}
		b.notice(Notice{SecondPass, again.len})
		b.Scanner.forget(0)
		err = r.pass(func(yield func(Domain, evidence.Cost) bool) {
			for {
				d, spent, ok := again.pop()
				if !ok {
					return
				}
				b.progress.again.Add(-1)
				if !yield(d, spent) {
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
