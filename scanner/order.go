package scanner

import (
	"context"
	"sync"
)

// order hands out reports in the order of the list. A nil order does so as
// they come.
type order struct {
	ahead int // domains begun and not reported, at most

	mu    sync.Mutex
	next  int // to be reported
	ready map[int]func() error
	moved chan struct{} // closed when next has moved
}

func newOrder(ahead int) *order {
	return &order{ahead: ahead, ready: map[int]func() error{}, moved: make(chan struct{})}
}

// wait returns when the domain at a place of the list may begin.
func (o *order) wait(ctx context.Context, at int) error {
	if o == nil {
		return ctx.Err()
	}
	for {
		o.mu.Lock()
		next, moved := o.next, o.moved
		o.mu.Unlock()
		if at < next+o.ahead {
			return ctx.Err()
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// emit writes the report of a place, and those that waited for it, or keeps it
// until its turn. One goroutine at a time may call it.
func (o *order) emit(at int, write func() error) error {
	if o == nil {
		return write()
	}
	o.mu.Lock()
	o.ready[at] = write
	o.mu.Unlock()
	for {
		o.mu.Lock()
		write := o.ready[o.next]
		if write == nil {
			o.mu.Unlock()
			return nil
		}
		delete(o.ready, o.next)
		o.next++
		close(o.moved)
		o.moved = make(chan struct{})
		o.mu.Unlock()
		if err := write(); err != nil {
			return err
		}
	}
}
