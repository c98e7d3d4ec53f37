package dkim_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	msgauth "github.com/emersion/go-msgauth/dkim"

	"mailvet/dnscheck/dkim"
)

// accepts asks go-msgauth whether it would verify a message with what stands at
// a selector: it then gets as far as the hash of the body, which is wrong.
func accepts(t testing.TB, texts []string) bool {
	t.Helper()
	return acceptsFor(t, "rsa", texts) || acceptsFor(t, "ed25519", texts)
}

func acceptsFor(t testing.TB, algorithm string, texts []string) bool {
	t.Helper()
	const message = "DKIM-Signature: v=1; a=%s-sha256; d=example.test; s=s1; h=from; bh=AAAA; b=AAAA\r\nFrom: a@example.test\r\n\r\nHello.\r\n"
	list, err := msgauth.VerifyWithOptions(strings.NewReader(fmt.Sprintf(message, algorithm)), &msgauth.VerifyOptions{
		LookupTXT: func(string) ([]string, error) { return texts, nil },
	})
	if err != nil || len(list) != 1 || list[0].Err == nil {
		t.Fatalf("%v, %v", list, err)
	}
	return strings.Contains(list[0].Err.Error(), "body hash did not verify")
}

// usable reports whether we say that verifiers can use what stands there, well
// or badly.
func usable(texts []string) bool {
	r, _ := dkim.ParseAll(texts)
	if r == nil {
		return false
	}
	key, err := r.Key()
	return err == nil && key != nil && r.SHA256() && r.ForMail() && key.Strength() != dkim.TooShort && !key.Unsafe()
}

// The vectors that go-msgauth judges otherwise, with the reason.
var departures = map[string]string{
	"version-late":     "it keeps tags in a map, where there is no first one",
	"double-semicolon": "it skips what is empty between semicolons", "bad-name": "it takes any name for a tag's",
	"control": "it takes any octet in a tag that it does not read", "not-ascii": "it takes any octet in a tag that it does not read",
	"comma-list":    "it looks for the words that it knows in lists",
	"exponent-even": "it does not look at the numbers; verifying fails later", "exponent-one": "it does not look at the numbers",
	"folding-space": "it takes no tab for white space in base64",
}

func TestSecondReader(t *testing.T) {
	for _, v := range vectors(t) {
		ours, theirs := usable(v.texts), accepts(t, v.texts)
		if departures[v.name] != "" {
			if theirs == ours {
				t.Errorf("%s: listed as a departure, but both say %v", v.name, ours)
			}
			continue
		}
		if theirs != ours {
			t.Errorf("%s (%s): we say %v, go-msgauth %v", v.name, v.expect, ours, theirs)
		}
	}
}

// TestSecondReaderRandom: what random changes make of good records is read
// alike, up to differences that are known and named.
func TestSecondReaderRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(6376, 8463))
	var seeds []string
	for _, v := range vectors(t) {
		if (v.expect == "good" || v.expect == "small") && v.name != "folding-space" {
			seeds = append(seeds, v.texts...)
		}
	}
	differ, agreed := 0, 0
	for range 4000 {
		text := []byte(seeds[rng.IntN(len(seeds))])
		for range 1 + rng.IntN(2) {
			i := rng.IntN(len(text))
			switch rng.IntN(3) {
			case 0:
				text[i] = "aZ0+/=;: \"\\yvkptsh."[rng.IntN(19)]
			case 1:
				text = append(text[:i:i], text[i+1:]...)
			default:
				text = append(text[:i:i], append([]byte{text[rng.IntN(len(text))]}, text[i:]...)...)
			}
		}
		texts := []string{string(text)}
		ours, theirs := usable(texts), accepts(t, texts)
		switch {
		case ours == theirs:
			agreed++
		case ours:
			t.Errorf("we accept what go-msgauth does not: %q", text)
		case stricter(texts[0]):
			differ++
		default:
			_, err := dkim.Parse(texts[0])
			t.Errorf("we say %v, go-msgauth accepts %q", err, text)
		}
	}
	if agreed < 2000 {
		t.Errorf("agreed on %d records only, %d known differences", agreed, differ)
	}
}

// stricter reports whether a record is one of those about which RFC 6376 is
// stricter than go-msgauth: the list is not of tags, or a key's numbers are no
// RSA key's, or the version is late.
func stricter(text string) bool {
	r, err := dkim.Parse(text)
	if e, ok := err.(*dkim.Error); ok {
		switch e.Fault {
		case dkim.Syntax, dkim.VersionLate, dkim.BadList, dkim.Quotes, dkim.Backslash, dkim.NotKey:
			return true
		}
		return false
	}
	key, err := r.Key()
	return err == nil && key.Unsafe()
}

// TestSecondReaderVerifies: a message that go-msgauth signs and verifies has a
// key record that we find good.
func TestSecondReaderVerifies(t *testing.T) {
	private := ed25519.NewKeyFromSeed([]byte("a seed of thirty-two octets, made"[:32]))
	text := "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(private.Public().(ed25519.PublicKey))
	var signed strings.Builder
	message := "From: a@example.test\r\nSubject: x\r\n\r\nHello.\r\n"
	if err := msgauth.Sign(&signed, strings.NewReader(message), &msgauth.SignOptions{Domain: "example.test", Selector: "s1", Signer: private}); err != nil {
		t.Fatal(err)
	}
	list, err := msgauth.VerifyWithOptions(strings.NewReader(signed.String()), &msgauth.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if name != dkim.Name("s1", "example.test") {
			t.Errorf("asked for %s", name)
		}
		return []string{text}, nil
	}})
	if err != nil || len(list) != 1 || list[0].Err != nil {
		t.Fatalf("%v, %v", list, err)
	}
	field, _, _ := strings.Cut(strings.ReplaceAll(strings.TrimPrefix(signed.String(), "DKIM-Signature:"), "\r\n ", " "), "\r\n")
	if d, s, ok := dkim.SignedBy(field); d != "example.test" || s != "s1" || !ok {
		t.Errorf("signed by %s %s, %v", d, s, ok)
	}
	if got := verdict([]string{text}); got != "good" {
		t.Errorf("the key is %s", got)
	}
}
