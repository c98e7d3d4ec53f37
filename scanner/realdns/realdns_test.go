// Package realdns_test holds the resolver and the validator against DNS
// servers that others wrote, on the loopback interface: Knot and ldns sign,
// Knot and NSD serve, Unbound resolves. Unbound and delv judge the same names
// beside us, and all have to come to one result.
//
// Nothing here leaves the machine. Servers run in the foreground, without
// privileges, on ports that were free a moment before, with all their files in
// a folder that is removed. Signatures are made by the system's clock, so this
// is the one clock of these tests.
package realdns_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// loopback is an address of our own, so that ports cannot be taken away by
// connections of other programs, which come from 127.0.0.1.
const loopback = "127.53.53.1"

// Patience with servers. It is spent only where something is wrong, or the
// machine is very slow.
const (
	startTime = time.Minute      // until a server answers
	stopTime  = 10 * time.Second // until it has ended by itself
	pollTime  = 50 * time.Millisecond
	askTime   = 10 * time.Second // one question
)

// needs ends the test for want of something: as a failure where MAILVET_REAL=1
// says that everything is there.
func needs(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("MAILVET_REAL") == "1" {
		t.Fatalf("needs %s", what)
	}
	t.Skipf("needs %s", what)
}

// tool finds a program, also where only administrators have it on their path.
func tool(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	needs(t, name)
	return ""
}

// command runs a program to its end and returns what it wrote.
func command(t *testing.T, dir, path string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", path, args, err, out)
	}
	return string(out)
}

// write writes a file that a server reads.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// folder is an empty one, with a short path: those of Unix sockets have at
// most 108 octets, and t.TempDir makes long ones.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "realdns")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if len(dir) > 80 {
		needs(t, "a temporary folder with a short path, not "+dir)
	}
	return dir
}

// freePort finds a port that is free for UDP and TCP.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		udp, err := net.ListenPacket("udp", net.JoinHostPort(loopback, "0"))
		if err != nil {
			needs(t, "the loopback address "+loopback)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		udp.Close()
		if err == nil {
			tcp.Close()
			return tcp.Addr().(*net.TCPAddr).Port
		}
	}
	t.Fatal("no port is free for both UDP and TCP")
	return 0
}

func addr(port int) string { return fmt.Sprintf("%s:%d", loopback, port) }

// program is a server to be started: configure writes its files for a port.
type program struct {
	name      string
	configure func(port int) []string // the command
	ready     func(addr string) error // whether it serves what it has to
}

// start runs the server until the test ends and returns its port. As its port
// may be taken by another program in between, it tries thrice.
func (p program) start(t *testing.T) int {
	t.Helper()
	var err error
	for range 3 {
		port := freePort(t)
		if err = p.run(t, port); err == nil {
			return port
		}
		t.Log(err)
	}
	t.Fatalf("%s does not start", p.name)
	return 0
}

func (p program) run(t *testing.T, port int) error {
	t.Helper()
	args := p.configure(port)
	// A file, not a pipe: processes that a killed server leaves behind could
	// hold a pipe open.
	log, err := os.CreateTemp("", "realdns-log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		os.Remove(log.Name())
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // what it thinks of being ended does not matter
	}()
	t.Cleanup(func() {
		p.stop(t, cmd.Process, ended)
		text, err := os.ReadFile(log.Name())
		if t.Failed() {
			t.Logf("%s said: %s %v", p.name, tail(text, 8000), err)
		}
		os.Remove(log.Name())
	})
	late := time.NewTimer(startTime)
	defer late.Stop()
	for {
		err := p.ready(addr(port))
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("%s ended: %s", p.name, tail(text, 2000))
		case <-late.C:
			t.Fatalf("%s is not ready after %s: %v", p.name, startTime, err)
		case <-time.After(pollTime):
		}
	}
}

// stop asks the server to end, so that it ends its children too, and kills it
// if it does not.
func (p program) stop(t *testing.T, process *os.Process, ended <-chan struct{}) {
	_ = process.Signal(syscall.SIGTERM)
	late := time.NewTimer(stopTime)
	defer late.Stop()
	select {
	case <-ended:
	case <-late.C:
		t.Logf("%s is killed: it did not end within %s", p.name, stopTime)
		_ = process.Kill()
		<-ended
	}
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// serves makes a check that a name server answers with authority, and signed
// where want is set, for all zones.
func serves(zones []*zone) func(addr string) error {
	return func(addr string) error {
		c := dns.Client{Timeout: 10 * pollTime}
		for _, z := range zones {
			m := new(dns.Msg)
			m.SetQuestion(dns.Fqdn(z.name), dns.TypeSOA)
			m.SetEdns0(1232, true)
			r, _, err := c.Exchange(m, addr)
			switch {
			case err != nil:
				return err
			case r.Rcode != dns.RcodeSuccess || !r.Authoritative || len(r.Answer) == 0:
				return fmt.Errorf("zone %s: %s", z.name, dns.RcodeToString[r.Rcode])
			case z.signer != nobody && len(r.Answer) < 2:
				return fmt.Errorf("zone %s is not signed", z.name)
			}
		}
		return nil
	}
}
