// Package realmail_test scans real mail servers, Postfix with OpenSSL and Exim
// with GnuTLS, at addresses of the loopback interface, and asks Postfix's and
// other people's clients for a second opinion of the same servers.
package realmail_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/scanner"
	"mailvet/smtpcheck/smtptest"
)

// host is the mail server of a case, at its address.
type host struct {
	testCase
	domain, name string
	addr         netip.Addr
}

func (h *host) leaf() smtptest.Leaf {
	l := h.cert
	if l.Names == nil {
		l.Names = []string{h.name}
	}
	l.Seed = h.name
	return l
}

// chainFile holds the key and the certificates.
func (h *host) chainFile(dir string) string { return filepath.Join(dir, h.label+".pem") }

// chainFiles are those of all its certificates.
func (h *host) chainFiles(dir string) []string {
	files := []string{h.chainFile(dir)}
	if h.second != nil {
		files = append(files, filepath.Join(dir, h.label+"-second.pem"))
	}
	return files
}

// mailServer is a kind of mail server.
type mailServer interface {
	name() string
	// start begins to start it at all hosts, with what it needs in a folder.
	start(t testing.TB, dir string, port int, hosts []*host) *process
	// logged is what it has written of a host, everything all that it has.
	logged(*host) string
	everything() string
	// sent is the chain that it makes of the certificates that were installed.
	sent(*smtptest.CA, smtptest.Leaf) [][]byte
	// says are texts that its log must have of a session of the scanner that
	// was ended by neither side before its QUIT.
	says(*evidence.Session) []string
}

func TestPostfix(t *testing.T) { testServer(t, &postfix{}, 21) }

func TestExim(t *testing.T) { testServer(t, &exim{}, 22) }

// testServer runs all cases on one kind of mail server, at addresses of a
// network of the loopback interface.
func testServer(t *testing.T, m mailServer, network byte) {
	root(t)
	now := time.Now()
	ca := smtptest.NewCA("Real", now)
	var hosts []*host
	for i, c := range cases {
		if c.only != "" && c.only != m.name() {
			continue
		}
		domain := c.label + "." + m.name() + ".test"
		hosts = append(hosts, &host{c, domain, "mx." + domain, netip.AddrFrom4([4]byte{127, network, 25, byte(1 + i)})})
	}
	port := begin(t, m, ca, hosts)
	n := publish(t, now, ca, port, hosts)
	s := scannerFor(t, n, ca, port)
	j := judges(t, n, port)
	for _, h := range hosts {
		t.Run(h.label, func(t *testing.T) {
			if h.mode == limited {
				if code := greeting(h, port); code != "220" {
					t.Fatalf("the first connection is greeted with %q", code)
				}
			}
			snap, err := s.Scan(t.Context(), h.domain)
			if err != nil {
				t.Fatal(err)
			}
			found := findings(snap, h.name)
			compareFindings(t, h, found)
			if len(snap.Sessions) != 1 {
				t.Fatalf("%d sessions", len(snap.Sessions))
			}
			session := &snap.Sessions[0]
			compareSession(t, m, h, ca, snap, session)
			compareLog(t, m, h, session)
			j.second(t, h, found, snap, session)
		})
	}
}

// begin starts the server at a port that is free at all hosts and waits until
// it greets. The server runs until the test ends.
func begin(t testing.TB, m mailServer, ca *smtptest.CA, hosts []*host) int {
	t.Helper()
	var addrs []string
	for _, h := range hosts {
		addrs = append(addrs, h.addr.String())
	}
	const tries = 5
	for range tries {
		port, err := freePort(addrs)
		if err != nil {
			t.Fatal(err)
		}
		dir := folder(t)
		for _, h := range hosts {
			h.install(t, ca, dir)
		}
		server := m.start(t, dir, port, hosts)
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("the log of %s:\n%s", m.name(), m.everything())
			}
			if err := server.stop(); err != nil {
				t.Error(err)
			}
		})
		up := false
		poll(func() bool {
			up = greeting(hosts[0], port) == "220"
			return up || server.ended()
		})
		switch {
		case up:
			return port
		case !server.ended() || !strings.Contains(strings.ToLower(m.everything()), "address already in use"):
			t.Fatalf("%s does not greet", m.name())
		}
	}
	t.Fatalf("%d ports were taken by others before %s could have them", tries, m.name())
	return 0
}

// greeting is the reply code that a server greets with; empty if it does not.
func greeting(h *host, port int) string {
	c, err := net.DialTimeout("tcp", netip.AddrPortFrom(h.addr, uint16(port)).String(), patience)
	if err != nil {
		return ""
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience / 5)); err != nil {
		return ""
	}
	b := make([]byte, 512)
	n, err := c.Read(b)
	if err != nil || n < 3 {
		return ""
	}
	code := string(b[:3])
	_, _ = c.Write([]byte("QUIT\r\n"))
	_, _ = c.Read(b) // the server's goodbye, if it says one
	return code
}

