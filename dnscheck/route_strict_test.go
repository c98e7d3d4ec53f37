package dnscheck_test

import (
	"strings"
	"testing"

	"mailvet/report/check"
)

const (
	threeNS = "example.test MX nodata\nexample.test NS = ns1.example.test. ; ns2.example.test. ; ns3.example.test.\n" +
		"ns1.example.test A = 192.0.2.1\nns1.example.test AAAA = 2001:db8::1\nns2.example.test A = 192.0.2.2\nns2.example.test AAAA = 2001:db8::2\nns3.example.test A = 192.0.2.3\n"
	public = "example.test MX = 10 mx.example.test.\nmx.example.test A = 192.0.2.1\nexample.test NS = ns.example.test.\nns.example.test A = 192.0.2.2\nns.example.test AAAA = 2600::2\n"
	twoNS  = "example.test MX nodata\nexample.test NS = ns1.example.test. ; ns2.example.test.\n" +
		"ns1.example.test A nodata\nns1.example.test AAAA = 2600::1\nns2.example.test A nodata\nns2.example.test AAAA = 2600::2\n"
	// way is a mail server with every answer secure.
	way = "example.test MX = 10 mx.example.test.\nexample.test SOA = x\nmx.example.test SOA nodata\nmx.example.test A = 192.0.2.1\nmx.example.test AAAA nodata\n"
)

// exact is the routes of rpkiServers with VRPs that allow them and no more, but
// for a maximum length given.
func exact(maxLength string) string {
	return "example.test MX = 10 mx.example.test.\nmx.example.test A = 192.0.2.1\nmx.example.test AAAA nodata\nexample.test NS = mx.example.test.\nvantage rpki\n" +
		"routing 192.0.2.1 usable usable vrp=192.0.2.0/24-" + maxLength + "=64500 192.0.2.0/24=64500=valid\n"
}

