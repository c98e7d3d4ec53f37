package dnscheck_test

import (
	"slices"
	"strings"
	"testing"

	"mailvet/dnscheck"
	"mailvet/report/check"
)

// families are the checks by the test that demands all their codes; see
// everyCode. Prefixes end in a hyphen, other words are whole ids.
var families = map[string][]string{
	"ipv6 and dnssec": {"ipv6-ns-address", "ipv6-ns-reach", "ipv6-mx-address", "ipv6-mx-reach",
		"dnssec-exists", "dnssec-valid", "dnssec-mx-exists", "dnssec-mx-valid"},
	"auth":         {"dmarc-exists", "dmarc-policy", "dkim-exists", "spf-exists", "spf-policy"},
	"rpki":         {"rpki-mx-", "rpki-ns-"},
	"spf":          {"spf-syntax", "spf-limits", "spf-senders", "spf-includes", "spf-hygiene"},
	"dmarc":        {"dmarc-syntax", "dmarc-receivers", "dmarc-subdomains", "dmarc-rollout", "dmarc-alignment", "dmarc-reports", "dmarc-destinations"},
	"dkim":         {"dkim-selectors", "dkim-keys", "dkim-key-reuse"},
	"lands":        {"mail-location", "mx-networks", "ns-networks"},
	"reverse":      {"mx-reverse"},
	"mailbox":      {"mailbox-"},
	"route strict": {"ipv6-ns-all", "ipv6-special", "ns-answers", "dnssec-mail-path", "rpki-max-length"},
	"signed zone": {"dnssec-expiry", "dnssec-mx-expiry", "dnssec-algorithm", "dnssec-mx-algorithm",
		"dnssec-ds", "dnssec-mx-ds", "dnssec-nsec3"},
	"transport": {"mta-sts-", "tls-rpt-"},
	"bimi":      {"bimi-"},
}

func inFamily(c *check.Check, name string) bool {
	return slices.ContainsFunc(families[name], func(id string) bool {
		return c.ID == id || strings.HasSuffix(id, "-") && strings.HasPrefix(c.ID, id)
	})
}

// everyCode demands that each code of each check of a family is among those
// that a test saw given, as "ID CODE".
func everyCode(t *testing.T, family string, given map[string]bool) {
	t.Helper()
	if families[family] == nil {
		t.Fatalf("there is no family %q", family)
	}
	for _, c := range dnscheck.Checks {
		for _, code := range c.Codes {
			if inFamily(c, family) && !given[c.ID+" "+code.Name] {
				t.Errorf("no row gives %s %s", c.ID, code.Name)
			}
		}
	}
}

// TestFamilies: no check is left out, so that each code of each is given
// somewhere.
func TestFamilies(t *testing.T) {
	for _, c := range dnscheck.Checks {
		var in []string
		for name := range families {
			if inFamily(c, name) {
				in = append(in, name)
			}
		}
		if len(in) != 1 {
			t.Errorf("%s is of the families %q, and must be of one: add it where a test demands its codes", c.ID, in)
		}
	}
}
