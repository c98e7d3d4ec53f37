package tlshello

import "fmt"

// Alert is a message that something is wrong (RFC 8446, Section 6).
type Alert struct {
	Level       AlertLevel
	Description AlertDescription
}

func (a Alert) String() string { return a.Level.String() + " " + a.Description.String() }

// AlertLevel says whether the sender goes on.
type AlertLevel uint8

// The two levels. Others occur in nonsense only.
const (
	Warning AlertLevel = 1
	Fatal   AlertLevel = 2
)

func (l AlertLevel) String() string {
	switch l {
	case Warning:
		return "warning"
	case Fatal:
		return "fatal"
	default:
		return fmt.Sprintf("level %d", uint8(l))
	}
}

// AlertDescription says what is wrong; a number of IANA's registry "TLS Alerts".
type AlertDescription uint8

// The alerts by which servers refuse a hello.
const (
	CloseNotify           AlertDescription = 0
	UnexpectedMessage     AlertDescription = 10
	HandshakeFailure      AlertDescription = 40
	IllegalParameter      AlertDescription = 47
	DecodeError           AlertDescription = 50
	ProtocolVersion       AlertDescription = 70
	InsufficientSecurity  AlertDescription = 71
	InternalError         AlertDescription = 80
	InappropriateFallback AlertDescription = 86
	UserCanceled          AlertDescription = 90
	MissingExtension      AlertDescription = 109
	UnrecognizedName      AlertDescription = 112
	NoApplicationProtocol AlertDescription = 120
)

// alerts is IANA's registry "TLS Alerts".
var alerts = []struct {
	code AlertDescription
	name string
}{
	{CloseNotify, "close_notify"},
	{UnexpectedMessage, "unexpected_message"},
	{20, "bad_record_mac"},
	{21, "decryption_failed_RESERVED"},
	{22, "record_overflow"},
	{30, "decompression_failure_RESERVED"},
	{HandshakeFailure, "handshake_failure"},
	{41, "no_certificate_RESERVED"},
	{42, "bad_certificate"},
	{43, "unsupported_certificate"},
	{44, "certificate_revoked"},
	{45, "certificate_expired"},
	{46, "certificate_unknown"},
	{IllegalParameter, "illegal_parameter"},
	{48, "unknown_ca"},
	{49, "access_denied"},
	{DecodeError, "decode_error"},
	{51, "decrypt_error"},
	{52, "too_many_cids_requested"},
	{60, "export_restriction_RESERVED"},
	{ProtocolVersion, "protocol_version"},
	{InsufficientSecurity, "insufficient_security"},
	{InternalError, "internal_error"},
	{InappropriateFallback, "inappropriate_fallback"},
	{UserCanceled, "user_canceled"},
	{100, "no_renegotiation_RESERVED"},
	{MissingExtension, "missing_extension"},
	{110, "unsupported_extension"},
	{111, "certificate_unobtainable_RESERVED"},
	{UnrecognizedName, "unrecognized_name"},
	{113, "bad_certificate_status_response"},
	{114, "bad_certificate_hash_value_RESERVED"},
	{115, "unknown_psk_identity"},
	{116, "certificate_required"},
	{117, "general_error"},
	{NoApplicationProtocol, "no_application_protocol"},
	{121, "ech_required"},
}

// String is IANA's name, and the number where there is none.
func (d AlertDescription) String() string {
	for _, row := range alerts {
		if row.code == d {
			return row.name
		}
	}
	return fmt.Sprintf("alert %d", uint8(d))
}

// ParseAlert is the description of a name of IANA's registry.
func ParseAlert(name string) (AlertDescription, bool) {
	for _, row := range alerts {
		if row.name == name {
			return row.code, true
		}
	}
	return 0, false
}
