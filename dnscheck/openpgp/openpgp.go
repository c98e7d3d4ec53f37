// Package openpgp reads what a transferable public key says of itself (RFC
// 9580, Section 10.1; before it RFC 4880): the version, algorithm and age of
// its primary key, its user IDs, and whether it has a revocation or an end.
//
// Nothing is verified here. A key that comes from a Web Key Directory or an
// OPENPGPKEY record is only described; whoever encrypts to it lets an
// implementation of OpenPGP judge it. That is why this is no such
// implementation: the packets' frames and four of their kinds are enough, and
// everything is bounded.
package openpgp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of what is read.
const (
	MaxSize    = 1 << 20 // octets of a key
	maxPackets = 5000
	maxUserIDs = 50
	maxUserID  = 300 // octets of one
)

// Key is what a key says of itself.
type Key struct {
	Version   int // of the primary key: 3, 4, 5 or 6
	Algorithm Algorithm
	Created   time.Time
	Expires   time.Time // the end that the newest self-signature of all names; zero if none does
	Revoked   bool      // the primary key carries a revocation
	UserIDs   []string  // as they are, bounded, valid UTF-8
}

// Algorithm is that of a public key (RFC 9580, Section 9.1).
type Algorithm uint8

// String is the algorithm's name.
func (a Algorithm) String() string {
	switch a {
	case 1, 2, 3:
		return "RSA"
	case 16:
		return "Elgamal"
	case 17:
		return "DSA"
	case 18:
		return "ECDH"
	case 19:
		return "ECDSA"
	case 22:
		return "EdDSA"
	case 25:
		return "X25519"
	case 26:
		return "X448"
	case 27:
		return "Ed25519"
	case 28:
		return "Ed448"
	}
	return fmt.Sprintf("algorithm %d", uint8(a))
}

// Why octets are no key.
var (
	ErrArmor  = errors.New("openpgp: the key is in ASCII armor, where it must be binary")
	ErrNoKey  = errors.New("openpgp: no OpenPGP public key")
	ErrBroken = errors.New("openpgp: the packets are broken")
)

// Tags of packets (RFC 9580, Section 5).
const (
	tagSignature = 2
	tagPublicKey = 6
	tagUserID    = 13
)

// Parse reads the first key. The error wraps one of the above.
func Parse(data []byte) (*Key, error) {
	if strings.HasPrefix(strings.TrimLeft(string(data[:min(len(data), 100)]), " \r\n"), "-----BEGIN PGP") {
		return nil, ErrArmor
	}
	var k *Key
	var newest time.Time
	for n := 0; len(data) > 0; n++ {
		tag, body, rest, err := packet(data)
		switch {
		case err != nil && k == nil, n > maxPackets:
			return nil, fmt.Errorf("%w: %w", ErrNoKey, ErrBroken)
		case err != nil:
			return nil, err
		}
		data = rest
		switch {
		case tag == tagPublicKey && k != nil:
			return k, nil // the next key
		case tag == tagPublicKey:
			if k, err = primary(body); err != nil {
				return nil, err
			}
		case k == nil:
			return nil, ErrNoKey
		case tag == tagUserID && len(k.UserIDs) < maxUserIDs:
			k.UserIDs = append(k.UserIDs, strings.ToValidUTF8(string(body[:min(len(body), maxUserID)]), string(utf8.RuneError)))
		case tag == tagSignature:
			k.signature(body, &newest)
		}
	}
	if k == nil {
		return nil, ErrNoKey
	}
	return k, nil
}

// packet cuts the first packet off (RFC 9580, Section 4.2). Partial lengths,
// which keys must not have, are refused.
func packet(data []byte) (tag int, body, rest []byte, err error) {
	if data[0]&0x80 == 0 || len(data) < 2 {
		return 0, nil, nil, ErrBroken
	}
	head, length := 2, 0
	if data[0]&0x40 != 0 {
		tag = int(data[0] & 0x3f)
		length, head = newLength(data[1:])
		head++
	} else {
		tag = int(data[0] >> 2 & 0xf)
		size := 1 << (data[0] & 3)
		if size == 8 || len(data) < 1+size {
			return 0, nil, nil, ErrBroken
		}
		head = 1 + size
		for _, o := range data[1:head] {
			length = length<<8 | int(o)
		}
	}
	if head < 2 || length < 0 || length > len(data)-head {
		return 0, nil, nil, ErrBroken
	}
	return tag, data[head : head+length], data[head+length:], nil
}

