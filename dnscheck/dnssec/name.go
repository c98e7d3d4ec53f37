package dnssec

import (
	"strings"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// name is a domain name in canonical wire format (RFC 4034, Section 6.2): its
// labels in lower case, each after its length, with the empty label at the
// end. It is comparable, and free of the escapes of the text form. The zero
// value is no name.
type name string

const root name = "\x00"

// parseName reads the text form. It fails for what is no domain name.
func parseName(s string) (name, bool) {
	var buf [255]byte
	n, err := dns.PackDomainName(dns.Fqdn(s), buf[:], 0, nil, false)
	if err != nil || n == 0 {
		return "", false
	}
	lowerWire(buf[:n])
	return name(buf[:n]), true
}

// lowerWire puts a name in wire format in lower case. Lengths are at most 63
// and stay as they are, for letters begin at 65.
func lowerWire(b []byte) {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
}

// fqdn is the text form with the final dot, as questions are asked for.
func (n name) fqdn() string {
	s, _, err := dns.UnpackDomainName([]byte(n), 0)
	if err != nil {
		return "."
	}
	return s
}

// String is the text form that evidence uses.
func (n name) String() string { return evidence.Name(n.fqdn()) }

// parent is n without its first label. The root's parent is the root.
func (n name) parent() name {
	if n == root || n == "" {
		return root
	}
	return n[int(n[0])+1:]
}

// labels counts the labels, the root's left out.
func (n name) labels() int {
	count := 0
	for ; n != root && n != ""; n = n.parent() {
		count++
	}
	return count
}

// within reports whether n is zone or below it; nothing is within no name.
func (n name) within(zone name) bool {
	if zone == "" || !strings.HasSuffix(string(n), string(zone)) {
		return false
	}
	// A suffix of octets is one of labels only where a label begins.
	for len(n) > len(zone) {
		n = n.parent()
	}
	return n == zone
}

// below reports whether n is below zone.
func (n name) below(zone name) bool { return n != zone && n.within(zone) }

// last is the ancestor of n, or n, that has so many labels.
func (n name) last(labels int) name {
	for drop := n.labels() - labels; drop > 0; drop-- {
		n = n.parent()
	}
	return n
}

// wildcard is the wildcard name right below n (RFC 4592).
func (n name) wildcard() name { return "\x01*" + n }

func (n name) isWildcard() bool { return strings.HasPrefix(string(n), "\x01*") }

// common is the longest name that both a and b are within.
func common(a, b name) name {
	la, lb := a.labels(), b.labels()
	a, b = a.last(lb), b.last(la)
	for a != b {
		a, b = a.parent(), b.parent()
	}
	return a
}

// compare is the canonical order of names (RFC 4034, Section 6.1): label by
// label from the right, each as octets.
func compare(a, b name) int {
	var startsA, startsB [maxLabels]uint16
	la, lb := a.starts(&startsA), b.starts(&startsB)
	for i := 1; i <= la && i <= lb; i++ {
		if c := strings.Compare(a.label(startsA[la-i]), b.label(startsB[lb-i])); c != 0 {
			return c
		}
	}
	return la - lb
}

// maxLabels is how many labels fit into the 255 octets of a name, and one for
// a wildcard below it.
const maxLabels = 128

// starts notes where the labels of n begin, the root's left out, and returns
// how many there are.
func (n name) starts(list *[maxLabels]uint16) int {
	count := 0
	for at := 0; at < len(n) && n[at] != 0; at += int(n[at]) + 1 {
		list[count] = uint16(at)
		count++
	}
	return count
}

// label is the label that begins at an octet, without its length.
func (n name) label(at uint16) string { return string(n[int(at)+1 : int(at)+1+int(n[at])]) }
