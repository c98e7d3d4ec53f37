package scanner

import (
	"context"
	"net/netip"
	"slices"

	"mailvet/dnscheck"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/probe"
)

func (r *run) lookup(ctx context.Context, q evidence.Question) {
	t := task{kind: 'q', name: evidence.Name(q.Name), what: q.Type}
	if r.started[t] {
		return
	}
	if r.left == 0 {
		r.started[t] = true
		r.add(evidence.Lookup{Name: t.name, Type: t.what, Outcome: evidence.OutcomeTimeout, Failure: outOfBudget(evidence.OpQuery)})
		return
	}
	r.left--
	if cache, ok := r.scanner.Resolver.(interface {
		Cached(ctx context.Context, name, qtype string) (evidence.Lookup, bool)
	}); ok {
		if l, ok := cache.Cached(ctx, t.name, t.what); ok {
			r.started[t] = true
			r.add(l)
			return
		}
	}
	r.begin(t, func() func() error {
		var err error
		l, ok := r.proven(ctx, t)
		if !ok {
			l, err = r.scanner.Resolver.Lookup(ctx, t.name, t.what)
		}
		if err != nil && ctx.Err() != nil {
			l, err = evidence.Lookup{Name: t.name, Type: t.what, Outcome: evidence.OutcomeTimeout, Failure: outOfBudget(evidence.OpQuery)}, nil
		}
		return func() error {
			if err == nil {
				r.add(l)
			}
			return err
		}
	})
}

// proven answers without a question where that is as good.
func (r *run) proven(ctx context.Context, t task) (evidence.Lookup, bool) {
	p, ok := r.scanner.Resolver.(interface {
		Proven(ctx context.Context, name, qtype string) (evidence.Lookup, bool)
	})
	if !ok || !dnscheck.ProofSuffices(evidence.Question{Name: t.name, Type: t.what}) {
		return evidence.Lookup{}, false
	}
	return p.Proven(ctx, t.name, t.what)
}

// add keeps the lookups in the order that evidence.Snapshot.Lookup needs.
func (r *run) add(l evidence.Lookup) {
	if r.snap.Lookups == nil {
		r.snap.Lookups = make([]evidence.Lookup, 0, usualLookups)
	}
	i := r.snap.Place(l.Name, l.Type)
	r.snap.Lookups = slices.Insert(r.snap.Lookups, i, l)
	r.fresh = append(r.fresh, evidence.Question{Name: l.Name, Type: l.Type})
}

// usualLookups is a little more than what most domains take.
const usualLookups = 56

func (r *run) reach(ctx context.Context, host string, addr netip.Addr) func() error {
	reach := evidence.Reach{Host: host, Addr: addr.String()}
	var err error
	if name, special := probe.SpecialPurpose(addr); special && !r.scanner.Vantage.AllowPrivate {
		reach.Failure = &evidence.Failure{Op: evidence.OpConfig, Class: evidence.ClassForbidden, Text: name}
	} else if reach, err = r.scanner.Resolver.Reach(ctx, host, addr, r.snap.Domain); err != nil && ctx.Err() != nil {
		reach, err = evidence.Reach{Host: host, Addr: addr.String(), Failure: outOfBudget(evidence.OpQuery)}, nil
	}
	return func() error {
		r.snap.Reaches = append(r.snap.Reaches, reach)
		return err
	}
}

func (r *run) route(ctx context.Context, addr netip.Addr) func() error {
	routing, err := r.scanner.Router.Route(ctx, addr)
	return func() error {
		switch {
		case err == nil:
			r.snap.Routings = append(r.snap.Routings, routing)
		case ctx.Err() != nil:
			err = nil // nobody knows then, which is what a missing one says
		}
		return err
	}
}

func (r *run) fetch(ctx context.Context, w dnscheck.FetchWant) func() error {
	got, err := r.scanner.Fetcher.Fetch(ctx, w.URL, w.Limit)
	if err != nil && ctx.Err() != nil {
		got, err = evidence.Fetch{URL: w.URL, Failure: outOfBudget(evidence.OpFetch)}, nil
	}
	return func() error {
		if err != nil {
			return err
		}
		r.snap.Fetches = append(r.snap.Fetches, got)
		r.snap.Cost.HTTPSConnections += got.Connections
		return nil
	}
}

func (r *run) system(ctx context.Context, asn uint32) func() error {
	system, err := r.scanner.Router.System(ctx, asn)
	return func() error {
		switch {
		case err == nil:
			r.snap.Systems = append(r.snap.Systems, system)
		case ctx.Err() != nil:
			err = nil
		}
		return err
	}
}

func (r *run) probe(ctx context.Context, host string, addr netip.Addr) func() error {
	res, err := r.scanner.Prober.Probe(ctx, host, addr)
	if ctx.Err() != nil {
		err = nil // what was found until then is in res
	}
	return func() error {
		if i := slices.Index(r.probing, addr); i >= 0 {
			r.probing = slices.Delete(r.probing, i, i+1)
		}
		if err != nil {
			return err
		}
		r.snap.Sessions = append(r.snap.Sessions, res.Session)
		r.snap.Chains = append(r.snap.Chains, res.Chains...)
		r.snap.Certificates = append(r.snap.Certificates, res.Certificates...)
		r.snap.Cost.SMTPConnections += res.Opened
		return nil
	}
}

func outOfBudget(op evidence.Op) *evidence.Failure {
	return &evidence.Failure{Op: op, Class: evidence.ClassBudget, Text: "the time or the number of questions for this domain was used up"}
}
