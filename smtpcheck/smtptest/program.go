package smtptest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// Program is a server of others that runs on an address of this machine.
type Program struct {
	Addr string // where it listens

	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{}
	mu    sync.Mutex
	said  strings.Builder
}

// Launch runs a server whose arguments have ADDRESS and PORT, or PORT alone, in
// place of where it listens, with more variables in its environment, and waits
// until it takes connections. Another program may be quicker to take the port:
// then it is tried with the next. The error has what the server said.
func Launch(path string, env []string, args ...string) (*Program, error) {
	const tries = 5
	var p *Program
	for range tries {
		l, err := net.Listen("tcp", net.JoinHostPort(Loopback(), "0"))
		if err != nil {
			return nil, err
		}
		p = &Program{Addr: l.Addr().String(), ended: make(chan struct{})}
		if err := l.Close(); err != nil {
			return nil, err
		}
		if err := p.start(path, env, args); err != nil {
			return nil, err
		}
		if p.listens() {
			return p, nil
		}
		p.Stop()
	}
	return nil, fmt.Errorf("%s does not listen: %s", path, p.Said())
}

func (p *Program) start(path string, env, args []string) error {
	host, port, err := net.SplitHostPort(p.Addr)
	if err != nil {
		return err
	}
	args = slices.Clone(args)
	for i := range args {
		args[i] = strings.NewReplacer("ADDRESS", host, "PORT", port).Replace(args[i])
	}
	p.cmd = exec.Command(path, args...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if p.stdin, err = p.cmd.StdinPipe(); err != nil { // some end with it
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	return nil
}

// listens waits until the server takes connections, and is false if it will not.
func (p *Program) listens() bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	took := false
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		select {
		case <-p.ended:
			return false
		case <-tick.C:
		}
		if strings.Contains(p.Said(), "Address already in use") { // GnuTLS goes on without
			return false
		}
		if took { // and it is nobody else who did
			return true
		}
		if c, err := net.DialTimeout("tcp", p.Addr, time.Second); err == nil {
			c.Close()
			took = true
		}
	}
	return false
}

// Stop ends the server and waits until it has ended.
func (p *Program) Stop() {
	p.stdin.Close()
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// Write takes down what the server says.
func (p *Program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.said.Len() < 1<<12 {
		p.said.Write(b)
	}
	return len(b), nil
}

// Said is what the server said first, and how it was called.
func (p *Program) Said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.cmd.Args, " ") + "\n" + p.said.String()
}
