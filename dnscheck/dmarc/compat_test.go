package dmarc_test

import (
	"strings"
	"testing"

	"mailvet/dnscheck/dmarc"
	"mailvet/report/evidence"
)

var (
	compatAccepted = []string{
		"v=DMARC1; p=reject", "v=DMARC1;p=reject;", "V=DMARC1; p=none", "v = DMARC1 ; p = none", "v=DMARC1; P=Reject",
		"v=DMARC1;", "v=DMARC1; ", "v=DMARC1;;",
		"v=DMARC1;;sp=reject", "v=DMARC1; ; rua=mailto:a@b.c",
		"v=DMARC1; p=none ; ", "v=DMARC1; p=none;  ", "v=DMARC1; p=none;\t", "v=DMARC1;\tp=none",
		"v=DMARC1; p=none; pct=150", "v=DMARC1; p=none; pct=007", "v=DMARC1; p=none; pct=0",
		"v=DMARC1; p=none; fo=0:1:d:s:1", "v=DMARC1; p=none; fo=1 : d", "v=DMARC1; p=none; rf=afrf:iodef", "v=DMARC1; p=none; rf=afrf :iodef",
		"v=DMARC1; p=none; rua=mailto:a@b.c!10m", "v=DMARC1; p=none; rua=mailto:a@b.c!10mb", "v=DMARC1; p=none; rua=mailto:a@b.c!10",
		"v=DMARC1; p=none; rua=mailto:", "v=DMARC1; p=none; rua=https://x.y/z", "v=DMARC1; p=none; ruf=foo:bar",
		"v=DMARC1; p=none; rua=mailto:a@b.c , mailto:d@e.f,mailto:g@h.i", "v=DMARC1; p=none; rua=https://[2001:db8::1]:443/x",
		"v=DMARC1; p=none; sp=reject; np=quarantine; psd=u; t=n; adkim=s; aspf=r; ri=86400; fo=1; rf=afrf; pct=100; rua=mailto:a@b.c; ruf=mailto:a@b.c",
		"v=DMARC1; p=none; ADKIM=S; T=Y; PSD=N",
	}
	compatRefused = []string{
		"", "v=DMARC1", "v=dmarc1; p=none", " v=DMARC1; p=none", "v=DMARC1 p=none", "v=DMARC1,p=none", "v=DMARC12; p=none",
		"v=DMARC1; sp=reject; p=none", "v=DMARC1; sp=reject", "v=DMARC1; rua=mailto:a@b.c",
		"v=DMARC1; p=none ", "v=DMARC1; p=none;;", "v=DMARC1; p=none; x=y", "v=DMARC1; p=none; p=none", "v=DMARC1; p=none; sp=none; sp=none",
		"v=DMARC1; p=rejected", "v=DMARC1; p=", "v=DMARC1; p", "v=DMARC1; p=none sp=none",
		"v=DMARC1; p=none; pct=1000", "v=DMARC1; p=none; pct=", "v=DMARC1; p=none; pct=x", "v=DMARC1; p=none; ri=", "v=DMARC1; p=none; ri=1d",
		"v=DMARC1; p=none; fo=2", "v=DMARC1; p=none; fo=0:", "v=DMARC1; p=none; fo=01", "v=DMARC1; p=none; rf=afrf-", "v=DMARC1; p=none; rf=afrf : iodef", "v=DMARC1; p=none; rf=",
		"v=DMARC1; p=none; t=u", "v=DMARC1; p=none; psd=x", "v=DMARC1; p=none; adkim=x", "v=DMARC1; p=none; sp=rejected",
		"v=DMARC1; p=none; rua=a@b.c", "v=DMARC1; p=none; rua=mailto:a!b!c", "v=DMARC1; p=none; rua=mailto:a@b.c!x", "v=DMARC1; p=none; rua=mailto:a@b.c!",
		"v=DMARC1; p=none; rua=mailto:a@b.c,", "v=DMARC1; p=none; rua=", "v=DMARC1; p=none; rua=mailto:a@b.c mailto:d@e.f",
		"v=DMARC1; p=none; rua=https://[::1/x", "v=DMARC1; p=none; rua=https://[x]/", "v=DMARC1; p=none; rua=1:x",
		`v=DMARC1; p=none\; rua=mailto:a@b.c`, `v=DMARC1; p=none;\009sp=none`,
	}
)

