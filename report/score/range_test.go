package score_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	. "mailvet/report/reporttest"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/report/score"
)

func TestRange(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *World)
		want   string // percent low high, then category=points/max low-high
	}{
		{"a time-out at SPF", set("spf-policy=*unknown(bad)"), "96 96 100, auth=40/50 80-100"},
		{"SPF unknown, no verdict", set("spf-policy=*unknown"), "96 96 100, auth=40/50 80-100"},
		{"Internet.nl is kind to the unknown", set("spf-policy=*unknown(good)"), "100 96 100, auth=50/50 80-100"},
		{"not gathered", set("tls-version=*ungathered", "tls-ciphers=*ungathered"), "97 97 100, tls=120/140 85-100"},
		{"RPKI not gathered", set(append(all("*ungathered", rpkiExists...), all("*ungathered", rpkiValid...)...)...), "80 80 100, rpki=0/45 0-100"},
		{"never counted", set("cert-trust=*unknown", "cert-host=*unknown", "caa=*unknown", "tls-client-renegotiation=*ungathered", "ipv6-ns-address=*unknown"),
			"100 100 100, tls=140/140 100-100"},
		{"one MX timed out, as Internet.nl says", set("starttls-exists@" + MX2 + "=*unknown(other)"), "80 80 100, tls=0/140 0-100"},
		{"both MX timed out", set("starttls-exists=*unknown(other)"), "80 80 100, tls=0/10 0-100"},
		{"no SMTP, no verdict", set("starttls-exists=*unknown"), "80 80 100, tls=0/140 0-100"},
		{"DNSSEC of one MX unknown", set("dnssec-mx-valid@" + MX2 + "=*unknown"), "80 80 100, dnssec=0/10 0-100"},
		{"DNSSEC of one MX unknown, domain insecure", set("dnssec-mx-valid@"+MX2+"=*unknown", "dnssec-valid=not-tested"), "80 80 84, dnssec=0/10 0-20"},
		{"TLSA of mx1 unknown, mx2 has none: DANE validity may not count", func(w *World) {
			w.NoTLSA(MX2).Set("dane-exists@"+MX1+"=*unknown", "dane-valid@"+MX1+"=*unknown")
		}, "97 97 98, tls=120/140 85-92"},
		{"DKIM may turn out not to count", set("dkim-exists=*unknown"), "96 96 100, auth=40/50 80-100"},
		{"points that follow an unknown", set("dane-valid@" + MX1 + "=*unknown"), "97 97 100, tls=120/140 85-100"},
		{"MX unknown", func(w *World) {
			w.NoMail("no-mx")
			for _, id := range []string{"ipv6-mx-address", "ipv6-mx-reach", "dnssec-mx-exists", "dnssec-mx-valid", "starttls-exists"} {
				w.Set(id + "=*unknown")
			}
		}, "50 50 100, ipv6=10/20 50-100, dnssec=0/10 0-100, tls=0/140 0-100"},
		{"MX unknown, taken for none by Internet.nl", func(w *World) {
			w.NoMail("no-mx").Set("ipv6-mx-reach=*unknown(not-tested/none)", "dnssec-mx-valid=*unknown(not-tested/none)", "starttls-exists=*unknown(other-2)")
		}, "100 50 100, ipv6=10/10 50-100, dnssec=10/10 0-100, tls=0/0 0-100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := Right()
			c.change(w)
			s := w.Score()
			total, cats, _ := strings.Cut(c.want, ", ")
			if got := fmt.Sprint(s.Percent, s.Low, s.High); got != total {
				t.Errorf("got %s, want %s", got, total)
			}
			if s.Complete != (s.Low == s.High) {
				t.Error("complete is not low == high")
			}
			for _, want := range strings.Split(cats, ", ") {
				name, _, _ := strings.Cut(want, "=")
				for _, cat := range s.Categories {
					if cat.ID.String() != name {
						continue
					}
					if got := fmt.Sprintf("%s=%d/%d %d-%d", name, cat.Points, cat.Max, cat.Low, cat.High); got != want {
						t.Errorf("got %s, want %s", got, want)
					}
				}
			}
		})
	}
}

