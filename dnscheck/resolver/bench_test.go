package resolver_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
)

func BenchmarkCached(b *testing.B) {
	n := &fakeNet{serve: answering(func(_, _ string, q, m *dns.Msg) *dns.Msg {
		m.Answer = rrs("example.test. 3600 IN MX 10 a.test.", "example.test. 3600 IN MX 20 b.test.")
		return m
	})}
	r := over(b, n)
	lookup(b, r, "example.test", "MX")
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		if _, err := r.Lookup(context.Background(), "example.test", "MX"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUncached(b *testing.B) {
	n, _ := behave("answer")
	r := over(b, &n.fakeNet)
	r.CacheSize = -1
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Lookup(context.Background(), "example.test", "A"); err != nil {
			b.Fatal(err)
		}
	}
}

// A name in a signed zone whose keys are known.
func BenchmarkValidated(b *testing.B) {
	w := signedWorld(b, time.Now())
	r := over(b, serving(w.Resolver(), 0))
	r.Validator = &dnssec.Validator{Anchors: w.Anchors(), Now: time.Now}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		l, err := r.Lookup(context.Background(), fmt.Sprintf("n%d.good.test", i), "A")
		if err != nil || l.Security.String() != "secure" {
			b.Fatal(l.Reason, err)
		}
	}
}
