package compat_test

import (
	"slices"
	"testing"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/smtptest"
)

// soundTLS is what is seen of a server where nothing is wrong.
func soundTLS() *evidence.TLS {
	t := &evidence.TLS{Complete: true, GroupsComplete: true, WeakGroups: evidence.Refused,
		ExtendedMasterSecret: evidence.Accepted, SecureRenegotiation: evidence.Accepted, ClientRenegotiation: evidence.Refused,
		Compression: evidence.Refused, EarlyData: evidence.Refused, Tickets: evidence.Accepted, OCSP: evidence.Refused, ALPN: evidence.Refused,
	}
	for _, v := range []string{"SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1"} {
		t.Versions = append(t.Versions, evidence.TLSVersion{Version: v, Answer: evidence.Refused, SuitesComplete: true})
	}
	speak("TLS 1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")(t)
	speak("TLS 1.3", "TLS_AES_128_GCM_SHA256")(t)
	for _, h := range []string{"SHA1", "SHA224", "MD5"} {
		t.Hashes = append(t.Hashes, evidence.TLSHash{Hash: h, Answer: evidence.Refused})
	}
	return t
}

// speak adds suites to a version.
func speak(version string, suites ...string) func(*evidence.TLS) {
	return func(t *evidence.TLS) {
		i := slices.IndexFunc(t.Versions, func(v evidence.TLSVersion) bool { return v.Version == version })
		if i < 0 {
			i = len(t.Versions)
			t.Versions = append(t.Versions, evidence.TLSVersion{Version: version})
		}
		v := &t.Versions[i]
		v.Answer, v.SuitesComplete = evidence.Accepted, true
		for _, s := range suites {
			v.Suites = append(v.Suites, evidence.TLSSuite{Name: s, Group: "secp256r1"})
		}
	}
}

const oldSuite, fadingSuite = "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"

