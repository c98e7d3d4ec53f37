package rpki_test

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"mailvet/dnscheck/rpki"
)

// An address is judged by the routes to it, each by the VRPs that cover it.
func Example() {
	vrpFile := `{"metadata": {"generated": 1795341600}, "roas": [
		{"asn": "AS64496", "prefix": "192.0.2.0/24", "maxLength": 24, "ta": "ripe"},
		{"asn": "AS64500", "prefix": "198.51.100.0/24", "maxLength": 24, "ta": "ripe"}]}`
	routeFile := "% origin, prefix, peers\n" +
		"64496\t192.0.2.0/24\t350\n" +
		"64499\t192.0.2.0/25\t12\n" +
		"64499\t192.0.2.0/26\t1\n" +
		"64501\t203.0.113.0/24\t340\n"

	var vb rpki.VRPBuilder
	src, err := rpki.VRPReader{}.Read(strings.NewReader(vrpFile), &vb)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	fmt.Println(src.Kept, src.Format, src.Condition(now, rpki.DefaultMaxAge))
	vrps, err := vb.Build()
	if err != nil {
		fmt.Println(err)
		return
	}

	var rb rpki.RouteBuilder
	if _, err := (rpki.RouteReader{}).Read(strings.NewReader(routeFile), &rb); err != nil {
		fmt.Println(err)
		return
	}
	routes, err := rb.Build()
	if err != nil {
		fmt.Println(err)
		return
	}

	for _, addr := range []string{"192.0.2.25", "203.0.113.25", "198.51.100.25"} {
		to, condition := routes.To(netip.MustParseAddr(addr))
		fmt.Printf("%s: %d routes (%s)\n", addr, len(to), condition)
		for _, r := range to {
			x := vrps.Validate(r)
			fmt.Println(" ", r, x, x.VRPs())
		}
	}
	// Output:
	// 2 json usable
	// 192.0.2.25: 2 routes (usable)
	//   192.0.2.0/25 AS64499 invalid (length) [192.0.2.0/24-24 AS64496]
	//   192.0.2.0/24 AS64496 valid [192.0.2.0/24-24 AS64496]
	// 203.0.113.25: 1 routes (usable)
	//   203.0.113.0/24 AS64501 not-found []
	// 198.51.100.25: 0 routes (usable)
}

// What cannot be relied on is not judged.
func ExampleWithoutVRPs() {
	r := rpki.Route{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Origin: 64496}
	src := rpki.Source{Format: rpki.FormatJSON, Generated: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Kept: 500000}
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	fmt.Println(rpki.WithoutVRPs(src.Condition(now, 0)).Validate(r))
	// Output: unknown (stale)
}

// Who announces an address can be asked of the DNS; asking is the caller's.
func ExampleZones() {
	var zones rpki.Zones
	addr := netip.MustParseAddr("192.0.2.25")
	fmt.Println(zones.OriginName(addr), "TXT?")
	list, err := rpki.ParseAnnouncements(addr, []string{"64496 64497 | 192.0.2.0/24 | NL | ripencc | 2001-02-03"})
	fmt.Println(rpki.RoutesOf(list), list[0].Country, err)
	fmt.Println(zones.SystemName(64496), "TXT?")
	as, err := rpki.ParseSystem("64496 | NL | ripencc | 2001-02-03 | EXAMPLE Example B.V., NL")
	fmt.Println(as.Name, err)
	// Output:
	// 25.2.0.192.origin.asn.cymru.com TXT?
	// [192.0.2.0/24 AS64497 192.0.2.0/24 AS64496] NL <nil>
	// as64496.asn.cymru.com TXT?
	// EXAMPLE Example B.V., NL <nil>
}
