package scanner_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/report/evidence"
	"mailvet/scanner"
	"mailvet/smtpcheck/probe"
)

// world is an Internet of a few lines: every domain has one MX host, mx.DOMAIN,
// with one address, and nothing else.
type world struct {
	latency time.Duration
	// lookup, if not nil, may change an answer.
	lookup func(*evidence.Lookup)
	// probe, if not nil, may wait, and change a session.
	probe func(context.Context, *evidence.Session)

	mu     sync.Mutex
	probes map[string]int // by host
}

func (w *world) Lookup(ctx context.Context, name, qtype string) (evidence.Lookup, error) {
	l := evidence.Lookup{Name: name, Type: qtype, Outcome: evidence.OutcomeNoData}
	switch qtype {
	case "MX":
		l.Outcome = evidence.OutcomeAnswer
		l.Answer = []evidence.RR{{Name: name, Type: "MX", TTL: 60, Data: "10 mx." + name + "."}}
	case "A":
		if len(name) > 3 && name[:3] == "mx." {
			l.Outcome = evidence.OutcomeAnswer
			l.Answer = []evidence.RR{{Name: name, Type: "A", TTL: 60, Data: "192.0.2.1"}}
		}
	}
	if !pause(ctx, w.latency) {
		return l, ctx.Err()
	}
	if w.lookup != nil {
		w.lookup(&l)
	}
	return l, nil
}

func (w *world) Reach(_ context.Context, host string, addr netip.Addr, _ string) (evidence.Reach, error) {
	return evidence.Reach{Host: host, Addr: addr.String(), Outcome: evidence.Reached}, nil
}

func (w *world) Probe(ctx context.Context, host string, addr netip.Addr) (probe.Result, error) {
	w.mu.Lock()
	if w.probes == nil {
		w.probes = map[string]int{}
	}
	w.probes[host]++
	w.mu.Unlock()
	s := evidence.Session{Host: host, Addr: addr.String(), Port: 25, Reach: evidence.Reached, StartTLS: evidence.StartTLSNotOffered}
	if w.probe != nil {
		w.probe(ctx, &s)
	}
	return probe.Result{Session: s, Opened: 1}, ctx.Err()
}

func pause(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func list(n int) iter.Seq[scanner.Domain] {
	return func(yield func(scanner.Domain) bool) {
		for i := range n {
			if !yield(scanner.Domain{Name: fmt.Sprintf("d%04d.test", i), Line: i + 1}) {
				return
			}
		}
	}
}

// batch is a run over a world, with what it reported.
type batch struct {
	scanner.Batch
	names   []string
	unknown int // snapshots without a single usable answer
	notices []scanner.Notice
	mu      sync.Mutex
}

func newBatch(w *world) *batch {
	b := &batch{}
	b.Scanner = &scanner.Scanner{Resolver: w, Prober: w, Vantage: evidence.Vantage{NoIPv6: true, AllowPrivate: true}}
	b.Notice = func(n scanner.Notice) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.notices = append(b.notices, n)
	}
	return b
}

func (b *batch) run(ctx context.Context, domains iter.Seq[scanner.Domain]) error {
	return b.Run(ctx, domains, func(d scanner.Domain, s *evidence.Snapshot) (func() error, error) {
		return func() error {
			b.names = append(b.names, d.Name)
			if s.Error != nil {
				b.unknown++
			}
			return nil
		}, nil
	})
}

// wantAll checks that each of the n domains was reported once.
func (b *batch) wantAll(t *testing.T, n int) {
	t.Helper()
	names := slices.Clone(b.names)
	slices.Sort(names)
	if want := slices.Collect(list(n)); len(names) != len(want) || len(slices.Compact(names)) != len(want) {
		t.Errorf("%d reports of %d domains", len(b.names), n)
	}
	if p := b.Progress(); p != (scanner.Progress{Done: n}) {
		t.Errorf("progress at the end: %+v", p)
	}
}

// One worker is enough for many domains whose mail servers are slow: only
// DNS questions keep it.
func TestSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{latency: time.Millisecond, probe: func(ctx context.Context, s *evidence.Session) {
			if s.Host == "mx.d0000.test" {
				pause(ctx, 5*time.Minute)
			}
		}}
		b := newBatch(w)
		b.Workers = 1
		began := time.Now()
		if err := b.run(t.Context(), list(20)); err != nil {
			t.Fatal(err)
		}
		b.wantAll(t, 20)
		if last := b.names[len(b.names)-1]; last != "d0000.test" {
			t.Errorf("%s was the last, and the slow one stood in its way", last)
		}
		if took := time.Since(began); took > 5*time.Minute+time.Second {
			t.Errorf("took %s", took)
		}
	})
}

