package probe_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/smtptest"
)

func Example() {
	server := &smtptest.Server{Name: "mx.example.test", TLS: conf}
	p := &probe.Prober{
		Dial: func(context.Context, string, string) (net.Conn, error) {
			client, end := smtptest.Pipe()
			go server.Serve(context.Background(), end)
			return client, nil
		},
		Helo: "scanner.example", Roots: ca.Pool(), AllowPrivate: true, HandshakeOnly: true,
		Now: func() time.Time { return now },
	}
	r, err := p.Probe(context.Background(), "mx.example.test", netip.MustParseAddr("192.0.2.25"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range r.Session.Transcript {
		fmt.Println(line.Text)
	}
	fmt.Println(r.Session.StartTLS, r.Session.Handshake.Version, r.Chains[0].Trust)
	// Output:
	// 220 mx.example.test ESMTP
	// EHLO scanner.example
	// 250-mx.example.test
	// 250-PIPELINING
	// 250-SIZE 10240000
	// 250-8BITMIME
	// 250 STARTTLS
	// STARTTLS
	// 220 2.0.0 Ready to start TLS
	// EHLO scanner.example
	// 250-mx.example.test
	// 250-PIPELINING
	// 250-SIZE 10240000
	// 250 8BITMIME
	// QUIT
	// started TLS 1.3 trusted
}

// Over the system's TCP the errors are the system's.
func TestLoopback(t *testing.T) {
	type reply = smtptest.Reply
	for _, test := range []struct {
		name   string
		server *smtptest.Server
		want   string
	}{
		{"good", script("", reply{}), "reached started tls=true n=1"},
		{"injected", script(smtptest.STARTTLS, reply{Inject: "250 x\r\n"}), "reached started tls=true n=1"},
		{"reset", script(smtptest.EHLO, reply{Silent: true, Reset: true}), "reached unknown hello/reset n=2"},
		{"closed", script(smtptest.EHLO, reply{Silent: true, Close: true}), "reached unknown hello/closed n=2"},
		{"endless", script(smtptest.EHLO, reply{Endless: strings.Repeat("250-x\r\n", 100)}), "reached unknown hello/too-large n=1"},
		{"no longer there", nil, "not-reached unknown dial/refused n=0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := test.server
			if s == nil {
				s = &smtptest.Server{}
			}
			l, err := s.Listen()
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if test.server == nil {
				l.Close()
			}
			p := &probe.Prober{
				Port: int(l.Addr().Port()), Roots: ca.Pool(), AllowPrivate: true, Retries: 1, Backoff: time.Millisecond,
				Now: func() time.Time { return now },
			}
			r, err := p.Probe(t.Context(), "mx.example.test", l.Addr().Addr())
			if err != nil {
				t.Fatal(err)
			}
			if got := brief(r.Session); got != test.want {
				t.Errorf("got  %s\nwant %s\n%v", got, test.want, r.Session.Failure)
			}
			if f := r.Session.Failure; f != nil && strings.Contains(f.Text, "127.0.0.1") {
				t.Errorf("the text differs from run to run: %q", f.Text)
			}
			if tr := r.Session.Transcript; len(tr) > 1 && tr[1].Text != "EHLO [127.0.0.1]" {
				t.Errorf("said %q", tr[1].Text)
			}
			p.Wait()
		})
	}
}

// Whatever octets a server sends, the probe ends, in bounds, with evidence
// that can be stored.
func FuzzServer(f *testing.F) {
	hello := "220 mx\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n"
	for _, s := range []string{
		"", "220 mx\r\n", hello, hello + "\x15\x03\x01\x00\x02\x02\x28", hello + "250 x\r\n\x16\x03\x03\xff\xff", hello + strings.Repeat("\x16\x03\x03\x00\x01\x00", 50),
		hello + "\x16\x03\x03\x00\x04\x02\xff\xff\xff", "220-\xff\r\n\xfe", "554 no\r\n221 bye\r\n", "220 mx\r\n500 x\r\n250 mx\r\n221\r\n", strings.Repeat("220-x\r\n", 150),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		p := &probe.Prober{
			Dial: func(context.Context, string, string) (net.Conn, error) {
				client, server := smtptest.Pipe()
				go func() {
					server.Write(stream)
					server.(interface{ CloseWrite() error }).CloseWrite()
					io.Copy(io.Discard, server)
				}()
				return client, nil
			},
			Roots: ca.Pool(), AllowPrivate: true, Retries: -1,
		}
		r, err := p.Probe(t.Context(), "mx.example.test", addr)
		if err != nil {
			t.Fatal(err)
		}
		if s := r.Session; s.Failure == nil && s.StartTLS != evidence.StartTLSNotOffered {
			t.Errorf("no failure: %s", brief(s))
		}
		roundTrip(t, r)
		p.Wait()
	})
}

func BenchmarkProbe(b *testing.B) {
	s := script("", smtptest.Reply{})
	n, p := internet(b, s)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		// Another name each time, for a name is probed once.
		r, err := p.Probe(b.Context(), fmt.Sprintf("mx%d.example.test", i), addr)
		if err != nil || r.Opened != 1 || r.Session.Failure != nil {
			b.Fatalf("%s, %v", brief(r.Session), err)
		}
		i++
	}
	p.Wait()
	b.ReportMetric(float64(n.dials)/float64(i), "connections/op")
}

func BenchmarkShared(b *testing.B) {
	_, p := internet(b, script("", smtptest.Reply{}))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Probe(b.Context(), "mx.example.test", addr); err != nil {
			b.Fatal(err)
		}
	}
	p.Wait()
}

// Nothing is left behind when probes are over, however they ended.
func TestNoLeak(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, s := range []*smtptest.Server{script("", smtptest.Reply{}), script(smtptest.EHLO, smtptest.Reply{Silent: true}), {}} {
		l, err := s.Listen()
		if err != nil {
			t.Fatal(err)
		}
		p := &probe.Prober{Port: int(l.Addr().Port()), AllowPrivate: true, Retries: -1, Timeout: 50 * time.Millisecond}
		p.Probe(t.Context(), "mx.example.test", l.Addr().Addr())
		p.Wait()
		l.Close()
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 30_000 { // one that is done may not have ended yet
		if runtime.NumGoroutine() <= before {
			break
		}
		<-tick.C
	}
	if after := runtime.NumGoroutine(); after > before {
		b := make([]byte, 1<<16)
		t.Errorf("%d goroutines before, %d after\n%s", before, after, b[:runtime.Stack(b, true)])
	}
}
