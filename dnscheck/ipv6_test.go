package dnscheck_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailvet/dnscheck"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// twoServers is a domain with two name servers and two mail servers, all with
// both address families, all answering. Later lines of a world do not replace
// earlier ones: lines are taken out with without.
const twoServers = `
example.test NS = ns1.example.test. ; ns2.example.test.
ns1.example.test A = 192.0.2.1
ns1.example.test AAAA = 2001:db8::1
ns2.example.test A = 192.0.2.2
ns2.example.test AAAA = 2001:db8::2
reach ns1.example.test 2001:db8::1 reached
reach ns2.example.test 2001:db8::2 reached
example.test MX = 10 mx1.example.test. ; 20 mx2.example.test.
mx1.example.test A = 192.0.2.11
mx1.example.test AAAA = 2001:db8::11
mx2.example.test A = 192.0.2.12
mx2.example.test AAAA = 2001:db8::12
session mx1.example.test 192.0.2.11 reached
session mx1.example.test 2001:db8::11 reached
session mx2.example.test 192.0.2.12 reached
session mx2.example.test 2001:db8::12 reached
`

// without drops the lines that begin with one of the heads and adds others.
func without(text string, heads []string, more string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !slices.ContainsFunc(heads, func(h string) bool { return strings.HasPrefix(line, h) }) {
			b.WriteString(line)
		}
	}
	return b.String() + more
}

// hosts writes n hosts named prefix1, prefix2, ...: addresses, and how each answers on IPv6;
// the first with that many have IPv6 at all.
func hosts(kind, prefix string, n, with int, how string) string {
	var names []string
	var b strings.Builder
	for i := 1; i <= n; i++ {
		name := fmt.Sprintf("%s%02d.example.test", prefix, i)
		data := name + "."
		if kind == "session" {
			data = "10 " + data
		}
		names = append(names, data)
		fmt.Fprintf(&b, "%s A = 192.0.2.%d\n", name, i)
		if i > with {
			fmt.Fprintf(&b, "%s AAAA nodata\n", name)
			continue
		}
		fmt.Fprintf(&b, "%s AAAA = 2001:db8::%d\n", name, i)
		fmt.Fprintf(&b, "%s %s 2001:db8::%d %s\n", kind, name, i, how)
	}
	typ := "NS"
	if kind == "session" {
		typ = "MX"
	}
	return "example.test " + typ + " = " + strings.Join(names, " ; ") + "\n" + b.String()
}

