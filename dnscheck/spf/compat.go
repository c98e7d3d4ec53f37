package spf

import (
	"fmt"
	"net/netip"
	"strings"

	"mailvet/report/evidence"
)

// CompatSelect returns the texts that Internet.nl takes for SPF records:
// those that begin with "v=spf1" in any case, whatever follows ("v=spf10"
// too). Where there is not exactly one it sees no record. The texts are
// escaped, see [evidence.EscapeText]: that is the form its parser gets.
func CompatSelect(l *evidence.Lookup) []string {
	list := selectTexts(l, func(t string) bool { return hasPrefixFold(t, version) })
	for i := range list {
		list[i] = evidence.EscapeText(list[i])
	}
	return list
}

// CompatSyntaxError says where a record leaves Internet.nl's grammar.
type CompatSyntaxError struct {
	Rest string // of the record, from the first term that does not fit
}

func (e *CompatSyntaxError) Error() string {
	return fmt.Sprintf("spf: Internet.nl's grammar does not allow %q", e.Rest)
}

// CompatParse reads a record by Internet.nl's grammar and returns its terms in
// order, keywords in lower case, ip6 networks in their normal form. The text
// must be escaped as by [CompatSelect]. The error is a *[CompatSyntaxError].
//
// It differs from RFC 7208 on purpose: a domain-spec takes everything up to
// the next space, "/24" and ";" included; its end is hardly checked; the first
// kind of term that fits the beginning of a word is taken, so that "a=b" fails
// as the mechanism a; an unknown modifier needs a value like a domain name;
// modifiers may be repeated.
func CompatParse(text string) ([]string, error) {
	text = evidence.ExpandTabs(text)
	if !hasPrefixFold(text, version) {
		return nil, &CompatSyntaxError{text}
	}
	terms := make([]string, 0, min(strings.Count(text, " "), usualTerms))
	rest := text[len(version):]
	for {
		word := strings.TrimLeft(rest, " ")
		if word == "" {
			return terms, nil
		}
		if len(word) == len(rest) {
			return nil, &CompatSyntaxError{rest}
		}
		term, n := compatTerm(word)
		if n == 0 {
			return nil, &CompatSyntaxError{word}
		}
		terms = append(terms, term)
		rest = word[n:]
	}
}

// compatTerm reads the first term that fits the beginning of s: its normal
// form and its length in s, 0 if none fits.
func compatTerm(s string) (term string, n int) {
	q := 0
	if strings.IndexByte("+-?~", s[0]) >= 0 {
		q = 1
	}
	m := s[q:]
	normal := func(keyword string, n int) (string, int) {
		if strings.HasPrefix(m, keyword) {
			return s[:q+n], q + n
		}
		return s[:q] + keyword + m[len(keyword):n], q + n
	}
	// In this order: what begins like an earlier kind is never a later one.
	switch {
	case hasPrefixFold(m, "all"):
		return normal("all", 3)
	case hasPrefixFold(m, "include:") && compatDomain(m[8:]) > 0:
		return normal("include:", 8+compatDomain(m[8:]))
	case hasPrefixFold(m, "a"):
		return normal("a", 1+compatOptions(m[1:], true))
	case hasPrefixFold(m, "mx"):
		return normal("mx", 2+compatOptions(m[2:], true))
	case hasPrefixFold(m, "ptr"):
		return normal("ptr", 3+compatOptions(m[3:], false))
	case hasPrefixFold(m, "ip4:") && compatQuad(m[4:]) > 0:
		n := 4 + compatQuad(m[4:])
		return normal("ip4:", n+compatLength(m[n:], "/", 32))
	case hasPrefixFold(m, "ip6:"):
		word, _, _ := strings.Cut(m[4:], " ")
		if network := compatIP6(word); network != "" {
			return s[:q] + "ip6:" + network, q + 4 + len(word)
		}
	case hasPrefixFold(m, "exists:") && compatDomain(m[7:]) > 0:
		return normal("exists:", 7+compatDomain(m[7:]))
	}
	if q == 1 {
		return "", 0 // modifiers have no qualifier
	}
	for _, k := range []string{"redirect=", "exp="} {
		if hasPrefixFold(s, k) {
			if d := compatDomain(s[len(k):]); d > 0 {
				return normal(k, len(k)+d)
			}
		}
	}
	name, value, ok := strings.Cut(s, "=")
	if d := compatDomain(value); ok && isName(name) && d > 0 {
		return s[:len(name)+1+d], len(name) + 1 + d
	}
	return "", 0
}

