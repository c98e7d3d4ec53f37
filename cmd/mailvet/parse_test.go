package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"mailvet/report"
)

// aLine is a result with all findings, as a list has it.
func aLine(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "reports", "perfect.test.json"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}

// TestParse: a result is read as encoding/json reads it.
func TestParse(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.jsonl")
	var errs strings.Builder
	if code := run(t.Context(), []string{"demo", "-q", "--format", "jsonl", "--no-smtp", "-o", out}, streams{nil, nil, &errs}); code == exitUsage {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSpace(string(data)), "\n")
	lines = append(lines, string(aLine(t)),
		`{"schema":"mailvet.report/v1","domain":"gone.test","error":{"class":"timeout","op":"query","text":"no \"resolver\" \u0041 \ud83d\ude00"},"categories":[]}`)
	if len(lines) < 50 {
		t.Fatalf("only %d results: %s", len(lines), errs.String())
	}
	for _, line := range lines {
		var want report.Report
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			t.Fatal(err)
		}
		if got, err := parseReport([]byte(line)); err != nil || !reflect.DeepEqual(got, &want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", want.Domain, err, got, want)
		}
		if domain, err := parseDomain([]byte(line)); err != nil || domain != want.Domain {
			t.Errorf("domain %q, %v", domain, err)
		}
	}
}

// FuzzParse: what is read is JSON, and has what encoding/json finds.
func FuzzParse(f *testing.F) {
	line := string(aLine(f))
	f.Add(line)
	f.Add(line[:len(line)/2])
	for _, s := range []string{
		"", "{}", "null", "[]", "x", "\x00", `{"schema":"mailvet.summary/v1","domains":3,"scores":{"mean":1.5}}`, "{}\n\x00", "{} {}", `{"schema":1}`,
		`{"schema":"mailvet.report/v1","options":["a","b"],"tool":{"name":"m","version":"1"},"error":{"class":"timeout","text":"\u00e9\ud800"}}`,
		`{"options":null,"score":null,"error":null,"categories":[{"id":"extra","checks":[{"id":"dkim-keys","title":"t","status":"unknown","findings":[{"status":"unknown","text":"\t","args":{"fingerprints":"a b"}}]}]}]}`,
		`{"score":{"percent":1e1}}`, `{"score":{"complete":1}}`, "{\"domain\":\"a\xff\"}", `{"domain":"a","domain":"b"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, err := parseReport([]byte(line))
		domain, derr := parseDomain([]byte(line))
		if (err == nil || derr == nil) && !json.Valid([]byte(line)) {
			t.Fatalf("%q is not JSON", line)
		}
		var r report.Report
		if jerr := json.Unmarshal([]byte(line), &r); err != nil || jerr != nil {
			return // one of them reads more strictly
		}
		if strings.Contains(line, `\`) || strings.Count(line, `"domain"`) > 1 || strings.ToLower(line) != line {
			return // names may be written in other ways, and twice
		}
		if got.Domain != r.Domain || domain != r.Domain || got.Schema != r.Schema || len(got.Options) != len(r.Options) {
			t.Errorf("%q: %+v", line, got)
		}
	})
}

// TestMessages: lines come in their order, however many are parsed meanwhile.
func TestMessages(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	var file strings.Builder
	const n = 500
	for i := range n {
		fmt.Fprintf(&file, "%d%s\n", i, strings.Repeat(" ", i*37%3000))
	}
	for _, tail := range []string{"", "torn"} {
		got := 0
		for m := range messages(strings.NewReader(file.String()+tail), func(line []byte) (string, error) {
			return strings.TrimSpace(string(line)), nil
		}) {
			switch {
			case m.err != nil && (m.n != n+1 || m.what != tail):
				t.Errorf("line %d: %q, %v", m.n, m.what, m.err)
			case m.err == nil && (m.n != got+1 || m.what != fmt.Sprint(got) || m.last != (m.n == n && tail == "")):
				t.Errorf("line %d of %d: %q, last %v", m.n, got+1, m.what, m.last)
			}
			got++
		}
		if got != n+1 {
			t.Errorf("%d lines", got)
		}
		for range messages(strings.NewReader(file.String()+tail), unparsed) {
			break // nobody waits for the others
		}
	}
}

// TestMergePipe: what is wrong in a pipe is told though its writer goes on.
func TestMergePipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	name := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if _, err := os.Stat(name); err != nil {
		t.Skipf("needs /dev/fd: %v", err)
	}
	if _, err := w.WriteString("no result\nnor this\n"); err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	if code := run(t.Context(), []string{"merge", name}, streams{nil, io.Discard, &errs}); code == 0 || !strings.Contains(errs.String(), "line 1") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

// BenchmarkParse is what --resume and merge take for a line, beside what
// encoding/json takes.
func BenchmarkParse(b *testing.B) {
	line := aLine(b)
	for _, how := range []struct {
		name string
		read func() error
	}{
		{"standard", func() error { var r report.Report; return json.Unmarshal(line, &r) }},
		{"ours", func() error { _, err := parseReport(line); return err }},
	} {
		b.Run(how.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				if err := how.read(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// BenchmarkResume is reading a file of many results to its end.
func BenchmarkResume(b *testing.B) {
	const lines = 500
	name := filepath.Join(b.TempDir(), "out.jsonl")
	if err := os.WriteFile(name, bytes.Repeat(aLine(b), lines), 0o600); err != nil {
		b.Fatal(err)
	}
	o := &options{output: name, format: "jsonl", resume: true}
	for b.Loop() {
		f, err := createFile(name, true)
		if err != nil {
			b.Fatal(err)
		}
		s := &sink{o: o, policy: o.policy()}
		if err := s.recover(b.Context(), f, nil); err != nil || s.summary.Summary(0).Domains != lines {
			b.Fatal(err)
		}
		_ = f.Close()
	}
	b.ReportMetric(float64(b.N)*lines/b.Elapsed().Seconds(), "lines/s")
}
