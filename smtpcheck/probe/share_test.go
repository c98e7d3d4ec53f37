package probe_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/smtptest"
)

func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script("", smtptest.Reply{})
		n, p := internet(t, s)
		n.delay = 50 * time.Millisecond
		var wg sync.WaitGroup
		var mu sync.Mutex
		opened := 0
		for range 20 {
			wg.Go(func() {
				r, err := p.Probe(t.Context(), "mx.example.test", addr)
				mu.Lock()
				defer mu.Unlock()
				if opened += r.Opened; err != nil || brief(r.Session) != "reached started tls=true n=1" {
					t.Errorf("%s, %v", brief(r.Session), err)
				}
			})
		}
		wg.Wait()
		if r, _ := p.Probe(t.Context(), "MX.example.test.", addr); r.Opened != 0 || r.Session.Connections != 1 {
			t.Errorf("later: opened %d", r.Opened)
		}
		if c := s.Counts(); opened != 1 || c.Connections != 1 {
			t.Errorf("opened %d, the server saw %d", opened, c.Connections)
		}
		p.Wait()
	})
}

func TestOneAtATime(t *testing.T) {
	hosts := []string{"a.test", "b.test", "c.test", "d.test"}
	for _, test := range []struct {
		name     string
		server   *smtptest.Server
		interval time.Duration
		want     int // connections for all hosts
	}{
		{"the certificate depends on the name", script("", smtptest.Reply{}), 0, 4},
		{"with a pause between", script("", smtptest.Reply{}), time.Minute, 4},
		{"no STARTTLS does not", &smtptest.Server{}, 0, 1},
		{"nor does a refusal", script(smtptest.Banner, smtptest.Reply{Text: "554 no"}), 0, 1},
		{"nor does a deferral", &smtptest.Server{TLS: conf, Defer: -1}, 0, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, p := internet(t, test.server)
				n.delay = 50 * time.Millisecond
				p.Interval = test.interval
				start := time.Now()
				var wg sync.WaitGroup
				for _, host := range hosts {
					wg.Go(func() {
						if r, err := p.Probe(t.Context(), host, addr); err != nil || r.Session.Host != host || r.Session.Reach != evidence.Reached {
							t.Errorf("%+v, %v", r.Session, err)
						}
					})
				}
				wg.Wait()
				p.Wait()
				synctest.Wait()
				if c := test.server.Counts(); c.MaxOpen != 1 || c.Connections != test.want {
					t.Errorf("%d connections, %d at once; want %d", c.Connections, c.MaxOpen, test.want)
				}
				if took := time.Since(start); took < 3*test.interval {
					t.Errorf("4 connections in %v", took)
				}
			})
		})
	}
}

func TestMaxOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script("", smtptest.Reply{})
		n, p := internet(t, s)
		n.delay = 50 * time.Millisecond
		p.MaxOpen = 3
		delete(n.servers, addr)
		var wg sync.WaitGroup
		for i := range 12 {
			n.servers[netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})] = s
		}
		for a := range n.servers {
			wg.Go(func() {
				if r, err := p.Probe(t.Context(), "mx.example.test", a); err != nil || r.Opened != 1 {
					t.Errorf("%v: %s, %v", a, brief(r.Session), err)
				}
			})
		}
		wg.Wait()
		p.Wait()
		if c := s.Counts(); c.MaxOpen != 3 || c.Connections != 12 {
			t.Errorf("%d connections, %d at once", c.Connections, c.MaxOpen)
		}
	})
}

func TestRemember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script("", smtptest.Reply{})
		_, p := internet(t, s)
		p.Remember = 2
		want := map[string]int{"a": 1, "b": 1, "a again": 0, "c": 1, "a still": 0, "b forgotten": 1}
		for _, name := range []string{"a", "b", "a again", "c", "a still", "b forgotten"} {
			host, _, _ := strings.Cut(name, " ")
			r, err := p.Probe(t.Context(), host+".test", addr)
			if err != nil || r.Opened != want[name] {
				t.Errorf("%s: opened %d, %v", name, r.Opened, err)
			}
		}
		p.Wait()
	})
}

