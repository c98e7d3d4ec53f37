package spf_test

import (
	"slices"
	"strings"
	"testing"

	"mailvet/dnscheck/spf"
	"mailvet/report/evidence"
)

// compatAccepted and compatRefused are terms put between "v=spf1 " and " -all".
var (
	compatAccepted = []string{
		"a/24", "a/24//64", "a//64", "mx/24", "a:example.com/24//64", "a/0", "a//128",
		"a:example.com/33", "a:example.com//", "include:foo.com/24", "include:foo.com:25", "include:foo.com;-all", "include:foo.com,",
		"ip4:1.2.3.4/24", "ip4:1.2.3.4/0",
		"ip6:2001:db8::1/64", "ip6:2001:db8::/032", "ip6:2001:DB8::1%eth0", "ip6:::1/0", "ip6:::ffff:192.0.2.1",
		"include:foo..com", "include:com", "include:foo.c-", "include:foo_bar",
		"exists:%{ir}.%{v}._spf.%{d2}", "include:%{d5r.-}.com", "exists:%{i10r}.c", "a:%{h}", "include:foo.%{d}x",
		"include:localhost", "include:foo.1a", "include:foo.1-2", "include:foo.a_", "include:foo.com_x", "include:%{d}", "include:foo.%%",
		"ra=postmaster", "rr=all", "x-y=b", "ip4=foo", "include=b", "p=b",
		"A", "?Mx", "INCLUDE:Foo.Com", "+ptr", "ptr:foo.com", "redirect=x.com", "exp=x.com", `a:foo"bar.com`, `a:foo\195.com`,
	}
	compatRefused = []string{
		"foo", "-all;", "a,mx", "- all", "--all", "+-all", "mxall", "all/24", "all:foo",
		"a/33", "mx/33", "a/024", "a//129", "a/24//129", "a/",
		"a:", "include:", "exists", "exists:", "ptr:", "redirect=", "exp=", "foo=", "include",
		"ip4:1.2.3", "ip4:256.1.1.1", "ip4:010.1.1.1", "ip4:1.2.3.4/33", "ip4:1.2.3.4/00", "ip4:1.2.3.4/24/24", "ip4:1.2.3.4,", "ip4:1.2.3.256",
		"ip6:zz", "ip6:", "ip6:1.2.3.4", "ip6:2001:db8::/129", "ip6:2001:db8::1/32/64", "ip6:2001:db8::/", "ip6:::1%", "ip6:::1%a%b",
		"include:example.123", "a:192.0.2.1", "ptr:foo.1", "include:foo._x", "include:foo.-", "include:_", "include:example.com..",
		"exists:%{ir.}", "include:foo.%{x}", "include:exa%mple.com", "exists:%{}",
		"rp=100", "foo=1", "ip4=1.2.3.4", "a=b", "mx=b", "ax=b", "all=b", "allow=b", "ptrx=b", "1x=b", "-x=b", "-redirect=x.com",
		`"a"`, `\195`, "a:foo.com\u00e9",
	}
)

func TestCompatGrammar(t *testing.T) {
	check := func(record string, want bool) {
		t.Helper()
		_, err := spf.CompatParse(record)
		if (err == nil) != want {
			t.Errorf("%q: accepted %v, want %v (%v)", record, err == nil, want, err)
		}
	}
	for _, term := range compatAccepted {
		check("v=spf1 "+term+" -all", true)
		check("v=spf1 "+term, true)
	}
	for _, term := range compatRefused {
		check("v=spf1 "+term+" -all", false)
		check("v=spf1 "+term, false)
	}
	for _, record := range []string{"v=spf1", "V=SPF1 -all", "v=spf1  ", "v=spf1   a   -all  ", "v=spf1\ta\t-all\t",
		"v=spf1 -all a", "v=spf1 -all redirect=x.com", "v=spf1 redirect=a.com redirect=b.com", "v=spf1 exp=a.com exp=b.com"} {
		check(record, true)
	}
	for _, record := range []string{"", "v=spf2 -all", " v=spf1 -all", "v=spf1-all", "v=spf10 -all", "v=spf1 a\n-all", `v=spf1 a\009-all`} {
		check(record, false)
	}
}

