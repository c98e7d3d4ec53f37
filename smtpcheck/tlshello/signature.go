package tlshello

import "fmt"

// SignatureScheme names how something is signed. Up to TLS 1.2 the upper octet
// names the hash function and the lower one the algorithm (RFC 5246, Section
// 7.4.1.4.1); TLS 1.3 keeps what fits and names the others as wholes (RFC 8446,
// Section 4.2.3).
type SignatureScheme uint16

// Hash is the hash function of a signature.
type Hash uint8

// The hash functions. MD5SHA1 are both one after the other, as RSA signatures
// below TLS 1.2 have it; Intrinsic is part of the algorithm (EdDSA, ML-DSA).
const (
	UnknownHash Hash = iota
	MD5SHA1
	MD5
	SHA1
	SHA224
	SHA256
	SHA384
	SHA512
	Intrinsic
	SM3
)

var hashNames = []string{"unknown", "MD5+SHA1", "MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "intrinsic", "SM3"}

func (h Hash) String() string { return hashNames[h] }

// SignatureAlgorithm is what signs the hash.
type SignatureAlgorithm uint8

// The algorithms.
const (
	UnknownSignature SignatureAlgorithm = iota
	NoSignature                         // "anonymous"
	RSAPKCS1
	RSAPSS // with a key for all uses or one for RSASSA-PSS only
	DSA
	ECDSA
	EdDSA
	MLDSA
	SM2
)

var signatureNames = []string{"unknown", "anonymous", "RSA", "RSA-PSS", "DSA", "ECDSA", "EdDSA", "ML-DSA", "SM2"}

func (a SignatureAlgorithm) String() string { return signatureNames[a] }

// schemes are the schemes that are wholes, and the names in IANA's registry
// "TLS SignatureScheme" of those that are pairs.
var schemes = []struct {
	scheme    SignatureScheme
	name      string
	hash      Hash
	algorithm SignatureAlgorithm
}{
	{0x0201, "rsa_pkcs1_sha1", SHA1, RSAPKCS1}, {0x0203, "ecdsa_sha1", SHA1, ECDSA},
	{0x0401, "rsa_pkcs1_sha256", SHA256, RSAPKCS1}, {0x0403, "ecdsa_secp256r1_sha256", SHA256, ECDSA}, {0x0420, "rsa_pkcs1_sha256_legacy", SHA256, RSAPKCS1},
	{0x0501, "rsa_pkcs1_sha384", SHA384, RSAPKCS1}, {0x0503, "ecdsa_secp384r1_sha384", SHA384, ECDSA}, {0x0520, "rsa_pkcs1_sha384_legacy", SHA384, RSAPKCS1},
	{0x0601, "rsa_pkcs1_sha512", SHA512, RSAPKCS1}, {0x0603, "ecdsa_secp521r1_sha512", SHA512, ECDSA}, {0x0620, "rsa_pkcs1_sha512_legacy", SHA512, RSAPKCS1},
	{0x0708, "sm2sig_sm3", SM3, SM2},
	{0x0804, "rsa_pss_rsae_sha256", SHA256, RSAPSS}, {0x0805, "rsa_pss_rsae_sha384", SHA384, RSAPSS}, {0x0806, "rsa_pss_rsae_sha512", SHA512, RSAPSS},
	{0x0807, "ed25519", Intrinsic, EdDSA}, {0x0808, "ed448", Intrinsic, EdDSA},
	{0x0809, "rsa_pss_pss_sha256", SHA256, RSAPSS}, {0x080A, "rsa_pss_pss_sha384", SHA384, RSAPSS}, {0x080B, "rsa_pss_pss_sha512", SHA512, RSAPSS},
	{0x081A, "ecdsa_brainpoolP256r1tls13_sha256", SHA256, ECDSA}, {0x081B, "ecdsa_brainpoolP384r1tls13_sha384", SHA384, ECDSA}, {0x081C, "ecdsa_brainpoolP512r1tls13_sha512", SHA512, ECDSA},
	{0x0904, "mldsa44", Intrinsic, MLDSA}, {0x0905, "mldsa65", Intrinsic, MLDSA}, {0x0906, "mldsa87", Intrinsic, MLDSA},
}

// pairHashes and pairAlgorithms are the octets of TLS 1.2's pairs.
var (
	pairHashes     = map[byte]Hash{1: MD5, 2: SHA1, 3: SHA224, 4: SHA256, 5: SHA384, 6: SHA512}
	pairAlgorithms = map[byte]SignatureAlgorithm{0: NoSignature, 1: RSAPKCS1, 2: DSA, 3: ECDSA}
)

// Pair is the scheme of a hash function and an algorithm in TLS 1.2, or 0 where
// there is none.
func Pair(h Hash, a SignatureAlgorithm) SignatureScheme {
	for upper, hash := range pairHashes {
		for lower, algorithm := range pairAlgorithms {
			if hash == h && algorithm == a {
				return SignatureScheme(upper)<<8 | SignatureScheme(lower)
			}
		}
	}
	return 0
}

// Pairs lists the schemes of one hash function with RSA, ECDSA and DSA: the
// question whether a server signs with it.
func Pairs(h Hash) []SignatureScheme {
	return []SignatureScheme{Pair(h, ECDSA), Pair(h, RSAPKCS1), Pair(h, DSA)}
}

// SignatureSchemes lists what servers may know, best first: the schemes of TLS
// 1.3, then the pairs of TLS 1.2 down to MD5.
func SignatureSchemes() []SignatureScheme {
	list := []SignatureScheme{
		0x0807, 0x0808, 0x0403, 0x0503, 0x0603, 0x081A, 0x081B, 0x081C,
		0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B, 0x0401, 0x0501, 0x0601,
	}
	for _, h := range []Hash{SHA256, SHA384, SHA512} {
		list = append(list, Pair(h, DSA))
	}
	for _, h := range []Hash{SHA224, SHA1, MD5} {
		list = append(list, Pairs(h)...)
	}
	return list
}

// Hash is the hash function; [UnknownHash] where the number says nothing.
func (s SignatureScheme) Hash() Hash {
	for _, row := range schemes {
		if row.scheme == s {
			return row.hash
		}
	}
	if pairAlgorithms[byte(s)] == UnknownSignature {
		return UnknownHash
	}
	return pairHashes[byte(s>>8)]
}

// Algorithm is what signs the hash; [UnknownSignature] where the number says
// nothing.
func (s SignatureScheme) Algorithm() SignatureAlgorithm {
	for _, row := range schemes {
		if row.scheme == s {
			return row.algorithm
		}
	}
	if pairHashes[byte(s>>8)] == UnknownHash {
		return UnknownSignature
	}
	return pairAlgorithms[byte(s)]
}

// String is IANA's name; for the pairs of TLS 1.2 that have none, algorithm and
// hash ("DSA with SHA224"); and the number for the rest.
func (s SignatureScheme) String() string {
	for _, row := range schemes {
		if row.scheme == s {
			return row.name
		}
	}
	if s.Hash() != UnknownHash {
		return s.Algorithm().String() + " with " + s.Hash().String()
	}
	return fmt.Sprintf("0x%04X", uint16(s))
}
