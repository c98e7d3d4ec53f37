package caa_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mailvet/smtpcheck/caa"
)

const vectors = "../../testdata/vectors/caa"

// TestVectors reads our own records, one fault a file: "expect:" and "record:"
// lines. The verdict is Internet.nl's, the kinds are what it finds.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(vectors, "*.txt"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var list []caa.Property
			want := ""
			for line := range strings.Lines(string(data)) {
				key, value, _ := strings.Cut(strings.TrimRight(line, "\n"), ": ")
				switch key {
				case "expect":
					want = value
				case "record":
					p, err := caa.Parse(value)
					if err != nil {
						t.Fatal(err)
					}
					list = append(list, p)
				}
			}
			if got := outcome(list); got != want {
				t.Errorf("%s, want %s: %v", got, want, caa.Problems(list))
			}
		})
	}
}

func outcome(list []caa.Property) string {
	switch problems := caa.Problems(list); {
	case !caa.LimitsIssuanceExactly(list):
		return "insufficient"
	case len(problems) > 0:
		return "syntax-error"
	}
	return "good"
}

func TestParse(t *testing.T) {
	for data, want := range map[string]caa.Property{
		`0 issue "ca.example"`:               {Tag: "issue", Value: "ca.example"},
		`128 issue "ca.example; a=b"`:        {Flags: 128, Tag: "issue", Value: "ca.example; a=b"},
		`255 x ""`:                           {Flags: 255, Tag: "x"},
		`0 iodef "mailto:\"a b\"@x\.test\\"`: {Tag: "iodef", Value: `mailto:"a b"@x.test\`},
		`0 a\032b "\000\255"`:                {Tag: "a b", Value: "\x00\xff"},
	} {
		p, err := caa.Parse(data)
		if err != nil || p != want {
			t.Errorf("%s: %+q, %v", data, p, err)
		}
	}
	for _, data := range []string{"", "0", "0 issue", `issue "x"`, `256 issue "x"`, `-1 issue "x"`, `0 issue ca.example`, `0  "x"`, `0 "" "x"`, `0 " "x"`} {
		if p, err := caa.Parse(data); err == nil {
			t.Errorf("%q is accepted as %v", data, p)
		}
	}
}

func TestParseIssue(t *testing.T) {
	for s, want := range map[string]string{
		"": ";", ";": ";", "  ; ": ";", "ca.example": "ca.example", " ca.example ": "ca.example", "a-b.c--d": "a-b.c--d",
		"ca.example; a=b": "ca.example; a=b", "ca.example;a=b ; c-1 = d": "ca.example; a=b; c-1=d", "; a=": "; a=", "ca.example;": "ca.example",
	} {
		v, at := caa.ParseIssue(s)
		if at >= 0 || v.String() != want {
			t.Errorf("%q: %q, %d; want %q", s, v.String(), at, want)
		}
	}
	for s, want := range map[string]int{"ca example": 3, "ca..example": 3, "-ca": 3, "ca-.example": 3, ".": 0, "ca.": 3, "ca; a": 5, "ca; a=b;": 8, "ca; a b=c": 6,
		"ca; =b": 4, "ca;;": 3, "ca; a=b c": 8, "cä": 1, "ca.example, x": 10, "ca; a=\x01": 6} {
		if v, at := caa.ParseIssue(s); at != want {
			t.Errorf("%q: %q, %d; want %d", s, v, at, want)
		}
	}
}

func TestClimb(t *testing.T) {
	if got := caa.Climb("MX.example.test."); !slices.Equal(got, []string{"mx.example.test", "example.test", "test"}) {
		t.Errorf("%q", got)
	}
	if got := caa.Climb("."); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`0 issue "ca.example"`, `128 issue "a; b=c"`, `0 a\032b "\000"`, `0 iodef "mailto:x@y.test"`, `0 contactphone "+1;a=b"`, `0 " " "`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data string) {
		p, err := caa.Parse(data)
		if err != nil {
			return
		}
		back, err := caa.Parse(p.String())
		if err != nil || back != p {
			t.Errorf("%q reads as %+q, its text %q as %+q (%v)", data, p, p.String(), back, err)
		}
		for _, x := range caa.Problems([]caa.Property{p}) {
			if s := x.String(); strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%q", s)
			}
		}
	})
}

func FuzzParseIssue(f *testing.F) {
	for _, s := range []string{"", ";", "ca.example", "ca.example; a=b; c=d", "ca-", "; x="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, at := caa.ParseIssue(s)
		if at >= 0 {
			if at > len(s) {
				t.Errorf("%q: octet %d", s, at)
			}
			return
		}
		back, at := caa.ParseIssue(v.String())
		if at >= 0 || back.Domain != v.Domain || !slices.Equal(back.Parameters, v.Parameters) {
			t.Errorf("%q reads as %+v, its text %q as %+v, %d", s, v, v.String(), back, at)
		}
	})
}

func Example() {
	p, _ := caa.Parse(`0 issue "ca.example; validationmethods=dns-01"`)
	v, _ := caa.ParseIssue(p.Value)
	fmt.Println(v.Domain, v.Parameters)
	fmt.Println(caa.Climb("mx.example.test"))
	// Output:
	// ca.example [{validationmethods dns-01}]
	// [mx.example.test example.test test]
}
