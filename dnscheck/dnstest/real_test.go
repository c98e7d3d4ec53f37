package dnstest_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnstest"
)

// tool finds a program of somebody else, or skips the test. With MAILVET_REAL=1
// in the environment missing programs are failures.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
			if p, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return p
			}
		}
		if os.Getenv("MAILVET_REAL") == "1" {
			t.Fatalf("needs %s", name)
		}
		t.Skipf("needs %s", name)
	}
	return path
}

func listen(t *testing.T, s *dnstest.Server) *dnstest.Listener {
	t.Helper()
	l, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// realCases are what validators of other people have to say about our answers.
// want is a security state, "optout" where a proof is good but opt-out keeps AD
// from being set; rcode is that of the answer where it is not bogus.
var realCases = []struct {
	name  string
	typ   string
	want  string // secure, optout, insecure, bogus
	rcode string
}{
	{"nsec.test", "MX", "secure", "NOERROR"},
	{"nsec.test", "DNSKEY", "secure", "NOERROR"},
	{"nsec.test", "DS", "secure", "NOERROR"},
	{"nsec.test", "AAAA", "secure", "NOERROR"},
	{"no.nsec.test", "A", "secure", "NXDOMAIN"},
	{"ent.nsec.test", "A", "secure", "NOERROR"},
	{"b.ent.nsec.test", "A", "secure", "NOERROR"},
	{"x.w.nsec.test", "TXT", "secure", "NOERROR"},
	{"x.y.w.nsec.test", "TXT", "secure", "NOERROR"},
	{"x.w.nsec.test", "AAAA", "secure", "NOERROR"},
	{"x.host.w.nsec.test", "TXT", "secure", "NXDOMAIN"},
	{"*.w.nsec.test", "TXT", "secure", "NOERROR"},
	{"*star.nsec.test", "A", "secure", "NOERROR"},
	{"c.nsec.test", "A", "secure", "NOERROR"},
	{"cw.nsec.test", "TXT", "secure", "NOERROR"},
	{"cx.nsec.test", "A", "secure", "NXDOMAIN"},
	{"cu.nsec.test", "A", "insecure", "NOERROR"},
	{"mx.d.nsec.test", "A", "secure", "NOERROR"},
	{"d.nsec.test", "DNAME", "secure", "NOERROR"},
	{"_25._tcp.mx.nsec.test", "TLSA", "secure", "NOERROR"},
	{"mx.child.nsec.test", "A", "secure", "NOERROR"},
	{"mx.plain.nsec.test", "A", "insecure", "NOERROR"},
	{"plain.nsec.test", "DS", "secure", "NOERROR"},
	{"nsec3.test", "MX", "secure", "NOERROR"},
	{"nsec3.test", "AAAA", "secure", "NOERROR"},
	{"no.nsec3.test", "A", "secure", "NXDOMAIN"},
	{"a.b.no.nsec3.test", "A", "secure", "NXDOMAIN"},
	{"ent.nsec3.test", "A", "secure", "NOERROR"},
	{"b.ent.nsec3.test", "A", "secure", "NOERROR"},
	{"x.w.nsec3.test", "TXT", "secure", "NOERROR"},
	{"x.y.w.nsec3.test", "TXT", "secure", "NOERROR"},
	{"x.w.nsec3.test", "AAAA", "secure", "NOERROR"},
	{"c.nsec3.test", "AAAA", "secure", "NOERROR"},
	{"www.d.nsec3.test", "A", "secure", "NXDOMAIN"},
	{"plain.nsec3.test", "DS", "secure", "NOERROR"},
	{"mx.plain.nsec3.test", "A", "insecure", "NOERROR"},
	{"optout.test", "MX", "secure", "NOERROR"},
	{"optout.test", "AAAA", "secure", "NOERROR"},
	{"no.optout.test", "A", "optout", "NXDOMAIN"},
	{"plain.optout.test", "DS", "optout", "NOERROR"},
	{"mx.plain.optout.test", "A", "insecure", "NOERROR"},
	{"mx.far.away.optout.test", "A", "insecure", "NOERROR"},
	{"no.manyiterations.test", "A", "insecure", "NXDOMAIN"},
	{"mx.single.test", "A", "secure", "NOERROR"},
	{"mx.rsa1.test", "A", "secure", "NOERROR"},
	{"no.rsa1n3.test", "A", "secure", "NXDOMAIN"},
	{"no.rsa256.test", "A", "secure", "NXDOMAIN"},
	{"mx.rsa512.test", "A", "secure", "NOERROR"},
	{"mx.p384.test", "A", "secure", "NOERROR"},
	{"mx.ed25519.test", "A", "secure", "NOERROR"},
	{"mx.unknownalg.test", "A", "insecure", "NOERROR"},
	{"mx.unknowndigest.test", "A", "insecure", "NOERROR"},
	{"mx.island.test", "A", "insecure", "NOERROR"},
	{"mx.unsigned.test", "A", "insecure", "NOERROR"},
	{"no.unsigned.test", "A", "insecure", "NXDOMAIN"},
	{"unsigned.test", "DS", "optout", "NOERROR"},
	{"test", "DS", "secure", "NOERROR"},
	{"notld", "A", "secure", "NXDOMAIN"},
	{".", "NS", "secure", "NOERROR"},
	{"mx.badds.test", "A", "bogus", ""},
	{"mx.corrupt.test", "A", "bogus", ""},
	{"mx.expired.test", "A", "bogus", ""},
	{"mx.future.test", "A", "bogus", ""},
	{"mx.stripped.test", "A", "bogus", ""},
}

// TestDelv lets BIND's validator judge the resolver.
func TestDelv(t *testing.T) {
	delv := tool(t, "delv")
	w := testWorld(t, time.Now()) // delv knows no other clock
	l := listen(t, w.Resolver())
	anchors := filepath.Join(t.TempDir(), "anchors")
	var text strings.Builder
	for _, rr := range w.Anchors() {
		ds := rr.(*dns.DS)
		fmt.Fprintf(&text, "trust-anchors { . static-ds %d %d %d \"%s\"; };\n", ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest)
	}
	if err := os.WriteFile(anchors, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range realCases {
		t.Run(c.name+" "+c.typ, func(t *testing.T) {
			out, _ := exec.CommandContext(t.Context(), delv, "-a", anchors, "+root", "+nomtrace",
				"-p", fmt.Sprint(l.Addr.Port()), "@127.0.0.1", "-q", c.name, "-t", c.typ).CombinedOutput()
			got := "bogus"
			switch s := string(out); {
			case strings.Contains(s, "unsigned answer"), strings.Contains(s, "response unsigned"):
				got = "insecure"
			case strings.Contains(s, "fully validated"):
				got = "secure"
			}
			want := c.want
			if want == "optout" {
				want = "secure" // delv does not tell the difference
			}
			if got != want {
				t.Errorf("delv says %s, want %s\n%s", got, want, out)
			}
		})
	}
}

// TestUnbound lets Unbound judge the resolver, as a forwarder to it, and then
// the authoritative servers, one for each zone.
func TestUnbound(t *testing.T) {
	path := tool(t, "unbound")
	w := testWorld(t, now)
	t.Run("resolver", func(t *testing.T) {
		l := listen(t, w.Resolver())
		judge(t, startUnbound(t, path, w, fmt.Sprintf("forward-zone:\n name: .\n forward-addr: 127.0.0.1@%d\n", l.Addr.Port())))
	})
	t.Run("authoritative", func(t *testing.T) {
		var stubs strings.Builder
		for _, zone := range w.Zones() {
			l := listen(t, w.Authoritative(zone))
			fmt.Fprintf(&stubs, "stub-zone:\n name: %s\n stub-addr: 127.0.0.1@%d\n", zone, l.Addr.Port())
		}
		judge(t, startUnbound(t, path, w, stubs.String()))
	})
}

// judge asks a validating resolver about all cases.
func judge(t *testing.T, resolver string) {
	client := &dns.Client{Timeout: 10 * time.Second}
	for _, c := range realCases {
		t.Run(c.name+" "+c.typ, func(t *testing.T) {
			m := new(dns.Msg)
			m.SetQuestion(dns.Fqdn(c.name), dns.StringToType[c.typ])
			m.SetEdns0(4096, false)
			m.AuthenticatedData = true
			r, _, err := client.Exchange(m, resolver)
			if err != nil {
				t.Fatal(err)
			}
			got := "insecure"
			switch {
			case r.Rcode == dns.RcodeServerFailure:
				got = "bogus"
			case r.AuthenticatedData:
				got = "secure"
			}
			want := c.want
			if want == "optout" {
				want = "insecure"
			}
			rcode := dns.RcodeToString[r.Rcode]
			if got != want || c.rcode != "" && rcode != c.rcode {
				t.Errorf("Unbound says %s %s, want %s %s\n%s", got, rcode, want, c.rcode, r)
			}
		})
	}
}

// startUnbound runs Unbound until the test ends and gives its address. The port
// that it is given may be taken by somebody else meanwhile: then it is given
// another.
func startUnbound(t *testing.T, path string, w *dnstest.World, zones string) string {
	t.Helper()
	var anchors strings.Builder
	for _, rr := range w.Anchors() {
		fmt.Fprintf(&anchors, " trust-anchor: %q\n", strings.ReplaceAll(rr.String(), "\t", " "))
	}
	for range 5 {
		if addr, ok := runUnbound(t, path, anchors.String(), zones); ok {
			return addr
		}
	}
	t.Fatal("Unbound does not answer")
	return ""
}

// freePort finds a port that is free for UDP and TCP right now.
func freePort(t *testing.T) (port int, ok bool) {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", tcp.Addr().String())
	if err != nil {
		return 0, false
	}
	defer udp.Close()
	return tcp.Addr().(*net.TCPAddr).Port, true
}

// runUnbound runs Unbound once. It reports false if Unbound ended or does not
// answer.
func runUnbound(t *testing.T, path, anchors, zones string) (addr string, ok bool) {
	t.Helper()
	port, ok := freePort(t)
	if !ok {
		return "", false
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "unbound.conf")
	text := fmt.Sprintf(`server:
 interface: 127.0.0.1
 port: %d
 directory: %q
 chroot: ""
 username: ""
 pidfile: ""
 use-syslog: no
 do-daemonize: no
 num-threads: 1
 do-not-query-localhost: no
 local-zone: "test." nodefault
 module-config: "validator iterator"
 val-override-date: "%s"
 trust-anchor-signaling: no
 qname-minimisation: no
 aggressive-nsec: no
 val-bogus-ttl: 0
%s
remote-control:
 control-enable: no
%s`, port, dir, now.Format("20060102150405"), anchors, zones)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	cmd := exec.Command(path, "-d", "-c", conf)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("Unbound:\n%s\n%s", text, log.String())
		}
	})
	m := new(dns.Msg)
	m.SetQuestion("localhost.", dns.TypeA)
	client := &dns.Client{Timeout: 200 * time.Millisecond}
	addr = fmt.Sprintf("127.0.0.1:%d", port)
	for range 50 {
		if _, _, err := client.Exchange(m, addr); err == nil {
			// Somebody else's answer at the same port would be no use.
			select {
			case <-ended:
				return "", false
			default:
				return addr, true
			}
		}
		select {
		case <-ended:
			return "", false
		case <-time.After(100 * time.Millisecond):
		}
	}
	return "", false
}

// TestVerifyZone lets ldns check whole zones: every signature, and the denial
// chains as such.
func TestVerifyZone(t *testing.T) {
	path := tool(t, "ldns-verify-zone")
	w := testWorld(t, now)
	for _, zone := range []string{".", "test", "nsec.test", "nsec3.test", "optout.test", "single.test", "rsa1.test", "rsa1n3.test", "rsa256.test", "rsa512.test", "p384.test", "ed25519.test"} {
		t.Run(zone, func(t *testing.T) {
			var text strings.Builder
			for _, rr := range w.SignedZone(zone) {
				fmt.Fprintln(&text, rr)
			}
			file := filepath.Join(t.TempDir(), "zone")
			if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), path, "-V", "3", "-t", now.Format("20060102150405"), file).CombinedOutput()
			if err != nil || !strings.Contains(string(out), "Zone is verified and complete") {
				t.Errorf("%v\n%s\n%s", err, out, text.String())
			}
		})
	}
}
