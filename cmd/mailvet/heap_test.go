package main

import (
	"crypto/sha256"
	"runtime"
	"runtime/debug"
	"testing"
)

// TestSteadyHeap: garbage is collected now and then, also where so much stays
// that a list would come to the bound of its memory.
func TestSteadyHeap(t *testing.T) {
	if !alone(t) {
		return
	}
	defer steadyHeap()()
	for range 100 { // as of a run that waits
		runtime.GC()
	}
	if bound := debug.SetMemoryLimit(-1); bound != ballast+mostHeap {
		t.Errorf("the bound is %d MB after collections of nothing", bound>>20)
	}
	for _, test := range []struct{ stays, most int }{{10 << 20, 16}, {100 << 20, 20}, {200 << 20, 18}} {
		var kept [][]byte
		for n := 0; n < test.stays; n += piece {
			kept = append(kept, make([]byte, piece))
		}
		runtime.GC()
		make1GB() // which is where it learns
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		make1GB()
		runtime.ReadMemStats(&after)
		n := after.NumGC - before.NumGC
		t.Logf("%d MB stay: %d collections, at most %d MB", test.stays>>20, n, (after.Sys-ballast)>>20)
		if int(n) > test.most {
			t.Errorf("%d MB stay: %d collections for 1 GB of garbage", test.stays>>20, n)
		}
		runtime.KeepAlive(kept)
	}
}

const piece = 512 << 10

var garbage []byte

func make1GB() {
	for range 1 << 30 / piece {
		garbage = make([]byte, piece)
		sha256.Sum256(garbage[:piece/2]) // a scan has more to do than that for so much
	}
}
