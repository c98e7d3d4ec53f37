package rpki_test

import (
	"encoding"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"mailvet/dnscheck/rpki"
)

func vrp(t testing.TB, prefix string, maxLength int, asn rpki.ASN) rpki.VRP {
	t.Helper()
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		t.Fatal(err)
	}
	return rpki.VRP{Prefix: p, MaxLength: maxLength, ASN: asn}
}

func buildVRPs(t testing.TB, list ...rpki.VRP) *rpki.VRPs {
	t.Helper()
	var b rpki.VRPBuilder
	for _, v := range list {
		if err := b.Add(v); err != nil {
			t.Fatal(err)
		}
	}
	set, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func buildRoutes(t testing.TB, list ...rpki.Route) *rpki.Routes {
	t.Helper()
	var b rpki.RouteBuilder
	for _, r := range list {
		if err := b.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	table, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func route(prefix string, origin rpki.ASN) rpki.Route {
	return rpki.Route{Prefix: netip.MustParsePrefix(prefix), Origin: origin}
}

func TestValidate(t *testing.T) {
	set := buildVRPs(t,
		vrp(t, "192.0.2.0/24", 24, 64496),
		vrp(t, "198.51.100.0/24", 26, 64496), vrp(t, "198.51.100.0/25", 25, 64497),
		vrp(t, "203.0.113.0/24", 24, 0),
		vrp(t, "203.0.113.128/25", 32, 0), vrp(t, "203.0.113.128/25", 25, 64498),
		vrp(t, "2001:db8::/32", 48, 64496), vrp(t, "2001:db8:ffff::/48", 128, 64499),
	)
	tests := []struct {
		name   string
		route  rpki.Route
		want   string
		matchs int // VRPs matched
		as     int // of another AS
		length int // with too short a maximum length
	}{
		{"the prefix itself", route("192.0.2.0/24", 64496), "valid", 1, 0, 0},
		{"longer than the maximum length", route("192.0.2.0/25", 64496), "invalid (length)", 0, 0, 1},
		{"longer, and another AS", route("192.0.2.0/25", 64497), "invalid (length)", 0, 0, 1},
		{"another AS", route("192.0.2.0/24", 64497), "invalid (as)", 0, 1, 0},
		{"shorter than the VRP", route("192.0.2.0/23", 64496), "not-found", 0, 0, 0},
		{"beside the VRP", route("192.0.3.0/24", 64496), "not-found", 0, 0, 0},
		{"the default route", route("0.0.0.0/0", 64496), "not-found", 0, 0, 0},
		{"within the maximum length", route("198.51.100.64/26", 64496), "valid", 1, 0, 1},
		{"the longer VRP has another AS", route("198.51.100.0/25", 64496), "valid", 1, 1, 0},
		{"the longer VRP matches", route("198.51.100.0/25", 64497), "valid", 1, 1, 0},
		{"one too short, one of another AS", route("198.51.100.0/26", 64497), "invalid (as)", 0, 1, 1},
		{"nobody may announce it", route("203.0.113.0/24", 64496), "invalid (as)", 0, 1, 0},
		{"AS 0 does not match AS 0", route("203.0.113.0/24", 0), "invalid (as)", 0, 1, 0},
		{"AS 0 and another", route("203.0.113.128/25", 64498), "valid", 1, 1, 1},
		{"AS 0 alone allows the length", route("203.0.113.129/32", 64498), "invalid (as)", 0, 1, 2},
		{"an AS_SET matches nothing", route("192.0.2.0/24", 0), "invalid (as)", 0, 1, 0},
		{"IPv6", route("2001:db8:1::/48", 64496), "valid", 1, 0, 0},
		{"IPv6 too long", route("2001:db8:1::/49", 64496), "invalid (length)", 0, 0, 1},
		{"an IPv6 host", route("2001:db8:ffff::1/128", 64499), "valid", 1, 0, 1},
		{"IPv6 not found", route("2001:db9::/32", 64496), "not-found", 0, 0, 0},
		{"bits behind the length do not count", route("192.0.2.77/24", 64496), "valid", 1, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := set.Validate(tt.route)
			if x.String() != tt.want || x.Condition != rpki.Usable {
				t.Errorf("%s is %s (%s), want %s", tt.route, x, x.Condition, tt.want)
			}
			if len(x.Matched) != tt.matchs || len(x.UnmatchedAS) != tt.as || len(x.UnmatchedLength) != tt.length {
				t.Errorf("matched %v, of another AS %v, too short %v", x.Matched, x.UnmatchedAS, x.UnmatchedLength)
			}
			if covered := tt.matchs+tt.as+tt.length > 0; x.Covered() != covered || covered != (len(x.VRPs()) > 0) {
				t.Errorf("covered is %v, VRPs %v", x.Covered(), x.VRPs())
			}
			list, _ := set.Covering(tt.route.Prefix)
			if len(list) != tt.matchs+tt.as+tt.length {
				t.Errorf("covering: %v", list)
			}
			if !slices.IsSortedFunc(list, func(a, b rpki.VRP) int { return b.Prefix.Bits() - a.Prefix.Bits() }) {
				t.Errorf("the longest prefix is not the first: %v", list)
			}
		})
	}
}

func TestUnknownIsNotJudged(t *testing.T) {
	v4only := buildVRPs(t, vrp(t, "192.0.2.0/24", 24, 64496))
	tests := []struct {
		name  string
		set   *rpki.VRPs
		route rpki.Route
		want  string
	}{
		{"never loaded", nil, route("192.0.2.0/24", 64496), "unknown (missing)"},
		{"empty", buildVRPs(t), route("192.0.2.0/24", 64496), "unknown (empty)"},
		{"empty for the family", v4only, route("2001:db8::/32", 64496), "unknown (empty)"},
		{"stale", rpki.WithoutVRPs(rpki.Stale), route("192.0.2.0/24", 64496), "unknown (stale)"},
		{"the zero set", new(rpki.VRPs), route("192.0.2.0/24", 64496), "unknown (missing)"},
		{"no prefix", v4only, rpki.Route{Origin: 64496}, "unknown (missing)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := tt.set.Validate(tt.route)
			if x.String() != tt.want || x.Covered() || len(x.VRPs()) > 0 {
				t.Errorf("%s, covered %v, want %s", x, x.Covered(), tt.want)
			}
			if list, c := tt.set.Covering(tt.route.Prefix); c == rpki.Usable || list != nil {
				t.Errorf("covering: %v (%s)", list, c)
			}
			tt.set.Len()
			for range tt.set.All() {
				break
			}
		})
	}
	if x := (rpki.Validation{}); x.String() != "unknown (missing)" {
		t.Errorf("the zero validation is %s", x)
	}
	for name, f := range map[string]func(){
		"VRPs":   func() { rpki.WithoutVRPs(rpki.Usable) },
		"routes": func() { rpki.WithoutRoutes(rpki.Usable) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("nothing is usable, of %s", name)
				}
			}()
			f()
		}()
	}
}

