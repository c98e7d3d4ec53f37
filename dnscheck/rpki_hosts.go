package dnscheck

import (
	"net/netip"
	"slices"
	"strings"

	"mailvet/report/evidence"
)

// How much is looked at. What is beyond is unknown, not failed.
const (
	maxMailNameServers = 40 // name servers of all mail servers together
	maxRouted          = 16 // addresses of one host
	maxClimb           = 10 // names on the way from a mail server's to its zone
)

// rpkiHosts is the hosts of which one pair of checks judges the addresses.
type rpkiHosts struct {
	which   hostsKey
	rows    []rpkiRow
	lookups []*evidence.Lookup
	// failed are questions without an answer, which Internet.nl takes for
	// having no address. Then there may be more rows than are known.
	failed   []*evidence.Lookup
	ownFault bool     // some question was not asked, or failed here
	pointers []string // to lookups and routings
}

// rpkiRow is an address with what is known of the routes to it; nil if nobody looked.
type rpkiRow struct {
	host, text string // text is the address
	addr       netip.Addr
	routing    *evidence.Routing
}

func (h *rpkiHosts) asked(list ...*evidence.Lookup) {
	for _, l := range list {
		h.lookups = append(h.lookups, l)
		switch {
		case ownFault(l):
			h.ownFault = true
		case l.Unknown() && l.Outcome != evidence.OutcomeBadName && l.Outcome != evidence.OutcomeLoop:
			h.failed = append(h.failed, l)
		}
	}
}

func (h *rpkiHosts) add(s *evidence.Snapshot, hosts []string) {
	for _, host := range hosts {
		h.asked(s.Lookup(host, "A"), s.Lookup(host, "AAAA"))
		addrs, _, _ := s.Addresses(host)
		h.ownFault = h.ownFault || len(addrs) > maxRouted
		for _, a := range firstOf(addrs, maxRouted) {
			h.rows = append(h.rows, rpkiRow{host, a.String(), a, s.Routing(a)})
		}
	}
}

func rpkiMailServers(s *evidence.Snapshot) rpkiHosts { return sharedHosts(s, 'm', findMailServers) }

func rpkiNameServers(s *evidence.Snapshot) rpkiHosts { return sharedHosts(s, 'n', findNameServers) }

// rpkiMailNameServers are the name servers of each mail server's name.
func rpkiMailNameServers(s *evidence.Snapshot) rpkiHosts {
	return sharedHosts(s, 'b', findMailNameServers)
}

// rpkiServers are mail servers and name servers together.
func rpkiServers(s *evidence.Snapshot) rpkiHosts { return sharedHosts(s, 'a', findServers) }

// sharedHosts looks for hosts once for all checks.
func sharedHosts(s *evidence.Snapshot, which hostsKey, find func(*evidence.Snapshot) rpkiHosts) rpkiHosts {
	return evidence.Once(s, which, func() rpkiHosts {
		h := find(s)
		h.which = which
		h.pointers = h.point(s)
		h.rows, h.lookups, h.failed = slices.Clip(h.rows), slices.Clip(h.lookups), slices.Clip(h.failed)
		return h
	})
}

type hostsKey byte

// point lists the evidence about the hosts.
func (h rpkiHosts) point(s *evidence.Snapshot) []string {
	list := addPointers(s, make([]string, 0, len(h.lookups)+len(h.rows)), h.lookups...)
	for _, row := range h.rows {
		list = addPointers(s, list, row.routing)
	}
	return list
}

func findMailServers(s *evidence.Snapshot) rpkiHosts {
	var h rpkiHosts
	h.asked(s.Lookup(s.Domain, "MX"))
	h.add(s, s.Mail().Hosts)
	return h
}

func findNameServers(s *evidence.Snapshot) rpkiHosts {
	var h rpkiHosts
	d := delegationOf(s)
	h.asked(d.climb...)
	h.ownFault = h.ownFault || len(d.hosts) > maxNameServers
	h.add(s, firstOf(d.hosts, maxNameServers))
	return h
}

func findServers(s *evidence.Snapshot) rpkiHosts {
	mail, names := rpkiMailServers(s), rpkiNameServers(s)
	return rpkiHosts{
		rows:     slices.Concat(mail.rows, names.rows),
		lookups:  slices.Concat(mail.lookups, names.lookups),
		failed:   slices.Concat(mail.failed, names.failed),
		ownFault: mail.ownFault || names.ownFault,
	}
}

func findMailNameServers(s *evidence.Snapshot) rpkiHosts {
	var h rpkiHosts
	h.asked(s.Lookup(s.Domain, "MX"))
	servers := mailNameServers(s, func(d delegation) {
		h.asked(d.climb...)
		h.ownFault = h.ownFault || len(d.hosts) == 0 && len(d.climb) == maxClimb
	})
	h.ownFault = h.ownFault || len(servers) > maxMailNameServers
	h.add(s, firstOf(servers, maxMailNameServers))
	return h
}

// mailNameServers lists the name servers of all mail servers, by name, and
// shows the way to those of each.
func mailNameServers(s *evidence.Snapshot, way func(delegation)) []string {
	var list []string
	for _, mx := range s.Mail().Hosts {
		d := climbed(s, climbToTop(mx))
		way(d)
		list = append(list, d.hosts...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// climbToTop lists a name and the names above it but the root. Unlike the
// climb from a domain, Internet.nl's from a mail server's name may reach the
// top-level domain: where nothing is delegated below, that is the name's zone.
func climbToTop(name string) []string {
	list := append(make([]string, 0, 4), name)
	for len(list) < maxClimb {
		_, above, found := strings.Cut(name, ".")
		if !found || above == "" {
			break
		}
		name = above
		list = append(list, name)
	}
	return list
}

// rpkiWants names the questions for the mail servers' name servers and their
// addresses. The other hosts are wanted anyhow. Without VRPs by which routes
// could be judged nothing is asked.
func rpkiWants(s *evidence.Snapshot) []evidence.Question {
	if s.Vantage.RPKI != evidence.Available {
		return nil
	}
	var list []evidence.Question
	for _, mx := range s.Mail().Hosts {
		if name := missingNS(s, climbToTop(mx)); name != "" {
			list = append(list, evidence.Question{Name: name, Type: "NS"})
		}
	}
	servers := mailNameServers(s, func(delegation) {})
	for _, h := range firstOf(servers, maxMailNameServers) {
		list = append(list, evidence.Question{Name: h, Type: "A"}, evidence.Question{Name: h, Type: "AAAA"})
	}
	return list
}

// RouteWants lists the addresses to which the routes have to be looked up and
// that s has no result for yet. Without VRPs by which they could be judged
// there are none, unless the origins are asked for; those of the mail servers'
// name servers then do not matter.
func RouteWants(s *evidence.Snapshot) []netip.Addr {
	if !routesAsked(s) {
		return nil
	}
	hosts := slices.Concat(s.Mail().Hosts, firstOf(delegationOf(s).hosts, maxNameServers))
	if s.Vantage.RPKI == evidence.Available {
		hosts = append(hosts, firstOf(mailNameServers(s, func(delegation) {}), maxMailNameServers)...)
	}
	var list []netip.Addr
	for i, host := range hosts {
		if slices.Contains(hosts[:i], host) {
			continue
		}
		addrs, _, _ := s.Addresses(host)
		for _, a := range firstOf(addrs, maxRouted) {
			if !slices.Contains(list, a) && s.Routing(a) == nil {
				list = append(list, a)
			}
		}
	}
	return list
}
