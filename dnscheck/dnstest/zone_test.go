package dnstest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnstest"
)

func TestParseZoneErrors(t *testing.T) {
	for _, c := range []struct{ name, origin, text, want string }{
		{"origin", "a..b", "", "not a domain name"},
		{"syntax", "a.test", "@ MX mx", "bad MX"},
		{"outside", "a.test", "b.test. A 192.0.2.1", "lies outside"},
		{"class", "a.test", "@ CH TXT x", "class is not IN"},
		{"signature", "a.test", "@ NSEC b NS", "is made by signing"},
		{"second SOA", "a.test", "@ SOA a b 1 2 3 4 5\n@ SOA a b 1 2 3 4 6", "an SOA record too many"},
		{"SOA below", "a.test", "b SOA a b 1 2 3 4 5", "an SOA record too many"},
		{"include", "a.test", "$INCLUDE /etc/passwd", "$INCLUDE directive not allowed"},
	} {
		_, err := dnstest.ParseZone(c.origin, c.text, dnstest.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

func TestNewWorldErrors(t *testing.T) {
	zone := func(text string, o dnstest.Options) *dnstest.Zone {
		return dnstest.MustParseZone("a.test", text, o)
	}
	good := zone("@ NS ns", dnstest.Options{})
	for name, c := range map[string]struct {
		zones []*dnstest.Zone
		want  string
	}{
		"twice":                {[]*dnstest.Zone{good, good}, "is there twice"},
		"no NS":                {[]*dnstest.Zone{zone("@ A 192.0.2.1", dnstest.Options{})}, "has no NS records"},
		"CNAME alone":          {[]*dnstest.Zone{zone("@ NS ns\nx CNAME y\nx TXT z", dnstest.Options{})}, "a CNAME and other records"},
		"wildcard of the root": {[]*dnstest.Zone{dnstest.MustParseZone(".", "@ NS ns\n* A 192.0.2.1", dnstest.Options{Signed: true})}, "cannot sign a wildcard of the root"},
		"salt":                 {[]*dnstest.Zone{zone("@ NS ns", dnstest.Options{Signed: true, NSEC3: &dnstest.NSEC3Options{Salt: "xyz"}})}, "is not hexadecimal"},
	} {
		_, err := dnstest.NewWorld(now, c.zones...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

// What a zone file may contain: origins, comments, brackets, escapes, letters
// in both cases, records twice.
func TestZoneFile(t *testing.T) {
	w, err := dnstest.NewWorld(now, dnstest.MustParseZone("A.Test", `
; a comment
$TTL 1h
@    IN SOA ns hostmaster (
        7 ; serial
        7200 3600 1209600 600 )
     IN NS  ns
$ORIGIN sub.a.test.
Host 60 A   192.0.2.1
host 90 A   192.0.2.1
     90 A   192.0.2.2
\046.x TXT "dot"
\097bc TXT "letter"
`, dnstest.Options{Signed: true}))
	if err != nil {
		t.Fatal(err)
	}
	s := w.Resolver()
	m := ask(t, s, dnstest.UDP, "HOST.sub.a.TEST", "A", ad)
	if got := outline(m); got != "NOERROR ra ad | host.sub.a.test./A host.sub.a.test./A" || m.Answer[1].Header().Ttl != 60 {
		t.Error("got", got, m.Answer)
	}
	for name, want := range map[string]string{`\..x.sub.a.test`: "dot", "abc.sub.a.test": "letter"} {
		m := ask(t, s, dnstest.UDP, name, "TXT", plain)
		if len(m.Answer) != 1 || m.Answer[0].(*dns.TXT).Txt[0] != want {
			t.Error(name, outline(m))
		}
	}
	if m := ask(t, s, dnstest.UDP, "no.a.test", "A", plain); m.Ns[0].Header().Ttl != 600 || m.Ns[0].(*dns.SOA).Serial != 7 {
		t.Error("negative answer with", m.Ns[0])
	}
}

// Delegations and DS records that the parent's text holds stay as they are.
func TestOwnDelegation(t *testing.T) {
	w, err := dnstest.NewWorld(now,
		dnstest.MustParseZone("test", "@ NS ns.a.test.\nchild NS other.test.\nchild DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000", dnstest.Options{Signed: true}),
		dnstest.MustParseZone("child.test", apex+"www A 192.0.2.1\n", dnstest.Options{Signed: true}),
		dnstest.MustParseZone("sub.child.test", apex+"www A 192.0.2.1\n", dnstest.Options{Signed: true}),
	)
	if err != nil {
		t.Fatal(err)
	}
	m := ask(t, w.Authoritative("test"), dnstest.UDP, "child.test", "A", do)
	if got := outline(m); got != "NOERROR | | child.test./NS child.test./DS child.test./RRSIG:DS" || m.Ns[0].(*dns.NS).Ns != "other.test." {
		t.Error("referral:", got, m.Ns)
	}
	for _, name := range []string{"www.child.test", "www.sub.child.test"} {
		if got := outline(ask(t, w.Resolver(), dnstest.UDP, name, "A", edns)); got != "SERVFAIL ra | | | EDE:9" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestUnsignedRoot(t *testing.T) {
	w, err := dnstest.NewWorld(now,
		dnstest.MustParseZone(".", "@ NS ns.a.test.", dnstest.Options{}),
		dnstest.MustParseZone("a.test", apex, dnstest.Options{Signed: true}),
	)
	if err != nil {
		t.Fatal(err)
	}
	if a := w.Anchors(); len(a) != 0 {
		t.Error("anchors:", a)
	}
	if got := outline(ask(t, w.Resolver(), dnstest.UDP, "a.test", "SOA", ad)); got != "NOERROR ra | a.test./SOA" {
		t.Error(got)
	}
}

func FuzzParseZone(f *testing.F) {
	f.Add("example.test", content, "x.w.example.test", true)
	f.Add("example.test", "@ NS ns\n*.a.b NS c\n\\000.\\255 TXT x\nd DNAME .", "d.example.test", false)
	f.Add(".", "@ NS ns\n* CNAME a\n", "x.", true)
	f.Add("a.test", "@ NS ns\n@ CNAME x", ".", false)
	f.Add("*", "@ NS ns\n*.a.b NS c\n\\\x00\x010.\\255 TXT x", "d.example", true)
	f.Add("*p", "@ NS ns\n*a TXT x", "*p", false)
	f.Fuzz(func(t *testing.T, origin, text, name string, hashed bool) {
		o := dnstest.Options{Signed: true, Algorithm: 200} // no time is spent on signatures
		if hashed {
			o.NSEC3 = &dnstest.NSEC3Options{OptOut: true}
		}
		z, err := dnstest.ParseZone(origin, text, o)
		if err != nil {
			return
		}
		w, err := dnstest.NewWorld(now, z)
		if err != nil {
			return
		}
		if _, ok := dns.IsDomainName(name); !ok {
			return
		}
		for _, s := range []*dnstest.Server{w.Resolver(), w.Authoritative(origin)} {
			for _, typ := range []uint16{dns.TypeA, dns.TypeDS, dns.TypeANY, dns.TypeRRSIG} {
				m := new(dns.Msg)
				m.SetQuestion(dns.Fqdn(name), typ)
				m.SetEdns0(65535, true)
				octets, err := m.Pack()
				if err != nil {
					return
				}
				octets, err = s.Exchange(t.Context(), dnstest.TCP, octets)
				if err != nil || m.Unpack(octets) != nil {
					t.Fatalf("no proper reply: %x, %v", octets, err)
				}
			}
		}
	})
}

func FuzzExchange(f *testing.F) {
	s := testWorld(f, now).Resolver()
	f.Add(query(f, "nsec.test", "MX", do))
	f.Add(query(f, "x.w.nsec3.test", "TXT", do|cd))
	f.Add([]byte("\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x01"))
	f.Fuzz(func(t *testing.T, query []byte) {
		reply, err := s.Exchange(t.Context(), dnstest.UDP, query)
		if err != nil || reply != nil && (len(reply) < 12 || len(reply) > 1232 || reply[0] != query[0] || reply[1] != query[1]) {
			t.Errorf("%x: %x, %v", query, reply, err)
		}
	})
}

func BenchmarkNewWorld(b *testing.B) {
	var zones []*dnstest.Zone
	for i := range 20 {
		zones = append(zones, dnstest.MustParseZone(fmt.Sprintf("zone%d.test", i), content, dnstest.Options{Signed: true}))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dnstest.NewWorld(now, zones...); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExchange(b *testing.B) {
	s := testWorld(b, now).Resolver()
	for _, c := range []struct{ name, owner, typ string }{
		{"answer", "nsec.test", "MX"},
		{"NSEC3-NXDOMAIN", "no.nsec3.test", "A"},
	} {
		q := query(b, c.owner, c.typ, do)
		run := func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if reply, err := s.Exchange(b.Context(), dnstest.UDP, q); err != nil || reply == nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(c.name+"/remembered", run)
		// What a fault concerns is not remembered.
		if err := s.AddFaults(dnstest.Fault{Kind: dnstest.ClearAD, Name: c.owner}); err != nil {
			b.Fatal(err)
		}
		b.Run(c.name+"/made", run)
		s.ClearFaults()
	}
}