var ipv6Rows = []judged{
	{"everything right", twoServers, []string{
		"ipv6-ns-address enough good", "ipv6-ns-reach all good 10",
		"ipv6-mx-address all good", "ipv6-mx-reach all good 10"}},
	{"one of two answers on a part of its addresses, the other on none", without(twoServers,
		[]string{"ns1.example.test AAAA", "reach ns2", "mx1.example.test AAAA", "session mx2.example.test 2001"}, `
		ns1.example.test AAAA = 2001:db8::1 ; 2001:db8::51
		reach ns1.example.test 2001:db8::51 timeout
		reach ns1.example.test 192.0.2.1 reached
		reach ns2.example.test 2001:db8::2 refused
		mx1.example.test AAAA = 2001:db8::11 ; 2001:db8::61
		session mx1.example.test 2001:db8::61 timeout
		session mx2.example.test 2001:db8::12 refused
		`), []string{"ipv6-ns-reach unreachable bad 1", "ipv6-mx-reach unreachable bad 1"}},
	{"one of two name servers has IPv6", hosts("reach", "ns", 2, 1, "reached"), []string{
		"ipv6-ns-address only-one other", "ipv6-ns-reach all-but-few good 5"}},
	{"two of four name servers have IPv6: the others are left out", hosts("reach", "ns", 4, 2, "reached"), []string{
		"ipv6-ns-address enough good", "ipv6-ns-reach all good 10"}},
	{"one of three name servers has IPv6", hosts("reach", "ns", 3, 1, "reached"), []string{
		"ipv6-ns-address only-one other", "ipv6-ns-reach all-but-few good 3"}},
	{"a single name server gets half at most", hosts("reach", "ns", 1, 1, "reached"), []string{
		"ipv6-ns-address only-one other", "ipv6-ns-reach all-but-few good 5"}},
	{"two name servers, one reached in part", without(twoServers, []string{"ns2.example.test AAAA"}, `
		ns2.example.test AAAA = 2001:db8::2 ; 2001:db8::22
		reach ns2.example.test 2001:db8::22 refused
		`), []string{"ipv6-ns-reach unreachable bad 6"}},
	{"no name server has IPv6", hosts("reach", "ns", 2, 0, ""), []string{
		"ipv6-ns-address none bad", "ipv6-ns-reach no-address not-tested"}},
	{"mapped addresses are none", `
		example.test NS = ns1.example.test.
		ns1.example.test A = 192.0.2.1
		ns1.example.test AAAA = ::ffff:192.0.2.1
		`, []string{"ipv6-ns-address none bad", "ipv6-ns-reach no-address not-tested"}},
	{"a name that cannot be asked for has no address", `
		example.test NS = a..b.
		a..b A bad-name
		a..b AAAA bad-name
		`, []string{"ipv6-ns-address none bad", "ipv6-ns-reach no-address not-tested"}},
	{"the domain does not exist", "example.test NS nxdomain\nexample.test MX nxdomain\nexample.test A nxdomain\nexample.test AAAA nxdomain\n", []string{
		"ipv6-ns-address no-name-servers bad", "ipv6-ns-reach no-address not-tested",
		"ipv6-mx-address no-mx other", "ipv6-mx-reach no-mail-servers not-tested/none"}},
	{"NS and MX fail", "example.test NS servfail\nexample.test MX timeout\n", []string{
		"ipv6-ns-address servers-unknown bad", "ipv6-ns-reach servers-unknown not-tested",
		"ipv6-mx-address mx-unknown other", "ipv6-mx-reach mx-unknown not-tested/none"}},
	{"NS fails: Internet.nl takes those of the zone above", "domain sub.example.test\nsub.example.test NS servfail\n" + hosts("reach", "ns", 2, 2, "reached"), []string{
		"ipv6-ns-address servers-above good", "ipv6-ns-reach servers-above good 10"}},
	{"NS fails, above too", "domain sub.example.test\nsub.example.test NS servfail\nexample.test NS timeout\n", []string{
		"ipv6-ns-address servers-unknown bad", "ipv6-ns-reach servers-unknown not-tested"}},
	{"NS fails, one of two above", "domain sub.example.test\nsub.example.test NS timeout\n" + hosts("reach", "ns", 2, 1, "refused"), []string{
		"ipv6-ns-address servers-above other", "ipv6-ns-reach servers-above bad 0"}},
	{"NS fails, none above", "domain sub.example.test\nsub.example.test NS refused\n" + hosts("reach", "ns", 2, 0, ""), []string{
		"ipv6-ns-address servers-above bad", "ipv6-ns-reach servers-above not-tested"}},
	{"NS fails, above not asked", "domain sub.example.test\nsub.example.test NS servfail\n", []string{
		"ipv6-ns-address not-looked-up -", "ipv6-ns-reach not-looked-up -"}},
	{"NS fails, above not tried", "domain sub.example.test\nsub.example.test NS servfail\n" + without(hosts("reach", "ns", 2, 1, "reached"), []string{"reach"}, ""), []string{
		"ipv6-ns-address servers-above other", "ipv6-ns-reach not-tried -"}},
	{"nothing was asked", "", []string{
		"ipv6-ns-address not-looked-up -", "ipv6-ns-reach not-looked-up -",
		"ipv6-mx-address mx-not-looked-up -", "ipv6-mx-reach not-looked-up -"}},
	{"the scan ran out of time at the first questions", "example.test NS budget\nexample.test MX budget\n", []string{
		"ipv6-ns-address not-looked-up -", "ipv6-ns-reach not-looked-up -",
		"ipv6-mx-address mx-not-looked-up -", "ipv6-mx-reach not-looked-up -"}},
	{"AAAA fails for all", without(twoServers, []string{"ns1.example.test AAAA", "ns2.example.test AAAA", "mx1.example.test AAAA", "mx2.example.test AAAA"}, `
		ns1.example.test AAAA servfail
		ns2.example.test AAAA timeout
		mx1.example.test AAAA servfail
		mx2.example.test AAAA timeout
		`), []string{
		"ipv6-ns-address addresses-unknown bad", "ipv6-ns-reach no-address-known not-tested",
		"ipv6-mx-address addresses-unknown bad", "ipv6-mx-reach no-address-known not-tested"}},
	{"AAAA fails for one of two", without(twoServers, []string{"ns2.example.test AAAA", "mx2.example.test AAAA"}, `
		ns2.example.test AAAA servfail
		mx2.example.test AAAA servfail
		`), []string{
		"ipv6-ns-address addresses-unknown other", "ipv6-ns-reach addresses-unknown good 5",
		"ipv6-mx-address addresses-unknown bad", "ipv6-mx-reach addresses-unknown good 5"}},
	{"AAAA not asked for one of two", without(twoServers, []string{"ns2.example.test AAAA", "mx2.example.test AAAA"}, ""), []string{
		"ipv6-ns-address not-looked-up -", "ipv6-ns-reach not-looked-up -",
		"ipv6-mx-address not-looked-up -", "ipv6-mx-reach not-looked-up -"}},
	{"AAAA asked for none", without(twoServers, []string{"ns1.example.test AAAA", "ns2.example.test AAAA"}, ""), []string{
		"ipv6-ns-address not-looked-up -", "ipv6-ns-reach not-looked-up -"}},
	{"AAAA fails for the third, which does not matter for the addresses", without(twoServers, []string{"example.test NS"}, `
		example.test NS = ns1.example.test. ; ns2.example.test. ; ns3.example.test.
		ns3.example.test A = 192.0.2.3
		ns3.example.test AAAA timeout
		`), []string{"ipv6-ns-address enough good", "ipv6-ns-reach addresses-unknown good 10"}},
	{"no IPv6 here", without(twoServers, []string{"session mx", "reach"}, `
		vantage ipv6-missing
		session mx1.example.test 2001:db8::11 no-family?
		`), []string{
		"ipv6-ns-address enough good", "ipv6-ns-reach no-ipv6-here -",
		"ipv6-mx-address all good", "ipv6-mx-reach no-ipv6-here -"}},
	{"left out with --no-ipv6", without(twoServers, []string{"session mx", "reach"}, "vantage no-ipv6"), []string{
		"ipv6-ns-address enough good", "ipv6-ns-reach left-out -",
		"ipv6-mx-address all good", "ipv6-mx-reach left-out -"}},
	{"left out with --no-smtp", without(twoServers, []string{"session mx"}, "vantage no-smtp"), []string{
		"ipv6-ns-reach all good 10", "ipv6-mx-reach left-out -"}},
	{"not needed, so that leaving it out does not show", hosts("reach", "ns", 2, 0, "") + "vantage no-ipv6\n", []string{
		"ipv6-ns-reach no-address not-tested"}},
	{"refused on IPv6", without(twoServers, []string{"session mx2.example.test 2001", "reach ns2"}, `
		session mx2.example.test 2001:db8::12 refused
		reach ns2.example.test 2001:db8::2 refused
		`), []string{
		"ipv6-ns-reach unreachable bad 5",
		"ipv6-mx-reach unreachable bad 5"}},
	{"silent on IPv6, answers on IPv4", without(twoServers, []string{"session mx2.example.test 2001", "reach ns2"}, `
		session mx2.example.test 2001:db8::12 timeout
		reach ns2.example.test 2001:db8::2 timeout
		reach ns2.example.test 192.0.2.2 reached
		`), []string{
		"ipv6-ns-reach unreachable bad 5",
		"ipv6-mx-reach unreachable bad 5"}},
	{"silent on IPv6, refuses on IPv4: somebody is there", without(twoServers, []string{"session mx2", "reach ns2"}, `
		session mx2.example.test 2001:db8::12 timeout
		session mx2.example.test 192.0.2.12 refused
		reach ns2.example.test 2001:db8::2 timeout
		reach ns2.example.test 192.0.2.2 refused
		`), []string{
		"ipv6-ns-reach unreachable bad 5",
		"ipv6-mx-reach unreachable bad 5"}},
	{"silent on IPv6, no IPv4 to compare", without(twoServers, []string{"mx2.example.test A ", "ns2.example.test A ", "session mx2", "reach ns2"}, `
		mx2.example.test A nodata
		ns2.example.test A nodata
		session mx2.example.test 2001:db8::12 timeout
		reach ns2.example.test 2001:db8::2 timeout
		`), []string{
		"ipv6-ns-reach unreachable bad 5",
		"ipv6-mx-reach unreachable bad 5"}},
	{"one host is silent on both", without(twoServers, []string{"session mx2", "reach ns2"}, `
		session mx2.example.test 2001:db8::12 timeout
		session mx2.example.test 192.0.2.12 timeout
		reach ns2.example.test 2001:db8::2 timeout
		reach ns2.example.test 192.0.2.2 timeout
		`), []string{
		"ipv6-ns-reach host-silent bad 5",
		"ipv6-mx-reach host-silent bad 5"}},
	{"one host is silent on both, another's IPv6 is broken", without(twoServers, []string{"session", "reach"}, `
		session mx1.example.test 2001:db8::11 unreachable
		session mx1.example.test 192.0.2.11 reached
		session mx2.example.test 2001:db8::12 timeout
		session mx2.example.test 192.0.2.12 timeout
		reach ns1.example.test 2001:db8::1 unreachable
		reach ns2.example.test 2001:db8::2 timeout
		reach ns2.example.test 192.0.2.2 timeout
		`), []string{
		"ipv6-ns-reach unreachable bad 0",
		"ipv6-mx-reach unreachable bad 0"}},
	{"special-purpose addresses", without(twoServers, []string{"session mx2.example.test 2001", "reach ns2", "mx2.example.test AAAA"}, `
		mx2.example.test AAAA = fd00::12
		session mx2.example.test fd00::12 forbidden?
		reach ns2.example.test 2001:db8::2 forbidden
		`), []string{
		"ipv6-ns-reach special-address bad 5",
		"ipv6-mx-reach special-address bad 5"}},
	{"not tried, or cut short", without(twoServers, []string{"session mx2.example.test 2001", "reach ns2"}, `
		session mx2.example.test 2001:db8::12 budget?
		`), []string{
		"ipv6-ns-reach not-tried -",
		"ipv6-mx-reach not-tried -"}},
	{"cancelled is not unreachable even if it is recorded so", without(twoServers, []string{"reach ns2"}, `
		reach ns2.example.test 2001:db8::2 cancelled
		`), []string{"ipv6-ns-reach not-tried -"}},
	{"one of three mail servers has no AAAA", hosts("session", "mx", 3, 2, "reached"), []string{
		"ipv6-mx-address some-without bad", "ipv6-mx-reach all-but-few good 6"}},
	{"no mail server has an AAAA", hosts("session", "mx", 2, 0, ""), []string{
		"ipv6-mx-address none bad", "ipv6-mx-reach no-address not-tested"}},
	{"a name that stands there twice counts twice", without(twoServers, []string{"example.test MX", "mx1.example.test AAAA"}, `
		example.test MX = 10 mx1.example.test. ; 20 mx1.example.test. ; 30 mx2.example.test.
		mx1.example.test AAAA nodata
		`), []string{"ipv6-mx-address some-without bad", "ipv6-mx-reach all-but-few good 3"}},
	{"one over ten", hosts("session", "mx", 11, 11, "reached"), []string{
		"ipv6-mx-address all-but-odd-mx good", "ipv6-mx-reach all good 10"}},
	{"an MX host that is an alias", without(twoServers, []string{"mx2.example.test A"}, `
		mx2.example.test A alias real.example.test = 192.0.2.12
		mx2.example.test AAAA alias real.example.test = 2001:db8::12
		`), []string{"ipv6-mx-address all-but-odd-mx good", "ipv6-mx-reach all good 10"}},
	{"localhost beside others", without(twoServers, []string{"example.test MX"}, `
		example.test MX = 10 mx1.example.test. ; 20 localhost.
		`), []string{"ipv6-mx-address all-but-odd-mx good", "ipv6-mx-reach all good 10"}},
	{"only localhost", "example.test MX = 10 localhost.\nexample.test A = 192.0.2.1\n", []string{
		"ipv6-mx-address only-localhost other", "ipv6-mx-reach no-mail-servers not-tested/none"}},
	{"implicit MX", "example.test MX nodata\nexample.test A = 192.0.2.1\nexample.test AAAA nodata\n", []string{
		"ipv6-mx-address implicit-mx other", "ipv6-mx-reach no-mail-servers not-tested/none"}},
	{"no MX, sends nothing", "example.test MX nodata\nexample.test A = 192.0.2.1\nexample.test AAAA nodata\nexample.test TXT = \"v=spf1 -all\"\n", []string{
		"ipv6-mx-address should-have-null-mx other", "ipv6-mx-reach no-mail-servers not-tested/none"}},
	{"null MX", "example.test MX = 0 .\nexample.test A = 192.0.2.1\nexample.test AAAA nodata\n", []string{
		"ipv6-mx-address null-mx null-mx", "ipv6-mx-reach no-mail-servers not-tested/none"}},
	{"null MX, addresses unknown", "example.test MX = 0 .\nexample.test A timeout\nexample.test AAAA servfail\n", []string{
		"ipv6-mx-address null-mx-address-unknown null-mx-without-a-aaaa", "ipv6-mx-reach no-mail-servers not-tested/none"}},
	{"null MX, addresses not asked", "example.test MX = 0 .\nexample.test A nodata\nexample.test AAAA budget\n", []string{
		"ipv6-mx-address null-mx null-mx"}},
	{"null MX that is not needed", "example.test MX = 0 .\nexample.test A nodata\nexample.test AAAA nodata\n", []string{
		"ipv6-mx-address null-mx-unneeded null-mx-without-a-aaaa", "ipv6-mx-reach no-mail-servers not-tested/none"}},
	{"null MX with others", "example.test MX = 0 . ; 10 mx1.example.test.\n", []string{
		"ipv6-mx-address null-mx-with-others null-mx-with-other-mx", "ipv6-mx-reach no-mail-servers not-tested/none"}},
	{"more name servers than are looked at", without(hosts("reach", "ns", 25, 20, "reached"), []string{"ns21.", "ns22.", "ns23.", "ns24.", "ns25."}, ""), []string{
		"ipv6-ns-address enough good", "ipv6-ns-reach not-looked-up -"}},
}

