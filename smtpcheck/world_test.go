package smtpcheck_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/certificate"
	"mailvet/smtpcheck/smtptest"
)

const (
	domain = "example.test"
	mx     = "mx.example.test"
	four   = "192.0.2.1"
	six    = "2001:db8::1"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

var ca = smtptest.NewCA("Example", now)

// chain issues a certificate and returns the chain that is sent.
func chain(l smtptest.Leaf) [][]byte { return ca.Issue(l).Certificate }

var (
	good     = chain(smtptest.Leaf{Key: smtptest.P256})
	other    = chain(smtptest.Leaf{Key: smtptest.P256, Seed: "another key"})
	withRoot = chain(smtptest.Leaf{Form: smtptest.WithRoot})
)

// world is a snapshot in the making. The one that newWorld makes has nothing
// wrong: one MX host with an address of each family, everything signed, and
// TLSA records for the present key and another.
type world struct{ *evidence.Snapshot }

func newWorld() *world {
	w := &world{&evidence.Snapshot{Domain: domain, Time: now, Vantage: evidence.Vantage{Helo: "scan.example", IPv4: evidence.Available, IPv6: evidence.Available}}}
	w.answer(domain, "MX", "10 "+mx+".")
	w.answer(mx, "A", four)
	w.answer(mx, "AAAA", six)
	w.answer("_25._tcp."+mx, "TLSA", tlsa(3, 1, good[0]), tlsa(3, 1, other[0]))
	w.serve(four, good, evidence.Trusted)
	w.serve(six, good, evidence.Trusted)
	return w
}

// lookup replaces a lookup.
func (w *world) lookup(name, typ string, change func(*evidence.Lookup)) {
	for i := range w.Lookups {
		if w.Lookups[i].Name == name && w.Lookups[i].Type == typ {
			change(&w.Lookups[i])
			return
		}
	}
	l := evidence.Lookup{Name: name, Type: typ, Security: evidence.SecuritySecure}
	change(&l)
	w.Lookups = append(w.Lookups, l)
}

func (w *world) answer(name, typ string, data ...string) {
	w.lookup(name, typ, func(l *evidence.Lookup) {
		l.Outcome, l.Answer = evidence.OutcomeAnswer, nil
		for _, d := range data {
			l.Answer = append(l.Answer, evidence.RR{Name: name, Type: typ, TTL: 300, Data: d})
		}
	})
}

// outcome makes a lookup one without records.
func (w *world) outcome(name, typ string, o evidence.Outcome) {
	w.lookup(name, typ, func(l *evidence.Lookup) { l.Outcome, l.Answer = o, nil })
}

func (w *world) security(name, typ string, s evidence.Security) {
	w.lookup(name, typ, func(l *evidence.Lookup) { l.Security = s })
}

// session replaces the session with an address of mx.
func (w *world) session(addr string, x evidence.Session) {
	x.Host, x.Addr, x.Port, x.Time, x.Connections = mx, addr, 25, now, 1
	for i := range w.Sessions {
		if w.Sessions[i].Addr == addr {
			w.Sessions[i] = x
			return
		}
	}
	w.Sessions = append(w.Sessions, x)
}

// serve makes a session that completes a handshake with that chain.
func (w *world) serve(addr string, ders [][]byte, trust evidence.Trust) {
	c, certs := evidence.NewChain(ders)
	c.Trust = trust
	if trust == evidence.Untrusted {
		c.TrustReason = "unknown authority"
	}
	for i := range w.Chains {
		if w.Chains[i].ID == c.ID {
			w.Chains[i].Trust = trust
		}
	}
	w.Chains, w.Certificates = append(w.Chains, c), append(w.Certificates, certs...)
	w.session(addr, evidence.Session{
		Reach: evidence.Reached, Greeting: &evidence.Reply{Code: 220}, Verb: "EHLO", Hello: &evidence.Reply{Code: 250},
		Extensions: []string{"STARTTLS"}, StartTLS: evidence.StartTLSStarted, StartReply: &evidence.Reply{Code: 220},
		Handshake: &evidence.Handshake{SNI: mx, Complete: true, Version: "TLS 1.3", Suite: "TLS_AES_256_GCM_SHA384", Group: "X25519MLKEM768", Chain: c.ID},
		TLS:       soundTLS(),
	})
}

// both serves a chain at both addresses.
func (w *world) both(ders [][]byte, trust evidence.Trust) {
	w.serve(four, ders, trust)
	w.serve(six, ders, trust)
}

// fail makes both sessions end with a failure.
func (w *world) fail(x evidence.Session) {
	w.session(four, x)
	w.session(six, x)
}

func failure(op evidence.Op, class evidence.Class) evidence.Session {
	return evidence.Session{Failure: &evidence.Failure{Op: op, Class: class}}
}

// record publishes TLSA records for mx.
func (w *world) record(data ...string) { w.answer("_25._tcp."+mx, "TLSA", data...) }

// tlsa is a record with SHA-256.
func tlsa(usage, selector uint8, der []byte) string {
	data := der
	if selector == 1 {
		var err error
		if data, err = certificate.SPKI(der); err != nil {
			panic(err)
		}
	}
	sum := sha256.Sum256(data)
	return fmt.Sprintf("%d %d 1 %s", usage, selector, strings.ToUpper(hex.EncodeToString(sum[:])))
}

// custom issues a self-made certificate, for what the CA does not make.
func custom(tb testing.TB, change func(*x509.Certificate), key crypto.Signer) [][]byte {
	tb.Helper()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: mx}, DNSNames: []string{mx},
		NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(0, 1, 0)}
	change(tmpl)
	if key == nil {
		var err error
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			tb.Fatal(err)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	return [][]byte{der}
}

// patched replaces an OID of a certificate by another of the same length.
func patched(tb testing.TB, ders [][]byte, from, to asn1.ObjectIdentifier) [][]byte {
	tb.Helper()
	old, err1 := asn1.Marshal(from)
	with, err2 := asn1.Marshal(to)
	if err1 != nil || err2 != nil || len(old) != len(with) || !bytes.Contains(ders[0], old) {
		tb.Fatalf("cannot replace %v by %v", from, to)
	}
	return append([][]byte{bytes.ReplaceAll(ders[0], old, with)}, ders[1:]...)
}
