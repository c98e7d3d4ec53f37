package resolver_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

// A dead resolver costs each of the first questions all tries, and the later
// ones a short one; nothing of it looks like an answer.
func TestDeadServerFailsFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := behave("silent")
		r := over(t, &n.fakeNet)
		took := func(name string, want evidence.Outcome) time.Duration {
			start := time.Now()
			l := lookup(t, r, name, "A")
			if l.Outcome != want || want == evidence.OutcomeTimeout && l.Failure.Class != evidence.ClassTimeout {
				t.Errorf("%s: %v, %v", name, l.Outcome, l.Failure)
			}
			return time.Since(start)
		}
		for i := range 4 {
			if d := took(fmt.Sprintf("first%d.test", i), evidence.OutcomeTimeout); d != resolver.DefaultTries*resolver.DefaultTimeout {
				t.Errorf("question %d took %v", i, d)
			}
		}
		var sum time.Duration
		for i := range 60 {
			d := took(fmt.Sprintf("later%d.test", i), evidence.OutcomeTimeout)
			if d != time.Second && d != resolver.DefaultTimeout {
				t.Errorf("later question %d took %v", i, d)
			}
			sum += d
		}
		if sum > 75*time.Second {
			t.Errorf("sixty questions took %v", sum)
		}
		n.become(1, "answer")
		if d := took("well.test", evidence.OutcomeAnswer); d != 0 {
			t.Errorf("the first answer took %v", d)
		}
		n.become(1, "silent") // and now a single silence says nothing about the server
		if d := took("dead.test", evidence.OutcomeTimeout); d != resolver.DefaultTries*resolver.DefaultTimeout {
			t.Errorf("after it was well, silence took %v", d)
		}
	})
}

// Of many questions at once to a dead resolver none waits for the others.
func TestDeadServerManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := behave("silent")
		r := over(t, &n.fakeNet)
		all := func(prefix string) time.Duration {
			start := time.Now()
			var group sync.WaitGroup
			for i := range 100 {
				group.Go(func() { lookup(t, r, fmt.Sprintf("%s%d.test", prefix, i), "A") })
			}
			group.Wait()
			return time.Since(start)
		}
		all("a")
		if d := all("b"); d > resolver.DefaultTimeout {
			t.Errorf("a hundred questions took %v", d)
		}
	})
}

// One that has become slow, but answers within the time of a try, is found
// again by the questions that have all of it.
func TestDeadServerBecomesSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := behave("silent")
		inner := n.serve
		n.serve = late(2*time.Second, inner)
		r := over(t, &n.fakeNet)
		for i := range 5 {
			lookup(t, r, fmt.Sprintf("a%d.test", i), "A")
		}
		n.become(1, "answer")
		i := 0
		start := time.Now()
		for lookup(t, r, fmt.Sprintf("b%d.test", i), "A").Outcome != evidence.OutcomeAnswer {
			if i++; i > 100 {
				t.Fatal("it is never found again")
			}
		}
		if d := time.Since(start); d > time.Minute+resolver.DefaultTimeout {
			t.Errorf("found again after %v", d)
		}
		for i := range 5 {
			if l := lookup(t, r, fmt.Sprintf("c%d.test", i), "A"); l.Outcome != evidence.OutcomeAnswer {
				t.Errorf("then %v", l.Outcome)
			}
		}
	})
}

// bounded is a resolver that takes so many questions at once, each of which
// takes it 50 ms, and loses all above that.
type bounded struct {
	mu             sync.Mutex
	room           int
	busy, most     int // questions under way
	lost, answered int
}

func (b *bounded) serve(ctx context.Context, _, _ string, q []byte) [][]byte {
	b.mu.Lock()
	if b.busy >= b.room {
		b.lost++
		b.mu.Unlock()
		return nil
	}
	b.busy++
	b.most = max(b.most, b.busy)
	b.mu.Unlock()
	time.Sleep(50 * time.Millisecond)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy--
	b.answered++
	return [][]byte{good(q, nil)}
}

