package dnssec

import (
	"container/list"
	"time"

	"mailvet/report/evidence"
)

// state is what is known of one name: which zone it is in, or why there is no
// chain of trust to it. It is never changed once made.
type state struct {
	zone  *zone  // the zone that holds the records of the name; nil with fault
	fault *fault // why there is no secure zone
	// empty says that the name does not exist, and so nothing below it.
	empty bool
	chain []evidence.Zone
	// messages are the answers that it was found out by; only with Keep.
	messages []Message
	// expires is when it must be found out anew; the zero time if it must not
	// be remembered.
	expires time.Time
	// private says that it is of no use to others who wait for it: the one who
	// asked was cancelled, or had asked too much.
	private bool
}

// How long states are remembered, whatever the records say.
const (
	longest  = time.Hour
	shortest = 5 * time.Second
	// A broken chain may be the resolver's or a single server's fault.
	longestBogus  = 10 * time.Second
	longestFailed = time.Second
)

const defaultMaxZones = 20000

// remember sets the time until which the state counts.
func (s *state) remember(now time.Time, ttl time.Duration) *state {
	ttl = max(min(ttl, longest), shortest)
	if s.fault != nil {
		switch s.fault.security {
		case evidence.SecurityBogus:
			ttl = min(ttl, longestBogus)
		case evidence.SecurityIndeterminate:
			ttl = longestFailed
		}
	}
	s.expires = now.Add(ttl)
	return s
}

// cache holds the states of names, the least recently used dropped first. It
// is guarded by the validator's mutex. The zero value is empty and ready.
type cache struct {
	entries map[name]*list.Element
	order   list.List // of *cacheEntry, most recently used first
}

type cacheEntry struct {
	name  name
	state *state
}

func (c *cache) find(n name, now time.Time) *state {
	e := c.entries[n]
	if e == nil {
		return nil
	}
	s := e.Value.(*cacheEntry).state
	if !now.Before(s.expires) {
		return nil
	}
	c.order.MoveToFront(e)
	return s
}

func (c *cache) put(n name, s *state, limit int) {
	if c.entries == nil {
		c.entries = make(map[name]*list.Element)
	}
	if e := c.entries[n]; e != nil {
		e.Value.(*cacheEntry).state = s
		c.order.MoveToFront(e)
		return
	}
	c.entries[n] = c.order.PushFront(&cacheEntry{n, s})
	for len(c.entries) > limit {
		last := c.order.Back()
		delete(c.entries, last.Value.(*cacheEntry).name)
		c.order.Remove(last)
	}
}

// flight is a state that is being found out; those who want it too wait.
type flight struct {
	done  chan struct{}
	state *state // set before done is closed; nil if it could not be made
}
