package probe_test

import (
	"crypto/tls"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/smtptest"
)

// soundTLS is what a careful operator sets.
func soundTLS() *tls.Config {
	c := conf.Clone()
	for _, s := range tls.CipherSuites() {
		switch s.ID {
		case tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:
			c.CipherSuites = append(c.CipherSuites, s.ID)
		}
	}
	return c
}

// graded probes a server with the whole plan, on the fake clock.
func graded(t *testing.T, s *smtptest.Server, change func(*network, *probe.Prober)) (r probe.Result, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n, p := internet(t, s)
		p.HandshakeOnly = false
		n.delay = 50 * time.Millisecond
		if change != nil {
			change(n, p)
		}
		start := time.Now()
		var err error
		if r, err = p.Probe(t.Context(), "mx.example.test", addr); err != nil {
			t.Error(err)
		}
		took = time.Since(start)
		p.Wait()
		synctest.Wait()
	})
	return r, took
}

func TestGrade(t *testing.T) {
	r, took := graded(t, &smtptest.Server{TLS: soundTLS()}, nil)
	x := r.Session.TLS
	b, _ := json.MarshalIndent(x, "", " ")
	t.Logf("%v, %d connections\n%s", took, r.Opened, b)
	if !x.Complete || r.Opened > 12 || took > 6*time.Second {
		t.Errorf("complete %v, %d connections, %v", x.Complete, r.Opened, took)
	}
	if x.Version("TLS 1.2").Answer != evidence.Accepted {
		t.Error("no TLS 1.2")
	}
}
