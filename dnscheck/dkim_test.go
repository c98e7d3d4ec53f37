package dnscheck_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"mailvet/dnscheck"
	"mailvet/dnscheck/dkim"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// keyed is a domain with keys: SELECTOR=VECTOR, where the vector is a file of
// testdata/vectors/dkim; "SELECTOR=!OUTCOME", "SELECTOR=>TARGET=VECTOR" for an
// alias, "*=VECTOR" for a wildcard. _domainkey is there, if it is not said
// otherwise, "_domainkey" stands for it.
type keyed struct {
	keys      string
	mx        string // outcome, or host
	spf       string // "v=spf1 mx -all" if empty
	dmarc     string
	insecure  bool
	selectors []string
}

func vectorTexts(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile("../testdata/vectors/dkim/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(data), "\n\n")
	return body
}

func (k keyed) lookup(t testing.TB, q evidence.Question) evidence.Lookup {
	l := evidence.Lookup{Name: q.Name, Type: q.Type, Outcome: evidence.OutcomeNXDomain, Security: evidence.SecuritySecure}
	if k.insecure {
		l.Security = evidence.SecurityInsecure
	}
	answer := func(data string) {
		l.Outcome = evidence.OutcomeAnswer
		l.Answer = append(l.Answer, evidence.RR{Name: q.Name, Type: q.Type, TTL: 300, Data: data})
	}
	selector, _ := strings.CutSuffix(q.Name, "._domainkey.example.test")
	switch {
	case q.Type == "MX" && strings.HasPrefix(k.mx, "!"):
		must(l.Outcome.UnmarshalText([]byte(k.mx[1:])))
	case q.Type == "MX":
		answer("10 " + cmp.Or(k.mx, "mx.example.test") + ".")
	case q.Name == "example.test":
		answer(`"` + cmp.Or(k.spf, "v=spf1 mx -all") + `"`)
	case q.Name == "_dmarc.example.test" && k.dmarc != "":
		answer(`"` + k.dmarc + `"`)
	case q.Name == "_domainkey.example.test":
		l.Outcome = evidence.OutcomeNoData
		selector = "_domainkey"
		fallthrough
	case selector != q.Name:
		for _, name := range []string{selector, "*"} {
			for _, row := range strings.Fields(k.keys) {
				at, what, _ := strings.Cut(row, "=")
				if at != name || name == "*" && selector == "_domainkey" {
					continue
				}
				if to, ok := strings.CutPrefix(what, ">"); ok {
					to, what, _ = strings.Cut(to, "=")
					l.Aliases, l.Owner = []evidence.RR{{Name: q.Name, Type: "CNAME", Data: to + "."}}, to
				}
				if outcome, ok := strings.CutPrefix(what, "!"); ok {
					if outcome == "budget" {
						outcome, l.Failure = "timeout", &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassBudget}
					}
					must(l.Outcome.UnmarshalText([]byte(outcome)))
					return l
				}
				for line := range strings.Lines(vectorTexts(t, what)) {
					answer(strings.TrimSuffix(line, "\n"))
				}
				return l
			}
		}
	}
	return l
}

// scan asks what is wanted, and lists the questions below _domainkey by round.
func (k keyed) scan(t testing.TB) (*evidence.Snapshot, [][]string) {
	t.Helper()
	s := &evidence.Snapshot{Domain: "example.test", Vantage: evidence.Vantage{Selectors: k.selectors}}
	var rounds [][]string
	for range 20 {
		var round []string
		var found []evidence.Lookup
		for _, q := range dnscheck.Wants(s) {
			if q.Type != "TXT" && q.Type != "MX" || slices.ContainsFunc(found, func(l evidence.Lookup) bool { return l.Name == q.Name && l.Type == q.Type }) {
				continue
			}
			found = append(found, k.lookup(t, q))
			if selector, ok := strings.CutSuffix(q.Name, "._domainkey.example.test"); ok {
				round = append(round, selector)
			}
		}
		if round != nil {
			rounds = append(rounds, round)
		}
		if found == nil {
			return s, rounds
		}
		s.Lookups = append(s.Lookups, found...)
		s.Canonical()
	}
	t.Fatal("no end of wants")
	return nil, nil
}

