package tlshello

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// CipherSpec is a cipher of SSL 2.0, of three octets. Those that begin with a
// zero octet are suites of SSL 3.0 and TLS (RFC 5246, Section E.2).
type CipherSpec uint32

// cipherSpecs are the ciphers of SSL 2.0, weakest last, with those that were
// only ever in SSLeay.
var cipherSpecs = []struct {
	spec CipherSpec
	name string
}{
	{0x0700C0, "SSL_CK_DES_192_EDE3_CBC_WITH_MD5"},
	{0x0701C0, "SSL_CK_DES_192_EDE3_CBC_WITH_SHA"},
	{0x050080, "SSL_CK_IDEA_128_CBC_WITH_MD5"},
	{0x030080, "SSL_CK_RC2_128_CBC_WITH_MD5"},
	{0x010080, "SSL_CK_RC4_128_WITH_MD5"},
	{0x080080, "SSL_CK_RC4_64_WITH_MD5"},
	{0x060040, "SSL_CK_DES_64_CBC_WITH_MD5"},
	{0x060140, "SSL_CK_DES_64_CBC_WITH_SHA"},
	{0x040080, "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5"},
	{0x020080, "SSL_CK_RC4_128_EXPORT40_WITH_MD5"},
	{0x000000, "SSL_CK_NULL_WITH_MD5"},
}

// CipherSpecs lists the ciphers of SSL 2.0 that a client may offer.
func CipherSpecs() []CipherSpec {
	var list []CipherSpec
	for _, row := range cipherSpecs {
		if row.spec != 0 { // also the number of TLS_NULL_WITH_NULL_NULL
			list = append(list, row.spec)
		}
	}
	return list
}

// String is the name of the SSL 2.0 specification, that of the suite for suites
// of TLS, and the number for others.
func (c CipherSpec) String() string {
	for _, row := range cipherSpecs {
		if row.spec == c {
			return row.name
		}
	}
	if c>>16 == 0 {
		return Suite(c).String()
	}
	return fmt.Sprintf("0x%06X", uint32(c))
}

// V2ClientHello is the CLIENT-HELLO of SSL 2.0. With Version [SSL20] it asks for
// SSL 2.0. With a later version, and suites of TLS among its Specs, it is the
// hello by which clients of the 1990s asked for all versions at once (RFC 5246,
// Section E.2): servers that allow no SSL 2.0 may still answer it, in TLS
// records.
type V2ClientHello struct {
	Version   Version
	Specs     []CipherSpec
	SessionID []byte // empty or 16 octets
	Challenge []byte // 16 to 32 octets
}

// SSL 2.0's message types and limits.
const (
	v2ErrorMessage = 0
	v2ClientHello  = 1
	v2ServerHello  = 4
	v2MaxRecord    = 1<<15 - 1
)

// Marshal writes the hello as one record.
func (h *V2ClientHello) Marshal() ([]byte, error) {
	if len(h.Challenge) < 16 || len(h.Challenge) > 32 {
		return nil, fmt.Errorf("tlshello: challenge of %d octets: 16 to 32 are allowed", len(h.Challenge))
	}
	if n := len(h.SessionID); n != 0 && n != 16 {
		return nil, fmt.Errorf("tlshello: SSL 2.0 session ID of %d octets: 0 or 16 are allowed", n)
	}
	length := 9 + 3*len(h.Specs) + len(h.SessionID) + len(h.Challenge)
	if length > v2MaxRecord {
		return nil, fmt.Errorf("tlshello: %d ciphers are too many for SSL 2.0", len(h.Specs))
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, 2+length))
	b.AddUint16(uint16(length) | 0x8000) // no padding
	b.AddUint8(v2ClientHello)
	b.AddUint16(uint16(h.Version))
	b.AddUint16(uint16(3 * len(h.Specs)))
	b.AddUint16(uint16(len(h.SessionID)))
	b.AddUint16(uint16(len(h.Challenge)))
	for _, c := range h.Specs {
		if c>>24 != 0 {
			return nil, fmt.Errorf("tlshello: %#x is no cipher of SSL 2.0: three octets", uint32(c))
		}
		b.AddUint24(uint32(c))
	}
	b.AddBytes(h.SessionID)
	b.AddBytes(h.Challenge)
	return b.Bytes()
}

