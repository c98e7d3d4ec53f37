package fetch_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/dnscheck/fetch"
	"mailvet/report/evidence"
)

const policy = "version: STSv1\nmode: enforce\nmx: mx.example.test\nmax_age: 604800\n"

const url = "https://" + host + "/.well-known/mta-sts.txt"

func TestFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got *http.Request
		s := newSetting(t, func(w http.ResponseWriter, r *http.Request) {
			got = r
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = w.Write([]byte(policy))
		})
		r := s.get(t, url, 65536)
		if r.Failure != nil || r.Status != 200 || string(r.Body) != policy || r.ContentType != "text/plain; charset=utf-8" ||
			r.Addr != "192.0.2.1" || r.Connections != 1 || r.Size != int64(len(policy)) || r.Truncated || r.URL != url {
			t.Errorf("%+v, %v", r, r.Failure)
		}
		if c := r.Certificate; c == nil || c.State != evidence.CertificateValid || !slices.Equal(c.Names, []string{host}) || c.Issuer != "CN=Test Root" {
			t.Errorf("%+v", r.Certificate)
		}
		if got.Host != host || got.UserAgent() != "mailvet/test" || got.RequestURI != "/.well-known/mta-sts.txt" || got.Header.Get("Accept-Encoding") != "" {
			t.Errorf("%v %v %v", got.Host, got.RequestURI, got.Header)
		}
		if want := []string{host + " A"}; !slices.Equal(s.zone.asked, want) {
			t.Errorf("asked %q: IPv6 addresses are not needed", s.zone.asked)
		}
	})
}

func TestHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSetting(t, nil)
		now := time.Now()
		cert := s.ca.leaf(t, s.ca, now.Add(-time.Hour), now.Add(time.Hour), host)
		s.web.servers["192.0.2.1:443"] = handler(cert, []string{"h2"}, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.Proto)
		})
		if r := s.get(t, url, 0); string(r.Body) != "HTTP/2.0" {
			t.Errorf("%+v %v", r, r.Failure)
		}
	})
}

// TestResponses: whatever comes back is evidence.
func TestResponses(t *testing.T) {
	body := strings.Repeat("x", 100)
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    evidence.Fetch // Failure by op and class alone
		tries   int
	}{
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://other.test/\xff")
			w.WriteHeader(301)
		}, evidence.Fetch{Status: 301, Location: "https://other.test/\\255"}, 1},
		{"not found", http.NotFound, evidence.Fetch{Status: 404, Size: 19}, 1},
		{"busy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, evidence.Fetch{Status: 503}, 2},
		{"as long as the limit", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body[:64]) }, evidence.Fetch{Status: 200, Body: []byte(body[:64]), Size: 64}, 1},
		{"too long, as declared", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }, evidence.Fetch{Status: 200, Body: []byte(body[:64]), Size: 100, Truncated: true}, 1},
		{"too long, in chunks", func(w http.ResponseWriter, _ *http.Request) {
			for range 100 {
				fmt.Fprint(w, body)
				w.(http.Flusher).Flush()
			}
		}, evidence.Fetch{Status: 200, Body: []byte(body[:64]), Size: 64, Truncated: true}, 1},
		{"broken off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "50")
			fmt.Fprint(w, body[:20])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, evidence.Fetch{Status: 200, Size: 50, Failure: &evidence.Failure{Op: evidence.OpFetch, Class: evidence.ClassClosed}}, 2},
		{"empty", func(http.ResponseWriter, *http.Request) {}, evidence.Fetch{Status: 200}, 1},
		{"hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, evidence.Fetch{Failure: &evidence.Failure{Op: evidence.OpFetch, Class: evidence.ClassTimeout}}, 1},
		{"drips", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				fmt.Fprint(w, "x")
				w.(http.Flusher).Flush()
				time.Sleep(time.Second)
			}
		}, evidence.Fetch{Status: 200, Failure: &evidence.Failure{Op: evidence.OpFetch, Class: evidence.ClassTimeout}}, 1},
		{"a flood of headers", func(w http.ResponseWriter, _ *http.Request) {
			for i := range 2000 {
				w.Header().Set(fmt.Sprintf("X-%d", i), body)
			}
		}, evidence.Fetch{Failure: &evidence.Failure{Op: evidence.OpFetch, Class: evidence.ClassProtocol}}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSetting(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header()["Content-Type"], w.Header()["Date"] = nil, nil
					tt.handler(w, r)
				})
				r := s.get(t, url, 64)
				if r.Status != tt.want.Status || string(r.Body) != string(tt.want.Body) || r.Location != tt.want.Location ||
					r.Size != tt.want.Size && tt.want.Failure == nil || r.Truncated != tt.want.Truncated || kind(r.Failure) != kind(tt.want.Failure) || r.Connections != tt.tries {
					t.Errorf("%+v, %v", r, r.Failure)
				}
				time.Sleep(time.Minute) // until the server has noticed that it is alone
			})
		})
	}
}

