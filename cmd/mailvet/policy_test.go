package main

import "testing"

// TestPolicy: the form of Internet.nl keeps its verdicts whatever the policy.
func TestPolicy(t *testing.T) {
	for format, want := range map[string]string{"json": "mozilla-intermediate", "text": "mozilla-intermediate", "internetnl": "internetnl"} {
		o := options{format: format, policyName: "mozilla-intermediate"}
		if got := o.policy(); got.Name != want || len(got.Catalogue) == 0 {
			t.Errorf("%s is judged by %q, want %q", format, got.Name, want)
		}
	}
}
