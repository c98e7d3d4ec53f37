package fetch

import (
	"context"
	"sync"
)

// flight lets all who want the same thing at the same time share one call. The
// call belongs to nobody: it runs on until it ends or until the last who waits
// for it has gone.
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
// fn gets the values of the first caller's context, but not its end.
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
		go f.run(detached, k, c, fn)
	}
	c.waiting++
	f.mu.Unlock()
	select {
	case <-c.done:
		return c.value, shared, nil
	case <-ctx.Done():
	}
	f.mu.Lock()
	last := false
	if c.waiting--; c.waiting == 0 {
		last = true
		c.cancel()
		f.forget(k, c) // who comes now must not get a cancelled call's value
	}
	f.mu.Unlock()
	if last {
		<-c.done // at once, for it obeys its context
	}
	return v, shared, context.Cause(ctx)
}

func (f *flight[K, V]) run(ctx context.Context, k K, c *call[V], fn func(context.Context) V) {
	c.value = fn(ctx)
	f.mu.Lock()
	f.forget(k, c)
	f.mu.Unlock()
	c.cancel()
	close(c.done)
}

func (f *flight[K, V]) forget(k K, c *call[V]) {
	if f.calls[k] == c {
		delete(f.calls, k)
	}
}

// locks is one lock for each key that is in use.
type locks[K comparable] struct {
	mu   sync.Mutex
	held map[K]*lock
}

type lock struct {
	token chan struct{}
	users int // guarded by locks.mu
}

// hold waits for the key's lock. The result gives it back; it is nil if ctx
// was done before.
func (l *locks[K]) hold(ctx context.Context, k K) (release func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[K]*lock{}
	}
	x := l.held[k]
	if x == nil {
		x = &lock{token: make(chan struct{}, 1)}
		l.held[k] = x
	}
	x.users++
	l.mu.Unlock()
	leave := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if x.users--; x.users == 0 {
			delete(l.held, k)
		}
	}
	select {
	case x.token <- struct{}{}:
		return func() { <-x.token; leave() }
	case <-ctx.Done():
		leave()
		return nil
	}
}
