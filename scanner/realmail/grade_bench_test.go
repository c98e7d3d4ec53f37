package realmail_test

import (
	"testing"
	"time"

	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/smtptest"
)

// BenchmarkGradePostfix is the full grading, over the loopback interface, of a
// modern Postfix with OpenSSL.
func BenchmarkGradePostfix(b *testing.B) {
	root(b)
	ca := smtptest.NewCA("Real", time.Now())
	addr := startHosts(b, &postfix{}, ca, 26)["sound"]
	b.ReportAllocs()
	opened := 0
	for b.Loop() {
		r, n := gradeServer(b, ca, addr, func(*probe.Prober) {})
		if !r.Session.TLS.Complete || n > usualConnections {
			b.Fatalf("%d connections: %v", n, r.Session.TLS.Stopped)
		}
		opened += n
	}
	b.ReportMetric(float64(opened)/float64(b.N), "connections/op")
}
