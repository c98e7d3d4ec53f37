package lab_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/rpki"
	"mailvet/dnscheck/rpki/origin"
	"mailvet/report"
	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/report/score"
	"mailvet/scanner"
	"mailvet/scanner/lab"
	"mailvet/smtpcheck/probe"
)

// The costs of a scan that do not depend on the machine.
const (
	latency      = 50 * time.Millisecond   // for each DNS answer and each SMTP reply
	maxTime      = 1200 * time.Millisecond // with one handshake for each address
	maxGraded    = 6 * time.Second         // with the plan of handshakes
	maxPlan      = 12                      // connections to an address for a full grading
	maxCold      = 60                      // questions for a signed domain with two MX hosts, nothing cached
	maxWarm      = 30                      // the same with root and top-level domain cached
	roundsPrefix = "waiting rounds of 50 ms"
)

// TestTime: a scan of a signed domain with two dual-stack MX hosts, cold
// cache, waits for at most 24 rounds, and for their full grading for as long as
// twelve connections to an address take, one after the other.
func TestTime(t *testing.T) {
	for _, test := range []struct {
		name          string
		handshakeOnly bool
		most          time.Duration
		connections   int
	}{{"one handshake", true, maxTime, 4}, {"graded", false, maxGraded, 4 * maxPlan}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := load(t, lab.Options{Latency: latency})
				s := start(t, l)
				s.Prober.(*probe.Prober).HandshakeOnly = test.handshakeOnly
				began := time.Now()
				snap := scan(t, s, "perfect.test")
				took := time.Since(began)
				t.Logf("%s of scan time, %.1f %s, %d questions, %d connections", took, float64(took)/float64(latency), roundsPrefix, snap.Cost.DNSQueries, snap.Cost.SMTPConnections)
				if took > test.most || snap.Cost.SMTPConnections > test.connections {
					t.Errorf("the scan took %s and %d connections, at most %s and %d are allowed", took, snap.Cost.SMTPConnections, test.most, test.connections)
				}
				for _, s := range snap.Sessions {
					if s.Failure != nil {
						t.Errorf("%s %s: %v", s.Host, s.Addr, s.Failure)
					}
					if graded := s.TLS != nil && s.TLS.Complete; graded == test.handshakeOnly {
						t.Errorf("%s %s: graded is %v", s.Host, s.Addr, graded)
					}
				}
				if len(snap.Sessions) != 4 {
					t.Errorf("%d sessions, want 4", len(snap.Sessions))
				}
			})
		})
	}
}

// withoutRPKI is a scanner that was given no VRPs, which is the usual one.
func withoutRPKI(t testing.TB, l *lab.Lab) *scanner.Scanner {
	s := start(t, l)
	s.Router, s.Vantage.RPKI, s.Vantage.VRPs, s.Vantage.Routes = nil, evidence.Missing, nil, nil
	return s
}

// TestQuestionsOfRPKI counts what RPKI costs where the mail servers' names are
// in the domain itself and where they are in another; routes come from a table.
func TestQuestionsOfRPKI(t *testing.T) {
	for domain, most := range map[string]int{"perfect.test": 4, "unsigned.test": 4} {
		synctest.Test(t, func(t *testing.T) {
			l := load(t, lab.Options{})
			snap := scan(t, withoutRPKI(t, l), domain)
			without := l.Recursive.Total()
			if len(snap.Routings) != 0 {
				t.Errorf("%s: routes were looked up without VRPs", domain)
			}
			l = load(t, lab.Options{})
			snap = scan(t, start(t, l), domain)
			more := l.Recursive.Total() - without
			t.Logf("%s: %d questions, and %d more with RPKI", domain, without, more)
			if more > most {
				t.Errorf("%s: RPKI costs %d questions, at most %d are allowed: %v", domain, more, most, l.Recursive.Count())
			}
			if len(snap.Routings) == 0 {
				t.Errorf("%s: no routes were looked up", domain)
			}
		})
	}
}

