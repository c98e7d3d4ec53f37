package dnscheck_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"mailvet/dnscheck"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// The places of ann@example.test, and of Ann@example.test for the record.
const (
	annHash  = "49915e0d7d4b402e3017d010bc1c0e83cac6c797d6c16e66340fe326"
	annPGP   = annHash + "._openpgpkey.example.test OPENPGPKEY "
	annSMIME = annHash + "._smimecert.example.test SMIMEA "
	noPGP    = annPGP + "nxdomain\n"
	noSMIME  = annSMIME + "nodata\n"
	noHost   = "openpgpkey.example.test A nxdomain\nopenpgpkey.example.test AAAA nxdomain\n"
	keyHost  = "openpgpkey.example.test A = 192.0.2.1\nopenpgpkey.example.test AAAA nodata\n"
	direct   = "https://example.test/.well-known/openpgpkey/hu/qtgmukx58ikag7nqwxsqupgad8cozzzn?l=ann"
	advanced = "https://openpgpkey.example.test/.well-known/openpgpkey/example.test/hu/qtgmukx58ikag7nqwxsqupgad8cozzzn?l=ann"
)

var mailboxNow = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// pgpKey is a key of an address: the packets that are looked at, no signature
// that would hold.
func pgpKey(address string, more ...[]byte) []byte {
	packet := func(tag byte, body []byte) []byte { return append([]byte{0xc0 | tag, byte(len(body))}, body...) }
	key := packet(6, append([]byte{4, 0x60, 0, 0, 0, 22}, make([]byte, 40)...))
	for _, m := range more {
		key = append(key, packet(2, m)...)
	}
	return append(key, packet(13, []byte("Ann <"+address+">"))...)
}

// Signatures: a revocation of the key, and an end a day after it was made.
var (
	revoked = []byte{4, 0x20, 22, 8, 0, 0}
	ended   = []byte{4, 0x13, 22, 8, 0, 12, 5, 2, 0x60, 0, 0, 1, 5, 9, 0, 1, 0x51, 0x80}
)

func certificate(t *testing.T, address string, until time.Time) string {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: mailboxNow.AddDate(-2, 0, 0), NotAfter: until, EmailAddresses: []string{address}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(der)
}

func TestMailbox(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString
	good := b64(pgpKey("ann@example.test"))
	cert := certificate(t, "ann@example.test", mailboxNow.AddDate(1, 0, 0))
	page := func(url string, status int, body []byte) evidence.Fetch {
		return evidence.Fetch{URL: url, Status: status, Body: body}
	}
	failed := func(op evidence.Op, class evidence.Class) evidence.Fetch {
		return evidence.Fetch{URL: direct, Failure: &evidence.Failure{Op: op, Class: class}}
	}
	rest := noSMIME + noHost
	nothing := page(direct, 404, nil)
	tests := []struct {
		name, text string
		fetch      evidence.Fetch
		want       string // the codes of OPENPGPKEY, SMIMEA, the directory, and in all
	}{
		{"nothing", noPGP + rest, nothing, "none none none not-possible"},
		{"OPENPGPKEY", annPGP + "= " + good + "\n" + rest, nothing, "usable none none possible"},
		{"not signed", annPGP + "= " + good + " | insecure\n" + rest, nothing, "not-secure none none not-possible"},
		{"no base64", annPGP + "= ***\n" + rest, nothing, "not-usable none none not-possible"},
		{"armored", annPGP + "= " + b64([]byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")) + "\n" + rest, nothing, "not-usable none none not-possible"},
		{"of another address", annPGP + "= " + b64(pgpKey("bob@example.test")) + "\n" + rest, nothing, "not-usable none none not-possible"},
		{"revoked", annPGP + "= " + b64(pgpKey("ann@example.test", revoked)) + "\n" + rest, nothing, "not-usable none none not-possible"},
		{"ended", annPGP + "= " + b64(pgpKey("ann@example.test", ended)) + "\n" + rest, nothing, "not-usable none none not-possible"},
		{"one of two is good", annPGP + "= " + b64(pgpKey("ann@example.test", ended)) + " ; " + good + "\n" + rest, nothing, "usable none none possible"},
		{"no answer", annPGP + "servfail\n" + rest, nothing, "unknown none none unknown"},
		{"no time", annPGP + "budget\n" + rest, nothing, "not-looked-up none none unknown"},
		{"SMIMEA", noPGP + noHost + annSMIME + "= 3 0 0 " + cert, nothing, "none usable none possible"},
		{"SMIMEA, not signed", noPGP + noHost + annSMIME + "= 3 0 0 " + cert + " | insecure", nothing, "none not-secure none not-possible"},
		{"SMIMEA of an authority", noPGP + noHost + annSMIME + "= 2 0 0 " + cert, nothing, "none not-usable none not-possible"},
		{"SMIMEA with a hash", noPGP + noHost + annSMIME + "= 3 0 1 00", nothing, "none not-usable none not-possible"},
		{"SMIMEA with odd numbers", noPGP + noHost + annSMIME + "= 4 0 0 00", nothing, "none not-usable none not-possible"},
		{"SMIMEA with nonsense", noPGP + noHost + annSMIME + "= 3 0 0 00", nothing, "none not-usable none not-possible"},
		{"SMIMEA that cannot be read", noPGP + noHost + annSMIME + "= x", nothing, "none not-usable none not-possible"},
		{"SMIMEA that has ended", noPGP + noHost + annSMIME + "= 3 0 0 " + certificate(t, "ann@example.test", mailboxNow.AddDate(-1, 0, 0)), nothing, "none not-usable none not-possible"},
		{"SMIMEA of another address", noPGP + noHost + annSMIME + "= 3 0 0 " + certificate(t, "bob@example.test", mailboxNow.AddDate(1, 0, 0)), nothing, "none not-usable none not-possible"},
		{"SMIMEA, no answer", noPGP + noHost + annSMIME + "timeout", nothing, "none unknown none unknown"},
		{"SMIMEA, not asked", noPGP + noHost, nothing, "none not-looked-up none unknown"},
		{"WKD, direct", noPGP + rest, page(direct, 200, pgpKey("ann@example.test")), "none none usable possible"},
		{"WKD, advanced", noPGP + noSMIME + keyHost, page(advanced, 200, pgpKey("ann@example.test")), "none none usable possible"},
		{"WKD, advanced, so that direct does not count", noPGP + noSMIME + keyHost, page(direct, 200, pgpKey("ann@example.test")), "none none not-looked-up unknown"},
		{"WKD, a web page", noPGP + rest, page(direct, 200, []byte("<html>")), "none none not-usable not-possible"},
		{"WKD, too large", noPGP + rest, evidence.Fetch{URL: direct, Status: 200, Truncated: true}, "none none not-usable not-possible"},
		{"WKD, no host", noPGP + rest, failed(evidence.OpQuery, evidence.ClassUnreachable), "none none none not-possible"},
		{"WKD, time-out", noPGP + rest, failed(evidence.OpFetch, evidence.ClassTimeout), "none none unknown unknown"},
		{"WKD, trouble for now", noPGP + rest, page(direct, 503, nil), "none none unknown unknown"},
		{"WKD, not fetched", noPGP + rest, evidence.Fetch{}, "none none not-looked-up unknown"},
		{"WKD, host unknown", noPGP + noSMIME + "openpgpkey.example.test A servfail\nopenpgpkey.example.test AAAA nxdomain\n", evidence.Fetch{}, "none none unknown unknown"},
		{"WKD, host not asked for", noPGP + noSMIME, evidence.Fetch{}, "none none not-looked-up unknown"},
	}
	produced := map[string]bool{}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := mailboxWorld("ann@example.test", tt.text)
			if tt.fetch.URL != "" {
				s.Fetches = []evidence.Fetch{tt.fetch}
			}
			var got []string
			for _, r := range check.Run(mailboxOnly(), s) {
				code := r.Findings[0].Code
				got = append(got, code.Name)
				produced[r.Check.ID+" "+code.Name] = true
				for _, text := range []string{code.Text, code.Advice} {
					if strings.Contains(check.Render(text, r.Findings[0].Args), "{") {
						t.Errorf("%s %s: %s", r.Check.ID, code.Name, check.Render(text, r.Findings[0].Args))
					}
				}
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("%s, want %s", g, tt.want)
			}
		})
	}
	everyCode(t, "mailbox", produced)
}

