package tlshello

import (
	"golang.org/x/crypto/cryptobyte"
)

// ServerHello is the server's choice (RFC 5246, Section 7.4.1.3; RFC 8446,
// Section 4.1.3), or in TLS 1.3 its wish for another hello (HelloRetryRequest).
type ServerHello struct {
	// Version as it stands in the message: TLS 1.2 for TLS 1.3 too. See
	// [ServerHello.Negotiated].
	Version     Version
	Random      [32]byte
	SessionID   []byte
	Suite       Suite
	Compression Compression
	Extensions  []Extension // nil where the field is missing

	// Retry: this is a HelloRetryRequest (RFC 8446, Section 4.1.4). The server
	// speaks TLS 1.3 with Suite and wants a key share of Group.
	Retry  bool
	Group  Group  // TLS 1.3: the group of the key share, or the one wished for; 0 without
	Key    []byte // TLS 1.3: the server's public key in Group
	Cookie []byte // of a HelloRetryRequest, to be given back

	ExtendedMasterSecret bool
	EncryptThenMAC       bool
	SessionTicket        bool // the server will issue a ticket (up to TLS 1.2)
	StatusRequest        bool // the server will send an OCSP response (up to TLS 1.2)
	Heartbeat            bool
	ServerName           bool // the server has used the name it was given
	// SecureRenegotiation: the server knows RFC 5746. RenegotiationInfo is what
	// it sent: empty in a first handshake, else both sides' verify_data.
	SecureRenegotiation bool
	RenegotiationInfo   []byte
	ALPN                string
	PreSharedKey        bool // TLS 1.3: a pre-shared key was accepted
	selected            Version
}

// retryRandom is the Random by which a HelloRetryRequest is known: the SHA-256
// of "HelloRetryRequest" (RFC 8446, Section 4.1.3).
var retryRandom = [32]byte{
	0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
	0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
}

// Negotiated is the version that the server chose.
func (s *ServerHello) Negotiated() Version {
	if s.selected != 0 {
		return s.selected
	}
	return s.Version
}

// Has reports whether the hello carries an extension.
func (s *ServerHello) Has(t ExtensionType) bool {
	_, ok := find(s.Extensions, t)
	return ok
}

// Downgrade is the version to which the server says that it was brought down:
// it knows a later one, but the client's hello offered none (RFC 8446, Section
// 4.1.3). Zero where it does not say so. [TLS12] comes from servers that know
// TLS 1.3, [TLS11] (which stands for everything lower) from those that know TLS
// 1.2 too.
func (s *ServerHello) Downgrade() Version {
	switch string(s.Random[24:]) {
	case "DOWNGRD\x01":
		return TLS12
	case "DOWNGRD\x00":
		return TLS11
	default:
		return 0
	}
}

// readServerHello reads the body of the message.
func readServerHello(s cryptobyte.String) (*ServerHello, bool) {
	h := &ServerHello{}
	var id cryptobyte.String
	if !s.ReadUint16((*uint16)(&h.Version)) || !s.CopyBytes(h.Random[:]) ||
		!s.ReadUint8LengthPrefixed(&id) || len(id) > 32 ||
		!s.ReadUint16((*uint16)(&h.Suite)) || !s.ReadUint8((*uint8)(&h.Compression)) || h.Version>>8 != 3 {
		return nil, false
	}
	h.SessionID = id
	h.Retry = h.Random == retryRandom
	if s.Empty() {
		return h, !h.Retry
	}
	var ok bool
	if h.Extensions, ok = readExtensions(&s); !ok || !s.Empty() {
		return nil, false
	}
	for _, e := range h.Extensions {
		if !h.readExtension(e.Type, e.Data) {
			return nil, false
		}
	}
	if h.Retry && h.selected != TLS13 { // RFC 8446, Section 4.1.4
		return nil, false
	}
	return h, h.selected == 0 || h.selected >= TLS13 && h.Version == TLS12
}

