package probe_test

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/smtptest"
)

// TestGradeOnce: further names of an address cost one handshake each.
func TestGradeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &smtptest.Server{TLS: conf}
		n, p := internet(t, s)
		p.HandshakeOnly, n.delay = false, 50*time.Millisecond
		first := 0
		for i, host := range []string{"a.test", "b.test", "c.test"} {
			r, err := p.Probe(t.Context(), host, addr)
			if err != nil || r.Session.TLS == nil || r.Session.TLS.Host != "a.test" || !r.Session.TLS.Complete || r.Session.Handshake.SNI != host {
				t.Fatalf("%s: %v %s", host, err, summary(r))
			}
			for _, c := range r.Session.TLS.Certificates {
				if c.Chain != "" && !slices.ContainsFunc(r.Chains, func(x evidence.Chain) bool { return x.ID == c.Chain }) {
					t.Errorf("%s: the chain of the plan is missing", host)
				}
			}
			if first = max(first, r.Opened); i > 0 && r.Opened != 1 {
				t.Errorf("%s: opened %d", host, r.Opened)
			}
		}
		if c := s.Counts(); c.Connections != first+2 || c.MaxOpen != 1 {
			t.Errorf("%d connections", c.Connections)
		}
		// Nor does a fault of later make the plan, which came to its end, begin again.
		n.mu.Lock()
		n.fail = func(int) error { return syscall.ECONNRESET }
		n.mu.Unlock()
		if r, err := p.Probe(t.Context(), "d.test", addr); err != nil || r.Session.Failure == nil {
			t.Errorf("no fault: %s, %v", summary(r), err)
		}
		n.mu.Lock()
		n.fail = nil
		n.mu.Unlock()
		p.ForgetFailures(0)
		if r, err := p.Probe(t.Context(), "d.test", addr); err != nil || r.Opened != 1 || r.Session.TLS == nil || !r.Session.TLS.Complete {
			t.Errorf("after a fault: opened %d, %s, %v", r.Opened, summary(r), err)
		}
		p.Wait()
	})
}

// TestGradeCancelled: the session stays as it is, and the plan says what it knows.
func TestGradeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &smtptest.Server{TLS: conf}
		n, p := internet(t, s)
		p.HandshakeOnly, n.delay = false, 50*time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := p.Probe(ctx, "mx.example.test", addr)
		if !errors.Is(err, context.DeadlineExceeded) || brief(r.Session) != "reached started tls=true n=1" {
			t.Errorf("%v, %s", err, brief(r.Session))
		}
		x := r.Session.TLS
		if x == nil || x.Complete || x.Stopped == nil || x.Stopped.Class != evidence.ClassBudget || x.Connections == 0 {
			t.Fatalf("%s", summary(r))
		}
		for _, v := range x.Versions {
			if v.Answer == evidence.Refused && v.Version > "TLS 1.1" {
				t.Errorf("%+v", v)
			}
		}
		// Who asks again goes on where it ended.
		again, err := p.Probe(t.Context(), "mx.example.test", addr)
		if err != nil || !again.Session.TLS.Complete || again.Opened > 12-x.Connections {
			t.Errorf("%v, %s", err, summary(again))
		}
		p.Wait()
	})
}
