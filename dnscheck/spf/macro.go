package spf

import "strings"

// checkDomainSpec checks a domain-spec (RFC 7208, Sections 7.1 and 12): a
// macro-string that ends in a macro or in a dot and a top label. It returns
// the reason why it is none.
func checkDomainSpec(s string) string {
	if s == "" {
		return "a domain name must follow"
	}
	macroEnd, reason := scanMacros(s, false)
	if reason != "" {
		return reason
	}
	if macroEnd == len(s) {
		return ""
	}
	name := strings.TrimSuffix(s, ".")
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 || dot < macroEnd || !isTopLabel(name[dot+1:]) {
		return "the name does not end in a dot and a top-level domain"
	}
	return ""
}

// HasMacros reports whether a domain-spec depends on the message and can only
// be evaluated for one.
func HasMacros(spec string) bool { return strings.IndexByte(spec, '%') >= 0 }

// scanMacros checks a macro-string and returns where its last macro-expand
// ends, -1 if it has none.
func scanMacros(s string, explanation bool) (end int, reason string) {
	end = -1
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c < '!' || c > '~':
			return end, "an octet that is no visible ASCII character"
		case c != '%':
			i++
		default:
			n := macroLen(s[i:], explanation)
			if n == 0 {
				return end, "a percent sign that begins no macro"
			}
			i += n
			end = i
		}
	}
	return end, ""
}

// macroLen is the length of the macro-expand that s begins with, or 0.
func macroLen(s string, explanation bool) int {
	letters := "slodiphv"
	if explanation {
		letters += "crt" // Section 7.2: only in exp texts
	}
	n, parts := scanMacro(s, letters)
	// Section 7.1: the number of parts to keep is not zero.
	if parts != "" && strings.Trim(parts, "0") == "" {
		return 0
	}
	return n
}

// scanMacro measures the macro that s begins with, 0 if there is none, and
// cuts out its number of parts to keep.
func scanMacro(s, letters string) (n int, parts string) {
	if len(s) < 2 || s[0] != '%' {
		return 0, ""
	}
	switch s[1] {
	case '%', '_', '-':
		return 2, ""
	case '{':
	default:
		return 0, ""
	}
	i := 2
	if i >= len(s) || strings.IndexByte(letters, s[i]|0x20) < 0 {
		return 0, ""
	}
	i++
	digits := i
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	parts = s[digits:i]
	if i < len(s) && s[i]|0x20 == 'r' {
		i++
	}
	for i < len(s) && strings.IndexByte(".-+,/_=", s[i]) >= 0 {
		i++
	}
	if i >= len(s) || s[i] != '}' {
		return 0, ""
	}
	return i + 1, parts
}

// isTopLabel checks a toplabel: letters, digits and inner hyphens, not all
// digits.
func isTopLabel(s string) bool {
	if s == "" || s[0] == '-' || s[len(s)-1] == '-' || isDigits(s) {
		return false
	}
	for i := range len(s) {
		if !isAlnum(s[i]) && s[i] != '-' {
			return false
		}
	}
	return true
}
