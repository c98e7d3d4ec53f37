package mtasts_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mailvet/dnscheck/mtasts"
)

// readVector splits a file at its empty line: "kind:" and "expect:", and what
// is to be read. "\r" at the end of a line stands for a carriage return.
func readVector(t *testing.T, file string) (head map[string]string, text string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	top, text, ok := strings.Cut(string(data), "\n\n")
	if !ok {
		t.Fatalf("%s: no empty line", file)
	}
	head = map[string]string{}
	for line := range strings.SplitSeq(top, "\n") {
		if k, v, ok := strings.Cut(line, ": "); ok {
			head[k] = v
		}
	}
	return head, strings.ReplaceAll(text, `\r`, "\r")
}

// outcome is "valid", "odd" where only something harmless is wrong, or "invalid".
func outcome(kind, text string) (string, any) {
	if kind == "record" {
		r, err := mtasts.ParseRecord(strings.TrimSuffix(text, "\n"))
		if err != nil {
			return "invalid", err
		}
		return "valid", r
	}
	_, faults := mtasts.ParsePolicy([]byte(text))
	switch {
	case !mtasts.Usable(faults):
		return "invalid", faults
	case len(faults) > 0:
		return "odd", faults
	}
	return "valid", nil
}

// TestVectors reads our own: one fault a file.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("../../testdata/vectors/mtasts/*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			head, text := readVector(t, file)
			if got, why := outcome(head["kind"], text); got != head["expect"] {
				t.Errorf("%s, want %s: %v", got, head["expect"], why)
			}
		})
	}
}

// TestSharedVectors reads those of others.
func TestSharedVectors(t *testing.T) {
	f, err := os.Open("../../../shared/vectors/mta-sts-tls-rpt-bimi.jsonl")
	if os.IsNotExist(err) {
		t.Skipf("the vectors of others are not here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var v struct{ Kind, Text, Expect, Note string }
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		kind, ok := strings.CutPrefix(v.Kind, "mta-sts-")
		if !ok {
			continue
		}
		n++
		if got, why := outcome(kind, v.Text); got != v.Expect {
			t.Errorf("%s %q is %s, want %s (%s): %v", kind, v.Text, got, v.Expect, v.Note, why)
		}
	}
	if n != 42 {
		t.Errorf("%d vectors, want 42", n)
	}
}

func TestPositions(t *testing.T) {
	for text, want := range map[string]int{
		"v=STSv2; id=1": 0, "v=STSv1x": 7, "v=STSv1; id": 9, "v=STSv1; id=": 12, "v=STSv1; id=a-b": 12, "v=STSv1; a=b; id=x; id=y": 20,
		"v=STSv1; id=a b": 14, "v=STSv1;": 8, "v=STSv1; =x; id=1": 9, "v=STSv1; id=1; x=\u00e9": 17,
	} {
		_, err := mtasts.ParseRecord(text)
		var s *mtasts.SyntaxError
		if !errors.As(err, &s) || s.Offset != want {
			t.Errorf("%q: %v, want octet %d", text, err, want+1)
		}
	}
}

func TestSelect(t *testing.T) {
	got := mtasts.Select([]string{"v=STSv1; id=1", "v=spf1 -all", "v=STSv1", "v=STSv1 ; id=2", "V=STSv1; id=3", "v=STSv10; id=4", " v=STSv1; id=5", "v=STSv1;"})
	if !slices.Equal(got, []string{"v=STSv1; id=1", "v=STSv1;"}) {
		t.Errorf("%q", got)
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, host string
		want          bool
	}{
		{"mx.example.test", "mx.example.test", true},
		{"MX.Example.test", "mx.example.TEST.", true},
		{"mx.example.test", "mx2.example.test", false},
		{"*.example.test", "mx.example.test", true},
		{"*.example.test", "example.test", false},
		{"*.example.test", "a.b.example.test", false},
		{"*.example.test", ".example.test", false},
		{"*.example.test", "mxexample.test", false},
		{"*.test", "example.test", true},
		{"*.", ".", false},
		{"m*.example.test", "mx.example.test", false},
	} {
		if got := mtasts.Matches(tt.pattern, tt.host); got != tt.want {
			t.Errorf("%s and %s: %v", tt.pattern, tt.host, got)
		}
	}
}

func TestFaultsAreBounded(t *testing.T) {
	_, faults := mtasts.ParsePolicy([]byte(strings.Repeat("<html>\n", 10000)))
	if len(faults) != 8 || faults[0].String() != "line 1: there is no colon in it" {
		t.Errorf("%d faults: %v", len(faults), faults)
	}
	blank := strings.Repeat("\n", 10000)
	if _, faults := mtasts.ParsePolicy([]byte(blank)); mtasts.Usable(faults) || len(faults) > 16 {
		t.Errorf("nothing but blank lines: %d faults: %v", len(faults), faults)
	}
	good := "version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 5\n"
	if p, faults := mtasts.ParsePolicy([]byte(blank + good)); !mtasts.Usable(faults) || len(faults) != 8 || !p.Allows("a.test") {
		t.Errorf("a policy behind blank lines: %+v, %d faults: %v", p, len(faults), faults)
	}
}

func TestRepeatedFields(t *testing.T) {
	p, faults := mtasts.ParsePolicy([]byte("version: STSv1\nmode: enforce\nmode: none\nmx: a.test\nmx: B.test\nmax_age: 5\nmax_age: 6\n"))
	want := mtasts.Policy{Mode: mtasts.ModeEnforce, MX: []string{"a.test", "b.test"}, MaxAge: 5}
	if !reflect.DeepEqual(p, want) || len(faults) != 2 || !mtasts.Usable(faults) {
		t.Errorf("%+v, %v", p, faults)
	}
	if !p.Allows("b.test") || p.Allows("c.test") {
		t.Error("patterns")
	}
}

func FuzzRecord(f *testing.F) {
	for _, s := range []string{"v=STSv1; id=1;", "v=STSv1;id=a;b=c ; d=e", "v=STSv1 \t; id=20160831085700Z", "v=STSv1; id=1;;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := mtasts.ParseRecord(s)
		if err != nil {
			return
		}
		back, err := mtasts.ParseRecord(r.String())
		if err != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("%q reads as %+v, its text %q as %+v (%v)", s, r, r, back, err)
		}
	})
}

func FuzzPolicy(f *testing.F) {
	for _, s := range []string{"version: STSv1\r\nmode: enforce\r\nmx: *.example.test\r\nmax_age: 604800\r\nx: y z\r\n", "version:STSv1\nmode:none\nmax_age:0", "a:b", "\n\n", "\n\n\n\n\n\n\n\n\n ", "mx:\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, faults := mtasts.ParsePolicy([]byte(s))
		if !mtasts.Usable(faults) {
			return
		}
		back, faults := mtasts.ParsePolicy([]byte(p.String()))
		if len(faults) > 0 || !reflect.DeepEqual(back, p) {
			t.Errorf("%q reads as %+v, its text %q as %+v (%v)", s, p, p, back, faults)
		}
	})
}

func Example() {
	policy, faults := mtasts.ParsePolicy([]byte("version: STSv1\nmode: enforce\nmx: *.example.test\nmax_age: 604800\n"))
	fmt.Println(policy.Mode, policy.Allows("mx.example.test"), policy.Allows("mx.other.test"), len(faults))
	// Output: enforce true false 0
}
