//go:build unix

package main

import (
	"errors"
	"syscall"
	"testing"
)

// TestSpare: a write that fails for want of room is made again once there is
// some, and what was written of it before is taken back.
func TestSpare(t *testing.T) {
	if !alone(t) { // the limit is for the whole process
		return
	}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	room := func(octets uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: octets, Max: before.Max}); err != nil {
			t.Fatal(err)
		}
	}
	defer room(before.Cur)
	for _, test := range []struct {
		name  string
		rooms []uint64 // after each time that something was given up
		want  string
	}{
		{"nothing to give up", nil, "{}\n"},
		{"enough", []uint64{100}, "{}\nmore\n"},
		{"enough at the second time", []uint64{6, 8}, "{}\nmore\n"},
		{"never enough", []uint64{6, 7}, "{}\n"},
	} {
		w := stored(t, nil)
		asked := 0
		w.spare = func() bool {
			if asked++; asked > len(test.rooms) {
				return false
			}
			room(test.rooms[asked-1])
			return true
		}
		room(before.Cur)
		if _, err := w.Write([]byte("{}\n")); err != nil {
			t.Fatal(err)
		}
		room(5)
		_, err := w.Write([]byte("more\n"))
		room(before.Cur)
		if failed := test.want == "{}\n"; string(content(t, w)) != test.want || errors.Is(err, syscall.EFBIG) != failed || w.good != int64(len(test.want)) {
			t.Errorf("%s: %q, %v", test.name, content(t, w), err)
		}
	}
}
