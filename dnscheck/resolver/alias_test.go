package resolver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

// A server that gives one alias at a time is asked on, within the bound.
func TestAliasesAcrossQuestions(t *testing.T) {
	tests := []struct {
		name    string
		target  func(i int) string // of the alias ni.test; empty: none, but an address
		want    evidence.Outcome
		aliases int
	}{
		{"three", func(i int) string { return next(i, 3) }, evidence.OutcomeAnswer, 3},
		{"as many as allowed", func(i int) string { return next(i, resolver.MaxAliases) }, evidence.OutcomeAnswer, resolver.MaxAliases},
		{"one more", func(i int) string { return next(i, resolver.MaxAliases+1) }, evidence.OutcomeLoop, resolver.MaxAliases + 1},
		{"100", func(i int) string { return next(i, 100) }, evidence.OutcomeLoop, resolver.MaxAliases + 1},
		{"to itself", func(int) string { return "n0.test." }, evidence.OutcomeLoop, 1},
		{"back to an earlier one", func(i int) string { return fmt.Sprintf("n%d.test.", (i+1)%4) }, evidence.OutcomeLoop, 4},
	}
	for _, tt := range tests {
		for _, whole := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, whole %v", tt.name, whole), func(t *testing.T) {
				n := &fakeNet{serve: answering(func(_, _ string, q, m *dns.Msg) *dns.Msg {
					name := q.Question[0].Name
					for range 200 {
						var i int
						fmt.Sscanf(name, "n%d.", &i)
						target := tt.target(i)
						if target == "" {
							m.Answer = append(m.Answer, rrs(name+" 60 IN A 192.0.2.1")...)
							break
						}
						m.Answer = append(m.Answer, rrs(name+" 60 IN CNAME "+target)...)
						if name = target; !whole {
							break
						}
					}
					return m
				})}
				r := over(t, n)
				l := lookup(t, r, "n0.test", "A")
				if l.Outcome != tt.want || len(l.Aliases) != tt.aliases {
					t.Errorf("%v after %d aliases, want %v after %d", l.Outcome, len(l.Aliases), tt.want, tt.aliases)
				}
				if q := r.Stats().Questions; q > resolver.MaxAliases+2 {
					t.Errorf("%d questions", q)
				}
			})
		}
	}
}

func next(i, last int) string {
	if i == last {
		return ""
	}
	return fmt.Sprintf("n%d.test.", i+1)
}

// RFC 2308, Section 2.2: the SOA in the answer is of the zone of the last name.
func TestAliasToNoData(t *testing.T) {
	for _, tt := range []struct {
		soa       string
		questions int64
	}{{"b.test.", 1}, {"test.", 1}, {".", 1}, {"xb.test.", 2}, {"c.b.test.", 2}, {"a.test.", 2}} {
		n := &fakeNet{serve: answering(func(_, _ string, q, m *dns.Msg) *dns.Msg {
			if q.Question[0].Name == "a.test." {
				m.Answer = rrs("a.test. 60 IN CNAME b.test.")
			}
			m.Ns = rrs(tt.soa + " 60 IN SOA a. b. 1 2 3 4 5")
			return m
		})}
		r := over(t, n)
		if l := lookup(t, r, "a.test", "A"); l.Outcome != evidence.OutcomeNoData || l.Owner != "b.test" || r.Stats().Questions != tt.questions {
			t.Errorf("SOA of %s: %v at %s with %d questions", tt.soa, l.Outcome, l.Owner, r.Stats().Questions)
		}
	}
}

func TestDNAMETooLong(t *testing.T) {
	long := strings.Repeat("a", 60)
	n := &fakeNet{serve: answering(func(_, _ string, q, m *dns.Msg) *dns.Msg {
		m.Answer = rrs("d.test. 60 IN DNAME " + strings.Repeat(long+".", 4))
		return m
	})}
	if l := lookup(t, over(t, n), long+".d.test", "A"); l.Outcome != evidence.OutcomeMalformed || len(l.Aliases) != 1 {
		t.Errorf("got %+v", l)
	}
}

// Of two CNAME records the same is followed in whatever order they come.
func TestTwoCNAMEs(t *testing.T) {
	for _, order := range [][]string{{"b", "c"}, {"c", "b"}} {
		n := &fakeNet{serve: answering(func(_, _ string, q, m *dns.Msg) *dns.Msg {
			for _, x := range order {
				m.Answer = append(m.Answer, rrs("a.test. 60 IN CNAME "+x+".test.", x+".test. 60 IN A 192.0.2.1")...)
			}
			return m
		})}
		if l := lookup(t, over(t, n), "a.test", "A"); l.Owner != "b.test" || len(l.Aliases) != 1 {
			t.Errorf("%v: %+v", order, l)
		}
	}
}
