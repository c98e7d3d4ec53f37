package dmarc_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mailvet/dnscheck/dmarc"
	"mailvet/report/evidence"
)

func TestParse(t *testing.T) {
	tests := []struct {
		record string
		want   string // as printed; empty: an error
		own    dmarc.Policy
		org    dmarc.Policy
	}{
		{"v=DMARC1", "v=DMARC1", dmarc.PolicyAbsent, dmarc.PolicyAbsent},
		{"V = DMARC1 ;P=Reject;;\tSP = none ; ", "v=DMARC1; p=Reject; sp=none", dmarc.Reject, dmarc.PolicyNone},
		{"v=DMARC1; rua=mailto:a@b.test; p=quarantine", "v=DMARC1; rua=mailto:a@b.test; p=quarantine", dmarc.Quarantine, dmarc.Quarantine},
		{"v=DMARC1; x=y; p=reject; z", "v=DMARC1; x=y; p=reject; z", dmarc.Reject, dmarc.Reject},
		{"v=DMARC1; fo:1; p=none", "v=DMARC1; fo:1; p=none", dmarc.PolicyNone, dmarc.PolicyNone},
		{"v=DMARC1; p=rejected; sp=none", "v=DMARC1; p=rejected; sp=none", dmarc.PolicyInvalid, dmarc.PolicyInvalid},
		{"v=DMARC1; p=reject; sp=x", "v=DMARC1; p=reject; sp=x", dmarc.Reject, dmarc.Reject},
		{"v=DMARC1; sp=reject", "v=DMARC1; sp=reject", dmarc.PolicyAbsent, dmarc.PolicyAbsent},
		{"v=DMARC1; sp=p=reject; p=none", "v=DMARC1; sp=p=reject; p=none", dmarc.PolicyNone, dmarc.PolicyNone},
		{"v=DMARC1; p=reject; P=none", "", 0, 0},
		{"v=DMARC1; v=DMARC1; p=reject", "", 0, 0},
		{"v=DMARC12; p=reject", "", 0, 0},
		{"v=DMARC1 p=reject", "", 0, 0},
		{"v=dmarc1; p=reject", "", 0, 0},
		{"p=reject; v=DMARC1", "", 0, 0},
		{"", "", 0, 0},
	}
	for _, tt := range tests {
		r, err := dmarc.Parse(tt.record)
		if tt.want == "" {
			if err == nil {
				t.Errorf("%q accepted: %s", tt.record, r)
			}
			continue
		}
		if err != nil || r.String() != tt.want || r.Requested(false) != tt.own || r.Requested(true) != tt.org {
			t.Errorf("%q: got %v, %v, want %s", tt.record, r, err, tt.want)
		}
	}
}

