// Package compat_test holds the catalogue to Internet.nl's mail test from end
// to end: a made-up Internet is changed as a worked example or a row of a table
// says, the evidence that the checks want is gathered from it, and what they
// and the policy make of it is compared with Internet.nl's answer, subtest by
// subtest.
package compat_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mailvet/dnscheck"
	"mailvet/dnscheck/rpki"
	"mailvet/dnscheck/rpki/origin"
	"mailvet/report/evidence"
	"mailvet/smtpcheck"
	"mailvet/smtpcheck/certificate"
	"mailvet/smtpcheck/smtptest"
)

const (
	domain   = "example.test"
	ns1, ns2 = "ns1.example.test", "ns2.example.test"
	mx1, mx2 = "mx1.example.test", "mx2.example.test"
)

var (
	now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	ca  = smtptest.NewCA("Example", now)
)

// question is a name and a type, "mx1.example.test AAAA".
type question string

func ask(name, typ string) question { return question(name + " " + typ) }

// host is a mail server as its addresses see it.
type host struct {
	chain [][]byte
	trust evidence.Trust
	// without is how every session ends that is not secured; nil for one that is.
	without *evidence.Session
	tls     *evidence.TLS // nil for one where nothing is wrong
}

// world is a whole Internet as far as one domain's scan sees it. right makes
// the base situation of the worked examples; an example changes it.
type world struct {
	domain   string
	records  map[question][]string
	outcome  map[question]evidence.Outcome // in place of an answer
	security map[string]evidence.Security  // by name, for all names below it; or by question
	dead     map[string]bool               // addresses that refuse connections
	hosts    map[string]*host
	// plain are addresses that do not offer STARTTLS, cut those for which there was no time.
	plain, cut map[string]bool
	// vrps are "PREFIX MAXLENGTH AS", routes "PREFIX AS"; without any VRP their
	// source is down. lost are addresses whose routes nobody tells.
	vrps, routes []string
	lost         map[string]bool
}

func right() *world {
	w := &world{
		domain: domain, records: map[question][]string{}, outcome: map[question]evidence.Outcome{},
		security: map[string]evidence.Security{"": evidence.SecuritySecure}, dead: map[string]bool{}, hosts: map[string]*host{},
	}
	w.vrps = []string{"192.0.2.0/24 24 64500", "2001:db8::/32 32 64500"}
	w.routes = []string{"192.0.2.0/24 64500", "2001:db8::/32 64500"}
	w.set(domain, "SOA", "ns1.example.test. hostmaster.example.test. 1 7200 3600 1209600 300")
	w.set(domain, "NS", ns1+".", ns2+".")
	w.set(domain, "MX", "10 "+mx1+".", "20 "+mx2+".")
	w.set(domain, "A", "198.51.100.80")
	w.set(domain, "AAAA", "2001:db8:80::1")
	w.txt(domain, "v=spf1 mx -all", "site-verification=1")
	w.txt("_dmarc."+domain, "v=DMARC1; p=reject; rua=mailto:d@example.test")
	w.txt("key._domainkey."+domain, "v=DKIM1; k=ed25519; p=")
	w.set(ns1, "A", "192.0.2.1")
	w.set(ns1, "AAAA", "2001:db8::1")
	w.set(ns2, "A", "192.0.2.2")
	w.set(ns2, "AAAA", "2001:db8::2")
	w.mail(mx1, "192.0.2.11", "2001:db8::11")
	w.mail(mx2, "192.0.2.12", "2001:db8::12")
	return w
}

func (w *world) set(name, typ string, data ...string) { w.records[ask(name, typ)] = data }
func (w *world) fail(o evidence.Outcome, q ...question) {
	for _, q := range q {
		w.outcome[q] = o
	}
}

func (w *world) txt(name string, texts ...string) {
	var data []string
	for _, t := range texts {
		data = append(data, `"`+t+`"`)
	}
	w.set(name, "TXT", data...)
}

// drop takes questions' records away.
func (w *world) drop(list ...question) {
	for _, q := range list {
		delete(w.records, q)
	}
}

