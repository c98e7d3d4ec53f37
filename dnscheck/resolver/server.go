package resolver

import (
	"sync"
	"time"
)

// How long a server that failed is left aside: twice as long each time.
const (
	firstAside = 2 * time.Second
	lastAside  = time.Minute
)

// plainFor is how long a server that refused EDNS, and answered without, is
// asked without it at once.
const plainFor = 10 * time.Minute

// server is a Server with what is known of it.
type server struct {
	Server

	mu       sync.Mutex
	failures int       // in a row
	aside    time.Time // not to be preferred before
	probing  bool      // one question was let through although it failed before
	answered time.Time // when it last answered anything
	plain    time.Time // to be asked without EDNS until then
	stream   *stream   // the connection in use over TCP or TLS
	web      *web      // those in use over HTTPS
}

// prefer reports whether the server may be asked like a good one. A server
// whose time aside is over is let through once: its failure must cost one
// question its time, not all that are under way.
func (s *server) prefer(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures == 0 {
		return true
	}
	if now.Before(s.aside) {
		return false
	}
	s.aside, s.probing = now.Add(s.pause()), true
	return true
}

// pause is how long to leave the server aside, by its failures in a row.
func (s *server) pause() time.Duration {
	return min(firstAside<<min(s.failures-1, 10), lastAside)
}

// succeeded records that the server answered.
func (s *server) succeeded(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures, s.probing, s.answered = 0, false, now
}

// failed records that a question sent at that time got no answer. It is no
// sign against the server if it answered another one since. hold is for how
// long, up to lastAside, the server asked to be left in peace.
func (s *server) failed(sent, now time.Time, hold time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answered.After(sent) {
		return
	}
	if s.failures > 0 && !s.probing && now.Before(s.aside) {
		return // one of many that were under way together
	}
	s.failures++
	s.probing = false
	s.aside = now.Add(max(s.pause(), min(hold, lastAside)))
}
