package scanner

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"mailvet/dnscheck"
	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

// run is one scan under way. Only loop's goroutine touches it, but for results.
type run struct {
	scanner *Scanner
	snap    *evidence.Snapshot
	started map[task]bool
	running int
	waiting int // of what runs, what waits for other servers than resolvers
	results chan func() error
	asker   dnscheck.Asker
	wishes  []wish
	view    evidence.Snapshot   // of snap, for the wishes
	fresh   []evidence.Question // lookups that came since the wants were worked out
	spare   []evidence.Question // memory for these
	late    *time.Timer         // see settle
	batch   *hand               // nil: a scan of its own
	probing []netip.Addr        // mail servers that are being waited for
	left    int                 // questions that may still be wanted
	dns     resolver.Cost

	// budget is the context with the time that the domain may take. What waits
	// for other servers than resolvers, which all have their own patience, has
	// one of its own, patient: a domain of a batch may be set aside meanwhile.
	budget, patient context.Context
	spend, giveUp   context.CancelFunc
}

func (r *run) budgets(ctx context.Context) {
	ctx = resolver.WithCost(ctx, &r.dns)
	r.budget, r.spend = context.WithTimeout(ctx, cmp.Or(r.scanner.Timeout, DefaultTimeout))
	r.patient, r.giveUp = r.budget, func() {}
	if r.batch != nil {
		r.patient, r.giveUp = context.WithTimeout(ctx, r.batch.patience())
	}
}

// task names a thing to do: a question, a session, a name server to try, an
// address to find the routes to, an autonomous system to name or a URL to fetch.
type task struct {
	kind       byte
	name, what string
	addr       netip.Addr
}

// loop starts what is wanted until nothing is and nothing runs any more.
func (r *run) loop(ctx context.Context) error {
	var failed error
	for {
		if failed == nil && ctx.Err() == nil {
			r.start(r.budget)
		}
		if r.running == 0 {
			return cmp.Or(ctx.Err(), failed)
		}
		// Every task obeys its context, so this wait is bounded by it.
		aside := r.batch != nil && r.running == r.waiting && r.batch.setAside(slices.Clone(r.probing))
		first := r.next(aside)
		if first == nil {
			return r.abandon()
		}
		for deliver := range r.arrived(first) {
			if aside {
				aside = false
				r.takeUp(ctx)
			}
			if err := deliver(); err != nil && failed == nil {
				failed = err
			}
		}
	}
}

// next waits for a result; nil if a domain that was set aside is to make room.
func (r *run) next(aside bool) func() error {
	if !aside {
		return <-r.results
	}
	select {
	case <-r.batch.place.leave: // it may be closed already
		return nil
	default:
	}
	select {
	case deliver := <-r.results:
		return deliver
	case <-r.batch.place.leave:
		return nil
	}
}

// abandon ends a scan that is to be made anew; what it cost is remembered.
func (r *run) abandon() error {
	r.giveUp()
	r.spend()
	for ; r.running > 0; r.running-- {
		deliver := <-r.results
		_ = deliver() // whatever it says, it will be asked again
	}
	r.snap.Cost.DNSQueries += r.dns.Questions()
	r.batch.leave(r.snap)
	return errParked
}

// takeUp goes on with a domain that was set aside: the time meanwhile was not
// its own.
func (r *run) takeUp(ctx context.Context) {
	r.batch.takeUp()
	r.spend()
	r.budget, r.spend = context.WithTimeout(resolver.WithCost(ctx, &r.dns), cmp.Or(r.scanner.Timeout, DefaultTimeout))
}

// settle is for how long a domain of a batch waits for further results once
// there is one, so that the wants are worked out less often. With few workers
// more than that would slow a list down whose answers are slow.
const settle = 10 * time.Millisecond

// arrived yields a result and those that are there with it, so that the wants
// are worked out once for all of them.
func (r *run) arrived(deliver func() error) func(func(func() error) bool) {
	return func(yield func(func() error) bool) {
		var late <-chan time.Time
		if r.batch != nil && r.running > 1 {
			if r.late == nil {
				r.late = time.NewTimer(settle)
			} else {
				r.late.Reset(settle)
			}
			defer r.late.Stop()
			late = r.late.C
		}
		for {
			r.running--
			if !yield(deliver) {
				return
			}
			if late == nil || r.running == r.waiting {
				select {
				case deliver = <-r.results:
					continue
				default:
					return
				}
			}
			select {
			case deliver = <-r.results:
			case <-late:
				return
			}
		}
	}
}

// begin runs do in a goroutine of its own, unless it was begun before. What do
// returns is called by loop.
func (r *run) begin(t task, do func() func() error) {
	if r.started[t] {
		return
	}
	r.started[t] = true
	r.running++
	r.scanner.crew.Go(func() { r.results <- do() })
}

// await is begin for what waits for other servers than resolvers.
func (r *run) await(t task, do func() func() error) {
	if r.started[t] {
		return
	}
	r.waiting++
	r.begin(t, func() func() error {
		deliver := do()
		return func() error { r.waiting--; return deliver() }
	})
}