func TestCompatGrammar(t *testing.T) {
	for _, record := range compatAccepted {
		if _, err := dmarc.CompatParse(record); err != nil {
			t.Errorf("%q refused: %v", record, err)
		}
	}
	for _, record := range compatRefused {
		if r, err := dmarc.CompatParse(record); err == nil {
			t.Errorf("%q accepted: %+v", record, r)
		}
	}
}

func TestCompatParse(t *testing.T) {
	r, err := dmarc.CompatParse("v=DMARC1; p = Reject ;SP=None; RUA = MailTo:A@b.c!10m , https://x.y/z ; fo=D : 1; rf=afrf :iodef; pct=007")
	want := dmarc.CompatRecord{P: "reject", SP: "none", RUA: "MailTo:A@b.c!10m,https://x.y/z", FO: "d:1", RF: "afrf:iodef", PCT: "007"}
	if err != nil || *r != want {
		t.Errorf("got %+v, %v; want %+v", r, err, want)
	}
	for record, rest := range map[string]string{
		"v=DMARC1; p=none; x=y; sp=none": "x=y; sp=none",
		"v=DMARC1; rua=mailto:a@b.c":     "rua=mailto:a@b.c",
		"v=DMARC1":                       "v=DMARC1",
		"v=DMARC1; p=rejected; sp=none":  "p=rejected; sp=none",
		"v=DMARC1; p=none; fo=2":         "fo=2",
		"v=DMARC1; p=none;;":             ";",
		"v=DMARC1; p=none; fo=1 x":       "fo=1 x",
	} {
		_, err := dmarc.CompatParse(record)
		if e, ok := err.(*dmarc.CompatSyntaxError); !ok || e.Rest != rest {
			t.Errorf("%q: %v, want the rest %q", record, err, rest)
		}
	}
}

// zone is a Source: names with their TXT records. A text that begins with "!"
// is an outcome instead; names not in it do not exist, those with no text at
// all were not asked.
type zone map[string][]string

func (z zone) source(name, typ string) *evidence.Lookup {
	texts, ok := z[name]
	l := &evidence.Lookup{Name: name, Type: typ, Outcome: evidence.OutcomeAnswer}
	switch {
	case !ok:
		l.Outcome = evidence.OutcomeNXDomain
		return l
	case len(texts) == 0:
		return nil
	case strings.HasPrefix(texts[0], "!"):
		if err := l.Outcome.UnmarshalText([]byte(texts[0][1:])); err != nil {
			panic(err)
		}
		return l
	}
	for _, t := range texts {
		l.Answer = append(l.Answer, evidence.RR{Name: name, Type: "TXT", TTL: 300, Data: `"` + evidence.EscapeText(t) + `"`})
	}
	return l
}