// compatOptions is the length of [":" domain-spec] [cidr] at the start of s.
func compatOptions(s string, lengths bool) int {
	n := 0
	if strings.HasPrefix(s, ":") {
		if d := compatDomain(s[1:]); d > 0 {
			n = 1 + d
		}
	}
	if lengths {
		n += compatLength(s[n:], "/", 32)
		n += compatLength(s[n:], "//", 128)
	}
	return n
}

// compatLength is the length of mark and a number up to most, 0 if that does
// not stand at the start of s. The longest number that fits is taken, and a
// zero ends it.
func compatLength(s, mark string, most int) int {
	digits, ok := strings.CutPrefix(s, mark)
	if !ok {
		return 0
	}
	n, value := 0, 0
	for n < len(digits) && isDigit(digits[n]) && value*10+int(digits[n]-'0') <= most {
		value = value*10 + int(digits[n]-'0')
		n++
		if value == 0 {
			break
		}
	}
	if n == 0 {
		return 0
	}
	return len(mark) + n
}

// compatQuad is the length of the dotted quad at the start of s, or 0.
func compatQuad(s string) int {
	n := 0
	for i := range 4 {
		if i > 0 {
			if n >= len(s) || s[n] != '.' {
				return 0
			}
			n++
		}
		d := compatLength(s[n:], "", 255)
		if d == 0 {
			return 0
		}
		n += d
	}
	return n
}

// compatIP6 is the normal form of an IPv6 address or network, or empty.
func compatIP6(s string) string {
	host, length, has := strings.Cut(s, "/")
	host, zone, hasZone := strings.Cut(host, "%")
	addr, err := netip.ParseAddr(host)
	if err != nil || !addr.Is6() || hasZone && (zone == "" || strings.Contains(zone, "%")) {
		return ""
	}
	if !has {
		if hasZone {
			return addr.String() + "%" + zone
		}
		return addr.String()
	}
	bits := strings.TrimLeft(length, "0")
	if bits == "" && length != "" {
		bits = "0"
	}
	n := parseLength(bits, 128)
	if n < 0 {
		return ""
	}
	return netip.PrefixFrom(addr, n).Masked().String()
}

// compatDomain is the length of the domain-spec at the start of s, 0 if there
// is none whose end is right.
func compatDomain(s string) int {
	n := 0
	for n < len(s) && s[n] > ' ' && s[n] <= '~' {
		if s[n] != '%' {
			n++
			continue
		}
		m := compatMacro(s[n:])
		if m == 0 {
			break
		}
		n += m
	}
	if n == 0 || !compatDomainEnd(s[:n]) {
		return 0
	}
	return n
}

// compatDomainEnd looks at what follows the last dot (a dot within a macro
// counts): it must begin like a top label or with a macro.
func compatDomainEnd(s string) bool {
	s = strings.TrimSuffix(s, ".")
	label := s[strings.LastIndexByte(s, '.')+1:]
	i := 0
	for i < len(label) && isDigit(label[i]) {
		i++
	}
	if i < len(label) && (isAlpha(label[i]) || i > 0 && label[i] == '-') {
		return true
	}
	return compatMacro(label) > 0
}

// compatMacro is the length of the macro that s begins with, or 0.
func compatMacro(s string) int {
	n, _ := scanMacro(s, "slodiphcrtv")
	return n
}

// compatTargets lists the names that Internet.nl may look up for a record.
func compatTargets(terms []string) []string {
	w := compatWalkOver(terms)
	var list []string
	for _, f := range w.follow {
		if !f.macro() && !isBlank(f.name) {
			list = append(list, evidence.Name(f.name))
		}
	}
	return list
}
