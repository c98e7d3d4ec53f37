package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"mailvet/dnscheck/rpki"
	"mailvet/dnscheck/rpki/origin"
	"mailvet/report/evidence"
)

// router is one by tables, that knows as well what a table does not tell: how
// prefixes are registered, and what autonomous systems are called.
type router struct {
	origin.Router
	registered map[netip.Prefix]registration
	systems    map[rpki.ASN]evidence.System
}

// registration is the country and the registry of a prefix.
type registration struct{ country, registry string }

// Route tells the routes to an address.
func (r *router) Route(ctx context.Context, addr netip.Addr) (evidence.Routing, error) {
	out, err := r.Router.Route(ctx, addr)
	for i, x := range out.Routes {
		if p, perr := netip.ParsePrefix(x.Prefix); perr == nil {
			out.Routes[i].Country, out.Routes[i].Registry = r.registered[p].country, r.registered[p].registry
		}
	}
	return out, err
}

// System tells the name of an autonomous system.
func (r *router) System(_ context.Context, asn uint32) (evidence.System, error) {
	if x, ok := r.systems[rpki.ASN(asn)]; ok {
		return x, nil
	}
	return evidence.System{ASN: asn}, nil
}

// route fills the tables of routes and of VRPs.
func (l *Lab) route(s *scenario) error {
	var vrps rpki.VRPBuilder
	var routes rpki.RouteBuilder
	var errs []error
	for _, v := range s.vrps {
		errs = append(errs, vrps.Add(v))
	}
	for _, r := range s.routes {
		errs = append(errs, routes.Add(r))
	}
	authorised, err := vrps.Build()
	errs = append(errs, err)
	announced, err := routes.Build()
	if err := errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	l.router = &router{origin.Router{VRPs: authorised, Routes: announced}, s.registered, s.systems}
	return nil
}
