package dkim

import "strings"

// SignedBy reads the body of a DKIM-Signature field (RFC 6376, Section 3.5),
// folded or not: the domain (d) and the selector (s) of the key, as written. It
// holds nothing else of the field to the grammar. ok is false where one of them
// is missing or occurs twice, or is not of characters that names have.
func SignedBy(field string) (domain, selector string, ok bool) {
	for part := range strings.SplitSeq(field, ";") {
		name, value, found := strings.Cut(part, "=")
		value = trimFWS(value)
		switch name = trimFWS(name); {
		case !found:
		case name == "d" && domain == "":
			domain = value
		case name == "s" && selector == "":
			selector = value
		case name == "d" || name == "s":
			return "", "", false
		}
	}
	bad := func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`"\/:;=,<>()@`, r) }
	if domain == "" || selector == "" || strings.ContainsFunc(domain+selector, bad) {
		return "", "", false
	}
	return domain, selector, true
}
