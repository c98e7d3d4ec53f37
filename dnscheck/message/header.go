package message

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of what is read of a message.
const (
	MaxHeader = 1 << 20 // octets of the header
	maxFields = 5000
	// maxBlank bounds the line ends in a row within a body, in octets: they
	// have to be remembered until it is known whether text follows.
	maxBlank = 128 << 10
	longLine = 998 // octets of a line without its end (RFC 5322, Section 2.1.1)
)

// field is one field of the header.
type field struct {
	name string // as written; empty for a line that is no field
	raw  string // with its CRLFs
}

// value is the field's value, unfolded (RFC 5322, Section 2.2.3), without the
// white space around it.
func (f field) value() string {
	_, v, _ := strings.Cut(f.raw, ":")
	return strings.TrimSpace(strings.NewReplacer("\r\n", "").Replace(v))
}

func (f field) is(name string) bool { return strings.EqualFold(f.name, name) }

func fieldsOf(h []field, name string) []field {
	var list []field
	for _, f := range h {
		if f.is(name) {
			list = append(list, f)
		}
	}
	return list
}

// reader reads a message: its header, then, as an io.Reader, its body. It
// remembers what is odd.
type reader struct {
	in    *bufio.Reader
	limit int64
	size  int64
	err   error // why the body cannot be judged; Read then says EOF

	crlf, lf, bareCR int64 // line ends
	nul, eight, long bool
	mbox, noEnd      bool // a "From " line at the top; no empty line behind the header
	empty            bool // there is no body
	line             int  // octets of the line so far
	last             byte
	run              int  // octets of line ends since the last text
	over             bool // run has passed maxBlank; what comes is not handed on
}

func newReader(r io.Reader, limit int64) *reader {
	return &reader{in: bufio.NewReaderSize(r, 64<<10), limit: limit, empty: true}
}

// headerLine reads a line without its end. ok is false at the end of the input.
func (r *reader) headerLine() (line []byte, ok bool, err error) {
	for {
		part, err := r.in.ReadSlice('\n')
		r.size += int64(len(part))
		if r.size > min(MaxHeader, r.limit) {
			if r.limit < MaxHeader {
				return nil, false, fmt.Errorf("%w: more than %d octets", ErrTooLarge, r.limit)
			}
			return nil, false, fmt.Errorf("%w: it is larger than %d octets", ErrHeader, MaxHeader)
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && err != io.EOF:
			return nil, false, err
		case err == io.EOF && len(line) == 0:
			return nil, false, nil
		}
		break
	}
	r.look(line)
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), true, nil
}

// header reads up to the empty line.
func (r *reader) header() ([]field, error) {
	var h []field
	for first := true; ; first = false {
		line, ok, err := r.headerLine()
		if err != nil {
			return nil, err
		}
		if first && bytes.HasPrefix(line, []byte("From ")) {
			r.mbox = true // the line of an mbox file, and no part of the message
			continue
		}
		if !ok || len(line) == 0 {
			r.noEnd = !ok
			break
		}
		if len(h) > 0 && (line[0] == ' ' || line[0] == '\t') {
			h[len(h)-1].raw += string(line) + "\r\n"
			continue
		}
		if len(h) == maxFields {
			return nil, fmt.Errorf("%w: it has more than %d fields", ErrHeader, maxFields)
		}
		f := field{raw: string(line) + "\r\n"}
		if name, _, ok := strings.Cut(string(line), ":"); ok && isFieldName(strings.TrimRight(name, " \t")) {
			f.name = strings.TrimRight(name, " \t")
		}
		h = append(h, f)
	}
	if len(h) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrHeader)
	}
	if !hasField(h) {
		return nil, fmt.Errorf("%w: none of its lines is a field, so this is no message", ErrHeader)
	}
	r.run, r.line = 0, 0
	return h, nil
}

func hasField(h []field) bool {
	for _, f := range h {
		if f.name != "" {
			return true
		}
	}
	return false
}

// isFieldName checks ftext (RFC 5322, Section 3.6.8).
func isFieldName(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || s[i] == ':' {
			return false
		}
	}
	return s != ""
}

