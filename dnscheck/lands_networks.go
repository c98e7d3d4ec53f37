package dnscheck

import (
	"net/netip"
	"slices"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// networkCodes are the answers about how one kind of servers is spread.
type networkCodes struct {
	systems, oneSystem, onePrefix, oneNetwork, oneAddress *check.Code
	none, unrouted, unavailable, unknown, notAsked, cut   *check.Code
}

// newNetworkCodes makes the answers for a kind of servers. A single one is
// judged by outcome.
func newNetworkCodes(kind, advice string, single check.Outcome) networkCodes {
	return networkCodes{
		systems: &check.Code{Name: "several-systems", Outcome: check.Pass,
			Text: "The " + kind + "s of {domain} stand in several autonomous systems: {systems}."},
		oneSystem: &check.Code{Name: "one-system", Outcome: check.Weak,
			Text:   "All " + kind + "s of {domain} stand in one autonomous system, {systems}, though in several of its networks ({networks}): a fault in its routing cuts off all of them.",
			Advice: advice},
		onePrefix: &check.Code{Name: "one-prefix", Outcome: check.Weak,
			Text:   "All " + kind + "s of {domain} stand in what is announced as one network, {networks}, by {systems}: when its route is gone, so are all of them.",
			Advice: advice},
		oneNetwork: &check.Code{Name: "one-network", Outcome: check.Weak,
			Text:   "All " + kind + "s of {domain} stand in one network ({networks}): when it is cut off, so are all of them.",
			Advice: advice},
		oneAddress: &check.Code{Name: "one-address", Outcome: single,
			Text:   "The " + kind + "s of {domain} have no more than one address of a family ({addresses}), so there are no networks to compare: they stand and fall as one.",
			Advice: advice},
		none: &check.Code{Name: "no-addresses", Outcome: check.NotApplicable,
			Text: "No " + kind + " of {domain} has an address, so there is no network to compare."},
		unrouted: &check.Code{Name: "not-routed", Outcome: check.NotApplicable,
			Text: "No route to any " + kind + " of {domain} is known, so there is no autonomous system to compare."},
		unavailable: &check.Code{Name: "source-unavailable", Outcome: check.Inconclusive,
			Text:   "The " + kind + "s of {domain} stand in several networks ({networks}). Whether those belong to one autonomous system is not known: {failed}.",
			Advice: "Scan again when the source is there, and fresh."},
		unknown: &check.Code{Name: "addresses-unknown", Outcome: check.Inconclusive,
			Text:   "In which networks the " + kind + "s of {domain} stand is not known, because not all of their addresses could be found out ({failed}).",
			Advice: "Scan again later. If it stays so, the name servers concerned do not answer."},
		notAsked: &check.Code{Name: "systems-not-asked", Outcome: check.Inconclusive, NotAsked: true,
			Text: "The " + kind + "s of {domain} stand in several networks ({networks}). Whether those belong to one autonomous system was not looked up; --origins, or --vrps, does so."},
		cut: &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
			Text: "In which networks the " + kind + "s of {domain} stand was not looked up to the end: no resolver could be reached, the scan ended before, or there are too many."},
	}
}

func (c networkCodes) codes() []*check.Code {
	return []*check.Code{c.systems, c.oneSystem, c.onePrefix, c.oneNetwork, c.oneAddress, c.none, c.unrouted, c.unavailable, c.unknown, c.notAsked, c.cut}
}

var networkArgs = []string{"domain", "networks", "systems", "addresses", "failed"}

var (
	mxSpread = newNetworkCodes("mail server", "If the domain must not be without mail while a network is down, add a mail server elsewhere. Senders keep trying for some days, so that most domains can live without.", check.NotApplicable)
	nsSpread = newNetworkCodes("name server", "Add a name server in another network, best with another provider. It is fine as it is where the addresses are announced from many places (anycast), as the large DNS providers do; a scan from one place cannot see that.", check.Weak)

	mxNetworks = &check.Check{
		ID: "mx-networks", Category: check.Extra, Level: check.Informational, Scope: check.PerDomain,
		Title: "Networks of the mail servers",
		Doc: check.Doc{
			What: "Whether the addresses of all mail servers lie in one network (a /24, of IPv6 a /48), in one announced prefix, or in one autonomous system (AS).",
			Why:  "Several mail servers protect from the loss of one machine. If they stand in one network, a fault of its line or its routing takes all of them at once.",
			How:  "Let one mail server stand in another network, with another provider. Mail waits with its senders for days, so this is for domains that cannot wait.",
		},
		Cites: []check.Citation{check.RFC("5321", "5.1"), check.RFC("1930", "3")},
		Args:  networkArgs, Codes: mxSpread.codes(),
		Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
			return mxSpread.finding(s, rpkiMailServers(s))
		},
	}

	nsNetworks = &check.Check{
		ID: "ns-networks", Category: check.Extra, Level: check.Informational, Scope: check.PerDomain,
		Title: "Networks of the name servers",
		Doc: check.Doc{
			What: "Whether the addresses of all name servers of the domain lie in one network (a /24, of IPv6 a /48), in one announced prefix, or in one autonomous system (AS).",
			Why:  "A domain without reachable name servers does not exist: no mail arrives, and what it sends is refused. Name servers are to stand apart, geographically and in the network.",
			How:  "Use name servers in networks of their own, such as a second provider's that gets the zone by transfer, or a provider with anycast.",
		},
		Cites: []check.Citation{check.RFC("2182", "3.1"), check.RFC("1930", "3")},
		Args:  networkArgs, Codes: nsSpread.codes(),
		Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
			return nsSpread.finding(s, rpkiNameServers(s))
		},
	}
)

