package resolver_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

// certified makes a server's certificate, and the roots that trust it.
func certified(t testing.TB, name string, addrs ...net.IP) (*tls.Config, *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: epoch.Add(-time.Hour), NotAfter: epoch.AddDate(100, 0, 0),
		DNSNames: []string{name}, IPAddresses: addrs, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: roots}
}

func TestTLS(t *testing.T) {
	server, client := certified(t, "dns.example", net.IPv4(192, 0, 2, 1), net.ParseIP("fe80::1"))
	tests := []struct {
		server string
		client *tls.Config
		want   evidence.Outcome
		op     evidence.Op
		class  evidence.Class
	}{
		{"tls://dns.example", client, evidence.OutcomeAnswer, 0, 0},
		{"tls://192.0.2.1", client, evidence.OutcomeAnswer, 0, 0},
		{"tls://fe80::1%eth0", client, evidence.OutcomeAnswer, 0, 0},
		{"tls://fe80::2%eth0", client, evidence.OutcomeNetwork, evidence.OpHandshake, evidence.ClassTLS},
		{"tls://192.0.2.2#dns.example", client, evidence.OutcomeAnswer, 0, 0},
		{"tls://other.example", client, evidence.OutcomeNetwork, evidence.OpHandshake, evidence.ClassTLS},
		{"tls://192.0.2.2", client, evidence.OutcomeNetwork, evidence.OpHandshake, evidence.ClassTLS},
		{"tls://dns.example", &tls.Config{RootCAs: x509.NewCertPool()}, evidence.OutcomeNetwork, evidence.OpHandshake, evidence.ClassTLS},
	}
	for _, tt := range tests {
		t.Run(tt.server, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, _ := behave("answer")
				n.serve = func(_ context.Context, _, _ string, q []byte) [][]byte { return behaviours["answer"](q) }
				n.tls = server
				r := over(t, &n.fakeNet, tt.server)
				r.TLSConfig = tt.client
				l := lookup(t, r, "example.test", "A")
				if l.Outcome != tt.want {
					t.Fatalf("%v, %v", l.Outcome, l.Failure)
				}
				if tt.class != 0 && (l.Failure.Op != tt.op || l.Failure.Class != tt.class) {
					t.Errorf("failure %v", l.Failure)
				}
			})
		})
	}
}

// All questions go over one connection, at the same time; when the server
// closes it, a new one is opened and no question is lost.
func TestTLSConnectionIsShared(t *testing.T) {
	server, client := certified(t, "dns.example")
	synctest.Test(t, func(t *testing.T) {
		var closing atomic.Bool
		n := &fakeNet{tls: server}
		n.serve = late(50*time.Millisecond, func(_ context.Context, _, _ string, q []byte) [][]byte {
			if closing.CompareAndSwap(true, false) {
				return [][]byte{nil}
			}
			return [][]byte{good(q, nil)}
		})
		r := over(t, n, "tls://dns.example")
		r.TLSConfig = client
		ask := func(from, to int) time.Duration {
			start := time.Now()
			var group sync.WaitGroup
			for i := from; i < to; i++ {
				group.Go(func() {
					if l := lookup(t, r, "n"+string(rune('a'+i))+".test", "A"); l.Outcome != evidence.OutcomeAnswer {
						t.Errorf("%d: %v %v", i, l.Outcome, l.Failure)
					}
				})
			}
			group.Wait()
			return time.Since(start)
		}
		const dialled = "tcp dns.example:853"
		if d := ask(0, 10); d != 50*time.Millisecond || n.dialed(dialled) != 1 {
			t.Errorf("ten questions took %v over %d connections", d, n.dialed(dialled))
		}
		ask(10, 11)
		if n.dialed(dialled) != 1 {
			t.Error("the connection is not used again")
		}
		closing.Store(true)
		ask(11, 15)
		if n.dialed(dialled) != 2 {
			t.Errorf("%d connections after the first was closed", n.dialed(dialled))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n.opened() != 0 {
			t.Error("an idle connection is kept for ever")
		}
		ask(15, 16)
		if s := r.Stats(); s.TCP != s.Questions || s.Questions < 16 {
			t.Errorf("%+v", s)
		}
		r.Close()
		if synctest.Wait(); n.opened() != 0 {
			t.Error("open after Close")
		}
		ask(16, 17) // and the resolver can still be used
	})
}

// A connection on which nothing comes any more (lost state in some box on the
// way) is given up, and the question asked over another.
func TestSilentConnection(t *testing.T) {
	server, client := certified(t, "dns.example")
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		dead := map[context.Context]bool{}
		var kill atomic.Bool
		n := &fakeNet{tls: server, serve: func(ctx context.Context, _, _ string, q []byte) [][]byte {
			mu.Lock()
			defer mu.Unlock()
			if dead[ctx] = dead[ctx] || kill.CompareAndSwap(true, false); dead[ctx] {
				return nil
			}
			return [][]byte{good(q, nil)}
		}}
		r := over(t, n, "tls://dns.example")
		r.TLSConfig = client
		lookup(t, r, "a.test", "A")
		kill.Store(true)
		start := time.Now()
		if l := lookup(t, r, "b.test", "A"); l.Outcome != evidence.OutcomeAnswer || time.Since(start) != resolver.DefaultTimeout {
			t.Errorf("%v after %v", l.Outcome, time.Since(start))
		}
		if n.dialed("tcp dns.example:853") != 2 {
			t.Errorf("%v", n.dials)
		}
	})
}

// Leaving in the middle of anything ends at once.
func TestCancelledAtOnce(t *testing.T) {
	server, client := certified(t, "dns.example")
	for _, at := range []string{"dialling", "shaking hands", "waiting", "writing", "TCP after UDP"} {
		t.Run(at, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &fakeNet{tls: server, serve: func(_ context.Context, network, _ string, q []byte) [][]byte {
					if network == "udp" {
						return truncating(t.Context(), network, "", q)
					}
					return nil
				}}
				name := "tls://dns.example"
				if at == "TCP after UDP" {
					name = "192.0.2.1"
				}
				r := over(t, n, name)
				r.TLSConfig = client
				r.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					switch at {
					case "dialling":
						<-ctx.Done()
						return nil, ctx.Err()
					case "shaking hands":
						c, _ := net.Pipe()
						return c, nil
					case "writing":
						c, s := net.Pipe()
						go tls.Server(s, server).Handshake() // and never reads again
						return c, nil
					}
					return n.dial(ctx, network, address)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				start := time.Now()
				_, err := r.Lookup(ctx, "example.test", "A")
				if err == nil || time.Since(start) != 100*time.Millisecond {
					t.Errorf("%v after %v", err, time.Since(start))
				}
				r.Close()
			})
		})
	}
}
