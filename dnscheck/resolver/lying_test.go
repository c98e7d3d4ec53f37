package resolver_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/dnstest"
	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

// several makes a network of several resolvers of a world, each with a fault.
func several(t testing.TB, w *dnstest.World, faults ...*dnstest.Fault) (n *fakeNet, addrs []string) {
	t.Helper()
	nets := map[string]*fakeNet{}
	for i, f := range faults {
		server := w.Resolver()
		if f != nil {
			if err := server.AddFaults(*f); err != nil {
				t.Fatal(err)
			}
		}
		addr := "192.0.2." + string(rune('1'+i))
		nets[addr+":53"] = serving(server, 0)
		addrs = append(addrs, addr)
	}
	return &fakeNet{serve: func(ctx context.Context, network, address string, query []byte) [][]byte {
		return nets[address].serve(ctx, network, address, query)
	}}, addrs
}

// What one server makes bogus or strips, the others are asked for too: the
// domain is blamed only for what nobody can prove.
func TestLyingServer(t *testing.T) {
	w := signedWorld(t, epoch)
	strips := &dnstest.Fault{Kind: dnstest.StripDNSSEC}
	noEDNS := &dnstest.Fault{Kind: dnstest.NoEDNSFormErr}
	stripsOne := &dnstest.Fault{Name: "good.test", Type: dns.TypeMX, Kind: dnstest.StripRRSIG}
	corruptsKeys := &dnstest.Fault{Name: "good.test", Type: dns.TypeDNSKEY, Kind: dnstest.CorruptRRSIG}
	corruptsAll := &dnstest.Fault{Kind: dnstest.CorruptRRSIG}
	dead := &dnstest.Fault{Kind: dnstest.Drop}
	tests := []struct {
		what     string
		faults   []*dnstest.Fault
		security evidence.Security
		stripped bool
	}{
		{"strips", []*dnstest.Fault{strips, nil}, evidence.SecuritySecure, false},
		{"two strip", []*dnstest.Fault{strips, strips, nil}, evidence.SecuritySecure, false},
		{"no EDNS", []*dnstest.Fault{noEDNS, nil}, evidence.SecuritySecure, false},
		{"strips one answer", []*dnstest.Fault{stripsOne, nil}, evidence.SecuritySecure, false},
		{"corrupts the keys", []*dnstest.Fault{corruptsKeys, nil}, evidence.SecuritySecure, false},
		{"corrupts all", []*dnstest.Fault{corruptsAll, strips, nil}, evidence.SecuritySecure, false},
		{"dead, corrupts all, good", []*dnstest.Fault{dead, corruptsAll, nil}, evidence.SecuritySecure, false},
		{"the second is of no use", []*dnstest.Fault{stripsOne, dead}, evidence.SecurityBogus, false},
		{"the second strips", []*dnstest.Fault{stripsOne, strips}, evidence.SecurityBogus, false},
		{"all strip", []*dnstest.Fault{strips, strips}, evidence.SecurityIndeterminate, true},
		{"all corrupt", []*dnstest.Fault{stripsOne, stripsOne, stripsOne}, evidence.SecurityBogus, false},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, addrs := several(t, w, tt.faults...)
				r := over(t, n, addrs...)
				r.Validator = &dnssec.Validator{Anchors: w.Anchors(), Now: time.Now}
				l := lookup(t, r, "good.test", "MX")
				if l.Outcome != evidence.OutcomeAnswer || l.Security != tt.security || r.Stripped() != tt.stripped {
					t.Errorf("%v, %v (%s), stripped %t; want %v, %t", l.Outcome, l.Security, l.Reason, r.Stripped(), tt.security, tt.stripped)
				}
			})
		})
	}
}

// A domain that is bogus through all servers costs each of them the questions
// of one.
func TestLyingServerCost(t *testing.T) {
	w := signedWorld(t, epoch)
	synctest.Test(t, func(t *testing.T) {
		cost := func(servers int) int {
			n, addrs := several(t, w, make([]*dnstest.Fault, servers)...)
			r := over(t, n, addrs...)
			r.Validator = &dnssec.Validator{Anchors: w.Anchors(), Now: time.Now}
			var c resolver.Cost
			for range 3 {
				for _, typ := range []string{"A", "TXT"} {
					if l, err := r.Lookup(resolver.WithCost(t.Context(), &c), "mx.bogus.test", typ); err != nil || l.Security != evidence.SecurityBogus {
						t.Errorf("%v, %v", l.Security, err)
					}
				}
			}
			return c.Questions()
		}
		if one, three := cost(1), cost(3); three != 3*one {
			t.Errorf("%d questions to three servers, %d to one", three, one)
		}
	})
}