func TestCompatFind(t *testing.T) {
	const d, org = "_dmarc.a.b.example", "_dmarc.b.example"
	one, two := []string{"v=DMARC1; p=none"}, []string{"v=DMARC1; p=none", "V=DMARC1foo"}
	tests := []struct {
		name    string
		zone    zone
		domain  string
		found   int
		at      string
		org     bool
		unknown bool
	}{
		{"own record", zone{d: one}, "a.b.example", 1, "a.b.example", false, false},
		{"lower case, spaces before and after", zone{d: {"v=dmarc1x", " v=DMARC1", "v = DMARC1; p=none"}}, "a.b.example", 1, "a.b.example", false, false},
		{"several: no fallback", zone{d: two, org: one}, "a.b.example", 2, "a.b.example", false, false},
		{"NXDOMAIN", zone{org: one}, "a.b.example", 1, "b.example", true, false},
		{"NODATA", zone{d: {"!nodata"}, org: one}, "a.b.example", 1, "b.example", true, false},
		{"other records only", zone{d: {"hello"}, org: one}, "a.b.example", 1, "b.example", true, false},
		{"none at both", zone{}, "a.b.example", 0, "b.example", true, false},
		{"several at the organization", zone{org: two}, "a.b.example", 2, "b.example", true, false},
		{"own fails: no fallback", zone{d: {"!servfail"}, org: one}, "a.b.example", 0, "a.b.example", false, true},
		{"organization fails", zone{org: {"!timeout"}}, "a.b.example", 0, "b.example", true, true},
		{"own not asked", zone{d: {}, org: one}, "a.b.example", 0, "a.b.example", false, true},
		{"too long to ask: no fallback", zone{d: {"!bad-name"}, org: one}, "a.b.example", 0, "a.b.example", false, false},
		{"its own organization", zone{}, "b.example", 0, "b.example", true, false},
		{"a public suffix", zone{}, "co.uk", 0, "", true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := dmarc.CompatFind(tt.zone.source, tt.domain)
			if len(f.Texts) != tt.found || f.Domain != tt.at || f.Org != tt.org || f.Unknown != tt.unknown {
				t.Errorf("got %+v", f)
			}
		})
	}
}