var routeStrictRows = []judged{
	{"all name servers", threeNS + "ns3.example.test AAAA = 2001:db8::3\n", []string{"ipv6-ns-all all -"}},
	{"two of three", threeNS + "ns3.example.test AAAA nodata\n", []string{"ipv6-ns-all some-without -"}},
	{"one without and one that fails", strings.ReplaceAll(threeNS, "ns2.example.test AAAA = 2001:db8::2", "ns2.example.test AAAA servfail") + "ns3.example.test AAAA nodata\n", []string{"ipv6-ns-all unknown -"}},
	{"one alone is told elsewhere", strings.ReplaceAll(threeNS, "ns2.example.test AAAA = 2001:db8::2", "ns2.example.test AAAA nodata") + "ns3.example.test AAAA nodata\n", []string{"ipv6-ns-all too-few -"}},
	{"name servers unknown", "example.test NS servfail\n", []string{"ipv6-ns-all unknown -"}},
	{"no name servers", "example.test NS nxdomain\n", []string{"ipv6-ns-all no-name-servers -"}},
	{"one not asked", threeNS + "ns3.example.test AAAA budget\n", []string{"ipv6-ns-all not-looked-up -"}},
	{"name servers not asked", "example.test NS budget\n", []string{"ipv6-ns-all not-looked-up -"}},
	{"without IPv6 here it is known all the same", threeNS + "ns3.example.test AAAA nodata\nvantage ipv6-missing\n", []string{"ipv6-ns-all some-without -"}},

	{"public", public + "mx.example.test AAAA = 2600::1\n", []string{"ipv6-special public -"}},
	{"mapped", public + "mx.example.test AAAA = ::ffff:192.0.2.1\n", []string{"ipv6-special special-address -"}},
	{"unique local beside a public one", public + "mx.example.test AAAA = 2600::1 ; fd00::1\n", []string{"ipv6-special special-address -"}},
	{"a name server's", strings.ReplaceAll(public, "2600::2", "fe80::2") + "mx.example.test AAAA = 2600::1\n", []string{"ipv6-special special-address -"}},
	{"6to4 of a private address", public + "mx.example.test AAAA = 2002:a00:1::1\n", []string{"ipv6-special special-address -"}},
	{"allowed", public + "mx.example.test AAAA = fd00::1\nvantage private\n", []string{"ipv6-special special-address-allowed -"}},
	{"one fails", public + "mx.example.test AAAA servfail\n", []string{"ipv6-special unknown -"}},
	{"one is special, whatever fails", strings.ReplaceAll(public, "2600::2", "fe80::2") + "mx.example.test AAAA servfail\n", []string{"ipv6-special special-address -"}},
	{"one not asked for", public + "mx.example.test AAAA budget\n", []string{"ipv6-special not-looked-up -"}},
	{"none at all", strings.ReplaceAll(public, "AAAA = 2600::2", "AAAA nodata") + "mx.example.test AAAA nodata\n", []string{"ipv6-special no-address -"}},

	{"secure all the way", way, []string{"dnssec-mail-path secure -"}},
	{"no mail is a secure answer too", "example.test MX nodata\n", []string{"dnssec-mail-path secure -"}},
	{"one RRset is bogus", strings.ReplaceAll(way, "A = 192.0.2.1", "A = 192.0.2.1 | bogus"), []string{"dnssec-mail-path bogus -"}},
	{"a denial is bogus", strings.ReplaceAll(way, "AAAA nodata", "AAAA nodata bogus"), []string{"dnssec-mail-path bogus -"}},
	{"an alias into an unsigned zone", strings.ReplaceAll(way, "mx.example.test A = 192.0.2.1", "mx.example.test A alias mx.plain.example = 192.0.2.1 | insecure"), []string{"dnssec-mail-path insecure-part -"}},
	{"mail servers in an unsigned zone are told elsewhere", "example.test MX = 10 mx.example.\nexample.test SOA = x\nmx.example SOA nodata insecure\nmx.example A = 192.0.2.1 | insecure\nmx.example AAAA nodata insecure\n", []string{"dnssec-mail-path zone-not-secure -"}},
	{"the domain is not signed", "example.test MX nodata insecure\nexample.test SOA = x | insecure\n", []string{"dnssec-mail-path zone-not-secure -"}},
	{"a bogus zone is told elsewhere", "example.test MX = 10 mx.example.\nexample.test SOA = x\nmx.example SOA nodata bogus\nmx.example A = 192.0.2.1 | bogus\nmx.example AAAA nodata bogus\n", []string{"dnssec-mail-path zone-not-secure -"}},
	{"an address fails", strings.ReplaceAll(way, "A = 192.0.2.1", "A timeout"), []string{"dnssec-mail-path unknown -"}},
	{"no keys to be had", strings.ReplaceAll(way, "A = 192.0.2.1", "A = 192.0.2.1 | indeterminate"), []string{"dnssec-mail-path unknown -"}},
	{"not asked", strings.ReplaceAll(way, "A = 192.0.2.1", "A budget"), []string{"dnssec-mail-path not-looked-up -"}},
	{"a resolver that strips", strings.ReplaceAll(way, "A = 192.0.2.1", "A = 192.0.2.1 | bogus") + "vantage strips\n", []string{"dnssec-mail-path resolver-strips -"}},

	{"useful answers", twoNS + "reach ns1.example.test 2600::1 reached NOERROR aa\nreach ns2.example.test 2600::2 reached NOERROR aa\n", []string{"ns-answers useful -"}},
	{"a name that is not there, with authority", twoNS + "reach ns1.example.test 2600::1 reached NXDOMAIN aa\n", []string{"ns-answers useful -"}},
	{"one refuses", twoNS + "reach ns1.example.test 2600::1 reached NOERROR aa\nreach ns2.example.test 2600::2 reached REFUSED\n", []string{"ns-answers lame -"}},
	{"one without authority", twoNS + "reach ns1.example.test 2600::1 reached NOERROR aa\nreach ns2.example.test 2600::2 reached NOERROR\n", []string{"ns-answers lame -"}},
	{"one is no master of it", twoNS + "reach ns1.example.test 2600::1 reached NOERROR aa\nreach ns2.example.test 2600::2 reached NOTAUTH aa\n", []string{"ns-answers lame -"}},
	{"a box on the way answers for all", twoNS + "reach ns1.example.test 2600::1 reached NOERROR\nreach ns2.example.test 2600::2 reached NOERROR\n", []string{"ns-answers none-useful -"}},
	{"all refuse", twoNS + "reach ns1.example.test 2600::1 reached REFUSED\nreach ns2.example.test 2600::2 timeout\n", []string{"ns-answers none-useful -"}},
	{"one fails for now", twoNS + "reach ns1.example.test 2600::1 reached NOERROR aa\nreach ns2.example.test 2600::2 reached SERVFAIL\n", []string{"ns-answers server-failure -"}},
	{"one is silent", twoNS + "reach ns1.example.test 2600::1 reached NOERROR aa\nreach ns2.example.test 2600::2 timeout\n", []string{"ns-answers useful -"}},
	{"all are silent", twoNS + "reach ns1.example.test 2600::1 timeout\n", []string{"ns-answers no-answer -"}},
	{"an answer that cannot be read", twoNS + "reach ns1.example.test 2600::1 reached\n", []string{"ns-answers no-answer -"}},
	{"no IPv6 here", twoNS + "reach ns1.example.test 2600::1 no-family?\n", []string{"ns-answers not-asked -"}},
	{"nobody was asked", twoNS, []string{"ns-answers not-asked -"}},
	{"whom to ask is not known", "example.test NS servfail\n", []string{"ns-answers servers-unknown -"}},

	{"no slack", exact("24"), []string{"rpki-max-length minimal -"}},
	{"slack", exact("28"), []string{"rpki-max-length loose -"}},
	{"slack for another AS", strings.ReplaceAll(exact("28"), "-28=64500", "-28=64501"), []string{"rpki-max-length minimal -"}},
	{"not found", strings.ReplaceAll(exact("24"), "=valid", "=not-found"), []string{"rpki-max-length nothing-authorised -"}},
	{"no route", strings.ReplaceAll(exact("24"), " 192.0.2.0/24=64500=valid", ""), []string{"rpki-max-length nothing-authorised -"}},
	{"old VRPs", strings.ReplaceAll(exact("24"), "routing 192.0.2.1 usable usable vrp=192.0.2.0/24-24=64500 192.0.2.0/24=64500=valid", "routing 192.0.2.1 stale unknown"), []string{"rpki-max-length unknown -"}},
	{"no routes to be had", strings.ReplaceAll(exact("24"), "routing 192.0.2.1 usable usable vrp=192.0.2.0/24-24=64500 192.0.2.0/24=64500=valid", "routing 192.0.2.1 usable unavailable"), []string{"rpki-max-length unknown -"}},
	{"an address fails, RPKI", strings.ReplaceAll(exact("24"), "AAAA nodata", "AAAA servfail"), []string{"rpki-max-length unknown -"}},
	{"nobody looked", without(exact("24"), []string{"routing"}, ""), []string{"rpki-max-length not-looked-up -"}},
	{"no --vrps", without(exact("24"), []string{"routing", "vantage"}, ""), []string{"rpki-max-length no-source -"}},
}

func TestRouteStrict(t *testing.T) { runJudged(t, routeStrictRows, check.Extra) }

func TestEveryRouteStrictCodeIsProduced(t *testing.T) {
	everyCode(t, "route strict", produced(routeStrictRows, check.Extra))
}

func TestRouteStrictTexts(t *testing.T) {
	tests := []struct{ name, world, id, want string }{
		{"which range", public + "mx.example.test AAAA = ::ffff:192.0.2.1\n", "ipv6-special", "mx.example.test [::ffff:192.0.2.1] is IPv4-mapped (RFC 4291, Section 2.5.5.2)."},
		{"which answer", strings.ReplaceAll(way, "A = 192.0.2.1", "A = 192.0.2.1 | bogus"), "dnssec-mail-path", "mx.example.test A (at mx.example.test:"},
		{"how much slack", exact("28"), "rpki-max-length", "192.0.2.0/24 from AS64500 (allowed: 192.0.2.0/24 up to /28)."},
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
