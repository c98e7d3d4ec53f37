package probe_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/smtptest"
)

var (
	now  = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	addr = netip.MustParseAddr("192.0.2.25")
	ca   = smtptest.NewCA("Test", now)
	conf = smtptest.Config(ca.Issue(smtptest.Leaf{Names: []string{"mx.example.test"}}))
)

// dislikesLongHellos closes at a ClientHello with a post-quantum key share.
var dislikesLongHellos = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	if slices.Contains(hello.SupportedCurves, tls.X25519MLKEM768) {
		hello.Conn.Close()
	}
	return conf, nil
}}

// network is an Internet of mail servers. Its dialer can fail or be slow.
type network struct {
	t       testing.TB
	servers map[netip.Addr]*smtptest.Server
	delay   time.Duration // for each turn, that of connecting included
	fail    func(try int) error

	mu    sync.Mutex
	dials int
}

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	try := n.dials
	n.dials++
	n.mu.Unlock()
	if n.fail != nil {
		if err := n.fail(try); err != nil {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
		}
	}
	s := n.servers[netip.MustParseAddrPort(address).Addr()]
	if s == nil {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
	}
	select {
	case <-time.After(n.delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	client, server := smtptest.SlowPipe(n.delay)
	go s.Serve(n.t.Context(), server)
	return client, nil
}

// internet is a network with one server, and a prober for it.
func internet(t testing.TB, s *smtptest.Server) (*network, *probe.Prober) {
	n := &network{t: t, servers: map[netip.Addr]*smtptest.Server{addr: s}}
	return n, &probe.Prober{
		Dial: n.dial, Helo: "scanner.example", Roots: ca.Pool(), AllowPrivate: true, HandshakeOnly: true,
		Timeout: 10 * time.Second, Backoff: 5 * time.Second, Now: func() time.Time { return now },
	}
}

func script(step smtptest.Step, r smtptest.Reply) *smtptest.Server {
	return &smtptest.Server{TLS: conf, Script: map[smtptest.Step]smtptest.Reply{step: r}}
}

// brief is a session in one line: what later judgement rests on.
func brief(s evidence.Session) string {
	b := fmt.Sprintf("%v %v", s.Reach, s.StartTLS)
	if h := s.Handshake; h != nil {
		b += fmt.Sprintf(" tls=%v", h.Complete)
	}
	if f := s.Failure; f != nil {
		b += fmt.Sprintf(" %v/%v", f.Op, f.Class)
	}
	return fmt.Sprintf("%s n=%d", b, s.Connections)
}

func TestProbe(t *testing.T) {
	const good = "reached started tls=true n=1"
	type step = smtptest.Step
	type reply = smtptest.Reply
	lines := func(n int) string {
		return strings.Repeat("250-x\n", n) + "250 STARTTLS"
	}
	for _, test := range []struct {
		name   string
		server *smtptest.Server
		want   string
		within time.Duration // fake time; 0: at once
	}{
		{"good", script("", reply{}), good, 0},
		{"greeting of many lines", script(smtptest.Banner, reply{Text: "220-one\n220-two\n220 three"}), good, 0},
		{"greeting without text", script(smtptest.Banner, reply{Text: "220"}), good, 0},
		{"greeting late", script(smtptest.Banner, reply{Delay: 9 * time.Second}), good, 9 * time.Second},
		{"greeting 554", script(smtptest.Banner, reply{Text: "554 go away"}), "reached unknown banner/permanent n=1", 0},
		{"greeting 554, closed", script(smtptest.Banner, reply{Text: "554 go away", Close: true}), "reached unknown banner/permanent n=1", 0},
		{"greeting 421", script(smtptest.Banner, reply{Text: "421 busy", Close: true}), "reached unknown banner/temporary n=3", time.Minute},
		{"greeting 450", script(smtptest.Banner, reply{Text: "450 greylisted"}), "reached unknown banner/temporary n=3", time.Minute},
		{"greeting 354", script(smtptest.Banner, reply{Text: "354 what"}), "reached unknown banner/protocol n=1", 0},
		{"greeting of another protocol", script(smtptest.Banner, reply{Text: "SSH-2.0-OpenSSH_9.9"}), "reached unknown banner/protocol n=1", 2 * time.Second},
		{"no greeting", script(smtptest.Banner, reply{Silent: true}), "reached unknown banner/timeout n=3", time.Minute},
		{"greeting half", script(smtptest.Banner, reply{Text: "220-one"}), "reached unknown banner/timeout n=3", time.Minute},
		{"greeting dripped", script(smtptest.Banner, reply{Drip: time.Second}), "reached unknown banner/timeout n=3", time.Minute},
		{"closed at once", script(smtptest.Banner, reply{Silent: true, Close: true}), "reached unknown banner/closed n=3", time.Minute},
		{"reset at once", script(smtptest.Banner, reply{Silent: true, Reset: true}), "reached unknown banner/reset n=3", time.Minute},
		{"line of a megabyte", script(smtptest.Banner, reply{Text: "220 " + strings.Repeat("x", 1<<20)}), "reached unknown banner/too-large n=1", 2 * time.Second},
		{"endless greeting", script(smtptest.Banner, reply{Endless: "220-x\r\n"}), "reached unknown banner/too-large n=1", 2 * time.Second},
		{"endless line", script(smtptest.EHLO, reply{Endless: "250-xxxxxxxxx"}), "reached unknown hello/too-large n=1", 2 * time.Second},
		{"421 twice", &smtptest.Server{TLS: conf, Defer: 2}, "reached started tls=true n=3", time.Minute},
		{"421 always", &smtptest.Server{TLS: conf, Defer: -1}, "reached unknown banner/temporary n=3", time.Minute},
		{"no STARTTLS", &smtptest.Server{}, "reached not-offered n=1", 0},
		{"STARTTLS alone", &smtptest.Server{TLS: conf, Extensions: []string{}}, good, 0},
		{"STARTTLS in small letters", script(smtptest.EHLO, reply{Text: "250-x\n250-starttls\n250 SIZE"}), good, 0},
		{"STARTTLS with a parameter", script(smtptest.EHLO, reply{Text: "250-x\n250 STARTTLS REQUIRED"}), good, 0},
		{"STARTTLS in the text only", script(smtptest.EHLO, reply{Text: "250-STARTTLS\n250-XSTARTTLS\n250 AUTH STARTTLS"}), "reached not-offered n=1", 0},
		{"STARTTLS overwritten", script(smtptest.EHLO, reply{Text: "250-x\n250-XXXXXXXA\n250 SIZE"}), "reached not-offered n=1", 0},
		{"99 extensions", script(smtptest.EHLO, reply{Text: lines(98)}), good, 0},
		{"101 extensions", script(smtptest.EHLO, reply{Text: lines(101)}), "reached unknown hello/too-large n=1", 2 * time.Second},
		{"EHLO 421", script(smtptest.EHLO, reply{Text: "421 busy", Close: true}), "reached unknown hello/temporary n=3", time.Minute},
		{"greeting again in place of the reply", script(smtptest.EHLO, reply{Text: "220 mx.example.test ESMTP"}), "reached unknown hello/protocol n=1", 0},
		{"EHLO unknown, HELO", script(smtptest.EHLO, reply{Text: "500 what"}), "reached not-offered n=1", 0},
		{"EHLO and HELO refused", &smtptest.Server{Script: map[step]reply{smtptest.EHLO: {Text: "550 no"}, smtptest.HELO: {Text: "550 no"}}}, "reached unknown hello/permanent n=1", 0},
		{"EHLO closed", script(smtptest.EHLO, reply{Silent: true, Close: true}), "reached unknown hello/closed n=3", time.Minute},
		{"EHLO unanswered", script(smtptest.EHLO, reply{Silent: true}), "reached unknown hello/timeout n=3", time.Minute},
		{"EHLO 250 cut", script(smtptest.EHLO, reply{Text: "250-x\n250-SIZE", Close: true}), "reached unknown hello/closed n=3", time.Minute},
		{"STARTTLS 454", script(smtptest.STARTTLS, reply{Text: "454 not now"}), "reached deferred starttls/temporary n=3", time.Minute},
		{"STARTTLS 501", script(smtptest.STARTTLS, reply{Text: "501 no"}), "reached refused starttls/permanent n=1", 0},
		{"STARTTLS 250", script(smtptest.STARTTLS, reply{Text: "250 yes"}), "reached unknown starttls/protocol n=1", 0},
		{"STARTTLS unanswered", script(smtptest.STARTTLS, reply{Silent: true}), "reached unknown starttls/timeout n=3", time.Minute},
		{"STARTTLS closed", script(smtptest.STARTTLS, reply{Silent: true, Close: true}), "reached unknown starttls/closed n=3", time.Minute},
		{"STARTTLS injection", script(smtptest.STARTTLS, reply{Inject: "250 injected\r\n"}), good, 0},
		{"handshake injection", script(smtptest.Handshake, reply{Inject: "250 injected\r\n"}), good, 0},
		{"handshake in the clear", script(smtptest.Handshake, reply{Inject: "454 TLS not available\r\n", Silent: true}), "reached started tls=false handshake/protocol n=1", 10 * time.Second},
		{"handshake unanswered", script(smtptest.Handshake, reply{Silent: true}), "reached started tls=false handshake/timeout n=3", time.Minute},
		{"handshake closed", script(smtptest.Handshake, reply{Close: true}), "reached started tls=false handshake/closed n=3", time.Minute},
		{"handshake reset", script(smtptest.Handshake, reply{Reset: true}), "reached started tls=false handshake/reset n=3", time.Minute},
		{"handshake answered in the clear", script(smtptest.STARTTLS, reply{Inject: "500 what\r\n", Close: true}), "reached started tls=false handshake/protocol n=1", 0},
		{"handshake flooded in the clear", script(smtptest.STARTTLS, reply{Inject: strings.Repeat("250 x\r\n", 1000)}), "reached started tls=false handshake/too-large n=1", 0},
		{"handshake alert", &smtptest.Server{TLS: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("none") }}},
			"reached started tls=false handshake/tls-alert n=1", 0},
		{"client certificate wanted", &smtptest.Server{TLS: &tls.Config{Certificates: conf.Certificates, ClientAuth: tls.RequestClientCert}}, good, 0},
		{"leaf is no certificate", &smtptest.Server{TLS: smtptest.Config(ca.Issue(smtptest.Leaf{Form: smtptest.Unparseable}))}, "reached started tls=false handshake/tls n=1", 0},
		{"EHLO after TLS closed", script(smtptest.EHLOTLS, reply{Silent: true, Close: true}), "reached started tls=true hello-tls/closed n=1", 0},
		{"EHLO after TLS unanswered", script(smtptest.EHLOTLS, reply{Silent: true}), "reached started tls=true hello-tls/timeout n=1", 12 * time.Second},
		{"EHLO after TLS refused", script(smtptest.EHLOTLS, reply{Text: "550 no"}), "reached started tls=true hello-tls/permanent n=1", 0},
		{"QUIT unanswered", script(smtptest.QUITTLS, reply{Silent: true}), good, 0},
		{"STARTTLS after HELO", script(smtptest.STARTTLS, reply{Text: "503 HELO first", First: 1}), good, 0},
		{"STARTTLS 454 once", script(smtptest.STARTTLS, reply{Text: "454 not now", First: 1}), "reached started tls=true n=2", 8 * time.Second},
		{"closed at a long hello", &smtptest.Server{TLS: dislikesLongHellos}, "reached started tls=true n=2", 8 * time.Second},
		{"STARTTLS after HELO, not even then", &smtptest.Server{TLS: conf, Script: map[step]reply{smtptest.STARTTLS: {Text: "503 HELO first"}}}, "reached refused starttls/permanent n=1", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, p := internet(t, test.server)
				start := time.Now()
				r, err := p.Probe(t.Context(), "mx.example.test.", addr)
				took := time.Since(start)
				if err != nil {
					t.Fatal(err)
				}
				if got := brief(r.Session); got != test.want {
					t.Errorf("got  %s\nwant %s\n%v %v", got, test.want, r.Session.Failure, r.Session.Transcript)
				}
				if took > test.within {
					t.Errorf("took %v, at most %v wanted", took, test.within)
				}
				if r.Opened != r.Session.Connections || r.Opened != test.server.Counts().Connections {
					t.Errorf("opened %d, session says %d, the server %d", r.Opened, r.Session.Connections, test.server.Counts().Connections)
				}
				p.Wait()
				synctest.Wait()
				if took := time.Since(start) - took; took > 3*time.Second {
					t.Errorf("took leave for %v", took)
				}
				roundTrip(t, r)
			})
		})
	}
}

