package dnssec

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha1" // registers the hash of algorithms 5 and 7
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/big"

	"github.com/cloudflare/circl/sign/ed448"
	"github.com/miekg/dns"
)

// key is a DNSKEY that may sign the records of its zone.
type key struct {
	tag       uint16
	algorithm uint8
	flags     uint16
	rdata     []byte // of the DNSKEY, as digests are made over it
	public    crypto.PublicKey
	// unusable says why no signature can be checked with this key: an
	// algorithm not known here, or a key that crypto refuses.
	unusable error
}

var (
	errAlgorithm = errors.New("its algorithm is not supported here")
	errKeyForm   = errors.New("the key cannot be read")
	errKeySize   = errors.New("the key is of a size that is not supported here")
	errSignature = errors.New("the signature does not fit the data")
)

// hashes are the algorithms known here, with the hash each signs over
// (RFC 3110, 5702, 6605); Ed25519 and Ed448 hash by themselves (RFC 8080). What
// is not here is unsupported; the package documentation has the whole list.
var hashes = map[uint8]crypto.Hash{
	dns.RSASHA1: crypto.SHA1, dns.RSASHA1NSEC3SHA1: crypto.SHA1,
	dns.RSASHA256: crypto.SHA256, dns.RSASHA512: crypto.SHA512,
	dns.ECDSAP256SHA256: crypto.SHA256, dns.ECDSAP384SHA384: crypto.SHA384,
	dns.ED25519: 0, dns.ED448: 0,
}

func supported(algorithm uint8) bool { _, ok := hashes[algorithm]; return ok }

// newKey reads a DNSKEY record. It fails for those that must not be used for
// the zone's records: no zone key, another protocol (RFC 4034, Section 2.1),
// revoked (RFC 5011, Section 2.1).
func newKey(rr *dns.DNSKEY) (*key, error) {
	switch {
	case rr.Flags&dns.ZONE == 0:
		return nil, errors.New("it is no zone key")
	case rr.Protocol != 3:
		return nil, errors.New("its protocol is not 3")
	case rr.Flags&dns.REVOKE != 0:
		return nil, errors.New("it is revoked")
	}
	public, err := base64.StdEncoding.DecodeString(rr.PublicKey)
	if err != nil {
		return nil, errKeyForm
	}
	rdata := binary.BigEndian.AppendUint16(nil, rr.Flags)
	rdata = append(rdata, rr.Protocol, rr.Algorithm)
	rdata = append(rdata, public...)
	k := &key{tag: keyTag(rdata), algorithm: rr.Algorithm, flags: rr.Flags, rdata: rdata}
	k.public, k.unusable = publicKey(rr.Algorithm, public)
	return k, nil
}

// keyTag is the checksum of RFC 4034, Appendix B. Algorithm 1 has another; it
// is not supported here.
func keyTag(rdata []byte) uint16 {
	var sum uint32
	for i, b := range rdata {
		if i%2 == 0 {
			sum += uint32(b) << 8
		} else {
			sum += uint32(b)
		}
	}
	return uint16(sum + sum>>16)
}

func publicKey(algorithm uint8, b []byte) (crypto.PublicKey, error) {
	switch algorithm {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512:
		return rsaKey(b)
	case dns.ECDSAP256SHA256:
		return ecdsaKey(elliptic.P256(), b)
	case dns.ECDSAP384SHA384:
		return ecdsaKey(elliptic.P384(), b)
	case dns.ED25519: // RFC 8080, Section 3
		if len(b) != ed25519.PublicKeySize {
			return nil, errKeyForm
		}
		return ed25519.PublicKey(b), nil
	case dns.ED448:
		if len(b) != ed448.PublicKeySize {
			return nil, errKeyForm
		}
		return ed448.PublicKey(b), nil
	}
	return nil, errAlgorithm
}

