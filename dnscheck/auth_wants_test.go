package dnscheck_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailvet/report/check"
)

func TestAuthWants(t *testing.T) {
	tests := []struct {
		name   string
		world  texts
		domain string
		want   [][]string // sorted within each round
	}{
		{"a simple domain takes one round", right, "example.test",
			[][]string{{"_dmarc.example.test", "_dmarc.test", "_domainkey.example.test", "example.test"}}},
		{"includes and destinations come in one further round", texts{
			"example.test":        "v=spf1 include:a.example include:%{i}.example redirect=no.example include:b.example -all include:no.example",
			"a.example":           "v=spf1 include:c.example include:b.example -all",
			"_dmarc.example.test": "v=DMARC1; p=reject; rua=mailto:x@r.example,mailto:x@example.test; ruf=mailto:x@s.example",
		}, "example.test", [][]string{
			{"_dmarc.example.test", "_dmarc.test", "_domainkey.example.test", "example.test"},
			{"a.example", "b.example", "example.test._report._dmarc.r.example", "example.test._report._dmarc.s.example"},
			{"c.example"},
		}},
		{"the organization and the top level at once, for the tree walk", texts{}, "sub.example.test", [][]string{
			{"_dmarc.example.test", "_dmarc.sub.example.test", "_dmarc.test", "_domainkey.sub.example.test", "sub.example.test"},
		}},
		{"destinations where the policy is weak, three at most", texts{"_dmarc.example.test": "v=DMARC1; p=none; rua=mailto:x@r.example,mailto:x@s.example; ruf=mailto:x@t.example,mailto:x@u.example", "example.test": "x"}, "example.test", [][]string{
			{"_dmarc.example.test", "_dmarc.test", "_domainkey.example.test", "example.test"},
			{"example.test._report._dmarc.r.example", "example.test._report._dmarc.s.example", "example.test._report._dmarc.t.example"},
		}},
		{"a long name: eight for the walk, and the organization", texts{}, "a.b.c.d.e.f.g.h.example.test", [][]string{
			{"_dmarc.a.b.c.d.e.f.g.h.example.test", "_dmarc.d.e.f.g.h.example.test", "_dmarc.e.f.g.h.example.test", "_dmarc.example.test", "_dmarc.f.g.h.example.test",
				"_dmarc.g.h.example.test", "_dmarc.h.example.test", "_dmarc.test", "_domainkey.a.b.c.d.e.f.g.h.example.test", "a.b.c.d.e.f.g.h.example.test"},
		}},
		{"nothing above a public suffix", texts{}, "co.uk", [][]string{{"_dmarc.co.uk", "_dmarc.uk", "_domainkey.co.uk", "co.uk"}}},
		{"what only Internet.nl follows", texts{"example.test": "v=spf1 include:a.example:25 -all"}, "example.test", [][]string{
			{"_dmarc.example.test", "_dmarc.test", "_domainkey.example.test", "example.test"},
			{"a.example"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, rounds := tt.world.scan(t, tt.domain)
			for _, r := range rounds {
				slices.Sort(r)
			}
			if got, want := fmt.Sprint(rounds), fmt.Sprint(tt.want); got != want {
				t.Errorf("asked %s, want %s", got, want)
			}
		})
	}
}

// hostileTexts are worlds made to cost as much as they can.
func hostileTexts() map[string]texts {
	includes := func(prefix string, n int) string {
		list := "v=spf1"
		for i := range n {
			list += fmt.Sprintf(" include:%s%d.example", prefix, i)
		}
		return list + " -all"
	}
	wide := texts{"example.test": includes("a", 1000)}
	deep, tree, mixed := texts{"example.test": includes("d", 1)}, texts{"example.test": includes("t", 9)}, texts{"example.test": includes("m", 3)}
	for i := range 60 {
		deep[fmt.Sprintf("d%d.example", i)] = fmt.Sprintf("v=spf1 include:d%d.example -all", i+1)
		wide[fmt.Sprintf("a%d.example", i)] = includes("b", 1000)
		tree[fmt.Sprintf("t%d.example", i)] = includes(fmt.Sprintf("u%d-", i), 40)
		mixed[fmt.Sprintf("m%d.example", i)] = includes("w", 200)
		for j := range 40 {
			tree[fmt.Sprintf("u%d-%d.example", i, j)] = includes("t", 9)
		}
	}
	mixed["m0.example"] = "v=spf1 include:c0.example -all"
	for i := range 9 {
		mixed[fmt.Sprintf("c%d.example", i)] = fmt.Sprintf("v=spf1 include:c%d.example -all", i+1)
	}
	addresses := "v=DMARC1; p=reject; rua=mailto:x@example.test"
	for i := range 3000 {
		addresses += fmt.Sprintf(",mailto:x=y@r%d.example,mailto:x@s%d.example", i, i)
	}
	return map[string]texts{
		"wide": wide, "deep": deep, "tree": tree, "mixed": mixed,
		"destinations": {"example.test": includes("a", 1000), "_dmarc.example.test": addresses},
		"endless":      {"example.test": strings.Repeat("v=spf1 ", 9000), "_dmarc.example.test": "v=DMARC1; p=" + strings.Repeat("x", 60000)},
		"records":      {"example.test": strings.TrimSuffix(strings.Repeat("v=spf1 -all\n", 5000), "\n"), "_dmarc.example.test": strings.TrimSuffix(strings.Repeat("v=DMARC1; p=none\n", 3500), "\n")},
		"many targets": {"example.test": "v=spf1 include:many.example -all", "many.example": strings.TrimSuffix(strings.Repeat("v=spf1 +all\nother \x00\xff\n", 2500), "\n")},
		"macros":       {"example.test": "v=spf1 " + strings.Repeat("exists:%{l1r-.+=/_,}.%{i}%{ ", 2000)},
		"octets":       {"example.test": "v=spf1 \x00\xff\x1b[31m include:\x1b]0;x\a.example -all", "_dmarc.example.test": "v=DMARC1; p=\x1b[2Jreject; rua=mailto:\xff@\xfe\x80.example"},
		"names":        {"example.test": "v=spf1 include:" + strings.Repeat("x", 70) + ".example include:" + strings.Repeat("x.", 200) + "example include:.. include::x -all"},
	}
}

// Whatever the records hold, the questions are bounded, and the checks answer.
func TestHostileTexts(t *testing.T) {
	for name, world := range hostileTexts() {
		t.Run(name, func(t *testing.T) {
			s, rounds := world.scan(t, "example.test")
			if n := len(flat(rounds)); n > 1+41+22 {
				t.Errorf("%d questions", n)
			}
			for _, r := range check.Run(checksOf(check.Auth), s) {
				soundAuth(t, s, r.Check, r.Findings[0])
			}
		})
	}
}

// However late Internet.nl's walk gets to a name, it is asked for.
func TestWantsServeTheWalk(t *testing.T) {
	s, _ := hostileTexts()["mixed"].scan(t, "example.test")
	for _, name := range []string{"m0.example", "c6.example"} {
		if s.Lookup(name, "TXT") == nil {
			t.Errorf("%s was not asked for", name)
		}
	}
}

func BenchmarkAuth(b *testing.B) {
	for name, world := range map[string]texts{"usual": right, "tree": hostileTexts()["tree"]} {
		b.Run(name, func(b *testing.B) {
			t := &testing.T{}
			s, _ := world.scan(t, "example.test")
			for b.Loop() {
				check.Run(checksOf(check.Auth), s)
			}
		})
	}
}
