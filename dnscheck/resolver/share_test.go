package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

func TestIdenticalQuestionsAreAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := behave("answer")
		n.serve = late(50*time.Millisecond, n.serve)
		r := over(t, &n.fakeNet)
		var group sync.WaitGroup
		var costs [1000]resolver.Cost
		for i := range costs {
			group.Go(func() {
				l, err := r.Lookup(resolver.WithCost(t.Context(), &costs[i]), "Example.test", "A")
				if err != nil || l.Outcome != evidence.OutcomeAnswer {
					t.Errorf("%v, %v", l.Outcome, err)
				}
			})
		}
		group.Wait()
		sum := 0
		for i := range costs {
			sum += costs[i].Questions()
		}
		if s := r.Stats(); s.Questions != 1 || sum != 1 || s.Coalesced != 999 {
			t.Errorf("%d questions sent, %d counted, %d joined", s.Questions, sum, s.Coalesced)
		}
		lookup(t, r, "example.test", "A")
		if s := r.Stats(); s.Questions != 1 || s.Cached != 1 {
			t.Errorf("afterwards %+v", s)
		}
	})
}

// Cached gives what Lookup would without a question, and nothing else: not what
// was never asked for, has expired, or cannot be asked for.
func TestCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := behave("answer")
		r := over(t, &n.fakeNet)
		r.Now = time.Now
		if _, ok := r.Cached(t.Context(), "example.test", "A"); ok {
			t.Error("something was there before")
		}
		want := lookup(t, r, "example.test", "A")
		lookup(t, r, ".", "A")
		got, ok := r.Cached(t.Context(), "EXAMPLE.test.", "A")
		if !ok || !equal(got, want) || r.Stats().Questions != 2 {
			t.Errorf("%v %+v, want %+v; %d questions", ok, got, want, r.Stats().Questions)
		}
		for _, q := range []evidence.Question{{Name: "example.test", Type: "AAAA"}, {Name: "example.test", Type: "ANY"}, {Name: "example.test", Type: "NONSENSE"}, {Name: "..", Type: "A"}, {Name: "a..test", Type: "A"}} {
			if l, ok := r.Cached(t.Context(), q.Name, q.Type); ok {
				t.Errorf("%s %s: %+v", q.Name, q.Type, l)
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, ok := r.Cached(gone, "example.test", "A"); ok {
			t.Error("an answer for who has left")
		}
		time.Sleep(25 * time.Hour)
		if _, ok := r.Cached(t.Context(), "example.test", "A"); ok {
			t.Error("there a day later")
		}
	})
}

// The one who sent the question may leave; the others get the answer.
func TestLeaderLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := behave("answer")
		n.serve = late(time.Second, n.serve)
		r := over(t, &n.fakeNet)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := r.Lookup(ctx, "example.test", "A"); !errors.Is(err, context.Canceled) {
				t.Errorf("the leader: %v", err)
			}
		})
		synctest.Wait()
		group.Go(func() {
			if l := lookup(t, r, "example.test", "A"); l.Outcome != evidence.OutcomeAnswer {
				t.Errorf("the follower: %v", l.Outcome)
			}
		})
		synctest.Wait()
		cancel()
		group.Wait()
		if q := r.Stats().Questions; q != 1 {
			t.Errorf("%d questions", q)
		}
	})
}

// Once nobody waits any more nothing is sent, and a newcomer asks anew.
func TestAllLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := behave("silent")
		r := over(t, &n.fakeNet)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("budget"))
		defer cancel()
		start := time.Now()
		_, err := r.Lookup(ctx, "example.test", "A")
		if err == nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		synctest.Wait()
		n.become(1, "answer")
		if l := lookup(t, r, "example.test", "A"); l.Outcome != evidence.OutcomeAnswer || time.Since(start) != time.Second {
			t.Errorf("%v after %v", l.Outcome, time.Since(start))
		}
		if _, err := r.Lookup(ctx, "other.test", "A"); err == nil {
			t.Error("an ended context is not noticed")
		}
	})
}

func TestMaxInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := behave("answer")
		n.serve = late(50*time.Millisecond, n.serve)
		r := over(t, &n.fakeNet)
		r.MaxInFlight = 10
		var group sync.WaitGroup
		start := time.Now()
		for i := range 100 {
			group.Go(func() { lookup(t, r, fmt.Sprintf("n%d.test", i), "A") })
		}
		group.Wait()
		if n.most != 10 || time.Since(start) != 500*time.Millisecond {
			t.Errorf("%d sockets at once, %v", n.most, time.Since(start))
		}
	})
}

