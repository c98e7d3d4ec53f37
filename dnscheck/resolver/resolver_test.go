package resolver_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

// lookup asks and fails the test on an error.
func lookup(t testing.TB, r *resolver.Resolver, name, qtype string) evidence.Lookup {
	t.Helper()
	l, err := r.Lookup(context.Background(), name, qtype)
	if err != nil {
		t.Fatalf("Lookup(%q, %s): %v", name, qtype, err)
	}
	return l
}

func data(list []evidence.RR) (out []string) {
	for _, rr := range list {
		out = append(out, rr.Name+" "+rr.Type+" "+rr.Data)
	}
	return out
}

const soa = "example.test. 300 IN SOA ns.example.test. h.example.test. 1 2 3 4 60"

func TestLookup(t *testing.T) {
	tests := []struct {
		name, qname, qtype string
		reply              func(m *dns.Msg)
		want               evidence.Lookup
		answer, aliases    []string
	}{
		{"answer", "Example.Test.", "MX", func(m *dns.Msg) {
			m.Answer = rrs("EXAMPLE.test. 60 IN MX 20 Mail.example.test.", "example.test. 60 IN MX 10 b.example.test.")
		}, evidence.Lookup{Name: "example.test", Outcome: evidence.OutcomeAnswer},
			[]string{"example.test MX 10 b.example.test.", "example.test MX 20 mail.example.test."}, nil},
		{"nodata", "example.test", "TXT", func(m *dns.Msg) { m.Ns = rrs(soa) },
			evidence.Lookup{Outcome: evidence.OutcomeNoData}, nil, nil},
		{"nxdomain", "no.example.test", "TXT", func(m *dns.Msg) { m.Rcode, m.Ns = dns.RcodeNameError, rrs(soa) },
			evidence.Lookup{Outcome: evidence.OutcomeNXDomain}, nil, nil},
		{"servfail with extended error", "example.test", "A", func(m *dns.Msg) {
			m.Rcode = dns.RcodeServerFailure
			m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: 22, ExtraText: "at \x1b[31m\xff"})
		}, evidence.Lookup{Outcome: evidence.OutcomeServFail, RCode: "SERVFAIL", EDE: []evidence.EDE{{Code: 22, Text: "at \x1b[31m\uFFFD"}}}, nil, nil},
		{"refused", "example.test", "A", func(m *dns.Msg) { m.Rcode = dns.RcodeRefused },
			evidence.Lookup{Outcome: evidence.OutcomeRefused, RCode: "REFUSED", Failure: &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassRefused}}, nil, nil},
		{"other rcode", "example.test", "A", func(m *dns.Msg) { m.Rcode = dns.RcodeNotAuth },
			evidence.Lookup{Outcome: evidence.OutcomeRCode, RCode: "NOTAUTH"}, nil, nil},
		{"alias", "a.example.test", "A", func(m *dns.Msg) {
			m.Answer = rrs("b.example.test. 1 IN A 192.0.2.7", "a.example.test. 1 IN CNAME B.example.test.")
		}, evidence.Lookup{Outcome: evidence.OutcomeAnswer, Owner: "b.example.test"},
			[]string{"b.example.test A 192.0.2.7"}, []string{"a.example.test CNAME b.example.test."}},
		{"alias to nothing", "a.example.test", "A", func(m *dns.Msg) {
			m.Answer = rrs("a.example.test. 1 IN CNAME b.example.test.")
			m.Rcode, m.Ns = dns.RcodeNameError, rrs(soa)
		}, evidence.Lookup{Outcome: evidence.OutcomeNXDomain, Owner: "b.example.test"}, nil, []string{"a.example.test CNAME b.example.test."}},
		{"the alias itself", "a.example.test", "CNAME", func(m *dns.Msg) {
			m.Answer = rrs("a.example.test. 1 IN CNAME b.example.test.")
		}, evidence.Lookup{Outcome: evidence.OutcomeAnswer}, []string{"a.example.test CNAME b.example.test."}, nil},
		{"dname", "x.a.example.test", "A", func(m *dns.Msg) {
			m.Answer = rrs("a.example.test. 1 IN DNAME other.test.", "x.a.example.test. 1 IN CNAME x.other.test.", "x.other.test. 1 IN A 192.0.2.8")
		}, evidence.Lookup{Outcome: evidence.OutcomeAnswer, Owner: "x.other.test"}, []string{"x.other.test A 192.0.2.8"},
			[]string{"a.example.test DNAME other.test.", "x.a.example.test CNAME x.other.test."}},
		{"dname without the cname made from it", "x.a.example.test", "A", func(m *dns.Msg) {
			m.Answer = rrs("a.example.test. 1 IN DNAME other.test.", "x.other.test. 1 IN A 192.0.2.8")
		}, evidence.Lookup{Outcome: evidence.OutcomeAnswer, Owner: "x.other.test"}, []string{"x.other.test A 192.0.2.8"},
			[]string{"a.example.test DNAME other.test.", "x.a.example.test CNAME x.other.test."}},
		{"loop", "a.example.test", "A", func(m *dns.Msg) {
			m.Answer = rrs("a.example.test. 1 IN CNAME b.example.test.", "b.example.test. 1 IN CNAME a.example.test.")
		}, evidence.Lookup{Outcome: evidence.OutcomeLoop, Owner: "a.example.test"}, nil,
			[]string{"a.example.test CNAME b.example.test.", "b.example.test CNAME a.example.test."}},
		{"records of other names and types are left out", "example.test", "A", func(m *dns.Msg) {
			m.Answer = rrs("example.test. 1 IN A 192.0.2.1", "other.test. 1 IN A 192.0.2.2", "example.test. 1 IN AAAA 2001:db8::1", "example.test. 1 CH A 192.0.2.9")
		}, evidence.Lookup{Outcome: evidence.OutcomeAnswer}, []string{"example.test A 192.0.2.1"}, nil},
		{"hostile text is escaped", "example.test", "TXT", func(m *dns.Msg) {
			m.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: "example.test.", Rrtype: dns.TypeTXT, Class: 1}, Txt: []string{"a\x1b[2J\xff\"", "b"}}}
		}, evidence.Lookup{Outcome: evidence.OutcomeAnswer}, []string{`example.test TXT "a\027[2J\255\"" "b"`}, nil},
		{"unknown type", "example.test", "TYPE65400", func(m *dns.Msg) {
			m.Answer = rrs(`example.test. 1 IN TYPE65400 \# 2 ABCD`)
		}, evidence.Lookup{Outcome: evidence.OutcomeAnswer}, []string{`example.test TYPE65400 \# 2 abcd`}, nil},
		{"escapes are one name", `\097b\046c.example.test`, "A", func(m *dns.Msg) {
			m.Answer = rrs(`ab\.c.example.test. 1 IN A 192.0.2.1`)
		}, evidence.Lookup{Name: `\097b\046c.example.test`, Outcome: evidence.OutcomeAnswer}, []string{`ab\.c.example.test A 192.0.2.1`}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := &fakeNet{serve: answering(func(_, _ string, _, m *dns.Msg) *dns.Msg { tt.reply(m); return m })}
			got := lookup(t, over(t, n), tt.qname, tt.qtype)
			want := tt.want
			want.Type = tt.qtype
			if want.Name == "" {
				want.Name = tt.qname
			}
			if !slices.Equal(data(got.Answer), tt.answer) {
				t.Errorf("answer %q, want %q", data(got.Answer), tt.answer)
			}
			if !slices.Equal(data(got.Aliases), tt.aliases) {
				t.Errorf("aliases %q, want %q", data(got.Aliases), tt.aliases)
			}
			got.Answer, got.Aliases = nil, nil
			if !equal(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestBadNames(t *testing.T) {
	n := &fakeNet{serve: answering(func(_, _ string, _, m *dns.Msg) *dns.Msg { return m })}
	r := over(t, n)
	long := func(n int) string { return string(slices.Repeat([]byte("a"), n)) }
	for _, name := range []string{"a..test", ".test", "..", long(64) + ".test", `\097` + long(63) + ".test", long(63) + "." + long(63) + "." + long(63) + "." + long(62),
		"bücher.example", "a b.test", "a\x00.test", "\xff.test", `a\`, `a\25`, `\288.test`, `\1x2.test`} {
		l := lookup(t, r, name, "A")
		if l.Outcome != evidence.OutcomeBadName {
			t.Errorf("%q: %v", name, l.Outcome)
		}
	}
	if q := r.Stats().Questions; q != 0 {
		t.Errorf("%d questions sent for bad names", q)
	}
	for _, name := range []string{"", ".", "test", "_25._tcp.a.test", "*.test", long(63) + "." + long(63) + "." + long(63) + "." + long(61), `a\.b.test`, `\032\ x.test`} {
		if l := lookup(t, r, name, "A"); l.Outcome != evidence.OutcomeNoData {
			t.Errorf("%q: %v", name, l.Outcome)
		}
	}
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{serve: answering(func(_, _ string, _, m *dns.Msg) *dns.Msg { return nil })}
		start := time.Now()
		l := lookup(t, over(t, n), "example.test", "A")
		if l.Outcome != evidence.OutcomeTimeout || l.Failure == nil || l.Failure.Class != evidence.ClassTimeout {
			t.Errorf("got %+v", l)
		}
		if d := time.Since(start); d != resolver.DefaultTries*resolver.DefaultTimeout {
			t.Errorf("took %v", d)
		}
	})
}

func TestTruncated(t *testing.T) {
	n := &fakeNet{serve: answering(func(network, _ string, q, m *dns.Msg) *dns.Msg {
		if m.Truncated = network == "udp"; !m.Truncated {
			m.Answer = rrs(q.Question[0].Name + " 60 IN A 192.0.2.1")
		}
		return m
	})}
	r := over(t, n)
	for _, name := range []string{"a.test", "b.test"} {
		if l := lookup(t, r, name, "A"); len(l.Answer) != 1 {
			t.Errorf("%s: %+v", name, l)
		}
	}
	if got := n.dialed("tcp 192.0.2.1:53"); got != 1 {
		t.Errorf("%d TCP connections for two questions in a row", got)
	}
}
