package tlshello

import "golang.org/x/crypto/cryptobyte"

// SessionTicket is the message NewSessionTicket of TLS 1.3 (RFC 8446, Section
// 4.6.1), by which a client may come back. It travels encrypted after the
// handshake: whoever can finish a handshake has to decrypt it first.
type SessionTicket struct {
	Lifetime   uint32 // seconds, at most seven days
	AgeAdd     uint32
	Nonce      []byte
	Ticket     []byte
	Extensions []Extension
	// EarlyData: the client may send data before the handshake is finished
	// (0-RTT), up to MaxEarlyData octets (RFC 8446, Section 4.2.10).
	EarlyData    bool
	MaxEarlyData uint32
}

const messageNewSessionTicket = 4

// ParseSessionTicket reads the handshake message, header included. The result
// shares memory with message.
func ParseSessionTicket(message []byte) (*SessionTicket, error) {
	t := &SessionTicket{}
	s := cryptobyte.String(message)
	var kind uint8
	var body, nonce, ticket cryptobyte.String
	if !s.ReadUint8(&kind) || kind != messageNewSessionTicket || !s.ReadUint24LengthPrefixed(&body) || !s.Empty() ||
		!body.ReadUint32(&t.Lifetime) || !body.ReadUint32(&t.AgeAdd) || !body.ReadUint8LengthPrefixed(&nonce) ||
		!body.ReadUint16LengthPrefixed(&ticket) || len(ticket) == 0 {
		return nil, ErrMalformed
	}
	t.Nonce, t.Ticket = nonce, ticket
	var ok bool
	if t.Extensions, ok = readExtensions(&body); !ok || !body.Empty() {
		return nil, ErrMalformed
	}
	if data, found := find(t.Extensions, EarlyDataExtension); found {
		t.EarlyData = true
		if !data.ReadUint32(&t.MaxEarlyData) || !data.Empty() {
			return nil, ErrMalformed
		}
	}
	return t, nil
}
