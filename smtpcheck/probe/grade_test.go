package probe_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/smtptest"
	"mailvet/smtpcheck/tlshello"
)

// graded probes a server with the whole plan, on the fake clock, with 50 ms for
// each turn of the dialogue.
func graded(t *testing.T, s *smtptest.Server, change func(*network, *probe.Prober)) (r probe.Result, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n, p := internet(t, s)
		p.HandshakeOnly = false
		n.delay = 50 * time.Millisecond
		if change != nil {
			change(n, p)
		}
		start := time.Now()
		var err error
		if r, err = p.Probe(t.Context(), "mx.example.test", addr); err != nil {
			t.Error(err)
		}
		took = time.Since(start)
		p.Wait()
		synctest.Wait()
		floods := s.Flood != nil || s.Model != nil && (s.Model.Inside != nil || s.Model.Behind != nil) // asleep, it does not see that we left
		if c := s.Counts(); c.MaxOpen > 1 && !floods || c.Connections != r.Opened {
			t.Errorf("%d connections at once, %d in all, %d told", c.MaxOpen, c.Connections, r.Opened)
		}
		roundTrip(t, r)
	})
	return r, took
}

var both = smtptest.Config(
	ca.Issue(smtptest.Leaf{Names: []string{"mx.example.test"}, Key: smtptest.RSA2048}),
	ca.Issue(smtptest.Leaf{Names: []string{"mx.example.test"}}),
)

func suitesNamed(t testing.TB, names ...string) []tlshello.Suite {
	t.Helper()
	var list []tlshello.Suite
	for _, n := range names {
		s, ok := tlshello.ParseSuite("TLS_" + n)
		if !ok {
			t.Fatalf("there is no suite %s", n)
		}
		list = append(list, s)
	}
	return list
}

// TestGradeModern: twelve connections, one at a time, and at most six seconds.
func TestGradeModern(t *testing.T) {
	for _, interval := range []time.Duration{0, 100 * time.Millisecond} {
		r, took := graded(t, &smtptest.Server{TLS: conf}, func(_ *network, p *probe.Prober) { p.Interval = interval })
		x := r.Session.TLS
		t.Logf("a modern server, a pause of %v: %d connections, %v", interval, r.Opened, took)
		if !x.Complete || x.Stopped != nil || r.Opened > 12 || took > 6*time.Second || r.Session.Connections != 1 || x.Connections != r.Opened-1 {
			t.Errorf("%s", summary(r))
		}
		for _, want := range []struct {
			what      string
			got, want any
		}{
			{"TLS 1.3", x.Version("TLS 1.3").Answer, evidence.Accepted},
			{"TLS 1.2", x.Version("TLS 1.2").Answer, evidence.Accepted},
			{"TLS 1.0", x.Version("TLS 1.0").Answer, evidence.Refused},
			{"SSL 2.0", x.Version("SSL 2.0").Answer, evidence.Refused},
			{"suites of TLS 1.2", len(x.Version("TLS 1.2").Suites), 3},
			{"suites of TLS 1.3", len(x.Version("TLS 1.3").Suites), 3},
			{"post-quantum", x.Group("X25519MLKEM768").Answer, evidence.Accepted},
			{"SHA-1", x.Hash("SHA1"), evidence.Refused},
			{"extended master secret", x.ExtendedMasterSecret, evidence.Accepted},
			{"secure renegotiation", x.SecureRenegotiation, evidence.Accepted},
			{"client renegotiation", x.ClientRenegotiation, evidence.Refused},
			{"compression", x.Compression, evidence.Refused},
			{"0-RTT", x.EarlyData, evidence.Refused},
			{"tickets", x.Tickets, evidence.Accepted},
			{"signature", r.Session.Handshake.Signature, "ecdsa_secp256r1_sha256"},
			{"certificate", x.Certificates[1].Chain, r.Session.Handshake.Chain},
		} {
			if want.got != want.want {
				t.Errorf("%s: %v, want %v", want.what, want.got, want.want)
			}
		}
	}
}

