package tlshello_test

import (
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"mailvet/smtpcheck/tlshello"
)

func TestVersions(t *testing.T) {
	for _, v := range tlshello.Versions() {
		if back, ok := tlshello.ParseVersion(v.String()); !ok || back != v || !v.Known() {
			t.Errorf("%s is read as %s", v, back)
		}
		if v >= tlshello.TLS10 && v.String() != tls.VersionName(uint16(v)) {
			t.Errorf("%s, Go says %s", v, tls.VersionName(uint16(v)))
		}
	}
	if v := tlshello.Version(0x7F1C); v.Known() || v.String() != "0x7F1C" {
		t.Error(v)
	}
	if _, ok := tlshello.ParseVersion("TLS 2.0"); ok {
		t.Error("TLS 2.0 is read")
	}
}

func TestAlerts(t *testing.T) {
	named := 0
	for i := range 256 {
		d := tlshello.AlertDescription(i)
		name := d.String()
		back, ok := tlshello.ParseAlert(name)
		if ok != !strings.HasPrefix(name, "alert ") || ok && back != d {
			t.Errorf("%s is read as %s, %t", name, back, ok)
		}
		if ok {
			named++
			// Go writes the same names with spaces and without IANA's remarks.
			theirs := strings.TrimPrefix(tls.AlertError(d).Error(), "tls: ")
			if plain := strings.ReplaceAll(strings.TrimSuffix(name, "_RESERVED"), "_", " "); !strings.HasPrefix(theirs, "alert(") && !similar(plain, theirs) {
				t.Errorf("%s, Go says %s", plain, theirs)
			}
		}
	}
	if named != 37 {
		t.Errorf("%d alerts have names", named)
	}
	if s := (tlshello.Alert{Level: tlshello.Fatal, Description: 40}).String(); s != "fatal handshake_failure" {
		t.Error(s)
	}
	if s := (tlshello.Alert{Level: 7, Description: 200}).String(); s != "level 7 alert 200" {
		t.Error(s)
	}
}

// similar compares names of which one says "bad record MAC", the other "bad
// record mac".
func similar(a, b string) bool {
	words := strings.Fields(strings.ToLower(b))
	for _, w := range strings.Fields(a) {
		for _, x := range words {
			if strings.HasPrefix(x, w[:min(3, len(w))]) {
				return true
			}
		}
	}
	return false
}

func TestGroups(t *testing.T) {
	seen := map[tlshello.Group]bool{}
	for _, v := range tlshello.Versions() {
		for _, g := range tlshello.GroupsOf(v) {
			seen[g] = true
			if back, ok := tlshello.ParseGroup(g.String()); !ok || back != g {
				t.Errorf("%s is read as %s", g, back)
			}
			if (g.Bits() == 0) != (g.Kind() == tlshello.Explicit) || g.Kind() == tlshello.UnknownGroup {
				t.Errorf("%s: kind %d, %d bits", g, g.Kind(), g.Bits())
			}
		}
	}
	if len(seen) != 41+5+3+4+2+2 {
		t.Errorf("%d groups", len(seen))
	}
	if n := len(tlshello.GroupsOf(tlshello.SSL30)); n != 0 {
		t.Errorf("%d groups of SSL 3.0, which cannot name any", n)
	}
	for _, id := range []tls.CurveID{tls.CurveP256, tls.CurveP384, tls.CurveP521, tls.X25519, tls.X25519MLKEM768, tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024} {
		name := strings.NewReplacer("CurveP256", "secp256r1", "CurveP384", "secp384r1", "CurveP521", "secp521r1").Replace(id.String())
		if got := tlshello.Group(id).String(); !strings.EqualFold(got, name) {
			t.Errorf("%s, Go says %s", got, name)
		}
	}
	if g := tlshello.Group(0x4321); g.String() != "0x4321" || g.Kind() != tlshello.UnknownGroup || g.Bits() != 0 {
		t.Error(g)
	}
}

