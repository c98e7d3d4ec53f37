package realmail_test

import (
	"bufio"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/tlshello"
)

// opinion is what somebody says of the TLS of a server.
type opinion struct {
	who         string
	connections int
	// versions are the answers; one that is missing was not told.
	versions map[string]bool
	suites   map[string][]tlshello.Suite // by version; of those in versions
	names    map[tlshello.Suite]string   // OpenSSL's
	groups   []string                    // of all versions; nil: not told
	dh       map[tlshello.Suite]string   // bits
	facts    map[string]string           // by the names in factsOf
}

// factsOf are ours, in words that others' can be compared with.
func factsOf(x *evidence.TLS) map[string]string {
	facts := map[string]string{
		"ems": x.ExtendedMasterSecret.String(), "secure": x.SecureRenegotiation.String(), "compression": x.Compression.String(),
		"tickets": x.Tickets.String(), "ocsp": x.OCSP.String(), "alpn": x.ALPN.String(), "weak groups": x.WeakGroups.String(),
		"renegotiation": x.ClientRenegotiation.String(), "early data": x.EarlyData.String(), "preference": x.Preference.String(),
	}
	if x.Renegotiations > 0 {
		facts["renegotiations"] = fmt.Sprint(x.Renegotiations)
	}
	if x.MaxEarlyData > 0 {
		facts["early data"] = fmt.Sprint(x.MaxEarlyData)
	}
	for _, h := range x.Hashes {
		facts[h.Hash] = h.Answer.String()
	}
	for _, c := range x.Certificates {
		facts[c.Kind] = c.Answer.String()
	}
	var versions, fields, export []string
	for _, v := range x.Versions {
		if v.Answer == evidence.Accepted {
			versions = append(versions, v.Version)
		}
		for _, s := range v.Suites {
			if s.DH != nil {
				fields = append(fields, strings.TrimSpace(fmt.Sprint(s.DH.Bits, " ", s.DH.Name)))
			}
			if s.RSABits > 0 {
				export = append(export, fmt.Sprint(s.RSABits))
			}
		}
	}
	facts["versions"] = strings.Join(versions, ", ")
	for name, list := range map[string][]string{"dh": fields, "temporary RSA": export} {
		slices.Sort(list)
		facts[name] = strings.Join(slices.Compact(list), ", ")
	}
	return facts
}

// sslscan asks sslscan.
func sslscan(t *testing.T, addr string) *opinion {
	t.Helper()
	r := newRelay(t, addr)
	out := outputWithin(t, 20*patience, []string{"OPENSSL_CONF=/dev/null"}, "", tool(t, "sslscan"), "--starttls-smtp", "--no-colour", "--no-heartbleed", "--xml=-", r.addr())
	var said struct {
		Protocols []struct {
			Type    string `xml:"type,attr"`
			Version string `xml:"version,attr"`
			Enabled int    `xml:"enabled,attr"`
		} `xml:"ssltest>protocol"`
		Renegotiation []struct {
			Supported int `xml:"supported,attr"`
			Secure    int `xml:"secure,attr"`
		} `xml:"ssltest>renegotiation"`
		Compression []struct {
			Supported int `xml:"supported,attr"`
		} `xml:"ssltest>compression"`
		Ciphers []struct {
			Version string `xml:"sslversion,attr"`
			Name    string `xml:"cipher,attr"`
			ID      string `xml:"id,attr"`
			DH      string `xml:"dhebits,attr"`
		} `xml:"ssltest>cipher"`
		Groups []struct {
			ID string `xml:"id,attr"`
		} `xml:"ssltest>group"`
		Keys []struct {
			Type string `xml:"type,attr"`
		} `xml:"ssltest>certificates>certificate>pk"`
	}
	if err := xml.Unmarshal([]byte(out), &said); err != nil || len(said.Protocols) == 0 {
		t.Fatalf("sslscan: %v\n%s", err, out)
	}
	o := newOpinion("sslscan", r)
	for _, p := range said.Protocols {
		o.versions[strings.ToUpper(p.Type)+" "+p.Version] = p.Enabled == 1
	}
	for old, name := range map[string]string{"SSL 2": "SSL 2.0", "SSL 3": "SSL 3.0"} {
		if yes, ok := o.versions[old]; ok {
			o.versions[name] = yes
			delete(o.versions, old)
		}
	}
	for _, c := range said.Ciphers {
		v := strings.Replace(strings.Replace(c.Version, "TLSv", "TLS ", 1), "SSLv3", "SSL 3.0", 1)
		s := o.add(t, v, c.ID)
		if o.names[s] = c.Name; c.DH != "" {
			o.dh[s] = c.DH
		}
	}
	for _, g := range said.Groups {
		o.groups = append(o.groups, tlshello.Group(number(t, g.ID)).String())
	}
	if len(said.Renegotiation) == 1 && said.Renegotiation[0].Supported == 1 { // else it may not have found out
		o.facts["secure"] = answered(said.Renegotiation[0].Secure == 1)
	}
	if len(said.Compression) == 1 {
		o.facts["compression"] = answered(said.Compression[0].Supported == 1)
	}
	t.Logf("sslscan: %d connections", o.connections)
	return o
}