// TestRoutesByDNS: without a table each address is asked about once, and the
// questions are counted with the others. This Internet has no such zone, which
// makes every address unrouted.
func TestRoutesByDNS(t *testing.T) {
	var b rpki.VRPBuilder
	for _, v := range []string{"198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff:113::/32"} {
		p := netip.MustParsePrefix(v)
		if err := b.Add(rpki.VRP{Prefix: p, MaxLength: p.Bits(), ASN: 64500}); err != nil {
			t.Fatal(err)
		}
	}
	vrps, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		l := load(t, lab.Options{})
		s := start(t, l)
		s.Router = &origin.Router{VRPs: vrps, Resolver: s.Resolver, Zones: rpki.Zones{IPv4: "origin.nowhere.test", IPv6: "origin6.nowhere.test"}}
		snap := scan(t, s, "perfect.test")
		asked := 0
		for q, n := range l.Recursive.Count() {
			if q.Type == dns.TypeTXT && strings.HasSuffix(q.Name, ".nowhere.test.") {
				asked += n
			}
		}
		if asked != 8 || len(snap.Routings) != 8 {
			t.Errorf("%d questions for routes, %d answers; there are 8 addresses", asked, len(snap.Routings))
		}
		if direct := len(snap.Reaches); snap.Cost.DNSQueries != l.Recursive.Total()+direct {
			t.Errorf("the report says %d questions, the servers got %d and %d", snap.Cost.DNSQueries, l.Recursive.Total(), direct)
		}
		r := judge(t, snap)
		for id, want := range map[string]string{"rpki-mx-exists": "passed", "rpki-mx-valid": "not-tested", "rpki-ns-exists": "warning"} {
			if k := checkOf(t, r, id); k.Status.String() != want {
				t.Errorf("%s is %s, want %s", id, k.Status, want)
			}
		}
	})
}

// TestOriginsByDNS: where the origins are asked for without VRPs, each address of
// a mail server and of a name server is asked about once, and each autonomous
// system of a mail server. A second domain asks none of it again.
func TestOriginsByDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := load(t, lab.Options{})
		s := withoutRPKI(t, l)
		s.Vantage.Origins = true
		s.Router = &origin.Router{Origins: true, Resolver: s.Resolver, Zones: rpki.Zones{IPv4: "origin.asn.test", IPv6: "origin6.asn.test", Names: "asn.test"}}
		asked := func() (n int) {
			for q, c := range l.Recursive.Count() {
				if q.Type == dns.TypeTXT && strings.HasSuffix(q.Name, ".asn.test.") {
					n += c
				}
			}
			return n
		}
		snap := scan(t, s, "perfect.test")
		if n := asked(); n != 8+2 {
			t.Errorf("%d questions, want one for each of 8 addresses and 2 systems", n)
		}
		r := judge(t, snap)
		var texts []string
		for _, f := range checkOf(t, r, "mail-location").Findings {
			texts = append(texts, f.Text)
		}
		if got := strings.Join(texts, "\n"); !strings.Contains(got, "lands in 203.0.113.0/24, which is announced by AS64501 (EXAMPLE-SECOND ?[31mAnother Hosting, DE) and registered for DE (ripencc)") {
			t.Errorf("mail-location says\n%s", got)
		}
		if k := checkOf(t, r, "rpki-mx-valid"); k.Status != check.StatusNotTested {
			t.Errorf("rpki-mx-valid is %s without VRPs", k.Status)
		}
		scan(t, s, "perfect.test")
		if n := asked(); n != 8+2 {
			t.Errorf("%d questions after a second scan", n)
		}
	})
}

// TestQuestions counts at the resolver what a domain costs, cold and warm.
func TestQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := load(t, lab.Options{})
		s := withoutRPKI(t, l)
		snap := scan(t, s, "perfect.test")
		cold := l.Recursive.Total()
		t.Logf("cold: %d questions", cold)
		if cold > maxCold {
			t.Errorf("%d questions cold, at most %d are allowed: %v", cold, maxCold, l.Recursive.Count())
		}
		if direct := len(snap.Reaches); snap.Cost.DNSQueries != cold+direct {
			t.Errorf("the report says %d questions, the servers got %d and %d", snap.Cost.DNSQueries, cold, direct)
		}

		l = load(t, lab.Options{})
		s = withoutRPKI(t, l)
		scan(t, s, "nomx.test")     // brings root, top-level domain and the hoster's zone
		scan(t, s, "unsigned.test") // and the keys of arpa, which every domain with mail servers needs
		l.Recursive.ResetCount()
		scan(t, s, "perfect.test")
		warm := l.Recursive.Total()
		t.Logf("warm: %d questions", warm)
		if warm > maxWarm {
			t.Errorf("%d questions with root and top-level domain cached, at most %d are allowed: %v", warm, maxWarm, l.Recursive.Count())
		}
	})
}

// TestShared: a second domain with the same MX hosts opens no further
// connection to them, also when both are scanned at the same moment.
func TestShared(t *testing.T) {
	for name, together := range map[string]bool{"one after the other": false, "at once": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := load(t, lab.Options{Latency: latency})
				s := start(t, l)
				var wg sync.WaitGroup
				for _, d := range []string{"unsigned.test", "mailhost.test", "bogus.test", "spflimit.test"} {
					wg.Go(func() { scan(t, s, d) })
					if !together {
						wg.Wait()
					}
				}
				wg.Wait()
				for _, host := range []string{"mx1.mailhost.test", "mx2.mailhost.test"} {
					c := l.Server(host).Counts()
					if c.Connections > 2*maxPlan || c.Handshakes < 2 { // over IPv4 and IPv6
						t.Errorf("%s got %d connections and %d handshakes, want at most %d", host, c.Connections, c.Handshakes, 2*maxPlan)
					}
				}
			})
		})
	}
}

