package dnstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"

	"github.com/miekg/dns"
)

// Flags of a DNSKEY (RFC 4034, Section 2.1.1): zone key, secure entry point.
const (
	zoneKey    = 256
	secureZone = 257
)

// key is a DNSKEY with what it takes to sign.
type key struct {
	*dns.DNSKEY
	signer crypto.Signer // nil for algorithms that we only pretend to have
}

// newKey derives a key from a seed.
func newKey(zone string, flags uint16, algorithm uint8, seed string) (*key, error) {
	k := &key{DNSKEY: &dns.DNSKEY{
		Hdr:       dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags:     flags,
		Protocol:  3,
		Algorithm: algorithm,
	}}
	whole := fmt.Sprintf("dnstest key %s %d %d", seed, flags, algorithm)
	var public []byte
	switch algorithm {
	case dns.ECDSAP256SHA256, dns.ECDSAP384SHA384:
		curve := elliptic.P256()
		if algorithm == dns.ECDSAP384SHA384 {
			curve = elliptic.P384()
		}
		private, err := ecdsaKey(curve, whole)
		if err != nil {
			return nil, fmt.Errorf("dnstest: key of %s: %w", zone, err)
		}
		point, err := private.PublicKey.Bytes()
		if err != nil {
			return nil, fmt.Errorf("dnstest: key of %s: %w", zone, err)
		}
		// RFC 6605, Section 4: the point without the octet for "uncompressed".
		k.signer, public = private, point[1:]
	case dns.ED25519:
		sum := sha256.Sum256([]byte(whole))
		private := ed25519.NewKeyFromSeed(sum[:])
		k.signer, public = private, private.Public().(ed25519.PublicKey)
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512:
		private, err := rsaKey(whole, flags)
		if err != nil {
			return nil, fmt.Errorf("dnstest: key of %s: %w", zone, err)
		}
		// RFC 3110, Section 2: length of the exponent, exponent, modulus.
		exponent := big.NewInt(int64(private.E)).Bytes()
		public = append([]byte{byte(len(exponent))}, exponent...)
		k.signer, public = private, append(public, private.N.Bytes()...)
	default:
		sum := sha512.Sum512([]byte(whole))
		public = sum[:]
	}
	k.PublicKey = base64.StdEncoding.EncodeToString(public)
	if k.KeyTag() == 0 { // miekg/dns does not sign with such a key
		return newKey(zone, flags, algorithm, seed+"'")
	}
	return k, nil
}

// ecdsaKey tries candidates until one is a scalar of the curve's group.
func ecdsaKey(curve elliptic.Curve, seed string) (private *ecdsa.PrivateKey, err error) {
	for i := range 10 {
		sum := sha512.Sum512(fmt.Appendf(nil, "%s %d", seed, i))
		private, err = ecdsa.ParseRawPrivateKey(curve, sum[:(curve.Params().BitSize+7)/8])
		if err == nil {
			return private, nil
		}
	}
	return nil, err
}

// rsaKey chooses from the fixed keys. Key-signing and zone-signing keys come
// from different halves of the list, so that a zone has two different ones.
func rsaKey(seed string, flags uint16) (*rsa.PrivateKey, error) {
	half := len(rsaPrimes) / 2
	sum := sha256.Sum256([]byte(seed))
	i := int(sum[0]) % half
	if flags == secureZone {
		i += half
	}
	p, _ := new(big.Int).SetString(rsaPrimes[i][0], 16)
	q, _ := new(big.Int).SetString(rsaPrimes[i][1], 16)
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	private := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537},
		D:         new(big.Int).ModInverse(big.NewInt(65537), phi),
		Primes:    []*big.Int{p, q},
	}
	private.Precompute()
	return private, private.Validate()
}

// ds makes the DS record of a key (RFC 4034, Section 5.1.4). Digest types that
// nobody knows get octets that look like a digest. spoilt ones match no key.
func (k *key) ds(digest uint8, spoilt bool) *dns.DS {
	ds := k.ToDS(digest)
	if ds == nil {
		ds = k.ToDS(dns.SHA256)
		ds.DigestType = digest
	}
	ds.Hdr.Ttl = 3600
	if spoilt {
		sum := sha512.Sum512([]byte("spoilt " + ds.Digest))
		ds.Digest = fmt.Sprintf("%x", sum)[:len(ds.Digest)]
	}
	return ds
}

// fixedNonce signs without randomness: with a nil source crypto/ecdsa derives
// nonces as RFC 6979 does; Ed25519 and RSA PKCS #1 v1.5 never need any.
type fixedNonce struct{ crypto.Signer }

func (s fixedNonce) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.Signer.Sign(nil, digest, opts)
}

// supportedAlgorithm says which algorithms our resolver can verify.
func supportedAlgorithm(a uint8) bool {
	switch a {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512,
		dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519:
		return true
	}
	return false
}

// supportedDigest says which DS digests our resolver can verify.
func supportedDigest(d uint8) bool {
	return d == dns.SHA1 || d == dns.SHA256 || d == dns.SHA384
}
