package dnscheck_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"mailvet/dnscheck"
	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/report/score"
)

// texts is a world of TXT records: names with their records, separated by
// newlines. A record that begins with "!" is an outcome instead ("!nodata");
// "!unasked" is a question that nobody asks. Names not in it do not exist.
type texts map[string]string

// right is a domain where nothing is wrong. Rows of the tables change it.
var right = texts{
	"example.test":            "v=spf1 mx -all\nsome other text",
	"_dmarc.example.test":     "v=DMARC1; p=reject; rua=mailto:d@example.test",
	"_domainkey.example.test": "!nodata",
}

// but is the world with changes.
func (w texts) but(changes texts) texts {
	w = maps.Clone(w)
	maps.Copy(w, changes)
	return w
}

func (w texts) lookup(name string) evidence.Lookup {
	l := evidence.Lookup{Name: name, Type: "TXT", Outcome: evidence.OutcomeNXDomain, Security: evidence.SecuritySecure}
	records, ok := w[name]
	if ok {
		l.Outcome = evidence.OutcomeAnswer
	}
	if word, ok := strings.CutPrefix(records, "!"); ok {
		if word == "budget" {
			l.Failure = &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassBudget}
			word = "timeout"
		}
		must(l.Outcome.UnmarshalText([]byte(word)))
		return l
	}
	for r := range strings.SplitSeq(records, "\n") {
		if r != "" {
			l.Answer = append(l.Answer, evidence.RR{Name: name, Type: "TXT", TTL: 300, Data: `"` + evidence.EscapeText(r) + `"`})
		}
	}
	return l
}

// scan asks for the TXT records that are wanted, and nothing else, until no
// more are. It returns what it saw and the questions round by round.
func (w texts) scan(t *testing.T, domain string) (*evidence.Snapshot, [][]string) {
	t.Helper()
	s := &evidence.Snapshot{Domain: domain}
	var rounds [][]string
	for {
		var round []string
		for _, q := range dnscheck.Wants(s) {
			if q.Type != "TXT" || w[q.Name] == "!unasked" || slices.Contains(round, q.Name) {
				continue
			}
			round = append(round, q.Name)
		}
		if round == nil {
			return s, rounds
		}
		rounds = append(rounds, round)
		for _, name := range round {
			s.Lookups = append(s.Lookups, w.lookup(name))
		}
		s.Canonical()
		if len(rounds) > 50 {
			t.Fatalf("no end of wants: %v", rounds)
		}
	}
}

// authRow is a row of a table: a world, and what a check says of it, as "CODE
// VERDICT [POINTS]"; "-" is no verdict.
type authRow struct {
	name  string
	world texts
	want  string
}

func runAuth(t *testing.T, id string, rows []authRow) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s, _ := row.world.scan(t, "example.test")
			for _, r := range check.Run(checksOf(check.Auth), s) {
				soundAuth(t, s, r.Check, r.Findings[0])
				if got := show(r.Check, r.Findings[0]); r.Check.ID == id && got != id+" "+row.want {
					t.Errorf("got %s, want %s\n%s", got, row.want, check.Render(r.Findings[0].Code.Text, r.Findings[0].Args))
				}
			}
		})
	}
}

// soundAuth is what holds for every finding.
func soundAuth(t *testing.T, s *evidence.Snapshot, c *check.Check, f check.Finding) {
	t.Helper()
	for name, v := range f.Args {
		if len(v) > 600 || !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%s %s: argument %s is %q", c.ID, f.Code.Name, name, v)
		}
	}
	for _, text := range []string{f.Code.Text, f.Code.Advice} {
		for _, name := range c.Args {
			if strings.Contains(text, "{"+name+"}") && f.Args[name] == "" {
				t.Errorf("%s %s: the argument %s is missing", c.ID, f.Code.Name, name)
			}
		}
	}
	for _, p := range f.Evidence {
		i, err := strconv.Atoi(strings.TrimPrefix(p, "/lookups/"))
		if err != nil || i >= len(s.Lookups) {
			t.Errorf("%s: evidence %q is not in the snapshot", c.ID, p)
		}
	}
	if f.Code.Outcome == check.Pass && f.VerdictID() == "" {
		t.Errorf("%s %s passes without a verdict", c.ID, f.Code.Name)
	}
	varies := c.ID == "spf-policy" && (f.VerdictID() == "include" || f.VerdictID() == "redirect")
	if varies != (f.Points != nil) {
		t.Errorf("%s %s: points %v for the verdict %q", c.ID, f.Code.Name, f.Points, f.VerdictID())
	}
}