func TestCancel(t *testing.T) {
	for _, step := range []smtptest.Step{smtptest.Banner, smtptest.EHLO, smtptest.STARTTLS, smtptest.Handshake, smtptest.EHLOTLS} {
		t.Run(string(step), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := script(step, smtptest.Reply{Silent: true})
				_, p := internet(t, s)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				start := time.Now()
				r, err := p.Probe(ctx, "mx.example.test", addr)
				if !errors.Is(err, context.Canceled) {
					t.Errorf("error %v", err)
				}
				f := r.Session.Failure
				if f == nil || f.Class != evidence.ClassCancelled || r.Session.Reach != evidence.Reached || r.Opened != 1 {
					t.Errorf("%s, opened %d", brief(r.Session), r.Opened)
				}
				synctest.Wait()
				if took := time.Since(start); took != time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
	t.Run("while it tries again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, p := internet(t, script(smtptest.Banner, smtptest.Reply{Silent: true}))
			ctx, cancel := context.WithTimeout(t.Context(), 9*p.Timeout/2)
			defer cancel()
			r, err := p.Probe(ctx, "mx.example.test", addr)
			if got := brief(r.Session); !errors.Is(err, context.DeadlineExceeded) || got != "reached unknown banner/timeout n=3" || r.Opened != 3 {
				t.Errorf("%s, opened %d, %v", got, r.Opened, err)
			}
		})
	})
	t.Run("dial", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, p := internet(t, nil)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			r, err := p.Probe(ctx, "mx.example.test", addr)
			if got := brief(r.Session); !errors.Is(err, context.DeadlineExceeded) || got != "unknown unknown dial/budget n=0" {
				t.Errorf("%s, %v", got, err)
			}
		})
	})
	t.Run("before", func(t *testing.T) {
		_, p := internet(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r, err := p.Probe(ctx, "mx.example.test", addr)
		if got := brief(r.Session); !errors.Is(err, context.Canceled) || got != "unknown unknown config/cancelled n=0" {
			t.Errorf("%s, %v", got, err)
		}
	})
	t.Run("others wait on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := script(smtptest.EHLO, smtptest.Reply{Delay: 5 * time.Second})
			_, p := internet(t, s)
			impatient, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			var wg sync.WaitGroup
			wg.Go(func() {
				r, err := p.Probe(impatient, "mx.example.test", addr)
				if got := brief(r.Session); !errors.Is(err, context.DeadlineExceeded) || got != "unknown unknown config/budget n=0" || r.Opened != 1 {
					t.Errorf("the one who left: %s, opened %d, %v", got, r.Opened, err)
				}
			})
			synctest.Wait()
			wg.Go(func() {
				r, err := p.Probe(t.Context(), "mx.example.test", addr)
				if got := brief(r.Session); err != nil || got != "reached started tls=true n=1" || r.Opened != 0 {
					t.Errorf("the one who waited: %s, opened %d, %v", got, r.Opened, err)
				}
			})
			wg.Wait()
			p.Wait()
		})
	})
	t.Run("a cancelled probe is not remembered", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := script(smtptest.EHLO, smtptest.Reply{Delay: 5 * time.Second})
			_, p := internet(t, s)
			impatient, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			p.Probe(impatient, "mx.example.test", addr)
			r, err := p.Probe(t.Context(), "mx.example.test", addr)
			if got := brief(r.Session); err != nil || got != "reached started tls=true n=1" {
				t.Errorf("%s, %v", got, err)
			}
			p.Wait()
		})
	})
}

