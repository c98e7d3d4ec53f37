package smtptest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/smtpcheck/smtptest"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func Example() {
	ca := smtptest.NewCA("Example", now)
	s := &smtptest.Server{Name: "mx.example.test", TLS: smtptest.Config(ca.Issue(smtptest.Leaf{}))}
	client, server := smtptest.Pipe()
	go s.Serve(context.Background(), server)
	r := bufio.NewReader(client)
	banner, _ := r.ReadString('\n')
	fmt.Println(strings.TrimSpace(banner))
	fmt.Fprint(client, "QUIT\r\n")
	bye, _ := r.ReadString('\n')
	fmt.Println(strings.TrimSpace(bye))
	// Output:
	// 220 mx.example.test ESMTP
	// 221 2.0.0 Bye
}

// talk serves one connection and returns all that comes back for what is said.
func talk(t *testing.T, s *smtptest.Server, say string) string {
	t.Helper()
	client, server := smtptest.Pipe()
	go s.Serve(t.Context(), server)
	defer client.Close()
	_, _ = io.WriteString(client, say) // it may have closed by now, which the reading tells
	client.SetReadDeadline(time.Now().Add(time.Hour))
	b, err := io.ReadAll(io.LimitReader(client, 1<<12))
	if err != nil {
		var ne net.Error
		switch {
		case errors.As(err, &ne) && ne.Timeout():
			return string(b) + "(silence)"
		case errors.Is(err, syscall.ECONNRESET):
			return string(b) + "(reset)"
		}
		return string(b) + err.Error()
	}
	return string(b)
}

func TestServer(t *testing.T) {
	ca := smtptest.NewCA("Test", now)
	conf := smtptest.Config(ca.Issue(smtptest.Leaf{}))
	script := func(step smtptest.Step, r smtptest.Reply) *smtptest.Server {
		return &smtptest.Server{Name: "mx.test", TLS: conf, Script: map[smtptest.Step]smtptest.Reply{step: r}}
	}
	for _, test := range []struct {
		name      string
		server    *smtptest.Server
		say, want string
	}{
		{"good", script("", smtptest.Reply{}), "EHLO x\r\nquit\r\n",
			"220 mx.test ESMTP\r\n250-mx.test\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-8BITMIME\r\n250 STARTTLS\r\n221 2.0.0 Bye\r\n"},
		{"no STARTTLS", &smtptest.Server{Extensions: []string{}}, "EHLO x\r\nSTARTTLS\r\nQUIT\r\n",
			"220 mx.example.test ESMTP\r\n250 mx.example.test\r\n502 5.5.2 Command not recognised\r\n221 2.0.0 Bye\r\n"},
		{"text of several lines", script(smtptest.Banner, smtptest.Reply{Text: "220-a\n220 b"}), "QUIT\r\n", "220-a\r\n220 b\r\n221 2.0.0 Bye\r\n"},
		{"close after greeting", script(smtptest.Banner, smtptest.Reply{Close: true}), "", "220 mx.test ESMTP\r\n"},
		{"close without a word", script(smtptest.Banner, smtptest.Reply{Silent: true, Close: true}), "", ""},
		{"reset", script(smtptest.Banner, smtptest.Reply{Silent: true, Reset: true}), "", "(reset)"},
		{"silence", script(smtptest.EHLO, smtptest.Reply{Silent: true}), "EHLO x\r\n", "220 mx.test ESMTP\r\n(silence)"},
		{"drip", script(smtptest.Banner, smtptest.Reply{Drip: 20 * time.Minute}), "", "220(silence)"},
		{"early talker", script(smtptest.Banner, smtptest.Reply{Delay: time.Minute}), "EHLO x\r\n", "554 mx.test You talk too soon\r\n"},
		{"delayed", script(smtptest.QUIT, smtptest.Reply{Delay: time.Minute}), "QUIT\r\n", "220 mx.test ESMTP\r\n221 2.0.0 Bye\r\n"},
		{"always deferred", &smtptest.Server{Name: "mx.test", Defer: -1}, "", "421 mx.test Too many connections, come back later\r\n"},
		{"once", script(smtptest.EHLO, smtptest.Reply{Text: "503 no", First: 1}), "EHLO x\r\nEHLO x\r\nQUIT\r\n",
			"220 mx.test ESMTP\r\n503 no\r\n250-mx.test\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-8BITMIME\r\n250 STARTTLS\r\n221 2.0.0 Bye\r\n"},
		{"injection", script(smtptest.STARTTLS, smtptest.Reply{Inject: "250 injected\r\n", Close: true}), "STARTTLS\r\n",
			"220 mx.test ESMTP\r\n220 2.0.0 Ready to start TLS\r\n250 injected\r\n"},
		{"endless", script(smtptest.EHLO, smtptest.Reply{Endless: strings.Repeat("x", 1<<12)}), "EHLO x\r\n",
			"220 mx.test ESMTP\r\n" + strings.Repeat("x", 1<<12-len("220 mx.test ESMTP\r\n"))},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := talk(t, test.server, test.say); got != test.want {
					t.Errorf("got  %q\nwant %q", got, test.want)
				}
			})
		})
	}
}

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deferred := func(s *smtptest.Server) bool { return strings.HasPrefix(talk(t, s, "QUIT\r\n"), "421") }
		first := &smtptest.Server{Defer: 2}
		for i, want := range []bool{true, true, false} {
			if got := deferred(first); got != want {
				t.Errorf("connection %d of Defer 2: deferred %v", i, got)
			}
		}
		minute := &smtptest.Server{PerMinute: 2}
		for i, want := range []bool{false, false, true} {
			if got := deferred(minute); got != want {
				t.Errorf("connection %d of PerMinute 2: deferred %v", i, got)
			}
		}
		time.Sleep(time.Minute)
		if deferred(minute) {
			t.Error("deferred a minute later")
		}
		if c := minute.Counts(); c.Connections != 4 || c.Deferred != 1 || c.Commands["QUIT"] != 3 {
			t.Errorf("counts %+v", c)
		}
		one := &smtptest.Server{MaxOpen: 1}
		client, server := smtptest.Pipe()
		go one.Serve(t.Context(), server)
		synctest.Wait()
		if !deferred(one) {
			t.Error("a second connection at once is not deferred")
		}
		client.Close()
		synctest.Wait()
		if deferred(one) {
			t.Error("deferred though no other is open")
		}
		if c := one.Counts(); c.MaxOpen != 2 {
			t.Errorf("counts %+v", c)
		}
	})
}

