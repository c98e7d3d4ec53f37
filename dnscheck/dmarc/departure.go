package dmarc

import (
	"fmt"
	"slices"
	"strings"

	"mailvet/report/evidence"
)

// Fault is a way in which a record leaves a standard.
type Fault uint8

const (
	NoFault          Fault = iota
	FaultSpace             // white space before the version
	FaultNoSeparator       // nothing follows the version, not even a semicolon
	FaultNoPolicy          // there is no p
	FaultOrder             // p is not the first tag
	FaultEmpty             // a semicolon too many
	FaultNoTag             // text that is no tag
	FaultOctet             // an octet outside printable ASCII
	FaultUnknown           // a tag that no standard has
	FaultRepeated          // a tag for the second time
	FaultPolicy            // p, sp or np with a value that is no policy
	FaultValue             // another tag with a value that it cannot have
	FaultURI               // a report address that is no URI
	FaultScheme            // a report URI that is no mailto
	FaultSize              // a size limit behind a report URI
	FaultBadSize           // one that cannot be read
	FaultRemoved           // a tag that RFC 9989 no longer has
	FaultNewer             // a tag that RFC 7489 did not have
)

var faults = [...]string{"", "white space stands before the version", "no semicolon follows the version", "there is no tag p", "p is not the first tag",
	"a tag is empty", "this is no tag", "an octet is not printable ASCII", "no standard has this tag", "the tag stands here for the second time",
	"the value is none of none, quarantine and reject", "the tag cannot have this value", "this is no address for reports, which begins with mailto:",
	"reports are sent to mailto addresses only", "size limits are ignored", "the size limit cannot be read",
	"the tag is gone", "the tag was not there yet"}

func (f Fault) String() string { return faults[f] }

// Departure is one place where a record leaves a standard.
type Departure struct {
	Offset   int    // in octets, from the start of the record
	Part     string // the tag or the URI at fault, raw
	Fault    Fault
	From7489 bool // it leaves RFC 7489
	From9989 bool // it leaves RFC 9989
}

func (d Departure) String() string {
	return fmt.Sprintf("offset %d, %q: %s", d.Offset, evidence.EscapeText(d.Part), d.Fault)
}

// maxDepartures bounds the list for one record.
const maxDepartures = 50

// Departures lists where a record leaves the grammar of RFC 7489, Section 6.4,
// and of RFC 9989, Section 4.8, in the order of the text, at most 50. The text
// is raw, and one that [Parse] accepts or refuses with ErrRepeated.
func Departures(text string) []Departure {
	d := &departures{seen: map[string]bool{"v": true}}
	if n := len(text) - len(strings.TrimLeft(text, " \t")); n > 0 {
		d.add(0, text[:n], FaultSpace, true, true)
	}
	_, rest, more := strings.Cut(text, ";")
	if !more {
		d.add(len(text), "", FaultNoSeparator, true, false)
	}
	at := len(text) - len(rest)
	for part := range strings.SplitSeq(rest, ";") {
		d.part(at, part, at+len(part) == len(text))
		at += len(part) + 1
	}
	if !d.seen["p"] && more {
		d.add(len(text), "", FaultNoPolicy, true, false)
	}
	return d.list
}

type departures struct {
	list []Departure
	seen map[string]bool
	tags int
}

func (d *departures) add(at int, part string, f Fault, from7489, from9989 bool) {
	if len(d.list) < maxDepartures {
		d.list = append(d.list, Departure{at, part, f, from7489, from9989})
	}
}

// part judges what stands between two semicolons.
func (d *departures) part(at int, part string, last bool) {
	at += len(part) - len(strings.TrimLeft(part, " \t"))
	if part = trim(part); part == "" {
		if !last {
			d.add(at, "", FaultEmpty, true, true)
		}
		return
	}
	d.tags++
	name, value, ok := strings.Cut(part, "=")
	name, value = lowerASCII(trim(name)), trim(value)
	switch {
	case !ok || !isTagName(name):
		d.add(at, part, FaultNoTag, true, true)
		return
	case d.seen[name]:
		d.add(at, part, FaultRepeated, true, true)
		return
	}
	d.seen[name] = true
	if strings.ContainsFunc(value, func(r rune) bool { return (r < ' ' || r > '~') && r != '\t' }) {
		d.add(at, part, FaultOctet, true, true)
		return
	}
	if name == "p" && d.tags > 1 {
		d.add(at, part, FaultOrder, true, false)
	}
	if name == "rua" || name == "ruf" {
		d.uris(at+len(part)-len(value), value)
		return
	}
	d.value(at, part, name, value)
}

