package dnscheck_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"testing"

	"mailvet/dnscheck"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

func TestCatalogueIsValid(t *testing.T) {
	if err := check.Validate(dnscheck.Checks); err != nil {
		t.Fatal(err)
	}
}

func TestEveryCodeIsProduced(t *testing.T) {
	all := produced(ipv6Rows, check.IPv6)
	maps.Copy(all, produced(dnssecRows, check.DNSSEC))
	everyCode(t, "ipv6 and dnssec", all)
}

// internetNL tells which outcomes each subtest has, and which of them can occur.
func internetNL(t *testing.T) map[string]map[string]bool {
	t.Helper()
	b, err := os.ReadFile("../../shared/internetnl-subtests.json")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs ../shared/internetnl-subtests.json beside the project")
	}
	if err != nil {
		t.Fatal(err)
	}
	var subtests []struct {
		API      string `json:"api_id"`
		Outcomes []struct {
			Outcome   string
			Reachable bool
		}
	}
	if err := json.Unmarshal(b, &subtests); err != nil {
		t.Fatal(err)
	}
	reachable := map[string]map[string]bool{}
	for _, st := range subtests {
		reachable[st.API] = map[string]bool{}
		for _, o := range st.Outcomes {
			reachable[st.API][o.Outcome] = o.Reachable
		}
	}
	return reachable
}

// The API names and the verdicts are those of the compatibility specification,
// and each outcome that can occur there is the verdict of some code.
func TestVerdictsAreInternetNLs(t *testing.T) {
	reachable := internetNL(t)
	for _, c := range checksOf(check.IPv6, check.DNSSEC, check.RPKI) {
		outcomes, ok := reachable[c.API]
		if !ok {
			t.Errorf("%s: there is no subtest %s", c.ID, c.API)
		}
		used := map[string]bool{}
		for _, code := range c.Codes {
			used[code.Verdict] = true
			if can, ok := outcomes[code.Verdict]; code.Verdict != "" && (!ok || !can) {
				t.Errorf("%s %s: %s has no verdict %q", c.ID, code.Name, c.API, code.Verdict)
			}
		}
		for o, can := range outcomes {
			if can && !used[o] {
				t.Errorf("%s: no code has the verdict %q", c.ID, o)
			}
		}
	}
}

// Each outcome of Internet.nl's that can occur is what some row of the tables
// gives, not only the verdict of some code.
func TestEveryVerdictIsProduced(t *testing.T) {
	reachable := internetNL(t)
	got := map[string]bool{}
	points := map[string]map[int]bool{}
	for _, rows := range [][]judged{ipv6Rows, dnssecRows, rpkiRows} {
		for _, row := range rows {
			for _, r := range check.Run(checksOf(check.IPv6, check.DNSSEC, check.RPKI), world(row.world)) {
				for _, f := range r.Findings {
					got[r.Check.API+" "+f.VerdictID()] = true
					if f.Points != nil {
						if points[r.Check.API] == nil {
							points[r.Check.API] = map[int]bool{}
						}
						points[r.Check.API][*f.Points] = true
					}
				}
			}
		}
	}
	for _, c := range checksOf(check.IPv6, check.DNSSEC, check.RPKI) {
		for o, can := range reachable[c.API] {
			if can && !got[c.API+" "+o] {
				t.Errorf("no row gives %s %s", c.API, o)
			}
		}
	}
	// Full, none, the half of a single one, and averages cut to an integer.
	for api, want := range map[string][]int{"mail_ipv6_ns_reach": {0, 1, 3, 5, 6, 10}, "mail_ipv6_mx_reach": {0, 1, 5, 6, 10}} {
		for _, n := range want {
			if !points[api][n] {
				t.Errorf("no row gives %s %d points; they give %v", api, n, slices.Sorted(maps.Keys(points[api])))
			}
		}
	}
}

