package flight_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/dnscheck/flight"
)

func Example() {
	var g flight.Group[string, int]
	n, shared, err := g.Do(context.Background(), "example.test", func(context.Context) int { return 7 })
	fmt.Println(n, shared, err)
	// Output: 7 false <nil>
}

// slow takes a second, or ends with its context a moment later.
func slow(calls, ended *atomic.Int32) func(context.Context) int {
	return func(ctx context.Context) int {
		calls.Add(1)
		defer ended.Add(1)
		select {
		case <-time.After(time.Second):
			return 7
		case <-ctx.Done():
			time.Sleep(time.Millisecond)
			return 0
		}
	}
}

// The first may leave; the others get its call's value.
func TestFirstLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g flight.Group[string, int]
		var calls, ended atomic.Int32
		var group sync.WaitGroup
		first, leave := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		group.Go(func() {
			if _, shared, err := g.Do(first, "k", slow(&calls, &ended)); shared || !errors.Is(err, gone) {
				t.Errorf("the first: %t, %v", shared, err)
			}
		})
		synctest.Wait()
		group.Go(func() {
			if v, shared, err := g.Do(t.Context(), "k", slow(&calls, &ended)); v != 7 || !shared || err != nil {
				t.Errorf("the second: %d, %t, %v", v, shared, err)
			}
		})
		synctest.Wait()
		leave(gone)
		group.Wait()
		if v, _, _ := g.Do(t.Context(), "other", slow(&calls, &ended)); v != 7 || calls.Load() != 2 {
			t.Errorf("%d, %d calls", v, calls.Load())
		}
	})
}

// Once all have left the call is told to end, and a newcomer starts another.
func TestAllLeave(t *testing.T) {
	for _, wait := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g := flight.Group[string, int]{Wait: wait}
			var calls, ended atomic.Int32
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if _, _, err := g.Do(ctx, "k", slow(&calls, &ended)); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			if got := ended.Load() == 1; got != wait {
				t.Errorf("wait %t: the call has ended: %t", wait, got)
			}
			if v, shared, err := g.Do(t.Context(), "k", slow(&calls, &ended)); v != 7 || shared || err != nil {
				t.Errorf("a newcomer: %d, %t, %v", v, shared, err)
			}
		})
	}
}

// Who joins gets the first one's value; who comes when it is there makes its
// own call.
func TestJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g flight.Group[string, int]
		var calls, ended atomic.Int32
		var group sync.WaitGroup
		var joined atomic.Int32
		for range 10 {
			group.Go(func() {
				v, shared, err := g.Join(t.Context(), "k", slow(&calls, &ended))
				if v != 7 || err != nil {
					t.Errorf("%d, %v", v, err)
				}
				if shared {
					joined.Add(1)
				}
			})
		}
		group.Wait()
		if v, shared, _ := g.Join(t.Context(), "k", slow(&calls, &ended)); v != 7 || shared {
			t.Errorf("a newcomer: %d, %t", v, shared)
		}
		if calls.Load() != 2 || joined.Load() != 9 {
			t.Errorf("%d calls, %d joined", calls.Load(), joined.Load())
		}
	})
}

// Where the first gives up another one makes the call anew, and only one.
func TestJoinFirstLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g flight.Group[string, int]
		var calls, ended atomic.Int32
		var group sync.WaitGroup
		gone := errors.New("gone")
		first, leave := context.WithCancelCause(t.Context())
		group.Go(func() {
			if v, shared, err := g.Join(first, "k", slow(&calls, &ended)); v != 0 || shared || !errors.Is(err, gone) {
				t.Errorf("the first: %d, %t, %v", v, shared, err)
			}
		})
		synctest.Wait()
		for range 5 {
			group.Go(func() {
				if v, _, err := g.Join(t.Context(), "k", slow(&calls, &ended)); v != 7 || err != nil {
					t.Errorf("who stays: %d, %v", v, err)
				}
			})
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Microsecond)
		defer cancel()
		if _, _, err := g.Join(impatient, "k", slow(&calls, &ended)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who joined and left: %v", err)
		}
		leave(gone)
		group.Wait()
		if calls.Load() != 2 {
			t.Errorf("%d calls", calls.Load())
		}
	})
}

// Those who wait for a call that panics are not left waiting.
func TestJoinPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g flight.Group[string, int]
		enter := make(chan struct{})
		go func() {
			defer func() { _ = recover() }()
			_, _, _ = g.Join(t.Context(), "k", func(context.Context) int { <-enter; panic("no") })
		}()
		synctest.Wait()
		go close(enter)
		if v, shared, err := g.Join(t.Context(), "k", func(context.Context) int { return 7 }); v != 7 || shared || err != nil {
			t.Errorf("%d, %t, %v", v, shared, err)
		}
	})
}

// While there is work, goroutines that have done theirs wait for the next, up to
// a bound; after the last none does (synctest.Test fails if one is left).
func TestCrew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var crew flight.Crew
		var done atomic.Int32
		end := make(chan struct{})
		crew.Go(func() { <-end })
		all := int32(0)
		for _, many := range []int{3, 3, 1, 100, 2 * flight.MaxIdle, 5} {
			before := crew.Idle()
			for range many {
				crew.Go(func() { time.Sleep(time.Second); done.Add(1) })
			}
			synctest.Wait()
			if got, want := crew.Idle(), max(before-many, 0); got != want {
				t.Errorf("%d goroutines wait while %d run, want %d", got, many, want)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if got, want := crew.Idle(), min(max(before, many), flight.MaxIdle); got != want {
				t.Errorf("%d goroutines wait after %d, want %d", got, many, want)
			}
			if all += int32(many); done.Load() != all {
				t.Errorf("%d of %d were run", done.Load(), all)
			}
		}
		close(end)
		synctest.Wait()
		if got := crew.Idle(); got != 0 {
			t.Errorf("%d goroutines wait although there is nothing to do any more", got)
		}
	})
}

func BenchmarkDo(b *testing.B) {
	var g flight.Group[int, int]
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = g.Do(b.Context(), 1, func(context.Context) int { return 7 })
	}
}

func BenchmarkJoin(b *testing.B) {
	var g flight.Group[int, int]
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = g.Join(b.Context(), 1, func(context.Context) int { return 7 })
	}
}
