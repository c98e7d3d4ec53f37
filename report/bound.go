package report

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// The most octets of an argument that a report keeps, and that its texts show.
// A record fits; what a hostile name server can send does not.
const (
	maxArg       = 4096
	maxArgInText = 512
)

// valid makes s valid UTF-8 of at most n octets, and says what was cut.
func valid(s string, n int) string {
	if len(s) > n {
		cut := n
		for cut > n-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "... (" + strconv.Itoa(len(s)) + " octets)"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