// ParseV2ClientHello reads what [V2ClientHello.Marshal] writes. The result
// shares memory with octets.
func ParseV2ClientHello(octets []byte) (*V2ClientHello, error) {
	h := &V2ClientHello{}
	s := cryptobyte.String(octets)
	var length, specs, id, challenge uint16
	var kind uint8
	var list []byte
	if !s.ReadUint16(&length) || length&0x8000 == 0 || int(length&0x7FFF) != len(s) ||
		!s.ReadUint8(&kind) || kind != v2ClientHello || !s.ReadUint16((*uint16)(&h.Version)) ||
		!s.ReadUint16(&specs) || !s.ReadUint16(&id) || !s.ReadUint16(&challenge) ||
		!s.ReadBytes(&list, int(specs)) || !s.ReadBytes(&h.SessionID, int(id)) || !s.ReadBytes(&h.Challenge, int(challenge)) ||
		!s.Empty() || id != 0 && id != 16 || challenge < 16 || challenge > 32 {
		return nil, ErrMalformed
	}
	var ok bool
	if h.Specs, ok = readSpecs(list); !ok {
		return nil, ErrMalformed
	}
	return h, nil
}

// V2ServerHello is the SERVER-HELLO of SSL 2.0.
type V2ServerHello struct {
	SessionIDHit bool // the server goes on with an earlier session
	Version      Version
	Certificate  []byte // X.509 DER; SSL 2.0 knows no chain
	// Specs are the ciphers that both sides have: all of them, for the client
	// chooses. A server without any has SSL 2.0 switched on nevertheless.
	Specs        []CipherSpec
	ConnectionID []byte
}

// V2Error is an error of SSL 2.0.
type V2Error uint16

// The errors of the SSL 2.0 specification.
const (
	V2NoCipher                   V2Error = 1
	V2NoCertificate              V2Error = 2
	V2BadCertificate             V2Error = 4
	V2UnsupportedCertificateType V2Error = 6
)

func (e V2Error) String() string {
	switch e {
	case V2NoCipher:
		return "NO-CIPHER-ERROR"
	case V2NoCertificate:
		return "NO-CERTIFICATE-ERROR"
	case V2BadCertificate:
		return "BAD-CERTIFICATE-ERROR"
	case V2UnsupportedCertificateType:
		return "UNSUPPORTED-CERTIFICATE-TYPE-ERROR"
	default:
		return fmt.Sprintf("error %d", uint16(e))
	}
}

// readV2ServerHello reads the message after its type.
func readV2ServerHello(s cryptobyte.String) (*V2ServerHello, bool) {
	h := &V2ServerHello{}
	var hit, kind uint8
	var certificate, specs, id uint16
	var list []byte
	if !s.ReadUint8(&hit) || !s.ReadUint8(&kind) || !s.ReadUint16((*uint16)(&h.Version)) ||
		!s.ReadUint16(&certificate) || !s.ReadUint16(&specs) || !s.ReadUint16(&id) ||
		!s.ReadBytes(&h.Certificate, int(certificate)) || !s.ReadBytes(&list, int(specs)) || !s.ReadBytes(&h.ConnectionID, int(id)) ||
		!s.Empty() {
		return nil, false
	}
	h.SessionIDHit = hit != 0
	var ok bool
	h.Specs, ok = readSpecs(list)
	return h, ok
}

func readSpecs(list []byte) ([]CipherSpec, bool) {
	if len(list)%3 != 0 {
		return nil, false
	}
	var specs []CipherSpec
	for ; len(list) > 0; list = list[3:] {
		specs = append(specs, CipherSpec(list[0])<<16|CipherSpec(list[1])<<8|CipherSpec(list[2]))
	}
	return specs, true
}
