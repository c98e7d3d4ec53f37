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

// deadAfter is after how many questions in a row that had no answer at all a
// server is taken for dead: the next ones are tried once, for lastChance of the
// time, so that a list of domains does not wait for each in full. One from time
// to time has all the time of a try (see prefer). Any answer revives it.
const (
	deadAfter  = 4
	lastChance = 3 // Timeout is divided by it
)

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
	spoken   bool      // it has answered a question with EDNS, whatever it said
	// unanswered is for how many questions in a row all tries were in vain.
	unanswered int

	window window
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
	s.failures, s.probing, s.answered, s.unanswered = 0, false, now, 0
}

// gaveUp records that all tries of a question were in vain, from the time when
// it was asked first.
func (s *server) gaveUp(began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.answered.After(began) {
		s.unanswered++
	}
}

func (s *server) dead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unanswered >= deadAfter
}

// manner is how one question is sent.
type manner struct {
	size     uint16 // offered by EDNS; zero: without EDNS
	tcp      bool   // at once, where else UDP comes first
	trial    bool   // without EDNS only to see whether that is why the server is silent
	last     bool   // the server seems dead: no second try
	patience time.Duration
}

// manner says how to ask, by what is known of the server and by how many tries
// of this question were met with silence. Silence over UDP may mean that a
// large answer was lost in fragments: then a small one is asked for, which is
// truncated if need be (RFC 6891, Section 6.2.5), then the answer over TCP. Or
// it means that EDNS is dropped on the way; so of a server that never answered
// a question with EDNS one without is asked.
func (s *server) manner(now time.Time, silences int, healthy bool, timeout time.Duration) manner {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := manner{size: udpSize, patience: timeout}
	if s.unanswered >= deadAfter {
		m.last = true
		if !healthy {
			m.patience = timeout / lastChance
		}
	}
	if now.Before(s.plain) {
		m.size = 0
	}
	if s.Transport != Plain {
		return m
	}
	switch {
	case silences > 1:
		m.tcp = true
	case m.size > 0 && !s.spoken && s.failures > 0:
		m.size, m.trial = 0, true
	case m.size > 0 && silences > 0:
		m.size = smallSize
	}
	return m
}

// speaks records that the server answers questions with EDNS.
func (s *server) speaks() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spoken = true
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
	if s.failures > 0 && !s.probing && sent.Before(s.aside) {
		return // one of many that were under way together, or a last chance
	}
	s.failures++
	s.probing = false
	s.aside = now.Add(max(s.pause(), min(hold, lastAside)))
}