// With no room to set anything aside, the worker waits.
func TestSetAsideNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBatch(&world{probe: func(ctx context.Context, s *evidence.Session) { pause(ctx, time.Second) }})
		b.Workers, b.SetAside = 1, -1
		began := time.Now()
		if err := b.run(t.Context(), list(10)); err != nil {
			t.Fatal(err)
		}
		b.wantAll(t, 10)
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("took %s, want 10s", took)
		}
	})
}

// A domain that is set aside for too long is reported with what is known.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBatch(&world{probe: func(ctx context.Context, s *evidence.Session) { pause(ctx, 24*time.Hour) }})
		b.Patience, b.Once = time.Minute, true
		began := time.Now()
		if err := b.run(t.Context(), list(3)); err != nil {
			t.Fatal(err)
		}
		b.wantAll(t, 3)
		if took := time.Since(began); took != time.Minute {
			t.Errorf("took %s", took)
		}
	})
}

// What fails for now is tried again at the end, and reported once.
func TestSecondPass(t *testing.T) {
	busy := &evidence.Failure{Op: evidence.OpBanner, Class: evidence.ClassTemporary}
	for _, inOrder := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{latency: time.Millisecond}
			w.probe = func(_ context.Context, s *evidence.Session) {
				w.mu.Lock()
				defer w.mu.Unlock()
				if s.Host == "mx.d0003.test" && w.probes[s.Host] == 1 || s.Host == "mx.d0005.test" {
					s.Failure = busy
				}
			}
			b := newBatch(w)
			b.InOrder = inOrder
			if err := b.run(t.Context(), list(10)); err != nil {
				t.Fatal(err)
			}
			b.wantAll(t, 10)
			if inOrder {
				if !slices.IsSorted(b.names) {
					t.Errorf("order: %v", b.names)
				}
				return
			}
			if want := []scanner.Notice{{Kind: scanner.SecondPass, Count: 2}}; !slices.Equal(b.notices, want) {
				t.Errorf("notices %v, want %v", b.notices, want)
			}
			if w.probes["mx.d0003.test"] != 2 || w.probes["mx.d0005.test"] != 2 || w.probes["mx.d0001.test"] != 1 {
				t.Errorf("probes: %v", w.probes)
			}
			last := b.names[8:]
			slices.Sort(last)
			if !slices.Equal(last, []string{"d0003.test", "d0005.test"}) {
				t.Errorf("reported at last: %v", last)
			}
		})
	}
}

// A resolver that dies for a minute makes the list wait, and no domain unknown.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		dead := func() bool { d := time.Since(began); return d > time.Second && d < time.Minute }
		b := newBatch(&world{latency: 50 * time.Millisecond, lookup: func(l *evidence.Lookup) {
			if dead() {
				silent(l)
			}
		}})
		b.Workers = 4
		if err := b.run(t.Context(), list(200)); err != nil {
			t.Fatal(err)
		}
		b.wantAll(t, 200)
		if b.unknown > 0 {
			t.Errorf("%d domains are reported as unknown", b.unknown)
		}
		kinds := []scanner.NoticeKind{}
		for _, n := range b.notices {
			kinds = append(kinds, n.Kind)
		}
		if len(kinds) < 2 || kinds[0] != scanner.Paused || kinds[1] != scanner.Resumed {
			t.Errorf("notices: %v", kinds)
		}
	})
}

// When the network stays away, the run ends and says so; nothing false is
// written. If it never was there, that is said at once.
func TestPauseEnds(t *testing.T) {
	for _, lives := range []time.Duration{-1, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			b := newBatch(&world{latency: time.Millisecond, lookup: func(l *evidence.Lookup) {
				if time.Since(began) > lives {
					silent(l)
				}
			}})
			b.Pause = time.Minute
			err := b.run(t.Context(), list(10000))
			if !errors.Is(err, scanner.ErrNetwork) {
				t.Errorf("error %v", err)
			}
			if b.unknown > 0 || lives > 0 && len(b.names) == 0 {
				t.Errorf("%d reports, %d of them unknown", len(b.names), b.unknown)
			}
			if took := time.Since(began); lives < 0 && took > time.Second || took > 3*time.Minute {
				t.Errorf("took %s", took)
			}
		})
	}
}

