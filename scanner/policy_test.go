package scanner_test

import (
	"fmt"
	"strings"
	"testing"

	"mailvet/report/check"
	"mailvet/scanner"
)

// TestPolicies: every policy is a whole catalogue with the ids and codes of the
// default one.
func TestPolicies(t *testing.T) {
	for _, name := range scanner.Policies() {
		p, ok := scanner.PolicyOf(name)
		if !ok {
			t.Fatalf("%s is not there", name)
		}
		if err := check.Validate(p.Catalogue); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := p.Score.Validate(p.Catalogue); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i, c := range scanner.Catalogue {
			if d := p.Catalogue[i]; d.ID != c.ID || len(d.Codes) != len(c.Codes) {
				t.Errorf("%s: %s is not %s", name, d.ID, c.ID)
			}
		}
		if !strings.HasPrefix(p.Score.Name, name) {
			t.Errorf("%s is scored by %s", name, p.Score.Name)
		}
	}
	if p, ok := scanner.PolicyOf(""); !ok || p.Name != scanner.Policies()[0] {
		t.Errorf("the default is %q", p.Name)
	}
	if _, ok := scanner.PolicyOf("none"); ok {
		t.Error("there is a policy of no name")
	}
}

func ExamplePolicyOf() {
	p, _ := scanner.PolicyOf("mozilla-intermediate")
	fmt.Println(p.Score.Name)
	// Output: mozilla-intermediate-5.7 (points of internetnl-1.11.2)
}