func kind(f *evidence.Failure) string {
	if f == nil {
		return ""
	}
	return f.Op.String() + " " + f.Class.String()
}

// TestCertificates: nothing is sent where the certificate is not good.
func TestCertificates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSetting(t, nil)
		now := time.Now()
		h, d := time.Hour, 24*time.Hour
		for _, tt := range []struct {
			want evidence.CertificateState
			cert tls.Certificate
		}{
			{evidence.CertificateValid, s.ca.leaf(t, s.ca, now.Add(-h), now.Add(h), "*.example.test")},
			{evidence.CertificateOtherName, s.ca.leaf(t, s.ca, now.Add(-h), now.Add(h), "example.test")},
			{evidence.CertificateExpired, s.ca.leaf(t, s.ca, now.Add(-d), now.Add(-h), host)},
			{evidence.CertificateNotYetValid, s.ca.leaf(t, s.ca, now.Add(h), now.Add(d), host)},
			{evidence.CertificateUntrusted, s.ca.leaf(t, newAuthority(t, now), now.Add(-h), now.Add(h), host)},
			{evidence.CertificateUntrusted, s.ca.leaf(t, nil, now.Add(-h), now.Add(h), host)},
		} {
			served := false
			s.web.servers["192.0.2.1:443"] = handler(tt.cert, nil, func(http.ResponseWriter, *http.Request) { served = true })
			f := &fetch.Fetcher{Resolver: s.zone, Dial: s.web.dial, Roots: s.ca.pool(), AllowPrivate: true}
			r, err := f.Fetch(t.Context(), url, 0)
			if err != nil || r.Certificate == nil || r.Certificate.State != tt.want {
				t.Errorf("%v: %+v, %v", tt.want, r, err)
			}
			good := tt.want == evidence.CertificateValid
			if served != good || (r.Failure == nil) != good || !good && kind(r.Failure) != "handshake tls" {
				t.Errorf("%v: served %v, %v", tt.want, served, r.Failure)
			}
		}
	})
}

