package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"mailvet/report"
	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/report/internetnl"
	"mailvet/report/summary"
	"mailvet/report/text"
	"mailvet/scanner"
)

// sink takes snapshots, judges them, writes the reports, and remembers what
// decides the exit code. Prepare may be called by many goroutines at once;
// everything else, and what Prepare returns, by one at a time.
type sink struct {
	o        *options
	policy   scanner.Policy
	handler  report.Handler
	out      io.Writer
	files    []*wholeFile
	evidence *wholeFile
	proofs   *proofs   // nil without --proof
	done     counted   // what --resume found
	buffers  sync.Pool // of *bytes.Buffer; a line has some hundred thousand octets
	unlike   string    // how the first of it differs that is not as of this run
	summary  summary.Builder
	written  int   // reports
	errored  int   // of them, domains that could not be scanned
	reason   error // of the first of these
	missed   error // the first threshold that was missed
}

// newSink opens the files; it fails before anything is scanned.
func newSink(ctx context.Context, o *options, std streams, many bool) (*sink, error) {
	s := &sink{o: o, policy: o.policy(), out: std.out}
	var results, kept *wholeFile
	if o.output != "" && o.output != "-" {
		f, err := s.create("--output", "results", o.output)
		if err != nil {
			return nil, err
		}
		s.out, results = f, f
	}
	if o.evidence != "" {
		f, err := s.create("--evidence", "evidence", o.evidence)
		if err != nil {
			return nil, errors.Join(err, s.closeFiles())
		}
		s.evidence = f
	}
	if o.proofs != nil {
		f, err := s.create("--proof", "proofs", o.proof)
		if err != nil {
			return nil, errors.Join(err, s.closeFiles())
		}
		kept, s.proofs, o.proofs.out = f, o.proofs, f
	}
	if o.resume {
		if err := s.recover(ctx, results, kept); err != nil {
			return nil, errors.Join(err, s.closeFiles())
		}
		if s.unlike != "" && !o.quiet {
			fmt.Fprintf(std.err, "mailvet: %s has results %s; they stay as they are\n", o.output, text.Clean(s.unlike))
		}
	}
	s.handler = newHandler(o, s.out, many)
	return s, nil
}

// create opens a file to write to. That it is another one than those before may
// not be seen by the names: they may be links.
func (s *sink) create(flag, what, name string) (*wholeFile, error) {
	st, _ := os.Stat(name)
	for _, other := range s.files {
		if info, err := other.f.Stat(); err == nil && sameFile(other.f.Name(), info, name, st) {
			return nil, usageError{"scan", fmt.Errorf("%s and another output are the same file, %s", flag, name)}
		}
	}
	f, err := createFile(name, s.o.resume)
	if err != nil {
		return nil, fmt.Errorf("cannot write the %s: %w", what, err)
	}
	s.files = append(s.files, f)
	return f, nil
}

func (s *sink) closeFiles() error {
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	s.files = nil
	return errors.Join(errs...)
}

// add judges and writes one snapshot. What it wrote stays written whatever
// comes later.
func (s *sink) add(snap *evidence.Snapshot) error {
	emit, err := s.prepare(snap, 1)
	if err != nil {
		return err
	}
	return emit()
}

// prepare judges a snapshot and makes ready what is to be written, the report
// as often as the domain stands in the list.
func (s *sink) prepare(snap *evidence.Snapshot, copies int) (func() error, error) {
	r, err := report.New(s.policy.Catalogue, s.policy.Score, snap)
	if err != nil {
		return nil, err
	}
	seen, line := s.buffer(), s.buffer()
	if s.evidence != nil {
		if err := evidence.Encode(seen, snap); err != nil {
			return nil, writeError("evidence", err)
		}
	}
	if s.o.format == "jsonl" {
		if err := report.NewEncoder(line, false).Report(r); err != nil {
			return nil, err
		}
	}
	return func() error {
		defer s.buffers.Put(seen)
		defer s.buffers.Put(line)
		return s.write(r, snap, seen.Bytes(), line.Bytes(), copies)
	}, nil
}

func (s *sink) buffer() *bytes.Buffer {
	if b, ok := s.buffers.Get().(*bytes.Buffer); ok {
		b.Reset()
		return b
	}
	return new(bytes.Buffer)
}