func mailboxWorld(address, text string) *evidence.Snapshot {
	s := world(text)
	s.Address, s.Time = address, mailboxNow
	return s
}

func mailboxOnly() []*check.Check {
	return slices.DeleteFunc(slices.Clone(dnscheck.Checks), func(c *check.Check) bool { return c.Scope != check.PerMailbox })
}

// A scan of a domain has none of these checks, and asks nothing for them.
func TestNoMailbox(t *testing.T) {
	s := world(noPGP)
	if r := check.Run(mailboxOnly(), s); len(r) != 0 {
		t.Errorf("%d results", len(r))
	}
	for _, q := range dnscheck.Wants(s) {
		if q.Type == "OPENPGPKEY" || q.Type == "SMIMEA" || strings.HasPrefix(q.Name, "openpgpkey.") {
			t.Errorf("asks for %s %s", q.Name, q.Type)
		}
	}
	if w := dnscheck.FetchWants(s); len(w) != 0 {
		t.Error(w)
	}
}

// The local part is asked for as written, and in lower case only where that is
// another and the first one is known not to be there. The directory's name is
// the one in the draft's own example.
func TestMailboxWants(t *testing.T) {
	names := func(s *evidence.Snapshot, typ string) (list []string) {
		for _, q := range dnscheck.Wants(s) {
			if q.Type == typ {
				list = append(list, strings.SplitN(q.Name, ".", 2)[0])
			}
		}
		return list
	}
	first := names(mailboxWorld("Ann@example.test", ""), "OPENPGPKEY")
	if len(first) != 1 || first[0] == annHash {
		t.Fatal(first)
	}
	s := mailboxWorld("Ann@example.test", first[0]+"._openpgpkey.example.test OPENPGPKEY nxdomain\n")
	if second := names(s, "OPENPGPKEY"); !slices.Equal(second, []string{annHash}) {
		t.Error(second)
	}
	s = mailboxWorld("Ann@example.test", first[0]+"._openpgpkey.example.test OPENPGPKEY servfail\n")
	if second := names(s, "OPENPGPKEY"); len(second) != 0 {
		t.Error(second)
	}
	s = mailboxWorld("Joe.Doe@example.test", noHost)
	want := "https://example.test/.well-known/openpgpkey/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe"
	if w := dnscheck.FetchWants(s); len(w) != 1 || w[0].URL != want {
		t.Errorf("%v, want %s", w, want)
	}
}
