package caa

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"mailvet/report/evidence"
)

// Kind is what is wrong with a property, by Internet.nl's names.
type Kind uint8

const (
	KindNone           Kind = iota
	ReservedFlags           // a flag other than "critical" is set
	UnknownProperty         // a tag that is not registered
	ReservedProperty        // a tag that was given up
	NotUTF8                 // the value is not UTF-8
	Syntax                  // the value is not of the form that the tag asks for
	UnknownValidation       // a method in validationmethods that does not exist
	BadReportAddress        // iodef
	BadContactAddress       // contactemail
	PlainReportAddress      // iodef by http: allowed by RFC 8659, Section 4.4, refused by Internet.nl
)

var kindWords = [...]string{"", "flags other than 0 and 128", "a property that does not exist", "a property that is reserved and means nothing",
	"a value that is not UTF-8", "a value of the wrong form", "a validation method that does not exist", "an address for reports that cannot be used",
	"a contact address that cannot be used", "an address for reports without encryption (http:), which the standard allows and Internet.nl does not"}

// Words says what is wrong.
func (k Kind) Words() string { return kindWords[k] }

// Problem is one fault of one property.
type Problem struct {
	Kind     Kind
	Property Property
	// At is the octet of the value that is wrong; -1 where the whole is.
	At int
}

// String names the record and the fault, in printable ASCII.
func (p Problem) String() string {
	s := p.Property.String()
	if len(s) > 120 {
		s = s[:120] + "..."
	}
	s += " (" + p.Kind.Words()
	if p.At >= 0 {
		s += ", at octet " + strconv.Itoa(p.At+1)
	}
	return s + ")"
}

// properties are the tags that exist, and what judges their value: the RFCs
// 8659 and 9495, and the CA/Browser Forum's documents for the others.
var properties = map[string]func(Property) []Problem{
	"issue": issuance(true), "issuewild": issuance(true), "issuevmc": issuance(true), "issuemail": issuance(false),
	"iodef": iodef, "contactemail": contactEmail, "contactphone": contactPhone,
}

// reserved are tags of RFC 6844's forerunners.
var reserved = []string{"auth", "path", "policy"}

// Problems judges properties as Internet.nl does; the missing "issue" is told
// by [LimitsIssuanceExactly].
func Problems(list []Property) []Problem {
	var out []Problem
	for _, p := range list {
		if p.Flags != 0 && p.Flags != Critical {
			out = append(out, Problem{ReservedFlags, p, -1})
		}
		tag := strings.ToLower(p.Tag)
		judge, known := properties[tag]
		switch {
		case slices.Contains(reserved, tag):
			out = append(out, Problem{ReservedProperty, p, -1})
		case !known:
			out = append(out, Problem{UnknownProperty, p, -1})
		case !utf8.ValidString(p.Value):
			out = append(out, Problem{NotUTF8, p, -1})
		default:
			out = append(out, judge(p)...)
		}
	}
	return out
}

func issuance(methods bool) func(Property) []Problem {
	return func(p Property) []Problem {
		v, at := ParseIssue(p.Value)
		if at >= 0 {
			return []Problem{{Syntax, p, at}}
		}
		var out []Problem
		for _, x := range v.Parameters {
			if !methods || x.Tag != "validationmethods" || x.Value == "" {
				continue
			}
			for m := range strings.SplitSeq(x.Value, ",") {
				switch {
				case m == "" || strings.Trim(m, alphanumeric+"-") != "":
					return append(out, Problem{Syntax, p, -1})
				case !strings.HasPrefix(m, "ca-") && !slices.Contains(validationMethods, m):
					out = append(out, Problem{UnknownValidation, p, -1})
				}
			}
		}
		return out
	}
}

// validationMethods are those of IANA's registry of ACME (RFC 8657, Section 4).
var validationMethods = []string{"http-01", "dns-01", "tls-alpn-01", "email-reply-00", "tkauth-01", "onion-csr-01", "bp-nodeid-00"}

func iodef(p Property) []Problem {
	u, err := url.Parse(p.Value)
	switch {
	case err != nil:
	case u.Scheme == "https" && u.Host != "":
		return nil
	case u.Scheme == "http" && u.Host != "":
		return []Problem{{PlainReportAddress, p, -1}}
	case u.Scheme == "mailto" && isAddress(u.Opaque):
		return nil
	}
	return []Problem{{BadReportAddress, p, -1}}
}

func contactEmail(p Property) []Problem {
	if isAddress(p.Value) {
		return nil
	}
	return []Problem{{BadContactAddress, p, -1}}
}

// isAddress accepts one "@" with something on both sides, of at most 254 octets
// (RFC 5321, Section 4.5.3.1.3, less the angle brackets).
func isAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && len(s) <= 254 && !strings.Contains(domain, "@") && !strings.ContainsAny(s, " \t\r\n<>")
}

// contactPhone accepts a global number of RFC 3966, Section 3.
func contactPhone(p Property) []Problem {
	number, parameters, more := strings.Cut(p.Value, ";")
	digits, ok := strings.CutPrefix(number, "+")
	ok = ok && strings.Trim(digits, "0123456789-.()") == "" && strings.ContainsAny(digits, "0123456789")
	for more && ok {
		var x string
		x, parameters, more = strings.Cut(parameters, ";")
		name, value, valued := strings.Cut(x, "=")
		ok = name != "" && strings.Trim(name, alphanumeric+"-") == "" && (!valued || value != "" && value == evidence.EscapeText(value) && !strings.Contains(value, " "))
	}
	if ok {
		return nil
	}
	return []Problem{{Syntax, p, -1}}
}
