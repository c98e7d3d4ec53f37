package tlshello

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Group is a group for the key exchange: an elliptic curve, a finite field, or
// a key encapsulation that quantum computers do not break (IANA's registry "TLS
// Supported Groups").
type Group uint16

// The groups that are asked for by name. ExplicitPrime and ExplicitChar2 stand
// for curves that the server spells out (RFC 8422, Section 5.1.1, removed them).
const (
	SECP224R1          Group = 21
	SECP256R1          Group = 23
	SECP384R1          Group = 24
	SECP521R1          Group = 25
	BrainpoolP256R1    Group = 26
	BrainpoolP384R1    Group = 27
	BrainpoolP512R1    Group = 28
	X25519             Group = 29
	X448               Group = 30
	FFDHE2048          Group = 256
	FFDHE3072          Group = 257
	FFDHE4096          Group = 258
	FFDHE6144          Group = 259
	FFDHE8192          Group = 260
	SecP256r1MLKEM768  Group = 4587
	X25519MLKEM768     Group = 4588
	SecP384r1MLKEM1024 Group = 4589
	ExplicitPrime      Group = 0xFF01
	ExplicitChar2      Group = 0xFF02
)

// GroupKind says what a group is made of.
type GroupKind uint8

// The kinds. Explicit are the two values that say "a curve of my own".
const (
	UnknownGroup GroupKind = iota
	PrimeCurve
	BinaryCurve
	FiniteField
	KEM
	Hybrid // a curve together with a KEM
	Explicit
)

type groupRow struct {
	group  Group
	name   string
	kind   GroupKind
	bits   int
	lowest Version // first and last version in which the group is used
	last   Version
}

// groups is IANA's registry "TLS Supported Groups".
var groups = []groupRow{
	{1, "sect163k1", BinaryCurve, 163, TLS10, TLS12}, {2, "sect163r1", BinaryCurve, 163, TLS10, TLS12}, {3, "sect163r2", BinaryCurve, 163, TLS10, TLS12},
	{4, "sect193r1", BinaryCurve, 193, TLS10, TLS12}, {5, "sect193r2", BinaryCurve, 193, TLS10, TLS12},
	{6, "sect233k1", BinaryCurve, 233, TLS10, TLS12}, {7, "sect233r1", BinaryCurve, 233, TLS10, TLS12}, {8, "sect239k1", BinaryCurve, 239, TLS10, TLS12},
	{9, "sect283k1", BinaryCurve, 283, TLS10, TLS12}, {10, "sect283r1", BinaryCurve, 283, TLS10, TLS12},
	{11, "sect409k1", BinaryCurve, 409, TLS10, TLS12}, {12, "sect409r1", BinaryCurve, 409, TLS10, TLS12},
	{13, "sect571k1", BinaryCurve, 571, TLS10, TLS12}, {14, "sect571r1", BinaryCurve, 571, TLS10, TLS12},
	{15, "secp160k1", PrimeCurve, 160, TLS10, TLS12}, {16, "secp160r1", PrimeCurve, 160, TLS10, TLS12}, {17, "secp160r2", PrimeCurve, 160, TLS10, TLS12},
	{18, "secp192k1", PrimeCurve, 192, TLS10, TLS12}, {19, "secp192r1", PrimeCurve, 192, TLS10, TLS12},
	{20, "secp224k1", PrimeCurve, 224, TLS10, TLS12}, {SECP224R1, "secp224r1", PrimeCurve, 224, TLS10, TLS12},
	{22, "secp256k1", PrimeCurve, 256, TLS10, TLS12}, {SECP256R1, "secp256r1", PrimeCurve, 256, TLS10, TLS13},
	{SECP384R1, "secp384r1", PrimeCurve, 384, TLS10, TLS13}, {SECP521R1, "secp521r1", PrimeCurve, 521, TLS10, TLS13},
	{BrainpoolP256R1, "brainpoolP256r1", PrimeCurve, 256, TLS10, TLS12}, // RFC 7027
	{BrainpoolP384R1, "brainpoolP384r1", PrimeCurve, 384, TLS10, TLS12},
	{BrainpoolP512R1, "brainpoolP512r1", PrimeCurve, 512, TLS10, TLS12},
	{X25519, "x25519", PrimeCurve, 255, TLS10, TLS13}, {X448, "x448", PrimeCurve, 448, TLS10, TLS13},
	{31, "brainpoolP256r1tls13", PrimeCurve, 256, TLS13, TLS13}, // RFC 8734
	{32, "brainpoolP384r1tls13", PrimeCurve, 384, TLS13, TLS13},
	{33, "brainpoolP512r1tls13", PrimeCurve, 512, TLS13, TLS13},
	{34, "GC256A", PrimeCurve, 256, TLS12, TLS13}, {35, "GC256B", PrimeCurve, 256, TLS12, TLS13}, // RFC 9189
	{36, "GC256C", PrimeCurve, 256, TLS12, TLS13}, {37, "GC256D", PrimeCurve, 256, TLS12, TLS13},
	{38, "GC512A", PrimeCurve, 512, TLS12, TLS13}, {39, "GC512B", PrimeCurve, 512, TLS12, TLS13}, {40, "GC512C", PrimeCurve, 512, TLS12, TLS13},
	{41, "curveSM2", PrimeCurve, 256, TLS13, TLS13},                                                                      // RFC 8998
	{FFDHE2048, "ffdhe2048", FiniteField, 2048, TLS10, TLS13}, {FFDHE3072, "ffdhe3072", FiniteField, 3072, TLS10, TLS13}, // RFC 7919
	{FFDHE4096, "ffdhe4096", FiniteField, 4096, TLS10, TLS13}, {FFDHE6144, "ffdhe6144", FiniteField, 6144, TLS10, TLS13},
	{FFDHE8192, "ffdhe8192", FiniteField, 8192, TLS10, TLS13},
	{512, "MLKEM512", KEM, 512, TLS13, TLS13}, {513, "MLKEM768", KEM, 768, TLS13, TLS13}, {514, "MLKEM1024", KEM, 1024, TLS13, TLS13},
	{SecP256r1MLKEM768, "SecP256r1MLKEM768", Hybrid, 768, TLS13, TLS13},
	{X25519MLKEM768, "X25519MLKEM768", Hybrid, 768, TLS13, TLS13},
	{SecP384r1MLKEM1024, "SecP384r1MLKEM1024", Hybrid, 1024, TLS13, TLS13},
	{4590, "curveSM2MLKEM768", Hybrid, 768, TLS13, TLS13},
	{25497, "X25519Kyber768Draft00", Hybrid, 768, TLS13, TLS13},
	{25498, "SecP256r1Kyber768Draft00", Hybrid, 768, TLS13, TLS13},
	{ExplicitPrime, "arbitrary_explicit_prime_curves", Explicit, 0, TLS10, TLS12},
	{ExplicitChar2, "arbitrary_explicit_char2_curves", Explicit, 0, TLS10, TLS12},
}

