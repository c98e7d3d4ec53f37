package tlshello

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// ErrMalformed says that octets are not the message that they should be.
var ErrMalformed = errors.New("tlshello: malformed message")

// Compression is a compression method (RFC 3749).
type Compression uint8

// The methods that were ever used.
const (
	NoCompression Compression = 0
	Deflate       Compression = 1  // RFC 3749
	LZS           Compression = 64 // RFC 3943
)

func (c Compression) String() string {
	switch c {
	case NoCompression:
		return "NULL"
	case Deflate:
		return "DEFLATE"
	case LZS:
		return "LZS"
	default:
		return fmt.Sprintf("compression %d", uint8(c))
	}
}

// ClientHello is the first message of a client, as it goes over the wire in SSL
// 3.0 to TLS 1.3 (RFC 5246, Section 7.4.1.2; RFC 8446, Section 4.1.2). Nothing
// is added to it: [Offer] is the place for sensible defaults.
type ClientHello struct {
	// RecordVersion stands before each record. Zero: SSL 3.0 for a hello of that
	// version, otherwise TLS 1.0 (RFC 8446, Section 5.1).
	RecordVersion Version
	// Version is the highest version offered, at most TLS 1.2: TLS 1.3 is offered
	// by the extension supported_versions.
	Version     Version
	Random      [32]byte
	SessionID   []byte // at most 32 octets
	Suites      []Suite
	Compression []Compression // empty: [NoCompression]
	// Extensions in the order of the wire. Nil leaves out the whole field, as in
	// SSL 3.0.
	Extensions []Extension
}

const (
	maxFragment   = 1 << 14 // octets in a record in the clear, RFC 8446, Section 5.1
	recordHeader  = 5
	messageHeader = 4

	contentChangeCipherSpec = 20
	contentAlert            = 21
	contentHandshake        = 22

	messageClientHello = 1
)

// Marshal writes the hello as one record, or as several where it does not fit.
// The error says that a field is longer than the message has room for.
func (h *ClientHello) Marshal() ([]byte, error) {
	message, err := h.message()
	if err != nil {
		return nil, err
	}
	version := h.RecordVersion
	if version == 0 {
		version = max(SSL30, min(h.Version, TLS10))
	}
	out := make([]byte, 0, len(message)+recordHeader*(1+len(message)/maxFragment))
	for len(message) > 0 {
		n := min(len(message), maxFragment)
		out = append(out, contentHandshake, byte(version>>8), byte(version), byte(n>>8), byte(n))
		out = append(out, message[:n]...)
		message = message[n:]
	}
	return out, nil
}

// message is the handshake message without records.
func (h *ClientHello) message() ([]byte, error) {
	if len(h.SessionID) > 32 {
		return nil, fmt.Errorf("tlshello: session ID of %d octets: at most 32", len(h.SessionID))
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddUint8(messageClientHello)
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint16(uint16(h.Version))
		b.AddBytes(h.Random[:])
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(h.SessionID) })
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { addNumbers(b, h.Suites) })
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) {
			if len(h.Compression) == 0 {
				b.AddUint8(uint8(NoCompression))
			}
			for _, c := range h.Compression {
				b.AddUint8(uint8(c))
			}
		})
		if h.Extensions == nil {
			return
		}
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, e := range h.Extensions {
				b.AddUint16(uint16(e.Type))
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(e.Data) })
			}
		})
	})
	message, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("tlshello: a list of the hello is too long: %w", err)
	}
	return message, nil
}

// ParseClientHello reads what [ClientHello.Marshal] writes and what other
// clients send, in any number of records. The result does not share memory with
// octets. What follows the message is an error.
func ParseClientHello(octets []byte) (*ClientHello, error) {
	var message []byte
	h := &ClientHello{}
	for in := cryptobyte.String(octets); !in.Empty(); {
		var content uint8
		var version uint16
		var fragment cryptobyte.String
		if !in.ReadUint8(&content) || !in.ReadUint16(&version) || !in.ReadUint16LengthPrefixed(&fragment) ||
			content != contentHandshake || len(fragment) == 0 || len(fragment) > maxFragment {
			return nil, ErrMalformed
		}
		if message == nil {
			h.RecordVersion = Version(version)
		}
		message = append(message, fragment...)
	}
	s := cryptobyte.String(message)
	var kind uint8
	var body cryptobyte.String
	if !s.ReadUint8(&kind) || kind != messageClientHello || !s.ReadUint24LengthPrefixed(&body) || !s.Empty() || !h.read(body) {
		return nil, ErrMalformed
	}
	return h, nil
}

func (h *ClientHello) read(s cryptobyte.String) bool {
	var id, suites, methods cryptobyte.String
	if !s.ReadUint16((*uint16)(&h.Version)) || !s.CopyBytes(h.Random[:]) ||
		!s.ReadUint8LengthPrefixed(&id) || len(id) > 32 ||
		!s.ReadUint16LengthPrefixed(&suites) || !s.ReadUint8LengthPrefixed(&methods) || len(methods) == 0 {
		return false
	}
	h.SessionID = id
	var ok bool
	if h.Suites, ok = readNumbers[Suite](suites); !ok {
		return false
	}
	for _, m := range methods {
		h.Compression = append(h.Compression, Compression(m))
	}
	if s.Empty() {
		return true
	}
	h.Extensions, ok = readExtensions(&s)
	return ok && s.Empty()
}

// readExtensions reads the list of extensions, which may hold each type once
// (RFC 8446, Section 4.2). The result is never nil.
func readExtensions(s *cryptobyte.String) ([]Extension, bool) {
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) {
		return nil, false
	}
	out := []Extension{}
	seen := map[uint16]bool{}
	for !list.Empty() {
		var t uint16
		var data cryptobyte.String
		if !list.ReadUint16(&t) || !list.ReadUint16LengthPrefixed(&data) || seen[t] {
			return nil, false
		}
		seen[t] = true
		out = append(out, Extension{ExtensionType(t), data})
	}
	return out, true
}

// readNumbers reads 16-bit numbers to the end of s.
func readNumbers[T ~uint16](s cryptobyte.String) ([]T, bool) {
	if len(s)%2 != 0 {
		return nil, false
	}
	list := make([]T, 0, len(s)/2)
	for !s.Empty() {
		var x uint16
		s.ReadUint16(&x)
		list = append(list, T(x))
	}
	return list, true
}

func find(list []Extension, t ExtensionType) (cryptobyte.String, bool) {
	for _, e := range list {
		if e.Type == t {
			return e.Data, true
		}
	}
	return nil, false
}
