package scanner

import (
	"context"
	"iter"
	"sync"

	"golang.org/x/sync/errgroup"

	"mailvet/report/evidence"
)

// ScanAll scans the domains of a sequence, Workers of them at once, and hands
// each snapshot to emit as soon as it is there, one at a time, in the order
// of their completion. The sequence is read no faster than it is scanned, so
// memory does not grow with its length.
//
// It ends with the first error of emit, with the context's, or with nil. When
// the context ends, scans under way are given up; those that were done have
// been emitted.
func (s *Scanner) ScanAll(ctx context.Context, domains iter.Seq[Domain], emit func(Domain, *evidence.Snapshot) error) error {
	caller := ctx
	group, ctx := errgroup.WithContext(caller)
	group.SetLimit(cmpOr(s.Workers, DefaultWorkers))
	var one sync.Mutex
	for d := range domains {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			snap, err := s.Scan(ctx, d.Name)
			if err != nil {
				return err
			}
			one.Lock()
			defer one.Unlock()
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return emit(d, snap)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return caller.Err()
}
