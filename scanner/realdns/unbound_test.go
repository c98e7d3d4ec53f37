package realdns_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// unbound is one Unbound to be started.
type unbound struct {
	modules string // "validator iterator" or "iterator"
	server  string // further lines of the section server
	zones   string // further sections
	// tls makes lines for DNS over TLS at a port; nil: none.
	tls func(port int) string
}

// start runs it and returns its port, and that of DNS over TLS.
func (u unbound) start(t *testing.T) (port, tlsPort int) {
	t.Helper()
	path, dir := tool(t, "unbound"), folder(t)
	conf := filepath.Join(dir, "unbound.conf")
	port = program{
		name: "Unbound",
		configure: func(port int) []string {
			extra := u.server
			if u.tls != nil {
				tlsPort = freePort(t)
				extra += u.tls(tlsPort)
			}
			write(t, conf, fmt.Sprintf(`server:
 interface: %[2]s@%[3]d
 directory: %[1]q
 chroot: ""
 username: ""
 pidfile: ""
 use-syslog: no
 do-daemonize: no
 num-threads: 1
 access-control: 127.0.0.0/8 allow
 do-not-query-localhost: no
 do-ip6: no
 local-zone: "test." nodefault
 local-zone: "2.0.192.in-addr.arpa." nodefault
 local-zone: "8.b.d.0.1.0.0.2.ip6.arpa." nodefault
 module-config: %[4]q
 trust-anchor-signaling: no
%[5]s
remote-control:
 control-enable: no
%[6]s`, dir, loopback, port, u.modules, extra, u.zones))
			return []string{path, "-d", "-c", conf}
		},
		ready: func(addr string) error {
			m := new(dns.Msg)
			m.SetQuestion("localhost.", dns.TypeA) // it answers this by itself
			_, _, err := (&dns.Client{Timeout: 10 * pollTime}).Exchange(m, addr)
			return err
		},
	}.start(t)
	return port, tlsPort
}

// stubs tells Unbound the servers of all zones, as these are at ports that no
// NS record can give.
func (w *tree) stubs() string {
	var b strings.Builder
	for _, z := range w.zones {
		port := w.knot
		if z.signer == ldns {
			port = w.nsd
		}
		fmt.Fprintf(&b, "stub-zone:\n name: %q\n stub-addr: %s@%d\n", z.name, loopback, port)
	}
	return b.String()
}

// anchors are the lines that give Unbound the root's DS records.
func (w *tree) anchors() string {
	var b strings.Builder
	for line := range strings.Lines(w.anchor) {
		fmt.Fprintf(&b, " trust-anchor: %q\n", strings.Join(strings.Fields(line), " "))
	}
	return b.String()
}

// validating is a resolver of the tree that validates.
func (w *tree) validating() unbound {
	return unbound{modules: "validator iterator", server: w.anchors() + w.iterations(), zones: w.stubs()}
}

// iterations sets the NSEC3 iterations that Unbound takes to our own number,
// so that both have the same border. By itself it takes 150.
func (w *tree) iterations() string {
	return " val-nsec3-keysize-iterations: \"1024 100 2048 100 4096 100\"\n"
}
