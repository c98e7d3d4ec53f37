package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Bad days of a run over a list, with the real program.

// dnsFlags are those of a scan of the lab without mail servers.
func dnsFlags(t *testing.T) []string {
	t.Helper()
	flags := labFlags(t)
	at := slices.Index(flags, "--smtp-port")
	return append(slices.Delete(flags, at, at+2), "--no-smtp", "--no-http")
}

// badDay is a command over a long list of domains that answer quickly.
func badDay(t *testing.T, dir string) []string {
	t.Helper()
	list, _ := labList(t, dir)
	return append(dnsFlags(t), "-f", list, "--workers", "2", "--progress", "never")
}

// TestDiskFull: what was written before stays, whole, the error says what is the
// matter, and with room again the run goes on.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.jsonl")
	args := append(badDay(t, dir), "-o", out)
	limited := exec.Command("sh", append([]string{"-c", `ulimit -f 400 && exec mailvet "$@"`, "sh"}, args...)...)
	var errs bytes.Buffer
	limited.Stderr = &errs
	err := limited.Run()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != exitFailed {
		t.Fatalf("%v: %s", err, &errs)
	}
	for _, want := range []string{"cannot write the results", "file too large", "domains finished and written; the same command with --resume goes on"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("standard error lacks %q: %s", want, &errs)
		}
	}
	data, _ := os.ReadFile(out)
	if len(data) == 0 || data[len(data)-1] != '\n' || len(data) > 400*1024 {
		t.Errorf("%d octets are left, and the last line is torn", len(data))
	}
	before, _ := results(t, out)
	cmd, more := program(t, append(args, "--resume")...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, more)
	}
	after, sum := results(t, out)
	if len(after) <= len(before) || sum == nil || sum.Domains != len(after) {
		t.Errorf("%d results, then %d, summary %+v", len(before), len(after), sum)
	}
}

// TestDiskFullDevice: standard output may be full, too.
func TestDiskFullDevice(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("needs /dev/full:", err)
	}
	defer full.Close()
	cmd, errs := program(t, append(badDay(t, t.TempDir()), "--format", "jsonl")...)
	cmd.Stdout = full
	if err := cmd.Run(); err == nil || !strings.Contains(errs.String(), "no space left on device") {
		t.Errorf("%v: %s", err, errs)
	}
}

// TestSignals: each of the signals that ask for an end has one that loses
// nothing; under nohup, SIGHUP is no such signal.
func TestSignals(t *testing.T) {
	// Where the tests run under nohup, the program would ignore it, too; what is
	// handled here is not ignored there.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	defer signal.Stop(caught)
	for _, test := range []struct {
		name   string
		signal syscall.Signal
		nohup  bool
		want   int
	}{
		{"SIGINT", syscall.SIGINT, false, exitFailed}, {"SIGTERM", syscall.SIGTERM, false, exitFailed},
		{"SIGHUP", syscall.SIGHUP, false, exitFailed}, {"SIGHUP under nohup", syscall.SIGHUP, true, exitDone},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			list, _ := labList(t, dir)
			out := filepath.Join(dir, "out.jsonl")
			args := append(dnsFlags(t), "-f", "-", "--workers", "2", "--progress", "never", "-o", out)
			cmd, errs := program(t, args...)
			if test.nohup {
				cmd = exec.Command("sh", append([]string{"-c", `trap "" HUP && exec mailvet "$@"`, "sh"}, args...)...)
				cmd.Stderr = errs
			}
			feed, err := cmd.StdinPipe() // the list has no end before the signal
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			domains, err := os.ReadFile(list)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := feed.Write(domains); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait(); close(ended) }()
			awaitLines(out, 3, ended)
			if err := cmd.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			if test.nohup {
				feed.Close()
			}
			<-ended
			if code := cmd.ProcessState.ExitCode(); code != test.want {
				t.Errorf("exit code %d, want %d: %s", code, test.want, errs)
			}
			got, _ := results(t, out)
			if hint := fmt.Sprintf("interrupted; %d domains finished and written; the same command with --resume", len(got)); test.want == exitFailed && !strings.Contains(errs.String(), hint) {
				t.Errorf("standard error lacks %q: %s", hint, errs)
			}
		})
	}
}

