package message

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Hop is what the receiving side wrote down about who handed the message over:
// the first Received field from the top that has a "from" (RFC 5321, Section
// 4.4). Each server puts its field above the others, so the ones above, which
// have none, come from within the same machine; what stands below may have been
// written by anybody.
type Hop struct {
	IP           netip.Addr // invalid if the field names none
	Helo         string     // empty if it names none
	By           string     // who wrote it, by its own words
	EnvelopeFrom string     // the MAIL FROM that Exim writes there; "<>" for the null sender
	Nth          int        // 0 is the topmost Received field
	Inside       bool       // IP is one that the Internet does not route: a hop within
}

// sender puts together who sent the message.
func (j *Judge) sender(h []field) Sender {
	s := Sender{IP: j.IP, From: j.From, Helo: j.Helo, GivenIP: j.IP.IsValid(), GivenFrom: j.From != "", GivenHelo: j.Helo != ""}
	hop, at := findHop(h)
	if s.From == "" {
		s.From = returnPath(h[:at])
	}
	if hop == nil {
		return s
	}
	s.Hop = hop
	if s.From == "" {
		s.From = hop.EnvelopeFrom
	}
	// Of an address that was given, the field need not speak.
	if !s.GivenIP && !hop.Inside {
		s.IP = hop.IP
	}
	if s.Helo == "" && (!s.GivenIP || s.IP.Unmap() == hop.IP) && !hop.Inside {
		s.Helo = hop.Helo
	}
	return s
}

// findHop returns the hop and its place in the header; without one, the place
// is the end.
func findHop(h []field) (*Hop, int) {
	nth := 0
	for i, f := range h {
		if !f.is("Received") {
			continue
		}
		if hop := parseReceived(f.value()); hop != nil {
			hop.Nth = nth
			return hop, i
		}
		nth++
	}
	return nil, len(h)
}

// returnPath reads the topmost Return-Path of the part of the header that the
// receiving side wrote (RFC 5321, Section 4.4); empty if there is none.
func returnPath(h []field) string {
	list := fieldsOf(h, "Return-Path")
	if len(list) == 0 {
		return ""
	}
	v := list[0].value()
	if i, k := strings.IndexByte(v, '<'), strings.LastIndexByte(v, '>'); i >= 0 && k > i {
		v = v[i+1 : k]
	}
	return mailFrom(v)
}

// mailFrom checks a reverse path; empty if it is none.
func mailFrom(s string) string {
	s = strings.TrimSpace(s)
	switch {
	case s == "" || s == "<>":
		return "<>"
	case domainOf(s) == "" || len(s) > maxText:
		return ""
	}
	return s
}

// parseReceived reads the forms that Postfix, Sendmail, Exim, Exchange, Gmail
// and qmail write; nil if there is no "from":
//
//	from HELO (NAME [IP]) by ...                 Postfix, Sendmail, Gmail
//	from NAME ([IP] helo=HELO) by ...            Exim; without helo= it is NAME
//	from [IP] (port=N helo=HELO) by ...          Exim
//	from HELO (IP) by ...                        Exchange
//	from NAME (HELO HELO) (IP) by ...            qmail
//
// An IPv6 address has "IPv6:" before it or not.
func parseReceived(value string) *Hop {
	words, comments := tokens(value)
	if len(words) < 2 || !strings.EqualFold(words[0].text, "from") {
		return nil
	}
	by := slices.IndexFunc(words, func(w token) bool { return strings.EqualFold(w.text, "by") })
	end := len(value)
	h := &Hop{}
	if by > 0 {
		end = words[by].at
		if by+1 < len(words) {
			h.By = clip(words[by+1].text)
		}
	}
	if by != 1 {
		h.Helo = words[1].text
		h.IP = literal(h.Helo)
	}
	for _, c := range comments {
		if v, ok := setting(c.text, "envelope-from"); ok {
			h.EnvelopeFrom = mailFrom(strings.Trim(v, "<>"))
		}
		if c.at > end {
			continue
		}
		h.comment(c.text)
	}
	h.Helo = heloText(h.Helo)
	h.Inside = h.IP.IsValid() && (h.IP.IsPrivate() || h.IP.IsLoopback() || h.IP.IsLinkLocalUnicast() || h.IP.IsUnspecified())
	return h
}

