package text

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Clean makes text from the network harmless for a terminal: whatever is not
// a visible character or a plain space is written as an escape. That takes in
// control characters (also line ends and tabs), escape sequences, marks that
// turn the direction of writing, invisible characters, odd spaces, and octets
// that are no UTF-8. Of combining marks at most two in a row are kept, so that
// they cannot pile up over other lines. The result is one line.
func Clean(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return s
	}
	var b strings.Builder
	marks := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r) && marks <= 2:
			b.WriteString(s[i : i+n])
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += n
	}
	return b.String()
}

// cells is the number of columns a rune takes in a terminal.
func cells(r rune) int {
	if r < 0x80 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Width is the number of terminal columns that clean text takes.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += cells(r)
	}
	return n
}

// pad fills s with spaces up to n columns.
func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-Width(s)))
}

// padLeft does the same before s.
func padLeft(s string, n int) string {
	return strings.Repeat(" ", max(0, n-Width(s))) + s
}

// cut shortens s to n columns, with three dots where something is missing.
func cut(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	dots := strings.Repeat(".", min(3, max(n, 0)))
	head, _ := split(s, n-len(dots))
	return strings.TrimRight(head, " ") + dots
}

// split cuts s after at most n columns.
func split(s string, n int) (head, tail string) {
	for i, r := range s {
		if n -= cells(r); n < 0 {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// Wrap breaks text, which it cleans, into lines of at most n columns: between
// words, and within a word only if it is longer than a line.
func Wrap(s string, n int) []string { return wrap(Clean(s), n) }

// wrap breaks clean text into lines of at most n columns: between words, and
// within a word only if it is longer than a line.
func wrap(s string, n int) []string {
	n = max(n, 2)
	var lines []string
	line, used := "", 0
	for _, word := range strings.Fields(s) {
		w := Width(word)
		switch {
		case used > 0 && used+1+w <= n:
			line, used = line+" "+word, used+1+w
			continue
		case used > 0:
			lines = append(lines, line)
		}
		for w > n {
			var head string
			head, word = split(word, n)
			lines = append(lines, head)
			w = Width(word)
		}
		line, used = word, w
	}
	if used > 0 {
		lines = append(lines, line)
	}
	return lines
}

// block writes text wrapped, with the first line behind lead, which takes
// indent columns, and the others indented as far.
func (p *page) block(lead string, indent int, s string) {
	blank := strings.Repeat(" ", indent)
	for i, l := range wrap(s, p.width-indent) {
		if i > 0 {
			lead = blank
		}
		p.line(lead + l)
	}
}

// para is block with blanks only.
func (p *page) para(indent int, s string) { p.block(strings.Repeat(" ", indent), indent, s) }
