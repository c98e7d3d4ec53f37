package message_test

import (
	"crypto"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"mailvet/dnscheck/message"
	"mailvet/scanner/lab"
	"mailvet/testdata"
)

var update = flag.Bool("update", false, "make the messages of testdata/messages anew")

const messages = "../../testdata/messages"

// file is one message of testdata/messages: who sends it, with what, and what
// is to be found of it.
type file struct {
	name  string
	hop   string // HELO, address and MAIL FROM
	build func(t *testing.T) string
	// want is "SPF of MAIL FROM; DKIM, a result each; DMARC by RFC 7489".
	want string
}

const letter = "From: Ann <ann@sender.test>\r\nTo: Bob <bob@receiver.test>\r\nSubject: Greetings\r\n" +
	"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@sender.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n" +
	"Hello Bob,\r\n\r\nall is well  here.\r\n-- \r\nAnn\r\n\r\n"

// by signs with a selector of the lab's.
func by(t *testing.T, msg, domain, selector string, c dkim.Canonicalization) string {
	t.Helper()
	signer := crypto.Signer(rsaKey(t, "1024a"))
	switch selector {
	case "ed":
		signer = edKey()
	case "rsa", "revoked":
		signer = rsaKey(t, "2048a")
	}
	return sign(t, msg, dkim.SignOptions{Domain: domain, Selector: selector, Signer: signer, HeaderCanonicalization: c, BodyCanonicalization: c,
		HeaderKeys: []string{"From", "From", "To", "Subject", "Date", "Message-ID"}})
}

const simple, relaxed = dkim.CanonicalizationSimple, dkim.CanonicalizationRelaxed

var files = []file{
	{"good", "mx.sender.test 198.51.100.40 ann@sender.test", func(t *testing.T) string {
		return by(t, by(t, letter, "sender.test", "rsa", relaxed), "sender.test", "ed", relaxed)
	}, "pass; pass pass; pass"},
	{"simple", "mx.sender.test 2001:db8:40::7 ann@sender.test", func(t *testing.T) string {
		return by(t, letter, "sender.test", "small", simple)
	}, "pass; pass; pass"},
	{"bounce", "mx.sender.test 198.51.100.40 <>", func(t *testing.T) string {
		return strings.Replace(letter, "Ann <ann@", "Postmaster <postmaster@", 1)
	}, "pass; ; pass"},
	{"forwarded", "mx.elsewhere.test 192.0.2.77 ann@sender.test", func(t *testing.T) string {
		return by(t, letter, "sender.test", "rsa", relaxed)
	}, "fail; pass; pass"},
	{"list", "lists.list.test 203.0.113.50 list-bounces@list.test", func(t *testing.T) string {
		msg := by(t, letter, "sender.test", "rsa", relaxed)
		msg = strings.Replace(msg, "Subject: ", "Subject: [list] ", 1) + "_____\r\nlist@list.test\r\n"
		return by(t, msg, "list.test", "l1", relaxed)
	}, "pass; pass fail; fail"},
	{"subject", "lists.list.test 203.0.113.50 list-bounces@list.test", func(t *testing.T) string {
		return strings.Replace(by(t, letter, "sender.test", "rsa", relaxed), "Subject: ", "Subject: [list] ", 1)
	}, "pass; fail; fail"},
	{"bulk", "out.bulk.test 203.0.113.40 b-1@bulk.test", func(t *testing.T) string {
		return by(t, letter, "bulk.test", "b1", relaxed)
	}, "pass; pass; fail"},
	{"newsletter", "mx.sender.test 198.51.100.41 n@news.sender.test", func(t *testing.T) string {
		return strings.Replace(letter, "ann@sender", "news@news.sender", 1)
	}, "pass; ; pass"},
	{"forged", "evil.test 192.0.2.66 ann@sender.test", func(t *testing.T) string { return letter }, "fail; ; fail"},
	{"revoked", "evil.test 192.0.2.66 ann@sender.test", func(t *testing.T) string {
		return by(t, letter, "sender.test", "revoked", relaxed)
	}, "fail; permerror; fail"},
	{"nokey", "evil.test 192.0.2.66 ann@sender.test", func(t *testing.T) string {
		return by(t, letter, "sender.test", "nothere", relaxed)
	}, "fail; permerror; fail"},
	{"extra-from", "mx.sender.test 198.51.100.40 ann@sender.test", func(t *testing.T) string {
		return "From: Eve <eve@list.test>\r\n" + by(t, letter, "sender.test", "rsa", relaxed)
	}, "pass; fail; permerror"},
	{"nobody", "mx.nobody.test 192.0.2.77 x@nobody.test", func(t *testing.T) string {
		return strings.Replace(letter, "ann@sender", "x@nobody", 1)
	}, "none; ; none"},
}

func (f file) path() string { return filepath.Join(messages, f.name+".eml") }

// text is the message as it is received.
func (f file) text(t *testing.T) string {
	h := strings.Fields(f.hop)
	ip := h[1]
	if strings.Contains(ip, ":") {
		ip = "IPv6:" + ip
	}
	return fmt.Sprintf("Return-Path: <%s>\r\nReceived: from %s (unknown [%s])\r\n\tby mail.receiver.test (Postfix) with ESMTPS id 4X1\r\n"+
		"\tfor <bob@receiver.test>; Sun, 22 Nov 2026 10:00:01 +0000 (UTC)\r\n", strings.Trim(h[2], "<>"), h[0], ip) + f.build(t)
}

// TestFiles judges the messages in testdata with the keys of the built-in
// Internet. One has line ends as they travel, the others as they are stored.
func TestFiles(t *testing.T) {
	l, err := lab.Load(testdata.Scenarios, "scenarios", lab.Options{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	r := l.Resolver()
	defer r.Close()
	for _, f := range files {
		t.Run(f.name, func(t *testing.T) {
			if *update {
				text := f.text(t)
				if f.name != "simple" {
					text = strings.ReplaceAll(text, "\r\n", "\n")
				}
				if err := os.WriteFile(f.path(), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			in, err := os.Open(f.path())
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			j := message.Judge{Resolver: r, Time: time.Now()}
			res, err := j.Judge(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if got := summary(res); got != f.want {
				t.Errorf("%q, want %q", got, f.want)
			}
		})
	}
}

func summary(res *message.Result) string {
	spf := res.SPF[0].Verdict.Result.String()
	var signatures []string
	for _, s := range res.Signatures {
		signatures = append(signatures, s.Result.String())
	}
	return spf + "; " + strings.Join(signatures, " ") + "; " + of(res, message.RFC7489)[0].Result.String()
}