// value judges the value of a tag.
func (d *departures) value(at int, part, name, value string) {
	words := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return equalFold(w, value) })
	}
	good, known := false, true
	switch name {
	case "p", "sp", "np":
		if !words("none", "quarantine", "reject") {
			d.add(at, part, FaultPolicy, name != "np", true)
			return
		}
		good = true
	case "adkim", "aspf":
		good = words("r", "s")
	case "psd":
		good = words("y", "n", "u")
	case "t":
		good = words("y", "n")
	case "fo":
		good = listOf(value, func(s string) bool { return s == "0" || s == "1" || equalFold(s, "d") || equalFold(s, "s") })
	case "pct":
		good = number(value, 100)
	case "ri":
		good = number(value, 1<<32-1)
	case "rf":
		good = listOf(value, func(s string) bool { return strings.Trim(s, "-") == s && (&compatParser{rest: s}).keyword() })
	default:
		known = false
	}
	newer := name == "np" || name == "psd" || name == "t"
	removed := name == "pct" || name == "rf" || name == "ri"
	switch {
	case !known:
		d.add(at, part, FaultUnknown, true, true)
	case !good:
		d.add(at, part, FaultValue, !newer, !removed)
	case newer:
		d.add(at, part, FaultNewer, true, false)
	case removed:
		d.add(at, part, FaultRemoved, false, true)
	}
}

// uris judges a list of report URIs.
func (d *departures) uris(at int, value string) {
	for uri := range strings.SplitSeq(value, ",") {
		lead := len(uri) - len(strings.TrimLeft(uri, " \t"))
		u := ReadReportURI(uri)
		if u.Fault != NoFault {
			d.add(at+lead, u.Text, u.Fault, u.Fault != FaultSize && u.Fault != FaultScheme, u.Fault != FaultScheme)
		}
		at += len(uri) + 1
	}
}

// ReportURI is one entry of rua or ruf.
type ReportURI struct {
	Text    string // as written
	Address string // the mail address, its percent-encoding undone; empty where there is none
	Host    string // of the address, in lower case
	Size    string // the limit behind "!", which RFC 9989 no longer has
	Fault   Fault  // FaultURI, FaultScheme, FaultSize, FaultBadSize or none
}

// ReadReportURI reads one entry (RFC 7489, Section 6.2; RFC 9989, Section 4.7).
func ReadReportURI(text string) ReportURI {
	u := ReportURI{Text: trim(text)}
	whole, size, sized := strings.Cut(u.Text, "!")
	u.Size = trim(size)
	scheme, rest := splitScheme(trim(whole))
	switch {
	case scheme == "":
		u.Fault = FaultURI
		return u
	case !equalFold(scheme, "mailto"):
		u.Fault = FaultScheme
		return u
	}
	rest, _, _ = strings.Cut(rest, "?")
	address, ok := unescape(rest)
	i := strings.LastIndexByte(address, '@')
	if !ok || i <= 0 || strings.ContainsAny(rest, " \t\"<>") || !isHost(address[i+1:]) {
		u.Fault = FaultURI
		return u
	}
	u.Address, u.Host = address, strings.TrimSuffix(lowerASCII(address[i+1:]), ".")
	switch {
	case sized && !isSize(u.Size):
		u.Fault = FaultBadSize
	case sized:
		u.Fault = FaultSize
	}
	return u
}

// ReportURIs lists the entries of rua or ruf.
func (r *Record) ReportURIs(tag string) []ReportURI {
	v, ok := r.Get(tag)
	if !ok {
		return nil
	}
	var list []ReportURI
	for uri := range strings.SplitSeq(v, ",") {
		list = append(list, ReadReportURI(uri))
	}
	return list
}

// unescape undoes percent-encoding (RFC 3986, Section 2.1).
func unescape(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) || hex(s[i+1]) < 0 || hex(s[i+2]) < 0 {
			return "", false
		}
		b.WriteByte(byte(hex(s[i+1])<<4 | hex(s[i+2])))
		i += 2
	}
	return b.String(), true
}

// hex is the value of a hexadecimal digit, -1 for anything else.
func hex(c byte) int { return strings.IndexByte("0123456789abcdef", lowerASCII(string(rune(c)))[0]) }

// isHost checks a domain name of letters, digits and hyphens with a dot.
func isHost(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if !strings.Contains(s, ".") || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, func(r rune) bool { return r > '~' || !isAlnum(byte(r)) && r != '-' }) {
			return false
		}
	}
	return true
}

// isSize checks a number that fits into 64 bits and perhaps a unit (RFC 7489,
// Section 6.4).
func isSize(s string) bool {
	if n := len(s); n > 0 && strings.IndexByte("kmgt", s[n-1]|0x20) >= 0 {
		s = s[:n-1]
	}
	return number(s, 1<<63)
}

func number(s string, most uint64) bool {
	if s == "" || len(s) > 19 {
		return false
	}
	n := uint64(0)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return n <= most
}

func listOf(value string, each func(string) bool) bool {
	for s := range strings.SplitSeq(value, ":") {
		if !each(trim(s)) {
			return false
		}
	}
	return true
}
