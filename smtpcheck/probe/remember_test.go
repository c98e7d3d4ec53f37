package probe_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/probe/spill"
	"mailvet/smtpcheck/smtptest"
)

// seen is what a result makes of a snapshot.
func seen(t *testing.T, r probe.Result) string {
	t.Helper()
	s := evidence.Snapshot{Domain: "example.test", Sessions: []evidence.Session{r.Session}, Chains: r.Chains, Certificates: r.Certificates}
	b, err := evidence.Marshal(&s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// shelf is a store that can lose and damage what it has.
type shelf struct {
	mu     sync.Mutex
	values map[string][]byte
	damage func(key string, value []byte) ([]byte, bool)
}

func (s *shelf) Put(key string, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = map[string][]byte{}
	}
	s.values[key] = value
}

func (s *shelf) Get(key string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[key]
	if ok && s.damage != nil {
		return s.damage(key, v)
	}
	return v, ok
}

// others, new ones each time, are asked until all else has left the memory of a
// prober.
func others(t *testing.T, n *network, p *probe.Prober, s *smtptest.Server) {
	t.Helper()
	for range 2*p.Remember + 2 {
		i := len(n.servers)
		a := netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
		n.servers[a] = s
		if _, err := p.Probe(t.Context(), fmt.Sprintf("other%d.test", i), a); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute) // then there is no limit left to be remembered
	}
}

// TestStore: what comes again after memory has forgotten it is not asked again,
// under the same name or another, and is the same to the octet.
func TestStore(t *testing.T) {
	good := func() *smtptest.Server { return &smtptest.Server{TLS: conf} }
	for _, test := range []struct {
		name        string
		server      *smtptest.Server
		known       func(r probe.Result) bool
		under       int  // connections for a further name
		afterForget bool // it is asked again once failures are forgotten
	}{
		{"graded", good(), func(r probe.Result) bool { return r.Session.TLS != nil && r.Session.TLS.Complete }, 1, false},
		{"no STARTTLS", &smtptest.Server{}, func(r probe.Result) bool { return r.Session.StartTLS == evidence.StartTLSNotOffered }, 0, false},
		{"deferred", &smtptest.Server{TLS: conf, Defer: -1}, func(r probe.Result) bool { return r.Session.Failure.Class == evidence.ClassTemporary }, 0, true},
		{"a plan broken off", &smtptest.Server{TLS: conf, PerMinute: 6}, func(r probe.Result) bool { return r.Session.TLS != nil && r.Session.TLS.Stopped != nil }, 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, p := internet(t, test.server)
				p.HandshakeOnly, p.Remember, p.TestInjection = false, 2, true
				f := &spill.File{Dirs: []string{t.TempDir()}}
				defer f.Close()
				p.Store = f
				first, err := p.Probe(t.Context(), "mx.example.test", addr)
				if err != nil || !test.known(first) {
					t.Fatalf("%s, %v", summary(first), err)
				}
				again := func(host string) (probe.Result, int) {
					before := test.server.Counts().Connections
					r, err := p.Probe(t.Context(), host, addr)
					if err != nil {
						t.Fatal(err)
					}
					p.Wait()
					return r, test.server.Counts().Connections - before
				}
				others(t, n, p, good())
				if r, opened := again("mx.example.test"); opened != 0 || r.Opened != 0 || seen(t, r) != seen(t, first) {
					t.Errorf("%d connections\n got %s\nwant %s", opened, seen(t, r), seen(t, first))
				}
				others(t, n, p, good())
				if r, opened := again("other.example.test"); opened != test.under || r.Session.Host != "other.example.test" || !test.known(r) {
					t.Errorf("under another name: %d connections, %s", opened, summary(r))
				}
				others(t, n, p, good())
				p.ForgetFailures(0)
				if _, opened := again("mx.example.test"); opened > 0 != test.afterForget {
					t.Errorf("failures are forgotten: %d connections", opened)
				}
				others(t, n, p, good())
				if _, opened := again("mx.example.test"); opened != 0 {
					t.Errorf("in the end: %d connections", opened)
				}
				if records, octets := f.Size(); records == 0 || octets == 0 {
					t.Error("nothing was stored")
				}
			})
		})
	}
}

