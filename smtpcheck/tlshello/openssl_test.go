package tlshello_test

import (
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mailvet/smtpcheck/tlshello"
)

const everyCipher = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"

// openssl starts a server with an RSA and an ECDSA certificate that allows all
// that this build of OpenSSL can do.
func openssl(t *testing.T, more ...string) server {
	t.Helper()
	rsa, ecdsa := pemFile(t, "rsa"), pemFile(t, "ecdsa")
	return start(t, "openssl", append([]string{"s_server", "-accept", "ADDRESS:PORT", "-quiet",
		"-cert", rsa, "-key", rsa, "-dcert", ecdsa, "-dkey", ecdsa,
		"-cipher", everyCipher, "-ciphersuites", "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256",
		"-min_protocol", "TLSv1"}, more...)...)
}

// output runs a program and gives its output.
func output(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), tool(t, program), args...).Output()
	if err != nil {
		t.Fatalf("%s %v: %v", program, args, err)
	}
	return string(out)
}

type listed struct {
	suite   tlshello.Suite
	name    string
	version string
	line    string
}

// opensslSuites is OpenSSL's own list: code, IANA's name, lowest version.
func opensslSuites(t *testing.T) []listed {
	t.Helper()
	var list []listed
	for line := range strings.Lines(output(t, "openssl", "ciphers", "-V", "-stdname", everyCipher)) {
		f := strings.Fields(line) // 0xC0,0x2C - NAME - OPENSSL-NAME TLSv1.2 ...
		code, err := strconv.ParseUint(strings.ReplaceAll(strings.TrimPrefix(f[0], "0x"), ",0x", ""), 16, 16)
		if err != nil {
			t.Fatal(line)
		}
		list = append(list, listed{tlshello.Suite(code), f[2], f[5], line})
	}
	if len(list) < 100 {
		t.Fatalf("OpenSSL lists only %d suites", len(list))
	}
	return list
}

// TestOpenSSLSuites asks for each suite that OpenSSL has, alone, in each version
// that has it. Those with keys that the server lacks it must refuse.
func TestOpenSSLSuites(t *testing.T) {
	s := openssl(t)
	usable := tlshello.Usable(tlshello.TLS12)
	accepted := map[tlshello.Version][]tlshello.Suite{}
	for _, l := range opensslSuites(t) {
		traits := l.suite.Traits()
		for _, v := range []tlshello.Version{tlshello.TLS10, tlshello.TLS11, tlshello.TLS12, tlshello.TLS13} {
			if v < traits.Min || v > traits.Max {
				continue
			}
			a := s.ask(t, tlshello.Ask(v, l.suite))
			if v < tlshello.TLS13 && !slices.Contains(usable, l.suite) || traits.Authentication == tlshello.ByDSS {
				if a.Outcome != tlshello.Refused {
					t.Errorf("%s in %s: %s", l.name, v, a)
				}
				continue
			}
			if a.Outcome != tlshello.Accepted || a.Version() != v || a.Hello.Suite != l.suite {
				t.Errorf("%s in %s: %s", l.name, v, a)
				continue
			}
			accepted[v] = append(accepted[v], l.suite)
			checkParts(t, a)
		}
	}
	if n := len(accepted[tlshello.TLS10]); n < 20 {
		t.Errorf("only %d suites in TLS 1.0", n)
	}
	for v, want := range accepted {
		found := s.enumerate(t, tlshello.AskAllBut(v))
		slices.Sort(found)
		slices.Sort(want)
		// Beside those of its list, OpenSSL has the suites that were configured.
		if v != tlshello.TLS13 && !slices.Equal(found, want) || v == tlshello.TLS13 && len(found) != 5 {
			t.Errorf("%s: enumerated %v, alone accepted %v", v, found, want)
		}
	}
}

// checkParts looks at the parts of a flight that its suite calls for.
func checkParts(t *testing.T, a *tlshello.Answer) {
	t.Helper()
	if a.Version() == tlshello.TLS13 {
		if !a.Hello.Retry || a.Hello.Group == 0 {
			t.Errorf("%s: no retry", a)
		}
		return
	}
	traits := a.Hello.Suite.Traits()
	if (len(a.Certificates) == 0) != traits.Anonymous() {
		t.Errorf("%s: %d certificates", a, len(a.Certificates))
	}
	if !a.Hello.SecureRenegotiation || !a.Hello.ExtendedMasterSecret {
		t.Errorf("%s: secure renegotiation %t, extended master secret %t", a, a.Hello.SecureRenegotiation, a.Hello.ExtendedMasterSecret)
	}
	k := a.KeyExchange
	if (k != nil) != traits.ForwardSecrecy {
		t.Fatalf("%s: key exchange %+v", a, k)
	}
	if k == nil {
		return
	}
	switch traits.KeyExchange {
	case tlshello.DHE:
		if k.DH == nil || k.DH.Bits() < 1024 || len(k.DH.Public) == 0 {
			t.Errorf("%s: %+v", a, k.DH)
		}
	case tlshello.ECDHE:
		if k.Curve == nil || a.Group().Kind() != tlshello.PrimeCurve || len(k.Curve.Point) < 32 {
			t.Errorf("%s: %+v", a, k.Curve)
		}
	}
	want := map[tlshello.Authentication]tlshello.SignatureAlgorithm{tlshello.Anonymous: tlshello.NoSignature, tlshello.ByRSA: tlshello.RSAPKCS1, tlshello.ByECDSA: tlshello.ECDSA, tlshello.ByDSS: tlshello.DSA}[traits.Authentication]
	if k.Algorithm != want && !(want == tlshello.RSAPKCS1 && k.Algorithm == tlshello.RSAPSS) {
		t.Errorf("%s: signed by %s", a, k.Algorithm)
	}
	if (k.Hash == tlshello.UnknownHash) != traits.Anonymous() || (len(k.Signature) == 0) != traits.Anonymous() || (k.Scheme != 0) != (a.Version() == tlshello.TLS12 && !traits.Anonymous()) {
		t.Errorf("%s: scheme %s, hash %s, %d octets", a, k.Scheme, k.Hash, len(k.Signature))
	}
}

