// Package text writes reports for people: in a terminal or into a pipe.
//
// One domain is one screen: the score, the categories, what is wrong with what
// to do about it, what is not known, what was not tested, and what the scan
// cost others. Many domains are a table with a row for each, written as they
// come. Everything is said in words of ASCII; colour only repeats them.
//
// Whatever comes from the network goes through [Clean] before it is printed.
package text

import (
	"bytes"
	"fmt"
	"io"

	"mailvet/report"
	"mailvet/report/check"
	"mailvet/report/keys"
)

// Options say how to write. The zero value is good for a pipe.
type Options struct {
	Width   int  // columns; 0 is 80, less than 40 is 40, more than 120 is 120
	Color   bool // ANSI colours
	Verbose bool // all checks with all findings, codes, sources and evidence
	Many    bool // a table, if not verbose
}

const (
	defaultWidth = 80
	minWidth     = 40
	maxWidth     = 120 // longer lines are hard to read
)

func columns(width int) int {
	if width == 0 {
		return defaultWidth
	}
	return min(max(width, minWidth), maxWidth)
}

// New returns a [report.Handler]. Each report is one call to w's Write.
func New(w io.Writer, o Options) report.Handler {
	return &handler{w: w, o: o}
}

type handler struct {
	w     io.Writer
	o     Options
	count int
	keys  keys.Notes
}

func (h *handler) Report(r *report.Report) error {
	h.keys.Note(r)
	p := newPage(h.o.Width, h.o.Color)
	switch {
	case h.o.Many && !h.o.Verbose:
		if h.count == 0 {
			p.tableHead()
		}
		p.tableRow(r)
	default:
		if h.count > 0 {
			p.line("")
		}
		p.full(r, h.o.Verbose)
	}
	h.count++
	return p.writeTo(h.w)
}

// Close ends a table with its legend.
func (h *handler) Close() error {
	if !h.o.Many || h.o.Verbose || h.count == 0 {
		return nil
	}
	p := newPage(h.o.Width, h.o.Color)
	p.legend(h.count)
	p.keysNote(&h.keys)
	return p.writeTo(h.w)
}

// page collects what is written at once.
type page struct {
	bytes.Buffer
	width int
	color bool
}

func newPage(width int, color bool) *page { return &page{width: columns(width), color: color} }

func (p *page) writeTo(w io.Writer) error {
	if _, err := w.Write(p.Bytes()); err != nil {
		return fmt.Errorf("report/text: write: %w", err)
	}
	return nil
}

// line writes s, which the caller has made clean, without trailing space.
func (p *page) line(s string) {
	p.WriteString(s)
	trimmed := bytes.TrimRight(p.Bytes(), " ")
	p.Truncate(len(trimmed))
	p.WriteByte('\n')
}

// style is a sequence of ANSI attributes (ECMA-48, SGR).
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

func (p *page) paint(s string, st style) string {
	if !p.color || st == plain || s == "" {
		return s
	}
	return "\x1b[" + string(st) + "m" + s + "\x1b[0m"
}

// padded paints s and fills up to n columns with plain spaces.
func (p *page) padded(s string, n int, st style) string {
	return p.paint(s, st) + pad("", n-Width(s))
}

func styleOf(s check.Status) style {
	switch s {
	case check.StatusError, check.StatusFailed:
		return red
	case check.StatusWarning:
		return yellow
	case check.StatusUnknown, check.StatusInfo:
		return cyan
	case check.StatusNotTested:
		return dim
	case check.StatusPassed:
		return green
	}
	panic("text: status " + s.String())
}