// TestTwoSignals: the second one does not wait for what is in hand.
func TestTwoSignals(t *testing.T) {
	dir := t.TempDir()
	list, out := filepath.Join(dir, "list"), filepath.Join(dir, "out.jsonl")
	// Nobody answers at the port of DNS servers there; a slow question is in hand.
	if err := os.WriteFile(list, []byte("nomx.test\nslow.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	silent, err := listenSilently()
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	cmd, _ := program(t, "scan", "--resolver", silent.LocalAddr().String(), "-f", list, "-o", out, "--retries", "10")
	cmd.Stderr = nil
	told, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = silent.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := silent.Read(make([]byte, 512)); err != nil { // it is at work
		t.Fatal(err)
	}
	began := time.Now()
	_ = cmd.Process.Signal(syscall.SIGINT)
	br := bufio.NewReader(told)
	if line, err := br.ReadString('\n'); err != nil || !strings.Contains(line, "once more stops at once") {
		t.Errorf("%q, %v", line, err)
	}
	_ = cmd.Process.Signal(syscall.SIGINT)
	rest, _ := io.ReadAll(br)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed || time.Since(began) > grace/2 || !strings.Contains(string(rest), "interrupted") {
		t.Errorf("exit code %d after %s: %s", code, time.Since(began), rest)
	}
}

// TestClosedPipeOfList: when nobody reads the results any more, the run ends
// without a word, though the list goes on.
func TestClosedPipeOfList(t *testing.T) {
	dir := t.TempDir()
	args := badDay(t, dir)
	cmd, errs := program(t, append(args, "--format", "jsonl", "-q")...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	out.Close()
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed || errs.Len() > 0 {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// noticing does something at the first octets that are written to it.
type noticing struct{ do func() error }

func (n *noticing) Write(b []byte) (int, error) {
	if do := n.do; do != nil {
		n.do = nil
		return len(b), do()
	}
	return len(b), nil
}

// TestListChanges: a list that becomes another one during the run is told of.
func TestListChanges(t *testing.T) {
	dir := t.TempDir()
	args := badDay(t, dir)
	var errs strings.Builder
	change := func() error { return os.WriteFile(filepath.Join(dir, "list.txt"), []byte("nomx.test\n"), 0o600) }
	run(t.Context(), append(args, "--format", "jsonl"), streams{nil, &noticing{change}, &errs})
	if want := "list.txt was changed while it was read"; !strings.Contains(errs.String(), want) {
		t.Errorf("standard error lacks %q: %s", want, errs.String())
	}
}

// repeated is one line, very often.
type repeated struct {
	line []byte
	left int
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := 0
	for r.left > 0 && n+len(r.line) <= len(b) {
		n += copy(b[n:], r.line)
		r.left--
	}
	return n, nil
}

// TestMillionTimesOne: a list of a million times one name is one scan and one
// result.
func TestMillionTimesOne(t *testing.T) {
	var out, errs strings.Builder
	args := append(dnsFlags(t), "-f", "-", "--format", "jsonl", "--progress", "never")
	if code := run(t.Context(), args, streams{&repeated{[]byte("info@nomx.test\n"), 1_000_000}, &out, &errs}); code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	if n := strings.Count(out.String(), `"schema":"mailvet.report/v1"`); n != 1 || !strings.Contains(errs.String(), "1 domain, ") {
		t.Errorf("%d results; %s", n, errs.String())
	}
}

// TestHostileLists: whatever a list holds, the run comes to its end, and each
// line is either scanned or told of.
func TestHostileLists(t *testing.T) {
	for name, test := range map[string]struct {
		list, column string
		scanned, bad int
	}{
		"CRLF and a byte-order mark": {"\ufeffnomx.test\r\n\r\nnullmx.test\r\n", "", 2, 0},
		"a number sign in a company": {"Name;Domain\nNumber #1;nomx.test\n# none\n\"#2; Ltd\";nullmx.test\n", "domain", 2, 0},
		"control characters":         {"nomx.test\x00\n\x1b[31mnullmx.test\nnomx.test\n", "", 1, 2},
		"no line end":                {"nomx.test", "", 1, 0},
		"a line without end":         {"nomx.test\n" + strings.Repeat("x", 1<<20), "", 1, 1},
		"a quote without end":        {"nomx.test\n\"nullmx.test\n", "", 1, 1},
		"only commas":                {",,,\nnomx.test\n", "", 1, 0},
		"a field over lines":         {"Name,Domain\r\n\"Smith\r\n\r\n# and \"\"Sons\"\"\",nomx.test\r\nx,nullmx.test\r\n", "domain", 2, 0},
		"two stray quotes":           {"Name,Domain\n\"Smith,nomx.test\nx,nullmx.test\n\"Jones,unsigned.test\n", "domain", 1, 2},
		"a last field over lines":    {"Domain,Name\nnomx.test,\"a\nb\"\nnullmx.test,\"a\nb", "Domain", 2, 1},
		"a program":                  {"\x7fELF\x02\x01\x00\x00\x00\nnomx.test\n", "", 0, 0},
		"UTF-16 without a mark":      {"n\x00o\x00m\x00x\x00.\x00t\x00\n\x00", "", 0, 0},
		"names of one domain":        {"NOMX.test.\nhttps://nomx.test/x\nInfo@nomx.TEST\nmailto:a@nomx.test\n", "", 1, 0},
		"a header, then nothing":     {"Domain\n", "Domain", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(dnsFlags(t), "-f", "-", "--format", "jsonl", "--progress", "never")
			if test.column != "" {
				args = append(args, "--column", test.column)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var out, errs strings.Builder
			run(ctx, args, streams{strings.NewReader(test.list), &out, &errs})
			scanned, bad := strings.Count(out.String(), `"schema":"mailvet.report/v1"`), strings.Count(errs.String(), "is left out: ")
			if scanned != test.scanned || bad != test.bad {
				t.Errorf("%d scanned, %d left out, want %d and %d: %s", scanned, bad, test.scanned, test.bad, errs.String())
			}
			if test.scanned == 0 && test.bad == 0 && !strings.Contains(errs.String(), "cannot read standard input: ") && test.column == "" {
				t.Errorf("what is no list is not told: %s", errs.String())
			}
			if strings.ContainsAny(errs.String(), "\x1b\x00") {
				t.Errorf("control characters on standard error: %q", errs.String())
			}
		})
	}
}
