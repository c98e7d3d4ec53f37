// Package certificate reads the outline of an X.509 certificate (RFC 5280,
// Section 4.1): names, dates, key, signature algorithm. It reads what
// crypto/x509 refuses (negative serial numbers, curves that Go does not have,
// DSA keys, RSA keys of any size), because a scanner must see what is there
// rather than what is good. It verifies nothing: signatures and paths are for
// crypto/x509.
//
// Terms: DER is the encoding; TBSCertificate is the signed part; the
// SubjectPublicKeyInfo (SPKI) is the key with its algorithm, the part that a
// TLSA record with selector 1 is about; an OID names an algorithm, here always
// in dotted text.
package certificate

import (
	"bytes"
	encoding "encoding/asn1"
	"errors"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// OIDs of public keys (RFC 3279, RFC 4055, RFC 5480, RFC 8410).
const (
	RSA     = "1.2.840.113549.1.1.1"
	RSAPSS  = "1.2.840.113549.1.1.10" // as a signature: RSASSA-PSS; as a key: one only for that
	EC      = "1.2.840.10045.2.1"
	DSA     = "1.2.840.10040.4.1"
	Ed25519 = "1.3.101.112"
	Ed448   = "1.3.101.113"
)

// Certificate is the outline of one certificate. What the certificate does not
// say in a readable way has its zero value.
type Certificate struct {
	SPKI            []byte // DER of the SubjectPublicKeyInfo; part of the input
	Issuer, Subject []byte // DER of the names; parts of the input
	CommonName      string // the first of the subject, valid UTF-8, at most 200 octets
	IssuerName      string // the issuer's, likewise
	NotBefore       time.Time
	NotAfter        time.Time
	Key             Key
	Signature       Signature
	// HasNames says whether there is a subjectAltName with at least one dNSName.
	HasNames bool
	// HasAddresses says whether there is a subjectAltName with an iPAddress.
	HasAddresses bool
	DNSNames     []string // the dNSNames of the subjectAltName, valid UTF-8
	// SCTs is the number of signed certificate timestamps within (RFC 6962,
	// Section 3.3); their signatures are not looked at.
	SCTs int
	// MustStaple: the server is to staple an OCSP response (RFC 7633).
	MustStaple bool
}

// Key is a public key.
type Key struct {
	Algorithm string // OID
	Bits      int    // of the RSA modulus or the DSA prime; 0 for others
	Curve     string // OID of the named curve of an EC key; empty where the curve is spelled out
}

// Signature says how a certificate is signed.
type Signature struct {
	Algorithm string // OID
	// Hash is the OID of the hash function of RSASSA-PSS (RFC 4055, Section
	// 3.1); empty for others, whose algorithm names it.
	Hash string
}

// ErrMalformed says that the octets cannot be walked as a certificate.
var ErrMalformed = errors.New("certificate: not the DER of an X.509 certificate")

// maxNames bounds the names kept of a subjectAltName.
const maxNames = 200

// SelfIssued reports whether issuer and subject are the same name.
func (c *Certificate) SelfIssued() bool { return bytes.Equal(c.Issuer, c.Subject) }

// Parse walks the DER of a certificate. The result refers to der.
func Parse(der []byte) (*Certificate, error) {
	w, err := open(der)
	if err != nil {
		return nil, err
	}
	c := &Certificate{SPKI: w.spki, Issuer: w.issuer, Subject: w.subject}
	c.NotBefore, c.NotAfter = readTime(&w.validity), readTime(&w.validity)
	var name, algorithm cryptobyte.String
	if w.subject.ReadASN1(&name, asn1.SEQUENCE) {
		c.CommonName = commonName(name)
	}
	if w.issuer.ReadASN1(&name, asn1.SEQUENCE) {
		c.IssuerName = commonName(name)
	}
	c.Key = readKey(w.spki)
	c.readExtensions(w.rest)
	if w.after.ReadASN1(&algorithm, asn1.SEQUENCE) {
		c.Signature = readSignature(algorithm)
	}
	return c, nil
}

// SPKI returns the SubjectPublicKeyInfo of a certificate, part of der.
func SPKI(der []byte) ([]byte, error) {
	w, err := open(der)
	return w.spki, err
}

// walked are the parts of a certificate, the names and the key with their
// headers.
type walked struct {
	issuer, validity, subject, spki cryptobyte.String
	rest                            cryptobyte.String // of the TBSCertificate, behind the key
	after                           cryptobyte.String // what follows the TBSCertificate
}

func open(der []byte) (walked, error) {
	var w walked
	input := cryptobyte.String(der)
	if !input.ReadASN1(&w.after, asn1.SEQUENCE) || !w.after.ReadASN1(&w.rest, asn1.SEQUENCE) ||
		!w.rest.SkipOptionalASN1(asn1.Tag(0).Constructed().ContextSpecific()) || // version
		!w.rest.SkipASN1(asn1.INTEGER) || // serialNumber
		!w.rest.SkipASN1(asn1.SEQUENCE) || // signature
		!w.rest.ReadASN1Element(&w.issuer, asn1.SEQUENCE) ||
		!w.rest.ReadASN1(&w.validity, asn1.SEQUENCE) ||
		!w.rest.ReadASN1Element(&w.subject, asn1.SEQUENCE) ||
		!w.rest.ReadASN1Element(&w.spki, asn1.SEQUENCE) {
		return walked{}, ErrMalformed
	}
	return w, nil
}

func readTime(s *cryptobyte.String) time.Time {
	var t time.Time
	switch {
	case s.PeekASN1Tag(asn1.UTCTime):
		s.ReadASN1UTCTime(&t)
	case s.PeekASN1Tag(asn1.GeneralizedTime):
		s.ReadASN1GeneralizedTime(&t)
	}
	return t
}

func readOID(s *cryptobyte.String) string {
	var oid encoding.ObjectIdentifier
	if !s.ReadASN1ObjectIdentifier(&oid) {
		return ""
	}
	return oid.String()
}

func readKey(spki cryptobyte.String) Key {
	var key Key
	var body, algorithm, bits, numbers, number cryptobyte.String
	if !spki.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1(&algorithm, asn1.SEQUENCE) {
		return key
	}
	key.Algorithm = readOID(&algorithm)
	switch key.Algorithm {
	case RSA, RSAPSS:
		if body.ReadASN1(&bits, asn1.BIT_STRING) && bits.Skip(1) && bits.ReadASN1(&numbers, asn1.SEQUENCE) && numbers.ReadASN1(&number, asn1.INTEGER) {
			key.Bits = bitLength(number)
		}
	case DSA:
		if algorithm.ReadASN1(&numbers, asn1.SEQUENCE) && numbers.ReadASN1(&number, asn1.INTEGER) {
			key.Bits = bitLength(number)
		}
	case EC:
		if algorithm.PeekASN1Tag(asn1.OBJECT_IDENTIFIER) {
			key.Curve = readOID(&algorithm)
		}
	}
	return key
}

// bitLength is the length of a non-negative INTEGER's value.
func bitLength(number []byte) int {
	number = bytes.TrimLeft(number, "\x00")
	if len(number) == 0 {
		return 0
	}
	n := 8 * len(number)
	for b := number[0]; b < 0x80; b <<= 1 {
		n--
	}
	return n
}

func readSignature(algorithm cryptobyte.String) Signature {
	sig := Signature{Algorithm: readOID(&algorithm)}
	if sig.Algorithm != RSAPSS {
		return sig
	}
	const sha1 = "1.3.14.3.2.26"
	sig.Hash = sha1 // RFC 4055, Section 3.1: the default
	var params, hash, id cryptobyte.String
	var present bool
	if algorithm.ReadASN1(&params, asn1.SEQUENCE) &&
		params.ReadOptionalASN1(&hash, &present, asn1.Tag(0).Constructed().ContextSpecific()) && present &&
		hash.ReadASN1(&id, asn1.SEQUENCE) {
		sig.Hash = readOID(&id)
	}
	return sig
}

func (c *Certificate) readExtensions(tbs cryptobyte.String) {
	const (
		subjectAltName = "2.5.29.17"
		timestamps     = "1.3.6.1.4.1.11129.2.4.2"
		features       = "1.3.6.1.5.5.7.1.24"
	)
	var wrapped, list cryptobyte.String
	var present bool
	if !tbs.SkipOptionalASN1(asn1.Tag(1).ContextSpecific()) || !tbs.SkipOptionalASN1(asn1.Tag(2).ContextSpecific()) ||
		!tbs.ReadOptionalASN1(&wrapped, &present, asn1.Tag(3).Constructed().ContextSpecific()) || !present ||
		!wrapped.ReadASN1(&list, asn1.SEQUENCE) {
		return
	}
	for !list.Empty() {
		var extension, value, names cryptobyte.String
		if !list.ReadASN1(&extension, asn1.SEQUENCE) {
			return
		}
		oid := readOID(&extension)
		if !extension.SkipOptionalASN1(asn1.BOOLEAN) || !extension.ReadASN1(&value, asn1.OCTET_STRING) {
			continue
		}
		switch oid {
		case subjectAltName:
			if value.ReadASN1(&names, asn1.SEQUENCE) {
				c.readNames(names)
			}
		case timestamps:
			c.SCTs = countSCTs(value)
		case features:
			c.MustStaple = hasStatusRequest(value)
		}
	}
}

// countSCTs counts the entries of a SignedCertificateTimestampList (RFC 6962,
// Section 3.3: an OCTET STRING with a TLS vector of vectors).
func countSCTs(value cryptobyte.String) int {
	var list, entries, entry cryptobyte.String
	if !value.ReadASN1(&list, asn1.OCTET_STRING) || !list.ReadUint16LengthPrefixed(&entries) {
		return 0
	}
	n := 0
	for entries.ReadUint16LengthPrefixed(&entry) && len(entry) > 0 {
		n++
	}
	return n
}

// hasStatusRequest looks for the TLS extension 5 in a list of features (RFC
// 7633, Section 4.1).
func hasStatusRequest(value cryptobyte.String) bool {
	var list cryptobyte.String
	if !value.ReadASN1(&list, asn1.SEQUENCE) {
		return false
	}
	var n int64
	for list.ReadASN1Integer(&n) {
		if n == 5 {
			return true
		}
	}
	return false
}

func (c *Certificate) readNames(names cryptobyte.String) {
	for !names.Empty() {
		var value cryptobyte.String
		var tag asn1.Tag
		if !names.ReadAnyASN1(&value, &tag) {
			return
		}
		switch tag {
		case asn1.Tag(2).ContextSpecific():
			c.HasNames = true
			if len(c.DNSNames) < maxNames {
				c.DNSNames = append(c.DNSNames, clean(string(value)))
			}
		case asn1.Tag(7).ContextSpecific():
			c.HasAddresses = true
		}
	}
}

func commonName(name cryptobyte.String) string {
	const cn = "2.5.4.3"
	for !name.Empty() {
		var set cryptobyte.String
		if !name.ReadASN1(&set, asn1.SET) {
			return ""
		}
		for !set.Empty() {
			var attribute, value cryptobyte.String
			var tag asn1.Tag
			if !set.ReadASN1(&attribute, asn1.SEQUENCE) {
				return ""
			}
			if readOID(&attribute) == cn && attribute.ReadAnyASN1(&value, &tag) {
				return clean(text(value, tag))
			}
		}
	}
	return ""
}

func text(value []byte, tag asn1.Tag) string {
	const bmpString = 30
	if tag != bmpString {
		return string(value)
	}
	units := make([]uint16, len(value)/2)
	for i := range units {
		units[i] = uint16(value[2*i])<<8 | uint16(value[2*i+1])
	}
	return string(utf16.Decode(units))
}

// clean bounds text of the network and makes it valid UTF-8.
func clean(s string) string {
	const most = 200
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
