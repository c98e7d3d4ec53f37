package tlshello

import (
	"math/bits"

	"golang.org/x/crypto/cryptobyte"
)

// ServerKeyExchange is the server's part of an ephemeral key exchange up to TLS
// 1.2, and its signature (RFC 5246, Section 7.4.3; RFC 8422, Section 5.4). One
// of DH, Curve, RSA and SRP is there, unless the suite has a pre-shared key
// alone.
type ServerKeyExchange struct {
	DH    *DHParameters
	Curve *CurveParameters
	RSA   *RSAParameters // export suites: a temporary key, for the certificate's is too strong
	SRP   *SRPParameters
	// Hint of suites with pre-shared keys (RFC 4279, Section 2).
	Hint []byte

	// Scheme as TLS 1.2 writes it; 0 below, where it follows from the suite.
	Scheme SignatureScheme
	// Hash and Algorithm of the signature. Below TLS 1.2 RSA signs MD5 and SHA-1
	// together, DSA and ECDSA sign SHA-1.
	Hash      Hash
	Algorithm SignatureAlgorithm // [NoSignature] in anonymous and pre-shared suites
	Signature []byte             // not verified
}

// DHParameters are a Diffie-Hellman group and the server's public value, big
// endian, as received.
type DHParameters struct {
	Prime, Generator, Public []byte
}

// Bits is the size of the prime.
func (p *DHParameters) Bits() int { return bitLen(p.Prime) }

// Name is the name of a prime that many share, with the generator 2:
// "ffdhe2048" (RFC 7919), "modp2048" (RFC 2409, RFC 3526). Empty for others.
func (p *DHParameters) Name() string {
	if g := trim(p.Generator); len(g) != 1 || g[0] != 2 {
		return ""
	}
	return primeName(trim(p.Prime))
}

// CurveParameters are an elliptic curve and the server's point.
type CurveParameters struct {
	// Group is the named curve; [ExplicitPrime] or [ExplicitChar2] for one that
	// the server spells out, in Explicit (RFC 4492, Section 5.4).
	Group    Group
	Explicit *ExplicitCurve
	Point    []byte
}

// Bits is the size of the curve's field; 0 where it is not known.
func (p *CurveParameters) Bits() int {
	if p.Explicit != nil {
		return p.Explicit.Bits()
	}
	return p.Group.Bits()
}

// ExplicitCurve is a curve spelled out. Numbers are big endian.
type ExplicitCurve struct {
	Prime     []byte   // of a prime curve
	Degree    int      // m of a binary curve
	Exponents [][]byte // of a binary curve: k of a trinomial, k1 to k3 of a pentanomial
	A, B      []byte
	Base      []byte // the base point
	Order     []byte
	Cofactor  []byte
}

// Bits is the size of the field.
func (c *ExplicitCurve) Bits() int {
	if c.Prime != nil {
		return bitLen(c.Prime)
	}
	return c.Degree
}

// RSAParameters are a temporary RSA key.
type RSAParameters struct {
	Modulus, Exponent []byte
}

// Bits is the size of the modulus.
func (p *RSAParameters) Bits() int { return bitLen(p.Modulus) }

// SRPParameters are those of RFC 5054, Section 2.5.3.
type SRPParameters struct {
	Prime, Generator, Salt, Public []byte
}

// Bits is the size of the prime.
func (p *SRPParameters) Bits() int { return bitLen(p.Prime) }

