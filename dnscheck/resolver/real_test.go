package resolver_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/dnstest"
	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

// soon is a Timeout for servers of this machine.
const soon = 500 * time.Millisecond

// Over real sockets, with the dialer that is used in earnest.
func TestSockets(t *testing.T) {
	certificate, client := certified(t, "dns.example", net.IPv4(127, 0, 0, 1))
	w := signedWorld(t, time.Now())
	server := w.Resolver()
	server.TLS = certificate
	l, err := server.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, addr := range []string{l.Addr.String(), "tls://" + l.TLSAddr.String()} {
		r := &resolver.Resolver{Servers: []string{addr}, TLSConfig: client, Validator: &dnssec.Validator{Anchors: w.Anchors(), Now: time.Now}}
		defer r.Close()
		for _, tt := range securities {
			if got := lookup(t, r, tt.name, tt.qtype); got.Outcome != tt.outcome || got.Security != tt.security {
				t.Errorf("%s: %s %s: %v, %v; want %v, %v", addr, tt.name, tt.qtype, got.Outcome, got.Security, tt.outcome, tt.security)
			}
		}
	}
}

// A closed UDP port is refused by ICMP, which is not a time-out.
func TestClosedPort(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := c.LocalAddr().String()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	r := &resolver.Resolver{Servers: []string{addr}, Timeout: soon}
	l := lookup(t, r, "example.test", "A")
	if l.Outcome == evidence.OutcomeTimeout {
		t.Skip("no ICMP arrives on this machine")
	}
	if l.Outcome != evidence.OutcomeNetwork || l.Failure.Class != evidence.ClassRefused || l.Failure.Op != evidence.OpQuery {
		t.Errorf("%v, %v", l.Outcome, l.Failure)
	}
}

