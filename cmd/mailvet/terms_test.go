package main

import (
	"errors"
	"strings"
	"testing"

	"mailvet/report"
)

func TestAgree(t *testing.T) {
	scored := &report.Score{Policy: "internetnl-1"}
	for _, test := range []struct {
		name   string
		r      report.Report
		terms  []string
		policy string
		want   string
	}{
		{"the same", report.Report{Options: []string{"no-smtp"}, Score: scored}, []string{"no-smtp"}, "internetnl-1", ""},
		{"none", report.Report{Options: []string{}}, []string{}, "internetnl-1", ""},
		{"not known of it", report.Report{}, []string{"no-smtp"}, "", ""},
		{"not known of us", report.Report{Options: []string{"no-smtp"}}, nil, "", ""},
		{"more", report.Report{Options: []string{"no-smtp", "vrps"}}, []string{"no-smtp"}, "", "made with --vrps"},
		{"less", report.Report{Options: []string{}}, []string{"no-smtp", "vrps"}, "", "made without --no-smtp, --vrps"},
		{"others", report.Report{Options: []string{"no-smtp", "smtp-port=26"}}, []string{"no-smtp", "smtp-port=25"}, "", "made with --smtp-port=26 and without --smtp-port=25"},
		{"judged otherwise", report.Report{Options: []string{}, Score: scored}, []string{}, "internetnl-2", `by the policy "internetnl-1", not "internetnl-2"`},
		{"not judged", report.Report{Options: []string{}}, []string{}, "internetnl-2", ""},
		{"hostile", report.Report{Options: []string{strings.Repeat("x", 1000)}}, []string{}, "", "xxx..."},
	} {
		test.r.Domain = "a.test"
		err := agree(&test.r, test.terms, test.policy)
		if test.want == "" && err != nil || test.want != "" && (!errors.Is(err, errTerms) || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 300) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
