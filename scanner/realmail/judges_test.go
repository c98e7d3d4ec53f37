package realmail_test

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// secondOpinion is other people's clients, for the servers of one test.
type secondOpinion struct {
	finger, openssl, gnutls, unshare string

	port   int
	config string // folder with a main.cf for posttls-finger
	resolv string // file in the form of resolv.conf
}

// judges makes clients ready. posttls-finger looks names up as the system
// does, so it runs with another resolv.conf.
func judges(t *testing.T, n *names, port int) *secondOpinion {
	t.Helper()
	j := &secondOpinion{
		finger: tool(t, "posttls-finger"), openssl: tool(t, "openssl"), gnutls: tool(t, "gnutls-cli"), unshare: tool(t, "unshare"),
		port: port, config: folder(t),
	}
	j.resolv = filepath.Join(j.config, "resolv.conf")
	write(t, j.resolv, fmt.Sprintf("nameserver %v\noptions trust-ad timeout:5 attempts:3\n", n.resolver))
	write(t, filepath.Join(j.config, "main.cf"), "compatibility_level = 3.6\nmyhostname = client.example\ninet_protocols = ipv4\n")
	if out := j.inside(t, "cat", "/etc/resolv.conf"); !strings.Contains(out, n.resolver.String()) {
		missing(t, "a mount namespace: %s", out)
	}
	return j
}

// inside runs a program where /etc/resolv.conf is ours. The mount is in a
// namespace that nobody else sees, and gone with the program.
func (j *secondOpinion) inside(t *testing.T, args ...string) string {
	t.Helper()
	const script = `mount --bind "$0" /etc/resolv.conf && exec "$@"`
	return output(t, []string{"MAIL_CONFIG=" + j.config}, "", j.unshare, append([]string{"--mount", "sh", "-c", script, j.resolv}, args...)...)
}

// second compares what the scan found with what others find.
func (j *secondOpinion) second(t *testing.T, h *host, found map[string]check.Finding, snap *evidence.Snapshot, s *evidence.Session) {
	t.Helper()
	out := j.inside(t, j.finger, "-L", "routine,certmatch,verbose", "-C", "-l", "dane", fmt.Sprintf("%s:%d", h.domain, j.port))
	said := readFinger(out)
	t.Logf("posttls-finger: %+v", said)
	said.compare(t, found)
	if t.Failed() {
		t.Logf("posttls-finger:\n%s", out)
	}
	if s.Handshake == nil || !s.Handshake.Complete {
		return
	}
	_, chain := snap.Chain(s.Handshake.Chain)
	for client, out := range map[string]string{"posttls-finger": out, "openssl": j.sclient(t, h), "gnutls-cli": j.gnutlsCLI(t, h)} {
		if client == "posttls-finger" && said.contact == contactLookup {
			continue // it did not connect
		}
		if theirs := certificates(out); !slices.EqualFunc(theirs, chain, bytes.Equal) {
			t.Errorf("%s sees a chain of %d certificates that is not ours of %d\n%s", client, len(theirs), len(chain), out)
		}
	}
}

func (j *secondOpinion) sclient(t *testing.T, h *host) string {
	t.Helper()
	return output(t, nil, "", j.openssl, "s_client", "-starttls", "smtp", "-connect", netip.AddrPortFrom(h.addr, uint16(j.port)).String(), "-servername", h.name, "-showcerts")
}

func (j *secondOpinion) gnutlsCLI(t *testing.T, h *host) string {
	t.Helper()
	// At the end of its input it would wait for the server to close.
	return output(t, nil, "QUIT\r\n", j.gnutls, "--starttls-proto=smtp", fmt.Sprintf("--port=%d", j.port), "--sni-hostname="+h.name, "--insecure", "--print-cert", h.addr.String())
}

// certificates are those of all PEM blocks in a text, in their order.
func certificates(text string) [][]byte {
	var list [][]byte
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return list
		}
		if block.Type == "CERTIFICATE" {
			list = append(list, block.Bytes)
		}
	}
}

// contact is how far posttls-finger came with a server.
type contact string

const (
	contactNone       contact = "none"
	contactLookup     contact = "TLSA lookup failed"
	contactTemporary  contact = "temporary refusal"
	contactNoSTARTTLS contact = "no STARTTLS"
	contactNoTLS      contact = "no handshake"
	contactTLS        contact = "TLS"
)

