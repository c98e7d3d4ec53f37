package score_test

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	. "mailvet/report/reporttest"

	"mailvet/report/check"
	"mailvet/report/score"
)

// The table of the specification, field by field.
func TestPolicyIsTheSpecification(t *testing.T) {
	const file = "../../../shared/internetnl-subtests.json"
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("needs the specification's table " + file)
	}
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Category string
		API      string       `json:"api_id"`
		Initial  score.Status `json:"worst_status_initial"`
		Full     *int         `json:"full_score"`
		Field    *string      `json:"score_field"`
		Override *bool        `json:"override_mandatory"`
		Outcomes []struct {
			Outcome, Verdict string
			Status           score.Status
			Points           *int
			Range            *[2]int `json:"points_range"`
			Counted          bool
			Worst            score.Status `json:"worst_status"`
		}
	}
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	p := score.InternetNL()
	if len(list) != len(p.Rows) {
		t.Fatalf("%d rows, the specification has %d", len(p.Rows), len(list))
	}
	for i, want := range list {
		r := p.Rows[i]
		if r.API != want.API || r.Initial != want.Initial || r.NotMandatory != (want.Override != nil) || r.Full != deref(want.Full) {
			t.Errorf("row %d: got %s, %s, %t, %d", i, r.API, r.Initial, r.NotMandatory, r.Full)
		}
		if api := ruleOf(p, r.Category).API; api != want.Category {
			t.Errorf("%s: category %s, want %s", r.API, api, want.Category)
		}
		// The points of the MX names are kept in the field of the domain's.
		if field := deref(want.Field); r.Field != field && !(r.API == "mail_dnssec_mx_valid" && r.Field == "score") {
			t.Errorf("%s: field %q, want %q", r.API, r.Field, field)
		}
		if len(r.Outcomes) != len(want.Outcomes) {
			t.Fatalf("%s: %d outcomes, want %d", r.API, len(r.Outcomes), len(want.Outcomes))
		}
		for j, o := range want.Outcomes {
			got := r.Outcomes[j]
			points := score.Points{}
			switch {
			case o.Range != nil:
				points = score.Points{Min: o.Range[0], Max: o.Range[1], Set: true}
			case o.Points != nil:
				points = score.Points{Min: *o.Points, Max: *o.Points, Set: true}
			}
			if (got != score.Outcome{ID: o.Outcome, Status: o.Status, Worst: o.Worst, Points: points}) || got.Verdict() != o.Verdict {
				t.Errorf("%s: outcome %+v, want %+v", r.API, got, o)
			}
			if counted := got.Worst == score.Failed && r.Counts(); counted != o.Counted {
				t.Errorf("%s: outcome %s counts: %t, want %t", r.API, o.Outcome, counted, o.Counted)
			}
		}
	}
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func ruleOf(p *score.Policy, id check.Category) score.CategoryRule {
	i := slices.IndexFunc(p.Categories, func(r score.CategoryRule) bool { return r.ID == id })
	return p.Categories[i]
}

