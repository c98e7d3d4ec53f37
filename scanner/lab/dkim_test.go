package lab_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dkim"
	"mailvet/dnscheck/resolver"
	"mailvet/report/check"
	"mailvet/scanner/lab"
)

// TestQuestionsOfDKIM counts at the resolver what is asked below _domainkey.
func TestQuestionsOfDKIM(t *testing.T) {
	for _, tt := range []struct {
		domain    string
		selectors []string
		want      int
	}{
		{"nullmx.test", nil, 0},             // no _domainkey
		{"nullmx.test", []string{"all"}, 0}, // whatever is wanted
		{"denied.test", nil, 0},
		{"denied.test", []string{"all", "mine"}, 2}, // mine, and one that is nobody's
		{"spflimit.test", nil, 5},                   // nothing is found
		{"perfect.test", nil, 5},                    // one is, and others do not exist: there is no wildcard
		{"perfect.test", []string{"a", "b._domainkey.perfect.test", "c._domainkey.other.test"}, 7},
		{"anykey.test", nil, 6},
		{"perfect.test", []string{"all"}, len(dkim.All())},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := load(t, lab.Options{})
			s := start(t, l)
			s.Vantage.Selectors = tt.selectors
			s.Resolver.(*resolver.Resolver).AskAll = true
			scan(t, s, tt.domain)
			asked := 0
			for q, n := range l.Recursive.Count() {
				if strings.HasSuffix(q.Name, "._domainkey."+tt.domain+".") && q.Type == dns.TypeTXT {
					asked += n
				}
			}
			if asked != tt.want {
				t.Errorf("%s %v: %d questions for keys, want %d", tt.domain, tt.selectors, asked, tt.want)
			}
		})
	}
}

// TestSelectorsOfUsers: a key that nobody would guess is found when it is
// named, also where the name servers deny the name above it.
func TestSelectorsOfUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := load(t, lab.Options{})
		s := start(t, l)
		s.Vantage.Selectors = []string{"mine"}
		r := judge(t, scan(t, s, "denied.test"))
		if k := checkOf(t, r, "dkim-selectors"); k.Findings[0].Code != "denied" {
			t.Errorf("dkim-selectors is %s", k.Findings[0].Code)
		}
		if k := checkOf(t, r, "dkim-keys"); k.Status != check.StatusPassed {
			t.Errorf("dkim-keys is %s", k.Status)
		}
		if k := checkOf(t, r, "dkim-exists"); k.Status != check.StatusFailed {
			t.Errorf("dkim-exists is %s: Internet.nl sees what the name servers say", k.Status)
		}
	})
}
