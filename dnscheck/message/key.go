package message

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"strings"

	"mailvet/report/evidence"
)

// Bounds of RSA keys in bits: RFC 8301, Section 3.2 for the least; the most is
// for our own sake.
const (
	minBits = 1024
	maxBits = 8192
)

// readKey finds out what the answer for a signature's key says of it. The
// reason is ReasonUnknown where nothing speaks against the key.
func (s *Signature) readKey() {
	l := s.KeyLookup
	var texts []string
	if l.Exists() {
		for _, rr := range l.Answer {
			texts = append(texts, rr.Text())
		}
	}
	switch {
	case l == nil || l.Unknown() && l.Outcome != evidence.OutcomeBadName:
		s.Reason, s.Detail = ReasonKeyDNS, l.Words()
	case len(texts) == 0:
		s.Reason = ReasonKeyMissing
	case len(texts) > 1:
		s.Reason = ReasonKeySeveral
	default:
		s.Reason, s.Detail = s.parseKey(texts[0])
	}
}

// parseKey reads a key record (RFC 6376, Section 3.6.1).
func (s *Signature) parseKey(text string) (Reason, string) {
	t, err := tags(text)
	if err != nil {
		return ReasonKeySyntax, err.Error()
	}
	if v, ok := t["v"]; ok && v != "DKIM1" {
		return ReasonKeySyntax, "its version is not DKIM1"
	}
	p, ok := t["p"]
	switch {
	case !ok:
		return ReasonKeySyntax, "it has no tag p, which holds the key"
	case p == "":
		return ReasonKeyRevoked, ""
	}
	list := func(tag string) []string { return strings.Split(squeeze(t[tag]), ":") }
	s.Key.Testing, s.Key.Strict = slices.Contains(list("t"), "y"), slices.Contains(list("t"), "s")
	der, err := base64.StdEncoding.DecodeString(squeeze(p))
	if err != nil {
		return ReasonKeySyntax, "its key is no base64"
	}
	kind := t["k"]
	if kind == "" {
		kind = "rsa"
	}
	switch kind {
	case "rsa":
		if s.Key.Bits = rsaBits(der); s.Key.Bits == 0 {
			return ReasonKeySyntax, "its key is no RSA key"
		}
	case "ed25519":
		if len(der) != 32 {
			return ReasonKeySyntax, "its key is no Ed25519 key, which has 32 octets"
		}
		s.Key.Bits = 256
	default:
		return ReasonKeyType, "its type is " + evidence.EscapeText(clip(kind))
	}
	s.Key.Type = kind
	algorithm, hash, _ := strings.Cut(s.Algorithm, "-")
	_, hashes := t["h"]
	switch {
	case kind != algorithm:
		return ReasonKeyType, "its type is " + kind
	case hashes && !slices.Contains(list("h"), hash):
		return ReasonKeyHash, ""
	case t["s"] != "" && !slices.Contains(list("s"), "*") && !slices.Contains(list("s"), "email"):
		return ReasonKeyService, ""
	case kind == "rsa" && s.Key.Bits < minBits:
		return ReasonKeyShort, ""
	case kind == "rsa" && s.Key.Bits > maxBits:
		return ReasonKeyLong, ""
	case s.Key.Strict && s.Identifier != "" && identifierDomain(s.Identifier) != s.Domain:
		return ReasonKeyStrict, ""
	}
	return ReasonUnknown, ""
}

// rsaBits is the length of an RSA key in either form (erratum 3017 to RFC
// 6376); 0 if it is none.
func rsaBits(der []byte) int {
	pub, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		if pub, err = x509.ParsePKCS1PublicKey(der); err != nil {
			return 0
		}
	}
	if k, ok := pub.(*rsa.PublicKey); ok {
		return k.N.BitLen()
	}
	return 0
}
