package scanner

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"mailvet/report/evidence"
)

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
	limit := cmp.Or(r.Batch.Pause, DefaultPause)
	for slept, pause := time.Duration(0), firstCheck; slept < limit; pause = min(2*pause, lastCheck) {
		if !r.rest(ctx, pause) {
			return true, cmp.Or(ctx.Err(), ErrStopped)
		}
		slept += pause
		if r.answers(ctx) {
			r.notice(Notice{Kind: Resumed})
			return true, nil
		}
	}
	return true, cmp.Or(ctx.Err(), fmt.Errorf("scanner: gave up after %s: %w", limit, ErrNetwork))
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
