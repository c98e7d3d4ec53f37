package dmarc

import (
	"fmt"
	"net/netip"
	"strings"

	"mailvet/report/evidence"
)

// CompatRecord is a record as Internet.nl's grammar reads it. A tag that is not
// there is empty, values have no spaces around "=", ":" and ",".
type CompatRecord struct {
	P, SP, NP       string // in lower case
	T, PSD          string
	ADKIM, ASPF     string
	RI, PCT, FO, RF string
	RUA, RUF        string // the list of URIs, separated by ","
	Empty           bool   // there is no tag behind the version
}

// CompatSyntaxError says where a record leaves Internet.nl's grammar.
type CompatSyntaxError struct {
	Rest string // of the record, from the tag that does not fit
}

func (e *CompatSyntaxError) Error() string {
	return fmt.Sprintf("dmarc: Internet.nl's grammar does not allow %q", e.Rest)
}

// CompatParse reads a record by Internet.nl's grammar. The text must be
// escaped, see [evidence.EscapeText]. The error is a *[CompatSyntaxError].
//
// It differs from the RFCs on purpose: p must come first, other tags each at
// most once, unknown ones nowhere; a semicolon must follow the version; "pct"
// may go up to 999.
func CompatParse(text string) (*CompatRecord, error) {
	p := compatParser{rest: evidence.ExpandTabs(text)}
	whole := p.rest
	if !p.fold("v") || !p.equal() || !p.exact("DMARC1") || !p.sep() {
		return nil, &CompatSyntaxError{whole}
	}
	r := &CompatRecord{Empty: true}
	at := p.rest // where the last tag begins
	if before := p.rest; p.fold("p") && p.equal() && p.oneOf(&r.P, "none", "quarantine", "reject") {
		r.Empty = false
	} else {
		p.rest = before
	}
	for {
		before, tag := p.rest, ""
		if p.sep() {
			at, tag = p.rest, p.rest
		}
		if tag == "" || !p.tag(r) {
			p.rest = before
			break
		}
		r.Empty = false
	}
	if p.sep(); p.rest != "" {
		return nil, &CompatSyntaxError{at}
	}
	return r, nil
}

// compatParser holds what is left of a text. A method that does not fit leaves
// it anywhere: whoever tries something puts it back.
type compatParser struct{ rest string }

func (p *compatParser) spaces() { p.rest = strings.TrimLeft(p.rest, " ") }

func (p *compatParser) exact(s string) bool {
	rest, ok := strings.CutPrefix(p.rest, s)
	p.rest = rest
	return ok
}

func (p *compatParser) fold(s string) bool {
	if len(p.rest) < len(s) || !equalFold(p.rest[:len(s)], s) {
		return false
	}
	p.rest = p.rest[len(s):]
	return true
}

// around reads a mark that may have spaces around it.
func (p *compatParser) around(mark string) bool {
	before := p.rest
	p.spaces()
	if !p.exact(mark) {
		p.rest = before
		return false
	}
	p.spaces()
	return true
}

func (p *compatParser) equal() bool { return p.around("=") }
func (p *compatParser) sep() bool   { return p.around(";") }

// oneOf reads the first of the words that fits.
func (p *compatParser) oneOf(to *string, words ...string) bool {
	for _, w := range words {
		if p.fold(w) {
			*to = w
			return true
		}
	}
	return false
}

// tag reads one tag that r does not have yet.
func (p *compatParser) tag(r *CompatRecord) bool {
	before := p.rest
	try := func(name string, to *string, value func(*string) bool) bool {
		p.rest = before
		return p.fold(name) && p.equal() && value(to)
	}
	words := func(words ...string) func(*string) bool {
		return func(to *string) bool { return p.oneOf(to, words...) }
	}
	digits := func(most int) func(*string) bool {
		return func(to *string) bool { return p.digits(to, most) }
	}
	policy := words("none", "quarantine", "reject")
	for _, t := range []struct {
		name  string
		to    *string
		value func(*string) bool
	}{
		{"sp", &r.SP, policy}, {"np", &r.NP, policy},
		{"psd", &r.PSD, words("y", "n", "u")}, {"t", &r.T, words("y", "n")},
		{"rua", &r.RUA, p.uris}, {"ruf", &r.RUF, p.uris},
		{"adkim", &r.ADKIM, words("r", "s")}, {"aspf", &r.ASPF, words("r", "s")},
		{"ri", &r.RI, digits(0)}, {"fo", &r.FO, p.failureOptions}, {"rf", &r.RF, p.formats}, {"pct", &r.PCT, digits(3)},
	} {
		if *t.to == "" && try(t.name, t.to, t.value) {
			return true
		}
	}
	return false
}

// digits reads a number of at most that many digits, any number if most is 0.
func (p *compatParser) digits(to *string, most int) bool {
	n := 0
	for n < len(p.rest) && '0' <= p.rest[n] && p.rest[n] <= '9' {
		n++
	}
	if n == 0 || most > 0 && n > most {
		return false
	}
	*to, p.rest = p.rest[:n], p.rest[n:]
	return true
}

