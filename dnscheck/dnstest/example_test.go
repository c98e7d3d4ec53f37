package dnstest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnstest"
)

func Example() {
	zone, err := dnstest.ParseZone("example.test", `
$TTL 300
@   NS  ns
ns  A   192.0.2.1
@   MX  10 mx
mx  A   192.0.2.25
`, dnstest.Options{Signed: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	world, err := dnstest.NewWorld(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), zone)
	if err != nil {
		fmt.Println(err)
		return
	}
	resolver := world.Resolver()

	query := new(dns.Msg)
	query.SetQuestion("example.test.", dns.TypeMX)
	query.SetEdns0(1232, true)
	octets, _ := query.Pack()
	octets, err = resolver.Exchange(context.Background(), dnstest.UDP, octets)
	if err != nil {
		fmt.Println(err)
		return
	}
	reply := new(dns.Msg)
	if err := reply.Unpack(octets); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(reply.Answer[0])
	fmt.Println("signed by", reply.Answer[1].(*dns.RRSIG).SignerName, "secure:", reply.AuthenticatedData)
	fmt.Println("questions:", resolver.Total())

	// Output:
	// example.test.	300	IN	MX	10 mx.example.test.
	// signed by example.test. secure: true
	// questions: 1
}