func TestCompatTerms(t *testing.T) {
	got, err := spf.CompatParse("v=SPF1  ?A:Example.Com/33 IP6:2001:DB8::1/064 MX/24//64 Redirect=X.com -ALL")
	want := []string{"?a:Example.Com/33", "ip6:2001:db8::/64", "mx/24//64", "redirect=X.com", "-all"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	got, err = spf.CompatParse("v=spf1 ip6:FE80::1%mx -all")
	if err != nil || got[0] != "ip6:fe80::1%mx" {
		t.Errorf("got %q, %v", got, err)
	}
	_, err = spf.CompatParse("v=spf1 a foo=1 -all")
	if e, ok := err.(*spf.CompatSyntaxError); !ok || e.Rest != "foo=1 -all" {
		t.Errorf("error %v", err)
	}
}

// zone is a Source: names with their TXT records. A text that begins with "!"
// is an outcome instead: "!nxdomain", "!servfail", ...; names not in it were
// not asked.
type zone map[string][]string

func (z zone) source(name, typ string) *evidence.Lookup {
	texts, ok := z[name]
	if !ok || typ != "TXT" {
		return nil
	}
	l := &evidence.Lookup{Name: name, Type: "TXT", Outcome: evidence.OutcomeAnswer}
	if len(texts) == 1 && strings.HasPrefix(texts[0], "!") {
		if err := l.Outcome.UnmarshalText([]byte(texts[0][1:])); err != nil {
			panic(err)
		}
		return l
	}
	for _, t := range texts {
		l.Answer = append(l.Answer, evidence.RR{Name: name, Type: "TXT", TTL: 300, Data: `"` + evidence.EscapeText(t) + `"`})
	}
	return l
}

func repeat(n int, term string) string {
	return strings.Repeat(" "+term, n)
}

// includes are n includes of names i0.test, ..., all of which hold "v=spf1 -all".
func (z zone) includes(n int) string {
	list := ""
	for i := range n {
		name := "i" + string(rune('a'+i)) + ".test"
		if z[name] == nil {
			z[name] = []string{"v=spf1 -all"}
		}
		list += " include:" + name
	}
	return list
}

func TestCompatPolicy(t *testing.T) {
	tests := []struct {
		name   string
		zone   zone
		want   spf.CompatStatus
		points int
		path   string
	}{
		{"strict end", zone{"d.test": {"v=spf1 mx -all"}}, spf.CompatValid, 10, ""},
		{"soft end", zone{"d.test": {"v=spf1 a ~all"}}, spf.CompatValid, 10, ""},
		{"upper case", zone{"d.test": {"V=SPF1 MX -ALL"}}, spf.CompatValid, 10, ""},
		{"no terms", zone{"d.test": {"v=spf1"}}, spf.CompatInvalidAll, 2, "d.test"},
		{"does not parse", zone{"d.test": {"v=spf1 foo"}}, spf.CompatInvalidSyntax, 0, "d.test"},
		{"plus", zone{"d.test": {"v=spf1 mx +all"}}, spf.CompatInvalidAll, 2, "d.test"},
		{"bare all", zone{"d.test": {"v=spf1 mx all"}}, spf.CompatInvalidAll, 2, "d.test"},
		{"neutral", zone{"d.test": {"v=spf1 mx ?all"}}, spf.CompatInvalidAll, 2, "d.test"},
		{"no end", zone{"d.test": {"v=spf1 mx"}}, spf.CompatInvalidAll, 2, "d.test"},
		{"no end, with include", zone{"d.test": {"v=spf1 include:x.test"}, "x.test": {"v=spf1 -all"}}, spf.CompatInvalidAll, 2, "d.test"},
		{"first all decides", zone{"d.test": {"v=spf1 -all +all"}}, spf.CompatValid, 10, ""},
		{"nothing counts after all", zone{"d.test": {"v=spf1 -all" + repeat(20, "mx")}}, spf.CompatValid, 10, ""},
		{"includes after all are not followed", zone{"d.test": {"v=spf1 -all include:gone.test"}}, spf.CompatValid, 10, ""},

		{"11 mx", zone{"d.test": {"v=spf1" + repeat(11, "mx") + " -all"}}, spf.CompatValid, 10, ""},
		{"20 a:host", zone{"d.test": {"v=spf1" + repeat(20, "a:h.test") + " -all"}}, spf.CompatValid, 10, ""},
		{"+a -a a:host a/24 are not counted", zone{"d.test": {"v=spf1" + repeat(4, "+a -a a:h.test a/24") + " include:x.test -all"}, "x.test": {"v=spf1 -all"}}, spf.CompatValid, 10, ""},
		{"10 a and an include", zone{"d.test": {"v=spf1" + repeat(10, "a") + " include:x.test -all"}}, spf.CompatMaxLookups, 2, "d.test"},
		{"letters count", zone{"d.test": {"v=spf1" + repeat(5, "a:mx1.test a:ptr.test") + " exp=mx.example.com include:x.test -all"}}, spf.CompatMaxLookups, 2, "d.test"},
		{"ip6 never counts", zone{"d.test": {"v=spf1" + repeat(12, "ip6:2001:db8::1") + " include:x.test -all"}, "x.test": {"v=spf1 -all"}}, spf.CompatValid, 10, ""},
		{"exists counts", zone{"d.test": {"v=spf1" + repeat(10, "exists:%{i}.test") + " include:x.test -all"}}, spf.CompatMaxLookups, 2, "d.test"},

		{"redirect", zone{"d.test": {"v=spf1 redirect=x.test"}, "x.test": {"v=spf1 -all"}}, spf.CompatValid, 10, ""},
		{"redirect beside all is not followed, but counts", zone{"d.test": {"v=spf1" + repeat(9, "a") + " redirect=gone.test include:x.test -all"}}, spf.CompatMaxLookups, 2, "d.test"},
		{"redirect beside all is not followed", zone{"d.test": {"v=spf1 redirect=gone.test -all"}}, spf.CompatValid, 10, ""},
		{"first redirect only", zone{"d.test": {"v=spf1 redirect=x.test redirect=gone.test"}, "x.test": {"v=spf1 -all"}}, spf.CompatValid, 10, ""},
		{"redirect to neutral", zone{"d.test": {"v=spf1 redirect=x.test"}, "x.test": {"v=spf1 ?all"}}, spf.CompatInvalidRedirect, 2, "d.test x.test"},
		{"redirect to nothing that parses", zone{"d.test": {"v=spf1 redirect=x.test"}, "x.test": {"v=spf1 foo"}}, spf.CompatInvalidRedirect, 0, "d.test x.test"},
		{"redirect to a name without record", zone{"d.test": {"v=spf1 redirect=x.test"}, "x.test": {"other"}}, spf.CompatInvalidRedirect, 0, "d.test x.test"},
		{"redirect to a name that does not exist", zone{"d.test": {"v=spf1 redirect=x.test"}, "x.test": {"!nxdomain"}}, spf.CompatInvalidRedirect, 2, "d.test"},
		{"redirect with macro", zone{"d.test": {"v=spf1 redirect=%{d}.x.test"}}, spf.CompatValid, 10, ""},
		{"like a redirect", zone{"d.test": {"v=spf1 redirectory=x.test"}}, spf.CompatValid, 10, ""},

		{"include that ends neutral", zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"v=spf1 ?all"}}, spf.CompatValid, 10, ""},
		{"include without end", zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"v=spf1 mx"}}, spf.CompatValid, 10, ""},
		{"include of everybody", zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"v=spf1 +all"}}, spf.CompatInvalidInclude, 2, "d.test x.test"},
		{"include of nothing", zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"v=spf1"}}, spf.CompatInvalidInclude, 2, "d.test x.test"},
		{"include without record", zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"other"}}, spf.CompatInvalidInclude, 0, "d.test x.test"},
		{"include with two records", zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"v=spf1 -all", "v=spf1 mx -all"}}, spf.CompatInvalidInclude, 0, "d.test x.test"},
		{"include that does not parse", zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"v=spf10"}}, spf.CompatInvalidInclude, 0, "d.test x.test"},
		{"include that does not exist", zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"!nxdomain"}}, spf.CompatInvalidInclude, 2, "d.test"},
		{"include without TXT", zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"!nodata"}}, spf.CompatInvalidInclude, 2, "d.test"},
		{"include that times out", zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"!timeout"}}, spf.CompatInvalidInclude, 2, "d.test"},
		{"include with macro", zone{"d.test": {"v=spf1 include:%{i}.x.test -all"}}, spf.CompatValid, 10, ""},
		{"include with port", zone{"d.test": {"v=spf1 include:x.test:25 -all"}, "x.test": {"v=spf1 -all"}}, spf.CompatValid, 10, ""},
		{"include of an empty name", zone{"d.test": {"v=spf1 include::x.test -all"}}, spf.CompatInvalidInclude, 2, "d.test"},
		{"redirect inside an include counts as top", zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"v=spf1 redirect=y.test"}, "y.test": {"v=spf1 ?all"}}, spf.CompatInvalidInclude, 2, "d.test x.test y.test"},
		{"include deep below", zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"v=spf1 include:y.test -all"}, "y.test": {"v=spf1 foo"}}, spf.CompatInvalidInclude, 0, "d.test x.test y.test"},
		{"loop", zone{"d.test": {"v=spf1 include:d.test -all"}}, spf.CompatMaxLookups, 2, strings.TrimSpace(repeat(11, "d.test"))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkCompat(t, tt.zone, tt.want, tt.points, tt.path) })
	}
}