func TestSignatureSchemes(t *testing.T) {
	for _, c := range []struct {
		scheme    tlshello.SignatureScheme
		name      string
		hash      tlshello.Hash
		algorithm tlshello.SignatureAlgorithm
	}{
		{0x0101, "RSA with MD5", tlshello.MD5, tlshello.RSAPKCS1},
		{0x0201, "rsa_pkcs1_sha1", tlshello.SHA1, tlshello.RSAPKCS1},
		{0x0202, "DSA with SHA1", tlshello.SHA1, tlshello.DSA},
		{0x0303, "ECDSA with SHA224", tlshello.SHA224, tlshello.ECDSA},
		{0x0402, "DSA with SHA256", tlshello.SHA256, tlshello.DSA},
		{0x0603, "ecdsa_secp521r1_sha512", tlshello.SHA512, tlshello.ECDSA},
		{0x0805, "rsa_pss_rsae_sha384", tlshello.SHA384, tlshello.RSAPSS},
		{0x0807, "ed25519", tlshello.Intrinsic, tlshello.EdDSA},
		{0x0905, "mldsa65", tlshello.Intrinsic, tlshello.MLDSA},
		{0x0708, "sm2sig_sm3", tlshello.SM3, tlshello.SM2},
		{0x0000, "0x0000", tlshello.UnknownHash, tlshello.UnknownSignature},
		{0x0104, "0x0104", tlshello.UnknownHash, tlshello.UnknownSignature},
		{0x0901, "0x0901", tlshello.UnknownHash, tlshello.UnknownSignature},
	} {
		if c.scheme.String() != c.name || c.scheme.Hash() != c.hash || c.scheme.Algorithm() != c.algorithm {
			t.Errorf("0x%04X: %s, %s, %s", uint16(c.scheme), c.scheme, c.scheme.Hash(), c.scheme.Algorithm())
		}
	}
	seen := map[tlshello.SignatureScheme]bool{}
	for _, s := range tlshello.SignatureSchemes() {
		if seen[s] || s.Hash() == tlshello.UnknownHash || s.Algorithm() == tlshello.UnknownSignature {
			t.Errorf("%s: twice, or without parts", s)
		}
		seen[s] = true
	}
	for _, s := range tlshello.Pairs(tlshello.SHA1) {
		if s.Hash() != tlshello.SHA1 || !seen[s] {
			t.Error(s)
		}
	}
	if s := tlshello.Pair(tlshello.SM3, tlshello.RSAPKCS1); s != 0 {
		t.Errorf("SM3 with RSA: %s", s)
	}
}

// TestPrimes computes the well-known primes from their formulas (RFC 7919,
// Appendix A; RFC 2409, Section 6; RFC 3526) and looks for their names:
// p = 2^b - 2^(b-64) - 1 + 2^64 ([2^(b-130) c] + x), where c is e or pi.
func TestPrimes(t *testing.T) {
	for _, c := range []struct {
		name string
		bits uint
		x    int64
		of   func(uint) *big.Int
	}{
		{"ffdhe2048", 2048, 560316, scaledE}, {"ffdhe3072", 3072, 2625351, scaledE}, {"ffdhe4096", 4096, 5736041, scaledE},
		{"ffdhe6144", 6144, 15705020, scaledE}, {"ffdhe8192", 8192, 10965728, scaledE},
		{"modp768", 768, 149686, scaledPi}, {"modp1024", 1024, 129093, scaledPi}, {"modp1536", 1536, 741804, scaledPi}, {"modp2048", 2048, 124476, scaledPi},
		{"modp3072", 3072, 1690314, scaledPi}, {"modp4096", 4096, 240904, scaledPi}, {"modp6144", 6144, 929484, scaledPi}, {"modp8192", 8192, 4743158, scaledPi},
	} {
		p := prime(c.bits, c.x, c.of)
		d := tlshello.DHParameters{Prime: append([]byte{0}, p.Bytes()...), Generator: []byte{0, 2}}
		if d.Name() != c.name || d.Bits() != int(c.bits) {
			t.Errorf("%s: name %q, %d bits", c.name, d.Name(), d.Bits())
		}
		a := tlshello.Answer{KeyExchange: &tlshello.ServerKeyExchange{DH: &d}}
		if g := a.Group(); (g != 0) != strings.HasPrefix(c.name, "ffdhe") || g != 0 && g.String() != c.name {
			t.Errorf("%s is group %s", c.name, g)
		}
		d.Generator = []byte{5}
		if d.Name() != "" {
			t.Errorf("%s with generator 5 has the name %s", c.name, d.Name())
		}
	}
}

