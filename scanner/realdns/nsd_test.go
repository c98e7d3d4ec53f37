package realdns_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// nsdServer is NSD with zones that ldns signs once: these can be changed after
// they were signed, or be signed for a time that is not now.
type nsdServer struct {
	nsd, keygen, signzone string
	dir                   string
	bases                 map[*zone]string // of the files of the key
}

func newNSD(t *testing.T) *nsdServer {
	return &nsdServer{
		nsd: tool(t, "nsd"), keygen: tool(t, "ldns-keygen"), signzone: tool(t, "ldns-signzone"),
		dir: folder(t), bases: map[*zone]string{},
	}
}

// keys makes one key for each zone.
func (n *nsdServer) keys(t *testing.T, w *tree) {
	t.Helper()
	for _, z := range w.by(ldns) {
		base := strings.TrimSpace(command(t, n.dir, n.keygen, "-k", "-a", z.algorithm, "-b", "2048", z.name))
		text, err := os.ReadFile(filepath.Join(n.dir, base+".ds"))
		if err != nil {
			t.Fatal(err)
		}
		n.bases[z], z.ds = base, readDS(t, string(text))
		if z.revoke != 0 {
			n.revoke(t, z)
		}
	}
}

// revoke revokes the zone's key (RFC 5011, Section 2.1), which changes its tag.
func (n *nsdServer) revoke(t *testing.T, z *zone) {
	t.Helper()
	file := n.bases[z] + ".key"
	command(t, n.dir, tool(t, "ldns-revoke"), file)
	if z.revoke == keyOnly {
		return
	}
	text, err := os.ReadFile(filepath.Join(n.dir, file))
	if err != nil {
		t.Fatal(err)
	}
	rr, err := dns.NewRR(string(text))
	if err != nil {
		t.Fatal(err)
	}
	z.ds = []*dns.DS{rr.(*dns.DNSKEY).ToDS(dns.SHA256)}
}

const day = 24 * time.Hour

// ldnsTime is a time from now as ldns-signzone reads it.
func ldnsTime(d time.Duration) string { return time.Now().Add(d).UTC().Format("20060102150405") }

// sign writes the signed zone.
func (n *nsdServer) sign(t *testing.T, w *tree, z *zone) {
	t.Helper()
	source, signed := filepath.Join(n.dir, z.name+".source"), filepath.Join(n.dir, z.name+".zone")
	write(t, source, w.source(z))
	args := append([]string{"-o", z.name, "-f", signed, "-i", ldnsTime(-time.Hour), "-e", ldnsTime(30 * day)}, z.args...)
	command(t, n.dir, n.signzone, append(args, source, n.bases[z])...)
	if z.edit == nil {
		return
	}
	text, err := os.ReadFile(signed)
	if err != nil {
		t.Fatal(err)
	}
	var edited strings.Builder
	for line := range strings.Lines(string(text)) {
		edited.WriteString(z.edit(line))
	}
	if edited.String() == string(text) {
		t.Fatalf("zone %s is not changed by what was to change it:\n%s", z.name, text)
	}
	write(t, signed, edited.String())
}

// start signs the zones and serves them.
func (n *nsdServer) start(t *testing.T, w *tree) int {
	t.Helper()
	own := w.by(ldns)
	for _, z := range own {
		n.sign(t, w, z)
	}
	conf := filepath.Join(n.dir, "nsd.conf")
	return program{
		name: "NSD",
		configure: func(port int) []string {
			var b strings.Builder
			fmt.Fprintf(&b, `server:
 ip-address: %[2]s@%[3]d
 port: %[3]d
 server-count: 1
 username: ""
 chroot: ""
 database: ""
 zonesdir: %[1]q
 zonelistfile: "%[1]s/zone.list"
 xfrdfile: "%[1]s/xfrd.state"
 xfrdir: %[1]q
 pidfile: "%[1]s/nsd.pid"
 verbosity: 0
 hide-version: yes
 rrl-ratelimit: 0
remote-control:
 control-enable: no
`, n.dir, loopback, port)
			for _, z := range own {
				fmt.Fprintf(&b, "zone:\n name: %s\n zonefile: %s.zone\n", z.name, z.name)
			}
			write(t, conf, b.String())
			return []string{n.nsd, "-d", "-c", conf}
		},
		ready: serves(own),
	}.start(t)
}
