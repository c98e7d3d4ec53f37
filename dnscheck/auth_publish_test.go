package dnscheck_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mailvet/report/check"
)

// recordAtEnd is the record that an advice ends in.
var recordAtEnd = regexp.MustCompile(`: (\S+\.) IN (TXT|MX) (.*)$`)

// Every record that an advice tells to publish can be pasted: it is a line of
// a zone file, with nothing around it.
func TestSuggestedRecordsAreZoneFileLines(t *testing.T) {
	seen := 0
	for id, rows := range authTables {
		for _, row := range rows {
			s, _ := row.world.scan(t, "example.test")
			for _, r := range check.Run(checksOf(check.Auth), s) {
				f := r.Findings[0]
				if r.Check.ID != id || !strings.Contains(f.Code.Advice, " IN ") && !strings.Contains(f.Code.Advice, "{suggestion}") {
					continue
				}
				advice := check.Render(f.Code.Advice, f.Args)
				for line := range strings.SplitSeq(advice[strings.LastIndex(advice, ": ")+2:], " and ") {
					seen++
					if rr, err := dns.NewRR(line); err != nil || rr == nil {
						t.Errorf("%s, %s: %q is no record: %v", id, row.name, line, err)
					}
				}
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d records seen", seen)
	}
}

// adviceOn is the advice of one check.
func adviceOn(t *testing.T, id string, w texts) string {
	t.Helper()
	s, _ := w.scan(t, "example.test")
	for _, r := range check.Run(checksOf(check.Auth), s) {
		if r.Check.ID == id {
			return check.Render(r.Findings[0].Code.Advice, r.Findings[0].Args)
		}
	}
	t.Fatal("no check " + id)
	return ""
}

func TestSuggestedRecords(t *testing.T) {
	const dmarc = "_dmarc.example.test"
	long := "v=spf1" + strings.Repeat(" ip4:192.0.2.1", 20)
	tests := []struct {
		name, id string
		world    texts
		want     string // what the advice ends in; empty for no record
	}{
		{"plain reports", "dmarc-policy", texts{dmarc: "v=DMARC1; p=none; rua=mailto:a.b_c+d-e@reports.example.test"},
			`: _dmarc.example.test. IN TXT "v=DMARC1; p=reject; rua=mailto:a.b_c+d-e@reports.example.test"`},
		{"a formula", "dmarc-policy", texts{dmarc: `v=DMARC1; p=none; rua=mailto:=HYPERLINK("x")@example.test`},
			`: _dmarc.example.test. IN TXT "v=DMARC1; p=reject"`},
		{"one of two is plain", "dmarc-policy", texts{dmarc: "v=DMARC1; p=none; rua=mailto:a%20b@example.test, mailto:d@example.test!10m; ruf=https://example.test/"},
			`: _dmarc.example.test. IN TXT "v=DMARC1; p=reject; rua=mailto:d@example.test!10m"`},
		{"a domain of one label, one with odd ends", "dmarc-policy", texts{dmarc: "v=DMARC1; p=none; rua=mailto:a@localhost,mailto:b@-x.test,mailto:c@x..test"},
			`: _dmarc.example.test. IN TXT "v=DMARC1; p=reject"`},
		{"several strings", "spf-policy", texts{"example.test": long + " ?all"},
			`: example.test. IN TXT "` + long[:255] + `" "` + long[255:] + ` ~all"`},
		{"quotes and backslashes", "spf-policy", texts{"example.test": `v=spf1 exists:a"b\c.example.test ?all`},
			`: example.test. IN TXT "v=spf1 exists:a\"b\\c.example.test ~all"`},
		{"a name that is odd", "spf-policy", texts{"example.test": "v=spf1 redirect=a(b;c.example.test", `a(b;c.example.test`: "v=spf1 ?all"},
			`: a\(b\;c.example.test. IN TXT "v=spf1 ~all"`},
		{"too long", "spf-policy", texts{"example.test": "v=spf1" + strings.Repeat(" ip4:192.0.2.1", 100) + " ?all"},
			": it is too long to be shown here (1449 octets)"},
	}
	for _, tt := range tests {
		got := adviceOn(t, tt.id, tt.world)
		if !strings.HasSuffix(got, tt.want) {
			t.Errorf("%s: %q does not end in %q", tt.name, got, tt.want)
		}
		if m := recordAtEnd.FindStringSubmatch(got); m != nil {
			if _, err := dns.NewRR(m[1] + " IN " + m[2] + " " + m[3]); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
	}
}

func name(i int) string { return "i" + strconv.Itoa(i) + ".example" }

// What takes no end is said plainly.
func TestLookupsOfEndlessPolicies(t *testing.T) {
	many := texts{"example.test": "v=spf1" + strings.Repeat(" a:x.example", 11) + " -all"}
	loop := texts{"example.test": "v=spf1 include:p.example -all", "p.example": "v=spf1 include:example.test -all"}
	deep := texts{}
	for i := range 25 {
		deep[name(i)] = "v=spf1 include:" + name(i+1) + " -all"
	}
	deep["example.test"] = deep[name(0)]
	for want, w := range map[string]texts{
		"takes 11 DNS lookups; 10 are allowed":                                  many,
		"goes in a loop at example.test, so that its DNS lookups never end; 10": loop,
		"takes more than 21 DNS lookups; 10 are allowed":                        deep,
	} {
		s, _ := w.scan(t, "example.test")
		for _, r := range check.Run(checksOf(check.Auth), s) {
			if f := r.Findings[0]; r.Check.ID == "spf-policy" && !strings.Contains(check.Render(f.Code.Text, f.Args), want) {
				t.Errorf("%q is not in: %s", want, check.Render(f.Code.Text, f.Args))
			}
		}
	}
}
