package dkim_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"mailvet/dnscheck/dkim"
)

// good is an Ed25519 key.
const good = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

func TestErrorWords(t *testing.T) {
	for text, want := range map[string]string{
		"v=DKIM1; p=AA!A":         "the key is not in base64 (tag p, octet 14: not a character of base64)",
		"v=DKIM1; p=AAAA; p=AAAA": "a tag occurs twice (tag p, octet 20)",
		"v=DKIM1":                 "it has no tag p, and so no key",
		"v=spf1 -all":             "it is not a DKIM key record",
	} {
		_, err := dkim.Parse(text)
		var e *dkim.Error
		if !errors.As(err, &e) || e.Words() != want {
			t.Errorf("%q: %v", text, err)
		}
		if !strings.HasPrefix(err.Error(), "dkim: "+e.Fault.String()) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestRecord(t *testing.T) {
	r, err := dkim.Parse("v=DKIM1; k=ed25519; t=y:s; p=" + good)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Testing() || !r.Strict() || !r.ForMail() || !r.SHA256() || r.Revoked() || r.Type() != "ed25519" {
		t.Errorf("%s is misread", r)
	}
	k, err := r.Key()
	if err != nil {
		t.Fatal(err)
	}
	if k.Type != dkim.Ed25519 || k.Bits() != 256 || k.Strength() != dkim.Good || k.Unsafe() || k.LowExponent() ||
		k.Fingerprint() != "sha256:21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9" {
		t.Errorf("%+v %s", k, k.Fingerprint())
	}
	if r, err := dkim.Parse("p="); err != nil || r.Testing() || r.Strict() || r.Type() != "rsa" || !r.Revoked() {
		t.Errorf("%v, %v", r, err)
	} else if k, err := r.Key(); k != nil || err != nil {
		t.Errorf("a revoked key is %v, %v", k, err)
	}
}

// TestHuge: what a hostile name server can send is read in no time and kept
// within bounds by those who show it.
func TestHuge(t *testing.T) {
	for _, text := range []string{
		"v=DKIM1; p=" + strings.Repeat("A", 1<<16), "v=DKIM1; " + strings.Repeat("a=;", 1<<14), strings.Repeat(";", 1<<16),
		"v=DKIM1; t=" + strings.Repeat("y:", 1<<15), "p=" + strings.Repeat(" ", 1<<16), strings.Repeat("\x00", 1<<16),
	} {
		if r, err := dkim.Parse(text); err == nil {
			if k, err := r.Key(); err == nil && k != nil {
				t.Errorf("%.20q... of %d octets holds a key", text, len(text))
			}
		}
		roundTrip(t, text)
	}
}

func TestSignedBy(t *testing.T) {
	for field, want := range map[string]string{
		" v=1; a=rsa-sha256; d=Example.test; s=S1; b=AA=":       "Example.test S1",
		"v=1;\r\n\td=example.test;\r\n s=\r\n\ta.b; h=from;b=x": "example.test a.b",
		"s=x": "", "d=example.test": "", "": "", "d=a; d=b; s=x": "", "d=a; s=x; s=y": "", "d=a b; s=x": "", "d=a;s=\x1b[31m": "", "d=a; s=": "",
	} {
		d, s, ok := dkim.SignedBy(field)
		if got := strings.TrimSpace(d + " " + s); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", field, got, ok, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range vectors(f) {
		for _, text := range v.texts {
			f.Add(text)
		}
	}
	f.Add("v=DKIM1; p=MIGfMA0; t=y:s;\r\n n=x")
	f.Fuzz(func(t *testing.T, text string) {
		roundTrip(t, text)
		dkim.SignedBy(text)
		if _, err := dkim.ParseAll([]string{text, text}); err == nil {
			t.Error("two records are one")
		}
	})
}

func TestProviders(t *testing.T) {
	all := dkim.All()
	if len(all) < 60 {
		t.Errorf("%d selectors, want at least 60", len(all))
	}
	for _, s := range all {
		if !dkim.ValidSelector(s.Name) || len(dkim.ProvidersOf(s.Name)) == 0 {
			t.Errorf("selector %q of %v", s.Name, dkim.ProvidersOf(s.Name))
		}
		if slices.ContainsFunc(all, func(o dkim.Selector) bool { return o.Name == s.Name && o != s }) {
			t.Errorf("%s is there twice", s.Name)
		}
	}
	names := map[string]bool{}
	for _, p := range dkim.Providers {
		if names[p.Name] || len(p.Selectors)+len(p.Targets) == 0 {
			t.Errorf("%+v: twice there, or good for nothing", p)
		}
		names[p.Name] = true
		for _, n := range slices.Concat(p.SPF, p.MX, p.Targets) {
			if n != strings.ToLower(n) || !strings.Contains(n, ".") || strings.HasPrefix(n, ".") || strings.HasSuffix(n, ".") {
				t.Errorf("%s: the name %q", p.Name, n)
			}
		}
		for _, n := range p.Targets {
			if got := dkim.TargetProvider("x." + strings.ToUpper(n) + "."); got != p.Name {
				t.Errorf("what leads to %s is of %s, want %s", n, got, p.Name)
			}
		}
	}
	if len(dkim.Common) > 5 {
		t.Errorf("%d selectors without a hint: more than 5 would make a scan of a domain cost more than is declared", len(dkim.Common))
	}
}

func TestPlan(t *testing.T) {
	provider := func(name string) dkim.Provider {
		i := slices.IndexFunc(dkim.Providers, func(p dkim.Provider) bool { return p.Name == name })
		return dkim.Providers[i]
	}
	mx, spf := provider("Microsoft 365").MX[0], provider("SendGrid").SPF[0]
	alias := provider("Fastmail").Targets[0]
	for _, tt := range []struct {
		name  string
		hints dkim.Hints
		most  int
		want  string
	}{
		{"nothing", dkim.Hints{}, 11, "default dkim mail s1 k1"},
		{"names of nobody", dkim.Hints{MX: []string{"mx." + mx + ".test"}, SPF: []string{"not" + spf}}, 11, "default dkim mail s1 k1"},
		{"mail servers", dkim.Hints{MX: []string{"a-b." + mx}}, 11, "selector1 selector2 default dkim mail s1 k1"},
		{"mail servers and SPF, in turns", dkim.Hints{MX: []string{mx}, SPF: []string{"u1.wl." + spf, "x." + spf}}, 11, "selector1 s1 selector2 s2 smtpapi default dkim mail k1"},
		{"an alias first", dkim.Hints{MX: []string{mx}, Aliases: []string{"x." + alias}}, 4, "fm1 selector1 fm2 selector2"},
		{"no more than allowed", dkim.Hints{}, 2, "default dkim"},
	} {
		var got []string
		for _, s := range dkim.Plan(tt.hints, tt.most) {
			got = append(got, s.Name)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, got, tt.want)
		}
	}
}

func TestNamed(t *testing.T) {
	words := []string{"all", "s1", "s1", "a.b", "Bad", "", "k._domainkey.example.test", "x._domainkey.other.test", "all._domainkey.example.test"}
	list, all := dkim.Named(words, "Example.test.")
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "s1 a.b k all" || !all {
		t.Errorf("%s, %v", got, all)
	}
	var many []string
	for i := range 200 {
		many = append(many, "s"+strings.Repeat("x", i%60)+string(rune('a'+i/60)))
	}
	if list, all := dkim.Named(many, "example.test"); len(list) != dkim.MaxNamed || all {
		t.Errorf("%d selectors, %v", len(list), all)
	}
}

func TestValidSelector(t *testing.T) {
	for s, want := range map[string]bool{
		"s1": true, "a.b-c": true, "aweber_key_a": true, "2024": true,
		"": false, ".": false, "a.": false, "a..b": false, "-a": false, "a-": false, "A": false, "a b": false, "ä": false,
		strings.Repeat("a", 64): false, strings.Repeat("a.", 100) + "a": false,
	} {
		if got := dkim.ValidSelector(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestAbsent(t *testing.T) {
	a := dkim.Absent("example.test")
	if a != dkim.Absent("EXAMPLE.test.") || a == dkim.Absent("other.test") || !dkim.ValidSelector(a) || len(dkim.ProvidersOf(a)) > 0 {
		t.Errorf("%q", a)
	}
}
