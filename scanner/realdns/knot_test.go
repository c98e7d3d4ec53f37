package realdns_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// knotServer is Knot DNS, which signs what it serves. Keys are made with its
// keymgr before it starts, as the DS records have to be in the parent zones.
type knotServer struct {
	knotd, keymgr string
	dir           string
}

func newKnot(t *testing.T) *knotServer {
	return &knotServer{knotd: tool(t, "knotd"), keymgr: tool(t, "keymgr"), dir: folder(t)}
}

func (k *knotServer) conf() string { return filepath.Join(k.dir, "knot.conf") }

// file is the name of a zone's file or policy.
func file(z *zone) string {
	if z.name == "." {
		return "root"
	}
	return z.name
}

// configure writes the configuration.
func (k *knotServer) configure(t *testing.T, w *tree, port int) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `server:
    rundir: %[1]q
    listen: %[2]s@%[3]d
    udp-workers: 1
    tcp-workers: 2
    background-workers: 1
log:
  - target: stderr
    any: warning
database:
    storage: %[4]q
    journal-db-max-size: 16M
    kasp-db-max-size: 16M
    timer-db-max-size: 16M
template:
  - id: default
    storage: %[1]q
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
policy:
`, k.dir, loopback, port, filepath.Join(k.dir, "db"))
	for _, z := range w.by(knot) {
		fmt.Fprintf(&b, "  - id: %s\n    manual: on\n    algorithm: %s\n    single-type-signing: %s\n", file(z), z.algorithm, onOff(!z.split))
		for line := range strings.Lines(z.policy) {
			fmt.Fprintf(&b, "    %s\n", strings.TrimSpace(line))
		}
	}
	b.WriteString("zone:\n")
	for _, z := range w.by(nobody, knot) {
		fmt.Fprintf(&b, "  - domain: %q\n    file: %s.zone\n", z.name, file(z))
		if z.signer == knot {
			fmt.Fprintf(&b, "    dnssec-signing: on\n    dnssec-policy: %s\n", file(z))
		}
	}
	write(t, k.conf(), b.String())
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// keys makes the keys of Knot's zones.
func (k *knotServer) keys(t *testing.T, w *tree) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(k.dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	k.configure(t, w, freePort(t))
	for _, z := range w.by(knot) {
		generate := func(args ...string) {
			args = append([]string{"-c", k.conf(), z.name, "generate", "algorithm=" + z.algorithm}, args...)
			command(t, k.dir, k.keymgr, args...)
		}
		if z.split {
			generate("ksk=yes", "zsk=no")
			generate("ksk=no", "zsk=yes")
		} else {
			generate("ksk=yes", "zsk=yes")
		}
		z.ds = readDS(t, command(t, k.dir, k.keymgr, "-c", k.conf(), z.name, "ds"))
	}
}

// start writes the zones, whose DS records must all be known, and serves them.
func (k *knotServer) start(t *testing.T, w *tree) int {
	t.Helper()
	own := w.by(nobody, knot)
	for _, z := range own {
		write(t, filepath.Join(k.dir, file(z)+".zone"), w.source(z))
	}
	return program{
		name: "Knot",
		configure: func(port int) []string {
			k.configure(t, w, port)
			return []string{k.knotd, "-c", k.conf()}
		},
		ready: serves(own),
	}.start(t)
}
