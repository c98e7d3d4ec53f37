package tlshello_test

import (
	"crypto/tls"
	"net"
	"slices"
	"testing"

	"mailvet/smtpcheck/tlshello"
)

// against asks Go's TLS server over a pipe.
func against(t *testing.T, config *tls.Config, hello []byte) (*tlshello.Answer, []byte) {
	t.Helper()
	client, peer := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s := tls.Server(peer, config)
		s.Handshake() // it cannot succeed
		peer.Close()
	}()
	a, all := converse(t, client, hello)
	client.Close()
	<-done
	return a, all
}

func marshal(t testing.TB, o tlshello.Offer) (*tlshello.ClientHello, []byte) {
	t.Helper()
	h, err := o.Hello(chance())
	if err != nil {
		t.Fatal(err)
	}
	octets, err := h.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return h, octets
}

// TestGoSuites asks for each suite that crypto/tls knows, in each version that
// has it, and for nothing else.
func TestGoSuites(t *testing.T) {
	all := append(tls.CipherSuites(), tls.InsecureCipherSuites()...)
	var ids []uint16
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	for _, s := range all {
		traits := tlshello.Suite(s.ID).Traits()
		for _, v := range s.SupportedVersions {
			version := tlshello.Version(v)
			t.Run(s.Name+" "+version.String(), func(t *testing.T) {
				key := "rsa"
				if traits.Authentication == tlshello.ByECDSA {
					key = "ecdsa"
				}
				config := &tls.Config{Certificates: []tls.Certificate{identityOf(t, key).certificate}, MinVersion: tls.VersionTLS10, CipherSuites: ids}
				h, octets := marshal(t, tlshello.Ask(version, tlshello.Suite(s.ID)))
				a, flight := against(t, config, octets)
				if a.Outcome != tlshello.Accepted || a.Hello.Suite != tlshello.Suite(s.ID) || a.Version() != version {
					t.Fatal(a)
				}
				if violations := h.Violations(a); violations != nil {
					t.Error(violations)
				}
				sameInPieces(t, flight, a)
				checkFlight(t, a, identityOf(t, key).certificate.Certificate[0])
			})
		}
	}
}

// checkFlight looks for what a flight of a version and suite must have.
func checkFlight(t *testing.T, a *tlshello.Answer, der []byte) {
	t.Helper()
	traits := a.Hello.Suite.Traits()
	if a.Version() == tlshello.TLS13 {
		if !a.Hello.Retry || a.Hello.Group == 0 {
			t.Errorf("no retry for a group: %+v", a.Hello)
		}
		return
	}
	if len(a.Certificates) != 1 || !slices.Equal(a.Certificates[0], der) {
		t.Errorf("%d certificates, or not the server's", len(a.Certificates))
	}
	if !a.Hello.ExtendedMasterSecret || !a.Hello.SecureRenegotiation {
		t.Errorf("extended master secret %t, secure renegotiation %t", a.Hello.ExtendedMasterSecret, a.Hello.SecureRenegotiation)
	}
	k := a.KeyExchange
	if (k != nil) != traits.ForwardSecrecy {
		t.Fatalf("key exchange %+v for %s", k, a.Hello.Suite)
	}
	if k == nil {
		return
	}
	want := tlshello.SHA256
	switch {
	case a.Version() == tlshello.TLS12 && k.Scheme == 0, a.Version() < tlshello.TLS12 && k.Scheme != 0:
		t.Errorf("scheme %s in %s", k.Scheme, a.Version())
	case a.Version() < tlshello.TLS12 && traits.Authentication == tlshello.ByRSA:
		want = tlshello.MD5SHA1
	case a.Version() < tlshello.TLS12:
		want = tlshello.SHA1
	}
	if k.Hash != want || len(k.Signature) == 0 || k.Curve == nil || k.Curve.Bits() == 0 || len(k.Curve.Point) == 0 {
		t.Errorf("signed with %s (%s), curve %+v", k.Hash, k.Scheme, k.Curve)
	}
}

// TestGoGroups finds all groups of crypto/tls by HelloRetryRequests, and in TLS
// 1.2 by its curves.
func TestGoGroups(t *testing.T) {
	config := &tls.Config{Certificates: []tls.Certificate{identityOf(t, "rsa").certificate}, MinVersion: tls.VersionTLS12}
	want := []tlshello.Group{tlshello.SECP256R1, tlshello.SECP384R1, tlshello.SECP521R1, tlshello.X25519,
		tlshello.SecP256r1MLKEM768, tlshello.X25519MLKEM768, tlshello.SecP384r1MLKEM1024}
	for _, v := range []tlshello.Version{tlshello.TLS12, tlshello.TLS13} {
		t.Run(v.String(), func(t *testing.T) {
			found := groupsOf(t, v, func(o tlshello.Offer) *tlshello.Answer {
				h, octets := marshal(t, o)
				a, _ := against(t, config, octets)
				if violations := h.Violations(a); violations != nil {
					t.Error(violations)
				}
				return a
			})
			expected := want
			if v == tlshello.TLS12 {
				expected = want[:4]
			}
			slices.Sort(found)
			if !slices.Equal(found, expected) {
				t.Errorf("groups %v, want %v", found, expected)
			}
		})
	}
}