func TestValidate(t *testing.T) {
	if err := score.InternetNL().Validate(Right().Catalogue()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		change     func(p *score.Policy, catalogue []*check.Check) []*check.Check
	}{
		{"check without row", "check dkim-exists has no row", func(p *score.Policy, cs []*check.Check) []*check.Check {
			p.Rows = slices.DeleteFunc(p.Rows, func(r score.Row) bool { return r.Check == "dkim-exists" })
			return cs
		}},
		{"row without check", "the row dkim-exists has no check", func(p *score.Policy, cs []*check.Check) []*check.Check {
			return slices.DeleteFunc(cs, func(c *check.Check) bool { return c.ID == "dkim-exists" })
		}},
		{"unknown verdict", `code good has the verdict "fine"`, func(p *score.Policy, cs []*check.Check) []*check.Check {
			cs[0].Codes[0].Verdict = "fine"
			return cs
		}},
		{"extra check with a row", "check caa is extra", func(p *score.Policy, cs []*check.Check) []*check.Check {
			byID(cs, "caa").Category = check.Extra
			return cs
		}},
		{"extra check with a verdict", `check x: code y has the verdict "good"`, func(p *score.Policy, cs []*check.Check) []*check.Check {
			return append(cs, &check.Check{ID: "x", Category: check.Extra, Codes: []*check.Code{{Name: "y", Verdict: "good"}}})
		}},
		{"other category", "check caa is of category auth", func(p *score.Policy, cs []*check.Check) []*check.Check {
			byID(cs, "caa").Category = check.Auth
			return cs
		}},
		{"other API id", `its row "mail_starttls_tls_caa"`, func(p *score.Policy, cs []*check.Check) []*check.Check {
			byID(cs, "caa").API = "caa"
			return cs
		}},
		{"two rows", "the check caa has two rows", func(p *score.Policy, cs []*check.Check) []*check.Check {
			p.Rows = append(p.Rows, *p.Row("caa"))
			return cs
		}},
		{"points without field", "has points but no score field", func(p *score.Policy, cs []*check.Check) []*check.Check {
			p.Row("caa").Field = ""
			return cs
		}},
		{"too many points", `"good" has points outside 0 to 10`, func(p *score.Policy, cs []*check.Check) []*check.Check {
			r := p.Row("spf-exists")
			r.Outcomes = slices.Clone(r.Outcomes)
			r.Outcomes[0].Points = score.Points{Min: 11, Max: 11, Set: true}
			return cs
		}},
		{"twice the same outcome", `has the outcome "good" twice`, func(p *score.Policy, cs []*check.Check) []*check.Check {
			r := p.Row("spf-exists")
			r.Outcomes = append(slices.Clone(r.Outcomes), r.Outcomes[0])
			return cs
		}},
		{"lead without row", "led by nobody", func(p *score.Policy, cs []*check.Check) []*check.Check {
			p.Categories[0].Lead = "nobody"
			return cs
		}},
		{"points of nobody", "of nobody, which has no row", func(p *score.Policy, cs []*check.Check) []*check.Check {
			p.Row("caa").PointsOf = "nobody"
			return cs
		}},
		{"no rule", "category rpki, which has no rule", func(p *score.Policy, cs []*check.Check) []*check.Check {
			p.Categories = p.Categories[:4]
			return cs
		}},
		{"two rules", "category ipv6 has two rules", func(p *score.Policy, cs []*check.Check) []*check.Check {
			p.Categories = append(p.Categories, p.Categories[0])
			return cs
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := *score.InternetNL()
			p.Rows, p.Categories = slices.Clone(p.Rows), slices.Clone(p.Categories)
			catalogue := c.change(&p, Right().Catalogue())
			err := p.Validate(catalogue)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func byID(cs []*check.Check, id string) *check.Check {
	return cs[slices.IndexFunc(cs, func(c *check.Check) bool { return c.ID == id })]
}

// Another policy is only other data.
func TestAnotherPolicy(t *testing.T) {
	p := &score.Policy{
		Name:       "only-spf",
		Categories: []score.CategoryRule{{ID: check.Auth, API: "auth"}},
		Rows: []score.Row{{Check: "spf-exists", Category: check.Auth, Field: "spf", Full: 3, Initial: score.Failed, Outcomes: []score.Outcome{
			{ID: "good", Status: score.Passed, Worst: score.Failed, Points: score.Points{Min: 3, Max: 3, Set: true}},
			{ID: "bad", Status: score.Failed, Worst: score.Failed, Points: score.Points{Min: 1, Max: 1, Set: true}},
		}}},
	}
	s := score.Compute(p, Right().Set("spf-exists=bad", "dmarc-exists=bad").Results())
	if s.Percent != 33 || s.Policy != "only-spf" || len(s.Categories) != 1 {
		t.Errorf("got %+v, want 33 %% of one category", s)
	}
}

func TestStatusText(t *testing.T) {
	for s := score.Error; s <= score.Passed; s++ {
		b, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back score.Status
		if err := back.UnmarshalText(b); err != nil || back != s {
			t.Errorf("%s: read back as %s, %v", b, back, err)
		}
	}
	if err := new(score.Status).UnmarshalText([]byte("fine")); err == nil {
		t.Error("an unknown status was read")
	}
}
