package smtpcheck_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"strings"
	"testing"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/smtptest"
)

// each changes all sessions.
func each(change func(*evidence.Session)) func(*world) {
	return func(w *world) {
		for i := range w.Sessions {
			change(&w.Sessions[i])
		}
	}
}

func greets(banner, hello string) func(*world) {
	return each(func(x *evidence.Session) {
		x.Greeting, x.Hello = &evidence.Reply{Code: 220, Lines: []string{banner}}, &evidence.Reply{Code: 250, Lines: []string{hello}}
	})
}

// another adds a second mail server with that chain and these addresses.
func another(ders [][]byte, addrs ...string) func(*world) {
	return func(w *world) {
		const name = "mx2.example.test"
		w.answer(domain, "MX", "10 "+mx+".", "20 "+name+".")
		w.answer(name, "A", addrs...)
		w.outcome(name, "AAAA", evidence.OutcomeNoData)
		w.outcome("_25._tcp."+name, "TLSA", evidence.OutcomeNoData)
		c, certs := evidence.NewChain(ders)
		c.Trust = evidence.Trusted
		w.Chains, w.Certificates = append(w.Chains, c), append(w.Certificates, certs...)
		for _, a := range addrs {
			w.Sessions = append(w.Sessions, evidence.Session{Host: name, Addr: a, Port: 25, Time: now, Reach: evidence.Reached,
				StartTLS: evidence.StartTLSStarted, Handshake: &evidence.Handshake{SNI: name, Complete: true, Version: "TLS 1.3", Chain: c.ID}, TLS: soundTLS()})
		}
	}
}

// kinds makes the counted address have certificates of both kinds.
func kinds(rsa, ecdsa [][]byte) func(*world) {
	return func(w *world) {
		var ids []string
		for _, ders := range [][][]byte{rsa, ecdsa} {
			c, certs := evidence.NewChain(ders)
			c.Trust = evidence.Trusted
			w.Chains, w.Certificates = append(w.Chains, c), append(w.Certificates, certs...)
			ids = append(ids, c.ID)
		}
		w.tls(four, func(t *evidence.TLS) {
			t.Certificates = []evidence.TLSCertificate{{Kind: "RSA", Answer: evidence.Accepted, Chain: ids[0]}, {Kind: "ECDSA", Answer: evidence.Accepted, Chain: ids[1]}}
		})
	}
}

func extension(t *testing.T, oid asn1.ObjectIdentifier, value any) func(*x509.Certificate) {
	der, err := asn1.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{{Id: oid, Value: der}} }
}