// spread is how the addresses of some hosts are spread.
type spread struct {
	four, six int      // addresses
	addresses []string // as text
	networks  []string // /24 and /48
	prefixes  []string // as announced
	families  int      // of prefixes: 1 or 2; of the addresses that are routed
	common    []uint32 // systems that announce every address that is routed
	systems   []uint32 // all
	routed    bool
	unlooked  bool     // nobody looked for the routes to some address
	failed    []string // sources without an answer
}

func spreadOf(h rpkiHosts) spread {
	var p spread
	var seen []netip.Addr
	four, six := 0, 0 // whether some of a family are routed
	for _, row := range h.rows {
		if slices.Contains(seen, row.addr) {
			continue
		}
		seen = append(seen, row.addr)
		bits := 48
		if row.addr.Is4() {
			bits = 24
			p.four++
		} else {
			p.six++
		}
		p.addresses = append(p.addresses, row.text)
		if network, err := row.addr.Prefix(bits); err == nil {
			p.networks = appendNew(p.networks, network.String())
		}
		switch routed := p.route(row); {
		case routed && row.addr.Is4():
			four = 1
		case routed:
			six = 1
		}
	}
	p.families = four + six
	return p
}

// route adds what is known of the routes to one address, and reports whether
// there is one.
func (p *spread) route(row rpkiRow) bool {
	r := row.routing
	switch {
	case r == nil || r.RouteSource == evidence.SourceUnknown:
		p.unlooked = true
		return false
	case r.RouteSource != evidence.SourceUsable:
		p.failed = append(p.failed, "the routes to "+row.text+" "+sourceText(r.RouteSource, row.addr))
		return false
	}
	prefix, routes := taken(r)
	if prefix == "" {
		return false
	}
	p.prefixes = appendNew(p.prefixes, prefix)
	var here []uint32
	for _, x := range routes {
		here = append(here, x.Origin)
		if !slices.Contains(p.systems, x.Origin) {
			p.systems = append(p.systems, x.Origin)
		}
	}
	if !p.routed {
		p.common = slices.Clone(here)
	}
	p.common = slices.DeleteFunc(p.common, func(asn uint32) bool { return asn == 0 || !slices.Contains(here, asn) })
	p.routed = true
	return true
}

// one reports whether there is at most one of each address family.
func (p spread) one() bool { return p.four <= 1 && p.six <= 1 }

// oneNetwork reports the same of networks, where there are several addresses.
func (p spread) oneNetwork() bool { return len(p.networks) <= min(p.four, 1)+min(p.six, 1) }

func (c networkCodes) finding(s *evidence.Snapshot, h rpkiHosts) check.Finding {
	p := spreadOf(h)
	f := h.finding(s)
	f.Code = c.choose(s, h, p)
	slices.Sort(p.systems)
	var systems []string
	for _, asn := range p.systems {
		systems = append(systems, systemText(s, asn))
	}
	f.Args["systems"], f.Args["addresses"], f.Args["networks"] = enumerate(systems), enumerate(p.addresses), enumerate(p.networks)
	switch f.Code {
	case c.onePrefix:
		f.Args["networks"] = enumerate(p.prefixes)
	case c.unknown:
		f.Args["failed"] = whatFailed(h.failed...)
	case c.unavailable:
		f.Args["failed"] = enumerate(p.failed)
	}
	return f
}

func (c networkCodes) choose(s *evidence.Snapshot, h rpkiHosts, p spread) *check.Code {
	switch {
	case p.routed && len(p.common) == 0 && !p.one():
		return c.systems // whatever else is not known
	case h.ownFault:
		return c.cut
	case len(h.failed) > 0:
		return c.unknown
	case p.four+p.six == 0:
		return c.none
	case p.one():
		return c.oneAddress
	case p.oneNetwork():
		return c.oneNetwork
	case !routesAsked(s):
		return c.notAsked
	case p.unlooked:
		return c.cut
	case len(p.failed) > 0:
		return c.unavailable
	case !p.routed:
		return c.unrouted
	case len(p.prefixes) <= p.families:
		return c.onePrefix
	}
	return c.oneSystem
}
