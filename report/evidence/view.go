package evidence

import (
	"slices"
	"sync"
)

// Views are copies of a snapshot that share all it holds, for the time in
// which it does not change. They are for one goroutine.

// Watch makes view a view of s that adds to missed what [Snapshot.Lookup] is asked for and
// does not find, each question once. As long as no such lookup is there, a
// function that reads the snapshot by Lookup alone has the same result again.
func (s *Snapshot) Watch(view *Snapshot, missed *[]Question) {
	*view = *s
	view.missed = missed
}

func (s *Snapshot) miss(name, typ string) {
	if q := (Question{name, typ}); s.missed != nil && !slices.Contains(*s.missed, q) {
		*s.missed = append(*s.missed, q)
	}
}

// Frozen is a view that remembers what [Once] works out.
func (s *Snapshot) Frozen() *Snapshot {
	view := *s
	view.once = map[any]any{}
	return &view
}

// Once is f(), worked out once for a [Snapshot.Frozen] view and a key, and at
// each call for any other snapshot. The key is of a type of the caller's own,
// so that it is nobody else's. The result is shared: nobody may change it.
func Once[T any](s *Snapshot, key any, f func() T) T {
	if s.once == nil {
		return f()
	}
	if v, ok := s.once[key]; ok {
		return v.(T)
	}
	v := f()
	s.once[key] = v
	return v
}

// Memo remembers what was worked out of evidence that many snapshots hold, as
// the chain of a mail server that many domains share. The zero value is ready
// for use, by any number of goroutines; it must not be copied. What was not
// wanted for long is forgotten, so that at most 2 × [MaxMemo] results are kept.
type Memo struct {
	mu         sync.Mutex
	young, old map[any]any
}

// MaxMemo bounds a [Memo].
const MaxMemo = 1024

// Remember is f() as worked out before with the same memo and key, or worked
// out now; without a memo always now. The key says everything that the result
// depends on, and is of a type of the caller's own. The result is shared:
// nobody may change it.
func Remember[T any](m *Memo, key any, f func() T) T {
	if m == nil {
		return f()
	}
	if v, ok := m.get(key); ok {
		return v.(T)
	}
	v := f() // several may work it out at once, and all come to the same
	m.put(key, v)
	return v
}

func (m *Memo) get(key any) (any, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.young[key]
	if !ok {
		if v, ok = m.old[key]; ok {
			m.keep(key, v)
		}
	}
	return v, ok
}

func (m *Memo) put(key, v any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keep(key, v)
}

// keep is called with mu held.
func (m *Memo) keep(key, v any) {
	if len(m.young) >= MaxMemo {
		m.young, m.old = nil, m.young
	}
	if m.young == nil {
		m.young = map[any]any{}
	}
	m.young[key] = v
}

// Share makes what is worked out of s known to all that share m.
func (s *Snapshot) Share(m *Memo) { s.memo = m }

// Memo is what s shares, nil if nothing.
func (s *Snapshot) Memo() *Memo { return s.memo }
