package origin

import (
	"context"
	"sync"
	"time"

	"mailvet/dnscheck/rpki"
)

// VRPSet is a table of VRPs with the sources it was filled from.
type VRPSet struct {
	VRPs    *rpki.VRPs
	Sources []rpki.Source
}

// DefaultRefresh is the refresh interval that RFC 8210, Section 6 proposes.
const DefaultRefresh = time.Hour

const (
	retries    = 6           // into how many parts the interval is cut after a failure
	minRefresh = time.Minute // between two loads, however soon the sources end
)

// Refresher keeps VRPs fresh while a long run goes on. It starts nothing of its
// own: who asks for the VRPs when they are due loads them, and everybody else
// uses the old ones meanwhile. Where loading fails the old ones stay, until
// they are too old to judge by. The fields are not changed once Current was
// called; a Refresher may then be used by any number of goroutines.
type Refresher struct {
	// Load fetches all VRPs anew. Its error means that there are none to be had
	// for now.
	Load func(context.Context) (VRPSet, error)
	// First is what was loaded before the first call of Current. Without any
	// source it counts as a failure.
	First VRPSet
	// Every is the time between two loads; 0 is DefaultRefresh.
	Every time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	mu      sync.Mutex
	begun   bool
	loading bool
	next    time.Time
	current VRPSet
}

// Current gives the VRPs, after loading them anew where that is due.
func (f *Refresher) Current(ctx context.Context) VRPSet {
	now := time.Now
	if f.Now != nil {
		now = f.Now
	}
	f.mu.Lock()
	if !f.begun {
		f.begun, f.current = true, f.First
		f.next = f.due(now())
		if len(f.First.Sources) == 0 {
			f.next = now().Add(f.every() / retries)
		}
	}
	set := f.current
	due := !f.loading && !now().Before(f.next)
	f.loading = f.loading || due
	f.mu.Unlock()
	if !due {
		return set
	}

	fresh, err := f.Load(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loading = false
	switch {
	case err == nil:
		f.current = fresh
		f.next = f.due(now())
	case ctx.Err() == nil: // else whoever comes next may try at once
		f.next = now().Add(f.every() / retries)
	}
	return f.current
}

func (f *Refresher) every() time.Duration {
	if f.Every == 0 {
		return DefaultRefresh
	}
	return f.Every
}

// due is when to load next: halfway at the latest to where a source must no
// longer be used, but not at every call where that is over already.
func (f *Refresher) due(now time.Time) time.Time {
	next := now.Add(f.every())
	for _, s := range f.current.Sources {
		if half := now.Add(s.ValidUntil.Sub(now) / 2); !s.ValidUntil.IsZero() && half.Before(next) {
			next = later(half, now.Add(minRefresh))
		}
	}
	return next
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
