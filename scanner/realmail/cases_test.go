package realmail_test

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/smtptest"
)

// mode is how a server is set up for a case.
type mode uint8

const (
	usual     mode = iota
	plain          // without STARTTLS
	keyless        // STARTTLS is offered, but there is no certificate file
	mispaired      // STARTTLS is offered, but the key is not the certificate's
	tls12          // TLS 1.2 only
	p384           // the group secp384r1 only, which TLS 1.3 has to ask a client for
	p384tls12      // both
	dhe            // TLS 1.2 with finite-field DHE only, which crypto/tls does not have
	later          // greets with 450
	limited        // one connection in ten minutes, which is used up
)

// testCase is one domain with one mail server.
type testCase struct {
	label string
	mode  mode
	only  string        // the server that can do it; empty for all
	cert  smtptest.Leaf // Names are added where there are none
	tlsa  []tlsa
	// second is another certificate beside cert, with another kind of key.
	second *smtptest.Leaf
	// settings are Postfix's beside those of the mode, "name=value"; in a value
	// DIR is the folder of the files. priority is GnuTLS's in place of the mode's.
	settings []string
	priority string
	files    []namedFile // beside those of certificates
	unsigned bool        // the zone is not signed
	servfail bool        // the TLSA records cannot be looked up
	// finds are the codes that differ from those of usualFindings.
	finds map[string]string
	// ends is where the session ends, if not with a handshake.
	ends *ending
}

type namedFile struct{ name, text string }

// ending is how a session ends early.
type ending struct {
	starttls    evidence.StartTLS
	class       evidence.Class // ClassUnknown: without a failure
	connections int
}

var (
	notOffered = &ending{evidence.StartTLSNotOffered, evidence.ClassUnknown, 1}
	putOff     = &ending{evidence.StartTLSDeferred, evidence.ClassTemporary, 3}
	alerted    = &ending{evidence.StartTLSStarted, evidence.ClassTLSAlert, 1}
	sentAway   = &ending{evidence.StartTLSUnknown, evidence.ClassTemporary, 3}
	// finished: the usual handshake is refused, and the prober's own client, which
	// has more suites, makes one.
	finished = &ending{evidence.StartTLSStarted, evidence.ClassUnknown, 1}
)

// usualFindings are those of a server at which everything is right.
var usualFindings = map[string]string{
	"starttls-exists": "good", "cert-trust": "trusted", "cert-key": "good", "cert-signature": "good", "cert-host": "match",
	"dane-exists": "found", "dane-valid": "valid",
}

// without are the findings where no handshake could be made.
func without(starttls, required, exists, valid string) map[string]string {
	return map[string]string{
		"starttls-exists": starttls, "cert-trust": required, "cert-key": required, "cert-signature": required, "cert-host": required,
		"dane-exists": exists, "dane-valid": valid,
	}
}

// unknown are the findings where STARTTLS may well be there.
func unknown(starttls string) map[string]string {
	return without(starttls, check.UnknownBy.Name, "host-unknown-with-records", check.UnknownBy.Name)
}

var (
	right = []tlsa{{3, 1, 1, own}}
	wrong = []tlsa{{3, 1, 1, other}}
)

