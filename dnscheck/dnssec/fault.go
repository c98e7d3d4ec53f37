package dnssec

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// fault says why something is not secure.
type fault struct {
	security evidence.Security
	ede      uint16
	reason   string
	stripped bool
}

func bogus(ede uint16, format string, args ...any) *fault {
	return &fault{security: evidence.SecurityBogus, ede: ede, reason: fmt.Sprintf(format, args...)}
}

func insecure(ede uint16, format string, args ...any) *fault {
	return &fault{security: evidence.SecurityInsecure, ede: ede, reason: fmt.Sprintf(format, args...)}
}

func indeterminate(ede uint16, format string, args ...any) *fault {
	return &fault{security: evidence.SecurityIndeterminate, ede: ede, reason: fmt.Sprintf(format, args...)}
}

// excuses reports whether the fault is an insecurity that no proof shows: the
// zone cannot be judged, because it asks for what is not done here.
func (f *fault) excuses() bool {
	return f != nil && f.security == evidence.SecurityInsecure &&
		(f.ede == dns.ExtendedErrorCodeUnsupportedNSEC3IterValue || f.ede == dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm)
}

// rcode names a response code.
func rcode(code int) string {
	if s, ok := dns.RcodeToString[code]; ok {
		return s
	}
	return "with an unknown response code"
}

// clean makes text from elsewhere fit for a reason.
func clean(s string) string {
	const most = 200
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	for len(s) > most {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
