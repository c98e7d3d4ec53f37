package spf_test

import (
	"context"
	"fmt"
	"net/netip"

	"mailvet/dnscheck/spf"
	"mailvet/report/evidence"
)

func ExampleParse() {
	r, err := spf.Parse("v=spf1 +MX ip4:192.0.2.0/24  include:_spf.example.com ~all")
	fmt.Println(r, err)
	_, err = spf.Parse("v=spf1 mx ip4:192.0.2.300 -all")
	fmt.Println(err)
	// Output:
	// v=spf1 mx ip4:192.0.2.0/24 include:_spf.example.com ~all <nil>
	// spf: offset 10, term "ip4:192.0.2.300": no address of that family
}

// The same record in the two readings: for RFC 7208 it takes 12 lookups, which
// is too many; Internet.nl counts none of them.
func Example() {
	record := "v=spf1 a:m1.example.test a:m2.example.test a:m3.example.test a:m4.example.test a:m5.example.test a:m6.example.test" +
		" a:m7.example.test a:m8.example.test a:m9.example.test a:m10.example.test a:m11.example.test a:m12.example.test -all"
	source := func(name, typ string) *evidence.Lookup {
		return &evidence.Lookup{Name: name, Type: typ, Outcome: evidence.OutcomeAnswer,
			Answer: []evidence.RR{{Name: name, Type: typ, Data: `"` + record + `"`}}}
	}
	tree := spf.Walk(source, "example.test")
	fmt.Println(tree.Lookups(), tree.OverLimit())
	compat := spf.CompatPolicy(source, "example.test", record)
	fmt.Println(compat.Status, compat.Points)
	// Output:
	// 12 true
	// valid 10
}

// May 192.0.2.7 send mail as user@example.test?
func ExampleChecker() {
	zone := zoneOf(`
example.test TXT v=spf1 mx include:_spf.provider.test -all
example.test MX 10 mx.example.test.
mx.example.test A 192.0.2.1
_spf.provider.test TXT v=spf1 ip4:192.0.2.0/29 ~all
`)
	c := spf.Checker{Resolver: zone}
	v, err := c.Check(context.Background(), "example.test", spf.Sender{IP: netip.MustParseAddr("192.0.2.7"), From: "user@example.test", Helo: "mta.test"})
	fmt.Println(v.Result, err)
	for _, step := range v.Path {
		fmt.Println(step.Name, step.Term)
	}
	// Output:
	// pass <nil>
	// example.test include:_spf.provider.test
	// _spf.provider.test ip4:192.0.2.0/29
}

// Who may send, and what does it cost a receiver to find out?
func ExampleLook() {
	zone := zoneOf(`
example.test TXT v=spf1 a include:_spf.provider.test -all
example.test A 192.0.2.9
_spf.provider.test TXT v=spf1 ip4:192.0.2.0/29 ~all
`)
	s, err := spf.Look(context.Background(), zone, "example.test")
	fmt.Println(s.Lookups, s.Authorised().Networks(), err)
	// Output:
	// 2 [192.0.2.0/29 192.0.2.9/32] <nil>
}
