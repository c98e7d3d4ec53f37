package probe_test

import (
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/smtptest"
)

func TestDial(t *testing.T) {
	always := func(err error) func(int) error { return func(int) error { return err } }
	for _, test := range []struct {
		name  string
		fail  func(int) error
		want  string
		dials int
		took  time.Duration
	}{
		{"refused", always(syscall.ECONNREFUSED), "not-reached unknown dial/refused n=0", 2, 2 * time.Second},
		{"refused once", func(try int) error {
			if try == 0 {
				return syscall.ECONNREFUSED
			}
			return nil
		}, "reached started tls=true n=1", 2, 2 * time.Second},
		{"host unreachable", always(syscall.EHOSTUNREACH), "not-reached unknown dial/unreachable n=0", 2, 2 * time.Second},
		{"timed out, says the system", always(syscall.ETIMEDOUT), "not-reached unknown dial/timeout n=0", 3, 20 * time.Second},
		{"no route for the family", always(syscall.ENETUNREACH), "unknown unknown dial/no-family n=0", 1, 0},
		{"no address of the family", always(syscall.EADDRNOTAVAIL), "unknown unknown dial/no-family n=0", 1, 0},
		{"no such family", always(syscall.EAFNOSUPPORT), "unknown unknown dial/no-family n=0", 1, 0},
		{"too many files", always(syscall.EMFILE), "unknown unknown dial/unknown n=0", 3, 20 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, p := internet(t, script("", smtptest.Reply{}))
				n.fail = test.fail
				start := time.Now()
				r, err := p.Probe(t.Context(), "mx.example.test", addr)
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took > test.took {
					t.Errorf("took %v", took)
				}
				if got := brief(r.Session); got != test.want || n.dials != test.dials {
					t.Errorf("%s after %d dials\nwant %s after %d", got, n.dials, test.want, test.dials)
				}
			})
		})
	}
	t.Run("silence", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, p := internet(t, nil)
			p.Retries = -1
			p.ConnectTimeout = 4 * time.Second
			start := time.Now()
			r, err := p.Probe(t.Context(), "mx.example.test", addr)
			if got := brief(r.Session); err != nil || got != "not-reached unknown dial/timeout n=0" {
				t.Errorf("%s, %v", got, err)
			}
			if took := time.Since(start); took != 4*time.Second {
				t.Errorf("took %v", took)
			}
		})
	})
	t.Run("reached, then gone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n, p := internet(t, &smtptest.Server{Defer: -1})
			n.fail = func(try int) error {
				if try > 0 {
					return syscall.ECONNREFUSED
				}
				return nil
			}
			r, _ := p.Probe(t.Context(), "mx.example.test", addr)
			if got := brief(r.Session); got != "reached unknown dial/refused n=1" {
				t.Error(got)
			}
		})
	})
}

// A server that keeps every single reply just within its time-out is given up
// when the attempt as a whole has taken too long.
func TestTarpit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script(smtptest.Banner, smtptest.Reply{Delay: 9 * time.Second})
		for _, step := range []smtptest.Step{smtptest.EHLO, smtptest.STARTTLS, smtptest.Handshake, smtptest.EHLOTLS} {
			s.Script[step] = smtptest.Reply{Delay: 9 * time.Second}
		}
		_, p := internet(t, s)
		start := time.Now()
		r, err := p.Probe(t.Context(), "mx.example.test", addr)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("took %v", took)
		}
		if got := brief(r.Session); got != "reached started tls=false handshake/timeout n=1" {
			t.Error(got)
		}
	})
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &smtptest.Server{TLS: conf, Defer: -1}
		_, p := internet(t, s)
		p.Retries = 4
		start := time.Now()
		if _, err := p.Probe(t.Context(), "mx.example.test", addr); err != nil {
			t.Fatal(err)
		}
		// 5, 10, 20 and 40 s, each longer by at most a quarter.
		if took := time.Since(start); took < 75*time.Second || took > 75*5/4*time.Second {
			t.Errorf("took %v", took)
		}
		_, p = internet(t, s)
		p.Retries, p.MaxConnections = 4, 2
		if r, _ := p.Probe(t.Context(), "mx.example.test", addr); r.Opened != 2 {
			t.Errorf("%d connections, 2 allowed", r.Opened)
		}
	})
}

// A host that allows two connections a minute must not be asked more often
// than it takes, and never seem to be without STARTTLS.
func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &smtptest.Server{TLS: conf, PerMinute: 2, MaxOpen: 1}
		_, p := internet(t, s)
		p.Retries, p.Backoff = 3, 20*time.Second
		for _, host := range []string{"a.test", "b.test", "c.test", "d.test"} {
			r, err := p.Probe(t.Context(), host, addr)
			if err != nil || r.Session.StartTLS != evidence.StartTLSStarted {
				t.Errorf("%s: %s, %v", host, brief(r.Session), err)
			}
		}
		p.Wait()
	})
}
