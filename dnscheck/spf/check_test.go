package spf_test

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"mailvet/dnscheck/spf"
	"mailvet/report/evidence"
)

// zoneOf reads lines of "name type data"; a type in lower case is an outcome.
func zoneOf(lines string) answers {
	z := answers{}
	for line := range strings.Lines(lines) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 3)
		switch {
		case len(f) == 2:
			var l evidence.Lookup
			if err := l.Outcome.UnmarshalText([]byte(f[1])); err != nil {
				panic(err)
			}
			z[f[0]] = l
		case len(f) == 3 && f[1] == "TXT":
			z.add(f[0], f[1], `"`+evidence.EscapeText(f[2])+`"`)
		case len(f) == 3:
			z.add(f[0], f[1], f[2])
		}
	}
	return z
}

// path writes the steps of a verdict.
func path(v spf.Verdict) string {
	var list []string
	for _, s := range v.Path {
		list = append(list, s.Name+" "+s.Term.String())
	}
	return strings.Join(list, " > ")
}

func TestCheck(t *testing.T) {
	ten := ""
	for i := range 11 {
		ten += "many.test MX 10 mx" + strconv.Itoa(i) + ".test.\n"
	}
	tests := []struct {
		name, zone, from string // from "192.0.2.1 user@d.test" unless given
		want             string // result, reason, name
		path             string
		explanation      string
	}{
		{"a match", "d.test TXT v=spf1 ip4:192.0.2.0/24 -all", "", "pass matched d.test", "d.test ip4:192.0.2.0/24", ""},
		{"all", "d.test TXT v=spf1 mx:many.test ~all\nmany.test A 192.0.2.9", "", "softfail matched d.test", "d.test ~all", ""},
		{"in an include", "d.test TXT v=spf1 ?include:i.test -all\ni.test TXT v=spf1 redirect=j.test\nj.test TXT v=spf1 a:h.test -all\nh.test A 192.0.2.1", "",
			"neutral matched j.test", "d.test ?include:i.test > i.test redirect=j.test > j.test a:h.test", ""},
		{"nothing", "d.test TXT v=spf1 a:h.test\nh.test A 192.0.2.2", "", "neutral nothing-matched d.test", "", ""},
		{"nothing in a redirect", "d.test TXT v=spf1 redirect=e.test\ne.test TXT v=spf1", "", "neutral nothing-matched e.test", "d.test redirect=e.test", ""},
		{"no record", "d.test TXT v=spf10 -all", "", "none no-record d.test", "", ""},
		{"no name", "", "", "none no-record d.test", "", ""},
		{"one label", "", "192.0.2.1 user@d", "none bad-name d", "", ""},
		{"an empty label", "", "192.0.2.1 user@d..test", "none bad-name d..test", "", ""},
		{"several", "d.test TXT v=spf1\nd.test TXT v=spf1 -all", "", "permerror several-records d.test", "", ""},
		{"syntax behind a match", "d.test TXT v=spf1 ip4:192.0.2.1 foo", "", "permerror syntax d.test", "", ""},
		{"syntax in an include", "d.test TXT v=spf1 include:i.test\ni.test TXT v=spf1 foo", "", "permerror syntax i.test", "d.test include:i.test", ""},
		{"an include of nothing", "d.test TXT v=spf1 a:h.test include:i.test\nh.test A 192.0.2.2", "", "permerror no-record i.test", "d.test include:i.test", ""},
		{"a redirect to nothing", "d.test TXT v=spf1 redirect=i.test", "", "permerror no-record i.test", "d.test redirect=i.test", ""},
		{"a redirect that is no name", "d.test TXT v=spf1 redirect=%{l}.%{h}", "192.0.2.1 a..b@d.test", "permerror bad-name a..b", "d.test redirect=%{l}.%{h}", ""},
		{"server failure", "d.test servfail", "", "temperror dns d.test", "", ""},
		{"server failure of a host", "d.test TXT v=spf1 mx -all\nd.test MX 10 h.test.\nh.test timeout", "", "temperror dns h.test", "d.test mx", ""},
		{"eleven lookups", "d.test TXT v=spf1" + repeat(11, "a:h.test") + " +all\nh.test A 192.0.2.2", "", "permerror lookup-limit d.test", "d.test a:h.test", ""},
		{"ten lookups", "d.test TXT v=spf1" + repeat(10, "a:h.test") + " +all\nh.test A 192.0.2.2", "", "pass matched d.test", "d.test all", ""},
		{"a loop", "d.test TXT v=spf1 include:d.test", "", "permerror lookup-limit d.test", strings.TrimSuffix(strings.Repeat("d.test include:d.test > ", 11), " > "), ""},
		{"three void lookups", "d.test TXT v=spf1 a:x.test mx:y.test exists:z.test +all", "", "permerror void-limit z.test", "d.test exists:z.test", ""},
		{"two void lookups", "d.test TXT v=spf1 a:x.test mx:y.test +all", "", "pass matched d.test", "d.test all", ""},
		{"void lookups of MX hosts", "d.test TXT v=spf1 mx +all\nd.test MX 1 x.test.\nd.test MX 2 y.test.\nd.test MX 3 z.test.", "", "permerror void-limit z.test", "d.test mx", ""},
		{"null MX", "d.test TXT v=spf1 mx mx mx -all\nd.test MX 0 .", "", "fail matched d.test", "d.test -all", ""},
		{"eleven MX hosts", "d.test TXT v=spf1 mx:many.test\n" + ten, "", "permerror mx-limit many.test", "d.test mx:many.test", ""},
		{"no fallback to the address", "d.test TXT v=spf1 mx -all\nd.test A 192.0.2.1", "", "fail matched d.test", "d.test -all", ""},
		{"IPv6", "d.test TXT v=spf1 a/0//64 -all\nd.test A 192.0.2.1\nd.test AAAA 2001:db8::9", "2001:db8::1 u@d.test", "pass matched d.test", "d.test a/0//64", ""},
		{"an IPv4-mapped address", "d.test TXT v=spf1 ip6:::ffff:0:0/96 ip4:192.0.2.1 -all", "::ffff:192.0.2.1 u@d.test", "pass matched d.test", "d.test ip4:192.0.2.1", ""},
		{"aliases", "d.test CNAME e.test.\ne.test TXT v=spf1 a:%{d} -all\ne.test A 192.0.2.1", "", "pass matched d.test", "d.test a:%{d}", ""},
		{"the null sender", "d.test TXT v=spf1 exists:%{l}.%{o} -all\npostmaster.d.test A 127.0.0.1", "192.0.2.1 ", "pass matched d.test", "d.test exists:%{l}.%{o}", ""},
		{"a local part in UTF-8", "d.test TXT v=spf1 exists:%{l}.d.test include:%{s}.d.test ip4:192.0.2.1 -all", "192.0.2.1 \u00fc@d.test", "pass matched d.test", "d.test ip4:192.0.2.1", ""},
		{"a redirect to one", "d.test TXT v=spf1 redirect=%{l}.d.test", "192.0.2.1 \u00fc@d.test", "permerror local-part d.test", "d.test redirect=%{l}.d.test", ""},
		{"odd octets in a local part", `d.test TXT v=spf1 exists:%{l}.d.test -all` + "\n" + `a\032\\b.d.test A 127.0.0.1`, `192.0.2.1 a \b@d.test`, "pass matched d.test", "d.test exists:%{l}.d.test", ""},
		{"a space by macro", "d.test TXT v=spf1 exists:a%_b.d.test -all\n" + `a\032b.d.test A 127.0.0.1`, "", "pass matched d.test", "d.test exists:a%_b.d.test", ""},
		{"a name", "d.test TXT v=spf1 ptr -all\n1.2.0.192.in-addr.arpa PTR h.D.test.\nh.d.test A 192.0.2.1", "", "pass matched d.test", "d.test ptr", ""},
		{"a dot in a label", "d.test TXT v=spf1 ptr -all\n1.2.0.192.in-addr.arpa PTR h\\.d.test.\nh\\.d.test A 192.0.2.1", "", "fail matched d.test", "d.test -all", ""},
		{"names that fail", "d.test TXT v=spf1 ptr -all\n1.2.0.192.in-addr.arpa servfail", "", "fail matched d.test", "d.test -all", ""},
		{"no name, asked for once", "d.test TXT v=spf1 ptr ptr ptr -all", "", "fail matched d.test", "d.test -all", ""},
		{"the first of two names below", "d.test TXT v=spf1 exists:%{p}.x.test -all\n1.2.0.192.in-addr.arpa PTR g.d.test.\n1.2.0.192.in-addr.arpa PTR h.d.test.\ng.d.test A 192.0.2.1\nh.d.test A 192.0.2.1\ng.d.test.x.test A 127.0.0.1", "",
			"pass matched d.test", "d.test exists:%{p}.x.test", ""},
		{"the domain's own name", "d.test TXT v=spf1 exists:%{p}.x.test -all\n1.2.0.192.in-addr.arpa PTR g.d.test.\n1.2.0.192.in-addr.arpa PTR d.test.\ng.d.test A 192.0.2.1\nd.test A 192.0.2.1\nd.test.x.test A 127.0.0.1", "",
			"pass matched d.test", "d.test exists:%{p}.x.test", ""},
		{"the best name", "d.test TXT v=spf1 exists:%{p}.x.test -all\n1.2.0.192.in-addr.arpa PTR a.test.\n1.2.0.192.in-addr.arpa PTR h.d.test.\na.test A 192.0.2.1\nh.d.test A 192.0.2.1\nh.d.test.x.test A 127.0.0.1", "",
			"pass matched d.test", "d.test exists:%{p}.x.test", ""},
		{"an explanation", "d.test TXT v=spf1 exp=e.%{d} -all\ne.d.test TXT %{c} is not %{L}'s, says %{r} at %{t}%%", "192.0.2.1 a b@d.test", "fail matched d.test", "d.test -all", "192.0.2.1 is not a%20b's, says mx.example at 1700000000%"},
		{"in IPv6", "d.test TXT v=spf1 exp=e.%{d} -all\ne.d.test TXT ~ %{s} %{c} %{ir}", "2001:db8::1 @d.test", "fail matched d.test", "d.test -all", "~ postmaster@d.test 2001:db8::1 " + strings.TrimSuffix(reverse(netip.MustParseAddr("2001:db8::1")), ".ip6.arpa")},
		{"that of the redirect", "d.test TXT v=spf1 exp=e.test redirect=r.test\ne.test TXT no\nr.test TXT v=spf1 exp=f.test -all\nf.test TXT yes", "", "fail matched r.test", "d.test redirect=r.test > r.test -all", "yes"},
		{"not that of the include", "d.test TXT v=spf1 exp=e.test -include:i.test\ne.test TXT yes\ni.test TXT v=spf1 exp=f.test +all\nf.test TXT no", "", "fail matched i.test", "d.test -include:i.test > i.test all", "yes"},
		{"only with fail", "d.test TXT v=spf1 exp=e.test ~all\ne.test TXT no", "", "softfail matched d.test", "d.test ~all", ""},
		{"to a sender beyond ASCII", "d.test TXT v=spf1 exp=e.test -all\ne.test TXT %{l}", "192.0.2.1 \u00fc@d.test", "fail matched d.test", "d.test -all", "\u00fc"},
		{"two explanations", "d.test TXT v=spf1 exp=e.test -all\ne.test TXT no\ne.test TXT neither", "", "fail matched d.test", "d.test -all", ""},
		{"an explanation that fails", "d.test TXT v=spf1 exp=e.test -all\ne.test servfail", "", "fail matched d.test", "d.test -all", ""},
		{"an explanation at a local part beyond ASCII", "d.test TXT v=spf1 exp=%{l}.test -all\n\\195\\188.test TXT no", "192.0.2.1 \u00fc@d.test", "fail matched d.test", "d.test -all", ""},
		{"an explanation beyond ASCII", "d.test TXT v=spf1 exp=e.test -all\ne.test TXT n\u00f6", "", "fail matched d.test", "d.test -all", ""},
		{"an explanation with a bad macro", "d.test TXT v=spf1 exp=e.test -all\ne.test TXT 100%", "", "fail matched d.test", "d.test -all", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.from == "" {
				tt.from = "192.0.2.1 user@d.test"
			}
			addr, from, _ := strings.Cut(tt.from, " ")
			domain := "d.test"
			if i := strings.LastIndexByte(from, '@'); i >= 0 {
				domain = from[i+1:]
			}
			c := spf.Checker{Resolver: zoneOf(tt.zone), Receiver: "mx.example", Time: time.Unix(1700000000, 0)}
			v, err := c.Check(t.Context(), domain, spf.Sender{IP: netip.MustParseAddr(addr), From: from})
			if err != nil {
				t.Fatal(err)
			}
			if got := v.Result.String() + " " + v.Reason.String() + " " + v.Name; got != tt.want || path(v) != tt.path {
				t.Errorf("got %s, by %q; want %s, by %q", got, path(v), tt.want, tt.path)
			}
			if v.Explanation != tt.explanation {
				t.Errorf("explanation %q, want %q", v.Explanation, tt.explanation)
			}
			if (v.Err != nil) != (v.Reason == spf.ReasonSyntax) || (v.Failed != nil) != (v.Reason == spf.ReasonDNS) {
				t.Errorf("%s with %v, %v", v.Reason, v.Err, v.Failed)
			}
		})
	}
}

