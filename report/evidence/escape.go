package evidence

import (
	"strconv"
	"strings"
)

// EscapeText writes the octets of a TXT record's text, as [RR.Text] gives
// them, in presentation format (RFC 1035, Section 5.1) without the outer
// quotes: a quote and a backslash get a backslash, octets outside 32 to 126
// become \DDD. The result is printable ASCII whatever the octets were. It is
// also how Internet.nl hands texts to its parsers.
func EscapeText(s string) string {
	plain := func(c byte) bool { return c >= ' ' && c <= '~' && c != '"' && c != '\\' }
	i := 0
	for i < len(s) && plain(s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case plain(c):
			b.WriteByte(c)
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte('\\')
			n := strconv.Itoa(int(c))
			b.WriteString("000"[len(n):] + n)
		}
	}
	return b.String()
}

// ExpandTabs puts spaces in the place of tabs, with stops at every eighth
// column, as the parser does that Internet.nl reads records with. A text that
// went through [EscapeText] has none left.
func ExpandTabs(s string) string {
	if strings.IndexByte(s, '\t') < 0 {
		return s
	}
	var b strings.Builder
	column := 0
	for i := range len(s) {
		switch s[i] {
		case '\t':
			n := 8 - column%8
			b.WriteString("        "[:n])
			column += n
			continue
		case '\n', '\r':
			column = -1
		}
		b.WriteByte(s[i])
		column++
	}
	return b.String()
}
