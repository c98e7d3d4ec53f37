package message_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"mailvet/scanner/lab"
	"mailvet/testdata"
)

// TestPerl: Mail::SPF, Mail::DKIM and Mail::DMARC come to the same results for
// the messages of testdata, over a real socket.
func TestPerl(t *testing.T) {
	perl := needPerl(t, "Mail::SPF", "Mail::DKIM", "Mail::DMARC", "Net::DNS")
	l, err := lab.Load(testdata.Scenarios, "scenarios", lab.Options{Now: time.Now(), Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	host, port, err := net.SplitHostPort(s.Resolver)
	if err != nil {
		t.Fatal(err)
	}
	others := map[string]string{
		"good":       "pass; permerror pass; pass", // this Mail::DKIM does not know Ed25519 (RFC 8463)
		"extra-from": "pass; fail; fail",           // Mail::DMARC takes what it is given; of several From fields we judge none
	}
	for _, f := range files {
		t.Run(f.name, func(t *testing.T) {
			args := append([]string{"testdata/judge.pl", host, port, f.path()}, hopFields(f)...)
			out, err := exec.CommandContext(t.Context(), perl, args...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			// What we call permerror Mail::DKIM calls invalid.
			got := strings.ReplaceAll(strings.TrimSpace(string(out)), "invalid", "permerror")
			want := f.want
			if o := others[f.name]; o != "" {
				want = o
			}
			if got != want {
				t.Errorf("Perl says %q, we say %q", got, want)
			}
		})
	}
}

func hopFields(f file) []string {
	h := strings.Fields(f.hop)
	return []string{h[1], h[0], h[2]}
}

// needPerl finds Perl with its modules.
func needPerl(t *testing.T, modules ...string) string {
	t.Helper()
	perl, err := exec.LookPath("perl")
	if err == nil {
		for _, m := range modules {
			if err = exec.Command(perl, "-M"+m, "-e", "1").Run(); err != nil {
				break
			}
		}
	}
	if err == nil {
		return perl
	}
	if os.Getenv("MAILVET_REAL") == "1" {
		t.Fatalf("needs Perl with %s: %v", strings.Join(modules, ", "), err)
	}
	t.Skipf("needs Perl with %s", strings.Join(modules, ", "))
	return ""
}
