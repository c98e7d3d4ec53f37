package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// A scan of a list makes a megabyte of garbage for each domain, beside some ten
// megabytes that stay. With the usual setting the garbage is collected each time
// the heap has doubled, many times a second, which takes a fifth of the CPU time.
// So the heap is given something that counts and is never touched, which costs
// address space and no memory: it is collected once it has grown by half of that
// and of what really stays. Where much stays, that is sooner than usual.
const (
	ballast   = 128 << 20
	gcPercent = 50
)

// steadyHeap sets that, unless the user has a wish of his own (GOGC). What it
// returns is called at the end.
func steadyHeap() (end func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	untouched := make([]byte, ballast)
	debug.SetGCPercent(gcPercent)
	return func() { runtime.KeepAlive(untouched) }
}