func TestListen(t *testing.T) {
	ca := smtptest.NewCA("Test", now)
	s := &smtptest.Server{TLS: smtptest.Config(ca.Issue(smtptest.Leaf{Names: []string{"mx.test"}}))}
	l, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	r.ReadString('\n')
	io.WriteString(conn, "STARTTLS\r\n")
	r.ReadString('\n')
	c := tls.Client(conn, &tls.Config{ServerName: "mx.test", RootCAs: ca.Pool(), Time: func() time.Time { return now }})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "EHLO x\r\n")
	if line, _ := bufio.NewReader(c).ReadString('\n'); line != "250-mx.example.test\r\n" {
		t.Errorf("EHLO after the handshake: %q", line)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if c := s.Counts(); c.Handshakes != 1 || c.Commands["EHLO"] != 1 {
		t.Errorf("counts %+v", c)
	}
}

func TestIssue(t *testing.T) {
	ca, again := smtptest.NewCA("Test", now), smtptest.NewCA("Test", now)
	names := []string{"mx.test"}
	for _, test := range []struct {
		name  string
		leaf  smtptest.Leaf
		sent  int
		trust bool
	}{
		{"default", smtptest.Leaf{}, 2, true},
		{"P-384", smtptest.Leaf{Names: names, Key: smtptest.P384}, 2, true},
		{"Ed25519", smtptest.Leaf{Names: names, Key: smtptest.Ed25519}, 2, true},
		{"RSA 1024", smtptest.Leaf{Names: names, Key: smtptest.RSA1024}, 2, true},
		{"RSA 2048", smtptest.Leaf{Names: names, Key: smtptest.RSA2048}, 2, true},
		{"RSA 3072", smtptest.Leaf{Names: names, Key: smtptest.RSA3072}, 2, true},
		{"expired", smtptest.Leaf{Names: names, Expired: true}, 2, false},
		{"not yet valid", smtptest.Leaf{Names: names, NotBefore: now.Add(time.Hour)}, 2, false},
		{"self-signed", smtptest.Leaf{Names: names, SelfSigned: true}, 1, false},
		{"self-signed SHA-1 RSA", smtptest.Leaf{Names: names, SelfSigned: true, SHA1: true, Key: smtptest.RSA2048}, 1, false},
		{"SHA-1", smtptest.Leaf{Names: names, SHA1: true}, 2, false},
		{"leaf only", smtptest.Leaf{Names: names, Form: smtptest.LeafOnly}, 1, false},
		{"with root", smtptest.Leaf{Names: names, Form: smtptest.WithRoot}, 3, true},
		{"wrong order", smtptest.Leaf{Names: names, Form: smtptest.WrongOrder}, 3, true},
		{"unrelated", smtptest.Leaf{Names: names, Form: smtptest.Unrelated}, 2, false},
		{"direct", smtptest.Leaf{Names: names, Form: smtptest.DirectByRoot}, 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, d := ca.Issue(test.leaf), again.Issue(test.leaf)
			if len(c.Certificate) != test.sent {
				t.Errorf("%d certificates sent, want %d", len(c.Certificate), test.sent)
			}
			if !bytes.Equal(bytes.Join(c.Certificate, nil), bytes.Join(d.Certificate, nil)) {
				t.Error("issued twice, two certificates")
			}
			pool := x509.NewCertPool()
			for _, der := range c.Certificate[1:] {
				x, err := x509.ParseCertificate(der)
				if err != nil {
					t.Fatal(err)
				}
				pool.AddCert(x)
			}
			_, err := c.Leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), Intermediates: pool, CurrentTime: now})
			if (err == nil) != test.trust {
				t.Errorf("verified: %v", err)
			}
		})
	}
	if c := ca.Issue(smtptest.Leaf{Form: smtptest.Unparseable}); len(c.Certificate[0]) == 0 {
		t.Error("no leaf")
	}
	a := ca.Issue(smtptest.Leaf{}).PrivateKey.(*ecdsa.PrivateKey)
	b := ca.Issue(smtptest.Leaf{Seed: "next"}).PrivateKey.(*ecdsa.PrivateKey)
	if a.Equal(b) {
		t.Error("another seed, the same key")
	}
	if n := ca.Issue(smtptest.Leaf{Key: smtptest.RSA3072}).PrivateKey.(*rsa.PrivateKey).N.BitLen(); n != 3072 {
		t.Errorf("RSA key of %d bits", n)
	}
}

