package resolver_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/resolver"
)

// handler answers one query with any number of messages, sent in order.
type handler func(ctx context.Context, network, address string, query []byte) [][]byte

// fakeNet is a network in memory: every address answers as serve says.
type fakeNet struct {
	serve handler
	// refuse, if set, may make dialling fail.
	refuse func(network, address string) error
	tls    *tls.Config // of the servers at port 853

	mu    sync.Mutex
	dials map[string]int // by network and address
	open  int
	most  int // open at once
}

func (n *fakeNet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	if n.dials == nil {
		n.dials = map[string]int{}
	}
	n.dials[network+" "+address]++
	n.mu.Unlock()
	if n.refuse != nil {
		if err := n.refuse(network, address); err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: err}
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.open++
	n.most = max(n.most, n.open)
	n.mu.Unlock()
	if network == "udp" {
		ctx, cancel := context.WithCancel(context.Background())
		return &packetConn{n: n, ctx: ctx, cancel: cancel, address: address, in: make(chan []byte, 16)}, nil
	}
	client, server := net.Pipe()
	if n.tls != nil && strings.HasSuffix(address, ":853") {
		server = tls.Server(queueing(server), n.tls)
	}
	go n.stream(server, address)
	return &watched{Conn: client, closed: n.closed}, nil
}

// queued is a connection on which writing does not wait for the reader, as on
// real ones: else a client that breaks off a TLS handshake with an alert, and a
// server that has not sent all its records yet, wait for each other.
type queued struct {
	net.Conn
	mu     sync.Mutex
	out    chan []byte
	closed bool
}

func queueing(conn net.Conn) *queued {
	q := &queued{Conn: conn, out: make(chan []byte, 1000)}
	go func() {
		defer conn.Close()
		for b := range q.out {
			conn.Write(b) // an error means that the reader has gone
		}
	}()
	return q
}

func (q *queued) Write(b []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return 0, net.ErrClosed
	}
	q.out <- append([]byte(nil), b...)
	return len(b), nil
}

func (q *queued) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.out)
	}
	return nil
}

func (q *queued) SetWriteDeadline(time.Time) error { return nil }

func (n *fakeNet) dialed(what string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials[what]
}

func (n *fakeNet) opened() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.open
}

func (n *fakeNet) closed() {
	n.mu.Lock()
	n.open--
	n.mu.Unlock()
}

// stream serves one connection; a nil message among the replies closes it.
func (n *fakeNet) stream(conn net.Conn, address string) {
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	var write sync.Mutex
	defer func() { cancel(); conn.Close(); group.Wait() }()
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		group.Go(func() {
			for _, b := range n.serve(ctx, "tcp", address, query) {
				write.Lock()
				if b == nil {
					conn.Close()
				} else {
					conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
				}
				write.Unlock()
			}
		})
	}
}

// packetConn keeps the boundaries of messages.
type packetConn struct {
	net.Conn // nil: what is not below must not be used
	n        *fakeNet
	ctx      context.Context
	cancel   context.CancelFunc
	address  string
	in       chan []byte
	once     sync.Once
}

func (c *packetConn) Write(b []byte) (int, error) {
	query := append([]byte(nil), b...)
	go func() {
		for _, reply := range c.n.serve(c.ctx, "udp", c.address, query) {
			select {
			case c.in <- reply:
			case <-c.ctx.Done():
				return
			}
		}
	}()
	return len(b), nil
}

func (c *packetConn) Read(b []byte) (int, error) {
	select {
	case m := <-c.in:
		return copy(b, m), nil
	case <-c.ctx.Done():
		return 0, net.ErrClosed
	}
}

func (c *packetConn) Close() error {
	c.cancel()
	c.once.Do(c.n.closed)
	return nil
}

// answering makes a handler of one that works on messages: it gets the query
// and its reply so far (NOERROR, RA) and returns what to send, nil for silence.
func answering(f func(network, address string, q *dns.Msg, reply *dns.Msg) *dns.Msg) handler {
	return func(_ context.Context, network, address string, query []byte) [][]byte {
		var q dns.Msg
		if err := q.Unpack(query); err != nil {
			panic(err)
		}
		m := new(dns.Msg).SetReply(&q)
		m.RecursionAvailable = true
		if q.IsEdns0() != nil {
			m.SetEdns0(1232, true)
		}
		if m = f(network, address, &q, m); m == nil {
			return nil
		}
		return [][]byte{pack(m)}
	}
}

func pack(m *dns.Msg) []byte {
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

func rrs(lines ...string) (list []dns.RR) {
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			panic(err)
		}
		list = append(list, rr)
	}
	return list
}

// late delays a handler.
func late(d time.Duration, h handler) handler {
	return func(ctx context.Context, network, address string, query []byte) [][]byte {
		select {
		case <-time.After(d):
			return h(ctx, network, address, query)
		case <-ctx.Done():
			return nil
		}
	}
}

// over makes a resolver over the fake network, which ends with the test.
func over(t testing.TB, n *fakeNet, servers ...string) *resolver.Resolver {
	if servers == nil {
		servers = []string{"192.0.2.1"}
	}
	r := &resolver.Resolver{Servers: servers, Dial: n.dial}
	t.Cleanup(func() { r.Close() })
	return r
}

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }
