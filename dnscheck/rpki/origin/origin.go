// Package origin finds the routes to an address and lets validated ROA payloads
// judge them (RFC 6811): the observer behind the RPKI checks.
//
// Routes come from a table (a route collector's view, stored in a file) or, one
// address at a time, from the DNS zones of a service that sees many routers'
// tables. VRPs are always a table: whoever asks a stranger for the verdict
// believes the stranger.
//
// The same DNS service tells the names of autonomous systems, which a table of
// routes does not.
//
// Where a source is missing, too old or does not answer, that is what is
// recorded, and the state of the route is unknown.
package origin

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"mailvet/dnscheck/rpki"
	"mailvet/report/evidence"
)

// Resolver asks DNS questions.
type Resolver interface {
	Lookup(ctx context.Context, name, qtype string) (evidence.Lookup, error)
}

// MaxRouteAge is how old a table of routes may be. Collectors publish theirs
// once a day, some a day late.
const MaxRouteAge = 72 * time.Hour

// Bounds of what is kept for one address: no network has as many.
const (
	maxRoutes = 64
	maxVRPs   = 32
)

// Router finds and judges routes. The fields are not changed once Route was
// called; a Router may then be used by any number of goroutines.
type Router struct {
	// VRPs is the set to judge by; nil is one that was never loaded.
	VRPs *rpki.VRPs
	// VRPSources are where it came from. One that is too old, at the time of
	// the lookup, makes every state unknown.
	VRPSources []rpki.Source
	// Routes is the table of routes. If it is nil, Resolver is asked.
	Routes       *rpki.Routes
	RouteSources []rpki.Source
	Resolver     Resolver
	Zones        rpki.Zones
	// Refresh, if not nil, tells at each lookup what takes the place of VRPs
	// and VRPSources: see [Refresher].
	Refresh func(context.Context) VRPSet
	// Origins makes Route look for routes also where there are no VRPs by which
	// they could be judged; the state of each is then unknown.
	Origins bool
	// Unrouted names the addresses for which there are no routes on the
	// Internet, whatever a source says, and nobody is asked; nil names none.
	Unrouted func(netip.Addr) bool
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Route tells the routes to an address. The error is that of the context, or
// says that the resolver is wrongly configured.
func (r *Router) Route(ctx context.Context, addr netip.Addr) (evidence.Routing, error) {
	out := evidence.Routing{Addr: addr.String(), Network: rpki.Truncated(addr).String()}
	addr = addr.WithZone("").Unmap()
	now := time.Now
	if r.Now != nil {
		now = r.Now
	}
	set := VRPSet{r.VRPs, r.VRPSources}
	if r.Refresh != nil {
		set = r.Refresh(ctx)
	}
	vrps := set.VRPs
	if c := together(set.Sources, now(), rpki.DefaultMaxAge); c != rpki.Usable {
		vrps = rpki.WithoutVRPs(c)
	}
	covering, condition := vrps.Covering(rpki.HostPrefix(addr))
	out.VRPSource, out.VRPs, out.VRPTime = source(condition), vrpsOf(covering), oldest(set.Sources)
	if condition != rpki.Usable && !r.Origins {
		return out, nil // by what would the routes be judged?
	}
	routes, err := r.find(ctx, addr, now(), &out)
	if err != nil {
		return evidence.Routing{}, err
	}
	for _, x := range routes[:min(len(routes), maxRoutes)] {
		route := judge(vrps, x.Route)
		route.Country, route.Registry = x.country, x.registry
		out.Routes = append(out.Routes, route)
	}
	return out, nil
}

// found is a route, with how its prefix is registered where the source tells.
type found struct {
	rpki.Route
	country, registry string
}

// find lists the routes, and says in out whether the list can be relied on.
func (r *Router) find(ctx context.Context, addr netip.Addr, now time.Time, out *evidence.Routing) ([]found, error) {
	switch {
	case r.Unrouted != nil && r.Unrouted(addr):
		out.RouteSource = evidence.SourceUsable
		return nil, nil
	case r.Routes == nil && r.Resolver != nil:
		return r.ask(ctx, addr, out)
	}
	routes := r.Routes
	if c := together(r.RouteSources, now, MaxRouteAge); c != rpki.Usable {
		routes = rpki.WithoutRoutes(c)
	}
	list, condition := routes.To(addr)
	out.RouteSource, out.RouteTime = source(condition), oldest(r.RouteSources)
	var routed []found
	for _, route := range list {
		routed = append(routed, found{Route: route})
	}
	return routed, nil
}

// ask looks the routes up in the DNS.
func (r *Router) ask(ctx context.Context, addr netip.Addr, out *evidence.Routing) ([]found, error) {
	l, err := r.Resolver.Lookup(ctx, r.Zones.OriginName(addr), "TXT")
	if err != nil {
		return nil, fmt.Errorf("origin: look up the routes to %s: %w", addr, err)
	}
	out.RouteSource = evidence.SourceUnavailable
	switch {
	case l.Security == evidence.SecurityBogus:
		out.Failure = &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassProtocol, Text: l.Name + ": the answer is bogus"}
	case l.Exists():
		list, err := rpki.ParseAnnouncements(addr, texts(l))
		if len(list) == 0 && err != nil {
			out.Failure = &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassProtocol, Text: l.Name + ": the answer cannot be read"}
			return nil, nil
		}
		out.RouteSource = evidence.SourceUsable
		return registered(list), nil
	case l.Absent():
		out.RouteSource = evidence.SourceUsable
	default:
		out.Failure = &evidence.Failure{Op: evidence.OpQuery, Class: classOf(l), Text: l.Name + ": " + l.Words()}
	}
	return nil, nil
}

