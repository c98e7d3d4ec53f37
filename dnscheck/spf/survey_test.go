package spf_test

import (
	"context"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mailvet/dnscheck/spf"
	"mailvet/report/evidence"
)

// table writes a survey, a line for each term: number, term, what it matches.
func table(s *spf.Survey) string {
	var b strings.Builder
	s.Root.Each(func(_ *spf.Branch, l *spf.Line, depth int) {
		number := "-"
		if l.Nth > 0 {
			number = fmt.Sprint(l.Nth)
		}
		if !l.Reached {
			number = "x"
		}
		fmt.Fprintf(&b, "%s%s %s", strings.Repeat("  ", depth), number, l.Term)
		for _, h := range l.Hosts {
			fmt.Fprintf(&b, " %s", h)
		}
		for _, p := range l.Networks {
			fmt.Fprintf(&b, " %s", p)
		}
		for _, q := range l.Void4 {
			fmt.Fprintf(&b, " void4:%s/%s", q.Name, q.Type)
		}
		for _, q := range l.Void6 {
			fmt.Fprintf(&b, " void6:%s/%s", q.Name, q.Type)
		}
		for _, f := range l.Failed {
			fmt.Fprintf(&b, " failed:%s/%s", f.Name, f.Type)
		}
		if l.Open {
			b.WriteString(" open")
		}
		if l.Over {
			b.WriteString(" over")
		}
		if l.Below != nil {
			fmt.Fprintf(&b, " = %s %s (%s)", l.Below.Name, l.Below.State, l.Below.Owner)
		}
		b.WriteString("\n")
	})
	return b.String()
}

func look(t *testing.T, z answers, domain string) *spf.Survey {
	t.Helper()
	s, err := spf.Look(t.Context(), z, domain)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Missing) > 0 {
		t.Errorf("missing %v", s.Missing)
	}
	return s
}

func TestSurvey(t *testing.T) {
	s := look(t, zoneOf(`
d.test TXT v=spf1 exp=e.test a mx/24 include:_spf.i.test include:gone.test exists:%{i}.d.test ptr exists:yes.test ~ip4:203.0.113.7 redirect=r.test x=y
d.test A 192.0.2.1
d.test AAAA 2001:db8::1
d.test MX 20 mx2.test.
d.test MX 10 mx1.test.
mx1.test A 198.51.100.99
_spf.i.test TXT v=spf1 ip4:203.0.113.9/29 a:only4.test -all mx redirect=never.test
only4.test A 192.0.2.77
fails.test servfail
r.test TXT v=spf1 include:d.test include:%{d1}.test a:fails.test a:fails.test/24 ?all
`), "D.test.")
	want := `1 a 192.0.2.1/32 2001:db8::1/128
2 mx/24 mx1.test mx2.test 198.51.100.0/24 void4:mx2.test/A void6:mx1.test/AAAA void6:mx2.test/AAAA
3 include:_spf.i.test = _spf.i.test valid (i.test)
  - ip4:203.0.113.9/29 203.0.113.8/29
  4 a:only4.test 192.0.2.77/32 void6:only4.test/AAAA
  - -all 0.0.0.0/0 ::/0
  x mx
  x redirect=never.test
5 include:gone.test = gone.test none (gone.test)
6 exists:%{i}.d.test open
7 ptr open
8 exists:yes.test void4:yes.test/A void6:yes.test/A
- ~ip4:203.0.113.7 203.0.113.7/32
9 redirect=r.test = r.test valid (r.test)
  10 include:d.test = d.test loop (d.test)
  11 include:%{d1}.test open = %{d1}.test macro ()
  12 a:fails.test failed:fails.test/A failed:fails.test/AAAA
  13 a:fails.test/24 failed:fails.test/A failed:fails.test/AAAA
  - ?all 0.0.0.0/0 ::/0
x exp=e.test
x x=y
`
	if got := table(s); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if s.Lookups != 13 || s.Lookups != s.Root.Node.Lookups() || len(s.Void4) != 2 || len(s.Void6) != 4 {
		t.Errorf("%d lookups, %v, %v", s.Lookups, s.Void4, s.Void6)
	}
	if len(s.Failed) != 2 || s.Failed[0].Name != "fails.test" {
		t.Errorf("failed: %v", s.Failed)
	}
	if got := fmt.Sprint(s.Authorised().Networks()); got != "[192.0.2.1/32 192.0.2.77/32 198.51.100.0/24 203.0.113.8/29 2001:db8::1/128]" {
		t.Errorf("authorised: %s", got)
	}
	v4, v6 := s.Authorised().Count()
	if v4.Int64() != 2+256+8 || v6.Int64() != 1 {
		t.Errorf("%v and %v addresses", v4, v6)
	}
}

