package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
)

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
		l.fields = len(fields)
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

// maxHeld bounds the lines of a file over which one line of CSV goes.
const maxHeld = 100

// whole joins the lines of a file over which a line of CSV goes, because there
// are line ends between quotes (RFC 4180, Section 2, number 6), as spreadsheets
// write it. Only in a list with a named column are there such: else a single
// quote would take what follows with it. It returns the lines to be parsed
// now: none while more are needed, and all held as they are where too many
// are, for then the quote is a fault of its line.
func (l *list) whole(in line) []line {
	if l.column == "" || in.long {
		list := append(l.held, in)
		l.held = nil
		return list
	}
	l.held = append(l.held, in)
	var all strings.Builder
	for _, h := range l.held {
		all.WriteString(h.text)
	}
	list := l.held
	switch {
	case len(list) == 1 && strings.Count(in.text, `"`)%2 == 0:
	case l.record(all.String()):
		list = []line{{number: list[0].number, text: all.String()}}
	case l.opens(list[0].text) && len(list) < maxHeld && all.Len() < maxLine:
		return nil
	}
	l.held = nil
	return list
}

// record reports whether text is one whole record of as many fields as the
// first line has: two stray quotes must not swallow what stands between them.
func (l *list) record(text string) bool {
	if l.comma == 0 || strings.Count(text, `"`)%2 != 0 {
		return false
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord = l.comma, l.fields
	_, err := r.Read()
	_, end := r.Read()
	return err == nil && end == io.EOF
}

// opens reports whether a quote begins a field, as one must that goes on in the
// next line; others stand for themselves.
func (l *list) opens(text string) bool {
	before := rune(0) // what stands before a field may be white space
	for _, r := range text {
		switch {
		case r == '"' && (before == 0 || before == l.comma):
			return true
		case r != ' ' && r != '\ufeff':
			before = r
		}
	}
	return false
}