// TestHosts: what the DNS says of the host, and what stands at its addresses.
func TestHosts(t *testing.T) {
	silent := func(s *setting, addrs ...string) {
		for _, a := range addrs {
			s.web.servers[a] = nil
		}
	}
	tests := []struct {
		name   string
		change func(*setting)
		kind   string // of the failure
		addr   string
		dials  int
	}{
		{"no address", func(s *setting) { clear(s.zone.data) }, "query unreachable", "", 0},
		{"no such name", func(s *setting) { s.zone.data[host+" A"] = evidence.OutcomeNXDomain }, "query unreachable", "", 0},
		{"not known", func(s *setting) { s.zone.data[host+" A"] = evidence.OutcomeServFail }, "query temporary", "", 0},
		{"no answer", func(s *setting) { s.zone.data[host+" A"] = evidence.OutcomeTimeout }, "query timeout", "", 0},
		{"bogus", func(s *setting) { s.zone.data[host+" A"] = evidence.SecurityBogus }, "query protocol", "", 0},
		{"resolver's fault", func(s *setting) { s.zone.data[host+" A"] = errors.New("fault") }, "query unknown", "", 0},
		{"IPv6 alone", func(s *setting) {
			s.zone.data = map[string]any{host + " AAAA": "2001:db8::1"}
			s.web.servers["[2001:db8::1]:443"] = s.web.servers["192.0.2.1:443"]
		}, "", "2001:db8::1", 1},
		{"IPv6 alone, and none here", func(s *setting) {
			s.fetcher.NoIPv6 = true
			s.zone.data = map[string]any{host + " AAAA": "2001:db8::1"}
		}, "query unreachable", "", 0},
		{"refused", func(s *setting) { clear(s.web.servers) }, "dial refused", "192.0.2.1", 1},
		{"silent", func(s *setting) { silent(s, "192.0.2.1:443") }, "dial timeout", "192.0.2.1", 1},
		{"the second answers", func(s *setting) {
			s.zone.data[host+" A"] = "192.0.2.1 192.0.2.0"
			silent(s, "192.0.2.0:443")
		}, "", "192.0.2.1", 2},
		{"many addresses", func(s *setting) {
			s.zone.data[host+" A"] = "192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8"
		}, "dial refused", "192.0.2.7", 3},
		{"special purpose", func(s *setting) {
			s.fetcher.AllowPrivate = false
			s.zone.data[host+" A"] = "127.0.0.1"
		}, "config forbidden", "127.0.0.1", 0},
		{"special purpose beside another", func(s *setting) {
			s.fetcher.AllowPrivate = false
			s.zone.data[host+" A"] = "127.0.0.1 192.0.2.1"
		}, "", "192.0.2.1", 1},
		{"no TLS", func(s *setting) {
			s.web.servers["192.0.2.1:443"] = func(c net.Conn) {
				_, _ = c.Read(make([]byte, 2000))
				_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
				c.Close()
			}
		}, "handshake protocol", "192.0.2.1", 1},
		{"closed", func(s *setting) { s.web.servers["192.0.2.1:443"] = func(c net.Conn) { c.Close() } }, "handshake closed", "192.0.2.1", 2},
		{"another port", func(s *setting) { s.fetcher.Port = 8443 }, "dial refused", "192.0.2.1", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSetting(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, policy) })
				tt.change(s)
				r := s.get(t, url, 0)
				if kind(r.Failure) != tt.kind || tt.addr != "" && r.Addr != tt.addr || len(s.web.dialled) != tt.dials {
					t.Errorf("%+v, %v, dialled %q", r, r.Failure, s.web.dialled)
				}
			})
		})
	}
}

// TestURLs: what no request is made for.
func TestURLs(t *testing.T) {
	s := newSetting(t, nil)
	for _, u := range []string{"", "http://" + host + "/", "https://192.0.2.1/", "https://[2001:db8::1]/", "https://" + host + ":8443/", "https://user@" + host + "/",
		"https:///x", "https://localhost/", "ftp://" + host, "https://a..b/", "https://" + strings.Repeat("a", 64) + ".test/", "https://x.test/" + strings.Repeat("a", 3000),
		"https://exa mple.test/", "https://1.2.3/", "https://münchen.test/", "file:///etc/passwd", "https://0x7f000001/", "https://127.1/", "https://\x00.test/", "%zz"} {
		if r := s.get(t, u, 0); kind(r.Failure) != "config forbidden" || r.URL != u {
			t.Errorf("%q: %+v", u, r)
		}
	}
	if len(s.zone.asked)+len(s.web.dialled) != 0 {
		t.Errorf("asked %q, dialled %q", s.zone.asked, s.web.dialled)
	}
}

// TestShared: a URL is fetched once, also when many want it at the same moment,
// and one request at a time goes to a host.
func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSetting(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			fmt.Fprint(w, r.URL.Path)
		})
		var wg sync.WaitGroup
		var mu sync.Mutex
		connections := 0
		for i := range 30 {
			wg.Go(func() {
				u := fmt.Sprintf("https://%s/%d", host, i%3)
				r := s.get(t, u, 0)
				if string(r.Body) != fmt.Sprintf("/%d", i%3) || r.URL != u {
					t.Errorf("%+v %v", r, r.Failure)
				}
				mu.Lock()
				connections += r.Connections
				mu.Unlock()
			})
		}
		wg.Wait()
		if connections != 3 || len(s.web.dialled) != 3 || s.web.most != 1 {
			t.Errorf("%d connections told, %d made, %d at once", connections, len(s.web.dialled), s.web.most)
		}
		r := s.get(t, "https://"+host+"/1", 0)
		if r.Connections != 0 || len(s.web.dialled) != 3 || string(r.Body) != "/1" {
			t.Errorf("it is not remembered: %+v", r)
		}
		r.Certificate.Names, r.Certificate.State = nil, 0
		if again := s.get(t, "https://"+host+"/1", 0); again.Certificate.State != evidence.CertificateValid {
			t.Error("what one caller does to its result shows to the next")
		}
	})
}

