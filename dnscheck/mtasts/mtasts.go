// Package mtasts reads what a domain publishes for MTA-STS (RFC 8461): that
// its mail servers speak TLS with certificates of public authorities, so that
// senders need not fear somebody on the way who says otherwise.
//
// There are two parts. A TXT record at _mta-sts below the domain, [Record],
// says that there is a policy and names its version. The policy, [Policy], is
// a text file that is fetched by HTTPS from the host mta-sts below the domain;
// the web server's certificate is what makes it trustworthy, for the DNS need
// not be signed. It lists the names that MX hosts may have, how earnestly
// senders should take it (mode), and how long they may keep it (max_age).
package mtasts

import (
	"fmt"
	"slices"
	"strings"

	"mailvet/report/evidence"
)

// MaxSize is how much of a policy senders need to read, in octets (RFC 8461,
// Section 3.3).
const MaxSize = 64 << 10

// MaxAge is the longest time, in seconds, that max_age may give (Section 3.2);
// ShortAge is one below which a policy protects little, for it is forgotten
// before the next message: the RFC expects weeks, and a sender fetches it
// anew once a day.
const (
	MaxAge   = 31557600
	ShortAge = 86400
)

// RecordName is where the record of a domain stands (Section 3.1).
func RecordName(domain string) string { return "_mta-sts." + domain }

// Host is the web server of a domain's policy, PolicyURL the policy's address
// (Section 3.3).
func Host(domain string) string { return "mta-sts." + domain }

// PolicyURL is the address of a domain's policy.
func PolicyURL(domain string) string { return "https://" + Host(domain) + "/.well-known/mta-sts.txt" }

// Extension is a field that this version of MTA-STS does not know.
type Extension struct{ Name, Value string }

// Record is a TXT record.
type Record struct {
	ID         string // changes whenever the policy does
	Extensions []Extension
}

// SyntaxError says what is wrong with a record, and at which octet.
type SyntaxError struct {
	Offset int
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("mtasts: record: octet %d: %s", e.Offset+1, e.Reason)
}

const version = "v=STSv1"

// Select picks the texts that count as records: those that begin with
// "v=STSv1;" (Section 3.1).
func Select(texts []string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(t string) bool { return !strings.HasPrefix(t, version+";") })
}

// ParseRecord reads a record by the grammar of Section 3.1; blanks at its end
// do no harm. The error is a *[SyntaxError].
func ParseRecord(text string) (Record, error) {
	fail := func(at int, reason string) (Record, error) { return Record{}, &SyntaxError{at, reason} }
	if !strings.HasPrefix(text, version) {
		return fail(0, "it does not begin with v=STSv1")
	}
	var r Record
	seen := map[string]bool{}
	at := len(version)
	for {
		at = skipBlanks(text, at)
		if at == len(text) {
			break
		}
		if text[at] != ';' {
			return fail(at, "a semicolon is missing")
		}
		if at = skipBlanks(text, at+1); at == len(text) {
			break
		}
		end := at + strings.IndexAny(text[at:]+";", "; \t")
		name, value, ok := strings.Cut(text[at:end], "=")
		switch {
		case !ok:
			return fail(at, "a field without an equals sign")
		case !IsExtensionName(name):
			return fail(at, "a field with a name that is not allowed")
		case value == "":
			return fail(end, "a field without a value")
		case !isValue(value):
			return fail(at+len(name)+1, "a value with characters that are not allowed")
		case name == "id" && seen[name]:
			return fail(at, "a second id")
		case name == "id" && (len(value) > 32 || strings.Trim(value, alphanumeric) != ""):
			return fail(at+len(name)+1, "an id that is not 1 to 32 letters and digits")
		case name == "id":
			r.ID = value
		default:
			r.Extensions = append(r.Extensions, Extension{name, value})
		}
		seen[name] = true
		at = end
	}
	if r.ID == "" {
		return fail(len(text), "the id is missing")
	}
	return r, nil
}

// String is the record in its plainest form.
func (r Record) String() string {
	var b strings.Builder
	b.WriteString(version + "; id=" + r.ID + ";")
	for _, e := range r.Extensions {
		b.WriteString(" " + e.Name + "=" + e.Value + ";")
	}
	return b.String()
}

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func skipBlanks(s string, at int) int {
	for at < len(s) && (s[at] == ' ' || s[at] == '\t') {
		at++
	}
	return at
}

// IsExtensionName accepts names of fields: a letter or digit, then up to 31
// more, or underscores, hyphens and dots.
func IsExtensionName(s string) bool {
	return s != "" && len(s) <= 32 && strings.IndexByte(alphanumeric, s[0]) >= 0 && strings.Trim(s, alphanumeric+"_-.") == ""
}

// isValue accepts visible ASCII without the equals sign and the semicolon.
func isValue(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '!' || r > '~' || r == '=' || r == ';' })
}

// Matches reports whether an MX host has a name that the pattern allows
// (Section 4.1): the same, or one label more where it begins with "*.".
func Matches(pattern, host string) bool {
	pattern, host = evidence.Name(pattern), evidence.Name(host)
	if parent, ok := strings.CutPrefix(pattern, "*."); ok {
		label, rest, ok := strings.Cut(host, ".")
		return ok && label != "" && rest == parent
	}
	return pattern == host
}