// failureOptions reads the value of fo.
func (p *compatParser) failureOptions(to *string) bool {
	var list []string
	for {
		before := p.rest
		var word string
		if len(list) > 0 && !p.around(":") || !p.oneOf(&word, "0", "1", "d", "s") {
			p.rest = before
			*to = strings.Join(list, ":")
			return len(list) > 0
		}
		list = append(list, word)
	}
}

// formats reads the value of rf.
func (p *compatParser) formats(to *string) bool {
	var list []string
	for {
		before := p.rest
		if len(list) > 0 {
			p.spaces()
		}
		if len(list) > 0 && !p.exact(":") || !p.keyword() {
			p.rest = before
			*to = strings.Join(list, ":")
			return len(list) > 0
		}
		list = append(list, strings.TrimLeft(before[:len(before)-len(p.rest)], " :"))
	}
}

// keyword reads letters, digits and hyphens, a hyphen not last.
func (p *compatParser) keyword() bool {
	n := 0
	for n < len(p.rest) && (isAlnum(p.rest[n]) || p.rest[n] == '-') {
		n++
	}
	if n == 0 || p.rest[n-1] == '-' {
		return false
	}
	p.rest = p.rest[n:]
	return true
}

// uris reads the value of rua and ruf.
func (p *compatParser) uris(to *string) bool {
	var list []string
	for {
		before := p.rest
		if len(list) > 0 && !p.around(",") {
			break
		}
		n := strings.IndexAny(p.rest, " ,;")
		if n < 0 {
			n = len(p.rest)
		}
		if !compatURI(p.rest[:n]) {
			p.rest = before
			break
		}
		list = append(list, p.rest[:n])
		p.rest = p.rest[n:]
	}
	*to = strings.Join(list, ",")
	return len(list) > 0
}

// compatURI checks one report URI: a scheme, and digits behind the one "!".
func compatURI(s string) bool {
	s, size, has := strings.Cut(s, "!")
	if has && (size == "" || size[0] < '0' || size[0] > '9' || strings.Contains(size, "!")) {
		return false
	}
	scheme, rest := splitScheme(s)
	return scheme != "" && compatAuthority(rest)
}

// splitScheme cuts the scheme off a URI; there is none where what stands
// before the colon cannot be one (RFC 3986, Section 3.1).
func splitScheme(s string) (scheme, rest string) {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || !isAlpha(scheme[0]) {
		return "", s
	}
	for i := range len(scheme) {
		if !isAlnum(scheme[i]) && strings.IndexByte("+-.", scheme[i]) < 0 {
			return "", s
		}
	}
	return scheme, rest
}

// authority cuts the authority out of a URI without its scheme.
func authority(rest string) (host, path string, has bool) {
	rest, has = strings.CutPrefix(rest, "//")
	if !has {
		return "", rest, false
	}
	n := strings.IndexAny(rest, "/?#")
	if n < 0 {
		n = len(rest)
	}
	return rest[:n], rest[n:], true
}

// compatAuthority checks the brackets of an authority, which the URI library
// in use there insists on.
func compatAuthority(rest string) bool {
	host, _, _ := authority(rest)
	if !strings.ContainsAny(host, "[]") {
		return true
	}
	host = host[strings.LastIndexByte(host, '@')+1:]
	before, in, open := strings.Cut(host, "[")
	in, port, closed := strings.Cut(in, "]")
	if !open || !closed || before != "" || port != "" && port[0] != ':' {
		return false
	}
	if strings.HasPrefix(in, "v") {
		digits, tail, ok := strings.Cut(in[1:], ".")
		return ok && tail != "" && digits != "" && strings.Trim(digits, "0123456789abcdefABCDEF") == ""
	}
	addr, err := netip.ParseAddr(in)
	return err == nil && addr.Is6()
}

// CompatFind looks for the records of a domain as Internet.nl does: texts that
// begin with "v=dmarc1" in any case, at the domain, then once at its
// organizational domain, unless the first question failed. Texts are escaped.
//
// Where there is no organizational domain it asks for "_dmarc.", which cannot
// exist; that is taken as known here.
func CompatFind(src Source, domain string) Found {
	domain = evidence.Name(domain)
	f := look(src, domain, compatIsRecord)
	if len(f.Texts) == 0 && !f.Unknown && f.Lookup.Outcome != evidence.OutcomeBadName {
		if org := OrgDomain(domain); org == "" {
			f = Found{}
		} else {
			f = look(src, org, compatIsRecord)
		}
		f.Org = true
	}
	for i := range f.Texts {
		f.Texts[i] = evidence.EscapeText(f.Texts[i])
	}
	return f
}

func compatIsRecord(text string) bool {
	return len(text) >= 8 && equalFold(text[:8], "v=dmarc1")
}

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isAlnum(c byte) bool { return '0' <= c && c <= '9' || isAlpha(c) }
