package resolver_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/dnstest"
	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

func validator() *dnssec.Validator {
	return &dnssec.Validator{Anchors: dnssec.RootAnchors(), Now: time.Now}
}

// epoch is when synctest's clock begins.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// signedWorld has secure, insecure and bogus zones, with aliases among them.
func signedWorld(t testing.TB, now time.Time) *dnstest.World {
	t.Helper()
	zone := func(origin, text string, o dnstest.Options) *dnstest.Zone {
		z, err := dnstest.ParseZone(origin, "$TTL 300\n@ NS ns\nns A 192.0.2.53\n"+text, o)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	w, err := dnstest.NewWorld(now,
		zone("test", "", dnstest.Options{Signed: true, NSEC3: &dnstest.NSEC3Options{}}),
		zone("good.test", `
@ MX 10 mx
mx A 192.0.2.25
alias CNAME mx
out CNAME mx.plain.test.
bad CNAME mx.bogus.test.
tree DNAME good.test.
far CNAME alias.plain.test.
`, dnstest.Options{Signed: true}),
		zone("plain.test", "mx A 192.0.2.26\nalias CNAME mx.good.test.\n", dnstest.Options{}),
		zone("bogus.test", "mx A 192.0.2.27\n", dnstest.Options{Signed: true, Corrupt: true}),
	)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// serving makes a network of a dnstest server, each answer after a delay.
func serving(s *dnstest.Server, delay time.Duration) *fakeNet {
	h := func(ctx context.Context, network, _ string, query []byte) [][]byte {
		b, err := s.Exchange(ctx, network, query)
		if b == nil || err != nil {
			return nil
		}
		return [][]byte{b}
	}
	if delay > 0 {
		h = late(delay, h)
	}
	return &fakeNet{serve: h}
}

var securities = []struct {
	name, qtype string
	outcome     evidence.Outcome
	security    evidence.Security
}{
	{"good.test", "MX", evidence.OutcomeAnswer, evidence.SecuritySecure},
	{"good.test", "SOA", evidence.OutcomeAnswer, evidence.SecuritySecure},
	{"good.test", "TXT", evidence.OutcomeNoData, evidence.SecuritySecure},
	{"no.good.test", "A", evidence.OutcomeNXDomain, evidence.SecuritySecure},
	{"alias.good.test", "A", evidence.OutcomeAnswer, evidence.SecuritySecure},
	{"alias.good.test", "AAAA", evidence.OutcomeNoData, evidence.SecuritySecure},
	{"mx.tree.good.test", "A", evidence.OutcomeAnswer, evidence.SecuritySecure},
	{"no.tree.good.test", "A", evidence.OutcomeNXDomain, evidence.SecuritySecure},
	{"out.good.test", "A", evidence.OutcomeAnswer, evidence.SecurityInsecure},
	{"far.good.test", "A", evidence.OutcomeAnswer, evidence.SecurityInsecure},
	{"bad.good.test", "A", evidence.OutcomeAnswer, evidence.SecurityBogus},
	{"mx.plain.test", "A", evidence.OutcomeAnswer, evidence.SecurityInsecure},
	{"alias.plain.test", "A", evidence.OutcomeAnswer, evidence.SecurityInsecure},
	{"no.plain.test", "A", evidence.OutcomeNXDomain, evidence.SecurityInsecure},
	{"mx.bogus.test", "A", evidence.OutcomeAnswer, evidence.SecurityBogus},
	{"bogus.test", "TXT", evidence.OutcomeNoData, evidence.SecurityBogus},
	{"no.test", "A", evidence.OutcomeNXDomain, evidence.SecuritySecure},
}

func TestSecurity(t *testing.T) {
	w := signedWorld(t, epoch)
	// shorten leaves nothing but the first alias of an answer, as resolvers
	// do that do not follow aliases to the end.
	shorten := func(h handler) handler {
		return func(ctx context.Context, network, address string, query []byte) [][]byte {
			list := h(ctx, network, address, query)
			var m dns.Msg
			if len(list) == 0 || m.Unpack(list[0]) != nil {
				return list
			}
			i := slices.IndexFunc(m.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeCNAME })
			if i < 0 || m.Question[0].Qtype == dns.TypeCNAME {
				return list
			}
			first := m.Answer[i].Header().Name
			m.Answer = slices.DeleteFunc(m.Answer, func(rr dns.RR) bool {
				return rr.Header().Name != first && !strings.HasSuffix(first, "."+rr.Header().Name)
			})
			m.Ns, m.Rcode = nil, 0
			return [][]byte{pack(&m)}
		}
	}
	// unmade leaves out the CNAME that a server makes from a DNAME.
	unmade := func(h handler) handler {
		return func(ctx context.Context, network, address string, query []byte) [][]byte {
			list := h(ctx, network, address, query)
			var m dns.Msg
			if len(list) == 0 || m.Unpack(list[0]) != nil {
				return list
			}
			m.Answer = slices.DeleteFunc(m.Answer, func(rr dns.RR) bool {
				return rr.Header().Rrtype == dns.TypeCNAME && strings.HasSuffix(rr.Header().Name, ".tree.good.test.")
			})
			return [][]byte{pack(&m)}
		}
	}
	for _, how := range []string{"whole answers", "one alias at a time", "DNAME without CNAME", "AD"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := serving(w.Resolver(), 0)
				switch how {
				case "one alias at a time":
					n.serve = shorten(n.serve)
				case "DNAME without CNAME":
					n.serve = unmade(n.serve)
				}
				r := over(t, n)
				if how == "AD" {
					r.TrustAD = true
				} else {
					r.Validator = &dnssec.Validator{Anchors: w.Anchors(), Now: time.Now}
				}
				for _, tt := range securities {
					l := lookup(t, r, tt.name, tt.qtype)
					if l.Outcome != tt.outcome || l.Security != tt.security {
						t.Errorf("%s %s: %v, %v (%s); want %v, %v", tt.name, tt.qtype, l.Outcome, l.Security, l.Reason, tt.outcome, tt.security)
					}
					if (l.Reason == "") != (l.Security == evidence.SecuritySecure) {
						t.Errorf("%s %s: %v with reason %q", tt.name, tt.qtype, l.Security, l.Reason)
					}
					own := l.Security == evidence.SecuritySecure && !r.TrustAD
					if own && (len(l.Zones) < 2 || l.Zones[0].Name != "." || len(l.Signatures) == 0) {
						t.Errorf("%s %s: secure by zones %v, signatures %v", tt.name, tt.qtype, l.Zones, l.Signatures)
					}
				}
				if r.Stripped() {
					t.Error("taken for a resolver that strips")
				}
			})
		})
	}
}