var (
	oldVersion = speak("TLS 1.1", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
	weakSuite  = speak("TLS 1.2", oldSuite)
	// fading has all that should be phased out, and prefers what is better.
	fading = func(t *evidence.TLS) {
		speak("TLS 1.2", fadingSuite)(t)
		t.Asked = append(t.Asked, evidence.Asked{Version: "TLS 1.2", Answer: evidence.Accepted, ChosenIn: "TLS 1.2", Chosen: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
			Offered: []string{fadingSuite, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}})
		t.Hashes[1].Answer = evidence.Accepted
	}
	curve = func(name string) func(*evidence.TLS) {
		return func(t *evidence.TLS) {
			for i := range t.Versions {
				if v := &t.Versions[i]; v.Version == "TLS 1.2" {
					v.Suites[0].Group = name
				}
			}
		}
	}
	// tls13 speaks nothing older.
	tls13 = func(t *evidence.TLS) {
		i := slices.IndexFunc(t.Versions, func(v evidence.TLSVersion) bool { return v.Version == "TLS 1.2" })
		t.Versions[i] = evidence.TLSVersion{Version: "TLS 1.2", Answer: evidence.Refused, SuitesComplete: true}
		for _, a := range []*evidence.Answer{&t.ExtendedMasterSecret, &t.SecureRenegotiation, &t.ClientRenegotiation, &t.Compression, &t.WeakGroups,
			&t.Hashes[0].Answer, &t.Hashes[1].Answer, &t.Hashes[2].Answer} {
			*a = evidence.NotAskable
		}
	}
	unbound = func(t *evidence.TLS) { t.ExtendedMasterSecret = evidence.Refused }
	renews  = func(n int) func(*evidence.TLS) {
		return func(t *evidence.TLS) { t.ClientRenegotiation, t.Renegotiations = evidence.Accepted, n }
	}
)

func grade(change func(*evidence.TLS), names ...string) func(*world) {
	return func(w *world) { w.grade(change, names...) }
}

// only13 is how the subtests differ of a server with TLS 1.3 alone.
const only13 = "tls-key-exchange passed/na; tls-cipher-order passed/na; tls-extended-master-secret not_tested/na-no-tls-1-2; "

// TestTLS is the tables of STARTTLS.
func TestTLS(t *testing.T) {
	const ten = "= | = | = | 130/140=92% failed | = | 98"
	set := func(change func(*evidence.TLS)) func(*world) { return grade(change, mx1) }
	run(t, []example{
		{"SSL 3.0", set(speak("SSL 3.0", oldSuite)), ten, "tls-version failed/bad"},
		{"TLS 1.0 with triple DES alone: not seen", set(speak("TLS 1.0", "TLS_RSA_WITH_3DES_EDE_CBC_SHA")), allRight, ""},
		{"a bad suite in TLS 1.1 only: not seen", set(speak("TLS 1.1", oldSuite)), ten, "tls-version failed/bad"},
		{"CCM_8 in TLS 1.3", set(speak("TLS 1.3", "TLS_AES_128_CCM_8_SHA256")), ten, "tls-ciphers failed/bad"},
		{"Camellia-GCM: unknown to the library", set(speak("TLS 1.2", "TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_GCM_SHA384")), allRight, ""},
		{"phase-out preferred", set(func(t *evidence.TLS) {
			fading(t)
			t.Hashes[1].Answer = evidence.Refused
			t.Asked[0].Chosen = fadingSuite
		}), ten, "tls-ciphers warning/phase-out; tls-cipher-order failed/bad"},
		{"ffdhe2048", set(func(t *evidence.TLS) {
			fading(t)
			t.Hashes[1].Answer = evidence.Refused
			t.Versions[4].Suites[1].Group, t.Versions[4].Suites[1].DH = "", &evidence.DH{Bits: 2048, Name: "ffdhe2048", Generator: "2"}
		}), ten, "tls-ciphers warning/phase-out; tls-key-exchange failed/bad"},
		{"X25519 alone", grade(func(t *evidence.TLS) {
			curve("x25519")(t)
			t.Groups = []evidence.TLSGroup{{Name: "x25519", Answer: evidence.Accepted}}
		}, mx1, mx2), allRight, "tls-key-exchange passed/na"},
		{"compression", set(func(t *evidence.TLS) { t.Compression = evidence.Accepted }), ten, "tls-compression failed/bad"},
		{"no secure renegotiation", set(func(t *evidence.TLS) { t.SecureRenegotiation = evidence.Refused }), ten, "tls-secure-renegotiation failed/bad"},
		{"ten renegotiations", set(renews(10)), allRight, "tls-client-renegotiation info/allowed-with-low-limit"},
		{"SHA-1", set(func(t *evidence.TLS) { t.Hashes[0].Answer = evidence.Accepted }), ten, "tls-key-exchange-hash failed/bad"},
		{"MD5: not tried", set(func(t *evidence.TLS) { t.Hashes[2].Answer = evidence.Accepted }), allRight, ""},
		{"0-RTT: not tested", set(func(t *evidence.TLS) { t.EarlyData = evidence.Accepted }), allRight, ""},
		{"all TLS is bad", set(func(t *evidence.TLS) {
			oldVersion(t)
			weakSuite(t)
			unbound(t)
			curve("secp192r1")(t)
			t.Compression, t.SecureRenegotiation, t.Hashes[0].Answer = evidence.Accepted, evidence.Refused, evidence.Accepted
		}), "= | = | = | 70/140=50% failed | = | 90",
			"tls-version failed/bad; tls-ciphers failed/bad; tls-extended-master-secret failed/bad; tls-key-exchange failed/bad; tls-compression failed/bad; " +
				"tls-secure-renegotiation failed/bad; tls-key-exchange-hash failed/bad"},
		{"TLS 1.3 only, and RSA 2048", both(grade(tls13, mx1, mx2), func(w *world) {
			pinned(w, leaf(smtptest.Leaf{Names: []string{mx1}, Key: smtptest.RSA2048}), evidence.Trusted, mx1)
			w.grade(tls13, mx1)
		}), "= | = | = | 130/130=100% passed | = | 100", only13 + "cert-key warning/phase-out"},
	})
}
