package smtptest

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/tls"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/cryptobyte"

	"mailvet/smtpcheck/tlshello"
)

// kind13 is the kind of the certificate for a hello of TLS 1.3; empty without.
func (m *Model) kind13(h *tlshello.ClientHello, conf *tls.Config) string {
	for _, c := range conf.Certificates {
		kind := kindOfKey(c)
		for _, s := range h.SignatureSchemes() {
			rsa := s.Algorithm() == tlshello.RSAPSS
			ecdsa := s.Algorithm() == tlshello.ECDSA || s.Algorithm() == tlshello.EdDSA
			if kind == "RSA" && rsa || kind == "ECDSA" && ecdsa || m.WrongKind {
				return kind
			}
		}
	}
	return ""
}

// groupsFor lists the groups in the order in which the model tries them.
func (m *Model) groupsFor(v tlshello.Version, h *tlshello.ClientHello) []tlshello.Group {
	if v != tlshello.TLS13 || !m.TellGroups {
		return m.Groups
	}
	var first []tlshello.Group
	for _, s := range h.KeyShares() {
		if slices.Contains(m.Groups, s.Group) {
			first = append(first, s.Group)
		}
	}
	return append(first, m.Groups...)
}

var curves = map[tlshello.Group]ecdh.Curve{
	tlshello.X25519: ecdh.X25519(), tlshello.SECP256R1: ecdh.P256(), tlshello.SECP384R1: ecdh.P384(), tlshello.SECP521R1: ecdh.P521(),
}

// flight13 answers a hello of TLS 1.3 that brings a key for the group chosen: a
// ServerHello, and encrypted as much of what follows as the question is about.
// It is false where it cannot.
func (d *dialogue) flight13(m *Model, c choice, h *tlshello.ClientHello, hello []byte) bool {
	at := slices.IndexFunc(h.KeyShares(), func(s tlshello.KeyShare) bool { return s.Group == c.group })
	curve := curves[c.group]
	if at < 0 || curve == nil || len(hello) < 5 {
		return false
	}
	theirs, err := curve.NewPublicKey(h.KeyShares()[at].Key)
	if err != nil {
		return false
	}
	key, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		return false
	}
	shared, err := key.ECDH(theirs)
	if err != nil {
		return false
	}
	message := handshake(2, func(b *cryptobyte.Builder) { serverHello13(b, c, h, key.PublicKey().Bytes()) })
	d.write(string(append([]byte{22, 3, 3, byte(len(message) >> 8), byte(len(message))}, message...)))
	switch seal := sealer(c.suite, shared, append(slices.Clone(hello[5:]), message...)); {
	case m.Behind != nil:
		d.flood(m.Behind)
	case seal == nil: // a suite that is only a name here
	case m.Inside != nil:
		for sent := 0; m.Inside.Limit == 0 || sent < m.Inside.Limit; sent += len(m.Inside.Octets) {
			if !d.write(string(seal(m.Inside.Octets))) || !d.sleep(m.Inside.Pause) {
				return true
			}
		}
	case c.kind == "":
		d.write(string(seal([]byte{byte(tlshello.Fatal), byte(tlshello.HandshakeFailure), 21})))
		return true
	default:
		d.write(string(seal(append(m.extensions13(c), 22))))
		chain := handshake(11, func(b *cryptobyte.Builder) { certificate13(b, chainFor(d.s.TLS, c.kind)) })
		for len(chain) > 0 { // in small records
			n := min(len(chain), 500)
			d.write(string(seal(append(slices.Clone(chain[:n]), 22))))
			chain = chain[n:]
		}
	}
	d.hush(Reply{})
	return true
}

func handshake(kind byte, body func(*cryptobyte.Builder)) []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddUint8(kind)
	b.AddUint24LengthPrefixed(body)
	return b.BytesOrPanic()
}

func serverHello13(b *cryptobyte.Builder, c choice, h *tlshello.ClientHello, public []byte) {
	b.AddUint16(uint16(tlshello.TLS12))
	b.AddBytes(make([]byte, 32))
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(h.SessionID) })
	b.AddUint16(uint16(c.suite))
	b.AddUint8(0)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint16(uint16(tlshello.SupportedVersionsExtension))
		b.AddBytes([]byte{0, 2, 3, 4})
		b.AddUint16(uint16(tlshello.KeyShareExtension))
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			b.AddUint16(uint16(c.group))
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(public) })
		})
	})
}

func (m *Model) extensions13(c choice) []byte {
	return handshake(8, func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			if m.TellGroups && c.group != m.Groups[0] {
				e := tlshello.SupportedGroups(m.Groups...)
				b.AddUint16(uint16(e.Type))
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(e.Data) })
			}
		})
	})
}

func certificate13(b *cryptobyte.Builder, chain [][]byte) {
	b.AddUint8(0)
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, der := range chain {
			b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(der) })
			b.AddUint16(0)
		}
	})
}

// sealer makes records of the server's handshake traffic (RFC 8446, Sections 5.2
// and 7.1); nil for suites that it does not know.
func sealer(suite tlshello.Suite, shared, hellos []byte) func(inner []byte) []byte {
	hash, size, aead := crypto.SHA256, 16, func(key []byte) (cipher.AEAD, error) {
		b, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewGCM(b)
	}
	switch uint16(suite) {
	case tls.TLS_AES_128_GCM_SHA256:
	case tls.TLS_AES_256_GCM_SHA384:
		hash, size = crypto.SHA384, 32
	case tls.TLS_CHACHA20_POLY1305_SHA256:
		size, aead = 32, chacha20poly1305.New
	default:
		return nil
	}
	must := func(b []byte, err error) []byte {
		if err != nil {
			panic(err)
		}
		return b
	}
	digest := func(b []byte) []byte {
		x := hash.New()
		x.Write(b)
		return x.Sum(nil)
	}
	label := func(secret []byte, label string, context []byte, n int) []byte {
		b := cryptobyte.NewBuilder(nil)
		b.AddUint16(uint16(n))
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte("tls13 " + label)) })
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(context) })
		return must(hkdf.Expand(hash.New, secret, string(b.BytesOrPanic()), n))
	}
	zero := make([]byte, hash.Size())
	early := must(hkdf.Extract(hash.New, zero, zero))
	secret := must(hkdf.Extract(hash.New, shared, label(early, "derived", digest(nil), hash.Size())))
	secret = label(secret, "s hs traffic", digest(hellos), hash.Size())
	a, err := aead(label(secret, "key", nil, size))
	if err != nil {
		panic(err)
	}
	iv, seq := label(secret, "iv", nil, 12), 0
	return func(inner []byte) []byte {
		nonce := slices.Clone(iv)
		for i := range 4 {
			nonce[len(nonce)-1-i] ^= byte(seq >> (8 * i))
		}
		seq++
		n := len(inner) + a.Overhead()
		header := []byte{23, 3, 3, byte(n >> 8), byte(n)}
		return a.Seal(header, nonce, inner, header)
	}
}
