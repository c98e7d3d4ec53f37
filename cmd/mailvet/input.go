package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"mailvet/scanner"
)

// maxLine bounds a line of a list of domains.
const maxLine = 64 << 10

// list reads domains from a file: one a line, or the first column of CSV. Bad
// lines are reported to complain and skipped; ok is false afterwards if there
// were any, or if the list could not be read to its end.
type list struct {
	name     string
	r        io.ReadCloser
	complain func(format string, args ...any)
	bad      int
	err      error
}

// openList opens FILE, or standard input for "-". A pipe that nobody writes to
// is waited for until ctx ends.
func openList(ctx context.Context, file string, stdin io.Reader, complain func(string, ...any)) (*list, error) {
	if file == "-" {
		return &list{name: "standard input", r: io.NopCloser(stdin), complain: complain}, nil
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
	if st, err := f.Stat(); err == nil && st.IsDir() {
		f.Close()
		return nil, fmt.Errorf("cannot read the list of domains: %s is a directory", file)
	}
	return &list{name: file, r: f.File, complain: complain}, nil
}

// domains yields each domain of the list once, until the list or ctx ends.
//
// The reading has a goroutine of its own, for a read from a terminal or pipe
// cannot be interrupted. When ctx ends during one, that goroutine ends with
// the read, or with the program.
func (l *list) domains(ctx context.Context) iter.Seq[scanner.Domain] {
	return func(yield func(scanner.Domain) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		lines := make(chan line)
		go l.read(ctx, lines)
		seen := map[string]bool{}
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
				d, ok := l.parse(in.number, in.text)
				if l.err != nil {
					return
				}
				if ok && !seen[d.Name] {
					seen[d.Name] = true
					if !yield(d) {
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

func (l *list) parse(n int, text string) (scanner.Domain, bool) {
	if n == 1 {
		if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
			l.err = fmt.Errorf("cannot read %s: it is UTF-16; save it as UTF-8", l.name)
			return scanner.Domain{}, false
		}
		text = strings.TrimPrefix(text, "\ufeff")
	}
	if i := strings.IndexByte(text, '#'); i >= 0 {
		text = text[:i]
	}
	if i := strings.IndexAny(text, ",;\t"); i >= 0 {
		text = text[:i]
	}
	text = strings.Trim(strings.TrimSpace(text), `"'`)
	if text == "" {
		return scanner.Domain{}, false
	}
	d, err := scanner.ParseDomain(text)
	if err != nil {
		if n == 1 && !strings.ContainsAny(text, ".@") {
			return scanner.Domain{}, false // the header of a CSV file
		}
		l.skip(n, "%v", err)
		return scanner.Domain{}, false
	}
	d.Line = n
	return d, true
}

func (l *list) skip(n int, format string, args ...any) {
	l.bad++
	l.complain("%s, line %d is left out: %s", l.name, n, fmt.Sprintf(format, args...))
}

// argDomains reads domains given as arguments. They are all read before
// anything is scanned: every mistake is told at once.
func argDomains(args []string) ([]scanner.Domain, error) {
	var list []scanner.Domain
	var errs []error
	seen := map[string]bool{}
	for _, a := range args {
		d, err := scanner.ParseDomain(a)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !seen[d.Name] {
			seen[d.Name] = true
			list = append(list, d)
		}
	}
	return list, errors.Join(errs...)
}
