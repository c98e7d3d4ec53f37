package fetch_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mailvet/dnscheck/fetch"
	"mailvet/report/evidence"
)

const host = "mta-sts.example.test"

// zone is a resolver over a table: "NAME TYPE" to addresses, or to an outcome.
type zone struct {
	mu    sync.Mutex
	asked []string
	data  map[string]any
}

func (z *zone) Lookup(ctx context.Context, name, qtype string) (evidence.Lookup, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked = append(z.asked, name+" "+qtype)
	l := evidence.Lookup{Name: name, Type: qtype, Outcome: evidence.OutcomeNoData}
	switch d := z.data[name+" "+qtype].(type) {
	case string:
		l.Outcome = evidence.OutcomeAnswer
		for a := range strings.FieldsSeq(d) {
			l.Answer = append(l.Answer, evidence.RR{Name: name, Type: qtype, Data: a})
		}
	case evidence.Outcome:
		l.Outcome = d
	case evidence.Security:
		l.Outcome, l.Security = evidence.OutcomeAnswer, d
		l.Answer = []evidence.RR{{Name: name, Type: qtype, Data: "192.0.2.1"}}
	case error:
		return l, d
	}
	return l, ctx.Err()
}

// web is the web servers of a test: one in memory at each address.
type web struct {
	t       *testing.T
	mu      sync.Mutex
	servers map[string]func(net.Conn) // by "address:port"; nil is silence
	dialled []string
	open    int
	most    int // connections open at once
}

func (w *web) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	w.dialled = append(w.dialled, address)
	serve, ok := w.servers[address]
	w.mu.Unlock()
	fail := func(err error) (net.Conn, error) { return nil, &net.OpError{Op: "dial", Net: network, Err: err} }
	switch {
	case !ok:
		return fail(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	case serve == nil:
		<-ctx.Done()
		return fail(ctx.Err())
	}
	client, server := net.Pipe()
	w.mu.Lock()
	w.open++
	w.most = max(w.most, w.open)
	w.mu.Unlock()
	go serve(server)
	return &counted{Conn: client, web: w}, nil
}

// counted is a connection that says when the client has closed it.
type counted struct {
	net.Conn
	web   *web
	ended sync.Once
}

func (c *counted) Close() error {
	c.ended.Do(func() {
		c.web.mu.Lock()
		defer c.web.mu.Unlock()
		c.web.open--
	})
	return c.Conn.Close()
}

// authority issues certificates around a time.
type authority struct {
	now  time.Time
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, now time.Time) *authority {
	t.Helper()
	a := &authority{now: now}
	a.root, a.key = a.certificate(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: "Test Root"}}, nil)
	return a
}

func (a *authority) certificate(t *testing.T, template *x509.Certificate, by *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = a.now.Add(-time.Hour), a.now.Add(time.Hour)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.root, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c, key
}

// leaf is a server certificate; by nil it is self-signed.
func (a *authority) leaf(t *testing.T, by *authority, from, to time.Time, names ...string) tls.Certificate {
	c, key := a.certificate(t, &x509.Certificate{DNSNames: names, NotBefore: from, NotAfter: to, Subject: pkix.Name{CommonName: names[0]}}, by)
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.root)
	return p
}

// handler serves one connection with net/http.
func handler(cert tls.Certificate, protocols []string, h http.HandlerFunc) func(net.Conn) {
	return func(c net.Conn) {
		l := &once{conn: tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: protocols}), done: make(chan struct{})}
		s := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0), ConnState: func(_ net.Conn, st http.ConnState) {
			if st == http.StateClosed {
				l.finish()
			}
		}}
		_ = s.Serve(l)
		<-l.done
	}
}

// once is a listener that hands out one connection.
type once struct {
	conn  net.Conn
	given bool
	done  chan struct{}
	ended sync.Once
}

func (o *once) Accept() (net.Conn, error) {
	if o.given {
		<-o.done
		return nil, net.ErrClosed
	}
	o.given = true
	return o.conn, nil
}
func (o *once) Close() error   { return nil }
func (o *once) Addr() net.Addr { return &net.TCPAddr{} }
func (o *once) finish()        { o.ended.Do(func() { close(o.done) }) }

// setting is one host with a good certificate and what it serves.
type setting struct {
	fetcher *fetch.Fetcher
	zone    *zone
	web     *web
	ca      *authority
}

func newSetting(t *testing.T, h http.HandlerFunc) *setting {
	now := time.Now()
	ca := newAuthority(t, now)
	s := &setting{
		ca:   ca,
		zone: &zone{data: map[string]any{host + " A": "192.0.2.1"}},
		web:  &web{t: t, servers: map[string]func(net.Conn){}},
	}
	s.web.servers["192.0.2.1:443"] = handler(ca.leaf(t, ca, now.Add(-time.Hour), now.Add(time.Hour), host), []string{"http/1.1"}, h)
	s.fetcher = &fetch.Fetcher{
		Resolver: s.zone, Dial: s.web.dial, Roots: ca.pool(), AllowPrivate: true, UserAgent: "mailvet/test",
		Special: func(a netip.Addr) (string, bool) { return "test", a.Is4() && a.As4()[0] == 127 },
	}
	return s
}

func (s *setting) get(t *testing.T, url string, limit int) evidence.Fetch {
	t.Helper()
	r, err := s.fetcher.Fetch(t.Context(), url, limit)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
