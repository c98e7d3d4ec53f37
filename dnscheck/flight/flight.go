// Package flight lets all who want the same thing at the same time share one
// call. In contrast to golang.org/x/sync/singleflight the call belongs to
// nobody: it runs on until it ends or until the last who waits for it has gone,
// so that whoever came first may give up without harm to the others.
package flight

import (
	"context"
	"sync"
)

// Group shares calls by their key. The zero value is ready for use, by any
// number of goroutines. It must not be copied after the first call.
type Group[K comparable, V any] struct {
	// Wait makes the last who gives up stay until the call has ended, which it
	// then does at once if it obeys its context. Not set: the call ends by
	// itself, later.
	Wait bool

	mu    sync.Mutex
	calls map[K]*call[V]
	crew  Crew
}

type call[V any] struct {
	done    chan struct{} // closed when value is set
	value   V
	void    bool // its context ended before it did: value is of no use
	waiting int  // guarded by Group.mu
	cancel  context.CancelFunc
}

// job is a call to make.
type job[K comparable, V any] struct {
	ctx  context.Context
	key  K
	call *call[V]
	fn   func(context.Context) V
}

// Do returns what fn returns for k, and whether somebody else's call gave it.
// fn gets the values of the first caller's context, but not its end: its context
// ends when nobody waits any more. The error is the cause why ctx ended.
func (g *Group[K, V]) Do(ctx context.Context, k K, fn func(context.Context) V) (v V, shared bool, err error) {
	g.mu.Lock()
	c, shared := g.calls[k]
	if !shared {
		detached, cancel := context.WithCancel(context.WithoutCancel(ctx))
		c = g.enter(k, cancel)
		g.crew.Go(func() { g.run(job[K, V]{detached, k, c, fn}) })
	}
	c.waiting++
	g.mu.Unlock()

	select {
	case <-c.done:
		return c.value, shared, nil
	case <-ctx.Done():
	}
	if g.leave(k, c) && g.Wait {
		<-c.done
	}
	return v, shared, context.Cause(ctx)
}

// Join is Do without a goroutine for the call: the first caller makes it, with
// its own context. Where that ends meanwhile, what fn returned is nobody
// else's: one of those who wait makes the call anew. A Group is used by Do or
// by Join, not by both.
func (g *Group[K, V]) Join(ctx context.Context, k K, fn func(context.Context) V) (v V, shared bool, err error) {
	for {
		g.mu.Lock()
		c, shared := g.calls[k]
		if !shared {
			c = g.enter(k, func() {})
			g.mu.Unlock()
			g.lead(job[K, V]{ctx, k, c, fn})
			if c.void {
				return v, false, context.Cause(ctx)
			}
			return c.value, false, nil
		}
		g.mu.Unlock()
		select {
		case <-c.done:
			if !c.void {
				return c.value, true, nil
			}
		case <-ctx.Done():
			return v, true, context.Cause(ctx)
		}
	}
}

// lead makes a call in the caller's goroutine, and ends it whatever happens.
func (g *Group[K, V]) lead(j job[K, V]) {
	j.call.void = true
	defer func() {
		g.mu.Lock()
		g.forget(j.key, j.call)
		g.mu.Unlock()
		close(j.call.done)
	}()
	j.call.value = j.fn(j.ctx)
	j.call.void = j.ctx.Err() != nil
}

// enter is called with mu held.
func (g *Group[K, V]) enter(k K, cancel context.CancelFunc) *call[V] {
	c := &call[V]{done: make(chan struct{}), cancel: cancel}
	if g.calls == nil {
		g.calls = map[K]*call[V]{}
	}
	g.calls[k] = c
	return c
}

// run makes the call.
func (g *Group[K, V]) run(j job[K, V]) {
	j.call.value = j.fn(j.ctx)
	g.mu.Lock()
	g.forget(j.key, j.call)
	g.mu.Unlock()
	j.call.cancel()
	close(j.call.done)
}

// leave reports whether nobody waits any more; the call is then told to end.
func (g *Group[K, V]) leave(k K, c *call[V]) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.waiting--; c.waiting > 0 {
		return false
	}
	c.cancel()
	g.forget(k, c) // who comes now must not get a cancelled call's value
	return true
}

// forget is called with mu held.
func (g *Group[K, V]) forget(k K, c *call[V]) {
	if g.calls[k] == c {
		delete(g.calls, k)
	}
}
