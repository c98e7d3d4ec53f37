package evidence

import "slices"

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
