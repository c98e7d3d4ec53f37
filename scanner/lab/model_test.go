package lab_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"mailvet/report/evidence"
	"mailvet/scanner/lab"
)

const modelScenario = `A mail server of the year 2005, and the root.
-- zone . signed --
-- zone test --
-- zone dns.test --
ns1 IN A 192.0.2.1
ns2 IN A 192.0.2.2
-- zone old.test --
@ IN MX 10 mx.old.test.
mx IN A 198.51.100.25
-- smtp mx.old.test --
cert: key=rsa2048
versions: SSL 2.0,SSL 3.0,TLS 1.0
suites: TLS_RSA_WITH_RC4_128_MD5,TLS_DHE_RSA_WITH_AES_128_CBC_SHA
specs: SSL_CK_RC4_128_WITH_MD5
compression: DEFLATE
order: client
without: extended-master-secret,secure-renegotiation
refuses: close
`

// TestModel: the lines of a scenario make a server that agrees to just that.
func TestModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := lab.Load(fstest.MapFS{"old.txt": {Data: []byte(modelScenario)}}, ".", lab.Options{Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		snap := scan(t, start(t, l), "old.test")
		if len(snap.Sessions) != 1 || snap.Sessions[0].TLS == nil {
			t.Fatalf("%+v", snap.Sessions)
		}
		x := snap.Sessions[0].TLS
		for v, want := range map[string]int{"SSL 2.0": 1, "SSL 3.0": 2, "TLS 1.0": 2, "TLS 1.1": 0, "TLS 1.2": 0, "TLS 1.3": 0} {
			if got := x.Version(v); len(got.Suites) != want || (got.Answer == evidence.Accepted) != (want > 0) {
				t.Errorf("%s: %v with %d suites, want %d", v, got.Answer, len(got.Suites), want)
			}
		}
		if x.Compression != evidence.Accepted || x.SecureRenegotiation != evidence.Refused {
			t.Errorf("compression %v, secure renegotiation %v", x.Compression, x.SecureRenegotiation)
		}
	})
	for good, bad := range map[string]string{
		"TLS 1.0": "TLS 9.9", "TLS_RSA_WITH_RC4_128_MD5,": "TLS_NONSENSE,", "order: client": "order: mine", "without: ": "without: care,",
		"refuses: close": "refuses: loudly", "compression: DEFLATE": "hashes: SHA0",
	} {
		text := strings.Replace(modelScenario, good, bad, 1)
		if _, err := lab.Load(fstest.MapFS{"old.txt": {Data: []byte(text)}}, ".", lab.Options{Now: time.Now()}); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