// The validator's questions are sent with all others, under the same bound.
func TestValidationDoesNotWaitForItself(t *testing.T) {
	w := signedWorld(t, epoch)
	synctest.Test(t, func(t *testing.T) {
		server := w.Resolver()
		n := serving(server, 50*time.Millisecond)
		r := over(t, n)
		r.MaxInFlight = 1
		r.Validator = &dnssec.Validator{Anchors: w.Anchors(), Now: time.Now}
		var cost resolver.Cost
		var group sync.WaitGroup
		for range 3 {
			for _, tt := range securities {
				group.Go(func() {
					l, err := r.Lookup(resolver.WithCost(t.Context(), &cost), tt.name, tt.qtype)
					if err != nil || l.Security != tt.security {
						t.Errorf("%s %s: %v, %v", tt.name, tt.qtype, l.Security, err)
					}
				})
			}
		}
		group.Wait()
		if n.most != 1 {
			t.Errorf("%d sockets at once", n.most)
		}
		if cost.Questions() != server.Total() || cost.Questions() > 2*len(securities) {
			t.Errorf("%d questions counted, %d arrived, for %d lookups", cost.Questions(), server.Total(), len(securities))
		}
		twice := map[string]bool{"bogus.test. DNSKEY": true, "bad.good.test. A": true} // with CD, and without
		for q, times := range server.Count() {
			if times > 1 && (times > 2 || !twice[q.String()]) {
				t.Errorf("%v asked %d times", q, times)
			}
		}
	})
}

