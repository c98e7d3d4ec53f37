package evidence

import "strconv"

var algorithmNames = map[uint8]string{
	1: "RSAMD5", 3: "DSA", 5: "RSASHA1", 6: "DSA-NSEC3-SHA1", 7: "RSASHA1-NSEC3-SHA1", 8: "RSASHA256", 10: "RSASHA512",
	12: "ECC-GOST", 13: "ECDSAP256SHA256", 14: "ECDSAP384SHA384", 15: "ED25519", 16: "ED448", 17: "SM2SM3", 23: "ECC-GOST12",
}

var digestNames = map[uint8]string{
	1: "SHA-1", 2: "SHA-256", 3: "GOST R 34.11-94", 4: "SHA-384", 5: "GOST R 34.11-2012", 6: "SM3",
}

// AlgorithmName is the mnemonic of a DNSSEC algorithm in IANA's registry.
func AlgorithmName(n uint8) string { return nameOf(n, "algorithm ", algorithmNames) }

// DigestName is the name of a DS record's digest type in IANA's registry.
func DigestName(n uint8) string { return nameOf(n, "digest type ", digestNames) }

func nameOf(n uint8, what string, names map[uint8]string) string {
	if name, ok := names[n]; ok {
		return name
	}
	return what + strconv.Itoa(int(n))
}
