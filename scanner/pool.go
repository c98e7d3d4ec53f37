package scanner

import (
	"cmp"
	"context"
	"iter"

	"mailvet/report/evidence"
)

// ScanAll scans the domains of a sequence, Workers of them at once, and hands
// each snapshot to emit as soon as it is there, one at a time, in the order
// of their completion. It is a [Batch] that tries everything once,
// waits for no resolver, and gives mail servers no more time than the rest.
func (s *Scanner) ScanAll(ctx context.Context, domains iter.Seq[Domain], emit func(Domain, *evidence.Snapshot) error) error {
	b := &Batch{Scanner: s, Workers: s.Workers, Patience: cmp.Or(s.Timeout, DefaultTimeout), Pause: -1, Once: true}
	return b.Run(ctx, domains, func(d Domain, snap *evidence.Snapshot) (func() error, error) {
		return func() error { return emit(d, snap) }, nil
	})
}
