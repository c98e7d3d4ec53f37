package rpki_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"mailvet/dnscheck/rpki"
)

func zip(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReadVRPs(t *testing.T) {
	one := []string{"192.0.2.0/24-25 AS64496 ripe"}
	tests := []struct {
		name, text string
		format     rpki.Format
		want       []string
	}{
		{"Routinator json", `{"metadata":{"generated":1,"generatedTime":"1970-01-01T00:00:01Z"},"roas":[{"asn":"AS64496","prefix":"192.0.2.0/24","maxLength":25,"ta":"ripe"}],"routerKeys":[{"asn":"AS1","SKI":"00","routerPublicKey":"AA","ta":"ripe"}],"aspas":[{"customer":"AS1","providers":["AS2"],"ta":"ripe"}]}`, rpki.FormatJSON, one},
		{"Routinator jsonext", `{"roas":[{"asn":"AS64496","prefix":"192.0.2.0/24","maxLength":25,"source":[{"type":"roa","tal":"ripe","uri":"rsync://r.example/a.roa","validity":{"notBefore":"2026-01-01T00:00:00Z","notAfter":"2027-01-01T00:00:00Z"}}]}]}`, rpki.FormatJSON, one},
		{"rpki-client", `{"metadata":{"buildtime":"2026-11-22T10:00:00Z","talfiles":["a","b"],"vrps":1},"roas":[{"asn":64496,"prefix":"192.0.2.0/24","maxLength":25,"ta":"ripe","expires":1800000000}],"bgpsec_keys":[]}`, rpki.FormatJSON, one},
		{"StayRTR", `{"metadata":{"counts":1,"generated":1800000000,"valid":1800003600,"signature":""},"roas":[{"prefix":"192.0.2.0/24","maxLength":25,"asn":"AS64496","ta":"ripe"}]}`, rpki.FormatJSON, one},
		{"no maximum length", `{"roas":[{"asn":"64496","prefix":"192.0.2.0/24"}]}`, rpki.FormatJSON, []string{"192.0.2.0/24-24 AS64496"}},
		{"white space and a byte-order mark", "\ufeff\r\n\t {\"roas\" : [ ] }\n\n", rpki.FormatJSON, nil},
		{"metadata after the list", `{"roas":[{"asn":64496,"prefix":"192.0.2.0/24","maxLength":25,"ta":"ripe"}],"metadata":{}}`, rpki.FormatJSON, one},
		{"null for the unknown", `{"metadata":{"generated":null,"buildtime":""},"roas":[{"asn":1,"prefix":"192.0.2.0/24","maxLength":null,"ta":null,"expires":null}]}`, rpki.FormatJSON, []string{"192.0.2.0/24-24 AS1"}},
		{"csv", "ASN,IP Prefix,Max Length,Trust Anchor\nAS64496,192.0.2.0/24,25,ripe\n", rpki.FormatCSV, one},
		{"csvcompat", "\"ASN\",\"IP Prefix\",\"Max Length\",\"Trust Anchor\"\n\"64496\",\"192.0.2.0/24\",\"25\",\"ripe\"\n", rpki.FormatCSV, one},
		{"csvext", "URI,ASN,IP Prefix,Max Length,Not Before,Not After\nrsync://r.example/a.roa,AS64496,192.0.2.0/24,25,2026-01-01 00:00:00,2027-01-01 00:00:00\n", rpki.FormatCSV, []string{"192.0.2.0/24-25 AS64496"}},
		{"csv of rpki-client", "ASN,IP Prefix,Max Length,Trust Anchor,Expires\nAS64496,192.0.2.0/24,25,ripe,1800000000\n", rpki.FormatCSV, one},
		{"csv without header, CRLF, no last line end", "# made by hand\r\n\r\nAS64496, 192.0.2.0/24 ,25, \"ripe\" \r\n64497,2001:db8::/32", rpki.FormatCSV, []string{one[0], "2001:db8::/32-32 AS64497"}},
		{"an empty maximum length", "64497,2001:db8::/32,,\n", rpki.FormatCSV, []string{"2001:db8::/32-32 AS64497"}},
	}
	for _, tt := range tests {
		for _, way := range []struct{ name, text string }{{"plain", tt.text}, {"gzip", zip(t, tt.text)}, {"gzip in two members", zip(t, tt.text[:len(tt.text)/2]) + zip(t, tt.text[len(tt.text)/2:])}} {
			t.Run(tt.name+" "+way.name, func(t *testing.T) {
				var b rpki.VRPBuilder
				src, err := rpki.VRPReader{Now: time.Unix(1700000000, 0)}.Read(iotest.OneByteReader(strings.NewReader(way.text)), &b)
				if err != nil {
					t.Fatal(err)
				}
				if src.Format != tt.format || src.Kept != len(tt.want) || src.Expired != 0 {
					t.Errorf("%+v", src)
				}
				if got := written(t, &b); !slices.Equal(got, tt.want) {
					t.Errorf("%q, want %q", got, tt.want)
				}
			})
		}
	}
}

func TestReadVRPsFails(t *testing.T) {
	good := `{"asn":1,"prefix":"192.0.2.0/24"}`
	roas := func(s string) string { return `{"roas":[` + s + `]}` }
	tests := []struct{ name, text, want string }{
		{"nothing", "", "unexpected EOF"},
		{"only white space", " \n\n ", "unexpected EOF"},
		{"only comments", "# nothing\n", "unexpected EOF"},
		{"a page of HTML", "<!DOCTYPE html>\n<html>\n", "line 1: "},
		{"JSON that is a list", `[` + good + `]`, "an object is expected"},
		{"JSON of something else", `{"routes":[]}`, `neither "roas" nor "metadata"`},
		{"JSON cut short", `{"roas":[` + good, "unexpected EOF"},
		{"JSON cut in an entry", `{"roas":[` + good[:10], "entry 1: unexpected EOF"},
		{"JSON cut in the metadata", `{"metadata":{"generated":1`, "unexpected EOF"},
		{"two objects", roas(good) + roas(good), "behind the end"},
		{"two lists", `{"roas":[],"roas":[]}`, "second member"},
		{"no list", `{"roas":{}}`, "a list of VRPs is expected"},
		{"metadata that are none", `{"metadata":[],"roas":[]}`, "metadata is expected"},
		{"a time that is none", `{"metadata":{"generated":"yesterday"}}`, `"yesterday" is no time`},
		{"a time too far", `{"metadata":{"generated":500000000000}}`, "is no time"},
		{"a time with a zone too far", `{"metadata":{"buildtime":"9999-12-31T23:59:59-10:00"}}`, "is no time"},
		{"no AS number", roas(`{"prefix":"192.0.2.0/24"}`), `entry 1: no "asn"`},
		{"an AS number of null", roas(`{"asn":null,"prefix":"192.0.2.0/24"}`), "entry 1"},
		{"an AS number too large", roas(good + `,{"asn":4294967296,"prefix":"192.0.2.0/24"}`), `entry 2: rpki: "4294967296" is no AS number`},
		{"an AS number that is a fraction", roas(`{"asn":1.5,"prefix":"192.0.2.0/24"}`), "is no AS number"},
		{"no prefix", roas(`{"asn":1}`), `"" is no prefix`},
		{"an address", roas(`{"asn":1,"prefix":"192.0.2.0"}`), "is no prefix"},
		{"bits behind the prefix", roas(`{"asn":1,"prefix":"192.0.2.1/24"}`), "behind its length"},
		{"a maximum length below", roas(`{"asn":1,"prefix":"192.0.2.0/24","maxLength":23}`), "maximum length 23 for 192.0.2.0/24"},
		{"a maximum length beyond", roas(`{"asn":1,"prefix":"192.0.2.0/24","maxLength":33}`), "maximum length 33"},
		{"a maximum length in words", roas(`{"asn":1,"prefix":"192.0.2.0/24","maxLength":"24"}`), "entry 1"},
		{"an entry that is none", roas(`7`), "entry 1"},
		{"depth", `{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "too large"},
		{"depth in an entry", roas(strings.Repeat("[", 20000)), "entry 1"},
		{"a long value", roas(`{"asn":1,"prefix":"` + strings.Repeat("1", 3<<19) + `"}`), "too large"},
		{"a long value elsewhere", `{"x":"` + strings.Repeat("1", 3<<19) + `"}`, "too large"},
		{"a long key", `{"` + strings.Repeat("1", 3<<19) + `":1}`, "too large"},
		{"a long entry of small values", roas(`{"asn":1,"x":[` + strings.Repeat("1,", 3<<19) + `1]}`), "too large"},
		{"a header without prefix", "ASN,Max Length\n", "line 1: the header"},
		{"a bad line", "ASN,IP Prefix\nAS1,192.0.2.0/24\n\nAS2,example\n", `line 4: "example" is no prefix`},
		{"a second header", "ASN,IP Prefix\nASN,IP Prefix\n", "line 2"},
		{"a quote not closed", "\"1,192.0.2.0/24\n", "not closed"},
		{"text behind a quote", "\"1\"x,192.0.2.0/24\n", "closing quote"},
		{"fields", strings.Repeat("1,", 40) + "\n", "32 fields"},
		{"one field", "1\n", "is no prefix"},
		{"a maximum length that is none", "1,192.0.2.0/24,x\n", `"x" is no maximum length`},
		{"a long line", strings.Repeat("1", 1<<20), "line 1: a line of more than"},
		{"terminal escapes", "\x1b[31m,192.0.2.0/24\n", `"\x1b[31m"`},
		{"xz", "\xfd7zXZ\x00\x00", "not by gzip"},
		{"bzip2", "BZh91AY&SY", "not by gzip"},
		{"zstd", "\x28\xb5\x2f\xfd\x00\x00", "not by gzip"},
		{"zip", "PK\x03\x04\x00\x00", "not by gzip"},
		{"gzip of nothing", zip(t, ""), "unexpected EOF"},
		{"gzip cut short", zip(t, roas(good))[:20], "unexpected EOF"},
		{"gzip header cut short", "\x1f\x8b\x08", "unexpected EOF"},
		{"gzip with a wrong sum", zip(t, roas(good))[:len(zip(t, roas(good)))-8] + "12345678", "checksum"},
		{"gzip twice", zip(t, zip(t, roas(good))), "line 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b rpki.VRPBuilder
			if err := b.Add(vrp(t, "203.0.113.0/24", 24, 64500)); err != nil {
				t.Fatal(err)
			}
			src, err := rpki.VRPReader{}.Read(strings.NewReader(tt.text), &b)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "rpki: read VRPs: ") {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
			if len(err.Error()) > 400 || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("the error is not fit to print: %q", err)
			}
			if strings.Contains(tt.want, "too large") != errors.Is(err, rpki.ErrTooLarge) && tt.want == "too large" {
				t.Errorf("%v is not ErrTooLarge", err)
			}
			if src != (rpki.Source{}) || b.Len() != 1 {
				t.Errorf("half a source is left: %+v, %d", src, b.Len())
			}
		})
	}
}

func TestReadBounds(t *testing.T) {
	text := `{"roas":[{"asn":1,"prefix":"192.0.2.0/24"},{"asn":2,"prefix":"192.0.2.0/24"}]}`
	tests := []struct {
		name   string
		reader rpki.VRPReader
		text   string
		ok     bool
	}{
		{"as many octets as there are", rpki.VRPReader{MaxBytes: int64(len(text))}, text, true},
		{"one octet less", rpki.VRPReader{MaxBytes: int64(len(text)) - 1}, text, false},
		{"one octet less, compressed", rpki.VRPReader{MaxBytes: int64(len(text)) - 1}, zip(t, text), false},
		{"as many VRPs as there are", rpki.VRPReader{MaxVRPs: 2}, text, true},
		{"one VRP less", rpki.VRPReader{MaxVRPs: 1}, text, false},
		{"a bomb", rpki.VRPReader{MaxBytes: 1 << 20}, zip(t, `{"roas":[]}`+strings.Repeat(" ", 2<<20)), false},
		{"a bomb of lines", rpki.VRPReader{MaxBytes: 1 << 20}, zip(t, strings.Repeat("\n", 2<<20)), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b rpki.VRPBuilder
			_, err := tt.reader.Read(strings.NewReader(tt.text), &b)
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, rpki.ErrTooLarge) {
				t.Errorf("%v", err)
			}
		})
	}
	var b rpki.RouteBuilder
	if _, err := (rpki.RouteReader{MaxRoutes: 1}).Read(strings.NewReader("192.0.2.0\t24\t1_2\n"), &b); !errors.Is(err, rpki.ErrTooLarge) {
		t.Errorf("two routes where one is allowed: %v", err)
	}
	broken := errors.New("the disk is gone")
	if _, err := (rpki.RouteReader{}).Read(iotest.ErrReader(broken), &b); !errors.Is(err, broken) {
		t.Errorf("reading fails: %v", err)
	}
	var v rpki.VRPBuilder
	if _, err := (rpki.VRPReader{}).Read(io.MultiReader(strings.NewReader(text[:50]), iotest.ErrReader(broken)), &v); !errors.Is(err, broken) {
		t.Errorf("reading fails in the middle: %v", err)
	}
}

func TestSyntaxErrorTellsWhere(t *testing.T) {
	var b rpki.VRPBuilder
	var where *rpki.SyntaxError
	_, err := rpki.VRPReader{}.Read(strings.NewReader("1,192.0.2.0/24\n\n2,x\n"), &b)
	if !errors.As(err, &where) || where.Line != 3 {
		t.Errorf("%v, want line 3", err)
	}
	text := `{"roas":[{"asn":1,"prefix":"192.0.2.0/24"},{"asn":2,"prefix":"x"}]}`
	_, err = rpki.VRPReader{}.Read(strings.NewReader(text), &b)
	if !errors.As(err, &where) || where.Line != 0 || where.Offset != int64(strings.Index(text, "]")) {
		t.Errorf("%v, want octet %d", err, strings.Index(text, "]"))
	}
}

func TestExpiredVRPs(t *testing.T) {
	text := `{"roas":[{"asn":1,"prefix":"192.0.2.0/24","expires":1000},{"asn":2,"prefix":"192.0.2.0/24","expires":3000},{"asn":3,"prefix":"192.0.2.0/24"}]}`
	for _, tt := range []struct {
		now           time.Time
		kept, expired int
	}{{time.Time{}, 3, 0}, {time.Unix(1000, 0), 3, 0}, {time.Unix(1001, 0), 2, 1}, {time.Unix(4000, 0), 1, 2}} {
		var b rpki.VRPBuilder
		src, err := rpki.VRPReader{Now: tt.now}.Read(strings.NewReader(text), &b)
		if err != nil || src.Kept != tt.kept || src.Expired != tt.expired || b.Len() != tt.kept {
			t.Errorf("at %s: %+v, %v", tt.now, src, err)
		}
	}
}

func TestReadRoutes(t *testing.T) {
	ris := "% a comment\n%\n\n1\t0.0.0.0/0\t3\n64496\t192.0.2.0/24\t350\n64497\t192.0.2.0/24\t10\n64498\t192.0.2.0/24\t9\n{64499,64500}\t198.51.100.0/24\t100\n64501\t198.51.100.1/24\t100\n"
	tests := []struct {
		name, text string
		reader     rpki.RouteReader
		src        rpki.Source
		want       string
	}{
		{"RIS", ris, rpki.RouteReader{}, rpki.Source{Format: rpki.FormatRIS, Kept: 3, Unseen: 2, Odd: 1}, "192.0.2.0/24 AS64496, 192.0.2.0/24 AS64497, 198.51.100.0/24 without an origin"},
		{"RIS, other peers", ris, rpki.RouteReader{MinPeers: 100}, rpki.Source{Format: rpki.FormatRIS, Kept: 2, Unseen: 3, Odd: 1}, "192.0.2.0/24 AS64496, 198.51.100.0/24 without an origin"},
		{"RIS, any peers", ris, rpki.RouteReader{MinPeers: 1}, rpki.Source{Format: rpki.FormatRIS, Kept: 5, Odd: 1}, "0.0.0.0/0 AS1, 192.0.2.0/24 AS64496, 192.0.2.0/24 AS64497, 192.0.2.0/24 AS64498, 198.51.100.0/24 without an origin"},
		{"RIS, IPv6", "64496\t2001:db8::/32\t10\r\n64496\t::/0\t2", rpki.RouteReader{}, rpki.Source{Format: rpki.FormatRIS, Kept: 1, Unseen: 1}, "2001:db8::/32 AS64496"},
		{"pfx2as", "192.0.2.0\t24\t64496\n198.51.100.0 24 64497_64498,64499_64496\n2001:db8::\t32\t64500\n192.0.2.9\t24\t1\n", rpki.RouteReader{}, rpki.Source{Format: rpki.FormatPfx2as, Kept: 5, Odd: 1}, "192.0.2.0/24 AS64496, 198.51.100.0/24 without an origin, 198.51.100.0/24 AS64496, 198.51.100.0/24 AS64497, 2001:db8::/32 AS64500"},
		{"nothing but a header", "% RIS\n1\t192.0.2.0/24\t1\n", rpki.RouteReader{}, rpki.Source{Format: rpki.FormatRIS, Unseen: 1}, ""},
	}
	for _, tt := range tests {
		for _, text := range []string{tt.text, zip(t, tt.text)} {
			t.Run(tt.name, func(t *testing.T) {
				var b rpki.RouteBuilder
				src, err := tt.reader.Read(iotest.HalfReader(strings.NewReader(text)), &b)
				if err != nil || src != tt.src {
					t.Errorf("%+v, %v", src, err)
				}
				table, err := b.Build()
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for r := range table.All() {
					got = append(got, r.String())
				}
				if s := strings.Join(got, ", "); s != tt.want {
					t.Errorf("%s, want %s", s, tt.want)
				}
			})
		}
	}
}

func TestReadRoutesFails(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", "", "unexpected EOF"},
		{"comments", "% only\n", "unexpected EOF"},
		{"two fields", "192.0.2.0\t24\n", "line 1: three fields"},
		{"four fields", "192.0.2.0\t24\t1\t2\n", "three fields"},
		{"a length too long", "192.0.2.0\t33\t1\n", "is no prefix"},
		{"no origin", "192.0.2.0\t24\tx\n", `"x" is no AS number`},
		{"an origin too few", "192.0.2.0\t24\t1_\n", `"" is no AS number`},
		{"a set with an odd member", "192.0.2.0\t24\t1,x\n", `"x" is no AS number`},
		{"origins", "192.0.2.0\t24\t1" + strings.Repeat("_1", 64) + "\n", "64 origins"},
		{"no number of peers", "1\t192.0.2.0/24\tmany\n", "is no number of peers"},
		{"negative peers", "1\t192.0.2.0/24\t-1\n", "is no number of peers"},
		{"a set that is empty", "{}\t192.0.2.0/24\t11\n", "is no AS number"},
		{"a format that changes", "1\t192.0.2.0/24\t11\n192.0.2.0\t24\t1\n", "line 2"},
		{"VRPs", `{"roas":[]}`, "three fields"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b rpki.RouteBuilder
			if err := b.Add(route("203.0.113.0/24", 1)); err != nil {
				t.Fatal(err)
			}
			_, err := rpki.RouteReader{}.Read(strings.NewReader(tt.text), &b)
			if err == nil || !strings.Contains(err.Error(), tt.want) || b.Len() != 1 {
				t.Errorf("error %v (%d routes), want one with %q", err, b.Len(), tt.want)
			}
		})
	}
}

func TestSourceCondition(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	src := func(age time.Duration) rpki.Source {
		return rpki.Source{Format: rpki.FormatJSON, Generated: now.Add(-age), Kept: 1}
	}
	until := src(time.Hour)
	until.ValidUntil = now.Add(-time.Second)
	epoch := rpki.Source{Format: rpki.FormatJSON, Generated: time.Unix(0, 0), Kept: 1}
	tests := []struct {
		name   string
		src    rpki.Source
		maxAge time.Duration
		want   rpki.Condition
	}{
		{"never read", rpki.Source{}, 0, rpki.Missing},
		{"fresh", src(time.Hour), 0, rpki.Usable},
		{"a day", src(24 * time.Hour), 0, rpki.Usable},
		{"over a day", src(24*time.Hour + 1), 0, rpki.Stale},
		{"over what is asked", src(2 * time.Hour), time.Hour, rpki.Stale},
		{"any age", src(1e6 * time.Hour), -1, rpki.Usable},
		{"its own end", until, 0, rpki.Stale},
		{"its own end, any age", until, -1, rpki.Stale},
		{"1970", epoch, 0, rpki.Stale},
		{"clocks apart", src(-time.Hour), 0, rpki.Usable},
		{"of tomorrow", src(-24 * time.Hour), 0, rpki.Ahead},
		{"of tomorrow, any age", src(-24 * time.Hour), -1, rpki.Ahead},
		{"no age told", rpki.Source{Format: rpki.FormatCSV, Kept: 1}, 0, rpki.Usable},
		{"empty", rpki.Source{Format: rpki.FormatCSV}, 0, rpki.Empty},
		{"everything expired", rpki.Source{Format: rpki.FormatCSV, Expired: 3}, 0, rpki.Empty},
	}
	for _, tt := range tests {
		if got := tt.src.Condition(now, tt.maxAge); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestTogether(t *testing.T) {
	tests := []struct {
		sources []rpki.Condition
		want    rpki.Condition
	}{
		{nil, rpki.Missing},
		{[]rpki.Condition{rpki.Usable}, rpki.Usable},
		{[]rpki.Condition{rpki.Usable, rpki.Usable}, rpki.Usable},
		{[]rpki.Condition{rpki.Usable, rpki.Stale, rpki.Empty}, rpki.Stale},
		{[]rpki.Condition{rpki.Missing, rpki.Usable}, rpki.Missing},
	}
	for _, tt := range tests {
		if got := rpki.Together(tt.sources...); got != tt.want {
			t.Errorf("%v together are %s, want %s", tt.sources, got, tt.want)
		}
	}
}
