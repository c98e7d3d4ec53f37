package lab_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"

	"mailvet/dnscheck/resolver"
	"mailvet/scanner/lab"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/probe/spill"
)

// TestRemembered scans every domain of the built-in Internet twice with a memory
// for one mail server, the others are in a file: at the second time no mail
// server is connected to, and the evidence is the same to the octet.
func TestRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := load(t, lab.Options{})
		s := start(t, l)
		s.Resolver.(*resolver.Resolver).AskAll = true // what need not be asked depends on which answer is first
		p := s.Prober.(*probe.Prober)
		f := &spill.File{Dirs: []string{t.TempDir()}}
		p.Remember, p.HostRate, p.ProviderRate, p.Store = 1, -1, -1, f
		defer f.Close()
		first, opened := map[string]string{}, 0
		// The clock goes on meanwhile: so it is not the findings that are
		// compared, but all of what those about mail servers are functions of.
		seen := func(d string) (string, int) {
			snap := scan(t, s, d)
			b, err := json.Marshal([]any{snap.Sessions, snap.Chains, snap.Certificates})
			if err != nil {
				t.Fatal(err)
			}
			return string(b), snap.Cost.SMTPConnections
		}
		for _, d := range l.Domains() {
			var n int
			first[d], n = seen(d)
			opened += n
		}
		for _, d := range l.Domains() {
			got, n := seen(d)
			if n > 0 {
				t.Errorf("%s: %d connections at the second time", d, n)
			}
			if at := differ(got, first[d]); at >= 0 {
				t.Errorf("%s is seen otherwise:\n...%s\nwas\n...%s", d, got[max(0, at-300):min(at+300, len(got))], first[d][max(0, at-300):min(at+300, len(first[d]))])
			}
		}
		records, octets := f.Size()
		t.Logf("%d domains, %d connections, %d records of %d octets", len(first), opened, records, octets/int64(max(records, 1)))
		if records < 20 || opened < 100 {
			t.Errorf("%d records after %d connections", records, opened)
		}
	})
}

// differ is where two texts begin to; -1 if they are the same.
func differ(a, b string) int {
	if a == b {
		return -1
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