func TestCompatPolicy(t *testing.T) {
	valid := []string{"v=DMARC1;"}
	tests := []struct {
		name   string
		record string
		org    bool
		zone   zone
		want   dmarc.CompatStatus
		points int
	}{
		{"does not parse", "v=DMARC1; p=reject; x=y", false, nil, dmarc.CompatInvalidSyntax, 0},
		{"no tags", "v=DMARC1;", false, nil, dmarc.CompatInvalidPolicy, 2},
		{"no p", "v=DMARC1;;sp=reject", false, nil, dmarc.CompatInvalidPolicy, 2},
		{"none", "v=DMARC1; p=none; sp=reject", false, nil, dmarc.CompatInvalidPolicy, 2},
		{"quarantine", "v=DMARC1; p=Quarantine", false, nil, dmarc.CompatValid, 10},
		{"reject", "v=DMARC1; p=reject; sp=none; np=none; pct=0", false, nil, dmarc.CompatValid, 10},
		{"quarantine under test", "v=DMARC1; p=quarantine; t=y", false, nil, dmarc.CompatInvalidPolicy, 2},
		{"quarantine not under test", "v=DMARC1; p=quarantine; t=n", false, nil, dmarc.CompatValid, 10},
		{"reject under test", "v=DMARC1; p=reject; t=y", false, nil, dmarc.CompatValid, 10},
		{"organization: sp", "v=DMARC1; p=reject; sp=none", true, nil, dmarc.CompatInvalidPolicy, 2},
		{"organization: sp without p", "v=DMARC1;;sp=reject", true, nil, dmarc.CompatValid, 10},
		{"organization: p", "v=DMARC1; p=reject", true, nil, dmarc.CompatValid, 10},
		{"organization: p none", "v=DMARC1; p=none", true, nil, dmarc.CompatInvalidPolicy, 2},

		{"own host", "v=DMARC1; p=reject; rua=mailto:x@d.example", false, nil, dmarc.CompatValid, 10},
		{"host of the organization", "v=DMARC1; p=reject; rua=mailto:x@Sub.D.Example.", false, nil, dmarc.CompatValid, 10},
		{"two final dots: of no organization", "v=DMARC1; p=reject; rua=mailto:x@d.example..", false, nil, dmarc.CompatInvalidExternal, 10},
		{"no mail address", "v=DMARC1; p=reject; rua=https://x.test/", false, nil, dmarc.CompatValid, 10},
		{"nobody consents", "v=DMARC1; p=reject; rua=mailto:x@r.test", false, nil, dmarc.CompatInvalidExternal, 10},
		{"consents", "v=DMARC1; p=reject; rua=mailto:x@r.test", false, zone{"d.example._report._dmarc.r.test": valid}, dmarc.CompatValid, 10},
		{"size", "v=DMARC1; p=reject; rua=mailto:x@R.test!10m", false, zone{"d.example._report._dmarc.r.test": valid}, dmarc.CompatValid, 10},
		{"header fields", "v=DMARC1; p=reject; rua=mailto:x@r.test?subject=hello", false, zone{"d.example._report._dmarc.r.test": valid}, dmarc.CompatValid, 10},
		{"consent in full", "v=DMARC1; p=reject; rua=mailto:x@r.test", false, zone{"d.example._report._dmarc.r.test": {"v=DMARC1; p=none; rua=mailto:y@other.test", "else"}}, dmarc.CompatValid, 10},
		{"consent without semicolon", "v=DMARC1; p=reject; rua=mailto:x@r.test", false, zone{"d.example._report._dmarc.r.test": {"v=DMARC1"}}, dmarc.CompatInvalidExternal, 10},
		{"consent without p", "v=DMARC1; p=reject; rua=mailto:x@r.test", false, zone{"d.example._report._dmarc.r.test": {"v=DMARC1; rua=mailto:x@r.test"}}, dmarc.CompatInvalidExternal, 10},
		{"consent twice", "v=DMARC1; p=reject; rua=mailto:x@r.test", false, zone{"d.example._report._dmarc.r.test": {"v=DMARC1;", "v=DMARC1; "}}, dmarc.CompatInvalidExternal, 10},
		{"consent cannot be had", "v=DMARC1; p=reject; rua=mailto:x@r.test", false, zone{"d.example._report._dmarc.r.test": {"!servfail"}}, dmarc.CompatInvalidExternal, 10},
		{"second of two", "v=DMARC1; p=reject; rua=mailto:x@d.example,mailto:x@r.test", false, nil, dmarc.CompatInvalidExternal, 10},
		{"ruf", "v=DMARC1; p=reject; ruf=mailto:x@r.test", false, nil, dmarc.CompatInvalidExternal, 10},
		{"behind a second equals sign", "v=DMARC1; p=reject; rua=mailto:x=y@r.test,mailto:x@s.test", false, zone{"d.example._report._dmarc.x": valid}, dmarc.CompatValid, 10},
		{"address without host", "v=DMARC1; p=reject; rua=mailto:r.test", false, zone{"d.example._report._dmarc.r.test": valid}, dmarc.CompatValid, 10},
		{"not asked where the policy fails", "v=DMARC1; p=none; rua=mailto:x@r.test", false, nil, dmarc.CompatInvalidPolicy, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := dmarc.CompatPolicy(tt.zone.source, "d.example", tt.record, tt.org)
			if got.Status != tt.want || got.Points != tt.points {
				t.Errorf("got %v, %d points, %+v", got.Status, got.Points, got.Destinations)
			}
		})
	}
}

func TestOrgDomain(t *testing.T) {
	for name, want := range map[string]string{
		"example.com": "example.com", "a.b.example.com": "example.com", "com": "", "": "",
		"example.co.uk": "example.co.uk", "a.example.co.uk": "example.co.uk", "co.uk": "",
		// the private section
		"blogspot.com": "", "x.github.io": "x.github.io", "a.x.github.io": "x.github.io", "github.io": "",
		// wildcard and exception
		"c.kobe.jp": "", "b.c.kobe.jp": "b.c.kobe.jp", "a.b.c.kobe.jp": "b.c.kobe.jp", "kobe.jp": "kobe.jp",
		"city.kobe.jp": "city.kobe.jp", "www.city.kobe.jp": "city.kobe.jp",
		// no rule
		"a.b.example": "b.example", "b.example": "b.example", "example": "", "a.b.test": "b.test", "192.0.2.1": "2.1",
	} {
		if got := dmarc.OrgDomain(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