// groupsOf offers the groups that are left until the server refuses.
func groupsOf(t *testing.T, v tlshello.Version, ask func(tlshello.Offer) *tlshello.Answer) []tlshello.Group {
	t.Helper()
	left := tlshello.GroupsOf(v)
	var found []tlshello.Group
	for len(left) > 0 {
		a := ask(tlshello.AskGroups(v, left...))
		if a.Outcome == tlshello.Refused {
			return found
		}
		g := a.Group()
		if a.Outcome != tlshello.Accepted || !slices.Contains(left, g) {
			t.Fatalf("after %v: %s, group %s", found, a, g)
		}
		found = append(found, g)
		left = slices.DeleteFunc(left, func(x tlshello.Group) bool { return x == g })
	}
	return found
}

func TestGoExtensions(t *testing.T) {
	config := &tls.Config{Certificates: []tls.Certificate{identityOf(t, "rsa").certificate}, NextProtos: []string{"smtp"}}
	config.Certificates[0].OCSPStaple = []byte("a stapled response")
	o := tlshello.Ask(tlshello.TLS12, suite(t, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"))
	o.ALPN, o.ServerName = []string{"imap", "smtp"}, "mx.test"
	_, octets := marshal(t, o)
	a, flight := against(t, config, octets)
	sameInPieces(t, flight, a)
	if a.Outcome != tlshello.Accepted || a.Hello.ALPN != "smtp" || !a.Hello.StatusRequest || string(a.OCSP) != "a stapled response" || !a.Hello.SessionTicket {
		t.Errorf("%s: %+v, OCSP %q", a, a.Hello, a.OCSP)
	}
	if a.Hello.Downgrade() != tlshello.TLS12 {
		t.Error("the server does not say that it knows TLS 1.3")
	}
	config = config.Clone()
	config.ClientAuth = tls.RequireAnyClientCert
	config.NextProtos = []string{"xmpp"}
	a, _ = against(t, config, octets)
	if alert, ok := a.Alert(); !ok || alert.Description != tlshello.NoApplicationProtocol {
		t.Error(a)
	}
	config.NextProtos = nil
	a, _ = against(t, config, octets)
	if a.Outcome != tlshello.Accepted || a.Request == nil || len(a.Request.Types) == 0 || len(a.Request.Schemes) == 0 {
		t.Errorf("%s: certificate request %+v", a, a.Request)
	}
}

func TestGoRefuses(t *testing.T) {
	config := &tls.Config{Certificates: []tls.Certificate{identityOf(t, "rsa").certificate}, MinVersion: tls.VersionTLS12}
	fallback := tlshello.Ask(tlshello.TLS12)
	fallback.Fallback = true
	for _, c := range []struct {
		name  string
		offer tlshello.Offer
		alert tlshello.AlertDescription
	}{
		{"version", tlshello.Ask(tlshello.TLS11), tlshello.ProtocolVersion},
		{"all bad suites", tlshello.AskAllBut(tlshello.TLS12, goSuites()...), tlshello.HandshakeFailure},
		{"SHA-1 only", tlshello.AskSignature(tlshello.SHA1), tlshello.HandshakeFailure},
		{"fallback", fallback, tlshello.InappropriateFallback},
		{"no common group", tlshello.AskGroups(tlshello.TLS13, tlshello.X448), tlshello.HandshakeFailure},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, octets := marshal(t, c.offer)
			a, flight := against(t, config, octets)
			sameInPieces(t, flight, a)
			if alert, ok := a.Alert(); !ok || alert.Description != c.alert {
				t.Errorf("%s, want %s", a, c.alert)
			}
		})
	}
}

func goSuites() []tlshello.Suite {
	var list []tlshello.Suite
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		list = append(list, tlshello.Suite(s.ID))
	}
	return list
}

// TestGoGREASE: values that mean nothing change nothing.
func TestGoGREASE(t *testing.T) {
	config := &tls.Config{Certificates: []tls.Certificate{identityOf(t, "rsa").certificate}}
	for _, v := range []tlshello.Version{tlshello.TLS12, tlshello.TLS13} {
		o := tlshello.Ask(v)
		o.GREASE = true
		_, octets := marshal(t, o)
		if a, _ := against(t, config, octets); a.Outcome != tlshello.Accepted || a.Version() != v {
			t.Errorf("%s: %s", v, a)
		}
	}
}

// TestGoSendsKeyShare gives a real public key, so that the server goes on.
func TestGoSendsKeyShare(t *testing.T) {
	config := &tls.Config{Certificates: []tls.Certificate{identityOf(t, "rsa").certificate}}
	o := tlshello.AskGroups(tlshello.TLS13, tlshello.X25519)
	key := make([]byte, 32)
	key[0] = 9 // the base point
	o.KeyShares = []tlshello.KeyShare{{Group: tlshello.X25519, Key: key}}
	h, octets := marshal(t, o)
	a, flight := against(t, config, octets)
	sameInPieces(t, flight, a)
	if a.Outcome != tlshello.Accepted || a.Hello.Retry || a.Hello.Group != tlshello.X25519 || len(a.Hello.Key) != 32 || h.Violations(a) != nil {
		t.Errorf("%s: %+v %v", a, a.Hello, h.Violations(a))
	}
}
