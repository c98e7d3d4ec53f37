package tlsrpt_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mailvet/dnscheck/tlsrpt"
)

// outcome is "valid", "invalid", or "unusable" where no sender can use any of
// the addresses.
func outcome(text string) (string, any) {
	r, err := tlsrpt.ParseRecord(text)
	if err != nil {
		return "invalid", err
	}
	var whys []string
	for _, uri := range r.RUA {
		_, why := tlsrpt.DestinationOf(uri)
		if why == "" {
			return "valid", r
		}
		whys = append(whys, why)
	}
	return "unusable", whys
}

// TestVectors reads our own: one fault a file.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("../../testdata/vectors/tlsrpt/*.txt")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			head, text, _ := strings.Cut(string(data), "\n\n")
			_, want, _ := strings.Cut(head, "expect: ")
			if got, why := outcome(strings.TrimSuffix(text, "\n")); got != want {
				t.Errorf("%s, want %s: %v", got, want, why)
			}
		})
	}
}

// TestSharedVectors reads those of others. They do not tell a URI that nobody
// knows from one that is none.
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
		var v struct{ Kind, Text, Expect string }
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		if v.Kind != "tls-rpt-record" {
			continue
		}
		n++
		if got, why := outcome(v.Text); got != v.Expect {
			t.Errorf("%q is %s, want %s: %v", v.Text, got, v.Expect, why)
		}
	}
	if n != 20 {
		t.Errorf("%d vectors, want 20", n)
	}
}

func TestDestinations(t *testing.T) {
	for uri, want := range map[string]tlsrpt.Destination{
		"mailto:reports@Example.TEST":    {Scheme: "mailto", Domain: "example.test"},
		"mailto:a%2Bb@example.test?x=y":  {Scheme: "mailto", Domain: "example.test"},
		"https://reports.example.test/x": {Scheme: "https", Domain: "reports.example.test"},
		"https://Example.test:8443/":     {Scheme: "https", Domain: "example.test"},
	} {
		if d, why := tlsrpt.DestinationOf(uri); d != want || why != "" {
			t.Errorf("%s: %+v, %s", uri, d, why)
		}
	}
	for _, uri := range []string{"mailto:", "mailto:x", "mailto:@example.test", "mailto:a@b@example.test", "mailto:x@localhost", "https:///x", "http://example.test/", "ftp://x.test", "%", "mailto:x@[192.0.2.1]",
		"mailto:" + strings.Repeat("a", 300) + "@example.test"} {
		if d, why := tlsrpt.DestinationOf(uri); why == "" {
			t.Errorf("%s is accepted as %+v", uri, d)
		}
	}
}

func TestSelect(t *testing.T) {
	got := tlsrpt.Select([]string{"v=TLSRPTv1; rua=mailto:a@b.test", "v=TLSRPTv1", "v=tlsrptv1; rua=x", "v=TLSRPTv1;"})
	if !slices.Equal(got, []string{"v=TLSRPTv1; rua=mailto:a@b.test", "v=TLSRPTv1;"}) {
		t.Errorf("%q", got)
	}
}

func FuzzRecord(f *testing.F) {
	for _, s := range []string{"v=TLSRPTv1; rua=mailto:a@b.test", "v=TLSRPTv1;rua=https://x.test/a,mailto:b@c.test;d=e", "v=TLSRPTv1; rua=mailto:x; rua=y:z;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := tlsrpt.ParseRecord(s)
		if err != nil {
			return
		}
		back, err := tlsrpt.ParseRecord(r.String())
		if err != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("%q reads as %+v, its text %q as %+v (%v)", s, r, r, back, err)
		}
		for _, uri := range r.RUA {
			tlsrpt.DestinationOf(uri)
		}
	})
}

func Example() {
	r, err := tlsrpt.ParseRecord("v=TLSRPTv1; rua=mailto:tlsrpt@example.test,https://reports.example.test/tls")
	fmt.Println(len(r.RUA), err)
	d, _ := tlsrpt.DestinationOf(r.RUA[0])
	fmt.Println(d.Scheme, d.Domain)
	// Output:
	// 2 <nil>
	// mailto example.test
}