// TestDeadAddress: hosts that share an address which does not answer do not
// wait for it one after the other.
func TestDeadAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSetting(t, nil)
		s.web.servers["192.0.2.9:443"] = nil
		for i := range 20 {
			s.zone.data[fmt.Sprintf("mta-sts.d%d.test A", i)] = "192.0.2.9"
		}
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 20 {
			name := fmt.Sprintf("mta-sts.d%d.test", i)
			wg.Go(func() {
				if r := s.get(t, "https://"+name+"/", 0); kind(r.Failure) != "dial timeout" {
					t.Errorf("%+v", r)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took != fetch.DefaultConnectTimeout || len(s.web.dialled) != 1 {
			t.Errorf("took %s, dialled %d times", took, len(s.web.dialled))
		}
		time.Sleep(6 * time.Minute)
		s.zone.data["later.test A"] = "192.0.2.9"
		s.get(t, "https://later.test/", 0)
		if len(s.web.dialled) != 2 {
			t.Error("the address is given up for ever")
		}
	})
}

// TestRemember: the memory is bounded.
func TestRemember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSetting(t, func(http.ResponseWriter, *http.Request) {})
		s.fetcher.Remember = 2
		for _, p := range []string{"1", "2", "3", "3", "2", "1"} {
			s.get(t, "https://"+host+"/"+p, 0)
		}
		if len(s.web.dialled) != 4 {
			t.Errorf("dialled %d times, want 4", len(s.web.dialled))
		}
	})
}

// TestCancel: a caller that leaves ends its request, unless others wait for it.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSetting(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(3 * time.Second)
			fmt.Fprint(w, "late")
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.fetcher.Fetch(ctx, url, 0); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		})
		wg.Go(func() {
			if r := s.get(t, url, 0); string(r.Body) != "late" {
				t.Errorf("the other: %+v", r)
			}
		})
		wg.Wait()
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		if _, err := s.fetcher.Fetch(ctx, url+"?2", 0); err == nil || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if r := s.get(t, url+"?2", 0); string(r.Body) != "late" {
			t.Errorf("a cancelled fetch is remembered: %+v", r)
		}
		if _, err := s.fetcher.Fetch(ctx, url, 0); err == nil {
			t.Error("an ended context is not noticed")
		}
		time.Sleep(time.Minute) // the server's side of the cancelled one
	})
}

func TestInvalid(t *testing.T) {
	r := &zone{}
	special := func(netip.Addr) (string, bool) { return "", false }
	for name, f := range map[string]*fetch.Fetcher{
		"no resolver":     {AllowPrivate: true},
		"no addresses":    {Resolver: r},
		"port":            {Resolver: r, Special: special, Port: 70000},
		"time":            {Resolver: r, Special: special, Timeout: -1},
		"user agent":      {Resolver: r, Special: special, UserAgent: "a\r\nb"},
		"number of tries": {Resolver: r, Special: special, MaxOpen: -1},
	} {
		if _, err := f.Fetch(t.Context(), url, 0); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestNoRoots: without roots nothing is said about trust, and names and times
// are judged all the same.
func TestNoRoots(t *testing.T) {
	t.Setenv("SSL_CERT_FILE", "/dev/null")
	t.Setenv("SSL_CERT_DIR", t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		s := newSetting(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, policy) })
		s.fetcher.Roots = nil
		switch r := s.get(t, url, 0); {
		case r.Certificate.State == evidence.CertificateUntrusted:
			t.Skip("another test of this process has read the system's roots before")
		case r.Certificate.State != evidence.CertificateUnknown, r.Status != 200:
			t.Errorf("%+v %v", r, r.Failure)
		}
	})
}

func ExampleFetcher() {
	f := fetch.Fetcher{
		Resolver: &zone{data: map[string]any{"mta-sts.example.test A": "192.0.2.1"}},
		Special:  func(a netip.Addr) (string, bool) { return "documentation", true },
	}
	r, err := f.Fetch(context.Background(), "https://mta-sts.example.test/.well-known/mta-sts.txt", 64<<10)
	fmt.Println(r.Failure.Words(), err)
	// Output: not to be connected to (not connected to: documentation) <nil>
}