func extraCases(t *testing.T) []testCase {
	const agree, both, expiry, ch, reuse, ct = "tls-addresses-agree", "dane-both-keys", "cert-expiry", "cert-chain", "cert-key-reuse", "cert-transparency"
	const pq, session, names, ext, inject, forecast = "tls-post-quantum", "tls-session", "smtp-names", "smtp-extensions", "starttls-injection", "dane-forecast"
	serve := func(ders [][]byte, trust evidence.Trust) func(*world) { return func(w *world) { w.both(ders, trust) } }
	valid := func(from, to int) [][]byte {
		return chain(smtptest.Leaf{NotBefore: now.AddDate(0, 0, from), NotAfter: now.AddDate(0, 0, to)})
	}
	lone := func(w *world) { w.answer(mx, "AAAA"); w.outcome(mx, "AAAA", evidence.OutcomeNoData) }
	garbage := chain(smtptest.Leaf{Form: smtptest.Unparseable})
	issuer := good[1]
	sameKey := chain(smtptest.Leaf{Key: smtptest.P256, NotAfter: now.AddDate(0, 0, 80)})
	logged := custom(t, extension(t, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, []byte{0, 6, 0, 1, 7, 0, 1, 9}), nil)
	stapled := custom(t, extension(t, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, []int{5}), nil)
	rsa := chain(smtptest.Leaf{Key: smtptest.RSA3072})
	noTLSA := func(w *world) { w.outcome("_25._tcp."+mx, "TLSA", evidence.OutcomeNXDomain) }
	tlsaIs := func(list ...string) func(*world) { return func(w *world) { w.record(list...) } }
	all := func(changes ...func(*world)) func(*world) {
		return func(w *world) {
			for _, c := range changes {
				c(w)
			}
		}
	}
	tried := func(x evidence.Injection) func(*world) {
		return each(func(s *evidence.Session) { s.Injection = &x })
	}
	hybrid := func(a evidence.Answer) func(*world) {
		return all(each(func(x *evidence.Session) { x.Handshake.Group = "x25519" }), tlsBoth(func(t *evidence.TLS) {
			i := slices.IndexFunc(t.Groups, func(g evidence.TLSGroup) bool { return g.Name == "X25519MLKEM768" })
			t.Groups[i].Answer = a
		}))
	}
	list := []testCase{
		{agree, "agree", "", "", func(*world) {}},
		{agree, "one-address", "", "", lone},
		{agree, "unknown", "", "", func(w *world) { w.session(six, failure(evidence.OpBanner, evidence.ClassTemporary)) }},
		{agree, "starttls-differs", "", "", func(w *world) {
			w.session(six, evidence.Session{Reach: evidence.Reached, Greeting: &evidence.Reply{Code: 220}, Verb: "EHLO", Hello: &evidence.Reply{Code: 250}, StartTLS: evidence.StartTLSNotOffered})
		}},
		{agree, "tls-differs", "", "a version more", tlsSix(speaks("TLS 1.1", staticRSA))},
		{agree, "tls-differs", "", "a version less", tlsSix(lacks("TLS 1.2"))},
		{agree, "tls-differs", "", "a suite more", tlsSix(speaks("TLS 1.2", staticRSA))},
		{agree, "tls-differs", "", "a suite less", tlsSix(func(t *evidence.TLS) { version(t, "TLS 1.2").Suites = suites(sound128) })},
		{agree, "agree", "", "not all is known of the other", tlsSix(nothingMore(stopped))},
		{agree, "certificate-differs", "", "", func(w *world) { w.serve(six, other, evidence.Trusted) }},
		{agree, "certificate-differs-same-key", "", "", func(w *world) { w.serve(six, sameKey, evidence.Trusted) }},

		{both, "one-kind", "", "", func(*world) {}},
		{both, "match", "", "", all(kinds(rsa, good), tlsaIs(tlsa(3, 1, good[0]), tlsa(3, 1, rsa[0])))},
		{both, "match", "", "by the authority", all(kinds(rsa, good), tlsaIs(tlsa(2, 1, issuer)))},
		{both, "mismatch", "", "", all(kinds(rsa, good), tlsaIs(tlsa(3, 1, good[0])))},
		{both, "no-records", "", "", all(kinds(rsa, good), noTLSA)},
		{both, "unknown", "", "", tlsBoth(nothingMore(stopped))},

		{expiry, "fine", "", "", serve(valid(-10, 80), evidence.Trusted)},
		{expiry, "fine", "", "six days in all, two thirds left", serve(valid(-2, 4), evidence.Trusted)},
		{expiry, "soon", "", "13 days", serve(valid(-77, 13), evidence.Trusted)},
		{expiry, "soon", "", "one of six days", serve(valid(-5, 1), evidence.Trusted)},
		{expiry, "fine", "", "14 of 40 days", serve(valid(-26, 14), evidence.Trusted)},
		{expiry, "over", "", "", serve(valid(-90, -1), evidence.Untrusted)},
		{expiry, "long-lived", "", "", serve(valid(-10, 3000), evidence.Untrusted)},
		{expiry, "soon", "", "at the other address", func(w *world) { w.serve(six, valid(-77, 3), evidence.Trusted) }},
		{expiry, "unknown", "", "", serve(garbage, evidence.TrustUnknown)},

		{ch, "whole", "", "", func(*world) {}},
		{ch, "self-signed", "", "", serve(chain(smtptest.Leaf{SelfSigned: true}), evidence.Untrusted)},
		{ch, "root-sent", "", "", serve(withRoot, evidence.Trusted)},
		{ch, "intermediate-missing", "", "", serve(good[:1], evidence.Untrusted)},
		{ch, "wrong-order", "", "", serve([][]byte{withRoot[0], withRoot[2], withRoot[1]}, evidence.Trusted)},
		{ch, "extra", "", "", serve([][]byte{good[0], good[1], other[0]}, evidence.Trusted)},
		{ch, "unknown", "", "", serve(garbage, evidence.TrustUnknown)},

		{reuse, "one-host", "", "", func(*world) {}},
		{reuse, "unknown", "", "", func(w *world) {
			another(other, "192.0.2.9")(w)
			w.Sessions = w.Sessions[:2]
		}},
		{reuse, "one-key-each", "", "", another(other, "192.0.2.9")},
		{reuse, "shared", "", "", another(good, "192.0.2.9")},
		{reuse, "same-machine", "", "", another(good, four)},

		{ct, "none", "", "", func(*world) {}},
		{ct, "found", "", "", serve(logged, evidence.Trusted)},
		{ct, "not-public", "", "", serve(good, evidence.Untrusted)},
		{ct, "unknown", "", "", serve(garbage, evidence.TrustUnknown)},

		{pq, "accepted", "", "", func(*world) {}},
		{pq, "not-accepted", "", "", hybrid(evidence.Refused)},
		{pq, "unknown", "", "", hybrid(evidence.NoAnswer)},
		{pq, "budget", "", "", all(hybrid(evidence.NotAsked), tlsBoth(func(t *evidence.TLS) { t.Stopped = &evidence.Failure{Class: evidence.ClassBudget} }))},
		{pq, "not-asked", "", "", each(func(x *evidence.Session) { x.TLS, x.Handshake.Group = nil, "x25519" })},
		{pq, "weaker-elsewhere", "", "", func(w *world) {
			hybrid(evidence.Refused)(w)
			w.tls(four, func(t *evidence.TLS) {
				t.Groups = []evidence.TLSGroup{{Name: "X25519MLKEM768", Answer: evidence.Accepted}}
			})
		}},

		{session, "features", "", "", func(*world) {}},
		{session, "staple-missing", "", "", serve(stapled, evidence.Trusted)},
		{session, "features", "", "must staple, and does", all(serve(stapled, evidence.Trusted), each(func(x *evidence.Session) { x.Handshake.OCSP = true }))},
		{session, "weaker-elsewhere", "", "", func(w *world) { w.serve(six, stapled, evidence.Trusted) }},

		{session, "unknown", "", "", tlsBoth(nothingMore(stopped))},
		{session, "budget", "", "", tlsBoth(nothingMore(&evidence.Failure{Class: evidence.ClassBudget}))},
		{session, "not-asked", "", "", each(func(x *evidence.Session) { x.TLS = nil })},

		{names, "fine", "", "", greets(mx+" ESMTP", mx)},
		{names, "other-name", "", "", greets("in.example ESMTP", "in.example")},
		{names, "two-names", "", "", greets("a.example ESMTP", "b.example")},
		{names, "no-full-name", "", "one label", greets("localhost ESMTP", "localhost")},
		{names, "no-full-name", "", "no name", greets("ESMTP", "-bad-.example hello")},
		{names, "fine", "", "stars in the greeting", greets("*******", mx)},
		{names, "unknown", "", "", each(func(x *evidence.Session) { x.Hello = nil })},

		{ext, "announced", "", "", func(*world) {}},
		{ext, "announced", "", "all", each(func(x *evidence.Session) {
			x.HelloTLS, x.ExtensionsTLS = &evidence.Reply{Code: 250}, []string{"REQUIRETLS", "SMTPUTF8", "PIPELINING", "SIZE 1000"}
		})},
		{ext, "requiretls-in-clear", "", "", each(func(x *evidence.Session) { x.Extensions = append(x.Extensions, "REQUIRETLS") })},
		{ext, "unknown", "", "", each(func(x *evidence.Session) { x.Hello = nil })},

		{inject, "none", "", "", func(*world) {}},
		{inject, "discarded", "", "", tried(evidence.Injection{Answer: evidence.Refused})},
		{inject, "discarded", "", "refused", tried(evidence.Injection{Answer: evidence.Refused, StartReply: &evidence.Reply{Code: 554, Lines: []string{"no"}},
			Failure: &evidence.Failure{Op: evidence.OpSTARTTLS, Class: evidence.ClassPermanent}})},
		{inject, "discarded", "", "broken off", tried(evidence.Injection{Answer: evidence.Refused, Failure: &evidence.Failure{Op: evidence.OpHandshake, Class: evidence.ClassClosed}})},
		{inject, "not-found-out", "", "", tried(evidence.Injection{Answer: evidence.NoAnswer, Failure: &evidence.Failure{Op: evidence.OpBanner, Class: evidence.ClassTemporary}})},
		{inject, "not-found-out", "", "no connection left", tried(evidence.Injection{Answer: evidence.NotAsked, Failure: &evidence.Failure{Op: evidence.OpSTARTTLS, Class: evidence.ClassBudget}})},
		{inject, "not-found-out", "", "replies that do not add up", tried(evidence.Injection{Answer: evidence.NoAnswer})},
		{inject, "obeys-injected-commands", "", "", tried(evidence.Injection{Answer: evidence.Accepted})},
		{inject, "obeys-injected-commands", "", "at one address", func(w *world) {
			tried(evidence.Injection{Answer: evidence.Refused})(w)
			w.Sessions[1].Injection = &evidence.Injection{Answer: evidence.Accepted}
		}},
		{inject, "none", "", "not tried at one address", func(w *world) {
			tried(evidence.Injection{Answer: evidence.Refused})(w)
			w.Sessions[1].Injection = nil
		}},
		{inject, "no-starttls", "", "no mail server", func(w *world) { w.answer(domain, "MX", "0 .") }},
		{inject, "unknown", "", "", func(w *world) { w.fail(failure(evidence.OpBanner, evidence.ClassTemporary)) }},
		{inject, "clear-text-after-starttls", "", "and no handshake after that", each(func(x *evidence.Session) { x.Injected, x.Handshake.Complete = []byte("x"), false })},
		{inject, "clear-text-after-starttls", "", "", each(func(x *evidence.Session) { x.Injected = []byte("250 \xff ok\r\n") })},

		{forecast, "ready", "", "present and next key", func(*world) {}},
		{forecast, "ready", "", "present key and authority", tlsaIs(tlsa(3, 1, good[0]), tlsa(2, 1, issuer))},
		{forecast, "ready", "", "authority alone", tlsaIs(tlsa(2, 1, issuer))},
		{forecast, "new-key-breaks", "", "", tlsaIs(tlsa(3, 1, good[0]))},
		{forecast, "new-key-breaks", "", "late already", all(serve(valid(-80, 10), evidence.Trusted), func(w *world) { w.record(tlsa(3, 1, valid(-80, 10)[0])) })},
		{forecast, "new-key-breaks", "", "the other record is about the key at the other address", func(w *world) { w.serve(six, other, evidence.Trusted) }},
		{forecast, "new-key-breaks", "", "the other record is about the other kind of key", func(w *world) {
			w.serve(six, other, evidence.Trusted)
			id := w.Sessions[1].Handshake.Chain
			w.serve(six, good, evidence.Trusted)
			tlsBoth(func(t *evidence.TLS) { t.Certificates[0].Answer, t.Certificates[0].Chain = evidence.Accepted, id })(w)
		}},
		{forecast, "any-renewal-breaks", "", "", tlsaIs(tlsa(3, 0, good[0]))},
		{forecast, "publish", "", "", noTLSA},
		{forecast, "publish", "", "no authority in the chain", all(noTLSA, serve(good[:1], evidence.Untrusted))},
		{forecast, "no-dane", "", "", all(noTLSA, func(w *world) { w.security("_25._tcp."+mx, "TLSA", evidence.SecurityInsecure) })},
		{forecast, "matches-nothing", "", "", tlsaIs(tlsa(3, 1, other[0]))},
		{forecast, "unknown", "", "", func(w *world) { w.outcome("_25._tcp."+mx, "TLSA", evidence.OutcomeServFail) }},
		{forecast, "unknown", "", "no certificate", serve(garbage, evidence.TrustUnknown)},
	}
	return list
}

