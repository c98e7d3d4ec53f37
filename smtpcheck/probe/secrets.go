package probe

import (
	"bytes"
	"encoding/hex"

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
	groups       []tlshello.Group // the server's own list, where it sent one
}

// read13 reads all that the server sent under the secrets. What cannot be read
// is left out.
func (k *keyLog) read13(suite tlshello.Suite, seen []byte) reading {
	var r reading
	records := protected(seen)
	for _, m := range messagesOf(decrypt13(suite, k.handshake, records)) {
		body := cryptobyte.String(m[4:])
		switch m[0] {
		case messageEncryptedExtensions:
			if e, err := tlshello.ParseEncryptedExtensions(m); err == nil {
				r.groups = e.Groups
			}
		case messageCertificate:
			r.certificates = certificates13(body)
		case messageCertificateVerify:
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

// decrypt13 decrypts the records that were made under a secret, which follow each
// other, and returns their handshake octets.
func decrypt13(suite tlshello.Suite, secret []byte, records [][]byte) []byte {
	traffic, err := newTraffic13(suite, secret)
	if err != nil {
		return nil
	}
	var out []byte
	for _, record := range records {
		kind, content, err := traffic.open(record)
		if err != nil {
			if traffic.seq > 0 {
				break
			}
			continue
		}
		if kind == recordHandshake {
			out = append(out, content...)
		}
	}
	return out
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
