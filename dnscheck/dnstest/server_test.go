package dnstest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnstest"
)

// flags of ask.
const (
	plain = 0
	edns  = 1 << iota // EDNS, 1232 octets
	do                // EDNS with DO
	cd                // checking disabled
	ad                // AD in the query
	large             // EDNS, 65535 octets
	small             // EDNS, 512 octets
)

// query makes the octets of a query.
func query(t testing.TB, name, typ string, flags int) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), dns.StringToType[typ])
	m.Id = 4711
	m.CheckingDisabled = flags&cd != 0
	m.AuthenticatedData = flags&ad != 0
	switch {
	case flags&large != 0:
		m.SetEdns0(65535, flags&do != 0)
	case flags&small != 0:
		m.SetEdns0(512, flags&do != 0)
	case flags&(edns|do) != 0:
		m.SetEdns0(1232, flags&do != 0)
	}
	octets, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

// ask gives the reply, nil for silence.
func ask(t testing.TB, s *dnstest.Server, transport, name, typ string, flags int) *dns.Msg {
	t.Helper()
	octets, err := s.Exchange(t.Context(), transport, query(t, name, typ, flags))
	if err != nil {
		t.Fatal(err)
	}
	if octets == nil {
		return nil
	}
	m := new(dns.Msg)
	if err := m.Unpack(octets); err != nil {
		t.Fatalf("reply to %s %s: %v", name, typ, err)
	}
	return m
}

// outline shows a message in one line: response code, flags, and the records
// of the sections as owner/type.
func outline(m *dns.Msg) string {
	if m == nil {
		return "silence"
	}
	words := []string{dns.RcodeToString[m.Rcode]}
	for _, flag := range []struct {
		set  bool
		name string
	}{{m.Authoritative, "aa"}, {m.Truncated, "tc"}, {m.RecursionAvailable, "ra"}, {m.AuthenticatedData, "ad"}, {m.CheckingDisabled, "cd"}} {
		if flag.set {
			words = append(words, flag.name)
		}
	}
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		words = append(words, "|")
		for _, rr := range section {
			switch rr := rr.(type) {
			case *dns.OPT:
				for _, o := range rr.Option {
					if e, ok := o.(*dns.EDNS0_EDE); ok {
						words = append(words, fmt.Sprintf("EDE:%d", e.InfoCode))
					}
				}
			case *dns.RRSIG:
				words = append(words, rr.Hdr.Name+"/RRSIG:"+dns.TypeToString[rr.TypeCovered])
			default:
				words = append(words, rr.Header().Name+"/"+dns.TypeToString[rr.Header().Rrtype])
			}
		}
	}
	return strings.TrimRight(strings.Join(words, " "), " |")
}

