package lab_test

import (
	"bytes"
	"context"
	"flag"
	"io"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mailvet/dnscheck/resolver"
	"mailvet/report"
	"mailvet/report/evidence"
	"mailvet/report/score"
	"mailvet/scanner"
)

const massDefault = 500

var (
	massDomains = flag.Int("mass", massDefault, "domains of the benchmark of lists")
	massWorkers = flag.Int("mass-workers", 0, "workers of the benchmark of lists; 0: the default")
)

// cpu is what this process has used so far.
func cpu() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// maxRSS is the most memory that this process has had, in KB.
func maxRSS() int64 {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return r.Maxrss
}

// massCost is what a run cost.
type massCost struct {
	domains                int
	cpu, wall              time.Duration
	allocs, octets, output uint64
	questions, connections int64
}

// runMass scans the mass as the command does, with all checks, and writes the
// reports.
func runMass(t testing.TB, s *scanner.Scanner, n, workers int) massCost {
	t.Helper()
	b := &scanner.Batch{Scanner: s, Workers: workers}
	var c massCost
	lines := sync.Pool{New: func() any { return new(bytes.Buffer) }}
	var connections atomic.Int64
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c.cpu, c.wall = -cpu(), -time.Duration(time.Now().UnixNano())
	err := b.Run(context.Background(), massList(n), func(_ scanner.Domain, snap *evidence.Snapshot) (func() error, error) {
		r, err := report.New(scanner.Catalogue, score.InternetNL(), snap)
		if err != nil {
			return nil, err
		}
		line := lines.Get().(*bytes.Buffer) // as the command does
		line.Reset()
		if err := report.NewEncoder(line, false).Report(r); err != nil {
			return nil, err
		}
		connections.Add(int64(snap.Cost.SMTPConnections))
		return func() error {
			c.domains++
			c.output += uint64(line.Len())
			_, err := io.Discard.Write(line.Bytes())
			lines.Put(line)
			return err
		}, nil
	})
	c.cpu, c.wall = c.cpu+cpu(), c.wall+time.Duration(time.Now().UnixNano())
	runtime.ReadMemStats(&after)
	c.allocs, c.octets = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	c.questions, c.connections = s.Resolver.(*resolver.Resolver).Stats().Questions, connections.Load()
	if err != nil || c.domains != n {
		t.Fatalf("%d of %d domains, %v", c.domains, n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return c
}

// BenchmarkMass is our own cost of a list: all checks, few providers, reports
// in JSON. That of the servers, another process, is told beside it: the first
// run has them sign their answers.
func BenchmarkMass(b *testing.B) {
	n := *massDomains
	m := startMass(b, n)
	untouched := make([]byte, 128<<20) // as the command does, see steadyHeap there
	defer runtime.KeepAlive(untouched)
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(388 << 20))
	for b.Loop() {
		theirs := -m.cpu()
		c := runMass(b, m.Scanner(), n, *massWorkers)
		theirs += m.cpu()
		per := func(x float64, unit string) { b.ReportMetric(x/float64(n), unit+"/domain") }
		per(float64(c.cpu.Microseconds())/1000, "cpu-ms")
		b.ReportMetric(float64(maxRSS())/1024, "MB-peak")
		per(float64(theirs.Microseconds())/1000, "servers-cpu-ms")
		per(float64(c.allocs), "allocs")
		per(float64(c.octets)/1024, "KB")
		per(float64(c.questions), "questions")
		per(float64(c.connections), "connections")
		per(float64(c.output)/1024, "KB-json")
		b.ReportMetric(2*float64(n)/c.cpu.Seconds(), "domains/s-of-2-cores")
		b.ReportMetric(float64(n)/c.wall.Seconds(), "domains/s")
	}
}