func (g Group) row() groupRow {
	for _, row := range groups {
		if row.group == g {
			return row
		}
	}
	return groupRow{}
}

// String is IANA's name ("x25519"), and the number for groups without.
func (g Group) String() string {
	if name := g.row().name; name != "" {
		return name
	}
	return fmt.Sprintf("0x%04X", uint16(g))
}

// Kind says what the group is made of.
func (g Group) Kind() GroupKind { return g.row().kind }

// Bits is the size of the field, of the modulus of a [FiniteField], or the
// parameter in the name of a [KEM]; 0 where it is not known.
func (g Group) Bits() int { return g.row().bits }

// ParseGroup is the group of a name that [Group.String] gives.
func ParseGroup(name string) (Group, bool) {
	for _, row := range groups {
		if row.name == name {
			return row.group, true
		}
	}
	return 0, false
}

// GroupsOf lists the groups of IANA's registry that can be used in version v.
// Below TLS 1.0 there is no way to name one.
func GroupsOf(v Version) []Group {
	var list []Group
	for _, row := range groups {
		if row.lowest <= v && v <= row.last {
			list = append(list, row.group)
		}
	}
	return list
}

// primes are the well-known moduli for Diffie-Hellman, by the SHA-256 of the
// number in big-endian octets. All of them go with the generator 2.
var primes = []struct {
	name, digest string
}{
	{"ffdhe2048", "9cd3b7f336872f46c09428d1bbc19877a4d440512cda8d1c1cf0cd6e33698966"}, // RFC 7919, Appendix A
	{"ffdhe3072", "0eaf67db3a839156d5013494a5318a772b5697d270d721f37f092efc69ea5a17"},
	{"ffdhe4096", "4648414224ac881b3d0dc59b466f96d06a558278776807797ecf1f66ff397b3e"},
	{"ffdhe6144", "227ac9066b3ddd9e193670cda2388fa884f65ba0cf98b742d1fe77a6687c79c7"},
	{"ffdhe8192", "770b14efaf6f049929c523113b3fa99a8d11dab1b18af3609590122075d19833"},
	{"modp768", "b52ba6a3026520a6c49d37e4587601801bee500123b3259b6bf03e7cecc3e63d"}, // RFC 2409, Section 6
	{"modp1024", "3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0"},
	{"modp1536", "64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b"}, // RFC 3526
	{"modp2048", "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e"},
	{"modp3072", "48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c"},
	{"modp4096", "4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33"},
	{"modp6144", "d1bfe6d0925ce7e4da262b62861514a7755e35831e429f343e7b864848657efd"},
	{"modp8192", "39ab4feab950a3128fb71accb9fc3965d857012e081998a85996e3ea8b3c3bcf"},
}

// primeName is the name of a modulus (without leading zero octets) that many
// share; empty for one of the server's own.
func primeName(modulus []byte) string {
	sum := sha256.Sum256(modulus)
	digest := hex.EncodeToString(sum[:])
	for _, p := range primes {
		if p.digest == digest {
			return p.name
		}
	}
	return ""
}
