package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mailvet/dnscheck/rpki"
	"mailvet/dnscheck/rpki/origin"
	"mailvet/dnscheck/rpki/rtr"
	"mailvet/report/evidence"
	"mailvet/scanner"
	"mailvet/smtpcheck/probe"
)

const rtrScheme = "rtr://"

// routingFlags are those of RPKI.
func (o *options) routingFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.vrps, "vrps", nil, "test RPKI, by the validated ROA payloads in `SOURCE`: a file of Routinator, rpki-client and others (JSON, CSV), or rtr://host:port (repeatable)")
	fs.BoolVar(&o.origins, "origins", false, "look up in whose network, and for which country registered, mail servers and name servers stand, also without --vrps")
	fs.StringArrayVar(&o.routes, "routes", nil, "with --vrps or --origins: routes from `FILE`, a pfx2as or RIS whois dump, gzip or not (repeatable; default: the DNS is asked for each address)")
	fs.StringVar(&o.originZone4, "origin-zone4", "", "with --vrps or --origins: DNS `ZONE` that tells the routes to IPv4 addresses (default: origin.asn.cymru.com)")
	fs.StringVar(&o.originZone6, "origin-zone6", "", "with --vrps or --origins: DNS `ZONE` that tells the routes to IPv6 addresses (default: origin6.asn.cymru.com)")
	fs.StringVar(&o.asZone, "as-zone", "", "with --vrps or --origins: DNS `ZONE` that tells the names of autonomous systems (default: asn.cymru.com)")
}

// checkRouting finds contradictions among them.
func (o *options) checkRouting() error {
	for _, s := range o.vrps {
		scheme, rest, found := strings.Cut(s, "://")
		switch {
		case s == "":
			return errors.New("--vrps has no name; give a file, or rtr://host:port")
		case found && (scheme != "rtr" || rest == ""):
			return fmt.Errorf("--vrps %s: give a file, or rtr://host:port", clip(s))
		}
	}
	zones := o.originZone4 != "" || o.originZone6 != "" || o.asZone != ""
	wanted := len(o.vrps) > 0 || o.origins
	switch {
	case !wanted && len(o.routes) > 0:
		return errors.New("--routes is of no use without --vrps, by which routes are judged, or --origins")
	case !wanted && zones:
		return errors.New("--origin-zone4, --origin-zone6 and --as-zone are of no use without --vrps, by which routes are judged, or --origins")
	case len(o.routes) > 0 && zones:
		return errors.New("--routes and --origin-zone4, --origin-zone6 or --as-zone contradict each other: with the first the DNS is not asked")
	}
	return nil
}

// routing makes the scanner test RPKI, if VRPs are given, and tell where mail
// lands. A file that cannot be read is an error. Where a source is old or does
// not answer, the scan is still worth having: warn is told, and RPKI stays
// unknown.
func routing(ctx context.Context, o *options, s *scanner.Scanner, warn func(string, ...any)) error {
	s.Vantage.RPKI, s.Vantage.Origins = evidence.Missing, o.origins
	if len(o.vrps) == 0 && !o.origins {
		return nil
	}
	r := &origin.Router{
		Resolver: s.Resolver, Zones: rpki.Zones{IPv4: o.originZone4, IPv6: o.originZone6, Names: o.asZone}, Origins: o.origins,
		Unrouted: func(a netip.Addr) bool {
			_, special := probe.SpecialPurpose(a)
			return special && !o.allowPrivate
		},
	}
	l := loader{now: time.Now, warn: warn}
	if len(o.vrps) > 0 {
		s.Vantage.RPKI = evidence.Available
		if err := l.keepVRPs(ctx, o.vrps, r, &s.Vantage); err != nil {
			return err
		}
	}
	if len(o.routes) == 0 {
		s.Vantage.Routes = []string{zoneOr(o.originZone4, "origin.asn.cymru.com"), zoneOr(o.originZone6, "origin6.asn.cymru.com"), zoneOr(o.asZone, "asn.cymru.com")}
	} else if err := l.loadRoutes(o.routes, r, &s.Vantage); err != nil {
		return err
	}
	s.Router = r
	return nil
}

func zoneOr(zone, standard string) string {
	if zone == "" {
		return standard
	}
	return zone
}

// loader reads tables.
type loader struct {
	now  func() time.Time
	warn func(string, ...any)
}

// keepVRPs loads the VRPs, and has the router load them anew as long as it
// runs.
func (l loader) keepVRPs(ctx context.Context, names []string, r *origin.Router, v *evidence.Vantage) error {
	first, err := l.loadVRPs(ctx, names)
	var missing *unavailableError
	switch {
	case errors.As(err, &missing):
		l.warn("%v", missing)
	case err != nil:
		return err
	}
	for i, name := range names {
		if first.Sources[i].Format == rpki.FormatUnknown {
			v.VRPs = append(v.VRPs, name+" (unavailable)")
			continue
		}
		v.VRPs = append(v.VRPs, l.describe(name, first.Sources[i]))
		what := "VRPs in"
		if strings.HasPrefix(name, rtrScheme) {
			what = "VRPs of"
		}
		l.complain(what, name, first.Sources[i], rpki.DefaultMaxAge)
	}
	if missing != nil {
		first = origin.VRPSet{VRPs: rpki.WithoutVRPs(rpki.Unavailable)}
	}
	fresh := &origin.Refresher{First: first, Load: func(ctx context.Context) (origin.VRPSet, error) {
		if err := l.settled(names); err != nil {
			return origin.VRPSet{}, err
		}
		return l.loadVRPs(ctx, names)
	}}
	r.Refresh = fresh.Current
	return nil
}

