package tlshello_test

import (
	"crypto/tls"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"mailvet/smtpcheck/tlshello"
)

func TestSuiteNames(t *testing.T) {
	codes, names := map[tlshello.Suite]bool{}, map[string]bool{}
	for _, s := range tlshello.Suites() {
		name := s.String()
		if codes[s] || names[name] {
			t.Errorf("%s (0x%04X) is there twice", name, uint16(s))
		}
		codes[s], names[name] = true, true
		if back, ok := tlshello.ParseSuite(name); !ok || back != s {
			t.Errorf("%s is read as %s", name, back)
		}
		if s.Signalling() {
			t.Errorf("%s is no suite", name)
		}
		if s.Registered() != inRegistry(s) {
			t.Errorf("%s (0x%04X): registered %t", name, uint16(s), s.Registered())
		}
	}
	for code := range 1 << 16 {
		if s := tlshello.Suite(code); inRegistry(s) && !codes[s] {
			t.Errorf("0x%04X is missing", code)
		}
	}
	if len(codes) != 349+20 {
		t.Errorf("%d suites", len(codes))
	}
	for _, s := range []tlshello.Suite{tlshello.RenegotiationSCSV, tlshello.FallbackSCSV} {
		if !s.Signalling() || s.Traits() != (tlshello.Traits{}) {
			t.Errorf("%s: signalling %t, %+v", s, s.Signalling(), s.Traits())
		}
	}
	if s := tlshello.Suite(0x1234); s.String() != "0x1234" || s.Registered() || s.Traits() != (tlshello.Traits{}) {
		t.Errorf("a suite that nobody knows: %s", s)
	}
	if _, ok := tlshello.ParseSuite("TLS_NO_SUCH"); ok {
		t.Error("a name that nobody knows is read")
	}
}

// inRegistry reports whether IANA has assigned a code: its registry as ranges.
func inRegistry(s tlshello.Suite) bool {
	for _, r := range [][2]tlshello.Suite{
		{0x0001, 0x001B}, {0x001E, 0x0046}, {0x0067, 0x006D}, {0x0084, 0x00C7}, {0x1301, 0x1307},
		{0xC001, 0xC0B5}, {0xC100, 0xC106}, {0xCCA8, 0xCCAE}, {0xD001, 0xD003}, {0xD005, 0xD005},
	} {
		if r[0] <= s && s <= r[1] {
			return true
		}
	}
	return false
}

