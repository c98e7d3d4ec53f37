package dkim_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailvet/dnscheck/dkim"
	"mailvet/report/evidence"
)

// verdict is what a vector expects: the first thing wrong with what stands at a
// selector, "good" if nothing is.
func verdict(texts []string) string {
	r, err := dkim.ParseAll(texts)
	var key *dkim.Key
	if err == nil {
		key, err = r.Key()
	}
	var e *dkim.Error
	switch {
	case errors.As(err, &e) && (e.Fault == dkim.NotKey || e.Fault == dkim.Several):
		return e.Fault.String()
	case e != nil:
		return fmt.Sprintf("%s at %d", e.Fault, e.Offset)
	case err != nil:
		return err.Error()
	case !r.SHA256():
		return "sha1-only"
	case r.Revoked():
		return "revoked"
	case !r.ForMail():
		return "not-for-mail"
	case key.Unsafe():
		return "unsafe"
	case key.Strength() != dkim.Good:
		return key.Strength().String()
	case key.LowExponent():
		return "low-exponent"
	case key.Bare:
		return "bare-key"
	case r.Testing():
		return "testing"
	}
	return "good"
}

// vector is one file: a header of lines "name: value", an empty line, and the
// TXT records at a selector, one a line in presentation format.
type vector struct {
	name, expect string
	texts        []string
}

func vectors(t testing.TB) []vector {
	t.Helper()
	files, err := filepath.Glob("../../testdata/vectors/dkim/*.txt")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d vectors, %v", len(files), err)
	}
	var list []vector
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		header, body, ok := strings.Cut(string(data), "\n\n")
		first, _, _ := strings.Cut(header, "\n")
		expect, expects := strings.CutPrefix(first, "expect: ")
		if !ok || !expects {
			t.Fatalf("%s: no header", f)
		}
		v := vector{name: strings.TrimSuffix(filepath.Base(f), ".txt"), expect: expect}
		for line := range strings.Lines(body) {
			v.texts = append(v.texts, evidence.RR{Type: "TXT", Data: strings.TrimSuffix(line, "\n")}.Text())
		}
		list = append(list, v)
	}
	return list
}

func TestOwnVectors(t *testing.T) {
	met := map[string]bool{}
	for _, v := range vectors(t) {
		t.Run(v.name, func(t *testing.T) {
			if got := verdict(v.texts); got != v.expect {
				t.Errorf("got %s, want %s", got, v.expect)
			}
			word, _, _ := strings.Cut(v.expect, " ")
			met[word] = true
			for _, text := range v.texts {
				roundTrip(t, text)
			}
		})
	}
	for f := dkim.NotKey; f <= dkim.EmptyFlags; f++ {
		if !met[f.String()] {
			t.Errorf("no vector has the fault %s", f)
		}
	}
}

// roundTrip: what parses is printed so that it parses to the same.
func roundTrip(t testing.TB, text string) {
	t.Helper()
	r, err := dkim.Parse(text)
	if r == nil {
		var e *dkim.Error
		if !errors.As(err, &e) || e.Tolerated() || e.Fault == dkim.NoFault || e.Offset < 0 || e.Offset > len(text) {
			t.Errorf("%q: no record, and the error %v", text, err)
		}
		return
	}
	again, err := dkim.Parse(r.String())
	if again == nil || again.String() != r.String() || len(again.Tags) != len(r.Tags) {
		t.Errorf("%q is printed as %q, which is read as %v, %v", text, r, again, err)
		return
	}
	for i := range r.Tags {
		if again.Tags[i].Name != r.Tags[i].Name || again.Tags[i].Value != r.Tags[i].Value {
			t.Errorf("%q: tag %d is %v, then %v", text, i, r.Tags[i], again.Tags[i])
		}
	}
	one, err1 := r.Key()
	two, err2 := again.Key()
	if (one == nil) != (two == nil) || (err1 == nil) != (err2 == nil) || one != nil && one.Fingerprint() != two.Fingerprint() {
		t.Errorf("%q: another key after printing", text)
	}
}

// TestVectors: records that others judge. Each is valid or not for them.
func TestVectors(t *testing.T) {
	f, err := os.Open("../../../shared/vectors/dkim-key-record.jsonl")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs ../shared/vectors beside the project")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for sc := bufio.NewScanner(f); sc.Scan(); n++ {
		var v struct{ Record, Expect string }
		if err := json.Unmarshal(sc.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		r, err := dkim.Parse(v.Record)
		if err == nil {
			_, err = r.Key()
		}
		if (err == nil) != (v.Expect == "valid") {
			t.Errorf("%q: %v; want %s", v.Record, err, v.Expect)
		}
	}
	if n < 10 {
		t.Errorf("only %d vectors", n)
	}
}