func (s *ServerHello) readExtension(t ExtensionType, data cryptobyte.String) bool {
	switch t {
	case ServerNameExtension:
		s.ServerName = true
	case StatusRequestExtension:
		s.StatusRequest = true
	case HeartbeatExtension:
		s.Heartbeat = true
	case EncryptThenMACExtension:
		s.EncryptThenMAC = true
		return data.Empty()
	case ExtendedMasterSecretExtension:
		s.ExtendedMasterSecret = true
		return data.Empty()
	case SessionTicketExtension:
		s.SessionTicket = true
	case RenegotiationInfoExtension:
		s.SecureRenegotiation = true
		var info cryptobyte.String
		ok := data.ReadUint8LengthPrefixed(&info) && data.Empty()
		s.RenegotiationInfo = info
		return ok
	case ALPNExtension:
		list, ok := readALPN(data)
		if !ok || len(list) != 1 || list[0] == "" {
			return false
		}
		s.ALPN = list[0]
	case SupportedVersionsExtension:
		return data.ReadUint16((*uint16)(&s.selected)) && data.Empty()
	case CookieExtension:
		var cookie cryptobyte.String
		ok := data.ReadUint16LengthPrefixed(&cookie) && data.Empty() && len(cookie) > 0
		s.Cookie = cookie
		return ok
	case PreSharedKeyExtension:
		var identity uint16
		s.PreSharedKey = true
		return data.ReadUint16(&identity) && data.Empty()
	case KeyShareExtension:
		if s.Retry {
			return data.ReadUint16((*uint16)(&s.Group)) && data.Empty()
		}
		share, ok := readKeyShare(&data)
		s.Group, s.Key = share.Group, share.Key
		return ok && data.Empty()
	}
	return true
}

// CertificateRequest is the server's wish for a certificate of the client (RFC
// 5246, Section 7.4.4).
type CertificateRequest struct {
	Types       []byte            // ClientCertificateType
	Schemes     []SignatureScheme // TLS 1.2
	Authorities [][]byte          // DER of names
}

func readCertificateRequest(s cryptobyte.String, v Version) (*CertificateRequest, bool) {
	r := &CertificateRequest{}
	var types, schemes, names cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&types) {
		return nil, false
	}
	r.Types = types
	if v == TLS12 {
		var ok bool
		if !s.ReadUint16LengthPrefixed(&schemes) {
			return nil, false
		}
		if r.Schemes, ok = readNumbers[SignatureScheme](schemes); !ok {
			return nil, false
		}
	}
	if !s.ReadUint16LengthPrefixed(&names) || !s.Empty() {
		return nil, false
	}
	for !names.Empty() {
		var name cryptobyte.String
		if !names.ReadUint16LengthPrefixed(&name) {
			return nil, false
		}
		r.Authorities = append(r.Authorities, name)
	}
	return r, true
}

// readCertificates reads the list of certificates, leaf first (RFC 5246,
// Section 7.4.2). What is in each is not looked at.
func readCertificates(s cryptobyte.String) ([][]byte, bool) {
	var list cryptobyte.String
	if !s.ReadUint24LengthPrefixed(&list) || !s.Empty() {
		return nil, false
	}
	certificates := [][]byte{}
	for !list.Empty() {
		var der cryptobyte.String
		if !list.ReadUint24LengthPrefixed(&der) || len(der) == 0 || len(certificates) == MaxCertificates {
			return nil, false
		}
		certificates = append(certificates, der)
	}
	return certificates, true
}

// readStatus reads the OCSP response of a CertificateStatus (RFC 6066, Section
// 8).
func readStatus(s cryptobyte.String) ([]byte, bool) {
	var kind uint8
	var response cryptobyte.String
	ok := s.ReadUint8(&kind) && kind == 1 && s.ReadUint24LengthPrefixed(&response) && s.Empty() && len(response) > 0
	return response, ok
}