// readKeyExchange reads the body of the message, whose form depends on the
// suite and the version. A suite without a name has a body that cannot be read:
// the result is then nil, and true.
func readKeyExchange(s cryptobyte.String, suite Suite, v Version) (*ServerKeyExchange, bool) {
	k := &ServerKeyExchange{}
	t := suite.Traits()
	ok := true
	switch t.KeyExchange {
	case PSK, DHEPSK, RSAPSK, ECDHEPSK:
		ok = readVector(&s, &k.Hint)
	}
	switch t.KeyExchange {
	case DHE, DHEPSK:
		k.DH = &DHParameters{}
		ok = ok && readVector(&s, &k.DH.Prime) && readVector(&s, &k.DH.Generator) && readVector(&s, &k.DH.Public)
	case ECDHE, ECDHEPSK:
		k.Curve, ok = readCurve(&s, ok)
	case RSA:
		k.RSA = &RSAParameters{}
		ok = readVector(&s, &k.RSA.Modulus) && readVector(&s, &k.RSA.Exponent)
	case SRP:
		k.SRP = &SRPParameters{}
		var salt cryptobyte.String
		ok = readVector(&s, &k.SRP.Prime) && readVector(&s, &k.SRP.Generator) && s.ReadUint8LengthPrefixed(&salt) && readVector(&s, &k.SRP.Public)
		k.SRP.Salt = salt
	case PSK, RSAPSK:
	default:
		return nil, true
	}
	return k, ok && k.readSignature(&s, t, v) && s.Empty()
}

func (k *ServerKeyExchange) readSignature(s *cryptobyte.String, t Traits, v Version) bool {
	switch {
	case t.KeyExchange == RSAPSK: // the certificate decrypts, it does not sign
		k.Algorithm = NoSignature
		return true
	case v == TLS12 && (t.Authentication == ByRSA || t.Authentication == ByDSS || t.Authentication == ByECDSA):
		if !s.ReadUint16((*uint16)(&k.Scheme)) {
			return false
		}
		k.Hash, k.Algorithm = k.Scheme.Hash(), k.Scheme.Algorithm()
	case t.Authentication == ByRSA:
		k.Hash, k.Algorithm = MD5SHA1, RSAPKCS1
	case t.Authentication == ByDSS:
		k.Hash, k.Algorithm = SHA1, DSA
	case t.Authentication == ByECDSA:
		k.Hash, k.Algorithm = SHA1, ECDSA
	default:
		k.Algorithm = NoSignature
		return true
	}
	return readVector(s, &k.Signature)
}

func readCurve(s *cryptobyte.String, ok bool) (*CurveParameters, bool) {
	c := &CurveParameters{}
	var kind uint8
	if !ok || !s.ReadUint8(&kind) {
		return c, false
	}
	switch kind {
	case 1:
		c.Group, c.Explicit = ExplicitPrime, &ExplicitCurve{}
		ok = readShort(s, &c.Explicit.Prime) && readExplicit(s, c.Explicit)
	case 2:
		c.Group, c.Explicit = ExplicitChar2, &ExplicitCurve{}
		ok = readBinary(s, c.Explicit) && readExplicit(s, c.Explicit)
	case 3:
		ok = s.ReadUint16((*uint16)(&c.Group))
	default:
		return c, false
	}
	return c, ok && readShort(s, &c.Point)
}

// readBinary reads the field of a binary curve.
func readBinary(s *cryptobyte.String, c *ExplicitCurve) bool {
	var degree uint16
	var basis uint8
	if !s.ReadUint16(&degree) || !s.ReadUint8(&basis) || basis != 1 && basis != 2 {
		return false
	}
	c.Degree = int(degree)
	exponents := 1 // of a trinomial
	if basis == 2 {
		exponents = 3 // of a pentanomial
	}
	for range exponents {
		var k []byte
		if !readShort(s, &k) {
			return false
		}
		c.Exponents = append(c.Exponents, k)
	}
	return true
}

func readExplicit(s *cryptobyte.String, c *ExplicitCurve) bool {
	return readShort(s, &c.A) && readShort(s, &c.B) && readShort(s, &c.Base) && readShort(s, &c.Order) && readShort(s, &c.Cofactor)
}

func readVector(s *cryptobyte.String, out *[]byte) bool {
	var v cryptobyte.String
	ok := s.ReadUint16LengthPrefixed(&v)
	*out = v
	return ok
}

func readShort(s *cryptobyte.String, out *[]byte) bool {
	var v cryptobyte.String
	ok := s.ReadUint8LengthPrefixed(&v)
	*out = v
	return ok
}

func trim(number []byte) []byte {
	for len(number) > 0 && number[0] == 0 {
		number = number[1:]
	}
	return number
}

func bitLen(number []byte) int {
	number = trim(number)
	if len(number) == 0 {
		return 0
	}
	return 8*(len(number)-1) + bits.Len8(number[0])
}
