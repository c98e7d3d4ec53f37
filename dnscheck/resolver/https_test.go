package resolver_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

// webServer serves DNS over HTTPS at a socket of the loopback interface, under
// the name dns.example, and makes a resolver that asks it there.
func webServer(t testing.TB, http2 bool, h http.HandlerFunc) (*httptest.Server, *resolver.Resolver) {
	t.Helper()
	certificate, client := certified(t, "dns.example", net.IPv4(127, 0, 0, 1))
	s := httptest.NewUnstartedServer(h)
	s.TLS = certificate
	s.EnableHTTP2 = http2
	s.StartTLS()
	r := &resolver.Resolver{
		Servers: []string{"https://dns.example/dns-query"}, TLSConfig: client, Timeout: 5 * time.Second,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != "dns.example:443" {
				t.Errorf("dialled %s %s", network, address)
			}
			var d net.Dialer
			return d.DialContext(ctx, network, s.Listener.Addr().String())
		},
	}
	t.Cleanup(func() {
		r.Close()
		s.Close()
	})
	return s, r
}

// message answers a request as DNS over HTTPS.
func message(w http.ResponseWriter, req *http.Request) {
	query, _ := io.ReadAll(req.Body)
	w.Header().Set("Content-Type", "application/dns-message")
	w.Write(good(query, nil))
}

func TestHTTPS(t *testing.T) {
	for _, http2 := range []bool{true, false} {
		s, r := webServer(t, http2, func(w http.ResponseWriter, req *http.Request) {
			query, _ := io.ReadAll(req.Body)
			var q dns.Msg
			if err := q.Unpack(query); err != nil || q.Id != 0 || !q.CheckingDisabled || q.IsEdns0() == nil {
				t.Errorf("question %v, %v", &q, err)
			}
			if req.Method != http.MethodPost || req.URL.Path != "/dns-query" || req.Host != "dns.example" || req.TLS.ServerName != "dns.example" ||
				req.Header.Get("Content-Type") != "application/dns-message" || req.Header.Get("Accept") != "application/dns-message" ||
				req.UserAgent() != "" || req.Header["Idempotency-Key"] != nil || (req.ProtoMajor == 2) != http2 {
				t.Errorf("request %s %s %s %v", req.Method, req.URL, req.Proto, req.Header)
			}
			w.Header().Set("Content-Type", "Application/DNS-message; charset=x")
			w.Write(good(query, nil))
		})
		var conns atomic.Int32
		dial := r.Dial
		r.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conns.Add(1)
			return dial(ctx, network, address)
		}
		for _, name := range []string{"a.test", "b.test", "c.test"} {
			if l := lookup(t, r, name, "A"); l.Outcome != evidence.OutcomeAnswer || len(l.Answer) != 1 {
				t.Errorf("HTTP/2 %t: %+v, %v", http2, l, l.Failure)
			}
		}
		if conns.Load() != 1 {
			t.Errorf("HTTP/2 %t: %d connections for three questions in a row", http2, conns.Load())
		}
		if st := r.Stats(); st.TCP != 3 || st.Questions != 3 {
			t.Errorf("%+v", st)
		}
		// The server ends the connection: nothing is lost.
		s.CloseClientConnections()
		if l := lookup(t, r, "d.test", "A"); l.Outcome != evidence.OutcomeAnswer {
			t.Errorf("HTTP/2 %t, after the connection was closed: %+v, %v", http2, l, l.Failure)
		}
	}
}

// By address, at a port and path of its own, over the dialer used in earnest.
func TestHTTPSByAddress(t *testing.T) {
	s, r := webServer(t, true, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.EscapedPath() != "/a%2Fb" {
			t.Errorf("path %s", req.URL.EscapedPath())
		}
		message(w, req)
	})
	addr := s.Listener.Addr().String()
	for _, tt := range []struct {
		server string
		want   evidence.Outcome
	}{
		{"https://" + addr + "/a%2Fb", evidence.OutcomeAnswer},
		{"https://" + addr + "/a%2Fb#dns.example", evidence.OutcomeAnswer},
		{"https://" + addr + "/a%2Fb#other.example", evidence.OutcomeNetwork},
	} {
		r := &resolver.Resolver{Servers: []string{tt.server}, TLSConfig: r.TLSConfig}
		l := lookup(t, r, "example.test", "A")
		if l.Outcome != tt.want {
			t.Errorf("%s: %v, %v", tt.server, l.Outcome, l.Failure)
		}
		if l.Failure != nil && (l.Failure.Op != evidence.OpHandshake || l.Failure.Class != evidence.ClassTLS) {
			t.Errorf("%s: %v", tt.server, l.Failure)
		}
		r.Close()
	}
}