// mail makes a mail server where nothing is wrong, with TLSA records for its
// key and another one, and a CAA record.
func (w *world) mail(name string, addrs ...string) {
	for _, a := range addrs {
		typ := "A"
		if netip.MustParseAddr(a).Is6() {
			typ = "AAAA"
		}
		w.records[ask(name, typ)] = append(w.records[ask(name, typ)], a)
	}
	w.set(name, "CAA", `0 issue "ca.example"`)
	c := leaf(smtptest.Leaf{Names: []string{name}})
	w.serve(c, evidence.Trusted, name)
	w.tlsa(name, record(3, 1, 1, c[0]), record(3, 1, 1, leaf(smtptest.Leaf{Names: []string{name}, Seed: "next key"})[0]))
}

func (w *world) serve(chain [][]byte, trust evidence.Trust, names ...string) {
	for _, name := range names {
		w.hosts[name] = &host{chain: chain, trust: trust}
	}
}

// unsecured makes all sessions with the hosts end like this one.
func (w *world) unsecured(x evidence.Session, names ...string) {
	for _, name := range names {
		w.hosts[name] = &host{without: &x}
	}
}

func (w *world) tlsa(name string, records ...string) { w.set("_25._tcp."+name, "TLSA", records...) }

func (w *world) noTLSA(names ...string) {
	for _, name := range names {
		w.drop(ask("_25._tcp."+name, "TLSA"))
	}
}

// secured is a status for a name and all below it, or for one question only.
func (w *world) secured(s evidence.Security, names ...string) {
	for _, n := range names {
		w.security[n] = s
	}
}

// grade changes what the hosts show of their TLS.
func (w *world) grade(change func(*evidence.TLS), names ...string) {
	for _, name := range names {
		h := w.hosts[name]
		if h.tls == nil {
			h.tls = soundTLS()
		}
		change(h.tls)
	}
}

func leaf(l smtptest.Leaf) [][]byte { return ca.Issue(l).Certificate }

// record is a TLSA record with a SHA-256 hash, whatever its matching type says.
func record(usage, selector, matching byte, der []byte) string {
	if selector == 1 {
		spki, err := certificate.SPKI(der)
		if err != nil {
			panic(err)
		}
		der = spki
	}
	sum := sha256.Sum256(der)
	return strings.Join([]string{string('0' + usage), string('0' + selector), string('0' + matching), hex.EncodeToString(sum[:])}, " ")
}

func (w *world) lookup(q question) evidence.Lookup {
	name, typ, _ := strings.Cut(string(q), " ")
	name = evidence.Name(name)
	q = ask(name, typ)
	if name != "." && strings.HasSuffix(name, ".") {
		return evidence.Lookup{Name: name, Type: typ, Outcome: evidence.OutcomeBadName}
	}
	l := evidence.Lookup{Name: name, Type: typ, Outcome: evidence.OutcomeNXDomain, Security: w.security[""]}
	best := 0
	for n, s := range w.security {
		if (n == string(q) || n == name || strings.HasSuffix(name, "."+n)) && len(n) > best {
			best, l.Security = len(n), s
		}
	}
	if o, ok := w.outcome[q]; ok {
		l.Outcome = o
		if !o.Known() {
			l.Security = evidence.SecurityUnknown
		}
		return l
	}
	for _, data := range w.records[q] {
		l.Outcome = evidence.OutcomeAnswer
		l.Answer = append(l.Answer, evidence.RR{Name: name, Type: typ, TTL: 300, Data: data})
	}
	if l.Outcome == evidence.OutcomeAnswer {
		return l
	}
	for other := range w.records {
		if owner, _, _ := strings.Cut(string(other), " "); owner == name || strings.HasSuffix(owner, "."+name) {
			l.Outcome = evidence.OutcomeNoData
		}
	}
	if name == "." {
		l.Outcome = evidence.OutcomeNoData
	}
	return l
}

