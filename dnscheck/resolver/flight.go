package resolver

import (
	"context"
	"sync"
)

// flight lets all who want the same thing at the same time share one call. In
// contrast to golang.org/x/sync/singleflight the call belongs to nobody: it
// runs on until it ends or until the last who waits for it has gone.
type flight[K comparable, V any] struct {
	mu    sync.Mutex
	calls map[K]*call[V]
}

type call[V any] struct {
	done    chan struct{} // closed when value is set
	value   V
	waiting int // guarded by flight.mu
	cancel  context.CancelFunc
}

// do returns what fn returns for k, and whether somebody else's call gave it.
// fn gets the values of the first caller's context, but not its end. The error
// is ctx's.
func (f *flight[K, V]) do(ctx context.Context, k K, fn func(context.Context) V) (v V, shared bool, err error) {
	f.mu.Lock()
	c, shared := f.calls[k]
	if !shared {
		detached, cancel := context.WithCancel(context.WithoutCancel(ctx))
		c = &call[V]{done: make(chan struct{}), cancel: cancel}
		if f.calls == nil {
			f.calls = map[K]*call[V]{}
		}
		f.calls[k] = c
		go func() {
			c.value = fn(detached)
			f.mu.Lock()
			f.forget(k, c)
			f.mu.Unlock()
			cancel()
			close(c.done)
		}()
	}
	c.waiting++
	f.mu.Unlock()

	select {
	case <-c.done:
		return c.value, shared, nil
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.waiting--; c.waiting == 0 {
		c.cancel()
		f.forget(k, c) // who comes now must not get a cancelled call's value
	}
	return v, shared, context.Cause(ctx)
}

func (f *flight[K, V]) forget(k K, c *call[V]) {
	if f.calls[k] == c {
		delete(f.calls, k)
	}
}
