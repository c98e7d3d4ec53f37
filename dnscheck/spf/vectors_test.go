package spf_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"testing"

	"mailvet/dnscheck/spf"
)

// departures are the vectors that others judge otherwise, with the reason.
var departures = map[string]string{
	"V=spf1 all Include:example.org a ?a -a +a ~a a:x a:x/0 a:x/24//64 a:x//64 mx mx:x ptr ptr:x IP4:10.0.0.1 ip4:0.0.0.0/0 ip4:10.0.0.1/24 ip6:2001:db8::1 ip6:2001:db8::1/128 exists:x REDIRECT=x exp=X Other=x": "RFC 7208, Section 7.1: a domain-spec ends in a macro, or in a dot and a top label; \"x\" has no dot",
}

func TestVectors(t *testing.T) {
	f, err := os.Open("../../../shared/vectors/spf-parse.jsonl")
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
		r, err := spf.Parse(v.Record)
		agree := (err == nil) == (v.Expect == "valid")
		if _, departs := departures[v.Record]; agree == departs {
			t.Errorf("%q: %v, %v; want %s, and departing %v", v.Record, r, err, v.Expect, departs)
		}
	}
	if n < 20 {
		t.Errorf("only %d vectors", n)
	}
}
