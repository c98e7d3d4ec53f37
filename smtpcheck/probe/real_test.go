package probe_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/smtptest"
)

// needs finds a program, or skips the test.
func needs(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("MAILVET_REAL") != "" {
			t.Fatalf("%s is not installed", name)
		}
		t.Skipf("needs %s", name)
	}
	return path
}

// pemOf writes certificate and key into one file.
func pemOf(t testing.TB, key smtptest.Key) string {
	t.Helper()
	c := ca.Issue(smtptest.Leaf{Names: []string{"mx.example.test"}, Key: key})
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	b := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	for _, cert := range c.Certificate {
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})...)
	}
	file := filepath.Join(t.TempDir(), fmt.Sprintf("key%d.pem", key))
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// behind starts a TLS server of others, as [smtptest.Launch] does, and returns a
// dialer for a mail server that hands its connections to it at STARTTLS.
func behind(t testing.TB, program string, args ...string) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	p, err := smtptest.Launch(needs(t, program), []string{"OPENSSL_CONF=/dev/null"}, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.Stop(); t.Failed() {
			t.Log(p.Said())
		}
	})
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		client, server := smtptest.Pipe()
		go front(server, p.Addr)
		return client, nil
	}
}

// front is a mail server up to STARTTLS; then address takes over.
func front(conn net.Conn, address string) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	fmt.Fprint(conn, "220 mx.example.test ESMTP\r\n")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch {
		case strings.HasPrefix(line, "EHLO"):
			fmt.Fprint(conn, "250-mx.example.test\r\n250 STARTTLS\r\n")
		case strings.HasPrefix(line, "STARTTLS"):
			back, err := net.Dial("tcp", address)
			if err != nil {
				return
			}
			defer back.Close()
			fmt.Fprint(conn, "220 go\r\n")
			go func() {
				_, _ = io.Copy(back, r)
				back.Close()
			}()
			_, _ = io.Copy(conn, back)
			return
		}
	}
}

func gradeBehind(t testing.TB, dial func(context.Context, string, string) (net.Conn, error), change func(*probe.Prober)) probe.Result {
	t.Helper()
	p := &probe.Prober{
		Dial: dial, Helo: "scanner.example", Roots: ca.Pool(), AllowPrivate: true, Timeout: 2 * time.Second, Backoff: 50 * time.Millisecond,
		Now: func() time.Time { return now },
	}
	if change != nil {
		change(p)
	}
	r, err := p.Probe(t.Context(), "mx.example.test", netip.MustParseAddr("192.0.2.25"))
	if err != nil {
		t.Fatal(err)
	}
	p.Wait()
	return r
}

// summary is what was found out, in a few lines.
func summary(r probe.Result) string {
	x := r.Session.TLS
	if x == nil {
		return "no plan"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "connections %d complete %v", r.Opened, x.Complete)
	if x.Stopped != nil {
		fmt.Fprintf(&b, " stopped %v", x.Stopped)
	}
	b.WriteString("\n")
	for _, v := range x.Versions {
		fmt.Fprintf(&b, "%s %v %s", v.Version, v.Answer, v.Reason)
		for _, s := range v.Suites {
			fmt.Fprintf(&b, " %s/%s", strings.TrimPrefix(s.Name, "TLS_"), s.Group)
			if s.DH != nil {
				fmt.Fprintf(&b, "/%d:%s", s.DH.Bits, s.DH.Name)
			}
		}
		if !v.SuitesComplete {
			b.WriteString(" ...")
		}
		if v.Answer == evidence.Accepted && !v.GroupsComplete {
			b.WriteString(" groups ...")
		}
		b.WriteString("\n")
	}
	for _, g := range x.Groups {
		fmt.Fprintf(&b, "group %s %v %v told %v passed over %v\n", g.Name, g.Answer, g.Versions, g.Told, g.PassedOver)
	}
	for _, h := range x.Hashes {
		fmt.Fprintf(&b, "hash %s %v\n", h.Hash, h.Answer)
	}
	for _, c := range x.Certificates {
		fmt.Fprintf(&b, "certificate %s %v\n", c.Kind, c.Answer)
	}
	fmt.Fprintf(&b, "weak groups %v, preference %v, EMS %v, secure %v, client %v %d, compression %v, early %v %d, tickets %v, ocsp %v, alpn %v\n",
		x.WeakGroups, x.Preference, x.ExtendedMasterSecret, x.SecureRenegotiation, x.ClientRenegotiation, x.Renegotiations,
		x.Compression, x.EarlyData, x.MaxEarlyData, x.Tickets, x.OCSP, x.ALPN)
	for _, a := range x.Asked {
		fmt.Fprintf(&b, "  %s %s: %v %s %s %s", a.Question, a.Version, a.Answer, a.ChosenIn, a.Chosen, a.Group+a.Alert)
		if a.Told != nil {
			fmt.Fprintf(&b, " told %v", a.Told)
		}
		if a.Failure != nil {
			b.WriteString(a.Failure.Error())
		}
		b.WriteString("\n")
	}
	return b.String()
}