func TestResolver(t *testing.T) {
	s := testWorld(t, now).Resolver()
	for _, c := range []struct {
		label, name, typ string
		flags            int
		want             string
	}{
		{"plain", "nsec.test", "MX", plain, "NOERROR ra | nsec.test./MX"},
		{"AD asked", "nsec.test", "MX", ad, "NOERROR ra ad | nsec.test./MX"},
		{"letters", "NSEC.Test", "MX", ad, "NOERROR ra ad | nsec.test./MX"},
		{"DO", "nsec.test", "MX", do, "NOERROR ra ad | nsec.test./MX nsec.test./RRSIG:MX"},
		{"CD", "nsec.test", "MX", do | cd, "NOERROR ra cd | nsec.test./MX nsec.test./RRSIG:MX"},
		{"NODATA", "nsec.test", "AAAA", do, "NOERROR ra ad | | nsec.test./SOA nsec.test./RRSIG:SOA nsec.test./NSEC nsec.test./RRSIG:NSEC"},
		{"NODATA plain", "nsec.test", "AAAA", plain, "NOERROR ra | | nsec.test./SOA"},
		{"empty non-terminal", "ent.nsec.test", "TXT", plain, "NOERROR ra | | nsec.test./SOA"},
		{"empty non-terminal below a tcp label", "_tcp.mx.nsec3.test", "TXT", plain, "NOERROR ra | | nsec3.test./SOA"},
		{"NXDOMAIN", "no.nsec.test", "A", plain, "NXDOMAIN ra | | nsec.test./SOA"},
		{"wildcard", "x.w.nsec.test", "TXT", do, "NOERROR ra ad | x.w.nsec.test./TXT x.w.nsec.test./RRSIG:TXT | host.w.nsec.test./NSEC host.w.nsec.test./RRSIG:NSEC"},
		{"below a name beside a wildcard", "x.host.w.nsec.test", "TXT", plain, "NXDOMAIN ra | | nsec.test./SOA"},
		{"alias", "c.nsec.test", "A", plain, "NOERROR ra | c.nsec.test./CNAME mx.nsec.test./A"},
		{"alias asked for", "c.nsec.test", "CNAME", plain, "NOERROR ra | c.nsec.test./CNAME"},
		{"alias to nothing", "cx.nsec.test", "A", plain, "NXDOMAIN ra | cx.nsec.test./CNAME | nsec.test./SOA"},
		{"alias to an unsigned zone", "cu.nsec.test", "A", ad, "NOERROR ra | cu.nsec.test./CNAME www.unsigned.test./A"},
		{"DNAME", "mx.d.nsec.test", "A", do, "NOERROR ra ad | d.nsec.test./DNAME d.nsec.test./RRSIG:DNAME mx.d.nsec.test./CNAME mx.other.other.test./A mx.other.other.test./RRSIG:A"},
		{"DNAME itself", "d.nsec.test", "A", plain, "NOERROR ra | | nsec.test./SOA"},
		{"DNAME makes a name too long", strings.Repeat(strings.Repeat("a", 60)+".", 3) + strings.Repeat("b", 54) + ".d.nsec.test", "A", plain, "YXDOMAIN ra | d.nsec.test./DNAME"},
		{"DS above the cut", "plain.nsec.test", "DS", do, "NOERROR ra ad | | nsec.test./SOA nsec.test./RRSIG:SOA plain.nsec.test./NSEC plain.nsec.test./RRSIG:NSEC"},
		{"DS of the root", ".", "DS", plain, "NOERROR ra | | ./SOA"},
		{"opt-out", "unsigned.test", "DS", ad, "NOERROR ra | | test./SOA"},
		{"nobody there", "www.sub.nsec.test", "A", edns, "SERVFAIL ra | | | EDE:22"},
		{"DS of nobody", "sub.nsec.test", "DS", ad, "NOERROR ra ad | | nsec.test./SOA"},
		{"bogus", "mx.corrupt.test", "A", edns, "SERVFAIL ra | | | EDE:6"},
		{"bogus without EDNS", "mx.corrupt.test", "A", plain, "SERVFAIL ra"},
		{"bogus, CD", "mx.corrupt.test", "A", do | cd, "NOERROR ra cd | mx.corrupt.test./A mx.corrupt.test./RRSIG:A"},
		{"bogus, DS", "corrupt.test", "DS", ad, "NOERROR ra ad | corrupt.test./DS"},
		{"expired", "mx.expired.test", "A", edns, "SERVFAIL ra | | | EDE:7"},
		{"not yet valid", "mx.future.test", "A", edns, "SERVFAIL ra | | | EDE:8"},
		{"no key fits", "mx.badds.test", "A", edns, "SERVFAIL ra | | | EDE:9"},
		{"stripped", "mx.stripped.test", "A", edns, "SERVFAIL ra | | | EDE:9"},
		{"too long for UDP", "nsec.test", "ANY", small | do, "NOERROR tc ra ad"},
		{"transfers are refused", "nsec.test", "AXFR", plain, "REFUSED ra"},
	} {
		t.Run(c.label, func(t *testing.T) {
			if got := outline(ask(t, s, dnstest.UDP, c.name, c.typ, c.flags)); got != c.want {
				t.Errorf("%s %s:\n got %s\nwant %s", c.name, c.typ, got, c.want)
			}
		})
	}
}