func (w *world) session(s *evidence.Snapshot, name string, addr netip.Addr) evidence.Session {
	x := evidence.Session{Reach: evidence.Reached}
	h := w.hosts[name]
	switch {
	case w.dead[addr.String()]:
		x = evidence.Session{Reach: evidence.NotReached, Failure: &evidence.Failure{Op: evidence.OpDial, Class: evidence.ClassRefused}}
	case w.plain[addr.String()]:
		x = noSTARTTLS
	case w.cut[addr.String()]:
		x = cut
	case h == nil:
		panic("nobody serves " + name)
	case h.without != nil:
		x = *h.without
	default:
		c, certs := evidence.NewChain(h.chain)
		c.Trust = h.trust
		s.Chains, s.Certificates = append(s.Chains, c), append(s.Certificates, certs...)
		x.StartTLS = evidence.StartTLSStarted
		x.Greeting, x.Verb, x.Hello, x.StartReply = &evidence.Reply{Code: 220}, "EHLO", &evidence.Reply{Code: 250}, &evidence.Reply{Code: 220}
		x.Extensions = []string{"STARTTLS"}
		x.Handshake = &evidence.Handshake{SNI: name, Complete: true, Version: "TLS 1.3", Suite: "TLS_AES_256_GCM_SHA384", Group: "x25519", Chain: c.ID}
		if x.TLS = h.tls; x.TLS == nil {
			x.TLS = soundTLS()
		}
	}
	x.Host, x.Addr, x.Port, x.Time, x.Connections = name, addr.String(), 25, now, 1
	return x
}

// noSTARTTLS is a server that answers and does not offer it.
var noSTARTTLS = evidence.Session{Reach: evidence.Reached, Greeting: &evidence.Reply{Code: 220}, Verb: "EHLO",
	Hello: &evidence.Reply{Code: 250}, Extensions: []string{"SIZE"}, StartTLS: evidence.StartTLSNotOffered}

// cut is a test for which the time was up.
var cut = evidence.Session{Reach: evidence.Reached, Failure: &evidence.Failure{Op: evidence.OpHandshake, Class: evidence.ClassBudget}}

// router knows the world's routes and VRPs.
func (w *world) router(t *testing.T) *origin.Router {
	t.Helper()
	var vrps rpki.VRPBuilder
	var routes rpki.RouteBuilder
	for _, line := range w.vrps {
		var prefix string
		var v rpki.VRP
		if _, err := fmt.Sscan(line, &prefix, &v.MaxLength, &v.ASN); err != nil {
			t.Fatal(err)
		}
		v.Prefix = netip.MustParsePrefix(prefix)
		if err := vrps.Add(v); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range w.routes {
		var prefix string
		var r rpki.Route
		if _, err := fmt.Sscan(line, &prefix, &r.Origin); err != nil {
			t.Fatal(err)
		}
		r.Prefix = netip.MustParsePrefix(prefix)
		if err := routes.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	var o origin.Router
	var err1, err2 error
	o.VRPs, err1 = vrps.Build()
	o.Routes, err2 = routes.Build()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if len(w.vrps) == 0 {
		o.VRPs = rpki.WithoutVRPs(rpki.Unavailable)
	}
	return &o
}

// scan gathers what the checks want, and nothing else.
func (w *world) scan(t *testing.T) *evidence.Snapshot {
	t.Helper()
	s := &evidence.Snapshot{Domain: w.domain, Time: now, Vantage: evidence.Vantage{IPv4: evidence.Available, IPv6: evidence.Available, RPKI: evidence.Available,
		DNSSEC: evidence.ValidationOwn, Helo: "scan.example", SMTPPort: 25}}
	router := w.router(t)
	for round := 0; ; round++ {
		asked := map[question]bool{}
		for _, q := range slices.Concat(dnscheck.Wants(s), smtpcheck.Wants(s)) {
			if q := ask(q.Name, q.Type); !asked[q] {
				asked[q] = true
				s.Lookups = append(s.Lookups, w.lookup(q))
			}
		}
		s.Canonical()
		reaches, probes := dnscheck.ReachWants(s), smtpcheck.ProbeWants(s)
		for _, want := range reaches {
			r := evidence.Reach{Host: want.Host, Addr: want.Addr.String(), Outcome: evidence.Reached, Tries: 1}
			if w.dead[r.Addr] {
				r.Outcome, r.Failure = evidence.NotReached, &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassRefused}
			}
			s.Reaches = append(s.Reaches, r)
		}
		for _, want := range probes {
			s.Sessions = append(s.Sessions, w.session(s, want.Host, want.Addr))
		}
		addrs := dnscheck.RouteWants(s)
		for _, a := range addrs {
			routing, err := router.Route(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			if w.lost[a.String()] {
				routing.RouteSource, routing.Routes = evidence.SourceUnavailable, nil
			}
			s.Routings = append(s.Routings, routing)
		}
		s.Canonical()
		if len(asked)+len(reaches)+len(probes)+len(addrs) == 0 {
			return s
		}
		if round > 50 {
			t.Fatal("no end of wants")
		}
	}
}