var cases = []testCase{
	{label: "match", tlsa: right},
	{label: "wrong", tlsa: wrong, finds: map[string]string{"dane-valid": "mismatch"}},
	{label: "absent", finds: map[string]string{"dane-exists": "none", "dane-valid": check.BlockedBy.Name}},
	{label: "rollover", tlsa: []tlsa{{3, 1, 1, other}, {3, 1, 1, own}}},
	{label: "certificate", tlsa: []tlsa{{3, 0, 2, own}}},
	{label: "whole", tlsa: []tlsa{{3, 1, 0, own}}},
	{label: "expired", cert: smtptest.Leaf{Expired: true}, tlsa: right, finds: map[string]string{"cert-trust": "expired"}},
	{label: "selfsigned", cert: smtptest.Leaf{SelfSigned: true}, tlsa: right, finds: map[string]string{"cert-trust": "self-signed"}},
	{label: "othername", cert: smtptest.Leaf{Names: []string{"other.example.test"}}, tlsa: right,
		finds: map[string]string{"cert-trust": "trusted-for-another-name", "cert-host": "mismatch"}},
	{label: "unsigned", tlsa: right, unsigned: true, finds: map[string]string{"dane-exists": "insecure", "dane-valid": check.BlockedBy.Name}},
	{label: "servfail", tlsa: right, servfail: true, finds: map[string]string{"dane-exists": "lookup-failed", "dane-valid": check.UnknownBy.Name}},
	{label: "pkix", tlsa: []tlsa{{1, 1, 1, own}}, finds: map[string]string{"dane-exists": "only-pkix", "dane-valid": check.BlockedBy.Name}},
	{label: "badselector", tlsa: []tlsa{{3, 7, 1, own}}, finds: map[string]string{"dane-valid": "unusable"}},

	{label: "anchor", tlsa: []tlsa{{2, 1, 1, issuer}}},
	{label: "anchorwrong", tlsa: []tlsa{{2, 1, 1, other}}, finds: map[string]string{"dane-valid": "mismatch"}},
	{label: "anchorown", tlsa: []tlsa{{2, 1, 1, own}}, finds: map[string]string{"dane-valid": "mismatch"}},
	{label: "anchormissing", cert: smtptest.Leaf{Form: smtptest.LeafOnly}, tlsa: []tlsa{{2, 1, 1, issuer}},
		finds: map[string]string{"cert-trust": "untrusted", "dane-valid": "mismatch"}},
	{label: "anchorexpired", cert: smtptest.Leaf{Expired: true}, tlsa: []tlsa{{2, 1, 1, issuer}},
		finds: map[string]string{"cert-trust": "expired", "dane-valid": "mismatch-date"}},
	{label: "anchorname", cert: smtptest.Leaf{Names: []string{"other.example.test"}}, tlsa: []tlsa{{2, 1, 1, issuer}},
		finds: map[string]string{"cert-trust": "trusted-for-another-name", "cert-host": "mismatch-dane-ta", "dane-valid": "mismatch-name"}},
	{label: "root", cert: smtptest.Leaf{Form: smtptest.WithRoot}, tlsa: []tlsa{{2, 0, 1, anchor}}},
	{label: "rootmissing", tlsa: []tlsa{{2, 0, 1, anchor}}, finds: map[string]string{"dane-valid": "mismatch"}},
	{label: "rootwhole", tlsa: []tlsa{{2, 0, 0, anchor}}},
	{label: "rootkey", tlsa: []tlsa{{2, 1, 0, anchor}}},
	{label: "order", cert: smtptest.Leaf{Form: smtptest.WrongOrder}, tlsa: []tlsa{{2, 1, 1, issuer}}},

	{label: "rsa2048", cert: smtptest.Leaf{Key: smtptest.RSA2048}, tlsa: right, finds: map[string]string{"cert-key": "phase-out"}},
	{label: "rsa3072", cert: smtptest.Leaf{Key: smtptest.RSA3072}, tlsa: right},
	{label: "ed25519", cert: smtptest.Leaf{Key: smtptest.Ed25519}, tlsa: right},
	{label: "tls12", mode: tls12, tlsa: right},
	{label: "p384", mode: p384, tlsa: right},
	{label: "p384tls12", mode: p384tls12, cert: smtptest.Leaf{Key: smtptest.P384}, tlsa: right},

	{label: "plain", ends: notOffered, mode: plain, tlsa: right, finds: without("not-offered", check.BlockedBy.Name, "host-failed-with-records", check.BlockedBy.Name)},
	{label: "keyless", ends: putOff, mode: keyless, only: "exim", tlsa: right, finds: unknown("temporary")},
	{label: "alert", ends: alerted, mode: keyless, only: "postfix", tlsa: right, finds: unknown("handshake-unknown")},
	{label: "mispaired", ends: putOff, mode: mispaired, tlsa: right, finds: unknown("temporary")},
	{label: "dhe", ends: finished, mode: dhe, cert: smtptest.Leaf{Key: smtptest.RSA3072}, tlsa: right},
	{label: "later", ends: sentAway, mode: later, tlsa: right, finds: unknown("temporary")},
	{label: "limited", ends: sentAway, mode: limited, only: "postfix", tlsa: right, finds: unknown("temporary")},
}
