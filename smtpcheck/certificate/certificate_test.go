package certificate_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net"
	"testing"
	"time"

	"mailvet/smtpcheck/certificate"
)

var (
	notBefore = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	notAfter  = time.Date(2056, 1, 1, 0, 0, 0, 0, time.UTC) // GeneralizedTime
)

func template() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{Organization: []string{"Example"}, CommonName: "mx.example.test"},
		NotBefore: notBefore, NotAfter: notAfter,
		DNSNames: []string{"mx.example.test", "*.example.test"}, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)},
	}
}

func selfSigned(t testing.TB, tmpl *x509.Certificate, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func ecKey(t testing.TB, c elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t testing.TB, bits int) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestParse(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pss := template()
	pss.SignatureAlgorithm = x509.SHA384WithRSAPSS
	cases := []struct {
		name      string
		der       []byte
		key       certificate.Key
		signature certificate.Signature
	}{
		{"P-256", selfSigned(t, template(), ecKey(t, elliptic.P256())), certificate.Key{Algorithm: certificate.EC, Curve: "1.2.840.10045.3.1.7"}, certificate.Signature{Algorithm: "1.2.840.10045.4.3.2"}},
		{"P-224", selfSigned(t, template(), ecKey(t, elliptic.P224())), certificate.Key{Algorithm: certificate.EC, Curve: "1.3.132.0.33"}, certificate.Signature{Algorithm: "1.2.840.10045.4.3.2"}},
		{"RSA", selfSigned(t, template(), rsaKey(t, 2048)), certificate.Key{Algorithm: certificate.RSA, Bits: 2048}, certificate.Signature{Algorithm: "1.2.840.113549.1.1.11"}},
		{"RSASSA-PSS", selfSigned(t, pss, rsaKey(t, 2048)), certificate.Key{Algorithm: certificate.RSA, Bits: 2048},
			certificate.Signature{Algorithm: certificate.RSAPSS, Hash: "2.16.840.1.101.3.4.2.2"}},
		{"Ed25519", selfSigned(t, template(), ed), certificate.Key{Algorithm: certificate.Ed25519}, certificate.Signature{Algorithm: certificate.Ed25519}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := certificate.Parse(c.der)
			if err != nil {
				t.Fatal(err)
			}
			want, err := x509.ParseCertificate(c.der)
			if err != nil {
				t.Fatal(err)
			}
			if got.Key != c.key || got.Signature != c.signature {
				t.Errorf("key %+v, signature %+v", got.Key, got.Signature)
			}
			if !bytes.Equal(got.SPKI, want.RawSubjectPublicKeyInfo) || !bytes.Equal(got.Issuer, want.RawIssuer) || !bytes.Equal(got.Subject, want.RawSubject) {
				t.Error("the parts differ from those of crypto/x509")
			}
			if !got.NotBefore.Equal(notBefore) || !got.NotAfter.Equal(notAfter) {
				t.Errorf("valid from %v to %v", got.NotBefore, got.NotAfter)
			}
			if got.CommonName != "mx.example.test" || fmt.Sprint(got.DNSNames) != "[mx.example.test *.example.test]" || !got.HasNames || !got.HasAddresses || !got.SelfIssued() {
				t.Errorf("names: %+v", got)
			}
		})
	}
}

// A certificate that crypto/x509 refuses is read all the same: here one with a
// curve that Go does not have.
func TestParseRefusedByGo(t *testing.T) {
	der := selfSigned(t, template(), ecKey(t, elliptic.P256()))
	p256, _ := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7})
	other := bytes.Clone(p256)
	other[len(other)-1] = 6 // prime239v3
	der = bytes.Replace(der, p256, other, 1)
	if _, err := x509.ParseCertificate(der); err == nil {
		t.Fatal("crypto/x509 reads it: the test shows nothing")
	}
	got, err := certificate.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	if got.Key.Curve != "1.2.840.10045.3.1.6" || !bytes.Contains(got.SPKI, other) || len(got.DNSNames) != 2 {
		t.Errorf("%+v", got)
	}
}

func TestParseMalformed(t *testing.T) {
	der := selfSigned(t, template(), ecKey(t, elliptic.P256()))
	for name, input := range map[string][]byte{
		"empty": nil, "text": []byte("no certificate"), "truncated": der[:len(der)/2], "empty sequence": {0x30, 0},
		"length without end": {0x30, 0x84, 0xff, 0xff, 0xff, 0xff},
	} {
		if c, err := certificate.Parse(input); err == nil {
			t.Errorf("%s: read as %+v", name, c)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(selfSigned(f, template(), ecKey(f, elliptic.P256())))
	f.Add(selfSigned(f, template(), rsaKey(f, 2048)))
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		got, err := certificate.Parse(der)
		want, x509err := x509.ParseCertificate(der)
		if x509err != nil {
			return
		}
		// What crypto/x509 reads must be read, and alike.
		if err != nil {
			t.Fatalf("%v, but crypto/x509 reads it", err)
		}
		if !bytes.Equal(got.SPKI, want.RawSubjectPublicKeyInfo) || !bytes.Equal(got.Subject, want.RawSubject) || !got.NotAfter.Equal(want.NotAfter) {
			t.Fatal("crypto/x509 reads something else")
		}
	})
}

func ExampleParse() {
	_, err := certificate.Parse([]byte("220 mx.example.test ESMTP"))
	fmt.Println(err)
	// Output: certificate: not the DER of an X.509 certificate
}
