package tlshello

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// ExtensionType is a number of IANA's registry "TLS ExtensionType Values".
type ExtensionType uint16

// The extensions that are written or read here.
const (
	ServerNameExtension           ExtensionType = 0      // RFC 6066, Section 3
	StatusRequestExtension        ExtensionType = 5      // RFC 6066, Section 8
	SupportedGroupsExtension      ExtensionType = 10     // RFC 8422, Section 5.1.1; RFC 8446, Section 4.2.7
	PointFormatsExtension         ExtensionType = 11     // RFC 8422, Section 5.1.2
	SignatureAlgorithmsExtension  ExtensionType = 13     // RFC 8446, Section 4.2.3
	HeartbeatExtension            ExtensionType = 15     // RFC 6520; read, never written
	ALPNExtension                 ExtensionType = 16     // RFC 7301
	SCTExtension                  ExtensionType = 18     // RFC 6962, Section 3.3.1
	PaddingExtension              ExtensionType = 21     // RFC 7685
	EncryptThenMACExtension       ExtensionType = 22     // RFC 7366
	ExtendedMasterSecretExtension ExtensionType = 23     // RFC 7627
	SessionTicketExtension        ExtensionType = 35     // RFC 5077
	PreSharedKeyExtension         ExtensionType = 41     // RFC 8446, Section 4.2.11
	EarlyDataExtension            ExtensionType = 42     // RFC 8446, Section 4.2.10
	SupportedVersionsExtension    ExtensionType = 43     // RFC 8446, Section 4.2.1
	CookieExtension               ExtensionType = 44     // RFC 8446, Section 4.2.2
	PSKModesExtension             ExtensionType = 45     // RFC 8446, Section 4.2.9
	CertSignaturesExtension       ExtensionType = 50     // RFC 8446, Section 4.2.3
	KeyShareExtension             ExtensionType = 51     // RFC 8446, Section 4.2.8
	RenegotiationInfoExtension    ExtensionType = 0xFF01 // RFC 5746, Section 3.2
)

// extensions are the names of IANA's registry that servers send or are sent.
var extensions = []struct {
	code ExtensionType
	name string
}{
	{ServerNameExtension, "server_name"}, {1, "max_fragment_length"}, {2, "client_certificate_url"}, {3, "trusted_ca_keys"}, {4, "truncated_hmac"},
	{StatusRequestExtension, "status_request"}, {6, "user_mapping"}, {7, "client_authz"}, {8, "server_authz"}, {9, "cert_type"},
	{SupportedGroupsExtension, "supported_groups"}, {PointFormatsExtension, "ec_point_formats"}, {12, "srp"},
	{SignatureAlgorithmsExtension, "signature_algorithms"}, {14, "use_srtp"}, {HeartbeatExtension, "heartbeat"},
	{ALPNExtension, "application_layer_protocol_negotiation"}, {17, "status_request_v2"}, {SCTExtension, "signed_certificate_timestamp"},
	{19, "client_certificate_type"}, {20, "server_certificate_type"}, {PaddingExtension, "padding"}, {EncryptThenMACExtension, "encrypt_then_mac"},
	{ExtendedMasterSecretExtension, "extended_main_secret"}, {24, "token_binding"}, {25, "cached_info"}, {26, "tls_lts"}, {27, "compress_certificate"},
	{28, "record_size_limit"}, {29, "pwd_protect"}, {30, "pwd_clear"}, {31, "password_salt"}, {32, "ticket_pinning"}, {33, "tls_cert_with_extern_psk"},
	{34, "delegated_credential"}, {SessionTicketExtension, "session_ticket"}, {PreSharedKeyExtension, "pre_shared_key"}, {EarlyDataExtension, "early_data"},
	{SupportedVersionsExtension, "supported_versions"}, {CookieExtension, "cookie"}, {PSKModesExtension, "psk_key_exchange_modes"},
	{47, "certificate_authorities"}, {48, "oid_filters"}, {49, "post_handshake_auth"}, {CertSignaturesExtension, "signature_algorithms_cert"},
	{KeyShareExtension, "key_share"}, {52, "transparency_info"}, {57, "quic_transport_parameters"}, {58, "ticket_request"}, {59, "dnssec_chain"},
	{0xFE0D, "encrypted_client_hello"}, {RenegotiationInfoExtension, "renegotiation_info"},
}