func TestAuthoritative(t *testing.T) {
	w := testWorld(t, now)
	s := w.Authoritative("nsec.test", "other.test", "no.such.zone")
	for _, c := range []struct {
		label, name, typ string
		flags            int
		want             string
	}{
		{"answer", "nsec.test", "MX", ad, "NOERROR aa | nsec.test./MX"},
		{"CD is not copied", "nsec.test", "MX", cd, "NOERROR aa | nsec.test./MX"},
		{"outside", "nsec3.test", "MX", edns, "REFUSED | | | EDE:20"},
		{"signed referral", "mx.child.nsec.test", "A", do, "NOERROR | | child.nsec.test./NS child.nsec.test./DS child.nsec.test./RRSIG:DS | ns.child.nsec.test./A ns.child.nsec.test./AAAA"},
		{"unsigned referral", "mx.plain.nsec.test", "A", do, "NOERROR | | plain.nsec.test./NS plain.nsec.test./NSEC plain.nsec.test./RRSIG:NSEC | ns.plain.nsec.test./A ns.plain.nsec.test./AAAA"},
		{"plain referral", "child.nsec.test", "MX", plain, "NOERROR | | child.nsec.test./NS | ns.child.nsec.test./A ns.child.nsec.test./AAAA"},
		{"glue is not answered from", "ns.child.nsec.test", "A", plain, "NOERROR | | child.nsec.test./NS | ns.child.nsec.test./A ns.child.nsec.test./AAAA"},
		{"DS above the cut", "child.nsec.test", "DS", plain, "NOERROR aa | child.nsec.test./DS"},
		{"DS with the child's server", "nsec.test", "DS", plain, "NOERROR aa | | nsec.test./SOA"},
		{"alias into another zone", "mx.d.nsec.test", "A", plain, "NOERROR aa | d.nsec.test./DNAME mx.d.nsec.test./CNAME mx.other.other.test./A"},
		{"alias that leads out", "cu.nsec.test", "A", plain, "NOERROR aa | cu.nsec.test./CNAME"},
		{"bogus does not matter", "other.test", "NS", plain, "NOERROR aa | other.test./NS"},
	} {
		t.Run(c.label, func(t *testing.T) {
			if got := outline(ask(t, s, dnstest.UDP, c.name, c.typ, c.flags)); got != c.want {
				t.Errorf("%s %s:\n got %s\nwant %s", c.name, c.typ, got, c.want)
			}
		})
	}
}

func TestServersFor(t *testing.T) {
	zone := func(origin, text string) *dnstest.Zone {
		return dnstest.MustParseZone(origin, text, dnstest.Options{})
	}
	w, err := dnstest.NewWorld(now,
		zone("a.test", "@ NS ns1.host.test.\n@ NS ns2\nns2 A 192.0.2.2"),
		zone("b.test", "@ NS ns1.host.test."),
		zone("host.test", "@ NS ns1\nns1 A 192.0.2.1\nns1 AAAA 2001:db8::1"),
	)
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"192.0.2.1":        "a.test b.test host.test",
		"::ffff:192.0.2.1": "a.test b.test host.test",
		"2001:db8::1":      "a.test b.test host.test",
		"192.0.2.2":        "a.test",
		"192.0.2.53":       "a.test b.test host.test refer",
	} {
		s := w.ServersFor(netip.MustParseAddr(addr))
		if s == nil || s != w.ServersFor(netip.MustParseAddr(addr)) {
			t.Fatalf("%s: no server, or not the same twice", addr)
		}
		var got []string
		for _, name := range []string{"a.test", "b.test", "host.test"} {
			m := ask(t, s, dnstest.UDP, name, "NS", plain)
			if m.Rcode == dns.RcodeSuccess {
				got = append(got, name)
			}
			if m.Rcode == dns.RcodeSuccess && !m.Authoritative && name == "host.test" {
				got = append(got, "refer")
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s serves %s, want %s", addr, s, want)
		}
	}
	if s := w.ServersFor(netip.MustParseAddr("192.0.2.99")); s != nil {
		t.Error("192.0.2.99 serves something")
	}
	if got := fmt.Sprint(w.Addrs()); got != "[192.0.2.1 192.0.2.2 192.0.2.53 2001:db8::1 2001:db8::53]" {
		t.Error("addresses:", got)
	}
}

