package spf_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"

	second "blitiri.com.ar/go/spf"

	"mailvet/dnscheck/spf"
	"mailvet/report/evidence"
)

// engine lets blitiri.com.ar/go/spf ask the same zone.
type engine struct{ answers }

func (z engine) find(name, typ string) ([]evidence.RR, error) {
	l, _ := z.Lookup(context.Background(), name, typ)
	switch {
	case l.Outcome == evidence.OutcomeNXDomain:
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	case l.Unknown():
		return nil, &net.DNSError{Err: "server failure", Name: name, IsTemporary: true}
	}
	return l.Answer, nil
}

func (z engine) LookupTXT(_ context.Context, name string) (list []string, err error) {
	answer, err := z.find(name, "TXT")
	for _, rr := range answer {
		list = append(list, rr.Text())
	}
	return list, err
}

func (z engine) LookupMX(_ context.Context, name string) (list []*net.MX, err error) {
	answer, err := z.find(name, "MX")
	for _, rr := range answer {
		x, _ := rr.MX()
		list = append(list, &net.MX{Host: x.Host + ".", Pref: x.Preference})
	}
	return list, err
}

func (z engine) LookupIPAddr(_ context.Context, name string) (list []net.IPAddr, err error) {
	for _, typ := range []string{"A", "AAAA"} {
		answer, err := z.find(name, typ)
		if err != nil {
			return nil, err
		}
		for _, rr := range answer {
			list = append(list, net.IPAddr{IP: net.ParseIP(rr.Data)})
		}
	}
	return list, nil
}

func (z engine) LookupAddr(_ context.Context, addr string) (list []string, err error) {
	answer, err := z.find(reverse(netip.MustParseAddr(addr)), "PTR")
	for _, rr := range answer {
		list = append(list, rr.Target()+".")
	}
	return list, err
}

func reverse(ip netip.Addr) string {
	name := ""
	if ip.Is4() {
		for _, octet := range ip.As4() {
			name = fmt.Sprintf("%d.", octet) + name
		}
		return name + "in-addr.arpa"
	}
	for _, octet := range ip.As16() {
		name = fmt.Sprintf("%x.%x.", octet&15, octet>>4) + name
	}
	return name + "ip6.arpa"
}

// internet is a random zone, the sender, and what the zone is like.
type internet struct {
	*rand.Rand
	answers
	from, helo string
	ip         netip.Addr
	void       bool // the limit of void lookups holds
}

func (in *internet) of(list ...string) string { return list[in.IntN(len(list))] }

func (in *internet) name() string { return fmt.Sprintf("n%d.test", in.IntN(9)) }

// address is one of few, so that there are matches.
func (in *internet) address(family int) string {
	if family == 4 {
		return fmt.Sprintf("192.0.2.%d", in.IntN(6))
	}
	return fmt.Sprintf("2001:db8::%x", in.IntN(6))
}

func (in *internet) spec() string {
	return in.of(in.name(), in.name(), in.name(), "%{d}", "%{o}", "%{l}.test", "%{l-}.test", "%{lr-}.test", "%{d1r}.test", "%{h}",
		"%{ir}.%{v}.test", "%{d2}", "n%{l1r+}.test", "%{s1@}", "%{I}.test", "x.%{i1r}.test", "N1.TEST.")
}

func (in *internet) term() string {
	q := in.of("", "", "", "+", "-", "~", "?")
	length := in.of("", "", "/30", "//126", "/31//127", "/0", "//0", "/32//128")
	switch in.IntN(12) {
	case 0:
		return q + "all"
	case 1, 2:
		return q + "include:" + in.spec()
	case 3:
		return q + "a" + length
	case 4, 5:
		return q + "a:" + in.spec() + length
	case 6:
		if in.void {
			return q + "A:" + in.spec()
		}
		return q + in.of("mx", "MX:"+in.spec()) + length
	case 7:
		return q + "ip4:" + in.address(4) + in.of("", "", "/30", "/32", "/31", "/29")
	case 8:
		return q + "IP6:" + in.address(6) + in.of("", "", "/126", "/128", "/127", "/125")
	case 9:
		return q + in.of("ptr", "PTR:test", "ptr:"+in.spec())
	case 10:
		return q + "exists:" + in.spec()
	}
	return in.of("x=y", "exp="+in.name(), "foo=", "all=none")
}

func (in *internet) record() string {
	terms := []string{in.of("v=spf1", "v=spf1", "V=SPF1")}
	for range in.IntN(6) {
		terms = append(terms, in.term())
	}
	if in.IntN(3) == 0 {
		terms = append(terms, in.of("redirect=", "REDIRECT=")+in.spec())
	}
	in.Shuffle(len(terms)-1, func(i, j int) { terms[i+1], terms[j+1] = terms[j+1], terms[i+1] })
	return strings.Join(terms, in.of(" ", "  "))
}

