package tlshello

import "strings"

// keyExchanges reads the part of a suite's name before "_WITH_".
var keyExchanges = map[string]struct {
	exchange KeyExchange
	by       Authentication
}{
	"NULL":     {UnknownKeyExchange, UnknownAuthentication},
	"RSA":      {RSA, ByRSA},
	"RSA_FIPS": {RSA, ByRSA},
	"DH_RSA":   {DH, ByRSA}, "DH_DSS": {DH, ByDSS},
	"DHE_RSA": {DHE, ByRSA}, "DHE_DSS": {DHE, ByDSS}, "DH_anon": {DHE, Anonymous},
	"ECDH_RSA": {ECDH, ByRSA}, "ECDH_ECDSA": {ECDH, ByECDSA},
	"ECDHE_RSA": {ECDHE, ByRSA}, "ECDHE_ECDSA": {ECDHE, ByECDSA}, "ECDH_anon": {ECDHE, Anonymous},
	"PSK": {PSK, ByPSK}, "DHE_PSK": {DHEPSK, ByPSK}, "PSK_DHE": {DHEPSK, ByPSK}, "RSA_PSK": {RSAPSK, ByRSA}, "ECDHE_PSK": {ECDHEPSK, ByPSK},
	"SRP_SHA": {SRP, BySRP}, "SRP_SHA_RSA": {SRP, ByRSA}, "SRP_SHA_DSS": {SRP, ByDSS},
	"KRB5": {KRB5, ByKRB5}, "ECCPWD": {ECCPWD, ByECCPWD}, "FORTEZZA_KEA": {Fortezza, ByFortezza},
	"GOSTR341094": {GOST, ByGOST}, "GOSTR341001": {GOST, ByGOST}, "GOSTR341112_256": {GOST, ByGOST},
}

// hashes are the last words of suites' names that name a hash function or a
// MAC rather than a cipher's mode.
var hashes = map[string]bool{
	"NULL": false, "MD5": true, "SHA": true, "SHA256": true, "SHA384": true, "SHA512": true, "SM3": true,
	"IMIT": true, "OMAC": true, "GOSTR3411": true,
}

// strengths are the ciphers' bits, the first that fits the beginning of the
// cipher's name.
var strengths = []struct {
	cipher string
	bits   int
}{
	{"NULL", 0}, {"DES_CBC_40", 40}, {"DES40", 40}, {"RC2_CBC_40", 40}, {"RC4_40", 40},
	{"RC2_CBC_56", 56}, {"RC4_56", 56}, {"DES_CBC", 56}, {"FORTEZZA", 80}, {"3DES", 112},
	{"RC4_128", 128}, {"IDEA", 128}, {"SEED", 128}, {"SM4", 128}, {"AES_128", 128}, {"CAMELLIA_128", 128}, {"ARIA_128", 128}, {"AEGIS_128L", 128},
	{"AES_256", 256}, {"CAMELLIA_256", 256}, {"ARIA_256", 256}, {"AEGIS_256", 256}, {"CHACHA20", 256},
	{"28147", 256}, {"KUZNYECHIK", 256}, {"MAGMA", 256},
}

// traitsOf takes the name of a suite apart:
// TLS_<key exchange>[_EXPORT]_WITH_<cipher>[_<hash>], and for TLS 1.3
// TLS_<cipher>_<hash>.
func traitsOf(name string) Traits {
	var t Traits
	name = strings.TrimPrefix(name, "OLD_")
	name = name[len("TLS_"):] // or SSL_
	exchange, cipher, old := strings.Cut(name, "_WITH_")
	if !old {
		cipher = exchange
		t.KeyExchange, t.Authentication = AnyKeyExchange, AnyAuthentication
	} else {
		exchange, export1024 := strings.CutSuffix(exchange, "_EXPORT1024")
		exchange, export := strings.CutSuffix(exchange, "_EXPORT")
		t.Export = export || export1024
		t.KeyExchange, t.Authentication = keyExchanges[exchange].exchange, keyExchanges[exchange].by
	}
	t.Cipher, t.MAC = splitCipher(cipher)
	t.Null = t.Cipher == "NULL"
	for _, s := range strengths {
		if strings.HasPrefix(t.Cipher, s.cipher) {
			t.Bits = s.bits
			break
		}
	}
	switch t.KeyExchange {
	case AnyKeyExchange, DHE, ECDHE, DHEPSK, ECDHEPSK, ECCPWD:
		t.ForwardSecrecy = true
	}
	t.Min, t.Max = spanOf(t)
	return t
}

// splitCipher separates the cipher from the hash. The hash of an authenticated
// cipher (AEAD) is for deriving keys only.
func splitCipher(s string) (cipher, mac string) {
	if s == "SHA256_SHA256" || s == "SHA384_SHA384" { // RFC 9150: integrity only
		return "NULL", s[:len("SHA256")]
	}
	cipher = s
	if i := strings.LastIndexByte(s, '_'); i >= 0 && hashes[s[i+1:]] {
		cipher, mac = s[:i], s[i+1:]
	}
	for _, mode := range []string{"_GCM", "_CCM", "_CCM_8", "_MGM_L", "_MGM_S", "_POLY1305"} {
		if strings.HasSuffix(cipher, mode) {
			return cipher, "AEAD"
		}
	}
	if strings.HasPrefix(cipher, "AEGIS") {
		return cipher, "AEAD"
	}
	return cipher, mac
}

// spanOf says in which versions servers speak suites of these traits.
func spanOf(t Traits) (lowest, highest Version) {
	lowest, highest = SSL30, TLS12
	switch {
	case t.KeyExchange == AnyKeyExchange, t.KeyExchange == GOST && t.MAC == "AEAD": // RFC 8446, RFC 9367
		return TLS13, TLS13
	case t.KeyExchange == Fortezza:
		return SSL30, SSL30
	case t.MAC == "AEAD", t.KeyExchange == GOST && t.MAC == "OMAC": // RFC 5246, Section 6.2.3.3
		return TLS12, TLS12
	case t.MAC == "SHA256" || t.MAC == "SHA384":
		// RFC 5487, Section 3, lets pre-shared keys use these below TLS 1.2; for
		// ARIA it is RFC 6209 that says TLS 1.2.
		switch t.KeyExchange {
		case PSK, DHEPSK, RSAPSK, ECDHEPSK:
			if !strings.HasPrefix(t.Cipher, "ARIA") {
				return TLS10, TLS12
			}
		}
		return TLS12, TLS12
	case t.Elliptic(), t.KeyExchange == GOST, t.KeyExchange == KRB5: // curves are agreed on by an extension, which SSL 3.0 does not have
		lowest = TLS10
	}
	switch {
	case t.Export: // RFC 4346, Section A.5
		highest = TLS10
	case strings.HasPrefix(t.Cipher, "DES_"), strings.HasPrefix(t.Cipher, "IDEA"): // RFC 5469, Section 1
		highest = TLS11
	}
	return lowest, highest
}
