package spf

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"mailvet/report/evidence"
)

// SyntaxError says where a record leaves the grammar. Receivers answer such a
// record with permerror (RFC 7208, Section 4.6).
type SyntaxError struct {
	Offset int    // in octets, from the start of the record
	Term   string // the term at fault, escaped; empty for the version
	Reason string
}

func (e *SyntaxError) Error() string {
	if e.Term == "" {
		return fmt.Sprintf("spf: offset %d: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("spf: offset %d, term %q: %s", e.Offset, e.Term, e.Reason)
}

// Parse reads a record by RFC 7208, Section 12. The error is a *[SyntaxError].
//
// Beyond the grammar it obeys Section 6 (redirect and exp at most once) and
// Section 7.2 (the macro letters c, r and t belong in explanations only).
func Parse(text string) (*Record, error) {
	if !hasPrefixFold(text, version) {
		return nil, &SyntaxError{Reason: `the record does not begin with "v=spf1"`}
	}
	if len(text) > len(version) && text[len(version)] != ' ' {
		return nil, &SyntaxError{Offset: len(version), Reason: `no space after "v=spf1"`}
	}
	r := &Record{Terms: make([]Term, 0, min(strings.Count(text, " "), usualTerms))}
	var seen [Unknown + 1]bool
	for at := len(version); at < len(text); {
		if text[at] == ' ' {
			at++
			continue
		}
		word, _, _ := strings.Cut(text[at:], " ")
		t, reason := parseTerm(word)
		if reason == "" && (t.Kind == Redirect || t.Kind == Exp) {
			if seen[t.Kind] {
				reason = t.Kind.String() + " stands in the record more than once"
			}
			seen[t.Kind] = true
		}
		if reason != "" {
			return nil, &SyntaxError{at, evidence.EscapeText(word), reason}
		}
		r.Terms = append(r.Terms, t)
		at += len(word)
	}
	return r, nil
}

// usualTerms is more than most records have.
const usualTerms = 16

// parseTerm reads one term; the string is the reason why it is none.
func parseTerm(word string) (Term, string) {
	if name, value, ok := strings.Cut(word, "="); ok && isName(name) {
		return parseModifier(name, value)
	}
	t := Term{Qualifier: Pass}
	if strings.IndexByte("+-?~", word[0]) >= 0 {
		t.Qualifier, word = Qualifier(word[0]), word[1:]
	}
	keyword, rest := word, ""
	if i := strings.IndexAny(word, ":/"); i >= 0 {
		keyword, rest = word[:i], word[i:]
	}
	for k := All; k <= Exists; k++ {
		if equalFold(keyword, k.String()) {
			t.Kind = k
			return t, t.parseRest(rest)
		}
	}
	return t, "no mechanism or modifier of that name"
}

// parseRest reads what follows the keyword of a mechanism.
func (t *Term) parseRest(rest string) string {
	arg, has := strings.CutPrefix(rest, ":")
	switch t.Kind {
	case All:
		if rest != "" {
			return "all takes nothing after it"
		}
		return ""
	case IP4, IP6:
		if !has {
			return "an address must follow"
		}
		return t.parseNetwork(arg)
	case A, MX:
		domain, reason := t.cutLengths(rest)
		if reason != "" || domain == "" {
			return reason
		}
		if arg, has = strings.CutPrefix(domain, ":"); !has {
			return "neither a domain name nor a prefix length follows"
		}
	case PTR:
		if rest == "" {
			return ""
		}
	}
	if !has {
		return "a domain name must follow"
	}
	t.Domain = arg
	return checkDomainSpec(arg)
}

// parseModifier reads a modifier (Section 6).
func parseModifier(name, value string) (Term, string) {
	t := Term{Domain: value}
	switch {
	case equalFold(name, "redirect"):
		t.Kind = Redirect
	case equalFold(name, "exp"):
		t.Kind = Exp
	default:
		t.Kind, t.Name = Unknown, name
		_, reason := scanMacros(value, true)
		return t, reason
	}
	return t, checkDomainSpec(value)
}

func isName(s string) bool {
	if s == "" || !isAlpha(s[0]) {
		return false
	}
	for i := range len(s) {
		if !isAlnum(s[i]) && strings.IndexByte("-_.", s[i]) < 0 {
			return false
		}
	}
	return true
}

// parseNetwork reads ip4-network and ip6-network with their lengths (Section 5.6).
func (t *Term) parseNetwork(s string) string {
	host, length, has := strings.Cut(s, "/")
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" || addr.Is4() != (t.Kind == IP4) {
		return "no address of that family"
	}
	bits := addr.BitLen()
	if has {
		if bits = parseLength(length, addr.BitLen()); bits < 0 {
			return "no prefix length of that family"
		}
	}
	t.Prefix = netip.PrefixFrom(addr, bits)
	return ""
}

// cutLengths takes the dual-cidr-length off the end of what follows a or mx.
func (t *Term) cutLengths(s string) (domain, reason string) {
	t.Len4, t.Len6 = 32, 128
	if i := strings.LastIndex(s, "//"); i >= 0 && isDigits(s[i+2:]) {
		if t.Len6 = parseLength(s[i+2:], 128); t.Len6 < 0 {
			return "", "no IPv6 prefix length"
		}
		s = s[:i]
	}
	if i := strings.LastIndexByte(s, '/'); i >= 0 && isDigits(s[i+1:]) {
		if t.Len4 = parseLength(s[i+1:], 32); t.Len4 < 0 {
			return "", "no IPv4 prefix length"
		}
		s = s[:i]
	}
	return s, ""
}

// parseLength reads a decimal number without leading zeros, at most most;
// anything else is -1.
func parseLength(s string, most int) int {
	if !isDigits(s) || len(s) > 3 || len(s) > 1 && s[0] == '0' {
		return -1
	}
	n, _ := strconv.Atoi(s)
	if n > most {
		return -1
	}
	return n
}

func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isAlnum(c byte) bool { return isDigit(c) || isAlpha(c) }
