package dkim

import (
	"strconv"
	"strings"
)

// spec is one part of a tag list, between semicolons (RFC 6376, Section 3.2).
type spec struct {
	text  string
	start int // where it begins in the whole text
}

// split cuts a text at its semicolons. One semicolon may stand behind the last
// tag, and nothing behind that.
func split(text string) ([]spec, *Error) {
	var specs []spec
	start := 0
	for part := range strings.SplitSeq(text, ";") {
		specs = append(specs, spec{part, start})
		start += len(part) + 1
	}
	last := specs[len(specs)-1]
	if len(specs) == 1 || trimFWS(last.text) != "" {
		return specs, nil
	}
	specs = specs[:len(specs)-1]
	if last.text != "" {
		return specs, &Error{Fault: TrailingSpace, Offset: last.start}
	}
	return specs, nil
}

// tag reads a tag-spec: [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS].
func (s spec) tag(last bool) (Tag, error) {
	name, value, found := strings.Cut(s.text, "=")
	fail := func(f Fault, at int, detail string) (Tag, error) {
		e := &Error{Fault: f, Offset: s.start + at, Detail: detail}
		if bare := trimFWS(name); found && isTagName(bare) {
			e.Tag = bare
		}
		return Tag{}, e
	}
	bare := trimFWS(name)
	at := strings.Index(name, bare)
	switch {
	case strings.Contains(name, `"`):
		return fail(Quotes, strings.IndexByte(name, '"'), "")
	case bare == "" && !found:
		return fail(Syntax, 0, "there is nothing between two semicolons")
	case !isTagName(bare):
		return fail(Syntax, at, "a name of letters, digits and underscores was expected")
	case !found:
		return fail(Syntax, len(s.text), "a tag needs an equals sign")
	}
	t := Tag{Name: bare, Offset: s.start + len(name) + 1}
	trimmed := trimFWS(value)
	if trimmed != "" {
		t.Offset += strings.Index(value, trimmed)
	}
	if i := badOctet(value); i >= 0 {
		f, detail := Syntax, "a character outside of visible ASCII, of the code "+strconv.Itoa(int(value[i]))
		if bare == "p" {
			f = Base64
		}
		return fail(f, len(name)+1+i, detail)
	}
	if known(bare) && strings.HasSuffix(trimmed, `\`) {
		at := t.Offset - s.start + len(trimmed) - 1
		if !last {
			return fail(Backslash, at, "")
		}
		return fail(Backslash, at, "at the end")
	}
	t.Value = collapse(trimmed)
	return t, nil
}

// known reports whether RFC 6376, Section 3.6.1, gives a tag a meaning for
// programs.
func known(tag string) bool { return len(tag) == 1 && strings.Contains("vhkpst", tag) }

// isTagName: ALPHA *(ALPHA / DIGIT / "_").
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

// badOctet finds the first octet that is neither a visible character nor part
// of folding white space: [*WSP CRLF] 1*WSP.
func badOctet(s string) int {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case '!' <= c && c <= '~' || c == ' ' || c == '\t':
		case c == '\r' && i+2 < len(s) && s[i+1] == '\n' && (s[i+2] == ' ' || s[i+2] == '\t'):
			i += 2
		default:
			return i
		}
	}
	return -1
}

func isFWS(c rune) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func trimFWS(s string) string { return strings.TrimFunc(s, isFWS) }

// collapse makes runs of white space one space, and takes it out of base64 and
// lists by the tags' own rules later.
func collapse(s string) string {
	return strings.Join(strings.FieldsFunc(s, isFWS), " ")
}

// checkValue holds the values of known tags to their grammar (RFC 6376, Section
// 3.6.1).
func checkValue(t Tag, text string) error {
	switch t.Name {
	case "v":
		if i := strings.IndexByte(t.Value, '"'); i >= 0 {
			return &Error{Fault: Quotes, Tag: "v", Offset: t.Offset + i}
		}
		if t.Value != "DKIM1" {
			return &Error{Fault: Version, Tag: "v", Offset: t.Offset}
		}
	case "k":
		if !isWord(t.Value) {
			return &Error{Fault: BadList, Tag: t.Name, Offset: t.Offset, Detail: "one word was expected"}
		}
	case "h", "s", "t":
		return checkList(t)
	case "p":
		return checkBase64(t, text)
	}
	return nil
}

func checkList(t Tag) error {
	if t.Value == "" && t.Name == "t" {
		return nil // tolerated: see EmptyFlags
	}
	for w := range strings.SplitSeq(t.Value, ":") {
		if w = strings.TrimSpace(w); !isWord(w) && (t.Name != "s" || w != "*") {
			return &Error{Fault: BadList, Tag: t.Name, Offset: t.Offset, Detail: "words with colons between them were expected"}
		}
	}
	return nil
}

// isWord checks a hyphenated-word: ALPHA [ *(ALPHA / DIGIT / "-") (ALPHA / DIGIT) ].
func isWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter, digit := 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9'
		if !letter && (i == 0 || !digit && (c != '-' || i == len(s)-1)) {
			return false
		}
	}
	return s != ""
}

// checkBase64 checks a base64string: white space may stand anywhere, at most
// two equals signs at the end (RFC 6376, Section 2.10).
func checkBase64(t Tag, text string) error {
	padding := 0
	for i := t.Offset; i < len(text) && text[i] != ';'; i++ {
		c := text[i]
		alphabet := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
		fail := func(f Fault, detail string) error { return &Error{Fault: f, Tag: "p", Offset: i, Detail: detail} }
		switch {
		case isFWS(rune(c)):
		case c == '"':
			return fail(Quotes, "")
		case c == '=' && padding < 2 && t.Value[0] != '=':
			padding++
		case c == '=':
			return fail(Base64, "an equals sign too many")
		case !alphabet:
			return fail(Base64, "not a character of base64")
		case padding > 0:
			return fail(Base64, "more behind the equals signs")
		}
	}
	return nil
}
