package fetch

import (
	"context"
	"sync"
)

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
