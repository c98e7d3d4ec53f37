package dnssec_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/dnstest"
)

func Example() {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	signed := dnstest.MustParseZone("example.test", "$TTL 300\n@ NS ns\nns A 192.0.2.1\n@ MX 10 mx\n", dnstest.Options{Signed: true})
	world, err := dnstest.NewWorld(now, signed)
	if err != nil {
		fmt.Println(err)
		return
	}
	resolver := &lab{world: world, server: world.Resolver()} // implements dnssec.Source

	v := &dnssec.Validator{Anchors: world.Anchors(), Now: func() time.Time { return now }}
	reply, err := resolver.Fetch(context.Background(), "example.test", dns.TypeMX)
	if err != nil {
		fmt.Println(err)
		return
	}
	result := v.Validate(context.Background(), resolver, "example.test", dns.TypeMX, reply)
	fmt.Println(result.Security)
	for _, z := range result.Zones {
		fmt.Println("zone", z.Name, z.Security)
	}

	reply.Answer[0].(*dns.MX).Mx = "elsewhere.test."
	result = v.Validate(context.Background(), resolver, "example.test", dns.TypeMX, reply)
	fmt.Println(result.Security)

	// Output:
	// secure
	// zone . secure
	// zone example.test secure
	// bogus
}

func ExampleParseAnchors() {
	anchors, err := dnssec.ParseAnchors(strings.NewReader(`
; our own zone
example.test. IN DS 12345 13 2 (
    0000000000000000000000000000000000000000000000000000000000000000 )
`))
	fmt.Println(len(anchors), err)
	_, err = dnssec.ParseAnchors(strings.NewReader("\nexample.test. A 192.0.2.1\n"))
	fmt.Println(err)
	// Output:
	// 1 <nil>
	// dnssec: trust anchors: line 2: a record of type A; anchors are DS or DNSKEY
}
