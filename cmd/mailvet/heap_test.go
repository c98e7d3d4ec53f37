package main

import (
	"runtime"
	"testing"
)

// TestSteadyHeap: garbage is collected now and then, also where so much stays
// that a list would come to the bound of its memory.
func TestSteadyHeap(t *testing.T) {
	if !alone(t) {
		return
	}
	defer steadyHeap()()
	const piece, made = 512 << 10, 2048 // 1 GB
	for _, test := range []struct{ stays, most int }{{10 << 20, 16}, {100 << 20, 20}, {200 << 20, 18}, {300 << 20, 18}} {
		var kept [][]byte
		for n := 0; n < test.stays; n += piece {
			kept = append(kept, make([]byte, piece))
		}
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range made {
			garbage = make([]byte, piece)
		}
		runtime.ReadMemStats(&after)
		n := after.NumGC - before.NumGC
		t.Logf("%d MB stay: %d collections, at most %d MB", test.stays>>20, n, (after.Sys-ballast)>>20)
		if n < 2 || int(n) > test.most {
			t.Errorf("%d MB stay: %d collections for 1 GB of garbage", test.stays>>20, n)
		}
		runtime.KeepAlive(kept)
	}
}

var garbage []byte