// oldModel is a server of the year 2005.
func oldModel(t testing.TB) *smtptest.Model {
	return &smtptest.Model{
		Versions: []tlshello.Version{tlshello.SSL20, tlshello.SSL30, tlshello.TLS10},
		Suites: suitesNamed(t, "RSA_WITH_RC4_128_MD5", "RSA_WITH_3DES_EDE_CBC_SHA", "DHE_RSA_WITH_AES_128_CBC_SHA", "RSA_EXPORT_WITH_RC4_40_MD5",
			"DH_anon_WITH_RC4_128_MD5"),
		Specs:       []tlshello.CipherSpec{0x010080, 0x020080},
		Compression: []tlshello.Compression{tlshello.Deflate}, NoMasterSecret: true, NoSecureRenegotiation: true,
	}
}

func TestGradeFacts(t *testing.T) {
	modern := []tlshello.Version{tlshello.TLS12, tlshello.TLS13}
	groups := []tlshello.Group{tlshello.X25519, tlshello.SECP256R1}
	sound := suitesNamed(t, "AES_256_GCM_SHA384", "AES_128_GCM_SHA256", "ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE_RSA_WITH_AES_128_GCM_SHA256")
	phaseOut := append(slices.Clone(sound), suitesNamed(t, "ECDHE_RSA_WITH_AES_256_CBC_SHA384", "DHE_RSA_WITH_AES_256_GCM_SHA384")...)
	old := suitesNamed(t, "ECDHE_RSA_WITH_AES_128_GCM_SHA256", "RSA_WITH_AES_128_CBC_SHA")
	tests := []struct {
		name  string
		model *smtptest.Model
		check func(x *evidence.TLS) bool
	}{
		{"sound, refuses by alert", &smtptest.Model{Versions: modern, Suites: sound, Groups: groups}, nil},
		{"sound, refuses by closing", &smtptest.Model{Versions: modern, Suites: sound, Groups: groups, Refusal: smtptest.RefuseByClose}, nil},
		{"sound, refuses by a reset", &smtptest.Model{Versions: modern, Suites: sound, Groups: groups, Refusal: smtptest.RefuseByReset}, nil},
		{"sound, refuses oddly", &smtptest.Model{Versions: modern, Suites: sound, Groups: groups, Refusal: smtptest.RefuseOddly}, nil},
		{"sound, no long lists", &smtptest.Model{Versions: modern, Suites: sound, Groups: groups, MaxSuites: 60}, func(x *evidence.TLS) bool { return true }},
		{"phase-out, its own order", &smtptest.Model{Versions: modern, Suites: phaseOut, Groups: groups},
			func(x *evidence.TLS) bool {
				return x.Preference == evidence.PreferenceServer && strings.Contains(orderChosen(x), "AES_128_GCM")
			}},
		{"phase-out, the client's order", &smtptest.Model{Versions: modern, Suites: phaseOut, Groups: groups, ClientOrder: true},
			func(x *evidence.TLS) bool {
				return x.Preference == evidence.PreferenceClient && !strings.Contains(orderChosen(x), "AES_128_GCM")
			}},
		{"TLS 1.3 alone", &smtptest.Model{Versions: modern[1:], Suites: sound, Groups: groups},
			func(x *evidence.TLS) bool {
				return x.ExtendedMasterSecret == evidence.NotAskable && x.ClientRenegotiation == evidence.NotAskable && x.Hash("SHA1") == evidence.NotAskable
			}},
		{"TLS 1.2 alone", &smtptest.Model{Versions: modern[:1], Suites: sound, Groups: groups},
			func(x *evidence.TLS) bool { return x.EarlyData == evidence.NotAskable }},
		{"no extended master secret", &smtptest.Model{Versions: modern, Suites: sound, Groups: groups, NoMasterSecret: true},
			func(x *evidence.TLS) bool {
				return x.ExtendedMasterSecret == evidence.Refused && x.SecureRenegotiation == evidence.Accepted
			}},
		{"no secure renegotiation", &smtptest.Model{Versions: modern, Suites: sound, Groups: groups, NoSecureRenegotiation: true},
			func(x *evidence.TLS) bool { return x.SecureRenegotiation == evidence.Refused }},
		{"SHA-1", &smtptest.Model{Versions: modern, Suites: sound, Groups: groups, Hashes: []tlshello.Hash{tlshello.SHA256, tlshello.SHA1}},
			func(x *evidence.TLS) bool {
				return x.Hash("SHA1") == evidence.Accepted && x.Hash("SHA224") != evidence.Accepted
			}},
		{"SHA-224", &smtptest.Model{Versions: modern, Suites: sound, Groups: groups, Hashes: []tlshello.Hash{tlshello.SHA256, tlshello.SHA224}},
			func(x *evidence.TLS) bool {
				return x.Hash("SHA224") == evidence.Accepted && x.Hash("SHA1") == evidence.Refused
			}},
		{"a weak curve beside good ones", &smtptest.Model{Versions: modern, Suites: sound, Groups: append(slices.Clone(groups), tlshello.SECP224R1)},
			func(x *evidence.TLS) bool {
				return x.WeakGroups == evidence.Accepted && x.Group("secp224r1").Answer == evidence.Accepted
			}},
		{"compression", &smtptest.Model{Versions: modern, Suites: sound, Groups: groups, Compression: []tlshello.Compression{tlshello.Deflate}},
			func(x *evidence.TLS) bool {
				return x.Compression == evidence.Accepted && x.CompressionMethod == "DEFLATE"
			}},
		{"insists on compression", &smtptest.Model{Versions: modern[:1], Suites: sound, Groups: groups, Compression: []tlshello.Compression{tlshello.Deflate}, NeedsCompression: true},
			func(x *evidence.TLS) bool {
				return x.Compression == evidence.Accepted && x.ClientRenegotiation == evidence.NotAskable && len(x.Version("TLS 1.2").Suites) == 2
			}},
		{"refuses offers of compression", &smtptest.Model{Versions: modern[:1], Suites: sound, Groups: groups, HatesCompression: true},
			func(x *evidence.TLS) bool { return x.Compression == evidence.Refused }},
		{"refuses offers of compression, with TLS 1.3", &smtptest.Model{Versions: modern, Suites: sound, Groups: groups, HatesCompression: true},
			func(x *evidence.TLS) bool {
				return x.Compression == evidence.Refused && x.Version("TLS 1.2").Answer == evidence.Accepted
			}},
		{"refuses offers of compression by closing", &smtptest.Model{Versions: modern, Suites: sound, Groups: groups, HatesCompression: true, Refusal: smtptest.RefuseByClose},
			func(x *evidence.TLS) bool { return x.Version("TLS 1.2").Answer == evidence.Accepted }},
		{"ALPN", &smtptest.Model{Versions: modern, Suites: sound, Groups: groups, ALPN: true}, func(x *evidence.TLS) bool { return x.ALPN == evidence.Accepted }},
		{"both certificates", &smtptest.Model{Versions: modern, Groups: groups, Suites: append(slices.Clone(sound), suitesNamed(t, "ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")...)},
			func(x *evidence.TLS) bool {
				return x.Certificates[0].Answer == evidence.Accepted && x.Certificates[1].Answer == evidence.Accepted && x.Certificates[0].Chain != x.Certificates[1].Chain
			}},
		{"TLS 1.0 to 1.2", &smtptest.Model{Versions: []tlshello.Version{tlshello.TLS10, tlshello.TLS11, tlshello.TLS12}, Suites: old, Groups: groups}, nil},
		{"a hole in the versions", &smtptest.Model{Versions: []tlshello.Version{tlshello.SSL30, tlshello.TLS12}, Suites: old, Groups: groups}, nil},
		{"old", oldModel(t), func(x *evidence.TLS) bool {
			dh := x.Version("TLS 1.0").Suites[slices.IndexFunc(x.Version("TLS 1.0").Suites, func(s evidence.TLSSuite) bool { return s.DH != nil })].DH
			return x.Compression == evidence.Accepted && x.SecureRenegotiation == evidence.Refused && dh.Bits == 1024 && dh.Name == "" && dh.Generator == "2" &&
				len(x.Version("SSL 2.0").Suites) == 2
		}},
		{"nothing in common", &smtptest.Model{Versions: modern}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, took := graded(t, &smtptest.Server{TLS: both, Model: test.model}, nil)
			x := r.Session.TLS
			t.Logf("%d connections, %v", r.Opened, took)
			// Where the model has no keys nothing can be said within a handshake.
			if !x.Complete && x.ClientRenegotiation != evidence.NoAnswer || test.check != nil && !test.check(x) {
				t.Errorf("not as wanted: %s", summary(r))
			}
			agrees(t, test.model, x)
		})
	}
}

