package realmail_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/smtptest"
)

// limitedFindings are those about a server at which everything is right, and
// that took two connections of ours: the session, and the first question, which
// brought the server's own list of groups: X25519MLKEM768 is not in it.
var limitedFindings = map[string]string{
	"starttls-exists": "good", "cert-trust": "trusted", "cert-host": "match", "dane-exists": "found", "dane-valid": "valid",
	"tls-version": "unknown", "tls-ciphers": "unknown", "tls-cipher-order": "unknown", "tls-key-exchange": "unknown",
	"tls-key-exchange-hash": "unknown", "tls-compression": "unknown", "tls-secure-renegotiation": "unknown",
	"tls-client-renegotiation": "unknown", "tls-extended-master-secret": "unknown", "tls-zero-rtt": "not-offered",
	"tls-post-quantum": "not-accepted",
}

// TestRateLimit: Postfix takes two connections and puts the others off with 421.
// What was seen is said, all else is unknown, and nothing is called missing.
func TestRateLimit(t *testing.T) {
	root(t)
	now := time.Now()
	ca := smtptest.NewCA("Real", now)
	m := &postfix{}
	var hosts []*host
	for i, c := range []testCase{
		{label: "free", tlsa: right},
		{label: "twice", tlsa: right, settings: []string{from12, sound, "smtpd_client_connection_rate_limit=2", "smtpd_client_event_limit_exceptions="}},
	} {
		domain := c.label + ".limit.test"
		hosts = append(hosts, &host{c, domain, "mx." + domain, netip.AddrFrom4([4]byte{127, 25, 25, byte(1 + i)})})
	}
	port := begin(t, m, ca, hosts)
	s := scannerFor(t, publish(t, now, ca, port, hosts), ca, port)
	h := hosts[1]
	began := time.Now()
	snap, err := s.Scan(t.Context(), h.domain)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v", time.Since(began))
	if len(snap.Sessions) != 1 {
		t.Fatalf("%d sessions", len(snap.Sessions))
	}
	session := &snap.Sessions[0]
	x := session.TLS
	if session.StartTLS != evidence.StartTLSStarted || session.Failure != nil || !session.Handshake.Complete || session.Connections != 1 {
		t.Errorf("the session: %v, %v, %v", session.StartTLS, session.Failure, session.Handshake)
	}
	if x == nil || x.Complete || x.Stopped == nil || x.Stopped.Class != evidence.ClassTemporary || !strings.Contains(x.Stopped.Text, "421") {
		t.Fatalf("the plan: %+v", x)
	}
	answered := 0
	for _, a := range x.Asked {
		if a.Answer.Known() {
			answered++
		} else if a.Answer != evidence.NoAnswer || a.Failure == nil || a.Failure.Class != evidence.ClassTemporary {
			t.Errorf("%s: %v, %v", a.Question, a.Answer, a.Failure)
		}
	}
	if answered != 1 {
		t.Errorf("%d questions were answered\n%s", answered, described(x))
	}
	for _, v := range x.Versions {
		switch {
		case v.Version == session.Handshake.Version && v.Answer == evidence.Accepted && !v.SuitesComplete:
		case v.Version != session.Handshake.Version && !v.Answer.Known():
		default:
			t.Errorf("%s: %v, complete %v", v.Version, v.Answer, v.SuitesComplete)
		}
	}
	found := findings(snap, h.name)
	for id, want := range limitedFindings {
		if got := found[id].Code; got == nil || got.Name != want {
			t.Errorf("%s: %v, want %s", id, got, want)
		}
	}
	for id, f := range found {
		if limitedFindings[id] == "" && strings.HasPrefix(id, "tls-") && (f.Code.Outcome == check.Fail || f.Code.Outcome == check.Weak) {
			t.Errorf("%s: %s: %v", id, f.Code.Name, f.Args)
		}
	}
}
