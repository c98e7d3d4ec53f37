package smtptest

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// pipeBuffer is how much one direction of a pipe holds before a write waits.
const pipeBuffer = 64 << 10

// Pipe is a connection in memory. Unlike net.Pipe it is buffered as a TCP
// connection is: a write returns before anybody reads, Close lets the other
// side read what was written before, and CloseWrite closes one direction.
// Deadlines work, also on the fake clock of testing/synctest.
//
// Both ends have the methods CloseWrite() error, and Reset(), which makes the
// other side fail with ECONNRESET.
func Pipe() (client, server net.Conn) { return SlowPipe(0) }

// SlowPipe is a [Pipe] in which everything the server writes can be read only
// d later: one waiting round for each turn of a dialogue.
func SlowPipe(d time.Duration) (client, server net.Conn) {
	up, down := newHalf(0), newHalf(d)
	return &pipeConn{in: down, out: up, local: "client", remote: "server"},
		&pipeConn{in: up, out: down, local: "server", remote: "client"}
}

// half is one direction. Every change closes the channel changed and makes a
// new one, so that any number of goroutines can wait for it beside a timer.
type half struct {
	delay time.Duration

	mu            sync.Mutex
	changed       chan struct{}
	chunks        []chunk
	size          int
	ended         bool  // the writing side is closed
	gone          bool  // the reading side is closed
	broken        error // reset
	readDeadline  time.Time
	writeDeadline time.Time
}

type chunk struct {
	data []byte
	at   time.Time // when it can be read
}

func newHalf(d time.Duration) *half { return &half{delay: d, changed: make(chan struct{})} }

func (h *half) update(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
	close(h.changed)
	h.changed = make(chan struct{})
}

// await calls try with the lock held until it reports done. Between two calls
// it waits for a change, for the deadline, or for the time try returns.
func (h *half) await(deadline *time.Time, try func() (done bool, again time.Time, err error)) error {
	for {
		h.mu.Lock()
		limit := *deadline
		if !limit.IsZero() && !time.Now().Before(limit) {
			h.mu.Unlock()
			return os.ErrDeadlineExceeded
		}
		done, again, err := try()
		changed := h.changed
		h.mu.Unlock()
		if done || err != nil {
			return err
		}
		if again.IsZero() || !limit.IsZero() && limit.Before(again) {
			again = limit
		}
		if again.IsZero() {
			<-changed
			continue
		}
		timer := time.NewTimer(time.Until(again))
		select {
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (h *half) read(b []byte) (n int, err error) {
	err = h.await(&h.readDeadline, func() (bool, time.Time, error) {
		switch {
		case h.gone:
			return false, time.Time{}, net.ErrClosed
		case h.broken != nil:
			return false, time.Time{}, h.broken
		case len(b) == 0:
			return true, time.Time{}, nil
		case len(h.chunks) > 0:
			first := &h.chunks[0]
			if time.Now().Before(first.at) {
				return false, first.at, nil
			}
			n = copy(b, first.data)
			if first.data = first.data[n:]; len(first.data) == 0 {
				h.chunks = h.chunks[1:]
			}
			h.size -= n
			close(h.changed)
			h.changed = make(chan struct{})
			return true, time.Time{}, nil
		case h.ended:
			return false, time.Time{}, io.EOF
		}
		return false, time.Time{}, nil
	})
	return n, err
}

func (h *half) write(b []byte) (n int, err error) {
	err = h.await(&h.writeDeadline, func() (bool, time.Time, error) {
		switch {
		case h.ended:
			return false, time.Time{}, net.ErrClosed
		case h.broken != nil:
			return false, time.Time{}, h.broken
		case h.gone:
			return false, time.Time{}, syscall.EPIPE
		case h.size >= pipeBuffer:
			return false, time.Time{}, nil
		}
		part := b[n:min(len(b), n+pipeBuffer-h.size)]
		if len(part) > 0 {
			h.chunks = append(h.chunks, chunk{append([]byte(nil), part...), time.Now().Add(h.delay)})
			h.size += len(part)
			n += len(part)
			close(h.changed)
			h.changed = make(chan struct{})
		}
		return n == len(b), time.Time{}, nil
	})
	return n, err
}

type pipeConn struct {
	in, out       *half
	local, remote pipeAddr
}

type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return string(a) }

func (c *pipeConn) Read(b []byte) (int, error) {
	n, err := c.in.read(b)
	return n, c.wrap("read", err)
}

func (c *pipeConn) Write(b []byte) (int, error) {
	n, err := c.out.write(b)
	return n, c.wrap("write", err)
}

// wrap makes errors look as those of package net.
func (c *pipeConn) wrap(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &net.OpError{Op: op, Net: "pipe", Source: c.local, Addr: c.remote, Err: err}
}

func (c *pipeConn) Close() error {
	c.in.update(func() { c.in.gone, c.in.chunks, c.in.size = true, nil, 0 })
	return c.CloseWrite()
}

func (c *pipeConn) CloseWrite() error {
	c.out.update(func() { c.out.ended = true })
	return nil
}

func (c *pipeConn) Reset() {
	for _, h := range []*half{c.in, c.out} {
		h.update(func() { h.broken, h.chunks, h.size = syscall.ECONNRESET, nil, 0 })
	}
}

func (c *pipeConn) LocalAddr() net.Addr  { return c.local }
func (c *pipeConn) RemoteAddr() net.Addr { return c.remote }

func (c *pipeConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *pipeConn) SetReadDeadline(t time.Time) error {
	c.in.update(func() { c.in.readDeadline = t })
	return nil
}

func (c *pipeConn) SetWriteDeadline(t time.Time) error {
	c.out.update(func() { c.out.writeDeadline = t })
	return nil
}
