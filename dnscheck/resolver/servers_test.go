package resolver_test

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

// behaviours of a server, by word.
var behaviours = map[string]func(query []byte) [][]byte{
	"answer":    func(q []byte) [][]byte { return [][]byte{good(q, nil)} },
	"silent":    func(q []byte) [][]byte { return nil },
	"garbage":   func(q []byte) [][]byte { return [][]byte{append(good(q, nil)[:20], 0xff)} },
	"servfail":  rcode(dns.RcodeServerFailure),
	"refused":   rcode(dns.RcodeRefused),
	"notauth":   rcode(dns.RcodeNotAuth),
	"nxdomain":  rcode(dns.RcodeNameError),
	"unreached": nil,
}

func rcode(code int) func([]byte) [][]byte {
	return func(q []byte) [][]byte {
		return [][]byte{good(q, func(m *dns.Msg) { m.Rcode, m.Answer = code, nil })}
	}
}

// servers makes a network where 192.0.2.1, 192.0.2.2, ... behave as told, and
// can be told otherwise later.
type servers struct {
	fakeNet
	mu    sync.Mutex
	is    map[string]string
	asked map[string]int
}

func behave(words ...string) (s *servers, addrs []string) {
	s = &servers{is: map[string]string{}, asked: map[string]int{}}
	for i, w := range words {
		addr := fmt.Sprintf("192.0.2.%d", i+1)
		addrs = append(addrs, addr)
		s.is[addr+":53"] = w
	}
	s.serve = func(_ context.Context, _, address string, q []byte) [][]byte {
		s.mu.Lock()
		s.asked[address]++
		f := behaviours[s.is[address]]
		s.mu.Unlock()
		return f(q)
	}
	s.refuse = func(_, address string) error {
		if s.is[address] == "unreached" {
			return syscall.EHOSTUNREACH
		}
		return nil
	}
	return s, addrs
}

func (s *servers) become(i int, word string) {
	s.mu.Lock()
	s.is[fmt.Sprintf("192.0.2.%d:53", i)] = word
	s.mu.Unlock()
}

func TestSeveralServers(t *testing.T) {
	tests := []struct {
		first, second string
		want          evidence.Outcome
		took          time.Duration
	}{
		{"answer", "servfail", evidence.OutcomeAnswer, 0},
		{"nxdomain", "answer", evidence.OutcomeNXDomain, 0},
		{"servfail", "answer", evidence.OutcomeAnswer, 0},
		{"refused", "answer", evidence.OutcomeAnswer, 0},
		{"notauth", "answer", evidence.OutcomeAnswer, 0},
		{"silent", "answer", evidence.OutcomeAnswer, 3 * time.Second},
		{"garbage", "answer", evidence.OutcomeAnswer, 3 * time.Second},
		{"unreached", "answer", evidence.OutcomeAnswer, 0},
		{"servfail", "refused", evidence.OutcomeServFail, 0},
		{"refused", "servfail", evidence.OutcomeServFail, 0},
		{"refused", "notauth", evidence.OutcomeRCode, 0},
		{"silent", "refused", evidence.OutcomeRefused, 3 * time.Second},
		{"refused", "silent", evidence.OutcomeRefused, 3 * time.Second},
		{"silent", "garbage", evidence.OutcomeMalformed, 9 * time.Second},
		{"unreached", "silent", evidence.OutcomeTimeout, 3*time.Second + 200*time.Millisecond},
		{"unreached", "unreached", evidence.OutcomeNetwork, 200 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.first+" "+tt.second, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, addrs := behave(tt.first, tt.second)
				start := time.Now()
				l := lookup(t, over(t, &n.fakeNet, addrs...), "example.test", "A")
				if l.Outcome != tt.want {
					t.Errorf("got %v, want %v", l.Outcome, tt.want)
				}
				if d := time.Since(start); d != tt.took {
					t.Errorf("took %v, want %v", d, tt.took)
				}
			})
		})
	}
}

// A server that answers SERVFAIL has answered: it is not asked again.
func TestServFailIsAskedOnce(t *testing.T) {
	n, addrs := behave("servfail", "servfail", "servfail", "servfail", "servfail")
	r := over(t, &n.fakeNet, addrs...)
	lookup(t, r, "example.test", "A")
	if q := r.Stats().Questions; q != 5 {
		t.Errorf("%d questions to five servers", q)
	}
}

// A silent server costs one Timeout, not one for each question; it gets a
// single question from time to time, and its place back when it answers.
func TestSilentServerIsLeftAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, addrs := behave("silent", "answer")
		r := over(t, &n.fakeNet, addrs...)
		i := 0
		took := func() time.Duration {
			start := time.Now()
			var group sync.WaitGroup
			for range 20 {
				i++
				name := fmt.Sprintf("n%d.test", i)
				group.Go(func() { lookup(t, r, name, "A") })
			}
			group.Wait()
			return time.Since(start)
		}
		if d := took(); d != resolver.DefaultTimeout {
			t.Errorf("the first questions took %v", d)
		}
		if d := took(); d != 0 {
			t.Errorf("the next ones %v", d)
		}
		before := n.asked["192.0.2.1:53"]
		time.Sleep(3 * time.Second) // over the first pause
		if d := took(); d != resolver.DefaultTimeout {
			t.Errorf("the ones with the probe %v", d)
		}
		if got := n.asked["192.0.2.1:53"] - before; got != 1 {
			t.Errorf("%d questions to a server that was silent, want 1", got)
		}
		time.Sleep(time.Second) // within the second pause, which is longer
		if d := took(); d != 0 {
			t.Errorf("after the probe %v", d)
		}
		n.become(1, "answer")
		time.Sleep(time.Minute)
		took()
		before = n.asked["192.0.2.2:53"]
		took()
		if got := n.asked["192.0.2.2:53"] - before; got != 0 {
			t.Errorf("%d questions to the second server though the first is well", got)
		}
	})
}

// Silence about one name says nothing about a server that answers others.
func TestSilenceAboutOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{serve: answering(func(_, address string, q, m *dns.Msg) *dns.Msg {
			if q.Question[0].Name == "dead.test." {
				return nil
			}
			return m
		})}
		r := over(t, n, "192.0.2.1", "192.0.2.2")
		var group sync.WaitGroup
		group.Go(func() { lookup(t, r, "dead.test", "A") })
		time.Sleep(time.Second)
		lookup(t, r, "a.test", "A")
		time.Sleep(2500 * time.Millisecond) // the dead one has timed out once
		lookup(t, r, "b.test", "A")
		group.Wait()
		if got := n.dialed("udp 192.0.2.1:53"); got != 4 {
			t.Errorf("%d questions to the first server, want 4", got)
		}
	})
}