func newOpinion(who string, r *relay) *opinion {
	return &opinion{
		who: who, connections: int(r.opened.Load()), versions: map[string]bool{}, suites: map[string][]tlshello.Suite{},
		names: map[tlshello.Suite]string{}, dh: map[tlshello.Suite]string{}, facts: map[string]string{},
	}
}

func (o *opinion) add(t *testing.T, version, id string) tlshello.Suite {
	t.Helper()
	s := tlshello.Suite(number(t, id))
	if !slices.Contains(o.suites[version], s) {
		o.suites[version] = append(o.suites[version], s)
	}
	return s
}

// number reads "0xC030" and "xc030".
func number(t *testing.T, hex string) uint16 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimPrefix(hex, "0"), "x"), 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(n)
}

func answered(yes bool) string {
	if yes {
		return evidence.Accepted.String()
	}
	return evidence.Refused.String()
}

var (
	testsslVersions = map[string]string{"SSLv2": "SSL 2.0", "SSLv3": "SSL 3.0", "TLS1": "TLS 1.0", "TLS1_1": "TLS 1.1", "TLS1_2": "TLS 1.2", "TLS1_3": "TLS 1.3"}
	testsslCipher   = regexp.MustCompile(`^cipher-(ssl2|ssl3|tls1|tls1_1|tls1_2|tls1_3)_(x[0-9a-f]+)$`)
	testsslDH       = regexp.MustCompile(` DH (\d+) `)
	testsslOffered  = regexp.MustCompile(`^(likely )?offered`)
)

// testssl asks testssl.sh for versions, suites, renegotiation and compression,
// and, as that takes long, with more for other things.
func testssl(t *testing.T, addr string, more ...string) *opinion {
	t.Helper()
	r := newRelay(t, addr)
	file := filepath.Join(t.TempDir(), "testssl.json")
	args := append([]string{"--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "-t", "smtp", "-p", "-E", "-R", "-C", "--jsonfile", file}, more...)
	text := outputWithin(t, 20*patience, []string{"OPENSSL_CONF=/dev/null"}, "", tool(t, "testssl"), append(args, r.addr())...)
	var said []struct{ ID, Finding string }
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &said)
	}
	if err != nil {
		t.Fatalf("testssl.sh: %v\n%s", err, text)
	}
	o := newOpinion("testssl.sh", r)
	for _, f := range said {
		if v, ok := testsslVersions[f.ID]; ok {
			o.versions[v] = testsslOffered.MatchString(f.Finding)
			continue
		}
		if m := testsslCipher.FindStringSubmatch(f.ID); m != nil && m[1] != "ssl2" {
			version := testsslVersions[strings.Replace(strings.Replace(m[1], "tls", "TLS", 1), "ssl", "SSLv", 1)]
			s := o.add(t, version, m[2])
			if m := testsslDH.FindStringSubmatch(f.Finding); m != nil {
				o.dh[s] = m[1]
			}
			continue
		}
		switch f.ID {
		case "secure_renego":
			o.facts["secure"] = answered(strings.HasPrefix(f.Finding, "supported"))
		case "secure_client_renego":
			o.facts["renegotiation"] = answered(!strings.HasPrefix(f.Finding, "not vulnerable"))
		case "TLS_extensions":
			o.facts["ems"] = answered(strings.Contains(f.Finding, "extended master secret"))
		case "cipher_order":
			o.facts["preference"] = evidence.PreferenceServer.String()
			if strings.HasPrefix(f.Finding, "NOT ") {
				o.facts["preference"] = evidence.PreferenceClient.String()
			}
		case "PFS_ECDHE_curves":
			o.groups = strings.Fields(strings.ToLower(strings.ReplaceAll(f.Finding, "prime256v1", "secp256r1")))
		case "CRIME_TLS":
			o.facts["compression"] = answered(!strings.HasPrefix(f.Finding, "not vulnerable"))
		case "OCSP_stapling":
			o.facts["ocsp"] = answered(!strings.Contains(f.Finding, "not offered"))
		}
	}
	if len(o.versions) < 5 {
		t.Fatalf("testssl.sh says little:\n%s", text)
	}
	t.Logf("testssl.sh: %d connections", o.connections)
	return o
}

