package dnscheck

import (
	"net/netip"
	"slices"
	"strconv"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// existsCodes is the answers about Route Origin Authorisations.
type existsCodes struct {
	rpkiUnknown
	covered, uncovered, none *check.Code
}

// validityCodes is the answers about the origins of routes.
type validityCodes struct {
	rpkiUnknown
	valid, partly, notFound, invalid, unrouted, none *check.Code
}

// rpkiView is the rows as one reading sees them.
type rpkiView struct {
	covered, uncovered  []string // addresses
	valid, bad, invalid []string // routes
	unrouted            []string // addresses
	noVRPs, noRoutes    []string // what is missing, and why
	missing             bool     // of some address nobody looked at the routes
}

// view sorts the rows, once for all checks.
func (h rpkiHosts) view(s *evidence.Snapshot, internetNL bool) rpkiView {
	return evidence.Once(s, viewKey{h.which, internetNL}, func() rpkiView {
		if internetNL && !slices.ContainsFunc(h.rows, rpkiRow.otherwise) {
			return h.view(s, false)
		}
		return h.sorted(internetNL)
	})
}

type viewKey struct {
	which      hostsKey
	internetNL bool
}

// leftOut reports whether Internet.nl's reading has no eyes for a route: to
// less than the /24 or /48 around the address, or without a single origin.
func (row rpkiRow) leftOut(x evidence.Route) bool {
	return x.Origin == 0 || !x.Covers(row.routing.Network)
}

// otherwise reports whether Internet.nl's reading of an address is not ours.
func (row rpkiRow) otherwise() bool {
	return row.routing != nil && slices.ContainsFunc(row.routing.Routes, row.leftOut)
}

func (h rpkiHosts) sorted(internetNL bool) rpkiView {
	var v rpkiView
	for _, row := range h.rows {
		at := row.host + " [" + row.text + "]"
		r := row.routing
		if r == nil {
			v.missing = true
			continue
		}
		if r.VRPSource != evidence.SourceUsable {
			v.noVRPs = appendNew(v.noVRPs, "the validated payloads "+sourceText(r.VRPSource, row.addr))
			continue
		}
		routes := r.Routes
		if internetNL {
			routes = slices.DeleteFunc(slices.Clone(routes), row.leftOut)
		}
		v.add(at, row, routes)
	}
	return v
}

func (v *rpkiView) add(at string, row rpkiRow, routes []evidence.Route) {
	r := row.routing
	// Without a route the question is who may announce the address.
	covered := len(routes) == 0 && len(r.VRPs) > 0
	for _, x := range routes {
		covered = covered || x.State == evidence.RouteValid || x.State == evidence.RouteInvalid
	}
	if covered {
		v.covered = append(v.covered, at)
	} else {
		v.uncovered = append(v.uncovered, at)
	}
	switch {
	case r.RouteSource != evidence.SourceUsable:
		text := "the routes to " + row.text + " " + sourceText(r.RouteSource, row.addr)
		if r.Failure != nil {
			text += " (" + r.Failure.Class.Words() + ")"
		}
		v.noRoutes = appendNew(v.noRoutes, text)
	case len(routes) == 0:
		v.unrouted = append(v.unrouted, at)
	}
	for _, x := range routes {
		switch x.State {
		case evidence.RouteValid:
			v.valid = appendNew(v.valid, routeText(x))
		case evidence.RouteInvalid:
			v.invalid = appendNew(v.invalid, invalidText(x, at))
		case evidence.RouteNotFound:
			v.bad = appendNew(v.bad, routeText(x)+", to "+at)
		case evidence.RouteUnknown:
			v.noRoutes = appendNew(v.noRoutes, routeText(x)+" was not judged")
		}
	}
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func sourceText(s evidence.Source, addr netip.Addr) string {
	switch s {
	case evidence.SourceUnavailable:
		return "could not be had"
	case evidence.SourceStale:
		return "are too old"
	case evidence.SourceAhead:
		return "are dated in the future"
	case evidence.SourceEmpty:
		if addr.Is4() {
			return "hold nothing of IPv4"
		}
		return "hold nothing of IPv6"
	}
	return "were not given"
}

func routeText(x evidence.Route) string {
	if x.Origin == 0 {
		return x.Prefix + " from a set of several AS"
	}
	return x.Prefix + " from AS" + strconv.FormatUint(uint64(x.Origin), 10)
}

func invalidText(x evidence.Route, at string) string {
	text := routeText(x) + ", to " + at
	for i, v := range firstOf(x.VRPs, 3) {
		text += []string{" (allowed: ", ", "}[min(i, 1)] + "AS" + strconv.FormatUint(uint64(v.ASN), 10) + " for " + v.Prefix
		if v.ASN == 0 {
			text += ", that is nobody"
		} else {
			text += " up to /" + strconv.Itoa(v.MaxLength)
		}
	}
	if len(x.VRPs) > 0 {
		text += ")"
	}
	return text
}

// verdict is Internet.nl's.
func (c existsCodes) verdict(v rpkiView) *check.Code {
	switch {
	case len(v.noVRPs) > 0:
		return c.source
	case len(v.covered)+len(v.uncovered) == 0:
		return c.none
	case len(v.uncovered) > 0:
		return c.uncovered
	}
	return c.covered
}

func (c existsCodes) finding(s *evidence.Snapshot, h rpkiHosts) check.Finding {
	v, theirs := h.view(s, false), c.verdict(h.view(s, true))
	f := h.finding(s)
	switch {
	case h.nothing():
		f.Code = c.none
		return f
	case s.Vantage.RPKI != evidence.Available:
		f.Code = c.noSource
		return f
	case len(v.uncovered) > 0:
		f.Code, f.Args["addresses"] = c.uncovered, enumerate(v.uncovered)
	case h.ownFault || v.missing:
		f.Code = c.notAsked
		return f
	case len(v.noVRPs) > 0:
		f.Code, f.Args["failed"] = c.source, enumerate(v.noVRPs)
	case len(h.failed) > 0:
		f.Code, f.Args["failed"], f.Args["verdict"] = c.hosts, whatFailed(h.failed...), theirs.Verdict
	default:
		f.Code, f.Args["addresses"] = c.covered, enumerate(v.covered)
	}
	return differ(f, theirs)
}

// verdict is Internet.nl's.
func (c validityCodes) verdict(v rpkiView) *check.Code {
	switch {
	case len(v.noVRPs)+len(v.noRoutes) > 0:
		return c.source
	case len(v.covered)+len(v.uncovered) == 0:
		return c.none
	case len(v.invalid) > 0:
		return c.invalid
	case len(v.bad) > 0:
		return c.notFound
	case len(v.valid) == 0:
		return c.unrouted
	}
	return c.valid
}

func (c validityCodes) finding(s *evidence.Snapshot, h rpkiHosts) check.Finding {
	v, theirs := h.view(s, false), c.verdict(h.view(s, true))
	f := h.finding(s)
	switch {
	case h.nothing():
		f.Code = c.none
		return f
	case s.Vantage.RPKI != evidence.Available:
		f.Code = c.noSource
		return f
	case len(v.invalid) > 0:
		f.Code, f.Args["routes"] = c.invalid, enumerate(v.invalid)
	case len(v.bad) > 0:
		f.Code, f.Args["routes"] = c.notFound, enumerate(v.bad)
	case h.ownFault || v.missing:
		f.Code = c.notAsked
		return f
	case len(v.noVRPs)+len(v.noRoutes) > 0:
		f.Code, f.Args["failed"] = c.source, enumerate(slices.Concat(v.noVRPs, v.noRoutes))
	case len(h.failed) > 0:
		f.Code, f.Args["failed"], f.Args["verdict"] = c.hosts, whatFailed(h.failed...), theirs.Verdict
	case len(v.valid) == 0:
		f.Code = c.unrouted
	case len(v.unrouted) > 0:
		f.Code, f.Args["routes"], f.Args["unrouted"] = c.partly, enumerate(v.valid), enumerate(v.unrouted)
	default:
		f.Code, f.Args["routes"] = c.valid, enumerate(v.valid)
	}
	return differ(f, theirs)
}

// nothing reports whether it is known that there is no address to judge.
func (h rpkiHosts) nothing() bool { return len(h.rows)+len(h.failed) == 0 && !h.ownFault }

func (h rpkiHosts) finding(s *evidence.Snapshot) check.Finding {
	return check.Finding{Args: map[string]string{"domain": s.Domain}, Evidence: slices.Clone(h.pointers)}
}

// differ gives the finding Internet.nl's verdict, and says so where that is
// another than ours on something that is wrong.
func differ(f check.Finding, theirs *check.Code) check.Finding {
	wrong := f.Code.Outcome == check.Weak || f.Code.Outcome == check.Fail
	if wrong {
		f.Args["differs"] = ""
	}
	if theirs.Verdict == f.Code.Verdict {
		return f
	}
	f.Verdict = theirs.Verdict
	if wrong {
		f.Args["differs"] = " By Internet.nl's rules the verdict on the same facts is \"" + theirs.Verdict + "\"."
	}
	return f
}
