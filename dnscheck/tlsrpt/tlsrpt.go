// Package tlsrpt reads the TXT record by which a domain asks senders for
// reports about TLS (RFC 8460): how often delivery to its mail servers was
// secured, and what stood in the way. The record stands at _smtp._tls below
// the domain and lists where reports go, mailto: and https: addresses.
package tlsrpt

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"mailvet/report/evidence"
)

// RecordName is where the record of a domain stands (RFC 8460, Section 3).
func RecordName(domain string) string { return "_smtp._tls." + domain }

const version = "v=TLSRPTv1"

// Extension is a field that this version of TLSRPT does not know.
type Extension struct{ Name, Value string }

// Record is a TXT record.
type Record struct {
	RUA        []string // addresses for reports, as written
	Extensions []Extension
}

// SyntaxError says what is wrong with a record, and at which octet.
type SyntaxError struct {
	Offset int
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("tlsrpt: record: octet %d: %s", e.Offset+1, e.Reason)
}

// Select picks the texts that count as records: those that begin with
// "v=TLSRPTv1;" (Section 3).
func Select(texts []string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(t string) bool { return !strings.HasPrefix(t, version+";") })
}

// ParseRecord reads a record by the grammar of Section 3; blanks at its end do
// no harm, and a second rua adds to the first. The error is a *[SyntaxError].
func ParseRecord(text string) (Record, error) {
	fail := func(at int, reason string) (Record, error) { return Record{}, &SyntaxError{at, reason} }
	rest, ok := strings.CutPrefix(text, version)
	if !ok {
		return fail(0, "it does not begin with v=TLSRPTv1")
	}
	if blank := strings.Trim(rest, " \t"); blank != "" && blank[0] != ';' {
		return fail(len(version), "a semicolon is missing")
	}
	var r Record
	at := len(version)
	fields := strings.Split(rest, ";")
	for i, field := range fields {
		start := at
		at += len(field) + 1
		field = strings.Trim(field, " \t")
		if field == "" && (i == 0 || i == len(fields)-1) {
			continue
		}
		name, value, ok := strings.Cut(field, "=")
		switch {
		case !ok:
			return fail(start, "a field without an equals sign")
		case !isName(name):
			return fail(start, "a field with a name that is not allowed")
		case value == "":
			return fail(start, "a field without a value")
		case name == "rua":
			uris, reason := splitURIs(value)
			if reason != "" {
				return fail(start, reason)
			}
			r.RUA = append(r.RUA, uris...)
		case strings.ContainsFunc(value, func(c rune) bool { return c < '!' || c > '~' || c == '=' }):
			return fail(start, "a value with characters that are not allowed")
		default:
			r.Extensions = append(r.Extensions, Extension{name, value})
		}
	}
	if len(r.RUA) == 0 {
		return fail(len(text), "the field rua is missing")
	}
	return r, nil
}

// splitURIs reads the value of rua.
func splitURIs(value string) ([]string, string) {
	var list []string
	for uri := range strings.SplitSeq(value, ",") {
		uri = strings.Trim(uri, " \t")
		u, err := url.Parse(uri)
		switch {
		case uri == "":
			return nil, "there is an address missing in rua"
		case strings.ContainsFunc(uri, func(c rune) bool { return c < '!' || c > '~' || c == '!' }):
			return nil, "an address in rua has characters that are not allowed"
		case err != nil || u.Scheme == "":
			return nil, "an address in rua is no URI"
		}
		list = append(list, uri)
	}
	return list, ""
}

func isName(s string) bool {
	const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return s != "" && len(s) <= 32 && strings.IndexByte(alphanumeric, s[0]) >= 0 && strings.Trim(s, alphanumeric+"_-.") == ""
}

// String is the record in its plainest form.
func (r Record) String() string {
	var b strings.Builder
	b.WriteString(version + "; rua=" + strings.Join(r.RUA, ","))
	for _, e := range r.Extensions {
		b.WriteString("; " + e.Name + "=" + e.Value)
	}
	return b.String()
}

// Destination is where a report goes.
type Destination struct {
	Scheme string // "mailto", "https", or what is not known
	Domain string // of the address or host; empty where it cannot be told
}

// DestinationOf reads an address out of rua. The text says what keeps senders
// from using it; empty if nothing.
func DestinationOf(uri string) (Destination, string) {
	u, err := url.Parse(uri)
	if err != nil {
		return Destination{}, "it is no URI"
	}
	d := Destination{Scheme: u.Scheme}
	switch u.Scheme {
	case "mailto":
		address, err := url.PathUnescape(u.Opaque)
		local, domain, ok := strings.Cut(address, "@")
		if err != nil || !ok || local == "" || !isDomain(domain) || len(address) > 254 {
			return d, "it has no mail address"
		}
		d.Domain = evidence.Name(domain)
	case "https":
		if !isDomain(u.Hostname()) {
			return d, "it has no host name"
		}
		d.Domain = evidence.Name(u.Hostname())
	default:
		return d, "senders know only mailto: and https:"
	}
	return d, ""
}

func isDomain(s string) bool {
	if len(s) > 253 || !strings.Contains(s, ".") {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, func(c rune) bool {
			return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
		}) {
			return false
		}
	}
	return true
}
