package lab_test

import (
	"testing"

	"mailvet/report/check"
	"mailvet/scanner"
)

// TestPolicies: another guideline changes what is found of the same servers,
// both ways, and leaves alone what no guideline speaks of.
func TestPolicies(t *testing.T) {
	mozilla, ok := scanner.PolicyOf("mozilla-intermediate")
	if !ok {
		t.Fatal("there is no such policy")
	}
	rows := []struct{ domain, check, host, ncsc, mozilla string }{
		{"ancienttls.test", "cert-key", "mx.ancienttls.test", "phase-out", "good"}, // RSA, 2048 bits
		{"dhe.tls.test", "tls-ciphers", "mx.dhe.tls.test", "phase-out", "good"},
		{"dhe.tls.test", "tls-key-exchange", "mx.dhe.tls.test", "insufficient", "insufficient"}, // 1024 bits
		{"oldtls.test", "tls-ciphers", "mx2.oldtls.test", "phase-out", "insufficient"},          // CBC
		{"secp224r1.tls.test", "tls-key-exchange", "mx.secp224r1.tls.test", "phase-out", "insufficient"},
		{"oldtls.test", "tls-version", "mx.oldtls.test", "insufficient", "insufficient"},
		{"sha224.certs.test", "cert-signature", "mx.sha224.certs.test", "phase-out", "insufficient"},
		{"perfect.test", "tls-ciphers", "mx1.perfect.test", "good", "good"},
		{"perfect.test", "tls-key-exchange", "mx1.perfect.test", "good", "good"},
		{"wrongtlsa.test", "dane-valid", "mx.wrongtlsa.test", "mismatch", "mismatch"},
		{"oldtls.test", "spf-policy", "", "enforced", "enforced"},
	}
	for _, x := range scanEverything(t) {
		if len(x.want.How) > 0 {
			continue
		}
		for _, row := range rows {
			if row.domain != x.want.Domain {
				continue
			}
			if got := codeOf(check.Run(scanner.Catalogue, x.snap), row.check, row.host); got != row.ncsc {
				t.Errorf("%s, %s: %q by the default guideline, want %q", row.host, row.check, got, row.ncsc)
			}
			if got := codeOf(check.Run(mozilla.Catalogue, x.snap), row.check, row.host); got != row.mozilla {
				t.Errorf("%s, %s: %q by Mozilla's, want %q", row.host, row.check, got, row.mozilla)
			}
		}
	}
}

func codeOf(results []check.Result, id, host string) string {
	for _, r := range results {
		for _, f := range r.Findings {
			if r.Check.ID == id && f.Subject.Host == host {
				return f.Code.Name
			}
		}
	}
	return ""
}