func TestIPv6(t *testing.T) { runJudged(t, ipv6Rows, check.IPv6) }

// The worked examples of how Internet.nl averages, on other ways in.
func TestMXPointsAreOfTheFirstTenRecords(t *testing.T) {
	var names []string
	text := ""
	for i := range 9 {
		names = append(names, fmt.Sprintf("%d a%d.example.test.", i+1, i))
		text += fmt.Sprintf("a%d.example.test A = 192.0.2.%d\na%d.example.test AAAA = 2001:db8::%d\nsession a%d.example.test 2001:db8::%d reached\n", i, i+1, i, i+1, i, i+1)
	}
	// The tenth and eleventh record name the same host without IPv6: one of them counts.
	names = append(names, "10 z.example.test.", "11 z.example.test.")
	text += "z.example.test A = 192.0.2.99\nz.example.test AAAA nodata\n"
	f := findingOf(t, world("example.test MX = "+strings.Join(names, " ; ")+"\n"+text), "ipv6-mx-reach")
	if f.Points == nil || *f.Points != 9 {
		t.Errorf("%s: points %v, want 9", f.Code.Name, f.Points)
	}
}

func findingOf(t *testing.T, s *evidence.Snapshot, id string) check.Finding {
	t.Helper()
	for _, c := range dnscheck.Checks {
		if c.ID == id {
			return check.Run([]*check.Check{c}, s)[0].Findings[0]
		}
	}
	t.Fatalf("no check %s", id)
	return check.Finding{}
}

