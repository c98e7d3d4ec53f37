package dnssec

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// TestSound: whatever part of a zone's signed records a reply is made of, what
// is secure is true; and with all of them, the truth is secure.
func TestSound(t *testing.T) {
	rounds := 600
	if testing.Short() {
		rounds = 200
	}
	types := []uint16{dns.TypeA, dns.TypeMX, dns.TypeDS, dns.TypeCNAME, dns.TypeNS, dns.TypeDNAME}
	seen := map[string]int{}
	for i := range rounds {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		m := newModel(r, "\x04test\x00", true)
		q, typ := randomName(r, m.apex, 1+r.IntN(4)), types[r.IntN(len(types))]
		what, owner := m.truth(q, typ)
		v := &Validator{Anchors: []dns.RR{m.dnskey}, Now: clockOf, MaxIterations: 1}
		fail := func(format string, args ...any) {
			t.Errorf("seed %d: %s %s, which is %d at %q: %s\n%s", i, q.fqdn(), dns.Type(typ), what, owner, fmt.Sprintf(format, args...), m)
		}

		// A denial made of a part of the chain.
		reply := &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: []int{dns.RcodeSuccess, dns.RcodeNameError}[r.IntN(2)]}, Ns: m.some(r)}
		got := v.Validate(t.Context(), m, q.fqdn(), typ, reply)
		switch {
		case got.Security == evidence.SecuritySecure && reply.Rcode == dns.RcodeNameError && !got.Exists && what != isNoName,
			got.Security == evidence.SecuritySecure && (reply.Rcode == dns.RcodeSuccess || got.Exists) && what != isNoData:
			fail("NXDOMAIN %t, exists %t, is secure by\n%v", reply.Rcode != 0, got.Exists, reply.Ns)
		case got.Security == evidence.SecurityInsecure && what != isUnsigned && !m.unsure(q, typ):
			fail("insecure (%s) by\n%v", got.Reason, reply.Ns)
		}
		seen["part "+got.Security.String()]++
		if m.below(q, typ) != m {
			seen["below "+got.Security.String()]++
		}

		// The truth, whole.
		reply = &dns.Msg{Ns: slices.Concat(m.below(q, typ).chain...)}
		switch what {
		case isNoName:
			reply.Rcode = dns.RcodeNameError
		case isData:
			reply.Answer = m.records(owner, q, typ)
		case isNoData:
		case isAlias:
			typ = dns.TypeCNAME
			reply.Answer = m.records(owner, q, typ)
		default:
			continue
		}
		got = v.Validate(t.Context(), m, q.fqdn(), typ, reply)
		if got.Security != evidence.SecuritySecure && !(got.Security == evidence.SecurityInsecure && m.unsure(q, typ)) {
			fail("%s (%s)", got.Security, got.Reason)
		}
		seen["whole "+got.Security.String()]++

		// The records of some wildcard, where they may not belong.
		for _, n := range m.wildcards() {
			if !q.below(n.parent()) || q == n {
				continue
			}
			typ := m.below(n, dns.TypeA).types[n][0]
			what, owner := m.truth(q, typ)
			reply = &dns.Msg{Answer: m.records(n, q, typ), Ns: m.some(r)}
			got = v.Validate(t.Context(), m, q.fqdn(), typ, reply)
			if got.Security == evidence.SecuritySecure && (what != isData || owner != n) {
				fail("records of %s are secure by\n%v", n.fqdn(), reply)
			}
			if got.Security == evidence.SecurityInsecure && what != isUnsigned && !m.unsure(q, typ) {
				fail("records of %s are insecure (%s) by\n%v", n.fqdn(), got.Reason, reply)
			}
			seen["wildcard "+got.Security.String()]++
		}
		if t.Failed() {
			return
		}
	}
	for _, want := range []string{"part secure", "part insecure", "part bogus", "below secure", "below bogus", "whole secure", "whole insecure", "wildcard secure", "wildcard bogus", "wildcard insecure"} {
		if seen[want] < 1 {
			t.Errorf("only %d times %s, so this is no test of it: %v", seen[want], want, seen)
		}
	}
}

// TestSoundCut is the same of the question whether there is a delegation.
func TestSoundCut(t *testing.T) {
	rounds := 600
	if testing.Short() {
		rounds = 200
	}
	seen := map[string]int{}
	for i := range rounds {
		r := rand.New(rand.NewPCG(2, uint64(i)))
		m := newModel(r, "\x04test\x00", false)
		z := zoneOf(t, []dns.RR{m.dnskey})
		q := randomName(r, m.apex, 1+r.IntN(3))
		what, _ := m.truth(q, dns.TypeDS)
		if what == isSigned || what == isUnsigned || what == isBelowDNAME {
			continue // below a delegation nobody asks this zone
		}
		x := &walk{v: &Validator{Now: clockOf, MaxIterations: 1}, src: m, now: testNow}
		delegated, signed := m.has(q, dns.TypeNS), m.has(q, dns.TypeDS)
		check := func(c cut, whole bool, ns []dns.RR) {
			is := ""
			switch {
			case c.fault == nil && len(c.ds) > 0:
				is = "signed delegation"
			case c.fault == nil && c.empty:
				is = "no name"
			case c.fault == nil:
				is = "no delegation"
			default:
				is = c.fault.security.String()
			}
			good := false
			switch is {
			case "signed delegation":
				good = delegated && signed
			case "no name":
				good = !m.exists(q)
			case "no delegation":
				good = m.exists(q) && !delegated
			case "insecure":
				good = delegated && !signed || m.unsure(q, dns.TypeDS)
			case "bogus":
				good = !whole
			}
			if !good {
				t.Errorf("seed %d: %s: %s by\n%v\n%s", i, q.fqdn(), is, ns, m)
			}
			seen[is]++
		}
		ns := m.some(r)
		check(x.judgeCut(q, z, &dns.Msg{Ns: ns}), false, ns)
		whole, _ := m.Fetch(t.Context(), q.fqdn(), dns.TypeDS)
		check(x.judgeCut(q, z, whole), true, whole.Ns)
		if t.Failed() {
			return
		}
	}
	for _, want := range []string{"signed delegation", "no name", "no delegation", "insecure", "bogus"} {
		if seen[want] < 1 {
			t.Errorf("only %d times %s: %v", seen[want], want, seen)
		}
	}
}
