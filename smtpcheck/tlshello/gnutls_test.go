package tlshello_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"mailvet/smtpcheck/tlshello"
)

// gnutlsLegacy allows what GnuTLS can do, but for suites without encryption:
// with these its list has no TLS 1.3.
const gnutlsLegacy = "NORMAL:+VERS-TLS1.0:+VERS-TLS1.1:+AES-128-CBC:+AES-256-CBC:+AES-128-CCM:+AES-256-CCM:+AES-128-CCM-8:+AES-256-CCM-8:+CAMELLIA-128-GCM:+CAMELLIA-256-GCM:+CAMELLIA-128-CBC:+CAMELLIA-256-CBC:" +
	"+3DES-CBC:+ARCFOUR-128:+SHA1:+SHA256:+SHA384:+MD5:+AEAD:+RSA:+DHE-RSA:+ANON-DH:+ANON-ECDH:+SIGN-ALL:+SIGN-RSA-SHA1:+SIGN-ECDSA-SHA1:+GROUP-ALL"

func gnutls(t *testing.T, priority string, more ...string) server {
	t.Helper()
	rsa, ecdsa := pemFile(t, "rsa"), pemFile(t, "ecdsa")
	return start(t, "gnutls-serv", append([]string{"--port", "PORT", "--quiet", "--echo", "--disable-client-cert", "--priority", priority,
		"--x509certfile", rsa, "--x509keyfile", rsa, "--x509certfile", ecdsa, "--x509keyfile", ecdsa}, more...)...)
}

// gnutlsSuites is GnuTLS's own list.
func gnutlsSuites(t *testing.T, args ...string) []listed {
	t.Helper()
	var list []listed
	for line := range strings.Lines(output(t, "gnutls-cli", append([]string{"-l"}, args...)...)) {
		f := strings.Fields(line) // TLS_NAME 0xc0, 0x2c TLS1.2
		if len(f) != 4 || !strings.HasPrefix(f[0], "TLS_") {
			continue
		}
		code, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimSuffix(f[1], ","), "0x")+strings.TrimPrefix(f[2], "0x"), 16, 16)
		if err != nil {
			t.Fatal(line)
		}
		list = append(list, listed{tlshello.Suite(code), f[0], f[3], line})
	}
	if len(list) < 10 {
		t.Fatalf("GnuTLS lists only %d suites", len(list))
	}
	return list
}

// TestGnuTLSSuites asks for each suite that GnuTLS allows, alone.
func TestGnuTLSSuites(t *testing.T) {
	s := gnutls(t, gnutlsLegacy)
	suites := gnutlsSuites(t, "--priority", gnutlsLegacy)
	accepted := map[tlshello.Version][]tlshello.Suite{}
	for _, l := range suites {
		lowest := map[string]tlshello.Version{"TLS1.0": tlshello.TLS10, "TLS1.2": tlshello.TLS12, "TLS1.3": tlshello.TLS13}[l.version]
		for v := max(lowest, tlshello.TLS10); v <= min(l.suite.Traits().Max, tlshello.TLS13); v++ {
			a := s.ask(t, tlshello.Ask(v, l.suite))
			if a.Outcome != tlshello.Accepted || a.Version() != v || a.Hello.Suite != l.suite {
				t.Errorf("%s in %s: %s", l.name, v, a)
				continue
			}
			accepted[v] = append(accepted[v], l.suite)
			checkParts(t, a)
		}
	}
	for v, want := range accepted {
		found := s.enumerate(t, tlshello.Ask(v))
		slices.Sort(found)
		slices.Sort(want)
		if !slices.Equal(found, want) {
			t.Errorf("%s: enumerated %v, alone accepted %v", v, found, want)
		}
	}
	if len(accepted[tlshello.TLS10]) < 10 || len(accepted[tlshello.TLS12]) < 40 || len(accepted[tlshello.TLS13]) < 4 {
		t.Errorf("accepted %d in TLS 1.0, %d in TLS 1.2, %d in TLS 1.3", len(accepted[tlshello.TLS10]), len(accepted[tlshello.TLS12]), len(accepted[tlshello.TLS13]))
	}
}

func TestGnuTLSGroups(t *testing.T) {
	s := gnutls(t, "NORMAL:+DHE-RSA:+GROUP-ALL:-GROUP-SECP521R1:%NO_SESSION_HASH")
	want := []tlshello.Group{tlshello.SECP256R1, tlshello.SECP384R1, tlshello.X25519, tlshello.X448,
		tlshello.FFDHE2048, tlshello.FFDHE3072, tlshello.FFDHE4096, tlshello.FFDHE6144, tlshello.FFDHE8192}
	found := groupsOf(t, tlshello.TLS13, func(o tlshello.Offer) *tlshello.Answer { return s.ask(t, o) })
	slices.Sort(found)
	if !slices.Equal(found, want) {
		t.Errorf("TLS 1.3: groups %v, want %v", found, want)
	}
	// RFC 7919 lets clients name finite fields in TLS 1.2 too.
	for _, g := range want[4:] {
		a := s.ask(t, tlshello.AskGroups(tlshello.TLS12, g))
		if a.Outcome != tlshello.Accepted || a.KeyExchange.DH == nil || a.Group() != g || a.KeyExchange.DH.Bits() != g.Bits() || a.Hello.ExtendedMasterSecret {
			t.Errorf("%s in TLS 1.2: %s with %s, extended master secret %t", g, a, a.Group(), a.Hello != nil && a.Hello.ExtendedMasterSecret)
		}
	}
}

func TestGnuTLSSignatures(t *testing.T) {
	s := gnutls(t, "NORMAL:-SIGN-ALL:+SIGN-RSA-SHA1:+SIGN-RSA-SHA384:+SIGN-ECDSA-SHA256")
	for h, want := range map[tlshello.Hash]bool{tlshello.SHA1: true, tlshello.SHA224: false, tlshello.SHA256: true, tlshello.SHA384: true, tlshello.SHA512: false} {
		a := s.ask(t, tlshello.AskSignature(h))
		if (a.Outcome == tlshello.Accepted) != want || want && a.KeyExchange.Hash != h {
			t.Errorf("%s: %s", h, a)
		}
	}
}

func TestGnuTLSRefuses(t *testing.T) {
	s := gnutls(t, "NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.3")
	for _, v := range []tlshello.Version{tlshello.SSL30, tlshello.TLS10, tlshello.TLS11} {
		a := s.ask(t, tlshello.Ask(v))
		if alert, ok := a.Alert(); !ok || alert.Level != tlshello.Fatal {
			t.Errorf("%s: %s", v, a)
		}
	}
	a := s.ask(t, tlshello.AskAllBut(tlshello.TLS12, s.enumerate(t, tlshello.Ask(tlshello.TLS12))...))
	if a.Outcome != tlshello.Refused {
		t.Error(a)
	}
}
