package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"mailvet/report"
	"mailvet/report/text"
)

// errTerms: results were made under other terms.
var errTerms = errors.New("results under different options cannot be compared")

// agree says whether a result may stand beside others: those of a policy, and of
// terms, which are [report.Report.Options]; nil where these are not known.
func agree(r *report.Report, terms []string, policy string) error {
	if r.Options != nil && terms != nil && !slices.Equal(r.Options, terms) {
		return fmt.Errorf("%w: that of %s was made %s", errTerms, text.Clean(clip(r.Domain)), contrast(r.Options, terms))
	}
	if r.Score != nil && policy != "" && r.Score.Policy != policy {
		return fmt.Errorf("%w: that of %s was judged by the policy %q, not %q", errTerms, text.Clean(clip(r.Domain)), clip(r.Score.Policy), policy)
	}
	return nil
}

// contrast says what some have and others have not.
func contrast(theirs, ours []string) string {
	only := func(a, b []string) (flags string) {
		for _, f := range a {
			if !slices.Contains(b, f) {
				flags += ", --" + text.Clean(clip(f))
			}
		}
		return strings.TrimPrefix(flags, ", ")
	}
	with, without := only(theirs, ours), only(ours, theirs)
	switch {
	case without == "":
		return "with " + with
	case with == "":
		return "without " + without
	}
	return "with " + with + " and without " + without
}

// firstOf reads the first result of a file that can be read twice, if it begins
// with one.
func firstOf(name string) *report.Report {
	if st, err := os.Stat(name); err != nil || !st.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	for m := range messages(f, parseReport) {
		if m.err == nil && m.bad == nil && m.what.Schema == report.Schema {
			return m.what
		}
		break
	}
	return nil
}
