package evidence_test

import (
	"fmt"
	"testing"

	"mailvet/report/evidence"
)

// wholeTLS has every field set.
func wholeTLS(chain string, failure *evidence.Failure) *evidence.TLS {
	return &evidence.TLS{
		Host: "mx.example.test", Connections: 12, Complete: true, Stopped: failure,
		Asked: []evidence.Asked{
			{At: 5, Question: "bad suites", Version: "TLS 1.2", AllBut: true, Except: []string{"TLS_RSA_WITH_NULL_MD5"}, Groups: []string{"secp224r1"}, Answer: evidence.Refused, Alert: "handshake_failure"},
			{At: 9, Question: "order", Version: "TLS 1.2", Offered: []string{"A", "B"}, Hashes: []string{"SHA1"}, Answer: evidence.Accepted,
				Chosen: "B", ChosenIn: "TLS 1.2", Group: "x25519", Signature: "rsa_pkcs1_sha256"},
			{At: 10, Question: "certificate", Version: "TLS 1.3", Certificate: "ECDSA", Answer: evidence.Accepted, Told: []string{"x25519", "secp256r1"}},
			{At: 12, Question: "SSL 2.0", Version: "SSL 2.0", Answer: evidence.NoAnswer, Failure: failure},
		},
		Versions: []evidence.TLSVersion{{Version: "TLS 1.2", Answer: evidence.Accepted, Reason: "x", SuitesComplete: true, GroupsComplete: true, Suites: []evidence.TLSSuite{{
			Name: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", Group: "ffdhe2048", DH: &evidence.DH{Bits: 2048, Name: "ffdhe2048", Generator: "2", Prime: "sha256:0"},
			RSABits: 512, Signature: "rsa_pkcs1_sha1", Hash: "SHA1", Chain: chain,
		}}}},
		Preference: evidence.PreferenceServer,
		Groups:     []evidence.TLSGroup{{Name: "x25519", Answer: evidence.Accepted, Versions: []string{"TLS 1.3"}, Told: true, PassedOver: true}}, GroupsComplete: true,
		WeakGroups: evidence.Refused, Hashes: []evidence.TLSHash{{Hash: "SHA1", Answer: evidence.Refused}},
		ExtendedMasterSecret: evidence.Accepted, SecureRenegotiation: evidence.Accepted, ClientRenegotiation: evidence.Accepted, Renegotiations: 3,
		Compression: evidence.Accepted, CompressionMethod: "DEFLATE", EarlyData: evidence.Accepted, MaxEarlyData: 16384,
		Tickets: evidence.Accepted, OCSP: evidence.Refused, ALPN: evidence.NotAsked,
		Certificates: []evidence.TLSCertificate{{Kind: "RSA", Answer: evidence.Accepted, Chain: chain}},
	}
}

func TestAnswer(t *testing.T) {
	for a := range evidence.NotAskable + 1 {
		if a.Known() != (a == evidence.Accepted || a == evidence.Refused) {
			t.Errorf("%v: known is %v", a, a.Known())
		}
	}
}

