package probe_test

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/smtptest"
	"mailvet/smtpcheck/tlshello"
)

// acceptedGroups lists the groups accepted, sorted.
func acceptedGroups(x *evidence.TLS) string {
	var list []string
	for _, g := range x.Groups {
		if g.Answer == evidence.Accepted {
			list = append(list, g.Name)
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

var (
	modernVersions = []tlshello.Version{tlshello.TLS12, tlshello.TLS13}
	rsaOnly        = smtptest.Config(ca.Issue(smtptest.Leaf{Names: []string{"mx.example.test"}, Key: smtptest.RSA2048}))
)

// TestGradeGroups: what a server accepts is what is found, and complete is said
// only where it is.
func TestGradeGroups(t *testing.T) {
	type groups = []tlshello.Group
	suites := suitesNamed(t, "AES_256_GCM_SHA384", "AES_128_GCM_SHA256", "ECDHE_RSA_WITH_AES_256_GCM_SHA384")
	few := suitesNamed(t, "AES_256_GCM_SHA384", "ECDHE_RSA_WITH_AES_256_GCM_SHA384")
	three := groups{tlshello.X25519, tlshello.SECP256R1, tlshello.SECP384R1}
	list := func(octets ...byte) *smtptest.Flood { // EncryptedExtensions with groups
		n := byte(len(octets))
		return &smtptest.Flood{Octets: slices.Concat([]byte{8, 0, 0, n + 8, 0, n + 6, 0, 10, 0, n + 2, 0, n}, octets, []byte{22}), Limit: 1}
	}
	for _, test := range []struct {
		name  string
		model smtptest.Model
		want  string
		whole bool
		most  int // connections; 0: 12
		check func(x *evidence.TLS) bool
	}{
		{name: "told at the question", model: smtptest.Model{Versions: modernVersions, Suites: suites, Groups: append(slices.Clone(three), tlshello.X448, tlshello.FFDHE3072), TellGroups: true},
			want: "ffdhe3072 secp256r1 secp384r1 x25519 x448", whole: true,
			check: func(x *evidence.TLS) bool {
				return x.Group("x448").Told && !x.Group("x25519").Told && x.Version("TLS 1.2").GroupsComplete
			}},
		{name: "told, TLS 1.3 alone", model: smtptest.Model{Versions: modernVersions[1:], Suites: suites, Groups: three, TellGroups: true}, want: "secp256r1 secp384r1 x25519", whole: true},
		{name: "told, with numbers that mean nothing", model: smtptest.Model{Versions: modernVersions[1:], Suites: few, Groups: three, TellGroups: true,
			Inside: list(0x1A, 0x1A, 0, 29, 0, 24, 0x7F, 1, 0, 26)}, want: "0x7F01 secp384r1 x25519", whole: true},
		{name: "told without the one in use", model: smtptest.Model{Versions: modernVersions[1:], Suites: few, Groups: three, TellGroups: true, Inside: list(0, 29, 0, 30)},
			want: "secp256r1 secp384r1 x25519", whole: true, check: func(x *evidence.TLS) bool { return x.Group("x448").Answer == evidence.Refused }},
		{name: "not told, and found one by one", model: smtptest.Model{Versions: modernVersions[1:], Suites: few, Groups: append(slices.Clone(three), tlshello.X448)},
			want: "secp256r1 secp384r1 x25519 x448", whole: true},
		{name: "not told, refused by closing", model: smtptest.Model{Versions: modernVersions[1:], Suites: few, Groups: three[:2], Refusal: smtptest.RefuseByClose},
			want: "secp256r1 x25519", most: 16, check: func(x *evidence.TLS) bool { return x.Group("X25519MLKEM768").Answer == evidence.Refused }},
		{name: "not told, and too many", model: smtptest.Model{Versions: modernVersions, Suites: suites,
			Groups: append(slices.Clone(three), tlshello.X448, tlshello.FFDHE2048, tlshello.FFDHE3072, tlshello.FFDHE4096)}, want: "",
			check: func(x *evidence.TLS) bool { return x.Group("X25519MLKEM768").Answer == evidence.Refused }},
		{name: "a hybrid that is not preferred", model: smtptest.Model{Versions: modernVersions, Suites: suites, Groups: append(slices.Clone(three), tlshello.X25519MLKEM768)},
			want: "", check: func(x *evidence.TLS) bool { return x.Group("X25519MLKEM768").Answer == evidence.Accepted }},
		{name: "a curve of TLS 1.2 besides", model: smtptest.Model{Versions: modernVersions, Suites: suites, Groups: append(slices.Clone(three), tlshello.BrainpoolP256R1), TellGroups: true},
			want: "brainpoolP256r1 secp256r1 secp384r1 x25519", whole: true,
			check: func(x *evidence.TLS) bool { return x.WeakGroups == evidence.Refused }},
		{name: "TLS 1.2 alone", model: smtptest.Model{Versions: modernVersions[:1], Suites: suites, Groups: three}, want: "secp256r1 secp384r1 x25519", whole: true},
		{name: "no curves", model: smtptest.Model{Versions: modernVersions[:1], Suites: suitesNamed(t, "DHE_RSA_WITH_AES_128_GCM_SHA256")}, want: "", whole: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := test.model
			r, took := graded(t, &smtptest.Server{TLS: rsaOnly, Model: &m}, nil)
			x := r.Session.TLS
			if got := acceptedGroups(x); test.want != "" && got != test.want || x.GroupsComplete != test.whole || test.check != nil && !test.check(x) || r.Opened > max(test.most, 12) || took > 6*time.Second {
				t.Errorf("%s, complete %v, in %v: %s", got, x.GroupsComplete, took, summary(r))
			}
			for _, g := range x.Groups {
				known, ok := tlshello.ParseGroup(g.Name)
				if g.Answer == evidence.Accepted && ok && !slices.Contains(m.Groups, known) || g.Answer == evidence.Refused && slices.Contains(m.Groups, known) {
					t.Errorf("%s is %v, they say", g.Name, g.Answer)
				}
			}
		})
	}
}

// TestGradeOtherCertificate: with TLS 1.3 alone both kinds are asked for.
func TestGradeOtherCertificate(t *testing.T) {
	suites := suitesNamed(t, "AES_256_GCM_SHA384", "AES_128_GCM_SHA256")
	groups := []tlshello.Group{tlshello.X25519, tlshello.SECP256R1}
	for _, test := range []struct {
		name  string
		conf  *tls.Config
		model smtptest.Model
		want  evidence.Answer // of ECDSA
	}{
		{"both", both, smtptest.Model{}, evidence.Accepted},
		{"one", rsaOnly, smtptest.Model{}, evidence.Refused},
		{"one, refused late", rsaOnly, smtptest.Model{LateRefusal: true}, evidence.Refused},
		{"one, refused by closing", rsaOnly, smtptest.Model{Refusal: smtptest.RefuseByClose}, evidence.Refused},
		{"one, sent all the same", rsaOnly, smtptest.Model{WrongKind: true}, evidence.Refused},
		{"noise instead", both, smtptest.Model{Behind: &smtptest.Flood{Octets: []byte("250 what\r\n"), Limit: 100}}, evidence.NoAnswer},
		{"a cipher that cannot be read", both, smtptest.Model{Suites: suitesNamed(t, "AES_128_CCM_SHA256")}, evidence.NotAskable},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := test.model
			if m.Versions, m.Groups = modernVersions[1:], groups; m.Suites == nil {
				m.Suites = suites
			}
			r, _ := graded(t, &smtptest.Server{TLS: test.conf, Model: &m}, nil)
			x := r.Session.TLS
			if c := x.Certificates[1]; c.Answer != test.want || (c.Chain != "") != (test.want == evidence.Accepted) || x.Complete != test.want.Known() {
				t.Fatalf("%+v: %s", c, summary(r))
			}
			if c := x.Certificates[1]; c.Chain != "" && (c.Chain == x.Certificates[0].Chain || !slices.ContainsFunc(r.Chains, func(k evidence.Chain) bool { return k.ID == c.Chain })) {
				t.Error("the chain is missing")
			}
		})
	}
}
