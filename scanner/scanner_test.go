package scanner_test

import (
	"context"
	"net/netip"
	"testing"

	"mailvet/report/evidence"
	"mailvet/scanner"
)

// constant answers every question with the same outcome, but for those listed.
type constant struct {
	outcome evidence.Outcome
	but     map[string]evidence.Outcome // by name
}

func (c *constant) Lookup(_ context.Context, name, qtype string) (evidence.Lookup, error) {
	o, ok := c.but[name]
	if !ok {
		o = c.outcome
	}
	return evidence.Lookup{Name: name, Type: qtype, Outcome: o}, nil
}

func (c *constant) Reach(_ context.Context, host string, addr netip.Addr, _ string) (evidence.Reach, error) {
	return evidence.Reach{Host: host, Addr: addr.String()}, nil
}

// TestHopeless: a domain of which nothing is known, because of the resolver,
// is not judged; one whose own name servers fail is.
func TestHopeless(t *testing.T) {
	const root = "."
	for _, c := range []struct {
		name    string
		outcome evidence.Outcome
		but     map[string]evidence.Outcome
		want    evidence.Class // ClassUnknown: it is judged
	}{
		{"silent", evidence.OutcomeTimeout, nil, evidence.ClassTimeout},
		{"unreachable", evidence.OutcomeNetwork, nil, evidence.ClassUnreachable},
		{"refusing", evidence.OutcomeRefused, nil, evidence.ClassRefused},
		{"garbage", evidence.OutcomeMalformed, nil, evidence.ClassProtocol},
		{"failing for everything", evidence.OutcomeServFail, nil, evidence.ClassTemporary},
		{"not implementing anything", evidence.OutcomeRCode, nil, evidence.ClassTemporary},
		{"failing for the domain only", evidence.OutcomeServFail, map[string]evidence.Outcome{root: evidence.OutcomeAnswer}, evidence.ClassUnknown},
		{"failing, and silent for the root", evidence.OutcomeServFail, map[string]evidence.Outcome{root: evidence.OutcomeTimeout}, evidence.ClassUnknown},
		{"failing for most", evidence.OutcomeServFail, map[string]evidence.Outcome{"example.test": evidence.OutcomeNoData}, evidence.ClassUnknown},
		{"nothing there", evidence.OutcomeNXDomain, nil, evidence.ClassUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &scanner.Scanner{Resolver: &constant{outcome: c.outcome, but: c.but}, Vantage: evidence.Vantage{NoSMTP: true}}
			snap, err := s.Scan(t.Context(), "example.test")
			if err != nil {
				t.Fatal(err)
			}
			got := evidence.ClassUnknown
			if snap.Error != nil {
				got = snap.Error.Class
			}
			if got != c.want {
				t.Errorf("got %s, want %s: %+v", got, c.want, snap.Error)
			}
		})
	}
}
