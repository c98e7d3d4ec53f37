package bimi_test

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
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"mailvet/dnscheck/bimi"
)

// TestVectors reads our own: one fault a file.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("../../testdata/vectors/bimi/*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			head, text, _ := strings.Cut(string(data), "\n\n")
			kind, want, _ := strings.Cut(head, "\nexpect: ")
			got, why := "valid", any(nil)
			if kind == "kind: record" {
				if _, err := bimi.Parse(strings.TrimSuffix(text, "\n")); err != nil {
					got, why = "invalid", err
				}
			} else {
				switch l := bimi.ReadLogo([]byte(text)); {
				case len(l.Faults) > 0:
					got, why = "faults", l
				case len(l.Hints) > 0:
					got, why = "hints", l
				}
			}
			if got != want {
				t.Errorf("%s, want %s: %v", got, want, why)
			}
		})
	}
}

// TestHostileLogos: time and memory are bounded.
func TestHostileLogos(t *testing.T) {
	for name, text := range map[string]string{
		"deep":       strings.Repeat("<g>", 100000),
		"many":       "<svg>" + strings.Repeat("<g/>", 100000),
		"nul":        "<svg>\x00</svg>",
		"not UTF-8":  "<svg>\xff</svg>",
		"empty":      "",
		"compressed": "\x1f\x8b\x08",
	} {
		if l := bimi.ReadLogo([]byte(text)); len(l.Faults) == 0 || len(l.Faults) > 8 {
			t.Errorf("%s: %v", name, l)
		}
	}
}

type key struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func issue(t *testing.T, template *x509.Certificate, by *key) *key {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.BasicConstraintsValid = big.NewInt(1), true
	template.NotBefore, template.NotAfter = time.Unix(1.7e9, 0), time.Unix(1.8e9, 0)
	parent, signer := template, k
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, k.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &key{c, k}
}

func chain(keys ...*key) []byte {
	var b bytes.Buffer
	for _, k := range keys {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: k.cert.Raw})
	}
	return b.Bytes()
}

// mark is a mark certificate with a logo inside.
func mark(t *testing.T, svg string) *x509.Certificate {
	t.Helper()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, err := w.Write([]byte(svg))
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	url, err := asn1.MarshalWithParams("data:image/svg+xml;base64,"+base64.StdEncoding.EncodeToString(z.Bytes()), "ia5")
	if err != nil {
		t.Fatal(err)
	}
	value, err := asn1.Marshal([]asn1.RawValue{{FullBytes: url}})
	if err != nil {
		t.Fatal(err)
	}
	return &x509.Certificate{
		DNSNames:           []string{"Example.test", "default._bimi.other.test"},
		Subject:            pkix.Name{CommonName: "Example", ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 53087, 1, 13}, Value: "Registered Mark"}}},
		UnknownExtKeyUsage: []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 31}},
		ExtraExtensions:    []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 12}, Value: value}},
	}
}

func TestCertificate(t *testing.T) {
	ca := issue(t, &x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: "Marks"}}, nil)
	stranger := issue(t, &x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: "Marks"}}, nil)
	for _, size := range []int{10, 200, 5000, 60000} { // lengths of one to three octets
		svg := "<svg>" + strings.Repeat("noise "+fmt.Sprint(size), size/8) + "</svg>"
		leaf := issue(t, mark(t, svg), ca)
		c, err := bimi.ReadCertificate(chain(leaf, ca))
		if err != nil || len(c.Faults) > 0 || string(c.Logo) != svg || c.MarkType != "Registered Mark" || c.Common() || c.Issuer != "CN=Marks" {
			t.Fatalf("%d: %+v, %v", size, c, err)
		}
		for domain, want := range map[string]bool{"example.test": true, "sub.example.test": true, "other.test": true, "anexample.test": false, "test": false} {
			if c.Covers(domain) != want {
				t.Errorf("%s is covered: %v", domain, !want)
			}
		}
	}
	leaf := issue(t, mark(t, "<svg/>"), ca)
	if c, err := bimi.ReadCertificate(chain(leaf, stranger)); err != nil || len(c.Faults) != 1 {
		t.Errorf("a stranger's authority: %+v, %v", c, err)
	}
	web := issue(t, &x509.Certificate{DNSNames: []string{"example.test"}}, ca)
	if c, err := bimi.ReadCertificate(chain(web)); err != nil || len(c.Faults) != 2 || c.Logo != nil {
		t.Errorf("a web server's: %+v, %v", c, err)
	}
	common := mark(t, "<svg/>")
	common.Subject.ExtraNames[0].Value = "Prior Use Mark"
	if c, err := bimi.ReadCertificate(chain(issue(t, common, ca))); err != nil || !c.Common() {
		t.Errorf("a CMC: %+v, %v", c, err)
	}
	for name, data := range map[string][]byte{
		"empty": nil, "DER": leaf.cert.Raw, "key": []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
		"broken": []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "many": bytes.Repeat(chain(leaf), 11),
	} {
		if c, err := bimi.ReadCertificate(data); err == nil {
			t.Errorf("%s is accepted: %+v", name, c)
		}
	}
}

func FuzzRecord(f *testing.F) {
	for _, s := range []string{"v=BIMI1; l=https://example.test/a.svg; a=", "v=BIMI1;l=;a=;avp=brand", " v = BIMI1 ; l = "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := bimi.Parse(s)
		if err != nil {
			return
		}
		back, err := bimi.Parse(r.String())
		if err != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("%q reads as %+v, its text %q as %+v (%v)", s, r, r, back, err)
		}
	})
}

func FuzzLogo(f *testing.F) {
	f.Add([]byte(`<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps" viewBox="0 0 1 1"><title>x</title></svg>`))
	f.Add([]byte("<a:b xmlns:a='x'></a:b>"))
	f.Fuzz(func(t *testing.T, b []byte) { bimi.ReadLogo(b) })
}

func FuzzCertificate(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := bimi.ReadCertificate(b); (c == nil) == (err == nil) {
			t.Errorf("%v, %v", c, err)
		}
	})
}

func Example() {
	r, err := bimi.Parse("v=BIMI1; l=https://example.test/logo.svg; a=")
	fmt.Println(r.Logo, r.Declined(), err)
	logo := bimi.ReadLogo([]byte(`<svg xmlns="http://www.w3.org/2000/svg" version="1.2" viewBox="0 0 9 9"><title>Example</title></svg>`))
	fmt.Println(logo.Faults)
	// Output:
	// https://example.test/logo.svg false <nil>
	// [its baseProfile is not tiny-ps]
}