// A check that is not gathered asks for nothing where its requirement did not
// pass: a domain without mail hosts loses nothing by it.
func TestUngatheredBehindARequirement(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *World)
		want   string
	}{
		{"null MX", func(w *World) { w.NoMail("null-mx") }, "100 100 100, 0/0 not_tested info"},
		{"one MX without STARTTLS", set("starttls-exists@" + MX2 + "=other"), "80 80 80, 0/140 not_tested failed"},
		{"both without STARTTLS", set("starttls-exists=other"), "80 80 80, 0/10 not_tested info"},
		{"one MX timed out", set("starttls-exists@" + MX2 + "=*unknown(other)"), "80 80 100, 0/140 not_tested failed"},
		{"both timed out", set("starttls-exists=*unknown(other)"), "80 80 100, 0/10 not_tested info"},
		{"no SMTP", set("starttls-exists=*unknown"), "80 80 100, 0/140 not_tested failed"},
		{"STARTTLS works", set(), "98 98 100, 130/140 not_tested failed"},
	} {
		w := Right()
		c.change(w)
		catalogue := w.Catalogue()
		byID(catalogue, "tls-ciphers").Evaluate = nil
		s := score.Compute(w.Policy, check.Run(catalogue, w.Snapshot()))
		tls, k := s.Category(check.TLS), s.Check("tls-ciphers")
		got := fmt.Sprintf("%d %d %d, %d/%d %s %s", s.Percent, s.Low, s.High, tls.Points, tls.Max, k.Status, k.Worst)
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// A result that is missing is as unknown as one that nobody gathered.
func TestSilenceDoesNotScore(t *testing.T) {
	all := Right().Results()
	for i := range all {
		for what, results := range map[string][]check.Result{
			"missing": slices.Delete(slices.Clone(all), i, i+1),
			"empty":   slices.Replace(slices.Clone(all), i, i+1, check.Result{Check: all[i].Check}),
		} {
			s := score.Compute(score.InternetNL(), results)
			row := score.InternetNL().Row(all[i].Check.ID)
			matters := row.Counts() || row.Field == "score"
			if s.Complete == matters || s.High != 100 || matters && s.Percent == 100 {
				t.Errorf("%s %s: %d, %d to %d", all[i].Check.ID, what, s.Percent, s.Low, s.High)
			}
		}
	}
	if s := score.Compute(score.InternetNL(), nil); s.Percent != 0 || len(s.Categories) != 0 {
		t.Errorf("nothing scores %d", s.Percent)
	}
}

// chance makes random worlds.
type chance struct{ *rand.Rand }

func (r chance) world() *World {
	w := Right()
	w.Free = r.IntN(4) > 0
	w.Hosts = nil
	for i := range r.IntN(4) {
		w.Hosts = append(w.Hosts, fmt.Sprintf("mx%d.example.test", i))
	}
	// From nearly right to anything.
	noise := []float64{0.03, 0.2, 0.9}[r.IntN(3)]
	for i := range w.Policy.Rows {
		for _, host := range append(w.Hosts, "") {
			if r.Float64() < noise {
				r.change(w, &w.Policy.Rows[i], host)
			}
		}
	}
	return w
}

// run evaluates with a few checks that are only declared.
func (r chance) run(w *World) []check.Result {
	catalogue := w.Catalogue()
	for range r.IntN(8) {
		catalogue[r.IntN(len(catalogue))].Evaluate = nil
	}
	return check.Run(catalogue, w.Snapshot())
}

func (r chance) change(w *World, row *score.Row, host string) {
	what := row.Check
	if host != "" {
		what += "@" + host
	}
	answer := r.known(row)
	switch r.IntN(10) {
	case 0:
		answer = "*unknown"
	case 1:
		answer = "*unknown(" + answer + ")"
	case 2:
		answer = []string{"*ungathered", "*blocked", "*nothing", "*unknown-by", "*skipped"}[r.IntN(5)]
	}
	w.Set(what + "=" + answer)
}

func (r chance) known(row *score.Row) string {
	o := row.Outcomes[r.IntN(len(row.Outcomes))]
	if n := o.Points.Max - o.Points.Min; n > 0 && r.IntN(5) > 0 {
		return fmt.Sprintf("%s:%d", o.ID, o.Points.Min+r.IntN(n+1))
	}
	return o.ID
}

const rounds = 600

func TestPercentLiesInTheRange(t *testing.T) {
	r := chance{rand.New(rand.NewPCG(1, 1))}
	for range rounds {
		results := r.run(r.world())
		checkRange(t, score.Compute(score.InternetNL(), results), results)
	}
}

func checkRange(t *testing.T, s score.Score, results []check.Result) {
	t.Helper()
	if s.Low < 0 || s.Low > s.Percent || s.Percent > s.High || s.High > 100 {
		t.Fatalf("%d is not within %d to %d of 0 to 100:\n%s", s.Percent, s.Low, s.High, dump(results))
	}
	for _, c := range s.Categories {
		if c.Max > 0 && (c.Low > c.Percent || c.Percent > c.High) || c.Points < 0 || c.Points > c.Max {
			t.Fatalf("%s: %d/%d is not within %d to %d:\n%s", c.API, c.Points, c.Max, c.Low, c.High, dump(results))
		}
	}
}

func dump(results []check.Result) string {
	var b strings.Builder
	for _, res := range results {
		for _, f := range res.Findings {
			if f.VerdictID() != "good" || f.Code.Outcome != check.Pass {
				fmt.Fprintf(&b, "%s@%s %s %q\n", res.Check.ID, f.Subject.Host, f.Code.Name, f.VerdictID())
			}
		}
	}
	return b.String()
}

// However an inconclusive finding is resolved, the score stays within the
// bounds, and the bounds do not become wider.
func TestResolvingStaysInTheRange(t *testing.T) {
	r := chance{rand.New(rand.NewPCG(2, 2))}
	for range rounds {
		w := r.world()
		results := r.run(w)
		was := score.Compute(w.Policy, results)
		type at struct{ i, j int }
		var open []at
		for i, res := range results {
			for j, f := range res.Findings {
				if f.Code.Outcome == check.Inconclusive {
					open = append(open, at{i, j})
				}
			}
		}
		r.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
		first := was
		for _, o := range open {
			res := results[o.i]
			results[o.i].Findings = slices.Clone(res.Findings)
			results[o.i].Findings[o.j] = r.resolve(w, results, res.Check, res.Findings[o.j].Subject)
			now := score.Compute(w.Policy, results)
			checkRange(t, now, results)
			if now.Low < was.Low || now.High > was.High {
				t.Fatalf("the range %d to %d became %d to %d by %s@%s:\n%s", was.Low, was.High, now.Low, now.High, res.Check.ID, res.Findings[o.j].Subject.Host, dump(results))
			}
			was = now
		}
		if !was.Complete || was.Percent < first.Low || was.Percent > first.High {
			t.Fatalf("resolved to %d (%d to %d), predicted %d to %d:\n%s", was.Percent, was.Low, was.High, first.Low, first.High, dump(results))
		}
	}
}

func (r chance) resolve(w *World, results []check.Result, c *check.Check, s evidence.Subject) check.Finding {
	for _, code := range []*check.Code{check.BlockedBy, check.NothingBy} {
		if r.IntN(8) == 0 {
			return check.Finding{Code: code, Subject: s}
		}
	}
	for _, req := range c.Requires {
		for _, res := range results {
			for _, f := range res.Findings {
				if res.Check == req && f.Subject == s && f.Code.Outcome != check.Pass && f.Code.Outcome != check.Weak {
					return check.Finding{Code: check.BlockedBy, Subject: s}
				}
			}
		}
	}
	row := w.Policy.Row(c.ID)
	o := row.Outcomes[r.IntN(len(row.Outcomes))]
	points := o.Points.Min + r.IntN(o.Points.Max-o.Points.Min+1)
	i := slices.IndexFunc(c.Codes, func(code *check.Code) bool { return code.Verdict == o.ID && code.Outcome != check.Inconclusive })
	f := check.Finding{Code: c.Codes[i], Subject: s}
	if row.PointsOf == "" {
		f.Points = &points
	}
	return f
}

// Raising one finding never lowers the score as long as the same checks count
// before and after.
func TestBetterIsNotWorse(t *testing.T) {
	r := chance{rand.New(rand.NewPCG(3, 3))}
	raised := 0
	for range rounds {
		results := r.world().Results()
		was := score.Compute(score.InternetNL(), results)
		type at struct{ i, j int }
		var failed []at
		for i, res := range results {
			for j, f := range res.Findings {
				if f.Code.Outcome == check.Fail {
					failed = append(failed, at{i, j})
				}
			}
		}
		if len(failed) == 0 {
			continue
		}
		o := failed[r.IntN(len(failed))]
		f, c := &results[o.i].Findings[o.j], results[o.i].Check
		k := slices.IndexFunc(c.Codes, func(code *check.Code) bool { return code.Outcome == check.Pass })
		row := score.InternetNL().Row(c.ID)
		best := row.Outcomes[0].Points.Max
		*f = check.Finding{Code: c.Codes[k], Subject: f.Subject}
		if row.PointsOf == "" {
			f.Points = &best
		}
		now := score.Compute(score.InternetNL(), results)
		if !sameMaxima(was, now) {
			continue
		}
		raised++
		if now.Percent < was.Percent || now.Low < was.Low || now.High < was.High {
			t.Fatalf("%s@%s: %d (%d to %d) became %d (%d to %d):\n%s", c.ID, f.Subject.Host, was.Percent, was.Low, was.High, now.Percent, now.Low, now.High, dump(results))
		}
	}
	if raised < rounds/4 {
		t.Errorf("only %d of %d rounds tried it", raised, rounds)
	}
}

func sameMaxima(a, b score.Score) bool {
	return slices.EqualFunc(a.Categories, b.Categories, func(x, y score.Category) bool {
		return x.Max == y.Max && slices.EqualFunc(x.Checks, y.Checks, func(k, l score.Check) bool { return k.Worst == l.Worst })
	})
}

// Where more checks count afterwards, Internet.nl's own arithmetic can make a
// better domain worse. These are the ways, for whoever wonders about a lower
// score after a repair.
func TestBetterCanBeWorse(t *testing.T) {
	for _, c := range []struct {
		name        string
		worse       func(w *World)
		better      func(w *World)
		was, is     int
		explanation string
	}{
		{"a first host gets TLSA", func(w *World) { w.NoTLSA(MX1).NoTLSA(MX2) }, func(w *World) { w.NoTLSA(MX2) }, 98, 97,
			"DANE validity now counts, also for the host without TLSA: 120/130 becomes 120/140"},
		{"a certificate can be had again", func(w *World) { w.NoCertificate(MX1).NoCertificate(MX2) }, func(w *World) { w.NoCertificate(MX2) }, 98, 94,
			"keys, signatures and DANE now count for both: 100/110 becomes 100/140"},
		{"a first host gets TLS 1.2 with EMS, the other has it without", func(w *World) {
			w.Set("tls-extended-master-secret=*blocked", "tls-version@"+MX1+"=bad", "tls-version@"+MX2+"=bad")
		}, func(w *World) { w.Set("tls-extended-master-secret@"+MX2+"=*blocked", "tls-version@"+MX2+"=bad") }, 98, 97,
			"EMS now counts, and the other host has nothing stored for it: 120/130 becomes 120/140"},
	} {
		w := Right()
		c.worse(w)
		b := Right()
		c.better(b)
		if was, is := w.Score().Percent, b.Score().Percent; was != c.was || is != c.is {
			t.Errorf("%s: %d becomes %d, want %d and %d, as %s", c.name, was, is, c.was, c.is, c.explanation)
		}
	}
}

// The order in which hosts are listed changes nothing but the verdict on ties.
func TestOrderOfHosts(t *testing.T) {
	r := chance{rand.New(rand.NewPCG(4, 4))}
	for range rounds / 4 {
		results := r.world().Results()
		was := score.Compute(score.InternetNL(), results)
		if again := score.Compute(score.InternetNL(), results); !reflect.DeepEqual(was, again) {
			t.Fatal("the same results scored differently")
		}
		for _, res := range results {
			r.Shuffle(len(res.Findings), func(i, j int) { res.Findings[i], res.Findings[j] = res.Findings[j], res.Findings[i] })
		}
		now := score.Compute(score.InternetNL(), results)
		for _, s := range []*score.Score{&was, &now} {
			for i := range s.Categories {
				s.Categories[i].Verdict = ""
				for j := range s.Categories[i].Checks {
					s.Categories[i].Checks[j].Verdict = ""
				}
			}
		}
		if !reflect.DeepEqual(was, now) {
			t.Fatalf("shuffled: %+v\nbecame %+v", was, now)
		}
	}
}

func TestUnknownVerdictPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a verdict that the policy does not have was scored")
		}
	}()
	results := Right().Results()
	results[0].Findings[0].Verdict = "fine"
	score.Compute(score.InternetNL(), results)
}

func BenchmarkCompute(b *testing.B) {
	w := Right().NoTLSA(MX1).Set("tls-version=*ungathered", "tls-ciphers=*ungathered")
	results := w.Results()
	b.ReportAllocs()
	for b.Loop() {
		score.Compute(w.Policy, results)
	}
}

func ExampleCompute() {
	w := Right().Set("dmarc-policy=policy", "rpki-mx-exists=*ungathered")
	s := score.Compute(score.InternetNL(), w.Results())
	fmt.Printf("%d %%, %d to %d %%\n", s.Percent, s.Low, s.High)
	for _, c := range s.Categories {
		fmt.Printf("%s %d/%d %s\n", c.API, c.Points, c.Max, c.Status)
	}
	// Output:
	// 94 %, 94 to 96 %
	// mail_ipv6 20/20 passed
	// mail_dnssec 10/10 passed
	// mail_auth 42/50 failed
	// mail_starttls 140/140 passed
	// mail_rpki 40/45 error
}
