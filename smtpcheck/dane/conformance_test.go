package dane_test

import (
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/dane"
)

// TestOpenSSL reads the cases of OpenSSL's own DANE test. Cases with usages 0
// and 1 mean something else for SMTP: no usable record (RFC 7672, Section 3.1.3).
func TestOpenSSL(t *testing.T) {
	const okResult, noMatch, wrongName, noIssuer = 0, 65, 62, 20
	data, err := os.ReadFile("../../../shared/vectors/dane-openssl-odd.json")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs the shared conformance vectors")
	}
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Name  string `json:"reference_name"`
		Cases []struct {
			N    int
			TLSA []struct {
				Usage, Selector, Mtype uint8
				Data                   string
			}
			Chain  []string `json:"chain_pem"`
			Result int      `json:"x509_verify_result"`
			Depth  int      `json:"match_depth"`
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range file.Cases {
		t.Run(fmt.Sprint(c.N), func(t *testing.T) {
			in := dane.Input{Names: []string{file.Name}, Time: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
			pkix := 0
			for _, r := range c.TLSA {
				data, err := hex.DecodeString(r.Data)
				if err != nil {
					t.Fatal(err)
				}
				if r.Usage < dane.DANETA {
					pkix++
				}
				in.Records = append(in.Records, evidence.TLSA{Usage: r.Usage, Selector: r.Selector, Matching: r.Mtype, Data: data})
			}
			for _, text := range c.Chain {
				block, _ := pem.Decode([]byte(text))
				in.Chain = append(in.Chain, block.Bytes)
			}
			res := dane.Verify(in)
			if pkix > 0 {
				if pkix != len(c.TLSA) {
					t.Fatal("a case mixes usages: think about it")
				}
				if res.Verdict != dane.Unusable {
					t.Errorf("usages 0 and 1 only: %v, want %v", res.Verdict, dane.Unusable)
				}
				return
			}
			want, worst := dane.Mismatched, dane.NoMatch
			switch c.Result {
			case okResult:
				want, worst = dane.Validated, dane.Matched
			case wrongName:
				worst = dane.WrongName
			case noIssuer:
				worst = dane.NoPath
			case noMatch:
			default:
				t.Fatalf("unknown result %d", c.Result)
			}
			if res.Verdict != want || res.Worst() != worst {
				t.Errorf("%v, %v; OpenSSL: %v, %v", res.Verdict, res.Worst(), want, worst)
			}
			for _, r := range res.Records {
				if r.Status == dane.Matched && r.Depth != c.Depth {
					t.Errorf("matched at depth %d; OpenSSL: %d", r.Depth, c.Depth)
				}
			}
		})
	}
}

// TestLDNS holds Compat to the tool that Internet.nl uses.
func TestLDNS(t *testing.T) {
	tool, err := exec.LookPath("ldns-dane")
	if err != nil {
		if os.Getenv("MAILVET_REAL") == "1" {
			t.Fatal("needs ldns-dane (package ldnsutils)")
		}
		t.Skip("needs ldns-dane (package ldnsutils)")
	}
	p := newPKI(t)
	dir := t.TempDir()
	writePEM := func(name string, chain ...[]byte) string {
		var b strings.Builder
		for _, der := range chain {
			_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der})
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	trusted, nothing := writePEM("trusted.pem", p.root.Raw), writePEM("nothing.pem", p.other)
	for i, r := range rows(t, p) {
		if r.compat == dane.CompatNone {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			var records strings.Builder
			for _, rec := range r.records {
				fmt.Fprintf(&records, "_25._tcp.%s. 300 IN TLSA %s\n", host, rec)
			}
			file := filepath.Join(dir, fmt.Sprint(i, ".tlsa"))
			if err := os.WriteFile(file, []byte(records.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			roots := nothing
			if r.trust == evidence.Trusted {
				roots = trusted
			}
			out, err := exec.Command(tool, "-d", "-n", "-T", "-f", roots, "-c", writePEM(fmt.Sprint(i, ".pem"), r.chain...), "-t", file, "verify", host, "25").CombinedOutput()
			got := dane.CompatNone
			var exit *exec.ExitError
			switch {
			case strings.Contains(string(out), "No usable TLSA records"):
				got = dane.CompatFailed
			case err == nil:
				got = dane.CompatValidated
			case errors.As(err, &exit) && exit.ExitCode() == 1:
				got = dane.CompatFailed
			}
			if got != r.compat {
				t.Errorf("ldns-dane: %v (%v), want %v\n%s", got, err, r.compat, out)
			}
		})
	}
}
