package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"mailvet/scanner"
)

// maxLine bounds a line of a list of domains.
const maxLine = 64 << 10

// list reads domains from a file: one a line, or a column of CSV. Bad lines
// are reported to complain and skipped; the count and err say so afterwards.
type list struct {
	name     string
	r        io.ReadCloser
	file     *os.File // nil for standard input
	before   os.FileInfo
	column   string // by its name in the header; empty: the first
	complain func(format string, args ...any)
	bad      int
	lines    atomic.Int64 // read so far
	ended    atomic.Bool  // no line is to come
	err      error

	comma rune // of the CSV; 0 until known
	field int
}

// openList opens FILE, or standard input for "-". A pipe that nobody writes to
// is waited for until ctx ends.
func openList(ctx context.Context, file, column string, stdin io.Reader, complain func(string, ...any)) (*list, error) {
	if file == "-" {
		return &list{name: "standard input", r: io.NopCloser(stdin), column: column, complain: complain}, nil
	}
	type opened struct {
		*os.File
		err error
	}
	done := make(chan opened, 1)
	go func() { // opening a pipe cannot be interrupted either
		f, err := os.Open(file)
		done <- opened{f, err}
	}()
	var f opened
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case f = <-done:
	}
	if f.err != nil {
		return nil, fmt.Errorf("cannot read the list of domains: %w", f.err)
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		f.Close()
		return nil, fmt.Errorf("cannot read the list of domains: %s is a directory", file)
	}
	return &list{name: file, r: f.File, file: f.File, before: st, column: column, complain: complain}, nil
}

// count is the number of lines of a regular file; false where that cannot be
// known before it is read.
func (l *list) count() (int, bool) {
	if l.file == nil || l.before == nil || !l.before.Mode().IsRegular() {
		return 0, false
	}
	f, err := os.Open(l.name)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	buf := make([]byte, 256<<10)
	n, last := 0, byte('\n')
	for {
		k, err := f.Read(buf)
		if k > 0 {
			n += strings.Count(string(buf[:k]), "\n")
			last = buf[k-1]
		}
		if err != nil {
			if last != '\n' {
				n++
			}
			return n, err == io.EOF
		}
	}
}

// changed reports whether the file is another one than when it was opened.
func (l *list) changed() bool {
	if l.before == nil || !l.before.Mode().IsRegular() {
		return false
	}
	now, err := os.Stat(l.name)
	return err != nil || !os.SameFile(l.before, now) || now.Size() != l.before.Size() || !now.ModTime().Equal(l.before.ModTime())
}

// domains yields the domain of each good line, until the list or ctx ends.
//
// The reading has a goroutine of its own, for a read from a terminal or pipe
// cannot be interrupted. When ctx ends during one, that goroutine ends with
// the read, or with the program.
func (l *list) domains(ctx context.Context) iter.Seq[scanner.Domain] {
	return func(yield func(scanner.Domain) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		lines := make(chan line, 64)
		go l.read(ctx, lines)
		defer l.ended.Store(true)
		for {
			select {
			case <-ctx.Done():
				return
			case in, ok := <-lines:
				switch {
				case !ok:
					return
				case in.err != nil:
					l.err = fmt.Errorf("cannot read %s after line %d: %w", l.name, in.number, in.err)
					return
				case in.long:
					l.skip(in.number, "the line is longer than %d octets", maxLine)
					continue
				}
				l.lines.Store(int64(in.number))
				d, ok := l.parse(in.number, in.text)
				if l.err != nil || ok && !yield(d) {
					return
				}
			}
		}
	}
}

// line is one line of a list, or what stands in its way.
type line struct {
	number int
	text   string
	long   bool // longer than maxLine; text is empty
	err    error
}

