package probe_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/smtptest"
)

// Hosts with one address, however many, are asked so often a minute, and the
// hosts of one provider, at whatever addresses, together so often.
func TestRates(t *testing.T) {
	for _, test := range []struct {
		name               string
		host               func(i int) (string, netip.Addr)
		hostRate, provider int
		want               time.Duration // at least, of 30 connections
	}{
		{"one address", func(i int) (string, netip.Addr) { return fmt.Sprintf("mx.d%d.example", i), addr }, 10, 0, 2 * time.Minute},
		{"one provider", func(i int) (string, netip.Addr) {
			return fmt.Sprintf("d%d.mail.example", i), netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
		}, 0, 20, 30 * time.Second},
		{"a suffix is no provider", func(i int) (string, netip.Addr) {
			return fmt.Sprintf("d%d.co.uk", i), netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
		}, 0, 20, 0},
		{"no bound", func(i int) (string, netip.Addr) { return fmt.Sprintf("d%d.mail.example", i), addr }, -1, -1, 0},
		{"the defaults", func(i int) (string, netip.Addr) { return fmt.Sprintf("d%d.mail.example", i), addr }, 0, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := script("", smtptest.Reply{})
				n, p := internet(t, s)
				p.HostRate, p.ProviderRate = test.hostRate, test.provider
				began := time.Now()
				var wg sync.WaitGroup
				for i := range 30 {
					_, a := test.host(i)
					n.servers[a] = s
				}
				for i := range 30 {
					host, a := test.host(i)
					wg.Go(func() {
						if r, err := p.Probe(t.Context(), host, a); err != nil || brief(r.Session) != "reached started tls=true n=1" {
							t.Errorf("%s: %s, %v", host, brief(r.Session), err)
						}
					})
				}
				synctest.Wait()
				wg.Wait()
				p.Wait()
				if took := time.Since(began); took < test.want || took > test.want+time.Second {
					t.Errorf("took %s, want %s", took, test.want)
				}
				if p.Open() != 0 {
					t.Errorf("%d are open", p.Open())
				}
			})
		})
	}
}

// Who waits for its turn can leave.
func TestRateCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := internet(t, script("", smtptest.Reply{}))
		p.HostRate = 1
		if _, err := p.Probe(t.Context(), "a.test", addr); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		r, err := p.Probe(ctx, "b.test", addr)
		if err == nil || r.Session.Failure == nil || r.Session.Failure.Class != evidence.ClassBudget || time.Since(began) != 10*time.Second {
			t.Errorf("%s, %v after %s", brief(r.Session), err, time.Since(began))
		}
		p.Wait()
	})
}

// A server that says 421 gives all those of its provider a rest.
func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := &smtptest.Server{TLS: conf, Defer: 1}
		n, p := internet(t, busy)
		other, foreign := netip.MustParseAddr("192.0.2.26"), netip.MustParseAddr("192.0.2.27")
		n.servers[other], n.servers[foreign] = script("", smtptest.Reply{}), script("", smtptest.Reply{})
		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { p.Probe(t.Context(), "mx1.mail.example", addr) })
		synctest.Wait()
		for host, a := range map[string]netip.Addr{"mx2.mail.example": other, "mx.else.example": foreign} {
			wg.Go(func() {
				r, err := p.Probe(t.Context(), host, a)
				if err != nil || brief(r.Session) != "reached started tls=true n=1" {
					t.Errorf("%s: %s, %v", host, brief(r.Session), err)
				}
				if waited := time.Since(began) >= p.Backoff; waited != (a == other) {
					t.Errorf("%s was asked after %s", host, time.Since(began))
				}
			})
		}
		wg.Wait()
		p.Wait()
	})
}

// A provider that has enough after 100 connections: 421 first, then nobody
// answers. No address is asked more than a few times more, and once failures
// are forgotten, what was refused is found out.
func TestBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := internet(t, nil)
		var mu sync.Mutex
		taken, blocked := 0, false
		s := script("", smtptest.Reply{})
		deferring := &smtptest.Server{TLS: conf, Defer: -1}
		for i := range 200 {
			n.servers[netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})] = s
		}
		n.fail = func(int) error {
			mu.Lock()
			defer mu.Unlock()
			taken++
			if taken == 101 {
				for a := range n.servers {
					n.servers[a] = deferring
				}
			}
			if blocked = taken > 150 && taken < 1000; blocked {
				return syscall.ECONNREFUSED
			}
			return nil
		}
		known := func() (good int) {
			for i := range 200 {
				r, err := p.Probe(t.Context(), fmt.Sprintf("mx%d.mail.example", i), netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
				if err != nil {
					t.Fatal(err)
				}
				if r.Session.StartTLS == evidence.StartTLSStarted {
					good++
				}
			}
			return good
		}
		if good := known(); good != 100 || taken > 100+3*100 {
			t.Errorf("%d are known after %d connections", good, taken)
		}
		first := taken
		if known(); taken != first {
			t.Errorf("%d more connections for what is known", taken-first)
		}
		p.ForgetFailures(24 * time.Hour)
		if known(); taken != first {
			t.Errorf("%d more connections for failures that are young", taken-first)
		}
		taken = 1000 // the block has ended
		for a := range n.servers {
			n.servers[a] = s
		}
		p.ForgetFailures(0)
		if good := known(); good != 200 || taken != 1100 {
			t.Errorf("in the end %d are known after %d connections more", good, taken-1000)
		}
		p.Wait()
	})
}

// A plan that a server broke off is gone on with, not begun again.
func TestForgetPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script("", smtptest.Reply{})
		n, p := internet(t, s)
		p.HandshakeOnly = false
		n.fail = func(try int) error {
			if try >= 4 && try < 20 {
				return syscall.ECONNRESET
			}
			return nil
		}
		r, err := p.Probe(t.Context(), "mx.example.test", addr)
		if err != nil || r.Session.TLS == nil || r.Session.TLS.Stopped == nil {
			t.Fatalf("not broken off: %s, %v", brief(r.Session), err)
		}
		n.mu.Lock()
		n.dials = 20
		n.mu.Unlock()
		p.ForgetFailures(0)
		r, err = p.Probe(t.Context(), "mx.example.test", addr)
		if err != nil || r.Session.TLS == nil || r.Session.TLS.Stopped != nil {
			t.Errorf("still broken off: %s, %v", brief(r.Session), err)
		}
		p.Wait()
		if c := s.Counts().Connections; c > 14 {
			t.Errorf("%d connections in all", c)
		}
	})
}
