package dnscheck_test

import (
	"slices"
	"strings"
	"testing"

	"mailvet/dnscheck"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// rpkiServers is twoServers with the name servers of the mail servers' names
// and VRPs, before the routes to any address are known.
const rpkiServers = twoServers + `
mx1.example.test NS nodata
mx2.example.test NS nodata
vantage rpki
`

const (
	valid4 = " usable usable covered 192.0.2.0/24=64500=valid\n"
	valid6 = " usable usable covered 2001:db8::/32=64500=valid\n"
)

// routed is rpkiServers with a valid route to each address, but for the lines
// given, which say what else is known of an address.
func routed(lines ...string) string { return routedIn(rpkiServers, lines...) }

func routedIn(world string, lines ...string) string {
	text := world
	for _, a := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.11", "192.0.2.12", "2001:db8::1", "2001:db8::2", "2001:db8::11", "2001:db8::12"} {
		given := slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, a+" ") })
		switch {
		case given || !strings.Contains(world, "= "+a+"\n"):
		case strings.Contains(a, ":"):
			text += "routing " + a + valid6
		default:
			text += "routing " + a + valid4
		}
	}
	for _, l := range lines {
		if !strings.HasSuffix(l, " -") { // nobody looked
			text += "routing " + l + "\n"
		}
	}
	return text
}

// rpkiAll gives all three groups of hosts the same two answers.
func rpkiAll(exists, valid string) []string {
	var list []string
	for _, group := range []string{"mx", "ns", "mx-ns"} {
		list = append(list, "rpki-"+group+"-exists "+exists, "rpki-"+group+"-valid "+valid)
	}
	return list
}

func rpkiMX(exists, valid string) []string {
	return []string{"rpki-mx-exists " + exists, "rpki-mx-valid " + valid}
}

func everywhere(what string) []string {
	var list []string
	for _, a := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.11", "192.0.2.12", "2001:db8::1", "2001:db8::2", "2001:db8::11", "2001:db8::12"} {
		list = append(list, a+" "+what)
	}
	return list
}

func everywhere4(what string) []string { return everywhere(what)[:4] }