// TestStoreLost: what is lost or damaged is probed again, and nothing else is
// taken for it.
func TestStoreLost(t *testing.T) {
	for name, damage := range map[string]func(string, []byte) ([]byte, bool){
		"lost": func(string, []byte) ([]byte, bool) { return nil, false },
		"torn": func(_ string, v []byte) ([]byte, bool) { return v[:len(v)/2], true },
		"of another": func(_ string, v []byte) ([]byte, bool) {
			return []byte(strings.ReplaceAll(string(v), "mx.example.test", "mx.example.text")), true
		},
		"empty":      func(string, []byte) ([]byte, bool) { return []byte("{}"), true },
		"no grading": func(k string, v []byte) ([]byte, bool) { return v, !strings.HasPrefix(k, "grading") },
		"an empty grading": func(k string, v []byte) ([]byte, bool) {
			return map[bool][]byte{true: []byte("{}"), false: v}[strings.HasPrefix(k, "grading")], true
		},
		"null for all that is had": func(string, []byte) ([]byte, bool) { return []byte("null"), true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &smtptest.Server{TLS: conf}
				n, p := internet(t, s)
				p.HandshakeOnly, p.Remember, p.Store = false, 1, &shelf{damage: damage}
				first, err := p.Probe(t.Context(), "mx.example.test", addr)
				if err != nil {
					t.Fatal(err)
				}
				others(t, n, p, &smtptest.Server{})
				r, err := p.Probe(t.Context(), "mx.example.test", addr)
				if err != nil || r.Opened == 0 || !r.Session.TLS.Complete || brief(r.Session) != brief(first.Session) {
					t.Errorf("%s, opened %d, %v", summary(r), r.Opened, err)
				}
				p.Wait()
			})
		})
	}
}

// TestStoreManners: limits hold over what memory forgets.
func TestStoreManners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := internet(t, script("", smtptest.Reply{}))
		p.Remember, p.HostRate, p.Interval, p.Store = 1, 2, time.Minute, &shelf{}
		began := time.Now()
		for i := range 4 { // under names of which none is known
			if _, err := p.Probe(t.Context(), fmt.Sprintf("mx%d.test", i), addr); err != nil {
				t.Fatal(err)
			}
			for j := range 3 {
				a := netip.AddrFrom4([4]byte{198, 51, byte(i), byte(j)})
				n.servers[a] = script("", smtptest.Reply{})
				if _, err := p.Probe(t.Context(), "other.test", a); err != nil {
					t.Fatal(err)
				}
			}
		}
		if took := time.Since(began); took < 3*time.Minute {
			t.Errorf("4 connections to one address within %s", took)
		}
		p.Wait()
	})
}

// TestStoreTogether: many ask for few at once, while memory holds almost nothing.
func TestStoreTogether(t *testing.T) {
	s := script("", smtptest.Reply{})
	n, p := internet(t, s)
	p.Remember, p.HostRate, p.ProviderRate = 2, -1, -1
	f := &spill.File{Dirs: []string{t.TempDir()}}
	defer f.Close()
	p.Store = f
	const addrs = 16
	for i := range addrs {
		n.servers[netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})] = s
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 * addrs {
				r, err := p.Probe(t.Context(), "mx.example.test", netip.AddrFrom4([4]byte{192, 0, 2, byte((i*j + j) % addrs)}))
				if err != nil || brief(r.Session) != "reached started tls=true n=1" {
					t.Errorf("%s, %v", brief(r.Session), err)
				}
			}
		})
	}
	wg.Wait()
	p.Wait()
	if c := s.Counts(); c.Connections > addrs {
		t.Errorf("%d connections to %d addresses", c.Connections, addrs)
	}
}

var massAddrs = flag.Int("mass", 8_000, "addresses by which the memory of a prober is measured")

// refusing is a mail server that answers at once, without STARTTLS.
func refusing(conn net.Conn) {
	defer conn.Close()
	fmt.Fprint(conn, "220 mx\r\n")
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		answer := "250 mx"
		if lines.Text() == "QUIT" {
			answer = "221 bye"
		}
		if _, err := io.WriteString(conn, answer+"\r\n"); err != nil {
			return
		}
	}
}

