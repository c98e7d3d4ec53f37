package probe_test

import (
	"crypto/tls"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/smtptest"
	"mailvet/smtpcheck/tlshello"
)

// TestGradeHostile: no server can hang, exhaust or crash it.
func TestGradeHostile(t *testing.T) {
	record := func(kind byte, n int) []byte {
		return append([]byte{kind, 3, 3, byte(n >> 8), byte(n)}, make([]byte, n)...)
	}
	noise := make([]byte, 4096)
	rand.NewChaCha8([32]byte{7}).Read(noise)
	for name, flood := range map[string]*smtptest.Flood{
		"noise":                 {Octets: noise},
		"noise with a pause":    {Octets: noise, Pause: time.Second},
		"zeros":                 {Octets: make([]byte, 4096)},
		"tiny records":          {Octets: record(22, 1)},
		"empty records":         {Octets: record(22, 0)},
		"one octet a second":    {Octets: []byte{22}, Pause: time.Second},
		"warnings":              {Octets: []byte{21, 3, 3, 0, 2, 1, 90}},
		"a message of 16 MB":    {Octets: append([]byte{22, 3, 3, 0x40, 0, 2, 0xFF, 0xFF, 0xFF}, make([]byte, 1<<14-4)...)},
		"hello requests":        {Octets: []byte{22, 3, 3, 0, 4, 0, 0, 0, 0}},
		"SMTP":                  {Octets: []byte("250 what\r\n")},
		"SSL 2.0":               {Octets: append([]byte{0xFF, 0xFF, 4}, make([]byte, 4096)...)},
		"application data":      {Octets: record(23, 1000)},
		"change of cipher spec": {Octets: []byte{20, 3, 3, 0, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			r, took := graded(t, &smtptest.Server{TLS: conf, Flood: flood}, func(_ *network, p *probe.Prober) { p.Retries = 1 })
			if took > 10*time.Minute {
				t.Errorf("took %v", took)
			}
			if x := r.Session.TLS; x != nil {
				for _, v := range x.Versions {
					if v.Answer.Known() {
						t.Errorf("something is known: %s", summary(r))
						break
					}
				}
			}
		})
	}
	t.Run("in TLS 1.2, after the handshake", func(t *testing.T) {
		c := conf.Clone()
		c.MaxVersion = tls.VersionTLS12
		r, _ := graded(t, &smtptest.Server{TLS: c, Script: map[smtptest.Step]smtptest.Reply{smtptest.EHLOTLS: {Endless: strings.Repeat("250-x\r\n", 100)}}}, nil)
		if x := r.Session.TLS; x == nil || !x.Complete {
			t.Errorf("%s", summary(r))
		}
	})
}

// TestGradeHostileInside: nor behind a ServerHello of TLS 1.3, in the clear or
// encrypted.
func TestGradeHostileInside(t *testing.T) {
	noise := make([]byte, 4096)
	rand.NewChaCha8([32]byte{8}).Read(noise)
	sealed := func(octets ...byte) *smtptest.Flood { return &smtptest.Flood{Octets: append(octets, 22)} }
	for _, test := range []struct {
		name           string
		inside, behind *smtptest.Flood
	}{
		{name: "noise", behind: &smtptest.Flood{Octets: noise}},
		{name: "noise with a pause", behind: &smtptest.Flood{Octets: noise, Pause: time.Second}},
		{name: "one octet a second", behind: &smtptest.Flood{Octets: []byte{23}, Pause: time.Second}},
		{name: "silence", behind: &smtptest.Flood{Pause: time.Hour}},
		{name: "an end", behind: &smtptest.Flood{Octets: []byte{23, 3}, Limit: 1}},
		{name: "change of cipher spec", behind: &smtptest.Flood{Octets: []byte{20, 3, 3, 0, 1, 1}}},
		{name: "records that cannot be decrypted", behind: &smtptest.Flood{Octets: append([]byte{23, 3, 3, 1, 0}, noise[:256]...)}},
		{name: "an oversized record", behind: &smtptest.Flood{Octets: append([]byte{23, 3, 3, 0xFF, 0xFF}, noise...)}},
		{name: "an alert in the clear", behind: &smtptest.Flood{Octets: []byte{21, 3, 3, 0, 2, 2, 40}, Limit: 1}},
		{name: "tiny records", inside: sealed(8)},
		{name: "tiny records with a pause", inside: &smtptest.Flood{Octets: []byte{8, 22}, Pause: time.Second}},
		{name: "empty records", inside: sealed()},
		{name: "nothing but padding", inside: &smtptest.Flood{Octets: make([]byte, 100)}},
		{name: "a message of 16 MB", inside: sealed(append([]byte{8, 0xFF, 0xFF, 0xFF}, noise...)...)},
		{name: "endless extensions", inside: sealed(append([]byte{8, 3, 0, 0}, noise...)...)},
		{name: "random extensions", inside: sealed(append([]byte{8, 0, 16, 0}, noise...)...)},
		{name: "requests for certificates", inside: sealed(13, 0, 0, 0)},
		{name: "extensions over and over", inside: sealed(8, 0, 0, 2, 0, 0)},
		{name: "warnings", inside: &smtptest.Flood{Octets: []byte{1, 90, 21}}},
		{name: "half an alert", inside: &smtptest.Flood{Octets: []byte{1, 21}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := &smtptest.Model{Versions: modernVersions[1:], Suites: suitesNamed(t, "AES_256_GCM_SHA384", "AES_128_GCM_SHA256"),
				Groups: []tlshello.Group{tlshello.X25519, tlshello.SECP256R1}, Inside: test.inside, Behind: test.behind}
			r, took := graded(t, &smtptest.Server{TLS: both, Model: m}, func(_ *network, p *probe.Prober) { p.Retries = 1 })
			x := r.Session.TLS
			if took > time.Minute || x == nil || x.Version("TLS 1.3").Answer != evidence.Accepted || r.Opened > 14 {
				t.Fatalf("took %v: %s", took, summary(r))
			}
			for _, g := range x.Groups {
				if g.Answer == evidence.Accepted && g.Name != "x25519" && g.Name != "secp256r1" {
					t.Errorf("%s is accepted, they say", g.Name)
				}
			}
			if x.Certificates[1].Answer == evidence.Accepted {
				t.Error("a certificate came, they say")
			}
		})
	}
}
