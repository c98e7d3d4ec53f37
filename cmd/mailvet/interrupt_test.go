package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mailvet/scanner/lab"
	"mailvet/testdata"
)

// labFlags serves the built-in Internet on real sockets and gives the flags
// that make scan use it.
func labFlags(t *testing.T) []string {
	t.Helper()
	l, err := lab.Load(testdata.Scenarios, "scenarios", lab.Options{Now: time.Now(), Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	dir := t.TempDir()
	anchors, roots := filepath.Join(dir, "anchors"), filepath.Join(dir, "roots.pem")
	for file, text := range map[string]string{anchors: s.Anchors, roots: s.Roots} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"scan", "--resolver", s.Resolver, "--trust-anchor", anchors, "--root-ca", roots,
		"--smtp-port", fmt.Sprint(s.SMTPPort), "--allow-private", "--no-ipv6"}
}

// TestInterrupt: when the user interrupts, what is finished is written whole,
// the exit code is 1, and a list that is still open does not hold it up.
func TestInterrupt(t *testing.T) {
	for _, format := range []string{"jsonl", "internetnl"} {
		t.Run(format, func(t *testing.T) {
			input, feed := io.Pipe()
			results, output := io.Pipe()
			defer feed.Close()
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			var errs strings.Builder
			code, flags := make(chan int, 1), labFlags(t)
			go func() {
				code <- run(ctx, append(flags, "--format", format, "-f", "-"), streams{input, output, &errs})
				output.Close()
			}()
			go fmt.Fprintln(feed, "nomx.test")
			br := bufio.NewReader(results)
			first, err := br.ReadString('}') // something of the first result is there
			if err != nil {
				t.Fatal(err)
			}
			interrupt()
			rest, err := io.ReadAll(br)
			if err != nil {
				t.Fatal(err)
			}
			if c := <-code; c != exitFailed {
				t.Errorf("exit code %d, want %d", c, exitFailed)
			}
			if !json.Valid([]byte(first + string(rest))) {
				t.Errorf("the output is not whole: %s%s", first, rest)
			}
			if want := "interrupted; 1 domain finished and written"; !strings.Contains(errs.String(), want) {
				t.Errorf("standard error lacks %q: %s", want, errs.String())
			}
		})
	}
}

// TestInterruptOpening: a pipe that nobody writes to does not hold it up.
func TestInterruptOpening(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "list")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skip("needs named pipes:", err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	var errs strings.Builder
	if code := run(ctx, []string{"scan", "--resolver", "127.0.0.1:1", "-f", fifo}, streams{nil, io.Discard, &errs}); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	if want := "interrupted; 0 domains"; !strings.Contains(errs.String(), want) {
		t.Errorf("standard error lacks %q: %s", want, errs.String())
	}
}

// TestClosedPipe: when nobody reads any more, the scan stops without a word.
func TestClosedPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	var errs strings.Builder
	if code := run(t.Context(), []string{"demo", "--format", "jsonl"}, streams{nil, w, &errs}); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	if errs.Len() > 0 {
		t.Errorf("standard error: %s", errs.String())
	}
}

// full is a disk that is full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("no space left on device") }

func TestFullDisk(t *testing.T) {
	for _, format := range formats {
		var errs strings.Builder
		if code := run(t.Context(), []string{"demo", "--format", format, "nomx.test"}, streams{nil, full{}, &errs}); code != exitFailed {
			t.Errorf("%s: exit code %d, want %d", format, code, exitFailed)
		}
		if !strings.Contains(errs.String(), "no space left") {
			t.Errorf("%s: standard error: %s", format, errs.String())
		}
	}
}

// TestHelp: every flag has a text, every command its help on standard output.
func TestHelp(t *testing.T) {
	for _, c := range commands() {
		if c.name == "version" {
			continue
		}
		var out, errs strings.Builder
		if code := run(t.Context(), []string{c.name, "--help"}, streams{nil, &out, &errs}); code != exitDone || errs.Len() > 0 {
			t.Errorf("%s --help: exit code %d, %s", c.name, code, errs.String())
		}
		if !strings.HasPrefix(out.String(), "Usage: mailvet "+c.name) {
			t.Errorf("%s --help prints %q", c.name, out.String())
		}
		narrow(t, out.String())
	}
}

// narrow: help fits a terminal of 80 columns and has no words of Go in it.
func narrow(t *testing.T, help string) {
	t.Helper()
	for line := range strings.Lines(help) {
		if len(line) > 81 {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
		if f := strings.Fields(line); len(f) > 1 && slices.Contains([]string{"int", "string", "strings", "duration"}, f[1]) {
			t.Errorf("a type of Go: %s", line)
		}
	}
}

// TestGentleEnd: the first signal lets the domains in hand be finished, the
// list be left, and says how to go on.
func TestGentleEnd(t *testing.T) {
	input, feed := io.Pipe()
	defer feed.Close()
	output := filepath.Join(t.TempDir(), "results.jsonl")
	s := &stopping{asked: make(chan struct{})}
	ctx := context.WithValue(t.Context(), stoppingKey{}, s)
	errs, told := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append(labFlags(t), "-o", output, "-f", "-", "--progress", "never"), streams{input, io.Discard, told})
		told.Close()
	}()
	fmt.Fprintln(feed, "a..b") // which is complained about: from then on the list is being read
	br := bufio.NewReader(errs)
	if first, err := br.ReadString('\n'); err != nil || !strings.Contains(first, "line 1 is left out") {
		t.Fatalf("%q, %v", first, err)
	}
	fmt.Fprintln(feed, "nomx.test")
	for { // until the result is there
		if data, err := os.ReadFile(output); err == nil && strings.HasSuffix(string(data), "\n") {
			break
		}
	}
	close(s.asked)
	rest, err := io.ReadAll(br)
	if err != nil {
		t.Fatal(err)
	}
	if c := <-code; c != exitFailed {
		t.Errorf("exit code %d, want %d", c, exitFailed)
	}
	if want := "interrupted; 1 domain finished and written; the same command with --resume goes on from there"; !strings.Contains(string(rest), want) {
		t.Errorf("standard error lacks %q: %s", want, rest)
	}
}