func texts(l evidence.Lookup) (list []string) {
	for _, rr := range l.Answer {
		list = append(list, rr.Text())
	}
	return list
}

// registered are the routes in announcements, as those tell of them.
func registered(list []rpki.Announcement) []found {
	var routes []found
	for _, route := range rpki.RoutesOf(list) {
		i := slices.IndexFunc(list, func(a rpki.Announcement) bool {
			return a.Prefix == route.Prefix && slices.Contains(a.Origins, route.Origin)
		})
		routes = append(routes, found{route, list[i].Country, list[i].Registry})
	}
	return routes
}

func classOf(l evidence.Lookup) evidence.Class {
	switch {
	case l.Failure != nil:
		return l.Failure.Class
	case l.Outcome == evidence.OutcomeTimeout:
		return evidence.ClassTimeout
	case l.Outcome == evidence.OutcomeRefused:
		return evidence.ClassRefused
	case l.Outcome == evidence.OutcomeServFail:
		return evidence.ClassTemporary
	}
	return evidence.ClassUnknown
}

func judge(vrps *rpki.VRPs, route rpki.Route) evidence.Route {
	v := vrps.Validate(route)
	out := evidence.Route{Prefix: route.Prefix.String(), Origin: uint32(route.Origin), VRPs: vrpsOf(v.VRPs())}
	switch v.State {
	case rpki.StateValid:
		out.State = evidence.RouteValid
	case rpki.StateInvalid:
		out.State = evidence.RouteInvalid
	case rpki.StateNotFound:
		out.State = evidence.RouteNotFound
	case rpki.StateUnknown:
	default:
		panic("origin: state " + v.State.String())
	}
	switch v.Reason {
	case rpki.ReasonAS:
		out.Reason = evidence.ReasonAS
	case rpki.ReasonLength:
		out.Reason = evidence.ReasonLength
	case rpki.ReasonNone:
	default:
		panic("origin: reason " + v.Reason.String())
	}
	return out
}

func vrpsOf(list []rpki.VRP) []evidence.VRP {
	var out []evidence.VRP
	for _, v := range list[:min(len(list), maxVRPs)] {
		out = append(out, evidence.VRP{Prefix: v.Prefix.String(), MaxLength: v.MaxLength, ASN: uint32(v.ASN)})
	}
	return out
}

// together is the condition of the sources at a time. A table without any,
// which somebody made by hand, tells its own.
func together(list []rpki.Source, now time.Time, maxAge time.Duration) rpki.Condition {
	for _, s := range list {
		if c := s.Condition(now, maxAge); c != rpki.Usable {
			return c
		}
	}
	return rpki.Usable
}

// oldest is when the oldest of the sources was made; zero if none tells.
func oldest(list []rpki.Source) (t time.Time) {
	for _, s := range list {
		if !s.Generated.IsZero() && (t.IsZero() || s.Generated.Before(t)) {
			t = s.Generated
		}
	}
	return t
}

func source(c rpki.Condition) evidence.Source {
	switch c {
	case rpki.Missing:
		return evidence.SourceUnknown
	case rpki.Usable:
		return evidence.SourceUsable
	case rpki.Unavailable:
		return evidence.SourceUnavailable
	case rpki.Stale:
		return evidence.SourceStale
	case rpki.Ahead:
		return evidence.SourceAhead
	case rpki.Empty:
		return evidence.SourceEmpty
	}
	panic("origin: condition " + c.String())
}
