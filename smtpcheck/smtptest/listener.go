package smtptest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// Listener serves a [Server] over TCP on the loopback interface.
type Listener struct {
	l      net.Listener
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// Listen begins to serve on 127.0.0.1, at a port of the system's choice.
func (s *Server) Listen() (*Listener, error) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("smtptest: listen: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Listener{l: tcp, cancel: cancel}
	l.wg.Go(func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return
			}
			l.wg.Go(func() { s.Serve(ctx, conn) })
		}
	})
	return l, nil
}

// Addr is where the server listens.
func (l *Listener) Addr() netip.AddrPort {
	return l.l.Addr().(*net.TCPAddr).AddrPort()
}

// Close stops to listen, ends all dialogues and waits for their end.
func (l *Listener) Close() error {
	err := l.l.Close()
	l.cancel()
	l.wg.Wait()
	return err
}
