package origin_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mailvet/dnscheck/rpki"
	"mailvet/dnscheck/rpki/origin"
	"mailvet/report/evidence"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func vrps(t testing.TB, lines ...string) *rpki.VRPs {
	t.Helper()
	var b rpki.VRPBuilder
	for _, l := range lines {
		f := strings.Fields(l)
		v := rpki.VRP{Prefix: netip.MustParsePrefix(f[0])}
		if _, err := fmt.Sscan(f[1], &v.MaxLength); err != nil {
			t.Fatal(err)
		}
		var err error
		if v.ASN, err = rpki.ParseASN(f[2]); err != nil {
			t.Fatal(err)
		}
		if err := b.Add(v); err != nil {
			t.Fatal(err)
		}
	}
	table, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func routes(t testing.TB, lines ...string) *rpki.Routes {
	t.Helper()
	var b rpki.RouteBuilder
	for _, l := range lines {
		f := strings.Fields(l)
		asn, err := rpki.ParseASN(f[1])
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Add(rpki.Route{Prefix: netip.MustParsePrefix(f[0]), Origin: asn}); err != nil {
			t.Fatal(err)
		}
	}
	table, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// answers is a resolver that knows some names.
type answers map[string]evidence.Lookup

func (a answers) Lookup(_ context.Context, name, qtype string) (evidence.Lookup, error) {
	l, ok := a[name]
	if !ok {
		l.Outcome = evidence.OutcomeNXDomain
	}
	l.Name, l.Type = name, qtype
	return l, nil
}

func txt(texts ...string) evidence.Lookup {
	l := evidence.Lookup{Outcome: evidence.OutcomeAnswer}
	for _, t := range texts {
		l.Answer = append(l.Answer, evidence.RR{Type: "TXT", Data: `"` + t + `"`})
	}
	return l
}

func failing(o evidence.Outcome, class evidence.Class) evidence.Lookup {
	l := evidence.Lookup{Outcome: o}
	if class != evidence.ClassUnknown {
		l.Failure = &evidence.Failure{Op: evidence.OpQuery, Class: class}
	}
	return l
}

// show is a routing in one line: the conditions, the routes, the VRPs that
// cover the address.
func show(r evidence.Routing) string {
	list := []string{r.VRPSource.String(), r.RouteSource.String()}
	for _, x := range r.Routes {
		text := fmt.Sprintf("%s=%d=%s", x.Prefix, x.Origin, x.State)
		if x.Reason != evidence.ReasonUnknown {
			text += "(" + x.Reason.String() + ")"
		}
		list = append(list, fmt.Sprintf("%s/%d", text, len(x.VRPs)))
	}
	if r.Failure != nil {
		list = append(list, r.Failure.Class.String())
	}
	return strings.Join(append(list, fmt.Sprint(len(r.VRPs))), " ")
}

func TestRoute(t *testing.T) {
	usual := vrps(t, "192.0.2.0/24 24 AS64500", "2001:db8::/32 40 AS64500", "198.51.100.0/24 24 AS0")
	fresh := []rpki.Source{{Format: rpki.FormatJSON, Generated: now.Add(-time.Hour), Kept: 2}}
	table := routes(t, "192.0.2.0/24 AS64500", "192.0.0.0/16 AS64501", "198.51.100.0/24 AS64500", "2001:db8::/32 AS64500", "2001:db8:1::/48 AS64500", "2001:db8::/40 AS64501")
	const four, six = "192.0.2.1", "2001:db8:1::1"
	local := origin.Router{VRPs: usual, VRPSources: fresh, Routes: table, RouteSources: []rpki.Source{{Format: rpki.FormatRIS, Kept: 6}}}
	with := func(change func(*origin.Router)) origin.Router {
		r := local
		change(&r)
		return r
	}
	bogus := txt("64500 | 192.0.2.0/24 | NL | ripencc | 2001-02-03")
	bogus.Security = evidence.SecurityBogus
	asked := func(l evidence.Lookup) origin.Router {
		return with(func(r *origin.Router) {
			r.Routes, r.RouteSources, r.Resolver = nil, nil, answers{"1.2.0.192.origin.asn.cymru.com": l}
		})
	}
	tests := []struct {
		name, addr string
		router     origin.Router
		want       string
	}{
		{"valid, and a less specific one", four, local, "usable usable 192.0.2.0/24=64500=valid/1 192.0.0.0/16=64501=not-found/0 1"},
		{"mapped", "::ffff:192.0.2.1", local, "usable usable 192.0.2.0/24=64500=valid/1 192.0.0.0/16=64501=not-found/0 1"},
		{"too long", six, local, "usable usable 2001:db8:1::/48=64500=invalid(length)/1 2001:db8::/40=64501=invalid(as)/1 2001:db8::/32=64500=valid/1 1"},
		{"nobody may announce it", "198.51.100.1", local, "usable usable 198.51.100.0/24=64500=invalid(as)/1 1"},
		{"not routed", "203.0.113.1", local, "usable usable 0"},
		{"not to be asked for", four, with(func(r *origin.Router) { r.Unrouted = netip.Addr.Is4 }), "usable usable 1"},
		{"old VRPs", four, with(func(r *origin.Router) {
			r.VRPSources = []rpki.Source{{Format: rpki.FormatJSON, Generated: now.Add(-25 * time.Hour), Kept: 2}}
		}), "stale unknown 0"},
		{"one of two is old", four, with(func(r *origin.Router) {
			r.VRPSources = append(slices.Clone(fresh), rpki.Source{Format: rpki.FormatCSV, Generated: now.Add(-25 * time.Hour), Kept: 2})
		}), "stale unknown 0"},
		{"VRPs of tomorrow", four, with(func(r *origin.Router) {
			r.VRPSources = []rpki.Source{{Format: rpki.FormatJSON, Generated: now.Add(25 * time.Hour), Kept: 2}}
		}), "ahead unknown 0"},
		{"VRPs that could not be had", four, with(func(r *origin.Router) { r.VRPs = rpki.WithoutVRPs(rpki.Unavailable) }), "unavailable unknown 0"},
		{"no VRPs", four, with(func(r *origin.Router) { r.VRPs, r.VRPSources = nil, nil }), "unknown unknown 0"},
		{"no VRPs of the family", six, with(func(r *origin.Router) { r.VRPs = vrps(t, "192.0.2.0/24 24 AS64500") }), "empty unknown 0"},
		{"old routes", four, with(func(r *origin.Router) {
			r.RouteSources = []rpki.Source{{Format: rpki.FormatRIS, Generated: now.Add(-73 * time.Hour), Kept: 6}}
		}), "usable stale 1"},
		{"no routes of the family", six, with(func(r *origin.Router) { r.Routes = routes(t, "192.0.2.0/24 AS64500") }), "usable empty 1"},
		{"no routes", four, with(func(r *origin.Router) { r.Routes, r.RouteSources = nil, nil }), "usable unknown 1"},

		{"asked", four, asked(txt("64500 | 192.0.2.0/24 | NL | ripencc | 2001-02-03")), "usable usable 192.0.2.0/24=64500=valid/1 1"},
		{"several origins", four, asked(txt("64500 64501 | 192.0.2.0/24 | NL | ripencc |", "64502 | 192.0.0.0/16 | NL | ripencc |")),
			"usable usable 192.0.2.0/24=64501=invalid(as)/1 192.0.2.0/24=64500=valid/1 192.0.0.0/16=64502=not-found/0 1"},
		{"no such name", "203.0.113.1", asked(txt("x")), "usable usable 0"},
		{"an answer about something else", four, asked(txt("64500 | 198.51.100.0/24 | NL | ripencc |")), "usable unavailable protocol 1"},
		{"an answer that is none", four, asked(txt("hello")), "usable unavailable protocol 1"},
		{"forged", four, asked(bogus), "usable unavailable protocol 1"},
		{"a time-out", four, asked(failing(evidence.OutcomeTimeout, 0)), "usable unavailable timeout 1"},
		{"refused", four, asked(failing(evidence.OutcomeRefused, 0)), "usable unavailable refused 1"},
		{"servfail", four, asked(failing(evidence.OutcomeServFail, 0)), "usable unavailable temporary 1"},
		{"out of time", four, asked(failing(evidence.OutcomeTimeout, evidence.ClassBudget)), "usable unavailable budget 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.router.Now = func() time.Time { return now }
			got, err := tt.router.Route(t.Context(), netip.MustParseAddr(tt.addr))
			if err != nil || show(got) != tt.want || got.Addr != tt.addr {
				t.Errorf("%s: %s (%v)\nwant %s", got.Addr, show(got), err, tt.want)
			}
		})
	}
}

// Nobody is asked for routes that nothing could judge.
func TestThrift(t *testing.T) {
	r := origin.Router{VRPs: rpki.WithoutVRPs(rpki.Stale), Resolver: nobody{}}
	got, err := r.Route(t.Context(), netip.MustParseAddr("192.0.2.1"))
	if err != nil || got.VRPSource != evidence.SourceStale || got.RouteSource != evidence.SourceUnknown {
		t.Errorf("%+v, %v", got, err)
	}
}

type nobody struct{}

func (nobody) Lookup(context.Context, string, string) (evidence.Lookup, error) {
	return evidence.Lookup{}, errors.New("asked")
}

func TestResolverError(t *testing.T) {
	r := origin.Router{VRPs: vrps(t, "192.0.2.0/24 24 AS64500"), Resolver: nobody{}}
	if _, err := r.Route(t.Context(), netip.MustParseAddr("192.0.2.1")); err == nil || !strings.Contains(err.Error(), "asked") {
		t.Errorf("error %v", err)
	}
}

// Whatever a table holds, what is kept of it is bounded.
func TestBounds(t *testing.T) {
	var v, r []string
	for i := range 200 {
		v = append(v, fmt.Sprintf("192.0.2.0/24 24 AS%d", 64500+i))
		r = append(r, fmt.Sprintf("192.0.2.0/24 AS%d", 65000+i))
	}
	router := origin.Router{VRPs: vrps(t, v...), Routes: routes(t, r...)}
	got, err := router.Route(t.Context(), netip.MustParseAddr("192.0.2.1"))
	if err != nil || len(got.Routes) > 64 || len(got.VRPs) > 32 || len(got.Routes[0].VRPs) > 32 {
		t.Errorf("%d routes, %d VRPs, %v", len(got.Routes), len(got.VRPs), err)
	}
}

func ExampleRouter() {
	var b rpki.VRPBuilder
	if err := b.Add(rpki.VRP{Prefix: netip.MustParsePrefix("192.0.2.0/24"), MaxLength: 24, ASN: 64500}); err != nil {
		fmt.Println(err)
	}
	table, err := b.Build()
	if err != nil {
		fmt.Println(err)
	}
	r := origin.Router{VRPs: table, Resolver: answers{
		"1.2.0.192.origin.asn.cymru.com": txt("64501 | 192.0.2.0/24 | NL | ripencc | 2001-02-03"),
	}}
	got, err := r.Route(context.Background(), netip.MustParseAddr("192.0.2.1"))
	if err != nil {
		fmt.Println(err)
	}
	for _, x := range got.Routes {
		fmt.Printf("%s from AS%d is %s\n", x.Prefix, x.Origin, x.State)
	}
	// Output: 192.0.2.0/24 from AS64501 is invalid
}
