package probe

import (
	"crypto"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"

	"mailvet/smtpcheck/tlshello"
)

// cipher13 is a suite of TLS 1.3 that the prober can decrypt.
type cipher13 struct {
	hash crypto.Hash
	key  int // octets
	aead func(key []byte) (cipher.AEAD, error)
}

var errCipher = errors.New("probe: no such cipher")

// cipher13Of is false for suites with CCM, which few prefer, and with what is
// used in one country only.
func cipher13Of(s tlshello.Suite) (cipher13, bool) {
	switch s.String() {
	case "TLS_AES_128_GCM_SHA256":
		return cipher13{crypto.SHA256, 16, gcm}, true
	case "TLS_AES_256_GCM_SHA384":
		return cipher13{crypto.SHA384, 32, gcm}, true
	case "TLS_CHACHA20_POLY1305_SHA256":
		return cipher13{crypto.SHA256, 32, chacha20poly1305.New}, true
	}
	return cipher13{}, false
}

func hash13(h crypto.Hash, messages []byte) []byte {
	x := h.New()
	x.Write(messages)
	return x.Sum(nil)
}

// expand13 is HKDF-Expand-Label (RFC 8446, Section 7.1).
func expand13(h crypto.Hash, secret []byte, label string, context []byte, n int) ([]byte, error) {
	label = "tls13 " + label
	info := append([]byte{byte(n >> 8), byte(n), byte(len(label))}, label...)
	info = append(append(info, byte(len(context))), context...)
	return hkdf.Expand(h.New, secret, string(info), n)
}

// secrets13 derives the secrets of a handshake in TLS 1.3, server's and client's,
// from what the key exchange gave both, and the hash of the messages ClientHello
// and ServerHello (RFC 8446, Section 7.1).
func secrets13(h crypto.Hash, shared, hellos []byte) (server, client []byte, err error) {
	size := h.Size()
	early, err := hkdf.Extract(h.New, make([]byte, size), make([]byte, size)) // no pre-shared key
	if err != nil {
		return nil, nil, err
	}
	derived, err := expand13(h, early, "derived", hash13(h, nil), size)
	if err != nil {
		return nil, nil, err
	}
	handshake, err := hkdf.Extract(h.New, shared, derived)
	if err != nil {
		return nil, nil, err
	}
	if server, err = expand13(h, handshake, "s hs traffic", hellos, size); err != nil {
		return nil, nil, err
	}
	client, err = expand13(h, handshake, "c hs traffic", hellos, size)
	return server, client, err
}

// traffic13 protects the records of one direction (RFC 8446, Section 5.2).
type traffic13 struct {
	aead cipher.AEAD
	iv   []byte
	seq  uint64
}

func newTraffic13(suite tlshello.Suite, secret []byte) (*traffic13, error) {
	c, ok := cipher13Of(suite)
	if !ok || len(secret) == 0 {
		return nil, errCipher
	}
	key, err := expand13(c.hash, secret, "key", nil, c.key)
	if err != nil {
		return nil, err
	}
	t := &traffic13{}
	if t.iv, err = expand13(c.hash, secret, "iv", nil, 12); err != nil {
		return nil, err
	}
	t.aead, err = c.aead(key)
	return t, err
}

func (t *traffic13) nonce() []byte {
	n := slices.Clone(t.iv)
	for i := range 8 {
		n[len(n)-1-i] ^= byte(t.seq >> (8 * i))
	}
	return n
}

// open decrypts a record, header included, and returns its type and content. The
// record counts only if that works.
func (t *traffic13) open(record []byte) (kind byte, content []byte, err error) {
	plain, err := t.aead.Open(nil, t.nonce(), record[5:], record[:5])
	if err != nil {
		return 0, nil, errRecord
	}
	t.seq++
	n := len(plain) - 1
	for n >= 0 && plain[n] == 0 { // padding
		n--
	}
	if n < 0 {
		return 0, nil, errRecord
	}
	return plain[n], plain[:n], nil
}

// seal makes a record.
func (t *traffic13) seal(kind byte, content []byte) []byte {
	n := len(content) + 1 + t.aead.Overhead()
	header := []byte{recordData, 3, 3, byte(n >> 8), byte(n)}
	record := t.aead.Seal(header, t.nonce(), append(slices.Clone(content), kind), header)
	t.seq++
	return record
}

// curves13 are the groups that the prober can exchange keys in. Those that a
// server hardly prefers to others stand first.
var curves13 = []tlshello.Group{tlshello.SECP384R1, tlshello.SECP521R1, tlshello.SECP256R1, tlshello.X25519}

func curveOf(g tlshello.Group) ecdh.Curve {
	switch g {
	case tlshello.X25519:
		return ecdh.X25519()
	case tlshello.SECP256R1:
		return ecdh.P256()
	case tlshello.SECP384R1:
		return ecdh.P384()
	case tlshello.SECP521R1:
		return ecdh.P521()
	}
	return nil
}

// shares are key shares, with the keys to them.
type shares map[tlshello.Group]*ecdh.PrivateKey

// newShares makes keys for groups of curves13.
func newShares(groups []tlshello.Group) (shares, []tlshello.KeyShare, error) {
	keys := shares{}
	var list []tlshello.KeyShare
	for _, g := range groups {
		key, err := curveOf(g).GenerateKey(rand.Reader)
		if err != nil {
			return nil, nil, fmt.Errorf("probe: a key for %s: %w", g, err)
		}
		keys[g] = key
		list = append(list, tlshello.KeyShare{Group: g, Key: key.PublicKey().Bytes()})
	}
	return keys, list, nil
}

// agree computes the shared secret with the server's key.
func (s shares) agree(h *tlshello.ServerHello) ([]byte, error) {
	key := s[h.Group]
	if key == nil {
		return nil, fmt.Errorf("probe: no key in %s", h.Group)
	}
	theirs, err := key.Curve().NewPublicKey(h.Key)
	if err != nil {
		return nil, err
	}
	return key.ECDH(theirs)
}
