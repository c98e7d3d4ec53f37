package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"mailvet/report/evidence"
	"mailvet/scanner"
)

var massLines = flag.Int("mass", 2000, "lines of the list by which memory is measured; the bound holds for a million")

// nothing is an Internet in which no domain has anything.
type nothing struct{}

func (nothing) Lookup(_ context.Context, name, qtype string) (evidence.Lookup, error) {
	return evidence.Lookup{Name: name, Type: qtype, Outcome: evidence.OutcomeNXDomain, Security: evidence.SecurityInsecure}, nil
}

func (nothing) Reach(_ context.Context, host string, addr netip.Addr, _ string) (evidence.Reach, error) {
	return evidence.Reach{Host: host, Addr: addr.String()}, nil
}

// counting is a list of so many names, each another.
type counting struct {
	next, most int
	rest       string
	each       func(i int)
}

func (c *counting) Read(b []byte) (int, error) {
	if c.rest == "" {
		if c.next == c.most {
			return 0, io.EOF
		}
		c.rest = fmt.Sprintf("customer-%07d.example\n", c.next)
		c.next++
		c.each(c.next)
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// alone runs the test in a process of its own, for what others have left in the
// heap may go at any moment. It reports whether this is that process; the other
// has nothing more to do.
func alone(t *testing.T) bool {
	t.Helper()
	const sign = "MAILVET_TEST_ALONE"
	if os.Getenv(sign) == t.Name() {
		return true
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=0", "-mass="+strconv.Itoa(*massLines))
	cmd.Env = append(os.Environ(), sign+"="+t.Name())
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name()+" ")) {
		t.Fatalf("alone: %v", err)
	}
	return false
}

// heapNow is what is in use once all garbage is collected: what pools hold goes
// with the second collection only.
func heapNow(m *runtime.MemStats) {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(m)
}

// TestMassMemory: no more than a few dozen octets stay of a line, so that a
// million lines and results stay within 300 MB, which -mass 1000000 shows. The
// order of the list costs no more.
func TestMassMemory(t *testing.T) {
	if !alone(t) {
		return
	}
	for _, order := range []string{"done", "input"} {
		t.Run(order, func(t *testing.T) { massMemory(t, order) })
	}
}

func massMemory(t *testing.T, order string) {
	n := *massLines
	var start, end runtime.MemStats
	peak := uint64(0)
	list := &counting{most: n, each: func(i int) {
		var now runtime.MemStats
		switch {
		case i == n/4:
			heapNow(&start)
		case i == n:
			heapNow(&end)
		case i%(n/50) == 0:
			runtime.ReadMemStats(&now)
			peak = max(peak, now.Sys)
		}
	}}
	o := &options{file: "-", output: filepath.Join(t.TempDir(), "out.jsonl"), format: "jsonl", order: order, progress: "never", quiet: true, workers: 16}
	s := &scanner.Scanner{Resolver: nothing{}, Vantage: evidence.Vantage{NoSMTP: true, NoHTTP: true, NoIPv6: true, NoExtra: true, DNSSEC: evidence.ValidationOwn}}
	file, err := openList(t.Context(), "-", "", list, func(string, ...any) {})
	if err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	began := time.Now()
	if err := scanList(t.Context(), o, s, nil, file, streams{nil, io.Discard, &errs}); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	per := (float64(end.HeapAlloc) - float64(start.HeapAlloc)) / float64(n-n/4)
	million := float64(start.HeapAlloc) + max(per, 0)*1e6
	t.Logf("%d lines in %s: %.0f octets stay of each, %.0f MB of heap with a million; at most %d MB were taken from the system", n, time.Since(began).Round(time.Millisecond), per, million/1e6, peak>>20)
	// What is in hand at the two moments differs by some megabytes, so a short
	// list can only show that no report is kept: the smallest has over 10 kB.
	if limit := 8192.0; per > limit || peak > 300<<20 {
		t.Errorf("%.0f octets stay of each line, at most %.0f may; %d MB were taken from the system", per, limit, peak>>20)
	}
	if order == "input" {
		inListOrder(t, o.output, n)
	}
	if n >= 1e6 && million > 150e6 { // the collector lets the heap double
		t.Errorf("%.0f MB of heap with a million lines", million/1e6)
	}
}

// inListOrder sees that a file has the results of a [counting] list, in its order.
func inListOrder(t *testing.T, name string, n int) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := 0
	for m := range messages(f, parseDomain) {
		if m.err == nil && at < n && m.what != fmt.Sprintf("customer-%07d.example", at) {
			t.Fatalf("%s is result %d", m.what, at)
		}
		if m.err == nil {
			at++
		}
	}
	if at != n+1 { // with the summary
		t.Errorf("%d messages", at)
	}
}

// TestMassDuplicates: to keep duplicates the list is read to its end first, and
// what is held of it then are little more than the names.
func TestMassDuplicates(t *testing.T) {
	if !alone(t) {
		return
	}
	n := max(*massLines, 50_000)
	file, err := openList(t.Context(), "-", "", &counting{most: n, each: func(int) {}}, func(string, ...any) {})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	heapNow(&before)
	e, got := &entries{keep: true}, 0
	for d := range e.domains(t.Context(), nil, nil, file) {
		if got++; got == 1 {
			heapNow(&after)
		}
		if e.take(d.Name) != 1 {
			t.Fatalf("%s is to be reported %d times", d.Name, e.take(d.Name))
		}
	}
	per := (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / float64(n)
	t.Logf("%d domains, %.0f octets of each; at most %d MB were taken from the system", got, per, after.Sys>>20)
	if got != n || per < 16 || per > 150 { // a fingerprint and a count are 16
		t.Errorf("%d of %d domains, %.0f octets of each", got, n, per)
	}
}