// roundTrip holds the result to the rules of the evidence.
func roundTrip(t *testing.T, r probe.Result) {
	t.Helper()
	s := &evidence.Snapshot{Domain: "example.test", Time: now, Sessions: []evidence.Session{r.Session}, Chains: r.Chains, Certificates: r.Certificates}
	b, err := evidence.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > max(100_000, 3_000*r.Opened) {
		t.Errorf("the evidence has %d octets", len(b))
	}
	back, err := evidence.Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := evidence.Marshal(back)
	if err != nil || string(again) != string(b) {
		t.Errorf("the evidence does not survive: %v", err)
	}
}

func TestDialogue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script(smtptest.STARTTLS, smtptest.Reply{Inject: "250 \xff\r\n"})
		s.Script[smtptest.EHLOTLS] = smtptest.Reply{Text: "250-mx\n250-requiretls\n250 SIZE 5"}
		n, p := internet(t, s)
		n.delay = 50 * time.Millisecond
		start := time.Now()
		r, err := p.Probe(t.Context(), "MX.example.test", addr)
		if err != nil {
			t.Fatal(err)
		}
		// Connect, greeting, EHLO, STARTTLS, handshake, EHLO; the reply to QUIT
		// is not waited for. The greeting travels while the server is ready.
		if took := time.Since(start); took != 6*50*time.Millisecond {
			t.Errorf("took %v", took)
		}
		p.Wait()
		if c := s.Counts(); c.Commands["QUIT"] != 1 || c.Commands["EHLO"] != 2 {
			t.Errorf("the server saw %v", c.Commands)
		}
		var got []string
		for _, l := range r.Session.Transcript {
			who := "S"
			if l.Sent {
				who = "C"
			}
			got = append(got, fmt.Sprintf("%s %d %s", who, l.At, l.Text))
		}
		want := []string{
			"S 100 220 mx.example.test ESMTP",
			"C 100 EHLO scanner.example",
			"S 150 250-mx.example.test", "S 150 250-PIPELINING", "S 150 250-SIZE 10240000", "S 150 250-8BITMIME", "S 150 250 STARTTLS",
			"C 150 STARTTLS",
			"S 200 220 2.0.0 Ready to start TLS",
			"C 250 EHLO scanner.example",
			"S 300 250-mx", "S 300 250-requiretls", "S 300 250 SIZE 5",
			"C 300 QUIT",
		}
		if !slices.Equal(got, want) {
			t.Errorf("transcript\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		x := r.Session
		if x.Host != "mx.example.test" || x.Addr != "192.0.2.25" || x.Port != 25 || x.Verb != "EHLO" || !x.Time.Equal(now) {
			t.Errorf("session %+v", x)
		}
		if want := []string{"PIPELINING", "SIZE 10240000", "8BITMIME", "STARTTLS"}; !slices.Equal(x.Extensions, want) {
			t.Errorf("extensions %q", x.Extensions)
		}
		if want := []string{"REQUIRETLS", "SIZE 5"}; !slices.Equal(x.ExtensionsTLS, want) {
			t.Errorf("extensions after TLS %q", x.ExtensionsTLS)
		}
		if string(x.Injected) != "250 \xff\r\n" {
			t.Errorf("injected %q", x.Injected)
		}
		h := *x.Handshake
		if h.SNI != "mx.example.test" || h.Version != "TLS 1.3" || h.Suite != "TLS_AES_128_GCM_SHA256" || h.Group != "X25519MLKEM768" || !h.Resumable {
			t.Errorf("handshake %+v", h)
		}
		if len(r.Chains) != 1 || r.Chains[0].ID != h.Chain || r.Chains[0].Trust != evidence.Trusted || len(r.Certificates) != 2 {
			t.Errorf("chains %+v, %d certificates", r.Chains, len(r.Certificates))
		}
	})
}