// flood asks n different questions from 1,000 callers and returns how many
// were left without an answer.
func flood(t *testing.T, r *resolver.Resolver, prefix string, n int) (unanswered int) {
	var mu sync.Mutex
	var group sync.WaitGroup
	for c := range 1000 {
		group.Go(func() {
			for i := c; i < n; i += 1000 {
				if l := lookup(t, r, fmt.Sprintf("%s%d.test", prefix, i), "A"); l.Outcome != evidence.OutcomeAnswer {
					mu.Lock()
					unanswered++
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	return unanswered
}

// The questions under way adapt to what the server bears: few are lost, though
// a thousand want to ask at once; and where it bears more it gets more.
func TestInFlightAdapts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bounded{room: 20}
		n := &fakeNet{serve: b.serve}
		r := over(t, n)
		const questions = 10_000
		start := time.Now()
		if u := flood(t, r, "a", questions); u > questions/500 {
			t.Errorf("%d of %d questions had no answer", u, questions)
		}
		took := time.Since(start)
		t.Logf("%v, %d lost", took, b.lost)
		if b.lost > questions/16 {
			t.Errorf("%d questions were lost for %d answers", b.lost, b.answered)
		}
		// 20 at once, 20 times a second, would be 25 seconds.
		if took > 90*time.Second {
			t.Errorf("took %v", took)
		}
		b.mu.Lock()
		b.room, b.lost = 1000, 0
		b.mu.Unlock()
		start = time.Now()
		if u := flood(t, r, "b", questions); u > 0 || b.lost > 0 {
			t.Errorf("with room for all, %d had no answer, %d lost", u, b.lost)
		}
		if d := time.Since(start); d > took/2 || b.most > resolver.DefaultMaxInFlight {
			t.Errorf("with room for all, %v and %d at once", d, b.most)
		}
	})
}

// One name whose servers are silent does not make the window small.
func TestInFlightWithDeadNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{serve: late(50*time.Millisecond, func(_ context.Context, _, _ string, q []byte) [][]byte {
			if q[12] == 2 { // two letters: every hundredth name or so
				return nil
			}
			return [][]byte{good(q, nil)}
		})}
		r := over(t, n)
		start := time.Now()
		unanswered := flood(t, r, "", 10_000)
		// The silent ones alone hold a place for some 800 seconds together (90 × 3 tries of 3 s): 20 to
		// 65 seconds pass, by how many of them come first. With four places it is five
		// minutes.
		if took := time.Since(start); unanswered != 90 || took > 2*time.Minute {
			t.Errorf("%d unanswered, %v", unanswered, took)
		}
	})
}

// At a thousand questions in flight the sockets are bounded, those of Reach
// and TCP included.
func TestMaxSockets(t *testing.T) {
	for _, tt := range []struct {
		name              string
		inFlight, sockets int
		most              int
	}{
		{"defaults", 0, 0, resolver.DefaultMaxSockets + 1},
		{"a thousand in flight", 1000, 0, resolver.DefaultMaxSockets + 1},
		{"few sockets", 1000, 10, 11},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &fakeNet{serve: late(50*time.Millisecond, func(_ context.Context, network, _ string, q []byte) [][]byte {
					if network == "udp" && q[len(q)-20]%2 == 0 {
						return truncating(t.Context(), network, "", q)
					}
					return [][]byte{good(q, nil)}
				})}
				r := over(t, n)
				r.MaxInFlight, r.MaxSockets = tt.inFlight, tt.sockets
				var group sync.WaitGroup
				group.Go(func() {
					if u := flood(t, r, "a", 3000); u > 0 {
						t.Errorf("%d unanswered", u)
					}
				})
				for i := range 300 {
					group.Go(func() {
						addr := netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
						if got, err := r.Reach(t.Context(), "ns.test", addr, fmt.Sprintf("n%d.test", i)); err != nil || got.Outcome != evidence.Reached {
							t.Errorf("%+v, %v", got, err)
						}
					})
				}
				group.Wait()
				if n.most > tt.most {
					t.Errorf("%d sockets open at once, want %d at most", n.most, tt.most)
				}
				if want := 2 * tt.most / 3; n.most < want {
					t.Errorf("only %d sockets open at once: the bound is not what is tested", n.most)
				}
				if tcp := n.dialed("tcp 192.0.2.1:53"); tcp != 1 {
					t.Errorf("%d connections over TCP", tcp)
				}
			})
		})
	}
}
