package scanner_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

type rule struct {
	pkg     string
	pure    bool
	allowed []string // without "mailvet/"; a final slash means all below
	why     string
}

// imports says, for each package, which packages of this module it may import,
// whether it is pure (data in, data out), and why.
var imports = []rule{
	{"report/evidence", true, nil, "the leaf all else speaks: standard library and a JSON encoder only"},
	{"report/check", true, []string{"report/evidence"}, "the language of judgement"},
	{"report/score", true, []string{"report/check", "report/evidence"}, "arithmetic over findings"},
	{"report", true, []string{"report/check", "report/evidence", "report/score"}, "a judged snapshot"},
	{"report/summary", true, []string{"report", "report/check", "report/evidence", "report/keys", "report/text"}, "adds reports up"},
	{"report/keys", true, []string{"report"}, "what several reports have in common"},
	{"report/", true, []string{"report", "report/check", "report/evidence", "report/keys", "report/score"}, "one output format each, over a report"},
	{"dnscheck", true, []string{"report/check", "report/evidence", "dnscheck/spf", "dnscheck/dmarc", "dnscheck/dkim", "dnscheck/openpgp", "dnscheck/mtasts", "dnscheck/tlsrpt", "dnscheck/bimi"}, "checks are functions of evidence"},
	{"dnscheck/dnssec", true, []string{"report/evidence"}, "validation: what it needs is asked through its caller"},
	{"dnscheck/dnssec/proof", true, []string{"report/evidence", "dnscheck/dnssec"}, "stores what a validation rests on, and validates it again"},
	{"dnscheck/spf", true, []string{"report/evidence"}, "one standard"},
	{"dnscheck/dmarc", true, []string{"report/evidence"}, "one standard"},
	{"dnscheck/openpgp", true, nil, "a parser of untrusted octets"},
	{"dnscheck/dkim", true, []string{"report/evidence"}, "one standard"},
	{"dnscheck/message", true, []string{"report/evidence", "dnscheck/spf", "dnscheck/dmarc", "dnscheck/dkim"}, "one message under three standards: what it needs is asked through its caller"},
	{"dnscheck/mtasts", true, []string{"report/evidence"}, "one standard"},
	{"dnscheck/tlsrpt", true, []string{"report/evidence"}, "one standard"},
	{"dnscheck/bimi", true, []string{"report/evidence"}, "one standard"},
	{"dnscheck/rpki", true, []string{"report/evidence"}, "one standard: what it reads is handed to it"},
	{"dnscheck/rpki/rtr", false, []string{"dnscheck/rpki"}, "fetches over the network what dnscheck/rpki judges by"},
	{"dnscheck/rpki/origin", false, []string{"report/evidence", "dnscheck/rpki"}, "an observer: records what tables and the DNS say of routes"},
	{"dnscheck/flight", true, nil, "shares calls: standard library only"},
	{"dnscheck/fetch", false, []string{"report/evidence", "dnscheck/flight"}, "an observer: records, does not judge"},
	{"dnscheck/resolver", false, []string{"report/evidence", "dnscheck/dnssec", "dnscheck/flight"}, "an observer: records, does not judge"},
	{"dnscheck/dnstest", false, nil, "name servers for tests; knows nothing of what is tested"},
	{"smtpcheck", true, []string{"report/check", "report/evidence", "smtpcheck/dane", "smtpcheck/guideline", "smtpcheck/certificate", "smtpcheck/caa", "smtpcheck/tlshello"}, "checks are functions of evidence"},
	{"smtpcheck/dane", true, []string{"report/evidence", "smtpcheck/certificate"}, "one standard"},
	{"smtpcheck/caa", true, []string{"report/evidence"}, "one standard"},
	{"smtpcheck/certificate", true, nil, "a parser of untrusted octets"},
	{"smtpcheck/guideline", true, nil, "tables"},
	{"smtpcheck/tlshello", true, nil, "octets to octets: no network, no keys"},
	{"smtpcheck/probe", false, []string{"report/evidence", "smtpcheck/tlshello", "smtpcheck/guideline"}, "an observer: records, does not judge; the levels of suites say what to ask first"},
	{"smtpcheck/probe/spill", false, nil, "octets under keys in a file; knows nothing of what they are"},
	{"smtpcheck/smtptest", false, []string{"smtpcheck/tlshello"}, "mail servers for tests, and what they say in a handshake; knows nothing of what is tested"},
	{"scanner", false, []string{"report", "report/", "dnscheck", "dnscheck/", "smtpcheck", "smtpcheck/"}, "drives the observers"},
	{"scanner/lab", false, []string{"report", "report/", "dnscheck", "dnscheck/", "smtpcheck", "smtpcheck/", "scanner"}, "an Internet for the scanner"},
	{"cmd/mailvet", false, []string{"report", "report/", "dnscheck", "dnscheck/", "smtpcheck", "smtpcheck/", "scanner", "scanner/", "testdata"}, "the command"},
	{"testdata", true, nil, "data"},
}

// impure are the packages that reach out: network, machine, clock, chance, log.
var impure = []string{"net", "net/http", "os", "os/exec", "os/signal", "syscall", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog", "path/filepath", "runtime"}

// clock functions that a pure package must not call.
var impureCalls = []string{"time.Now(", "time.Since(", "time.Until(", "time.Sleep(", "time.After(", "time.NewTimer(", "time.AfterFunc("}

func TestImports(t *testing.T) {
	root := ".."
	found := map[string]bool{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		pkg := path.Dir(filepath.ToSlash(rel))
		r, ok := ruleFor(pkg)
		if !ok {
			t.Errorf("%s: package %s has no row in the table of imports", rel, pkg)
			return nil
		}
		found[pkg] = true
		checkFile(t, file, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 10 {
		t.Fatalf("only %d packages found from %s: the test looks at the wrong place", len(found), root)
	}
}

func ruleFor(pkg string) (rule, bool) {
	for _, r := range imports {
		if r.pkg == pkg || strings.HasSuffix(r.pkg, "/") && strings.HasPrefix(pkg, r.pkg) && !hasOwnRule(pkg) {
			return r, true
		}
	}
	return rule{}, false
}

func hasOwnRule(pkg string) bool {
	return slices.ContainsFunc(imports, func(r rule) bool { return r.pkg == pkg })
}

func checkFile(t *testing.T, file string, r rule) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range f.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		own, isOwn := strings.CutPrefix(imp, "mailvet/")
		switch {
		case isOwn && !slices.ContainsFunc(r.allowed, func(a string) bool { return own == a || strings.HasSuffix(a, "/") && strings.HasPrefix(own, a) }):
			t.Errorf("%s imports %s; %s may not: %s", file, imp, r.pkg, r.why)
		case r.pure && slices.Contains(impure, imp):
			t.Errorf("%s imports %s; %s is pure: %s", file, imp, r.pkg, r.why)
		}
	}
	if !r.pure {
		return
	}
	for _, call := range impureCalls {
		if strings.Contains(string(source), call) {
			t.Errorf("%s calls %s...); %s is pure: the clock comes from its caller", file, call, r.pkg)
		}
	}
}
