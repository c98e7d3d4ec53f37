package dnscheck_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"mailvet/dnscheck"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// vector is a domain with one fault, in a file:
//
//	expect: CHECK CODE [CODE...]    a finding that is no pass, with the further codes that it tells; "expect: nothing" for none
//	expect: CHECK CODE: WORDS       words that its text has
//	domain: NAME                    the domain, if it is not example.test
//	says what the file is about
//
//	NAME TYPE DATA                  a record
//	NAME TYPE !OUTCOME              any other outcome; "!unasked" is a question that nobody asks
//
// Names that have no records, and none below them, do not exist.
type vector struct {
	domain string
	expect []string
	zone   map[evidence.Question][]string
}

func readVector(text string) vector {
	v := vector{domain: "example.test", zone: map[evidence.Question][]string{}}
	head, zone, _ := strings.Cut(text, "\n\n")
	for line := range strings.Lines(head) {
		if w, ok := strings.CutPrefix(line, "expect: "); ok {
			v.expect = append(v.expect, strings.TrimSpace(w))
		} else if w, ok := strings.CutPrefix(line, "domain: "); ok {
			v.domain = strings.TrimSpace(w)
		}
	}
	for line := range strings.Lines(zone) {
		if f := strings.SplitN(strings.TrimSpace(line), " ", 3); len(f) == 3 {
			q := evidence.Question{Name: f[0], Type: f[1]}
			v.zone[q] = append(v.zone[q], f[2])
		}
	}
	return v
}

func (v vector) lookup(q evidence.Question) evidence.Lookup {
	l := evidence.Lookup{Name: q.Name, Type: q.Type, Outcome: evidence.OutcomeNXDomain, Security: evidence.SecurityInsecure}
	for other := range v.zone {
		if other.Name == q.Name || strings.HasSuffix(other.Name, "."+q.Name) {
			l.Outcome = evidence.OutcomeNoData
		}
	}
	for _, data := range v.zone[q] {
		if word, ok := strings.CutPrefix(data, "!"); ok {
			if word == "budget" {
				l.Failure = &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassBudget}
				word = "timeout"
			}
			must(l.Outcome.UnmarshalText([]byte(word)))
			return l
		}
		l.Outcome = evidence.OutcomeAnswer
		l.Answer = append(l.Answer, evidence.RR{Name: q.Name, Type: q.Type, TTL: 300, Data: data})
	}
	return l
}

// scan asks what is wanted until nothing is.
func (v vector) scan(t *testing.T) *evidence.Snapshot {
	t.Helper()
	s := &evidence.Snapshot{Domain: v.domain}
	for range 60 {
		asked := false
		for _, q := range dnscheck.Wants(s) {
			if slices.Equal(v.zone[q], []string{"!unasked"}) || s.Lookup(q.Name, q.Type) != nil {
				continue
			}
			asked = true
			s.Lookups = append(s.Lookups, v.lookup(q))
			s.Canonical()
		}
		if !asked {
			return s
		}
	}
	t.Fatal("no end of wants")
	return nil
}

// strictChecks are the extra checks of a family.
func strictChecks(prefix string) []*check.Check {
	var list []*check.Check
	for _, c := range checksOf(check.Extra) {
		if strings.HasPrefix(c.ID, prefix) {
			list = append(list, c)
		}
	}
	return list
}

// runVectors judges all files of a folder and lists the codes that they give.
func runVectors(t *testing.T, folder, prefix string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("../testdata/vectors/" + folder + "/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d vectors, %v", len(files), err)
	}
	given := map[string]bool{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			v := readVector(string(text))
			s := v.scan(t)
			var got []string
			for _, r := range check.Run(strictChecks(prefix), s) {
				f := r.Findings[0]
				given[r.Check.ID+" "+f.Code.Name] = true
				soundStrict(t, s, r.Check, f)
				if f.Code.Outcome == check.Pass || f.Code.Outcome == check.NotApplicable {
					continue
				}
				line := r.Check.ID + " " + f.Code.Name
				if others := f.Args["others"]; others != "" {
					line += " " + strings.ReplaceAll(others, ",", "")
				}
				got = append(got, expected(v.expect, line, check.Render(f.Code.Text+" "+f.Code.Advice, f.Args)))
			}
			if got == nil {
				got = []string{"nothing"}
			}
			slices.Sort(got)
			slices.Sort(v.expect)
			if !slices.Equal(got, v.expect) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(v.expect, "\n\t"))
			}
		})
	}
	return given
}

// expected adds to a finding the words that are wanted of its text, if it has
// them; else, if any are wanted, its text.
func expected(want []string, line, text string) string {
	for _, w := range want {
		if words, ok := strings.CutPrefix(w, line+": "); ok {
			if strings.Contains(text, words) {
				return w
			}
			return line + ": " + text
		}
	}
	return line
}

