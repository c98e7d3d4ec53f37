package dnssec_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// iterator plays the recursive resolver on top of a scenario's servers: it
// follows referrals and aliases, and judges nothing.
type iterator struct {
	*scenario
	mu    sync.Mutex
	step  int
	zones map[string][]string // stubs and forwards, with their addresses
	// forwards are the zones whose servers resolve by themselves: they are not
	// left for others that they refer to.
	forwards map[string]bool
	turn     int // which of several servers is asked first
	depth    int
	// heard is every message up to now: as real resolvers do, the iterator
	// falls back on what it was told of delegations before.
	heard []*dns.Msg
}

func newIterator(s *scenario, turn int) *iterator {
	it := &iterator{scenario: s, zones: map[string][]string{}, forwards: map[string]bool{}, turn: turn}
	zone, forward := ".", false
	for _, line := range s.Config {
		k, v, _ := strings.Cut(line, ":")
		v = strings.Trim(strings.TrimSpace(v), `"`)
		switch strings.TrimSpace(k) {
		case "stub-zone", "forward-zone":
			zone, forward = ".", strings.HasPrefix(k, "forward")
		case "name":
			zone = dns.CanonicalName(v)
			it.forwards[zone] = forward
		case "stub-addr", "forward-addr":
			it.zones[zone] = append(it.zones[zone], v)
		}
	}
	return it
}

// Fetch implements [dnssec.Source].
func (it *iterator) Fetch(_ context.Context, name string, qtype uint16) (*dns.Msg, error) {
	it.mu.Lock()
	defer it.mu.Unlock()
	return it.resolve(dns.Question{Name: dns.CanonicalName(name), Qtype: qtype, Qclass: dns.ClassINET})
}

var errUnanswered = errors.New("no server of the scenario answers")

// resolve answers like a recursive resolver with CD set.
func (it *iterator) resolve(q dns.Question) (*dns.Msg, error) {
	if it.depth++; it.depth > 12 {
		return nil, errUnanswered
	}
	defer func() { it.depth-- }()
	whole := new(dns.Msg)
	whole.Question = []dns.Question{q}
	sname := q.Name
	for range 12 {
		part, err := it.iterate(dns.Question{Name: sname, Qtype: q.Qtype, Qclass: q.Qclass})
		if err != nil {
			if len(whole.Answer) > 0 {
				whole.Rcode = dns.RcodeServerFailure
				return whole, nil
			}
			return nil, err
		}
		whole.Rcode = part.Rcode
		whole.Answer = append(whole.Answer, part.Answer...)
		whole.Ns = append(whole.Ns, part.Ns...)
		next := end(part, sname, q.Qtype)
		if next == sname || next == "" || hasSOA(part) {
			return whole, nil
		}
		sname = next
	}
	return whole, nil
}

// end is the name at the end of the aliases; "" if the records asked for are
// there.
func end(m *dns.Msg, name string, qtype uint16) string {
	for range m.Answer {
		moved := false
		for _, rr := range m.Answer {
			if dns.CanonicalName(rr.Header().Name) != name {
				continue
			}
			if rr.Header().Rrtype == qtype || qtype == dns.TypeANY {
				return ""
			}
			if c, ok := rr.(*dns.CNAME); ok {
				name, moved = dns.CanonicalName(c.Target), true
				break
			}
		}
		if !moved {
			break
		}
	}
	return name
}

func hasSOA(m *dns.Msg) bool {
	return slices.ContainsFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA })
}

// iterate follows referrals down to an answer for one name.
func (it *iterator) iterate(q dns.Question) (*dns.Msg, error) {
	zone, addrs := it.start(q)
	for range 12 {
		m := it.ask(q, addrs)
		if m == nil {
			if m := it.remember(q); m != nil {
				return m, nil
			}
			if m := it.anywhere(q); m != nil {
				return m, nil
			}
			return nil, fmt.Errorf("%w: %s %s of %s at %v", errUnanswered, q.Name, dns.Type(q.Qtype), zone, addrs)
		}
		child, next := it.referral(m, q, zone)
		if child == "" || it.forwards[zone] {
			return m, nil
		}
		if q.Qtype == dns.TypeDS && child == q.Name { // the parent's word counts
			return fromReferral(m, q), nil
		}
		if len(next) == 0 {
			if m := it.anywhere(q); m != nil {
				return m, nil
			}
			return nil, fmt.Errorf("%w: %s has no addresses", errUnanswered, child)
		}
		zone, addrs = child, next
		it.zones[child] = next
	}
	return nil, errUnanswered
}

// start is the lowest stub at or above the name.
func (it *iterator) start(q dns.Question) (string, []string) {
	best := ""
	for zone := range it.zones {
		if dns.IsSubDomain(zone, q.Name) && (best == "" || dns.CountLabel(zone) > dns.CountLabel(best)) && (q.Qtype != dns.TypeDS || zone != q.Name || zone == ".") {
			best = zone
		}
	}
	return best, it.zones[best]
}

