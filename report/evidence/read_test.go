package evidence_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"mailvet/report/evidence"
)

// answers builds a snapshot of example.test from lines "NAME TYPE DATA ; DATA"
// or "NAME TYPE !OUTCOME".
func answers(text string) *evidence.Snapshot {
	s := &evidence.Snapshot{Domain: "example.test"}
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if len(f) < 3 {
			continue
		}
		l := evidence.Lookup{Name: f[0], Type: f[1], Outcome: evidence.OutcomeAnswer}
		if outcome, ok := strings.CutPrefix(f[2], "!"); ok {
			if err := l.Outcome.UnmarshalText([]byte(outcome)); err != nil {
				panic(err)
			}
		} else {
			for d := range strings.SplitSeq(f[2], " ; ") {
				l.Answer = append(l.Answer, evidence.RR{Name: f[0], Type: f[1], Data: d})
			}
		}
		s.Lookups = append(s.Lookups, l)
	}
	s.Canonical()
	return s
}

func TestLookup(t *testing.T) {
	s := answers("b.test A 192.0.2.1\nb.test AAAA !nodata\na.test A !nxdomain\nb-x.test A !servfail\nB.a.test A 192.0.2.2\n")
	for _, q := range []evidence.Question{{Name: "b.test", Type: "A"}, {Name: "B.Test.", Type: "AAAA"}, {Name: "a.test", Type: "A"}, {Name: "b-x.test", Type: "A"}} {
		if l := s.Lookup(q.Name, q.Type); l == nil || l.Name != evidence.Name(q.Name) || l.Type != q.Type {
			t.Errorf("%v: %v", q, l)
		}
	}
	for _, q := range []evidence.Question{{Name: "a.test", Type: "AAAA"}, {Name: "zz.test", Type: "A"}, {Name: "", Type: ""}} {
		if l := s.Lookup(q.Name, q.Type); l != nil {
			t.Errorf("%v: found %v", q, l)
		}
	}
}

func TestThreeValues(t *testing.T) {
	tests := []struct {
		outcome                 string
		exists, absent, unknown bool
	}{
		{"unknown", false, false, true}, {"answer", true, false, false}, {"nodata", false, true, false}, {"nxdomain", false, true, false},
		{"servfail", false, false, true}, {"refused", false, false, true}, {"rcode", false, false, true}, {"timeout", false, false, true},
		{"malformed", false, false, true}, {"network", false, false, true}, {"bad-name", false, false, true}, {"alias-loop", false, false, true},
	}
	for _, tt := range tests {
		l := answers("a.test A !"+tt.outcome).Lookup("a.test", "A")
		if l.Exists() != tt.exists || l.Absent() != tt.absent || l.Unknown() != tt.unknown {
			t.Errorf("%s: exists %v, absent %v, unknown %v", tt.outcome, l.Exists(), l.Absent(), l.Unknown())
		}
	}
	var none *evidence.Lookup
	if none.Exists() || none.Absent() || none.Unknown() {
		t.Error("a question that was not asked is none of the three")
	}
}

