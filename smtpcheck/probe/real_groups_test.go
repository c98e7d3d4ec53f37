package probe_test

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/smtptest"
)

// TestRealGroups: the groups found are those that servers of others were told.
func TestRealGroups(t *testing.T) {
	rsa, ecdsa := pemOf(t, smtptest.RSA2048), pemOf(t, smtptest.P256)
	openssl := func(file, groups string, more ...string) []string {
		if more == nil {
			more = []string{"-no_tls1", "-no_tls1_1"}
		}
		return append([]string{"openssl", "s_server", "-quiet", "-naccept", "200", "-accept", "ADDRESS:PORT", "-cert", file, "-key", file,
			"-cipher", "ECDHE+AESGCM:ECDHE+CHACHA20", "-groups", groups}, more...)
	}
	gnutls := func(priority string) []string {
		return []string{"gnutls-serv", "-p", "PORT", "--x509certfile", rsa, "--x509keyfile", rsa, "--echo", "--priority",
			"NONE:+VERS-TLS1.3:+VERS-TLS1.2:+AES-256-GCM:+AES-128-GCM:+AEAD:+ECDHE-RSA:+SIGN-ALL:+COMP-NULL:+CTYPE-X509:" + priority}
	}
	for _, test := range []struct {
		name         string
		command      []string
		want         string
		most         int             // connections; 0: 12
		whole        bool            // all versions
		whole13      bool            // TLS 1.3
		quantum, oth evidence.Answer // X25519MLKEM768; another certificate
	}{
		{name: "OpenSSL, defaults", command: slices.DeleteFunc(openssl(rsa, ""), func(s string) bool { return s == "-groups" || s == "" }),
			want: "ffdhe2048 ffdhe3072 ffdhe4096 ffdhe6144 ffdhe8192 secp256r1 secp384r1 secp521r1 x25519 x448", whole: true, quantum: evidence.Refused},
		{name: "OpenSSL, as crypto/tls likes it", command: openssl(rsa, "X25519:P-256:P-384"), want: "secp256r1 secp384r1 x25519", whole: true, quantum: evidence.Refused},
		{name: "OpenSSL, the other way round", command: openssl(rsa, "P-384:P-256:X25519"), want: "secp256r1 secp384r1 x25519", whole: true, quantum: evidence.Refused},
		{name: "OpenSSL, one", command: openssl(rsa, "P-521"), want: "secp521r1", most: 14, whole13: true, quantum: evidence.Refused},
		{name: "OpenSSL, one that crypto/tls has not", command: openssl(rsa, "X448"), want: "x448", most: 18, quantum: evidence.Refused},
		{name: "OpenSSL, two of these", command: openssl(rsa, "X448:ffdhe3072", "-tls1_3"), want: "ffdhe3072 x448", most: 14, whole: true, quantum: evidence.Refused},
		{name: "OpenSSL, curves of TLS 1.2 besides", command: openssl(rsa, "X25519:P-256:brainpoolP384r1"), want: "brainpoolP384r1 secp256r1 x25519", whole13: true, quantum: evidence.Refused},
		{name: "OpenSSL, a weak curve besides", command: openssl(rsa, "X25519:P-256:secp256k1"), want: "secp256k1 secp256r1 x25519", whole13: true, quantum: evidence.Refused},
		{name: "OpenSSL, ECDSA", command: openssl(ecdsa, "X25519:P-256:P-384"), want: "secp256r1 secp384r1 x25519", whole13: true, quantum: evidence.Refused},
		{name: "OpenSSL, TLS 1.3 alone, both certificates", command: openssl(rsa, "P-256:X25519", "-tls1_3", "-dcert", ecdsa, "-dkey", ecdsa), want: "secp256r1 x25519", whole: true, quantum: evidence.Refused, oth: evidence.Accepted},
		{name: "OpenSSL, TLS 1.3 alone, ECDSA", command: openssl(ecdsa, "P-256:X25519", "-tls1_3"), want: "secp256r1 x25519", whole: true, quantum: evidence.Refused, oth: evidence.Refused},
		{name: "GnuTLS, one", command: gnutls("+GROUP-SECP384R1"), want: "secp384r1", whole13: true, quantum: evidence.Refused},
		{name: "GnuTLS, two", command: gnutls("+GROUP-X25519:+GROUP-SECP256R1"), want: "secp256r1 x25519", quantum: evidence.Refused},
		{name: "GnuTLS, TLS 1.3 alone", command: gnutls("-VERS-TLS1.2:+GROUP-X25519"), want: "x25519", whole: true, quantum: evidence.Refused, oth: evidence.Refused},
		{name: "GnuTLS, many", command: gnutls("+GROUP-ALL"), quantum: evidence.Refused},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := gradeBehind(t, behind(t, test.command[0], test.command[1:]...), nil)
			x := r.Session.TLS
			t.Logf("%d connections", r.Opened)
			if got := acceptedGroups(x); test.want != "" && got != test.want || r.Opened > max(test.most, 12) {
				t.Errorf("%s, want %s: %s", got, test.want, summary(r))
			}
			if x.GroupsComplete != test.whole || x.Version("TLS 1.3").GroupsComplete != (test.whole || test.whole13) || x.Group("X25519MLKEM768").Answer != test.quantum {
				t.Errorf("complete %v, want %v: %s", x.GroupsComplete, test.whole, summary(r))
			}
			if got := otherCertificate(x); test.oth != 0 && got != test.oth {
				t.Errorf("the other certificate is %v, want %v: %s", got, test.oth, summary(r))
			}
		})
	}
}

// otherCertificate is what is known of the kind that the session did not show.
func otherCertificate(x *evidence.TLS) evidence.Answer {
	for _, c := range x.Certificates {
		if c.Answer != evidence.Accepted {
			return c.Answer
		}
	}
	return evidence.Accepted
}

// TestGoGroups: crypto/tls tells nothing, and is asked as long as that is cheap.
func TestGoGroups(t *testing.T) {
	for _, test := range []struct {
		name       string
		groups     []tls.CurveID
		least      uint16
		want       string
		whole      bool
		postQuantm evidence.Answer
	}{
		{"defaults", nil, tls.VersionTLS12, "", false, evidence.Accepted},
		{"one", []tls.CurveID{tls.CurveP384}, tls.VersionTLS13, "secp384r1", true, evidence.Refused},
		{"two", []tls.CurveID{tls.X25519, tls.CurveP256}, tls.VersionTLS12, "secp256r1 x25519", false, evidence.NotAsked},
		{"two, TLS 1.3 alone", []tls.CurveID{tls.X25519, tls.CurveP256}, tls.VersionTLS13, "secp256r1 x25519", true, evidence.Refused},
		{"TLS 1.3 alone", []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}, tls.VersionTLS13, "secp256r1 secp384r1 secp521r1 x25519", true, evidence.Refused},
		{"a hybrid", []tls.CurveID{tls.X25519MLKEM768, tls.X25519}, tls.VersionTLS13, "X25519MLKEM768 x25519", true, evidence.Accepted},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := rsaOnly.Clone()
			c.CurvePreferences, c.MinVersion = test.groups, test.least
			r, _ := graded(t, &smtptest.Server{TLS: c}, func(*network, *probe.Prober) {})
			x := r.Session.TLS
			if got := acceptedGroups(x); test.want != "" && got != test.want || x.GroupsComplete != test.whole || x.Group("X25519MLKEM768").Answer != test.postQuantm ||
				r.Opened > 12 || strings.Contains(got, "secp224r1") {
				t.Errorf("%s, complete %v: %s", got, x.GroupsComplete, summary(r))
			}
		})
	}
}