// suitesOf lists the accepted suites of a version, sorted and without "TLS_".
func suitesOf(x *evidence.TLS, version string) string {
	var list []string
	for _, s := range x.Version(version).Suites {
		list = append(list, strings.TrimPrefix(s.Name, "TLS_"))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// TestOpenSSL: what OpenSSL was told to accept is what is found.
func TestOpenSSL(t *testing.T) {
	const (
		three = "ECDHE_RSA_WITH_AES_128_GCM_SHA256 ECDHE_RSA_WITH_AES_256_GCM_SHA384 ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
		all13 = "AES_128_GCM_SHA256 AES_256_GCM_SHA384 CHACHA20_POLY1305_SHA256"
		cbc   = "ECDHE_RSA_WITH_AES_128_CBC_SHA RSA_WITH_AES_128_CBC_SHA RSA_WITH_AES_256_CBC_SHA"
	)
	rsa, ecdsa := pemOf(t, smtptest.RSA2048), pemOf(t, smtptest.P256)
	for _, test := range []struct {
		name                string
		args                []string
		tls13, tls12, tls11 string
		most                int
		renegotiations      int
		early               uint32
		sha1, ecdsa         evidence.Answer
		order               evidence.Preference
	}{
		{name: "sound", args: []string{"-no_tls1", "-no_tls1_1", "-cipher", "ECDHE+AESGCM:ECDHE+CHACHA20"}, tls13: all13, tls12: three, most: 12, sha1: evidence.Refused, ecdsa: evidence.Refused},
		{name: "sound, its own order", args: []string{"-no_tls1", "-no_tls1_1", "-serverpref", "-cipher", "ECDHE+AESGCM:ECDHE+CHACHA20"}, tls13: all13, tls12: three, most: 12, sha1: evidence.Refused, ecdsa: evidence.Refused},
		{name: "both certificates", args: []string{"-cipher", "ECDHE+AESGCM", "-tls1_2", "-dcert", ecdsa, "-dkey", ecdsa},
			tls12: "ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 ECDHE_RSA_WITH_AES_128_GCM_SHA256 ECDHE_RSA_WITH_AES_256_GCM_SHA384",
			most:  14, sha1: evidence.Refused, ecdsa: evidence.Accepted, order: evidence.PreferenceClient},
		{name: "TLS 1.3 alone, with 0-RTT", args: []string{"-tls1_3", "-early_data", "-max_early_data", "16384"}, tls13: all13, most: 12, early: 16384, sha1: evidence.NotAskable, ecdsa: evidence.Refused},
		{name: "old suites", args: []string{"-no_tls1_3", "-cipher", "AES128-SHA:AES256-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"},
			tls12: "ECDHE_RSA_WITH_AES_128_CBC_SHA ECDHE_RSA_WITH_AES_128_GCM_SHA256 RSA_WITH_AES_128_CBC_SHA RSA_WITH_AES_256_CBC_SHA", tls11: cbc, most: 24, sha1: evidence.Accepted, ecdsa: evidence.Refused},
		{name: "DHE alone, which crypto/tls cannot speak", args: []string{"-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0", "-client_renegotiation"},
			tls12: "DHE_RSA_WITH_AES_256_GCM_SHA384", most: 14, renegotiations: evidence.MaxRenegotiations, sha1: evidence.Accepted, ecdsa: evidence.Refused},
		{name: "renegotiates", args: []string{"-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305", "-client_renegotiation"},
			tls12: "ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", most: 12, renegotiations: evidence.MaxRenegotiations, sha1: evidence.Refused, ecdsa: evidence.Refused},
		{name: "renegotiates with CBC in TLS 1.1", args: []string{"-tls1_1", "-cipher", "AES256-SHA:@SECLEVEL=0", "-client_renegotiation"},
			tls11: "RSA_WITH_AES_256_CBC_SHA", most: 14, renegotiations: evidence.MaxRenegotiations, sha1: evidence.NotAskable, ecdsa: evidence.Refused},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"s_server", "-quiet", "-naccept", "200", "-accept", "ADDRESS:PORT", "-cert", rsa, "-key", rsa}, test.args...)
			r := gradeBehind(t, behind(t, "openssl", args...), nil)
			x := r.Session.TLS
			if x == nil || !x.Complete || r.Opened > test.most || x.Renegotiations != test.renegotiations || x.MaxEarlyData != test.early ||
				x.Hash("SHA1") != test.sha1 || x.Certificates[1].Answer != test.ecdsa || test.order != 0 && x.Preference != test.order {
				t.Fatalf("not as wanted: %s", summary(r))
			}
			for version, want := range map[string]string{"TLS 1.3": test.tls13, "TLS 1.2": test.tls12, "TLS 1.1": test.tls11} {
				answer := evidence.Refused
				if want != "" {
					answer = evidence.Accepted
				}
				if got := suitesOf(x, version); got != want || x.Version(version).Answer != answer {
					t.Errorf("%s is %v with %s, want %s", version, x.Version(version).Answer, got, want)
				}
			}
			if h := r.Session.Handshake; !h.Complete || h.Chain == "" || r.Session.Failure != nil && r.Session.Failure.Op == evidence.OpHandshake {
				t.Errorf("the handshake of the session: %+v, %v", h, r.Session.Failure)
			}
			t.Logf("%d connections", r.Opened)
		})
	}
}