// soundStrict is what holds for every finding of an extra check.
func soundStrict(t *testing.T, s *evidence.Snapshot, c *check.Check, f check.Finding) {
	t.Helper()
	for name, v := range f.Args {
		if len(v) > 1500 || !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%s %s: argument %s is %q", c.ID, f.Code.Name, name, v)
		}
	}
	for _, text := range []string{f.Code.Text, f.Code.Advice} {
		got := check.Render(text, f.Args)
		for _, m := range c.Args {
			if strings.Contains(got, "{"+m+"}") {
				t.Errorf("%s %s: {%s} is left in %q", c.ID, f.Code.Name, m, got)
			}
		}
		if strings.Contains(got, ": .") || strings.Contains(got, "  ") || strings.Contains(got, "\"\"") {
			t.Errorf("%s %s: a text with a gap: %q", c.ID, f.Code.Name, got)
		}
	}
	for _, p := range f.Evidence {
		var i int
		if _, err := fmt.Sscanf(p, "/lookups/%d", &i); err != nil || i >= len(s.Lookups) {
			t.Errorf("%s: evidence %q is not in the snapshot", c.ID, p)
		}
	}
	if f.VerdictID() != "" {
		t.Errorf("%s %s has a verdict", c.ID, f.Code.Name)
	}
}

func TestSPFVectors(t *testing.T)   { everyCode(t, "spf", runVectors(t, "spf", "spf-")) }
func TestDMARCVectors(t *testing.T) { everyCode(t, "dmarc", runVectors(t, "dmarc", "dmarc-")) }

// TestUsualCost: what the checks of the standards ask beyond those of the
// score, for a domain as many are.
func TestUsualCost(t *testing.T) {
	v := readVector(`expect: nothing

example.test TXT "v=spf1 mx include:_spf.example.net -all"
_spf.example.net TXT "v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 -all"
example.test MX 10 mx.example.test.
mx.example.test A 192.0.2.1
_dmarc.example.test TXT "v=DMARC1; p=reject; rua=mailto:d@reports.example.net"
example.test._report._dmarc.reports.example.net TXT "v=DMARC1;"
reports.example.net MX 10 mx.example.net.
`)
	s := v.scan(t)
	var got []string
	for _, l := range s.Lookups {
		switch q := l.Name + " " + l.Type; q {
		case "example.test SPF", "_dmarc.test TXT", "reports.example.net MX":
			got = append(got, q)
		case "_spf.example.net A", "mx.example.net A", "example.net NS":
			t.Errorf("%s is asked for nothing", q)
		}
	}
	if len(got) != 3 {
		t.Errorf("asked %v", got)
	}
}

// Whatever the records hold, the questions are bounded, and so is what is told.
func TestStrictHostile(t *testing.T) {
	worlds := hostileTexts()
	terms, gone := "v=spf1", "v=spf1"
	for i := range 500 {
		terms += fmt.Sprintf(" a:h%d.example mx:m%d.example/8 exists:e%d.example ip4:%d.0.0.0/8 ptr", i, i, i, i%256)
		gone += fmt.Sprintf(" include:a.gone%d.example", i)
	}
	worlds["hosts"] = texts{"example.test": terms + " -all " + terms[7:]}
	worlds["gone"] = texts{"example.test": gone + " -all"}
	worlds["tags"] = texts{"_dmarc.example.test": "v=DMARC1; p=none" + strings.Repeat(";x\x00=1;;p=reject;rua=y", 2000)}
	for name, world := range worlds {
		t.Run(name, func(t *testing.T) {
			v := vector{domain: "example.test", zone: map[evidence.Question][]string{}}
			for owner, records := range world {
				for r := range strings.SplitSeq(records, "\n") {
					q := evidence.Question{Name: owner, Type: "TXT"}
					data := `"` + evidence.EscapeText(r) + `"`
					if strings.HasPrefix(r, "!") {
						data = r
					}
					v.zone[q] = append(v.zone[q], data)
				}
			}
			s := v.scan(t)
			if n := len(s.Lookups); n > 130 {
				t.Errorf("%d questions", n)
			}
			for _, prefix := range []string{"spf-", "dmarc-"} {
				for _, r := range check.Run(strictChecks(prefix), s) {
					soundStrict(t, s, r.Check, r.Findings[0])
				}
			}
		})
	}
}

func BenchmarkStrict(b *testing.B) {
	text, err := os.ReadFile("../testdata/vectors/spf/lookups-ten.txt")
	if err != nil {
		b.Fatal(err)
	}
	s := readVector(string(text)).scan(&testing.T{})
	checks := append(strictChecks("spf-"), strictChecks("dmarc-")...)
	b.Run("checks", func(b *testing.B) {
		for b.Loop() {
			check.Run(checks, s)
		}
	})
	b.Run("wants", func(b *testing.B) {
		for b.Loop() {
			dnscheck.Wants(s)
		}
	})
}
