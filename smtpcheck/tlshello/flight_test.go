package tlshello_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"mailvet/smtpcheck/tlshello"
)

// recorded reads a flight of testdata.
func recorded(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "#") {
			digits.WriteString(strings.TrimSpace(line))
		}
	}
	octets, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

func TestRecordedFlights(t *testing.T) {
	for name, want := range map[string]struct {
		version tlshello.Version
		suite   string
		check   func(*tlshello.ServerKeyExchange) bool
	}{
		"ssl30-rsa-export": {tlshello.SSL30, "TLS_RSA_EXPORT_WITH_RC4_40_MD5", func(k *tlshello.ServerKeyExchange) bool { return k.RSA != nil && k.RSA.Bits() == 512 }},
		"ssl30-dhe-export": {tlshello.SSL30, "TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA", func(k *tlshello.ServerKeyExchange) bool {
			return k.DH != nil && k.DH.Bits() == 512 && k.DH.Name() == ""
		}},
		"tls10-rsa-export": {tlshello.TLS10, "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", func(k *tlshello.ServerKeyExchange) bool { return k.RSA != nil && k.RSA.Bits() == 512 }},
	} {
		flight := recorded(t, name)
		a := tlshello.ReadFlight(flight, false)
		if a.Outcome != tlshello.Accepted || a.Version() != want.version || a.Hello.Suite.String() != want.suite || a.Octets != len(flight) || len(a.Certificates) != 1 {
			t.Errorf("%s: %s, %d octets of %d", name, a, a.Octets, len(flight))
			continue
		}
		if k := a.KeyExchange; k == nil || !want.check(k) || k.Hash != tlshello.MD5SHA1 || k.Algorithm != tlshello.RSAPKCS1 || k.Scheme != 0 || len(k.Signature) != 128 {
			t.Errorf("%s: %+v", name, k)
		}
		sameInPieces(t, flight, a)
	}
}

// The flights below are made by hand: what no server at hand will say.

// handshakeMessage is one message; f writes its body.
func handshakeMessage(kind uint8, f func(*cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	b.AddUint8(kind)
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { f(b) })
	return b.BytesOrPanic()
}

func recordOf(kind uint8, octets ...byte) []byte {
	return append([]byte{kind, 3, 1, byte(len(octets) >> 8), byte(len(octets))}, octets...)
}

// fatal is an alert that ends all.
func fatal(d tlshello.AlertDescription) []byte { return recordOf(21, 2, byte(d)) }

func warning(d tlshello.AlertDescription) []byte { return recordOf(21, 1, byte(d)) }

func serverHello(v tlshello.Version, s tlshello.Suite, extensions ...tlshello.Extension) []byte {
	return serverHelloWith(v, make([]byte, 32), s, 0, extensions)
}

func serverHelloWith(v tlshello.Version, random []byte, s tlshello.Suite, c tlshello.Compression, extensions []tlshello.Extension) []byte {
	return handshakeMessage(2, func(b *cryptobyte.Builder) {
		b.AddUint16(uint16(v))
		b.AddBytes(random)
		b.AddUint8(0)
		b.AddUint16(uint16(s))
		b.AddUint8(uint8(c))
		if extensions == nil {
			return
		}
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, e := range extensions {
				b.AddUint16(uint16(e.Type))
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(e.Data) })
			}
		})
	})
}

func certificates(ders ...string) []byte {
	return handshakeMessage(11, func(b *cryptobyte.Builder) {
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, der := range ders {
				b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(der)) })
			}
		})
	})
}

func keyExchange(octets ...byte) []byte {
	return handshakeMessage(12, func(b *cryptobyte.Builder) { b.AddBytes(octets) })
}

func helloDone() []byte { return handshakeMessage(14, func(*cryptobyte.Builder) {}) }

// vec writes octets behind a length of two octets.
func vec(octets ...byte) []byte {
	return append([]byte{byte(len(octets) >> 8), byte(len(octets))}, octets...)
}

func join(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// v2Hello is a SERVER-HELLO of SSL 2.0.
func v2Hello(certificate string, specs []byte) []byte {
	body := join([]byte{4, 0, 1, 0, 2, 0, byte(len(certificate)), 0, byte(len(specs)), 0, 16}, []byte(certificate), specs, make([]byte, 16))
	return append([]byte{0x80 | byte(len(body)>>8), byte(len(body))}, body...)
}
