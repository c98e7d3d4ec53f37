package main

import (
	"context"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "put the demo's output into README.md")

// TestReadme: the outputs in README.md are what the program prints.
func TestReadme(t *testing.T) {
	const file = "../../README.md"
	readme, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	if code := run(context.Background(), []string{"demo"}, streams{nil, &out, &errs}); code != exitDone {
		t.Fatalf("demo: exit code %d: %s", code, errs.String())
	}
	// The report of one domain as it is on a fake clock, so without the time it took.
	one, err := os.ReadFile("../../testdata/reports/perfect.test.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := fill(t, fill(t, string(readme), "demo", out.String()), "demo perfect.test", string(one))
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(readme) {
		t.Error("README.md does not have what is printed; run go test ./cmd/mailvet -run Readme -update, and read the difference")
	}
}

// fill puts an output between its two marks.
func fill(t *testing.T, readme, name, output string) string {
	t.Helper()
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, ok := strings.Cut(readme, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("README.md lacks the marks of %q", name)
	}
	return before + begin + "```\n" + strings.TrimRight(output, "\n") + "\n```\n" + end + after
}

// TestOneScreen: the report of a good domain fits a terminal of 80 by 24.
func TestOneScreen(t *testing.T) {
	for _, domain := range []string{"perfect.test", "rollover.test", "nullmx.test"} {
		var out, errs strings.Builder
		if code := run(context.Background(), []string{"demo", domain}, streams{nil, &out, &errs}); code != exitDone {
			t.Fatalf("%s: exit code %d: %s", domain, code, errs.String())
		}
		if n := strings.Count(out.String(), "\n"); n > 23 { // the prompt has a line too
			t.Errorf("%s: %d lines\n%s", domain, n, out.String())
		}
	}
}
