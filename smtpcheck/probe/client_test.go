package probe

import (
	"bytes"
	"crypto/rand"
	"io"
	"testing"

	"mailvet/smtpcheck/tlshello"
)

// script is a server that says what it has to say, whatever it hears.
type script struct{ io.Reader }

func (script) Write(b []byte) (int, error) { return len(b), nil }

// FuzzClient: no server can make the client panic, read on for ever, or believe
// that it renegotiated.
func FuzzClient(f *testing.F) {
	f.Add([]byte{22, 3, 3, 0, 4, 0, 0, 0, 0}, false)
	f.Add([]byte{21, 3, 3, 0, 2, 2, 40}, false)
	f.Add(bytes.Repeat([]byte{23, 3, 3, 0, 1, 0}, 5000), true)
	f.Add(append([]byte{20, 3, 3, 0, 1, 1}, bytes.Repeat([]byte{22, 3, 3, 0, 40}, 20)...), true)
	o := tlshello.Ask(tlshello.TLS12)
	f.Fuzz(func(t *testing.T, said []byte, protected bool) {
		c := &client{conn: script{bytes.NewReader(said)}, offered: tlshello.TLS12}
		if protected {
			suite, _ := cipherOf(tlshello.Suite(0xC02F).Traits())
			in, out, err := keys(tlshello.TLS12, suite, make([]byte, 48), make([]byte, 32), make([]byte, 32))
			if err != nil {
				t.Fatal(err)
			}
			c.in, c.out = in, out
			if n, _ := c.renegotiate(o, 3); n != 0 {
				t.Errorf("%d renegotiations", n)
			}
			return
		}
		hello, err := o.Marshal(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := c.handshake(hello); err == nil && a.Outcome == tlshello.Accepted {
			t.Errorf("a handshake was finished: %v", a)
		}
	})
}

// FuzzSecrets: octets under any secret are read without trust.
func FuzzSecrets(f *testing.F) {
	f.Add(uint16(0x1301), []byte{23, 3, 3, 0, 17, 0}, make([]byte, 32))
	f.Fuzz(func(t *testing.T, suite uint16, seen, secret []byte) {
		k := keyLog{handshake: secret, traffic: secret}
		k.read13(tlshello.Suite(suite), seen)
		for _, m := range messagesOf(seen) {
			if len(m) < 4 {
				t.Errorf("a message of %d octets", len(m))
			}
		}
		certificates13(seen)
		_, _ = k.Write(seen)
	})
}

// FuzzRecords: what is sealed opens again, and nothing else does.
func FuzzRecords(f *testing.F) {
	f.Add(uint16(0xC02F), uint16(0x0303), []byte("QUIT"))
	f.Add(uint16(0x002F), uint16(0x0301), []byte("QUIT"))
	f.Add(uint16(0xC028), uint16(0x0303), []byte{})
	f.Add(uint16(0xCCA8), uint16(0x0303), []byte("x"))
	f.Fuzz(func(t *testing.T, suite, version uint16, data []byte) {
		s, ok := cipherOf(tlshello.Suite(suite).Traits())
		v := tlshello.Version(version)
		if !ok || v < tlshello.TLS10 || v > tlshello.TLS12 || len(data) > 1<<14 {
			t.Skip()
		}
		_, ours, err := keys(v, s, make([]byte, 48), make([]byte, 32), make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		_, theirs, err := keys(v, s, make([]byte, 48), make([]byte, 32), make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			sealed, err := ours.seal(recordData, data)
			if err != nil {
				t.Fatal(err)
			}
			wrong := *theirs
			if changed := bytes.Clone(sealed); len(changed) > 0 {
				changed[len(changed)-1] ^= 0x80
				if got, err := wrong.open(recordData, changed); err == nil && bytes.Equal(got, data) && s.aead != nil {
					t.Error("a changed record was taken")
				}
			}
			if got, err := theirs.open(recordData, sealed); err != nil || !bytes.Equal(got, data) {
				t.Fatalf("%v: %x, want %x", err, got, data)
			}
		}
		_, _ = theirs.open(recordData, data)
	})
}

// Exim with GnuTLS answers the request for another handshake with a line of
// SMTP in the clear, and closes.
func TestRenegotiateClosed(t *testing.T) {
	for _, said := range []string{"421 mx.example.test lost input connection\r\n", ""} {
		c := &client{conn: script{bytes.NewReader([]byte(said))}, offered: tlshello.TLS12}
		suite, _ := cipherOf(tlshello.Suite(0xC02F).Traits())
		in, out, err := keys(tlshello.TLS12, suite, make([]byte, 48), make([]byte, 32), make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		c.in, c.out = in, out
		if n, err := c.renegotiate(tlshello.Ask(tlshello.TLS12), 3); n != 0 || err != nil {
			t.Errorf("%q: %d renegotiations, %v", said, n, err)
		}
	}
}
