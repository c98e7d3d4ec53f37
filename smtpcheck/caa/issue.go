package caa

import "strings"

// Issue is the value of "issue" and its like (RFC 8659, Section 4.2). Without
// Domain nobody may issue.
type Issue struct {
	Domain     string
	Parameters []Parameter
}

// Parameter is one of an authority's own.
type Parameter struct{ Tag, Value string }

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// ParseIssue reads a value. The number is -1, or the octet at which the value
// leaves the grammar.
func ParseIssue(s string) (Issue, int) {
	r := &reader{text: s}
	var v Issue
	r.space()
	v.Domain = r.name()
	if r.bad {
		return Issue{}, r.at
	}
	r.space()
	if r.end() {
		return v, -1
	}
	if !r.skip(';') {
		return Issue{}, r.at
	}
	r.space()
	for !r.end() {
		p := Parameter{Tag: r.label()}
		r.space()
		if p.Tag == "" || r.bad || !r.skip('=') {
			return Issue{}, r.at
		}
		r.space()
		p.Value = r.run(func(c byte) bool { return c >= '!' && c <= '~' && c != ';' })
		v.Parameters = append(v.Parameters, p)
		r.space()
		if r.end() {
			break
		}
		if !r.skip(';') {
			return Issue{}, r.at
		}
		r.space()
		if r.end() {
			return Issue{}, r.at // nothing follows the semicolon
		}
	}
	return v, -1
}

// String is a value that reads back the same.
func (v Issue) String() string {
	var b strings.Builder
	b.WriteString(v.Domain)
	for _, p := range v.Parameters {
		b.WriteString("; " + p.Tag + "=" + p.Value)
	}
	if v.Domain == "" && len(v.Parameters) == 0 {
		return ";"
	}
	return b.String()
}

// reader goes through a value. bad is set where a word is not well formed.
type reader struct {
	text string
	at   int
	bad  bool
}

func (r *reader) end() bool { return r.at == len(r.text) }

func (r *reader) skip(c byte) bool {
	if r.end() || r.text[r.at] != c {
		return false
	}
	r.at++
	return true
}

func (r *reader) run(is func(byte) bool) string {
	from := r.at
	for !r.end() && is(r.text[r.at]) {
		r.at++
	}
	return r.text[from:r.at]
}

func (r *reader) space() { r.run(func(c byte) bool { return c == ' ' || c == '\t' }) }

// name reads labels with dots between, or nothing.
func (r *reader) name() string {
	from := r.at
	if r.label() == "" {
		return ""
	}
	for !r.bad && r.skip('.') {
		if r.label() == "" {
			r.bad = true
		}
	}
	return r.text[from:r.at]
}

// label reads letters, digits, and hyphens between them.
func (r *reader) label() string {
	s := r.run(func(c byte) bool { return c == '-' || strings.IndexByte(alphanumeric, c) >= 0 })
	if s != "" && (s[0] == '-' || s[len(s)-1] == '-') {
		r.bad = true
	}
	return s
}
