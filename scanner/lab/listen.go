package lab

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"mailvet/dnscheck/dnstest"
)

// Listening is a lab on real sockets of the loopback interface, for tests of
// the command as a whole. Only what was loaded with Options.Loopback can be.
type Listening struct {
	Resolver  string // host:port, UDP and TCP
	SMTPPort  int    // of all mail servers
	HTTPSPort int    // of all web servers; 0 if there are none
	Anchors   string // trust anchors in zone format
	Roots     string // trusted certificates, PEM

	dns         *dnstest.Listener
	smtp, https []net.Listener
	cancel      context.CancelFunc
	wg          sync.WaitGroup
}

// loopback maps the documentation addresses of the scenarios (RFC 5737) to
// addresses of the loopback interface, and leaves IPv6 out: a host has only
// one IPv6 loopback address.
func loopback(zone string) string {
	var out strings.Builder
	for line := range strings.Lines(zone) {
		if strings.Contains(line, " AAAA ") {
			continue
		}
		out.WriteString(line)
	}
	return strings.NewReplacer(" 192.0.2.", " 127.0.2.", " 198.51.100.", " 127.51.100.", " 203.0.113.", " 127.0.113.").Replace(out.String())
}

// Listen opens the sockets. All mail servers listen at one port, as the
// scanner expects, each at its own address, and so do all web servers. Silent
// mail servers listen nowhere, so they refuse.
func (l *Lab) Listen() (*Listening, error) {
	if !l.opts.Loopback {
		return nil, errors.New("lab: listen: the lab was not loaded for the loopback interface")
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Listening{cancel: cancel}
	var err error
	if s.dns, err = l.Recursive.Listen(); err != nil {
		cancel()
		return nil, err
	}
	s.Resolver = s.dns.Addr.String()
	if s.smtp, s.SMTPPort, err = listenAt(l.smtpAddrs()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.https, s.HTTPSPort, err = listenAt(l.webAddrs()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	for i, addr := range l.smtpAddrs() {
		s.accept(s.smtp[i], func(c net.Conn) { l.net.smtp[addr].Serve(ctx, c) })
	}
	for i, addr := range l.webAddrs() {
		s.accept(s.https[i], func(c net.Conn) { l.net.web[addr].serve(ctx, c) })
	}
	for _, rr := range l.World.Anchors() {
		s.Anchors += rr.String() + "\n"
	}
	s.Roots = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.ca.Root().Raw}))
	return s, nil
}

// accept serves every connection until the listener is closed.
func (s *Listening) accept(listener net.Listener, serve func(net.Conn)) {
	s.wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { serve(conn) })
		}
	})
}

func (l *Lab) smtpAddrs() []netip.Addr { return sortedAddrs(l.net.smtp) }

func sortedAddrs[V any](m map[netip.Addr]V) []netip.Addr {
	return slices.SortedFunc(maps.Keys(m), netip.Addr.Compare)
}

// listenAt finds a port that is free at every address.
func listenAt(addrs []netip.Addr) ([]net.Listener, int, error) {
	const tries = 20
	var last error
	for range tries {
		port := 0
		var list []net.Listener
		for _, a := range addrs {
			ln, err := net.Listen("tcp", netip.AddrPortFrom(a, uint16(port)).String())
			if err != nil {
				last = err
				break
			}
			port = ln.Addr().(*net.TCPAddr).Port
			list = append(list, ln)
		}
		if len(list) == len(addrs) {
			return list, port, nil
		}
		for _, ln := range list {
			ln.Close()
		}
	}
	return nil, 0, fmt.Errorf("lab: no port is free at all %d addresses: %w", len(addrs), last)
}

// Close ends all servers and waits for them.
func (s *Listening) Close() error {
	s.cancel()
	errs := []error{s.dns.Close()}
	for _, ln := range slices.Concat(s.smtp, s.https) {
		errs = append(errs, ln.Close())
	}
	s.wg.Wait()
	return errors.Join(errs...)
}
