package lab_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"mailvet/dnscheck/dnstest"
	"mailvet/dnscheck/fetch"
	"mailvet/dnscheck/resolver"
	"mailvet/scanner"
	"mailvet/scanner/lab"
	"mailvet/smtpcheck/probe"
)

// What a scan costs us cannot be told from what its Internet costs when both
// are one process. So the Internet of the mass is a process of its own for the
// benchmarks: this test binary, started again with massServes in the
// environment. It listens at the loopback interface and tells at which sockets
// its addresses are, so that ours includes the system calls of real sockets.

// massServes holds the number of domains and the Unix time, for the process
// that only serves.
const massServes = "MAILVET_TEST_MASS"

func TestMain(m *testing.M) {
	if what := os.Getenv(massServes); what != "" {
		if err := serveMass(what, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serveMass writes the table of sockets as a line of JSON, and for each line
// that it reads the CPU time that it has used, until there are no more.
func serveMass(what string, in io.Reader, out io.Writer) error {
	var n int
	var now int64
	if _, err := fmt.Sscan(what, &n, &now); err != nil {
		return err
	}
	l, err := newMass(n, lab.Options{Now: time.Unix(now, 0)})
	if err != nil {
		return err
	}
	sockets, err := listenMass(l)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(sockets); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if _, err := fmt.Fprintln(out, cpu().Nanoseconds()); err != nil {
			return err
		}
	}
	return nil
}

// listenMass opens sockets for all servers: "address:port" in the lab to
// "host:port". They are closed with the process.
func listenMass(l *lab.Lab) (map[string]string, error) {
	sockets := map[string]string{}
	listen := func(a netip.Addr, s *dnstest.Server) error {
		listener, err := s.Listen()
		if err == nil {
			sockets[netip.AddrPortFrom(a, 53).String()] = listener.Addr.String()
		}
		return err
	}
	if err := listen(netip.MustParseAddr(lab.ResolverAddr), l.Recursive); err != nil {
		return nil, err
	}
	for _, a := range l.World.Addrs() {
		if s := l.World.ServersFor(a); s != nil {
			if err := listen(a, s); err != nil {
				return nil, err
			}
		}
	}
	for p := range massProviders {
		for h := range 2 {
			server := l.Server(fmt.Sprintf("mx%d.provider%d.test", h, p))
			for _, a := range massAddrs(p, h) {
				listener, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					return nil, err
				}
				sockets[netip.AddrPortFrom(a, 25).String()] = listener.Addr().String()
				go func() {
					for {
						c, err := listener.Accept()
						if err != nil {
							return
						}
						go server.Serve(context.Background(), c)
					}
				}()
			}
		}
	}
	return sockets, nil
}

// massApart is the Internet of a mass in a process of its own.
type massApart struct {
	t       testing.TB
	ground  *lab.Lab // the same without the domains, for what is no server: anchors, roots, routes
	sockets map[string]string
	ask     io.Writer
	answers *bufio.Reader
}

func startMass(t testing.TB, n int) *massApart {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d", massServes, n, now.Unix()))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
	})
	m := &massApart{t: t, ground: mass(t, 0, lab.Options{Now: now}), ask: in, answers: bufio.NewReader(out)}
	line, err := m.answers.ReadString('\n')
	if err == nil {
		err = json.Unmarshal([]byte(line), &m.sockets)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// cpu is what the other process has used so far.
func (m *massApart) cpu() time.Duration {
	fmt.Fprintln(m.ask)
	line, err := m.answers.ReadString('\n')
	ns, nerr := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	if err := errors.Join(err, nerr); err != nil {
		m.t.Fatal(err)
	}
	return time.Duration(ns)
}

// Dial connects to an address of the lab; where nothing listens it is refused.
func (m *massApart) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	socket, ok := m.sockets[address]
	if !ok {
		socket = "127.0.0.1:9"
	}
	var d net.Dialer
	if network == "udp" {
		return d.DialUDP(ctx, network, netip.AddrPort{}, netip.MustParseAddrPort(socket)) // as the resolver does
	}
	return d.DialContext(ctx, network, socket)
}

// Scanner is a new scanner, with nothing remembered, on that Internet.
func (m *massApart) Scanner() *scanner.Scanner {
	s := m.ground.Scanner()
	s.Resolver.(*resolver.Resolver).Dial = m.Dial
	s.Prober.(*probe.Prober).Dial = m.Dial
	s.Fetcher.(*fetch.Fetcher).Dial = m.Dial
	return s
}