func TestAddRejects(t *testing.T) {
	tests := []struct {
		name string
		v    rpki.VRP
	}{
		{"no prefix", rpki.VRP{}},
		{"a maximum length below the prefix's", vrp(t, "192.0.2.0/24", 23, 1)},
		{"a maximum length beyond IPv4", vrp(t, "192.0.2.0/24", 33, 1)},
		{"a maximum length beyond IPv6", vrp(t, "2001:db8::/32", 129, 1)},
		{"a negative maximum length", vrp(t, "0.0.0.0/0", -1, 1)},
		{"bits behind the length", vrp(t, "192.0.2.1/24", 24, 1)},
		{"an IPv4-mapped prefix", vrp(t, "::ffff:192.0.2.0/120", 120, 1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b rpki.VRPBuilder
			if err := b.Add(tt.v); err == nil || b.Len() != 0 {
				t.Errorf("added: %v", err)
			}
		})
	}
	var b rpki.RouteBuilder
	for _, r := range []rpki.Route{{}, route("192.0.2.1/24", 1), route("::ffff:192.0.2.0/120", 1), {Prefix: netip.MustParsePrefix("192.0.2.0/24"), Peers: -1}} {
		if err := b.Add(r); err == nil || b.Len() != 0 {
			t.Errorf("%v is added: %v", r, err)
		}
	}
}

