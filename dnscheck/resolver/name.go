package resolver

import (
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// canonicalName checks a name in the form of [evidence.Name] and returns the
// one way of writing it, with escapes only where they must be. RFC 1035,
// Section 2.3.4: labels hold 1 to 63 octets, names 255 on the wire, which is
// 253 as written. Octets outside printable ASCII must be escaped (\DDD): a
// name that still holds them has not been made an A-label.
func canonicalName(name string) (string, bool) {
	if name == "." {
		return name, true
	}
	plain, label := true, 0
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == '.':
			if label == 0 {
				return "", false
			}
			label = 0
			continue
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		case c <= ' ' || c > '~':
			return "", false
		case c == '\\':
			n := escape(name[i:])
			if n == 0 {
				return "", false
			}
			plain = false
			i += n - 1
		default:
			plain = false
		}
		if label++; label > 63 {
			return "", false
		}
	}
	if plain {
		return name, label > 0 && len(name) <= 253
	}
	var wire [256]byte
	n, err := dns.PackDomainName(name+".", wire[:], 0, nil, false)
	if err != nil || n > 255 {
		return "", false
	}
	again, _, err := dns.UnpackDomainName(wire[:n], 0)
	if err != nil {
		return "", false
	}
	return evidence.Name(again), true
}

// escape is the length of the escape that s begins with: a backslash with
// three digits up to 255, or with one other character (RFC 1035, Section 5.1).
// Zero: it is none.
func escape(s string) int {
	if len(s) < 2 || s[1] < ' ' || s[1] > '~' {
		return 0
	}
	if s[1] < '0' || s[1] > '9' {
		return 2
	}
	if len(s) < 4 {
		return 0
	}
	if _, err := strconv.ParseUint(s[1:4], 10, 8); err != nil {
		return 0
	}
	return 4
}

// absolute is the name with its final dot, as package dns wants it.
func absolute(name string) string {
	if name == "." {
		return name
	}
	return name + "."
}

// within reports whether a name is at or below a zone; both canonical.
func within(name, zone string) bool {
	if zone == "." || name == zone {
		return true
	}
	rest, ok := strings.CutSuffix(name, zone)
	return ok && endsLabel(rest)
}

// endsLabel reports whether s ends in a dot that is not escaped.
func endsLabel(s string) bool {
	s, ok := strings.CutSuffix(s, ".")
	if !ok {
		return false
	}
	escapes := len(s) - len(strings.TrimRight(s, `\`))
	return escapes%2 == 0
}

// text makes hostile octets fit for evidence: valid UTF-8, at most n octets.
func text(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
