package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"mailvet/report"
	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/report/reporttest"
	"mailvet/report/score"
)

func judge(t *testing.T, w *reporttest.World) *report.Report {
	t.Helper()
	r, err := report.New(w.Catalogue(), w.Policy, w.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func encode(t *testing.T, r *report.Report, indent bool) string {
	t.Helper()
	var b bytes.Buffer
	e := report.NewEncoder(&b, indent)
	if err := errors.Join(e.Report(r), e.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The core of the JSON is a contract: these members, of these types, are there
// in every report.
func TestCore(t *testing.T) {
	w := reporttest.Right().Set("dmarc-policy=policy", "rpki-mx-exists=*ungathered")
	var got any
	if err := json.Unmarshal([]byte(encode(t, judge(t, w), false)), &got); err != nil {
		t.Fatal(err)
	}
	const core = `{"schema": "", "domain": "", "time": "", "tool": {"name": "", "version": ""},
		"score": {"percent": 0, "low": 0, "high": 0, "complete": false, "policy": ""},
		"categories": [{"id": "", "status": "", "points": 0, "max": 0, "percent": 0,
			"checks": [{"id": "", "internetnl": "", "level": "", "status": "", "points": 0, "max": 0,
				"findings": [{"code": "", "subject": {"host": "", "addr": ""}, "text": "", "advice": "", "args": {}, "evidence": [""]}]}]}],
		"cost": {"dns_queries": 0, "smtp_connections": 0, "seconds": 0}, "evidence_digest": ""}`
	var want any
	if err := json.Unmarshal([]byte(core), &want); err != nil {
		t.Fatal(err)
	}
	contains(t, "", got, want)
	for _, text := range []string{`"schema":"mailvet.report/v1"`, `"time":"2026-11-22T10:00:00Z"`, `"policy":"internetnl-1.11.2"`, `"seconds":1.3`,
		`"percent":94,"low":94,"high":96,"complete":false`, `"evidence_digest":"sha256:`, `"status":"not-tested"`, `"level":"required"`} {
		if !strings.Contains(encode(t, judge(t, w), false), text) {
			t.Errorf("no %s", text)
		}
	}
}

// contains checks that got has all members of want, with values of their types.
func contains(t *testing.T, path string, got, want any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		m, ok := got.(map[string]any)
		if !ok {
			t.Fatalf("%s is %T", path, got)
		}
		for name, v := range want {
			if _, ok := m[name]; !ok {
				t.Fatalf("%s.%s is missing", path, name)
			}
			contains(t, path+"."+name, m[name], v)
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) == 0 {
			t.Fatalf("%s is %T with %d elements", path, got, len(list))
		}
		for i, v := range list {
			contains(t, fmt.Sprintf("%s[%d]", path, i), v, want[0])
		}
	default:
		if reflect.TypeOf(got) != reflect.TypeOf(want) {
			t.Fatalf("%s is %T, want %T", path, got, want)
		}
	}
}

func TestErrorForm(t *testing.T) {
	s := &evidence.Snapshot{Domain: "example.test", Error: &evidence.Failure{Op: evidence.OpConfig, Class: evidence.ClassBadInput, Text: "no \xff such name"}}
	r, err := report.New(reporttest.Right().Catalogue(), score.InternetNL(), s)
	if err != nil {
		t.Fatal(err)
	}
	got := encode(t, r, false)
	if r.Score != nil || strings.Contains(got, `"score"`) || !strings.Contains(got, `"error":{"class":"bad-input","op":"config","text":"no �`) || !strings.Contains(got, `"categories":[]`) {
		t.Errorf("got %s", got)
	}
}

func TestStatuses(t *testing.T) {
	for _, c := range []struct {
		name, change string
		category     check.Category
		check        check.Status // of the check changed
		want         check.Status // of the category
	}{
		{"right", "spf-policy=good", check.Auth, check.StatusPassed, check.StatusPassed},
		{"failed", "spf-policy=bad", check.Auth, check.StatusFailed, check.StatusFailed},
		{"unknown", "spf-policy=*unknown", check.Auth, check.StatusUnknown, check.StatusUnknown},
		{"unknown, though Internet.nl fails it", "spf-policy=*unknown(bad)", check.Auth, check.StatusUnknown, check.StatusUnknown},
		{"warning", "caa=bad", check.TLS, check.StatusWarning, check.StatusWarning},
		{"info does not show", "cert-trust=bad", check.TLS, check.StatusInfo, check.StatusPassed},
		{"partly not gathered", "spf-policy=*ungathered", check.Auth, check.StatusNotTested, check.StatusPassed},
		{"one host failed", "dane-valid@" + reporttest.MX1 + "=bad", check.TLS, check.StatusFailed, check.StatusFailed},
		{"one host does not apply", "tls-extended-master-secret@" + reporttest.MX2 + "=na-no-tls-1-2", check.TLS, check.StatusPassed, check.StatusPassed},
		{"one host unknown", "dane-valid@" + reporttest.MX2 + "=*unknown", check.TLS, check.StatusUnknown, check.StatusUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := judge(t, reporttest.Right().Set(c.change))
			id, _, _ := strings.Cut(c.change, "=")
			id, _, _ = strings.Cut(id, "@")
			for _, cat := range r.Categories {
				for _, k := range cat.Checks {
					if k.ID == id && (k.Status != c.check || cat.Status != c.want || cat.ID != c.category.String()) {
						t.Errorf("check %s, category %s %s", k.Status, cat.ID, cat.Status)
					}
				}
			}
		})
	}
	r := judge(t, reporttest.Right().NoMail("no-mx"))
	if got := r.Categories[3].Status; got != check.StatusNotTested {
		t.Errorf("without mail hosts TLS is %s", got)
	}
}

// Extra checks are reported and never scored.
func TestExtra(t *testing.T) {
	w := reporttest.Right()
	bad := &check.Code{Name: "bad", Outcome: check.Fail, Text: "It is bad.", Advice: "Make it good."}
	extra := &check.Check{ID: "mta-sts", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain, Title: "MTA-STS", Codes: []*check.Code{bad},
		Evaluate: func(*evidence.Snapshot, evidence.Subject) check.Finding { return check.Finding{Code: bad} }}
	r, err := report.New(append(w.Catalogue(), extra), w.Policy, w.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	last := r.Categories[len(r.Categories)-1]
	if last.ID != "extra" || last.Status != check.StatusWarning || last.Max != 0 || r.Score.Percent != 100 || !r.Score.Complete {
		t.Errorf("got %+v with %+v", last, r.Score)
	}
}

// One fault that two checks see is one thing to tell, if the second has no more
// to say of the same subject.
func TestSameAs(t *testing.T) {
	fault := &check.Code{Name: "bad", Outcome: check.Fail, Text: "It is bad.", Advice: "Mend."}
	fine := &check.Code{Name: "good", Outcome: check.Pass, Text: "Fine."}
	twin := &check.Code{Name: "bad", Outcome: check.Fail, Text: "Bad by the standard.{also}", Advice: "Mend.", SameAs: []*check.Code{fault, fine}}
	for _, tt := range []struct {
		name  string
		first *check.Code
		scope check.Scope
		also  string
		want  string
	}{
		{"the same", fault, check.PerDomain, "", "first"},
		{"more to say", fault, check.PerDomain, " And more.", ""},
		{"no fault before", fine, check.PerDomain, "", ""},
		{"another subject", fault, check.PerHost, "", ""},
	} {
		list := []*check.Check{
			{ID: "first", Category: check.Extra, Level: check.Required, Scope: tt.scope, Title: "First", Codes: []*check.Code{fault, fine},
				Evaluate: func(*evidence.Snapshot, evidence.Subject) check.Finding { return check.Finding{Code: tt.first} }},
			{ID: "second", Category: check.Extra, Level: check.Required, Scope: check.PerDomain, Title: "Second", Codes: []*check.Code{twin},
				Evaluate: func(*evidence.Snapshot, evidence.Subject) check.Finding {
					return check.Finding{Code: twin, Args: map[string]string{"also": tt.also}}
				}},
		}
		w := reporttest.Right()
		r, err := report.New(append(w.Catalogue(), list...), w.Policy, w.Snapshot())
		if err != nil {
			t.Fatal(err)
		}
		checks := r.Categories[len(r.Categories)-1].Checks
		if got := checks[1].Findings[0].SameAs; got != tt.want || checks[0].Findings[0].SameAs != "" {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// The same evidence gives the same bytes: evaluated twice, read back from its
// stored form, with the records in another order.
func TestSameBytes(t *testing.T) {
	w := reporttest.Right().NoTLSA(reporttest.MX1).Set("tls-version=*ungathered", "spf-policy=*unknown(bad)")
	want := encode(t, judge(t, w), true)
	if got := encode(t, judge(t, w), true); got != want {
		t.Error("a second evaluation differs")
	}
	stored, err := evidence.Marshal(w.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	s, err := evidence.Unmarshal(stored)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(s.Lookups[0].Answer)
	r, err := report.New(w.Catalogue(), w.Policy, s)
	if err != nil {
		t.Fatal(err)
	}
	if got := encode(t, r, true); got != want {
		t.Error("the stored snapshot gives another report")
	}
}

func TestRoundTrip(t *testing.T) {
	w := reporttest.Right().Set("dmarc-policy=policy", "rpki-mx-exists=*ungathered")
	for _, indent := range []bool{false, true} {
		r := judge(t, w)
		text := encode(t, r, indent)
		if lines := strings.Count(text, "\n"); !indent && lines != 1 {
			t.Errorf("%d lines for one report", lines)
		}
		dec := json.NewDecoder(strings.NewReader(text + text))
		for range 2 {
			back, err := report.Decode(dec)
			if err != nil {
				t.Fatal(err)
			}
			if again := encode(t, back, indent); again != text {
				t.Errorf("read back and written again:\n%s\nwas\n%s", again, text)
			}
		}
		if _, err := report.Decode(dec); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	}
	if _, err := report.Decode(json.NewDecoder(strings.NewReader(`{"schema": "mailvet.report/v9"}`))); err == nil {
		t.Error("another schema was read")
	}
}

// What a hostile name server sends stays bounded and valid UTF-8.
func TestHostileArguments(t *testing.T) {
	w := reporttest.Right()
	w.Domain = strings.Repeat("a\xff\x1b[2Jé", 10_000)
	r := judge(t, w)
	text := encode(t, r, false)
	if !utf8.ValidString(text) || len(text) > 5<<20 {
		t.Errorf("%d octets, valid UTF-8: %t", len(text), utf8.ValidString(text))
	}
	if f := r.Categories[0].Checks[0].Findings[0]; len(f.Text) > 2000 || len(f.Args["subject"]) > 5000 || !strings.Contains(f.Text, "octets)") {
		t.Errorf("text of %d, argument of %d octets", len(f.Text), len(f.Args["subject"]))
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWriteError(t *testing.T) {
	if err := report.NewEncoder(brokenWriter{}, true).Report(&report.Report{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	w := reporttest.Right()
	r, err := report.New(w.Catalogue(), w.Policy, w.Snapshot())
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := report.NewEncoder(&b, false).Report(r); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"schema":"mailvet.report/v1","error":{"class":"timeout"}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := report.Decode(json.NewDecoder(bytes.NewReader(in)))
		if err != nil {
			return
		}
		first := encode(t, r, false)
		again, err := report.Decode(json.NewDecoder(strings.NewReader(first)))
		if err != nil {
			t.Fatalf("%v: what was written cannot be read: %s", err, first)
		}
		if second := encode(t, again, false); second != first {
			t.Errorf("%s\nbecame %s", first, second)
		}
		if want := standard(t, r); first != want {
			t.Errorf("%s\nencoding/json writes\n%s", first, want)
		}
	})
}

// standard is the line as encoding/json writes it.
func standard(t *testing.T, r *report.Report) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Whatever a text holds, a line is as encoding/json writes it.
func TestLinesAsStandard(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	texts := []string{"", "plain", "quote \" and \\", "<&>", "\u2028\u2029\u00a0", "\x00\x01\x1f\x7f\b\f\n\r\t", "ü 漢 😀", "\xff\xc3(", string(every), "\uFFFD", strings.Repeat("long ", 9999)}
	for _, text := range texts {
		for _, seconds := range []float64{0, 0.001, 1.5, 1e-9, 1e21, 123456789.123} {
			r := &report.Report{Domain: text, Notes: []string{text}, Cost: report.Cost{Seconds: seconds}, Categories: []report.Category{{ID: text, Checks: []report.Check{{
				Findings: []report.Finding{{Text: text, Args: map[string]string{text: text, "b": text, "a": ""}, Evidence: []string{text}}, {}},
			}}}}}
			if got, want := encode(t, r, false), standard(t, r); got != want {
				t.Errorf("%q, %g:\n%s\nencoding/json writes\n%s", text, seconds, got, want)
			}
		}
	}
}

func BenchmarkNew(b *testing.B) {
	w := reporttest.Right().NoTLSA(reporttest.MX1)
	catalogue, s := w.Catalogue(), w.Snapshot()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := report.New(catalogue, w.Policy, s); err != nil {
			b.Fatal(err)
		}
	}
}

func Example() {
	w := reporttest.Right().Set("spf-policy=all")
	r, err := report.New(w.Catalogue(), w.Policy, w.Snapshot())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Domain, r.Score.Percent, r.Categories[2].ID, r.Categories[2].Status)
	r.Categories, r.EvidenceDigest = nil, "sha256:..." // to keep the example short
	var h report.Handler = report.NewEncoder(os.Stdout, true)
	if err := errors.Join(h.Report(r), h.Close()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// example.test 96 auth failed
	// {
	//   "schema": "mailvet.report/v1",
	//   "domain": "example.test",
	//   "time": "2026-11-22T10:00:00Z",
	//   "tool": {
	//     "name": "mailvet",
	//     "version": "test"
	//   },
	//   "options": [],
	//   "score": {
	//     "percent": 96,
	//     "low": 96,
	//     "high": 96,
	//     "complete": true,
	//     "policy": "internetnl-1.11.2"
	//   },
	//   "categories": null,
	//   "cost": {
	//     "dns_queries": 41,
	//     "smtp_connections": 2,
	//     "seconds": 1.3
	//   },
	//   "evidence_digest": "sha256:..."
	// }
}

func TestNotes(t *testing.T) {
	answer := func(name, typ string, o evidence.Outcome) evidence.Lookup {
		return evidence.Lookup{Name: name, Type: typ, Outcome: o}
	}
	tests := []struct {
		name    string
		lookups []evidence.Lookup
		strips  bool
		want    []string // words of each note
	}{
		{"nothing asked", nil, false, nil},
		{"does not exist", []evidence.Lookup{answer("a.test", "MX", evidence.OutcomeNXDomain), answer("a.test", "SOA", evidence.OutcomeNXDomain), answer("test", "NS", evidence.OutcomeAnswer)}, false, []string{"does not exist"}},
		{"exists for one type", []evidence.Lookup{answer("a.test", "MX", evidence.OutcomeNXDomain), answer("a.test", "SOA", evidence.OutcomeNoData)}, false, nil},
		{"not known for one type", []evidence.Lookup{answer("a.test", "MX", evidence.OutcomeNXDomain), answer("a.test", "SOA", evidence.OutcomeTimeout)}, false, nil},
		{"stripped", []evidence.Lookup{answer("a.test", "SOA", evidence.OutcomeAnswer)}, true, []string{"leaves out DNSSEC"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &evidence.Snapshot{Domain: "a.test", Lookups: tt.lookups, Vantage: evidence.Vantage{StripsDNSSEC: tt.strips}}
			s.Canonical()
			r, err := report.New(nil, score.InternetNL(), s)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Notes) != len(tt.want) {
				t.Fatalf("notes %q, want %q", r.Notes, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(r.Notes[i], want) {
					t.Errorf("note %q lacks %q", r.Notes[i], want)
				}
			}
		})
	}
}