// The bytes must not change between runs and Go versions: TLSA records in
// scenarios are written out.
func TestStable(t *testing.T) {
	ca := smtptest.NewCA("Test", now)
	got := fmt.Sprintf("%x", ca.Issue(smtptest.Leaf{}).Leaf.Signature)
	const want = "3044022067502dc5f483bd8dd329d76747c5c1f81a5f8656ebca7e6e912f06ea32a24baa022073bc619153e174aa4944999c725fc80c25f38626840fd080f38ad8a30a080234"
	if got != want {
		t.Errorf("signature %s\nwant %s", got, want)
	}
}

func TestPipe(t *testing.T) {
	t.Run("close lets the rest be read", func(t *testing.T) {
		a, b := smtptest.Pipe()
		io.WriteString(a, "hello")
		a.Close()
		if got, err := io.ReadAll(b); string(got) != "hello" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := b.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write to a closed end: %v", err)
		}
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read from an end closed here: %v", err)
		}
	})
	t.Run("half-close", func(t *testing.T) {
		a, b := smtptest.Pipe()
		a.(interface{ CloseWrite() error }).CloseWrite()
		if _, err := b.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("read: %v", err)
		}
		io.WriteString(b, "answer")
		b.Close()
		if got, err := io.ReadAll(a); string(got) != "answer" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("deadlines", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a, _ := smtptest.Pipe()
			start := time.Now()
			a.SetReadDeadline(start.Add(time.Second))
			if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("read: %v", err)
			}
			if d := time.Since(start); d != time.Second {
				t.Errorf("after %v", d)
			}
			a.SetWriteDeadline(time.Now().Add(time.Second))
			if n, err := a.Write(make([]byte, 1<<20)); !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n == 1<<20 {
				t.Errorf("write to one that does not read: %d, %v", n, err)
			}
			time.AfterFunc(time.Second, func() { a.SetReadDeadline(time.Now()) })
			a.SetReadDeadline(time.Time{})
			if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a deadline set while reading: %v", err)
			}
		})
	})
	t.Run("slow", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a, b := smtptest.SlowPipe(50 * time.Millisecond)
			start := time.Now()
			io.WriteString(a, "x")
			b.Read(make([]byte, 1))
			io.WriteString(b, "y")
			if d := time.Since(start); d != 0 {
				t.Errorf("the server read and wrote after %v", d)
			}
			a.Read(make([]byte, 1))
			if d := time.Since(start); d != 50*time.Millisecond {
				t.Errorf("the client read after %v", d)
			}
		})
	})
}
