package internetnl_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	. "mailvet/report/reporttest"

	"mailvet/report"
	"mailvet/report/evidence"
	"mailvet/report/internetnl"
	"mailvet/report/score"
)

var update = flag.Bool("update", false, "write the golden files anew")

var submitted = time.Date(2026, 7, 20, 9, 15, 0, 123456789, time.UTC)

func options() internetnl.Options {
	return internetnl.Options{
		Name: "weekly run", RequestID: "0f3c5a7d9b1e4c2f8a6d4b2e0c9f7a51", Submitted: submitted,
		Finished: func() time.Time { return submitted.Add(6*time.Minute + 42*time.Second - 123455*time.Microsecond) },
		URL:      func(domain string) string { return "https://batch.example/mail/" + domain + "/1/" },
	}
}

func judge(t testing.TB, w *World) *report.Report {
	t.Helper()
	r, err := report.New(w.Catalogue(), w.Policy, w.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func named(w *World, domain string) *World {
	w.Domain = domain
	return w
}

func broken(t testing.TB, domain string) *report.Report {
	t.Helper()
	r, err := report.New(nil, score.InternetNL(), &evidence.Snapshot{Domain: domain, Error: &evidence.Failure{Class: evidence.ClassTimeout}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t testing.TB, o internetnl.Options, reports ...*report.Report) string {
	t.Helper()
	var b bytes.Buffer
	h := internetnl.New(&b, o)
	for _, r := range reports {
		if err := h.Report(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The example of the API's description: one MX is unreachable.
func TestGolden(t *testing.T) {
	got := write(t, options(),
		judge(t, named(Right().Set("starttls-exists@"+MX2+"=other"), "example.test")),
		broken(t, "broken.example"))
	file := filepath.Join("testdata", "unreachable.golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s", got)
	}
}

type document struct {
	API     string                     `json:"api_version"`
	Request map[string]string          `json:"request"`
	Domains map[string]json.RawMessage `json:"domains"`
}

type result struct {
	Status  string
	Report  struct{ URL string }
	Scoring struct{ Percentage int }
	Results struct {
		Categories, Tests map[string]struct{ Status, Verdict string }
		Custom            map[string]any
	}
}

func read(t *testing.T, text string) document {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	var d document
	if err := dec.Decode(&d); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return d
}

func one(t *testing.T, w *World) result {
	t.Helper()
	d := read(t, write(t, options(), judge(t, w)))
	dec := json.NewDecoder(bytes.NewReader(d.Domains["example.test"]))
	dec.DisallowUnknownFields()
	var r result
	if err := dec.Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDocument(t *testing.T) {
	d := read(t, write(t, options(), judge(t, named(Right(), "xn--bcher-kva.test")), broken(t, "xn--0.test")))
	if d.API != "2.7.0" || len(d.Domains) != 2 || d.Domains["bücher.test"] == nil {
		t.Errorf("got version %s, domains %q", d.API, d.Domains)
	}
	for name, want := range map[string]string{
		"name": "weekly run", "submit_date": "2026-07-20T09:15:00.123456+00:00", "finished_date": "2026-07-20T09:21:42.000001+00:00",
		"request_type": "mail", "status": "done", "request_id": "0f3c5a7d9b1e4c2f8a6d4b2e0c9f7a51",
	} {
		if d.Request[name] != want {
			t.Errorf("%s is %q, want %q", name, d.Request[name], want)
		}
	}
	if got := read(t, write(t, internetnl.Options{Submitted: submitted.Truncate(time.Second)})); len(got.Domains) != 0 || got.Domains == nil ||
		got.Request["name"] != "no-name" || got.Request["finished_date"] != "2026-07-20T09:15:00+00:00" {
		t.Errorf("an empty run: %+v", got)
	}
}

// Tests and categories stand in the order of the report.
func TestOrder(t *testing.T) {
	text := write(t, options(), judge(t, Right()))
	at := 0
	for _, c := range score.InternetNL().Categories {
		i := strings.Index(text[at:], `"`+c.API+`": {`)
		if i < 0 {
			t.Fatalf("category %s is missing or out of order", c.API)
		}
		at += i
	}
	for _, r := range score.InternetNL().Rows {
		i := strings.Index(text[at:], `"`+r.API+`": {`)
		if i < 0 {
			t.Fatalf("test %s is missing or out of order", r.API)
		}
		at += i
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name   string
		world  *World
		tests  map[string]string // status/verdict
		tls    string            // category
		custom string            // non-sending, testable, TLS 1.3
		points int
	}{
		{"right", Right(), map[string]string{"mail_auth_dkim_exist": "passed/good", "mail_starttls_tls_0rtt": "passed/na"}, "passed/passed", "false ok no", 100},
		{"unreachable", Right().Set("starttls-exists@" + MX2 + "=other"), map[string]string{"mail_starttls_tls_available": "error/other", "mail_starttls_dane_exist": "not_tested/not-tested"},
			"error/unreachable", "false unreachable undetermined", 80},
		{"time limit", Right().Set("starttls-exists@" + MX1 + "=could-not-test"), nil, "error/untestable", "false untestable undetermined", 80},
		{"no MX", Right().NoMail("no-mx").Set("dkim-exists=no-email"), map[string]string{"mail_auth_dkim_exist": "not_tested/no-email", "mail_starttls_tls_available": "not_tested/other-2"},
			"info/no-mx", "true no_mx no", 100},
		{"null MX counts as testable", Right().NoMail("null-mx"), nil, "info/null-mx", "false ok no", 100},
		{"short verdicts", Right().Set("cert-host=bad/has_daneTA", "rpki-mx-valid=not-tested/validator_error"),
			map[string]string{"mail_starttls_cert_domain": "failed/bad", "mail_rpki_valid": "error/not-tested"}, "failed/failed", "false ok no", 95},
		{"unknown to us, known to them", Right().Set("starttls-exists=*unknown(other)"), map[string]string{"mail_starttls_tls_available": "error/other"},
			"error/unreachable", "false unreachable undetermined", 80},
		{"unknown", Right().Set("starttls-exists=*unknown", "spf-policy=*ungathered"), map[string]string{"mail_starttls_tls_available": "not_tested/not-tested", "mail_auth_spf_policy": "not_tested/not-tested"},
			"info/info", "false untestable undetermined", 76},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := one(t, c.world)
			if r.Status != "ok" || r.Scoring.Percentage != c.points || r.Report.URL != "https://batch.example/mail/example.test/1/" {
				t.Errorf("got %s, %d, %s", r.Status, r.Scoring.Percentage, r.Report.URL)
			}
			for id, want := range c.tests {
				if got := r.Results.Tests[id].Status + "/" + r.Results.Tests[id].Verdict; got != want {
					t.Errorf("%s: got %s, want %s", id, got, want)
				}
			}
			tls := r.Results.Categories["mail_starttls"]
			if got := tls.Status + "/" + tls.Verdict; got != c.tls {
				t.Errorf("mail_starttls: got %s, want %s", got, c.tls)
			}
			k := r.Results.Custom
			if got := fmt.Sprintf("%v %v %v", k["mail_non_sending_domain"], k["mail_servers_testable_status"], k["tls_1_3_support"]); got != c.custom {
				t.Errorf("custom: got %s, want %s", got, c.custom)
			}
		})
	}
}

// A domain may declare that it sends no mail though it has DKIM.
func TestNonSending(t *testing.T) {
	r := judge(t, Right())
	i := slices.IndexFunc(r.Categories[2].Checks, func(k report.Check) bool { return k.ID == "dkim-exists" })
	r.Categories[2].Checks[i].Findings[0].Args["non_sending"] = "true"
	if text := write(t, options(), r); !strings.Contains(text, `"mail_non_sending_domain": true`) {
		t.Error("the argument is not seen")
	}
}

// The document is whole even if Close comes twice; after a failed write
// nothing is added to half a document.
func TestBroken(t *testing.T) {
	w := &limited{n: 100}
	h := internetnl.New(w, options())
	if err := h.Report(judge(t, Right())); !errors.Is(err, errFull) {
		t.Fatalf("got %v", err)
	}
	w.n = 1 << 20
	if h.Report(judge(t, Right())) == nil || h.Close() == nil {
		t.Error("went on after a failed write")
	}
	if w.Len() > 100 {
		t.Errorf("%d octets", w.Len())
	}
	var b bytes.Buffer
	h = internetnl.New(&b, options())
	if err := errors.Join(h.Close(), h.Close()); err != nil {
		t.Fatal(err)
	}
	read(t, b.String())
}

var errFull = errors.New("disk full")

type limited struct {
	bytes.Buffer
	n int
}

func (l *limited) Write(b []byte) (int, error) {
	if len(b) > l.n-l.Len() {
		return 0, errFull
	}
	return l.Buffer.Write(b)
}

// Memory does not grow with the number of domains.
func TestMemory(t *testing.T) {
	r := judge(t, Right())
	h := internetnl.New(discard{}, options())
	live := func() uint64 {
		for range 500 {
			if err := h.Report(r); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	first := live()
	if last := live(); last > first+256<<10 {
		t.Errorf("the heap grew from %d to %d octets", first, last)
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

func TestName(t *testing.T) {
	for in, want := range map[string]string{"example.test": "example.test", "xn--bcher-kva.test": "bücher.test", "xn--0.test": "xn--0.test", "xn--a": "xn--a"} {
		if got := internetnl.Name(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"example.test", "xn--bcher-kva.test", "xn--", "\x00\xff\"", "xn--ls8h.test"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var b bytes.Buffer
		h := internetnl.New(&b, internetnl.Options{})
		if err := errors.Join(h.Report(&report.Report{Domain: name}), h.Close()); err != nil {
			t.Fatal(err)
		}
		if !json.Valid(b.Bytes()) {
			t.Errorf("%q: %s", name, b.String())
		}
	})
}

func Example() {
	h := internetnl.New(os.Stdout, internetnl.Options{RequestID: "00000000000000000000000000000001", Submitted: time.Date(2026, 7, 20, 9, 15, 0, 0, time.UTC)})
	r := &report.Report{Domain: "broken.example", Error: &report.Error{Text: "no resolver"}}
	if err := errors.Join(h.Report(r), h.Close()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {
	//  "api_version": "2.7.0",
	//  "domains": {
	//   "broken.example": {
	//    "status": "error"
	//   }
	//  },
	//  "request": {
	//   "name": "no-name",
	//   "submit_date": "2026-07-20T09:15:00+00:00",
	//   "finished_date": "2026-07-20T09:15:00+00:00",
	//   "request_type": "mail",
	//   "status": "done",
	//   "request_id": "00000000000000000000000000000001"
	//  }
	// }
}