func TestRepeatedAndTooMany(t *testing.T) {
	v := vrp(t, "192.0.2.0/24", 24, 64496)
	named := v
	named.TrustAnchor = "ripe"
	set := buildVRPs(t, v, named, v)
	if set.Len() != 1 {
		t.Errorf("%d VRPs of one", set.Len())
	}
	var b rpki.VRPBuilder
	for i := range rpki.ASN(4097) {
		v.ASN = i
		if err := b.Add(v); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Build(); err == nil || !strings.Contains(err.Error(), "one prefix") {
		t.Errorf("4097 VRPs of one prefix: %v", err)
	}
	table := buildRoutes(t, rpki.Route{Prefix: v.Prefix, Origin: 1, Peers: 5}, rpki.Route{Prefix: v.Prefix, Origin: 1, Peers: 7}, rpki.Route{Prefix: v.Prefix, Origin: 1})
	if list, _ := table.Covering(v.Prefix); len(list) != 1 || list[0].Peers != 7 {
		t.Errorf("one route from three sources: %v", list)
	}
}

func TestTrustAnchorNames(t *testing.T) {
	var b rpki.VRPBuilder
	add := func(i int, name string) {
		v := vrp(t, "192.0.2.0/24", 24, rpki.ASN(i))
		v.TrustAnchor = name
		if err := b.Add(v); err != nil {
			t.Fatal(err)
		}
	}
	odd := []string{"", "N/A", "a\x1b[31m", "\xff", strings.Repeat("x", 65)}
	for i, name := range odd {
		add(i, name)
	}
	for i := range 300 {
		add(100+i, fmt.Sprintf("ta-%d", i))
	}
	set, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	for v := range set.All() {
		want := ""
		if n := int(v.ASN) - 100; n >= 0 && n < 255 {
			want = fmt.Sprintf("ta-%d", n)
		}
		if v.TrustAnchor != want {
			t.Errorf("%s has trust anchor %q, want %q", v, v.TrustAnchor, want)
		}
	}
}

func TestRoutesTo(t *testing.T) {
	table := buildRoutes(t,
		route("0.0.0.0/0", 1), route("192.0.2.0/23", 64500), route("192.0.2.0/24", 64496), route("192.0.2.0/24", 64497),
		route("192.0.2.128/25", 64498), route("198.51.100.0/24", 64499), route("2001:db8::/32", 64500), route("2001:db8:0:1::/64", 64501),
	)
	tests := []struct{ name, addr, want string }{
		{"several origins and less specifics", "192.0.2.1", "192.0.2.0/24 AS64497, 192.0.2.0/24 AS64496, 192.0.2.0/23 AS64500, 0.0.0.0/0 AS1"},
		{"a more specific", "192.0.2.129", "192.0.2.128/25 AS64498, 192.0.2.0/24 AS64497, 192.0.2.0/24 AS64496, 192.0.2.0/23 AS64500, 0.0.0.0/0 AS1"},
		{"the first address of all", "0.0.0.0", "0.0.0.0/0 AS1"},
		{"the last address of all", "255.255.255.255", "0.0.0.0/0 AS1"},
		{"written as IPv6", "::ffff:198.51.100.9", "198.51.100.0/24 AS64499, 0.0.0.0/0 AS1"},
		{"IPv6", "2001:db8:0:1::25", "2001:db8:0:1::/64 AS64501, 2001:db8::/32 AS64500"},
		{"IPv6 with a zone", "2001:db8::25%eth0", "2001:db8::/32 AS64500"},
		{"not routed", "2001:db9::1", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list, c := table.To(netip.MustParseAddr(tt.addr))
			var got []string
			for _, r := range list {
				got = append(got, r.String())
			}
			if s := strings.Join(got, ", "); s != tt.want || c != rpki.Usable {
				t.Errorf("%s (%s), want %s", s, c, tt.want)
			}
		})
	}
	unknown := []struct {
		table *rpki.Routes
		addr  netip.Addr
		want  rpki.Condition
	}{
		{nil, netip.MustParseAddr("192.0.2.1"), rpki.Missing},
		{new(rpki.Routes), netip.MustParseAddr("192.0.2.1"), rpki.Missing},
		{table, netip.Addr{}, rpki.Missing},
		{rpki.WithoutRoutes(rpki.Unavailable), netip.MustParseAddr("192.0.2.1"), rpki.Unavailable},
		{buildRoutes(t, route("192.0.2.0/24", 1)), netip.MustParseAddr("2001:db8::1"), rpki.Empty},
	}
	for _, tt := range unknown {
		if list, c := tt.table.To(tt.addr); c != tt.want || list != nil {
			t.Errorf("routes to %s: %v (%s), want %s", tt.addr, list, c, tt.want)
		}
	}
}

func TestTruncated(t *testing.T) {
	tests := []struct{ addr, truncated, host string }{
		{"192.0.2.77", "192.0.2.0/24", "192.0.2.77/32"},
		{"::ffff:192.0.2.77", "192.0.2.0/24", "192.0.2.77/32"},
		{"2001:db8:1:2::3", "2001:db8:1::/48", "2001:db8:1:2::3/128"},
		{"2001:db8:1:2::3%x", "2001:db8:1::/48", "2001:db8:1:2::3/128"},
	}
	for _, tt := range tests {
		addr := netip.MustParseAddr(tt.addr)
		if p, h := rpki.Truncated(addr), rpki.HostPrefix(addr); p.String() != tt.truncated || h.String() != tt.host {
			t.Errorf("%s: %s and %s, want %s and %s", addr, p, h, tt.truncated, tt.host)
		}
	}
	if rpki.Truncated(netip.Addr{}).IsValid() || rpki.HostPrefix(netip.Addr{}).IsValid() {
		t.Error("the zero address has a prefix")
	}
}

