package origin_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"mailvet/dnscheck/rpki"
	"mailvet/dnscheck/rpki/origin"
	"mailvet/report/evidence"
)

// loads is a source of VRPs that counts how often it is asked.
type loads struct {
	n     int
	fails bool
	set   func() origin.VRPSet
}

func (l *loads) load(context.Context) (origin.VRPSet, error) {
	l.n++
	if l.fails {
		return origin.VRPSet{}, errors.New("nobody answers")
	}
	return l.set(), nil
}

func TestRefresher(t *testing.T) {
	clock := now
	set := func(valid time.Duration) origin.VRPSet {
		s := rpki.Source{Format: rpki.FormatRTR, Generated: clock, Kept: 1}
		if valid > 0 {
			s.ValidUntil = clock.Add(valid)
		}
		return origin.VRPSet{VRPs: vrps(t, "192.0.2.0/24 24 AS64500"), Sources: []rpki.Source{s}}
	}
	steps := func(first origin.VRPSet, l *loads, every time.Duration, minutes ...int) (at []int) {
		f := &origin.Refresher{Load: l.load, First: first, Every: every, Now: func() time.Time { return clock }}
		begin := clock
		for _, m := range minutes {
			clock = begin.Add(time.Duration(m) * time.Minute)
			before := l.n
			f.Current(t.Context())
			if l.n > before {
				at = append(at, m)
			}
		}
		return at
	}
	tests := []struct {
		name    string
		valid   time.Duration
		fails   bool
		every   time.Duration
		minutes []int
		want    []int
	}{
		{"every hour", 0, false, 0, []int{0, 59, 60, 61, 119, 120}, []int{60, 120}},
		{"as asked", 0, false, 10 * time.Minute, []int{0, 9, 10, 11, 20}, []int{10, 20}},
		{"a source that ends soon", 30 * time.Minute, false, 0, []int{0, 14, 15, 29, 30}, []int{15, 30}},
		{"one that has ended", time.Nanosecond, false, 0, []int{0, 1, 1, 2}, []int{1, 2}},
		{"a failure is tried again, not at once", 0, true, 0, []int{60, 61, 69, 70, 71, 80}, []int{60, 70, 80}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clock = now
			l := &loads{fails: tt.fails, set: func() origin.VRPSet { return set(tt.valid) }}
			got := steps(set(tt.valid), l, tt.every, append([]int{0}, tt.minutes...)...)
			if len(got) != len(tt.want) {
				t.Fatalf("loaded at %v minutes, want %v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("loaded at %v minutes, want %v", got, tt.want)
				}
			}
		})
	}
}

// In a run of days the VRPs of a cache stay fresh; where the cache is gone,
// they grow old and the state of a route is unknown, never wrong.
func TestLongRun(t *testing.T) {
	for name, gone := range map[string]bool{"the cache stays": false, "the cache is gone": true} {
		t.Run(name, func(t *testing.T) {
			clock := now
			set := func() origin.VRPSet {
				return origin.VRPSet{VRPs: vrps(t, "192.0.2.0/24 24 AS64500"),
					Sources: []rpki.Source{{Format: rpki.FormatRTR, Generated: clock, ValidUntil: clock.Add(2 * time.Hour), Kept: 1}}}
			}
			f := &origin.Refresher{First: set(), Load: (&loads{fails: gone, set: set}).load, Now: func() time.Time { return clock }}
			r := origin.Router{Refresh: f.Current, Routes: routes(t, "192.0.2.0/24 AS64500"), Now: f.Now}
			for range 100 {
				got, err := r.Route(t.Context(), netip.MustParseAddr("192.0.2.1"))
				if err != nil {
					t.Fatal(err)
				}
				fresh := !gone || clock.Sub(now) <= 2*time.Hour
				switch {
				case fresh && (got.VRPSource != evidence.SourceUsable || got.Routes[0].State != evidence.RouteValid):
					t.Fatalf("after %s: %+v", clock.Sub(now), got)
				case !fresh && (got.VRPSource != evidence.SourceStale || len(got.Routes) > 0):
					t.Fatalf("after %s: %+v", clock.Sub(now), got)
				}
				if got.VRPTime.After(clock) || !gone && clock.Sub(got.VRPTime) > time.Hour+17*time.Minute {
					t.Errorf("at %s the VRPs are of %s", clock, got.VRPTime)
				}
				clock = clock.Add(17 * time.Minute)
			}
		})
	}
}

// One loads, the others do not wait for it.
func TestRefresherShared(t *testing.T) {
	clock := now
	began, end := make(chan struct{}), make(chan struct{})
	first := origin.VRPSet{Sources: []rpki.Source{{Format: rpki.FormatCSV}}}
	n := 0
	f := &origin.Refresher{First: first, Now: func() time.Time { return clock }, Load: func(context.Context) (origin.VRPSet, error) {
		n++
		close(began)
		<-end
		return origin.VRPSet{Sources: []rpki.Source{{Format: rpki.FormatRTR}}}, nil
	}}
	f.Current(t.Context())
	clock = clock.Add(2 * time.Hour)
	var wg sync.WaitGroup
	wg.Go(func() {
		if got := f.Current(t.Context()); got.Sources[0].Format != rpki.FormatRTR {
			t.Errorf("who loads gets %v", got.Sources)
		}
	})
	<-began
	for range 10 {
		if got := f.Current(t.Context()); got.Sources[0].Format != rpki.FormatCSV {
			t.Errorf("who does not gets %v", got.Sources)
		}
	}
	close(end)
	wg.Wait()
	if n != 1 {
		t.Errorf("loaded %d times", n)
	}
}

// A scan that is given up does not cost the next one its try.
func TestRefresherCancelled(t *testing.T) {
	clock := now
	l := &loads{fails: true}
	f := &origin.Refresher{Load: l.load, Now: func() time.Time { return clock }}
	f.Current(t.Context())
	clock = clock.Add(2 * time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.Current(ctx)
	f.Current(t.Context())
	if l.n != 2 {
		t.Errorf("loaded %d times, want 2", l.n)
	}
}