func TestSufficient(t *testing.T) {
	for record, want := range map[string]bool{
		"p=reject": true, "p=reject; t=y": true, "p=quarantine": true, "p=quarantine; T=Y": false, "p=quarantine; t=n": true, "p=none": false, "rua=mailto:a@b.test": false,
	} {
		r, err := dmarc.Parse("v=DMARC1; " + record)
		if err != nil || r.Sufficient(false) != want {
			t.Errorf("%s: %v", record, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	r, err := dmarc.Parse("v=DMARC1; p=none; rua= MailTo:a@B.test!10m ,https://x.test/, mailto:c%21@d.test?subject=x=y,bogus,mailto:,mailto:e")
	want := []string{"a@B.test", "c%21@d.test", "e"}
	if got := r.Addresses("rua"); err != nil || !slices.Equal(got, want) || r.Addresses("ruf") != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestCompatible(t *testing.T) {
	for record, want := range map[string]string{
		"v = DMARC1; rua=mailto:a@b.test; x=y; P=Reject; junk; pct=1000; fo=1": "v=DMARC1; p=Reject; rua=mailto:a@b.test; fo=1",
		"v=DMARC1; p=rejected; ruf=a@b.test":                                   "v=DMARC1",
	} {
		r, err := dmarc.Parse(record)
		if err != nil {
			t.Fatal(err)
		}
		got := r.Compatible().String()
		if _, err := dmarc.CompatParse(got + ";"); got != want || err != nil {
			t.Errorf("%q: got %q, %v; want %q", record, got, err, want)
		}
	}
}

func TestFind(t *testing.T) {
	const d, org = "_dmarc.a.b.example", "_dmarc.b.example"
	one := []string{"v=DMARC1; p=none"}
	tests := []struct {
		name         string
		zone         zone
		domain, at   string
		found        int
		org, unknown bool
	}{
		{"own", zone{d: one}, "A.b.example.", "a.b.example", 1, false, false},
		{"own, spaces", zone{d: {"v = DMARC1", "v=DMARC1x"}}, "a.b.example", "a.b.example", 1, false, false},
		{"organization's", zone{d: {"v=dmarc1; p=none"}, org: one}, "a.b.example", "b.example", 1, true, false},
		{"two: no fallback", zone{d: {"v=DMARC1", "v=DMARC1"}, org: one}, "a.b.example", "a.b.example", 2, false, false},
		{"own fails", zone{d: {"!servfail"}, org: one}, "a.b.example", "a.b.example", 0, false, true},
		{"own too long to ask", zone{d: {"!bad-name"}, org: one}, "a.b.example", "b.example", 1, true, false},
		{"is the organization", zone{}, "b.example", "b.example", 0, false, false},
		{"is a public suffix", zone{}, "co.uk", "", 0, true, false},
		{"organization not asked", zone{org: {}}, "a.b.example", "b.example", 0, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := dmarc.Find(tt.zone.source, tt.domain)
			if f.Domain != tt.at || len(f.Texts) != tt.found || f.Org != tt.org || f.Unknown != tt.unknown {
				t.Errorf("got %+v", f)
			}
		})
	}
}

func TestDestinations(t *testing.T) {
	z := zone{
		"d.example._report._dmarc.yes.test":     {"v=DMARC1"},
		"d.example._report._dmarc.twice.test":   {"v=DMARC1;", "v=DMARC1; rua=mailto:x@other.test"},
		"d.example._report._dmarc.other.test":   {"hello"},
		"d.example._report._dmarc.fails.test":   {"!timeout"},
		"d.example._report._dmarc.unasked.test": {},
		"d.example._report._dmarc.long.test":    {"!bad-name"},
	}
	r, err := dmarc.Parse("v=DMARC1; p=reject; rua=mailto:a@yes.test,mailto:a@Yes.test.,mailto:a@sub.d.example; ruf=mailto:x@y@twice.test,mailto:a@other.test," +
		"mailto:a@fails.test,mailto:a@unasked.test,mailto:a@long.test,mailto:a@gone.test")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range dmarc.Destinations(z.source, "D.example", r) {
		got = append(got, fmt.Sprint(d.Host, " ", d.Consent, " ", d.Unknown()))
	}
	want := []string{"yes.test true false", "twice.test true false", "other.test false false", "fails.test false true", "unasked.test false true", "long.test false false", "gone.test false false"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDestinationsAreBounded(t *testing.T) {
	list := "mailto:a@r0.test"
	for i := range 5000 {
		list += fmt.Sprintf(",mailto:a@r%d.test", i)
	}
	text := "v=DMARC1; p=reject; rua=" + list
	r, err := dmarc.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	source := func(name, typ string) *evidence.Lookup { asked++; return zone{}.source(name, typ) }
	d := dmarc.Destinations(source, "d.example", r)
	if asked != dmarc.MaxDestinations || len(d) != asked+1 || !d[asked].Unknown() {
		t.Errorf("%d asked, %d listed", asked, len(d))
	}
	asked = 0
	if c := dmarc.CompatPolicy(source, "d.example", text, false); asked != dmarc.MaxDestinations || len(c.Destinations) != asked+1 {
		t.Errorf("%d asked, %d listed", asked, len(c.Destinations))
	}
}

func TestWanted(t *testing.T) {
	z := zone{"_dmarc.a.b.example": {}, "_dmarc.b.example": {}, "b.example._report._dmarc.r.test": {}}
	step := func(want string, name string, texts ...string) {
		t.Helper()
		if got := strings.Join(dmarc.Wanted(z.source, "a.b.example"), " "); got != want {
			t.Errorf("wanted %q, want %q", got, want)
		}
		z[name] = texts
	}
	step("_dmarc.a.b.example", "_dmarc.a.b.example", "!nxdomain")
	step("_dmarc.b.example", "_dmarc.b.example", "v=DMARC1; p=reject; rua=mailto:x@r.test,mailto:x@b.example")
	step("b.example._report._dmarc.r.test", "b.example._report._dmarc.r.test", "v=DMARC1;")
	step("", "")
}

// The vectors of others. What they call invalid is often so only for RFC 7489
// by the letter: receivers ignore what is wrong in a record behind its version,
// as Section 6.3 tells them, and then find no policy.
func TestRecordVectors(t *testing.T) {
	accepted := map[string]string{
		"v=DMARC1; sp=reject; p=reject": "RFC 9989: tags in any order behind v",
	}
	n := 0
	vectors(t, "dmarc-record.jsonl", func(line []byte) {
		var v struct{ Record, Expect, Profile string }
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		n++
		r, err := dmarc.Parse(v.Record)
		usable := err == nil && r.Requested(false) >= dmarc.PolicyNone
		reports := err == nil && len(r.Addresses("rua")) > 0 && r.Requested(false) < dmarc.PolicyNone
		switch {
		case accepted[v.Record] != "":
			if !usable {
				t.Errorf("%q: no departure any more", v.Record)
			}
		case v.Expect == "valid" && !usable && !reports:
			t.Errorf("%q: %v, %v; want valid", v.Record, r, err)
		case v.Expect == "invalid" && usable:
			t.Errorf("%q: taken for a policy: %v", v.Record, r)
		case v.Expect == "real-world-malformed" && err == nil:
			if again, err := dmarc.Parse(r.String()); err != nil || !reflect.DeepEqual(r, again) {
				t.Errorf("%q: printed as %q", v.Record, r)
			}
			if _, err := dmarc.CompatParse(evidence.EscapeText(v.Record)); err == nil {
				t.Errorf("%q: Internet.nl accepts it", v.Record)
			}
		}
	})
	if n < 50 {
		t.Errorf("only %d vectors", n)
	}
}

// Of the discovery vectors those that need no tree walk: one record at the
// domain or at its organizational domain, and the consent to reports.
func TestDiscoveryVectors(t *testing.T) {
	n := 0
	vectors(t, "dmarc-discovery.jsonl", func(line []byte) {
		var v struct {
			Title string
			Zone  map[string]struct{ TXT [][]string }
			Input struct {
				HeaderFrom   string
				ReportDomain string `json:"report_domain"`
				URIs         []string
			}
			Expect struct {
				Policy   string
				Accepted []string
			}
		}
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		z := zone{}
		for name, rrs := range v.Zone {
			for _, strs := range rrs.TXT {
				z[name] = append(z[name], strings.Join(strs, ""))
			}
		}
		_, domain, _ := strings.Cut(v.Input.HeaderFrom, "@")
		switch {
		case len(v.Input.URIs) > 0:
			n++
			r, err := dmarc.Parse("v=DMARC1; p=reject; rua=" + strings.Join(v.Input.URIs, ","))
			refused := 0
			for _, d := range dmarc.Destinations(z.source, v.Input.ReportDomain, r) {
				if !d.Consent {
					refused++
				}
			}
			if err != nil || refused != len(v.Input.URIs)-len(v.Expect.Accepted) {
				t.Errorf("%s: %d refused, %v", v.Title, refused, err)
			}
		case v.Expect.Policy == "":
		case strings.Contains(v.Title, "np") || strings.Contains(v.Title, "8 queries"):
			// RFC 9989's tree walk and np: not read here.
		default:
			n++
			f := dmarc.Find(z.source, domain)
			text, ok := f.One()
			r, err := dmarc.Parse(text)
			if err != nil || !ok {
				t.Errorf("%s: %v", v.Title, err)
				return
			}
			got := r.Requested(f.Org)
			if got < dmarc.PolicyNone && len(r.Addresses("rua")) > 0 {
				got = dmarc.PolicyNone // RFC 7489, Section 6.6.3
			}
			if got.String() != v.Expect.Policy {
				t.Errorf("%s: got %s, want %s", v.Title, got, v.Expect.Policy)
			}
		}
	})
	if n < 5 {
		t.Errorf("only %d vectors", n)
	}
}

func vectors(t *testing.T, file string, do func(line []byte)) {
	t.Helper()
	f, err := os.Open("../../../shared/vectors/" + file)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs ../shared/vectors beside the project")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		do(sc.Bytes())
	}
}

func FuzzParse(f *testing.F) {
	for _, r := range append(compatAccepted, compatRefused...) {
		f.Add(r)
	}
	f.Fuzz(func(t *testing.T, record string) {
		r, err := dmarc.Parse(record)
		if err != nil {
			return
		}
		again, err := dmarc.Parse(r.String())
		if err != nil || !reflect.DeepEqual(r, again) {
			t.Fatalf("%q printed as %q, read as %+v, %v", record, r, again, err)
		}
		c := r.With("p", "none").Compatible()
		if _, err := dmarc.CompatParse(evidence.EscapeText(c.String())); err != nil {
			t.Fatalf("%q made compatible as %q: %v", record, c, err)
		}
	})
}

func FuzzCompatParse(f *testing.F) {
	for _, r := range append(compatAccepted, compatRefused...) {
		f.Add(r)
	}
	f.Fuzz(func(t *testing.T, record string) {
		r, err := dmarc.CompatParse(record)
		if err != nil {
			return
		}
		// What it read is a record again, the same one.
		text := "v=DMARC1;"
		for _, tag := range [][2]string{{"p", r.P}, {"sp", r.SP}, {"np", r.NP}, {"t", r.T}, {"psd", r.PSD}, {"adkim", r.ADKIM}, {"aspf", r.ASPF},
			{"ri", r.RI}, {"pct", r.PCT}, {"fo", r.FO}, {"rf", r.RF}, {"rua", r.RUA}, {"ruf", r.RUF}} {
			if tag[1] != "" || tag[0] == "p" {
				if tag[1] != "" {
					text += tag[0] + "=" + tag[1]
				}
				text += ";"
			}
		}
		again, err := dmarc.CompatParse(strings.TrimSuffix(text, ";"))
		if err != nil && r.P == "" && r.Empty {
			return
		}
		if err != nil || *again != *r {
			t.Fatalf("%q read as %+v, as %q then %+v, %v", record, r, text, again, err)
		}
	})
}

func Example() {
	r, err := dmarc.Parse("v=DMARC1; rua=mailto:reports@example.test; p=quarantine; future=1")
	fmt.Println(r.Policy("p"), r.Sufficient(false), err)
	_, err = dmarc.CompatParse("v=DMARC1; p=quarantine; future=1")
	fmt.Println(err)
	fmt.Println(dmarc.OrgDomain("mail.example.co.uk"))
	// Output:
	// quarantine true <nil>
	// dmarc: Internet.nl's grammar does not allow "future=1"
	// example.co.uk
}
