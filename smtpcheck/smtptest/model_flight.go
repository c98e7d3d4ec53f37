package smtptest

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"

	"mailvet/smtpcheck/tlshello"
)

// flight is a server's first flight without keys.
func (m *Model) flight(c choice, h *tlshello.ClientHello, chain [][]byte) []byte {
	var out []byte
	add := func(kind byte, body func(b *cryptobyte.Builder)) {
		b := cryptobyte.NewBuilder(nil)
		b.AddUint8(kind)
		b.AddUint24LengthPrefixed(body)
		message := b.BytesOrPanic()
		v := min(c.version, tlshello.TLS12)
		for len(message) > 0 {
			n := min(len(message), 1<<14)
			out = append(out, 22, byte(v>>8), byte(v), byte(n>>8), byte(n))
			out = append(out, message[:n]...)
			message = message[n:]
		}
	}
	add(2, func(b *cryptobyte.Builder) { m.serverHello(b, c, h) })
	if c.version == tlshello.TLS13 {
		return out
	}
	if chain != nil {
		add(11, func(b *cryptobyte.Builder) {
			b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
				for _, der := range chain {
					b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(der) })
				}
			})
		})
	}
	t := c.suite.Traits()
	if t.KeyExchange == tlshello.DHE || t.KeyExchange == tlshello.ECDHE || t.KeyExchange == tlshello.RSA && t.Export {
		add(12, func(b *cryptobyte.Builder) { m.keyExchange(b, c, t) })
	}
	add(14, func(*cryptobyte.Builder) {})
	return out
}

func (m *Model) serverHello(b *cryptobyte.Builder, c choice, h *tlshello.ClientHello) {
	b.AddUint16(uint16(min(c.version, tlshello.TLS12)))
	random := make([]byte, 32)
	if c.version == tlshello.TLS13 { // RFC 8446, Section 4.1.3: a HelloRetryRequest
		random = []byte{
			0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
			0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
		}
	}
	b.AddBytes(random)
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) {
		if c.version == tlshello.TLS13 {
			b.AddBytes(h.SessionID)
		}
	})
	b.AddUint16(uint16(c.suite))
	b.AddUint8(uint8(c.compression))
	if c.version == tlshello.SSL30 {
		return
	}
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		add := func(t tlshello.ExtensionType, data ...byte) {
			b.AddUint16(uint16(t))
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(data) })
		}
		if c.version == tlshello.TLS13 {
			add(tlshello.SupportedVersionsExtension, 3, 4)
			add(tlshello.KeyShareExtension, byte(c.group>>8), byte(c.group))
			return
		}
		if !m.NoMasterSecret && h.Has(tlshello.ExtendedMasterSecretExtension) {
			add(tlshello.ExtendedMasterSecretExtension)
		}
		if !m.NoSecureRenegotiation && h.Has(tlshello.RenegotiationInfoExtension) {
			add(tlshello.RenegotiationInfoExtension, 0)
		}
	})
}

func (m *Model) keyExchange(b *cryptobyte.Builder, c choice, t tlshello.Traits) {
	number := func(n []byte) { b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(n) }) }
	switch t.KeyExchange {
	case tlshello.ECDHE:
		b.AddUint8(3)
		b.AddUint16(uint16(c.group))
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(make([]byte, 32)) })
	case tlshello.DHE:
		prime, generator := m.Prime, m.Generator
		if prime == nil {
			prime = bytes.Repeat([]byte{0xFF}, 128)
		}
		if generator == nil {
			generator = []byte{2}
		}
		number(prime)
		number(generator)
		number(prime)
	default: // a temporary key of 512 bits
		number(bytes.Repeat([]byte{0xFF}, 64))
		number([]byte{1, 0, 1})
	}
	if t.Anonymous() {
		return
	}
	if c.version == tlshello.TLS12 {
		b.AddUint16(uint16(c.scheme))
	}
	number(make([]byte, 64))
}