func TestTLS(t *testing.T) {
	issue := func(l smtptest.Leaf) *tls.Config {
		l.Names = []string{"mx.example.test"}
		return smtptest.Config(ca.Issue(l))
	}
	version := func(min, max uint16, suites ...uint16) *tls.Config {
		c := issue(smtptest.Leaf{Key: smtptest.RSA2048})
		c.MinVersion, c.MaxVersion, c.CipherSuites = min, max, suites
		c.CurvePreferences = []tls.CurveID{tls.CurveP384}
		return c
	}
	for _, test := range []struct {
		name   string
		conf   *tls.Config
		want   string // version, suite, group; empty: that of TLS 1.3
		trust  evidence.Trust
		reason string
	}{
		{"TLS 1.0", version(tls.VersionTLS10, tls.VersionTLS10, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA), "TLS 1.0 TLS_RSA_WITH_3DES_EDE_CBC_SHA ", evidence.Trusted, ""},
		{"TLS 1.1", version(tls.VersionTLS10, tls.VersionTLS11, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA), "TLS 1.1 TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA secp384r1", evidence.Trusted, ""},
		{"RC4", version(tls.VersionTLS12, tls.VersionTLS12, tls.TLS_RSA_WITH_RC4_128_SHA), "TLS 1.2 TLS_RSA_WITH_RC4_128_SHA ", evidence.Trusted, ""},
		{"ChaCha", version(tls.VersionTLS12, tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256), "TLS 1.2 TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 secp384r1", evidence.Trusted, ""},
		{"Ed25519", issue(smtptest.Leaf{Key: smtptest.Ed25519}), "", evidence.Trusted, ""},
		{"RSA 1024", issue(smtptest.Leaf{Key: smtptest.RSA1024}), "", evidence.Trusted, ""},
		{"wrong host", smtptest.Config(ca.Issue(smtptest.Leaf{Names: []string{"other.test"}})), "", evidence.Trusted, ""},
		{"wrong order", issue(smtptest.Leaf{Form: smtptest.WrongOrder}), "", evidence.Trusted, ""},
		{"incomplete", issue(smtptest.Leaf{Form: smtptest.LeafOnly}), "", evidence.Untrusted, "unknown authority"},
		{"expired", issue(smtptest.Leaf{Expired: true}), "", evidence.Untrusted, "expired"},
		{"self-signed", issue(smtptest.Leaf{SelfSigned: true}), "", evidence.Untrusted, "unknown authority"},
		{"SHA-1", issue(smtptest.Leaf{SHA1: true}), "", evidence.Untrusted, "SHA1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, p := internet(t, &smtptest.Server{TLS: test.conf})
				r, err := p.Probe(t.Context(), "mx.example.test", addr)
				if err != nil || r.Session.Handshake == nil || !r.Session.Handshake.Complete {
					t.Fatalf("%s, %v", brief(r.Session), err)
				}
				h := r.Session.Handshake
				if got := h.Version + " " + h.Suite + " " + h.Group; test.want != "" && got != test.want {
					t.Errorf("negotiated %q, want %q", got, test.want)
				}
				if c := r.Chains[0]; c.Trust != test.trust || !strings.Contains(c.TrustReason, test.reason) || (c.TrustReason == "") != (test.reason == "") {
					t.Errorf("trust %v, %q", c.Trust, c.TrustReason)
				}
			})
		})
	}
}