// 2001:db8::/32 is routed nowhere: either this machine has no IPv6, or the
// packets are lost on the way. Neither may look like an answer.
func TestReachNowhere(t *testing.T) {
	r := &resolver.Resolver{Servers: []string{"127.0.0.1"}, Timeout: 20 * time.Millisecond, Tries: 1}
	got, err := r.Reach(t.Context(), "ns.example.test", netip.MustParseAddr("2001:db8::53"), "example.test")
	if err != nil || got.Outcome == evidence.Reached || got.Failure == nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// Unbound resolves for us, from the authoritative servers of a signed world:
// both our own validation and its AD bit must say what the table says.
func TestUnbound(t *testing.T) {
	path, err := exec.LookPath("unbound")
	if err != nil {
		if os.Getenv("MAILVET_REAL") == "1" {
			t.Fatal("needs unbound")
		}
		t.Skip("needs unbound")
	}
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	w := signedWorld(t, now)
	addr := startUnbound(t, path, w, now)
	for _, r := range []*resolver.Resolver{
		{Servers: []string{addr}, Validator: &dnssec.Validator{Anchors: w.Anchors(), Now: func() time.Time { return now }}},
		{Servers: []string{addr}, TrustAD: true},
	} {
		defer r.Close()
		for _, tt := range securities {
			l := lookup(t, r, tt.name, tt.qtype)
			if l.Outcome != tt.outcome || l.Security != tt.security {
				t.Errorf("trusting %v: %s %s: %v, %v (%s) %v; want %v, %v", r.TrustAD, tt.name, tt.qtype, l.Outcome, l.Security, l.Reason, l.EDE, tt.outcome, tt.security)
			}
		}
	}
}

// One of two name servers of a zone has stale signatures: whichever of them
// Unbound asks first, that is no verdict.
func TestUnboundWithStaleSecondary(t *testing.T) {
	path, err := exec.LookPath("unbound")
	if err != nil {
		if os.Getenv("MAILVET_REAL") == "1" {
			t.Fatal("needs unbound")
		}
		t.Skip("needs unbound")
	}
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	w := signedWorld(t, now)
	addr := startUnbound(t, path, w, now, "good.test.")
	r := &resolver.Resolver{Servers: []string{addr}, Validator: &dnssec.Validator{Anchors: w.Anchors(), Now: func() time.Time { return now }}}
	defer r.Close()
	bogus := 0
	for i := range 40 {
		name := fmt.Sprintf("n%d.good.test", i)
		l := lookup(t, r, name, "A")
		switch {
		case l.Outcome == evidence.OutcomeNXDomain && l.Security == evidence.SecurityBogus:
			bogus++
		case l.Outcome != evidence.OutcomeNXDomain || l.Security != evidence.SecuritySecure:
			t.Errorf("%s: %v, %v (%s) %v", name, l.Outcome, l.Security, l.Reason, l.EDE)
		}
	}
	// Unbound asks five times for what is bogus, either server by chance: of
	// thirty-two names it finds one bogus, and of these hardly any twice.
	if bogus > 2 {
		t.Errorf("%d of 40 names are bogus, %d were asked for again", bogus, r.Stats().Again)
	}
}

// startUnbound runs Unbound until the test ends. The port that it is given may
// be taken by somebody else meanwhile: then it is given another. The zones of
// stale have a second name server whose signatures have expired.
func startUnbound(t *testing.T, path string, w *dnstest.World, now time.Time, stale ...string) (addr string) {
	t.Helper()
	var conf strings.Builder
	fmt.Fprintf(&conf, `server:
 interface: 127.0.0.1
 chroot: ""
 username: ""
 pidfile: ""
 use-syslog: no
 do-daemonize: no
 num-threads: 1
 ede: yes
 do-not-query-localhost: no
 local-zone: "test." nodefault
 module-config: "validator iterator"
 val-override-date: "%s"
 trust-anchor-signaling: no
 aggressive-nsec: no
 val-bogus-ttl: 0
`, now.Format("20060102150405"))
	for _, rr := range w.Anchors() {
		fmt.Fprintf(&conf, " trust-anchor: %q\n", strings.ReplaceAll(rr.String(), "\t", " "))
	}
	conf.WriteString("remote-control:\n control-enable: no\n")
	for _, zone := range w.Zones() {
		l, err := w.Authoritative(zone).Listen()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		fmt.Fprintf(&conf, "stub-zone:\n name: %q\n stub-addr: 127.0.0.1@%d\n", zone, l.Addr.Port())
		if slices.Contains(stale, zone) {
			s := w.Authoritative(zone)
			if err := s.AddFaults(dnstest.Fault{Kind: dnstest.ExpireRRSIG}); err != nil {
				t.Fatal(err)
			}
			l, err := s.Listen()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				l.Close()
				if s.Total() == 0 {
					t.Errorf("the second server of %s was never asked", zone)
				}
			})
			fmt.Fprintf(&conf, " stub-addr: 127.0.0.1@%d\n", l.Addr.Port())
		}
	}
	for range 5 {
		if addr, ok := runUnbound(t, path, conf.String()); ok {
			return addr
		}
	}
	t.Fatal("Unbound does not answer")
	return ""
}

// runUnbound runs Unbound once, on a port that is free right now.
func runUnbound(t *testing.T, path, conf string) (addr string, ok bool) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = free.Addr().String()
	both, err := net.ListenPacket("udp", addr)
	free.Close()
	if err != nil {
		return "", false
	}
	both.Close()
	_, port, _ := net.SplitHostPort(addr)
	file := filepath.Join(t.TempDir(), "unbound.conf")
	if err := os.WriteFile(file, []byte(conf+"server:\n port: "+port+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	cmd := exec.Command(path, "-d", "-c", file)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait()
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("Unbound, set up by\n%s\nsays\n%s", conf, log.String())
		}
	})
	for range 20 { // each refused at once and tried again with pauses
		select {
		case <-ended:
			return "", false
		default:
		}
		r := &resolver.Resolver{Servers: []string{addr}, Timeout: soon}
		if l := lookup(t, r, "localhost", "A"); l.Outcome.Known() {
			return addr, true
		}
	}
	return "", false
}
