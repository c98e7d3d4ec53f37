package smtptest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"strings"
	"testing"

	"mailvet/smtpcheck/smtptest"
	"mailvet/smtpcheck/tlshello"
)

// hello asks a server one question after STARTTLS.
func hello(t *testing.T, s *smtptest.Server, octets []byte) *tlshello.Answer {
	t.Helper()
	client, server := smtptest.Pipe()
	defer client.Close()
	go s.Serve(t.Context(), server)
	if _, err := io.WriteString(client, "STARTTLS\r\n"); err != nil {
		t.Fatal(err)
	}
	for lines := 0; lines < 2; {
		var b [1]byte
		if _, err := client.Read(b[:]); err != nil {
			t.Fatal(err)
		}
		if b[0] == '\n' {
			lines++
		}
	}
	if _, err := client.Write(octets); err != nil {
		t.Fatal(err)
	}
	var r tlshello.Reader
	buf := make([]byte, 1000)
	for r.Answer().Outcome == tlshello.Incomplete {
		n, err := client.Read(buf)
		r.Feed(buf[:n])
		if err != nil {
			r.Close()
		}
	}
	return r.Answer()
}

func TestModel(t *testing.T) {
	chance := bytes.NewReader(make([]byte, 1000))
	ask := func(v tlshello.Version, suites ...tlshello.Suite) []byte {
		o := tlshello.Ask(v, suites...)
		b, err := o.Marshal(chance)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	v2, err := tlshello.AskV2([16]byte{}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	const rc4, gcm, x13 = tlshello.Suite(0x0004), tlshello.Suite(0xC02F), tlshello.Suite(0x1304)
	all := tlshello.Versions()
	for _, test := range []struct {
		name  string
		model smtptest.Model
		hello []byte
		want  string
	}{
		{"a suite that crypto/tls does not have", smtptest.Model{Versions: all, Suites: []tlshello.Suite{rc4}}, ask(tlshello.TLS10), "accepted TLS 1.0 TLS_RSA_WITH_RC4_128_MD5"},
		{"one that it has", smtptest.Model{Versions: all, Suites: []tlshello.Suite{gcm}, Groups: []tlshello.Group{tlshello.X25519}}, ask(tlshello.TLS12), "accepted TLS 1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
		{"no group in common", smtptest.Model{Versions: all, Suites: []tlshello.Suite{gcm}}, ask(tlshello.TLS12), "refused: fatal handshake_failure"},
		{"no version in common", smtptest.Model{Versions: all[5:], Suites: []tlshello.Suite{gcm}}, ask(tlshello.TLS12), "refused: fatal protocol_version"},
		{"TLS 1.3", smtptest.Model{Versions: all, Suites: []tlshello.Suite{x13}, Groups: []tlshello.Group{tlshello.X448}}, ask(tlshello.TLS13), "accepted TLS 1.3 TLS_AES_128_CCM_SHA256, wants group x448"},
		{"SSL 2.0", smtptest.Model{Versions: all, Specs: []tlshello.CipherSpec{0x010080}}, v2, "accepted SSL 2.0 with 1 ciphers"},
		{"no SSL 2.0", smtptest.Model{Versions: all[1:]}, v2, "refused: fatal protocol_version"},
		{"closes", smtptest.Model{Refusal: smtptest.RefuseByClose}, ask(tlshello.TLS12), "closed"},
		{"oddly", smtptest.Model{Refusal: smtptest.RefuseOddly}, ask(tlshello.TLS12), "refused: fatal internal_error"},
		{"too long", smtptest.Model{Versions: all, Suites: []tlshello.Suite{rc4}, MaxSuites: 20}, ask(tlshello.TLS12), "closed"},
		{"short enough", smtptest.Model{Versions: all, Suites: []tlshello.Suite{rc4}, MaxSuites: 20}, ask(tlshello.TLS11, rc4), "accepted TLS 1.1 TLS_RSA_WITH_RC4_128_MD5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			conf := smtptest.Config(smtptest.NewCA("Model", now).Issue(smtptest.Leaf{Key: smtptest.RSA2048}))
			if got := hello(t, &smtptest.Server{TLS: conf, Model: &test.model}, test.hello).String(); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// ExampleModel: what crypto/tls can speak is spoken to the end.
func ExampleModel() {
	s := &smtptest.Server{
		TLS:   smtptest.Config(smtptest.NewCA("Model", now).Issue(smtptest.Leaf{})),
		Model: &smtptest.Model{Versions: []tlshello.Version{tlshello.TLS12}, Suites: []tlshello.Suite{0xC02C}, Groups: []tlshello.Group{tlshello.X25519}},
	}
	conn, _ := s.Dial(context.Background(), "tcp", "192.0.2.25:25")
	fmt.Fprint(conn, "STARTTLS\r\n")
	var said strings.Builder
	for strings.Count(said.String(), "\n") < 2 {
		_, _ = io.CopyN(&said, conn, 1)
	}
	c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	fmt.Println(c.Handshake(), tls.CipherSuiteName(c.ConnectionState().CipherSuite))
	// Output: <nil> TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
}