// settleTime is how long a file must lie unchanged to be taken for whole.
const settleTime = 10 * time.Second

// settled reports an error where a file seems to be written at this moment:
// with half of its VRPs, valid routes could become invalid.
func (l loader) settled(names []string) error {
	for _, name := range names {
		if strings.HasPrefix(name, rtrScheme) {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		if l.now().Sub(info.ModTime()) < settleTime {
			return fmt.Errorf("%s was written just now", name)
		}
	}
	return nil
}

// unavailableError says that a cache does not give its VRPs for now.
type unavailableError struct {
	name string
	err  error
}

func (e *unavailableError) Error() string {
	return fmt.Sprintf("the VRPs of %s could not be had, so RPKI stays unknown: %v", e.name, e.err)
}

func (e *unavailableError) Unwrap() error { return e.err }

// loadVRPs fills a table from all sources, whose order it keeps. Where a cache
// does not answer, the error is an unavailableError, and what comes with it
// says what the others are like.
func (l loader) loadVRPs(ctx context.Context, names []string) (origin.VRPSet, error) {
	var b rpki.VRPBuilder
	var set origin.VRPSet
	var missing error
	for _, name := range names {
		var src rpki.Source
		var err error
		if address, remote := strings.CutPrefix(name, rtrScheme); remote {
			src, err = new(rtr.Client).Fetch(ctx, address, &b)
			switch {
			case ctx.Err() != nil:
				return origin.VRPSet{}, ctx.Err()
			case err != nil:
				missing = &unavailableError{name, err}
			}
		} else if src, err = readTable(name, func(f *os.File) (rpki.Source, error) { return rpki.VRPReader{Now: l.now()}.Read(f, &b) }); err != nil {
			return origin.VRPSet{}, fmt.Errorf("cannot read the VRPs: %w", err)
		}
		set.Sources = append(set.Sources, src)
	}
	var err error
	if set.VRPs, err = b.Build(); err != nil {
		return origin.VRPSet{}, fmt.Errorf("cannot use the VRPs: %w", err)
	}
	return set, missing
}

func (l loader) loadRoutes(names []string, r *origin.Router, v *evidence.Vantage) error {
	var b rpki.RouteBuilder
	for _, name := range names {
		src, err := readTable(name, func(f *os.File) (rpki.Source, error) { return rpki.RouteReader{}.Read(f, &b) })
		if err != nil {
			return fmt.Errorf("cannot read the routes: %w", err)
		}
		r.RouteSources = append(r.RouteSources, src)
		v.Routes = append(v.Routes, l.describe(name, src))
		l.complain("routes in", name, src, origin.MaxRouteAge)
	}
	var err error
	if r.Routes, err = b.Build(); err != nil {
		return fmt.Errorf("cannot use the routes: %w", err)
	}
	return nil
}

// readTable reads a file. One that does not tell when it was made is as old as
// its last change.
func readTable(name string, read func(*os.File) (rpki.Source, error)) (rpki.Source, error) {
	f, err := os.Open(name)
	if err != nil {
		return rpki.Source{}, err
	}
	src, err := read(f)
	if err == nil && src.Generated.IsZero() {
		var info os.FileInfo
		if info, err = f.Stat(); err == nil {
			src.Generated = info.ModTime()
		}
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return rpki.Source{}, fmt.Errorf("%s: %w", name, err)
	}
	return src, nil
}

func (l loader) describe(name string, src rpki.Source) string {
	return fmt.Sprintf("%s (%s, %s)", name, src.Format, src.Generated.UTC().Format(time.RFC3339))
}

// complain tells of a source by which nothing can be judged.
func (l loader) complain(what, name string, src rpki.Source, maxAge time.Duration) {
	made := src.Generated.UTC().Format(time.RFC3339)
	why := ""
	switch c := src.Condition(l.now(), maxAge); c {
	case rpki.Usable:
		return
	case rpki.Stale:
		why = fmt.Sprintf("too old (of %s; at most %d hours are good); fetch them anew. Until then RPKI stays unknown", made, int(maxAge.Hours()))
	case rpki.Ahead:
		why = fmt.Sprintf("dated in the future (%s); see to the clocks. Until then RPKI stays unknown", made)
	case rpki.Empty:
		why = "none at all; RPKI stays unknown"
	default:
		why = c.String() + "; RPKI stays unknown"
	}
	l.warn("the %s %s are %s", what, name, why)
}
