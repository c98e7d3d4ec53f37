package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"mailvet/scanner"
)

// read is what a list holds, and what is said of it.
func read(t testing.TB, text, column string) (domains []string, told []string, err error) {
	t.Helper()
	l, err := openList(t.Context(), "-", column, strings.NewReader(text), func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) })
	if err != nil {
		t.Fatal(err)
	}
	for d := range l.domains(t.Context()) {
		domains = append(domains, d.Name)
		if d.Line < 1 || d.Line > strings.Count(text, "\n")+1 || d.Local != "" {
			t.Errorf("%+v", d)
		}
	}
	if l.bad != len(told) || l.good != len(domains) {
		t.Errorf("%d bad lines, %d told; %d good, %d domains", l.bad, len(told), l.good, len(domains))
	}
	return domains, told, l.err
}

// Whatever a list holds, each line is a domain, is told of, or is empty.
func FuzzList(f *testing.F) {
	for _, text := range []string{
		"", "\n", "a.test\nb.test\n", "\ufeffname;d\r\n\"x\r\ny\";a.test\r\n", "d\n\"a.test\n\"b.test\nc.test", "d,x\na.test,\"1\n2\"\n",
		"\xff\xfea\x00", "a.test\x00\x00\n", "# a\n a.test # b\n'b.test'\n\t\n", "d\t\"e\n\"\ta", strings.Repeat("d,\"\n", 120),
	} {
		f.Add(text, false)
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text string, named bool) {
		column := ""
		if named {
			column = "d"
		}
		domains, told, err := read(t, text, column)
		for _, d := range domains {
			if again, perr := scanner.ParseDomain(d); perr != nil || again.Name != d {
				t.Errorf("%q is no domain: %v", d, perr)
			}
		}
		for _, s := range told {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) }) {
				t.Errorf("told: %q", s)
			}
		}
		if plain := !named && !strings.ContainsAny(text, "#,;\t\"'\x00") && utf8.ValidString(text) && !strings.Contains(text, "\ufeff"); plain && err == nil {
			lines := 0
			for line := range strings.Lines(text) {
				if strings.TrimSpace(line) != "" {
					lines++
				}
			}
			if n := len(domains) + len(told); n != lines && n != lines-1 { // the first may be a header
				t.Errorf("%d lines, %d domains, %d told", lines, len(domains), len(told))
			}
		}
	})
}

// However the octets of a list come in, it is the same list.
func TestListPieces(t *testing.T) {
	text := "\ufeffName;Domain\r\n\"Smith\r\n& Sons\";PERFECT.test\r\nx;bücher.test\r\n;\r\ny;a..b\r\nz;z.test"
	want, told, err := read(t, text, "domain")
	if err != nil || len(told) != 2 || !slices.Equal(want, []string{"perfect.test", "xn--bcher-kva.test", "z.test"}) {
		t.Fatalf("%v, %v, %v", want, told, err)
	}
	l, _ := openList(t.Context(), "-", "domain", &dribble{text}, func(string, ...any) {})
	var got []string
	for d := range l.domains(t.Context()) {
		got = append(got, d.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// dribble reads one octet at a time.
type dribble struct{ rest string }

func (d *dribble) Read(b []byte) (int, error) {
	if d.rest == "" || len(b) == 0 {
		return 0, io.EOF
	}
	b[0], d.rest = d.rest[0], d.rest[1:]
	return 1, nil
}
