package probe

import (
	"bytes"
	"crypto"
	"crypto/cipher"
	"crypto/hkdf"
	"encoding/hex"
	"errors"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/cryptobyte"

	"mailvet/smtpcheck/tlshello"
)

// maxSeen bounds how much of the first handshake is kept to be read once more.
const maxSeen = 256 << 10

// keyLog takes the secrets of a handshake by crypto/tls, in the format of
// SSLKEYLOGFILE, so that what it leaves untold can be read from the octets: the
// certificates where it cannot parse them, the signature scheme, and whether
// session tickets allow 0-RTT.
type keyLog struct {
	handshake, traffic []byte // of the server, TLS 1.3
}

func (k *keyLog) Write(line []byte) (int, error) {
	if f := bytes.Fields(line); len(f) == 3 {
		secret, err := hex.DecodeString(string(f[2]))
		switch string(f[0]) {
		case "SERVER_HANDSHAKE_TRAFFIC_SECRET":
			k.handshake = secret
		case "SERVER_TRAFFIC_SECRET_0":
			k.traffic = secret
		}
		if err != nil {
			return 0, err
		}
	}
	return len(line), nil
}

// reading is what the octets of a server in TLS 1.3 hold.
type reading struct {
	certificates [][]byte
	scheme       tlshello.SignatureScheme
	tickets      []*tlshello.SessionTicket
}

// read13 reads all that the server sent under the secrets. What cannot be read
// is left out.
func (k *keyLog) read13(suite tlshello.Suite, seen []byte) reading {
	var r reading
	records := protected(seen)
	for _, m := range messagesOf(decrypt13(suite, k.handshake, records)) {
		body := cryptobyte.String(m[4:])
		switch m[0] {
		case messageCertificate:
			r.certificates = certificates13(body)
		case 15: // CertificateVerify
			body.ReadUint16((*uint16)(&r.scheme))
		}
	}
	for _, m := range messagesOf(decrypt13(suite, k.traffic, records)) {
		if t, err := tlshello.ParseSessionTicket(m); err == nil {
			r.tickets = append(r.tickets, t)
		}
	}
	return r
}

// protected lists the encrypted records, header included.
func protected(b []byte) [][]byte {
	var list [][]byte
	for len(b) >= 5 {
		n := 5 + int(b[3])<<8 + int(b[4])
		if n > len(b) {
			break
		}
		if b[0] == recordData {
			list = append(list, b[:n])
		}
		b = b[n:]
	}
	return list
}

// decrypt13 decrypts the records that were made under a secret (RFC 8446,
// Section 5.2), which follow each other, and returns their handshake octets.
func decrypt13(suite tlshello.Suite, secret []byte, records [][]byte) []byte {
	if len(secret) == 0 {
		return nil
	}
	aead, iv, err := open13(suite, secret)
	if err != nil {
		return nil
	}
	var out []byte
	seq := uint64(0)
	for _, record := range records {
		nonce := bytes.Clone(iv)
		for i := range 8 {
			nonce[len(nonce)-1-i] ^= byte(seq >> (8 * i))
		}
		plain, err := aead.Open(nil, nonce, record[5:], record[:5])
		if err != nil {
			if seq > 0 {
				break
			}
			continue
		}
		seq++
		plain = bytes.TrimRight(plain, "\x00")
		if n := len(plain) - 1; n >= 0 && plain[n] == recordHandshake {
			out = append(out, plain[:n]...)
		}
	}
	return out
}

func open13(suite tlshello.Suite, secret []byte) (cipher.AEAD, []byte, error) {
	hash, size, aead := crypto.SHA256, 16, gcm
	switch suite.String() {
	case "TLS_AES_128_GCM_SHA256":
	case "TLS_AES_256_GCM_SHA384":
		hash, size = crypto.SHA384, 32
	case "TLS_CHACHA20_POLY1305_SHA256":
		size, aead = 32, chacha20poly1305.New
	default:
		return nil, nil, errors.New("probe: no such cipher")
	}
	expand := func(label string, n int) ([]byte, error) {
		label = "tls13 " + label
		info := append([]byte{byte(n >> 8), byte(n), byte(len(label))}, label...)
		return hkdf.Expand(hash.New, secret, string(append(info, 0)), n)
	}
	key, err := expand("key", size)
	if err != nil {
		return nil, nil, err
	}
	iv, err := expand("iv", 12)
	if err != nil {
		return nil, nil, err
	}
	a, err := aead(key)
	return a, iv, err
}

// messagesOf cuts handshake octets into messages, header included.
func messagesOf(b []byte) [][]byte {
	var list [][]byte
	for len(b) >= 4 {
		n := 4 + int(b[1])<<16 + int(b[2])<<8 + int(b[3])
		if n > len(b) {
			break
		}
		list = append(list, b[:n])
		b = b[n:]
	}
	return list
}

// certificates13 reads the Certificate message of TLS 1.3 (RFC 8446, Section
// 4.4.2).
func certificates13(s cryptobyte.String) [][]byte {
	var context, list cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&context) || !s.ReadUint24LengthPrefixed(&list) {
		return nil
	}
	var ders [][]byte
	for !list.Empty() && len(ders) < tlshello.MaxCertificates {
		var der, extensions cryptobyte.String
		if !list.ReadUint24LengthPrefixed(&der) || !list.ReadUint16LengthPrefixed(&extensions) {
			return nil
		}
		ders = append(ders, bytes.Clone(der))
	}
	return ders
}
