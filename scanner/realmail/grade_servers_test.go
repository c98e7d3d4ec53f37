package realmail_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"mailvet/smtpcheck/smtptest"
)

// relay forwards connections to a server and counts them, so that what each
// tool costs a server can be told.
type relay struct {
	l       net.Listener
	opened  atomic.Int64
	running sync.WaitGroup
}

// newRelay listens at an address of the loopback interface until the test ends.
func newRelay(t testing.TB, target string) *relay {
	t.Helper()
	return serveTCP(t, func(r *relay, client net.Conn) {
		r.opened.Add(1)
		server, err := net.Dial("tcp", target)
		if err != nil {
			return
		}
		defer server.Close()
		join(client, client, server)
	})
}

// serveTCP serves connections until the test ends.
func serveTCP(t testing.TB, serve func(*relay, net.Conn)) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{l: l}
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	r.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			mu.Unlock()
			r.running.Go(func() {
				defer func() {
					conn.Close()
					mu.Lock()
					delete(open, conn)
					mu.Unlock()
				}()
				serve(r, conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for conn := range open {
			conn.Close()
		}
		mu.Unlock()
		r.running.Wait()
	})
	return r
}

func (r *relay) addr() string { return r.l.Addr().String() }

// join copies between a client, whose octets are read from in, and a server
// until both are done. The end of one direction is passed on.
func join(client net.Conn, in io.Reader, server net.Conn) {
	var back sync.WaitGroup
	back.Go(func() {
		_, err := io.Copy(client, server)
		passOn(client, err)
	})
	_, err := io.Copy(server, in)
	passOn(server, err)
	back.Wait()
}

func passOn(to net.Conn, err error) {
	if err != nil {
		if tcp, ok := to.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, as it came
		}
		to.Close()
		return
	}
	if tcp, ok := to.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // may be closed already
	}
}

// behindFront starts a TLS server without SMTP, with where it listens as the
// argument ADDRESS:PORT, or PORT alone, behind a mail server that hands
// connections to it at STARTTLS. It returns the mail server's address.
func behindFront(t testing.TB, program string, args []string) string {
	t.Helper()
	path := tool(t, program)
	const tries = 5
	for range tries {
		host := smtptest.Loopback()
		port, err := freePort([]string{host})
		if err != nil {
			t.Fatal(err)
		}
		target := net.JoinHostPort(host, fmt.Sprint(port))
		cmd := exec.Command(path)
		for _, arg := range args {
			cmd.Args = append(cmd.Args, strings.NewReplacer("ADDRESS", host, "PORT", fmt.Sprint(port)).Replace(arg))
		}
		cmd.Env = append(os.Environ(), "OPENSSL_CONF=/dev/null") // the system's has limits of its own
		server, _ := background(t, cmd)
		up := false
		poll(func() bool {
			if conn, err := net.Dial("tcp", target); err == nil {
				conn.Close()
				up = true
			}
			return up || server.ended()
		})
		if up && !server.ended() {
			return serveTCP(t, func(_ *relay, client net.Conn) { front(client, target) }).addr()
		}
	}
	t.Fatalf("%s does not listen", program)
	return ""
}

// background runs a program until the test ends, and returns what it says.
func background(t testing.TB, cmd *exec.Cmd) (*process, *bufio.Reader) {
	t.Helper()
	in, own, err := os.Pipe() // s_server ends when its input does
	if err != nil {
		t.Fatal(err)
	}
	out, said, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	complaints, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, said, complaints
	p, err := start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	in.Close()
	said.Close()
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
		own.Close()
		out.Close()
		complaints.Close()
		if t.Failed() {
			t.Logf("%v:\n%s", cmd.Args, linesWith(complaints.Name(), ""))
		}
	})
	return p, bufio.NewReader(out)
}

// front is a mail server up to STARTTLS; then the one at target takes over.
func front(conn net.Conn, target string) {
	r := bufio.NewReader(conn)
	fmt.Fprint(conn, "220 mx.example.test ESMTP\r\n")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " ")
		switch verb {
		case "EHLO":
			fmt.Fprint(conn, "250-mx.example.test\r\n250 STARTTLS\r\n")
		case "STARTTLS":
			back, err := net.Dial("tcp", target)
			if err != nil {
				return
			}
			defer back.Close()
			fmt.Fprint(conn, "220 go\r\n")
			join(conn, r, back)
			return
		case "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return
		default:
			fmt.Fprint(conn, "500 what?\r\n")
		}
	}
}