// String is IANA's name, and the number for extensions without.
func (t ExtensionType) String() string {
	for _, row := range extensions {
		if row.code == t {
			return row.name
		}
	}
	return fmt.Sprintf("0x%04X", uint16(t))
}

// Extension is one extension of a hello message.
type Extension struct {
	Type ExtensionType
	Data []byte // at most 65535 octets
}

// KeyShare is a public key for the key exchange of TLS 1.3 in one group.
type KeyShare struct {
	Group Group
	Key   []byte
}

// build makes an extension of what f writes. A length that does not fit its
// field shows when the hello is marshalled: the data is then too long.
func build(t ExtensionType, f func(*cryptobyte.Builder)) Extension {
	var b cryptobyte.Builder
	f(&b)
	data, err := b.Bytes()
	if err != nil {
		return Extension{t, make([]byte, tooLong)}
	}
	return Extension{t, data}
}

// tooLong is a length that no extension can have.
const tooLong = 1 << 16

// ServerName names the server as the client knows it (SNI).
func ServerName(name string) Extension {
	return build(ServerNameExtension, func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			b.AddUint8(0) // host_name
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(name)) })
		})
	})
}

// StatusRequest asks for an OCSP response.
func StatusRequest() Extension {
	return Extension{StatusRequestExtension, []byte{1, 0, 0, 0, 0}} // ocsp, no responders, no extensions
}

// SupportedGroups lists groups, best first.
func SupportedGroups(list ...Group) Extension {
	return numbers(SupportedGroupsExtension, list)
}

// SignatureAlgorithms lists the schemes in which the server may sign.
func SignatureAlgorithms(list ...SignatureScheme) Extension {
	return numbers(SignatureAlgorithmsExtension, list)
}

// CertificateSignatures lists the schemes in which certificates may be signed.
func CertificateSignatures(list ...SignatureScheme) Extension {
	return numbers(CertSignaturesExtension, list)
}

// PointFormats says that points may be sent uncompressed and in both
// compressed forms.
func PointFormats() Extension { return Extension{PointFormatsExtension, []byte{3, 0, 1, 2}} }

// SupportedVersions lists the versions for TLS 1.3, best first.
func SupportedVersions(list ...Version) Extension {
	return build(SupportedVersionsExtension, func(b *cryptobyte.Builder) {
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { addNumbers(b, list) })
	})
}

// ALPN lists application protocols.
func ALPN(protocols ...string) Extension {
	return build(ALPNExtension, func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, p := range protocols {
				b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(p)) })
			}
		})
	})
}

// KeyShares gives public keys for TLS 1.3. Without any it asks the server which
// group it would have (RFC 8446, Section 4.2.8).
func KeyShares(shares ...KeyShare) Extension {
	return build(KeyShareExtension, func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, s := range shares {
				b.AddUint16(uint16(s.Group))
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(s.Key) })
			}
		})
	})
}

// PSKModes says how a pre-shared key may be used: alone, or together with an
// ephemeral key exchange.
func PSKModes(alone, ephemeral bool) Extension {
	return build(PSKModesExtension, func(b *cryptobyte.Builder) {
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) {
			if ephemeral {
				b.AddUint8(1) // psk_dhe_ke
			}
			if alone {
				b.AddUint8(0) // psk_ke
			}
		})
	})
}

// Cookie gives back what a HelloRetryRequest carried.
func Cookie(cookie []byte) Extension {
	return build(CookieExtension, func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(cookie) })
	})
}

// RenegotiationInfo says that the client renegotiates securely; over is the
// client's verify_data of the connection that is renegotiated, nil for a first
// handshake.
func RenegotiationInfo(over []byte) Extension {
	return build(RenegotiationInfoExtension, func(b *cryptobyte.Builder) {
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(over) })
	})
}

// Flag is an extension without data: [ExtendedMasterSecretExtension],
// [SessionTicketExtension] (asking for a first ticket),
// [EncryptThenMACExtension], [EarlyDataExtension], [SCTExtension].
func Flag(t ExtensionType) Extension { return Extension{Type: t} }

func numbers[T ~uint16](t ExtensionType, list []T) Extension {
	return build(t, func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { addNumbers(b, list) })
	})
}

func addNumbers[T ~uint16](b *cryptobyte.Builder, list []T) {
	for _, x := range list {
		b.AddUint16(uint16(x))
	}
}
