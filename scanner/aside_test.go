package scanner_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/report/evidence"
	"mailvet/scanner"
)

// crowd is a list in which every second domain has its mail at a slow provider.
func crowd(n int) iter.Seq[scanner.Domain] {
	return func(yield func(scanner.Domain) bool) {
		for i := range n {
			if !yield(scanner.Domain{Name: fmt.Sprintf("d%05d.%s.test", i, []string{"slow", "quick"}[i%2])}) {
				return
			}
		}
	}
}

// slowProvider is a world in which the slow domains have one mail server, under
// a name each or one for all, to which one connection a minute is made; the
// probes of the others take ten seconds.
func slowProvider(shared bool) *world {
	turn := make(chan struct{}, 1)
	began := time.Now()
	w := &world{latency: 10 * time.Millisecond}
	w.lookup = func(l *evidence.Lookup) {
		slow := strings.Contains(l.Name, "slow")
		switch {
		case l.Type == "A" && len(l.Answer) > 0 && !slow:
			var i int
			fmt.Sscanf(l.Name, "mx.d%d.", &i)
			l.Answer[0].Data = fmt.Sprintf("198.51.%d.%d", i/256%256, i%256)
		case l.Type == "MX" && len(l.Answer) > 0 && slow && shared:
			l.Answer[0].Data = "10 mx.slow.test."
		}
	}
	w.probe = func(ctx context.Context, s *evidence.Session) {
		switch {
		case !strings.Contains(s.Host, "slow"):
			pause(ctx, 10*time.Second)
		case shared: // twelve connections
			pause(ctx, time.Until(began.Add(12*time.Minute)))
		default:
			select {
			case turn <- struct{}{}:
				pause(ctx, time.Minute)
				<-turn
			case <-ctx.Done():
			}
		}
	}
	return w
}

// However many domains wait for a slow provider, the others finish in the time
// that they take without them, and each is reported once.
func TestSlowProvider(t *testing.T) {
	for _, test := range []struct {
		name   string
		shared bool
		n      int
		whole  time.Duration // of the run
	}{
		{"one mail server", true, 4000, 13 * time.Minute},
		{"a name for each", false, 10_000, 5000 * time.Minute},
	} {
		n := test.n
		if testing.Short() {
			n = 2000
		}
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBatch(nil)
				w := slowProvider(test.shared)
				b.Scanner.Resolver, b.Scanner.Prober = w, w
				b.Scanner.Vantage.NoExtra = true
				b.Once = true
				began, quick := time.Now(), 0
				var last time.Duration
				most := scanner.Progress{}
				seen := map[string]bool{}
				err := b.Run(t.Context(), crowd(n), func(d scanner.Domain, _ *evidence.Snapshot) (func() error, error) {
					return func() error {
						if seen[d.Name] {
							t.Errorf("%s is reported twice", d.Name)
						}
						seen[d.Name] = true
						if strings.Contains(d.Name, "quick") {
							quick++
							last = time.Since(began)
						}
						p := b.Progress()
						most.InHand, most.Parked = max(most.InHand, p.InHand), max(most.Parked, p.Parked)
						return nil
					}, nil
				})
				if err != nil || len(seen) != n || quick != n/2 {
					t.Fatalf("%d domains, %d of them quick, %v", len(seen), quick, err)
				}
				t.Logf("%d quick ones in %s, all in %s; at most %+v", quick, last, time.Since(began), most)
				// With 16 workers a domain takes 12 ms without any that is slow.
				if usual := time.Duration(n)*16*time.Millisecond + 15*time.Second; last > usual {
					t.Errorf("the quick ones took %s, want at most %s", last, usual)
				}
				if took := time.Since(began); took > test.whole {
					t.Errorf("all took %s", took)
				}
				if most.InHand > scanner.DefaultSetAside+2*scanner.DefaultWorkers {
					t.Errorf("%d were in hand", most.InHand)
				}
				if p := b.Progress(); p != (scanner.Progress{Done: n}) {
					t.Errorf("progress at the end: %+v", p)
				}
			})
		})
	}
}