// What can be long is bounded.
func TestCheckBounds(t *testing.T) {
	z := zoneOf("d.test TXT v=spf1 exp=e.test exists:" + strings.Repeat("%{l}.", 1000) + "d.test -all\ne.test TXT " + strings.Repeat("%{l}", 10000))
	c := spf.Checker{Resolver: z}
	v, err := c.Check(t.Context(), "d.test", spf.Sender{IP: netip.MustParseAddr("192.0.2.1"), From: strings.Repeat("a", 60) + "@d.test"})
	if err != nil || v.Result != spf.ResultFail || len(v.Explanation) > 2048 {
		t.Errorf("%v, %v, an explanation of %d octets", v.Result, err, len(v.Explanation))
	}
	if len(v.Void) != 1 || len(v.Void[0].Name) > 253 || !strings.HasSuffix(v.Void[0].Name, "a.d.test") {
		t.Errorf("looked up %v", v.Void)
	}
}

// stuck never answers.
type stuck struct{}

func (stuck) Lookup(ctx context.Context, _, _ string) (evidence.Lookup, error) {
	<-ctx.Done()
	return evidence.Lookup{}, ctx.Err()
}

func TestCheckEnds(t *testing.T) {
	sender := spf.Sender{IP: netip.MustParseAddr("192.0.2.1")}
	c := spf.Checker{Resolver: stuck{}}
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if v, err := c.Check(ctx, "d.test", sender); err != nil || v.Result != spf.ResultTempError || v.Reason != spf.ReasonTime || v.Name != "d.test" {
		t.Errorf("out of time: %+v, %v", v, err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := c.Check(ctx, "d.test", sender); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := c.Check(t.Context(), "d.test", spf.Sender{}); err == nil {
		t.Error("checked without an address")
	}
}

func TestResultTexts(t *testing.T) {
	for r := range spf.ResultPermError + 1 {
		var back spf.Result
		if b, _ := r.MarshalText(); back.UnmarshalText(b) != nil || back != r {
			t.Errorf("%s reads as %s", r, back)
		}
	}
	for r := range spf.ReasonLocalPart + 1 {
		var back spf.Reason
		if b, _ := r.MarshalText(); back.UnmarshalText(b) != nil || back != r {
			t.Errorf("%s reads as %s", r, back)
		}
	}
	var r spf.Result
	var why spf.Reason
	if r.UnmarshalText([]byte("Pass")) == nil || why.UnmarshalText(nil) == nil {
		t.Error("unknown texts are accepted")
	}
}

// FuzzCheck gives one record to names that include each other.
func FuzzCheck(f *testing.F) {
	for _, term := range rfcAccepted {
		f.Add("v=spf1 "+term+" include:e.test -all", "user", "text %{c}")
	}
	f.Add("v=spf1 exp=t.test exists:%{lr-.2}._spf.%{d2}", "a..b-c", "%{P}")
	f.Fuzz(func(t *testing.T, record, local, text string) {
		z := answers{}
		for _, n := range []string{"d.test", "e.test", "example.com"} {
			z.add(n, "TXT", `"`+evidence.EscapeText(record)+`"`)
			z.add(n, "MX", "0 "+n+".")
		}
		z.add("t.test", "TXT", `"`+evidence.EscapeText(text)+`"`)
		if s, err := spf.Look(t.Context(), z, "d.test"); err != nil || s.Lookups != s.Root.Node.Lookups() || s.Authorised().Contains(netip.Addr{}) {
			t.Fatalf("%+v, %v", s, err)
		}
		c := spf.Checker{Resolver: z}
		for _, ip := range []string{"192.0.2.1", "2001:db8::1"} {
			v, err := c.Check(t.Context(), "d.test", spf.Sender{IP: netip.MustParseAddr(ip), From: local + "@d.test"})
			if err != nil || v.Lookups > spf.MaxLookups+1 || len(v.Void) > spf.MaxVoid+1 || v.Reason == spf.ReasonUnknown {
				t.Fatalf("%+v, %v", v, err)
			}
		}
	})
}
