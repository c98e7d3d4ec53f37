package dkim

import (
	"bytes"
	"crypto/sha256"
	encodingasn1 "encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// KeyType is the type of a key.
type KeyType uint8

const (
	NoKeyType KeyType = iota
	RSA
	Ed25519 // RFC 8463
)

var keyTypes = [...]string{"", "RSA", "Ed25519"}

func (t KeyType) String() string { return keyTypes[t] }

// Strength is what the length of an RSA key is worth (RFC 8301, Section 3.2).
type Strength uint8

const (
	StrengthUnknown Strength = iota
	TooShort                 // under 1024 bits: verifiers must not accept it
	Small                    // 1024 to 2047 bits: signers should have more
	Good                     // 2048 bits and more, and Ed25519
)

var strengths = [...]string{"unknown", "short", "small", "good"}

func (s Strength) String() string { return strengths[s] }

// Key is a decoded key.
type Key struct {
	Type     KeyType
	Modulus  *big.Int // of RSA
	Exponent *big.Int // of RSA
	// Bare: an RSAPublicKey without the SubjectPublicKeyInfo around it.
	Bare bool
	Data []byte // what base64 held
}

// Bits is the length of the key in bits.
func (k *Key) Bits() int {
	if k.Type == Ed25519 {
		return 256
	}
	return k.Modulus.BitLen()
}

// Strength judges the length.
func (k *Key) Strength() Strength {
	switch n := k.Bits(); {
	case k.Type == Ed25519:
		return Good
	case n < 1024:
		return TooShort
	case n < 2048:
		return Small
	}
	return Good
}

// Unsafe reports an RSA key that protects nothing or verifies nothing, whatever
// its length: an even exponent, one of 1, or an even modulus.
func (k *Key) Unsafe() bool {
	return k.Type == RSA && (k.Exponent.Bit(0) == 0 || k.Exponent.Cmp(big.NewInt(3)) < 0 || k.Modulus.Bit(0) == 0)
}

// LowExponent reports an RSA exponent from 3 to below 65537, with which careless
// verifiers were fooled; and FIPS 186-5, Appendix A.1.1, rules it out.
func (k *Key) LowExponent() bool {
	return k.Type == RSA && !k.Unsafe() && k.Exponent.Cmp(big.NewInt(65537)) < 0
}

// Fingerprint is "sha256:" and the SHA-256 of the key's octets, in hexadecimal:
// the same wherever the same p is published.
func (k *Key) Fingerprint() string {
	h := sha256.Sum256(k.Data)
	return "sha256:" + hex.EncodeToString(h[:])
}

// Key decodes the record's key. Of a revoked one the result is nil, without an
// error; other errors are an *[Error].
//
// RFC 6376, Section 3.6.1, says that p of an RSA key is an RSAPublicKey, its
// examples are SubjectPublicKeyInfo, and so is what verifiers expect. Erratum
// 3017 allows both; but OpenDKIM, for one, reads only the second.
func (r *Record) Key() (*Key, error) {
	p, _ := r.Value("p")
	k, at := r.Type(), r.offset("p")
	fail := func(f Fault, detail string) (*Key, error) {
		return nil, &Error{Fault: f, Tag: "p", Offset: at, Detail: detail}
	}
	if k != "rsa" && k != "ed25519" {
		return nil, &Error{Fault: UnknownType, Tag: "k", Offset: r.offset("k")}
	}
	if p == "" {
		return nil, nil
	}
	text := strings.ReplaceAll(p, " ", "")
	data, err := base64.StdEncoding.DecodeString(text) // bits left over are nobody's business
	switch {
	case err != nil:
		return fail(Base64, "it has not the length that base64 has; a part is missing, or the equals signs at its end")
	case k == "ed25519":
		return ed25519Key(data, fail)
	}
	return rsaKey(data, fail)
}

type failing func(Fault, string) (*Key, error)

func ed25519Key(data []byte, fail failing) (*Key, error) {
	switch alg, _, key, _, ok := openSPKI(data); {
	case len(data) == 32: // RFC 8463, Section 4: the key itself, no ASN.1
		return &Key{Type: Ed25519, Data: data}, nil
	case ok && alg.Equal(oidEd25519) && len(key) == 32:
		return fail(Ed25519Wrapped, "RFC 8463 wants the 32 octets alone: p="+base64.StdEncoding.EncodeToString(key))
	case ok && alg.Equal(oidRSA):
		return fail(WrongType, "it is an RSA key")
	}
	return fail(Ed25519Length, "these are others")
}

func rsaKey(data []byte, fail failing) (*Key, error) {
	if alg, params, key, rest, ok := openSPKI(data); ok {
		switch {
		case alg.Equal(oidEd25519):
			return fail(WrongType, "it is an Ed25519 key")
		case !alg.Equal(oidRSA):
			return fail(WrongType, "its algorithm is "+alg.String())
		case !bytes.Equal(params, []byte{5, 0}): // RFC 3279, Section 2.3.1
			return fail(ASN1, "the parameters of the algorithm are not NULL")
		case len(rest) > 0:
			return fail(TrailingData, "")
		}
		n, e, rest, ok := openRSA(key)
		switch {
		case !ok:
			return fail(ASN1, "no RSA key is inside")
		case len(rest) > 0:
			return fail(TrailingData, "inside")
		}
		return &Key{Type: RSA, Modulus: n, Exponent: e, Data: data}, nil
	}
	if n, e, rest, ok := openRSA(data); ok {
		if len(rest) > 0 {
			return fail(TrailingData, "")
		}
		return &Key{Type: RSA, Modulus: n, Exponent: e, Bare: true, Data: data}, nil
	}
	if len(data) == 32 {
		return fail(WrongType, "it looks like an Ed25519 key, for which k=ed25519 is missing")
	}
	return fail(ASN1, "")
}

var (
	oidRSA     = encodingasn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1} // RFC 8017, Appendix A.1
	oidEd25519 = encodingasn1.ObjectIdentifier{1, 3, 101, 112}             // RFC 8410, Section 3
)

// openSPKI opens a SubjectPublicKeyInfo (RFC 5280, Section 4.1): the algorithm
// with its parameters, the key, and what follows.
func openSPKI(der []byte) (alg encodingasn1.ObjectIdentifier, params, key, rest []byte, ok bool) {
	input := cryptobyte.String(der)
	var outer, algorithm cryptobyte.String
	var bits []byte
	ok = input.ReadASN1(&outer, asn1.SEQUENCE) && outer.ReadASN1(&algorithm, asn1.SEQUENCE) &&
		algorithm.ReadASN1ObjectIdentifier(&alg) && outer.ReadASN1BitStringAsBytes(&bits)
	return alg, algorithm, bits, append([]byte(input), outer...), ok
}

// openRSA opens an RSAPublicKey (RFC 8017, Appendix A.1.1). Numbers that are
// not positive are none.
func openRSA(der []byte) (n, e *big.Int, rest []byte, ok bool) {
	input := cryptobyte.String(der)
	var seq cryptobyte.String
	n, e = new(big.Int), new(big.Int)
	ok = input.ReadASN1(&seq, asn1.SEQUENCE) && seq.ReadASN1Integer(n) && seq.ReadASN1Integer(e) && n.Sign() > 0 && e.Sign() > 0
	return n, e, append([]byte(input), seq...), ok
}
