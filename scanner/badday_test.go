package scanner_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/report/evidence"
	"mailvet/scanner"
	"mailvet/smtpcheck/probe"
)

// Ten thousand domains with one dead mail server: it is knocked at a few times
// in the whole run, for one probe and one more in the second pass, and the
// domains do not wait for each other. In order what failed is asked again every
// ten minutes, and hundreds show it.
func TestSameDeadServer(t *testing.T) {
	for _, inOrder := range []bool{false, true} {
		for _, refused := range []bool{true, false} {
			t.Run(fmt.Sprintf("in order %v, refused %v", inOrder, refused), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := 10_000
					switch {
					case inOrder:
						n = 500
					case testing.Short() || refused:
						n = 1000
					}
					var dials atomic.Int32
					w := &world{latency: time.Millisecond, lookup: func(l *evidence.Lookup) {
						if l.Type == "MX" {
							l.Answer = []evidence.RR{{Name: l.Name, Type: "MX", TTL: 60, Data: "10 mx.dead.test."}}
						}
					}}
					b := newBatch(w)
					b.InOrder = inOrder
					b.Scanner.Vantage.NoExtra = true
					b.Scanner.Prober = &probe.Prober{AllowPrivate: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
						dials.Add(1)
						if refused {
							return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
						}
						<-ctx.Done()
						return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
					}}
					began := time.Now()
					if err := b.run(t.Context(), list(n)); err != nil {
						t.Fatal(err)
					}
					b.wantAll(t, n)
					took := time.Since(began)
					t.Logf("%d domains, %d connections to the dead server, %s", n, dials.Load(), took)
					if d := dials.Load(); d > 6 {
						t.Errorf("%d connections to the dead server", d)
					}
					if !inOrder && took > 10*time.Minute {
						t.Errorf("took %s", took)
					}
				})
			})
		}
	}
}

// sticky is a world in which nothing that belongs to one domain ever answers.
type sticky struct {
	*world
	domain string
}

func (s *sticky) Lookup(ctx context.Context, name, qtype string) (evidence.Lookup, error) {
	if name != s.domain && strings.HasSuffix(name, s.domain) {
		<-ctx.Done()
	}
	return s.world.Lookup(ctx, name, qtype)
}

// One domain that takes all the time it may have does not hold the others up,
// and does not take more.
func TestOneTakesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{latency: time.Millisecond}
		b := newBatch(w)
		b.Scanner.Resolver, b.Workers = &sticky{w, "d0003.test"}, 2
		began := time.Now()
		if err := b.run(t.Context(), list(100)); err != nil {
			t.Fatal(err)
		}
		b.wantAll(t, 100)
		if took := time.Since(began); b.names[99] != "d0003.test" || took > 2*scanner.DefaultTimeout+time.Minute {
			t.Errorf("took %s, and %s was last", took, b.names[99])
		}
	})
}

// A zone that is a maze, in which every answer leads on, costs what is allowed
// and no more.
func TestMaze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		w := &world{latency: time.Millisecond, lookup: func(l *evidence.Lookup) {
			if strings.HasSuffix(l.Name, "d0000.test") {
				asked.Add(1)
				if l.Type == "TXT" {
					var b strings.Builder
					for i := range 12 {
						fmt.Fprintf(&b, " include:i%d.%s", i, l.Name)
					}
					l.Outcome = evidence.OutcomeAnswer
					l.Answer = []evidence.RR{{Name: l.Name, Type: "TXT", TTL: 60, Data: `"v=spf1` + b.String() + ` -all"`}}
				}
				if l.Type == "MX" {
					l.Answer = nil
					for i := range 100 {
						l.Answer = append(l.Answer, evidence.RR{Name: l.Name, Type: "MX", TTL: 60, Data: fmt.Sprintf("%d mx.m%d.d0000.test.", i, i)})
					}
				}
			}
		}}
		b := newBatch(w)
		if err := b.run(t.Context(), list(20)); err != nil {
			t.Fatal(err)
		}
		b.wantAll(t, 20)
		if n := asked.Load(); n > 2*scanner.DefaultMaxQuestions {
			t.Errorf("%d questions", n)
		}
	})
}
