package main

import (
	"context"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "put the demo's output into README.md")

// TestReadme: the demo's output in README.md is the demo's output.
func TestReadme(t *testing.T) {
	const file, begin, end = "../../README.md", "<!-- demo -->\n", "<!-- /demo -->"
	readme, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(readme), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("README.md lacks the marks %q and %q", begin, end)
	}
	var out, errs strings.Builder
	if code := run(context.Background(), []string{"demo"}, streams{nil, &out, &errs}); code != exitDone {
		t.Fatalf("demo: exit code %d: %s", code, errs.String())
	}
	want := before + begin + "```\n" + strings.TrimRight(out.String(), "\n") + "\n```\n" + end + after
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(readme) {
		t.Errorf("README.md does not have the demo's output as it is; run go test ./cmd/mailvet -run Readme -update, and read the difference\n%s", out.String())
	}
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