func TestCacheTime(t *testing.T) {
	set := func(ttl uint32) func(m *dns.Msg) {
		return func(m *dns.Msg) { m.Answer[0].Header().Ttl = ttl }
	}
	negative := func(ttl, minimum uint32) func(m *dns.Msg) {
		return func(m *dns.Msg) {
			m.Answer, m.Rcode = nil, dns.RcodeNameError
			m.Ns = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: "test.", Rrtype: dns.TypeSOA, Class: 1, Ttl: ttl}, Ns: "a.", Mbox: "b.", Minttl: minimum}}
		}
	}
	tests := []struct {
		name  string
		reply func(m *dns.Msg)
		want  time.Duration
	}{
		{"as told", set(300), 300 * time.Second},
		{"zero", set(0), 10 * time.Second},
		{"a day", set(86400), time.Hour},
		{"68 years", set(1<<31 - 1), time.Hour},
		{"top bit", set(1 << 31), 10 * time.Second},
		{"negative, by the SOA's TTL", negative(60, 900), 60 * time.Second},
		{"negative, by MINIMUM", negative(900, 60), 60 * time.Second},
		{"negative, long", negative(86400, 86400), 15 * time.Minute},
		{"negative without SOA", func(m *dns.Msg) { m.Answer = nil }, 10 * time.Second},
		{"alias is shorter", func(m *dns.Msg) {
			m.Answer = append(rrs("example.test. 30 IN CNAME a.test.", "a.test. 300 IN A 192.0.2.1"), m.Answer[1:]...)
		}, 30 * time.Second},
		{"servfail", func(m *dns.Msg) { m.Answer, m.Rcode = nil, dns.RcodeServerFailure }, 5 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &fakeNet{serve: func(_ context.Context, _, _ string, q []byte) [][]byte { return [][]byte{good(q, tt.reply)} }}
				r := over(t, n)
				lookup(t, r, "example.test", "A")
				time.Sleep(tt.want - 1)
				lookup(t, r, "example.test", "A")
				if q := r.Stats().Questions; q != 1 {
					t.Errorf("forgotten before %v", tt.want)
				}
				time.Sleep(time.Nanosecond)
				lookup(t, r, "example.test", "A")
				if q := r.Stats().Questions; q != 2 {
					t.Errorf("kept after %v", tt.want)
				}
			})
		})
	}
}

// What was wanted again stays, however much is wanted once; and all is bounded.
func TestCacheSize(t *testing.T) {
	n, _ := behave("answer")
	r := over(t, &n.fakeNet)
	r.CacheSize = 10
	ask := func(i int) (cached bool) {
		t.Helper()
		before := r.Stats().Questions
		if _, err := r.Fetch(t.Context(), fmt.Sprintf("n%d.test", i), dns.TypeA); err != nil {
			t.Error(err)
		}
		return r.Stats().Questions == before
	}
	for range 2 {
		ask(0)
	}
	for i := range 100 {
		ask(1 + i)
	}
	for _, i := range []int{0, 100, 99, 98} {
		if !ask(i) {
			t.Errorf("%d is gone", i)
		}
	}
	for _, i := range []int{97, 50, 1} {
		if ask(i) {
			t.Errorf("%d is kept", i)
		}
	}
	for i := range 20 {
		ask(200 + i)
		ask(200 + i)
	}
	kept := 0
	for i := range 20 {
		if ask(219 - i) {
			kept++
		}
	}
	if kept < 7 || kept > 10 {
		t.Errorf("%d names wanted twice are kept in a cache of ten", kept)
	}
	if ask(0) {
		t.Error("0 is kept, and was not used for longer than ten others")
	}
	r = over(t, &n.fakeNet)
	r.CacheSize = -1
	ask(0)
	ask(0)
	if got := r.Stats().Questions; got != 2 {
		t.Errorf("%d questions without a cache", got)
	}
}

// What a caller does to its Lookup does not show to others.
func TestLookupsAreOwn(t *testing.T) {
	n := &fakeNet{serve: func(_ context.Context, _, _ string, q []byte) [][]byte {
		return [][]byte{good(q, func(m *dns.Msg) {
			m.Answer = rrs("example.test. 1 IN CNAME a.test.", "a.test. 1 IN A 192.0.2.1", "a.test. 1 IN A 192.0.2.2")
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 3}}
		})}
	}}
	r := over(t, n)
	a, b := lookup(t, r, "example.test", "A"), lookup(t, r, "example.test", "A")
	a.Answer[0], a.Aliases[0], a.EDE[0].Code = evidence.RR{}, evidence.RR{}, 9
	if c := lookup(t, r, "example.test", "A"); !equal(b, c) {
		t.Errorf("changed: %+v", c)
	}
}

// The cache is bounded by what answers take in memory: this one is ten times
// as large there as on the wire, and does not fit.
func TestCacheWeighsRecords(t *testing.T) {
	n := &fakeNet{serve: func(_ context.Context, _, _ string, query []byte) [][]byte {
		return [][]byte{good(query, func(m *dns.Msg) {
			for i := range 2000 {
				m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeA, Class: 1, Ttl: 60}, A: []byte{198, 51, byte(i >> 8), byte(i)}})
			}
			m.Compress = true
		})}
	}}
	r := over(t, n)
	r.CacheSize = 50 // of 4096 octets
	for want := range 3 {
		if _, err := r.Fetch(t.Context(), "a.test", dns.TypeA); err != nil || r.Stats().Questions != int64(want+1) {
			t.Errorf("%d questions, %v; want %d", r.Stats().Questions, err, want+1)
		}
	}
}