// TestNoIPv6: where the scanner has no IPv6, that is not the domain's fault.
func TestNoIPv6(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := load(t, lab.Options{NoIPv6: true})
		r := judge(t, scan(t, start(t, l), "perfect.test"))
		for _, id := range []string{"ipv6-ns-reach", "ipv6-mx-reach"} {
			if k := checkOf(t, r, id); k.Status.String() != "unknown" {
				t.Errorf("%s is %s, want unknown", id, k.Status)
			}
		}
		if r.Score.High != 100 {
			t.Errorf("high is %d, want 100", r.Score.High)
		}
	})
}

func checkOf(t *testing.T, r *report.Report, id string) report.Check {
	t.Helper()
	for _, c := range r.Categories {
		for _, k := range c.Checks {
			if k.ID == id {
				return k
			}
		}
	}
	t.Fatalf("no check %s in the report", id)
	return report.Check{}
}

// TestCancel: a cancelled scan ends at once with the context's error.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := load(t, lab.Options{Latency: latency})
		s := start(t, l)
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		time.AfterFunc(5*latency, cancel)
		if _, err := s.Scan(ctx, "halfdead.test"); err == nil {
			t.Error("the scan ended without an error")
		}
		if took := time.Since(began); took != 5*latency {
			t.Errorf("ended after %s, cancelled after %s", took, 5*latency)
		}
	})
}

// TestBudget: when the time for a domain is used up, what is not known is
// unknown, and the report is there all the same.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := load(t, lab.Options{Latency: latency})
		s := start(t, l)
		s.Timeout = 6 * latency
		began := time.Now()
		snap := scan(t, s, "perfect.test")
		if took := time.Since(began); took > s.Timeout {
			t.Errorf("took %s, allowed were %s", took, s.Timeout)
		}
		r := judge(t, snap)
		for _, c := range r.Categories {
			for _, k := range c.Checks {
				if k.Status.String() == "failed" {
					t.Errorf("%s is failed: a scan that ran out of time blames nobody", k.ID)
				}
			}
		}
		if r.Score != nil && r.Score.High != 100 {
			t.Errorf("high is %d, want 100", r.Score.High)
		}
	})
}

// TestMaxQuestions: when the questions for a domain are used up, what is not
// known is unknown. However few are allowed, nothing is failed for want of
// answers, and no more are asked.
func TestMaxQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for most := 1; most < 24; most += 3 {
			l := load(t, lab.Options{})
			s := start(t, l)
			s.MaxQuestions = most
			snap := scan(t, s, "perfect.test")
			asked := 0
			for _, q := range snap.Lookups {
				if q.Failure == nil {
					asked++
				}
			}
			if asked > most {
				t.Errorf("%d lookups, %d are allowed", asked, most)
			}
			for _, c := range judge(t, snap).Categories {
				for _, k := range c.Checks {
					if k.Status == check.StatusFailed {
						t.Errorf("with %d questions %s is failed: %s", most, k.ID, k.Findings[0].Text)
					}
				}
			}
		}
	})
}

// TestScanAll: all domains, each once, whatever the number of workers.
func TestScanAll(t *testing.T) {
	for _, workers := range []int{1, 7, 100} {
		synctest.Test(t, func(t *testing.T) {
			l := load(t, lab.Options{Latency: latency})
			s := start(t, l)
			s.Workers = workers
			var names []string
			err := s.ScanAll(t.Context(), domains(l), func(d scanner.Domain, _ *evidence.Snapshot) error {
				names = append(names, d.Name)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(names)
			if !slices.Equal(names, l.Domains()) {
				t.Errorf("%d workers: got %v", workers, names)
			}
		})
	}
}

func domains(l *lab.Lab) func(func(scanner.Domain) bool) {
	return func(yield func(scanner.Domain) bool) {
		for _, d := range l.Domains() {
			if !yield(scanner.Domain{Name: d}) {
				return
			}
		}
	}
}

// BenchmarkScan is a whole scan in the lab: DNS and validation with a cold
// cache, four SMTP sessions, judgement.
func BenchmarkScan(b *testing.B) {
	l := load(b, lab.Options{})
	b.ReportAllocs()
	for b.Loop() {
		s := l.Scanner()
		snap := scan(b, s, "perfect.test")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		judge(b, snap)
	}
}

// BenchmarkJudge is evaluation plus scoring of one domain.
func BenchmarkJudge(b *testing.B) {
	snap := scan(b, start(b, load(b, lab.Options{})), "perfect.test")
	b.ReportAllocs()
	for b.Loop() {
		if s := score.Compute(score.InternetNL(), scanner.Judge(snap)); s.High != 100 {
			b.Fatalf("high is %d", s.High)
		}
	}
}
