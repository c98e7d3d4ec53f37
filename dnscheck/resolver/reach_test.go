package resolver_test

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

func TestReach(t *testing.T) {
	udp := func(f func(q []byte) [][]byte) handler {
		return func(_ context.Context, network, _ string, q []byte) [][]byte { return f(q) }
	}
	refuse := func(err error) func(string, string) error {
		return func(string, string) error { return err }
	}
	tests := []struct {
		name   string
		serve  handler
		refuse func(network, address string) error
		want   evidence.Reach // Outcome, Tries, Failure
	}{
		{"answers", udp(behaviours["answer"]), nil, evidence.Reach{Outcome: evidence.Reached, Tries: 1, RCode: "NOERROR"}},
		{"with authority", udp(func(q []byte) [][]byte { b := good(q, nil); b[2] |= 0x04; return [][]byte{b} }), nil, evidence.Reach{Outcome: evidence.Reached, Tries: 1, RCode: "NOERROR", Authoritative: true}},
		{"REFUSED counts", udp(behaviours["refused"]), nil, evidence.Reach{Outcome: evidence.Reached, Tries: 1, RCode: "REFUSED"}},
		{"SERVFAIL counts", udp(behaviours["servfail"]), nil, evidence.Reach{Outcome: evidence.Reached, Tries: 1, RCode: "SERVFAIL"}},
		{"FORMERR without EDNS counts", udp(rcode(dns.RcodeFormatError)), nil, evidence.Reach{Outcome: evidence.Reached, Tries: 1, RCode: "FORMERR"}},
		{"what cannot be read counts", udp(behaviours["garbage"]), nil, evidence.Reach{Outcome: evidence.Reached, Tries: 1, Failure: &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassProtocol}}},
		{"silence", udp(behaviours["silent"]), nil, evidence.Reach{Outcome: evidence.NotReached, Tries: 3, Failure: &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassTimeout}}},
		{"another id", udp(func(q []byte) [][]byte { b := good(q, nil); b[1]++; return [][]byte{b} }), nil, evidence.Reach{Outcome: evidence.NotReached, Tries: 3, Failure: &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassTimeout}}},
		{"port closed", nil, refuse(syscall.ECONNREFUSED), evidence.Reach{Outcome: evidence.NotReached, Tries: 3, Failure: &evidence.Failure{Op: evidence.OpDial, Class: evidence.ClassRefused}}},
		{"host unreachable", nil, refuse(syscall.EHOSTUNREACH), evidence.Reach{Outcome: evidence.NotReached, Tries: 3, Failure: &evidence.Failure{Op: evidence.OpDial, Class: evidence.ClassUnreachable}}},
		{"no route here", nil, refuse(syscall.ENETUNREACH), evidence.Reach{Tries: 1, Failure: &evidence.Failure{Op: evidence.OpDial, Class: evidence.ClassNoFamily}}},
		{"no address here", nil, refuse(syscall.EADDRNOTAVAIL), evidence.Reach{Tries: 1, Failure: &evidence.Failure{Op: evidence.OpDial, Class: evidence.ClassNoFamily}}},
		{"no family here", nil, refuse(syscall.EAFNOSUPPORT), evidence.Reach{Tries: 1, Failure: &evidence.Failure{Op: evidence.OpDial, Class: evidence.ClassNoFamily}}},
		{"truncated, then TCP", truncating, nil, evidence.Reach{Outcome: evidence.Reached, Tries: 1, RCode: "NOERROR"}},
		{"truncated, TCP closed", truncating, func(network, _ string) error {
			if network == "tcp" {
				return syscall.ECONNREFUSED
			}
			return nil
		}, evidence.Reach{Outcome: evidence.NotReached, Tries: 3, Failure: &evidence.Failure{Op: evidence.OpDial, Class: evidence.ClassRefused}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := over(t, &fakeNet{serve: tt.serve, refuse: tt.refuse})
				got, err := r.Reach(t.Context(), "NS.example.test.", netip.MustParseAddr("2001:db8::53"), "example.test")
				if err != nil {
					t.Fatal(err)
				}
				want := tt.want
				want.Host, want.Addr = "ns.example.test", "2001:db8::53"
				if got.Failure != nil {
					got.Failure.Text = ""
				}
				if !equal(got, want) {
					t.Errorf("got %+v (%v), want %+v (%v)", got, got.Failure, want, want.Failure)
				}
			})
		})
	}
}

