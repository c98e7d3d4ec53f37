package text_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	. "mailvet/report/reporttest"

	"mailvet/report"
	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/report/score"
	"mailvet/report/text"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what the file has (go test -update writes it anew). Got:\n%s", name, got)
	}
}

func judge(t testing.TB, w *World) *report.Report {
	t.Helper()
	r, err := report.New(w.Catalogue(), w.Policy, w.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t testing.TB, o text.Options, reports ...*report.Report) string {
	t.Helper()
	var b bytes.Buffer
	h := text.New(&b, o)
	for _, r := range reports {
		if err := h.Report(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// bad has something of everything.
func bad() *World {
	w := Right().Set("dmarc-policy=policy", "spf-policy=bad", "cert-trust=bad", "caa=bad", "tls-version=*ungathered", "tls-ciphers=*ungathered",
		"rpki-mx-valid=*ungathered", "starttls-exists@"+MX2+"=*unknown(other)").NoTLSA(MX1)
	w.Domain = "bad.test"
	return w
}

// early is a good domain of which not everything is tested yet.
func early() *World {
	w := Right()
	for _, row := range w.Policy.Rows {
		if strings.HasPrefix(row.Check, "rpki") || strings.HasPrefix(row.Check, "tls") {
			w.Set(row.Check + "=*ungathered")
		}
	}
	w.Domain = "early.test"
	return w
}

func failedScan() *report.Report {
	s := &evidence.Snapshot{Domain: "nowhere.test", Error: &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassTimeout, Text: "No resolver answered."}}
	r, err := report.New(Right().Catalogue(), score.InternetNL(), s)
	if err != nil {
		panic(err)
	}
	return r
}

func nullMX() *World {
	w := Right().NoMail("null-mx").Set("dkim-exists=no-email")
	w.Domain = "null.test"
	return w
}

// lame is a domain whose mail servers could not be looked up.
func lame() *World {
	w := Right().Set("ipv6-mx-address=*unknown", "ipv6-mx-reach=*unknown", "dnssec-mx-exists=*unknown", "starttls-exists=*unknown", "tls-zero-rtt=na")
	w.Domain = "lame.test"
	return w
}

func idn() *World {
	w := Right().Set("dane-valid@" + MX1 + "=bad")
	w.Domain = "xn--bcher-kva.a-rather-long-name-that-does-not-fit-into-a-column.example"
	return w
}

func TestGolden(t *testing.T) {
	for name, w := range map[string]*World{"right": Right(), "bad": bad(), "early": early(), "null": nullMX(), "idn": idn(), "lame": lame()} {
		r := judge(t, w)
		golden(t, name, write(t, text.Options{}, r))
		if name == "bad" {
			golden(t, "bad-40", write(t, text.Options{Width: 40}, r))
			golden(t, "bad-120", write(t, text.Options{Width: 120}, r))
			golden(t, "bad-color", write(t, text.Options{Color: true}, r))
			golden(t, "bad-verbose", write(t, text.Options{Verbose: true}, r))
		}
	}
	golden(t, "error", write(t, text.Options{}, failedScan()))
	all := []*report.Report{judge(t, Right()), judge(t, bad()), judge(t, early()), judge(t, nullMX()), judge(t, idn()), failedScan()}
	for _, width := range []int{40, 80, 120} {
		golden(t, fmt.Sprintf("table-%d", width), write(t, text.Options{Width: width, Many: true}, all...))
	}
	golden(t, "table-color", write(t, text.Options{Color: true, Many: true}, all...))
}

func TestCatalogue(t *testing.T) {
	w := Right()
	catalogue := w.Catalogue()
	for _, c := range catalogue {
		if c.Category == check.RPKI {
			c.Evaluate = nil
		}
	}
	for _, width := range []int{40, 80, 160} {
		var b bytes.Buffer
		if err := text.Catalogue(&b, catalogue, width); err != nil {
			t.Fatal(err)
		}
		golden(t, fmt.Sprintf("catalogue-%d", width), b.String())
		fits(t, b.String(), width)
	}
	for _, c := range catalogue {
		for _, width := range []int{40, 80} {
			var b bytes.Buffer
			if err := text.Explain(&b, c, w.Policy, width); err != nil {
				t.Fatal(err)
			}
			fits(t, b.String(), width)
			switch c.ID {
			case "dane-exists", "rpki-ns-valid", "caa", "ipv6-mx-reach":
				golden(t, fmt.Sprintf("explain-%s-%d", c.ID, width), b.String())
			}
		}
	}
	var b bytes.Buffer
	extra := &check.Check{ID: "mta-sts", Category: check.Extra, Level: check.Optional, Scope: check.PerDomain, Title: "MTA-STS"}
	if err := text.Explain(&b, extra, w.Policy, 0); err != nil || !strings.Contains(b.String(), "This check is not scored.") {
		t.Errorf("%v: %s", err, b.String())
	}
}

// A good domain is one screen, also while not everything is tested yet.
func TestOneScreen(t *testing.T) {
	for _, w := range []*World{Right(), early(), nullMX()} {
		s := write(t, text.Options{Width: 80}, judge(t, w))
		if n := strings.Count(s, "\n"); n > 24 {
			t.Errorf("%s takes %d lines:\n%s", w.Domain, n, s)
		}
	}
}

// What we find right and Internet.nl does not is told, for it costs points.
func TestOtherwise(t *testing.T) {
	r := judge(t, Right())
	k := &r.Categories[1].Checks[0]
	if s := write(t, text.Options{}, r); strings.Contains(s, k.ID) {
		t.Fatalf("told without need:\n%s", s)
	}
	k.InternetnlStatus = "failed"
	if s := write(t, text.Options{}, r); !strings.Contains(s, "Internet.nl gives no points") || !strings.Contains(s, k.ID) {
		t.Errorf("not told:\n%s", s)
	}
}

// fits checks that nothing is wider than the terminal, ends in a space, or
// could do anything to it.
func fits(t *testing.T, s string, width int) {
	t.Helper()
	if !utf8.ValidString(s) || !strings.HasSuffix(s, "\n") {
		t.Fatalf("not whole lines of UTF-8: %q", s)
	}
	for line := range strings.Lines(s) {
		line = strings.TrimSuffix(line, "\n")
		if text.Clean(line) != line {
			t.Fatalf("printed raw: %q", line)
		}
		if n := text.Width(line); n > width || strings.HasSuffix(line, " ") {
			t.Fatalf("%d columns of %d: %q", n, width, line)
		}
	}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Everything fits at every width, colour adds nothing but colour, and without
// hostile or international names everything is ASCII.
func TestFits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 40 {
		w := Right()
		for i := range w.Policy.Rows {
			row := &w.Policy.Rows[i]
			if r.IntN(3) == 0 {
				answer := row.Outcomes[r.IntN(len(row.Outcomes))].ID
				w.Set(row.Check + "=" + []string{answer, "*unknown", "*unknown(" + answer + ")", "*ungathered", "*blocked", "*unknown-by"}[r.IntN(6)])
			}
		}
		rep := judge(t, w)
		for _, o := range []text.Options{{}, {Many: true}, {Verbose: true}, {Many: true, Verbose: true}} {
			o.Width = 40 + r.IntN(161)
			s := write(t, o, rep, rep)
			fits(t, s, o.Width)
			for i := range len(s) {
				if s[i] > '~' {
					t.Fatalf("not ASCII: %q", s)
				}
			}
			o.Color = true
			if colored := write(t, o, rep, rep); sgr.ReplaceAllString(colored, "") != s {
				t.Errorf("with colour:\n%s\nwithout:\n%s", colored, s)
			}
		}
	}
}

var hostile = []string{
	"\x1b[2J\x1b]0;title\x07", "a\r\nb\tc\x00", "\u202egnp.exe", "\u2066x\u2069", "\xff\xfe\x80", "\u200bzero\ufeff", "\u2028\u2029\u0085",
	"e" + strings.Repeat("\u0301", 50), strings.Repeat("漢字", 40), strings.Repeat("x", 3000), "\U000e0041\U0001f600", "\u00a0\u3000 ",
}

// Whatever a name server sends, nothing of it reaches the terminal raw.
func TestHostile(t *testing.T) {
	for _, h := range hostile {
		w := Right()
		w.Hosts = []string{h + ".test", h + MX2}
		w.Domain = h + ".example.test"
		w.Set("dane-valid=bad", "caa=bad", "cert-trust=bad", "spf-exists=*unknown", "dnssec-mx-exists=*blocked")
		rep := judge(t, w)
		broken := failedScan()
		broken.Error.Text, broken.Domain = h, h
		for _, o := range []text.Options{{}, {Many: true}, {Verbose: true}} {
			for _, width := range []int{40, 71, 72, 80, 200} {
				o.Width = width
				fits(t, write(t, o, rep, broken), width)
			}
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain text, \\ and ~":   "plain text, \\ and ~",
		"\x1b[31mred":            `\x1b[31mred`,
		"a\nb\rc\td\x00e\x7f":    `a\x0ab\x0dc\x09d\x00e\x7f`,
		"\u202eevil\u2066":       `\u202eevil\u2066`,
		"\u0085\u009b31m":        `\u0085\u009b31m`,
		"\xff\xc0é":              `\xff\xc0é`,
		"\ufeff\u200b\u00ad":     `\ufeff\u200b\u00ad`,
		"\u00a0\u3000\u2028":     `\u00a0\u3000\u2028`,
		"\U000e0041":             `\U000e0041`,
		"bücher 漢 😀 e\u0301":     "bücher 漢 😀 e\u0301",
		"e\u0301\u0301\u0301":    "e\u0301\u0301" + `\u0301`,
		"\ufffd":                 "\ufffd",
		"\U000f0000 private":     `\U000f0000 private`,
		"\u0378 is no character": `\u0378 is no character`,
	} {
		if got := text.Clean(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, h := range hostile {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got := text.Clean(in)
		if strings.ContainsFunc(got, func(r rune) bool {
			return r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
		}) || !utf8.ValidString(got) {
			t.Errorf("%q became %q", in, got)
		}
		if again := text.Clean(got); again != got {
			t.Errorf("%q: cleaned twice it is %q", got, again)
		}
	})
}

type brokenPipe struct{}

var errPipe = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }

func TestWriteError(t *testing.T) {
	for _, o := range []text.Options{{}, {Many: true}} {
		h := text.New(brokenPipe{}, o)
		if err := h.Report(failedScan()); !errors.Is(err, errPipe) {
			t.Errorf("Report: %v", err)
		}
		if err := h.Close(); o.Many && !errors.Is(err, errPipe) {
			t.Errorf("Close: %v", err)
		}
	}
	if err := text.Catalogue(brokenPipe{}, nil, 80); !errors.Is(err, errPipe) {
		t.Errorf("Catalogue: %v", err)
	}
	if err := text.New(io.Discard, text.Options{Many: true}).Close(); err != nil {
		t.Errorf("an empty table: %v", err)
	}
}

func BenchmarkRow(b *testing.B) {
	r := judge(b, bad())
	h := text.New(io.Discard, text.Options{Many: true})
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Report(r); err != nil {
			b.Fatal(err)
		}
	}
}

func Example() {
	w := Right().Set("dmarc-policy=policy")
	r, err := report.New(w.Catalogue(), w.Policy, w.Snapshot())
	if err != nil {
		fmt.Println(err)
		return
	}
	h := text.New(os.Stdout, text.Options{Width: 80})
	if err := errors.Join(h.Report(r), h.Close()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// example.test   96 %
	//
	//   IPv6                passed       20/20  100 %
	//   DNSSEC              passed       10/10  100 %
	//   SPF, DKIM and DMARC failed       42/50   84 %
	//   STARTTLS and DANE   passed     140/140  100 %
	//   RPKI                passed       45/45  100 %
	//
	// What is wrong, and what to do
	//   failed  Dmarc policy [dmarc-policy]
	//           For example.test the answer is "policy".
	//           -> Ask whoever runs example.test to put this right.
	//
	// Cost: 41 DNS queries, 2 SMTP connections, 1.3 seconds.
}

// A fault that two checks see is told once, with both names.
func TestToldOnce(t *testing.T) {
	r := judge(t, Right())
	finding := report.Finding{Code: "bad", Status: check.StatusFailed, Text: "It is bad.", Advice: "Mend it."}
	twin := report.Finding{Code: "bad", Status: check.StatusWarning, Text: "Bad by the standard.", Advice: "Mend it well.", SameAs: "first"}
	r.Categories = append(r.Categories, report.Category{ID: check.Extra.String(), Title: "Beyond Internet.nl", Status: check.StatusFailed, Checks: []report.Check{
		{ID: "first", Title: "About one", Status: check.StatusFailed, Findings: []report.Finding{finding}},
		{ID: "second", Title: "About two", Status: check.StatusWarning, Findings: []report.Finding{twin}},
	}})
	s := write(t, text.Options{}, r)
	if !strings.Contains(s, "About one [first]") || !strings.Contains(s, "About two [second]") || strings.Contains(s, "Bad by the standard.") || strings.Contains(s, "Mend it well.") {
		t.Errorf("not told once, with both names:\n%s", s)
	}
	if s := write(t, text.Options{Verbose: true}, r); !strings.Contains(s, "Bad by the standard.") {
		t.Errorf("something is left out with -v:\n%s", s)
	}
}

// What Internet.nl does not have is told in a few lines, is never a reason why
// the score is open, and does not take back that nothing is wrong.
func TestBeyond(t *testing.T) {
	r := judge(t, Right())
	before := write(t, text.Options{}, r)
	long := strings.Repeat("A long story. ", 40)
	one := func(id string, s check.Status, text string) report.Check {
		return report.Check{ID: id, Title: "About " + id, Status: s, Findings: []report.Finding{{Code: "x", Status: s, Text: text, Advice: "Do it."}}}
	}
	r.Categories = append(r.Categories, report.Category{ID: check.Extra.String(), Title: "Beyond Internet.nl", Status: check.StatusPassed, Checks: []report.Check{
		one("told", check.StatusInfo, long), one("lost", check.StatusUnknown, "Nobody knows."), one("left-out", check.StatusNotTested, "Not tested here."),
	}})
	s := write(t, text.Options{}, r)
	fits(t, s, 80)
	for _, want := range []string{"Beyond Internet.nl's test", "About told: A long story.", "About lost [lost]", "Nothing wrong was found"} {
		if !strings.Contains(s, want) {
			t.Errorf("%q is missing:\n%s", want, s)
		}
	}
	if strings.Contains(s, "Not tested here.") {
		t.Errorf("what was not tested is told:\n%s", s)
	}
	if first, was := strings.SplitN(s, "\n", 2)[0], strings.SplitN(before, "\n", 2)[0]; first != was {
		t.Errorf("the score reads %q, was %q", first, was)
	}
	if n := strings.Count(s, "\n") - strings.Count(before, "\n"); n > 12 {
		t.Errorf("%d lines more:\n%s", n, s)
	}
	r.Categories[len(r.Categories)-1].Checks[0] = one("bad", check.StatusFailed, "Broken.")
	if s := write(t, text.Options{}, r); !strings.Contains(s, "What is wrong") || !strings.Contains(s, "Do it.") || strings.Contains(s, "Nothing wrong") {
		t.Errorf("what is wrong is not told:\n%s", s)
	}
}