var rpkiRows = []judged{
	{"all valid", routed(), rpkiAll("covered good", "valid good")},
	{"no ROA", routed(everywhere4("usable usable 192.0.2.0/24=64500=not-found")...), rpkiAll("not-covered bad", "not-found bad")},
	{"invalid: there is a ROA", routed(everywhere4("usable usable covered 192.0.2.0/24=64501=invalid")...), rpkiAll("covered good", "invalid invalid")},
	{"invalid before not found", routed("192.0.2.11 usable usable covered 192.0.2.0/24=64501=invalid", "192.0.2.12 usable usable 192.0.2.0/24=64500=not-found"),
		rpkiMX("not-covered bad", "invalid invalid")},
	{"no route, no ROA", routed("192.0.2.11 usable usable"), rpkiMX("not-covered bad", "valid-or-unrouted good")},
	{"no route, but a ROA", routed("192.0.2.1 usable usable covered", "192.0.2.11 usable usable covered"), rpkiAll("covered good", "valid-or-unrouted good")},
	{"nothing routed, no ROA", routed(everywhere("usable usable")...), rpkiAll("not-covered bad", "not-routed not-routed")},
	{"nothing routed, ROAs", routed(everywhere("usable usable covered")...), rpkiAll("covered good", "not-routed not-routed")},
	{"a less specific route is not found", routed("192.0.2.11 usable usable covered 192.0.2.0/24=64500=valid 192.0.0.0/16=64501=not-found"),
		rpkiMX("covered good", "not-found bad")},
	{"a ROA for a part of the route only", routed("192.0.2.11 usable usable covered 192.0.0.0/16=64500=not-found"), rpkiMX("not-covered bad", "not-found bad")},
	{"two origins, one against the ROA", routed("192.0.2.11 usable usable covered 192.0.2.0/24=64500=valid 192.0.2.0/24=64501=invalid"), rpkiMX("covered good", "invalid invalid")},

	// What Internet.nl does not look at.
	{"a route to less than a /24", routed("192.0.2.11 usable usable covered 192.0.2.0/25=64501=invalid 192.0.2.0/24=64500=valid"), rpkiMX("covered good", "invalid good")},
	{"only such routes", routed("192.0.2.11 usable usable 192.0.2.0/25=64501=not-found"), rpkiMX("not-covered bad", "not-found good")},
	{"a set of origins", routed("2001:db8::11 usable usable covered 2001:db8::/32=64500=valid 2001:db8::/48=0=invalid"), rpkiMX("covered good", "invalid good")},

	// What is not known is not failed.
	{"no VRPs at all", routed(everywhere("unavailable unknown")...), rpkiAll("source-unavailable not-tested", "source-unavailable not-tested/validator_error")},
	{"old VRPs", routed(everywhere("stale unknown")...), rpkiAll("source-unavailable not-tested", "source-unavailable not-tested/validator_error")},
	{"VRPs of tomorrow", routed(everywhere("ahead unknown")...), rpkiAll("source-unavailable not-tested", "source-unavailable not-tested/validator_error")},
	{"no VRPs of IPv6", routed("2001:db8::11 empty unknown"), rpkiMX("source-unavailable not-tested", "source-unavailable not-tested/validator_error")},
	{"no VRPs of IPv4", routed("192.0.2.11 empty unknown"), rpkiMX("source-unavailable not-tested", "source-unavailable not-tested/validator_error")},
	{"nobody tells the routes of one address", routed("192.0.2.11 usable unavailable covered"), rpkiMX("covered good", "source-unavailable not-tested/validator_error")},
	{"nor whether there is a ROA", routed("192.0.2.11 usable unavailable"), rpkiMX("not-covered bad", "source-unavailable not-tested/validator_error")},
	{"a route that nobody judged", routed("192.0.2.11 usable usable covered 192.0.2.0/24=64500=unknown"), rpkiMX("not-covered bad", "source-unavailable not-tested/validator_error")},
	{"invalid is certain whatever else is unknown", routed("192.0.2.11 usable unavailable covered", "192.0.2.12 usable usable covered 192.0.2.0/24=64501=invalid"),
		rpkiMX("covered good", "invalid not-tested/validator_error")},
	{"an address nobody looked at", routed("192.0.2.11 -"), rpkiMX("not-looked-up -", "not-looked-up -")},
	{"but another is without ROA", routed("192.0.2.11 -", "192.0.2.12 usable usable 192.0.2.0/24=64500=not-found"), rpkiMX("not-covered bad", "not-found bad")},
	{"addresses of a server fail", routedIn(without(rpkiServers, []string{"mx2.example.test A", "ns2.example.test AAAA"}, "mx2.example.test A servfail\nmx2.example.test AAAA servfail\nns2.example.test AAAA timeout\n")),
		rpkiAll("addresses-unknown good", "addresses-unknown good")},
	{"all fail", routedIn(without(rpkiServers, []string{"mx1.example.test A", "mx2.example.test A"}, "mx1.example.test A servfail\nmx1.example.test AAAA servfail\nmx2.example.test A servfail\nmx2.example.test AAAA servfail\n")),
		rpkiMX("addresses-unknown no-addresses", "addresses-unknown not-tested")},
	{"the MX lookup fails", "example.test MX servfail\nvantage rpki\n", rpkiMX("addresses-unknown no-addresses", "addresses-unknown not-tested")},
	{"no time for the addresses", routedIn(without(rpkiServers, []string{"mx1.example.test A "}, "mx1.example.test A budget\n")), rpkiMX("not-looked-up -", "not-looked-up -")},
	{"too many name servers", "vantage rpki\n" + hosts("reach", "ns", 21, 0, "reached"), []string{"rpki-ns-exists not-looked-up -", "rpki-ns-valid not-looked-up -"}},

	// Nothing to judge.
	{"no mail servers", "example.test MX nodata\nvantage rpki\n", rpkiMX("no-addresses no-addresses", "no-addresses not-tested")},
	{"mail servers without addresses", "example.test MX = 10 mx.example.test.\nmx.example.test A nodata\nmx.example.test AAAA nxdomain\nvantage rpki\n",
		rpkiMX("no-addresses no-addresses", "no-addresses not-tested")},
	{"nothing anywhere", "example.test MX nodata\nexample.test NS nodata\nvantage rpki\n", rpkiAll("no-addresses no-addresses", "no-addresses not-tested")},

	// The name servers of mail servers.
	{"those of the top-level domain", `
		example.test MX = 10 mx.host.example.
		mx.host.example NS nxdomain
		host.example NS nxdomain
		example NS = ns.nic.example.
		ns.nic.example A = 192.0.2.1
		ns.nic.example AAAA nodata
		vantage rpki
		routing 192.0.2.1 usable usable covered 192.0.2.0/24=64501=invalid
		`, []string{"rpki-mx-ns-exists covered good", "rpki-mx-ns-valid invalid invalid"}},
	{"a climb that fails goes on, as at Internet.nl, and is unknown", strings.ReplaceAll(routed(), "mx1.example.test NS nodata", "mx1.example.test NS servfail"),
		[]string{"rpki-mx-ns-exists addresses-unknown good", "rpki-mx-ns-valid addresses-unknown good"}},
	{"a climb too long", "example.test MX = 10 a.b.c.d.e.f.g.h.i.j.example.\nvantage rpki\n" + func() (text string) {
		for name := "a.b.c.d.e.f.g.h.i.j.example"; name != "example"; _, name, _ = strings.Cut(name, ".") {
			text += name + " NS nodata\n"
		}
		return text
	}(), []string{"rpki-mx-ns-exists not-looked-up -", "rpki-mx-ns-valid not-looked-up -"}},
	{"a climb cut short", strings.ReplaceAll(routed(), "mx1.example.test NS nodata", "mx1.example.test NS budget"),
		[]string{"rpki-mx-ns-exists not-looked-up -", "rpki-mx-ns-valid not-looked-up -"}},

	// Without a source of VRPs.
	{"no --vrps", twoServers + "vantage no-rpki\n", rpkiAll("no-source -", "no-source -")},
	{"evidence of before", twoServers, rpkiAll("no-source -", "no-source -")},
	{"no --vrps, no mail", "example.test MX nodata\nexample.test NS = ns.example.test.\nns.example.test A = 192.0.2.1\nns.example.test AAAA nodata\n",
		[]string{"rpki-mx-exists no-addresses no-addresses", "rpki-mx-valid no-addresses not-tested", "rpki-ns-exists no-source -", "rpki-ns-valid no-source -",
			"rpki-mx-ns-exists no-addresses no-addresses", "rpki-mx-ns-valid no-addresses not-tested"}},
}

