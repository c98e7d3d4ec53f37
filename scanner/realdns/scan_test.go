package realdns_test

import (
	"maps"
	"testing"

	"mailvet/report/evidence"
	"mailvet/scanner"
)

// maxQuestions is what a signed domain with two mail servers may cost while
// nothing is cached.
const maxQuestions = 60

// scan scans a domain without SMTP through Unbound, with a new resolver.
func scan(t *testing.T, w *tree, server, domain string) (*evidence.Snapshot, map[string]string) {
	t.Helper()
	r := w.ours(t, server)
	s := &scanner.Scanner{
		Resolver: r,
		Vantage: evidence.Vantage{
			IPv4: evidence.Available, IPv6: evidence.Available, Resolvers: []string{server},
			DNSSEC: evidence.ValidationOwn, NoSMTP: true,
		},
		Tool: evidence.Tool{Name: "mailvet", Version: "realdns"},
	}
	snap, err := s.Scan(t.Context(), domain)
	if err != nil {
		t.Fatal(err)
	}
	if snap.Error != nil {
		t.Errorf("%s: nothing is known: %v", domain, snap.Error)
	}
	if got := r.Stats().Questions; int64(snap.Cost.DNSQueries) != got {
		t.Errorf("%s: the snapshot says %d questions, the resolver sent %d", domain, snap.Cost.DNSQueries, got)
	}
	codes := map[string]string{}
	for _, result := range scanner.Judge(snap) {
		for _, f := range result.Findings {
			id := result.Check.ID
			if f.Subject.Host != "" {
				id += " " + f.Subject.Host
			}
			codes[id] = f.Code.Name
		}
	}
	return snap, codes
}

// findings compares the findings named in want.
func findings(t *testing.T, domain string, codes, want map[string]string) {
	t.Helper()
	got := maps.Clone(codes)
	maps.DeleteFunc(got, func(id, _ string) bool { return want[id] == "" })
	if !maps.Equal(got, want) {
		t.Errorf("%s: %v, want %v", domain, got, want)
	}
}

// testScan: a signed domain costs few questions, and all of DNSSEC is found.
// Its name servers stand at addresses that must not be tried.
func testScan(t *testing.T, w *tree, server string) {
	snap, codes := scan(t, w, server, "shop.test")
	t.Logf("%d questions for %d lookups", snap.Cost.DNSQueries, len(snap.Lookups))
	if snap.Cost.DNSQueries > maxQuestions {
		t.Errorf("%d questions, at most %d are allowed", snap.Cost.DNSQueries, maxQuestions)
	}
	findings(t, "shop.test", codes, map[string]string{
		"dnssec-exists": "signed", "dnssec-valid": "secure",
		"dnssec-mx-exists mx1.mail.test": "signed", "dnssec-mx-valid mx1.mail.test": "secure",
		"dnssec-mx-exists mx2.mail.test": "signed", "dnssec-mx-valid mx2.mail.test": "secure",
	})
	for _, l := range snap.Lookups {
		if l.Security != secure || !l.Outcome.Known() {
			t.Errorf("%s %s: %s, %s: %s", l.Name, l.Type, l.Outcome, l.Security, l.Reason)
		}
	}
	for _, r := range snap.Reaches {
		if r.Failure == nil || r.Failure.Class != evidence.ClassForbidden {
			t.Errorf("%s at %s was tried: %+v", r.Host, r.Addr, r.Failure)
		}
	}
	for _, host := range []string{"mx1.mail.test", "mx2.mail.test"} {
		if l := snap.Lookup("_25._tcp."+host, "TLSA"); !l.Exists() || l.Security != secure {
			t.Errorf("the TLSA records of %s are not found to be secure: %+v", host, l)
		}
	}
}

// testScanStates: what is unsigned or broken is told apart, with the zone at
// fault.
func testScanStates(t *testing.T, w *tree, server string) {
	for domain, want := range map[string]map[string]string{
		"half.test": {
			"dnssec-exists": "signed", "dnssec-valid": "secure",
			"dnssec-mx-exists mx1.mail.test": "signed", "dnssec-mx-valid mx1.mail.test": "secure",
			"dnssec-mx-exists mx.unsigned.test": "unsigned", "dnssec-mx-valid mx.unsigned.test": "unsigned",
		},
		"unsigned.test":      {"dnssec-exists": "unsigned", "dnssec-valid": "unsigned"},
		"island.test":        {"dnssec-exists": "unsigned", "dnssec-valid": "unsigned"},
		"plain.optout.test":  {"dnssec-exists": "unsigned", "dnssec-valid": "unsigned"},
		"unknowndigest.test": {"dnssec-exists": "unsigned", "dnssec-valid": "unsigned"},
		"badds.test":         {"dnssec-exists": "signed-badly", "dnssec-valid": "bogus"},
		"expired.test":       {"dnssec-exists": "signed-badly", "dnssec-valid": "bogus"},
		"no.nsec3.test":      {"dnssec-exists": "no-such-name-signed", "dnssec-valid": "no-such-name-secure"},
		"no.unsigned.test":   {"dnssec-exists": "no-such-name-unsigned", "dnssec-valid": "no-such-name-unsigned"},
		"no.nodenial.test":   {"dnssec-exists": "no-such-name-signed-badly", "dnssec-valid": "no-such-name-bogus"},
	} {
		_, codes := scan(t, w, server, domain)
		findings(t, domain, codes, want)
	}
}