func TestMail(t *testing.T) {
	many := func(n int) string {
		var data []string
		for i := range n {
			data = append(data, fmt.Sprintf("%d mx%02d.test.", n-i, i))
		}
		return "example.test MX " + strings.Join(data, " ; ")
	}
	tests := []struct {
		name, world string
		status      string
		hosts       string
		over        string
		ignored     int
		times       map[string]int
	}{
		{"two, by name, preference plays no part", "example.test MX 20 a.test. ; 10 B.Test.", "has_mx", "a.test b.test", "", 0, nil},
		{"one name twice", "example.test MX 10 a.test. ; 20 A.test. ; 30 b.test.", "has_mx", "a.test b.test", "", 0, map[string]int{"a.test": 2}},
		{"localhost beside others", "example.test MX 10 localhost. ; 20 b.test.", "has_mx", "b.test", "", 1, nil},
		{"only localhost", "example.test MX 10 localhost. ; 20 LOCALHOST.", "no_mx", "", "", 2, nil},
		{"ten", many(10), "has_mx", "mx00.test mx01.test mx02.test mx03.test mx04.test mx05.test mx06.test mx07.test mx08.test mx09.test", "", 0, nil},
		{"over ten", many(12), "has_mx", "mx00.test mx01.test mx02.test mx03.test mx04.test mx05.test mx06.test mx07.test mx08.test mx09.test", "mx10.test mx11.test", 0, nil},
		{"over ten records, the first name twice", many(10) + " ; 99 mx00.test.", "has_mx", "mx00.test mx01.test mx02.test mx03.test mx04.test mx05.test mx06.test mx07.test mx08.test", "mx09.test", 0, map[string]int{"mx00.test": 2}},
		{"ordered with the final dot", "example.test MX 1 mx.test. ; 1 mx.test-2.test. ; 1 mx.test.a.", "has_mx", "mx.test-2.test mx.test mx.test.a", "", 0, nil},
		{"an address, an alias, a single label: taken as they are", "example.test MX 1 192.0.2.1. ; 2 www.example.test. ; 3 mx.", "has_mx", "192.0.2.1 mx www.example.test", "", 0, nil},
		{"a dot with a preference is a server", "example.test MX 10 .", "has_mx", ".", "", 0, nil},
		{"data that cannot be read", "example.test MX x ; 70000 a.test. ; -1 b.test.", "no_mx", "", "", 0, nil},
		{"null MX", "example.test MX 0 .\nexample.test A 192.0.2.1\nexample.test AAAA !nodata", "null_mx", "", "", 0, nil},
		{"null MX, one family unknown", "example.test MX 0 .\nexample.test A !nodata\nexample.test AAAA !servfail", "null_mx", "", "", 0, nil},
		{"null MX, addresses not asked", "example.test MX 0 .", "null_mx", "", "", 0, nil},
		{"null MX without address", "example.test MX 0 .\nexample.test A !nodata\nexample.test AAAA !nodata", "null_mx_without_a_aaaa", "", "", 0, nil},
		{"null MX with others", "example.test MX 0 . ; 10 a.test.", "null_mx_with_other_mx", "", "", 0, nil},
		{"null MX with others, last in order", "example.test MX 0 a.test. ; 0 .", "null_mx_with_other_mx", "", "", 0, nil},
		{"none", "example.test MX !nodata\nexample.test A 192.0.2.1\nexample.test TXT \"v=spf1 mx -all\"", "no_mx", "", "", 0, nil},
		{"no such domain", "example.test MX !nxdomain", "no_mx", "", "", 0, nil},
		{"none, sends nothing", "example.test MX !nodata\nexample.test AAAA 2001:db8::1\nexample.test TXT \"V=SPF1   -ALL\" ; \"other\"", "no_null_mx", "", "", 0, nil},
		{"none, sends nothing, in two strings", "example.test MX !nodata\nexample.test A 192.0.2.1\nexample.test TXT \"v=spf1 \" \"-all\"", "no_null_mx", "", "", 0, nil},
		{"none, two SPF records", "example.test MX !nodata\nexample.test A 192.0.2.1\nexample.test TXT \"v=spf1 -all\" ; \"v=spf1 mx\"", "no_mx", "", "", 0, nil},
		{"none, sends nothing, no address", "example.test MX !nodata\nexample.test A !nodata\nexample.test AAAA !nodata\nexample.test TXT \"v=spf1 -all\"", "no_mx", "", "", 0, nil},
		{"only localhost, sends nothing", "example.test MX 0 localhost.\nexample.test A 192.0.2.1\nexample.test TXT \"v=spf1 -all\"", "no_null_mx", "", "", 1, nil},
		{"SERVFAIL", "example.test MX !servfail", "unknown", "", "", 0, nil},
		{"time-out", "example.test MX !timeout", "unknown", "", "", 0, nil},
		{"not asked", "", "unknown", "", "", 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := answers(tt.world).Mail()
			if m.Status.String() != tt.status || strings.Join(m.Hosts, " ") != tt.hosts || strings.Join(m.Over, " ") != tt.over ||
				len(m.Ignored) != tt.ignored || !maps.Equal(m.Times, tt.times) {
				t.Errorf("got %s %+v", m.Status, m)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	tests := []struct {
		name, world    string
		want           string
		known4, known6 bool
	}{
		{"both, in order, once", "mx.test A 192.0.2.20 ; 192.0.2.3 ; 192.0.2.3\nmx.test AAAA 2001:db8::2 ; 2001:db8:0:0::1", "192.0.2.3 192.0.2.20 2001:db8::1 2001:db8::2", true, true},
		{"mapped addresses reach nobody", "mx.test A !nodata\nmx.test AAAA ::ffff:192.0.2.1", "", true, true},
		{"the wrong family, a zone, no address", "mx.test A 2001:db8::1 ; x\nmx.test AAAA 192.0.2.1 ; fe80::1%eth0", "", true, true},
		{"one unknown", "mx.test A 192.0.2.1\nmx.test AAAA !servfail", "192.0.2.1", true, false},
		{"none at all", "mx.test A !nxdomain\nmx.test AAAA !nxdomain", "", true, true},
		{"not asked", "mx.test AAAA !nodata", "", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addrs, known4, known6 := answers(tt.world).Addresses("MX.test.")
			var got []string
			for _, a := range addrs {
				got = append(got, a.String())
			}
			if strings.Join(got, " ") != tt.want || known4 != tt.known4 || known6 != tt.known6 {
				t.Errorf("got %v %v %v", got, known4, known6)
			}
		})
	}
}

func TestClimb(t *testing.T) {
	tests := []struct {
		name string
		want []string
	}{
		{"A.B.test.", []string{"a.b.test", "b.test"}},
		{"b.test", []string{"b.test"}},
		{"test", nil},
		{"", nil},
		{".", nil},
		{"a..test", []string{"a..test", ".test"}},
	}
	for _, tt := range tests {
		if got := evidence.Climb(tt.name); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestPointers(t *testing.T) {
	s := whole()
	s.Canonical()
	tests := []struct {
		what any
		want string
	}{
		{s.Lookup("a.test", "AAAA"), "/lookups/0"},
		{s.Lookup("example.test", "MX"), "/lookups/2"},
		{s.SessionsOf("mx.example.test")[1], "/sessions/1"},
		{s.Reach("ns2.test", "192.0.2.2"), "/reaches/1"},
		{s.Lookup("b.test", "A"), ""},
		{&evidence.Lookup{Name: "b.test"}, ""},
		{&evidence.Session{}, ""},
		{&evidence.Reach{}, ""},
		{(*evidence.Session)(nil), ""},
		{(*evidence.Reach)(nil), ""},
		{nil, ""},
		{"text", ""},
	}
	for _, tt := range tests {
		if got := s.Pointer(tt.what); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.what, got, tt.want)
		}
	}
	if s.Reach("ns1.test", "192.0.2.2") != nil || len(s.SessionsOf("other.test")) != 0 {
		t.Error("what is not there was found")
	}
}
