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
//
// A heap that is full of what stays would be collected without a pause then.
// Where there is less room than for leastGarbage, and no more came, the bound is
// raised by a step; it is lowered again where far more came. A run that waits is
// collected now and then with hardly any garbage: that raises nothing.
const (
	ballast      = 128 << 20
	mostHeap     = 260 << 20
	leastGarbage = 96 << 20
	heapStep     = 24 << 20
)

// steadyHeap does that, unless the user has a wish of his own (GOGC,
// GOMEMLIMIT). What it returns is called at the end.
func steadyHeap() (end func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	untouched := make([]byte, ballast)
	before := debug.SetMemoryLimit(ballast + mostHeap)
	var ended atomic.Bool
	bound := int64(mostHeap)
	made, _ := heapNumbers()
	afterEach(func() bool {
		now, live := heapNumbers()
		garbage := now - made
		made = now
		switch {
		case ended.Load():
			return false
		case garbage < leastGarbage && live+leastGarbage > uint64(ballast+bound):
			bound += heapStep
		case garbage > 2*leastGarbage && bound > mostHeap:
			bound -= heapStep
		default:
			return true
		}
		debug.SetMemoryLimit(ballast + bound)
		return true
	})
	return func() {
		ended.Store(true)
		debug.SetMemoryLimit(before)
		runtime.KeepAlive(untouched)
	}
}

// heapNumbers are how many octets were allocated so far, and how many of them
// stayed at the last collection.
func heapNumbers() (made, live uint64) {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64(), s[1].Value.Uint64()
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