// look notes what is odd about octets of the message.
func (r *reader) look(b []byte) {
	for _, c := range b {
		switch {
		case c == '\n':
			if r.last == '\r' {
				r.crlf++
			} else {
				r.lf++
			}
			r.line = 0
		case r.last == '\r':
			r.bareCR++
		}
		switch {
		case c == 0:
			r.nul = true
		case c > 0x7f:
			r.eight = true
		}
		if c != '\n' && c != '\r' {
			r.line++
			r.long = r.long || r.line > longLine
		}
		r.last = c
	}
}

// Read hands out the body. Whatever stands in its way is kept in err and is,
// for who reads, the end: nobody downstream then waits for more.
func (r *reader) Read(p []byte) (int, error) {
	for r.err == nil {
		n, err := r.in.Read(p)
		r.size += int64(n)
		if r.size > r.limit {
			r.err = fmt.Errorf("%w: more than %d octets", ErrTooLarge, r.limit)
			break
		}
		if n > 0 {
			r.empty = false
			before := r.last
			r.look(p[:n])
			if n = r.withhold(p[:n], before); n > 0 {
				return n, nil
			}
		}
		if err != nil && err != io.EOF {
			r.err = fmt.Errorf("message: read the body: %w", err)
		}
		if r.over && r.last == '\r' && err == io.EOF {
			r.err = ErrBlank
		}
		if err != nil {
			break
		}
	}
	return 0, io.EOF
}

// withhold keeps line ends back where they are too many in a row: at the end of
// the body they mean nothing to either canonicalization (RFC 6376, Section
// 3.4), and before further text the body is not judged. It returns how many
// octets of p remain.
func (r *reader) withhold(p []byte, last byte) int {
	keep := len(p)
	if r.over {
		keep = 0
	}
	for i, c := range p {
		switch c {
		case '\r', '\n':
			if r.over && last == '\r' && c == '\r' {
				r.err = ErrBlank
				return 0
			}
			r.run++
			if !r.over && r.run > maxBlank && c == '\n' {
				r.over, keep = true, i+1
			}
		case ' ', '\t':
			if r.over {
				r.err = ErrBlank
				return 0
			}
		default:
			if r.over {
				r.err = ErrBlank
				return 0
			}
			r.run = 0
		}
		if r.run > 2*maxBlank && !r.over { // carriage returns without end
			r.err = ErrBlank
			return 0
		}
		last = c
	}
	return keep
}

// drain reads what is left, so that all of the message was looked at.
func (r *reader) drain() error {
	if _, err := io.Copy(io.Discard, struct{ io.Reader }{r}); err != nil {
		return err
	}
	return r.err
}

// notes says what is odd about the message.
func (r *reader) notes(h []field) []string {
	var list []string
	add := func(odd bool, format string, args ...any) {
		if odd {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	bad := 0
	for _, f := range h {
		if f.name == "" {
			bad++
		}
	}
	add(r.mbox, "The line \"From ...\" of an mbox file at the top is left out.")
	add(bad > 0, "The header has lines that are no fields (%d).", bad)
	add(r.noEnd, "The message ends within its header: there is no empty line behind it.")
	add(r.lf > 0 && r.crlf > 0, "Line ends are mixed: %d of CRLF and %d of LF alone. They are read as CRLF, which is how mail travels.", r.crlf, r.lf)
	add(r.bareCR > 0, "There are carriage returns without a line feed (%d), which no mail may have (RFC 5322, Section 2.3).", r.bareCR)
	add(r.nul, "There are NUL octets, which no mail may have (RFC 5322, Section 4).")
	add(r.long, "There are lines of more than %d octets, which servers may break (RFC 5322, Section 2.1.1).", longLine)
	add(r.eight, "There are octets beyond ASCII; a server that recodes them on the way breaks signatures (RFC 6376, Section 5.3).")
	add(len(fieldsOf(h, "From")) > 1, "There are %d From fields where one is allowed (RFC 5322, Section 3.6).", len(fieldsOf(h, "From")))
	return list
}