// scan answers the wants from a world of lookups until nothing is wanted, and
// returns what was asked, by rounds.
func scan(t *testing.T, all *evidence.Snapshot) (asked [][]string, tried []dnscheck.Want) {
	t.Helper()
	s := &evidence.Snapshot{Domain: all.Domain, Vantage: all.Vantage}
	for {
		var round []string
		for _, q := range dnscheck.Wants(s) {
			if l := s.Lookup(q.Name, q.Type); l != nil {
				continue
			}
			l := evidence.Lookup{Name: q.Name, Type: q.Type, Outcome: evidence.OutcomeNoData}
			if known := all.Lookup(q.Name, q.Type); known != nil {
				l = *known
			}
			s.Lookups = append(s.Lookups, l)
			s.Canonical()
			round = append(round, q.Name+" "+q.Type)
		}
		wants := dnscheck.ReachWants(s)
		for _, w := range wants {
			r := evidence.Reach{Host: w.Host, Addr: w.Addr.String()}
			if known := all.Reach(r.Host, r.Addr); known != nil {
				r = *known
			}
			s.Reaches = append(s.Reaches, r)
		}
		tried = append(tried, wants...)
		if len(round)+len(wants) == 0 {
			return asked, tried
		}
		asked = append(asked, round)
		if len(asked) > 20 {
			t.Fatalf("no end of wants: %v", asked)
		}
	}
}

func flat(rounds [][]string) []string { return slices.Concat(rounds...) }

func TestWants(t *testing.T) {
	tests := []struct {
		name, world string
		asked, not  []string
	}{
		{"name servers and mail servers with their addresses", twoServers,
			[]string{"example.test MX", "example.test NS", "example.test SOA", "ns1.example.test A", "ns2.example.test AAAA", "mx1.example.test A", "mx2.example.test AAAA", "mx1.example.test SOA"},
			[]string{"ns1.example.test SOA", "test NS", "example.test AAAA"}},
		{"own addresses without MX", "example.test MX nodata", []string{"example.test A", "example.test AAAA"}, []string{"test NS"}},
		{"own addresses with a null MX", "example.test MX = 0 .", []string{"example.test A", "example.test AAAA"}, []string{". A", ". SOA"}},
		{"the failed MX brings up nothing", "example.test MX servfail", nil, []string{"example.test AAAA"}},
		{"the eleventh mail server is left alone", hosts("session", "mx", 11, 11, "reached"),
			[]string{"mx10.example.test AAAA", "mx10.example.test SOA"}, []string{"mx11.example.test AAAA", "mx11.example.test SOA"}},
		{"the twenty-first name server is left alone", hosts("reach", "ns", 21, 21, "reached"),
			[]string{"ns20.example.test AAAA"}, []string{"ns21.example.test AAAA"}},
		{"without IPv6 here the addresses are asked for all the same", twoServers + "vantage no-ipv6", []string{"mx1.example.test AAAA"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rounds, _ := scan(t, world(tt.world))
			asked := flat(rounds)
			for _, q := range tt.asked {
				if !slices.Contains(asked, q) {
					t.Errorf("%s was not asked, only %v", q, asked)
				}
			}
			for _, q := range tt.not {
				if slices.Contains(asked, q) {
					t.Errorf("%s was asked", q)
				}
			}
		})
	}
}

func TestWantsClimbToTheZone(t *testing.T) {
	s := world("")
	s.Domain = "mail.dept.example.test"
	all := world("dept.example.test NS nodata\nexample.test NS = ns1.example.test.\n")
	all.Domain = s.Domain
	rounds, _ := scan(t, all)
	asked := flat(rounds)
	for _, q := range []string{"mail.dept.example.test NS", "dept.example.test NS", "example.test NS", "ns1.example.test AAAA"} {
		if !slices.Contains(asked, q) {
			t.Errorf("%s was not asked, only %v", q, asked)
		}
	}
	if slices.Contains(asked, "test NS") {
		t.Error("the top-level domain was asked")
	}
	all = world("dept.example.test NS servfail\n")
	all.Domain = s.Domain
	rounds, _ = scan(t, all)
	if !slices.Contains(flat(rounds), "example.test NS") {
		t.Error("the climb stopped at a failure, where Internet.nl goes on")
	}
	all = world("dept.example.test NS budget\n")
	all.Domain = s.Domain
	rounds, _ = scan(t, all)
	if slices.Contains(flat(rounds), "example.test NS") {
		t.Error("the climb went on although the scan was out of time")
	}
}

