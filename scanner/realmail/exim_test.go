package realmail_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/smtptest"
)

// eximConfig: what differs between the cases is looked up by the address that
// was connected to.
const eximConfig = `primary_hostname = mx.exim.test
spool_directory = DIR/spool
log_file_path = DIR/spool/%slog
pid_file_path = DIR/spool/pid
log_selector = +incoming_interface +smtp_no_mail +tls_cipher
local_interfaces = <; ADDRS
daemon_smtp_ports = PORT
daemon_startup_retries = 0
host_lookup =
rfc1413_hosts =
keep_environment =
smtp_accept_max = 0
tls_certificate = ${lookup{$received_ip_address}lsearch{DIR/chains}}
tls_advertise_hosts = ${lookup{$received_ip_address}lsearch{DIR/plain}{}{*}}
tls_require_ciphers = ${lookup{$received_ip_address}lsearch{DIR/priorities}{$value}{NORMAL}}
acl_smtp_connect = connect

begin acl

connect:
  defer condition = ${lookup{$received_ip_address}lsearch{DIR/later}{yes}{no}}
        message = 450 4.7.1 come back later
  accept
`

// eximPriorities are GnuTLS's for a mode.
var eximPriorities = map[mode]string{
	tls12:     "NORMAL:-VERS-ALL:+VERS-TLS1.2",
	p384:      "NORMAL:-GROUP-ALL:+GROUP-SECP384R1",
	dhe:       "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA",
	p384tls12: "NORMAL:-VERS-ALL:+VERS-TLS1.2:-GROUP-ALL:+GROUP-SECP384R1",
}

// exim is Exim, which uses GnuTLS as Debian builds it.
type exim struct{ log string }

func (*exim) name() string { return "exim" }

func (e *exim) start(t testing.TB, dir string, port int, hosts []*host) *process {
	t.Helper()
	program := os.Getenv("MAILVET_EXIM")
	if program == "" {
		program = "/opt/mailvet-exim/usr/sbin/exim4"
	}
	if _, err := exec.LookPath(program); err != nil {
		missing(t, "Exim: %v; MAILVET_EXIM names the program", err)
	}
	if out := output(t, nil, "", program, "-bV"); !strings.Contains(out, "GnuTLS") {
		missing(t, "an Exim that runs here, with GnuTLS: %s", out)
	}
	spool := filepath.Join(dir, "spool")
	if err := os.Mkdir(spool, 0o755); err != nil {
		t.Fatal(err)
	}
	give(t, spool, "Debian-exim")
	e.log = filepath.Join(spool, "mainlog")
	var addrs []string
	lists := map[string]string{"chains": "", "plain": "", "priorities": "", "later": ""}
	for _, h := range hosts {
		addrs = append(addrs, h.addr.String())
		lists["chains"] += fmt.Sprintf("%v: %s\n", h.addr, strings.Join(h.chainFiles(dir), " : "))
		priority := h.priority
		if priority == "" {
			priority = eximPriorities[h.mode]
		}
		switch {
		case h.mode == plain:
			lists["plain"] += fmt.Sprintf("%v:\n", h.addr)
		case h.mode == later:
			lists["later"] += fmt.Sprintf("%v:\n", h.addr)
		case priority != "":
			lists["priorities"] += fmt.Sprintf("%v: %s\n", h.addr, priority)
		}
	}
	for name, text := range lists {
		write(t, filepath.Join(dir, name), text)
	}
	config := filepath.Join(dir, "exim.conf")
	write(t, config, strings.NewReplacer("DIR", dir, "ADDRS", strings.Join(addrs, " ; "), "PORT", fmt.Sprint(port)).Replace(eximConfig))
	server, err := start(exec.Command(program, "-C", config, "-bdf"))
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func (e *exim) logged(h *host) string {
	return linesWith(e.log, fmt.Sprintf("I=[%v]:", h.addr))
}

func (e *exim) everything() string {
	return linesWith(e.log, "") + linesWith(filepath.Join(filepath.Dir(e.log), "paniclog"), "")
}

// sent is the chain in order: GnuTLS sorts what it reads.
func (*exim) sent(ca *smtptest.CA, leaf smtptest.Leaf) [][]byte {
	if leaf.Form == smtptest.WrongOrder {
		leaf.Form = smtptest.WithRoot
	}
	return ca.Issue(leaf).Certificate
}

// says is the server's own account of a session with the scanner.
func (*exim) says(s *evidence.Session) []string {
	h := s.Handshake
	if h == nil {
		return []string{" C=EHLO,QUIT\n"}
	}
	// GnuTLS's names begin with the exchange of keys and end with the cipher.
	cipher := ""
	for _, c := range []string{"AES_128_GCM", "AES_256_GCM", "CHACHA20_POLY1305"} {
		if strings.Contains(h.Suite, c) {
			cipher = c
		}
	}
	return []string{
		" C=EHLO,STARTTLS,EHLO,QUIT\n",
		" X=" + strings.ReplaceAll(h.Version, " ", "") + ":ECDHE_" + strings.ToUpper(h.Group) + "__",
		"__" + cipher + ":",
	}
}
