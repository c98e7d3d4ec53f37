package lab

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"mailvet/smtpcheck/smtptest"
)

// exchanger is a DNS server without sockets: *dnstest.Server.
type exchanger interface {
	Exchange(ctx context.Context, transport string, query []byte) ([]byte, error)
}

// network connects a scan with the servers of a lab, in memory. Its
// connections have what the scanner relies on: message boundaries for "udp",
// deadlines, and errors of the kinds that sockets give.
type network struct {
	dns     map[netip.Addr]exchanger
	smtp    map[netip.Addr]*smtptest.Server
	web     map[netip.Addr]*webServer
	silent  map[netip.Addr]bool // takes no connection and says nothing
	noIPv6  bool                // this side has no IPv6
	latency time.Duration       // before each DNS answer, and before each flight of an SMTP or web server
}

// DialContext is the scanner's way into the lab.
func (n *network) DialContext(ctx context.Context, netw, address string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: netw, Err: os.NewSyscallError("connect", err)}
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("lab: dial %s: %w", address, err)
	}
	addr := ap.Addr().Unmap()
	if addr.Is6() && n.noIPv6 {
		return fail(syscall.ENETUNREACH)
	}
	if n.silent[addr] {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: netw, Err: timeoutError{ctx.Err()}}
	}
	if server, ok := n.dns[addr]; ok && ap.Port() == 53 {
		if netw == "udp" {
			return newPacketConn(server, n.latency), nil
		}
		client, srv := smtptest.SlowPipe(n.latency)
		go serveStream(server, srv)
		return client, nil
	}
	if server, ok := n.smtp[addr]; ok && ap.Port() == 25 && netw == "tcp" {
		client, srv := smtptest.SlowPipe(n.latency)
		go server.Serve(context.WithoutCancel(ctx), srv)
		return client, nil
	}
	if web, ok := n.web[addr]; ok && ap.Port() == 443 && netw == "tcp" && !web.refuses() {
		if web.silent() {
			<-ctx.Done()
			return nil, &net.OpError{Op: "dial", Net: netw, Err: timeoutError{ctx.Err()}}
		}
		client, srv := smtptest.SlowPipe(n.latency)
		go web.serve(context.WithoutCancel(ctx), srv)
		return client, nil
	}
	if netw == "udp" {
		return newPacketConn(nobody{}, n.latency), nil
	}
	return fail(syscall.ECONNREFUSED)
}

// nobody is a host without a DNS server: it never answers.
type nobody struct{}

func (nobody) Exchange(context.Context, string, []byte) ([]byte, error) { return nil, nil }

type timeoutError struct{ cause error }

func (e timeoutError) Error() string   { return "i/o timeout" }
func (e timeoutError) Unwrap() error   { return e.cause }
func (timeoutError) Timeout() bool     { return true }
func (timeoutError) Temporary() bool   { return true }
func (timeoutError) Is(err error) bool { return err == os.ErrDeadlineExceeded }

// serveStream answers DNS over TCP (RFC 1035, Section 4.2.2) on one connection.
func serveStream(server exchanger, c net.Conn) {
	defer c.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		reply, err := server.Exchange(context.Background(), "tcp", query)
		if err != nil || len(reply) == 0 || len(reply) > 65535 {
			return
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}

// packetConn is a connected UDP socket towards one DNS server.
type packetConn struct {
	server  exchanger
	latency time.Duration
	ctx     context.Context
	close   context.CancelFunc
	replies chan []byte

	mu       sync.Mutex
	deadline time.Time
	changed  chan struct{} // closed when the deadline changes
}

func newPacketConn(server exchanger, latency time.Duration) *packetConn {
	ctx, cancel := context.WithCancel(context.Background())
	return &packetConn{server: server, latency: latency, ctx: ctx, close: cancel, replies: make(chan []byte, 16), changed: make(chan struct{})}
}

func (c *packetConn) Write(b []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, net.ErrClosed
	}
	query := append([]byte(nil), b...)
	go func() {
		if c.latency > 0 {
			t := time.NewTimer(c.latency)
			defer t.Stop()
			select {
			case <-t.C:
			case <-c.ctx.Done():
				return
			}
		}
		if reply, err := c.server.Exchange(c.ctx, "udp", query); err == nil && reply != nil {
			select {
			case c.replies <- reply:
			case <-c.ctx.Done():
			}
		}
	}()
	return len(b), nil
}

func (c *packetConn) Read(b []byte) (int, error) {
	for {
		c.mu.Lock()
		deadline, changed := c.deadline, c.changed
		c.mu.Unlock()
		var expired <-chan time.Time
		if !deadline.IsZero() {
			t := time.NewTimer(time.Until(deadline))
			defer t.Stop()
			expired = t.C
		}
		select {
		case reply := <-c.replies:
			return copy(b, reply), nil
		case <-expired:
			return 0, &net.OpError{Op: "read", Net: "udp", Err: timeoutError{os.ErrDeadlineExceeded}}
		case <-changed:
		case <-c.ctx.Done():
			return 0, &net.OpError{Op: "read", Net: "udp", Err: net.ErrClosed}
		}
	}
}

func (c *packetConn) Close() error                     { c.close(); return nil }
func (c *packetConn) LocalAddr() net.Addr              { return &net.UDPAddr{} }
func (c *packetConn) RemoteAddr() net.Addr             { return &net.UDPAddr{} }
func (c *packetConn) SetWriteDeadline(time.Time) error { return nil }
func (c *packetConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	close(c.changed)
	c.changed = make(chan struct{})
	return nil
}
func (c *packetConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// ReadFrom and WriteTo make it a net.PacketConn, by which DNS code tells
// datagrams from streams.
func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := c.Read(b)
	return n, c.RemoteAddr(), err
}

// WriteTo ignores the address: the socket is connected.
func (c *packetConn) WriteTo(b []byte, _ net.Addr) (int, error) { return c.Write(b) }

var _ interface {
	net.Conn
	net.PacketConn
} = (*packetConn)(nil)
