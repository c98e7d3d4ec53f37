package dnscheck_test

import (
	"strings"
	"testing"
	"time"

	"mailvet/dnscheck"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

const (
	stsURL    = "https://mta-sts.example.test/.well-known/mta-sts.txt"
	stsPolicy = "version: STSv1\nmode: enforce\nmx: mx.example.test\nmax_age: 604800\n"
	// stsBase is a domain with a mail server that has a TLSA record, and with good records for both.
	stsBase = `example.test MX = 10 mx.example.test.
		_25._tcp.mx.example.test TLSA = 3 1 1 00
		_mta-sts.example.test TXT = "v=STSv1; id=1"
		_smtp._tls.example.test TXT = "v=TLSRPTv1; rua=mailto:a@example.test"
		`
)

// served is a fetch that brought a policy.
func served(policy string) evidence.Fetch {
	return evidence.Fetch{Status: 200, ContentType: "text/plain; charset=utf-8", Body: []byte(policy)}
}

func failing(op evidence.Op, class evidence.Class) evidence.Fetch {
	return evidence.Fetch{Failure: &evidence.Failure{Op: op, Class: class}}
}

func certified(state evidence.CertificateState, names ...string) evidence.Fetch {
	f := failing(evidence.OpHandshake, evidence.ClassTLS)
	f.Certificate = &evidence.WebCertificate{State: state, Names: names, NotAfter: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}
	return f
}

// stsRow changes stsBase: lines in the place of those about the same question,
// and what came of the fetch, if it was made.
type stsRow struct {
	check, code, lines string
	fetch              evidence.Fetch
}

func change(old, new string) evidence.Fetch { return served(strings.Replace(stsPolicy, old, new, 1)) }

var (
	noFetch = evidence.Fetch{URL: "none"}
	good    = served(stsPolicy)

	stsRows = []stsRow{
		{"mta-sts-exists", "present", "", good},
		{"mta-sts-exists", "present", `_mta-sts.example.test TXT = "V=stsv1"`, noFetch},
		{"mta-sts-exists", "none", "_mta-sts.example.test TXT nodata", noFetch},
		{"mta-sts-exists", "none", "_mta-sts.example.test TXT nxdomain", noFetch},
		{"mta-sts-exists", "none", `_mta-sts.example.test TXT = "v=spf1 -all"`, noFetch},
		{"mta-sts-exists", "unknown", "_mta-sts.example.test TXT servfail", noFetch},
		{"mta-sts-exists", "not-looked-up", "_mta-sts.example.test TXT budget", noFetch},
		{"mta-sts-exists", "mx-unknown", "example.test MX servfail", noFetch},
		{"mta-sts-exists", "no-mail-servers", "example.test MX = 0 .", noFetch},

		{"mta-sts-valid", "good", "", good},
		{"mta-sts-valid", "testing", "", change("enforce", "testing")},
		{"mta-sts-valid", "mode-none", "", change("enforce", "none")},
		{"mta-sts-valid", "short-age", "", change("604800", "3600")},
		{"mta-sts-valid", "policy-odd", "", change("mode", "\nmode")},
		{"mta-sts-valid", "content-type", "", evidence.Fetch{Status: 200, ContentType: "text/html", Body: []byte(stsPolicy)}},
		{"mta-sts-valid", "content-type", "", evidence.Fetch{Status: 200, Body: []byte(stsPolicy)}},
		{"mta-sts-valid", "several", `_mta-sts.example.test TXT = "v=STSv1; id=1" ; "v=STSv1; id=2"`, noFetch},
		{"mta-sts-valid", "good", `_mta-sts.example.test TXT = "v=STSv1; id=1" ; "v=STSv2; id=2"`, good},
		{"mta-sts-valid", "record-syntax", `_mta-sts.example.test TXT = "v=STSv1; id=a-b"`, noFetch},
		{"mta-sts-valid", "record-syntax", `_mta-sts.example.test TXT = "v=STSv1 id=1"`, noFetch},
		{"mta-sts-valid", "no-address", "", failing(evidence.OpQuery, evidence.ClassUnreachable)},
		{"mta-sts-valid", "certificate", "", certified(evidence.CertificateExpired)},
		{"mta-sts-valid", "certificate", "", certified(evidence.CertificateNotYetValid)},
		{"mta-sts-valid", "certificate", "", certified(evidence.CertificateOtherName, "other.test")},
		{"mta-sts-valid", "certificate", "", certified(evidence.CertificateOtherName)},
		{"mta-sts-valid", "certificate", "", certified(evidence.CertificateUntrusted)},
		{"mta-sts-valid", "redirect", "", evidence.Fetch{Status: 302, Location: "https://example.test/"}},
		{"mta-sts-valid", "not-served", "", evidence.Fetch{Status: 404}},
		{"mta-sts-valid", "unreachable", "", failing(evidence.OpDial, evidence.ClassRefused)},
		{"mta-sts-valid", "unreachable", "", failing(evidence.OpHandshake, evidence.ClassTLSAlert)},
		{"mta-sts-valid", "too-large", "", evidence.Fetch{Status: 200, Body: []byte(stsPolicy), Truncated: true}},
		{"mta-sts-valid", "policy-syntax", "", served("<html>")},
		{"mta-sts-valid", "policy-syntax", "", served("")},
		{"mta-sts-valid", "unavailable", "", failing(evidence.OpDial, evidence.ClassTimeout)},
		{"mta-sts-valid", "unavailable", "", failing(evidence.OpConfig, evidence.ClassForbidden)},
		{"mta-sts-valid", "unavailable", "", failing(evidence.OpQuery, evidence.ClassTemporary)},
		{"mta-sts-valid", "unavailable", "", failing(evidence.OpDial, evidence.ClassUnreachable)},
		{"mta-sts-valid", "unavailable", "", evidence.Fetch{Status: 503}},
		{"mta-sts-valid", "unavailable", "", evidence.Fetch{Status: 429}},
		{"mta-sts-valid", "not-fetched", "", noFetch},
		{"mta-sts-valid", "blocked", "_mta-sts.example.test TXT nodata", noFetch},

		{"mta-sts-mx", "match", "", good},
		{"mta-sts-mx", "match", "", change("mx.", "*.")},
		{"mta-sts-mx", "match", "", change("604800", "1")},
		{"mta-sts-mx", "match-testing-with-dane", "", change("enforce", "testing")},
		{"mta-sts-mx", "match", "_25._tcp.mx.example.test TLSA = 3 1 1 00 | insecure", change("enforce", "testing")},
		{"mta-sts-mx", "mismatch-with-dane", "", change("mx.", "mail.")},
		{"mta-sts-mx", "mismatch", "_25._tcp.mx.example.test TLSA nodata", change("mx.", "mail.")},
		{"mta-sts-mx", "mismatch-testing", "", served(strings.NewReplacer("mx.", "mail.", "enforce", "testing").Replace(stsPolicy))},
		{"mta-sts-mx", "mode-none", "", change("enforce", "none")},
		{"mta-sts-mx", "blocked", "", served("")},
		{"mta-sts-mx", "skipped", "", noFetch},

		{"tls-rpt-exists", "present", "", good},
		{"tls-rpt-exists", "none", "_smtp._tls.example.test TXT nxdomain", good},
		{"tls-rpt-exists", "unknown", "_smtp._tls.example.test TXT timeout", good},
		{"tls-rpt-exists", "not-looked-up", "_smtp._tls.example.test TXT budget", good},
		{"tls-rpt-exists", "mx-unknown", "example.test MX timeout", good},
		{"tls-rpt-exists", "no-mail-servers", "example.test MX nodata", good},
		{"tls-rpt-valid", "good", "", good},
		{"tls-rpt-valid", "good", `_smtp._tls.example.test TXT = "v=TLSRPTv1; rua=https://other.test/"`, good},
		{"tls-rpt-valid", "several", `_smtp._tls.example.test TXT = "v=TLSRPTv1; rua=mailto:a@example.test" ; "v=TLSRPTv1;"`, good},
		{"tls-rpt-valid", "syntax", `_smtp._tls.example.test TXT = "v=TLSRPTv1; rua=a@example.test"`, good},
		{"tls-rpt-valid", "syntax", `_smtp._tls.example.test TXT = "v=TLSRPTv1 rua=mailto:a@example.test"`, good},
		{"tls-rpt-valid", "no-destination", `_smtp._tls.example.test TXT = "v=TLSRPTv1; rua=http://example.test/"`, good},
		{"tls-rpt-valid", "bad-destination", `_smtp._tls.example.test TXT = "v=TLSRPTv1; rua=http://example.test/,mailto:a@example.test"`, good},
		{"tls-rpt-valid", "destination-without-mail", "_smtp._tls.example.test TXT = \"v=TLSRPTv1; rua=mailto:a@other.test\"\nother.test MX = 0 .", good},
		{"tls-rpt-valid", "destination-without-mail", "_smtp._tls.example.test TXT = \"v=TLSRPTv1; rua=mailto:a@other.test\"\nother.test MX nxdomain", good},
		{"tls-rpt-valid", "good", "_smtp._tls.example.test TXT = \"v=TLSRPTv1; rua=mailto:a@other.test\"\nother.test MX nodata", good},
		{"tls-rpt-valid", "destination-unknown", "_smtp._tls.example.test TXT = \"v=TLSRPTv1; rua=mailto:a@other.test\"\nother.test MX servfail", good},
	}
)

// snapshot puts the row's lines in the place of the same questions' of stsBase.
func (r stsRow) snapshot() *evidence.Snapshot {
	question := func(line string) string {
		f := strings.Fields(line)
		return strings.Join(f[:min(2, len(f))], " ")
	}
	text := r.lines
	for line := range strings.Lines(stsBase) {
		if q := question(line); q != "" && !strings.Contains("\n"+r.lines, "\n"+q) {
			text += "\n" + line
		}
	}
	s := world(text)
	if r.fetch.URL == "" {
		r.fetch.URL = stsURL
		s.Fetches = []evidence.Fetch{r.fetch}
	}
	s.Canonical()
	return s
}

func TestTransportPolicies(t *testing.T) {
	produced := map[string]bool{}
	for _, row := range stsRows {
		s := row.snapshot()
		for _, r := range check.Run(dnscheck.Checks, s) {
			for _, f := range r.Findings {
				produced[r.Check.ID+" "+f.Code.Name] = true
				for _, text := range []string{f.Code.Text, f.Code.Advice} {
					if text = check.Render(text, f.Args); strings.Contains(text, "{") && r.Check.ID != "spf-exists" {
						t.Errorf("%s %s: an argument is missing: %s", r.Check.ID, f.Code.Name, text)
					}
				}
			}
			if r.Check.ID == row.check && r.Findings[0].Code.Name != row.code {
				t.Errorf("%s: %s, want %s\n%s\n%+v", row.check, r.Findings[0].Code.Name, row.code, row.lines, row.fetch)
			}
		}
	}
	for _, c := range dnscheck.Checks {
		if c.ID == "mta-sts-mx" { // after mta-sts-valid it does not come to this
			f := c.Evaluate(world("example.test MX = 10 mx.example.test."), evidence.Subject{Host: "mx.example.test"})
			produced[c.ID+" "+f.Code.Name] = true
		}
	}
	everyCode(t, "transport", produced)
}

// TestTransportWants: a domain without mail servers costs nothing, a policy is
// fetched only where a record announces it, and a destination in the domain
// itself needs no question.
func TestTransportWants(t *testing.T) {
	for _, tt := range []struct{ text, questions, fetches string }{
		{"example.test MX = 0 .", "", ""},
		{"example.test MX servfail", "", ""},
		{"example.test MX = 10 mx.example.test.", "_mta-sts.example.test TXT, _smtp._tls.example.test TXT", ""},
		{stsBase, "", stsURL},
		{stsBase + "vantage no-http", "", ""},
		{"example.test MX = 10 mx.example.test.\n_mta-sts.example.test TXT = \"v=STSv1;\"\n_smtp._tls.example.test TXT = \"v=TLSRPTv1; rua=https://a.test/,mailto:x@b.test,mailto:x@c.test\"", "b.test MX", ""},
	} {
		s := world(tt.text)
		var questions, fetches []string
		for _, q := range dnscheck.Wants(s) {
			if strings.HasPrefix(q.Name, "_mta-sts") || strings.HasPrefix(q.Name, "_smtp._tls") || !strings.HasSuffix(q.Name, "example.test") && q.Type == "MX" {
				questions = append(questions, q.Name+" "+q.Type)
			}
		}
		for _, w := range dnscheck.FetchWants(s) {
			if fetches = append(fetches, w.URL); w.Limit != 64<<10 {
				t.Errorf("limit %d", w.Limit)
			}
		}
		if got := strings.Join(questions, ", "); got != tt.questions {
			t.Errorf("%s\nasks %q, want %q", tt.text, got, tt.questions)
		}
		if got := strings.Join(fetches, ", "); got != tt.fetches {
			t.Errorf("%s\nfetches %q, want %q", tt.text, got, tt.fetches)
		}
	}
}
