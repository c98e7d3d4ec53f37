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

// valid makes s valid UTF-8 of at most n octets, and says how long it was if
// it was cut.
func valid(s string, n int) string {
	v := strings.ToValidUTF8(s[:min(len(s), n)], "\uFFFD")
	if len(s) <= n && len(v) <= n {
		return v
	}
	cut := min(len(v), n)
	for cut > 0 && cut < len(v) && !utf8.RuneStart(v[cut]) {
		cut--
	}
	return v[:cut] + "... (" + strconv.Itoa(len(s)) + " octets)"
}

// bounded makes all arguments valid. It is args itself where they are.
func bounded(args map[string]string, n int) map[string]string {
	same := args != nil
	for _, v := range args {
		same = same && len(v) <= n && utf8.ValidString(v)
	}
	if same {
		return args
	}
	b := make(map[string]string, len(args))
	for name, v := range args {
		b[name] = valid(v, n)
	}
	return b
}
