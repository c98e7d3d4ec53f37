package realmail_test

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/dnstest"
	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
	"mailvet/scanner"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/smtptest"
)

// tlsa is a TLSA record about a certificate of the case.
type tlsa struct {
	usage, selector, matching uint8
	of                        subject
}

// subject says which certificate a TLSA record is about.
type subject uint8

const (
	own    subject = iota // the server's
	other                 // one with another key
	issuer                // the intermediate authority's
	anchor                // the root's
)

// data is the record's in presentation format.
func (r tlsa) data(ca *smtptest.CA, leaf smtptest.Leaf) string {
	cert := ca.Issue(leaf).Leaf
	switch r.of {
	case own:
	case other:
		leaf.Seed += "/other"
		cert = ca.Issue(leaf).Leaf
	case issuer:
		cert = ca.Intermediate()
	case anchor:
		cert = ca.Root()
	default:
		panic(fmt.Sprintf("no such subject: %d", r.of))
	}
	data := cert.Raw
	if r.selector == 1 {
		data = cert.RawSubjectPublicKeyInfo
	}
	switch r.matching {
	case 1:
		h := sha256.Sum256(data)
		data = h[:]
	case 2:
		h := sha512.Sum512(data)
		data = h[:]
	}
	return fmt.Sprintf("%d %d %d %s", r.usage, r.selector, r.matching, hex.EncodeToString(data))
}

// names is the DNS of one mail server: a zone for each case.
type names struct {
	world    *dnstest.World
	resolver netip.Addr // answers at port 53, over UDP and TCP
}

// publish makes the zones and answers for them until the test ends. The TLSA
// records stand at port 25, where scanners look whatever port they connect to,
// and at the port that is connected to, where Postfix looks.
func publish(t *testing.T, now time.Time, ca *smtptest.CA, port int, hosts []*host) *names {
	t.Helper()
	n := &names{}
	udp, tcp := port53(t)
	n.resolver = tcp.Addr().(*net.TCPAddr).AddrPort().Addr()
	var zones []*dnstest.Zone
	var faults []dnstest.Fault
	for _, h := range hosts {
		var text strings.Builder
		fmt.Fprintf(&text, "@ NS ns\nns A %v\n@ MX 10 mx\nmx A %v\n", n.resolver, h.addr)
		for _, p := range []int{25, port} {
			for _, r := range h.tlsa {
				fmt.Fprintf(&text, "_%d._tcp.mx TLSA %s\n", p, r.data(ca, h.leaf()))
			}
			if h.servfail {
				faults = append(faults, dnstest.Fault{Name: fmt.Sprintf("_%d._tcp.%s", p, h.name), Kind: dnstest.RCode, RCode: 2})
			}
		}
		zone, err := dnstest.ParseZone(h.domain+".", text.String(), dnstest.Options{Signed: !h.unsigned})
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, zone)
	}
	var err error
	if n.world, err = dnstest.NewWorld(now, zones...); err != nil {
		t.Fatal(err)
	}
	server := n.world.Resolver()
	if err := server.AddFaults(faults...); err != nil {
		t.Fatal(err)
	}
	serve(t, server, udp, tcp)
	return n
}

// port53 opens the DNS port at an address of the loopback interface: the C
// library asks at no other.
func port53(t *testing.T) (*net.UDPConn, *net.TCPListener) {
	t.Helper()
	var last error
	for i := range 100 {
		ip := net.IPv4(127, 53, byte(i), 53)
		tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: ip, Port: 53})
		if err != nil {
			last = err
			continue
		}
		udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: ip, Port: 53})
		if err == nil {
			return udp, tcp
		}
		last = err
		_ = tcp.Close() // another address is tried
	}
	missing(t, "port 53 at an address of the loopback interface: %v", last)
	return nil, nil
}

// serve answers DNS queries at the sockets until the test ends.
func serve(t *testing.T, s *dnstest.Server, udp *net.UDPConn, tcp *net.TCPListener) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		b := make([]byte, 4096)
		for {
			size, from, err := udp.ReadFromUDPAddrPort(b)
			if err != nil {
				if ctx.Err() != nil {
					return
				}
				continue // told of an earlier client that is gone
			}
			if reply, err := s.Exchange(ctx, dnstest.UDP, b[:size]); err == nil {
				_, _ = udp.WriteToUDPAddrPort(reply, from) // who does not get it asks again
			}
		}
	})
	running.Go(func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				defer context.AfterFunc(ctx, func() { c.Close() })()
				for answer(ctx, s, c) == nil {
				}
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		udp.Close()
		tcp.Close()
		running.Wait()
	})
}

// answer takes one query from a stream (RFC 1035, Section 4.2.2).
func answer(ctx context.Context, s *dnstest.Server, c net.Conn) error {
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return err
	}
	query := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, query); err != nil {
		return err
	}
	reply, err := s.Exchange(ctx, dnstest.TCP, query)
	if err != nil {
		return err
	}
	_, err = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
	return err
}

// scannerFor is the scanner as the command builds it, but for the pauses
// between its tries.
func scannerFor(t *testing.T, n *names, ca *smtptest.CA, port int) *scanner.Scanner {
	servers := []string{netip.AddrPortFrom(n.resolver, 53).String()}
	s := &scanner.Scanner{
		Resolver: &resolver.Resolver{
			Servers: servers, Validator: &dnssec.Validator{Anchors: n.world.Anchors(), Now: time.Now},
		},
		Prober: &probe.Prober{
			Port: port, Helo: "scanner.example", Roots: ca.Pool(), AllowPrivate: true,
			Timeout: patience, Backoff: 20 * time.Millisecond,
		},
		Vantage: evidence.Vantage{
			IPv4: evidence.Available, IPv6: evidence.Missing, Resolvers: servers, DNSSEC: evidence.ValidationOwn,
			Helo: "scanner.example", Roots: "test", SMTPPort: port, AllowPrivate: true,
		},
		Tool: evidence.Tool{Name: "mailvet", Version: "test"},
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
