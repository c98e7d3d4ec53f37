package check_test

import (
	"encoding"
	"fmt"
	"strings"
	"testing"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// good is a check without a mistake; each call makes another one.
func good(id string) *check.Check {
	pass := &check.Code{Name: "ok", Outcome: check.Pass, Text: "{host} is fine."}
	return &check.Check{
		ID: id, API: "mail_" + strings.ReplaceAll(id, "-", "_"), Category: check.Auth, Level: check.Required, Scope: check.PerDomain,
		Title: "Title of " + id, Doc: check.Doc{What: "What.", Why: "Why.", How: "How."},
		Cites: []check.Citation{check.RFC("7208", "3")}, Args: []string{"host"},
		Codes: []*check.Code{
			pass,
			{Name: "bad", Outcome: check.Fail, Text: "{host} is not.", Advice: "Mend {host}."},
			{Name: "weak", Outcome: check.Weak, Text: "Half.", Advice: "Mend."},
			{Name: "unknown", Outcome: check.Inconclusive, Text: "Who knows."},
		},
		Evaluate: func(*evidence.Snapshot, evidence.Subject) check.Finding { return check.Finding{Code: pass} },
	}
}

func TestValidateFindsEachMistake(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(c *check.Check)
		want  string
	}{
		{"id not kebab-case", func(c *check.Check) { c.ID = "Bad_ID" }, "the id is not kebab-case"},
		{"no id", func(c *check.Check) { c.ID = "" }, "the id is not kebab-case"},
		{"id twice", func(c *check.Check) { c.ID = "first" }, "the id is used twice"},
		{"API id twice", func(c *check.Check) { c.API = "mail_first" }, "the API id mail_first is used twice"},
		{"no category", func(c *check.Check) { c.Category = check.CategoryNone }, "category, level or scope is missing"},
		{"no level", func(c *check.Check) { c.Level = check.LevelNone }, "category, level or scope is missing"},
		{"no scope", func(c *check.Check) { c.Scope = check.ScopeNone }, "category, level or scope is missing"},
		{"no API id", func(c *check.Check) { c.API = "" }, "extra checks, and only they, have no API id"},
		{"an extra check with an API id", func(c *check.Check) { c.Category = check.Extra }, "extra checks, and only they, have no API id"},
		{"no title", func(c *check.Check) { c.Title = " " }, `the text "title" is missing`},
		{"no what", func(c *check.Check) { c.Doc.What = "" }, `the text "what" is missing`},
		{"no why", func(c *check.Check) { c.Doc.Why = "" }, `the text "why" is missing`},
		{"no how", func(c *check.Check) { c.Doc.How = "" }, `the text "how" is missing`},
		{"no citation", func(c *check.Check) { c.Cites = nil }, "no citation"},
		{"requires one that is not there", func(c *check.Check) { c.Requires = []*check.Check{good("other")} }, "requires other, which does not stand before it"},
		{"requires itself", func(c *check.Check) { c.Requires = []*check.Check{c} }, "requires second, which does not stand before it"},
		{"a code's name not kebab-case", func(c *check.Check) { c.Codes[0].Name = "O K" }, `code "O K": the name`},
		{"a code's name twice", func(c *check.Check) { c.Codes[0].Name = "bad" }, `code "bad": the name`},
		{"a code with a common name", func(c *check.Check) { c.Codes[0].Name = "blocked" }, "code blocked has the name of a common one"},
		{"a code without text", func(c *check.Check) { c.Codes[0].Text = "" }, "code ok has no text"},
		{"a failure without advice", func(c *check.Check) { c.Codes[1].Advice = "" }, "code bad has no advice"},
		{"a weakness without advice", func(c *check.Check) { c.Codes[2].Advice = "" }, "code weak has no advice"},
		{"the same as a code of nobody", func(c *check.Check) { c.Codes[1].SameAs = []*check.Code{{Name: "lost"}} }, "code bad is the same as lost, which does not stand before it"},
		{"the same as its own check's code", func(c *check.Check) { c.Codes[1].SameAs = []*check.Code{c.Codes[2]} }, "code bad is the same as weak, which does not stand before it"},
		{"not asked, yet passed", func(c *check.Check) { c.Codes[0].NotAsked = true }, "code ok: only an inconclusive code"},
		{"an unknown argument in the text", func(c *check.Check) { c.Codes[0].Text = "{hots} is fine." }, "unknown argument {hots}"},
		{"an unknown argument in the advice", func(c *check.Check) { c.Codes[1].Advice = "Mend {it}." }, "unknown argument {it}"},
		{"no inconclusive code", func(c *check.Check) { c.Codes = c.Codes[:3] }, "no inconclusive code"},
		{"no codes", func(c *check.Check) { c.Codes = nil }, "no codes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spoilt := good("second")
			tt.spoil(spoilt)
			err := check.Validate([]*check.Check{good("first"), spoilt})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestValidateAccepts(t *testing.T) {
	first, second := good("first"), good("second")
	second.Requires = []*check.Check{first}
	extra, extra2 := good("extra"), good("extra-2")
	extra.Category, extra.API = check.Extra, ""
	extra2.Category, extra2.API = check.Extra, ""
	ungathered := good("later")
	ungathered.Evaluate, ungathered.Codes = nil, ungathered.Codes[:2]
	if err := check.Validate([]*check.Check{first, second, extra, extra2, ungathered}); err != nil {
		t.Error(err)
	}
}

func TestValidateJoinsAllMistakes(t *testing.T) {
	c := good("only")
	c.Title, c.Cites = "", nil
	c.Codes[0].Text = ""
	err := check.Validate([]*check.Check{c})
	for _, want := range []string{`"title"`, "no citation", "code ok has no text"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

func TestStatusOf(t *testing.T) {
	levels := []check.Level{check.Required, check.Recommended, check.Optional, check.Informational}
	tests := []struct {
		code check.Code
		want [4]check.Status // by level
	}{
		{check.Code{}, [4]check.Status{check.StatusUnknown, check.StatusUnknown, check.StatusUnknown, check.StatusUnknown}},
		{check.Code{NotAsked: true}, [4]check.Status{check.StatusNotTested, check.StatusNotTested, check.StatusNotTested, check.StatusNotTested}},
		{check.Code{Outcome: check.Pass}, [4]check.Status{check.StatusPassed, check.StatusPassed, check.StatusPassed, check.StatusPassed}},
		{check.Code{Outcome: check.Weak}, [4]check.Status{check.StatusWarning, check.StatusWarning, check.StatusInfo, check.StatusInfo}},
		{check.Code{Outcome: check.Fail}, [4]check.Status{check.StatusFailed, check.StatusWarning, check.StatusInfo, check.StatusInfo}},
		{check.Code{Outcome: check.NotApplicable}, [4]check.Status{check.StatusNotTested, check.StatusNotTested, check.StatusNotTested, check.StatusNotTested}},
		{check.Code{Outcome: check.Blocked}, [4]check.Status{check.StatusNotTested, check.StatusNotTested, check.StatusNotTested, check.StatusNotTested}},
	}
	for _, tt := range tests {
		for i, l := range levels {
			if got := check.StatusOf(&tt.code, l); got != tt.want[i] {
				t.Errorf("%s, %s: %s, want %s", tt.code.Outcome, l, got, tt.want[i])
			}
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("an outcome outside the set has a status")
		}
	}()
	check.StatusOf(&check.Code{Outcome: check.Blocked + 1}, check.Required)
}

func TestCitations(t *testing.T) {
	for want, c := range map[string]check.Citation{
		"RFC 7672, Section 3.1.3": check.RFC("7672", "3.1.3"),
		"RFC 7672":                check.RFC("7672", ""),
		"NCSC-NL TLS guidelines 2025-05, Section 3.3.2": check.NCSC("3.3.2"),
		"Internet.nl, Section mail_ipv6_ns_reach":       check.InternetNL("mail_ipv6_ns_reach"),
	} {
		if got := c.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestVerdictID(t *testing.T) {
	code := &check.Code{Verdict: "good"}
	if got := (check.Finding{Code: code}).VerdictID(); got != "good" {
		t.Error(got)
	}
	if got := (check.Finding{Code: code, Verdict: "bad"}).VerdictID(); got != "bad" {
		t.Error(got)
	}
}

func TestRender(t *testing.T) {
	tests := []struct {
		text string
		args map[string]string
		want string
	}{
		{"{a} and {b}", map[string]string{"a": "1", "b": "2"}, "1 and 2"},
		{"{a} and {b}", map[string]string{"a": "{b}", "b": "{a}"}, "{b} and {a}"},
		{"{a}{a}", map[string]string{"a": "$0"}, "$0$0"},
		{"{c} stays", map[string]string{"a": "1"}, "{c} stays"},
		{"{a is no argument", map[string]string{"a": "1"}, "{a is no argument"},
		{"{{a}}", map[string]string{"a": "1"}, "{1}"},
		{"{}", map[string]string{"": "x"}, "x"},
		{"{a}", nil, "{a}"},
		{"", nil, ""},
		{"{a}", map[string]string{"a": "\x1b[31m\xff"}, "\x1b[31m\xff"},
	}
	for _, tt := range tests {
		if got := check.Render(tt.text, tt.args); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

// What is put into a text is not looked at again.
func FuzzRender(f *testing.F) {
	f.Add("a {x} b", "{x}")
	f.Add("{", "}")
	f.Add("{{x}{x}}", "\\")
	f.Fuzz(func(t *testing.T, text, value string) {
		const mark = "\x00"
		if strings.Contains(text, mark) || strings.Contains(value, mark) {
			return
		}
		args := map[string]string{"x": value}
		want := strings.ReplaceAll(check.Render(text, map[string]string{"x": mark}), mark, value)
		if got := check.Render(text, args); got != want {
			t.Errorf("%q with %q: %q, want %q", text, value, got, want)
		}
	})
}

func enum[T interface {
	~uint8
	fmt.Stringer
	encoding.TextMarshaler
}, P interface {
	*T
	encoding.TextUnmarshaler
}](t *testing.T, first, last T) {
	t.Helper()
	seen := map[string]bool{}
	for v := first; v <= last; v++ {
		b, err := v.MarshalText()
		var back T
		if err != nil || len(b) == 0 || string(b) != v.String() || seen[string(b)] || P(&back).UnmarshalText(b) != nil || back != v {
			t.Errorf("%T %d: %q reads as %d (%v)", last, v, b, back, err)
		}
		seen[string(b)] = true
	}
	for _, bad := range []string{"", "nonsense", "PASS", " pass"} {
		var v T
		if err := P(&v).UnmarshalText([]byte(bad)); err == nil || v != 0 {
			t.Errorf("%T: %q is accepted as %v", last, bad, v)
		}
	}
	defer func() {
		if recover() == nil {
			t.Errorf("%T: there is a value after %v", last, last)
		}
	}()
	_ = (last + 1).String()
}

func TestEnums(t *testing.T) {
	enum(t, check.IPv6, check.Extra)
	enum(t, check.Required, check.Informational)
	enum(t, check.Inconclusive, check.Blocked)
	enum(t, check.StatusUnknown, check.StatusPassed)
	for i, want := range []string{"", "domain", "host", "address"} {
		if got := check.Scope(i).String(); got != want {
			t.Errorf("scope %d: %q, want %q", i, got, want)
		}
	}
	var order []string
	for _, c := range check.Categories {
		order = append(order, c.String())
	}
	if got := strings.Join(order, " "); got != "ipv6 dnssec auth tls rpki extra" {
		t.Errorf("the order of categories is %s", got)
	}
	for name, zero := range map[string]any{"category": check.CategoryNone, "level": check.LevelNone, "outcome": check.Inconclusive, "status": check.StatusUnknown} {
		if fmt.Sprintf("%d", zero) != "0" {
			t.Errorf("%s: the cautious value is not the zero value", name)
		}
	}
}