// read sends the lines of the list and closes the channel and the list.
func (l *list) read(ctx context.Context, lines chan<- line) {
	defer close(lines)
	defer l.r.Close()
	br := bufio.NewReaderSize(l.r, maxLine)
	for n := 1; ; n++ {
		text, err := br.ReadSlice('\n')
		in := line{number: n, text: string(text)}
		for errors.Is(err, bufio.ErrBufferFull) {
			in.text, in.long = "", true
			_, err = br.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			in.err = err
		}
		select {
		case lines <- in:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

func (l *list) parse(n int, text string) (scanner.Domain, bool) {
	if n == 1 {
		if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
			l.err = fmt.Errorf("cannot read %s: it is UTF-16; save it as UTF-8", l.name)
			return scanner.Domain{}, false
		}
		text = strings.TrimPrefix(text, "\ufeff")
	}
	if i := strings.IndexByte(text, '#'); i >= 0 && (l.column == "" || strings.TrimSpace(text[:i]) == "") {
		text = text[:i] // with a named column, a field before it may well hold one
	}
	if text = strings.TrimSpace(text); text == "" {
		return scanner.Domain{}, false
	}
	text, ok := l.cell(n, text)
	if !ok {
		return scanner.Domain{}, false
	}
	d, err := scanner.ParseDomain(text)
	if err != nil {
		if n == 1 && l.column == "" && !strings.ContainsAny(text, ".@") {
			return scanner.Domain{}, false // the header of a CSV file
		}
		l.skip(n, "%v", err)
		return scanner.Domain{}, false
	}
	// A list may hold many addresses of a domain, which is scanned once. The
	// name is held for longer than the line, which may be a long one.
	d.Line, d.Local, d.Name, d.Input = n, "", strings.Clone(d.Name), ""
	return d, true
}

// cell takes the wanted field out of a line. The first line that is not blank
// says what separates the fields, and with a column where that one stands.
func (l *list) cell(n int, text string) (string, bool) {
	first := l.comma == 0
	if first {
		l.comma = ','
		if i := strings.IndexAny(text, ",;\t"); i >= 0 {
			l.comma = rune(text[i])
		}
	}
	if !strings.ContainsAny(text, ",;\t\"") && l.field == 0 && !(first && l.column != "") {
		return strings.Trim(text, "'"), text != ""
	}
	fields, err := l.split(text)
	switch {
	case first && l.column != "":
		l.field = slices.IndexFunc(fields, func(f string) bool { return strings.EqualFold(f, l.column) })
		if l.field < 0 {
			l.err = fmt.Errorf("%s has no column %q; its first line names %s", l.name, clip(l.column), clip(strings.Join(fields, ", ")))
		}
		return "", false
	case err != nil:
		l.skip(n, "it is no line of CSV: a quote is not closed, or the field goes on in the next line")
		return "", false
	case len(fields) <= l.field:
		l.skip(n, "it has %d fields, and the column %q is number %d", len(fields), l.column, l.field+1)
		return "", false
	}
	if text = fields[l.field]; text == "" && l.column != "" && l.field > 0 {
		l.skip(n, "the column %q is empty", l.column)
	}
	return text, text != ""
}

// split reads one line of CSV. Whatever stands behind the fields needed does
// not matter; other separators than that of the first line are tolerated there.
func (l *list) split(text string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.TrimLeadingSpace, r.LazyQuotes = l.comma, -1, true, !strings.HasPrefix(text, `"`)
	fields, err := r.Read()
	if len(fields) == 1 && l.column == "" {
		if i := strings.IndexAny(fields[0], ",;\t"); i >= 0 {
			fields[0] = fields[0][:i]
		}
	}
	for i, f := range fields {
		fields[i] = strings.Trim(strings.TrimSpace(f), `"'`)
	}
	if len(fields) == 0 && err == nil {
		err = io.ErrUnexpectedEOF
	}
	return fields, err
}

func (l *list) skip(n int, format string, args ...any) {
	l.bad++
	l.complain("%s, line %d is left out: %s", l.name, n, fmt.Sprintf(format, args...))
}

// fingerprint stands for a name in a set: a million take a tenth of what the
// names would. Two names with one are not to be expected (128 bits of SHA-256).
type fingerprint [16]byte

func fingerprintOf(name string) fingerprint {
	sum := sha256.Sum256([]byte(name))
	return fingerprint(sum[:16])
}

// seen is a set of domains.
type seen map[fingerprint]struct{}

// add reports whether the name is new.
func (s seen) add(name string) bool {
	f := fingerprintOf(name)
	if _, ok := s[f]; ok {
		return false
	}
	s[f] = struct{}{}
	return true
}

// argDomains reads domains given as arguments. They are all read before
// anything is scanned: every mistake is told at once.
func argDomains(args []string) ([]scanner.Domain, error) {
	var list []scanner.Domain
	var errs []error
	at := map[string]int{}
	for _, a := range args {
		d, err := scanner.ParseDomain(a)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		i, before := at[d.Name]
		switch {
		case !before:
			at[d.Name] = len(list)
			list = append(list, d)
		case list[i].Local == "":
			list[i].Local = d.Local
		case d.Local != "" && d.Local != list[i].Local:
			errs = append(errs, fmt.Errorf("two addresses of %s are given; scan one at a time", d.Name))
		}
	}
	return list, errors.Join(errs...)
}