// Equal texts and times give equal octets.
func TestDeterministic(t *testing.T) {
	a, b := testWorld(t, now).Resolver(), testWorld(t, now).Resolver()
	for _, zone := range testWorld(t, now).Zones() {
		for _, typ := range []string{"DNSKEY", "SOA", "LOC"} {
			q := query(t, zone, typ, do|cd)
			ra, _ := a.Exchange(t.Context(), dnstest.TCP, q)
			rb, _ := b.Exchange(t.Context(), dnstest.TCP, q)
			again, _ := a.Exchange(t.Context(), dnstest.TCP, q)
			if len(ra) < 50 || !bytes.Equal(ra, rb) || !bytes.Equal(ra, again) {
				t.Errorf("%s %s: not the same twice", zone, typ)
			}
		}
	}
}

// What is no proper query is answered properly.
func TestOddQueries(t *testing.T) {
	s := testWorld(t, now).Resolver()
	change := func(f func(*dns.Msg)) []byte {
		m := new(dns.Msg)
		m.SetQuestion("nsec.test.", dns.TypeMX)
		m.SetEdns0(1232, false)
		f(m)
		octets, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return octets
	}
	for _, c := range []struct {
		name  string
		query []byte
		want  string
	}{
		{"nothing", nil, "silence"},
		{"half a header", make([]byte, 11), "silence"},
		{"half a question", query(t, "nsec.test", "MX", plain)[:20], "FORMERR"},
		{"response", change(func(m *dns.Msg) { m.Response = true }), "silence"},
		{"no question", change(func(m *dns.Msg) { m.Question = nil }), "FORMERR"},
		{"two questions", change(func(m *dns.Msg) { m.Question = append(m.Question, m.Question...) }), "FORMERR"},
		{"update", change(func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate }), "NOTIMP"},
		{"class", change(func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }), "REFUSED"},
		{"EDNS version 1", change(func(m *dns.Msg) { m.IsEdns0().SetVersion(1) }), "BADVERS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			octets, err := s.Exchange(t.Context(), dnstest.UDP, c.query)
			if err != nil {
				t.Fatal(err)
			}
			got := "silence"
			if octets != nil {
				m := new(dns.Msg)
				if err := m.Unpack(octets); err != nil {
					t.Fatal(err)
				}
				got = strings.Fields(strings.Replace(dns.RcodeToString[m.Rcode], "BADSIG", "BADVERS", 1))[0]
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	if _, err := s.Exchange(t.Context(), "pigeon", query(t, "nsec.test", "MX", plain)); err == nil {
		t.Error("an unknown transport is served")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Exchange(ctx, dnstest.UDP, query(t, "nsec.test", "MX", plain)); !errors.Is(err, context.Canceled) {
		t.Error("a context that is over is not obeyed:", err)
	}
}

func TestAliasLoop(t *testing.T) {
	w, err := dnstest.NewWorld(now, dnstest.MustParseZone("loop.test", apex+"a CNAME b\nb CNAME a\nd DNAME d.d\n", dnstest.Options{Signed: true}))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.loop.test", "x.d.loop.test"} {
		if got := outline(ask(t, w.Resolver(), dnstest.UDP, name, "A", plain)); got != "SERVFAIL ra" {
			t.Errorf("resolver, %s: %s", name, got)
		}
		if m := ask(t, w.Authoritative("loop.test"), dnstest.TCP, name, "A", plain); m == nil || len(m.Answer) == 0 {
			t.Errorf("authoritative server, %s: %s", name, outline(m))
		}
	}
}

func TestCount(t *testing.T) {
	s := testWorld(t, now).Resolver()
	for range 3 {
		ask(t, s, dnstest.UDP, "NSEC.test", "MX", plain)
	}
	ask(t, s, dnstest.TCP, "nsec.test", "MX", do)
	ask(t, s, dnstest.TCP, "nsec.test", "A", do)
	counts := s.Count()
	if len(counts) != 2 || counts[dnstest.Question{Name: "nsec.test.", Type: dns.TypeMX}] != 4 || s.Total() != 5 {
		t.Error("counted", counts, s.Total())
	}
	s.ResetCount()
	if len(s.Count()) != 0 || s.Total() != 0 {
		t.Error("the count goes on after it was reset")
	}
}