// fingerprint is what posttls-finger says of a domain's mail server.
type fingerprint struct {
	contact  contact
	records  int    // secure TLSA records of usage 2 or 3
	verified bool   // by them, for no roots are given to it
	reason   string // why not
}

var (
	fingerRecord = regexp.MustCompile(`(?m)^posttls-finger: DNSSEC-signed TLSA record: _\d+\._tcp\.\S+: [23] `)
	fingerTLS    = regexp.MustCompile(`(?m)^posttls-finger: (\w+) TLS connection established to `)
	fingerReason = regexp.MustCompile(`(?m)^posttls-finger: (?:(?:server |CA )?certificate verification failed for \S+ (.*)|warning: \S+ (all TLSA records unusable).*)$`)
	fingerOffers = regexp.MustCompile(`(?m)^posttls-finger: < 250[- ]STARTTLS$`)
	fingerHello  = regexp.MustCompile(`(?m)^posttls-finger: < 250 `)
	fingerPutOff = regexp.MustCompile(`(?m)^posttls-finger: (?:SMTP service not available|STARTTLS rejected): 4\d\d `)
)

func readFinger(out string) fingerprint {
	f := fingerprint{contact: contactNone, records: len(fingerRecord.FindAllString(out, -1))}
	for _, m := range fingerReason.FindAllStringSubmatch(out, -1) {
		if f.reason == "" {
			f.reason = m[1] + m[2]
		}
	}
	m := fingerTLS.FindStringSubmatch(out)
	switch {
	case m != nil:
		f.contact, f.verified = contactTLS, m[1] == "Verified"
	case strings.Contains(out, "TLSA lookup error for "):
		f.contact = contactLookup
	case fingerPutOff.MatchString(out):
		f.contact = contactTemporary
	case strings.Contains(out, "SSL_connect error to "):
		f.contact = contactNoTLS
	case fingerHello.MatchString(out) && !fingerOffers.MatchString(out):
		f.contact = contactNoSTARTTLS
	}
	return f
}

// fingerContacts are how far posttls-finger may come, by what starttls-exists
// finds. It has finite-field DHE, which the scanner has not.
var fingerContacts = map[string][]contact{
	"good":              {contactTLS},
	"not-offered":       {contactNoSTARTTLS},
	"temporary":         {contactTemporary},
	"handshake-unknown": {contactNoTLS, contactTLS},
}

// fingerReasons are the words of posttls-finger for what dane-valid finds.
var fingerReasons = map[string]string{
	"mismatch": "no matching DANE TLSA records", "mismatch-date": "certificate has expired", "mismatch-name": "hostname mismatch",
	"unusable": "all TLSA records unusable",
}

// compare holds the findings against it: is there DANE, and does it verify?
func (f fingerprint) compare(t *testing.T, found map[string]check.Finding) {
	t.Helper()
	starttls, exists, valid := found["starttls-exists"].Code, found["dane-exists"].Code, found["dane-valid"].Code
	if exists.Name == "lookup-failed" {
		// RFC 7672, Section 2.2: the sender defers, and does not connect.
		if f.contact != contactLookup {
			t.Errorf("dane-exists is %s, posttls-finger comes to %s", exists.Name, f.contact)
		}
		return
	}
	if want := fingerContacts[starttls.Name]; !slices.Contains(want, f.contact) {
		t.Errorf("starttls-exists is %s, posttls-finger comes to %q, want %q", starttls.Name, f.contact, want)
	}
	if has := slices.Contains([]string{"found", "host-failed-with-records", "host-unknown-with-records"}, exists.Name); has != (f.records > 0) {
		t.Errorf("dane-exists is %s, posttls-finger finds %d records", exists.Name, f.records)
	}
	if starttls.Outcome != check.Pass {
		return
	}
	if f.verified != (valid.Outcome == check.Pass) {
		t.Errorf("dane-valid is %s, posttls-finger verifies: %v (%s)", valid.Name, f.verified, f.reason)
	}
	if want := fingerReasons[valid.Name]; !strings.Contains(f.reason, want) {
		t.Errorf("dane-valid is %s, posttls-finger says %q, want %q", valid.Name, f.reason, want)
	}
}