// TestSuiteTraits: every suite has all of its parts, and the parts agree with
// its name.
func TestSuiteTraits(t *testing.T) {
	for _, s := range tlshello.Suites() {
		name, x := s.String(), s.Traits()
		if x.KeyExchange == tlshello.UnknownKeyExchange || x.Authentication == tlshello.UnknownAuthentication || x.Cipher == "" || x.Min == 0 || x.Max < x.Min {
			t.Errorf("%s: %+v", name, x)
		}
		if x.MAC == "" {
			t.Errorf("%s: no MAC", name)
		}
		for _, c := range []struct {
			what string
			got  bool
			want bool
		}{
			{"null", x.Null, strings.Contains(name, "WITH_NULL") || name == "TLS_SHA256_SHA256" || name == "TLS_SHA384_SHA384"},
			{"export", x.Export, strings.Contains(name, "_EXPORT")},
			{"anonymous", x.Anonymous(), strings.Contains(name, "_anon_")},
			{"CBC", x.CBC(), strings.Contains(name, "_CBC")},
			{"AEAD", x.MAC == "AEAD", strings.Contains(name, "_GCM") || strings.Contains(name, "_CCM") || strings.Contains(name, "POLY1305") || strings.Contains(name, "MGM") || strings.Contains(name, "AEGIS")},
			{"forward secrecy", x.ForwardSecrecy, strings.Contains(name, "DHE_") || strings.Contains(name, "_anon_") || strings.Contains(name, "ECCPWD") || x.KeyExchange == tlshello.AnyKeyExchange},
			{"bits", x.Bits == 0, x.Null},
		} {
			if c.got != c.want {
				t.Errorf("%s: %s is %t", name, c.what, c.got)
			}
		}
	}
	for name, want := range map[string]tlshello.Traits{
		"TLS_RSA_EXPORT_WITH_RC4_40_MD5":                {KeyExchange: tlshello.RSA, Authentication: tlshello.ByRSA, Cipher: "RC4_40", Bits: 40, MAC: "MD5", Export: true, Min: tlshello.SSL30, Max: tlshello.TLS10},
		"TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA":           {KeyExchange: tlshello.RSA, Authentication: tlshello.ByRSA, Cipher: "DES_CBC", Bits: 56, MAC: "SHA", Export: true, Min: tlshello.SSL30, Max: tlshello.TLS10},
		"TLS_DH_anon_WITH_DES_CBC_SHA":                  {KeyExchange: tlshello.DHE, Authentication: tlshello.Anonymous, Cipher: "DES_CBC", Bits: 56, MAC: "SHA", ForwardSecrecy: true, Min: tlshello.SSL30, Max: tlshello.TLS11},
		"TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA":             {KeyExchange: tlshello.DHE, Authentication: tlshello.ByDSS, Cipher: "3DES_EDE_CBC", Bits: 112, MAC: "SHA", ForwardSecrecy: true, Min: tlshello.SSL30, Max: tlshello.TLS12},
		"TLS_ECDH_RSA_WITH_AES_256_CBC_SHA384":          {KeyExchange: tlshello.ECDH, Authentication: tlshello.ByRSA, Cipher: "AES_256_CBC", Bits: 256, MAC: "SHA384", Min: tlshello.TLS12, Max: tlshello.TLS12},
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": {KeyExchange: tlshello.ECDHE, Authentication: tlshello.ByECDSA, Cipher: "CHACHA20_POLY1305", Bits: 256, MAC: "AEAD", ForwardSecrecy: true, Min: tlshello.TLS12, Max: tlshello.TLS12},
		"TLS_PSK_DHE_WITH_AES_128_CCM_8":                {KeyExchange: tlshello.DHEPSK, Authentication: tlshello.ByPSK, Cipher: "AES_128_CCM_8", Bits: 128, MAC: "AEAD", ForwardSecrecy: true, Min: tlshello.TLS12, Max: tlshello.TLS12},
		"TLS_AES_128_CCM_8_SHA256":                      {KeyExchange: tlshello.AnyKeyExchange, Authentication: tlshello.AnyAuthentication, Cipher: "AES_128_CCM_8", Bits: 128, MAC: "AEAD", ForwardSecrecy: true, Min: tlshello.TLS13, Max: tlshello.TLS13},
		"TLS_SHA256_SHA256":                             {KeyExchange: tlshello.AnyKeyExchange, Authentication: tlshello.AnyAuthentication, Cipher: "NULL", MAC: "SHA256", ForwardSecrecy: true, Null: true, Min: tlshello.TLS13, Max: tlshello.TLS13},
		"TLS_GOSTR341112_256_WITH_28147_CNT_IMIT":       {KeyExchange: tlshello.GOST, Authentication: tlshello.ByGOST, Cipher: "28147_CNT", Bits: 256, MAC: "IMIT", Min: tlshello.TLS10, Max: tlshello.TLS12},
		"SSL_FORTEZZA_KEA_WITH_FORTEZZA_CBC_SHA":        {KeyExchange: tlshello.Fortezza, Authentication: tlshello.ByFortezza, Cipher: "FORTEZZA_CBC", Bits: 80, MAC: "SHA", Min: tlshello.SSL30, Max: tlshello.SSL30},
		"SSL_RSA_FIPS_WITH_DES_CBC_SHA":                 {KeyExchange: tlshello.RSA, Authentication: tlshello.ByRSA, Cipher: "DES_CBC", Bits: 56, MAC: "SHA", Min: tlshello.SSL30, Max: tlshello.TLS11},
	} {
		if got := suite(t, name).Traits(); got != want {
			t.Errorf("%s:\n%+v\nwant\n%+v", name, got, want)
		}
	}
}

func TestSuitesOfGo(t *testing.T) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		x := tlshello.Suite(s.ID)
		if x.String() != s.Name {
			t.Errorf("0x%04X: %s, Go says %s", s.ID, x, s.Name)
		}
		for _, v := range s.SupportedVersions {
			if !slices.Contains(tlshello.SuitesOf(tlshello.Version(v)), x) {
				t.Errorf("%s is not among the suites of %s", x, tlshello.Version(v))
			}
		}
	}
}

func TestSuitesOfOpenSSL(t *testing.T) {
	versions := map[string]tlshello.Version{"SSLv3": tlshello.SSL30, "TLSv1": tlshello.TLS10, "TLSv1.2": tlshello.TLS12, "TLSv1.3": tlshello.TLS13}
	for _, l := range opensslSuites(t) {
		x := l.suite.Traits()
		if l.suite.String() != l.name || x.Min != versions[l.version] {
			t.Errorf("%s, %s; OpenSSL says %s, %s", l.suite, x.Min, l.name, l.version)
		}
		has := func(word string) bool { return strings.Contains(l.line, word) }
		exchange := map[tlshello.KeyExchange]string{tlshello.AnyKeyExchange: "any", tlshello.RSA: "RSA", tlshello.DHE: "DH", tlshello.ECDHE: "ECDH", tlshello.PSK: "PSK",
			tlshello.DHEPSK: "DHEPSK", tlshello.RSAPSK: "RSAPSK", tlshello.ECDHEPSK: "ECDHEPSK", tlshello.SRP: "SRP"}[x.KeyExchange]
		by := map[tlshello.Authentication]string{tlshello.AnyAuthentication: "any", tlshello.Anonymous: "None", tlshello.ByRSA: "RSA", tlshello.ByDSS: "DSS", tlshello.ByECDSA: "ECDSA",
			tlshello.ByPSK: "PSK", tlshello.BySRP: "SRP"}[x.Authentication]
		if !has("Kx="+exchange+" ") || !has("Au="+by+" ") || has("Mac=AEAD") != (x.MAC == "AEAD") || has("Enc=None") != x.Null {
			t.Errorf("%+v, OpenSSL says %s", x, l.line)
		}
	}
}