// TestAgainstSearch compares the table with looking at every entry.
func TestAgainstSearch(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 7))
		// Few different octets, so that prefixes lie inside one another.
		prefix := func() netip.Prefix {
			var a [16]byte
			for i := range a {
				a[i] = [...]byte{0, 0x80, 0xff}[r.IntN(3)]
			}
			addr := netip.AddrFrom16(a)
			if r.IntN(2) == 0 {
				addr = netip.AddrFrom4([4]byte(a[:4]))
			}
			p, _ := addr.Prefix(r.IntN(addr.BitLen() + 1))
			return p
		}
		seen := map[string]bool{}
		var list []rpki.Route
		for range 1 + r.IntN(300) {
			rt := rpki.Route{Prefix: prefix(), Origin: rpki.ASN(r.IntN(3))}
			if rt.Prefix.Addr().Is4In6() {
				continue
			}
			if !seen[rt.String()] {
				list = append(list, rt)
			}
			seen[rt.String()] = true
		}
		table := buildRoutes(t, append(list, list...)...)
		if table.Len() != len(list) {
			t.Fatalf("seed %d: %d routes of %d", seed, table.Len(), len(list))
		}
		for range 300 {
			p := prefix()
			var want []string
			for _, rt := range list {
				if rt.Prefix.Bits() <= p.Bits() && rt.Prefix.Contains(p.Addr()) {
					want = append(want, rt.String())
				}
			}
			var got []string
			found, _ := table.Covering(p)
			for i, rt := range found {
				got = append(got, rt.String())
				if i > 0 && rt.Prefix.Bits() > found[i-1].Prefix.Bits() {
					t.Fatalf("seed %d: %s: out of order: %v", seed, p, found)
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d: %s is in %v, want %v", seed, p, got, want)
			}
		}
	}
}

func TestASN(t *testing.T) {
	tests := []struct {
		text string
		want rpki.ASN
		ok   bool
	}{
		{"64496", 64496, true}, {"AS64496", 64496, true}, {"as64496", 64496, true}, {"AS0", 0, true}, {"4294967295", 4294967295, true},
		{"4294967296", 0, false}, {"", 0, false}, {"AS", 0, false}, {"ASAS1", 0, false}, {"-1", 0, false}, {"+1", 0, false},
		{"1.10", 0, false}, {" 1", 0, false}, {"AS 1", 0, false}, {"0x10", 0, false}, {"1_0", 0, false}, {strings.Repeat("1", 1000), 0, false},
	}
	for _, tt := range tests {
		a, err := rpki.ParseASN(tt.text)
		if a != tt.want || (err == nil) != tt.ok {
			t.Errorf("%.20q: %s, %v", tt.text, a, err)
		}
		if err != nil && len(err.Error()) > 200 {
			t.Errorf("an error of %d octets", len(err.Error()))
		}
		if back, err := rpki.ParseASN(a.String()); err != nil || back != a {
			t.Errorf("%s reads back as %s, %v", a, back, err)
		}
	}
}

// enum holds a closed set to its contract.
func enum[T interface {
	~uint8
	fmt.Stringer
	encoding.TextMarshaler
}, P interface {
	*T
	encoding.TextUnmarshaler
}](t *testing.T, zero string, last T) {
	t.Helper()
	if T(0).String() != zero {
		t.Errorf("%T: the zero value is %q", last, T(0))
	}
	for v := range last + 1 {
		b, err := v.MarshalText()
		var back T
		if err != nil || P(&back).UnmarshalText(b) != nil || back != v {
			t.Errorf("%T: %q reads back as %v (%v)", last, b, back, err)
		}
	}
	for _, bad := range []string{"", "nonsense", "Unknown"} {
		var v T
		if err := P(&v).UnmarshalText([]byte(bad)); err == nil || v != 0 {
			t.Errorf("%T: %q is accepted", last, bad)
		}
	}
	defer func() {
		if recover() == nil {
			t.Errorf("%T: there is a value after the last", last)
		}
	}()
	_ = (last + 1).String()
}

func TestEnums(t *testing.T) {
	enum(t, "unknown", rpki.StateValid)
	enum(t, "none", rpki.ReasonLength)
	enum(t, "missing", rpki.Empty)
	enum(t, "unknown", rpki.FormatRIS)
}