// comment reads a comment of the "from" part.
func (h *Hop) comment(text string) {
	if v, ok := setting(text, "helo"); ok {
		h.Helo = v
	}
	f := strings.Fields(text)
	if len(f) == 2 && (strings.EqualFold(f[0], "HELO") || strings.EqualFold(f[0], "EHLO")) {
		h.Helo = f[1]
		return
	}
	if h.IP.IsValid() {
		return
	}
	if len(f) == 1 { // alone, without brackets
		if a, err := netip.ParseAddr(f[0]); err == nil && a.Zone() == "" {
			h.IP = a.Unmap()
			return
		}
	}
	for _, w := range f {
		if h.IP = literal(w); h.IP.IsValid() {
			return
		}
	}
}

// setting reads "name=value" within a comment; "envelope-from <a@b>" has a
// space in place of the sign.
func setting(comment, name string) (string, bool) {
	f := strings.Fields(comment)
	for i, w := range f {
		if n := len(name) + 1; len(w) >= n && strings.EqualFold(w[:n], name+"=") {
			return w[n:], true
		}
		if w == name && i+1 < len(f) {
			return f[i+1], true
		}
	}
	return "", false
}

// literal reads an address in brackets: [192.0.2.1], [IPv6:2001:db8::1],
// [2001:db8::1], and with a port behind it [192.0.2.1]:25.
func literal(s string) netip.Addr {
	in, rest, ok := strings.Cut(strings.TrimPrefix(s, "["), "]")
	if !strings.HasPrefix(s, "[") || !ok {
		return netip.Addr{}
	}
	if rest != "" {
		if _, err := strconv.ParseUint(strings.TrimPrefix(rest, ":"), 10, 16); err != nil {
			return netip.Addr{}
		}
	}
	if len(in) > 5 && strings.EqualFold(in[:5], "IPv6:") {
		in = in[5:]
	}
	a, err := netip.ParseAddr(in)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}
	}
	return a.Unmap()
}

// heloText keeps what can have been a HELO name; empty for anything else.
func heloText(s string) string {
	s = strings.TrimSuffix(s, ".")
	if len(s) > 255 || strings.EqualFold(s, "unknown") {
		return ""
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || strings.IndexByte(`"<>()\;`, s[i]) >= 0 {
			return ""
		}
	}
	return s
}

// token is a word, or the inside of a comment, and where it begins.
type token struct {
	text string
	at   int
}

// tokens splits a field's value up to its date: words outside of comments, and
// the outermost comments.
func tokens(value string) (words, comments []token) {
	const most = 200
	for i := 0; i < len(value) && len(words)+len(comments) < most; {
		switch c := value[i]; {
		case c == ';':
			return words, comments
		case c == '(':
			end := commentEnd(value, i)
			comments = append(comments, token{strings.TrimSuffix(value[i+1:end], ")"), i})
			i = end
		case c == ' ' || c == '\t':
			i++
		default:
			n := strings.IndexAny(value[i:], " \t(;")
			if n < 0 {
				n = len(value) - i
			}
			words = append(words, token{value[i : i+n], i})
			i += n
		}
	}
	return words, comments
}

// commentEnd is the index behind the comment that begins at i.
func commentEnd(s string, i int) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// maxARC is the number of ARC sets a message may have (RFC 8617, Section 4.2.1).
const maxARC = 50

// arcSets lists the instances of the ARC sets that a message carries, by their
// ARC-Seal fields. They are not verified.
func arcSets(h []field) []int {
	var list []int
	for _, f := range fieldsOf(h, "ARC-Seal") {
		for part := range strings.SplitSeq(f.value(), ";") {
			name, v, _ := strings.Cut(part, "=")
			n, err := strconv.Atoi(strings.TrimSpace(v))
			if strings.TrimSpace(name) == "i" && err == nil && n > 0 && n <= maxARC && !slices.Contains(list, n) {
				list = append(list, n)
			}
		}
	}
	slices.Sort(list)
	return list
}