// startJava runs the mail server in testdata with Java's TLS.
func startJava(t testing.TB, ca *smtptest.CA, c *tlsCase) string {
	t.Helper()
	java := tool(t, "java")
	dir := t.TempDir()
	file := filepath.Join(dir, "cert.pem")
	write(t, file, pemOf(t, ca.Issue(c.leaf())))
	store := filepath.Join(dir, "cert.p12")
	output(t, nil, "", tool(t, "openssl"), "pkcs12", "-export", "-in", file, "-out", store, "-passout", "pass:mailvet", "-name", "mx")
	_, said := background(t, exec.Command(java, "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Djdk.tls.rejectClientInitiatedRenegotiation="+fmt.Sprint(c.args[0] == "no"),
		"testdata/Server.java", store, c.args[1], c.args[2]))
	line, err := said.ReadString('\n')
	if err != nil {
		missing(t, "Java that compiles a file (openjdk-17-jdk-headless): %v", err)
	}
	return net.JoinHostPort("127.0.0.1", strings.TrimSpace(line))
}

// startGo is a mail server with crypto/tls.
func startGo(t testing.TB, ca *smtptest.CA, c *tlsCase) string {
	t.Helper()
	certs := []tls.Certificate{ca.Issue(c.leaf())}
	if c.second != nil {
		certs = append(certs, ca.Issue(*c.second))
	}
	config := c.config.Clone()
	config.Certificates = certs
	l, err := (&smtptest.Server{TLS: config}).Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// startRaw is s_server or gnutls-serv with the case's certificates and
// arguments.
func startRaw(t testing.TB, ca *smtptest.CA, c *tlsCase) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "cert.pem")
	write(t, file, pemOf(t, ca.Issue(c.leaf())))
	args := []string{"s_server", "-quiet", "-accept", "ADDRESS:PORT", "-cert", file, "-key", file, "-cert_chain", file}
	program := "openssl"
	if c.server == "gnutls-serv" {
		program, args = c.server, []string{"--quiet", "--echo", "--port=PORT", "--x509certfile=" + file, "--x509keyfile=" + file}
	}
	if program == "openssl" && !c.mute {
		args = append(args, "-rev") // each line is answered with itself in reverse
	}
	for _, file := range c.files {
		write(t, filepath.Join(dir, file.name), file.text)
	}
	if c.make != nil {
		c.make(t, dir)
	}
	for _, arg := range c.args {
		args = append(args, strings.ReplaceAll(arg, "DIR", dir))
	}
	return behindFront(t, program, args)
}

// startHosts starts a mail server at an address for each of the cases that are
// for it, and returns the addresses by label.
func startHosts(t testing.TB, m mailServer, ca *smtptest.CA, network byte) map[string]string {
	t.Helper()
	var hosts []*host
	for i := range tlsCases {
		if c := &tlsCases[i]; c.server == m.name() {
			domain := c.label + ".test"
			hosts = append(hosts, &host{c.testCase, domain, "mx." + domain, netip.AddrFrom4([4]byte{127, network, 25, byte(1 + i)})})
		}
	}
	port := begin(t, m, ca, hosts)
	addrs := map[string]string{}
	for _, h := range hosts {
		addrs[h.label] = netip.AddrPortFrom(h.addr, uint16(port)).String()
	}
	return addrs
}

func (c *tlsCase) leaf() smtptest.Leaf {
	l := c.cert
	if l.Names == nil {
		l.Names = []string{"mx.example.test"}
	}
	return l
}

// makeDSA makes a certificate with a DSA key, which Go cannot.
func makeDSA(t testing.TB, dir string) {
	t.Helper()
	openssl := tool(t, "openssl")
	file := filepath.Join(dir, "dsa.pem")
	output(t, nil, "", openssl, "dsaparam", "-out", file, "-genkey", "1024")
	cert := filepath.Join(dir, "dsacert.pem")
	output(t, nil, "", openssl, "req", "-x509", "-new", "-key", file, "-subj", "/CN=mx.example.test", "-days", "2", "-out", cert)
}
