package origin_test

import (
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"mailvet/dnscheck/rpki"
	"mailvet/dnscheck/rpki/origin"
	"mailvet/report/evidence"
)

func TestSystem(t *testing.T) {
	bogus := txt("64500 | NL | ripencc | 2001-02-03 | EXAMPLE, NL")
	bogus.Security = evidence.SecurityBogus
	asked := func(l evidence.Lookup) origin.Router {
		return origin.Router{Resolver: answers{"as64500.asn.cymru.com": l}}
	}
	tests := []struct {
		name   string
		router origin.Router
		want   string // name, country, registry, failure's class
	}{
		{"named", asked(txt("64500 | NL | ripencc | 2001-02-03 | EXAMPLE, NL")), "EXAMPLE, NL|NL|ripencc|"},
		{"another zone", origin.Router{Zones: rpki.Zones{Names: "names.test"}, Resolver: answers{"as64500.names.test": txt("64500 | NL | ripencc | | X")}}, "X|NL|ripencc|"},
		{"one of several records", asked(txt("hello", "64500 | DE | ripencc | | X")), "X|DE|ripencc|"},
		{"nothing told", asked(txt("64500 | |")), "|||"},
		{"odd words are left out", asked(txt("64500 | nl | <b> | | X")), "X|||"},
		{"a table tells no names", origin.Router{Routes: routes(t, "192.0.2.0/24 AS64500"), Resolver: nobody{}}, "|||"},
		{"nobody to ask", origin.Router{}, "|||"},
		{"no such system", asked(failing(evidence.OutcomeNXDomain, 0)), "|||"},
		{"about another", asked(txt("64501 | NL | ripencc | | X")), "|||protocol"},
		{"no record at all", asked(txt("hello")), "|||protocol"},
		{"forged", asked(bogus), "|||protocol"},
		{"a time-out", asked(failing(evidence.OutcomeTimeout, 0)), "|||timeout"},
		{"refused", asked(failing(evidence.OutcomeRefused, 0)), "|||refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := tt.router.System(t.Context(), 64500)
			class := ""
			if s.Failure != nil {
				class = s.Failure.Class.String()
			}
			if got := strings.Join([]string{s.Name, s.Country, s.Registry, class}, "|"); err != nil || got != tt.want || s.ASN != 64500 {
				t.Errorf("AS%d %q, %v; want %q", s.ASN, got, err, tt.want)
			}
		})
	}
	if _, err := (&origin.Router{Resolver: nobody{}}).System(t.Context(), 64500); err == nil {
		t.Error("a resolver that cannot be asked is no error")
	}
}

// Whatever stands in a name, what is kept can be shown and stored.
func TestHostileName(t *testing.T) {
	for _, name := range []string{"\\027[31mred", "<script>", "\\255\\254", strings.Repeat("x", 240), "a\\009b\\000c"} {
		r := origin.Router{Resolver: answers{"as64500.asn.cymru.com": txt("64500 | NL | ripencc | | " + name)}}
		s, err := r.System(t.Context(), 64500)
		if err != nil || !utf8.ValidString(s.Name) || len(s.Name) > 512 || strings.ContainsAny(s.Name, "\x1b\x00\t\n") || s.Name == "" {
			t.Errorf("%q: %q, %v", name, s.Name, err)
		}
	}
}

// The registration of a prefix comes with the route, and without VRPs routes
// are looked for where that is asked.
func TestOrigins(t *testing.T) {
	r := origin.Router{Origins: true, Resolver: answers{
		"1.2.0.192.origin.asn.cymru.com": txt("64500 64501 | 192.0.2.0/24 | NL | ripencc | 2001-02-03", "64502 | 192.0.0.0/16 | US | arin |"),
	}}
	got, err := r.Route(t.Context(), netip.MustParseAddr("192.0.2.1"))
	if err != nil || got.VRPSource != evidence.SourceUnknown || got.RouteSource != evidence.SourceUsable || len(got.Routes) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, x := range got.Routes {
		want := "NL ripencc"
		if x.Origin == 64502 {
			want = "US arin"
		}
		if x.Country+" "+x.Registry != want || x.State != evidence.RouteUnknown {
			t.Errorf("AS%d: %s %s, %s; want %s", x.Origin, x.Country, x.Registry, x.State, want)
		}
	}
}
