package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// A scan of a list makes half a megabyte of garbage for each domain, beside some
// ten megabytes that stay. With the usual setting the garbage is collected each
// time the heap has doubled, many times a second, which takes a fifth of the CPU
// time. So the heap is given something that counts and is never touched, which
// costs address space and no memory: it is collected once it has grown by that
// and by what really stays, or has come near to what a list may take at all.
const (
	ballast  = 128 << 20
	mostHeap = 260 << 20
)

// heapLimit is what the heap may take, ballast included, if so much of it stays.
// Where that is most of what a list may take, it leaves room: a heap
// that is full of what stays would be collected without a pause.
func heapLimit(stays int64) int64 {
	return ballast + max(mostHeap, stays+stays/4+64<<20)
}

// steadyHeap does that, unless the user has a wish of his own (GOGC,
// GOMEMLIMIT). What it returns is called at the end.
func steadyHeap() (end func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	untouched := make([]byte, ballast)
	set := heapLimit(0)
	before := debug.SetMemoryLimit(set)
	var ended atomic.Bool
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	afterEach(func() bool {
		metrics.Read(live)
		// To set it stops everything for a moment.
		if want := heapLimit(int64(live[0].Value.Uint64()) - ballast); !ended.Load() && (want > set+set/32 || want < set-set/32) {
			set = want
			debug.SetMemoryLimit(set)
		}
		return !ended.Load()
	})
	return func() {
		ended.Store(true)
		debug.SetMemoryLimit(before)
		runtime.KeepAlive(untouched)
	}
}

// afterEach calls f some time after each collection, until it returns false.
func afterEach(f func() bool) {
	type sign struct{ _ *int } // with a pointer it shares its place with no other
	var watch func(*sign)
	watch = func(*sign) {
		if f() {
			runtime.SetFinalizer(&sign{}, watch)
		}
	}
	runtime.SetFinalizer(&sign{}, watch)
}
