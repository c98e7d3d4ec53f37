package spf_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"mailvet/dnscheck/spf"
)

// Terms put between "v=spf1 " and " -all": what RFC 7208 allows and what it
// does not.
var (
	rfcAccepted = []string{
		"a/24", "a/24//64", "a//64", "mx/0//0", "a:example.com/24//64", "A:Example.COM", "a/32//128",
		"ptr", "ptr:example.com", "include:example.com", "include:example.com.", "exists:%{ir}.%{v}._spf.%{d2}",
		"include:%{d}", "include:foo.%{D2}", "include:foo.%%", "include:1.2-3", "include:_spf.foo.1a", "a:foo=bar.example.com", "a:foo:bar.example.com",
		"ip4:192.0.2.1", "ip4:192.0.2.1/0", "ip4:192.0.2.0/24", "ip6:2001:DB8::1", "ip6:2001:db8::/32", "ip6:::ffff:192.0.2.1/128", "IP6:::/0",
		"redirect=example.com", "exp=%{d}.example.com", "rp=100", "ra=postmaster", "foo=", "a=b", "all=b", "allow=b", "ip4=1.2.3.4", "x.y-z_1=%{c}%{r}%{t}", "include=",
		"+a", "?mx", "~ptr", "-exists:a.example.com", "?all",
	}
	rfcRefused = []string{
		"foo", "-all;", "a,mx", "- all", "--all", "all:foo", "all/24", "all.", "mxall", "-redirect=example.com", "=", "=x", "1x=b", "-x=b",
		"a/33", "a/024", "a//129", "a/24//129", "a/", "a//", "a/24/24", "a//64/24", "a:example.com/33", "a:example.com//", "a:", "mx:/24", "a24", "a.example.com",
		"include", "include:", "include:foo.com/24", "include:foo.com;-all", "include:foo.com,", "exists", "exists:", "ptr:", "ptr/24", "redirect=", "exp=",
		"include:example.123", "a:192.0.2.1", "include:com", "include:localhost", "include:foo.-", "include:foo.c-", "include:foo.-c", "include:foo_bar", "include:foo..", "include:.",
		"ip4:1.2.3", "ip4:256.1.1.1", "ip4:010.1.1.1", "ip4:1.2.3.4/33", "ip4:1.2.3.4/00", "ip4:1.2.3.4/", "ip4:1.2.3.4/24/24", "ip4:2001:db8::1", "ip4", "ip4:",
		"ip6:zz", "ip6:", "ip6:1.2.3.4", "ip6:2001:db8::/129", "ip6:2001:db8::/032", "ip6:2001:db8::1%eth0", "ip6:2001:db8::1/32/64", "ip6",
		"exists:%{ir.}x", "include:%{d}.", "include:foo.%{x}", "include:exa%mple.com", "exists:%{}", "exists:%{d0}.com", "exists:%{c}.com", "include:%{d}com", "exists:%{d", "exists:%",
		"foo=%{x}", "foo=%", "foo=\u00e9", "a:\u00e9.com", "\u00e9", "a:foo\tb.com", "exi\u017fts:a.com", "\x00",
	}
)

func TestParse(t *testing.T) {
	for _, term := range rfcAccepted {
		record := "v=spf1 " + term + " -all"
		r, err := spf.Parse(record)
		if err != nil {
			t.Errorf("%q refused: %v", record, err)
			continue
		}
		again, err := spf.Parse(r.String())
		if err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("%q printed as %q, read as %+v, %v", record, r, again, err)
		}
	}
	for _, term := range rfcRefused {
		for _, record := range []string{"v=spf1 " + term, "v=spf1 mx " + term + " -all"} {
			if r, err := spf.Parse(record); err == nil {
				t.Errorf("%q accepted: %+v", record, r)
			}
		}
	}
	for _, record := range []string{"v=spf1", "V=SPF1  ", "v=spf1 -all a redirect=example.com", "v=spf1 all all"} {
		if _, err := spf.Parse(record); err != nil {
			t.Errorf("%q refused: %v", record, err)
		}
	}
	for _, record := range []string{"", "v=spf10", "v=spf1-all", " v=spf1", "v=spf1\t-all", "v=spf2.0/pra",
		"v=spf1 redirect=a.example REDIRECT=b.example", "v=spf1 exp=a.example exp=a.example"} {
		if _, err := spf.Parse(record); err == nil {
			t.Errorf("%q accepted", record)
		}
	}
}