// orderChosen is the suite chosen when one to be phased out stood first.
func orderChosen(x *evidence.TLS) string {
	for _, a := range x.Choices() {
		if a.Question == "order of suites" {
			return a.Chosen
		}
	}
	return ""
}

// agrees reports what in the evidence the model would not do. What is unknown
// agrees with everything, unless the plan is complete.
func agrees(t *testing.T, m *smtptest.Model, x *evidence.TLS) {
	t.Helper()
	for _, g := range x.Groups {
		known, _ := tlshello.ParseGroup(g.Name)
		if g.Answer == evidence.Accepted && !slices.Contains(m.Groups, known) {
			t.Errorf("group %s is accepted, they say", g.Name)
		}
	}
	for _, g := range m.Groups {
		if slices.Contains(tlshello.GroupsOf(tlshello.TLS13), g) && x.Version("TLS 1.3").Answer == evidence.Accepted && x.GroupsComplete && x.Group(g.String()).Answer != evidence.Accepted {
			t.Errorf("group %s is %v, they say", g, x.Group(g.String()).Answer)
		}
	}
	for _, v := range tlshello.Versions() {
		got := x.Version(v.String())
		var want []string
		for _, s := range m.Suites {
			tr := s.Traits()
			curve := len(m.Groups) > 0 || !tr.Elliptic() && v != tlshello.TLS13
			if slices.Contains(m.Versions, v) && tr.Min <= v && v <= tr.Max && curve {
				want = append(want, s.String())
			}
		}
		if v == tlshello.SSL20 && slices.Contains(m.Versions, v) {
			for _, c := range m.Specs {
				want = append(want, c.String())
			}
		}
		for i, s := range got.Suites {
			// crypto/tls chooses suites of TLS 1.3 by itself.
			if !slices.Contains(want, s.Name) && (v != tlshello.TLS13 || i > 0) {
				t.Errorf("%s: %s is accepted, they say", v, s.Name)
			}
		}
		if got.Answer == evidence.Refused && len(want) > 0 {
			t.Errorf("%s is refused, they say (%s)", v, got.Reason)
		}
		for _, s := range want {
			if a := x.Suite(v.String(), s); a == evidence.Refused || got.SuitesComplete && a != evidence.Accepted {
				t.Errorf("%s: %s is %v, they say", v, s, a)
			}
		}
	}
}