func TestSuitesOfGnuTLS(t *testing.T) {
	versions := map[string]tlshello.Version{"TLS1.0": tlshello.TLS10, "TLS1.2": tlshello.TLS12, "TLS1.3": tlshello.TLS13}
	for _, l := range gnutlsSuites(t) {
		if strings.Contains(l.name, "GOST") {
			continue // listed under numbers for private use
		}
		x := l.suite.Traits()
		// GnuTLS has no SSL 3.0 and, against RFC 5487, keeps pre-shared keys with
		// SHA-256 to TLS 1.2.
		shared := x.Authentication == tlshello.ByPSK || x.KeyExchange == tlshello.RSAPSK
		if low := max(x.Min, tlshello.TLS10); low != versions[l.version] && !(shared && low < versions[l.version]) {
			t.Errorf("%s from %s, GnuTLS says %s %s", l.suite, low, l.name, l.version)
		}
		// GnuTLS writes no WITH, and names hashes of ciphers of their own differently.
		plain := strings.NewReplacer("_WITH", "", "POLY1305_SHA256", "POLY1305", "PSK_DHE", "DHE_PSK", "RC4_128", "ARCFOUR_128").Replace(strings.ToUpper(l.suite.String()))
		theirs := strings.NewReplacer("_SHA1", "_SHA", "POLY1305_SHA256", "POLY1305").Replace(l.name)
		if plain != theirs && !strings.HasPrefix(plain, theirs) {
			t.Errorf("%s, GnuTLS says %s", plain, theirs)
		}
	}
}

// TestSuitesOfInternetNL: what the tables of the Dutch test name, we have.
func TestSuitesOfInternetNL(t *testing.T) {
	b, err := os.ReadFile("../../../shared/internetnl-tls-lists.json")
	if err != nil {
		t.Skip("needs ../shared/internetnl-tls-lists.json beside the project")
	}
	var lists struct {
		Ciphers struct {
			Good, Sufficient []string
			PhaseOut         []string `json:"phase_out"`
			Known            []string `json:"tls13_known_to_library"`
			Probe            struct {
				Candidates []struct{ IANA string } `json:"approximate_candidates"`
			} `json:"tls12_probe"`
		}
	}
	if err := json.Unmarshal(b, &lists); err != nil {
		t.Fatal(err)
	}
	c := lists.Ciphers
	names := slices.Concat(c.Good, c.Sufficient, c.PhaseOut, c.Known)
	for _, x := range c.Probe.Candidates {
		names = append(names, x.IANA)
	}
	if len(names) < 200 {
		t.Fatalf("only %d names read", len(names))
	}
	usable := slices.Concat(tlshello.Usable(tlshello.TLS10), tlshello.Usable(tlshello.TLS12), tlshello.Usable(tlshello.TLS13))
	for _, name := range names {
		s, ok := tlshello.ParseSuite(name)
		if !ok || !slices.Contains(usable, s) {
			t.Errorf("%s: known %t, usable %t", name, ok, slices.Contains(usable, s))
		}
	}
}

func TestSuitesOfVersions(t *testing.T) {
	for v, want := range map[tlshello.Version]int{tlshello.SSL20: 0, tlshello.TLS13: 7 + 2 + 2 + 4} {
		if got := len(tlshello.SuitesOf(v)); got != want {
			t.Errorf("%d suites of %s, want %d", got, v, want)
		}
	}
	for _, c := range []struct {
		name string
		in   []tlshello.Version
	}{
		{"TLS_RSA_EXPORT_WITH_RC4_40_MD5", []tlshello.Version{tlshello.SSL30, tlshello.TLS10}},
		{"TLS_RSA_WITH_IDEA_CBC_SHA", []tlshello.Version{tlshello.SSL30, tlshello.TLS10, tlshello.TLS11}},
		{"TLS_ECDHE_RSA_WITH_RC4_128_SHA", []tlshello.Version{tlshello.TLS10, tlshello.TLS11, tlshello.TLS12}},
		{"TLS_RSA_WITH_AES_128_GCM_SHA256", []tlshello.Version{tlshello.TLS12}},
	} {
		for _, v := range tlshello.Versions() {
			if got := slices.Contains(tlshello.SuitesOf(v), suite(t, c.name)); got != slices.Contains(c.in, v) {
				t.Errorf("%s in %s: %t", c.name, v, got)
			}
		}
	}
}