func TestSuite(t *testing.T) {
	const rsa, ecdhe = "TLS_RSA_WITH_NULL_SHA", "TLS_ECDHE_RSA_WITH_NULL_SHA"
	asked := func(version string, answer evidence.Answer, change func(*evidence.Asked)) evidence.Asked {
		a := evidence.Asked{Version: version, Answer: answer, AllBut: true}
		if change != nil {
			change(&a)
		}
		return a
	}
	weak := func(a *evidence.Asked) { a.Groups = []string{"secp224r1"} }
	for _, test := range []struct {
		name      string
		tls       *evidence.TLS
		suite     string
		want      evidence.Answer
		inVersion string
	}{
		{name: "no plan", suite: rsa},
		{name: "nothing asked", tls: &evidence.TLS{}, suite: rsa},
		{name: "another version", tls: &evidence.TLS{Asked: []evidence.Asked{asked("TLS 1.1", evidence.Refused, nil)}}, suite: rsa},
		{name: "refused with all others", tls: &evidence.TLS{Asked: []evidence.Asked{asked("TLS 1.2", evidence.Refused, nil)}}, suite: rsa, want: evidence.Refused},
		{name: "left out", tls: &evidence.TLS{Asked: []evidence.Asked{asked("TLS 1.2", evidence.Refused, func(a *evidence.Asked) { a.Except = []string{rsa} })}}, suite: rsa},
		{name: "not chosen is not refused", tls: &evidence.TLS{Asked: []evidence.Asked{asked("TLS 1.2", evidence.Accepted, nil)}}, suite: rsa},
		{name: "curves do not matter", tls: &evidence.TLS{Asked: []evidence.Asked{asked("TLS 1.2", evidence.Refused, weak)}}, suite: rsa, want: evidence.Refused},
		{name: "curves matter", tls: &evidence.TLS{Asked: []evidence.Asked{asked("TLS 1.2", evidence.Refused, weak)}}, suite: ecdhe},
		{name: "curves matter to old names", tls: &evidence.TLS{Asked: []evidence.Asked{asked("TLS 1.2", evidence.Refused, weak)}}, suite: "OLD_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
		{name: "the certificate matters", tls: &evidence.TLS{Asked: []evidence.Asked{asked("TLS 1.2", evidence.Refused, func(a *evidence.Asked) { a.Certificate = "RSA" })}}, suite: rsa},
		{name: "hashes matter", tls: &evidence.TLS{Asked: []evidence.Asked{asked("TLS 1.2", evidence.Refused, func(a *evidence.Asked) { a.Hashes = []string{"SHA1"} })}}, suite: rsa},
		{name: "no answer", tls: &evidence.TLS{Asked: []evidence.Asked{asked("TLS 1.2", evidence.NoAnswer, nil)}}, suite: rsa, want: evidence.NoAnswer},
		{name: "offered by name", tls: &evidence.TLS{Asked: []evidence.Asked{asked("TLS 1.2", evidence.Refused, func(a *evidence.Asked) { a.AllBut, a.Offered = false, []string{rsa} })}}, suite: rsa, want: evidence.Refused},
		{name: "complete", tls: &evidence.TLS{Versions: []evidence.TLSVersion{{Version: "TLS 1.2", Answer: evidence.Accepted, SuitesComplete: true}}}, suite: rsa, want: evidence.Refused},
		{name: "version refused", tls: &evidence.TLS{Versions: []evidence.TLSVersion{{Version: "TLS 1.2", Answer: evidence.Refused}}}, suite: rsa, want: evidence.Refused},
		{name: "accepted", tls: &evidence.TLS{Versions: []evidence.TLSVersion{{Version: "TLS 1.2", Suites: []evidence.TLSSuite{{Name: rsa}}}}}, suite: rsa, want: evidence.Accepted},
	} {
		if got := test.tls.Suite("TLS 1.2", test.suite); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestTLSParts(t *testing.T) {
	var none *evidence.TLS
	if none.Choices() != nil || none.Hash("SHA1") != 0 || none.Group("x25519").Answer != 0 || none.Version("TLS 1.2").Answer != 0 {
		t.Error("a plan that was not begun knows something")
	}
	x := wholeTLS("", nil)
	if c := x.Choices(); len(c) != 1 || c[0].Chosen != "B" {
		t.Errorf("choices: %+v", c)
	}
	if x.Hash("SHA1") != evidence.Refused || x.Hash("MD5") != evidence.AnswerUnknown {
		t.Error("hashes")
	}
	if g := x.Group("x25519"); g.Answer != evidence.Accepted {
		t.Errorf("%+v", g)
	}
	if g := x.Group("secp160r1"); g.Name != "secp160r1" || g.Answer != evidence.Refused {
		t.Errorf("%+v", g)
	}
	if x.GroupsComplete = false; x.Group("secp160r1").Answer != evidence.AnswerUnknown {
		t.Error("a group that was not asked for is known")
	}
	if v := x.Version("TLS 1.0"); v.Version != "TLS 1.0" || v.Answer != evidence.AnswerUnknown {
		t.Errorf("%+v", v)
	}
}

func ExampleTLS_Suite() {
	x := &evidence.TLS{Versions: []evidence.TLSVersion{{
		Version: "TLS 1.2", Answer: evidence.Accepted,
		Suites: []evidence.TLSSuite{{Name: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}},
	}}}
	fmt.Println(x.Suite("TLS 1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"))
	fmt.Println(x.Suite("TLS 1.2", "TLS_RSA_WITH_RC4_128_SHA")) // the list is not complete
	// Output:
	// accepted
	// unknown
}