// TestGradeAtRandom: whatever a server agrees to, and however it refuses,
// nothing untrue is told of it, and all of it where the plan is complete.
func TestGradeAtRandom(t *testing.T) {
	all := tlshello.Usable(tlshello.TLS12)
	all = append(all, tlshello.Usable(tlshello.TLS13)[:5]...)
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		m := &smtptest.Model{
			Groups:  []tlshello.Group{tlshello.X25519, tlshello.SECP256R1, tlshello.SECP224R1}[rnd.IntN(2) : 1+rnd.IntN(3)],
			Refusal: smtptest.Refusal(rnd.IntN(5)), ClientOrder: rnd.IntN(2) == 0, NoMasterSecret: rnd.IntN(3) == 0,
			TellGroups: rnd.IntN(2) == 0, LateRefusal: rnd.IntN(3) == 0,
		}
		for _, v := range tlshello.Versions() {
			if rnd.IntN(2) == 0 {
				m.Versions = append(m.Versions, v)
			}
		}
		for range rnd.IntN(12) {
			s := all[rnd.IntN(len(all))]
			if tr := s.Traits(); !slices.Contains(m.Suites, s) && (tr.Authentication == tlshello.ByRSA || tr.Authentication == tlshello.ByECDSA || tr.Authentication == tlshello.AnyAuthentication) {
				m.Suites = append(m.Suites, s)
			}
		}
		if rnd.IntN(4) == 0 {
			m.MaxSuites = 50 + rnd.IntN(100)
		}
		s := &smtptest.Server{TLS: both, Model: m}
		if rnd.IntN(4) == 0 {
			s.PerMinute = 1 + rnd.IntN(5)
		}
		most := 5 + rnd.IntN(60)
		// That it hates compression is found out after some questions only.
		m.HatesCompression = rnd.IntN(4) == 0 && m.MaxSuites == 0 && s.PerMinute == 0 && most > 20
		r, _ := graded(t, s, func(n *network, p *probe.Prober) {
			p.MaxConnections, n.delay = most, time.Millisecond
		})
		if x := r.Session.TLS; x != nil {
			agrees(t, m, x)
		}
		if t.Failed() {
			t.Fatalf("seed %d: %+v\n%s", seed, m, summary(r))
		}
	}
}