func TestTextsNameTheServers(t *testing.T) {
	tests := []struct{ name, world, id, want string }{
		{"the address that fails, and how", without(twoServers, []string{"reach ns2"}, "reach ns2.example.test 2001:db8::2 refused"),
			"ipv6-ns-reach", "ns2.example.test [2001:db8::2] (refused)"},
		{"the name server without", hosts("reach", "ns", 2, 1, "reached"), "ipv6-ns-address", "ns01.example.test"},
		{"the failed lookup", "example.test NS servfail\n", "ipv6-ns-address", "example.test NS: SERVFAIL"},
		{"the mail server over ten", hosts("session", "mx", 11, 11, "reached"), "ipv6-mx-address", "mx11.example.test (not tested"},
		{"the points", hosts("reach", "ns", 3, 1, "reached"), "ipv6-ns-reach", "3 of 10"},
		{"a long list is cut", "example.test NS nodata\n" + hosts("reach", "ns", 19, 0, ""), "ipv6-ns-address", "and 7 more"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := world(strings.TrimPrefix(tt.world, "example.test NS nodata\n"))
			f := findingOf(t, s, tt.id)
			if got := check.Render(f.Code.Text, f.Args); !strings.Contains(got, tt.want) {
				t.Errorf("%q is not in: %s", tt.want, got)
			}
		})
	}
}
