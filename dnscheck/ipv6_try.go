package dnscheck

import (
	"net/netip"
	"slices"

	"mailvet/report/evidence"
)

// state is what became of trying one address.
type state uint8

const (
	untried   state = iota // not tried, or it failed for a reason of our own
	answered               //
	silent                 // nothing came back in all tries
	refused                // something came back, and it was no
	forbidden              // an address in a special-purpose range, which is not tried
)

// try is one address of a host and what became of it.
type try struct {
	addr  netip.Addr
	state state
	why   string // of anything but answered
	at    any    // the *evidence.Session or *evidence.Reach; nil if there is none
}

func (t try) text(host string) string { return host + " [" + t.addr.String() + "] (" + t.why + ")" }

func classify(reach evidence.Reachable, failure *evidence.Failure) (state, string) {
	if reach == evidence.Reached {
		return answered, ""
	}
	if failure == nil {
		failure = &evidence.Failure{}
	}
	why := failure.Class.Words()
	switch failure.Class {
	case evidence.ClassForbidden:
		return forbidden, why
	case evidence.ClassNoFamily, evidence.ClassBudget, evidence.ClassCancelled:
		return untried, why
	}
	switch {
	case reach != evidence.NotReached:
		return untried, why
	case failure.Class == evidence.ClassTimeout:
		return silent, why
	}
	return refused, why
}

func nsTries(s *evidence.Snapshot, host string, addrs []netip.Addr) []try {
	list := make([]try, len(addrs))
	for i, a := range addrs {
		list[i] = try{addr: a, why: "not tried"}
		if r := s.Reach(host, a.String()); r != nil {
			list[i].state, list[i].why = classify(r.Outcome, r.Failure)
			list[i].at = r
		}
	}
	return list
}

func mxTries(s *evidence.Snapshot, host string, addrs []netip.Addr) []try {
	sessions := s.SessionsOf(host)
	list := make([]try, len(addrs))
	for i, a := range addrs {
		list[i] = try{addr: a, why: "not tried"}
		text := a.String()
		j := slices.IndexFunc(sessions, func(x *evidence.Session) bool { return x.Addr == text })
		if j >= 0 {
			list[i].state, list[i].why = classify(sessions[j].Reach, sessions[j].Failure)
			list[i].at = sessions[j]
		}
	}
	return list
}

// triedHost is a host with what became of its addresses.
type triedHost struct {
	server
	six, four []try
}

func tryAll(s *evidence.Snapshot, servers []server, tries func(*evidence.Snapshot, string, []netip.Addr) []try) []triedHost {
	list := make([]triedHost, len(servers))
	for i, srv := range servers {
		list[i] = triedHost{srv, tries(s, srv.host, srv.six), tries(s, srv.host, srv.four)}
	}
	return list
}

// down reports whether a host is silent altogether: then its IPv6 is not what
// is wrong with it.
func (h triedHost) down() bool {
	heard := func(t try) bool { return t.state == answered || t.state == refused }
	quiet := func(t try) bool { return t.state == silent }
	return !slices.ContainsFunc(h.six, heard) && slices.ContainsFunc(h.six, quiet) &&
		!slices.ContainsFunc(h.four, heard) && slices.ContainsFunc(h.four, quiet)
}

// points is Internet.nl's score of one host: 0 if no IPv6 address answers, 2 if
// some do not, 10 if all do. (Its third condition, that a port answers on IPv4
// but not on IPv6, cannot be met by a host that answers on IPv6.)
func (h triedHost) points() int {
	n := 0
	for _, t := range h.six {
		if t.state == answered {
			n++
		}
	}
	switch n {
	case 0:
		return 0
	case len(h.six):
		return 10
	}
	return 2
}

// nsPoints is Internet.nl's ns_score. Where two or more name servers have an
// IPv6 address, those without are left out of the average; a single name
// server gets half at most.
func nsPoints(hosts []triedHost) int {
	sum, with := 0, 0
	for _, h := range hosts {
		sum += h.points()
		if len(h.six) > 0 {
			with++
		}
	}
	n := len(hosts)
	if with >= 2 {
		n = with
	}
	switch n {
	case 0:
		return 0
	case 1:
		return min(5, sum)
	}
	return sum / n
}

// mxPoints is Internet.nl's mx_score: the average over the MX records, of which
// the first ten by name count. A name that stands there twice counts twice.
func mxPoints(hosts []triedHost, times map[string]int) int {
	sum, n := 0, 0
	for _, h := range hosts {
		for range max(1, times[h.host]) {
			if n < evidence.MaxMX {
				sum += h.points()
				n++
			}
		}
	}
	if n == 0 {
		return 0
	}
	return sum / n
}

// found sorts the hosts' IPv6 addresses by what became of them, as texts.
type found struct {
	answering            []string // hosts that answer on all of them
	failing, outOfBounds []string // addresses
	untried, down        []string
	lookups              census
	evidence             []string
}

func sift(s *evidence.Snapshot, hosts []triedHost) found {
	var f found
	var servers []server
	for _, h := range hosts {
		servers = append(servers, h.server)
		for _, tries := range [][]try{h.six, h.four} {
			for _, t := range tries {
				f.evidence = append(f.evidence, pointers(s, t.at)...)
			}
		}
		if h.points() == 10 {
			f.answering = append(f.answering, h.host)
		}
		if h.down() {
			f.down = append(f.down, h.host)
			continue
		}
		for _, t := range h.six {
			switch t.state {
			case answered:
			case silent, refused:
				f.failing = append(f.failing, t.text(h.host))
			case forbidden:
				f.outOfBounds = append(f.outOfBounds, t.text(h.host))
			case untried:
				f.untried = append(f.untried, t.text(h.host))
			}
		}
	}
	f.lookups = countIPv6(servers)
	return f
}
