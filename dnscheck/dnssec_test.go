package dnscheck_test

import (
	"strings"
	"testing"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// oneMX is the MX and SOA of a domain with one mail server.
func oneMX(domain, host string) string {
	return "example.test MX = 10 mx.example.test.\nexample.test SOA " + domain + "\nmx.example.test SOA " + host + "\n"
}

var dnssecRows = []judged{
	{"secure", oneMX("= ns. h. 1 2 3 4 5", "nodata secure"), []string{
		"dnssec-exists signed good", "dnssec-valid secure good",
		"dnssec-mx-exists@mx.example.test signed good", "dnssec-mx-valid@mx.example.test secure good"}},
	{"insecure", oneMX("= ns. h. 1 2 3 4 5 | insecure", "nodata insecure"), []string{
		"dnssec-exists unsigned bad", "dnssec-valid unsigned not-tested",
		"dnssec-mx-exists@mx.example.test unsigned bad", "dnssec-mx-valid@mx.example.test unsigned not-tested"}},
	{"bogus", oneMX("= ns. h. 1 2 3 4 5 | bogus", "nodata bogus"), []string{
		"dnssec-exists signed-badly good", "dnssec-valid bogus bad",
		"dnssec-mx-exists@mx.example.test signed-badly good", "dnssec-mx-valid@mx.example.test bogus bad"}},
	{"bogus, withheld by the resolver", oneMX("servfail bogus", "nodata bogus"), []string{
		"dnssec-exists signed-badly good", "dnssec-valid bogus bad",
		"dnssec-mx-exists@mx.example.test signed-badly good", "dnssec-mx-valid@mx.example.test bogus bad"}},
	{"not validated", oneMX("= ns. h. 1 2 3 4 5 | unknown", "nodata unknown"), []string{
		"dnssec-exists not-validated -", "dnssec-valid not-validated -",
		"dnssec-mx-exists@mx.example.test not-validated -", "dnssec-mx-valid@mx.example.test not-validated -"}},
	{"indeterminate: a validating resolver refuses it", oneMX("= ns. h. 1 2 3 4 5 | indeterminate", "nodata indeterminate"), []string{
		"dnssec-exists keys-unknown good", "dnssec-valid keys-unknown bad",
		"dnssec-mx-exists@mx.example.test keys-unknown good", "dnssec-mx-valid@mx.example.test keys-unknown bad"}},
	{"indeterminate, and the name does not exist", oneMX("nxdomain indeterminate", "nxdomain indeterminate"), []string{
		"dnssec-exists keys-unknown resolver-error", "dnssec-valid keys-unknown not-tested/resolver_error",
		"dnssec-mx-exists@mx.example.test keys-unknown resolver-error", "dnssec-mx-valid@mx.example.test keys-unknown not-tested/none"}},
	{"failed", oneMX("servfail", "timeout"), []string{
		"dnssec-exists lookup-failed resolver-error", "dnssec-valid lookup-failed not-tested/resolver_error",
		"dnssec-mx-exists@mx.example.test lookup-failed resolver-error", "dnssec-mx-valid@mx.example.test lookup-failed not-tested/none"}},
	{"no resolver, no time", oneMX("network", "budget"), []string{
		"dnssec-exists not-looked-up -", "dnssec-valid not-looked-up -",
		"dnssec-mx-exists@mx.example.test not-looked-up -", "dnssec-mx-valid@mx.example.test not-looked-up -"}},
	{"the name does not exist: secure", oneMX("nxdomain secure", "nxdomain secure"), []string{
		"dnssec-exists no-such-name-signed resolver-error", "dnssec-valid no-such-name-secure not-tested/resolver_error",
		"dnssec-mx-exists@mx.example.test no-such-name-signed resolver-error", "dnssec-mx-valid@mx.example.test no-such-name-secure not-tested/none"}},
	{"the name does not exist: insecure", oneMX("nxdomain insecure", "nxdomain insecure"), []string{
		"dnssec-exists no-such-name-unsigned resolver-error", "dnssec-valid no-such-name-unsigned not-tested/resolver_error",
		"dnssec-mx-exists@mx.example.test no-such-name-unsigned resolver-error", "dnssec-mx-valid@mx.example.test no-such-name-unsigned not-tested/none"}},
	{"the name does not exist: bogus", oneMX("nxdomain bogus", "nxdomain bogus"), []string{
		"dnssec-exists no-such-name-signed-badly resolver-error", "dnssec-valid no-such-name-bogus not-tested/resolver_error",
		"dnssec-mx-exists@mx.example.test no-such-name-signed-badly resolver-error", "dnssec-mx-valid@mx.example.test no-such-name-bogus not-tested/none"}},
	{"the resolver strips: neither bogus nor insecure means anything", oneMX("= ns. h. 1 2 3 4 5 | bogus", "nodata insecure") + "vantage strips", []string{
		"dnssec-exists resolver-strips -", "dnssec-valid resolver-strips -",
		"dnssec-mx-exists@mx.example.test resolver-strips -", "dnssec-mx-valid@mx.example.test resolver-strips -"}},
	{"the resolver strips, another one did not", oneMX("= ns. h. 1 2 3 4 5", "nxdomain bogus") + "vantage strips", []string{
		"dnssec-exists signed good", "dnssec-valid secure good",
		"dnssec-mx-exists@mx.example.test resolver-strips -", "dnssec-mx-valid@mx.example.test resolver-strips -"}},
	{"each mail server for itself", `
		example.test MX = 10 b.mail.example. ; 20 a.mail.example.
		a.mail.example SOA nodata secure
		b.mail.example SOA nodata insecure
		`, []string{
		"dnssec-mx-exists@a.mail.example signed good", "dnssec-mx-exists@b.mail.example unsigned bad",
		"dnssec-mx-valid@a.mail.example secure good", "dnssec-mx-valid@b.mail.example unsigned not-tested"}},
	{"MX unknown", "example.test MX servfail\n", []string{
		"dnssec-mx-exists mx-unknown no-mailservers", "dnssec-mx-valid mx-unknown not-tested/none"}},
	{"MX not asked", "", []string{
		"dnssec-exists not-looked-up -", "dnssec-valid not-looked-up -",
		"dnssec-mx-exists mx-not-looked-up -", "dnssec-mx-valid mx-not-looked-up -"}},
	{"no MX", "example.test MX nodata\n", []string{
		"dnssec-mx-exists no-mx no-mailservers", "dnssec-mx-valid no-mail-servers not-tested/none"}},
	{"implicit MX", "example.test MX nodata\nexample.test A = 192.0.2.1\n", []string{
		"dnssec-mx-exists implicit-mx no-mailservers", "dnssec-mx-valid no-mail-servers not-tested/none"}},
	{"only localhost", "example.test MX = 0 localhost.\n", []string{
		"dnssec-mx-exists only-localhost no-mailservers", "dnssec-mx-valid no-mail-servers not-tested/none"}},
	{"no MX, sends nothing", "example.test MX nodata\nexample.test A = 192.0.2.1\nexample.test TXT = \"v=spf1 -all\"\n", []string{
		"dnssec-mx-exists should-have-null-mx no-mailservers", "dnssec-mx-valid no-mail-servers not-tested/none"}},
	{"null MX", "example.test MX = 0 .\nexample.test A = 192.0.2.1\n", []string{
		"dnssec-mx-exists null-mx null-mx", "dnssec-mx-valid no-mail-servers not-tested/none"}},
	{"null MX, addresses unknown", "example.test MX = 0 .\nexample.test A nodata\nexample.test AAAA servfail\n", []string{
		"dnssec-mx-exists null-mx-address-unknown null-mx-without-a-aaaa", "dnssec-mx-valid no-mail-servers not-tested/none"}},
	{"null MX that is not needed", "example.test MX = 0 .\nexample.test A nodata\nexample.test AAAA nodata\n", []string{
		"dnssec-mx-exists null-mx-unneeded null-mx-without-a-aaaa", "dnssec-mx-valid no-mail-servers not-tested/none"}},
	{"null MX with others", "example.test MX = 0 . ; 10 mx.example.test.\n", []string{
		"dnssec-mx-exists null-mx-with-others null-mx-with-other-mx", "dnssec-mx-valid no-mail-servers not-tested/none"}},
}

func TestDNSSEC(t *testing.T) { runJudged(t, dnssecRows, check.DNSSEC) }

func TestDNSSECSaysWhereAndWhy(t *testing.T) {
	zones := []evidence.Zone{
		{Name: ".", Security: evidence.SecuritySecure},
		{Name: "test", Security: evidence.SecuritySecure},
		{Name: "example.test", Security: evidence.SecurityBogus, Reason: "no DNSKEY matches the DS 4711"},
	}
	tests := []struct {
		name   string
		lookup evidence.Lookup
		code   string
		want   []string
	}{
		{"the zone's reason", evidence.Lookup{Outcome: evidence.OutcomeAnswer, Security: evidence.SecurityBogus, Zones: zones},
			"bogus", []string{"breaks at example.test", "DS 4711"}},
		{"the answer's reason goes first", evidence.Lookup{Outcome: evidence.OutcomeAnswer, Security: evidence.SecurityBogus, Reason: "the RRSIG expired", Zones: zones},
			"bogus", []string{"breaks at example.test", "the RRSIG expired"}},
		{"a good chain to a bad answer", evidence.Lookup{Outcome: evidence.OutcomeAnswer, Security: evidence.SecurityBogus, Zones: zones[:2]},
			"bogus", []string{"breaks at example.test", "no reason is known"}},
		{"the resolver's word", evidence.Lookup{Outcome: evidence.OutcomeServFail, Security: evidence.SecurityIndeterminate, EDE: []evidence.EDE{{Code: 7, Text: "signature expired"}}},
			"bogus", []string{"signature expired"}},
		{"an extended error of another kind", evidence.Lookup{Outcome: evidence.OutcomeServFail, EDE: []evidence.EDE{{Code: 22, Text: "no reachable authority"}}},
			"lookup-failed", []string{"example.test SOA: SERVFAIL, extended error 22 (No Reachable Authority)"}},
		{"indeterminate is not bogus", evidence.Lookup{Outcome: evidence.OutcomeServFail, EDE: []evidence.EDE{{Code: 5}}}, "lookup-failed", nil},
		{"another response code", evidence.Lookup{Outcome: evidence.OutcomeRCode, RCode: "NOTIMP"}, "lookup-failed", []string{"NOTIMP"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.lookup.Name, tt.lookup.Type = "example.test", "SOA"
			s := &evidence.Snapshot{Domain: "example.test", Lookups: []evidence.Lookup{tt.lookup}}
			s.Canonical()
			f := findingOf(t, s, "dnssec-valid")
			text := check.Render(f.Code.Text, f.Args)
			if f.Code.Name != tt.code {
				t.Errorf("code %s, want %s", f.Code.Name, tt.code)
			}
			for _, w := range tt.want {
				if !strings.Contains(text, w) {
					t.Errorf("%q is not in: %s", w, text)
				}
			}
		})
	}
}
