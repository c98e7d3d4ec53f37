package dkim_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"mailvet/dnscheck/dkim"
)

// The vectors that OpenDKIM judges otherwise, with the reason.
var departuresOfOpenDKIM = map[string]string{
	"bad-name": "it takes any name for a tag's", "comma-list": "it looks for the words that it knows in lists",
	"duplicate": "the last tag of a name counts", "duplicate-unknown": "the last tag of a name counts", "version-late": "it takes v anywhere",
	"exponent-even": "the numbers are not looked at; verifying fails", "exponent-one": "the numbers are not looked at",
	"parameters": "OpenSSL does not look at them", "rsa-pss": "OpenSSL takes any key that it can read for RSA", "trailing": "OpenSSL reads only the key",
	"rsa512": "the limit is left to its configuration", "rsa768": "the limit is left to its configuration",
	"rsa-as-ed25519": "this version does not look at k here", "type-upper": "it reads rsa in any case",
	"bare-key":      "it reads a SubjectPublicKeyInfo only",
	"folding-space": "it reads no white space in the middle of base64",
}

// openDKIM lets a real verifier look at a key, with a signature that is wrong:
// how many bits the key has for it, 0 if it cannot use it.
func openDKIM(t *testing.T, dir, text string) int {
	t.Helper()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keys := write("keys", "s1._domainkey.example.test "+text+"\n")
	conf := write("conf", "Mode v\nSyslog no\nTestPublicKeys "+keys+"\n")
	message := write("message", "DKIM-Signature: v=1; a=rsa-sha256; d=example.test; s=s1; c=relaxed/relaxed; h=from; bh=AAAA; b=AAAA\r\nFrom: a@example.test\r\n\r\nHello.\r\n")
	out, err := exec.Command("opendkim", "-x", conf, "-t", message, "-v").CombinedOutput()
	m := regexp.MustCompile(`verification \(.*, (\d+)-bit key.*\) failed: (.*)`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("opendkim: %v\n%s", err, out)
	}
	bits, err := strconv.Atoi(string(m[1]))
	if err != nil || (bits > 0) != strings.Contains(string(m[2]), "signature verification failed") {
		t.Fatalf("opendkim says %s", m[0])
	}
	return bits
}

// TestOpenDKIM compares with the verifier that most mail servers have used.
func TestOpenDKIM(t *testing.T) {
	if _, err := exec.LookPath("opendkim"); err != nil {
		if os.Getenv("MAILVET_REAL") != "" {
			t.Fatal("opendkim is not installed")
		}
		t.Skip("needs opendkim")
	}
	dir := t.TempDir()
	compared := 0
	for _, v := range vectors(t) {
		// It has no Ed25519, and its file of keys holds one text a name.
		if len(v.texts) != 1 || strings.Contains(v.texts[0], "k=ed25519; p=") && v.name != "rsa-as-ed25519" || strings.ContainsAny(v.texts[0], "\x00\r\n") && v.name != "folding-space" {
			continue
		}
		compared++
		bits, ours := openDKIM(t, dir, v.texts[0]), usable(v.texts)
		if departuresOfOpenDKIM[v.name] != "" {
			if (bits > 0) == ours {
				t.Errorf("%s: listed as a departure, but both say %v", v.name, ours)
			}
			continue
		}
		if (bits > 0) != ours {
			t.Errorf("%s (%s): we say %v, OpenDKIM %d bits", v.name, v.expect, ours, bits)
		}
		if r, _ := dkim.Parse(v.texts[0]); r != nil && bits > 0 {
			key, err := r.Key()
			if err != nil || key.Bits() != bits {
				t.Errorf("%s: %v, %v; OpenDKIM sees %d bits", v.name, key, err, bits)
			}
		}
	}
	if compared < 35 {
		t.Errorf("only %d vectors compared", compared)
	}
}
