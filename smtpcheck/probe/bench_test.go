package probe_test

import (
	"context"
	"net"
	"testing"

	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/smtptest"
)

// BenchmarkGrade is the full grading of a modern server over the loopback
// interface.
func BenchmarkGrade(b *testing.B) {
	s := &smtptest.Server{TLS: conf}
	l, err := s.Listen()
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	b.ReportAllocs()
	before := s.Counts().Connections
	for b.Loop() {
		p := &probe.Prober{
			Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
			},
			Helo: "scanner.example", Roots: ca.Pool(), AllowPrivate: true,
		}
		r, err := p.Probe(b.Context(), "mx.example.test", addr)
		if err != nil || !r.Session.TLS.Complete {
			b.Fatalf("%v, %+v", err, r.Session.TLS.Stopped)
		}
		p.Wait()
	}
	b.ReportMetric(float64(s.Counts().Connections-before)/float64(b.N), "connections/op")
}