var dmarcExistsRows = []authRow{
	{"one record", right, "found good"},
	{"at the organization", texts{"example.test": "x"}, "missing bad"},
	{"none", right.but(texts{"_dmarc.example.test": "!nodata"}), "missing bad"},
	{"other texts only", right.but(texts{"_dmarc.example.test": "hello"}), "missing bad"},
	{"several", right.but(texts{"_dmarc.example.test": "v=DMARC1; p=reject\nv=DMARC1; p=none"}), "several bad"},
	{"SERVFAIL", right.but(texts{"_dmarc.example.test": "!servfail"}), "unknown bad"},
	{"timeout", right.but(texts{"_dmarc.example.test": "!timeout"}), "unknown bad"},
	{"malformed", right.but(texts{"_dmarc.example.test": "!malformed"}), "unknown bad"},
	{"out of time", right.but(texts{"_dmarc.example.test": "!budget"}), "not-looked-up -"},
	{"not asked", right.but(texts{"_dmarc.example.test": "!unasked"}), "not-looked-up -"},
	{"spaces around the version", right.but(texts{"_dmarc.example.test": "v = DMARC1; p=reject"}), "found-otherwise bad"},
	{"one record, and one that is none", right.but(texts{"_dmarc.example.test": "v=DMARC1; p=reject\nv=DMARC1foo"}), "found-otherwise bad"},
	{"lower case", right.but(texts{"_dmarc.example.test": "v=dmarc1; p=reject"}), "missing-otherwise good"},
	{"several, of which Internet.nl sees one", right.but(texts{"_dmarc.example.test": "v=DMARC1; p=reject\nv = DMARC1; p=none"}), "several-otherwise good"},
}

// Rows about sub.example.test, whose organization is example.test.
var dmarcOrgRows = []struct {
	name   string
	world  texts
	exists string
	policy string
}{
	{"p of the organization", texts{"_dmarc.example.test": "v=DMARC1; p=reject"}, "found-at-organization good", "enforced good"},
	{"sp of the organization", texts{"_dmarc.example.test": "v=DMARC1; p=reject; sp=none"}, "found-at-organization good", "none policy"},
	{"sp before p", texts{"_dmarc.example.test": "v=DMARC1; p=none; sp=quarantine"}, "found-at-organization good", "enforced good"},
	{"sp without p", texts{"_dmarc.example.test": "v=DMARC1;;sp=reject"}, "found-at-organization good", "no-policy-otherwise good"},
	{"spaces there", texts{"_dmarc.example.test": "v = DMARC1; p=reject"}, "found-at-organization-otherwise bad", "enforced-otherwise not-tested"},
	{"own before the organization's", texts{"_dmarc.example.test": "v=DMARC1; p=none", "_dmarc.sub.example.test": "v=DMARC1; p=reject"}, "found good", "enforced good"},
	{"none at either", texts{}, "missing bad", "no-record not-tested"},
	{"own fails", texts{"_dmarc.example.test": "v=DMARC1; p=reject", "_dmarc.sub.example.test": "!servfail"}, "unknown bad", "unknown not-tested"},
	{"organization fails", texts{"_dmarc.example.test": "!servfail"}, "unknown bad", "unknown not-tested"},
	{"organization fails, own one for Internet.nl only", texts{"_dmarc.sub.example.test": "v=dmarc1", "_dmarc.example.test": "!servfail"}, "unknown good", "unknown bad"},
	{"reports to the organization", texts{"_dmarc.sub.example.test": "v=DMARC1; p=reject; rua=mailto:a@example.test"}, "found good", "enforced good"},
}