// write puts the evidence first, so that there is some for every result. The
// form of one line a domain is written as it was prepared.
func (s *sink) write(r *report.Report, snap *evidence.Snapshot, seen, line []byte, copies int) error {
	if len(seen) > 0 {
		if _, err := s.evidence.Write(seen); err != nil {
			return writeError("evidence", err)
		}
	}
	if err := s.proofs.write(snap); err != nil {
		return writeError("proof", err)
	}
	for range copies {
		var err error
		if len(line) > 0 {
			_, err = s.out.Write(line)
		} else {
			err = s.handler.Report(r)
		}
		if err != nil {
			return writeError("results", err)
		}
		s.written++
		s.count(r)
	}
	return nil
}

// count remembers what the end of the run needs of a report.
func (s *sink) count(r *report.Report) {
	s.summary.Add(r)
	s.judge(r)
}

// writeError says what could not be written and why, without the steps between.
func writeError(what string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path
	}
	return fmt.Errorf("cannot write the %s: %w", what, err)
}

// judge keeps the first missed threshold.
func (s *sink) judge(r *report.Report) {
	if r.Error != nil {
		s.errored++
		if s.reason == nil {
			s.reason = fmt.Errorf("%s: %s", r.Domain, text.Clean(r.Error.Text))
		}
	}
	if s.missed != nil {
		return
	}
	if s.o.failUnder > 0 && (r.Score == nil || r.Score.Low < s.o.failUnder) {
		s.missed = fmt.Errorf("%w: %s %s, and at least %d %% is asked for", errMissed, r.Domain, scoreText(r), s.o.failUnder)
		return
	}
	for _, word := range s.o.failOn {
		want, err := failStatus(word)
		if err != nil {
			continue // checked before
		}
		if r.Error != nil && want == check.StatusError {
			s.missed = fmt.Errorf("%w: %s could not be scanned", errMissed, r.Domain)
			return
		}
		if id := firstWith(r, want); id != "" {
			s.missed = fmt.Errorf("%w: %s has %s with status %s", errMissed, r.Domain, id, word)
			return
		}
	}
}

// errors says of which domains nothing is known, and why.
func (s *sink) errors() error {
	if s.errored > 1 {
		return fmt.Errorf("%s, such as %w", plural(s.errored, "domain"), s.reason)
	}
	return s.reason
}

func scoreText(r *report.Report) string {
	switch {
	case r.Score == nil:
		return "could not be scanned"
	case r.Score.Complete:
		return fmt.Sprintf("scores %d %%", r.Score.Percent)
	}
	return fmt.Sprintf("scores %d to %d %%", r.Score.Low, r.Score.High)
}

// firstWith is the id of the first check with the status.
func firstWith(r *report.Report, want check.Status) string {
	for _, c := range r.Categories {
		for _, k := range c.Checks {
			if k.Status == want {
				return k.ID
			}
		}
	}
	return ""
}

// close finishes the document, so that what is there is whole, and the files.
func (s *sink) close() error {
	err := s.handler.Close()
	if err != nil {
		err = writeError("results", err)
	}
	return errors.Join(err, s.closeFiles())
}

// newHandler chooses the form of the results.
func newHandler(o *options, w io.Writer, many bool) report.Handler {
	switch o.format {
	case "json":
		return report.NewEncoder(w, true)
	case "jsonl":
		return report.NewEncoder(w, false)
	case "internetnl":
		return internetnl.New(w, internetnl.Options{RequestID: requestID(), Submitted: time.Now(), Finished: time.Now})
	}
	width, _ := terminalWidth(w)
	return text.New(w, text.Options{Width: width, Color: useColor(o.color, w), Verbose: o.verbose, Many: many})
}

// requestID is a random id in the form of Internet.nl's.
func requestID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func isClosedPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }

// useColor decides for text: only on a terminal, and not against NO_COLOR.
func useColor(mode string, w io.Writer) bool {
	switch mode {
	case "always":
		return true
	case "never":
		return false
	}
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && !slices.Contains([]string{"", "dumb"}, os.Getenv("TERM"))
}
