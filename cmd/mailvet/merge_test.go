package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"mailvet/report/summary"
)

// However the results of a run are parted, doubled or torn, merged they are
// summed up as the whole run was.
func TestMergeSums(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, "list")
	if err := os.WriteFile(list, []byte("perfect.test\nnomx.test\nnullmx.test\nunsigned.test\nspflimit.test\nmissing.test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(dir, "whole.jsonl")
	var errs strings.Builder
	if code := run(t.Context(), append(dnsFlags(t), "-q", "-f", list, "-o", whole), streams{nil, nil, &errs}); code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(string(data), "\n")+"\n", "\n")
	lines = lines[:len(lines)-1]
	n := len(lines) - 1
	total := lines[n]
	part := func(from, to int) string { return strings.Join(lines[from:to], "") }
	sums := func(line string) summary.Summary {
		var s summary.Summary
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		s.Cost.Seconds = 0
		return s
	}
	for name, test := range map[string]struct {
		files []string
		told  string
		code  int
	}{
		"the run itself":          {[]string{part(0, n) + total}, "", exitDone},
		"parts":                   {[]string{part(0, 2) + total, part(2, n) + total}, "", exitDone},
		"parts that overlap":      {[]string{part(0, 4), part(1, n)}, "3 results left out", exitDone},
		"a file twice":            {[]string{part(0, n), part(0, n)}, "6 results left out", exitDone},
		"an interrupted run":      {[]string{part(0, 3), part(3, n) + total}, "0 has no summary: the run that wrote it did not come to its end", exitDone},
		"the summary only":        {[]string{total, part(0, n)}, "", exitDone},
		"without a last line end": {[]string{part(0, 3), strings.TrimSuffix(part(3, n), "\n")}, "", exitDone},
		"torn":                    {[]string{part(0, 3) + lines[3][:100], part(3, n)}, "the last line of", exitFailed},
		"NUL behind":              {[]string{part(0, 3) + "\x00\x00\x00\n", part(3, n)}, "the last line of", exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			args := []string{"merge"}
			for i, data := range test.files {
				file := filepath.Join(dir, string(rune('0'+i)))
				if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, file)
			}
			var out, errs strings.Builder
			if code := run(t.Context(), args, streams{nil, &out, &errs}); code != test.code || !strings.Contains(errs.String(), test.told) {
				t.Fatalf("exit code %d: %s", code, errs.String())
			}
			got := strings.SplitAfter(strings.TrimSuffix(out.String(), "\n"), "\n")
			if a, b := sums(got[len(got)-1]), sums(total); len(got) != n+1 || !reflect.DeepEqual(a, b) {
				t.Errorf("%d lines, %+v\nwant %d, %+v", len(got), a, n+1, b)
			}
		})
	}
}
