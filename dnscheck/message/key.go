package message

import (
	"errors"
	"strings"

	"mailvet/dnscheck/dkim"
	"mailvet/report/evidence"
)

// maxBits bounds the RSA keys that are computed with, for our own sake.
const maxBits = 8192

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

// parseKey reads a key record and holds it to the signature (RFC 6376, Section
// 6.1.2).
func (s *Signature) parseKey(text string) (Reason, string) {
	r, err := dkim.Parse(text)
	if r == nil {
		return ReasonKeySyntax, words(err)
	}
	s.Key.Testing, s.Key.Strict = r.Testing(), r.Strict()
	key, err := r.Key()
	var e *dkim.Error
	switch {
	case errors.As(err, &e) && e.Fault == dkim.UnknownType:
		return ReasonKeyType, "its type is " + evidence.EscapeText(clip(r.Type()))
	case err != nil:
		return ReasonKeySyntax, words(err)
	case key == nil:
		return ReasonKeyRevoked, ""
	}
	s.Key.Type, s.Key.Bits = r.Type(), key.Bits()
	algorithm, _, _ := strings.Cut(s.Algorithm, "-")
	switch {
	case s.Key.Type != algorithm:
		return ReasonKeyType, "its type is " + s.Key.Type
	case !r.SHA256(): // newSignature lets no other hash through
		return ReasonKeyHash, ""
	case !r.ForMail():
		return ReasonKeyService, ""
	case key.Strength() == dkim.TooShort:
		return ReasonKeyShort, ""
	case s.Key.Bits > maxBits:
		return ReasonKeyLong, ""
	case s.Key.Strict && s.Identifier != "" && identifierDomain(s.Identifier) != s.Domain:
		return ReasonKeyStrict, ""
	}
	return ReasonUnknown, ""
}

// words are those of a fault in a key record, bounded.
func words(err error) string {
	var e *dkim.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	return evidence.EscapeText(clip(e.Words()))
}
