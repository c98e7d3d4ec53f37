package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"mailvet/report"
	"mailvet/report/check"
	"mailvet/report/summary"
)

// counted says how often each domain was reported before.
type counted map[fingerprint]int

// recover reads what an earlier run wrote, so that this one goes on behind it:
// its results are counted as if they were of this run, a torn last line and a
// summary are cut off.
func (s *sink) recover(ctx context.Context, results, proofs *wholeFile) error {
	s.done = counted{}
	err := recoverFile(ctx, results, parseReport, func(m *parsed[*report.Report]) (bool, error) {
		r, err := m.what, m.bad // of a summary, too, the schema comes first
		switch {
		case r.Schema == summary.Schema && json.Valid(m.line):
			return false, nil
		case r.Schema != report.Schema && r.Schema != "":
			return false, fmt.Errorf("%w: its schema is %q", errNotResults, clip(r.Schema))
		case err != nil:
			return false, fmt.Errorf("%w: %w", errNotResults, err)
		case r.Schema == "":
			return false, errNotResults
		}
		if err := agree(r, s.o.terms, s.policy.Score.Name); err != nil {
			return false, fmt.Errorf("%w; give the same options again, or another file with -o", err)
		}
		s.done[fingerprintOf(r.Domain)]++
		s.count(r)
		s.compare(r)
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("cannot resume %s: %w", s.o.output, err)
	}
	// What was seen of a domain, and its proof, are written just before its
	// result. The last ones may have none: that domain will be scanned again.
	if err := s.recoverBeside(ctx, s.evidence); err != nil {
		return fmt.Errorf("cannot resume the evidence in %s: %w", s.o.evidence, err)
	}
	if err := s.recoverBeside(ctx, proofs); err != nil {
		return fmt.Errorf("cannot resume the proofs in %s: %w", s.o.proof, err)
	}
	return nil
}

// compare notes what makes an earlier result another one than this run would
// write.
func (s *sink) compare(r *report.Report) {
	if s.unlike != "" {
		return
	}
	extra := slices.ContainsFunc(r.Categories, func(c report.Category) bool { return c.ID == check.Extra.String() })
	switch mine := tool(); {
	case r.Tool != mine:
		s.unlike = fmt.Sprintf("of %s %s, and this is %s", r.Tool.Name, r.Tool.Version, mine.Version)
	case r.Options != nil:
	case len(r.Categories) > 0 && extra && s.o.noExtra:
		s.unlike = "with the checks that --no-extra leaves out"
	case len(r.Categories) > 0 && !extra && !s.o.noExtra:
		s.unlike = "without the extra checks, as of --no-extra"
	}
}

// recoverBeside keeps the messages of domains that have results. Only the last
// one can be without.
func (s *sink) recoverBeside(ctx context.Context, f *wholeFile) error {
	if f == nil {
		return nil
	}
	return recoverFile(ctx, f, parseDomain, func(m *parsed[string]) (bool, error) {
		return m.bad == nil && s.done[fingerprintOf(m.what)] > 0, m.bad
	})
}

// resumeHint is what to add to the command line to go on.
func resumeHint(o *options) string {
	if o.output == "" || o.output == "-" || o.format != "jsonl" {
		return ""
	}
	if st, err := os.Stat(o.output); err != nil || !st.Mode().IsRegular() {
		return ""
	}
	if o.resume {
		return "; the same command goes on from there"
	}
	return "; the same command with --resume goes on from there"
}
