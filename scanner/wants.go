package scanner

import (
	"context"
	"slices"
	"strconv"

	"mailvet/dnscheck"
	"mailvet/report/evidence"
	"mailvet/smtpcheck"
)

// start begins what is wanted and was not begun before, until that brings
// nothing that is at hand already.
func (r *run) start(ctx context.Context) {
	for r.startOnce(ctx); len(r.fresh) > 0; {
		r.startOnce(ctx)
	}
}

func (r *run) startOnce(ctx context.Context) {
	fresh := r.fresh
	r.fresh, r.spare = r.spare[:0], nil
	for _, q := range r.asker.Wants(r.snap, fresh) {
		r.lookup(ctx, q)
	}
	for i := range r.wishes {
		if w := &r.wishes[i]; w.due(r.snap, fresh) {
			w.seen(r.snap)
			r.snap.Watch(&r.view, &w.missed)
			w.begin(r, ctx, &r.view)
		}
	}
	r.spare = fresh
}

// wish is something other than the questions of package dnscheck that is wanted
// of a snapshot. It is worked out again when a lookup has come that it looked
// for before, or more of the other evidence that it goes by. That something it
// wanted is there by now is no reason, for nothing is begun twice.
type wish struct {
	begin  func(r *run, ctx context.Context, s *evidence.Snapshot)
	others func(*evidence.Snapshot) int // how much there is of it
	asked  bool
	missed []evidence.Question
	had    int
}

func (w *wish) due(s *evidence.Snapshot, fresh []evidence.Question) bool {
	return !w.asked || w.others(s) != w.had || slices.ContainsFunc(fresh, func(q evidence.Question) bool { return slices.Contains(w.missed, q) })
}

func (w *wish) seen(s *evidence.Snapshot) { w.asked, w.missed, w.had = true, w.missed[:0], w.others(s) }

func (s *Scanner) wishes() []wish {
	none := func(*evidence.Snapshot) int { return 0 }
	list := []wish{
		{begin: (*run).askSMTP, others: none},
		{begin: (*run).reachAll, others: func(s *evidence.Snapshot) int { return len(s.Reaches) }},
	}
	if s.Router != nil {
		list = append(list,
			wish{begin: (*run).routeAll, others: none},
			wish{begin: (*run).nameSystems, others: func(s *evidence.Snapshot) int { return len(s.Routings) }})
	}
	if s.Fetcher != nil {
		list = append(list, wish{begin: (*run).fetchAll, others: func(s *evidence.Snapshot) int { return len(s.Fetches) }})
	}
	if !s.Vantage.NoSMTP && s.Prober != nil {
		list = append(list, wish{begin: (*run).probeAll, others: none})
	}
	return list
}

func (r *run) askSMTP(ctx context.Context, s *evidence.Snapshot) {
	for _, q := range smtpcheck.Wants(s) {
		r.lookup(ctx, q)
	}
}

func (r *run) reachAll(_ context.Context, s *evidence.Snapshot) {
	for _, w := range dnscheck.ReachWants(s) {
		r.await(task{kind: 'r', name: w.Host, addr: w.Addr}, func() func() error { return r.reach(r.patient, w.Host, w.Addr) })
	}
}

func (r *run) routeAll(ctx context.Context, s *evidence.Snapshot) {
	for _, a := range dnscheck.RouteWants(s) {
		r.begin(task{kind: 'o', addr: a}, func() func() error { return r.route(ctx, a) })
	}
}

func (r *run) nameSystems(ctx context.Context, s *evidence.Snapshot) {
	for _, asn := range dnscheck.SystemWants(s) {
		r.begin(task{kind: 'a', what: strconv.FormatUint(uint64(asn), 10)}, func() func() error { return r.system(ctx, asn) })
	}
}

func (r *run) fetchAll(_ context.Context, s *evidence.Snapshot) {
	for _, w := range dnscheck.FetchWants(s) {
		r.await(task{kind: 'f', what: w.URL}, func() func() error { return r.fetch(r.patient, w) })
	}
}

func (r *run) probeAll(_ context.Context, s *evidence.Snapshot) {
	for _, w := range smtpcheck.ProbeWants(s) {
		t := task{kind: 's', name: w.Host, addr: w.Addr}
		if !r.started[t] {
			r.probing = append(r.probing, w.Addr)
		}
		r.await(t, func() func() error { return r.probe(r.patient, w.Host, w.Addr) })
	}
}
