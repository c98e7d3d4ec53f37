package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"mailvet/report"
	"mailvet/report/summary"
)

func runMerge(ctx context.Context, args []string, std streams) error {
	var o options
	fs := newFlags("merge", "[flags] FILE...", "Joins files of results (JSON Lines), such as those of the parts of\na list, and sums them up. A domain that an earlier file has is left out.", std)
	fs.StringVarP(&o.output, "output", "o", "", "write the results to `FILE` instead of standard output")
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "say nothing on standard error but errors")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return usageError{"merge", errors.New("no file given; name those that are to be joined")}
	}
	if err := o.checkFiles(fs.Args()...); err != nil {
		return usageError{"merge", err}
	}
	m := &merger{out: std.out, seen: counted{}}
	for _, name := range fs.Args() { // before anything is written
		if _, err := os.Stat(name); err != nil {
			return fmt.Errorf("cannot read the results: %w", err)
		}
		if r := firstOf(name); r != nil {
			if err := m.agree(name, r); err != nil {
				return fmt.Errorf("cannot merge %s: %w", name, err)
			}
		}
	}
	if o.output != "" && o.output != "-" {
		f, err := createFile(o.output, false)
		if err != nil {
			return fmt.Errorf("cannot write the results: %w", err)
		}
		defer f.Close()
		m.out = f
	}
	for i, name := range fs.Args() {
		if err := m.file(ctx, i+1, name); err != nil {
			return err
		}
	}
	sum := m.sum.Summary(0)
	data, err := json.Marshal(&sum)
	if err != nil {
		return err
	}
	if _, err := m.out.Write(append(data, '\n')); err != nil {
		return writeError("results", err)
	}
	if !o.quiet {
		width, _ := terminalWidth(std.err)
		if m.twice > 0 {
			fmt.Fprintf(std.err, "mailvet: %s left out: an earlier file has them\n", plural(m.twice, "result"))
		}
		for _, name := range m.open {
			fmt.Fprintf(std.err, "mailvet: %s has no summary: the run that wrote it did not come to its end\n", name)
		}
		if err := sum.Text(std.err, width); err != nil {
			return err
		}
	}
	if m.torn != "" {
		return fmt.Errorf("%w: the last line of %s is torn, as of a run that was killed; it is left out", errIncomplete, m.torn)
	}
	return nil
}

// merger writes the results of files one after another.
type merger struct {
	out   io.Writer
	sum   summary.Builder
	seen  counted // the number of the file that has a domain
	twice int
	torn  string   // the first file with a torn last line
	whole bool     // the file being read has a summary
	open  []string // those that have none: the run did not come to its end
	// terms and policy are those of the first results that tell them, in the files
	// of these names.
	terms                 []string
	policy                string
	termsFrom, policyFrom string
}

// agree says whether a result of a file may stand beside those before.
func (m *merger) agree(name string, r *report.Report) error {
	const hint = "; merge what was made with the same options"
	if err := agree(r, m.terms, ""); err != nil {
		return fmt.Errorf("%w, unlike those in %s%s", err, m.termsFrom, hint)
	}
	if err := agree(r, nil, m.policy); err != nil {
		return fmt.Errorf("%w, as those in %s%s", err, m.policyFrom, hint)
	}
	if m.terms == nil && r.Options != nil {
		m.terms, m.termsFrom = r.Options, name
	}
	if m.policy == "" && r.Score != nil {
		m.policy, m.policyFrom = r.Score.Policy, name
	}
	return nil
}

func (m *merger) file(ctx context.Context, number int, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("cannot read the results: %w", err)
	}
	defer f.Close()
	defer context.AfterFunc(ctx, func() { _ = f.Close() })() // a pipe may have nothing to read
	m.whole = false
	defer func() {
		if !m.whole {
			m.open = append(m.open, name)
		}
	}()
	for l := range messages(f, parseReport) {
		if ctx.Err() != nil {
			return interrupted(m.sum.Summary(0).Domains)
		}
		switch {
		case l.err == io.EOF && len(l.line) == 0:
			return nil
		case l.err == io.EOF && !json.Valid(l.line):
			m.torn = cmp.Or(m.torn, name)
			return nil
		case l.err == io.EOF:
			l.line = append(l.line, '\n')
		case l.err != nil:
			return fmt.Errorf("cannot read %s, line %d: %w", name, l.n, l.err)
		}
		if err := m.line(number, name, l); err != nil {
			if l.last && l.n > 1 && !json.Valid(l.line) {
				m.torn = cmp.Or(m.torn, name) // as a crash of the machine leaves it
				return nil
			}
			_ = f.Close() // likewise
			return fmt.Errorf("cannot merge %s, line %d: %w", name, l.n, err)
		}
	}
	return nil
}

func (m *merger) line(number int, name string, l *parsed[*report.Report]) error {
	r := l.what
	switch {
	case r.Schema == summary.Schema: // the sums are made anew
		m.whole = true
		return nil
	case l.bad != nil:
		return errNotResults
	case r.Schema != report.Schema:
		return fmt.Errorf("%w: its schema is %q", errNotResults, clip(r.Schema))
	}
	if err := m.agree(name, r); err != nil {
		return err
	}
	id := fingerprintOf(r.Domain)
	if first := m.seen[id]; first > 0 && first != number {
		m.twice++
		return nil
	}
	m.seen[id] = number
	m.sum.Add(r)
	if _, err := m.out.Write(l.line); err != nil {
		return writeError("results", err)
	}
	return nil
}