// Without a pause every domain is reported as what could not be scanned.
func TestNoPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBatch(&world{lookup: silent})
		b.Pause, b.Once = -1, true
		if err := b.run(t.Context(), list(5)); err != nil {
			t.Fatal(err)
		}
		b.wantAll(t, 5)
		if b.unknown != 5 {
			t.Errorf("%d are unknown", b.unknown)
		}
	})
}

// silent is what becomes of a question that nobody answers.
func silent(l *evidence.Lookup) {
	*l = evidence.Lookup{Name: l.Name, Type: l.Type, Outcome: evidence.OutcomeTimeout, Failure: &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassTimeout}}
}

// In order, whatever comes first, and no further ahead than allowed.
func TestInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBatch(&world{latency: time.Millisecond, probe: func(ctx context.Context, s *evidence.Session) {
			pause(ctx, time.Duration(len(s.Host)*7919+int(s.Host[6])*104729+int(s.Host[5])*1299709)%997*time.Millisecond)
		}})
		b.InOrder, b.LookAhead = true, 8
		most := 0
		err := b.run(t.Context(), func(yield func(scanner.Domain) bool) {
			for d := range list(100) {
				b.mu.Lock()
				most = max(most, d.Line-1-b.Progress().Done)
				b.mu.Unlock()
				if !yield(d) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		b.wantAll(t, 100)
		if !slices.IsSorted(b.names) {
			t.Errorf("order: %v", b.names)
		}
		if most > 8 {
			t.Errorf("%d ahead", most)
		}
	})
}

// Cancellation works at once wherever the run stands: at work, set aside,
// waiting for its turn or for a resolver.
func TestBatchCancel(t *testing.T) {
	hour := func(ctx context.Context, _ *evidence.Session) { pause(ctx, time.Hour) }
	for name, w := range map[string]*world{"at work": {latency: time.Hour}, "set aside": {probe: hour}, "paused": {latency: time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				began := time.Now()
				if name == "paused" {
					w.lookup = func(l *evidence.Lookup) {
						if time.Since(began) > time.Second {
							silent(l)
						}
					}
				}
				b := newBatch(w)
				b.InOrder, b.LookAhead, b.Workers, b.SetAside = true, 40, 4, 20
				time.AfterFunc(5*time.Second, cancel)
				if err := b.run(ctx, list(100000)); !errors.Is(err, context.Canceled) {
					t.Errorf("error %v", err)
				}
				if took := time.Since(began); took != 5*time.Second {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

// An error of the writer ends the run, and is its error.
func TestBatchWriteError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("full")
		b := newBatch(&world{})
		n := 0
		err := b.Run(t.Context(), list(1000), func(scanner.Domain, *evidence.Snapshot) (func() error, error) {
			return func() error {
				if n++; n > 10 {
					return full
				}
				return nil
			}, nil
		})
		if !errors.Is(err, full) || n != 11 {
			t.Errorf("error %v after %d", err, n)
		}
	})
}

// A list that blocks does not keep a run that is to end.
func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("full")
		reading, leave := context.WithCancel(t.Context())
		b := newBatch(&world{})
		b.Interrupt = leave
		err := b.Run(t.Context(), func(yield func(scanner.Domain) bool) {
			yield(scanner.Domain{Name: "d0000.test"})
			<-reading.Done()
		}, func(scanner.Domain, *evidence.Snapshot) (func() error, error) {
			return func() error { return full }, nil
		})
		if !errors.Is(err, full) {
			t.Errorf("error %v", err)
		}
	})
}

// alive is a world whose resolver says of itself whether it works.
type alive struct {
	*world
	asked atomic.Int32
}

func (a *alive) Alive(context.Context) bool { a.asked.Add(1); return true }

// Domains whose questions nobody answers are not a dead resolver: the list
// goes on, and each is scanned twice, not more.
func TestNotTheResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{latency: time.Millisecond, lookup: silent}
		a := &alive{world: w}
		b := newBatch(w)
		b.Scanner.Resolver = a
		if err := b.run(t.Context(), list(50)); err != nil {
			t.Fatal(err)
		}
		b.wantAll(t, 50)
		if want := []scanner.Notice{{Kind: scanner.SecondPass, Count: 50}}; !slices.Equal(b.notices, want) || b.unknown != 50 {
			t.Errorf("notices %v, %d unknown", b.notices, b.unknown)
		}
	})
}
