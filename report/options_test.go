package report_test

import (
	"slices"
	"testing"

	"mailvet/report"
	"mailvet/report/evidence"
)

func TestOptions(t *testing.T) {
	usual := evidence.Vantage{DNSSEC: evidence.ValidationOwn, Roots: "system", SMTPPort: 25, RPKI: evidence.Missing}
	for _, test := range []struct {
		flag   string
		change func(*evidence.Vantage)
	}{
		{"allow-private", func(v *evidence.Vantage) { v.AllowPrivate = true }},
		{"no-extra", func(v *evidence.Vantage) { v.NoExtra = true }},
		{"no-http", func(v *evidence.Vantage) { v.NoHTTP = true }},
		{"no-ipv6", func(v *evidence.Vantage) { v.NoIPv6 = true }},
		{"no-smtp", func(v *evidence.Vantage) { v.NoSMTP = true }},
		{"origins", func(v *evidence.Vantage) { v.Origins = true }},
		{"root-ca", func(v *evidence.Vantage) { v.Roots = "roots.pem" }},
		{"selectors=a,b", func(v *evidence.Vantage) { v.Selectors = []string{"b", "a", "b"} }},
		{"smtp-port=2525", func(v *evidence.Vantage) { v.SMTPPort = 2525 }},
		{"test-injection", func(v *evidence.Vantage) { v.TestInjection = true }},
		{"trust-ad", func(v *evidence.Vantage) { v.DNSSEC = evidence.ValidationAD }},
		{"trust-anchor", func(v *evidence.Vantage) { v.OwnAnchors = true }},
		{"vrps", func(v *evidence.Vantage) { v.RPKI = evidence.Available }},
		{"", func(v *evidence.Vantage) {
			v.Helo, v.Resolvers, v.IPv6 = "x.test", []string{"192.0.2.1"}, evidence.Missing
		}},
	} {
		v := usual
		test.change(&v)
		want := []string{}
		if test.flag != "" {
			want = append(want, test.flag)
		}
		if got := report.Options(&v); got == nil || !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	var all evidence.Vantage
	all.NoSMTP, all.NoExtra, all.RPKI = true, true, evidence.Available
	if got := report.Options(&all); !slices.IsSorted(got) || len(got) != 3 {
		t.Errorf("%q", got)
	}
}
