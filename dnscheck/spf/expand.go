package spf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// macro is a parsed macro-expand (RFC 7208, Section 7.1).
type macro struct {
	letter     byte // lower case; 0 for "%%", "%_" and "%-", whose text literal is
	literal    string
	escape     bool // the letter is in upper case
	keep       int  // parts to keep, from the right; 0: all
	reverse    bool
	delimiters string
}

// parseMacro reads the macro that s begins with; s must have been checked.
func parseMacro(s string) (m macro, n int) {
	switch s[1] {
	case '%':
		return macro{literal: "%"}, 2
	case '_':
		return macro{literal: " "}, 2
	case '-':
		return macro{literal: "%20"}, 2
	}
	n = strings.IndexByte(s, '}') + 1
	body := s[2 : n-1]
	m.letter, m.escape = body[0]|0x20, body[0] < 'a'
	body = body[1:]
	digits := len(body) - len(strings.TrimLeft(body, "0123456789"))
	if digits > 0 {
		var err error
		if m.keep, err = strconv.Atoi(body[:digits]); err != nil {
			m.keep = 0 // more than there ever are: all
		}
		body = body[digits:]
	}
	if body != "" && body[0]|0x20 == 'r' {
		m.reverse, body = true, body[1:]
	}
	m.delimiters = body
	return m, n
}

// expand replaces the macros of a domain-spec or explanation that has been
// checked, for the record at a raw name. It is false where the text depends on
// a local part that cannot be used (RFC 8616, Section 4).
func (e *evaluation) expand(s, domain string, explanation bool) (string, bool, error) {
	var b strings.Builder
	for i := 0; i < len(s) && (!explanation || b.Len() < maxExplanation); {
		if s[i] != '%' {
			b.WriteByte(s[i])
			i++
			continue
		}
		m, n := parseMacro(s[i:])
		i += n
		if m.letter == 0 {
			b.WriteString(m.literal)
			continue
		}
		// RFC 8616, Section 4: terms with the local part in them match nothing
		// if it has octets outside ASCII.
		if !explanation && (m.letter == 's' || m.letter == 'l') && strings.ContainsFunc(e.local, func(r rune) bool { return r >= 0x80 }) {
			return "", false, nil
		}
		value, err := e.value(m.letter, domain)
		if err != nil {
			return "", false, err
		}
		b.WriteString(m.transform(value))
	}
	return b.String(), true, nil
}

// value is what a macro letter stands for (Section 7.2).
func (e *evaluation) value(letter byte, domain string) (string, error) {
	switch letter {
	case 's':
		return e.local + "@" + e.from, nil
	case 'l':
		return e.local, nil
	case 'o':
		return e.from, nil
	case 'd':
		return domain, nil
	case 'i':
		return dotted(e.ip), nil
	case 'p':
		return e.bestName(domain)
	case 'v':
		if e.ip.Is4() {
			return "in-addr", nil
		}
		return "ip6", nil
	case 'h':
		return e.helo, nil
	case 'c':
		return e.ip.String(), nil
	case 'r':
		if e.Receiver == "" {
			return "unknown", nil
		}
		return e.Receiver, nil
	case 't':
		return strconv.FormatInt(e.Time.Unix(), 10), nil
	}
	panic(fmt.Sprintf("spf: macro letter %q", letter))
}

// transform splits, reverses, shortens and joins a value (Section 7.3).
func (m macro) transform(value string) string {
	delimiters := m.delimiters
	if delimiters == "" {
		delimiters = "."
	}
	var parts []string
	start := 0
	for i := range len(value) {
		if strings.IndexByte(delimiters, value[i]) >= 0 {
			parts = append(parts, value[start:i])
			start = i + 1
		}
	}
	parts = append(parts, value[start:])
	if m.reverse {
		slices.Reverse(parts)
	}
	if m.keep > 0 && m.keep < len(parts) {
		parts = parts[len(parts)-m.keep:]
	}
	value = strings.Join(parts, ".")
	if m.escape {
		value = escapeURL(value)
	}
	return value
}

// escapeURL escapes whatever is not unreserved (RFC 3986, Section 2.3).
func escapeURL(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; isAlnum(c) || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// isExplanation checks an explain-string: macros, spaces and visible ASCII
// (Section 6.2).
func isExplanation(s string) bool {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '%':
			n := macroLen(s[i:], true)
			if n == 0 {
				return false
			}
			i += n
		case c < ' ' || c > '~':
			return false
		default:
			i++
		}
	}
	return true
}
