package main

import (
	"os"
	"runtime"
)

// A scan of a list makes most of a megabyte of garbage for each domain, beside
// some ten megabytes that stay. With the usual setting the garbage is collected
// each time the heap has doubled, many times a second, which takes a fifth of the
// CPU time. So the heap is given something that counts and is never touched,
// which costs address space and no memory: it is collected once it has grown by
// that and by what really stays.
const ballast = 128 << 20

// steadyHeap does that, unless the user has a wish of his own (GOGC). What it
// returns is called at the end.
func steadyHeap() (end func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	untouched := make([]byte, ballast)
	return func() { runtime.KeepAlive(untouched) }
}
