package evidence_test

import (
	"testing"

	"mailvet/report/evidence"
)

func TestText(t *testing.T) {
	tests := []struct{ name, data, want string }{
		{"one string", `"v=spf1 -all"`, "v=spf1 -all"},
		{"strings are joined without a space", `"v=spf1 " "-all"`, "v=spf1 -all"},
		{"a split word", `"v=sp" "f1"`, "v=spf1"},
		{"spaces within count, between do not", `"a  b"   "c "`, "a  bc "},
		{"escaped quote and backslash", `"a\"b\\c"`, `a"b\c`},
		{"decimal escapes", `"\000\195\169\255"`, "\x00\xc3\xa9\xff"},
		{"an escape before digits", `"\0651"`, "A1"},
		{"a short escape is a letter", `"\65"`, "65"},
		{"a backslash at the end", `"a\`, "a\\"},
		{"without quotes", `v=spf1`, "v=spf1"},
		{"empty", `""`, ""},
		{"nothing", ``, ""},
		{"a quote left open", `"abc`, "abc"},
	}
	for _, tt := range tests {
		if got := (evidence.RR{Type: "TXT", Data: tt.data}).Text(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestMXData(t *testing.T) {
	tests := []struct {
		typ, data string
		want      evidence.MX
		ok        bool
	}{
		{"MX", "10 MX.Example.Test.", evidence.MX{Preference: 10, Host: "mx.example.test"}, true},
		{"MX", "0 .", evidence.MX{Host: "."}, true},
		{"MX", "65535 a.", evidence.MX{Preference: 65535, Host: "a"}, true},
		{"MX", "65536 a.", evidence.MX{}, false},
		{"MX", "10", evidence.MX{}, false},
		{"MX", "", evidence.MX{}, false},
		{"A", "10 a.", evidence.MX{}, false},
	}
	for _, tt := range tests {
		got, err := evidence.RR{Type: tt.typ, Data: tt.data}.MX()
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%s %q: %v, %v", tt.typ, tt.data, got, err)
		}
	}
}

func TestAddrData(t *testing.T) {
	tests := []struct {
		typ, data, want string
	}{
		{"A", "192.0.2.1", "192.0.2.1"},
		{"AAAA", "2001:DB8:0::1", "2001:db8::1"},
		{"AAAA", "::ffff:192.0.2.1", "::ffff:192.0.2.1"},
		{"A", "2001:db8::1", ""},
		{"A", "::ffff:192.0.2.1", ""},
		{"AAAA", "192.0.2.1", ""},
		{"AAAA", "fe80::1%eth0", ""},
		{"A", "192.0.2", ""},
		{"MX", "192.0.2.1", ""},
		{"", "2001:db8::1", ""},
	}
	for _, tt := range tests {
		got, err := evidence.RR{Type: tt.typ, Data: tt.data}.Addr()
		if (err == nil) != (tt.want != "") || err == nil && got.String() != tt.want {
			t.Errorf("%s %q: %v, %v", tt.typ, tt.data, got, err)
		}
	}
}

func TestTLSAData(t *testing.T) {
	tests := []struct {
		typ, data, want string
	}{
		{"TLSA", "3 1 1 ABCD 01", "3 1 1 abcd01"},
		{"TLSA", "255 255 255 00", "255 255 255 00"},
		{"TLSA", "3 1 1", "3 1 1 "},
		{"TLSA", "3 1 256 00", ""},
		{"TLSA", "3 1 1 0", ""},
		{"TLSA", "3 1 1 xy", ""},
		{"TLSA", "3 1", ""},
		{"TXT", "3 1 1 00", ""},
	}
	for _, tt := range tests {
		got, err := evidence.RR{Type: tt.typ, Data: tt.data}.TLSA()
		if (err == nil) != (tt.want != "") || err == nil && got.String() != tt.want {
			t.Errorf("%s %q: %v, %v", tt.typ, tt.data, got, err)
		}
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"Example.TEST.": "example.test", "example.test": "example.test", ".": ".", "": ".", "XN--EXMPL-9QA.test": "xn--exmpl-9qa.test",
		"\xc3\x84.Test": "\xc3\x84.test", `a\.b.test.`: `a\.b.test`,
	} {
		if got := evidence.Name(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := (evidence.RR{Type: "NS", Data: "NS1.Test."}).Target(); got != "ns1.test" {
		t.Errorf("target %q", got)
	}
}

// What EscapeText writes, Text reads back.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "v=spf1 -all", `"\`, "\x00\x7f\xff", "a\\065", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		data := `"` + evidence.EscapeText(s) + `"`
		if got := (evidence.RR{Type: "TXT", Data: data}).Text(); got != s {
			t.Errorf("%q was written as %s and read as %q", s, data, got)
		}
		for _, r := range []evidence.RR{{Type: "TXT", Data: s}, {Type: "MX", Data: s}, {Type: "TLSA", Data: s}, {Type: "AAAA", Data: s}} {
			_, _ = r.MX()
			_, _ = r.TLSA()
			_, _ = r.Addr()
			_, _ = r.Text(), r.Target()
		}
	})
}
