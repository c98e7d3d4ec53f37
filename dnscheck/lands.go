package dnscheck

import (
	"net/netip"
	"slices"
	"strconv"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// landsChecks say where mail lands, beyond Internet.nl's test.
var landsChecks = []*check.Check{mailLocation, mxNetworks, nsNetworks}

// maxSystems bounds the autonomous systems whose names are asked for; of more
// the number alone is told.
const maxSystems = 8

// routesAsked reports whether routes are looked up in this scan.
func routesAsked(s *evidence.Snapshot) bool {
	return s.Vantage.RPKI == evidence.Available || s.Vantage.Origins
}

// SystemWants lists the autonomous systems that announce the mail servers'
// addresses and that s tells nothing of yet.
func SystemWants(s *evidence.Snapshot) []uint32 {
	if !routesAsked(s) {
		return nil
	}
	var all []uint32
	for _, host := range s.Mail().Hosts {
		addrs, _, _ := s.Addresses(host)
		for _, a := range firstOf(addrs, maxRouted) {
			_, routes := taken(s.Routing(a))
			for _, r := range routes {
				if r.Origin != 0 && !slices.Contains(all, r.Origin) {
					all = append(all, r.Origin)
				}
			}
		}
	}
	slices.Sort(all)
	all = slices.DeleteFunc(all, func(asn uint32) bool { return s.System(asn) != nil })
	return firstOf(all, max(0, maxSystems-len(s.Systems)))
}

// taken are the routes that packets to an address take: those of the most
// specific prefix.
func taken(r *evidence.Routing) (prefix string, routes []evidence.Route) {
	if r == nil || r.RouteSource != evidence.SourceUsable {
		return "", nil
	}
	bits := -1
	for _, x := range r.Routes {
		if p, err := netip.ParsePrefix(x.Prefix); err == nil && p.Bits() > bits {
			bits, prefix = p.Bits(), x.Prefix
		}
	}
	others := func(x evidence.Route) bool { return bits < 0 || x.Prefix != prefix }
	if !slices.ContainsFunc(r.Routes, others) {
		return prefix, r.Routes
	}
	return prefix, slices.DeleteFunc(slices.Clone(r.Routes), others)
}

// systemText names an autonomous system, with its name where that is known.
func systemText(s *evidence.Snapshot, asn uint32) string {
	if asn == 0 {
		return "a set of several AS"
	}
	text := "AS" + strconv.FormatUint(uint64(asn), 10)
	if x := s.System(asn); x != nil && x.Name != "" {
		text += " (" + x.Name + ")"
	}
	return text
}

var (
	landsIn = &check.Code{Name: "located", Outcome: check.Pass,
		Text: "Mail for {host} [{addr}] lands in {prefix}, which is announced by {systems} and registered for {country} ({registry})."}
	landsUnregistered = &check.Code{Name: "located-country-unknown", Outcome: check.Pass,
		Text: "Mail for {host} [{addr}] lands in {prefix}, which is announced by {systems}. For which country it is registered, the source of the routes does not tell."}
	landsNowhere = &check.Code{Name: "not-routed", Outcome: check.Weak,
		Text:   "No route to {host} [{addr}] is known: from most of the Internet no mail can be delivered there.",
		Advice: "Ask whoever provides the address whether its network is announced, or remove the address from the DNS."}
	landsUnavailable = &check.Code{Name: "source-unavailable", Outcome: check.Inconclusive,
		Text:   "Where mail for {host} [{addr}] lands is not known: the routes {failed}.",
		Advice: "Scan again when the source is there, and fresh."}
	landsNotAsked = &check.Code{Name: "not-asked", Outcome: check.Inconclusive, NotAsked: true,
		Text: "Where the mail of {domain} lands was not looked up. With --origins, or with --vrps, a DNS service is asked who announces each address."}
	landsCut = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "Where the mail of {domain} lands was not looked up to the end: no resolver could be reached, the scan ended before, or there are more addresses than are looked at."}
	landsNoHosts = &check.Code{Name: "no-mail-servers", Outcome: check.NotApplicable,
		Text: "{domain} has no mail server with an address, so its mail lands nowhere."}
	landsUnknown = &check.Code{Name: "addresses-unknown", Outcome: check.Inconclusive,
		Text:   "Where the mail of {domain} lands is not known, because its mail servers or their addresses could not be found out ({failed}).",
		Advice: "Scan again later. If it stays so, the name servers concerned do not answer."}

	mailLocation = &check.Check{
		ID: "mail-location", Category: check.Extra, Level: check.Informational, Scope: check.PerAddress,
		Title: "Where mail lands",
		Doc: check.Doc{
			What: "For each address of each mail server: the announced prefix that it lies in, the autonomous system (AS) that announces it, with its name, and the country for which the prefix is registered.",
			Why:  "Who receives mail for others has to know who handles it and under which law: a duty of data protection. The country is that of the registration; the machine may stand elsewhere.",
			How:  "Nothing has to be done. Compare the networks and countries with what your mail provider's contract says.",
		},
		Cites:    []check.Citation{check.RFC("1930", "3"), check.RFC("4271", "5.1.2"), check.RFC("7020", "2")},
		Args:     []string{"domain", "host", "addr", "prefix", "systems", "country", "registry", "failed"},
		Codes:    []*check.Code{landsIn, landsUnregistered, landsNowhere, landsUnavailable, landsNotAsked, landsCut, landsNoHosts, landsUnknown},
		Evaluate: evaluateMailLocation,
	}
)

func evaluateMailLocation(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
	f := check.Finding{Args: map[string]string{"domain": s.Domain, "host": subject.Host, "addr": subject.Addr}}
	addr, err := netip.ParseAddr(subject.Addr)
	if err != nil {
		h := rpkiMailServers(s)
		f.Code, f.Evidence = landsNoHosts, pointers(s, h.lookups...)
		switch {
		case h.ownFault:
			f.Code = landsCut
		case len(h.failed) > 0:
			f.Code, f.Args["failed"] = landsUnknown, whatFailed(h.failed...)
		}
		return f
	}
	r := s.Routing(addr)
	prefix, routes := taken(r)
	f.Evidence = pointers(s, r)
	switch {
	case !routesAsked(s):
		f.Code = landsNotAsked
	case r == nil || r.RouteSource == evidence.SourceUnknown:
		f.Code = landsCut
	case r.RouteSource != evidence.SourceUsable:
		f.Code, f.Args["failed"] = landsUnavailable, sourceText(r.RouteSource, addr)
	case len(routes) == 0:
		f.Code = landsNowhere
	default:
		locate(s, &f, prefix, routes)
	}
	return f
}

func locate(s *evidence.Snapshot, f *check.Finding, prefix string, routes []evidence.Route) {
	var systems, countries, registries []string
	for _, x := range routes {
		systems = appendNew(systems, systemText(s, x.Origin))
		if x.Country != "" {
			countries = appendNew(countries, x.Country)
		}
		if x.Registry != "" {
			registries = appendNew(registries, x.Registry)
		}
	}
	if len(registries) == 0 {
		registries = []string{"which registry is not told"}
	}
	f.Code = landsIn
	if len(countries) == 0 {
		f.Code = landsUnregistered
	}
	f.Args["prefix"], f.Args["systems"] = prefix, enumerate(systems)
	f.Args["country"], f.Args["registry"] = enumerate(countries), enumerate(registries)
	for _, x := range routes {
		f.Evidence = addPointers(s, f.Evidence, s.System(x.Origin))
	}
}