// install writes the key and then the certificates as they are to be sent.
func (h *host) install(t testing.TB, ca *smtptest.CA, dir string) {
	t.Helper()
	if h.mode == keyless {
		return
	}
	leaf := h.leaf()
	cert := ca.Issue(leaf)
	if h.mode == mispaired {
		leaf.Seed += "/other"
	}
	cert.PrivateKey = ca.Issue(leaf).PrivateKey
	for _, f := range h.files {
		write(t, filepath.Join(dir, f.name), f.text)
	}
	write(t, h.chainFile(dir), pemOf(t, cert))
	if h.second != nil {
		second := *h.second
		second.Names, second.Seed = []string{h.name}, h.name+"/second"
		write(t, h.chainFiles(dir)[1], pemOf(t, ca.Issue(second)))
	}
}

// pemOf is the key, and behind it the certificates as they are to be sent.
func pemOf(t testing.TB, cert tls.Certificate) string {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	for _, der := range cert.Certificate {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return string(text)
}

// findings are those about a host, by check.
func findings(s *evidence.Snapshot, host string) map[string]check.Finding {
	found := map[string]check.Finding{}
	for _, r := range check.Run(scanner.Catalogue, s) {
		for _, f := range r.Findings {
			if f.Subject.Host == host {
				found[r.Check.ID] = f
			}
		}
	}
	return found
}

func compareFindings(t *testing.T, h *host, found map[string]check.Finding) {
	t.Helper()
	for id, want := range usualFindings {
		if w, ok := h.finds[id]; ok {
			want = w
		}
		f, ok := found[id]
		if !ok {
			t.Errorf("%s says nothing of %s", id, h.name)
			continue
		}
		if f.Code.Name != want {
			t.Errorf("%s: %s, want %s %v", id, f.Code.Name, want, f.Args)
		}
	}
}

// compareSession holds the evidence against what was configured.
func compareSession(t *testing.T, m mailServer, h *host, ca *smtptest.CA, snap *evidence.Snapshot, s *evidence.Session) {
	t.Helper()
	if s.Host != h.name || s.Addr != h.addr.String() || s.Reach != evidence.Reached {
		t.Errorf("session with %s [%s], %v", s.Host, s.Addr, s.Reach)
	}
	if h.ends != nil {
		got := ending{s.StartTLS, evidence.ClassUnknown, s.Connections}
		if s.Failure != nil {
			got.class = s.Failure.Class
		}
		if got != *h.ends {
			t.Errorf("the session ends with %+v, want %+v; %v", got, *h.ends, s.Failure)
		}
		if h.ends == finished && (!s.Handshake.Complete || !strings.HasPrefix(s.Handshake.Suite, "TLS_DHE_RSA_WITH_")) {
			t.Errorf("handshake %+v", s.Handshake)
		}
		return
	}
	if s.StartTLS != evidence.StartTLSStarted || s.Failure != nil || s.Handshake == nil || !s.Handshake.Complete {
		t.Fatalf("STARTTLS is %v: %v, %v", s.StartTLS, s.Failure, s.Handshake)
	}
	if s.Connections != 1 {
		t.Errorf("%d connections", s.Connections)
	}
	if strings.Join(s.ExtensionsTLS, " ") == "" || s.HelloTLS.Code != 250 || strings.Contains(strings.Join(s.ExtensionsTLS, " "), "STARTTLS") {
		t.Errorf("after the handshake: %v %q", s.HelloTLS, s.ExtensionsTLS)
	}
	compareHandshake(t, h, s.Handshake)
	_, ders := snap.Chain(s.Handshake.Chain)
	if sent := m.sent(ca, h.leaf()); !slices.EqualFunc(ders, sent, bytes.Equal) {
		t.Errorf("the chain has %d certificates, not those %d that are sent", len(ders), len(sent))
	}
}

// compareHandshake checks what the mode leaves no choice in. The rest is held
// against the server's log.
func compareHandshake(t *testing.T, h *host, got *evidence.Handshake) {
	t.Helper()
	version, prefix := "TLS 1.3", "TLS_"
	if h.mode == tls12 || h.mode == p384tls12 {
		version, prefix = "TLS 1.2", "TLS_ECDHE_ECDSA_WITH_"
	}
	if got.Version != version || !strings.HasPrefix(got.Suite, prefix) || got.SNI != h.name {
		t.Errorf("handshake %+v, want %s with %s", got, version, prefix)
	}
	switch h.mode {
	case p384, p384tls12:
		if got.Group != "secp384r1" {
			t.Errorf("group %s, want secp384r1", got.Group)
		}
	default:
		if got.Group == "" {
			t.Error("no group")
		}
	}
}

// compareLog waits until the server's own account of the session is there.
func compareLog(t *testing.T, m mailServer, h *host, s *evidence.Session) {
	t.Helper()
	if s.Failure != nil || h.ends == finished {
		return
	}
	for _, text := range m.says(s) {
		if !poll(func() bool { return strings.Contains(m.logged(h), text) }) {
			t.Errorf("%s does not log %q:\n%s", m.name(), text, m.logged(h))
		}
	}
}

// linesWith are the whole lines of a file with a text in them.
func linesWith(file, text string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Sprintln(err)
	}
	var out strings.Builder
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, text) && strings.HasSuffix(line, "\n") {
			out.WriteString(line)
		}
	}
	return out.String()
}
