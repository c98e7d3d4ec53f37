package realdns_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/smtptest"
)

// sample is one question of each state and outcome.
var sample = []question{
	{name: "nsec.test", typ: "MX", want: secure, outcome: answer},
	{name: "mx.nsec3.test", typ: "TXT", want: secure, outcome: noData},
	{name: "no.nsec3.test", typ: "A", want: secure, outcome: nxDomain},
	{name: "x.w.nsec.test", typ: "TXT", want: secure, outcome: answer},
	{name: "longer.p384.test", typ: "TXT", want: secure, outcome: answer},
	{name: "unsigned.test", typ: "MX", want: insecure, outcome: answer},
	{name: "no.unsigned.test", typ: "A", want: insecure, outcome: nxDomain},
	{name: "mx.du.nsec.test", typ: "A", want: insecure, outcome: answer},
	{name: "mx.edited.test", typ: "A", want: bogus},
	{name: "mx.expired.test", typ: "A", want: bogus},
	{name: "no.nodenial.test", typ: "A", want: bogus},
}

// testTCP gets what Unbound does not put into a datagram of 1232 octets.
func testTCP(t *testing.T, w *tree, server string) {
	r := w.ours(t, server)
	lookup(t, r, "nsec.test", "MX")
	before := r.Stats()
	if before.TCP != 0 {
		t.Errorf("%d questions over TCP for short answers", before.TCP)
	}
	for name, n := range map[string]int{"long.nsec.test": 6, "longer.nsec.test": 50} {
		l := lookup(t, r, name, "TXT")
		if l.Outcome != answer || l.Security != secure || len(l.Answer) != 1 {
			t.Errorf("%s TXT: %s, %s, %d records: %v", name, l.Outcome, l.Security, len(l.Answer), l.Failure)
			continue
		}
		if got, want := l.Answer[0].Data, strings.TrimSpace(long(n)); got != want {
			t.Errorf("%s TXT: %d octets, want %d, or they differ", name, len(got), len(want))
		}
	}
	if after := r.Stats(); after.TCP != 2 {
		t.Errorf("%d questions over TCP, want 2", after.TCP)
	}
}

// testTLS asks the sample over DNS over TLS, and then under a name that the
// certificate is not for.
func testTLS(t *testing.T, w *tree) {
	dir := folder(t)
	ca := smtptest.NewCA("Mailvet Resolver Tests", time.Now())
	cert := ca.Issue(smtptest.Leaf{Names: []string{"resolver.test"}})
	var chain strings.Builder
	for _, der := range cert.Certificate {
		chain.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, certFile, chain.String())
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))

	u := w.validating()
	u.tls = func(port int) string {
		return fmt.Sprintf(" interface: %[1]s@%[2]d\n tls-port: %[2]d\n tls-service-key: %[3]q\n tls-service-pem: %[4]q\n", loopback, port, keyFile, certFile)
	}
	_, port := u.start(t)
	r := w.ours(t, "tls://"+addr(port)+"#resolver.test")
	r.TLSConfig = &tls.Config{RootCAs: ca.Pool()}
	for _, q := range sample {
		q.expect(t, "our validator, over TLS,", lookup(t, r, q.name, q.typ))
	}
	if s := r.Stats(); s.TCP != s.Questions || s.Questions == 0 {
		t.Errorf("%d of %d questions over TLS", s.TCP, s.Questions)
	}

	r = w.ours(t, "tls://"+addr(port)+"#other.test")
	r.TLSConfig = &tls.Config{RootCAs: ca.Pool()}
	r.Tries = 1
	l := lookup(t, r, "nsec.test", "MX")
	if l.Outcome != evidence.OutcomeNetwork || l.Security == secure || l.Failure == nil || l.Failure.Op != evidence.OpHandshake {
		t.Errorf("under another name: %s, %s, %v; want a failed handshake", l.Outcome, l.Security, l.Failure)
	}
}

// testForwarder asks through an Unbound that knows nothing of DNSSEC itself:
// it hands on what its own resolver has. A bogus answer must stay one.
func testForwarder(t *testing.T, w *tree, port int) {
	forward := unbound{modules: "iterator", zones: fmt.Sprintf("forward-zone:\n name: \".\"\n forward-addr: %s@%d\n", loopback, port)}
	own, _ := forward.start(t)
	r := w.ours(t, addr(own))
	for _, q := range sample {
		q.expect(t, "our validator, through a forwarder,", lookup(t, r, q.name, q.typ))
	}
	if r.Stripped() {
		t.Error("the forwarder is said to strip DNSSEC records")
	}
}

// testPortal asks a resolver that gives one address for everything, as that of
// an access point that wants to be logged in to. It is the resolver's fault
// that nothing can be validated, so no name is bogus.
func testPortal(t *testing.T, w *tree) {
	portal := unbound{modules: "iterator", server: " local-zone: \".\" redirect\n local-data: \". 60 IN A 192.0.2.80\"\n"}
	port, _ := portal.start(t)
	r := w.ours(t, addr(port))
	for _, name := range []string{"mx.nsec.test", "mx.unsigned.test", "no.nsec3.test"} {
		l := lookup(t, r, name, "A")
		if l.Outcome != answer || l.Security != evidence.SecurityIndeterminate {
			t.Errorf("%s A: %s, %s (%s), want indeterminate", name, l.Outcome, l.Security, l.Reason)
		}
	}
	if !r.Stripped() {
		t.Error("the resolver is not recognised as one that gives no DNSSEC records")
	}
}