func TestReachWants(t *testing.T) {
	silentV6 := without(twoServers, []string{"reach ns2", "ns2.example.test A "}, `
		ns2.example.test A = 192.0.2.2 ; 192.0.2.3 ; 192.0.2.4
		reach ns2.example.test 2001:db8::2 timeout
		`)
	six := []string{"2001:db8::1", "2001:db8::2"}
	tests := []struct {
		name, world string
		want        []string
	}{
		{"the IPv6 addresses alone", twoServers, six},
		{"some IPv4 addresses of a silent server", silentV6, []string{"2001:db8::1", "2001:db8::2", "192.0.2.2", "192.0.2.3"}},
		{"no IPv4 here", silentV6 + "vantage ipv4-missing", six},
		{"no IPv4 address of a server that refuses", without(silentV6, []string{"\t\treach"}, "reach ns2.example.test 2001:db8::2 refused"), six},
		{"no IPv6 here", twoServers + "vantage ipv6-missing", nil},
		{"--no-ipv6", twoServers + "vantage no-ipv6", nil},
		{"eight addresses of a server", "example.test NS = ns1.example.test.\nns1.example.test AAAA = 2001:db8::1 ; 2001:db8::2 ; 2001:db8::3 ; 2001:db8::4 ; 2001:db8::5 ; 2001:db8::6 ; 2001:db8::7 ; 2001:db8::8 ; 2001:db8::9",
			[]string{"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8::5", "2001:db8::6", "2001:db8::7", "2001:db8::8"}},
		{"mail servers are tried by SMTP", "example.test NS nodata\nexample.test MX = 10 mx.example.test.\nmx.example.test AAAA = 2001:db8::11", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, tried := scan(t, world(tt.world))
			var got []string
			for _, w := range tried {
				got = append(got, w.Addr.String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("tried %v, want %v", got, tt.want)
			}
		})
	}
}

// Whatever a file holds, the checks answer and the wants are bounded.
func TestHostileSnapshots(t *testing.T) {
	long := ""
	for range 100 {
		long += "x."
	}
	worlds := map[string]string{
		"broken data":                   "example.test MX = x ; ; 10 ; 70000 a.\nexample.test NS = ;\n",
		"broken addresses":              "example.test NS = ns.\nns A = 2001:db8::1 ; x\nns AAAA = 192.0.2.1 ; fe80::1%eth0\n",
		"a server . and a single label": "example.test MX = 10 . ; 20 mx.\n. A nodata\nmx AAAA nodata\n",
		"a long name":                   "example.test MX = 10 " + long + "\n",
		"its own server":                "example.test NS = example.test.\nexample.test MX = 10 example.test.\n",
	}
	for name, text := range worlds {
		t.Run(name, func(t *testing.T) {
			s := world(text + "vantage rpki\n")
			for _, r := range check.Run(checksOf(check.IPv6, check.DNSSEC, check.RPKI), s) {
				for _, f := range r.Findings {
					sound(t, s, r.Check, f)
				}
			}
			if rounds, _ := scan(t, s); len(flat(rounds)) > 60 {
				t.Errorf("%d questions", len(flat(rounds)))
			}
		})
	}
}

// Stored evidence comes from files: whatever can be read is judged, the same
// way twice, and wants few questions.
func FuzzChecks(f *testing.F) {
	for _, rows := range [][]judged{ipv6Rows, dnssecRows, rpkiRows} {
		for _, row := range rows {
			b, err := evidence.Marshal(world(row.world))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	checks := checksOf(check.IPv6, check.DNSSEC, check.RPKI)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := evidence.Unmarshal(b)
		if err != nil {
			return
		}
		first, second := check.Run(checks, s), check.Run(checks, s)
		for i, r := range first {
			for j, finding := range r.Findings {
				if got, again := show(r.Check, finding), show(r.Check, second[i].Findings[j]); got != again {
					t.Errorf("%s, then %s", got, again)
				}
			}
		}
		dnscheck.ReachWants(s)
		dnscheck.RouteWants(s)
		dnscheck.Wants(s)
	})
}

func BenchmarkChecks(b *testing.B) {
	s := world(twoServers + oneMX("= ns. h. 1 2 3 4 5", "nodata secure"))
	checks := checksOf(check.IPv6, check.DNSSEC, check.RPKI)
	for b.Loop() {
		check.Run(checks, s)
	}
}