// rsaKey reads the form of RFC 3110, Section 2. Which sizes can be used is
// decided by crypto/rsa: from 1024 bits on, unless GODEBUG=rsa1024min=0.
func rsaKey(b []byte) (crypto.PublicKey, error) {
	exponent, modulus, ok := splitRSA(b)
	if !ok {
		return nil, errKeyForm
	}
	e, n := new(big.Int).SetBytes(exponent), new(big.Int).SetBytes(modulus)
	// RFC 3110, Section 2: moduli have at most 4096 bits. A larger one, or an
	// exponent over 31 bits, which crypto/rsa refuses, would cost time too.
	if n.BitLen() > 4096 || e.BitLen() > 31 {
		return nil, errKeySize
	}
	k := &rsa.PublicKey{N: n, E: int(e.Int64())}
	// An empty signature is wrong for every key that can be used; any other
	// error is about the key.
	var hash [sha256.Size]byte
	if err := rsa.VerifyPKCS1v15(k, crypto.SHA256, hash[:], make([]byte, k.Size())); !errors.Is(err, rsa.ErrVerification) {
		return nil, errKeySize
	}
	return k, nil
}

// splitRSA splits a key (RFC 3110, Section 2).
func splitRSA(b []byte) (exponent, modulus []byte, ok bool) {
	if len(b) < 3 {
		return nil, nil, false
	}
	size, b := int(b[0]), b[1:]
	if size == 0 {
		size, b = int(binary.BigEndian.Uint16(b)), b[2:]
	}
	if size == 0 || size >= len(b) {
		return nil, nil, false
	}
	return b[:size], b[size:], true
}

// ecdsaKey reads the point without its format octet (RFC 6605, Section 4).
func ecdsaKey(curve elliptic.Curve, b []byte) (crypto.PublicKey, error) {
	k, err := ecdsa.ParseUncompressedPublicKey(curve, append([]byte{4}, b...))
	if err != nil {
		return nil, errKeyForm
	}
	return k, nil
}

// verify checks sig over data.
func (k *key) verify(data, sig []byte) error {
	if k.unusable != nil {
		return k.unusable
	}
	var sum []byte
	hash := hashes[k.algorithm]
	if hash != 0 {
		h := hash.New()
		h.Write(data)
		sum = h.Sum(nil)
	}
	ok := false
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		ok = rsa.VerifyPKCS1v15(public, hash, sum, sig) == nil
	case *ecdsa.PublicKey: // RFC 6605, Section 4: r and s, each of the curve's size
		size := (public.Curve.Params().BitSize + 7) / 8
		ok = len(sig) == 2*size && ecdsa.Verify(public, sum, new(big.Int).SetBytes(sig[:size]), new(big.Int).SetBytes(sig[size:]))
	case ed25519.PublicKey:
		ok = ed25519.Verify(public, data, sig)
	case ed448.PublicKey: // RFC 8080, Section 4: without a context
		ok = ed448.Verify(public, data, sig, "")
	}
	if !ok {
		return errSignature
	}
	return nil
}

// matches reports whether a DS record of the zone names the key: its digest is
// that over the owner and the DNSKEY's RDATA (RFC 4034, Section 5.1.4).
func (k *key) matches(zone name, ds *dns.DS) bool {
	if ds.KeyTag != k.tag || ds.Algorithm != k.algorithm {
		return false
	}
	want, err := hex.DecodeString(ds.Digest)
	if err != nil {
		return false
	}
	return bytes.Equal(want, digest(ds.DigestType, append([]byte(zone), k.rdata...)))
}

// digest is nil for the types not known here.
func digest(typ uint8, data []byte) []byte {
	switch typ {
	case dns.SHA1:
		h := crypto.SHA1.New()
		h.Write(data)
		return h.Sum(nil)
	case dns.SHA256:
		h := sha256.Sum256(data)
		return h[:]
	case dns.SHA384:
		h := sha512.Sum384(data)
		return h[:]
	}
	return nil
}
