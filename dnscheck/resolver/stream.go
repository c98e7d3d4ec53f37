package resolver

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"mailvet/report/evidence"
)

var errUnreadable = fmt.Errorf("the answer cannot be read: %w", errProtocol)

// idleFor is how long a connection without questions is kept.
const idleFor = 5 * time.Second

// stream is one connection over TCP or TLS to a server, shared by all
// questions to it (RFC 7766, Section 6.2.1.1: answers may come in any order).
// A goroutine reads it until it is closed.
type stream struct {
	conn  net.Conn
	group *sync.WaitGroup // of the goroutines that work for the connection
	idle  *time.Timer
	guard sync.Mutex // below
	// waiting has, by id, where the answers go. Nil: the stream is closed.
	waiting map[uint16]chan []byte
	retired bool  // takes no more questions, and closes after the last
	heard   int   // messages received
	err     error // why it closed
}

// dialed is a stream, or why there is none.
type dialed struct {
	stream *stream
	op     evidence.Op
	err    error
}

// maxReopen is how often a question may go over to a new connection.
const maxReopen = 8

// overStream asks over the server's connection, which is opened if need be. A
// connection that was there before may have been closed by the server the
// moment we wrote, and one with many questions after it has answered some of
// them; then what is left is asked over a new one (RFC 7766, Section 6.2.4).
func (r *Resolver) overStream(ctx context.Context, s *server, q *question) *reply {
	limited, cancel := context.WithTimeout(ctx, q.patience)
	defer cancel()
	for reopened := 0; ; reopened++ {
		st := s.current()
		used := st != nil
		if !used {
			d, _, err := r.dialing.Do(limited, s, func(ctx context.Context) dialed {
				if st := s.current(); st != nil { // others opened it since we looked
					return dialed{stream: st}
				}
				return r.open(ctx, s)
			})
			if err != nil {
				return failed(limited, evidence.OpDial, err)
			}
			if d.err != nil {
				return failed(limited, d.op, d.err)
			}
			st = d.stream
		}
		rep := r.askOver(ctx, limited, s, st, q)
		lost := rep.failure != nil && (rep.failure.Class == evidence.ClassClosed || rep.failure.Class == evidence.ClassReset)
		if !lost || !used && !st.useful() || reopened == maxReopen || limited.Err() != nil {
			return rep
		}
	}
}

// askOver asks over one connection, which s, if there is one, no longer uses
// after a silence; limited is ctx with the time of the try.
func (r *Resolver) askOver(ctx, limited context.Context, s *server, st *stream, q *question) *reply {
	id, answers, heard, err := st.join(q.id)
	if err != nil {
		return failed(limited, evidence.OpQuery, err)
	}
	defer st.leave(id)
	mine := *q
	mine.id = id
	frame := make([]byte, 2+len(q.wire))
	binary.BigEndian.PutUint16(frame, uint16(len(q.wire)))
	copy(frame[2:], q.wire)
	binary.BigEndian.PutUint16(frame[2:], id)

	r.count(ctx, true)
	// A write that is broken off leaves half a message, so the connection ends.
	stop := context.AfterFunc(limited, func() { st.close(context.Cause(limited)) })
	_, err = st.conn.Write(frame)
	stop()
	if err != nil {
		st.close(err)
		return failed(limited, evidence.OpQuery, err)
	}
	for {
		select {
		case b, ok := <-answers:
			if !ok {
				return failed(limited, evidence.OpQuery, st.cause())
			}
			m, what := mine.parse(b)
			switch {
			case what == notOurs:
				r.stats.dropped.Add(1)
			case what == malformed, m.Truncated:
				return unread()
			default:
				return &reply{msg: m, octets: len(b)}
			}
		case <-limited.Done():
			if s != nil && ctx.Err() == nil && st.silentSince(heard) {
				s.retire(st)
			}
			return failed(limited, evidence.OpQuery, limited.Err())
		}
	}
}

// open connects to the server, with TLS where it asks for it, and starts the
// reader. The stream is the server's current one before open returns, so that
// it is not lost if nobody waits any more.
func (r *Resolver) open(ctx context.Context, s *server) dialed {
	ctx, cancel := context.WithTimeout(ctx, r.timeout())
	defer cancel()
	conn, err := r.dial(ctx, "tcp", s.Address)
	if err != nil {
		return dialed{op: evidence.OpDial, err: err}
	}
	if s.Transport == TLS {
		if conn, err = r.secure(ctx, s, conn); err != nil {
			return dialed{op: evidence.OpHandshake, err: err}
		}
	}
	st := r.start(conn)
	s.adopt(st)
	return dialed{stream: st}
}

