package dnssec_test

import (
	"testing"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
)

// known answers DS and DNSKEY questions from memory, so that the benchmarks
// measure the validator alone.
func known(b *testing.B, l *lab, names ...string) *memory {
	m := &memory{msgs: map[string]*dns.Msg{}}
	for _, n := range names {
		for _, typ := range []uint16{dns.TypeDS, dns.TypeDNSKEY} {
			msg, err := l.Fetch(b.Context(), n, typ)
			if err != nil {
				b.Fatal(err)
			}
			m.msgs[dns.Fqdn(n)+dns.Type(typ).String()] = msg
		}
	}
	return m
}

func benchmark(b *testing.B, name string, typ uint16, cold bool, zones ...string) {
	l := internet(b)
	src := known(b, l, zones...)
	reply, err := l.Fetch(b.Context(), name, typ)
	if err != nil {
		b.Fatal(err)
	}
	v := l.validator()
	v.Validate(b.Context(), src, name, typ, reply)
	b.ReportAllocs()
	for b.Loop() {
		if cold {
			v = &dnssec.Validator{Anchors: v.Anchors, Now: v.Now}
		}
		if got := v.Validate(b.Context(), src, name, typ, reply); got.Security != secure {
			b.Fatalf("%s %q", got.Security, got.Reason)
		}
	}
}

func BenchmarkAnswerWarm(b *testing.B) {
	benchmark(b, "nsec.test", dns.TypeMX, false, ".", "test", "nsec.test")
}

func BenchmarkAnswerCold(b *testing.B) {
	benchmark(b, "nsec.test", dns.TypeMX, true, ".", "test", "nsec.test")
}

func BenchmarkDenialNSEC(b *testing.B) {
	benchmark(b, "a.nothing.nsec.test", dns.TypeA, false, ".", "test", "nsec.test")
}

func BenchmarkDenialNSEC3(b *testing.B) {
	benchmark(b, "a.nothing.nsec3.test", dns.TypeA, false, ".", "test", "nsec3.test")
}

func BenchmarkAnswerRSA(b *testing.B) {
	benchmark(b, "www.alg8.test", dns.TypeA, false, ".", "test", "alg8.test")
}
