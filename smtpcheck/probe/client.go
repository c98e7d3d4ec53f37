package probe

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/big"

	"golang.org/x/crypto/chacha20poly1305"

	"mailvet/smtpcheck/tlshello"
)

// suiteCipher is what the record layer needs of a suite up to TLS 1.2 (RFC 5246,
// Section 6.2.3).
type suiteCipher struct {
	key, mac, iv int // octets of each key, of the MAC's key, and of the fixed part of the nonce
	aead         func(key []byte) (cipher.AEAD, error)
	explicit     bool             // 8 octets of the nonce stand in the record
	hash         func() hash.Hash // of the MAC, with a block cipher
	prf          crypto.Hash      // in TLS 1.2
}

func gcm(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}

// cipherOf reports whether the client knows the cipher of a suite.
func cipherOf(t tlshello.Traits) (suiteCipher, bool) {
	c := suiteCipher{prf: crypto.SHA256}
	switch t.Cipher {
	case "AES_128_GCM":
		c.key, c.iv, c.aead, c.explicit = 16, 4, gcm, true
	case "AES_256_GCM":
		c.key, c.iv, c.aead, c.explicit, c.prf = 32, 4, gcm, true, crypto.SHA384
	case "CHACHA20_POLY1305":
		c.key, c.iv, c.aead = 32, 12, chacha20poly1305.New
	case "AES_128_CBC", "AES_256_CBC":
		c.key = 16
		if t.Cipher == "AES_256_CBC" {
			c.key = 32
		}
		switch t.MAC {
		case "SHA":
			c.mac, c.hash = sha1.Size, sha1.New
		case "SHA256":
			c.mac, c.hash = sha256.Size, sha256.New
		case "SHA384":
			c.mac, c.hash, c.prf = sha512.Size384, sha512.New384, crypto.SHA384
		default:
			return c, false
		}
	default:
		return c, false
	}
	return c, true
}

// half is one direction of the record layer.
type half struct {
	version tlshello.Version
	suite   suiteCipher
	aead    cipher.AEAD
	block   cipher.Block
	fixed   []byte // nonce
	macKey  []byte
	iv      []byte // TLS 1.0: the last block of the record before
	seq     uint64
}

func (h *half) on() bool { return h != nil && (h.aead != nil || h.block != nil) }

func (h *half) header(kind byte, length int) []byte {
	b := make([]byte, 0, 13)
	for i := 7; i >= 0; i-- {
		b = append(b, byte(h.seq>>(8*i)))
	}
	return append(b, kind, byte(h.version>>8), byte(h.version), byte(length>>8), byte(length))
}

func (h *half) nonce(explicit []byte) []byte {
	if h.suite.explicit {
		return append(bytes.Clone(h.fixed), explicit...)
	}
	n := bytes.Clone(h.fixed)
	for i := range 8 {
		n[len(n)-1-i] ^= byte(h.seq >> (8 * i))
	}
	return n
}

func (h *half) mac(kind byte, data []byte) []byte {
	m := hmac.New(h.suite.hash, h.macKey)
	m.Write(h.header(kind, len(data)))
	m.Write(data)
	return m.Sum(nil)
}

func (h *half) seal(kind byte, data []byte) ([]byte, error) {
	defer func() { h.seq++ }()
	if h.aead != nil {
		var explicit []byte
		if h.suite.explicit {
			explicit = h.header(kind, 0)[:8]
		}
		return h.aead.Seal(explicit, h.nonce(explicit), data, h.header(kind, len(data))), nil
	}
	plain := append(bytes.Clone(data), h.mac(kind, data)...)
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	plain = append(plain, bytes.Repeat([]byte{byte(pad - 1)}, pad)...)
	iv, out := h.iv, []byte(nil)
	if h.version >= tlshello.TLS11 {
		iv = make([]byte, aes.BlockSize)
		if _, err := rand.Read(iv); err != nil {
			return nil, err
		}
		out = bytes.Clone(iv)
	}
	cipher.NewCBCEncrypter(h.block, iv).CryptBlocks(plain, plain)
	h.iv = plain[len(plain)-aes.BlockSize:]
	return append(out, plain...), nil
}

var errRecord = errors.New("a record that cannot be decrypted")

func (h *half) open(kind byte, data []byte) ([]byte, error) {
	defer func() { h.seq++ }()
	if h.aead != nil {
		var explicit []byte
		if h.suite.explicit {
			if len(data) < 8 {
				return nil, errRecord
			}
			explicit, data = data[:8], data[8:]
		}
		if len(data) < h.aead.Overhead() {
			return nil, errRecord
		}
		return h.aead.Open(nil, h.nonce(explicit), data, h.header(kind, len(data)-h.aead.Overhead()))
	}
	iv := h.iv
	if h.version >= tlshello.TLS11 {
		if len(data) < aes.BlockSize {
			return nil, errRecord
		}
		iv, data = data[:aes.BlockSize], data[aes.BlockSize:]
	}
	if len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, errRecord
	}
	h.iv = bytes.Clone(data[len(data)-aes.BlockSize:])
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(h.block, iv).CryptBlocks(plain, data)
	n := len(plain) - int(plain[len(plain)-1]) - 1 - h.suite.mac
	// Nothing secret travels here: a quick refusal tells nobody anything.
	if n < 0 || !hmac.Equal(h.mac(kind, plain[:n]), plain[n:n+h.suite.mac]) {
		return nil, errRecord
	}
	return plain[:n], nil
}