func TestDMARCOfTheOrganization(t *testing.T) {
	for _, row := range dmarcOrgRows {
		t.Run(row.name, func(t *testing.T) {
			s, _ := row.world.scan(t, "sub.example.test")
			for _, r := range check.Run(checksOf(check.Auth), s) {
				soundAuth(t, s, r.Check, r.Findings[0])
				want, ok := map[string]string{"dmarc-exists": row.exists, "dmarc-policy": row.policy}[r.Check.ID]
				if got := show(r.Check, r.Findings[0]); ok && got != r.Check.ID+" "+want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
}

func dmarcIs(record string) texts { return right.but(texts{"_dmarc.example.test": record}) }

const consent = "example.test._report._dmarc.reports.example"

var dmarcPolicyRows = []authRow{
	{"reject", right, "enforced good"},
	{"quarantine", dmarcIs("v=DMARC1; p=quarantine"), "enforced good"},
	{"reject under test", dmarcIs("v=DMARC1; p=reject; t=y"), "enforced good"},
	{"quarantine under test", dmarcIs("v=DMARC1; p=quarantine; t=y"), "testing policy"},
	{"none", dmarcIs("v=DMARC1; p=none; rua=mailto:d@example.test"), "none policy"},
	{"no tags", dmarcIs("v=DMARC1;"), "no-policy policy"},
	{"unknown tag, reject", dmarcIs("v=DMARC1; p=reject; x=y"), "enforced-syntax bad"},
	{"no semicolon at all", dmarcIs("v=DMARC1"), "no-policy-syntax bad"},
	{"unknown tag, none", dmarcIs("v=DMARC1; p=none; x=y"), "none-syntax bad"},
	{"unknown tag, under test", dmarcIs("v=DMARC1; p=quarantine; t=y; x=y"), "testing-syntax bad"},
	{"spaces around the version, under test", dmarcIs("v = DMARC1; p=quarantine; t=y"), "testing-otherwise not-tested"},
	{"spaces around the version, no policy", dmarcIs("v = DMARC1"), "no-policy-otherwise not-tested"},
	{"p not first", dmarcIs("v=DMARC1; rua=mailto:d@example.test; p=reject"), "enforced-syntax bad"},
	{"report address without policy", dmarcIs("v=DMARC1; rua=mailto:d@example.test"), "no-policy-syntax bad"},
	{"wrong policy", dmarcIs("v=DMARC1; p=rejected"), "no-policy-syntax bad"},
	{"tag twice", dmarcIs("v=DMARC1; p=reject; p=none"), "invalid bad"},
	{"tag twice where Internet.nl does not look", dmarcIs("v = DMARC1; p=reject; p=none"), "invalid-otherwise not-tested"},
	{"spaces around the version, none", dmarcIs("v = DMARC1; p=none"), "none-otherwise not-tested"},
	{"none at all", dmarcIs("!nodata"), "no-record not-tested"},
	{"several", dmarcIs("v=DMARC1; p=reject\nv=DMARC1; p=none"), "no-record not-tested"},
	{"lower case", dmarcIs("v=dmarc1; p=reject"), "no-record-otherwise bad"},
	{"SERVFAIL", dmarcIs("!servfail"), "unknown not-tested"},
	{"not asked", dmarcIs("!unasked"), "not-looked-up -"},

	{"no consent", dmarcIs("v=DMARC1; p=reject; rua=mailto:d@reports.example"), "external external"},
	{"no consent, unknown tag", dmarcIs("v=DMARC1; p=reject; rua=mailto:d@reports.example; x=y"), "external-syntax bad"},
	{"no consent, spaces around the version", dmarcIs("v = DMARC1; p=reject; rua=mailto:d@reports.example"), "external-otherwise not-tested"},
	{"consent", dmarcIs("v=DMARC1; p=reject; rua=mailto:d@reports.example").but(texts{consent: "v=DMARC1;"}), "enforced good"},
	{"consent without semicolon", dmarcIs("v=DMARC1; p=reject; rua=mailto:d@reports.example").but(texts{consent: "v=DMARC1"}), "external-uncounted external"},
	{"consent twice", dmarcIs("v=DMARC1; p=reject; rua=mailto:d@reports.example").but(texts{consent: "v=DMARC1;\nv=DMARC1;"}), "external-uncounted external"},
	{"consent unknown", dmarcIs("v=DMARC1; p=reject; rua=mailto:d@reports.example").but(texts{consent: "!servfail"}), "unknown-destination external"},
	{"consent unknown, unknown tag", dmarcIs("v=DMARC1; p=reject; rua=mailto:d@reports.example; x=y").but(texts{consent: "!servfail"}), "unknown-destination-syntax bad"},
	{"consent unknown, spaces around the version", dmarcIs("v = DMARC1; p=reject; rua=mailto:d@reports.example").but(texts{consent: "!servfail"}), "unknown-destination-otherwise not-tested"},
	{"one consent unknown, one missing", dmarcIs("v=DMARC1; p=reject; rua=mailto:d@reports.example,mailto:d@other.example").but(texts{consent: "!servfail"}), "external external"},
	{"address without host", dmarcIs("v=DMARC1; p=reject; rua=mailto:reports.example"), "enforced-otherwise external"},
}

func spfIs(record string) texts { return right.but(texts{"example.test": record}) }

var spfExistsRows = []authRow{
	{"one record", right, "found good"},
	{"upper case", spfIs("V=SPF1 -ALL"), "found good"},
	{"none", spfIs("other"), "missing bad"},
	{"no TXT", spfIs("!nodata"), "missing bad"},
	{"NXDOMAIN", spfIs("!nxdomain"), "missing bad"},
	{"several", spfIs("v=spf1 mx -all\nv=spf1 a:a.example.test ~all"), "several bad"},
	{"SERVFAIL", spfIs("!servfail"), "unknown bad"},
	{"refused", spfIs("!refused"), "unknown bad"},
	{"no resolver", spfIs("!network"), "not-looked-up -"},
	{"not asked", spfIs("!unasked"), "not-looked-up -"},
	{"another version", spfIs("v=spf10 -all"), "missing-otherwise good"},
	{"another version beside", spfIs("v=spf10 -all\nv=spf1 -all"), "found-otherwise bad"},
}

// manyHosts is a record with n terms a:host.
func manyHosts(n int) string {
	return "v=spf1" + strings.Repeat(" a:h.example.test", n) + " -all"
}

var spfPolicyRows = []authRow{
	{"strict end", right, "enforced good"},
	{"soft end", spfIs("v=spf1 mx ~all"), "enforced good"},
	{"nothing but -all", spfIs("v=spf1 -all"), "enforced good"},
	{"RFC 6652 modifier", spfIs("v=spf1 mx rp=100 -all"), "enforced-syntax bad"},
	{"modifier like a mechanism", spfIs("v=spf1 mx ax=b.test -all"), "enforced-syntax bad"},
	{"does not parse", spfIs("v=spf1 foo -all"), "syntax bad"},
	{"no space after the version", spfIs("v=spf1-all"), "no-record-otherwise bad"},
	{"prefix too long", spfIs("v=spf1 a:example.com/33 -all"), "syntax-otherwise good"},
	{"redirect twice", spfIs("v=spf1 redirect=a.example redirect=b.example").but(texts{"a.example": "v=spf1 -all"}), "syntax-otherwise good"},
	{"+all", spfIs("v=spf1 +all"), "all-pass all"},
	{"+all, RFC 6652", spfIs("v=spf1 rp=100 all"), "all-pass-otherwise bad"},
	{"?all", spfIs("v=spf1 mx ?all"), "neutral all"},
	{"?all, RFC 6652", spfIs("v=spf1 rp=100 ?all"), "neutral-otherwise bad"},
	{"no all", spfIs("v=spf1 mx"), "no-all all"},
	{"no terms", spfIs("v=spf1"), "no-all all"},
	{"no all, RFC 6652", spfIs("v=spf1 rp=100"), "no-all-otherwise bad"},
	{"like a redirect", spfIs("v=spf1 mx redirectory=x.example"), "no-all-otherwise good"},

	{"include", spfIs("v=spf1 include:p.example -all").but(texts{"p.example": "v=spf1 ?all"}), "enforced good"},
	{"include of no SPF record", spfIs("v=spf1 include:p.example -all").but(texts{"p.example": "other"}), "target-missing include 0"},
	{"include of no name", spfIs("v=spf1 include:p.example -all"), "target-missing include 2"},
	{"include of no TXT", spfIs("v=spf1 include:p.example -all").but(texts{"p.example": "!nodata"}), "target-missing include 2"},
	{"include of no possible name", spfIs("v=spf1 include:p..example -all").but(texts{"p..example": "!bad-name"}), "target-missing include 2"},
	{"include of several", spfIs("v=spf1 include:p.example -all").but(texts{"p.example": "v=spf1 -all\nv=spf1 mx -all"}), "target-several include 0"},
	{"include does not parse", spfIs("v=spf1 include:p.example -all").but(texts{"p.example": "v=spf1 foo"}), "target-syntax include 0"},
	{"include of everybody", spfIs("v=spf1 include:p.example -all").but(texts{"p.example": "v=spf1 +all"}), "target-all include 2"},
	{"include, deep", spfIs("v=spf1 include:p.example -all").but(texts{"p.example": "v=spf1 include:q.example -all", "q.example": "v=spf1 foo"}), "target-syntax include 0"},
	{"include whose prefix is too long", spfIs("v=spf1 include:p.example -all").but(texts{"p.example": "v=spf1 a:x.example/33 -all"}), "target-syntax-otherwise good"},
	{"include of no name, RFC 6652", spfIs("v=spf1 rp=100 include:p.example -all"), "target-missing-otherwise bad"},
	{"include of several, RFC 6652", spfIs("v=spf1 rp=100 include:p.example -all").but(texts{"p.example": "v=spf1 -all\nv=spf1 mx -all"}), "target-several-otherwise bad"},
	{"include of everybody, RFC 6652", spfIs("v=spf1 rp=100 include:p.example -all").but(texts{"p.example": "v=spf1 +all"}), "target-all-otherwise bad"},
	{"include with RFC 6652", spfIs("v=spf1 include:p.example -all").but(texts{"p.example": "v=spf1 rp=100 -all"}), "enforced-otherwise include 0"},
	{"redirect inside an include", spfIs("v=spf1 include:p.example -all").but(texts{"p.example": "v=spf1 redirect=q.example", "q.example": "v=spf1 ?all"}), "enforced-otherwise include 2"},
	{"include of macros", spfIs("v=spf1 include:%{i}.p.example -all"), "macros good"},
	{"include of macros, RFC 6652", spfIs("v=spf1 rp=100 include:%{i}.p.example -all"), "macros-otherwise bad"},
	{"include fails", spfIs("v=spf1 include:p.example -all").but(texts{"p.example": "!servfail"}), "unknown include 2"},
	{"include times out", spfIs("v=spf1 include:p.example -all").but(texts{"p.example": "!timeout"}), "unknown include 2"},
	{"include not asked", spfIs("v=spf1 include:p.example -all").but(texts{"p.example": "!unasked"}), "not-looked-up -"},
	{"one fails, but ?all", spfIs("v=spf1 include:p.example ?all").but(texts{"p.example": "!servfail"}), "neutral all"},
	{"one fails, another is broken", spfIs("v=spf1 include:p.example include:q.example -all").but(texts{"p.example": "!servfail"}), "target-missing include 2"},
	{"what only Internet.nl looks up fails", spfIs("v=spf1 exists:include:p.example -all").but(texts{"include": "!unasked"}), "not-looked-up -"},

	{"redirect", spfIs("v=spf1 redirect=p.example").but(texts{"p.example": "v=spf1 -all"}), "enforced good"},
	{"redirect to ?all", spfIs("v=spf1 redirect=p.example").but(texts{"p.example": "v=spf1 ?all"}), "neutral redirect 2"},
	{"redirect to +all", spfIs("v=spf1 redirect=p.example").but(texts{"p.example": "v=spf1 +all"}), "all-pass redirect 2"},
	{"redirect to no all", spfIs("v=spf1 redirect=p.example").but(texts{"p.example": "v=spf1 mx"}), "no-all redirect 2"},
	{"redirect to no SPF record", spfIs("v=spf1 redirect=p.example").but(texts{"p.example": "other"}), "target-missing redirect 0"},
	{"redirect to no name", spfIs("v=spf1 redirect=p.example"), "target-missing redirect 2"},
	{"redirect beside all", spfIs("v=spf1 redirect=p.example -all"), "enforced good"},
	{"redirect fails", spfIs("v=spf1 redirect=p.example").but(texts{"p.example": "!servfail"}), "unknown redirect 2"},

	{"10 a:host", spfIs(manyHosts(10)), "enforced good"},
	{"12 a:host", spfIs(manyHosts(12)), "too-many-lookups-otherwise good"},
	{"10 a and an include", spfIs("v=spf1" + strings.Repeat(" a", 10) + " include:p.example -all").but(texts{"p.example": "v=spf1 -all"}), "too-many-lookups max-lookups"},
	{"letters that count", spfIs("v=spf1" + strings.Repeat(" ip4:192.0.2.1 x-mx=a.example", 11) + " include:p.example -all").but(texts{"p.example": "v=spf1 -all"}), "enforced-otherwise max-lookups"},
	{"too many, and ?all", spfIs("v=spf1" + strings.Repeat(" a:h.example.test", 12) + " ?all"), "neutral all"},
	{"loop", spfIs("v=spf1 include:example.test -all"), "too-many-lookups max-lookups"},
	{"loop of two", spfIs("v=spf1 include:p.example -all").but(texts{"p.example": "v=spf1 include:example.test -all"}), "too-many-lookups max-lookups"},

	{"none", spfIs("other"), "no-record not-tested"},
	{"several", spfIs("v=spf1 -all\nv=spf1 mx -all"), "no-record not-tested"},
	{"SERVFAIL", spfIs("!servfail"), "unknown not-tested"},
	{"not asked", spfIs("!unasked"), "not-looked-up -"},
}

// nothing is a domain that sends no mail.
var nothing = texts{"example.test": "v=spf1 -all", "_dmarc.example.test": "v=DMARC1; p=reject;"}

func noMailIf(spf, dmarc string) texts {
	return texts{"example.test": spf, "_dmarc.example.test": dmarc}
}

var dkimExistsRows = []authRow{
	{"empty non-terminal", right, "empty-non-terminal good"},
	{"has records", right.but(texts{"_domainkey.example.test": "o=~"}), "found good"},
	{"NXDOMAIN", right.but(texts{"_domainkey.example.test": "!nxdomain"}), "missing bad"},
	{"SERVFAIL", right.but(texts{"_domainkey.example.test": "!servfail"}), "unknown bad"},
	{"not asked", right.but(texts{"_domainkey.example.test": "!unasked"}), "not-looked-up -"},

	{"sends nothing", nothing, "no-email no-email"},
	{"sends nothing, but has keys", nothing.but(texts{"_domainkey.example.test": "!nodata"}), "empty-non-terminal good"},
	{"sends nothing, SERVFAIL", nothing.but(texts{"_domainkey.example.test": "!servfail"}), "no-email no-email"},
	{"no space", noMailIf("v=spf1   -all", "v=DMARC1;p=reject"), "no-email no-email"},
	{"spaces, more tags", noMailIf("v=spf1 -all", "v=DMARC1;   p=reject; sp=reject"), "no-email no-email"},
	{"exp before", noMailIf("v=spf1 exp=e.example -all", "v=DMARC1; p=reject"), "no-email no-email"},
	{"exp behind", noMailIf("v=spf1 -all exp=e.example", "v=DMARC1; p=reject"), "no-email no-email"},
	{"upper case all", noMailIf("v=spf1 -ALL", "v=DMARC1; p=reject"), "no-email-uncounted bad"},
	{"upper case version of SPF", noMailIf("V=SPF1 -all", "v=DMARC1; p=reject"), "no-email-uncounted bad"},
	{"upper case version of DMARC", noMailIf("v=spf1 -all", "V=DMARC1; p=reject"), "no-email-uncounted bad"},
	{"upper case policy", noMailIf("v=spf1 -all", "v=DMARC1; p=Reject"), "no-email-uncounted bad"},
	{"space before the semicolon", noMailIf("v=spf1 -all", "v=DMARC1 ; p=reject"), "no-email-uncounted bad"},
	{"trailing space of SPF", noMailIf("v=spf1 -all ", "v=DMARC1; p=reject"), "no-email-uncounted bad"},
	{"no consent of a destination", noMailIf("v=spf1 -all", "v=DMARC1; p=reject; rua=mailto:a@reports.example"), "no-email-uncounted bad"},
	{"unknown tag", noMailIf("v=spf1 -all", "v=DMARC1; p=reject; x=y"), "no-email-uncounted bad"},
	{"quarantine", noMailIf("v=spf1 -all", "v=DMARC1; p=quarantine"), "missing bad"},
	{"soft", noMailIf("v=spf1 ~all", "v=DMARC1; p=reject"), "missing bad"},
	{"sends from mx", noMailIf("v=spf1 mx -all", "v=DMARC1; p=reject"), "missing bad"},
	{"no records at all", texts{}, "missing bad"},
	{"SPF unknown", noMailIf("!servfail", "v=DMARC1; p=reject"), "unknown-need bad"},
	{"DMARC unknown", noMailIf("v=spf1 -all", "!servfail"), "unknown-need bad"},
	{"both unknown", noMailIf("!servfail", "!timeout"), "unknown-need bad"},
	{"SPF unknown, but DMARC weak", noMailIf("!servfail", "v=DMARC1; p=none"), "missing bad"},
	{"DMARC unknown, but sends", noMailIf("v=spf1 mx -all", "!servfail"), "missing bad"},
	{"consent unknown", noMailIf("v=spf1 -all", "v=DMARC1; p=reject; rua=mailto:a@reports.example").but(texts{consent: "!servfail"}), "unknown-need bad"},
}

var authTables = map[string][]authRow{
	"dmarc-exists": dmarcExistsRows, "dmarc-policy": dmarcPolicyRows, "dkim-exists": dkimExistsRows,
	"spf-exists": spfExistsRows, "spf-policy": spfPolicyRows,
}

func TestAuth(t *testing.T) {
	for _, id := range slices.Sorted(maps.Keys(authTables)) {
		t.Run(id, func(t *testing.T) { runAuth(t, id, authTables[id]) })
	}
}

// The organization's sp is looked for anywhere, its p only where no sp follows.
func TestNoEmailOfTheOrganization(t *testing.T) {
	for record, want := range map[string]string{
		"v=DMARC1; p=none; sp=reject":    "no-email no-email",
		"v=DMARC1; p=reject":             "no-email no-email",
		"v=DMARC1;p=reject; adkim=s":     "no-email no-email",
		"v=DMARC1; p=reject; sp=reject":  "no-email no-email",
		"v=DMARC1; p=reject;sp = reject": "no-email no-email", // no "sp=" follows
		"v=DMARC1; P=reject":             "no-email-uncounted bad",
		"v=DMARC1; p=reject; sp=none":    "missing bad",
	} {
		s, _ := texts{"sub.example.test": "v=spf1 -all", "_dmarc.example.test": record}.scan(t, "sub.example.test")
		for _, r := range check.Run(checksOf(check.Auth), s) {
			if got := show(r.Check, r.Findings[0]); r.Check.ID == "dkim-exists" && got != "dkim-exists "+want {
				t.Errorf("%s: got %s, want %s", record, got, want)
			}
		}
	}
}

func TestEveryAuthCodeIsProduced(t *testing.T) {
	seen := map[string]bool{}
	note := func(w texts, domain string) {
		s, _ := w.scan(t, domain)
		for _, r := range check.Run(checksOf(check.Auth), s) {
			seen[r.Check.ID+" "+r.Findings[0].Code.Name] = true
		}
	}
	for _, rows := range authTables {
		for _, row := range rows {
			note(row.world, "example.test")
		}
	}
	for _, row := range dmarcOrgRows {
		note(row.world, "sub.example.test")
	}
	everyCode(t, "auth", seen)
}

func TestAuthVerdictsAreInternetNLs(t *testing.T) {
	b, err := os.ReadFile("../../shared/internetnl-subtests.json")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs ../shared/internetnl-subtests.json beside the project")
	}
	must(err)
	var subtests []struct {
		API      string `json:"api_id"`
		Outcomes []struct {
			Outcome, Condition string
			Reachable          bool
		}
	}
	must(json.Unmarshal(b, &subtests))
	for i, c := range checksOf(check.Auth) {
		st := subtests[slices.IndexFunc(subtests, func(x struct {
			API      string `json:"api_id"`
			Outcomes []struct {
				Outcome, Condition string
				Reachable          bool
			}
		}) bool {
			return x.API == c.API
		})]
		if want := subtests[8+i].API; st.API != want {
			t.Errorf("check %d is %s, want %s", i, st.API, want)
		}
		given := map[string]bool{}
		for _, row := range authTables[c.ID] {
			_, verdict, _ := strings.Cut(row.want, " ")
			verdict, _, _ = strings.Cut(verdict, " ")
			given[verdict] = true
		}
		for _, o := range st.Outcomes {
			if !given[o.Outcome] {
				t.Errorf("%s: no row has the verdict %q", c.ID, o.Outcome)
			}
			delete(given, o.Outcome)
		}
		delete(given, "-")
		for v := range given {
			t.Errorf("%s: %q is no verdict of %s", c.ID, v, c.API)
		}
	}
}

// The worked examples of the specification, section 4.5, as far as they are
// about sender authentication.
func TestAuthWorkedExamples(t *testing.T) {
	base := texts{
		"example.nl":            "v=spf1 mx -all",
		"_dmarc.example.nl":     "v=DMARC1; p=reject; rua=mailto:d@example.nl",
		"_domainkey.example.nl": "!nodata",
	}
	elevenIncludes := base.but(nil)
	list := ""
	for i := range 11 {
		name := "i" + strconv.Itoa(i) + ".example"
		elevenIncludes[name] = "v=spf1 -all"
		list += " include:" + name
	}
	elevenIncludes["example.nl"] = "v=spf1" + list + " -all"
	silent := texts{"example.nl": "v=spf1 -all", "_dmarc.example.nl": "v=DMARC1; p=reject; rua=mailto:d@example.nl"}
	tests := []struct {
		number      int
		domain      string
		world       texts
		points, max int
	}{
		{1, "example.nl", base, 50, 50},
		{8, "example.nl", base.but(texts{"_dmarc.example.nl": "v=DMARC1; p=none"}), 42, 50},
		{9, "example.nl", base.but(texts{"_dmarc.example.nl": "v=DMARC1; p=reject; x=y"}), 40, 50},
		{10, "example.nl", base.but(texts{"_dmarc.example.nl": "v=DMARC1; p=reject; rua=mailto:d@reports.example"}), 50, 50},
		{11, "example.nl", base.but(texts{"example.nl": "v=spf1 mx ?all"}), 42, 50},
		{12, "example.nl", base.but(texts{"example.nl": "v=spf1 include:none.example -all", "none.example": "other"}), 40, 50},
		{13, "example.nl", texts{}, 0, 50},
		{14, "example.nl", silent, 40, 40},
		{39, "none.example.nl", base, 20, 50},
		{42, "example.nl", elevenIncludes, 42, 50},
		{43, "sub.example.nl", texts{
			"sub.example.nl": "v=spf1 mx -all", "_domainkey.sub.example.nl": "!nodata", "_dmarc.example.nl": "v=DMARC1; p=reject; sp=none",
		}, 42, 50},
	}
	for _, tt := range tests {
		s, _ := tt.world.scan(t, tt.domain)
		c := score.Compute(score.InternetNL(), check.Run(checksOf(check.Auth), s))
		if got := c.Category(check.Auth); got.Points != tt.points || got.Max != tt.max {
			t.Errorf("example %d: %d of %d points, want %d of %d", tt.number, got.Points, got.Max, tt.points, tt.max)
		}
	}
}