// dkimRows are domains with the answers of the three checks: dkim-selectors,
// dkim-keys, dkim-key-reuse.
var dkimRows = []struct {
	name  string
	world keyed
	want  string
}{
	{"two good keys", keyed{keys: "s1=rsa2048 default=ed25519"}, "found good distinct"},
	{"nothing found", keyed{}, "none-found none-found too-few"},
	{"no _domainkey", keyed{keys: "_domainkey=!nxdomain"}, "no-names no-names too-few"},
	{"_domainkey fails", keyed{keys: "_domainkey=!servfail"}, "unknown unknown unknown"},
	{"_domainkey not asked in time", keyed{keys: "_domainkey=!budget"}, "not-looked-up not-looked-up unknown"},
	{"a selector fails, nothing else is found", keyed{keys: "s1=!servfail"}, "unknown unknown unknown"},
	{"a selector fails, another is found", keyed{keys: "s1=!servfail k1=rsa2048"}, "found good too-few"},
	{"a wildcard of another record", keyed{keys: "*=spf"}, "wildcard wildcard too-few"},
	{"a wildcard of another record beside a key", keyed{keys: "*=spf s1=rsa2048"}, "wildcard good too-few"},
	{"a wildcard with a key", keyed{keys: "*=rsa2048"}, "wildcard wildcard too-few"},
	{"a wildcard with a key, and another one", keyed{keys: "*=rsa2048 s1=rsa3072"}, "wildcard wildcard too-few"},
	{"a wildcard alias with a key", keyed{keys: "*=>x.test=rsa2048"}, "wildcard wildcard too-few"},
	{"a revoking wildcard", keyed{keys: "*=revoked s1=rsa2048"}, "wildcard-revoked good too-few"},
	{"a revoking wildcard alone", keyed{keys: "*=revoked"}, "wildcard-revoked wildcard too-few"},
	{"whether there is a wildcard is unknown", keyed{keys: "s1=rsa2048 *=!nodata " + dkim.Absent("example.test") + "=!timeout"}, "unknown unknown unknown"},
	{"a server that denies what is above keys", keyed{keys: "_domainkey=!nxdomain mine=rsa2048", insecure: true, selectors: []string{"mine"}}, "denied good too-few"},
	{"sends no mail, has no key", keyed{keys: "_domainkey=!nxdomain", spf: "v=spf1 -all", dmarc: "v=DMARC1; p=reject"}, "no-names no-email too-few"},
	{"sends no mail, revokes all keys", keyed{keys: "*=revoked", spf: "v=spf1 -all", dmarc: "v=DMARC1; p=reject"}, "wildcard-revoked no-email too-few"},
	{"sends no mail, has a revoked key", keyed{keys: "s1=revoked", spf: "v=spf1 -all", dmarc: "v=DMARC1; p=reject"}, "found no-email too-few"},
	{"sends no mail, has a key", keyed{keys: "s1=rsa2048", spf: "v=spf1 -all", dmarc: "v=DMARC1; p=reject"}, "found no-email-keys too-few"},
	{"sends no mail, has a key for everybody", keyed{keys: "s1=rsa512", spf: "v=spf1 -all", dmarc: "v=DMARC1; p=reject"}, "found short too-few"},
	{"one key thrice", keyed{keys: "s1=rsa2048 k1=many-strings mail=rsa2048"}, "found good shared"},
	{"the worst decides", keyed{keys: "s1=rsa1024 k1=rsa512 mail=rsa1536 dkim=rsa2048"}, "found short distinct"},
	{"broken before small", keyed{keys: "s1=rsa1024 k1=base64-cut"}, "found base64 too-few"},
	{"revoked beside good", keyed{keys: "s1=revoked k1=rsa2048"}, "found good too-few"},
	{"only revoked", keyed{keys: "s1=revoked"}, "found only-revoked too-few"},
	{"only Ed25519", keyed{keys: "s1=ed25519 k1=revoked"}, "found only-ed25519 too-few"},
	{"no key at a selector", keyed{keys: "s1=token"}, "none-found not-a-key too-few"},
	{"even exponent", keyed{keys: "s1=exponent-even"}, "found unsafe too-few"},
	{"exponent 1", keyed{keys: "s1=exponent-one"}, "found unsafe too-few"},
	{"exponent 3", keyed{keys: "s1=exponent3"}, "found low-exponent too-few"},
	{"two records", keyed{keys: "s1=two-keys"}, "found several too-few"},
	{"quotes", keyed{keys: "s1=quotes"}, "found quotes too-few"},
	{"backslash", keyed{keys: "s1=backslash"}, "found backslash too-few"},
	{"duplicate", keyed{keys: "s1=duplicate"}, "found duplicate too-few"},
	{"version", keyed{keys: "s1=version-late"}, "found version too-few"},
	{"no p", keyed{keys: "s1=no-key"}, "found no-key too-few"},
	{"binary", keyed{keys: "s1=binary"}, "found base64 too-few"},
	{"asn1", keyed{keys: "s1=asn1-text"}, "found asn1 too-few"},
	{"behind the key", keyed{keys: "s1=trailing"}, "found asn1 too-few"},
	{"Ed25519 as RSA", keyed{keys: "s1=ed25519-as-rsa"}, "found wrong-type too-few"},
	{"unknown type", keyed{keys: "s1=unknown-type"}, "found unknown-type too-few"},
	{"Ed25519 too short", keyed{keys: "s1=ed25519-short"}, "found ed25519-length too-few"},
	{"Ed25519 in ASN.1", keyed{keys: "s1=ed25519-wrapped"}, "found ed25519-wrapped too-few"},
	{"syntax", keyed{keys: "s1=comma-list"}, "found syntax too-few"},
	{"SHA-1 only", keyed{keys: "s1=sha1-only"}, "found sha1-only too-few"},
	{"1024 bits", keyed{keys: "s1=rsa1024"}, "found small too-few"},
	{"for another service", keyed{keys: "s1=not-for-mail"}, "found not-for-mail too-few"},
	{"RSAPublicKey", keyed{keys: "s1=bare-key"}, "found bare-key too-few"},
	{"white space at the end", keyed{keys: "s1=trailing-space k1=rsa2048"}, "found loose-syntax distinct"},
	{"testing", keyed{keys: "s1=testing"}, "found testing too-few"},
}