// TestStoreMemory: of an address with a host and a provider of its own a few
// dozen octets stay, so that a million domains with a mail server each stay
// within the memory that a list may take; every third is dead.
func TestStoreMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := *massAddrs
		f := &spill.File{Dirs: []string{t.TempDir()}}
		defer f.Close()
		p := &probe.Prober{
			AllowPrivate: true, Helo: "scanner.example", HandshakeOnly: true, Remember: 1024, Store: f, Retries: -1,
			Dial: func(_ context.Context, _, address string) (net.Conn, error) {
				time.Sleep(50 * time.Millisecond)
				if a := netip.MustParseAddrPort(address).Addr().As4(); a[3]%3 == 0 {
					return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
				}
				client, server := net.Pipe()
				go refusing(server)
				return client, nil
			},
		}
		ask := func(from, to int) {
			var wg sync.WaitGroup
			for w := range 64 {
				wg.Go(func() {
					for i := from + w; i < to; i += 64 {
						host := fmt.Sprintf("mx.customer-%07d.example", i)
						if _, err := p.Probe(t.Context(), host, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			p.Wait()
		}
		live := func() float64 {
			time.Sleep(5 * time.Minute) // then no timer of a connection is left
			runtime.GC()
			runtime.GC() // what pools hold goes with the second
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return float64(m.HeapAlloc)
		}
		ask(0, n/2)
		start := live()
		ask(n/2, n)
		end := live()
		runtime.KeepAlive(p)
		per := (end - start) / float64(n-n/2)
		records, octets := f.Size()
		t.Logf("%d addresses: %.0f octets of memory stay of each, %d of disk in %d records; %.0f MB of heap", n, per, octets/int64(n), records, end/1e6)
		if per > 150 {
			t.Errorf("%.0f octets stay of each address", per)
		}
	})
}

// TestCutShort: callers whose time is up, one after another, do not open more
// connections than are allowed, and get as far as these reach.
func TestCutShort(t *testing.T) {
	for _, test := range []struct {
		name     string
		patience time.Duration
		most     int
		whole    bool
	}{
		{"half the plan", 3100 * time.Millisecond, 20, true},
		{"a question at a time", 610 * time.Millisecond, 40, true},
		{"without room", 610 * time.Millisecond, 14, false},
		{"in the session", 110 * time.Millisecond, 20, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &smtptest.Server{TLS: conf}
				n, p := internet(t, server)
				p.HandshakeOnly, p.MaxConnections, p.Retries, p.HostRate, p.ProviderRate = false, test.most, -1, -1, -1
				n.delay = 47 * time.Millisecond
				var last probe.Result
				for range 100 {
					ctx, cancel := context.WithTimeout(t.Context(), test.patience)
					last, _ = p.Probe(ctx, "mx.example.test", addr)
					cancel()
				}
				p.Wait()
				if c := server.Counts().Connections; c > test.most {
					t.Errorf("%d connections, at most %d are allowed", c, test.most)
				}
				if x := last.Session.TLS; test.whole != (x != nil && x.Complete) {
					t.Errorf("in the end, with %d connections: %s", server.Counts().Connections, summary(last))
				}
				if f, x := last.Session.Failure, last.Session.TLS; !test.whole && !f.Temporary() && (x == nil || x.Stopped == nil || x.Stopped.Class != evidence.ClassBudget) {
					t.Errorf("in the end: %s", summary(last))
				}
			})
		})
	}
}

// TestStoreSpent: the bound on connections to an address holds over what memory
// forgets, also for a plan that was broken off again and again; and what it
// showed before is not lost for one that had no room.
func TestStoreSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &smtptest.Server{TLS: conf, PerMinute: 5}
		n, p := internet(t, server)
		const most = 14
		p.HandshakeOnly, p.Remember, p.MaxConnections, p.Retries = false, 2, most, -1
		f := &spill.File{Dirs: []string{t.TempDir()}}
		defer f.Close()
		p.Store = f
		asked, of := 0, 0
		for i := range 6 {
			r, err := p.Probe(t.Context(), "mx.example.test", addr)
			if err != nil || r.Session.TLS == nil || r.Session.TLS.Stopped == nil {
				t.Fatalf("%s, %v", summary(r), err)
			}
			if now := len(r.Session.TLS.Asked); now < asked {
				t.Errorf("pass %d: %d questions were answered, before %d", i, now, asked)
			} else {
				asked = now
			}
			of += r.Opened
			others(t, n, p, &smtptest.Server{TLS: conf})
			p.ForgetFailures(0)
		}
		p.Wait()
		// Each pass says hello once more.
		if got := server.Counts().Connections; got != of || got > most+2 {
			t.Errorf("%d connections, %d of them told; at most %d are allowed", got, of, most)
		}
	})
}