func TestDNSSECFaults(t *testing.T) {
	w := signedWorld(t, epoch)
	tests := []struct {
		name     string
		fault    dnstest.Fault
		outcome  evidence.Outcome
		security evidence.Security
		stripped bool
	}{
		{"strips", dnstest.Fault{Kind: dnstest.StripDNSSEC}, evidence.OutcomeAnswer, evidence.SecurityIndeterminate, true},
		{"without EDNS", dnstest.Fault{Kind: dnstest.NoEDNSFormErr}, evidence.OutcomeAnswer, evidence.SecurityIndeterminate, true},
		{"one answer is stripped", dnstest.Fault{Name: "good.test", Type: dns.TypeMX, Kind: dnstest.StripRRSIG}, evidence.OutcomeAnswer, evidence.SecurityBogus, false},
		{"expired", dnstest.Fault{Name: "good.test", Type: dns.TypeMX, Kind: dnstest.ExpireRRSIG}, evidence.OutcomeAnswer, evidence.SecurityBogus, false},
		{"no DNSKEY to be had", dnstest.Fault{Name: "good.test", Type: dns.TypeDNSKEY, Kind: dnstest.RCode, RCode: dns.RcodeServerFailure}, evidence.OutcomeAnswer, evidence.SecurityIndeterminate, false},
		{"silence about DS", dnstest.Fault{Name: "good.test", Type: dns.TypeDS, Kind: dnstest.Drop}, evidence.OutcomeAnswer, evidence.SecurityIndeterminate, false},
		{"validates though told not to", dnstest.Fault{Name: "good.test", Type: dns.TypeMX, Kind: dnstest.RCode, RCode: dns.RcodeServerFailure, EDE: &dnstest.EDE{Code: 7}}, evidence.OutcomeServFail, evidence.SecurityIndeterminate, false},
		{"truncates", dnstest.Fault{Transport: dnstest.UDP, Kind: dnstest.Truncate}, evidence.OutcomeAnswer, evidence.SecuritySecure, false},
		{"other case", dnstest.Fault{Kind: dnstest.WrongCase}, evidence.OutcomeAnswer, evidence.SecuritySecure, false},
		{"never AD", dnstest.Fault{Kind: dnstest.ClearAD}, evidence.OutcomeAnswer, evidence.SecuritySecure, false},
		{"lame", dnstest.Fault{Kind: dnstest.Lame}, evidence.OutcomeMalformed, evidence.SecurityIndeterminate, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := w.Resolver()
				if err := server.AddFaults(tt.fault); err != nil {
					t.Fatal(err)
				}
				r := over(t, serving(server, 0))
				r.Validator = &dnssec.Validator{Anchors: w.Anchors(), Now: time.Now}
				l := lookup(t, r, "good.test", "MX")
				if l.Outcome != tt.outcome || l.Security != tt.security || r.Stripped() != tt.stripped {
					t.Errorf("%v, %v (%s), stripped %v; want %v, %v, %v", l.Outcome, l.Security, l.Reason, r.Stripped(), tt.outcome, tt.security, tt.stripped)
				}
			})
		})
	}
}

// With TrustAD, SERVFAIL without an extended error is asked again with CD.
func TestTrustADServFail(t *testing.T) {
	tests := []struct {
		name     string
		code     uint16 // of the extended error
		withCD   bool   // answers when told not to validate
		outcome  evidence.Outcome
		security evidence.Security
	}{
		{"bogus", 0, true, evidence.OutcomeAnswer, evidence.SecurityBogus},
		{"bogus, and said so", 7, true, evidence.OutcomeAnswer, evidence.SecurityBogus},
		{"broken", 0, false, evidence.OutcomeServFail, evidence.SecurityIndeterminate},
		{"broken and bogus", 9, false, evidence.OutcomeServFail, evidence.SecurityBogus},
		{"unreachable", 22, false, evidence.OutcomeServFail, evidence.SecurityIndeterminate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := &fakeNet{serve: answering(func(_, _ string, q, m *dns.Msg) *dns.Msg {
				if tt.withCD && q.CheckingDisabled {
					m.Answer = rrs("example.test. 60 IN A 192.0.2.1")
					m.AuthenticatedData = true // which a resolver must not
					return m
				}
				m.Rcode = dns.RcodeServerFailure
				if tt.code != 0 {
					m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: tt.code}}
				}
				return m
			})}
			r := over(t, n)
			r.TrustAD = true
			l := lookup(t, r, "example.test", "A")
			if l.Outcome != tt.outcome || l.Security != tt.security || l.AD || l.Reason == "" {
				t.Errorf("got %+v", l)
			}
			if (tt.code != 0) != (len(l.EDE) == 1) {
				t.Errorf("extended errors %v", l.EDE)
			}
		})
	}
}

