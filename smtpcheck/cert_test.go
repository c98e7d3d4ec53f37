package smtpcheck_test

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/smtptest"
)

func certificateCases(t *testing.T) []testCase {
	serve := func(checkID, code, verdict, name string, ders [][]byte, trust evidence.Trust) testCase {
		return testCase{checkID, code, verdict, name, func(w *world) { w.both(ders, trust) }}
	}
	elsewhere := func(checkID, code, verdict, name string, ders [][]byte) testCase {
		return testCase{checkID, code, verdict, name, func(w *world) { w.serve(six, ders, evidence.Untrusted) }}
	}
	noChain := func(w *world) { w.Chains = nil }
	const trusted, untrusted = evidence.Trusted, evidence.Untrusted
	garbage := chain(smtptest.Leaf{Form: smtptest.Unparseable})
	garbageBehind := [][]byte{good[0], []byte("no certificate")}
	otherName := chain(smtptest.Leaf{Names: []string{"other.example.test"}})
	expired := chain(smtptest.Leaf{Expired: true})
	selfSigned := chain(smtptest.Leaf{SelfSigned: true})
	rsa1024, rsa2048, rsa3072 := chain(smtptest.Leaf{Key: smtptest.RSA1024}), chain(smtptest.Leaf{Key: smtptest.RSA2048}), chain(smtptest.Leaf{Key: smtptest.RSA3072})
	sha1 := chain(smtptest.Leaf{SHA1: true})
	key := func(k smtptest.Key) crypto.Signer { return ca.Issue(smtptest.Leaf{Key: k}).PrivateKey.(crypto.Signer) }
	pss := custom(t, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA256WithRSAPSS }, key(smtptest.RSA3072))
	p256, prime239 := asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 6}
	sha256ECDSA, sha224ECDSA, sha1DSA := asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 1}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 9}
	sha224 := patched(t, good, sha256ECDSA, sha224ECDSA)
	nameless := custom(t, func(c *x509.Certificate) { c.Subject, c.DNSNames = pkix.Name{Organization: []string{"Example"}}, nil }, nil)
	onlyCN := custom(t, func(c *x509.Certificate) { c.DNSNames = nil }, nil)
	return []testCase{
		serve("cert-trust", "trusted", "good", "", good, trusted),
		serve("cert-trust", "trusted-for-another-name", "bad", "", otherName, trusted),
		serve("cert-trust", "expired", "bad", "", expired, untrusted),
		serve("cert-trust", "not-yet-valid", "bad", "", chain(smtptest.Leaf{NotBefore: now.AddDate(0, 0, 1), NotAfter: now.AddDate(0, 0, 30)}), untrusted),
		serve("cert-trust", "self-signed", "bad", "", selfSigned, untrusted),
		serve("cert-trust", "untrusted", "bad", "", chain(smtptest.Leaf{Form: smtptest.LeafOnly}), untrusted),
		serve("cert-trust", "unreadable", "could-not-test", "", garbage, evidence.TrustUnknown),
		serve("cert-trust", "unknown", "could-not-test", "no roots", good, evidence.TrustUnknown),
		{"cert-trust", "no-certificate", "could-not-test", "", noChain},
		elsewhere("cert-trust", "worse-elsewhere", "good", "", selfSigned),

		serve("cert-key", "good", "good", "", good, trusted),
		serve("cert-key", "good", "good", "Ed25519", chain(smtptest.Leaf{Key: smtptest.Ed25519}), trusted),
		serve("cert-key", "good", "good", "RSA 3072", rsa3072, trusted),
		serve("cert-key", "phase-out", "phase-out", "RSA 2048", rsa2048, trusted),
		serve("cert-key", "insufficient", "bad", "RSA 1024", rsa1024, untrusted),
		serve("cert-key", "insufficient", "bad", "a curve that Go does not have", patched(t, good, p256, prime239), evidence.TrustUnknown),
		serve("cert-key", "insufficient", "bad", "an algorithm nobody knows", patched(t, good, asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}, asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 9}), evidence.TrustUnknown),
		serve("cert-key", "unreadable", "", "", garbage, evidence.TrustUnknown),
		serve("cert-key", "unreadable", "", "the second", garbageBehind, untrusted),
		{"cert-key", "no-certificate", "", "", noChain},
		elsewhere("cert-key", "worse-elsewhere", "good", "", rsa1024),
		elsewhere("cert-key", "weaker-elsewhere", "good", "", rsa2048),
		elsewhere("cert-key", "good", "good", "a good one elsewhere", other),
		{"cert-key", "insufficient", "bad", "a better one elsewhere", func(w *world) { w.serve(four, rsa1024, untrusted) }},

		serve("cert-signature", "good", "good", "", good, trusted),
		serve("cert-signature", "rsassa-pss", "bad", "", pss, untrusted),
		serve("cert-signature", "insufficient", "bad", "RSASSA-PSS with another hash", patched(t, pss, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 4}), untrusted),
		serve("cert-signature", "phase-out", "phase-out", "", sha224, untrusted),
		serve("cert-signature", "insufficient", "bad", "SHA-1", sha1, untrusted),
		serve("cert-signature", "insufficient", "bad", "an algorithm nobody knows", patched(t, good, sha256ECDSA, sha1DSA), untrusted),
		serve("cert-signature", "unreadable", "", "", garbage, evidence.TrustUnknown),
		{"cert-signature", "no-certificate", "", "", noChain},
		elsewhere("cert-signature", "worse-elsewhere", "good", "", sha1),
		elsewhere("cert-signature", "weaker-elsewhere", "good", "", sha224),
		// The signature of a trusted root does not matter, that of an untrusted one does.
		serve("cert-signature", "good", "good", "a root with SHA-1 behind", append(good[:len(good):len(good)], oldRoot(t)...), trusted),
		serve("cert-signature", "insufficient", "bad", "an untrusted root with SHA-1 behind", append(good[:len(good):len(good)], oldRoot(t)...), untrusted),
		serve("cert-signature", "good", "good", "a root behind", withRoot, trusted),

		serve("cert-host", "match", "good", "", good, trusted),
		serve("cert-host", "match", "good", "wildcard", chain(smtptest.Leaf{Names: []string{"*.example.test"}}), trusted),
		serve("cert-host", "mismatch", "bad", "", otherName, trusted),
		serve("cert-host", "mismatch", "bad", "wildcard for two labels", chain(smtptest.Leaf{Names: []string{"*.test"}}), trusted),
		serve("cert-host", "mismatch", "bad", "common name only", onlyCN, untrusted),
		{"cert-host", "mismatch-dane-ta", "bad/has_daneTA", "", func(w *world) {
			w.both(otherName, trusted)
			w.record(tlsa(2, 1, otherName[1]))
		}},
		{"cert-host", "mismatch", "bad", "insecure TLSA record of usage 2", func(w *world) {
			w.both(otherName, trusted)
			w.record(tlsa(2, 1, otherName[1]))
			w.security("_25._tcp."+mx, "TLSA", evidence.SecurityInsecure)
		}},
		serve("cert-host", "no-names", "good", "", nameless, untrusted),
		serve("cert-host", "unreadable", "", "", garbage, evidence.TrustUnknown),
		{"cert-host", "no-certificate", "", "", noChain},
		elsewhere("cert-host", "worse-elsewhere", "good", "", otherName),
	}
}

// oldRoot is a self-signed certificate with SHA-1.
func oldRoot(t *testing.T) [][]byte {
	return chain(smtptest.Leaf{SelfSigned: true, SHA1: true, Names: []string{"Old Root"}})
}