func TestRPKI(t *testing.T) { runJudged(t, rpkiRows, check.RPKI) }

func TestEveryRPKICodeIsProduced(t *testing.T) {
	everyCode(t, "rpki", produced(rpkiRows, check.RPKI))
}

// The words that the details of routes make.
func TestRPKITexts(t *testing.T) {
	tests := []struct{ name, world, id, want string }{
		{"valid, each route once", routed(), "rpki-mx-valid", "valid origin: 192.0.2.0/24 from AS64500, 2001:db8::/32 from AS64500."},
		{"invalid, with what is allowed", routed("192.0.2.11 usable usable covered 192.0.2.0/24=64501=invalid"), "rpki-mx-valid",
			"192.0.2.0/24 from AS64501, to mx1.example.test [192.0.2.11] (allowed: AS64500 for 192.0.2.0/24 up to /24). Networks"},
		{"beside an address without route", routed("192.0.2.11 usable usable covered"), "rpki-mx-valid", "AS64500. No route is known, though, to mx1.example.test [192.0.2.11]:"},
		{"no difference is not told", routed("192.0.2.11 usable usable covered 192.0.2.0/24=64501=invalid"), "rpki-mx-valid", "drop them."},
		{"a difference is", routed("192.0.2.11 usable usable covered 192.0.2.0/25=64501=invalid 192.0.2.0/24=64500=valid"), "rpki-mx-valid",
			`By Internet.nl's rules the verdict on the same facts is "good".`},
		{"a set", routed("192.0.2.11 usable usable 192.0.2.0/24=0=not-found"), "rpki-mx-valid", "192.0.2.0/24 from a set of several AS, to mx1.example.test [192.0.2.11]."},
		{"uncovered", routed("192.0.2.11 usable usable"), "rpki-mx-exists", "mail server of example.test: mx1.example.test [192.0.2.11]."},
		{"old", routed(everywhere("stale unknown")...), "rpki-ns-exists", "is not known: the validated payloads are too old."},
		{"of one family", routed("2001:db8::11 empty unknown"), "rpki-mx-exists", "the validated payloads hold nothing of IPv6."},
		{"routes", routed("192.0.2.11 usable unavailable covered"), "rpki-mx-valid", "the routes to 192.0.2.11 could not be had (no answer in time)."},
		{"what to give", twoServers, "rpki-mx-valid", "--vrps FILE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range check.Run(checksOf(check.RPKI), world(tt.world)) {
				if r.Check.ID != tt.id {
					continue
				}
				f := r.Findings[0]
				if got := check.Render(f.Code.Text, f.Args); !strings.Contains(got, tt.want) {
					t.Errorf("%q, want in it %q", got, tt.want)
				}
			}
		})
	}
}

