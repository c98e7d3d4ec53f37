package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
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
	good     int          // lines with a domain
	lines    atomic.Int64 // read so far
	ended    atomic.Bool  // no line is to come
	err      error

	comma rune // of the CSV; 0 until known
	field int
	// fields is the number of columns, where one is named.
	fields int
	held   []line // a line of CSV that is not at its end yet
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
					for _, in := range l.held { // a quote that is never closed
						if d, ok := l.parse(in); l.err != nil || ok && !yield(d) {
							return
						}
					}
					return
				case in.err != nil:
					l.err = fmt.Errorf("cannot read %s after line %d: %w", l.name, in.number, in.err)
					return
				}
				l.lines.Store(int64(in.number))
				for _, in := range l.whole(in) {
					d, ok := l.parse(in)
					if l.err != nil || ok && !yield(d) {
						return
					}
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

func (l *list) parse(in line) (scanner.Domain, bool) {
	n, text := in.number, in.text
	switch {
	case in.long:
		l.skip(n, "the line is longer than %d octets", maxLine)
		return scanner.Domain{}, false
	case n == 1 && (strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff")):
		l.err = fmt.Errorf("cannot read %s: it is UTF-16; save it as UTF-8", l.name)
		return scanner.Domain{}, false
	case l.good == 0 && strings.Count(text, "\x00") > 1:
		l.err = fmt.Errorf("cannot read %s: it is no text in UTF-8, line %d has NUL characters; save it as UTF-8", l.name, n)
		return scanner.Domain{}, false
	}
	text = l.content(n, text)
	if text == "" {
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
	l.good++
	return d, true
}

// content is a line without byte-order mark, comment and the space around it.
func (l *list) content(n int, text string) string {
	if n == 1 {
		text = strings.TrimPrefix(text, "\ufeff")
	}
	if i := strings.IndexByte(text, '#'); i >= 0 && (l.column == "" || strings.TrimSpace(text[:i]) == "") {
		text = text[:i] // with a named column, a field before it may well hold one
	}
	return strings.TrimSpace(text)
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
