package dmarc

import (
	"errors"
	"slices"
	"strings"

	"mailvet/report/evidence"
)

// Policy is what a domain asks receivers to do with mail that fails.
type Policy uint8

const (
	PolicyAbsent  Policy = iota // no such tag
	PolicyInvalid               // the tag is there, its value is none of the following
	PolicyNone
	Quarantine
	Reject
)

var policies = [...]string{"", "invalid", "none", "quarantine", "reject"}

// String is the tag's value; empty for PolicyAbsent.
func (p Policy) String() string { return policies[p] }

// Weaker is the policy that a receiver applies instead where the record says
// t=y (RFC 9989): quarantine for reject, none for quarantine.
func (p Policy) Weaker() Policy {
	switch p {
	case Reject:
		return Quarantine
	case Quarantine:
		return PolicyNone
	}
	return p
}

// Tag is one tag of a record.
type Tag struct {
	Name  string // in lower case; empty for a part that is no tag, and is ignored
	Value string // as written, without the white space around it
}

// Record is a parsed record: its tags in order, behind the version.
type Record struct {
	Tags []Tag
}

var (
	// ErrVersion says that a text is no DMARC record: its first tag is not
	// "v=DMARC1" (the value in upper case).
	ErrVersion = errors.New("dmarc: the record does not begin with the tag v=DMARC1")
	// ErrRepeated says that a tag occurs twice, which makes a tag list
	// invalid as a whole (RFC 6376, Section 3.2).
	ErrRepeated = errors.New("dmarc: a tag occurs more than once")
)

// Parse reads a record as receivers must: what they do not know, or cannot
// read, they ignore (RFC 7489, Section 6.3), and tags stand in any order after
// the version. The error is [ErrVersion] or [ErrRepeated].
func Parse(text string) (*Record, error) {
	if !isRecord(text) {
		return nil, ErrVersion
	}
	_, rest, _ := strings.Cut(text, ";")
	r := &Record{Tags: make([]Tag, 0, min(strings.Count(rest, ";")+1, usualTags))}
	for part := range strings.SplitSeq(rest, ";") {
		if part = trim(part); part == "" {
			continue
		}
		t := Tag{Value: part}
		if name, value, ok := strings.Cut(part, "="); ok && isTagName(trim(name)) {
			t = Tag{lowerASCII(trim(name)), trim(value)}
			if t.Name == "v" || slices.ContainsFunc(r.Tags, func(o Tag) bool { return o.Name == t.Name }) {
				return nil, ErrRepeated
			}
		}
		r.Tags = append(r.Tags, t)
	}
	return r, nil
}

// usualTags is more than most records have.
const usualTags = 8

// isTagName checks a tag-name (RFC 6376, Section 3.2).
func isTagName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}

// String prints the record, tags as they were, white space in its usual form.
// Parsing the result gives the same record.
func (r *Record) String() string {
	var b strings.Builder
	b.WriteString("v=DMARC1")
	for _, t := range r.Tags {
		b.WriteString("; ")
		if t.Name != "" {
			b.WriteString(t.Name + "=")
		}
		b.WriteString(t.Value)
	}
	return b.String()
}

// Get returns the value of a tag.
func (r *Record) Get(name string) (string, bool) {
	for _, t := range r.Tags {
		if t.Name == name {
			return t.Value, true
		}
	}
	return "", false
}

// With returns a copy of the record with a tag set, at its place or at the end.
func (r *Record) With(name, value string) *Record {
	tags := slices.Clone(r.Tags)
	if i := slices.IndexFunc(tags, func(t Tag) bool { return t.Name == name }); i >= 0 {
		tags[i].Value = value
		return &Record{tags}
	}
	return &Record{append(tags, Tag{name, value})}
}

// Compatible returns a copy of the record that Internet.nl's grammar accepts:
// p first, and nothing that it does not know.
func (r *Record) Compatible() *Record {
	var tags []Tag
	for _, t := range r.Tags {
		one := &Record{[]Tag{{"p", "none"}, t}}
		switch _, err := CompatParse(evidence.EscapeText(one.String())); {
		case t.Name == "p" && r.Policy("p") >= PolicyNone:
			tags = slices.Insert(tags, 0, t)
		case err == nil:
			tags = append(tags, t)
		}
	}
	return &Record{tags}
}

// Policy reads p, sp or np.
func (r *Record) Policy(tag string) Policy {
	v, ok := r.Get(tag)
	if !ok {
		return PolicyAbsent
	}
	for p := PolicyNone; p <= Reject; p++ {
		if equalFold(v, p.String()) {
			return p
		}
	}
	return PolicyInvalid
}

// Testing reports t=y: the domain tests its policy.
func (r *Record) Testing() bool {
	v, _ := r.Get("t")
	return equalFold(v, "y")
}

// Requested is the policy that the record asks for, before t=y is looked at:
// sp where it was found at the organizational domain and sp is there and
// valid, else p. Without a valid p the record counts as one with p=none if
// reports can be sent, else as no record at all (RFC 7489, Section 6.6.3): the
// result is then PolicyAbsent or PolicyInvalid.
func (r *Record) Requested(org bool) Policy {
	p := r.Policy("p")
	if p < PolicyNone {
		return p
	}
	if sp := r.Policy("sp"); org && sp >= PolicyNone {
		return sp
	}
	return p
}

// Sufficient reports whether a receiver does anything about mail that fails:
// quarantine or reject, after t=y made it weaker.
func (r *Record) Sufficient(org bool) bool {
	p := r.Requested(org)
	if r.Testing() {
		p = p.Weaker()
	}
	return p >= Quarantine
}

// Addresses lists the mail addresses of a tag of report URIs, rua or ruf: what
// stands in mailto URIs, without size limits and header fields. Others are
// left out.
func (r *Record) Addresses(tag string) []string {
	v, _ := r.Get(tag)
	var list []string
	for uri := range strings.SplitSeq(v, ",") {
		scheme, rest, ok := strings.Cut(trim(uri), ":")
		if !ok || !equalFold(scheme, "mailto") {
			continue
		}
		// A "!" or "," of the address itself is percent-encoded (RFC 7489, Section 6.2).
		rest, _, _ = strings.Cut(rest, "!")
		rest, _, _ = strings.Cut(rest, "?")
		if rest = trim(rest); rest != "" {
			list = append(list, rest)
		}
	}
	return list
}