func TestPrimesOfInternetNL(t *testing.T) {
	b, err := os.ReadFile("../../../shared/internetnl-tls-lists.json")
	if err != nil {
		t.Skip("needs ../shared/internetnl-tls-lists.json beside the project")
	}
	var lists struct {
		KeyExchange struct {
			FFDHE map[string]struct {
				Prime string `json:"prime_hex"`
			} `json:"ffdhe_phase_out"`
		} `json:"key_exchange"`
	}
	if err := json.Unmarshal(b, &lists); err != nil || len(lists.KeyExchange.FFDHE) != 4 {
		t.Fatal(err, len(lists.KeyExchange.FFDHE))
	}
	for name, group := range lists.KeyExchange.FFDHE {
		p, err := hex.DecodeString(group.Prime)
		if err != nil {
			t.Fatal(err)
		}
		d := tlshello.DHParameters{Prime: p, Generator: []byte{2}}
		if d.Name() != name || fmt.Sprint("ffdhe", d.Bits()) != name {
			t.Errorf("%s has the name %q, %d bits", name, d.Name(), d.Bits())
		}
	}
}

func prime(bits uint, x int64, of func(uint) *big.Int) *big.Int {
	one := big.NewInt(1)
	p := new(big.Int).Lsh(one, bits)
	p.Sub(p, new(big.Int).Lsh(one, bits-64))
	p.Sub(p, one)
	middle := new(big.Int).Add(of(bits-130), big.NewInt(x))
	return p.Add(p, middle.Lsh(middle, 64))
}

const guard = 128 // bits beyond those wanted, for what rounding loses

// scaledE is [2^n e]: the sum of 1/k!.
func scaledE(n uint) *big.Int {
	sum, term := new(big.Int), new(big.Int).Lsh(big.NewInt(1), n+guard)
	for k := int64(1); term.Sign() > 0; k++ {
		sum.Add(sum, term)
		term.Quo(term, big.NewInt(k))
	}
	return sum.Rsh(sum, guard)
}

// scaledPi is [2^n pi], by Machin: pi = 16 arctan(1/5) - 4 arctan(1/239).
func scaledPi(n uint) *big.Int {
	arctan := func(x int64) *big.Int {
		sum, power := new(big.Int), new(big.Int).Lsh(big.NewInt(1), n+guard)
		power.Quo(power, big.NewInt(x))
		for k := int64(1); power.Sign() > 0; k += 2 {
			term := new(big.Int).Quo(power, big.NewInt(k))
			if k%4 == 3 {
				term.Neg(term)
			}
			sum.Add(sum, term)
			power.Quo(power, big.NewInt(x*x))
		}
		return sum
	}
	p := arctan(5)
	p.Mul(p, big.NewInt(16))
	q := arctan(239)
	p.Sub(p, q.Mul(q, big.NewInt(4)))
	return p.Rsh(p, guard)
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		tlshello.NoCompression.String(): "NULL", tlshello.Deflate.String(): "DEFLATE", tlshello.LZS.String(): "LZS", tlshello.Compression(9).String(): "compression 9",
		tlshello.ExtendedMasterSecretExtension.String(): "extended_main_secret", tlshello.RenegotiationInfoExtension.String(): "renegotiation_info", tlshello.ExtensionType(0xFAFA).String(): "0xFAFA",
		tlshello.V2BadCertificate.String(): "BAD-CERTIFICATE-ERROR", tlshello.V2NoCertificate.String(): "NO-CERTIFICATE-ERROR", tlshello.V2UnsupportedCertificateType.String(): "UNSUPPORTED-CERTIFICATE-TYPE-ERROR",
		tlshello.MD5SHA1.String(): "MD5+SHA1", tlshello.SHA1.String(): "SHA1", tlshello.SHA224.String(): "SHA224", tlshello.EdDSA.String(): "EdDSA",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestCipherSpecs(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range tlshello.CipherSpecs() {
		if seen[c.String()] || !strings.HasPrefix(c.String(), "SSL_CK_") {
			t.Error(c)
		}
		seen[c.String()] = true
	}
	if len(seen) != 10 {
		t.Errorf("%d ciphers", len(seen))
	}
	for c, want := range map[tlshello.CipherSpec]string{0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xABCDEF: "0xABCDEF", 0: "SSL_CK_NULL_WITH_MD5"} {
		if c.String() != want {
			t.Errorf("%s, want %s", c, want)
		}
	}
}