// prf is the pseudorandom function (RFC 5246, Section 5; RFC 2246, Section 5).
func prf(v tlshello.Version, h crypto.Hash, secret []byte, label string, seed []byte, n int) []byte {
	seed = append([]byte(label), seed...)
	if v >= tlshello.TLS12 {
		return expand(h.New, secret, seed, n)
	}
	half := (len(secret) + 1) / 2
	out := expand(md5.New, secret[:half], seed, n)
	for i, b := range expand(sha1.New, secret[len(secret)-half:], seed, n) {
		out[i] ^= b
	}
	return out
}

func expand(h func() hash.Hash, secret, seed []byte, n int) []byte {
	sum := func(parts ...[]byte) []byte {
		m := hmac.New(h, secret)
		for _, p := range parts {
			m.Write(p)
		}
		return m.Sum(nil)
	}
	var out []byte
	for a := sum(seed); len(out) < n; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:n]
}

// digest is the hash of the handshake messages for a Finished.
func digest(v tlshello.Version, h crypto.Hash, messages []byte) []byte {
	if v >= tlshello.TLS12 {
		x := h.New()
		x.Write(messages)
		return x.Sum(nil)
	}
	m, s := md5.Sum(messages), sha1.Sum(messages)
	return append(m[:], s[:]...)
}

// agree makes the premaster secret, and the body of the ClientKeyExchange that
// tells it to the server (RFC 5246, Section 7.4.7).
func agree(a *tlshello.Answer, offered tlshello.Version) (secret, body []byte, err error) {
	k := a.KeyExchange
	switch exchange := a.Hello.Suite.Traits().KeyExchange; {
	case exchange == tlshello.ECDHE && k != nil && k.Curve != nil:
		return agreeCurve(k.Curve)
	case exchange == tlshello.DHE && k != nil && k.DH != nil:
		return agreeField(k.DH)
	case exchange == tlshello.RSA && len(a.Certificates) > 0:
		return agreeRSA(a.Certificates[0], offered)
	}
	return nil, nil, fmt.Errorf("no key exchange for %s", a.Hello.Suite)
}

func agreeCurve(c *tlshello.CurveParameters) (secret, body []byte, err error) {
	curves := map[tlshello.Group]ecdh.Curve{tlshello.X25519: ecdh.X25519(), tlshello.SECP256R1: ecdh.P256(), tlshello.SECP384R1: ecdh.P384(), tlshello.SECP521R1: ecdh.P521()}
	curve := curves[c.Group]
	if curve == nil {
		return nil, nil, fmt.Errorf("no key exchange in %s", c.Group)
	}
	theirs, err := curve.NewPublicKey(c.Point)
	if err != nil {
		return nil, nil, err
	}
	ours, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if secret, err = ours.ECDH(theirs); err != nil {
		return nil, nil, err
	}
	point := ours.PublicKey().Bytes()
	return secret, append([]byte{byte(len(point))}, point...), nil
}

// maxField bounds the work that a server can make this side do.
const (
	maxField = 8192
	maxRSA   = 16384
)

func agreeField(d *tlshello.DHParameters) (secret, body []byte, err error) {
	p, g, y := new(big.Int).SetBytes(d.Prime), new(big.Int).SetBytes(d.Generator), new(big.Int).SetBytes(d.Public)
	if p.BitLen() < 16 || p.BitLen() > maxField || p.Bit(0) == 0 || y.Sign() == 0 || y.Cmp(p) >= 0 || g.Cmp(p) >= 0 {
		return nil, nil, errors.New("no key exchange with these parameters")
	}
	exponent := make([]byte, 32)
	if _, err := rand.Read(exponent); err != nil {
		return nil, nil, err
	}
	x := new(big.Int).SetBytes(exponent)
	// RFC 5246, Section 8.1.2: leading zeros of the secret are left out.
	secret = new(big.Int).Exp(y, x, p).Bytes()
	public := new(big.Int).Exp(g, x, p).FillBytes(make([]byte, (p.BitLen()+7)/8))
	return secret, append([]byte{byte(len(public) >> 8), byte(len(public))}, public...), nil
}

func agreeRSA(der []byte, offered tlshello.Version) (secret, body []byte, err error) {
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	key, ok := leaf.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, nil, errors.New("the certificate has no RSA key")
	}
	secret = make([]byte, 48)
	if _, err := io.ReadFull(rand.Reader, secret); err != nil {
		return nil, nil, err
	}
	secret[0], secret[1] = byte(offered>>8), byte(offered)
	sealed, err := sealRSA(key, secret)
	if err != nil {
		return nil, nil, err
	}
	return secret, append([]byte{byte(len(sealed) >> 8), byte(len(sealed))}, sealed...), nil
}

// sealRSA encrypts as RFC 8017, Section 7.2.1 has it. crypto/rsa does that no
// longer, nor with short keys, for it is unsafe; but it is what such servers
// speak, and the secret protects nothing here.
func sealRSA(key *rsa.PublicKey, secret []byte) ([]byte, error) {
	size := (key.N.BitLen() + 7) / 8
	if size < len(secret)+11 || key.N.BitLen() > maxRSA {
		return nil, fmt.Errorf("no key exchange with an RSA key of %d bits", key.N.BitLen())
	}
	block := make([]byte, size)
	padding := block[2 : size-len(secret)-1]
	if _, err := io.ReadFull(rand.Reader, padding); err != nil {
		return nil, err
	}
	for i := range padding {
		padding[i] |= 1 // none is zero
	}
	block[1] = 2
	copy(block[size-len(secret):], secret)
	m := new(big.Int).SetBytes(block)
	return m.Exp(m, big.NewInt(int64(key.E)), key.N).FillBytes(block), nil
}
