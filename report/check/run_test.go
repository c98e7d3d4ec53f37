package check_test

import (
	"slices"
	"strings"
	"testing"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// twoHosts is a domain with two MX hosts, the first with two addresses, the
// second with none that is known.
func twoHosts() *evidence.Snapshot {
	answer := func(name, typ string, data ...string) evidence.Lookup {
		l := evidence.Lookup{Name: name, Type: typ, Outcome: evidence.OutcomeAnswer}
		for _, d := range data {
			l.Answer = append(l.Answer, evidence.RR{Name: name, Type: typ, Data: d})
		}
		return l
	}
	s := &evidence.Snapshot{Domain: "example.test", Lookups: []evidence.Lookup{
		answer("example.test", "MX", "10 b.test.", "20 a.test."),
		answer("a.test", "AAAA", "2001:db8::1"),
		answer("a.test", "A", "192.0.2.1"),
	}}
	s.Canonical()
	return s
}

func TestSubjects(t *testing.T) {
	tests := []struct {
		name  string
		s     *evidence.Snapshot
		scope check.Scope
		want  []evidence.Subject
	}{
		{"domain", twoHosts(), check.PerDomain, []evidence.Subject{{}}},
		{"hosts by name", twoHosts(), check.PerHost, []evidence.Subject{{Host: "a.test"}, {Host: "b.test"}}},
		{"addresses", twoHosts(), check.PerAddress, []evidence.Subject{{Host: "a.test", Addr: "192.0.2.1"}, {Host: "a.test", Addr: "2001:db8::1"}}},
		{"no hosts", &evidence.Snapshot{Domain: "example.test"}, check.PerHost, []evidence.Subject{{}}},
		{"no addresses", &evidence.Snapshot{Domain: "example.test"}, check.PerAddress, []evidence.Subject{{}}},
	}
	for _, tt := range tests {
		if got := check.Subjects(tt.s, tt.scope); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// answering is a check that gives the outcome its function says.
func answering(id string, scope check.Scope, outcome func(evidence.Subject) check.Code) *check.Check {
	c := good(id)
	c.Scope = scope
	c.Codes = nil
	codes := map[string]*check.Code{}
	c.Evaluate = func(_ *evidence.Snapshot, subject evidence.Subject) check.Finding {
		want := outcome(subject)
		if codes[want.Name] == nil {
			codes[want.Name] = &want
			c.Codes = append(c.Codes, &want)
		}
		return check.Finding{Code: codes[want.Name]}
	}
	return c
}

func TestRequires(t *testing.T) {
	always := func(code check.Code) func(evidence.Subject) check.Code {
		code.Name = "said"
		return func(evidence.Subject) check.Code { return code }
	}
	pass := always(check.Code{Outcome: check.Pass})
	tests := []struct {
		name     string
		required func(evidence.Subject) check.Code
		want     string
	}{
		{"passed", pass, "said"},
		{"weak", always(check.Code{Outcome: check.Weak}), "said"},
		{"failed", always(check.Code{Outcome: check.Fail}), "blocked"},
		{"blocked itself", always(check.Code{Outcome: check.Blocked}), "blocked"},
		{"inconclusive", always(check.Code{Outcome: check.Inconclusive}), "unknown-requirement"},
		{"left out", always(check.Code{Outcome: check.Inconclusive, NotAsked: true}), "skipped"},
		{"does not apply", always(check.Code{Outcome: check.NotApplicable}), "nothing-to-test"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first := answering("first", check.PerDomain, tt.required)
			second := answering("second", check.PerDomain, pass)
			second.Requires = []*check.Check{first}
			f := check.Run([]*check.Check{first, second}, twoHosts())[1].Findings[0]
			if f.Code.Name != tt.want {
				t.Errorf("got %s, want %s", f.Code.Name, tt.want)
			}
			if tt.want != "said" && !strings.Contains(check.Render(f.Code.Text, f.Args), first.Title) {
				t.Errorf("the text does not name the requirement: %s", check.Render(f.Code.Text, f.Args))
			}
		})
	}
}

func TestRequiresIsPerSubject(t *testing.T) {
	said := func(o check.Outcome) check.Code { return check.Code{Name: "said-" + o.String(), Outcome: o} }
	pass := func(evidence.Subject) check.Code { return said(check.Pass) }
	onlyA := func(s evidence.Subject) check.Code {
		if s.Host == "a.test" {
			return said(check.Pass)
		}
		return said(check.Fail)
	}
	only4 := func(s evidence.Subject) check.Code {
		if s.Addr == "192.0.2.1" {
			return said(check.Pass)
		}
		return said(check.Fail)
	}
	fail := func(evidence.Subject) check.Code { return said(check.Fail) }
	tests := []struct {
		name         string
		first, scope check.Scope
		outcome      func(evidence.Subject) check.Code
		want         string
	}{
		{"the same host", check.PerHost, check.PerHost, onlyA, "said-pass blocked"},
		{"the address's host", check.PerHost, check.PerAddress, onlyA, "said-pass said-pass"},
		{"the same address", check.PerAddress, check.PerAddress, only4, "said-pass blocked"},
		{"the domain's answer holds for each host", check.PerDomain, check.PerHost, fail, "blocked blocked"},
		{"hosts do not block the domain", check.PerHost, check.PerDomain, fail, "said-pass"},
		{"an address does not block its host", check.PerAddress, check.PerHost, fail, "said-pass said-pass"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first, second := answering("first", tt.first, tt.outcome), answering("second", tt.scope, pass)
			second.Requires = []*check.Check{first}
			var got []string
			for _, f := range check.Run([]*check.Check{first, second}, twoHosts())[1].Findings {
				got = append(got, f.Code.Name)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}

// The first requirement that is not met decides, and what blocks one check
// blocks those that follow from it.
func TestRequiresInOrderAndInChains(t *testing.T) {
	said := func(o check.Outcome) func(evidence.Subject) check.Code {
		return func(evidence.Subject) check.Code { return check.Code{Name: "said", Outcome: o} }
	}
	pass, fail, unknown := answering("passes", check.PerDomain, said(check.Pass)), answering("fails", check.PerDomain, said(check.Fail)), answering("unknown", check.PerDomain, said(check.Inconclusive))
	second := answering("second", check.PerDomain, said(check.Pass))
	second.Requires = []*check.Check{pass, unknown, fail}
	third := answering("third", check.PerDomain, said(check.Pass))
	third.Requires = []*check.Check{second}
	ungathered := good("ungathered")
	ungathered.Evaluate = nil
	ungathered.Requires = []*check.Check{pass}
	blocked := good("blocked")
	blocked.Evaluate = nil
	blocked.Requires = []*check.Check{fail}
	fourth := answering("fourth", check.PerDomain, said(check.Pass))
	fourth.Requires = []*check.Check{ungathered}
	var got []string
	for _, r := range check.Run([]*check.Check{pass, fail, unknown, second, third, ungathered, fourth, blocked}, twoHosts()) {
		got = append(got, r.Findings[0].Code.Name)
	}
	if want := "said said said unknown-requirement unknown-requirement not-gathered skipped blocked"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestRunKeepsOrderAndSubjects(t *testing.T) {
	calls := map[evidence.Subject]int{}
	counted := answering("counted", check.PerHost, func(s evidence.Subject) check.Code {
		calls[s]++
		return check.Code{Name: "said", Outcome: check.Pass}
	})
	results := check.Run([]*check.Check{good("first"), counted, good("last")}, twoHosts())
	if len(results) != 3 || results[1].Check != counted {
		t.Fatalf("%v", results)
	}
	for i, host := range []string{"a.test", "b.test"} {
		if got := results[1].Findings[i].Subject; got != (evidence.Subject{Host: host}) || calls[got] != 1 {
			t.Errorf("finding %d is of %v, asked for %d times", i, got, calls[got])
		}
	}
}

func TestRunPanicsAtACodeOfNobody(t *testing.T) {
	for name, code := range map[string]*check.Code{"a foreign code": {Name: "ok"}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			c := good("first")
			c.Evaluate = func(*evidence.Snapshot, evidence.Subject) check.Finding { return check.Finding{Code: code} }
			defer func() {
				if recover() == nil {
					t.Error("it was accepted")
				}
			}()
			check.Run([]*check.Check{c}, twoHosts())
		})
	}
	c := good("first")
	c.Evaluate = func(*evidence.Snapshot, evidence.Subject) check.Finding { return check.Finding{Code: check.Ungathered} }
	if got := check.Run([]*check.Check{c}, twoHosts())[0].Findings[0].Code; got != check.Ungathered {
		t.Errorf("a common code became %v", got)
	}
}

func TestCommonCodes(t *testing.T) {
	c := good("common")
	c.Codes, c.Args = check.Common, []string{"requires"}
	err := check.Validate([]*check.Check{c})
	for line := range strings.Lines(err.Error()) {
		if !strings.Contains(line, "has the name of a common one") {
			t.Error(line)
		}
	}
}