func TestString(t *testing.T) {
	for record, want := range map[string]string{
		"V=SPF1":                               "v=spf1",
		"v=spf1   +A/32//128  ?MX:Foo.COM/24 ": "v=spf1 a ?mx:Foo.COM/24",
		"v=spf1 IP4:192.0.2.1/32 ip6:2001:DB8:0::5/64": "v=spf1 ip4:192.0.2.1 ip6:2001:db8::5/64",
		"v=spf1 Redirect=%{D}.Foo.com Rp=100":          "v=spf1 redirect=%{D}.Foo.com Rp=100",
	} {
		r, err := spf.Parse(record)
		if err != nil || r.String() != want {
			t.Errorf("%q: got %q, %v; want %q", record, r, err, want)
		}
	}
}

func TestSyntaxErrorPositions(t *testing.T) {
	tests := []struct {
		record string
		offset int
		term   string
	}{
		{"v=spf1 a  foo -all", 10, "foo"},
		{"v=spf1;a", 6, ""},
		{"spf", 0, ""},
		{"v=spf1 exp=a.example exp=b.example", 21, "exp=b.example"},
		{"v=spf1 a \x1b[31m", 9, `\027[31m`},
	}
	for _, tt := range tests {
		_, err := spf.Parse(tt.record)
		var e *spf.SyntaxError
		if !errors.As(err, &e) || e.Offset != tt.offset || e.Term != tt.term || e.Reason == "" {
			t.Errorf("%q: %v", tt.record, err)
		}
	}
}

func TestReached(t *testing.T) {
	for record, want := range map[string]string{
		"v=spf1 a mx -all ptr redirect=x.example":       "a mx -all",
		"v=spf1 redirect=x.example exp=y.example a p=q": "a redirect=x.example",
		"v=spf1": "",
	} {
		r, err := spf.Parse(record)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, term := range r.Reached() {
			got = append(got, term.String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: reached %q, want %q", record, got, want)
		}
	}
	for record, want := range map[string]bool{
		"v=spf1 -all": true, "v=spf1 exp=x.example -ALL mx": true, "v=spf1 ~all": false, "v=spf1 a -all": false, "v=spf1": false, "v=spf1 redirect=x.example": false,
	} {
		if r, _ := spf.Parse(record); r.SendsNothing() != want {
			t.Errorf("%q: %v", record, !want)
		}
	}
}

// lookupsOf says for each kind whether it costs a lookup.
func TestLooks(t *testing.T) {
	for record, want := range map[string]int{
		"v=spf1 a +a a:h.example a/24 mx mx//64 ptr ptr:h.example exists:h.example -all": 9,
		"v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 exp=h.example x=y ?all":                    0,
		"v=spf1 a redirect=x.example":                                                    2,
		"v=spf1 a redirect=x.example -all":                                               1,
		"v=spf1 -all a a a":                                                              0,
		"v=spf1 include:%{i}.example -all":                                               1,
	} {
		z := zone{"d.test": {record}, "x.example": {"v=spf1 -all"}}
		if got := spf.Walk(z.source, "d.test").Lookups(); got != want {
			t.Errorf("%q: %d lookups, want %d", record, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, term := range append(rfcAccepted, rfcRefused...) {
		f.Add("v=spf1 " + term + " -all")
	}
	f.Fuzz(func(t *testing.T, record string) {
		r, err := spf.Parse(record)
		if err != nil {
			var e *spf.SyntaxError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(record) {
				t.Fatalf("error %v", err)
			}
			return
		}
		again, err := spf.Parse(r.String())
		if err != nil || !reflect.DeepEqual(r, again) {
			t.Fatalf("%q printed as %q, read as %+v, %v", record, r, again, err)
		}
	})
}

func FuzzCompatParse(f *testing.F) {
	for _, term := range append(compatAccepted, compatRefused...) {
		f.Add("v=spf1 " + term + " -all")
	}
	f.Fuzz(func(t *testing.T, record string) {
		terms, err := spf.CompatParse(record)
		if err != nil {
			return
		}
		// The terms are a record again, the same one.
		again, err := spf.CompatParse(strings.Join(append([]string{"v=spf1"}, terms...), " "))
		if err != nil || strings.Join(again, " ") != strings.Join(terms, " ") {
			t.Fatalf("%q gave %q, then %q, %v", record, terms, again, err)
		}
	})
}
