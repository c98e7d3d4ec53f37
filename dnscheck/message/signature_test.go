package message_test

import (
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"crypto/x509"

	"github.com/emersion/go-msgauth/dkim"

	"mailvet/dnscheck/message"
)

func TestSignatures(t *testing.T) {
	good := sign(t, plain, dkim.SignOptions{Domain: "a.test"})
	relaxed := dkim.SignOptions{Domain: "a.test", HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed}
	edit := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in %s", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	key := func(text string) zone { return zone{"s1._domainkey.a.test": {"TXT " + text}} }
	ed := record(t, edKey())
	r2048, r1024 := rsaKey(t, "2048a"), rsaKey(t, "1024a")
	long := new(rsa.PublicKey)
	long.E, long.N = 65537, new(big.Int).Lsh(big.NewInt(1), 9000)
	long.N.SetBit(long.N, 0, 1)
	tests := []struct {
		name   string
		msg    string
		zone   zone
		result string
		reason message.Reason
	}{
		{"good", good, nil, "pass", message.ReasonVerified},
		{"relaxed", sign(t, plain, relaxed), nil, "pass", message.ReasonVerified},
		{"relaxed, white space changed", strings.Replace(sign(t, plain, relaxed), "Subject: Greetings", "SUBJECT:   Greetings", 1), nil, "pass", message.ReasonVerified},
		{"simple, white space changed", edit("Subject: Greetings", "Subject:  Greetings"), nil, "fail", message.ReasonSignature},
		{"with LF alone", strings.ReplaceAll(good, "\r\n", "\n"), nil, "pass", message.ReasonVerified},
		{"below a line of mbox", "From ann@a.test Sun Nov 22 10:00:00 2026\n" + good, nil, "pass", message.ReasonVerified},
		{"rsa", sign(t, plain, dkim.SignOptions{Domain: "a.test", Signer: r2048}), key(record(t, r2048)), "pass", message.ReasonVerified},
		{"rsa of 1024 bits", sign(t, plain, dkim.SignOptions{Domain: "a.test", Signer: r1024}), key(record(t, r1024)), "pass", message.ReasonVerified},
		{"body changed", edit("all is well", "all is bad"), nil, "fail", message.ReasonBodyHash},
		{"subject changed", edit("Greetings", "Money"), nil, "fail", message.ReasonSignature},
		{"empty lines at the end", good + strings.Repeat("\r\n", 200_000), nil, "pass", message.ReasonVerified},
		{"the last line without an end", strings.TrimSuffix(good, "\r\n"), nil, "pass", message.ReasonVerified},
		{"another key", good, key("v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(make([]byte, 32))), "fail", message.ReasonSignature},
		{"no tag list", edit("v=1;", "nonsense; v=1;"), nil, "permerror", message.ReasonSyntax},
		{"a tag twice", edit("v=1;", "v=1; v=1;"), nil, "permerror", message.ReasonSyntax},
		{"version 2", edit("v=1;", "v=2;"), nil, "permerror", message.ReasonVersion},
		{"without bh", edit("bh=", "xx="), nil, "permerror", message.ReasonMissingTag},
		{"bad bh", edit("bh=", "bh=*"), nil, "permerror", message.ReasonSyntax},
		{"a bad domain", edit("d=a.test", "d=a..test"), nil, "permerror", message.ReasonName},
		{"a bad selector", edit("s=s1", "s=s 1!"), nil, "permerror", message.ReasonName},
		{"a foreign identity", edit("d=a.test;", "d=a.test; i=x@b.test;"), nil, "permerror", message.ReasonIdentifier},
		{"an identity that ends alike", edit("d=a.test;", "d=a.test; i=x@nota.test;"), nil, "permerror", message.ReasonIdentifier},
		{"an identity below", sign(t, plain, dkim.SignOptions{Domain: "a.test", Identifier: "x@sub.a.test"}), nil, "pass", message.ReasonVerified},
		{"From is not signed", edit("h=From:", "h=Fram:"), nil, "permerror", message.ReasonFrom},
		{"expired", sign(t, plain, dkim.SignOptions{Domain: "a.test", Expiration: time.Unix(1e9, 0)}), nil, "fail", message.ReasonExpired},
		{"not expired", sign(t, plain, dkim.SignOptions{Domain: "a.test", Expiration: time.Now().Add(time.Hour)}), nil, "pass", message.ReasonVerified},
		{"x is no number", edit("v=1;", "v=1; x=soon;"), nil, "permerror", message.ReasonSyntax},
		{"another query", edit("v=1;", "v=1; q=http/get;"), nil, "permerror", message.ReasonQuery},
		{"an unknown algorithm", edit("a=ed25519-sha256", "a=rot13-md5"), nil, "permerror", message.ReasonAlgorithm},
		{"rsa-sha1", edit("a=ed25519-sha256", "a=rsa-sha1"), nil, "policy", message.ReasonSHA1},
		{"an unknown canonicalization", edit("c=simple/simple", "c=nofws/simple"), nil, "permerror", message.ReasonCanonicalization},
		{"a length", edit("v=1;", "v=1; l=5;"), nil, "policy", message.ReasonLength},
		{"too many fields", edit("h=", "h="+strings.Repeat("x:", 1000)), nil, "permerror", message.ReasonSyntax},
		{"no key", good, zone{"s1._domainkey.a.test": nil}, "permerror", message.ReasonKeyMissing},
		{"no answer", good, zone{"s1._domainkey.a.test": {"servfail"}}, "temperror", message.ReasonKeyDNS},
		{"two keys", good, zone{"s1._domainkey.a.test": {"TXT " + ed, "TXT " + ed}}, "permerror", message.ReasonKeySeveral},
		{"a broken key", good, key("v=DKIM1; k=ed25519; p=*"), "permerror", message.ReasonKeySyntax},
		{"a short Ed25519 key", good, key("v=DKIM1; k=ed25519; p=aaaa"), "permerror", message.ReasonKeySyntax},
		{"a record without key", good, key("v=DKIM1"), "permerror", message.ReasonKeySyntax},
		{"an SPF record", good, key("v=spf1 -all"), "permerror", message.ReasonKeySyntax},
		{"another version of the key", good, key("v=DKIM2; p=aaaa"), "permerror", message.ReasonKeySyntax},
		{"revoked", good, key("v=DKIM1; p="), "permerror", message.ReasonKeyRevoked},
		{"a key of another type", good, key(record(t, r2048)), "permerror", message.ReasonKeyType},
		{"a key of no known type", good, key("v=DKIM1; k=ghost; p=aaaa"), "permerror", message.ReasonKeyType},
		{"another hash", good, key(ed + "; h=sha1"), "permerror", message.ReasonKeyHash},
		{"another service", good, key(ed + "; s=tlsrpt"), "permerror", message.ReasonKeyService},
		{"strict", sign(t, plain, dkim.SignOptions{Domain: "a.test", Identifier: "x@sub.a.test"}), key(ed + "; t=y:s"), "permerror", message.ReasonKeyStrict},
		{"strict and kept to", sign(t, plain, dkim.SignOptions{Domain: "a.test", Identifier: "x@a.test"}), key(ed + "; t=s"), "pass", message.ReasonVerified},
		{"a short key", sign(t, plain, dkim.SignOptions{Domain: "a.test", Signer: r2048}), key(short), "policy", message.ReasonKeyShort},
		{"a very long key", sign(t, plain, dkim.SignOptions{Domain: "a.test", Signer: r2048}), key("p=" + base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(long))), "policy", message.ReasonKeyLong},
		{"an internationalised domain", sign(t, strings.ReplaceAll(plain, "a.test", "bücher.test"), dkim.SignOptions{Domain: "bücher.test"}), zone{"s1._domainkey.xn--bcher-kva.test": {"TXT " + ed}}, "pass", message.ReasonVerified},
		{"refused by go-msgauth alone", good, key(strings.Replace(ed, "p=", "p=\t ", 1) + "\t="), "permerror", message.ReasonKeySyntax},
	}
	seen := map[message.Reason]bool{}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := judge(t, world(t).with(tt.zone), tt.msg, nil)
			if len(res.Signatures) != 1 {
				t.Fatalf("%d signatures", len(res.Signatures))
			}
			s := res.Signatures[0]
			seen[s.Reason] = true
			if s.Reason != tt.reason || s.Result.String() != tt.result {
				t.Errorf("%s %s (%s), want %s %s", s.Result, s.Reason, s.Detail, tt.result, tt.reason)
			}
		})
	}
	for r := message.ReasonVerified; r <= message.ReasonKeyStrict; r++ {
		if !seen[r] {
			t.Errorf("no test ends with %s", r)
		}
	}
}

