package message_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"mailvet/dnscheck/message"
	"mailvet/report/evidence"
)

// zone answers with the lines "TYPE data" of a name, or with its outcome; what
// it does not have does not exist.
type zone map[string][]string

func (z zone) Lookup(ctx context.Context, name, qtype string) (evidence.Lookup, error) {
	l := evidence.Lookup{Name: name, Type: qtype, Outcome: evidence.OutcomeNXDomain}
	if err := ctx.Err(); err != nil {
		return l, err
	}
	for _, line := range z[evidence.Name(name)] {
		typ, data, ok := strings.Cut(line, " ")
		if !ok {
			return l, l.Outcome.UnmarshalText([]byte(typ))
		}
		if l.Outcome == evidence.OutcomeNXDomain {
			l.Outcome = evidence.OutcomeNoData
		}
		if typ == qtype {
			l.Outcome = evidence.OutcomeAnswer
			if typ == "TXT" {
				data = `"` + evidence.EscapeText(data) + `"`
			}
			l.Answer = append(l.Answer, evidence.RR{Name: name, Type: typ, Data: data})
		}
	}
	return l, nil
}

// with is the zone with more, or other, names.
func (z zone) with(more zone) zone {
	all := zone{}
	for _, m := range []zone{z, more} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

// edKey is the first test key of RFC 8032, Section 7.1.
func edKey() ed25519.PrivateKey {
	seed, err := hex.DecodeString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
	if err != nil {
		panic(err)
	}
	return ed25519.NewKeyFromSeed(seed)
}

// rsaKey is a key of the mail servers for tests.
func rsaKey(t testing.TB, name string) *rsa.PrivateKey {
	t.Helper()
	b, err := os.ReadFile("../../smtpcheck/smtptest/rsa/" + name + ".pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return k.(*rsa.PrivateKey)
}

// record is the key record of a key.
func record(t testing.TB, k crypto.Signer) string {
	t.Helper()
	if pub, ok := k.Public().(ed25519.PublicKey); ok {
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub)
	}
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return "v=DKIM1; p=" + base64.StdEncoding.EncodeToString(der)
}

// sign puts a signature on top of a message.
func sign(t testing.TB, msg string, o dkim.SignOptions) string {
	t.Helper()
	if o.Signer == nil {
		o.Signer = edKey()
	}
	if o.Selector == "" {
		o.Selector = "s1"
	}
	var b bytes.Buffer
	if err := dkim.Sign(&b, strings.NewReader(msg), &o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const plain = "From: Ann <ann@a.test>\r\nTo: bob@b.test\r\nSubject: Greetings\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@a.test>\r\n\r\nHello Bob,\r\n\r\nall is well.\r\n"

// world is the DNS of most tests: a.test is in order, so is other.test.
func world(t testing.TB) zone {
	key := "TXT " + record(t, edKey())
	return zone{
		"a.test": {"TXT v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 -all"}, "_dmarc.a.test": {"TXT v=DMARC1; p=reject; sp=quarantine"},
		"s1._domainkey.a.test": {key}, "s1._domainkey.mail.a.test": {key}, "s1._domainkey.other.test": {key},
		"mail.a.test": {"TXT v=spf1 ip4:192.0.2.1 -all"},
		"other.test":  {"TXT v=spf1 ip4:192.0.2.0/24 -all"}, "_dmarc.other.test": {"TXT v=DMARC1; p=none"},
	}
}

func judge(t testing.TB, z zone, msg string, change func(*message.Judge)) *message.Result {
	t.Helper()
	j := message.Judge{Resolver: z, Time: time.Now(), IP: netip.MustParseAddr("192.0.2.1"), From: "ann@a.test", Helo: "mx.a.test"}
	if change != nil {
		change(&j)
	}
	res, err := j.Judge(t.Context(), strings.NewReader(msg))
	if err != nil {
		t.Fatal(err)
	}
	return res
}
