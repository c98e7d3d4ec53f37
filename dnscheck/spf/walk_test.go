package spf_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailvet/dnscheck/spf"
)

// outline prints a tree, a line for each node.
func outline(n *spf.Node, depth int) string {
	s := strings.Repeat("  ", depth) + n.Name + " " + n.State.String() + "\n"
	for _, c := range n.Children {
		s += outline(c, depth+1)
	}
	return s
}

func TestWalk(t *testing.T) {
	z := zone{
		"d.test": {"v=spf1 a include:Ok.test include:none.test include:gone.test include:two.test include:bad.test " +
			"include:fail.test include:unasked.test include:%{i}.test include:d.test include:x..test redirect=end.test"},
		"ok.test":   {"v=spf1 mx include:deep.test ?all include:never.test", "other"},
		"deep.test": {"v=spf1 a ptr"},
		"none.test": {"v=spf10 -all"},
		"gone.test": {"!nxdomain"},
		"two.test":  {"v=spf1 -all", "v=spf1 mx"},
		"bad.test":  {"v=spf1 foo"},
		"fail.test": {"!servfail"},
		"x..test":   {"!bad-name"},
		"end.test":  {"v=spf1 exists:%{i}.x.test -all"},
	}
	root := spf.Walk(z.source, "D.test.")
	want := `d.test valid
  ok.test valid
    deep.test valid
  none.test none
  gone.test none
  two.test several
  bad.test malformed
  fail.test no-answer
  unasked.test not-asked
  %{i}.test macro
  d.test loop
  x..test none
  end.test valid
`
	if got := outline(root, 0); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	// a, ten includes, a redirect; mx and an include; a and ptr; exists.
	if got := root.Lookups(); got != 12+2+2+1 {
		t.Errorf("%d lookups", got)
	}
	if got := root.Last().Name; got != "end.test" {
		t.Errorf("it ends in %s", got)
	}
	if got := root.Find(spf.NoAnswer, spf.NotAsked); got == nil || got.Name != "fail.test" || got.Term.String() != "include:fail.test" {
		t.Errorf("found %+v", got)
	}
	if root.Children[4].Err == nil || root.Children[3].Texts[1] != "v=spf1 mx" {
		t.Error("what is wrong is not kept")
	}
}

func TestOverLimit(t *testing.T) {
	tests := []struct {
		name string
		zone zone
		want bool
	}{
		{"10", zone{"d.test": {"v=spf1" + repeat(10, "a:h.test") + " -all"}}, false},
		{"11", zone{"d.test": {"v=spf1" + repeat(11, "a:h.test") + " -all"}}, true},
		{"10 with those included", zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"v=spf1" + repeat(9, "mx") + " -all"}}, false},
		{"11 with those included", zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"v=spf1" + repeat(10, "mx") + " -all"}}, true},
		{"counted each time", zone{"d.test": {"v=spf1" + repeat(4, "include:x.test") + " -all"}, "x.test": {"v=spf1 a mx -all"}}, true},
		{"loop", zone{"d.test": {"v=spf1 redirect=d.test"}}, true},
		{"redirect beside all", zone{"d.test": {"v=spf1" + repeat(10, "a") + " redirect=x.test -all"}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := spf.Walk(tt.zone.source, "d.test").OverLimit(); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// A tree that would be endless is cut off.
func TestWalkIsBounded(t *testing.T) {
	z := zone{}
	for i := range 40 {
		z[fmt.Sprintf("n%d.test", i)] = []string{"v=spf1" + repeat(30, fmt.Sprintf("include:n%d.test", i+1)) + " -all"}
	}
	root := spf.Walk(z.source, "n0.test")
	if n := len(root.All()); n > 300 {
		t.Errorf("%d nodes", n)
	}
	if !root.OverLimit() || root.Find(spf.CutOff) == nil {
		t.Error("not over the limit, or not cut off")
	}
}

// answered plays a resolver: it answers what is wanted until nothing is.
func answered(t *testing.T, world zone, domain string) (rounds [][]string) {
	t.Helper()
	known := zone{}
	for range 100 {
		want := spf.Wanted(known.source, domain)
		if len(want) == 0 {
			return rounds
		}
		rounds = append(rounds, want)
		for _, name := range want {
			if known[name] != nil {
				t.Fatalf("%s is wanted again", name)
			}
			if known[name] = world[name]; known[name] == nil {
				known[name] = []string{"!nxdomain"}
			}
		}
	}
	t.Fatal("no end of wants")
	return nil
}

func TestWanted(t *testing.T) {
	tests := []struct {
		name string
		zone zone
		want string
	}{
		{"nothing further", zone{"d.test": {"v=spf1 mx a:h.test exists:%{i}.x.test -all"}}, "[[d.test]]"},
		{"no record", zone{"d.test": {"other"}}, "[[d.test]]"},
		{"two records", zone{"d.test": {"v=spf1 include:x.test -all", "v=spf1 include:y.test -all"}}, "[[d.test]]"},
		{"level by level", zone{"d.test": {"v=spf1 include:x.test include:y.test redirect=z.test"}, "x.test": {"v=spf1 include:w.test include:y.test"}}, "[[d.test] [x.test y.test z.test] [w.test]]"},
		{"not behind all, no redirect beside it", zone{"d.test": {"v=spf1 redirect=z.test -all include:x.test"}}, "[[d.test]]"},
		{"for Internet.nl alone", zone{"d.test": {"v=spf1 include:x.test:25 a:h.test/33 -all"}}, "[[d.test] [x.test]]"},
		{"for the RFC alone", zone{"d.test": {"v=spf1 include:x.test rp=100 -all"}}, "[[d.test] [x.test]]"},
		{"never the root", zone{"d.test": {"v=spf1 include::x.test include:. -all"}}, "[[d.test]]"},
		{"a loop once", zone{"d.test": {"v=spf1 include:d.test -all"}}, "[[d.test]]"},
		{"the part that failed is not asked again", zone{"d.test": {"v=spf1 include:x.test -all"}, "x.test": {"!timeout"}}, "[[d.test] [x.test]]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fmt.Sprint(answered(t, tt.zone, "d.test")); got != tt.want {
				t.Errorf("asked %s, want %s", got, tt.want)
			}
		})
	}
}

func TestWantedIsBounded(t *testing.T) {
	z := zone{}
	for i := range 200 {
		list := "v=spf1"
		for j := range 50 {
			list += fmt.Sprintf(" include:n%d.test", (i*50+j)%200)
		}
		z[fmt.Sprintf("n%d.test", i)] = []string{list + " -all"}
	}
	asked := slices.Concat(answered(t, z, "n0.test")...)
	if len(asked) > 1+spf.MaxTree+spf.MaxLookups {
		t.Errorf("%d questions", len(asked))
	}
}
