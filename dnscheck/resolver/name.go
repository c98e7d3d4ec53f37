package resolver

import (
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
	for i := range len(name) {
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
		default:
			plain = false
		}
		label++
		if plain && label > 63 {
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