// secure starts TLS on a connection, with the protocols to offer (ALPN). The
// error is a handshakeError; the connection is then closed.
func (r *Resolver) secure(ctx context.Context, s *server, conn net.Conn, protocols ...string) (net.Conn, error) {
	cfg := &tls.Config{}
	if r.TLSConfig != nil {
		cfg = r.TLSConfig.Clone()
	}
	cfg.ServerName, cfg.NextProtos = s.Name, protocols
	if cfg.MinVersion == 0 {
		cfg.MinVersion = tls.VersionTLS12
	}
	secured := tls.Client(conn, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, handshakeError{err}
	}
	return secured, nil
}

// start starts the reader of a new connection.
func (r *Resolver) start(conn net.Conn) *stream {
	st := &stream{conn: conn, group: &r.readers, waiting: map[uint16]chan []byte{}}
	st.guard.Lock()
	st.idle = time.AfterFunc(idleFor, st.rest)
	st.guard.Unlock()
	st.group.Go(st.read)
	return st
}

// handshakeError marks what the TLS handshake failed of.
type handshakeError struct{ error }

func (e handshakeError) Unwrap() error { return e.error }

// current is the connection that takes questions, nil if there is none.
func (s *server) current() *stream {
	s.mu.Lock()
	st := s.stream
	s.mu.Unlock()
	if st == nil || !st.open() {
		return nil
	}
	return st
}

func (s *server) adopt(st *stream) {
	s.mu.Lock()
	old := s.stream
	s.stream = st
	s.mu.Unlock()
	if old != nil {
		old.retire()
	}
}

// retire lets a connection end after its last question; nil: the current one,
// at once.
func (s *server) retire(st *stream) {
	s.mu.Lock()
	now := st == nil
	if now {
		st = s.stream
	}
	if s.stream == st {
		s.stream = nil
	}
	s.mu.Unlock()
	switch {
	case st == nil:
	case now:
		st.close(net.ErrClosed)
	default:
		st.retire()
	}
}

// read passes on answers until the connection ends.
func (st *stream) read() {
	var length [2]byte
	for {
		if _, err := io.ReadFull(st.conn, length[:]); err != nil {
			st.close(err)
			return
		}
		b := make([]byte, be(length[:]))
		if _, err := io.ReadFull(st.conn, b); err != nil {
			st.close(err)
			return
		}
		st.deliver(b)
	}
}

func (st *stream) deliver(b []byte) {
	st.guard.Lock()
	defer st.guard.Unlock()
	st.heard++
	if len(b) < 2 {
		return
	}
	select {
	case st.waiting[be(b)] <- b: // nobody waits: a nil channel, never ready
	default:
	}
}

var errFull = errors.New("all message ids are in use")

// join enters a question, under the id wished for or the next that is free.
func (st *stream) join(id uint16) (uint16, chan []byte, int, error) {
	st.guard.Lock()
	defer st.guard.Unlock()
	if st.waiting == nil || st.retired {
		return 0, nil, 0, net.ErrClosed
	}
	if len(st.waiting) > 1<<15 {
		return 0, nil, 0, errFull
	}
	for st.waiting[id] != nil {
		id++
	}
	answers := make(chan []byte, 2)
	st.waiting[id] = answers
	st.idle.Stop()
	return id, answers, st.heard, nil
}

func (st *stream) leave(id uint16) {
	st.guard.Lock()
	defer st.guard.Unlock()
	if st.waiting == nil {
		return
	}
	delete(st.waiting, id)
	if len(st.waiting) > 0 {
		return
	}
	if st.retired {
		st.shut(net.ErrClosed)
		return
	}
	st.idle.Reset(idleFor)
}

// rest closes the connection if it is still idle.
func (st *stream) rest() {
	st.guard.Lock()
	defer st.guard.Unlock()
	if len(st.waiting) == 0 {
		st.shut(net.ErrClosed)
	}
}

func (st *stream) retire() {
	st.guard.Lock()
	defer st.guard.Unlock()
	st.retired = true
	if len(st.waiting) == 0 {
		st.shut(net.ErrClosed)
	}
}

func (st *stream) close(err error) {
	st.guard.Lock()
	defer st.guard.Unlock()
	st.shut(err)
}

// shut ends the connection and all who wait; guard is held.
func (st *stream) shut(err error) {
	if st.waiting == nil {
		return
	}
	st.err = err
	for _, answers := range st.waiting {
		close(answers)
	}
	st.waiting = nil
	st.idle.Stop()
	st.group.Go(func() { st.conn.Close() }) // closing TLS may wait for a write in progress
}

func (st *stream) open() bool {
	st.guard.Lock()
	defer st.guard.Unlock()
	return st.waiting != nil && !st.retired
}

// useful reports whether anything was received.
func (st *stream) useful() bool {
	st.guard.Lock()
	defer st.guard.Unlock()
	return st.heard > 0
}

func (st *stream) cause() error {
	st.guard.Lock()
	defer st.guard.Unlock()
	return st.err
}

// silentSince reports whether nothing was received since so many messages.
func (st *stream) silentSince(heard int) bool {
	st.guard.Lock()
	defer st.guard.Unlock()
	return st.heard == heard
}
