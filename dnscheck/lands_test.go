package dnscheck_test

import (
	"slices"
	"strings"
	"testing"

	"mailvet/dnscheck"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// apart is two mail servers and two name servers, each in a network of its own,
// over IPv4 alone.
const apart = `
example.test MX = 10 mx1.example.test. ; 20 mx2.example.test.
mx1.example.test A = 192.0.2.1
mx1.example.test AAAA nodata
mx2.example.test A = 198.51.100.1
mx2.example.test AAAA nodata
example.test NS = ns1.example.test. ; ns2.example.test.
ns1.example.test A = 192.0.2.2
ns1.example.test AAAA nodata
ns2.example.test A = 203.0.113.2
ns2.example.test AAAA nodata
`

const (
	here    = "vantage origins\nrouting 192.0.2.1 unknown usable 192.0.2.0/24=64500=unknown=NL\n"
	there   = "routing 198.51.100.1 unknown usable 198.51.100.0/24=64501=unknown=US\n"
	twoLand = apart + here + there
)

var landsRows = []judged{
	{"each in its country", twoLand, []string{"mail-location@mx1.example.test located -", "mail-location@mx2.example.test located -"}},
	{"a source without countries", apart + "vantage rpki\nrouting 192.0.2.1 usable usable 192.0.2.0/24=64500=valid\nrouting 198.51.100.1 usable usable 198.51.100.0/24=64501=valid\n",
		[]string{"mail-location@mx1.example.test located-country-unknown -", "mail-location@mx2.example.test located-country-unknown -"}},
	{"no route to one", apart + here + "routing 198.51.100.1 unknown usable\n", []string{"mail-location@mx1.example.test located -", "mail-location@mx2.example.test not-routed -"}},
	{"a source that does not answer", apart + here + "routing 198.51.100.1 unknown unavailable\n", []string{"mail-location@mx1.example.test located -", "mail-location@mx2.example.test source-unavailable -"}},
	{"an old table", apart + here + "routing 198.51.100.1 unknown stale\n", []string{"mail-location@mx1.example.test located -", "mail-location@mx2.example.test source-unavailable -"}},
	{"one that was not looked up", apart + here, []string{"mail-location@mx1.example.test located -", "mail-location@mx2.example.test not-looked-up -"}},
	{"not asked for", apart, []string{"mail-location@mx1.example.test not-asked -", "mail-location@mx2.example.test not-asked -"}},
	{"no mail", "example.test MX nodata\nvantage origins\n", []string{"mail-location no-mail-servers -"}},
	{"no mail, whether asked or not", "example.test MX nodata\n", []string{"mail-location no-mail-servers -"}},
	{"nobody knows", "example.test MX servfail\n", []string{"mail-location addresses-unknown -"}},
	{"no time", "example.test MX budget\n", []string{"mail-location not-looked-up -"}},

	{"mail servers in several systems", twoLand, []string{"mx-networks several-systems -"}},
	{"in one system", apart + here + "routing 198.51.100.1 unknown usable 198.51.100.0/24=64500=unknown\n", []string{"mx-networks one-system -"}},
	{"one origin of several is the same", apart + here + "routing 198.51.100.1 unknown usable 198.51.100.0/24=64501=unknown 198.51.100.0/24=64500=unknown\n", []string{"mx-networks one-system -"}},
	{"a less specific route does not count", apart + here + "routing 198.51.100.1 unknown usable 198.51.100.0/24=64501=unknown 198.0.0.0/8=64500=unknown\n", []string{"mx-networks several-systems -"}},
	{"sets of systems are none", apart + here + "routing 198.51.100.1 unknown usable 198.51.100.0/24=0=unknown\n", []string{"mx-networks several-systems -"}},
	{"in one announced prefix", strings.ReplaceAll(apart, "198.51.100.1", "192.0.3.1") + "vantage origins\n" +
		"routing 192.0.2.1 unknown usable 192.0.0.0/16=64500=unknown\nrouting 192.0.3.1 unknown usable 192.0.0.0/16=64500=unknown\n", []string{"mx-networks one-prefix -"}},
	{"one of each family", without(strings.ReplaceAll(apart, "198.51.100.1", "192.0.3.1"), []string{"mx2.example.test AAAA"}, "mx2.example.test AAAA = 2001:db8::1\n") + "vantage origins\n" +
		"routing 192.0.2.1 unknown usable 192.0.0.0/16=64500=unknown\nrouting 192.0.3.1 unknown usable 192.0.0.0/16=64500=unknown\nrouting 2001:db8::1 unknown usable 2001:db8::/32=64500=unknown\n",
		[]string{"mx-networks one-prefix -"}},
	{"in one network, known without routes", strings.ReplaceAll(apart, "198.51.100.1", "192.0.2.9"), []string{"mx-networks one-network -"}},
	{"one network of each family", twoServers, []string{"mx-networks one-network -", "ns-networks one-network -"}},
	{"two networks of one family", strings.ReplaceAll(twoServers, "2001:db8::12", "2001:db8:1::12"), []string{"mx-networks systems-not-asked -", "ns-networks one-network -"}},
	{"one address", "example.test MX = 10 mx.example.test.\nmx.example.test A = 192.0.2.1\nmx.example.test AAAA = 2001:db8::1\nexample.test NS = mx.example.test.\n",
		[]string{"mx-networks one-address -", "ns-networks one-address -"}},
	{"one address under two names", strings.ReplaceAll(apart, "198.51.100.1", "192.0.2.1"), []string{"mx-networks one-address -"}},
	{"networks apart, systems not asked for", apart, []string{"mx-networks systems-not-asked -", "ns-networks systems-not-asked -"}},
	{"no answer about one", apart + here + "routing 198.51.100.1 unknown unavailable\n", []string{"mx-networks source-unavailable -"}},
	{"one not looked up", apart + here, []string{"mx-networks not-looked-up -"}},
	{"addresses fail", without(apart, []string{"mx2.example.test A "}, "mx2.example.test A servfail\n"), []string{"mx-networks addresses-unknown -"}},
	{"addresses fail, but two systems are seen", without(apart, []string{"example.test MX", "mx2.example.test AAAA"}, "example.test MX = 10 mx1.example.test. ; 20 mx2.example.test.\nmx2.example.test AAAA timeout\n"+here+there),
		[]string{"mx-networks several-systems -"}},
	{"addresses not asked", without(apart, []string{"mx2.example.test A "}, "mx2.example.test A budget\n"), []string{"mx-networks not-looked-up -"}},
	{"nothing is routed", apart + "vantage origins\nrouting 192.0.2.1 unknown usable\nrouting 198.51.100.1 unknown usable\n", []string{"mx-networks not-routed -"}},
	{"no servers", "example.test MX nodata\nexample.test NS nodata\n", []string{"mx-networks no-addresses -", "ns-networks no-addresses -"}},

	{"name servers in several systems", apart + "vantage rpki\nrouting 192.0.2.2 usable usable 192.0.2.0/24=64500=valid\nrouting 203.0.113.2 usable usable 203.0.113.0/24=64501=valid\n", []string{"ns-networks several-systems -"}},
	{"in one system, name servers", apart + "vantage rpki\nrouting 192.0.2.2 usable usable 192.0.2.0/24=64500=valid\nrouting 203.0.113.2 usable usable 203.0.113.0/24=64500=valid\n", []string{"ns-networks one-system -"}},
	{"in one prefix, name servers", strings.ReplaceAll(apart, "203.0.113.2", "192.0.3.2") + "vantage rpki\nrouting 192.0.2.2 usable usable 192.0.0.0/16=64500=valid\nrouting 192.0.3.2 usable usable 192.0.0.0/16=64500=valid\n", []string{"ns-networks one-prefix -"}},
	{"no route to name servers", apart + "vantage rpki\nrouting 192.0.2.2 usable usable\nrouting 203.0.113.2 usable usable\n", []string{"ns-networks not-routed -"}},
	{"no answer about name servers", apart + "vantage rpki\nrouting 192.0.2.2 usable stale\nrouting 203.0.113.2 usable unavailable\n", []string{"ns-networks source-unavailable -"}},
	{"name servers fail", "example.test NS servfail\nexample.test MX nodata\n", []string{"ns-networks addresses-unknown -"}},
	{"name servers not asked for", "example.test NS budget\nexample.test MX nodata\n", []string{"ns-networks not-looked-up -"}},
}

func TestLands(t *testing.T) { runJudged(t, landsRows, check.Extra) }

func TestEveryLandsCodeIsProduced(t *testing.T) {
	everyCode(t, "lands", produced(landsRows, check.Extra))
}

func TestLandsTexts(t *testing.T) {
	named := "system 64500 EXAMPLE-HOSTING, NL\nsystem 64501 <b>\n"
	tests := []struct{ name, world, id, want string }{
		{"named", twoLand + named, "mail-location", "Mail for mx1.example.test [192.0.2.1] lands in 192.0.2.0/24, which is announced by AS64500 (EXAMPLE-HOSTING, NL) and registered for NL (ripencc)."},
		{"a number alone", twoLand, "mail-location", "announced by AS64500 and registered"},
		{"several origins", strings.ReplaceAll(twoLand, "=64500=unknown=NL", "=64500=unknown=NL 192.0.2.0/24=64502=unknown=DE"), "mail-location", "by AS64500, AS64502 and registered for NL, DE (ripencc)."},
		{"several systems", twoLand + named, "mx-networks", "several autonomous systems: AS64500 (EXAMPLE-HOSTING, NL), AS64501 (<b>)."},
		{"one network", twoServers, "ns-networks", "in one network (192.0.2.0/24, 2001:db8::/48):"},
		{"how to ask", apart, "mail-location", "--origins"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range check.Run(checksOf(check.Extra), world(tt.world)) {
				if r.Check.ID == tt.id {
					if got := check.Render(r.Findings[0].Code.Text, r.Findings[0].Args); !strings.Contains(got, tt.want) {
						t.Errorf("%q, want in it %q", got, tt.want)
					}
				}
			}
		})
	}
}