// short is an RSA key of 512 bits, which nothing can make any more without being asked to.
var short = "v=DKIM1; p=" + base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(&rsa.PublicKey{E: 65537, N: new(big.Int).SetBit(big.NewInt(1), 511, 1)}))

func TestManySignatures(t *testing.T) {
	msg := plain
	for range 12 {
		msg = sign(t, msg, dkim.SignOptions{Domain: "a.test", HeaderKeys: []string{"From", "Subject"}})
	}
	msg = strings.Replace(msg, "h=From:Subject", "h=From:Subjekt", 1)
	res := judge(t, world(t), msg, nil)
	if len(res.Signatures) != 10 || res.Untried != 2 {
		t.Fatalf("%d signatures, %d not tried", len(res.Signatures), res.Untried)
	}
	for i, s := range res.Signatures {
		if want := i > 0; (s.Result == message.ResultPass) != want {
			t.Errorf("signature %d is %s (%s)", i, s.Result, s.Reason)
		}
	}
}

// The key of a signature that is not to be trusted is not used for one that is.
func TestMixedSignatures(t *testing.T) {
	msg := sign(t, plain, dkim.SignOptions{Domain: "a.test", HeaderKeys: []string{"From"}, Identifier: "x@sub.a.test"})
	msg = sign(t, msg, dkim.SignOptions{Domain: "a.test", HeaderKeys: []string{"From"}})
	msg = sign(t, msg, dkim.SignOptions{Domain: "gone.test", HeaderKeys: []string{"From"}})
	z := world(t).with(zone{"s1._domainkey.a.test": {"TXT " + record(t, edKey()) + "; t=s"}})
	var got []string
	for _, s := range judge(t, z, msg, nil).Signatures {
		got = append(got, s.Reason.String())
	}
	if want := []string{"key-missing", "verified", "key-strict"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A signature as large as a header may be costs no more than others.
func TestHugeSignature(t *testing.T) {
	field := "DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=s1; bh=x; b=y; h=From" + strings.Repeat(":From", 150_000) + "\r\n"
	res := judge(t, world(t), field+plain, nil)
	if r := res.Signatures[0].Reason; r != message.ReasonSyntax {
		t.Errorf("%s", r)
	}
	if n := len(fmt.Sprint(res.Signatures)); n > 100_000 {
		t.Errorf("%d octets are kept", n)
	}
}
