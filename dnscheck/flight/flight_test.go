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