func TestOpenSSLDSA(t *testing.T) {
	dir := t.TempDir()
	params, file := filepath.Join(dir, "params"), filepath.Join(dir, "dsa.pem")
	output(t, "openssl", "dsaparam", "-out", params, "1024")
	output(t, "openssl", "req", "-x509", "-newkey", "dsa:"+params, "-noenc", "-subj", "/CN=mx.test", "-keyout", file, "-out", file+".crt")
	s := openssl(t, "-dcert", file+".crt", "-dkey", file)
	for _, v := range []tlshello.Version{tlshello.TLS10, tlshello.TLS12} {
		o := tlshello.Ask(v)
		o.Suites = slices.DeleteFunc(o.Suites, func(x tlshello.Suite) bool { return x.Traits().Authentication != tlshello.ByDSS })
		o.Signatures = []tlshello.SignatureScheme{tlshello.Pair(tlshello.SHA256, tlshello.DSA)}
		found := s.enumerate(t, o)
		if len(found) < 4 {
			t.Errorf("%s: suites %v", v, found)
		}
		a := s.ask(t, o)
		checkParts(t, a)
		want := tlshello.SHA1
		if v == tlshello.TLS12 {
			want = tlshello.SHA256
		}
		if a.KeyExchange.Hash != want {
			t.Errorf("%s: signed with %s", v, a.KeyExchange.Hash)
		}
	}
}

func TestOpenSSLGroups(t *testing.T) {
	s := openssl(t, "-groups", "X448:X25519:P-521:P-384:P-256:ffdhe2048:ffdhe3072:ffdhe4096:ffdhe6144:ffdhe8192:brainpoolP512r1:secp224r1:sect571r1")
	want := map[tlshello.Version][]tlshello.Group{
		tlshello.TLS12: {14, tlshello.SECP224R1, tlshello.SECP256R1, tlshello.SECP384R1, tlshello.SECP521R1, tlshello.BrainpoolP512R1, tlshello.X25519, tlshello.X448},
		tlshello.TLS13: {tlshello.SECP256R1, tlshello.SECP384R1, tlshello.SECP521R1, tlshello.X25519, tlshello.X448,
			tlshello.FFDHE2048, tlshello.FFDHE3072, tlshello.FFDHE4096, tlshello.FFDHE6144, tlshello.FFDHE8192},
	}
	for v, groups := range want {
		found := groupsOf(t, v, func(o tlshello.Offer) *tlshello.Answer {
			o.Suites = slices.DeleteFunc(o.Suites, func(x tlshello.Suite) bool { return x.Traits().KeyExchange == tlshello.DHE })
			return s.ask(t, o)
		})
		slices.Sort(found)
		if !slices.Equal(found, groups) {
			t.Errorf("%s: groups %v, want %v", v, found, groups)
		}
	}
}

// ownPrime is a safe prime of 1024 bits that nobody else uses.
const ownPrime = "dc23df2036f52562820e4fe90a11a70b95e2e86b4b097ddeaa0bc05cb7bd91dcb17f471e36cead5f2ec398389113cb42991c0cf908d466057993a1551dc1bae0" +
	"42b3bffd591e90b83b696d90402763d468916944b607f824e324b30102909d74339230f954cd2d79c0d87f8d08a4a4c40440e10aaad0b266fe0fed535c0f0e5f"