func TestCompatPolicyIncludes(t *testing.T) {
	z := zone{}
	z["d.test"] = []string{"v=spf1" + z.includes(10) + " -all"}
	checkCompat(t, z, spf.CompatValid, 10, "")
	z["d.test"] = []string{"v=spf1" + z.includes(11) + " -all"}
	checkCompat(t, z, spf.CompatMaxLookups, 2, "d.test")

	z = zone{"ia.test": {"v=spf1 mx -all"}} // the first of ten
	z["d.test"] = []string{"v=spf1" + z.includes(10) + " -all"}
	checkCompat(t, z, spf.CompatMaxLookups, 2, "d.test")
	z = zone{"ij.test": {"v=spf1 mx -all"}} // the last of ten
	z["d.test"] = []string{"v=spf1" + z.includes(10) + " -all"}
	checkCompat(t, z, spf.CompatValid, 10, "")
}

func checkCompat(t *testing.T, z zone, want spf.CompatStatus, points int, path string) {
	t.Helper()
	got := spf.CompatPolicy(z.source, "d.test", z["d.test"][0])
	var names []string
	for _, s := range got.Path {
		names = append(names, s.Name)
	}
	if got.Status != want || got.Points != points || strings.Join(names, " ") != path {
		t.Errorf("got %v, %d points, path %q; want %v, %d, %q", got.Status, got.Points, names, want, points, path)
	}
	if got.NotAsked != "" {
		t.Errorf("%s was looked up and is not in the zone", got.NotAsked)
	}
}

