// Package bimi reads what a domain publishes for BIMI (Brand Indicators for
// Message Identification, draft-brand-indicators-for-message-identification):
// a logo that mail programs show beside messages that pass DMARC.
//
// A TXT record at default._bimi below the domain ([Record]) names the logo, an
// SVG file of a narrow profile ([Logo]), and a certificate that vouches for the
// right to use it ([Certificate]): a VMC for a registered mark, a CMC for one
// in use. Both are fetched by HTTPS. Most providers show a logo only with a
// certificate, and only where the domain's DMARC policy is in force.
package bimi

import (
	"fmt"
	"net/url"
	"strings"
)

// MaxFetch is how much of a logo or certificate is read, in octets.
const MaxFetch = 256 << 10

// RecordName is where the record of a domain stands that messages without a
// selector of their own use.
func RecordName(domain string) string { return "default._bimi." + domain }

// Tag is one part of a record.
type Tag struct{ Name, Value string }

// Record is a TXT record.
type Record struct {
	Logo     string // l: an https URL, or empty
	Evidence string // a: likewise
	Others   []Tag  // further tags, in their order
}

// Declined reports whether the record says that the domain does not want to
// take part: all addresses are empty.
func (r Record) Declined() bool { return r.Logo == "" && r.Evidence == "" }

// SyntaxError says what is wrong with a record, and in which of its tags,
// counted from 1.
type SyntaxError struct {
	Tag    int
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("bimi: record: tag %d: %s", e.Tag, e.Reason) }

// IsRecord reports whether a text is meant to be a record.
func IsRecord(text string) bool {
	version, _, _ := strings.Cut(text, ";")
	name, value, ok := strings.Cut(version, "=")
	return ok && strings.Trim(name, blanks) == "v" && strings.Trim(value, blanks) == "BIMI1"
}

const blanks = " \t\r\n"

// Parse reads a record: tags as in DKIM (RFC 6376, Section 3.2), v first. The
// error is a *[SyntaxError].
func Parse(text string) (Record, error) {
	var r Record
	fail := func(i int, reason string) (Record, error) { return Record{}, &SyntaxError{i, reason} }
	seen := map[string]bool{}
	parts := strings.Split(text, ";")
	for i, part := range parts {
		part = strings.Trim(part, blanks)
		if part == "" && i > 0 && i == len(parts)-1 {
			break
		}
		name, value, ok := strings.Cut(part, "=")
		name, value = strings.Trim(name, blanks), strings.Trim(value, blanks)
		switch {
		case !ok:
			return fail(i+1, "there is no equals sign")
		case !isTagName(name):
			return fail(i+1, "a name that is not allowed")
		case seen[name]:
			return fail(i+1, "the tag "+name+" stands there again")
		case strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c > '~' }):
			return fail(i+1, "a value with characters that are not allowed")
		case i == 0 && (name != "v" || value != "BIMI1"):
			return fail(1, "it does not begin with v=BIMI1")
		case (name == "l" || name == "a") && value != "" && !isHTTPS(value):
			return fail(i+1, "the address of the tag "+name+" is not one https: URL")
		}
		seen[name] = true
		switch name {
		case "v":
		case "l":
			r.Logo = value
		case "a":
			r.Evidence = value
		default:
			r.Others = append(r.Others, Tag{name, value})
		}
	}
	return r, nil
}

func isTagName(s string) bool {
	if s == "" {
		return false
	}
	for i, c := range s {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}

func isHTTPS(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil && !strings.ContainsAny(s, " ,")
}

// String is the record in its plainest form.
func (r Record) String() string {
	var b strings.Builder
	b.WriteString("v=BIMI1; l=" + r.Logo + "; a=" + r.Evidence)
	for _, t := range r.Others {
		b.WriteString("; " + t.Name + "=" + t.Value)
	}
	return b.String()
}
