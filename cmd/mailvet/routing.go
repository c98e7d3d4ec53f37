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
	fs.StringArrayVar(&o.routes, "routes", nil, "with --vrps: routes from `FILE`, a pfx2as or RIS whois dump, gzip or not (repeatable; default: the DNS is asked for each address)")
	fs.StringVar(&o.originZone4, "origin-zone4", "", "with --vrps: DNS `ZONE` that tells the routes to IPv4 addresses (default: origin.asn.cymru.com)")
	fs.StringVar(&o.originZone6, "origin-zone6", "", "with --vrps: DNS `ZONE` that tells the routes to IPv6 addresses (default: origin6.asn.cymru.com)")
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
	zones := o.originZone4 != "" || o.originZone6 != ""
	switch {
	case len(o.vrps) == 0 && len(o.routes) > 0:
		return errors.New("--routes is of no use without --vrps, by which routes are judged")
	case len(o.vrps) == 0 && zones:
		return errors.New("--origin-zone4 and --origin-zone6 are of no use without --vrps, by which routes are judged")
	case len(o.routes) > 0 && zones:
		return errors.New("--routes and --origin-zone4 or --origin-zone6 contradict each other: with the first the DNS is not asked")
	}
	return nil
}

// routing makes the scanner test RPKI, if VRPs are given. A file that cannot be
// read is an error. Where a source is old or does not answer, the scan is still
// worth having: warn is told, and RPKI stays unknown.
func routing(ctx context.Context, o *options, s *scanner.Scanner, warn func(string, ...any)) error {
	if len(o.vrps) == 0 {
		s.Vantage.RPKI = evidence.Missing
		return nil
	}
	s.Vantage.RPKI = evidence.Available
	r := &origin.Router{
		Resolver: s.Resolver, Zones: rpki.Zones{IPv4: o.originZone4, IPv6: o.originZone6},
		Unrouted: func(a netip.Addr) bool {
			_, special := probe.SpecialPurpose(a)
			return special && !o.allowPrivate
		},
	}
	l := loader{now: time.Now(), warn: warn}
	if err := l.loadVRPs(ctx, o.vrps, r, &s.Vantage); err != nil {
		return err
	}
	if len(o.routes) == 0 {
		s.Vantage.Routes = []string{zoneOr(o.originZone4, "origin.asn.cymru.com"), zoneOr(o.originZone6, "origin6.asn.cymru.com")}
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
	now  time.Time
	warn func(string, ...any)
}

func (l loader) loadVRPs(ctx context.Context, names []string, r *origin.Router, v *evidence.Vantage) error {
	var b rpki.VRPBuilder
	missing := false
	for _, name := range names {
		address, remote := strings.CutPrefix(name, rtrScheme)
		if remote {
			src, err := new(rtr.Client).Fetch(ctx, address, &b)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				l.warn("the VRPs of %s could not be had, so RPKI stays unknown: %v", name, err)
				missing = true
				v.VRPs = append(v.VRPs, name+" (unavailable)")
				continue
			}
			r.VRPSources = append(r.VRPSources, src)
			v.VRPs = append(v.VRPs, l.describe(name, src))
			l.complain("VRPs of", name, src, rpki.DefaultMaxAge)
			continue
		}
		src, err := readTable(name, func(f *os.File) (rpki.Source, error) { return rpki.VRPReader{Now: l.now}.Read(f, &b) })
		if err != nil {
			return fmt.Errorf("cannot read the VRPs: %w", err)
		}
		r.VRPSources = append(r.VRPSources, src)
		v.VRPs = append(v.VRPs, l.describe(name, src))
		l.complain("VRPs in", name, src, rpki.DefaultMaxAge)
	}
	var err error
	if r.VRPs, err = b.Build(); err != nil {
		return fmt.Errorf("cannot use the VRPs: %w", err)
	}
	if missing {
		r.VRPs, r.VRPSources = rpki.WithoutVRPs(rpki.Unavailable), nil
	}
	return nil
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
	switch c := src.Condition(l.now, maxAge); c {
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