// Without VRPs nothing is asked for RPKI; with them the name servers of the
// mail servers' names, and the routes to each address once.
func TestRPKIWants(t *testing.T) {
	const elsewhere = `
		example.test MX = 10 mx.host.example.
		example.test NS = ns.example.test.
		ns.example.test A = 192.0.2.1
		mx.host.example A = 192.0.2.11
		mx.host.example NS nodata
		host.example NS = ns.host.example.
		ns.host.example A = 192.0.2.1 ; 192.0.2.2
		`
	without, _ := scan(t, world(elsewhere))
	for _, q := range flat(without) {
		if strings.HasPrefix(q, "host.example") || strings.HasPrefix(q, "ns.host.example") || q == "mx.host.example NS" {
			t.Errorf("%s was asked without VRPs", q)
		}
	}
	rounds, _ := scan(t, world(elsewhere+"vantage rpki\n"))
	asked := flat(rounds)
	for _, q := range []string{"mx.host.example NS", "host.example NS", "ns.host.example A", "ns.host.example AAAA"} {
		if !slices.Contains(asked, q) {
			t.Errorf("%s was not asked", q)
		}
	}
	if slices.Contains(asked, "example NS") {
		t.Error("the climb went beyond the zone")
	}
	if more := len(asked) - len(flat(without)); more != 4 {
		t.Errorf("%d questions more, want 4", more)
	}

	s := world(elsewhere + "vantage rpki\n")
	var got []string
	for _, a := range dnscheck.RouteWants(s) {
		got = append(got, a.String())
	}
	if want := []string{"192.0.2.11", "192.0.2.1", "192.0.2.2"}; !slices.Equal(got, want) {
		t.Errorf("routes to %v, want %v", got, want)
	}
	s = world(elsewhere + "vantage rpki\nrouting 192.0.2.1 usable usable\n")
	if got := dnscheck.RouteWants(s); len(got) != 2 {
		t.Errorf("routes to %v are wanted, one of which is known", got)
	}
	s.Vantage.RPKI = evidence.Missing
	if got := dnscheck.RouteWants(s); got != nil {
		t.Errorf("routes to %v are wanted without VRPs", got)
	}
}

// However many hosts a domain names, what is asked is bounded.
func TestRPKIWantsAreBounded(t *testing.T) {
	text := "vantage rpki\nexample.test NS nodata\nexample.test MX = 10 a.mx1.example ; 10 a.mx2.example ; 10 a.mx3.example\n"
	for _, mx := range []string{"mx1", "mx2", "mx3"} {
		text += mx + ".example NS = "
		for i := range 30 {
			text += "ns" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + "." + mx + ".example. ; "
		}
		text += mx + ".example.\n"
	}
	s := world(text)
	rounds, _ := scan(t, s)
	if n := len(flat(rounds)); n > 114 { // those of all checks together
		t.Errorf("%d questions", n)
	}
	addrs := "vantage rpki\nexample.test MX = 10 mx.example.\nmx.example A = 192.0.2.1"
	for i := 2; i < 60; i++ {
		addrs += " ; 192.0.2." + string(rune('0'+i/10)) + string(rune('0'+i%10))
	}
	if n := len(dnscheck.RouteWants(world(addrs + "\n"))); n > 16 {
		t.Errorf("routes to %d addresses of one host", n)
	}
}
