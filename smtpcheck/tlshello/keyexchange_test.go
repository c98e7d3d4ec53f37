package tlshello_test

import (
	"testing"

	"mailvet/smtpcheck/tlshello"
)

// exchangeOf reads a ServerKeyExchange of a suite in a version.
func exchangeOf(t *testing.T, v tlshello.Version, name string, body []byte) *tlshello.ServerKeyExchange {
	t.Helper()
	a := tlshello.ReadFlight(hs(serverHello(v, suite(t, name)), certificates("a"), keyExchange(body...), helloDone()), false)
	if a.Outcome != tlshello.Accepted {
		t.Fatalf("%s in %s: %s", name, v, a)
	}
	return a.KeyExchange
}

func TestKeyExchanges(t *testing.T) {
	dh := join(vec(0, 0x0B), vec(2), vec(8, 8))
	curve := []byte{3, 0, 29, 2, 7, 7}
	signature := vec(1, 2, 3)
	for _, c := range []struct {
		name      string
		version   tlshello.Version
		suite     string
		body      []byte
		hash      tlshello.Hash
		algorithm tlshello.SignatureAlgorithm
		bits      int
	}{
		{"DHE with RSA", tlshello.TLS12, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", join(dh, []byte{3, 1}, signature), tlshello.SHA224, tlshello.RSAPKCS1, 4},
		{"DHE with RSA, older", tlshello.TLS11, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", join(dh, signature), tlshello.MD5SHA1, tlshello.RSAPKCS1, 4},
		{"DHE with DSA", tlshello.TLS12, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA", join(dh, []byte{2, 2}, signature), tlshello.SHA1, tlshello.DSA, 4},
		{"DHE with DSA, older", tlshello.SSL30, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA", join(dh, signature), tlshello.SHA1, tlshello.DSA, 4},
		{"anonymous DH", tlshello.TLS12, "TLS_DH_anon_WITH_AES_128_CBC_SHA", dh, tlshello.UnknownHash, tlshello.NoSignature, 4},
		{"ECDHE with RSA-PSS", tlshello.TLS12, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", join(curve, []byte{8, 5}, signature), tlshello.SHA384, tlshello.RSAPSS, 255},
		{"ECDHE with EdDSA", tlshello.TLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", join(curve, []byte{8, 7}, signature), tlshello.Intrinsic, tlshello.EdDSA, 255},
		{"ECDHE with ECDSA, older", tlshello.TLS10, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", join(curve, signature), tlshello.SHA1, tlshello.ECDSA, 255},
		{"unknown scheme", tlshello.TLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", join(curve, []byte{0xEE, 0xEE}, signature), tlshello.UnknownHash, tlshello.UnknownSignature, 255},
		{"anonymous ECDH", tlshello.TLS12, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", curve, tlshello.UnknownHash, tlshello.NoSignature, 255},
		{"export RSA", tlshello.TLS10, "TLS_RSA_EXPORT_WITH_RC4_40_MD5", join(vec(1, 0), vec(3), signature), tlshello.MD5SHA1, tlshello.RSAPKCS1, 9},
		{"PSK", tlshello.TLS12, "TLS_PSK_WITH_AES_128_CBC_SHA", vec('h'), tlshello.UnknownHash, tlshello.NoSignature, 0},
		{"RSA_PSK", tlshello.TLS12, "TLS_RSA_PSK_WITH_AES_128_CBC_SHA", vec('h'), tlshello.UnknownHash, tlshello.NoSignature, 0},
		{"DHE_PSK", tlshello.TLS12, "TLS_DHE_PSK_WITH_AES_128_CBC_SHA", join(vec('h'), dh), tlshello.UnknownHash, tlshello.NoSignature, 4},
		{"ECDHE_PSK", tlshello.TLS12, "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA", join(vec('h'), curve), tlshello.UnknownHash, tlshello.NoSignature, 255},
		{"SRP", tlshello.TLS12, "TLS_SRP_SHA_WITH_AES_128_CBC_SHA", join(vec(0x0B), vec(2), []byte{1, 9}, vec(8)), tlshello.UnknownHash, tlshello.NoSignature, 4},
		{"SRP with RSA", tlshello.TLS12, "TLS_SRP_SHA_RSA_WITH_AES_128_CBC_SHA", join(vec(0x0B), vec(2), []byte{1, 9}, vec(8), []byte{4, 1}, signature), tlshello.SHA256, tlshello.RSAPKCS1, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := exchangeOf(t, c.version, c.suite, c.body)
			if k.Hash != c.hash || k.Algorithm != c.algorithm || (len(k.Signature) == 3) != (c.algorithm != tlshello.NoSignature) {
				t.Errorf("signed with %s, %s: %x", k.Hash, k.Algorithm, k.Signature)
			}
			bits := 0
			switch {
			case k.DH != nil:
				bits = k.DH.Bits()
			case k.Curve != nil:
				bits = k.Curve.Bits()
			case k.RSA != nil:
				bits = k.RSA.Bits()
			case k.SRP != nil:
				bits = k.SRP.Bits()
			}
			if bits != c.bits || (string(k.Hint) == "h") != (c.body[2] == 'h') {
				t.Errorf("%d bits, hint %q", bits, k.Hint)
			}
		})
	}
}

func TestExplicitCurves(t *testing.T) {
	rest := []byte{1, 1, 1, 2, 2, 4, 4, 1, 5, 1, 6, 1, 7} // a, b, base, order, cofactor, point
	prime := exchangeOf(t, tlshello.TLS12, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", append([]byte{1, 2, 0x01, 0xFF}, rest...))
	if c := prime.Curve; c.Group != tlshello.ExplicitPrime || c.Bits() != 9 || len(c.Explicit.Base) != 2 || c.Explicit.Cofactor[0] != 6 || c.Point[0] != 7 {
		t.Errorf("%+v %+v", c, c.Explicit)
	}
	for basis, exponents := range map[byte][]byte{1: {1, 9}, 2: {1, 9, 1, 8, 1, 7}} {
		body := append(append([]byte{2, 0, 163, basis}, exponents...), rest...)
		k := exchangeOf(t, tlshello.TLS12, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", body)
		if c := k.Curve; c.Group != tlshello.ExplicitChar2 || c.Bits() != 163 || len(c.Explicit.Exponents) != len(exponents)/2 || c.Point[0] != 7 {
			t.Errorf("%+v %+v", c, c.Explicit)
		}
	}
}

func TestZeroPrime(t *testing.T) {
	for _, p := range [][]byte{nil, {0}, {0, 0, 0}} {
		d := tlshello.DHParameters{Prime: p, Generator: []byte{2}}
		if d.Bits() != 0 || d.Name() != "" {
			t.Errorf("%x: %d bits, name %q", p, d.Bits(), d.Name())
		}
	}
}