func truncating(_ context.Context, network, _ string, q []byte) [][]byte {
	return [][]byte{good(q, func(m *dns.Msg) { m.Truncated = network == "udp" })}
}

func TestReachQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []dns.Msg
		n := &fakeNet{serve: late(time.Second, answering(func(_, _ string, q, m *dns.Msg) *dns.Msg {
			seen = append(seen, *q)
			return m
		}))}
		r := over(t, n)
		addr := netip.MustParseAddr("192.0.2.53")
		var cost resolver.Cost
		ctx := resolver.WithCost(t.Context(), &cost)
		var group sync.WaitGroup
		for _, host := range []string{"a.test", "b.test", "a.test"} {
			group.Go(func() {
				if got, err := r.Reach(ctx, host, addr, "example.test"); err != nil || got.Host != host || got.Outcome != evidence.Reached {
					t.Errorf("%+v, %v", got, err)
				}
			})
		}
		group.Wait()
		time.Sleep(24 * time.Hour)
		r.Reach(ctx, "a.test", addr, "Example.test.")
		if n.dialed("udp 192.0.2.53:53") != 1 || cost.Questions() != 1 {
			t.Errorf("dialed %v, cost %d", n.dials, cost.Questions())
		}
		q := seen[0]
		if q.RecursionDesired || !q.CheckingDisabled || q.IsEdns0() == nil || q.Question[0] != (dns.Question{Name: "example.test.", Qtype: dns.TypeNS, Qclass: 1}) {
			t.Errorf("question %v", q.String())
		}
		r.Reach(ctx, "a.test", addr, "other.test") // of another name nothing is known
		if cost.Questions() != 2 {
			t.Errorf("cost %d", cost.Questions())
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := r.Reach(ended, "a.test", addr, "example.test"); err == nil {
			t.Error("an ended context is not noticed")
		}
		if _, err := r.Reach(ctx, "a.test", netip.Addr{}, "example.test"); err == nil {
			t.Error("no address is no error")
		}
		if _, err := r.Reach(ctx, "a.test", addr, "a..test"); err == nil {
			t.Error("a bad name is no error")
		}
	})
}

func TestReachCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := behave("silent")
		r := over(t, &n.fakeNet)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		addr := netip.MustParseAddr("192.0.2.1")
		if _, err := r.Reach(ctx, "a.test", addr, "example.test"); err == nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		synctest.Wait()
		n.become(1, "answer")
		if got, err := r.Reach(t.Context(), "a.test", addr, "example.test"); err != nil || got.Outcome != evidence.Reached {
			t.Errorf("what was not found out was kept: %+v, %v", got, err)
		}
	})
}

// A name server's address that is silent for name after name costs each one
// try, until it answers something.
func TestReachDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := behave("silent")
		r := over(t, &n.fakeNet)
		addr := netip.MustParseAddr("192.0.2.1")
		tries := func(name string) int {
			got, err := r.Reach(t.Context(), "ns.test", addr, name)
			if err != nil {
				t.Fatal(err)
			}
			if (got.Outcome == evidence.Reached) != (got.Failure == nil) {
				t.Errorf("%s: %+v", name, got)
			}
			return got.Tries
		}
		var got []int
		for _, name := range []string{"a.test", "b.test", "c.test", "d.test", "e.test"} {
			got = append(got, tries(name))
		}
		got = append(got, tries("a.test")) // after a while it is asked for again
		n.become(1, "answer")
		got = append(got, tries("f.test"))
		n.become(1, "silent")
		got = append(got, tries("g.test"))
		if want := []int{3, 3, 3, 1, 1, 1, 1, 3}; !slices.Equal(got, want) {
			t.Errorf("tries %v, want %v", got, want)
		}
	})
}

// Whether a resolver is alive is never taken from the cache.
func TestAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := behave("answer")
		r := over(t, &n.fakeNet)
		for _, step := range []struct {
			is   string
			want bool
		}{{"answer", true}, {"silent", false}, {"servfail", false}, {"answer", true}, {"refused", false}} {
			n.become(1, step.is)
			if got := r.Alive(t.Context()); got != step.want {
				t.Errorf("%s: alive is %v", step.is, got)
			}
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if r.Alive(ended) || (&resolver.Resolver{Servers: []string{"::nonsense::"}}).Alive(t.Context()) {
			t.Error("alive all the same")
		}
	})
}
