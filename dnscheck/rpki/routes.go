package rpki

import (
	"cmp"
	"fmt"
	"iter"
	"net/netip"
)

// Routes is a table of routes as route collectors see them. It is safe for
// concurrent use. Nil is a table that was never loaded.
type Routes struct {
	table   table[seen]
	lacking Condition // why it is unknown as a whole, or Usable
}

type seen struct{ origin, peers uint32 }

// RouteBuilder collects routes from any number of sources. The zero value is
// ready. It is not safe for concurrent use.
type RouteBuilder struct{ table table[seen] }

// Add adds one route. A prefix may have several origins, each a route.
func (b *RouteBuilder) Add(r Route) error {
	p, err := checkPrefix(r.Prefix)
	if err == nil && (r.Peers < 0 || r.Peers > 1<<31-1) {
		err = fmt.Errorf("seen by %d peers", r.Peers)
	}
	if err == nil {
		err = b.table.add(p, seen{uint32(r.Origin), uint32(r.Peers)})
	}
	if err != nil {
		return fmt.Errorf("rpki: add a route: %w", err)
	}
	return nil
}

// Len is how many routes were added, repeated ones counted each time.
func (b *RouteBuilder) Len() int { return b.table.len() }

// Atomically runs fill, and if that fails forgets what it added.
func (b *RouteBuilder) Atomically(fill func() error) error {
	v4, v6 := len(b.table.v4), len(b.table.v6)
	err := fill()
	if err != nil {
		b.table.v4, b.table.v6 = b.table.v4[:v4], b.table.v6[:v6]
	}
	return err
}

// Build makes the table and leaves the builder empty. A route from several
// sources is one, with the highest number of peers. It fails if one prefix has
// thousands of origins.
func (b *RouteBuilder) Build() (*Routes, error) {
	t := &Routes{table: b.table, lacking: Usable}
	*b = RouteBuilder{}
	order := func(x, y seen) int {
		return cmp.Or(cmp.Compare(x.origin, y.origin), cmp.Compare(y.peers, x.peers))
	}
	same := func(x, y seen) bool { return x.origin == y.origin }
	if err := t.table.build(order, same); err != nil {
		return nil, fmt.Errorf("rpki: build the table of routes: %w", err)
	}
	return t, nil
}

// WithoutRoutes is a table of which nothing is known, for the reason why.
// It panics for Usable, which is no such reason.
func WithoutRoutes(why Condition) *Routes {
	if why == Usable {
		panic("rpki: a table without routes cannot be usable")
	}
	return &Routes{lacking: why}
}

// Len is the number of different routes.
func (t *Routes) Len() int {
	if t == nil {
		return 0
	}
	return t.table.len()
}

// All gives the routes in order: IPv4 first, by prefix, then by origin.
func (t *Routes) All() iter.Seq[Route] {
	return func(yield func(Route) bool) {
		if t == nil {
			return
		}
		for p, s := range t.table.all() {
			if !yield(Route{p, ASN(s.origin), int(s.peers)}) {
				return
			}
		}
	}
}

// To lists the routes to an address, the most specific first: that is the one
// packets take, the others are where they go when it is withdrawn. The
// condition says whether the list can be relied on; a usable empty list means
// that the address is not routed.
func (t *Routes) To(addr netip.Addr) ([]Route, Condition) {
	return t.Covering(HostPrefix(addr))
}

// Covering lists the routes to the whole of p, the most specific first and
// among the same prefix by falling origin; the condition is that of To.
// With [Truncated] it finds what Internet.nl looks at.
func (t *Routes) Covering(p netip.Prefix) ([]Route, Condition) {
	switch {
	case t == nil || !p.IsValid():
		return nil, Missing
	case t.lacking != Usable:
		return nil, t.lacking
	}
	if c := t.table.condition(p); c != Usable {
		return nil, c
	}
	var list []Route
	for q, s := range t.table.covering(p.Masked()) {
		list = append(list, Route{q, ASN(s.origin), int(s.peers)})
	}
	return list, Usable
}