// sClientArgs let OpenSSL's client speak all it knows.
var sClientArgs = []string{"s_client", "-starttls", "smtp", "-legacy_server_connect", "-cipher"}

var (
	sClientSuite = regexp.MustCompile(`(?m)^New, .*, Cipher is (\S+)$`)
	sClientHash  = regexp.MustCompile(`(?m)^Peer signing digest: (\S+)$`)
)

// opensslFacts asks OpenSSL's client for single facts, of the highest version
// below TLS 1.3, each with a connection of its own. Our own opinion says what
// can be asked.
func opensslFacts(t *testing.T, addr string, x *evidence.TLS, scan *opinion) *opinion {
	t.Helper()
	r := newRelay(t, addr)
	o := newOpinion("openssl", r)
	client := func(suites string, args ...string) (out, suite string) {
		args = slices.Concat(sClientArgs, []string{suites + ":@SECLEVEL=0", "-connect", r.addr()}, args)
		out = output(t, []string{"OPENSSL_CONF=/dev/null"}, "", tool(t, "openssl"), args...)
		if m := sClientSuite.FindStringSubmatch(out); m != nil && m[1] != "(NONE)" {
			suite = m[1]
		}
		return out, suite
	}
	out, suite := client("ALL:COMPLEMENTOFALL", "-no_tls1_3")
	if suite == "" {
		return o // it has nothing in common with the server below TLS 1.3
	}
	o.facts["secure"] = answered(!strings.Contains(out, "Secure Renegotiation IS NOT supported"))
	o.facts["compression"] = answered(!strings.Contains(out, "Compression: NONE"))
	o.facts["renegotiation"] = answered(renegotiates(t, r.addr()))
	if x.Version("TLS 1.2").Answer != evidence.Accepted {
		return o
	}
	o.facts["ems"] = answered(strings.Contains(out, "Extended master secret: yes"))
	if yes := strings.Contains(out, "TLS session ticket:"); yes || x.Version("TLS 1.3").Answer == evidence.Refused {
		o.facts["tickets"] = answered(yes) // those of TLS 1.3 are not asked for here
	}
	for _, hash := range []string{"SHA1", "SHA224"} {
		if !x.Hash(hash).Known() {
			continue
		}
		schemes := []string{"RSA+" + hash, "ECDSA+" + hash, "DSA+" + hash}
		out, suite := client("ECDHE:DHE:!aNULL", "-tls1_2", "-sigalgs", strings.Join(schemes, ":"))
		m := sClientHash.FindStringSubmatch(out)
		o.facts[hash] = answered(suite != "" && m != nil && m[1] == hash)
	}
	// Whose order decides shows if the same two suites are offered both ways.
	var two []string
	for _, s := range scan.suites["TLS 1.2"] {
		if name := scan.names[s]; !s.Traits().Anonymous() && len(two) < 2 {
			two = append(two, name)
		}
	}
	if len(two) == 2 {
		_, there := client(two[0]+":"+two[1], "-tls1_2")
		_, back := client(two[1]+":"+two[0], "-tls1_2")
		o.facts["preference"] = evidence.PreferenceClient.String()
		if there == back {
			o.facts["preference"] = evidence.PreferenceServer.String()
		}
	}
	return o
}

// renegotiates asks OpenSSL's client to renegotiate, and reports whether it
// could.
func renegotiates(t *testing.T, addr string) bool {
	t.Helper()
	args := slices.Concat(sClientArgs, []string{"ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-no_tls1_3", "-connect", addr})
	ctx, cancel := context.WithTimeout(t.Context(), patience/5) // it waits for an answer for ever
	defer cancel()
	cmd := exec.CommandContext(ctx, tool(t, "openssl"), args...)
	cmd.Env = append(os.Environ(), "OPENSSL_CONF=/dev/null")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	lines := bufio.NewScanner(out)
	asked, begun, done := false, false, false
	for lines.Scan() {
		line := lines.Text()
		said.WriteString(line + "\n")
		switch {
		case !asked && strings.Contains(line, "Extended master secret:"): // the last that it says of a handshake
			asked = true
			fmt.Fprint(in, "R\n")
		case strings.HasPrefix(line, "RENEGOTIATING"):
			begun = true
			fmt.Fprint(in, "EHLO client.example\r\n")
		case begun && (strings.HasPrefix(line, "250") || strings.Contains(line, "OLHE") || strings.HasPrefix(line, "EHLO")):
			done = true
			in.Close()
		}
	}
	in.Close()
	_ = cmd.Wait() // how it ended says nothing more
	if !asked {
		t.Fatalf("openssl s_client:\n%s", said.String())
	}
	return done && !strings.Contains(said.String(), "no renegotiation")
}
