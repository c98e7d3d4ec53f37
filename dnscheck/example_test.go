package dnscheck_test

import (
	"fmt"

	"mailvet/dnscheck"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// A check is run over what was seen; here a domain that is not signed.
func Example() {
	s := &evidence.Snapshot{
		Domain: "example.test",
		Lookups: []evidence.Lookup{{
			Name: "example.test", Type: "SOA", Outcome: evidence.OutcomeNoData, Security: evidence.SecurityInsecure,
			Zones: []evidence.Zone{
				{Name: ".", Security: evidence.SecuritySecure},
				{Name: "test", Security: evidence.SecurityInsecure, Reason: "there is no DS record"},
			},
		}},
	}
	s.Canonical()
	for _, r := range check.Run(dnscheck.Checks, s) {
		if r.Check.ID == "dnssec-exists" {
			f := r.Findings[0]
			fmt.Println(check.StatusOf(f.Code, r.Check.Level), f.Code.Name)
			fmt.Println(check.Render(f.Code.Text, f.Args))
		}
	}
	// Output:
	// failed unsigned
	// example.test is not signed with DNSSEC: the chain of trust ends at test (there is no DS record).
}

// ExampleWants shows the first questions about a domain.
func ExampleWants() {
	asked := map[evidence.Question]bool{}
	for _, q := range dnscheck.Wants(&evidence.Snapshot{Domain: "example.test"}) {
		asked[q] = true
	}
	for _, typ := range []string{"MX", "NS", "SOA", "AAAA"} {
		fmt.Println(typ, asked[evidence.Question{Name: "example.test", Type: typ}])
	}
	// Output:
	// MX true
	// NS true
	// SOA true
	// AAAA false
}