func TestForbidden(t *testing.T) {
	n, p := internet(t, script("", smtptest.Reply{}))
	p.AllowPrivate = false
	r, err := p.Probe(t.Context(), "mx.example.test", addr)
	if got := brief(r.Session); err != nil || got != "unknown unknown config/forbidden n=0" || n.dials != 0 {
		t.Errorf("%s, %d dials, %v", got, n.dials, err)
	}
	if f := r.Session.Failure; !strings.Contains(f.Text, "documentation (RFC 5737)") {
		t.Errorf("text %q", f.Text)
	}
}

func TestConfiguration(t *testing.T) {
	for name, p := range map[string]*probe.Prober{
		"port":     {Port: 65536},
		"helo":     {Helo: "a\r\nMAIL FROM:<>"},
		"time-out": {Timeout: -1},
		"interval": {Interval: -1},
		"limit":    {MaxOpen: -1},
	} {
		if _, err := p.Probe(t.Context(), "mx.example.test", addr); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	_, p := internet(t, nil)
	if _, err := p.Probe(t.Context(), "", addr); err == nil {
		t.Error("no host: no error")
	}
	if _, err := p.Probe(t.Context(), "mx.example.test", netip.Addr{}); err == nil {
		t.Error("no address: no error")
	}
}

func TestSpecialPurpose(t *testing.T) {
	for _, test := range []struct {
		addr, want string // want "": public
	}{
		{"0.1.2.3", "this network"}, {"10.1.2.3", "private"}, {"100.64.0.1", "shared"}, {"100.127.255.255", "shared"}, {"100.128.0.1", ""},
		{"127.0.0.1", "loopback"}, {"127.8.8.8", "loopback"}, {"169.254.169.254", "link-local"}, {"172.16.0.1", "private"}, {"172.31.255.255", "private"},
		{"172.32.0.1", ""}, {"192.0.0.8", "protocol assignments"}, {"192.0.2.1", "documentation"}, {"192.88.99.1", "6to4"}, {"192.168.1.1", "private"},
		{"198.18.0.1", "benchmarking"}, {"198.19.255.255", "benchmarking"}, {"198.51.100.1", "documentation"}, {"203.0.113.1", "documentation"},
		{"224.0.0.1", "multicast"}, {"239.255.255.255", "multicast"}, {"240.0.0.1", "reserved"}, {"255.255.255.255", "broadcast"},
		{"8.8.8.8", ""}, {"1.1.1.1", ""}, {"223.255.255.255", ""}, {"11.0.0.1", ""},
		{"::", "unspecified"}, {"::1", "loopback"}, {"::8.8.8.8", "compatible"}, {"::ffff:8.8.8.8", "mapped"}, {"::ffff:10.0.0.1", "mapped"},
		{"64:ff9b::8.8.8.8", ""}, {"64:ff9b::10.0.0.1", "NAT64"}, {"64:ff9b:1::1", "local-use"}, {"100::1", "discard"}, {"100:0:0:1::1", "dummy"},
		{"2001::1", "Teredo"}, {"2001:2::1", "benchmarking"}, {"2001:20::1", "ORCHIDv2"}, {"2001:1ff::1", "protocol assignments"}, {"2001:200::1", ""},
		{"2001:db8::1", "documentation"}, {"3fff::1", "documentation"}, {"3fff:fff::1", "documentation"}, {"3fff:1000::1", ""}, {"5f00::1", "segment"},
		{"2002:a00:1::1", "6to4"}, {"2002:808:808::1", ""}, {"fc00::1", "unique"}, {"fdff::1", "unique"}, {"fe80::1", "link-local"}, {"fe80::1%eth0", "link-local"},
		{"fec0::1", "site-local"}, {"ff02::1", "multicast"}, {"2a00:1450::1", ""}, {"2606:4700::1", ""},
	} {
		name, is := probe.SpecialPurpose(netip.MustParseAddr(test.addr))
		if is != (test.want != "") || !strings.Contains(name, test.want) || is != strings.Contains(name, "RFC ") {
			t.Errorf("%s: %q, %v; want %q", test.addr, name, is, test.want)
		}
	}
}
