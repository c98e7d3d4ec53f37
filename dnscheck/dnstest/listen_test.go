package dnstest_test

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnstest"
)

func TestListen(t *testing.T) {
	s := testWorld(t, now).Resolver()
	s.TLS = certificate(t)
	l := listen(t, s)
	m := new(dns.Msg)
	m.SetQuestion("nsec.test.", dns.TypeMX)
	const want = "NOERROR ra | nsec.test./MX"
	for net, addr := range map[string]string{"udp": l.Addr.String(), "tcp": l.Addr.String(), "tcp-tls": l.TLSAddr.String()} {
		c := &dns.Client{Net: net, Timeout: 10 * time.Second, TLSConfig: &tls.Config{InsecureSkipVerify: true}}
		r, _, err := c.Exchange(m, addr)
		if err != nil {
			t.Error(net, err)
			continue
		}
		if got := outline(r); got != want {
			t.Errorf("%s: got %s, want %s", net, got, want)
		}
	}
	if n := s.Total(); n != 3 {
		t.Error("counted", n)
	}
}

// Answers of one connection come as they are ready, each under its own id.
func TestPipeline(t *testing.T) {
	s := testWorld(t, now).Resolver()
	if err := s.AddFaults(dnstest.Fault{Name: "nsec.test", Kind: dnstest.Drop}); err != nil {
		t.Fatal(err)
	}
	l := listen(t, s)
	conn, err := dns.Dial("tcp", l.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for id, name := range []string{"nsec.test.", "nsec3.test.", "optout.test."} {
		m := new(dns.Msg)
		m.SetQuestion(name, dns.TypeMX)
		m.Id = uint16(id)
		if err := conn.WriteMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	got := map[uint16]string{}
	for range 2 {
		m, err := conn.ReadMsg()
		if err != nil {
			t.Fatal(err)
		}
		got[m.Id] = m.Question[0].Name
	}
	if len(got) != 2 || got[1] != "nsec3.test." || got[2] != "optout.test." {
		t.Error("got", got)
	}
}

// Close ends what is under way: open connections and answers that wait.
func TestClose(t *testing.T) {
	s := testWorld(t, now).Resolver()
	if err := s.AddFaults(dnstest.Fault{Kind: dnstest.Delay, Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	l, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dns.Dial("tcp", l.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	m := new(dns.Msg)
	m.SetQuestion("nsec.test.", dns.TypeMX)
	if err := conn.WriteMsg(m); err != nil {
		t.Fatal(err)
	}
	for s.Total() == 0 { // until the query is being answered
		select {
		case <-t.Context().Done():
			t.Fatal("the query does not arrive")
		case <-time.After(time.Millisecond):
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := conn.ReadMsg(); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Error("the connection is still open:", err)
	}
}

// certificate makes one for the loopback address.
func certificate(t *testing.T) *tls.Config {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     now.AddDate(100, 0, 0),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}
