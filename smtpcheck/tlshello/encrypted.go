package tlshello

import (
	"golang.org/x/crypto/cryptobyte"
)

// EncryptedExtensions is the message that follows the ServerHello of TLS 1.3
// (RFC 8446, Section 4.3.1), the first that is encrypted: whoever reads it has
// made a key exchange.
type EncryptedExtensions struct {
	Extensions []Extension
	// Groups are those that the server says that it supports, best first, whether
	// the client named them or not (RFC 8446, Section 4.2.7). OpenSSL says so only
	// where it likes another better than the one in use, Java always, most others
	// never. Reserved numbers (RFC 8701) are left out. Nil without the extension.
	Groups []Group
	ALPN   string
}

const messageEncryptedExtensions = 8

// MaxGroups bounds the list of groups of [EncryptedExtensions]: longer ones are
// malformed. There are some sixty groups.
const MaxGroups = 256

// ParseEncryptedExtensions reads the handshake message, header included. The
// result shares memory with message.
func ParseEncryptedExtensions(message []byte) (*EncryptedExtensions, error) {
	e := &EncryptedExtensions{}
	s := cryptobyte.String(message)
	var kind uint8
	var body cryptobyte.String
	if !s.ReadUint8(&kind) || kind != messageEncryptedExtensions || !s.ReadUint24LengthPrefixed(&body) || !s.Empty() {
		return nil, ErrMalformed
	}
	var ok bool
	if e.Extensions, ok = readExtensions(&body); !ok || !body.Empty() {
		return nil, ErrMalformed
	}
	if data, found := find(e.Extensions, SupportedGroupsExtension); found {
		var list cryptobyte.String
		if !data.ReadUint16LengthPrefixed(&list) || !data.Empty() || list.Empty() || len(list) > 2*MaxGroups {
			return nil, ErrMalformed
		}
		groups, ok := readNumbers[Group](list)
		if !ok {
			return nil, ErrMalformed
		}
		e.Groups = []Group{}
		for _, g := range groups {
			if !reserved(uint16(g)) {
				e.Groups = append(e.Groups, g)
			}
		}
	}
	if data, found := find(e.Extensions, ALPNExtension); found {
		list, ok := readALPN(data)
		if !ok || len(list) != 1 {
			return nil, ErrMalformed
		}
		e.ALPN = list[0]
	}
	return e, nil
}

// reserved reports whether a number means nothing (RFC 8701, Section 2).
func reserved(n uint16) bool { return n&0x0F0F == 0x0A0A && n>>8 == n&0xFF }