// TestGradeLimited: a host that takes two connections a minute ends with what
// could be found out, and says why it is no more.
func TestGradeLimited(t *testing.T) {
	for _, test := range []struct {
		name    string
		server  *smtptest.Server
		change  func(*network, *probe.Prober)
		class   evidence.Class
		within  time.Duration
		atLeast int // connections of the plan
	}{
		{"two a minute", &smtptest.Server{TLS: conf, PerMinute: 2}, nil, evidence.ClassTemporary, 30 * time.Second, 1},
		{"two a minute, with patience", &smtptest.Server{TLS: conf, PerMinute: 2}, func(_ *network, p *probe.Prober) { p.Retries = 5 }, evidence.ClassUnknown, time.Hour, 11},
		{"five connections", &smtptest.Server{TLS: conf}, func(_ *network, p *probe.Prober) { p.MaxConnections = 5 }, evidence.ClassBudget, 5 * time.Second, 4},
		{"one connection", &smtptest.Server{TLS: conf}, func(_ *network, p *probe.Prober) { p.MaxConnections = 1 }, evidence.ClassBudget, 5 * time.Second, 0},
		{"silent at all but the first", &smtptest.Server{TLS: conf, Model: &smtptest.Model{Versions: []tlshello.Version{tlshello.TLS13},
			Suites: suitesNamed(t, "AES_128_GCM_SHA256"), Groups: []tlshello.Group{tlshello.X25519}, Refusal: smtptest.RefuseBySilence}}, nil, evidence.ClassTimeout, 2 * time.Minute, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, took := graded(t, test.server, test.change)
			x := r.Session.TLS
			if got := brief(r.Session); got != "reached started tls=true n=1" {
				t.Errorf("the session: %s", got)
			}
			class := evidence.ClassUnknown
			if x.Stopped != nil {
				class = x.Stopped.Class
			}
			if class != test.class || x.Complete != (class == evidence.ClassUnknown) || took > test.within || x.Connections < test.atLeast {
				t.Errorf("%v: %s", took, summary(r))
			}
			if x.Version("TLS 1.3").Answer != evidence.Accepted {
				t.Errorf("TLS 1.3, which the session spoke, is %v", x.Version("TLS 1.3").Answer)
			}
			for _, v := range x.Versions {
				if v.Answer == evidence.Refused && (v.Version == "TLS 1.2" || v.Version == "TLS 1.3") {
					t.Errorf("%s is refused, they say: %s", v.Version, v.Reason)
				}
			}
		})
	}
}

func ExampleProber_Probe_graded() {
	server := &smtptest.Server{TLS: conf}
	p := &probe.Prober{Dial: server.Dial, Helo: "scanner.example", Roots: ca.Pool(), AllowPrivate: true, Now: func() time.Time { return now }}
	r, err := p.Probe(context.Background(), "mx.example.test", addr)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range r.Session.TLS.Versions {
		fmt.Println(v.Version, v.Answer, len(v.Suites))
	}
	fmt.Println(r.Opened, "connections")
	// Output:
	// SSL 2.0 refused 0
	// SSL 3.0 refused 0
	// TLS 1.0 refused 0
	// TLS 1.1 refused 0
	// TLS 1.2 accepted 3
	// TLS 1.3 accepted 3
	// 12 connections
}
