// Package caa reads CAA records (RFC 8659): which certification authorities a
// domain lets issue certificates for it.
//
// A record is a property: flags, of which one bit means something ("critical":
// an authority that does not know the property must not issue), a tag, which
// names the property, and a value whose form the tag decides. "issue" names an
// authority that may issue, "issuewild" one for wildcards, "issuemail" (RFC
// 9495) one for S/MIME and "issuevmc" one for mark certificates; "iodef" says
// where to report violations, "contactemail" and "contactphone" whom to ask.
//
// The records of a name hold for all names below it that have none: whoever
// wants to know climbs the tree ([Climb]) to the first name with records.
//
// [Problems] judges as Internet.nl's mail test does, which is stricter than the
// RFC in places; each of them is named.
package caa

import (
	"errors"
	"strconv"
	"strings"

	"mailvet/report/evidence"
)

// MaxRecords is how many records of an answer are judged.
const MaxRecords = 100

// Critical is the flag that stands for "do not issue unless this is understood".
const Critical = 128

// Property is one CAA record. Tag and Value are raw octets.
type Property struct {
	Flags uint8
	Tag   string
	Value string
}

var errData = errors.New("caa: not the data of a CAA record")

// Parse reads the data of a record in presentation format (RFC 8659, Section
// 4.1.1): flags, tag, and the value in quotes.
func Parse(data string) (Property, error) {
	flags, rest, ok := strings.Cut(data, " ")
	n, err := strconv.ParseUint(flags, 10, 8)
	if !ok || err != nil {
		return Property{}, errData
	}
	tag, value, ok := strings.Cut(rest, " ")
	if !ok || tag == "" || !strings.HasPrefix(value, `"`) {
		return Property{}, errData
	}
	text := func(s string) string { return evidence.RR{Data: s}.Text() }
	if tag = text(tag); tag == "" {
		return Property{}, errData
	}
	return Property{uint8(n), tag, text(value)}, nil
}

// String is the presentation format.
func (p Property) String() string {
	tag := strings.ReplaceAll(evidence.EscapeText(p.Tag), " ", `\032`)
	return strconv.Itoa(int(p.Flags)) + " " + tag + ` "` + evidence.EscapeText(p.Value) + `"`
}

// Climb lists the names whose records may hold for a host, nearest first: the
// host and all above it, the top-level domain included and the root not (RFC
// 8659, Section 3).
func Climb(host string) []string {
	var list []string
	for name := evidence.Name(host); name != "." && name != ""; {
		list = append(list, name)
		_, above, ok := strings.Cut(name, ".")
		if !ok {
			break
		}
		name = above
	}
	return list
}

// LimitsIssuance reports whether there is an "issue" property, without which
// every authority may issue (RFC 8659, Section 4.2). Tags know no case
// (Section 4.1).
func LimitsIssuance(list []Property) bool { return has(list, strings.EqualFold) }

// LimitsIssuanceExactly is the same for a reader to whom "Issue" is not "issue".
func LimitsIssuanceExactly(list []Property) bool {
	return has(list, func(a, b string) bool { return a == b })
}

func has(list []Property, same func(string, string) bool) bool {
	for _, p := range list {
		if same(p.Tag, "issue") {
			return true
		}
	}
	return false
}
