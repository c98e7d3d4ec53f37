package resolver_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/dnstest"
	"mailvet/dnscheck/resolver"
)

func Example() {
	zone, err := dnstest.ParseZone("example.test", "@ NS ns\nns A 192.0.2.53\n@ MX 10 mx\n", dnstest.Options{Signed: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	world, err := dnstest.NewWorld(now, zone)
	if err != nil {
		fmt.Println(err)
		return
	}
	n := serving(world.Resolver(), 0)

	r := &resolver.Resolver{
		Servers: []string{"192.0.2.1"},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return n.dial(ctx, network, address)
		},
		Validator: &dnssec.Validator{Anchors: world.Anchors(), Now: func() time.Time { return now }},
	}
	defer r.Close()
	var cost resolver.Cost
	l, err := r.Lookup(resolver.WithCost(context.Background(), &cost), "Example.test.", "MX")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.Name, l.Type, l.Outcome, l.Security)
	for _, rr := range l.Answer {
		fmt.Println(rr.Name, rr.Type, rr.Data)
	}
	for _, z := range l.Zones {
		fmt.Println("zone", z.Name, z.Security)
	}

	// Output:
	// example.test MX answer secure
	// example.test MX 10 mx.example.test.
	// zone . secure
	// zone example.test secure
}

func ExampleParseServer() {
	for _, s := range []string{"192.0.2.1", "2001:db8::1", "tls://dns.example", "https://dns.example", "quic://dns.example"} {
		server, err := resolver.ParseServer(s)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(server)
	}
	// Output:
	// 192.0.2.1:53
	// [2001:db8::1]:53
	// tls://dns.example:853
	// https://dns.example:443/dns-query
	// resolver: "quic://dns.example" is no server: only tcp://, tls:// and https:// are known; without a scheme the server is asked over UDP and TCP
}
