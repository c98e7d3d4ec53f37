package summary_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"mailvet/report"
	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/report/summary"
)

// judged is a report with one check per host.
func judged(domain string, percent int, complete bool, findings ...report.Finding) *report.Report {
	return &report.Report{
		Schema: report.Schema, Domain: domain, Score: &report.Score{Percent: percent, Complete: complete},
		Cost: report.Cost{DNSQueries: 10, SMTPConnections: 2},
		Categories: []report.Category{{ID: "tls", Checks: []report.Check{
			{ID: "starttls-exists", Title: "STARTTLS", Findings: findings},
		}}},
	}
}

func about(host, code string, s check.Status) report.Finding {
	return report.Finding{Code: code, Status: s, Subject: evidence.Subject{Host: host}}
}

func Example() {
	var b summary.Builder
	b.Add(judged("a.example", 100, true, about("mx1.provider.example", "ok", check.StatusPassed)))
	b.Add(judged("b.example", 40, false, about("mx1.provider.example", "missing", check.StatusFailed), about("mx2.provider.example", "missing", check.StatusFailed)))
	b.Add(judged("c.example", 88, false, about("mx.c.example", "silent", check.StatusUnknown)))
	b.Add(&report.Report{Domain: "d.example", Error: &report.Error{Class: evidence.ClassTimeout}})
	s := b.Summary(12.3)
	_ = s.Text(os.Stdout, 100)
	// Output:
	// 4 domains, 1 of them could not be scanned, 30 DNS queries, 6 SMTP connections, 12.3s.
	// Score: 76.0 % on average; 1 domain with 100 %; 1 domain below 50 %; 2 domains open.
	//
	// Most frequent findings
	//        1  failed  STARTTLS [starttls-exists]; missing
	//        1  unknown STARTTLS [starttls-exists]; silent
	//
	// Mail providers by domains, with their common faults
	//        2  provider.example; starttls-exists (1)
	//        1  c.example; starttls-exists (1)
	//
	// What stays unknown, of 2 domains
	//        1  The domain could not be scanned; such as d.example: timeout
	//        1  STARTTLS [starttls-exists]; such as c.example: silent
}

// Why something is unknown is told in words, first for domains not named yet,
// and no word is lost in a narrow terminal.
func TestUnknown(t *testing.T) {
	var b summary.Builder
	because := func(domain, why string) {
		r := judged(domain, 50, false, about("mx."+domain, "late", check.StatusUnknown))
		r.Categories[0].Checks[0].Findings[0].Text = why
		again := r.Categories[0].Checks[0]
		again.ID, again.Title = "starttls-other", "Another of the same server"
		r.Categories[0].Checks = append(r.Categories[0].Checks, again)
		b.Add(r)
	}
	because("a.example", "The mail server mx.a.example said 421 4.7.0 try later. It was asked twice."+strings.Repeat(" so", 200))
	b.Add(&report.Report{Domain: "b.example", Error: &report.Error{Class: evidence.ClassTimeout, Text: "no resolver answered any question; check the network"}})
	s := b.Summary(1)
	if s.UnknownDomains != 2 || len(s.Unknown) != 3 || len(s.Unknown[1].Why) > 310 {
		t.Errorf("%+v", s)
	}
	for width, want := range map[int]string{
		100: `What stays unknown, of 2 domains
       1  The domain could not be scanned; such as b.example: no resolver answered any question;
          check the network
       1  STARTTLS [starttls-exists]; such as a.example: The mail server mx.a.example said 421 4.7.0
          try later
       1  Another of the same server [starttls-other]; such as a.example: The mail server
          mx.a.example said 421 4.7.0 try later
`,
		40: `What stays unknown, of 2 domains
    1  The domain could not be scanned;
       such as b.example: no resolver
       answered any question; check the
       network
    1  STARTTLS [starttls-exists]; such
       as a.example: The mail server
       mx.a.example said 421 4.7.0 try
       later
    1  Another of the same server
       [starttls-other]; such as
       a.example: The mail server
       mx.a.example said 421 4.7.0 try
       later
`} {
		var out strings.Builder
		_ = s.Text(&out, width)
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("%s\nwant at the end\n%s", out.String(), want)
		}
	}
}

// The JSON form goes there and back, with empty lists and not null.
func TestJSON(t *testing.T) {
	var b summary.Builder
	for _, n := range []int{0, 3} {
		for i := range n {
			b.Add(judged(fmt.Sprintf("d%d.example", i), i*50, false, about("mx.example.net", "late", check.StatusUnknown)))
		}
		s := b.Summary(1)
		data, err := json.Marshal(s)
		if err != nil || strings.Contains(string(data), "null") {
			t.Fatalf("%v: %s", err, data)
		}
		var back summary.Summary
		if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(back, s) {
			t.Errorf("%v: %+v, want %+v", err, back, s)
		}
	}
}

// However many providers and reasons there are, what is held is bounded, and
// the ones that count stay.
func TestBounds(t *testing.T) {
	var b summary.Builder
	const n = 60000
	for i := range n {
		host := "mx.big-provider.example"
		if i%2 == 0 {
			host = fmt.Sprintf("mx.customer%d.example", i)
		}
		b.Add(judged(fmt.Sprintf("d%d.example", i), 50, true, about(host, "missing", check.StatusFailed)))
	}
	s := b.Summary(0)
	if s.Domains != n || len(s.Providers) > 25 || s.Providers[0].Name != "big-provider.example" || s.Providers[0].Domains != n/2 {
		t.Errorf("%d domains, providers %+v", s.Domains, s.Providers[:1])
	}
	if told := len(s.Providers) + s.OtherProviders; told != n/2+1 {
		t.Errorf("%d providers, want %d", told, n/2+1)
	}
	if f := s.Findings[0]; f.Domains != n || f.Check != "starttls-exists" {
		t.Errorf("finding %+v", f)
	}
}

// Text fits the terminal, whatever the names.
func TestTextFits(t *testing.T) {
	var b summary.Builder
	long := strings.Repeat("a-long-label.", 15) + "example"
	b.Add(judged(long, 10, false, about("mx."+long, "tem\x1b[31mporary", check.StatusUnknown)))
	for _, width := range []int{0, 40, 80, 120} {
		var out strings.Builder
		s := b.Summary(1)
		if err := s.Text(&out, width); err != nil {
			t.Fatal(err)
		}
		if width == 0 {
			width = 80
		}
		for line := range strings.Lines(out.String()) {
			if len([]rune(strings.TrimSuffix(line, "\n"))) > width || strings.Contains(line, "\x1b") {
				t.Errorf("width %d: %q", width, line)
			}
		}
	}
}

// DKIM keys that several domains have are told.
func TestSharedKeys(t *testing.T) {
	var b summary.Builder
	for i, key := range []string{"sha256:11", "sha256:22", "sha256:11"} {
		r := judged(fmt.Sprintf("d%d.example", i), 100, true)
		r.Categories = append(r.Categories, report.Category{ID: "extra", Checks: []report.Check{
			{ID: "dkim-keys", Findings: []report.Finding{{Code: "good", Args: map[string]string{"fingerprints": "s1 " + key}}}},
		}})
		b.Add(r)
	}
	data, err := json.Marshal(b.Summary(0))
	want := `"shared_dkim_keys":[{"fingerprint":"sha256:11","domains":2,"names":["d0.example","d2.example"]}],"other_shared_dkim_keys":0`
	if err != nil || !strings.Contains(string(data), want) {
		t.Errorf("%v: %s", err, data)
	}
}
