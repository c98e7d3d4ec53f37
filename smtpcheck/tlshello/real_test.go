package tlshello_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"mailvet/smtpcheck/smtptest"
	"mailvet/smtpcheck/tlshello"
)

// chance is a source of octets that is the same in each run.
func chance() io.Reader { return mathrand.NewChaCha8([32]byte{1, 2, 3}) }

// identity is a key with a certificate for mx.test that it signed itself.
type identity struct {
	certificate tls.Certificate
}

var identities = sync.OnceValues(func() (map[string]identity, error) {
	made := map[string]identity{}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	for name, key := range map[string]interface{ Public() any }{"rsa": keyOf{rsaKey, &rsaKey.PublicKey}, "ecdsa": keyOf{ecKey, &ecKey.PublicKey}} {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "mx.test"}, DNSNames: []string{"mx.test"},
			NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2049, 1, 1, 0, 0, 0, 0, time.UTC),
			KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		}
		private := key.(keyOf).private
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), private)
		if err != nil {
			return nil, err
		}
		made[name] = identity{certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}}
	}
	return made, nil
})

type keyOf struct{ private, public any }

func (k keyOf) Public() any { return k.public }

func identityOf(t testing.TB, name string) identity {
	t.Helper()
	all, err := identities()
	if err != nil {
		t.Fatal(err)
	}
	return all[name]
}

// pemFile writes certificate and key for servers that read files.
func pemFile(t *testing.T, name string) string {
	t.Helper()
	c := identityOf(t, name).certificate
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})...)
	file := filepath.Join(t.TempDir(), name+".pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// missing ends the test for want of something: as a failure where MAILVET_REAL=1
// says that the machine must have everything.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("MAILVET_REAL") == "1" {
		t.Fatalf("needs %s", what)
	}
	t.Skipf("needs %s", what)
}

func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name)
	}
	return path
}

// server is a program that speaks TLS on an address of this machine.
type server struct{ *smtptest.Program }

// start runs a server as [smtptest.Launch] does.
func start(t *testing.T, program string, args ...string) server {
	t.Helper()
	p, err := smtptest.Launch(tool(t, program), []string{"OPENSSL_CONF=" + lax(t)}, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.Stop(); t.Failed() {
			t.Log(p.Said())
		}
	})
	return server{p}
}

// lax writes a configuration of OpenSSL that forbids nothing, whatever the
// machine's says.
func lax(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "openssl.cnf")
	text := "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = lax\n[lax]\nCipherString = ALL:@SECLEVEL=0\nMinProtocol = TLSv1\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// exchange sends octets and reads the answer to its end.
func (s server) exchange(t *testing.T, octets []byte) (*tlshello.Answer, []byte) {
	t.Helper()
	c, err := net.DialTimeout("tcp", s.Addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return converse(t, c, octets)
}

func converse(t *testing.T, c net.Conn, octets []byte) (*tlshello.Answer, []byte) {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	go c.Write(octets) // the other side of a pipe may not read to the end
	var r tlshello.Reader
	var all []byte
	b := make([]byte, 4096)
	for {
		n, err := c.Read(b)
		all = append(all, b[:n]...)
		if r.Feed(b[:n]) != tlshello.Incomplete {
			return r.Answer(), all
		}
		if err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				return r.Answer(), all
			}
			r.Close()
			return r.Answer(), all
		}
	}
}

// ask sends an offer and fails the test where the answer violates it.
func (s server) ask(t *testing.T, o tlshello.Offer) *tlshello.Answer {
	t.Helper()
	h, err := o.Hello(chance())
	if err != nil {
		t.Fatal(err)
	}
	octets, err := h.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	a, all := s.exchange(t, octets)
	if v := h.Violations(a); len(v) != 0 {
		t.Errorf("%s violates the offer: %v", a, v)
	}
	sameInPieces(t, all, a)
	return a
}

// enumerate finds all suites of an offer that the server takes: it offers what
// is left until the server refuses.
func (s server) enumerate(t *testing.T, o tlshello.Offer) []tlshello.Suite {
	t.Helper()
	var found []tlshello.Suite
	for len(o.Suites) > 0 {
		a := s.ask(t, o)
		switch a.Outcome {
		case tlshello.Refused:
			return found
		case tlshello.Accepted:
			if a.Version() != o.Version {
				return found
			}
			found = append(found, a.Hello.Suite)
			o.Suites = slices.DeleteFunc(slices.Clone(o.Suites), func(x tlshello.Suite) bool { return x == a.Hello.Suite })
		default:
			t.Fatalf("after %d suites: %s", len(found), a)
		}
	}
	return found
}

func suite(t testing.TB, name string) tlshello.Suite {
	t.Helper()
	s, ok := tlshello.ParseSuite(name)
	if !ok {
		t.Fatalf("no suite %s", name)
	}
	return s
}

// sameInPieces feeds a recorded flight octet by octet and expects the same
// answer.
func sameInPieces(t testing.TB, flight []byte, want *tlshello.Answer) {
	t.Helper()
	var r tlshello.Reader
	for i := range flight {
		r.Feed(flight[i : i+1])
	}
	if want.Outcome == tlshello.Closed || want.Outcome == tlshello.Refused {
		r.Close()
	}
	if got, want := fmt.Sprintf("%+v", dump(r.Answer())), fmt.Sprintf("%+v", dump(want)); got != want {
		t.Errorf("octet by octet:\n%s\nat once:\n%s", got, want)
	}
}
