package dnscheck_test

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"mailvet/dnscheck"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

const (
	logoURL = "https://example.test/logo.svg"
	vmcURL  = "https://example.test/vmc.pem"
	goodSVG = `<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps" viewBox="0 0 1 1"><title>x</title></svg>`
)

var bimiNow = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// vmc is a mark certificate for a name, valid from and to some days from now.
func vmc(t *testing.T, name string, from, to int, logo string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write([]byte(logo))
	_ = w.Close()
	url, err := asn1.MarshalWithParams("data:image/svg+xml;base64,"+base64.StdEncoding.EncodeToString(z.Bytes()), "ia5")
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, Subject: pkix.Name{CommonName: "Mark"},
		NotBefore: bimiNow.AddDate(0, 0, from), NotAfter: bimiNow.AddDate(0, 0, to),
		UnknownExtKeyUsage: []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 31}},
		ExtraExtensions:    []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 12}, Value: url}},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestBIMI(t *testing.T) {
	const (
		both     = `default._bimi.example.test TXT = "v=BIMI1; l=https://example.test/logo.svg; a=https://example.test/vmc.pem"`
		enforced = `_dmarc.example.test TXT = "v=DMARC1; p=reject"`
	)
	page := func(body string) *evidence.Fetch { return &evidence.Fetch{Status: 200, Body: []byte(body)} }
	down := &evidence.Fetch{Failure: &evidence.Failure{Op: evidence.OpDial, Class: evidence.ClassTimeout}}
	gone := &evidence.Fetch{Status: 404}
	expired := certified(evidence.CertificateExpired)
	huge := &evidence.Fetch{Status: 200, Body: []byte("x"), Truncated: true}
	svg, pem := page(goodSVG), page(vmc(t, "example.test", -10, 300, goodSVG))
	rows := []struct {
		check, code, dmarc, bimi string
		logo, vmc                *evidence.Fetch
	}{
		{"bimi-exists", "present", enforced, both, svg, pem},
		{"bimi-exists", "declined", enforced, `default._bimi.example.test TXT = "v=BIMI1; l=; a="`, nil, nil},
		{"bimi-exists", "none", enforced, "default._bimi.example.test TXT nxdomain", nil, nil},
		{"bimi-exists", "none", enforced, `default._bimi.example.test TXT = "v=spf1 -all"`, nil, nil},
		{"bimi-exists", "unknown", enforced, "default._bimi.example.test TXT servfail", nil, nil},
		{"bimi-exists", "not-looked-up", "", "", nil, nil},
		{"bimi-exists", "not-looked-up", "_dmarc.example.test TXT servfail", "", nil, nil},
		{"bimi-exists", "not-looked-up", enforced, "", nil, nil},
		{"bimi-exists", "no-mail-servers", enforced, "", nil, nil},
		{"bimi-exists", "no-dmarc", "_dmarc.example.test TXT nodata", "", nil, nil},

		{"bimi-logo", "good", enforced, both, svg, pem},
		{"bimi-logo", "good", strings.Replace(enforced, "reject", "quarantine; pct=100; sp=quarantine", 1), both, svg, pem},
		{"bimi-logo", "hints", enforced, both, page(strings.Replace(goodSVG, "1 1", "1 2", 1)), pem},
		{"bimi-logo", "profile", enforced, both, page("<html/>"), pem},
		{"bimi-logo", "dmarc", strings.Replace(enforced, "reject", "none", 1), both, svg, pem},
		{"bimi-logo", "dmarc", strings.Replace(enforced, "reject", "quarantine; pct=50", 1), both, svg, pem},
		{"bimi-logo", "dmarc", strings.Replace(enforced, "reject", "reject; sp=none", 1), both, svg, pem},
		{"bimi-logo", "dmarc", strings.Replace(enforced, "reject", "quarantine; t=y", 1), both, svg, pem},
		{"bimi-logo", "dmarc", strings.Replace(enforced, "; p=reject", " p=reject", 1), both, svg, pem},
		{"bimi-logo", "record-syntax", enforced, `default._bimi.example.test TXT = "v=BIMI1; l=http://example.test/"`, nil, nil},
		{"bimi-logo", "record-syntax", enforced, `default._bimi.example.test TXT = "v=BIMI1; l=" ; "v=BIMI1; l="`, nil, nil},
		{"bimi-logo", "no-logo", enforced, `default._bimi.example.test TXT = "v=BIMI1; l=; a=https://example.test/vmc.pem"`, nil, pem},
		{"bimi-logo", "not-served", enforced, both, gone, pem},
		{"bimi-logo", "not-served", enforced, both, &expired, pem},
		{"bimi-logo", "not-served", enforced, both, huge, pem},
		{"bimi-logo", "unavailable", enforced, both, down, pem},
		{"bimi-logo", "not-fetched", enforced, both, nil, nil},

		{"bimi-certificate", "good", enforced, both, svg, pem},
		{"bimi-certificate", "good", enforced, both, nil, pem},
		{"bimi-certificate", "expires-soon", enforced, both, svg, page(vmc(t, "example.test", -300, 20, goodSVG))},
		{"bimi-certificate", "another-logo", enforced, both, svg, page(vmc(t, "example.test", -10, 300, "<svg/>"))},
		{"bimi-certificate", "none", enforced, `default._bimi.example.test TXT = "v=BIMI1; l=https://example.test/logo.svg"`, svg, nil},
		{"bimi-certificate", "not-served", enforced, both, svg, gone},
		{"bimi-certificate", "unreadable", enforced, both, svg, page("<html/>")},
		{"bimi-certificate", "expired", enforced, both, svg, page(vmc(t, "example.test", -300, -1, goodSVG))},
		{"bimi-certificate", "expired", enforced, both, svg, page(vmc(t, "example.test", 1, 300, goodSVG))},
		{"bimi-certificate", "other-name", enforced, both, svg, page(vmc(t, "other.test", -10, 300, goodSVG))},
		{"bimi-certificate", "unavailable", enforced, both, svg, down},
		{"bimi-certificate", "not-fetched", enforced, both, nil, nil},
	}
	produced := map[string]bool{}
	for _, row := range rows {
		mx := "example.test MX = 10 mx.example.test.\n"
		if row.code == "no-mail-servers" {
			mx = "example.test MX = 0 .\n"
		}
		s := world(mx + row.dmarc + "\n" + row.bimi)
		s.Time = bimiNow
		for url, f := range map[string]*evidence.Fetch{logoURL: row.logo, vmcURL: row.vmc} {
			if f != nil {
				x := *f
				x.URL = url
				s.Fetches = append(s.Fetches, x)
			}
		}
		s.Canonical()
		for _, r := range check.Run(dnscheck.Checks, s) {
			if !strings.HasPrefix(r.Check.ID, "bimi-") {
				continue
			}
			f := r.Findings[0]
			produced[r.Check.ID+" "+f.Code.Name] = true
			if text := check.Render(f.Code.Text+f.Code.Advice, f.Args); strings.Contains(text, "{") {
				t.Errorf("%s %s: an argument is missing: %s", r.Check.ID, f.Code.Name, text)
			}
			if r.Check.ID == row.check && f.Code.Name != row.code {
				t.Errorf("%s: %s, want %s: %s\n%s\n%s", row.check, f.Code.Name, row.code, check.Render(f.Code.Text, f.Args), row.dmarc, row.bimi)
			}
		}
	}
	everyCode(t, "bimi", produced)
}

// TestBIMIWants: the record is asked for only beside one of DMARC, and files
// are fetched only where a good record names them.
func TestBIMIWants(t *testing.T) {
	const dmarc = "_dmarc.example.test TXT = \"v=DMARC1; p=none\"\n"
	for text, want := range map[string]int{
		"": 0, dmarc: 0,
		dmarc + `default._bimi.example.test TXT = "v=BIMI1; l=https://example.test/l; a=https://example.test/a"`: 2,
		dmarc + `default._bimi.example.test TXT = "v=BIMI1; l=; a="`:                                             0,
		dmarc + `default._bimi.example.test TXT = "v=BIMI1; l=https://a/b c"`:                                    0,
	} {
		s := world("example.test MX = 10 mx.example.test.\n" + text)
		asked := false
		for _, q := range dnscheck.Wants(s) {
			asked = asked || q.Name == "default._bimi.example.test"
		}
		if asked != (text == dmarc) {
			t.Errorf("%s: asked %v", text, asked)
		}
		if got := len(dnscheck.FetchWants(s)); got != want {
			t.Errorf("%s: %d fetches, want %d", text, got, want)
		}
	}
}