func TestSurveyOfNothing(t *testing.T) {
	for zone, want := range map[string]spf.State{
		"": spf.None, "d.test servfail": spf.NoAnswer, "d.test TXT v=spf1 foo": spf.Malformed, "d.test TXT v=spf1\nd.test TXT v=spf1": spf.Several,
	} {
		s := look(t, zoneOf(zone), "d.test")
		if s.Root.State != want || s.Lookups != 0 || len(s.Root.Lines) != 0 || len(s.Authorised().Networks()) != 0 {
			t.Errorf("%q: %v %s", zone, s.Root.State, table(s))
		}
	}
}

func TestSurveyMXLimit(t *testing.T) {
	z := zoneOf("d.test TXT v=spf1 mx -all")
	for i := range 11 {
		z.add("d.test", "MX", fmt.Sprintf("10 mx%02d.test.", i))
		z.add(fmt.Sprintf("mx%02d.test", i), "A", fmt.Sprintf("192.0.2.%d", i))
	}
	l := look(t, z, "d.test").Root.Lines[0]
	if !l.Over || len(l.Hosts) != 11 || len(l.Networks) != 10 {
		t.Errorf("%+v", l)
	}
}

// The survey says who is authorised, and what it costs, as the evaluation does.
func TestSurveyAgreesWithCheck(t *testing.T) {
	compared, unmatched := 0, 0
	for seed := range uint64(3000) {
		in := newInternet(seed)
		domain := in.from[strings.IndexByte(in.from, '@')+1:]
		s := look(t, in.answers, domain)
		open := false
		s.Root.Each(func(_ *spf.Branch, l *spf.Line, _ int) {
			open = open || l.Open || l.Below != nil && l.Below.State == spf.Macro
		})
		c := spf.Checker{Resolver: in.answers, VoidLimit: -1}
		for _, ip := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.4", "203.0.113.1", "2001:db8::1", "2001:db8::3", "2001:db8:1::"} {
			addr := netip.MustParseAddr(ip)
			v, err := c.Check(t.Context(), domain, spf.Sender{IP: addr, From: in.from, Helo: in.helo})
			if err != nil {
				t.Fatal(err)
			}
			if open || v.Result == spf.ResultTempError || v.Result == spf.ResultPermError {
				continue
			}
			compared++
			if got := s.Authorised().Contains(addr); got != (v.Result == spf.ResultPass) {
				t.Fatalf("seed %d: %s is %s, and authorised %v\n%v\n%s", seed, ip, v.Result, got, s.Authorised().Networks(), table(s))
			}
			void := s.Void4
			if addr.Is6() {
				void = s.Void6
			}
			if v.Reason == spf.ReasonNothing {
				unmatched++
				if v.Lookups != s.Lookups || fmt.Sprint(v.Void) != fmt.Sprint(void) {
					t.Fatalf("seed %d: %s takes %d lookups, void %v, the survey says %d, %v\n%s", seed, ip, v.Lookups, v.Void, s.Lookups, void, table(s))
				}
			}
		}
	}
	if compared < 3000 || unmatched < 300 {
		t.Errorf("only %d compared, %d of them without a match", compared, unmatched)
	}
}

