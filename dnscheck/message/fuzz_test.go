package message_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-msgauth/authres"
	"github.com/emersion/go-msgauth/dkim"

	"mailvet/dnscheck/message"
)

// FuzzJudge: whatever is read, there is a result that is bounded and clean, or
// an error of those that are told; and what is not what was signed passes no
// more, unless it is the same in the end.
func FuzzJudge(f *testing.F) {
	good := sign(f, plain, dkim.SignOptions{Domain: "a.test"})
	for _, s := range []string{
		good, plain, "", "From: a@a.test", "Received: from a ([192.0.2.1]) by b\n" + plain, "DKIM-Signature:\n\tv=1;;;\n" + good,
		strings.ReplaceAll(good, "\r\n", "\n"), "Received: from [IPv6:::1] (helo=) (((by\n\nx", "ARC-Seal: i=1\nFrom: G: a@a.test;\n\n\r\r\n", "From x\n" + good,
	} {
		f.Add(s)
	}
	z := world(f)
	f.Fuzz(func(t *testing.T, msg string) {
		j := message.Judge{Resolver: z, Time: time.Now(), MaxSize: 1 << 20}
		res, err := j.Judge(t.Context(), strings.NewReader(msg))
		if err != nil {
			if !errors.Is(err, message.ErrTooLarge) && !errors.Is(err, message.ErrHeader) && !errors.Is(err, message.ErrBlank) {
				t.Fatal(err)
			}
			return
		}
		if res.Size != int64(len(msg)) {
			t.Errorf("%d octets of %d", res.Size, len(msg))
		}
		lines := res.AuthenticationResults("b.test")
		if len(lines) > 20 {
			t.Errorf("%d lines", len(lines))
		}
		for _, l := range lines {
			if len(l) > 2000 || strings.ContainsFunc(l, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%q", l)
			}
		}
		if _, list, err := authres.Parse(strings.Join(lines, " ")); err != nil || len(list) != len(lines)-1 {
			t.Errorf("%d results of %d lines: %v", len(list), len(lines), err)
		}
		for _, s := range res.Signatures {
			if !utf8.ValidString(s.Domain + s.Detail + s.Identifier) {
				t.Errorf("%+v", s)
			}
			if s.Result == message.ResultPass && !strings.Contains(msg, "all is well.") {
				t.Errorf("passes: %q", msg)
			}
		}
	})
}
