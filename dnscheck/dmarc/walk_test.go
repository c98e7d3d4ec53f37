package dmarc_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailvet/dnscheck/dmarc"
)

func TestWalkNames(t *testing.T) {
	for name, want := range map[string]string{
		"Example.Test.":       "example.test test",
		"test":                "test",
		"a.b.example.test":    "a.b.example.test b.example.test example.test test",
		"1.2.3.4.5.6.7.8":     "1.2.3.4.5.6.7.8 2.3.4.5.6.7.8 3.4.5.6.7.8 4.5.6.7.8 5.6.7.8 6.7.8 7.8 8",
		"0.1.2.3.4.5.6.7.8":   "0.1.2.3.4.5.6.7.8 2.3.4.5.6.7.8 3.4.5.6.7.8 4.5.6.7.8 5.6.7.8 6.7.8 7.8 8",
		"z.0.1.2.3.4.5.6.7.8": "z.0.1.2.3.4.5.6.7.8 2.3.4.5.6.7.8 3.4.5.6.7.8 4.5.6.7.8 5.6.7.8 6.7.8 7.8 8",
	} {
		got := dmarc.WalkNames(name)
		if strings.Join(got, " ") != want || len(got) > 8 {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestWalk(t *testing.T) {
	plain, yes, no := []string{"v=DMARC1; p=none"}, []string{"v=DMARC1; p=none; psd=y"}, []string{"v=DMARC1; p=none; PSD=N"}
	tests := []struct {
		name     string
		zone     zone
		domain   string
		org, psd string
		steps    int
		unknown  bool
	}{
		{"nothing", zone{}, "a.b.test", "a.b.test", "", 3, false},
		{"own", zone{"_dmarc.a.b.test": plain}, "a.b.test", "a.b.test", "", 3, false},
		{"the fewest labels", zone{"_dmarc.a.b.test": plain, "_dmarc.b.test": plain}, "a.b.test", "b.test", "", 3, false},
		{"the top level", zone{"_dmarc.b.test": plain, "_dmarc.test": plain}, "a.b.test", "test", "", 3, false},
		{"psd=n ends it", zone{"_dmarc.a.b.test": no, "_dmarc.b.test": plain}, "a.b.test", "a.b.test", "", 1, false},
		{"psd=n above", zone{"_dmarc.b.test": no, "_dmarc.test": plain}, "a.b.test", "b.test", "", 2, false},
		{"psd=y: one label below", zone{"_dmarc.a.b.test": plain, "_dmarc.test": yes}, "a.b.test", "b.test", "test", 3, false},
		{"psd=y where it starts", zone{"_dmarc.b.test": yes, "_dmarc.test": plain}, "b.test", "b.test", "", 1, false},
		{"psd=u is nothing", zone{"_dmarc.test": {"v=DMARC1; p=none; psd=u"}}, "b.test", "test", "", 2, false},
		{"several are none", zone{"_dmarc.b.test": {"v=DMARC1; psd=n", "v=DMARC1"}}, "a.b.test", "a.b.test", "", 3, false},
		{"invalid is none", zone{"_dmarc.b.test": {"v=DMARC1; p=none; p=none"}}, "a.b.test", "a.b.test", "", 3, false},
		{"psd=y below a jump", zone{"_dmarc.2.3.4.5.6.7.8": yes}, "z.0.1.2.3.4.5.6.7.8", "1.2.3.4.5.6.7.8", "2.3.4.5.6.7.8", 2, false},
		{"fails", zone{"_dmarc.b.test": {"!servfail"}, "_dmarc.a.b.test": plain}, "a.b.test", "a.b.test", "", 3, true},
		{"not asked", zone{"_dmarc.test": {}}, "b.test", "b.test", "", 2, true},
		{"what fails behind the end does not matter", zone{"_dmarc.b.test": no, "_dmarc.test": {}}, "b.test", "b.test", "", 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := dmarc.Walk(tt.zone.source, tt.domain)
			if w.Org != tt.org || w.PSD != tt.psd || len(w.Steps) != tt.steps || w.Unknown != tt.unknown {
				t.Errorf("got %+v", w)
			}
		})
	}
}

// TestApply: the policies for a domain, a name below it that exists, and one
// that does not, each by both standards; "-" is no DMARC.
func TestApply(t *testing.T) {
	const d, sub = "_dmarc.example.test", "_dmarc.sub.example.test"
	tests := []struct {
		name   string
		zone   zone
		domain string
		old    string
		new    string
	}{
		{"p alone", zone{d: {"v=DMARC1; p=reject"}}, "example.test", "reject reject reject", "reject reject reject"},
		{"sp", zone{d: {"v=DMARC1; p=reject; sp=none"}}, "example.test", "reject none none", "reject none none"},
		{"np", zone{d: {"v=DMARC1; p=reject; sp=none; np=quarantine"}}, "example.test", "reject none none", "reject none quarantine"},
		{"np without sp", zone{d: {"v=DMARC1; p=none; np=reject"}}, "example.test", "none none none", "none none reject"},
		{"t=y", zone{d: {"v=DMARC1; p=reject; sp=quarantine; t=y"}}, "example.test", "reject quarantine quarantine", "quarantine none none"},
		{"pct=0", zone{d: {"v=DMARC1; p=reject; pct=0"}}, "example.test", "quarantine quarantine quarantine", "reject reject reject"},
		{"pct=50", zone{d: {"v=DMARC1; p=reject; pct=50"}}, "example.test", "reject50 reject50 reject50", "reject reject reject"},
		{"no p", zone{d: {"v=DMARC1; sp=reject"}}, "example.test", "- - -", "none none none"},
		{"no p but reports", zone{d: {"v=DMARC1; sp=reject; rua=mailto:a@b.test"}}, "example.test", "none none none", "none none none"},
		{"bad p", zone{d: {"v=DMARC1; p=x"}}, "example.test", "- - -", "- - -"},
		{"bad sp", zone{d: {"v=DMARC1; p=reject; sp=x; rua=mailto:a@b.test"}}, "example.test", "none none none", "none none none"},
		{"bad np", zone{d: {"v=DMARC1; p=reject; np=x"}}, "example.test", "reject reject reject", "- - -"},
		{"several", zone{d: {"v=DMARC1; p=reject", "v=DMARC1; p=reject"}}, "example.test", "- - -", "- - -"},
		{"inherited", zone{d: {"v=DMARC1; p=reject; sp=quarantine; np=none"}}, "sub.example.test", "quarantine quarantine quarantine", "quarantine quarantine none"},
		{"of its own, below the organization's", zone{sub: {"v=DMARC1; p=reject"}, d: {"v=DMARC1; p=none"}}, "sub.example.test", "reject none none", "reject none none"},
		{"psd=n", zone{sub: {"v=DMARC1; p=reject; psd=n"}, d: {"v=DMARC1; p=none"}}, "sub.example.test", "reject none none", "reject reject reject"},
		{"only a public suffix has one", zone{"_dmarc.test": {"v=DMARC1; p=none; sp=reject; psd=y"}}, "example.test", "- - -", "reject reject reject"},
		{"own and the public suffix", zone{d: {"v=DMARC1; p=quarantine"}, "_dmarc.test": {"v=DMARC1; p=none; sp=reject; psd=y"}}, "example.test", "quarantine quarantine quarantine", "quarantine quarantine quarantine"},
		{"a public suffix itself", zone{"_dmarc.co.uk": {"v=DMARC1; p=none; sp=reject; psd=y"}}, "co.uk", "none - -", "none reject reject"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for std, want := range map[dmarc.Standard]string{dmarc.RFC7489: tt.old, dmarc.RFC9989: tt.new} {
				var got []string
				for kind := dmarc.Itself; kind <= dmarc.Nonexistent; kind++ {
					a := dmarc.Apply(tt.zone.source, std, tt.domain, kind)
					text := a.Effect.Policy.String()
					if a.Record == nil || text == "" {
						text = "-"
					} else if a.Effect.Percent < 100 {
						text += fmt.Sprint(a.Effect.Percent)
					}
					got = append(got, text)
				}
				if strings.Join(got, " ") != want {
					t.Errorf("%s: got %v, want %s", std, got, want)
				}
			}
		})
	}
}

// The discovery vectors of others, by the tree walk: policy, organizational
// domain, alignment.
func TestWalkVectors(t *testing.T) {
	n := 0
	vectors(t, "dmarc-discovery.jsonl", func(line []byte) {
		var v struct {
			Title string
			Zone  map[string]struct {
				TXT [][]string
				A   []string
			}
			Input struct {
				HeaderFrom string
				A, B, Mode string
				SPFDomains []struct{ Domain string }
			}
			Expect struct {
				Policy     string
				Org        string `json:"organizational_domain"`
				SPFAligned *bool  `json:"spf_aligned"`
				Aligned    *bool
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
		if v.Expect.Aligned != nil && !strings.Contains(v.Input.A+v.Input.B, "..") {
			n++
			if got := dmarc.Aligned(nil, dmarc.RFC7489, v.Input.Mode == "strict", v.Input.A, v.Input.B); got != *v.Expect.Aligned {
				t.Errorf("%s %s: aligned %v", v.Input.A, v.Input.B, got)
			}
			return
		}
		if domain == "" {
			return
		}
		n++
		kind := dmarc.Itself
		if _, exists := v.Zone[domain]; !exists && z["_dmarc."+domain] == nil {
			// A name that is not there: judged as one below the name above it.
			kind = dmarc.Nonexistent
			_, domain, _ = strings.Cut(domain, ".")
		}
		a := dmarc.Apply(z.source, dmarc.RFC9989, domain, kind)
		if v.Expect.Policy != "" && a.Effect.Policy.String() != v.Expect.Policy {
			t.Errorf("%s: policy %v, want %s", v.Title, a.Effect.Policy, v.Expect.Policy)
		}
		if v.Expect.Policy == "" && v.Expect.Org == "" && v.Expect.SPFAligned == nil && a.Record != nil {
			t.Errorf("%s: found %v", v.Title, a.Record)
		}
		if v.Expect.Org != "" && a.Org != v.Expect.Org {
			t.Errorf("%s: organization %s, want %s", v.Title, a.Org, v.Expect.Org)
		}
		if v.Expect.SPFAligned != nil && a.Record != nil {
			mode, _ := a.Record.Get("aspf")
			if got := dmarc.Aligned(z.source, dmarc.RFC9989, mode == "s", domain, v.Input.SPFDomains[0].Domain); got != *v.Expect.SPFAligned {
				t.Errorf("%s: aligned %v", v.Title, got)
			}
		}
	})
	if n < 18 {
		t.Errorf("only %d vectors", n)
	}
}

func TestDepartures(t *testing.T) {
	tests := []struct{ record, want string }{
		{"v=DMARC1; p=reject; rua=mailto:a@b.test", ""},
		{"v=DMARC1;p=none;", ""},
		{"v = DMARC1 ; P = None", ""},
		{"v=DMARC1", "8:no semicolon follows the version:old"},
		{"v=DMARC1;", "9:there is no tag p:old"},
		{" v=DMARC1; p=none", "0:white space stands before the version:both"},
		{"v=DMARC1; sp=none; p=none", "19:p is not the first tag:old"},
		{"v=DMARC1; p=none;; sp=none", "17:a tag is empty:both"},
		{"v=DMARC1; p=none; np=none; psd=n; t=n", "18:the tag was not there yet:old 27:the tag was not there yet:old 34:the tag was not there yet:old"},
		{"v=DMARC1; p=none; pct=50; ri=1; rf=afrf", "18:the tag is gone:new 26:the tag is gone:new 32:the tag is gone:new"},
		{"v=DMARC1; p=none; pct=101; ri=x; rf=-", "18:the tag cannot have this value:old 27:the tag cannot have this value:old 33:the tag cannot have this value:old"},
		{"v=DMARC1; p=none; t=x; psd=1; np=0", "18:the tag cannot have this value:new 23:the tag cannot have this value:new 30:the value is none of none, quarantine and reject:new"},
		{"v=DMARC1; p=none; fo=0:1:d:s; adkim=s; aspf=R", ""},
		{"v=DMARC1; p=none; fo=0,1", "18:the tag cannot have this value:both"},
		{"v=DMARC1; p=none; x=1; hello", "18:no standard has this tag:both 23:this is no tag:both"},
		{"v=DMARC1; p=none; p=none", "18:the tag stands here for the second time:both"},
		{"v=DMARC1; p=none; v=DMARC1", "18:the tag stands here for the second time:both"},
		{"v=DMARC1; p=n\xf6ne", "10:an octet is not printable ASCII:both"},
		{"v=DMARC1; p=none; rua=mailto:a@b.test!10m", "22:size limits are ignored:new"},
		{"v=DMARC1; p=none; rua=mailto:a@b.test!10mb , b", "22:the size limit cannot be read:both 45:this is no address for reports, which begins with mailto::both"},
		{"v=DMARC1; p=none; ruf=https://b.test/", "22:reports are sent to mailto addresses only:neither"},
	}
	for _, tt := range tests {
		var got []string
		for _, d := range dmarc.Departures(tt.record) {
			from := map[[2]bool]string{{true, true}: "both", {true, false}: "old", {false, true}: "new", {false, false}: "neither"}[[2]bool{d.From7489, d.From9989}]
			got = append(got, fmt.Sprintf("%d:%s:%s", d.Offset, d.Fault, from))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%q: got %s", tt.record, strings.Join(got, " "))
		}
	}
}

func TestReportURI(t *testing.T) {
	for text, want := range map[string]string{
		"mailto:a@b.test":                      "a@b.test b.test  0",
		" MAILTO:a@B.Test. ":                   "a@B.Test. b.test  0",
		"mailto:a%2Cb%21@b.test!10k":           "a,b!@b.test b.test 10k 14",
		"mailto:a@b.test!":                     "a@b.test b.test  15",
		"mailto:a@b.test!99999999999999999999": "a@b.test b.test 99999999999999999999 15",
		"mailto:a@b.test?subject=x":            "a@b.test b.test  0",
		"mailto:a":                             "   12",
		"mailto:@b.test":                       "   12",
		"mailto:a@b":                           "   12",
		"mailto:a@-b.test":                     "   12",
		"mailto:a b@c.test":                    "   12",
		"mailto:%zz@c.test":                    "   12",
		"a@b.test":                             "   12",
		"":                                     "   12",
		"https://b.test/x":                     "   13",
	} {
		u := dmarc.ReadReportURI(text)
		if got := fmt.Sprint(u.Address, " ", u.Host, " ", u.Size, " ", int(u.Fault)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// A record without departures from a standard is read, and none is made by
// printing it.
func FuzzDepartures(f *testing.F) {
	for _, r := range append(compatAccepted, compatRefused...) {
		f.Add(r)
	}
	f.Fuzz(func(t *testing.T, record string) {
		list := dmarc.Departures(record)
		for _, d := range list {
			if d.Offset < 0 || d.Offset > len(record) || !strings.HasPrefix(record[d.Offset:], d.Part) {
				t.Fatalf("%q: %v is not there", record, d)
			}
		}
		repeated := slices.ContainsFunc(list, func(d dmarc.Departure) bool { return d.Fault == dmarc.FaultRepeated })
		r, err := dmarc.Parse(record)
		if err == nil && repeated && len(list) < 50 {
			t.Fatalf("%q: repeated, and read as %v", record, r)
		}
		if err != nil {
			return
		}
		printed := dmarc.Departures(r.String())
		if len(printed) > len(list) {
			t.Fatalf("%q: %v; printed as %q: %v", record, list, r, printed)
		}
		for _, std := range []dmarc.Standard{dmarc.RFC7489, dmarc.RFC9989} {
			if e := r.Effect(std, true, false); e.Policy == dmarc.PolicyInvalid {
				t.Fatalf("%q: %s applies an invalid policy", record, std)
			}
		}
	})
}

func ExampleApply() {
	z := zone{"_dmarc.example.test": {"v=DMARC1; p=reject; sp=none; np=reject"}}
	for _, std := range []dmarc.Standard{dmarc.RFC7489, dmarc.RFC9989} {
		a := dmarc.Apply(z.source, std, "example.test", dmarc.Nonexistent)
		fmt.Println(std, a.Effect.Policy, a.Effect.Tag)
	}
	for _, d := range dmarc.Departures("v=DMARC1; p=reject; policy=none") {
		fmt.Println(d)
	}
	// Output:
	// RFC 7489 none sp
	// RFC 9989 reject np
	// offset 20, "policy=none": no standard has this tag
}

// The record vectors of others, by the letter of the grammar: what they call
// invalid leaves it somewhere, what they call valid does so only where receivers
// are told to ignore it.
func TestDepartureVectors(t *testing.T) {
	ignored := []dmarc.Fault{dmarc.FaultNoPolicy, dmarc.FaultPolicy, dmarc.FaultUnknown, dmarc.FaultEmpty, dmarc.FaultSize, dmarc.FaultBadSize, dmarc.FaultRemoved}
	n := 0
	vectors(t, "dmarc-record.jsonl", func(line []byte) {
		var v struct{ Record, Expect, Profile string }
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		n++
		_, err := dmarc.Parse(v.Record)
		found := dmarc.Departures(v.Record)
		leaves := err != nil
		for _, d := range found {
			leaves = leaves || (d.From7489 || d.From9989) && (v.Expect != "valid" || !slices.Contains(ignored, d.Fault) && v.Profile != "rfc9989")
		}
		if leaves != (v.Expect != "valid") {
			t.Errorf("%q: %s by %s, we say %v, %v", v.Record, v.Expect, v.Profile, err, found)
		}
	})
	if n < 50 {
		t.Errorf("only %d vectors", n)
	}
}
