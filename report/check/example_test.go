package check_test

import (
	"fmt"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	hasMX     = &check.Code{Name: "has-mx", Outcome: check.Pass, Text: "{domain} receives mail at {hosts}."}
	hasNoMX   = &check.Code{Name: "no-mx", Outcome: check.Fail, Text: "{domain} has no MX record.", Advice: "Publish one."}
	mxUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive, Text: "The MX records of {domain} are not known."}

	mxExists = &check.Check{
		ID: "mx-exists", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
		Title: "Mail servers",
		Doc: check.Doc{
			What: "Whether the domain has an MX record.",
			Why:  "Without, mail goes to the domain's own address.",
			How:  "Publish one: \"example.test. IN MX 10 mx.example.test.\".",
		},
		Cites: []check.Citation{check.RFC("5321", "5.1")},
		Args:  []string{"domain", "hosts"},
		Codes: []*check.Code{hasMX, hasNoMX, mxUnknown},
		Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
			m := s.Mail()
			f := check.Finding{Code: hasNoMX, Args: map[string]string{"domain": s.Domain, "hosts": fmt.Sprint(m.Hosts)}}
			switch m.Status {
			case evidence.MailHas:
				f.Code = hasMX
			case evidence.MailUnknown:
				f.Code = mxUnknown
			}
			return f
		},
	}
)

// A check is a literal; Run evaluates it over what was seen.
func Example() {
	catalogue := []*check.Check{mxExists}
	if err := check.Validate(catalogue); err != nil {
		fmt.Println(err)
		return
	}
	for _, outcome := range []evidence.Outcome{evidence.OutcomeNoData, evidence.OutcomeServFail} {
		s := &evidence.Snapshot{Domain: "example.test", Lookups: []evidence.Lookup{{Name: "example.test", Type: "MX", Outcome: outcome}}}
		s.Canonical()
		f := check.Run(catalogue, s)[0].Findings[0]
		fmt.Println(check.StatusOf(f.Code, mxExists.Level), "-", check.Render(f.Code.Text, f.Args))
	}
	// Output:
	// warning - example.test has no MX record.
	// unknown - The MX records of example.test are not known.
}
