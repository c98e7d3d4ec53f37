package evidence_test

import (
	"net/netip"
	"testing"

	"mailvet/report/evidence"
)

func TestRouteCovers(t *testing.T) {
	tests := []struct {
		prefix, network string
		want            bool
	}{
		{"192.0.2.0/24", "192.0.2.0/24", true},
		{"192.0.0.0/16", "192.0.2.0/24", true},
		{"192.0.2.0/25", "192.0.2.0/24", false},
		{"198.51.100.0/24", "192.0.2.0/24", false},
		{"2001:db8::/32", "2001:db8:5::/48", true},
		{"::/0", "192.0.2.0/24", false},
		{"", "192.0.2.0/24", false},
		{"192.0.2.0/24", "", false},
	}
	for _, tt := range tests {
		if got := (evidence.Route{Prefix: tt.prefix}).Covers(tt.network); got != tt.want {
			t.Errorf("%s covers %s: %v", tt.prefix, tt.network, got)
		}
	}
}

func TestRouting(t *testing.T) {
	s := whole()
	s.Canonical()
	for addr, want := range map[string]string{"192.0.2.25": "/routings/0", "2001:db8::25": "/routings/1", "192.0.2.26": ""} {
		if got := s.Pointer(s.Routing(netip.MustParseAddr(addr))); got != want {
			t.Errorf("%s: %q, want %q", addr, got, want)
		}
	}
	for asn, want := range map[uint32]string{64500: "/systems/0", 64501: "/systems/1", 64502: ""} {
		if got := s.Pointer(s.System(asn)); got != want {
			t.Errorf("AS%d: %q, want %q", asn, got, want)
		}
	}
	if got := s.Routings[0].Routes[0]; got.Prefix != "192.0.2.0/24" || got.Origin != 64500 {
		t.Errorf("the first route is %+v, not the most specific one of the lowest AS", got)
	}
}
