package tlshello

import (
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// Has reports whether the hello carries an extension.
func (h *ClientHello) Has(t ExtensionType) bool {
	_, ok := find(h.Extensions, t)
	return ok
}

// ServerName is the name of the server that the hello asks for; empty without.
func (h *ClientHello) ServerName() string {
	s, _ := find(h.Extensions, ServerNameExtension)
	var list, name cryptobyte.String
	var kind uint8
	if s.ReadUint16LengthPrefixed(&list) && list.ReadUint8(&kind) && kind == 0 && list.ReadUint16LengthPrefixed(&name) {
		return string(name)
	}
	return ""
}

// Groups are the groups of the extension supported_groups; nil without one that
// can be read.
func (h *ClientHello) Groups() []Group { return numbersIn[Group](h, SupportedGroupsExtension) }

// SignatureSchemes are those of the extension signature_algorithms; nil without
// one that can be read.
func (h *ClientHello) SignatureSchemes() []SignatureScheme {
	return numbersIn[SignatureScheme](h, SignatureAlgorithmsExtension)
}

// CertificateSignatures are the schemes of the extension
// signature_algorithms_cert; nil without one that can be read.
func (h *ClientHello) CertificateSignatures() []SignatureScheme {
	return numbersIn[SignatureScheme](h, CertSignaturesExtension)
}

// SupportedVersions are the versions of the extension of this name; nil without
// one that can be read.
func (h *ClientHello) SupportedVersions() []Version {
	s, _ := find(h.Extensions, SupportedVersionsExtension)
	var list cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&list) || !s.Empty() {
		return nil
	}
	versions, _ := readNumbers[Version](list)
	return versions
}

// ALPN are the application protocols offered; nil without or where they cannot
// be read.
func (h *ClientHello) ALPN() []string {
	s, _ := find(h.Extensions, ALPNExtension)
	protocols, _ := readALPN(s)
	return protocols
}

// KeyShares are the public keys for TLS 1.3; nil without or where they cannot be
// read.
func (h *ClientHello) KeyShares() []KeyShare {
	s, _ := find(h.Extensions, KeyShareExtension)
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) || !s.Empty() {
		return nil
	}
	var shares []KeyShare
	for !list.Empty() {
		share, ok := readKeyShare(&list)
		if !ok {
			return nil
		}
		shares = append(shares, share)
	}
	return shares
}

// Offers reports whether a server may answer the hello in version v. Without the
// extension supported_versions every version up to Version is offered: there is
// no way to say where the client stops (RFC 5246, Section E.1).
func (h *ClientHello) Offers(v Version) bool {
	if list := h.SupportedVersions(); list != nil {
		return slices.Contains(list, v)
	}
	return SSL30 <= v && v <= min(h.Version, TLS12)
}

// Violation is something in a ServerHello that the ClientHello does not allow.
type Violation uint8

// The violations.
const (
	_                    Violation = iota
	UnofferedVersion               // a version that the client did not offer
	UnofferedSuite                 // a suite that the client did not offer, or a signalling value
	SuiteOfOtherVersion            // a suite that the chosen version does not have
	UnofferedCompression           // a compression method that the client did not offer
	UnofferedExtension             // an answer to an extension that the client did not send
	UnofferedGroup                 // a group that the client did not offer
	WrongSessionID                 // TLS 1.3: not the client's session ID
	UnofferedSignature             // a signature scheme that the client did not offer
	UnofferedALPN                  // an application protocol that the client did not offer
	NeedlessRetry                  // a HelloRetryRequest for a group of which there was a key share already
)

var violationNames = []string{"", "version not offered", "cipher suite not offered", "cipher suite of another version", "compression method not offered",
	"extension not offered", "group not offered", "session ID not echoed", "signature scheme not offered", "application protocol not offered",
	"retry for a group of which a key share was there"}

func (v Violation) String() string { return violationNames[v] }

// Violations lists in what the answer of a server does not follow from the
// hello, in the order of the constants. A server that chooses what it was not
// offered is broken, and its answer says nothing about other offers.
func (h *ClientHello) Violations(a *Answer) []Violation {
	if a.Hello == nil {
		return nil
	}
	var list []Violation
	add := func(v Violation, wrong bool) {
		if wrong {
			list = append(list, v)
		}
	}
	s := a.Hello
	version := s.Negotiated()
	traits := s.Suite.Traits()
	add(UnofferedVersion, !h.Offers(version))
	add(UnofferedSuite, !slices.Contains(h.Suites, s.Suite) || s.Suite.Signalling())
	add(SuiteOfOtherVersion, traits.Max != 0 && (traits.Max == TLS13) != (version == TLS13))
	add(UnofferedCompression, s.Compression != NoCompression && !slices.Contains(h.Compression, s.Compression))
	add(UnofferedExtension, slices.ContainsFunc(s.Extensions, func(e Extension) bool { return !h.allows(e.Type, s.Retry) }))
	add(UnofferedGroup, !h.offersGroup(a))
	add(WrongSessionID, version == TLS13 && !slices.Equal(s.SessionID, h.SessionID))
	if k := a.KeyExchange; k != nil && k.Scheme != 0 {
		add(UnofferedSignature, !slices.Contains(h.SignatureSchemes(), k.Scheme))
	}
	add(UnofferedALPN, s.ALPN != "" && !slices.Contains(h.ALPN(), s.ALPN))
	add(NeedlessRetry, s.Retry && slices.ContainsFunc(h.KeyShares(), func(k KeyShare) bool { return k.Group == s.Group }))
	return list
}

// allows reports whether a server may send an extension of type t: those that
// the client sent, renegotiation_info also after the signalling value (RFC 5746,
// Section 3.6), and a cookie in a HelloRetryRequest.
func (h *ClientHello) allows(t ExtensionType, retry bool) bool {
	switch {
	case h.Has(t), t == CookieExtension && retry:
		return true
	case t == RenegotiationInfoExtension:
		return slices.Contains(h.Suites, RenegotiationSCSV)
	default:
		return false
	}
}

// offersGroup looks at the group of TLS 1.3 and at the named curve of the key
// exchange. A client that names no groups leaves the curve to the server (RFC
// 8422, Section 4).
func (h *ClientHello) offersGroup(a *Answer) bool {
	offered := h.Groups()
	if g := a.Hello.Group; g != 0 && !slices.Contains(offered, g) {
		return false
	}
	if a.KeyExchange != nil && a.KeyExchange.Curve != nil && offered != nil {
		return slices.Contains(offered, a.KeyExchange.Curve.Group)
	}
	return true
}

func numbersIn[T ~uint16](h *ClientHello, t ExtensionType) []T {
	s, _ := find(h.Extensions, t)
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) || !s.Empty() {
		return nil
	}
	numbers, _ := readNumbers[T](list)
	return numbers
}

func readALPN(s cryptobyte.String) ([]string, bool) {
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) || !s.Empty() {
		return nil, false
	}
	var protocols []string
	for !list.Empty() {
		var p cryptobyte.String
		if !list.ReadUint8LengthPrefixed(&p) {
			return nil, false
		}
		protocols = append(protocols, string(p))
	}
	return protocols, true
}

func readKeyShare(s *cryptobyte.String) (KeyShare, bool) {
	var k KeyShare
	var key cryptobyte.String
	ok := s.ReadUint16((*uint16)(&k.Group)) && s.ReadUint16LengthPrefixed(&key)
	k.Key = key
	return k, ok
}