// TestForecast reads the advice: what to publish, and before when.
func TestForecast(t *testing.T) {
	w := newWorld()
	ders := chain(smtptest.Leaf{NotBefore: now.AddDate(0, 0, -10), NotAfter: now.AddDate(0, 0, 80)})
	w.both(ders, evidence.Trusted)
	w.record(tlsa(3, 1, ders[0]))
	w.lookup("_25._tcp."+mx, "TLSA", func(l *evidence.Lookup) { l.Answer[0].TTL = 60 })
	read := func(wants ...string) {
		t.Helper()
		f := finding(t, w, "dane-forecast")
		got := check.Render(f.Code.Text+f.Code.Advice, f.Args)
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not in %q", want, got)
			}
		}
	}
	record := "_25._tcp." + mx + ". IN TLSA "
	issuer, form := record+strings.ToLower(tlsa(2, 1, ders[1])), record+"3 1 1 <SHA-256 of the next key>"
	read("same key will match", "new key will break DANE", "ends on 2027-02-10", "renewed about 2027-01-11", "before 2027-01-11", issuer,
		"(2 hours or more: the TTL in the zone is not known")
	// The signature says what the TTL is in the zone, whatever is left of it.
	w.lookup("_25._tcp."+mx, "TLSA", func(l *evidence.Lookup) {
		l.Signatures = []evidence.Signature{{Zone: domain, Covers: "NSEC", TTL: 7 * 86400}, {Zone: domain, Covers: "TLSA", TTL: 2*86400 + 2700}}
	})
	read("(4 days 1 hour 30 minutes)", "before 2027-01-07")
	// The record of an issuer is of use only if it validates what is served.
	for _, leaf := range []smtptest.Leaf{{Form: smtptest.Unrelated}, {Names: []string{"other.example.test"}}} {
		ders := chain(leaf)
		w.both(ders, evidence.Untrusted)
		w.record(tlsa(3, 1, ders[0]))
		read(form)
	}
	// That of an authority serves as long as it signs with the same certificate.
	w.both(ders, evidence.Trusted)
	w.record(tlsa(2, 1, ders[1]))
	read("new key will match, if Example Intermediate signs it again", "another authority will break DANE")
}