// newInternet fills the zone. The other engine differs on purpose or for
// lack of a feature in what is kept out of it: see the comments.
func newInternet(seed uint64) *internet {
	in := &internet{Rand: rand.New(rand.NewPCG(seed, 7208)), answers: answers{}}
	in.void = in.IntN(2) == 0 // it does not count the lookups of MX hosts: no mx then
	// It replaces no missing local part, and drops empty parts of macros.
	in.from = in.of("n1", "n2-n3", "n1+n2", "x") + "@" + in.name()
	in.helo = in.of(in.name(), "helo.test")
	in.ip = netip.MustParseAddr(in.address(4 + 2*in.IntN(2)))
	for i := range 9 {
		name := fmt.Sprintf("n%d.test", i)
		if in.IntN(12) == 0 {
			in.answers[name] = evidence.Lookup{Outcome: evidence.OutcomeServFail}
			continue
		}
		if in.IntN(8) > 0 {
			in.add(name, "TXT", `"`+in.record()+`"`)
		}
		if in.IntN(6) == 0 {
			in.add(name, "TXT", `"`+in.of("v=spf10 +all", "hello", "v=spf1 -all", "v=spf1")+`"`)
		}
		for range in.IntN(3) {
			// It asks for both families at once and counts that as one lookup.
			in.add(name, "A", in.address(4))
			in.add(name, "AAAA", in.address(6))
		}
		// It looks up all MX hosts before it compares: none that fails.
		for j := range in.IntN(3) * in.IntN(5) {
			in.add(name, "MX", fmt.Sprintf("10 mx%d.test.", j))
		}
	}
	for j := range 12 {
		if in.IntN(3) > 0 {
			in.add(fmt.Sprintf("mx%d.test", j), "A", in.address(4))
			in.add(fmt.Sprintf("mx%d.test", j), "AAAA", in.address(6))
		}
	}
	for range in.IntN(4) {
		in.add(reverse(in.ip), "PTR", in.of(in.name(), "mx1.test", "mx2.test", "gone.test")+".")
	}
	if in.IntN(4) == 0 {
		in.add(reverse(in.ip)[:1]+".test", "A", "127.0.0.2")
		in.add("helo.test", "CNAME", in.name()+".")
	}
	return in
}

// agree compares the two engines on one zone.
func agree(t *testing.T, seed uint64) spf.Verdict {
	t.Helper()
	in := newInternet(seed)
	ours := spf.Checker{Resolver: in.answers}
	options := []second.Option{second.WithResolver(engine{in.answers})}
	if !in.void {
		ours.VoidLimit = -1
		options = append(options, second.OverrideVoidLookupLimit(1000))
	}
	domain := in.from[strings.IndexByte(in.from, '@')+1:]
	v, err := ours.Check(t.Context(), domain, spf.Sender{IP: in.ip, From: in.from, Helo: in.helo})
	if err != nil {
		t.Fatal(err)
	}
	theirs, reason := second.CheckHostWithSender(net.IP(in.ip.AsSlice()), in.helo, in.from, options...)
	if v.Result.String() != string(theirs) && v.Reason != spf.ReasonSyntax {
		t.Errorf("seed %d, %s from %s, helo %s: %s (%s, %+v), the other engine %s (%v); void limit %v\n%v",
			seed, in.from, in.ip, in.helo, v.Result, v.Reason, v.Path, theirs, reason, in.void, in.answers)
	}
	return v
}

func TestSecondEngineAgrees(t *testing.T) {
	results, why := map[spf.Result]int{}, map[spf.Reason]int{}
	for seed := range uint64(4000) {
		v := agree(t, seed)
		results[v.Result]++
		why[v.Reason]++
		if t.Failed() {
			return
		}
	}
	for r := range spf.ResultPermError + 1 {
		if results[r] < 20 {
			t.Errorf("only %d of the zones end in %s", results[r], r)
		}
	}
	for _, r := range []spf.Reason{spf.ReasonMatched, spf.ReasonNothing, spf.ReasonNoRecord, spf.ReasonSeveral, spf.ReasonLookups, spf.ReasonVoid, spf.ReasonDNS} {
		if why[r] < 20 {
			t.Errorf("only %d of the zones end with %s", why[r], r)
		}
	}
	if why[spf.ReasonSyntax] > 600 {
		t.Errorf("%d of the zones are not compared", why[spf.ReasonSyntax])
	}
}

func FuzzSecondEngine(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { agree(t, seed) })
}