// ask takes the first answer that is one.
func (it *iterator) ask(q dns.Question, addrs []string) *dns.Msg {
	var failed *dns.Msg
	for i := range addrs {
		m := it.askOne(q, addrs[(i+it.turn)%len(addrs)])
		switch {
		case m == nil:
		case m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError || m.Rcode == dns.RcodeYXDomain:
			return m
		default:
			failed = m
		}
	}
	return failed
}

func (it *iterator) askOne(q dns.Question, addr string) *dns.Msg {
	for _, r := range it.Ranges {
		if it.step < r.From || it.step > r.To || !slices.Contains(r.Addresses, addr) {
			continue
		}
		for i := range r.Entries {
			if e := &r.Entries[i]; e.fits(q) {
				m, _ := e.parse()
				m = m.Copy()
				m.Question = []dns.Question{q}
				it.heard = append(it.heard, m)
				return m
			}
		}
	}
	return nil
}

// referral reads where an answer refers to; "" if it does not.
func (it *iterator) referral(m *dns.Msg, q dns.Question, zone string) (string, []string) {
	if m.Rcode != dns.RcodeSuccess || len(m.Answer) > 0 || hasSOA(m) {
		return "", nil
	}
	child := ""
	var addrs, hosts []string
	for _, rr := range m.Ns {
		ns, ok := rr.(*dns.NS)
		owner := dns.CanonicalName(rr.Header().Name)
		if !ok || owner == zone || !dns.IsSubDomain(owner, q.Name) || !dns.IsSubDomain(zone, owner) {
			continue
		}
		child = owner
		hosts = append(hosts, dns.CanonicalName(ns.Ns))
	}
	for _, rr := range m.Extra {
		if !slices.Contains(hosts, dns.CanonicalName(rr.Header().Name)) {
			continue
		}
		switch x := rr.(type) {
		case *dns.A:
			addrs = append(addrs, x.A.String())
		case *dns.AAAA:
			addrs = append(addrs, x.AAAA.String())
		}
	}
	if child == "" || len(addrs) > 0 && it.turn == 0 {
		return child, addrs
	}
	if len(addrs) > 0 {
		it.zones[child] = addrs // a server may tell the other addresses of itself
	}
	for _, host := range hosts {
		for _, typ := range []uint16{dns.TypeA, dns.TypeAAAA} {
			addrs = append(addrs, it.addresses(host, typ)...)
		}
		if len(addrs) > 0 && it.turn == 0 {
			break
		}
	}
	slices.Sort(addrs)
	return child, slices.Compact(addrs)
}

// addresses resolves the name of a server.
func (it *iterator) addresses(host string, typ uint16) (list []string) {
	r, err := it.resolve(dns.Question{Name: host, Qtype: typ, Qclass: dns.ClassINET})
	if err != nil {
		return nil
	}
	for _, rr := range r.Answer {
		switch x := rr.(type) {
		case *dns.A:
			list = append(list, x.A.String())
		case *dns.AAAA:
			list = append(list, x.AAAA.String())
		}
	}
	return list
}

// anywhere takes the answer from whatever server has one, for servers that
// the scenario says no way to.
func (it *iterator) anywhere(q dns.Question) *dns.Msg {
	for _, r := range it.Ranges {
		for _, addr := range r.Addresses {
			if m := it.askOne(q, addr); m != nil && (len(m.Answer) > 0 || hasSOA(m)) {
				return m
			}
		}
	}
	return nil
}

// remember answers from what was told along with other answers: records of the
// type, or of a delegation what was said of its DS.
func (it *iterator) remember(q dns.Question) *dns.Msg {
	out := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true}, Question: []dns.Question{q}}
	for _, m := range slices.Backward(it.heard) {
		for _, rr := range slices.Concat(m.Answer, m.Ns) {
			typ := rr.Header().Rrtype
			if sig, ok := rr.(*dns.RRSIG); ok {
				typ = sig.TypeCovered
			}
			if dns.CanonicalName(rr.Header().Name) == q.Name && typ == q.Qtype {
				out.Answer = append(out.Answer, rr)
			}
		}
		if len(out.Answer) > 0 {
			return out
		}
	}
	for _, m := range slices.Backward(it.heard) {
		delegates := func(rr dns.RR) bool {
			return rr.Header().Rrtype == dns.TypeNS && dns.CanonicalName(rr.Header().Name) == q.Name
		}
		if q.Qtype == dns.TypeDS && len(m.Answer) == 0 && !hasSOA(m) && slices.ContainsFunc(m.Ns, delegates) {
			return fromReferral(m, q)
		}
	}
	return nil
}

// fromReferral makes the answer to a DS question from a referral, as resolvers
// do from what they remember of it.
func fromReferral(m *dns.Msg, q dns.Question) *dns.Msg {
	out := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true}, Question: []dns.Question{q}}
	for _, rr := range m.Ns {
		typ := rr.Header().Rrtype
		if sig, ok := rr.(*dns.RRSIG); ok {
			typ = sig.TypeCovered
		}
		switch typ {
		case dns.TypeDS:
			out.Answer = append(out.Answer, rr)
		case dns.TypeNSEC, dns.TypeNSEC3, dns.TypeSOA:
			out.Ns = append(out.Ns, rr)
		}
	}
	return out
}
