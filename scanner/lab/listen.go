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
	Resolver string // host:port, UDP and TCP
	SMTPPort int    // of all mail servers
	Anchors  string // trust anchors in zone format
	Roots    string // trusted certificates, PEM

	dns    *dnstest.Listener
	smtp   []net.Listener
	cancel context.CancelFunc
	wg     sync.WaitGroup
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
// scanner expects, each at its own address. Silent ones listen nowhere, so
// they refuse.
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
	if err := s.listenSMTP(l); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	for i, addr := range l.smtpAddrs() {
		listener, server := s.smtp[i], l.net.smtp[addr]
		s.wg.Go(func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				s.wg.Go(func() { server.Serve(ctx, conn) })
			}
		})
	}
	for _, rr := range l.World.Anchors() {
		s.Anchors += rr.String() + "\n"
	}
	s.Roots = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.ca.Root().Raw}))
	return s, nil
}

func (l *Lab) smtpAddrs() []netip.Addr {
	return slices.SortedFunc(maps.Keys(l.net.smtp), netip.Addr.Compare)
}

// listenSMTP finds a port that is free at every address.
func (s *Listening) listenSMTP(l *Lab) error {
	const tries = 20
	addrs := l.smtpAddrs()
	var last error
	for range tries {
		port := 0
		s.smtp = nil
		for _, a := range addrs {
			ln, err := net.Listen("tcp", netip.AddrPortFrom(a, uint16(port)).String())
			if err != nil {
				last = err
				break
			}
			port = ln.Addr().(*net.TCPAddr).Port
			s.smtp = append(s.smtp, ln)
		}
		if len(s.smtp) == len(addrs) {
			s.SMTPPort = port
			return nil
		}
		for _, ln := range s.smtp {
			ln.Close()
		}
	}
	return fmt.Errorf("lab: no port is free at all %d addresses: %w", len(addrs), last)
}

// Close ends all servers and waits for them.
func (s *Listening) Close() error {
	s.cancel()
	errs := []error{s.dns.Close()}
	for _, ln := range s.smtp {
		errs = append(errs, ln.Close())
	}
	s.wg.Wait()
	return errors.Join(errs...)
}