func TestAddresses(t *testing.T) {
	nets := func(list string) (out []netip.Prefix) {
		for _, s := range strings.Fields(list) {
			out = append(out, netip.MustParsePrefix(s))
		}
		return out
	}
	set := func(list string) spf.Addresses { return spf.AddressesOf(nets(list)...) }
	for _, tt := range []struct{ name, got, want string }{
		{"empty", fmt.Sprint(spf.Addresses{}.Networks()), "[]"},
		{"host bits", fmt.Sprint(set("192.0.2.77/24").Networks()), "[192.0.2.0/24]"},
		{"joined", fmt.Sprint(set("192.0.2.128/25 192.0.2.0/25 192.0.2.5/32").Networks()), "[192.0.2.0/24]"},
		{"families apart", fmt.Sprint(set("255.255.255.255/32 ::/128 0.0.0.0/32").Networks()), "[0.0.0.0/32 255.255.255.255/32 ::/128]"},
		{"everything", fmt.Sprint(set("128.0.0.0/1 0.0.0.0/1 8000::/1 ::/1").Networks()), "[0.0.0.0/0 ::/0]"},
		{"not aligned", fmt.Sprint(set("192.0.2.1/32 192.0.2.2/31 192.0.2.4/32").Networks()), "[192.0.2.1/32 192.0.2.2/31 192.0.2.4/32]"},
		{"minus", fmt.Sprint(set("192.0.2.0/29").Minus(set("192.0.2.0/32 192.0.2.3/32 192.0.2.7/32 192.0.2.9/32")).Networks()), "[192.0.2.1/32 192.0.2.2/32 192.0.2.4/31 192.0.2.6/32]"},
		{"minus more", fmt.Sprint(set("192.0.2.0/31 192.0.2.8/31").Minus(set("0.0.0.0/0")).Networks()), "[]"},
		{"minus at the end", fmt.Sprint(set("255.255.255.254/31 ::/127").Minus(set("255.255.255.255/32 ::1/128")).Networks()), "[255.255.255.254/32 ::/128]"},
		{"and", fmt.Sprint(set("192.0.2.0/28").And(set("192.0.2.8/29 192.0.2.1/32 ::/0")).Networks()), "[192.0.2.1/32 192.0.2.8/29]"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, tt.got, tt.want)
		}
	}
	v4, v6 := set("0.0.0.0/0 ::/0").Count()
	if v4.Cmp(big.NewInt(1<<32)) != 0 || v6.Cmp(new(big.Int).Lsh(big.NewInt(1), 128)) != 0 {
		t.Errorf("%v and %v addresses", v4, v6)
	}
}

// endless answers every question with a policy that includes new names.
type endless struct{ asked chan struct{} }

func (e endless) Lookup(ctx context.Context, name, qtype string) (evidence.Lookup, error) {
	if err := ctx.Err(); err != nil {
		return evidence.Lookup{}, err
	}
	e.asked <- struct{}{}
	l := evidence.Lookup{Name: name, Type: qtype, Outcome: evidence.OutcomeNoData}
	if qtype == "TXT" {
		l.Outcome = evidence.OutcomeAnswer
		l.Answer = []evidence.RR{{Name: name, Type: qtype, Data: `"v=spf1 a mx include:a.` + name + ` include:b.` + name + ` redirect=c.` + name + `"`}}
	}
	return l, nil
}

func TestLookEnds(t *testing.T) {
	e := endless{make(chan struct{}, 2*spf.MaxQuestions)}
	s, err := spf.Look(t.Context(), e, "d.test")
	if err != nil || len(e.asked) > spf.MaxQuestions || len(e.asked) < 200 || s.Root.Find(spf.CutOff) == nil && len(s.Missing) == 0 {
		t.Errorf("%v after %d questions", err, len(e.asked))
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if s, err := spf.Look(ctx, e, "d.test"); err != nil || s.Root.State != spf.NotAsked || !slices.Equal(s.Missing, []evidence.Question{{Name: "d.test", Type: "TXT"}}) {
		t.Errorf("out of time: %v, %v", s, err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := spf.Look(ctx, e, "d.test"); err == nil {
		t.Error("no error when cancelled")
	}
}