func TestCompatUnknown(t *testing.T) {
	z := zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"!servfail"}}
	if r := spf.CompatPolicy(z.source, "d.test", z["d.test"][0]); r.Failed == nil || r.Failed.Name != "x.test" || r.NotAsked != "" {
		t.Errorf("SERVFAIL: %+v", r)
	}
	z["x.test"] = []string{"!bad-name"}
	if r := spf.CompatPolicy(z.source, "d.test", z["d.test"][0]); r.Failed != nil || r.Points != 2 {
		t.Errorf("a name that cannot be asked for is a known fault: %+v", r)
	}
	delete(z, "x.test")
	if r := spf.CompatPolicy(z.source, "d.test", z["d.test"][0]); r.Failed != nil || r.NotAsked != "x.test" || r.Status != spf.CompatInvalidInclude {
		t.Errorf("not asked: %+v", r)
	}
}

func TestCompatSelect(t *testing.T) {
	tests := []struct {
		texts []string
		want  int
	}{
		{[]string{"v=spf1 -all"}, 1},
		{[]string{"V=SPF10", "other"}, 1},
		{[]string{"v=spf1-all", "v=spf1 mx"}, 2},
		{[]string{" v=spf1 -all"}, 0},
		{[]string{"!nodata"}, 0},
	}
	for _, tt := range tests {
		if got := spf.CompatSelect(zone{"d.test": tt.texts}.source("d.test", "TXT")); len(got) != tt.want {
			t.Errorf("%q: got %q, want %d", tt.texts, got, tt.want)
		}
	}
	if got := spf.CompatSelect(nil); got != nil {
		t.Errorf("not asked: %q", got)
	}
	got := spf.CompatSelect(zone{"d.test": {"v=spf1 a\t\"x\" \xe9"}}.source("d.test", "TXT"))
	if want := `v=spf1 a\009\"x\" \233`; len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
