package mtasts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"mailvet/report/evidence"
)

// Mode says what a sender does where a mail server does not live up to the
// policy (RFC 8461, Section 5).
type Mode uint8

const (
	ModeUnknown Mode = iota
	ModeNone         // nothing: the policy is being given up
	ModeTesting      // it delivers, and reports
	ModeEnforce      // it does not deliver
)

var modes = [...]string{"unknown", "none", "testing", "enforce"}

func (m Mode) String() string { return modes[m] }

// Policy is a policy file.
type Policy struct {
	Mode       Mode
	MX         []string // patterns, lower case
	MaxAge     int      // seconds
	Extensions []Extension
}

// Fault is one thing that is wrong with a policy file.
type Fault struct {
	Line   int // 0 for the whole
	Reason string
	// Harmless is what the grammar does not allow and any reader gets over.
	Harmless bool
}

func (f Fault) String() string {
	if f.Line == 0 {
		return f.Reason
	}
	return fmt.Sprintf("line %d: %s", f.Line, f.Reason)
}

// maxFaults bounds the list: whoever serves a web page has one in each line.
const maxFaults = 8

// ParsePolicy reads a policy file (Section 3.2). It is good for a sender if
// none of the faults is more than harmless.
func ParsePolicy(body []byte) (Policy, []Fault) {
	p := &policyReader{seen: map[string]bool{}, policy: Policy{MaxAge: -1}}
	n := 0
	for line := range strings.Lines(string(body)) {
		n++
		p.line = n
		p.read(strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"))
		if p.severe >= maxFaults {
			break
		}
	}
	p.line = 0
	p.complete()
	return p.policy, p.faults
}

type policyReader struct {
	policy Policy
	seen   map[string]bool
	line   int
	faults []Fault
	severe int // faults that are not harmless
}

func (p *policyReader) fault(harmless bool, format string, args ...any) {
	if !harmless {
		p.severe++
	}
	if n := len(p.faults); harmless && n >= maxFaults || p.severe > maxFaults {
		return
	}
	p.faults = append(p.faults, Fault{p.line, fmt.Sprintf(format, args...), harmless})
}

func (p *policyReader) read(line string) {
	line = strings.TrimRight(line, " \t")
	if line == "" {
		p.fault(true, "a line without anything")
		return
	}
	name, value, ok := strings.Cut(line, ":")
	value = strings.TrimLeft(value, " \t")
	switch {
	case !ok:
		p.fault(false, "there is no colon in it")
	case !IsExtensionName(name):
		p.fault(false, "a field with a name that is not allowed")
	case value == "":
		p.fault(false, "the field %s has no value", name)
	case name == "mx":
		p.mx(value)
	case p.seen[name]:
		// Section 3.2: of fields that are not to be repeated the first counts.
		p.fault(true, "the field %s stands there again", name)
	default:
		p.seen[name] = true
		p.field(name, value)
	}
}

func (p *policyReader) field(name, value string) {
	switch name {
	case "version":
		if value != "STSv1" {
			p.fault(false, "the version is not STSv1")
		}
	case "mode":
		i := slices.Index(modes[:], value)
		if i < int(ModeNone) {
			p.fault(false, "the mode is none of none, testing and enforce")
			return
		}
		p.policy.Mode = Mode(i)
	case "max_age":
		n, err := strconv.Atoi(value)
		switch {
		case err != nil || len(value) > 10 || strings.Trim(value, "0123456789") != "":
			p.fault(false, "max_age is not a number of at most ten digits")
			return
		case n > MaxAge:
			p.fault(false, "max_age is above %d, the most that is allowed", MaxAge)
		}
		p.policy.MaxAge = n
	default:
		if !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			p.fault(false, "the field %s has characters that are not allowed", name)
			return
		}
		p.policy.Extensions = append(p.policy.Extensions, Extension{name, value})
	}
}

func (p *policyReader) mx(pattern string) {
	name := strings.TrimPrefix(pattern, "*.")
	switch {
	case strings.HasSuffix(name, "."):
		p.fault(false, "an mx pattern ends with a dot")
	case strings.ContainsFunc(name, func(r rune) bool { return r >= 0x80 }):
		p.fault(false, "an mx pattern is not ASCII; internationalised names are written as A-labels (xn--...)")
	case !isDomain(name):
		p.fault(false, "an mx pattern is neither a host name nor *. and a domain")
	default:
		p.policy.MX = append(p.policy.MX, evidence.Name(pattern))
	}
}

// isDomain accepts a domain of RFC 5321, Section 4.1.2.
func isDomain(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.Trim(label, alphanumeric+"-") != "" {
			return false
		}
	}
	return true
}

// complete looks for what is missing.
func (p *policyReader) complete() {
	for _, name := range []string{"version", "mode", "max_age"} {
		if !p.seen[name] {
			p.fault(false, "the field %s is missing", name)
		}
	}
	if len(p.policy.MX) == 0 && p.policy.Mode > ModeNone {
		p.fault(false, "there is no field mx, so no server is allowed")
	}
}

// Usable reports whether a sender can use the policy in spite of the faults.
func Usable(faults []Fault) bool {
	return !slices.ContainsFunc(faults, func(f Fault) bool { return !f.Harmless })
}

// Allows reports whether an MX host's name matches one of the patterns.
func (p Policy) Allows(host string) bool {
	return slices.ContainsFunc(p.MX, func(pattern string) bool { return Matches(pattern, host) })
}

// String is a policy file, with line ends of CRLF as the RFC's example has.
func (p Policy) String() string {
	var b strings.Builder
	b.WriteString("version: STSv1\r\nmode: " + p.Mode.String() + "\r\n")
	for _, mx := range p.MX {
		b.WriteString("mx: " + mx + "\r\n")
	}
	b.WriteString("max_age: " + strconv.Itoa(p.MaxAge) + "\r\n")
	for _, e := range p.Extensions {
		b.WriteString(e.Name + ": " + e.Value + "\r\n")
	}
	return b.String()
}
