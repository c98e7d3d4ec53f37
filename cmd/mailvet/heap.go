package main

import (
	"os"
	"runtime"
	"runtime/debug"
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

// steadyHeap does that, unless the user has a wish of his own (GOGC,
// GOMEMLIMIT). What it returns is called at the end.
func steadyHeap() (end func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	untouched := make([]byte, ballast)
	debug.SetMemoryLimit(ballast + mostHeap)
	return func() { runtime.KeepAlive(untouched) }
}