func TestHTTPSFaults(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, strings.Repeat("x", 1000), code) }
	}
	as := func(kind string) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			query, _ := io.ReadAll(req.Body)
			w.Header()["Content-Type"] = []string{kind}
			w.Write(good(query, nil))
		}
	}
	answer := func(f func(query []byte) []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			query, _ := io.ReadAll(req.Body)
			w.Header().Set("Content-Type", "application/dns-message")
			w.Write(f(query))
		}
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    evidence.Outcome
		class   evidence.Class
		asked   int64 // questions sent
	}{
		{"201 is a success", func(w http.ResponseWriter, req *http.Request) {
			query, _ := io.ReadAll(req.Body)
			w.Header().Set("Content-Type", "application/dns-message")
			w.WriteHeader(201)
			w.Write(good(query, nil))
		}, evidence.OutcomeAnswer, 0, 1},
		{"429", status(429), evidence.OutcomeNetwork, evidence.ClassTemporary, 2},
		{"503", status(503), evidence.OutcomeNetwork, evidence.ClassTemporary, 2},
		{"500", status(500), evidence.OutcomeNetwork, evidence.ClassTemporary, 2},
		{"501", status(501), evidence.OutcomeNetwork, evidence.ClassPermanent, 1},
		{"400", status(400), evidence.OutcomeNetwork, evidence.ClassPermanent, 1},
		{"404", status(404), evidence.OutcomeNetwork, evidence.ClassPermanent, 1},
		{"415", status(415), evidence.OutcomeNetwork, evidence.ClassPermanent, 1},
		{"403", status(403), evidence.OutcomeNetwork, evidence.ClassRefused, 2},
		{"redirect", func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, "https://other.example/dns-query", http.StatusTemporaryRedirect)
		}, evidence.OutcomeNetwork, evidence.ClassProtocol, 2},
		{"another type", as("text/html; charset=utf-8"), evidence.OutcomeMalformed, evidence.ClassProtocol, 2},
		{"no type", as(""), evidence.OutcomeMalformed, evidence.ClassProtocol, 2},
		{"no DNS message", answer(func([]byte) []byte { return []byte("<html>") }), evidence.OutcomeMalformed, evidence.ClassProtocol, 2},
		{"empty", answer(func([]byte) []byte { return nil }), evidence.OutcomeMalformed, evidence.ClassProtocol, 2},
		{"another id", answer(func(q []byte) []byte { b := good(q, nil); b[1] = 7; return b }), evidence.OutcomeMalformed, evidence.ClassProtocol, 2},
		{"another question", answer(func(q []byte) []byte { return good(q, func(m *dns.Msg) { m.Question[0].Name = "a." }) }), evidence.OutcomeMalformed, evidence.ClassProtocol, 2},
		{"truncated by DNS", answer(func(q []byte) []byte { return good(q, func(m *dns.Msg) { m.Truncated = true }) }), evidence.OutcomeMalformed, evidence.ClassProtocol, 2},
		{"truncated body", func(w http.ResponseWriter, req *http.Request) {
			query, _ := io.ReadAll(req.Body)
			w.Header().Set("Content-Type", "application/dns-message")
			w.Header().Set("Content-Length", "1000")
			w.Write(good(query, nil))
		}, evidence.OutcomeNetwork, evidence.ClassClosed, 2},
		{"broken off", func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Content-Type", "application/dns-message")
			w.Write(make([]byte, 100))
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, evidence.OutcomeNetwork, evidence.ClassClosed, 2},
		{"huge body", answer(func([]byte) []byte { return make([]byte, 10<<20) }), evidence.OutcomeMalformed, evidence.ClassTooLarge, 2},
		{"64 kB", answer(func(q []byte) []byte { return large(q, 65000) }), evidence.OutcomeAnswer, 0, 1},
	}
	for _, tt := range tests {
		for _, http2 := range []bool{true, false} {
			name := tt.name + " over HTTP/1.1"
			if http2 {
				name = tt.name + " over HTTP/2"
			}
			t.Run(name, func(t *testing.T) {
				_, r := webServer(t, http2, tt.handler)
				r.Tries = 2
				l := lookup(t, r, "example.test", "A")
				class := evidence.ClassUnknown
				if l.Failure != nil && l.Failure.Class != evidence.ClassTooLarge || l.Outcome != evidence.OutcomeAnswer && l.Failure != nil {
					class = l.Failure.Class
				}
				if l.Outcome != tt.want || class != tt.class || r.Stats().Questions != tt.asked {
					t.Errorf("%v, %v, %d questions; want %v, %v, %d", l.Outcome, l.Failure, r.Stats().Questions, tt.want, tt.class, tt.asked)
				}
			})
		}
	}
}