var dkimIDs = []string{"dkim-selectors", "dkim-keys", "dkim-key-reuse"}

func TestDKIMKeys(t *testing.T) {
	met := map[string]bool{}
	for _, row := range dkimRows {
		t.Run(row.name, func(t *testing.T) {
			s, _ := row.world.scan(t)
			var got []string
			for _, r := range check.Run(dnscheck.Checks, s) {
				if !slices.Contains(dkimIDs, r.Check.ID) {
					continue
				}
				f := r.Findings[0]
				got = append(got, f.Code.Name)
				met[r.Check.ID+" "+f.Code.Name] = true
				dkimSound(t, s, r.Check, f)
			}
			if strings.Join(got, " ") != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
	everyCode(t, "dkim", met)
}

// dkimSound is what holds for every finding.
func dkimSound(t *testing.T, s *evidence.Snapshot, c *check.Check, f check.Finding) {
	t.Helper()
	for name, v := range f.Args {
		if len(v) > 4096 || !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
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
	if len(f.Evidence) == 0 {
		t.Errorf("%s %s: no evidence", c.ID, f.Code.Name)
	}
	for _, p := range f.Evidence {
		var i int
		if _, err := fmt.Sscanf(p, "/lookups/%d", &i); err != nil || i >= len(s.Lookups) {
			t.Errorf("%s: evidence %q is not in the snapshot", c.ID, p)
		}
	}
}

func TestDKIMWants(t *testing.T) {
	common := strings.Join(dkim.Common, " ")
	absent := dkim.Absent("example.test")
	named := []string{"mine", "mine._domainkey.other.test", "k._domainkey.example.test"}
	for _, tt := range []struct {
		name  string
		world keyed
		want  string // rounds, with bars between
	}{
		{"none below what does not exist", keyed{keys: "_domainkey=!nxdomain"}, ""},
		{"none below what is proved not to exist, whoever wants it", keyed{keys: "_domainkey=!nxdomain", selectors: named}, ""},
		{"what is named, where nothing is proved", keyed{keys: "_domainkey=!nxdomain", insecure: true, selectors: named}, "mine k"},
		{"none where _domainkey fails", keyed{keys: "_domainkey=!servfail"}, ""},
		{"the common ones, and nothing more where there is none", keyed{}, common},
		{"nothing more where one is found and another does not exist", keyed{keys: "s1=rsa2048"}, common},
		{"one more where all seem to exist", keyed{keys: "s1=rsa2048 *=!nodata"}, common + " | " + absent},
		{"named ones besides", keyed{selectors: named}, "mine k " + common},
		{"what mail servers suggest", keyed{mx: "example-test.mail.protection.outlook.com"}, "selector1 selector2 " + common},
		{"what is included", keyed{spf: "v=spf1 include:spf.mandrillapp.com -all"}, "mandrill mte1 mte2 " + common},
		{"what a selector is an alias of", keyed{keys: "k1=>dkim.mcsv.net=rsa2048"}, common + " | k2 k3"},
		{"the MX lookup failed", keyed{mx: "!servfail"}, common},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, rounds := tt.world.scan(t)
			var got []string
			for _, r := range rounds {
				got = append(got, strings.Join(r, " "))
			}
			if strings.Join(got, " | ") != tt.want {
				t.Errorf("asked %s\nwant %s", strings.Join(got, " | "), tt.want)
			}
		})
	}
}

// TestDKIMBounds: what is asked stays within the bounds, whatever the answers.
func TestDKIMBounds(t *testing.T) {
	everybody := "v=spf1"
	for _, p := range dkim.Providers {
		if len(p.SPF) > 0 {
			everybody += " include:" + p.SPF[0]
		}
	}
	var many []string
	for i := range 200 {
		many = append(many, fmt.Sprintf("m%d", i))
	}
	count := func(k keyed) int {
		_, rounds := k.scan(t)
		n := 0
		for _, r := range rounds {
			n += len(r)
		}
		return n
	}
	if n := count(keyed{}); n > 8 {
		t.Errorf("%d questions without a hint", n)
	}
	for _, keys := range []string{"", "*=rsa2048", "s1=rsa2048", "*=!servfail", "selector1=>x.onmicrosoft.com=rsa2048"} {
		if n := count(keyed{keys: keys, spf: everybody}); n > dkim.MaxPlanned {
			t.Errorf("%s: %d questions", keys, n)
		}
		if n := count(keyed{keys: keys, spf: everybody, selectors: many}); n > dkim.MaxPlanned+dkim.MaxNamed {
			t.Errorf("%s: %d questions with many named", keys, n)
		}
	}
	if n, all := count(keyed{selectors: []string{"all"}}), len(dkim.All()); n != all {
		t.Errorf("%d questions for all, there are %d", n, all)
	}
}

// TestDKIMHostile: whatever stands at a selector, every finding is printable
// and bounded.
func TestDKIMHostile(t *testing.T) {
	huge := strings.Repeat("\x1b[31m\x00\xff<script>", 2000)
	for name, texts := range map[string][]string{
		"huge":         {"v=DKIM1; p=" + huge},
		"huge name":    {"v=DKIM1; " + huge + "=x; p=AAAA"},
		"huge type":    {"v=DKIM1; k=" + strings.Repeat("x", 1<<16) + "; p=AAAA"},
		"huge modulus": {"v=DKIM1; p=" + strings.Repeat("MIIB", 1<<14)},
		"many records": slices.Repeat([]string{"v=DKIM1; p=AAAA" + huge[:100]}, 300),
		"a script":     {"=HYPERLINK(\"x\")\x07\u202e"},
	} {
		for _, selectors := range [][]string{nil, {"all"}} {
			if selectors != nil && name != "a script" {
				continue
			}
			k := keyed{selectors: selectors}
			s, _ := k.scan(t)
			for i := range s.Lookups {
				l := &s.Lookups[i]
				if !strings.HasSuffix(l.Name, "._domainkey.example.test") {
					continue
				}
				l.Outcome = evidence.OutcomeAnswer
				l.Aliases = []evidence.RR{{Name: l.Name, Type: "CNAME", Data: strings.Repeat(`\027`, 60) + ".example."}}
				for _, text := range texts {
					l.Answer = append(l.Answer, evidence.RR{Name: l.Name, Type: "TXT", Data: `"` + evidence.EscapeText(text) + `"`})
				}
			}
			for _, wild := range []bool{false, true} {
				probe := evidence.Lookup{Name: dkim.Name(dkim.Absent("example.test"), "example.test"), Type: "TXT", Outcome: evidence.OutcomeNXDomain}
				if wild {
					probe.Outcome, probe.Answer = evidence.OutcomeAnswer, []evidence.RR{{Type: "TXT", Data: `"` + evidence.EscapeText(texts[0]) + `"`}}
				}
				s.Lookups = append(slices.DeleteFunc(s.Lookups, func(l evidence.Lookup) bool { return l.Name == probe.Name }), probe)
				s.Canonical()
				for _, r := range check.Run(dnscheck.Checks, s) {
					if slices.Contains(dkimIDs, r.Check.ID) {
						dkimSound(t, s, r.Check, r.Findings[0])
						if len(r.Findings[0].Args["list"]) > 4096 {
							t.Errorf("%s: a list of %d octets", name, len(r.Findings[0].Args["list"]))
						}
					}
				}
			}
		}
	}
}
