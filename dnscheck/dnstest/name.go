package dnstest

import (
	"strings"

	"github.com/miekg/dns"
)

// canonical gives a name in lower case, absolute, with escapes only where they
// are needed, so that equal names are equal strings.
func canonical(name string) string {
	if strings.Contains(name, `\`) {
		var buf [256]byte
		if n, err := dns.PackDomainName(dns.Fqdn(name), buf[:], 0, nil, false); err == nil {
			if plain, _, err := dns.UnpackDomainName(buf[:n], 0); err == nil {
				name = plain
			}
		}
	}
	return dns.CanonicalName(name)
}

// join puts label in front of the name origin.
func join(label, origin string) string {
	if origin == "." {
		return label + "."
	}
	return label + "." + origin
}

// parent cuts the first label off; the root's parent is the root.
func parent(name string) string {
	i, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[i:]
}

// wireLen is the length of a name in a message, without compression.
func wireLen(name string) int {
	n := 1
	for _, label := range dns.SplitDomainName(name) {
		n++
		for i := 0; i < len(label); i++ {
			if label[i] == '\\' { // an escape: \. or \046
				if i++; i < len(label) && '0' <= label[i] && label[i] <= '9' {
					i += 2
				}
			}
			n++
		}
	}
	return n
}

// orderKey maps names to strings whose octet order is the canonical order of
// RFC 4034, Section 6.1: label by label from the right, a missing octet before
// a zero octet.
func orderKey(name string) string {
	var wire [256]byte
	n, err := dns.PackDomainName(name, wire[:], 0, nil, false)
	if err != nil {
		return name
	}
	var labels [][]byte
	for i := 0; i < n && wire[i] != 0; i += int(wire[i]) + 1 {
		labels = append(labels, wire[i+1:i+1+int(wire[i])])
	}
	var b strings.Builder
	for i := len(labels) - 1; i >= 0; i-- {
		for _, c := range labels[i] {
			switch {
			case c <= 1: // 0 ends a label, so that 0 and 1 need an escape
				b.WriteByte(1)
				b.WriteByte(c + 1)
			case 'A' <= c && c <= 'Z':
				b.WriteByte(c + 'a' - 'A')
			default:
				b.WriteByte(c)
			}
		}
		b.WriteByte(0)
	}
	return b.String()
}
