package realmail_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/smtptest"
)

// postfixMain is the configuration that all services share.
const postfixMain = `compatibility_level = 3.6
queue_directory = DIR/queue
data_directory = DIR/data
maillog_file_prefixes = DIR
maillog_file = DIR/log
myhostname = mx.postfix.test
mydestination =
mynetworks = 127.255.255.255/32
inet_protocols = ipv4
inet_interfaces = 127.0.0.1
alias_maps =
local_recipient_maps =
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
smtpd_tls_session_cache_database =
notify_classes =
anvil_rate_time_unit = 600s
`

// postfixServices are those that the SMTP server itself uses.
const postfixServices = `postlog unix-dgram n - n - 1 postlogd
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
`

// postfixSettings are what a mode changes.
var postfixSettings = map[mode][]string{
	plain:     {"smtpd_tls_security_level=none"},
	tls12:     {"smtpd_tls_protocols=TLSv1.2"},
	p384:      {"tls_eecdh_auto_curves=secp384r1"},
	p384tls12: {"smtpd_tls_protocols=TLSv1.2", "tls_eecdh_auto_curves=secp384r1"},
	dhe:       {"smtpd_tls_protocols=TLSv1.2", "smtpd_tls_ciphers=high", "tls_high_cipherlist=DHE-RSA-AES256-GCM-SHA384"},
	later:     {"smtpd_delay_reject=no", "smtpd_client_restrictions=defer"},
	limited:   {"smtpd_client_connection_rate_limit=1", "smtpd_client_event_limit_exceptions="},
}

// postfix is Postfix, which uses OpenSSL: one instance, and in it an SMTP
// service of its own for each case.
type postfix struct{ log string }

func (*postfix) name() string { return "postfix" }

func (p *postfix) start(t testing.TB, dir string, port int, hosts []*host) *process {
	t.Helper()
	program := tool(t, "postfix")
	p.log = filepath.Join(dir, "log")
	etc := filepath.Join(dir, "etc")
	for _, d := range []string{etc, filepath.Join(dir, "queue"), filepath.Join(dir, "data")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	give(t, filepath.Join(dir, "data"), "postfix")
	services := postfixServices
	for _, h := range hosts {
		services += fmt.Sprintf("%v:%d inet n - n - - smtpd\n -o syslog_name=%s\n", h.addr, port, h.label)
		for _, setting := range slices.Concat(postfixSettings[h.mode], h.settings, []string{"smtpd_tls_chain_files=" + strings.Join(h.chainFiles(dir), ", ")}) {
			// Braces keep blanks together.
			services += " -o {" + strings.ReplaceAll(setting, "DIR", dir) + "}\n"
		}
	}
	write(t, filepath.Join(etc, "main.cf"), strings.ReplaceAll(postfixMain, "DIR", dir))
	write(t, filepath.Join(etc, "master.cf"), services)
	// This also makes the queue's folders.
	if out := output(t, nil, "", program, "-c", etc, "check"); strings.Contains(out, "fatal") {
		t.Fatalf("postfix check: %s", out)
	}
	daemons := strings.TrimSpace(output(t, nil, "", tool(t, "postconf"), "-c", etc, "-h", "daemon_directory"))
	server, err := start(exec.Command(filepath.Join(daemons, "master"), "-c", etc, "-s"))
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// give hands a folder over to a user of the system.
func give(t testing.TB, path, name string) {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		missing(t, "the system user %s: %v", name, err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, uid, -1); err != nil {
		t.Fatal(err)
	}
}

func (p *postfix) logged(h *host) string {
	return linesWith(p.log, " "+h.label+"/smtpd[")
}

func (p *postfix) everything() string { return linesWith(p.log, "") }

// sent is what is in the file, as it is.
func (*postfix) sent(ca *smtptest.CA, leaf smtptest.Leaf) [][]byte { return ca.Issue(leaf).Certificate }

// opensslGroups are OpenSSL's names of groups for those of IANA.
var opensslGroups = map[string]string{"x25519": "X25519", "secp256r1": "ECDHE (prime256v1)", "secp384r1": "ECDHE (secp384r1)"}

// says is the server's own account of a session with the scanner.
func (*postfix) says(s *evidence.Session) []string {
	h := s.Handshake
	if h == nil {
		return []string{"disconnect from unknown[127.0.0.1] ehlo=1 quit=1 commands=2\n"}
	}
	texts := []string{"disconnect from unknown[127.0.0.1] ehlo=2 starttls=1 quit=1 commands=4\n"}
	if h.Version == "TLS 1.3" {
		group, ok := opensslGroups[h.Group]
		if !ok {
			group = h.Group
		}
		return append(texts, "TLSv1.3 with cipher "+h.Suite+" ", " key-exchange "+group+" ")
	}
	// The names that OpenSSL had before IANA's; it does not say the group here.
	suite := strings.NewReplacer("TLS_", "", "WITH_", "", "AES_", "AES", "_", "-").Replace(h.Suite)
	return append(texts, "TLSv1.2 with cipher "+suite+" ")
}
