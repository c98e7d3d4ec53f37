package realmail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for a process: long enough for a slow machine
// that does other things too.
const patience = 30 * time.Second

// missing ends a test that lacks something of the machine: it is skipped, or
// fails where MAILVET_REAL=1 says that the machine must have everything.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("MAILVET_REAL") == "1" {
		t.Fatalf("needs "+format, args...)
	}
	t.Skipf("needs "+format, args...)
}

// tool finds a program, also where only root's path leads.
func tool(t testing.TB, name string) string {
	t.Helper()
	for _, candidate := range []string{name, filepath.Join("/usr/sbin", name)} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	missing(t, "%s", name)
	return ""
}

// root ends the test without the rights that mail servers are started with,
// and that a mount namespace takes.
func root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "root, to start mail servers")
	}
}

// folder is a new one that the servers' users can enter, unlike that of
// t.TempDir.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "mailvet-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// write makes files that everybody may read: there are no secrets in tests.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	// Postfix reads new files again and again until they have an age at which
	// they cannot be half written.
	past := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
}

// process is one that the test has started, in a session of its own, with all
// it starts in turn.
type process struct {
	id   int
	done chan struct{} // closed when it has ended
}

// start runs a program in the background until stop is called.
func start(cmd *exec.Cmd) (*process, error) {
	// If the test dies without cleaning up, the process is told to end.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Pdeathsig is about the thread that started the process.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.id = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop ends the process and its children and waits until none is left.
func (p *process) stop() error {
	gone := func() bool { return p.ended() && !alive(p.id) }
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if gone() {
			return nil
		}
		// The group has the id of the process that was started. As long as it
		// has a member nobody else gets that id, so nobody else is hit.
		_ = syscall.Kill(-p.id, signal) // that it is gone meanwhile is what we wait for
		if poll(gone) {
			return nil
		}
	}
	return fmt.Errorf("processes of group %d do not end", p.id)
}

// alive reports whether a process group has a member that still runs. Those
// that have ended may stay listed for ever, where nobody takes note of orphans.
func alive(group int) bool {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(files) == 0 {
		return !errors.Is(syscall.Kill(-group, 0), syscall.ESRCH)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // gone since
		}
		// The name is in parentheses and may hold anything.
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(fields) > 2 && fields[2] == strconv.Itoa(group) && fields[0] != "Z" && fields[0] != "X" {
			return true
		}
	}
	return false
}

// poll asks until the answer is yes or patience is at its end.
func poll(yes func() bool) bool {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !yes() {
		select {
		case <-limit.C:
			return false
		case <-again.C:
		}
	}
	return true
}

// output runs a program to its end and gives all it says, whatever its status:
// that of judges means nothing here.
func output(t testing.TB, env []string, stdin, path string, args ...string) string {
	t.Helper()
	return outputWithin(t, 4*patience, env, stdin, path, args...)
}

// outputWithin is output for programs that may take longer than others.
func outputWithin(t testing.TB, limit time.Duration, env []string, stdin, path string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.WaitDelay = patience
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %s: %v\n%s", path, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// freePort is a port that is free at all the addresses. Somebody else may take
// it before it is used, so its user must be ready to try again.
func freePort(addrs []string) (int, error) {
	var last error
	for range 50 {
		port := 0
		var open []net.Listener
		for _, a := range addrs {
			l, err := net.Listen("tcp", net.JoinHostPort(a, fmt.Sprint(port)))
			if err != nil {
				last = err
				break
			}
			port = l.Addr().(*net.TCPAddr).Port
			open = append(open, l)
		}
		for _, l := range open {
			_ = l.Close() // it is only asked whether it could be had
		}
		if len(open) == len(addrs) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no port is free at %d addresses: %w", len(addrs), last)
}
