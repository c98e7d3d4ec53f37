package dnstest

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
)

// Listener serves a Server at sockets of the loopback interface: UDP and TCP
// at the same port, and TLS at another if the server has a TLS configuration.
type Listener struct {
	Addr    netip.AddrPort // of UDP and TCP
	TLSAddr netip.AddrPort // the zero value without TLS

	server *Server
	ctx    context.Context
	cancel context.CancelFunc
	group  sync.WaitGroup
	udp    *net.UDPConn
	tcp    []net.Listener

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// Listen opens the sockets. The caller closes the listener.
func (s *Server) Listen() (*Listener, error) {
	tcp, udp, err := listenSamePort()
	if err != nil {
		return nil, fmt.Errorf("dnstest: listen: %w", err)
	}
	l := &Listener{
		Addr:   tcp.Addr().(*net.TCPAddr).AddrPort(),
		server: s,
		udp:    udp,
		tcp:    []net.Listener{tcp},
		conns:  make(map[net.Conn]struct{}),
	}
	if s.TLS != nil {
		over, err := tls.Listen("tcp", "127.0.0.1:0", s.TLS)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("dnstest: listen: %w", err), tcp.Close(), udp.Close())
		}
		l.TLSAddr = over.Addr().(*net.TCPAddr).AddrPort()
		l.tcp = append(l.tcp, over)
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.group.Go(l.serveUDP)
	for i, transport := range []string{TCP, TLS}[:len(l.tcp)] {
		l.group.Go(func() { l.accept(l.tcp[i], transport) })
	}
	return l, nil
}

// listenSamePort tries until a port is free for both.
func listenSamePort() (*net.TCPListener, *net.UDPConn, error) {
	var failure error
	for range 20 {
		tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return nil, nil, err
		}
		addr := tcp.Addr().(*net.TCPAddr)
		udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: addr.IP, Port: addr.Port})
		if err == nil {
			return tcp, udp, nil
		}
		failure = errors.Join(err, tcp.Close())
	}
	return nil, nil, failure
}

// Close ends all connections and waits until everything has ended.
func (l *Listener) Close() error {
	l.cancel()
	err := l.udp.Close()
	for _, tcp := range l.tcp {
		err = errors.Join(err, tcp.Close())
	}
	l.mu.Lock()
	l.closed = true
	for conn := range l.conns {
		_ = conn.Close() // whoever uses it sees the error
	}
	l.mu.Unlock()
	l.group.Wait()
	return err
}

func (l *Listener) serveUDP() {
	buf := make([]byte, 65535)
	for {
		n, from, err := l.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			if l.ctx.Err() != nil {
				return
			}
			continue // such as an ICMP error caused by an earlier reply
		}
		query := append([]byte(nil), buf[:n]...)
		l.group.Go(func() {
			reply, err := l.server.Exchange(l.ctx, UDP, query)
			if err == nil && reply != nil {
				_, _ = l.udp.WriteToUDPAddrPort(reply, from) // a client that is gone is no fault of ours
			}
		})
	}
}

func (l *Listener) accept(tcp net.Listener, transport string) {
	for {
		conn, err := tcp.Accept()
		if err != nil {
			return
		}
		l.mu.Lock()
		if l.closed {
			_ = conn.Close()
		} else {
			l.conns[conn] = struct{}{}
			l.group.Go(func() { l.serveConn(conn, transport) })
		}
		l.mu.Unlock()
	}
}

// serveConn answers the queries of one connection, each as soon as its reply
// is ready (RFC 7766, Section 7).
func (l *Listener) serveConn(conn net.Conn, transport string) {
	var (
		pending sync.WaitGroup
		one     sync.Mutex
	)
	defer func() {
		pending.Wait()
		_ = conn.Close()
		l.mu.Lock()
		delete(l.conns, conn)
		l.mu.Unlock()
	}()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		pending.Go(func() {
			reply, err := l.server.Exchange(l.ctx, transport, query)
			if err != nil || reply == nil {
				return
			}
			framed := binary.BigEndian.AppendUint16(make([]byte, 0, len(reply)+2), uint16(len(reply)))
			one.Lock()
			defer one.Unlock()
			_, _ = conn.Write(append(framed, reply...)) // the next read sees the error
		})
	}
}
