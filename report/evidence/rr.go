package evidence

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// MX is the data of an MX record.
type MX struct {
	Preference uint16
	Host       string // "." in a null MX
}

// TLSA is the data of a TLSA record (RFC 6698, Section 2.1).
type TLSA struct {
	Usage, Selector, Matching uint8
	Data                      []byte
}

// String is the presentation format with the data in lower case.
func (t TLSA) String() string {
	return strconv.Itoa(int(t.Usage)) + " " + strconv.Itoa(int(t.Selector)) + " " + strconv.Itoa(int(t.Matching)) + " " + hex.EncodeToString(t.Data)
}

var errData = errors.New("evidence: record data of another type or form")

// MX reads the data of an MX record.
func (r RR) MX() (MX, error) {
	pref, host, ok := strings.Cut(r.Data, " ")
	n, err := strconv.ParseUint(pref, 10, 16)
	if r.Type != "MX" || !ok || err != nil {
		return MX{}, errData
	}
	return MX{uint16(n), Name(host)}, nil
}

// Target reads the data of a record that is one name: NS, CNAME, DNAME, PTR.
func (r RR) Target() string { return Name(r.Data) }

// Addr reads the data of an A or AAAA record.
func (r RR) Addr() (netip.Addr, error) {
	a, err := netip.ParseAddr(r.Data)
	if err != nil || a.Zone() != "" || r.Type == "A" && !a.Is4() || r.Type == "AAAA" && a.Is4() || r.Type != "A" && r.Type != "AAAA" {
		return netip.Addr{}, errData
	}
	return a, nil
}

// TLSA reads the data of a TLSA record. Broken lengths are kept as they are;
// data that is no hexadecimal text is an error.
func (r RR) TLSA() (TLSA, error) {
	f := strings.Fields(r.Data)
	if r.Type != "TLSA" || len(f) < 3 {
		return TLSA{}, errData
	}
	var n [3]uint8
	for i := range n {
		v, err := strconv.ParseUint(f[i], 10, 8)
		if err != nil {
			return TLSA{}, errData
		}
		n[i] = uint8(v)
	}
	data, err := hex.DecodeString(strings.Join(f[3:], ""))
	if err != nil {
		return TLSA{}, errData
	}
	return TLSA{n[0], n[1], n[2], data}, nil
}

// Text reads the data of a TXT record: its strings joined without a
// separator (RFC 7208, Section 3.3), as raw octets.
func (r RR) Text() string {
	data := r.Data
	if last := len(data) - 1; last > 0 && data[0] == '"' && data[last] == '"' && !strings.ContainsAny(data[1:last], `"\\`) {
		return data[1:last] // one string, without escapes: that is most
	}
	var b strings.Builder
	b.Grow(len(data))
	quoted := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && i+3 < len(data) && isDigits(data[i+1:i+4]):
			n, _ := strconv.Atoi(data[i+1 : i+4])
			b.WriteByte(byte(n))
			i += 3
		case c == '\\' && i+1 < len(data):
			i++
			b.WriteByte(data[i])
		case c == ' ' && !quoted:
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Name puts a domain name in the form used throughout: lower case, no final
// dot. It does not check it. An empty name is the root.
func Name(s string) string {
	s = strings.TrimSuffix(lower(s), ".")
	if s == "" {
		return "."
	}
	return s
}

// lower maps ASCII letters only: names are octets (RFC 4343).
func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if 'A' <= b[j] && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