func TestOpenSSLPrimes(t *testing.T) {
	own := filepath.Join(t.TempDir(), "dh.pem")
	prime, _ := new(big.Int).SetString(ownPrime, 16)
	der, err := asn1.Marshal(struct{ Prime, Generator *big.Int }{prime, big.NewInt(2)}) // PKCS #3
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	named := filepath.Join(t.TempDir(), "ffdhe3072.pem")
	output(t, "openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe3072", "-out", named)
	for _, c := range []struct {
		name string
		args []string
		bits int
		want string
	}{
		{"automatic", nil, 2048, "modp2048"},
		{"own", []string{"-dhparam", own}, 1024, ""},
		{"named", []string{"-dhparam", named}, 3072, "ffdhe3072"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openssl(t, c.args...)
			for _, v := range []tlshello.Version{tlshello.TLS10, tlshello.TLS12} {
				a := s.ask(t, tlshello.AskGroups(v, tlshello.FFDHE4096))
				if a.Outcome != tlshello.Accepted || a.KeyExchange.DH.Bits() != c.bits || a.KeyExchange.DH.Name() != c.want {
					t.Errorf("%s: %s, %d bits, name %q", v, a, a.KeyExchange.DH.Bits(), a.KeyExchange.DH.Name())
				}
			}
		})
	}
}

func TestOpenSSLSignatures(t *testing.T) {
	lax, strict := openssl(t), openssl(t, "-cipher", "ALL:@SECLEVEL=2")
	for _, h := range []tlshello.Hash{tlshello.MD5, tlshello.SHA1, tlshello.SHA224, tlshello.SHA256, tlshello.SHA384, tlshello.SHA512} {
		a := lax.ask(t, tlshello.AskSignature(h))
		if h == tlshello.MD5 {
			if a.Outcome != tlshello.Refused {
				t.Errorf("%s: %s", h, a)
			}
			continue
		}
		if a.Outcome != tlshello.Accepted || a.KeyExchange.Hash != h {
			t.Errorf("%s: %s", h, a)
		}
		want := tlshello.Accepted
		if h == tlshello.SHA1 {
			want = tlshello.Refused
		}
		if a := strict.ask(t, tlshello.AskSignature(h)); a.Outcome != want {
			t.Errorf("security level 2, %s: %s", h, a)
		}
	}
}

func TestOpenSSLRefuses(t *testing.T) {
	s := openssl(t, "-min_protocol", "TLSv1.2", "-cipher", "ECDHE+AESGCM", "-no_tls1_3")
	for _, c := range []struct {
		name  string
		offer tlshello.Offer
		alert tlshello.AlertDescription
	}{
		{"SSL 3.0", tlshello.Ask(tlshello.SSL30), tlshello.HandshakeFailure},
		{"TLS 1.1", tlshello.Ask(tlshello.TLS11), tlshello.ProtocolVersion},
		{"TLS 1.3", tlshello.Ask(tlshello.TLS13), tlshello.ProtocolVersion},
		{"bad suites", tlshello.AskAllBut(tlshello.TLS12, s.enumerate(t, tlshello.Ask(tlshello.TLS12))...), tlshello.HandshakeFailure},
	} {
		a := s.ask(t, c.offer)
		if alert, ok := a.Alert(); !ok || alert.Description != c.alert || alert.Level != tlshello.Fatal {
			t.Errorf("%s: %s, want %s", c.name, a, c.alert)
		}
	}
	v2, err := tlshello.AskV2([16]byte{1}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := s.exchange(t, v2); a.Outcome != tlshello.Refused && a.Outcome != tlshello.Closed {
		t.Errorf("SSL 2.0: %s", a)
	}
}

// TestOpenSSLOldForm asks for TLS 1.2 in a hello of SSL 2.0, which OpenSSL still
// takes. It has no extensions.
func TestOpenSSLOldForm(t *testing.T) {
	s := openssl(t)
	hello := tlshello.V2ClientHello{Version: tlshello.TLS12, Specs: []tlshello.CipherSpec{0x0033, 0x00FF}, Challenge: make([]byte, 32)}
	octets, err := hello.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	a, flight := s.exchange(t, octets)
	if a.Outcome != tlshello.Accepted || a.Version() != tlshello.TLS12 || a.Hello.ExtendedMasterSecret || !a.Hello.SecureRenegotiation || a.KeyExchange.Hash != tlshello.SHA1 {
		t.Errorf("%s: %+v", a, a.Hello)
	}
	sameInPieces(t, flight, a)
}

// TestOpenSSLHello: a server answers hellos of any length, with and without
// what means nothing, and reads them as we do.
func TestOpenSSLHello(t *testing.T) {
	s := openssl(t)
	for _, v := range []tlshello.Version{tlshello.TLS12, tlshello.TLS13} {
		for name, change := range map[string]func(*tlshello.Offer){
			"GREASE":       func(o *tlshello.Offer) { o.GREASE = true },
			"no padding":   func(o *tlshello.Offer) { o.NoPadding = true },
			"many":         func(o *tlshello.Offer) { o.Extra = []tlshello.Extension{{Type: 0xFAFA, Data: make([]byte, 20000)}} },
			"server name":  func(o *tlshello.Offer) { o.ServerName = "mx.test" },
			"no extension": func(o *tlshello.Offer) { o.Renegotiation = tlshello.BySuite },
			"older too":    func(o *tlshello.Offer) { o.Floor = tlshello.TLS10 },
		} {
			o := tlshello.Ask(v)
			change(&o)
			if a := s.ask(t, o); a.Outcome != tlshello.Accepted || a.Version() != v {
				t.Errorf("%s, %s: %s", v, name, a)
			}
		}
	}
}