// Somebody on the way sets NXDOMAIN, which no signature covers: what is signed
// decides where it says otherwise.
func TestNXDOMAINThatIsNot(t *testing.T) {
	w := signedWorld(t, epoch)
	synctest.Test(t, func(t *testing.T) {
		n := serving(w.Resolver(), 0)
		inner := n.serve
		n.serve = func(ctx context.Context, network, address string, query []byte) [][]byte {
			list := inner(ctx, network, address, query)
			for _, b := range list {
				b[3] = b[3]&0xf0 | dns.RcodeNameError
			}
			return list
		}
		r := over(t, n)
		r.Validator = &dnssec.Validator{Anchors: w.Anchors(), Now: time.Now}
		for _, tt := range []struct {
			name, qtype string
			outcome     evidence.Outcome
			security    evidence.Security
			records     int
		}{
			{"good.test", "MX", evidence.OutcomeAnswer, evidence.SecuritySecure, 1},
			{"alias.good.test", "A", evidence.OutcomeAnswer, evidence.SecuritySecure, 1},
			{"mx.good.test", "AAAA", evidence.OutcomeNoData, evidence.SecuritySecure, 0},
			{"no.good.test", "A", evidence.OutcomeNXDomain, evidence.SecuritySecure, 0},
			{"mx.plain.test", "A", evidence.OutcomeNXDomain, evidence.SecurityInsecure, 0},
			{"mx.bogus.test", "A", evidence.OutcomeNXDomain, evidence.SecurityBogus, 0},
		} {
			l := lookup(t, r, tt.name, tt.qtype)
			if l.Outcome != tt.outcome || l.Security != tt.security || len(l.Answer) != tt.records {
				t.Errorf("%s %s: %v, %v (%s), %d records; want %v, %v, %d", tt.name, tt.qtype, l.Outcome, l.Security, l.Reason, len(l.Answer), tt.outcome, tt.security, tt.records)
			}
		}
	})
}

// What made an answer bogus is not believed for its TTL: it may be one bad
// copy. Some seconds later all of it is asked for anew.
func TestBogusIsAskedAnew(t *testing.T) {
	w := signedWorld(t, epoch)
	for _, spoilt := range []string{"good.test. MX", "good.test. DNSKEY", "good.test. DS", "test. DNSKEY"} {
		t.Run(spoilt, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				n := serving(w.Resolver(), 0)
				inner := n.serve
				n.serve = func(ctx context.Context, network, address string, query []byte) [][]byte {
					list := inner(ctx, network, address, query)
					var m dns.Msg
					if time.Since(start) > time.Second || len(list) == 0 || m.Unpack(list[0]) != nil ||
						m.Question[0].Name+" "+dns.Type(m.Question[0].Qtype).String() != spoilt {
						return list
					}
					for _, rr := range m.Answer {
						if sig, ok := rr.(*dns.RRSIG); ok {
							sig.OrigTtl++
						}
					}
					return [][]byte{pack(&m)}
				}
				r := over(t, n)
				r.Validator = &dnssec.Validator{Anchors: w.Anchors(), Now: time.Now}
				if l := lookup(t, r, "good.test", "MX"); l.Security != evidence.SecurityBogus {
					t.Fatalf("at first: %v (%s)", l.Security, l.Reason)
				}
				time.Sleep(11 * time.Second)
				if l := lookup(t, r, "good.test", "MX"); l.Security != evidence.SecuritySecure {
					t.Errorf("later: %v (%s)", l.Security, l.Reason)
				}
			})
		})
	}
}
