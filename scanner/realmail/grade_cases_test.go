package realmail_test

import (
	"crypto/tls"
	"testing"

	"mailvet/smtpcheck/smtptest"
)

// tlsCase is a server whose TLS is graded.
type tlsCase struct {
	testCase        // label, cert, second, settings (Postfix), priority (Exim)
	server   string // "postfix", "exim", "openssl", "gnutls-serv", "go", "java"
	args     []string
	make     func(t testing.TB, dir string)
	config   *tls.Config // of Go
	mute     bool        // it does not answer after the handshake
	// most is how many connections the grading may take; 0 means usualConnections.
	most int
	// testssl are sections of testssl.sh, which takes long; nil: it is not asked.
	testssl []string
	wants   map[string]string // some of factsOf
}

// usualConnections is what the common case may take: sound suites in TLS 1.2
// and 1.3.
const usualConnections = 12

// custom1024 and custom2048 are primes for Diffie-Hellman that nobody else has.
const (
	custom1024 = `-----BEGIN DH PARAMETERS-----
MIGHAoGBAIUwhQ39h42yGXEF6vnYnVkw84NOGUPTJ5l/vY6nmBZ4BYvTf4XmKKx5
jvjeCxiTbxE2Mw9pbm+zKJaqRlwOjtHxdtYf6wOY3LDn5dTkrxqeOMKxwoUFUaNw
3PmmVjlBx2dPHFaERwNGmahCYMp0AgKG4uGvXt+mVJKizD/AhYFvAgEC
-----END DH PARAMETERS-----
`
	custom2048 = `-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA5WoRLU4QBXZfdX/a81p9x4KNbTBvAKk8BEcySPmUxw96Uq95k9sB
73AqX4HZo+DxspYS26xI2rEUoxahloLfCfnifKsS4SzzQWPYbjKXWShgMrDYydIJ
iXVaQS7C+1wFLxGrlxyG7OUDNyhF1YkMBmhxwEuqvDnavtK/llOQMh/VKXxRpFjc
t/V8UE4WBx+MvGhhTOxlW6n206xuY4iz7MDSU4LT+eTgIGWdWv5SBjiu7zyLJouO
1Yq5CkaYRvPUOoTpzg8845j7ikJfwCt8svlwmAOT8hajQEL4iZTO81NXefx+Nk+k
uL++sjtfbaPdKc0mH1GvRVVRviqEiGLuVwIBAg==
-----END DH PARAMETERS-----
`
)

var (
	rsa1024 = smtptest.Leaf{Key: smtptest.RSA1024}
	rsa2048 = smtptest.Leaf{Key: smtptest.RSA2048}
	rsa3072 = smtptest.Leaf{Key: smtptest.RSA3072}
)

// Settings of Postfix that stand for a careful operator's.
const (
	from12 = "smtpd_tls_protocols=>=TLSv1.2"
	only12 = "smtpd_tls_protocols=TLSv1.2"
	from10 = "smtpd_tls_protocols=>=TLSv1"
	sound  = "tls_medium_cipherlist=ECDHE+AESGCM:ECDHE+CHACHA20"
	server = "tls_preempt_cipherlist=yes"
)

// Sections of testssl.sh beside those that are always asked for: all that the
// grading is about, or none.
var (
	allSections       = []string{"-P", "-S", "-f"}
	versionsAndSuites = []string{}
)

