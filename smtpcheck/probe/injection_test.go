package probe_test

import (
	"testing"
	"testing/synctest"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/smtptest"
)

func TestInjection(t *testing.T) {
	type reply = smtptest.Reply
	later := func(step smtptest.Step, r reply) map[smtptest.Step]reply { return map[smtptest.Step]reply{step: r} }
	for _, test := range []struct {
		name    string
		server  *smtptest.Server
		change  func(*probe.Prober)
		want    evidence.Answer
		replies int
		class   evidence.Class
	}{
		{"obeys", &smtptest.Server{Leftover: smtptest.LeftoverObeyed}, nil, evidence.Accepted, 3, 0},
		{"obeys, and answers slowly", &smtptest.Server{Leftover: smtptest.LeftoverObeyed, Script: later("TLS NOOP", reply{Delay: 8 * time.Second})}, nil, evidence.Accepted, 3, 0},
		{"obeys, and refuses the command", &smtptest.Server{Leftover: smtptest.LeftoverObeyed, Script: later("TLS NOOP", reply{Text: "503 EHLO first"})}, nil, evidence.Accepted, 3, 0},
		{"throws away", &smtptest.Server{Leftover: smtptest.LeftoverDropped}, nil, evidence.Refused, 2, 0},
		{"throws away, and is slow", &smtptest.Server{Leftover: smtptest.LeftoverDropped, Script: later(smtptest.EHLOTLS, reply{Delay: 8 * time.Second})}, nil, evidence.Refused, 2, 0},
		{"refuses", &smtptest.Server{Leftover: smtptest.LeftoverRefused}, nil, evidence.Refused, 0, evidence.ClassPermanent},
		{"answers in the clear", &smtptest.Server{Leftover: smtptest.LeftoverAnswered}, nil, evidence.Refused, 2, 0},
		{"breaks off", &smtptest.Server{}, nil, evidence.Refused, 0, evidence.ClassClosed},
		{"leaves in place of answering QUIT", &smtptest.Server{Leftover: smtptest.LeftoverDropped, Script: later(smtptest.QUITTLS, reply{Text: "421 later"})}, nil, evidence.NoAnswer, 2, evidence.ClassClosed},
		{"no connection left", &smtptest.Server{Leftover: smtptest.LeftoverObeyed}, func(p *probe.Prober) { p.MaxConnections = 1 }, evidence.NotAsked, 0, evidence.ClassBudget},
		{"one a minute", &smtptest.Server{Leftover: smtptest.LeftoverObeyed, PerMinute: 1}, nil, evidence.NoAnswer, 0, evidence.ClassTemporary},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.server.TLS = conf
				n, p := internet(t, test.server)
				p.TestInjection = true
				if test.change != nil {
					test.change(p)
				}
				r, err := p.Probe(t.Context(), "mx.example.test", addr)
				p.Wait()
				if err != nil {
					t.Fatal(err)
				}
				if got := brief(r.Session); got != "reached started tls=true n=1" {
					t.Errorf("the session is %s", got)
				}
				x := r.Session.Injection
				if x == nil || x.Answer != test.want || len(x.Replies) != test.replies || (x.Failure == nil) != (test.class == 0) || x.Failure != nil && x.Failure.Class != test.class {
					t.Errorf("%+v, failure %+v", x, x.Failure)
				}
				if test.server.PerMinute > 0 {
					return
				}
				again, err := p.Probe(t.Context(), "mx2.example.test", addr)
				p.Wait()
				if err != nil || again.Session.Injection == nil || again.Session.Injection.Answer != test.want {
					t.Errorf("under another name: %+v, %v", again.Session.Injection, err)
				}
				if want := 3; test.want != evidence.NotAsked && n.dials != want {
					t.Errorf("%d connections, want %d", n.dials, want)
				}
			})
		})
	}
	t.Run("not asked for", func(t *testing.T) {
		s := &smtptest.Server{TLS: conf, Leftover: smtptest.LeftoverObeyed}
		_, p := internet(t, s)
		r, err := p.Probe(t.Context(), "mx.example.test", addr)
		p.Wait()
		if err != nil || r.Session.Injection != nil || s.Counts().Commands["NOOP"] != 0 {
			t.Errorf("%+v, %v", r.Session.Injection, err)
		}
	})
}
