package dnscheck

import (
	"net/netip"
	"slices"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// How much is looked at. A domain beyond these limits is not failed for it:
// what was not looked at is unknown.
const (
	maxNameServers = 20 // name servers whose addresses are asked for
	maxAddresses   = 8  // IPv6 addresses of one name server that are tried
	maxCompared    = 2  // IPv4 addresses tried where a name server is silent on IPv6
)

var ipv6Checks = []*check.Check{ipv6NSAddress, ipv6NSReach, ipv6MXAddress, ipv6MXReach}

// ipv6Wants names the questions for the name servers and mail servers and for
// their addresses. The domain's own addresses are needed only to tell the ways
// of having no mail server apart.
func ipv6Wants(s *evidence.Snapshot) []evidence.Question {
	hosts := firstOf(delegationOf(s).hosts, maxNameServers)
	if mx := s.Lookup(s.Domain, "MX"); mx != nil && !mx.Unknown() {
		if m := s.Mail(); m.Status == evidence.MailHas {
			hosts = slices.Concat(hosts, m.Hosts)
		} else {
			hosts = slices.Concat(hosts, []string{s.Domain})
		}
	}
	list := make([]evidence.Question, 0, 3+2*len(hosts))
	list = append(list, evidence.Question{Name: s.Domain, Type: "MX"}, evidence.Question{Name: s.Domain, Type: "NS"})
	if name := missingNS(s, evidence.Climb(s.Domain)); name != "" {
		list = append(list, evidence.Question{Name: name, Type: "NS"})
	}
	for _, h := range hosts {
		list = append(list, evidence.Question{Name: h, Type: "A"}, evidence.Question{Name: h, Type: "AAAA"})
	}
	return list
}

// missingNS is the name whose NS RRset has to be asked for next on a climb to
// the zone, or "" if nothing is missing.
func missingNS(s *evidence.Snapshot, climb []string) string {
	for _, name := range climb {
		l := s.Lookup(name, "NS")
		if l == nil {
			return name
		}
		if l.Exists() || ownFault(l) {
			break
		}
	}
	return ""
}

// delegation is the name servers that Internet.nl looks at, and the way to them.
type delegation struct {
	hosts []string           // by name
	climb []*evidence.Lookup // the NS questions, from the domain upward
	// failed are those of climb without an answer. Internet.nl takes them for
	// names without NS records and goes on upward, so that with hosts these may
	// not be the domain's.
	failed   []*evidence.Lookup
	ownFault bool // the last one of climb was not asked, or failed here
}

func delegationOf(s *evidence.Snapshot) delegation {
	return evidence.Once(s, delegationKey{}, func() delegation {
		d := climbed(s, evidence.Climb(s.Domain))
		d.hosts, d.climb, d.failed = slices.Clip(d.hosts), slices.Clip(d.climb), slices.Clip(d.failed)
		return d
	})
}

type delegationKey struct{}

func climbed(s *evidence.Snapshot, climb []string) delegation {
	var d delegation
	for _, name := range climb {
		l := s.Lookup(name, "NS")
		d.climb = append(d.climb, l)
		if ownFault(l) {
			d.ownFault = true
			return d
		}
		if l.Unknown() {
			d.failed = append(d.failed, l)
			continue
		}
		d.hosts = slices.Grow(d.hosts, len(l.Answer))
		for _, rr := range l.Answer {
			d.hosts = append(d.hosts, rr.Target())
		}
		if len(d.hosts) > 0 {
			slices.Sort(d.hosts)
			d.hosts = slices.Compact(d.hosts)
			break
		}
	}
	return d
}

func firstOf[T any](list []T, n int) []T { return list[:min(n, len(list))] }

// ReachWants lists the addresses of name servers that have to be tried and
// that s has no result for yet: the IPv6 addresses, and where those of a server
// are silent, some of its IPv4 addresses, which tell a server that is down from
// one whose IPv6 is broken. Nothing is wanted where this host has no IPv6 or
// is to leave it out.
func ReachWants(s *evidence.Snapshot) []Want {
	if s.Vantage.NoIPv6 || s.Vantage.IPv6 == evidence.Missing {
		return nil
	}
	var list []Want
	want := func(host string, tries []try) {
		for _, t := range tries {
			if t.at == nil {
				list = append(list, Want{host, t.addr})
			}
		}
	}
	for _, h := range firstOf(delegationOf(s).hosts, maxNameServers) {
		srv := serverOf(s, h)
		tries := nsTries(s, h, firstOf(srv.six, maxAddresses))
		want(h, tries)
		if s.Vantage.IPv4 != evidence.Missing && len(tries) > 0 && !slices.ContainsFunc(tries, func(t try) bool { return t.state != silent }) {
			want(h, nsTries(s, h, firstOf(srv.four, maxCompared)))
		}
	}
	return list
}

// server is a host with its addresses, as far as they are known.
type server struct {
	host           string
	four, six      []netip.Addr
	known4, known6 bool
	a, aaaa        *evidence.Lookup
}

// serverOf reads the addresses of a host. A name that cannot be asked for, or
// whose aliases lead nowhere, is known to have none.
func serverOf(s *evidence.Snapshot, host string) server {
	srv := server{host: host, a: s.Lookup(host, "A"), aaaa: s.Lookup(host, "AAAA")}
	addrs, known4, known6 := s.Addresses(host)
	i := slices.IndexFunc(addrs, netip.Addr.Is6)
	if i < 0 {
		i = len(addrs)
	}
	srv.four, srv.six = addrs[:i], addrs[i:]
	broken := func(l *evidence.Lookup) bool {
		return l != nil && (l.Outcome == evidence.OutcomeBadName || l.Outcome == evidence.OutcomeLoop)
	}
	srv.known4, srv.known6 = known4 || broken(srv.a), known6 || broken(srv.aaaa)
	return srv
}

func serversOf(s *evidence.Snapshot, hosts []string) []server {
	list := make([]server, len(hosts))
	for i, h := range hosts {
		list[i] = serverOf(s, h)
	}
	return list
}

// census counts hosts by what is known of their IPv6 addresses.
type census struct {
	with, without, unknown []string
	lookups, failed        []*evidence.Lookup // AAAA: all, and those without an answer
	ownFault               bool               // one of the unknown is the scanner's fault
}

func countIPv6(list []server) census {
	var c census
	for _, srv := range list {
		switch {
		case len(srv.six) > 0:
			c.with = append(c.with, srv.host)
		case srv.known6:
			c.without = append(c.without, srv.host)
		default:
			c.unknown = append(c.unknown, srv.host)
			c.failed = append(c.failed, srv.aaaa)
			c.ownFault = c.ownFault || ownFault(srv.aaaa)
		}
		c.lookups = append(c.lookups, srv.aaaa)
	}
	return c
}

// args are what the texts tell of it, with room for more.
func (c census) args(s *evidence.Snapshot, more int) map[string]string {
	args := make(map[string]string, 5+more)
	args["domain"], args["with"], args["without"] = s.Domain, enumerate(c.with), enumerate(c.without)
	args["unknown"], args["failed"] = enumerate(c.unknown), whatFailed(c.failed...)
	return args
}
