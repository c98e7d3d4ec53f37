// Package dkim reads the public keys that a domain publishes for DKIM (RFC
// 6376, with RFC 8301 and RFC 8463): TXT records at SELECTOR._domainkey.DOMAIN,
// one key each. Who signs a message names domain and selector in its
// DKIM-Signature field; whoever receives it looks the key up there.
//
// A key record is a list of tags, "v=DKIM1; k=rsa; p=MIIB...". p is the key in
// base64, and empty where the key was withdrawn (revoked); k is its type, rsa
// if there is none; h restricts the hash algorithms, s the services; t=y says
// that the domain tests DKIM, t=s that signatures for subdomains do not count;
// n is a note for people. [Parse] holds a text to the grammar and says where it
// departs from it; [Record.Key] decodes the key. What is wrong is a [Fault],
// each by its name.
//
// Nobody can list the selectors of a domain: the DNS answers only to names. But
// many providers sign with the same selectors for all customers: [Providers]
// is what is known of them, and [Plan] picks the few that a domain's SPF and MX
// records suggest.
//
// The package asks nothing itself.
package dkim

import (
	"slices"
	"strings"
)

// Record is a parsed key record.
type Record struct {
	Tags []Tag
}

// Tag is one tag of a record.
type Tag struct {
	Name  string // as written: names are case-sensitive (RFC 6376, Section 3.2)
	Value string // without outer white space; inner runs of it are one space
	// Offset is where the value begins in the text, in octets from 0.
	Offset int
}

// Parse reads a key record, the strings of a TXT record joined (RFC 6376,
// Section 3.6.2.2). The error is an *[Error] with the first fault. Where
// verifiers in wide use overlook it (see [Error.Tolerated]) the record is
// returned beside it; else it is nil.
func Parse(text string) (*Record, error) {
	if !IsKey(text) {
		return nil, &Error{Fault: NotKey}
	}
	specs, loose := split(text)
	r := &Record{}
	for i, s := range specs {
		t, err := s.tag(i == len(specs)-1)
		if err == nil {
			err = r.place(t)
		}
		if err == nil {
			err = checkValue(t, text)
		}
		if err != nil {
			return nil, err
		}
		r.Tags = append(r.Tags, t)
	}
	if _, ok := r.Value("p"); !ok {
		return nil, &Error{Fault: NoKey, Tag: "p", Offset: len(text)}
	}
	if v, ok := r.Value("t"); ok && v == "" && loose == nil {
		loose = &Error{Fault: EmptyFlags, Tag: "t", Offset: r.offset("t")}
	}
	if loose != nil {
		return r, loose
	}
	return r, nil
}

// ParseAll reads what stands at one selector: the texts of its TXT records. A
// selector has exactly one; with several the result is undefined (RFC 6376,
// Section 3.6.2.2), and verifiers fail or take any of them.
func ParseAll(texts []string) (*Record, error) {
	keys := 0
	for _, t := range texts {
		if IsKey(t) {
			keys++
		}
	}
	switch {
	case keys == 0:
		return nil, &Error{Fault: NotKey}
	case len(texts) > 1:
		return nil, &Error{Fault: Several}
	}
	return Parse(texts[0])
}

// IsKey reports whether a text is meant as a key record, however broken: its
// first tag is a version of DKIM, or it has no version, but a tag p. Wildcards
// put other records at selectors, such as "v=spf1 -all" or "v=DMARC1; p=none".
func IsKey(text string) bool {
	first := true
	for spec := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(spec, "=")
		name, value = strings.Trim(name, " \t\r\n\"\\"), strings.Trim(value, " \t\r\n\"\\")
		if first && name == "v" {
			return len(value) >= 4 && strings.EqualFold(value[:4], "dkim")
		}
		if name == "p" {
			return true
		}
		first = false
	}
	return false
}

// place checks a tag against those before it.
func (r *Record) place(t Tag) error {
	switch {
	case slices.ContainsFunc(r.Tags, func(o Tag) bool { return o.Name == t.Name }):
		// RFC 6376, Section 3.2: a name that occurs twice makes the list invalid.
		return &Error{Fault: Duplicate, Tag: t.Name, Offset: t.Offset}
	case t.Name == "v" && len(r.Tags) > 0:
		return &Error{Fault: VersionLate, Tag: "v", Offset: t.Offset}
	case t.Name == "v" && t.Value != "DKIM1" && !strings.ContainsAny(t.Value, `"\`):
		return &Error{Fault: Version, Tag: "v", Offset: t.Offset}
	}
	return nil
}

// String prints the record in its usual form. Parsing the result gives the
// same names and values.
func (r *Record) String() string {
	var b strings.Builder
	for i, t := range r.Tags {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(t.Name + "=" + t.Value)
	}
	return b.String()
}

// Value returns the value of a tag.
func (r *Record) Value(name string) (string, bool) {
	for _, t := range r.Tags {
		if t.Name == name {
			return t.Value, true
		}
	}
	return "", false
}

// offset is where a tag's value begins.
func (r *Record) offset(name string) int {
	for _, t := range r.Tags {
		if t.Name == name {
			return t.Offset
		}
	}
	return 0
}

// Type is the type of the key as the record has it, "rsa" where it does not say.
func (r *Record) Type() string {
	if k, ok := r.Value("k"); ok {
		return k
	}
	return "rsa"
}

// Revoked reports whether the key was withdrawn: p is empty (Section 3.6.1).
func (r *Record) Revoked() bool {
	p, ok := r.Value("p")
	return ok && p == ""
}

// Testing reports t=y: verifiers treat messages as if they were not signed.
func (r *Record) Testing() bool { return slices.Contains(r.list("t"), "y") }

// Strict reports t=s: the signing identity must be the domain itself, not a
// name below it.
func (r *Record) Strict() bool { return slices.Contains(r.list("t"), "s") }

// ForMail reports whether the key may be used for mail: s is missing, or has
// "*" or "email".
func (r *Record) ForMail() bool {
	if _, ok := r.Value("s"); !ok {
		return true
	}
	s := r.list("s")
	return slices.Contains(s, "*") || slices.Contains(s, "email")
}

// SHA256 reports whether signatures with SHA-256 are allowed, the only hash
// that still counts (RFC 8301, Section 3.1): h is missing, or has it.
func (r *Record) SHA256() bool {
	if _, ok := r.Value("h"); !ok {
		return true
	}
	return slices.Contains(r.list("h"), "sha256")
}

func (r *Record) list(tag string) []string {
	v, ok := r.Value(tag)
	if !ok {
		return nil
	}
	var list []string
	for w := range strings.SplitSeq(v, ":") {
		list = append(list, strings.TrimSpace(w))
	}
	return list
}
