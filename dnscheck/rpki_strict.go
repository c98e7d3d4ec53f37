package dnscheck

import (
	"net/netip"
	"slices"
	"strconv"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	lengthMinimal = &check.Code{Name: "minimal", Outcome: check.Pass,
		Text: "The Route Origin Authorisations for the routes to the servers of {domain} allow no more than what is announced: {routes}."}
	lengthLoose = &check.Code{Name: "loose", Outcome: check.Weak,
		Text:   "Route Origin Authorisations for the routes to the servers of {domain} allow longer prefixes than are announced: {loose}. Whoever forges the origin can announce such a prefix, and the forgery is valid.",
		Advice: "Ask the holder of the address block to set the maximum length of the authorisation to the length that is announced, or to leave it out."}
	lengthNothing = &check.Code{Name: "nothing-authorised", Outcome: check.NotApplicable,
		Text: "No route to a server of {domain} is known to have a valid origin, so there is no authorisation to look at."}
	lengthUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text:   "Whether the Route Origin Authorisations for the routes to the servers of {domain} allow too much could not be found out: {failed}.",
		Advice: "Scan again when the sources are there, and fresh."}
	lengthNoSource = &check.Code{Name: "no-source", Outcome: check.Inconclusive, NotAsked: true,
		Text: "Not tested, because no validated ROA payloads (VRPs) were given; see --vrps."}
	lengthNotAsked = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "The routes to the servers of {domain} were not looked up to the end: no resolver could be reached, the scan ended before, or there are more addresses than are looked at."}

	rpkiMaxLength = &check.Check{
		ID: "rpki-max-length", Category: check.Extra, Level: check.Optional, Scope: check.PerDomain,
		Title: "Route origin authorisations without slack",
		Doc: check.Doc{
			What: "Whether the Route Origin Authorisation that makes the route to a mail server or name server valid allows longer prefixes (by its maximum length) than the one announced.",
			Why:  "Routers prefer the longest prefix. If a longer one than is announced is allowed, somebody who puts the right origin at the end of his path draws the traffic to himself, and origin validation calls it valid.",
			How:  "Publish authorisations for exactly the prefixes that are announced. Longer ones that are announced only in an emergency (against an attack) are a reason for an exception.",
		},
		Cites:    []check.Citation{check.RFC("9319", "5"), check.RFC("9319", "3")},
		Args:     []string{"domain", "routes", "loose", "failed"},
		Codes:    []*check.Code{lengthMinimal, lengthLoose, lengthNothing, lengthUnknown, lengthNoSource, lengthNotAsked},
		Evaluate: evaluateMaxLength,
	}
)

// slack reports whether a VRP allows a longer prefix than the route's.
func slack(v evidence.VRP, route evidence.Route) bool {
	p, err := netip.ParsePrefix(route.Prefix)
	return err == nil && v.ASN == route.Origin && v.MaxLength > p.Bits()
}

func evaluateMaxLength(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	h := rpkiServers(s)
	f := h.finding(s)
	v := h.view(s, false)
	var loose, routes []string
	for _, row := range h.rows {
		_, taken := taken(row.routing)
		for _, x := range taken {
			if x.State != evidence.RouteValid {
				continue
			}
			routes = appendNew(routes, routeText(x))
			for _, vrp := range x.VRPs {
				if slack(vrp, x) {
					loose = appendNew(loose, routeText(x)+" (allowed: "+vrp.Prefix+" up to /"+strconv.Itoa(vrp.MaxLength)+")")
				}
			}
		}
	}
	f.Args["routes"], f.Args["loose"] = enumerate(routes), enumerate(loose)
	switch missing := slices.Concat(v.noVRPs, v.noRoutes); {
	case len(loose) > 0:
		f.Code = lengthLoose
	case s.Vantage.RPKI != evidence.Available:
		f.Code = lengthNoSource
	case h.ownFault || v.missing:
		f.Code = lengthNotAsked
	case len(missing) > 0:
		f.Code, f.Args["failed"] = lengthUnknown, enumerate(missing)
	case len(h.failed) > 0:
		f.Code, f.Args["failed"] = lengthUnknown, whatFailed(h.failed...)
	case len(routes) == 0:
		f.Code = lengthNothing
	default:
		f.Code = lengthMinimal
	}
	return f
}
