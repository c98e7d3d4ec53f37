package main

import (
	"bufio"
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
}

func (m *merger) file(ctx context.Context, number int, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("cannot read the results: %w", err)
	}
	defer f.Close()
	br := bufio.NewReaderSize(f, 1<<20)
	m.whole = false
	defer func() {
		if !m.whole {
			m.open = append(m.open, name)
		}
	}()
	for n := 1; ; n++ {
		if ctx.Err() != nil {
			return interrupted(m.sum.Summary(0).Domains)
		}
		line, err := readMessage(br)
		switch {
		case err == io.EOF && len(line) == 0:
			return nil
		case err == io.EOF && !json.Valid(line):
			m.torn = cmp.Or(m.torn, name)
			return nil
		case err == io.EOF:
			line = append(line, '\n')
		case err != nil:
			return fmt.Errorf("cannot read %s, line %d: %w", name, n, err)
		}
		if err := m.line(number, line); err != nil {
			if _, perr := br.Peek(1); perr == io.EOF && n > 1 && !json.Valid(line) {
				m.torn = cmp.Or(m.torn, name) // as a crash of the machine leaves it
				return nil
			}
			return fmt.Errorf("cannot merge %s, line %d: %w", name, n, err)
		}
	}
}

func (m *merger) line(number int, line []byte) error {
	var r report.Report
	err := json.Unmarshal(line, &r)
	switch {
	case r.Schema == summary.Schema: // the sums are made anew
		m.whole = true
		return nil
	case err != nil:
		return errNotResults
	case r.Schema != report.Schema:
		return fmt.Errorf("%w: its schema is %q", errNotResults, clip(r.Schema))
	}
	id := fingerprintOf(r.Domain)
	if first := m.seen[id]; first > 0 && first != number {
		m.twice++
		return nil
	}
	m.seen[id] = number
	m.sum.Add(&r)
	if _, err := m.out.Write(line); err != nil {
		return writeError("results", err)
	}
	return nil
}