// Routes without VRPs are asked for where the origins are wanted, but not those
// to the mail servers' name servers; names of systems for mail servers alone.
func TestOriginWants(t *testing.T) {
	const more = `
		mx1.example.test NS nodata
		mx2.example.test NS nodata
		example.test NS = ns1.example.test. ; ns2.example.test.
		`
	tests := []struct {
		name, world string
		routes      []string
		systems     []uint32
	}{
		{"not asked for", apart, nil, nil},
		{"asked for", apart + "vantage origins\n", []string{"192.0.2.1", "198.51.100.1", "192.0.2.2", "203.0.113.2"}, nil},
		{"then the names", twoLand, []string{"192.0.2.2", "203.0.113.2"}, []uint32{64500, 64501}},
		{"not twice", twoLand + "system 64500 X\n", []string{"192.0.2.2", "203.0.113.2"}, []uint32{64501}},
		{"not of name servers", apart + more + "vantage origins\nrouting 192.0.2.2 unknown usable 192.0.2.0/24=64509=unknown\n", []string{"192.0.2.1", "198.51.100.1", "203.0.113.2"}, nil},
		{"not of less specific routes", apart + "vantage origins\nrouting 192.0.2.1 unknown usable 192.0.2.0/24=64500=unknown 192.0.0.0/8=64501=unknown\n", []string{"198.51.100.1", "192.0.2.2", "203.0.113.2"}, []uint32{64500}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := world(tt.world)
			var routes []string
			for _, a := range dnscheck.RouteWants(s) {
				routes = append(routes, a.String())
			}
			if !slices.Equal(routes, tt.routes) {
				t.Errorf("routes to %v, want %v", routes, tt.routes)
			}
			if got := dnscheck.SystemWants(s); !slices.Equal(got, tt.systems) {
				t.Errorf("systems %v, want %v", got, tt.systems)
			}
		})
	}
	s := world("vantage origins\nexample.test MX = 10 mx.example.\nmx.example A = 192.0.2.1\n")
	r := evidence.Routing{Addr: "192.0.2.1", RouteSource: evidence.SourceUsable}
	for i := range 100 {
		r.Routes = append(r.Routes, evidence.Route{Prefix: "192.0.2.0/24", Origin: uint32(64500 + i)})
	}
	s.Routings = append(s.Routings, r)
	if n := len(dnscheck.SystemWants(s)); n != 8 {
		t.Errorf("%d systems are asked for", n)
	}
}
