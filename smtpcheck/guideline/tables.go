package guideline

// Versions are the protocol versions.
var Versions = &Table{SectionVersions, []Entry{
	{"TLS 1.3", "", Good},
	{"TLS 1.2", "", Sufficient},
	{"TLS 1.1", "", Insufficient},
	{"TLS 1.0", "", Insufficient},
	{"SSL 3.0", "", Insufficient},
	{"SSL 2.0", "", Insufficient},
}}

// CertificateCurves are the curves of EC keys in certificates.
var CertificateCurves = &Table{SectionKeySizes, []Entry{
	{"secp521r1", "1.3.132.0.35", Good},
	{"secp384r1", "1.3.132.0.34", Good},
	{"secp256r1", "1.2.840.10045.3.1.7", Good},
	{"brainpoolP512r1", "1.3.36.3.3.2.8.1.1.13", Good},
	{"brainpoolP384r1", "1.3.36.3.3.2.8.1.1.11", Good},
	{"brainpoolP256r1", "1.3.36.3.3.2.8.1.1.7", Good},
	{"secp224r1", "1.3.132.0.33", PhaseOut},
}}

// CertificateEdwards are the keys of RFC 8410, whose algorithm names the curve.
var CertificateEdwards = &Table{SectionKeySizes, []Entry{
	{"Ed25519", "1.3.101.112", Good},
	{"Ed448", "1.3.101.113", Good},
}}

// CertificateSignatures are the algorithms by which certificates are signed.
// RSASSA-PSS is not among them.
var CertificateSignatures = &Table{SectionHashFunctions, []Entry{
	{"sha256WithRSAEncryption", "1.2.840.113549.1.1.11", Sufficient},
	{"sha384WithRSAEncryption", "1.2.840.113549.1.1.12", Sufficient},
	{"sha512WithRSAEncryption", "1.2.840.113549.1.1.13", Sufficient},
	{"ecdsa-with-SHA256", "1.2.840.10045.4.3.2", Sufficient},
	{"ecdsa-with-SHA384", "1.2.840.10045.4.3.3", Sufficient},
	{"ecdsa-with-SHA512", "1.2.840.10045.4.3.4", Sufficient},
	{"Ed25519", "1.3.101.112", Sufficient},
	{"Ed448", "1.3.101.113", Sufficient},
	{"sha224WithRSAEncryption", "1.2.840.113549.1.1.14", PhaseOut},
	{"ecdsa-with-SHA224", "1.2.840.10045.4.3.1", PhaseOut},
}}

// Groups are the elliptic curves of the key exchange.
var Groups = &Table{SectionKeySizes, []Entry{
	{"secp521r1", "", Good},
	{"secp384r1", "", Good},
	{"secp256r1", "", Good},
	{"brainpoolP512r1", "", Good},
	{"brainpoolP384r1", "", Good},
	{"brainpoolP256r1", "", Good},
	{"X25519", "", Good},
	{"X448", "", Good},
	{"secp224r1", "", PhaseOut},
}}

// Hybrids are the groups that quantum computers do not break either. The
// guideline's newest text calls them alone good; Internet.nl cannot see them.
var Hybrids = &Table{SectionKeySizes, []Entry{
	{"X25519MLKEM768", "", Good},
	{"SecP256r1MLKEM768", "", Good},
	{"SecP384r1MLKEM1024", "", Good},
}}

// FiniteFieldGroups are the groups of RFC 7919; generator 2. Every other group,
// ffdhe2048 included, is insufficient.
var FiniteFieldGroups = &Table{SectionFiniteFields, []Entry{
	{"ffdhe3072", "", PhaseOut},
	{"ffdhe4096", "", PhaseOut},
	{"ffdhe6144", "", PhaseOut},
	{"ffdhe8192", "", PhaseOut},
}}

// KeyExchangeHashes are the hash functions of signatures in the key exchange
// that are not good.
var KeyExchangeHashes = &Table{SectionHashFunctions, []Entry{
	{"SHA512", "", Good},
	{"SHA384", "", Good},
	{"SHA256", "", Good},
	{"SHA224", "", PhaseOut},
	{"SHA1", "", Insufficient},
}}
