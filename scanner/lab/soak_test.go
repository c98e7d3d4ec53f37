package lab_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
	"mailvet/scanner"
	"mailvet/scanner/lab"
	"mailvet/smtpcheck/probe"
)

// weather spoils some of the connections that a scanner opens.
type weather struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu  sync.Mutex
	rnd *rand.Rand
	// Of a thousand connections so many are refused, never opened, lose what
	// is sent over them, or break in the middle.
	refused, never, lost, broken int
}

func (w *weather) n(most int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rnd.IntN(most)
}

func (w *weather) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	switch luck := w.n(1000); {
	case luck < w.refused:
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	case luck < w.refused+w.never && network == "tcp":
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	case luck < w.refused+w.never+w.lost && network == "udp":
		return w.dial(ctx, network, "192.0.2.254:53") // where nobody is
	case luck < w.refused+w.never+w.lost+w.broken && network == "tcp":
		c, err := w.dial(ctx, network, address)
		return &breaking{Conn: c, left: 1 + w.n(2000)}, err
	}
	return w.dial(ctx, network, address)
}

// breaking is a connection that breaks after so many octets.
type breaking struct {
	net.Conn
	left int
}

func (b *breaking) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.Conn.Close()
		return 0, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// spoiled is a scanner of the lab in bad weather.
func spoiled(l *lab.Lab, w *weather) *scanner.Scanner {
	s := l.Scanner()
	w.dial = l.Dial
	s.Resolver.(*resolver.Resolver).Dial = w.Dial
	s.Prober.(*probe.Prober).Dial = w.Dial
	return s
}

// openFiles is the number of file descriptors of this process; 0 if unknown.
func openFiles() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}

// TestSoak scans list after list in weather of all kinds, and cancels some
// anywhere. Nothing may be reported twice, and in the end no goroutine and no
// descriptor is left: where one is, the bubble does not end.
func TestSoak(t *testing.T) {
	total, each := 75, 25
	if os.Getenv("MAILVET_REAL") != "" {
		total, each = 5000, 250
	}
	goroutines, files := runtime.NumGoroutine(), openFiles()
	reported, cancelled := 0, 0
	for i := range total / each {
		synctest.Test(t, func(t *testing.T) {
			l := mass(t, each, lab.Options{Latency: time.Duration(i%4) * 10 * time.Millisecond})
			rnd := rand.New(rand.NewPCG(1, uint64(i)))
			s := spoiled(l, &weather{rnd: rnd, refused: rnd.IntN(20), never: rnd.IntN(10), lost: rnd.IntN(50), broken: rnd.IntN(50)})
			s.Vantage.NoExtra = i%2 == 1
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stop := make(chan struct{})
			switch i % 3 {
			case 1:
				time.AfterFunc(time.Duration(1+rnd.IntN(3000))*time.Millisecond, cancel)
			case 2:
				time.AfterFunc(time.Duration(1+rnd.IntN(3000))*time.Millisecond, func() { close(stop) })
			}
			seen := map[string]bool{}
			b := &scanner.Batch{Scanner: s, Workers: 1 + rnd.IntN(40), InOrder: i%5 == 4, SetAside: rnd.IntN(100) - 1, Stop: stop}
			err := b.Run(ctx, massList(each), func(d scanner.Domain, snap *evidence.Snapshot) (func() error, error) {
				judge(t, snap)
				return func() error {
					if seen[d.Name] {
						t.Errorf("%s is reported twice", d.Name)
					}
					seen[d.Name] = true
					return nil
				}, nil
			})
			switch {
			case err == nil && len(seen) != each:
				t.Errorf("run %d: %d of %d domains", i, len(seen), each)
			case errors.Is(err, context.Canceled) || errors.Is(err, scanner.ErrStopped):
				cancelled++
			case err != nil:
				t.Errorf("run %d: %v", i, err)
			}
			reported += len(seen)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if g, f := runtime.NumGoroutine(), openFiles(); g > goroutines+2 || f > files+2 {
		t.Errorf("%d goroutines and %d files are open, %d and %d at the start", g, f, goroutines, files)
	}
	t.Logf("%d domains reported, %d runs of %d ended early", reported, cancelled, total/each)
}

// TestLoss: with 1 % of packets lost nothing stays unknown, and no domain
// scores otherwise than without.
func TestLoss(t *testing.T) {
	const n = 25
	synctest.Test(t, func(t *testing.T) {
		l := mass(t, n, lab.Options{Latency: 10 * time.Millisecond})
		scores := func(s *scanner.Scanner) map[string]string {
			found := map[string]string{}
			b := &scanner.Batch{Scanner: s}
			if err := b.Run(t.Context(), massList(n), func(d scanner.Domain, snap *evidence.Snapshot) (func() error, error) {
				r := judge(t, snap)
				return func() error { found[d.Name] = fmt.Sprint(*r.Score); return nil }, nil
			}); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return found
		}
		want := scores(l.Scanner())
		got := scores(spoiled(l, &weather{rnd: rand.New(rand.NewPCG(1, 2)), lost: 10}))
		for d, score := range want {
			if got[d] != score {
				t.Errorf("%s: %s, want %s", d, got[d], score)
			}
		}
	})
}

// TestNoExtra: without what goes beyond Internet.nl's test the score is the
// same, the report has nothing else, and questions are fewer.
func TestNoExtra(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := load(t, lab.Options{})
		for _, d := range []string{"perfect.test", "nomx.test", "nullmx.test", "unsigned.test", "spflimit.test", "nostarttls.test", "missing.test"} {
			many, few := start(t, l), start(t, l)
			for _, s := range []*scanner.Scanner{many, few} {
				s.Resolver.(*resolver.Resolver).AskAll = true // else the number depends on which answer is first
			}
			all := scan(t, many, d)
			few.Vantage.NoExtra = true
			less := scan(t, few, d)
			want, got := judge(t, all), judge(t, less)
			if *got.Score != *want.Score {
				t.Errorf("%s: score %v, want %v", d, *got.Score, *want.Score)
			}
			for _, c := range got.Categories {
				if c.ID == "extra" {
					t.Errorf("%s: there are extra checks", d)
				}
			}
			if less.Cost.DNSQueries >= all.Cost.DNSQueries || less.Cost.HTTPSConnections > 0 {
				t.Errorf("%s: %d questions, %d with the extra checks", d, less.Cost.DNSQueries, all.Cost.DNSQueries)
			}
		}
	})
}

// TestClockJumps: a system clock that is set during a run, forward and back by
// an hour, changes no verdict and keeps nothing waiting.
func TestClockJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 30
		l := mass(t, n, lab.Options{Latency: 10 * time.Millisecond})
		s := l.Scanner()
		began, calls := time.Now(), atomic.Int64{}
		jumping := func() time.Time {
			return time.Now().Add(time.Duration(calls.Add(1)/50%3-1) * time.Hour).Round(0)
		}
		r, p := s.Resolver.(*resolver.Resolver), s.Prober.(*probe.Prober)
		r.Now, r.Validator.Now, p.Now = jumping, jumping, jumping
		b := &scanner.Batch{Scanner: s}
		done := 0
		if err := b.Run(t.Context(), massList(n), func(d scanner.Domain, snap *evidence.Snapshot) (func() error, error) {
			if k := checkOf(t, judge(t, snap), "dnssec-valid"); k.Status.String() == "unknown" {
				t.Errorf("%s: dnssec-valid is %s", d.Name, k.Status)
			}
			return func() error { done++; return nil }, nil
		}); err != nil || done != n {
			t.Errorf("%d of %d domains, %v", done, n, err)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("took %s", took)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