var tlsCases = []tlsCase{
	// Postfix with OpenSSL 3.
	{server: "postfix", testCase: testCase{label: "sound", settings: []string{from12, sound}}, testssl: allSections,
		wants: map[string]string{"versions": "TLS 1.2, TLS 1.3", "renegotiation": "refused", "ECDSA": "accepted", "RSA": "refused", "tickets": "accepted", "ems": "accepted"}},
	{server: "postfix", testCase: testCase{label: "sound-rsa", cert: rsa3072, settings: []string{from12, sound, server}},
		wants: map[string]string{"versions": "TLS 1.2, TLS 1.3", "RSA": "accepted", "ECDSA": "refused"}},
	{server: "postfix", testCase: testCase{label: "both", cert: rsa2048, second: &smtptest.Leaf{}, settings: []string{from12, sound}}, most: 16,
		wants: map[string]string{"versions": "TLS 1.2, TLS 1.3", "RSA": "accepted", "ECDSA": "accepted"}},
	{server: "postfix", testCase: testCase{label: "as-installed", cert: rsa2048}, most: 100},
	{server: "postfix", testCase: testCase{label: "as-installed-p256"}, most: 100},
	{server: "postfix", testCase: testCase{label: "tls12-only", settings: []string{only12, sound, server}},
		wants: map[string]string{"versions": "TLS 1.2", "early data": "not-askable"}},
	{server: "postfix", testCase: testCase{label: "tls13-only", settings: []string{"smtpd_tls_protocols=>=TLSv1.3"}},
		wants: map[string]string{"versions": "TLS 1.3", "renegotiation": "not-askable", "ems": "not-askable", "early data": "refused", "ECDSA": "accepted", "RSA": "refused"}},
	{server: "postfix", testCase: testCase{label: "tls13-both", second: &rsa2048, settings: []string{"smtpd_tls_protocols=>=TLSv1.3"}},
		wants: map[string]string{"versions": "TLS 1.3", "ECDSA": "accepted", "RSA": "accepted"}},
	{server: "postfix", testCase: testCase{label: "old", cert: rsa1024, settings: []string{from10,
		"tls_medium_cipherlist=ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA:AES128-SHA:CAMELLIA128-SHA:@SECLEVEL=0"}}, most: 30, testssl: versionsAndSuites,
		wants: map[string]string{"versions": "TLS 1.0, TLS 1.1, TLS 1.2, TLS 1.3", "SHA1": "accepted"}},
	{server: "postfix", testCase: testCase{label: "everything", cert: rsa2048, second: &smtptest.Leaf{}, settings: []string{from10,
		"tls_medium_cipherlist=ALL:COMPLEMENTOFALL:@SECLEVEL=0"}}, most: 300,
		wants: map[string]string{"versions": "TLS 1.0, TLS 1.1, TLS 1.2, TLS 1.3"}},
	{server: "postfix", testCase: testCase{label: "dh-1024", cert: rsa2048, settings: []string{only12, "smtpd_tls_dh1024_param_file=DIR/dh1024",
		"tls_medium_cipherlist=DHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0"}, files: []namedFile{{"dh1024", custom1024}}}, most: 16,
		wants: map[string]string{"dh": "1024"}},
	{server: "postfix", testCase: testCase{label: "dh-2048", cert: rsa2048, settings: []string{from12, "smtpd_tls_dh1024_param_file=DIR/dh2048",
		"tls_medium_cipherlist=DHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"}, files: []namedFile{{"dh2048", custom2048}}}, most: 16,
		wants: map[string]string{"dh": "2048"}},
	{server: "postfix", testCase: testCase{label: "dh-auto", cert: rsa3072, settings: []string{from12, "smtpd_tls_dh1024_param_file=auto", server,
		"tls_medium_cipherlist=DHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"}}, most: 16,
		wants: map[string]string{"dh": "3072 modp3072"}},
	{server: "postfix", testCase: testCase{label: "renegotiates", settings: []string{from12, sound, "tls_ssl_options=0x100"}}, // SSL_OP_ALLOW_CLIENT_RENEGOTIATION
		wants: map[string]string{"renegotiation": "accepted", "renegotiations": "11"}},
	{server: "postfix", testCase: testCase{label: "no-renegotiation", settings: []string{from12, sound, "tls_ssl_options=NO_RENEGOTIATION"}},
		wants: map[string]string{"renegotiation": "refused"}},
	{server: "postfix", testCase: testCase{label: "no-tickets", settings: []string{only12, sound, "tls_ssl_options=NO_TICKET"}},
		wants: map[string]string{"tickets": "refused"}},
	{server: "postfix", testCase: testCase{label: "no-ems", settings: []string{from12, sound, "tls_ssl_options=0x1"}}, // SSL_OP_NO_EXTENDED_MASTER_SECRET
		wants: map[string]string{"ems": "refused"}},

	// Exim with GnuTLS.
	{server: "exim", testCase: testCase{label: "normal", cert: rsa2048}, most: 40,
		wants: map[string]string{"versions": "TLS 1.0, TLS 1.1, TLS 1.2, TLS 1.3"}},
	{server: "exim", testCase: testCase{label: "secure256", cert: rsa3072, priority: "SECURE256"}, most: 40,
		wants: map[string]string{"versions": "TLS 1.2, TLS 1.3"}},
	{server: "exim", testCase: testCase{label: "no-tls13", second: &rsa2048, priority: "NORMAL:-VERS-TLS1.3:-RSA:-AES-256-CBC:-AES-128-CBC:%SERVER_PRECEDENCE"}, most: 30,
		wants: map[string]string{"versions": "TLS 1.2", "RSA": "accepted", "ECDSA": "accepted"}},
	{server: "exim", testCase: testCase{label: "dhe", cert: rsa2048, priority: "NONE:+VERS-TLS1.2:+VERS-TLS1.3:+AES-256-GCM:+AEAD:+DHE-RSA:+ECDHE-RSA:+SIGN-ALL:+GROUP-ALL:+COMP-NULL"}, most: 16},
	{server: "exim", testCase: testCase{label: "legacy", cert: rsa1024, priority: "NONE:+VERS-TLS1.0:+VERS-TLS1.1:+VERS-TLS1.2:+ARCFOUR-128:+3DES-CBC:+AES-128-CBC:+SHA1:+MD5:+RSA:+ECDHE-RSA:+DHE-RSA:+SIGN-ALL:+GROUP-ALL:+COMP-NULL:%VERIFY_ALLOW_SIGN_WITH_SHA1"}, most: 60, testssl: versionsAndSuites,
		wants: map[string]string{"versions": "TLS 1.0, TLS 1.1, TLS 1.2"}},

	// OpenSSL's own server, for what no mail server lets itself be told.
	{server: "openssl", mute: true, testCase: testCase{label: "early-data", cert: rsa2048, files: []namedFile{{"ocsp", "\x30\x03\x0a\x01\x03"}}}, args: []string{"-cipher", "ECDHE+AESGCM", "-early_data", "-max_early_data", "16384", "-status_file", "DIR/ocsp", "-alpn", "smtp"}, most: 16,
		wants: map[string]string{"early data": "16384", "ocsp": "accepted", "alpn": "accepted"}},
	{server: "openssl", testCase: testCase{label: "dsa", cert: rsa2048, files: []namedFile{{"dh1024", custom1024}}}, make: makeDSA, args: []string{"-tls1_2", "-cipher", "DHE:!PSK:@SECLEVEL=0", "-dcert", "DIR/dsacert.pem", "-dkey", "DIR/dsa.pem", "-dhparam", "DIR/dh1024", "-client_renegotiation"},
		most: 100, wants: map[string]string{"dh": "1024", "renegotiation": "accepted"}},

	// GnuTLS's own.
	{server: "gnutls-serv", testCase: testCase{label: "rc4", cert: rsa2048}, most: 40, args: []string{"--noticket", "--priority=NONE:+VERS-TLS1.0:+VERS-TLS1.2:+ARCFOUR-128:+3DES-CBC:+MD5:+SHA1:+RSA:+ECDHE-RSA:+SIGN-ALL:+GROUP-ALL:+COMP-NULL"},
		wants: map[string]string{"versions": "TLS 1.0, TLS 1.2", "tickets": "refused"}},

	// Go.
	{server: "go", testCase: testCase{label: "go"}, config: smtptest.Config(),
		wants: map[string]string{"versions": "TLS 1.2, TLS 1.3", "ems": "accepted", "renegotiation": "refused"}},
	{server: "go", testCase: testCase{label: "go-old", cert: rsa2048}, most: 30, config: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_RSA_WITH_RC4_128_SHA, tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA,
	}}, wants: map[string]string{"versions": "TLS 1.0, TLS 1.1, TLS 1.2"}},

	// Java, which tells all its groups, and still has SSL 3.0, RC4, DES and export suites.
	{server: "java", testCase: testCase{label: "sound", cert: rsa2048}, args: []string{"no", "TLSv1.2,TLSv1.3",
		"TLS_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
		wants: map[string]string{"versions": "TLS 1.2, TLS 1.3"}},
	{server: "java", testCase: testCase{label: "ssl3", cert: rsa2048}, most: 60, testssl: versionsAndSuites, args: []string{"yes", "SSLv3,TLSv1,TLSv1.2",
		"SSL_RSA_WITH_RC4_128_SHA,SSL_RSA_WITH_RC4_128_MD5,SSL_RSA_WITH_3DES_EDE_CBC_SHA,SSL_RSA_WITH_DES_CBC_SHA,SSL_RSA_EXPORT_WITH_RC4_40_MD5,SSL_DH_anon_WITH_RC4_128_MD5,SSL_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA,TLS_DHE_RSA_WITH_AES_128_CBC_SHA,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,SSL_RSA_WITH_NULL_MD5"},
		wants: map[string]string{"versions": "SSL 3.0, TLS 1.0, TLS 1.2", "temporary RSA": "512"}},
}