// A body that trickles holds a question no longer than silence does.
func TestHTTPSSlow(t *testing.T) {
	for _, after := range []string{"nothing", "headers", "half"} {
		t.Run(after, func(t *testing.T) {
			done := make(chan struct{})
			_, r := webServer(t, true, func(w http.ResponseWriter, req *http.Request) {
				query, _ := io.ReadAll(req.Body)
				w.Header().Set("Content-Type", "application/dns-message")
				if after == "half" {
					w.Write(good(query, nil)[:20])
				}
				if after != "nothing" {
					http.NewResponseController(w).Flush()
				}
				select {
				case <-req.Context().Done():
				case <-done:
				}
			})
			defer close(done)
			r.Timeout, r.Tries = 50*time.Millisecond, 2
			var conns atomic.Int32
			dial := r.Dial
			r.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conns.Add(1)
				return dial(ctx, network, address)
			}
			l := lookup(t, r, "example.test", "A")
			if after == "nothing" && conns.Load() != 2 { // the first may be dead
				t.Errorf("%d connections", conns.Load())
			}
			if l.Outcome != evidence.OutcomeTimeout || l.Failure.Class != evidence.ClassTimeout || r.Stats().Questions != 2 || r.Stats().Timeouts != 2 {
				t.Errorf("%v, %v, %+v", l.Outcome, l.Failure, r.Stats())
			}
		})
	}
}

// A server that says how long it wants to be left in peace is left in peace.
func TestHTTPSRetryAfter(t *testing.T) {
	var busy atomic.Int32
	s, r := webServer(t, true, func(w http.ResponseWriter, req *http.Request) {
		if strings.HasPrefix(req.URL.Path, "/busy") {
			busy.Add(1)
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		message(w, req)
	})
	addr := s.Listener.Addr().String()
	now := epoch
	r = &resolver.Resolver{Servers: []string{"https://" + addr + "/busy", "https://" + addr}, TLSConfig: r.TLSConfig, Now: func() time.Time { return now }}
	defer r.Close()
	for i, tt := range []struct {
		after time.Duration
		busy  int32
	}{{0, 1}, {time.Second, 1}, {29 * time.Second, 1}, {31 * time.Second, 2}, {32 * time.Second, 2}} {
		now = epoch.Add(tt.after)
		if l := lookup(t, r, string(rune('a'+i))+".test", "A"); l.Outcome != evidence.OutcomeAnswer || busy.Load() != tt.busy {
			t.Errorf("after %v: %v, %v, asked %d times", tt.after, l.Outcome, l.Failure, busy.Load())
		}
	}
}

// Many questions at once share one connection over HTTP/2, and few without.
func TestHTTPSConnections(t *testing.T) {
	for _, http2 := range []bool{true, false} {
		_, r := webServer(t, http2, message)
		var mu sync.Mutex
		open, most := 0, 0
		dial := r.Dial
		r.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			mu.Lock()
			defer mu.Unlock()
			open++
			most = max(most, open)
			return &watched{Conn: conn, closed: func() { mu.Lock(); open--; mu.Unlock() }}, nil
		}
		var group sync.WaitGroup
		for i := range 100 {
			group.Go(func() {
				if l := lookup(t, r, "n"+strings.Repeat("x", i%50)+string(rune('a'+i/50))+".test", "A"); l.Outcome != evidence.OutcomeAnswer {
					t.Errorf("%v, %v", l.Outcome, l.Failure)
				}
			})
		}
		group.Wait()
		if most > 8 {
			t.Errorf("HTTP/2 %t: %d connections", http2, most)
		}
	}
}

// watched tells when it is closed.
type watched struct {
	net.Conn
	once   sync.Once
	closed func()
}

func (w *watched) Close() error {
	w.once.Do(w.closed)
	return w.Conn.Close()
}

// large is an answer of about so many octets.
func large(query []byte, octets int) []byte {
	return good(query, func(m *dns.Msg) {
		m.Answer, m.Compress = nil, true
		for i := range (octets - 60) / 16 {
			m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeA, Class: 1, Ttl: 60}, A: []byte{198, 51, byte(i >> 8), byte(i)}})
		}
	})
}