// newLength reads a length of one, two or five octets, of packets and of
// subpackets alike but for 224 to 254: partial lengths for the one, two octets
// for the other. The second result is its size; 0 if it cannot be read.
func newLength(b []byte) (length, size int) {
	switch {
	case len(b) >= 1 && b[0] < 192:
		return int(b[0]), 1
	case len(b) >= 2 && b[0] < 224:
		return (int(b[0])-192)<<8 + int(b[1]) + 192, 2
	case len(b) >= 5 && b[0] == 255:
		return int(binary.BigEndian.Uint32(b[1:])), 5
	}
	return -1, 0
}

// primary reads a public key packet (RFC 9580, Section 5.5.2).
func primary(b []byte) (*Key, error) {
	if len(b) < 8 {
		return nil, ErrBroken
	}
	k := &Key{Version: int(b[0]), Created: time.Unix(int64(binary.BigEndian.Uint32(b[1:])), 0).UTC()}
	switch k.Version {
	case 2, 3:
		k.Algorithm = Algorithm(b[7])
		if days := binary.BigEndian.Uint16(b[5:]); days > 0 {
			k.Expires = k.Created.AddDate(0, 0, int(days))
		}
	case 4, 5, 6:
		k.Algorithm = Algorithm(b[5])
	default:
		return nil, fmt.Errorf("%w: version %d", ErrNoKey, k.Version)
	}
	return k, nil
}

// Types of signatures (RFC 9580, Section 5.2.1) and of subpackets (5.2.3.7).
const (
	sigCertLow, sigCertHigh = 0x10, 0x13
	sigDirect               = 0x1f
	sigKeyRevocation        = 0x20
	subCreated              = 2
	subKeyExpires           = 9
)

// signature reads when a self-signature lets the key end, or that it revokes
// the key.
func (k *Key) signature(b []byte, newest *time.Time) {
	if len(b) < 2 || b[0] < 4 {
		return
	}
	kind := b[1]
	switch {
	case kind == sigKeyRevocation:
		k.Revoked = true
		return
	case (kind < sigCertLow || kind > sigCertHigh) && kind != sigDirect:
		return
	}
	var created, ends time.Time
	for id, data := range subpackets(b) {
		if len(data) != 4 {
			continue
		}
		switch seconds := binary.BigEndian.Uint32(data); {
		case id == subCreated:
			created = time.Unix(int64(seconds), 0).UTC()
		case id == subKeyExpires && seconds > 0:
			ends = k.Created.Add(time.Duration(seconds) * time.Second)
		}
	}
	// Others' certifications say nothing of this and are mostly newer; they
	// are left out where they name no end and one is known.
	if ends.IsZero() && !k.Expires.IsZero() || created.Before(*newest) {
		return
	}
	*newest, k.Expires = created, ends
}

// subpackets yields the hashed subpackets of a signature of version 4 or later.
func subpackets(b []byte) func(func(byte, []byte) bool) {
	return func(yield func(byte, []byte) bool) {
		size := 2
		if b[0] == 6 {
			size = 4
		}
		if len(b) < 4+size {
			return
		}
		n := 0
		for _, o := range b[4 : 4+size] {
			n = n<<8 | int(o)
		}
		b := b[4+size:]
		if n < 0 || n > len(b) {
			return
		}
		for b = b[:n]; len(b) > 0; {
			length, head := newLength(b)
			if head == 0 && len(b) >= 2 && b[0] < 255 { // 224 to 254
				length, head = (int(b[0])-192)<<8+int(b[1])+192, 2
			}
			if head == 0 || length < 1 || length > len(b)-head {
				return
			}
			body := b[head : head+length]
			if !yield(body[0]&0x7f, body[1:]) {
				return
			}
			b = b[head+length:]
		}
	}
}

// Has reports whether a user ID names an address: alone, or in angle brackets
// at the end. Case does not matter.
func (k *Key) Has(address string) bool {
	for _, id := range k.UserIDs {
		if i := strings.LastIndexByte(id, '<'); i >= 0 {
			id = strings.TrimSuffix(strings.TrimSpace(id[i+1:]), ">")
		}
		if strings.EqualFold(strings.TrimSpace(id), address) {
			return true
		}
	}
	return false
}
