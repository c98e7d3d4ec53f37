package resolver

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Bounds of the questions under way to one server at once. It begins in the
// middle and learns what the server bears, as TCP does of a path (RFC 5681):
// each answer lets a little more through, silences halve it. The most is
// [Resolver.MaxInFlight].
const (
	firstWindow = 32
	leastWindow = 4
)

// Silence is a sign of too much only where it is frequent: some names have no
// servers that answer, and a resolver stays silent about these whatever its load.
const (
	lossBound  = 0.05 // the share of silences, from which on the window is halved
	lossMemory = 64   // outcomes over which the share is taken, the latest counting most
)

// window bounds the questions under way to one server.
type window struct {
	mu     sync.Mutex
	size   float64
	most   float64
	shrunk time.Time // the last time
	loss   float64   // share of silences
	used   int
	queue  []chan struct{} // who waits, the first first; closed when let in
}

func newWindow(most int) window {
	return window{size: float64(min(most, firstWindow)), most: float64(most)}
}

// enter waits until one more may be under way. It reports false if ctx ended.
// Who got in calls leave.
func (w *window) enter(ctx context.Context) bool {
	w.mu.Lock()
	if w.used < int(w.size) && len(w.queue) == 0 {
		w.used++
		w.mu.Unlock()
		return true
	}
	in := make(chan struct{})
	w.queue = append(w.queue, in)
	w.mu.Unlock()
	select {
	case <-in:
		return true
	case <-ctx.Done():
	}
	w.mu.Lock()
	i := slices.Index(w.queue, in)
	if i >= 0 {
		w.queue = slices.Delete(w.queue, i, i+1)
	}
	w.mu.Unlock()
	if i < 0 {
		w.leave() // was let in just now
	}
	return false
}

func (w *window) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.used--
	w.admit()
}

// admit lets in those who wait, as many as fit; mu is held.
func (w *window) admit() {
	for len(w.queue) > 0 && w.used < int(w.size) {
		w.used++
		close(w.queue[0])
		w.queue = w.queue[1:]
	}
}

// answered widens the window: by one for each answer until the first silence,
// later by one for each window of answers.
func (w *window) answered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loss -= w.loss / lossMemory
	step := 1.0
	if !w.shrunk.IsZero() {
		step = 1 / w.size
	}
	w.size = min(w.size+step, w.most)
	w.admit()
}

// silent halves the window if silences are frequent, once for all the questions that were under way
// together: one sent before the last halving says nothing new.
func (w *window) silent(sent, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loss += (1 - w.loss) / lossMemory
	if w.loss < lossBound || !sent.After(w.shrunk) {
		return
	}
	w.size = max(w.size/2, min(leastWindow, w.most))
	w.shrunk = now
}
