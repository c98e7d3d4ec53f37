package dnscheck_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"mailvet/dnscheck"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// world builds the snapshot of a scan of example.test from a text, a line each:
//
//	NAME TYPE = DATA ; DATA         an answer, secure unless said otherwise
//	NAME TYPE OUTCOME [SECURITY]    any other outcome: nodata, nxdomain, servfail, timeout, ...
//	NAME TYPE = DATA | SECURITY     an answer of that security
//	NAME TYPE alias TARGET = DATA   an answer behind a CNAME
//	NAME TYPE budget                not answered because the scan was out of time
//	domain NAME                     the domain, if it is not example.test
//	reach HOST ADDR HOW [RCODE [aa]]   a name server's address: reached, or a failure class, and the reply
//	session HOST ADDR HOW           a mail server's address, likewise
//	vantage WORD...                 no-ipv6, no-smtp, no-http, ipv6-missing, ipv4-missing, strips, rpki, no-rpki, origins, private
//	routing ADDR VRPS ROUTES [covered] [vrp=PREFIX-LENGTH=AS] [PREFIX=AS=STATE[=COUNTRY]]...   the sources' conditions, what makes
//	                                a route valid, and routes
//	system AS NAME                  an autonomous system
//
// An undecided failure has a question mark behind it: "budget?".
func world(text string) *evidence.Snapshot {
	s := &evidence.Snapshot{Domain: "example.test"}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case f[0] == "domain":
			s.Domain = f[1]
		case f[0] == "vantage":
			for _, w := range f[1:] {
				worldVantage(&s.Vantage, w)
			}
		case f[0] == "reach":
			how, failure := worldReach(f[3], evidence.OpQuery)
			reply := append(slices.Clone(f[4:]), "", "")
			s.Reaches = append(s.Reaches, evidence.Reach{Host: f[1], Addr: f[2], Outcome: how, Tries: 1, Failure: failure, RCode: reply[0], Authoritative: reply[1] == "aa"})
		case f[0] == "session":
			how, failure := worldReach(f[3], evidence.OpDial)
			s.Sessions = append(s.Sessions, evidence.Session{Host: f[1], Addr: f[2], Port: 25, Reach: how, Failure: failure})
		case f[0] == "routing":
			s.Routings = append(s.Routings, worldRouting(f[1:]))
		case f[0] == "system":
			x := evidence.System{Name: strings.Join(f[2:], " ")}
			_, err := fmt.Sscan(f[1], &x.ASN)
			must(err)
			s.Systems = append(s.Systems, x)
		default:
			s.Lookups = append(s.Lookups, worldLookup(strings.TrimSpace(line)))
		}
	}
	s.Canonical()
	return s
}

func worldVantage(v *evidence.Vantage, word string) {
	switch word {
	case "no-ipv6":
		v.NoIPv6 = true
	case "no-smtp":
		v.NoSMTP = true
	case "no-http":
		v.NoHTTP = true
	case "ipv6-missing":
		v.IPv6 = evidence.Missing
	case "ipv4-missing":
		v.IPv4 = evidence.Missing
	case "strips":
		v.StripsDNSSEC = true
	case "rpki":
		v.RPKI = evidence.Available
	case "private":
		v.AllowPrivate = true
	case "origins":
		v.Origins = true
	case "no-rpki":
		v.RPKI = evidence.Missing
	default:
		panic(word)
	}
}

func worldRouting(f []string) evidence.Routing {
	addr := netip.MustParseAddr(f[0])
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	network, err := addr.Prefix(bits)
	must(err)
	r := evidence.Routing{Addr: f[0], Network: network.String()}
	must(r.VRPSource.UnmarshalText([]byte(f[1])))
	must(r.RouteSource.UnmarshalText([]byte(f[2])))
	vrp := []evidence.VRP{{Prefix: network.String(), MaxLength: bits, ASN: 64500}}
	var given []evidence.VRP
	for _, w := range f[3:] {
		if w == "covered" {
			r.VRPs = vrp
			continue
		}
		if text, ok := strings.CutPrefix(w, "vrp="); ok {
			given = worldVRP(text)
			continue
		}
		p := strings.Split(w, "=")
		route := evidence.Route{Prefix: p[0]}
		_, err := fmt.Sscan(p[1], &route.Origin)
		must(err)
		must(route.State.UnmarshalText([]byte(p[2])))
		if len(p) > 3 {
			route.Country, route.Registry = p[3], "ripencc"
		}
		if route.State == evidence.RouteInvalid {
			route.Reason, route.VRPs = evidence.ReasonAS, vrp
		}
		if route.State == evidence.RouteValid {
			route.VRPs = given
		}
		r.Routes = append(r.Routes, route)
	}
	if r.RouteSource == evidence.SourceUnavailable {
		r.Failure = &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassTimeout}
	}
	return r
}

// worldVRP reads PREFIX-MAXLENGTH=AS.
func worldVRP(text string) []evidence.VRP {
	var v evidence.VRP
	prefix, rest, _ := strings.Cut(text, "-")
	v.Prefix = prefix
	_, err := fmt.Sscanf(rest, "%d=%d", &v.MaxLength, &v.ASN)
	must(err)
	return []evidence.VRP{v}
}

func worldReach(how string, op evidence.Op) (evidence.Reachable, *evidence.Failure) {
	if how == "reached" {
		return evidence.Reached, nil
	}
	how, undecided := strings.CutSuffix(how, "?")
	f := &evidence.Failure{Op: op}
	must(f.Class.UnmarshalText([]byte(how)))
	if undecided {
		return evidence.ReachableUnknown, f
	}
	return evidence.NotReached, f
}

func worldLookup(line string) evidence.Lookup {
	head, data, answer := strings.Cut(line, "=")
	f := strings.Fields(head)
	l := evidence.Lookup{Name: f[0], Type: f[1], Outcome: evidence.OutcomeAnswer, Security: evidence.SecuritySecure}
	owner := l.Name
	if answer {
		data, security, said := strings.Cut(data, "|")
		if said {
			must(l.Security.UnmarshalText([]byte(strings.TrimSpace(security))))
		}
		if len(f) == 4 {
			owner, l.Owner = f[3], f[3]
			l.Aliases = []evidence.RR{{Name: l.Name, Type: "CNAME", Data: owner + "."}}
		}
		for d := range strings.SplitSeq(data, " ; ") {
			l.Answer = append(l.Answer, evidence.RR{Name: owner, Type: l.Type, TTL: 300, Data: strings.TrimSpace(d)})
		}
		return l
	}
	if f[2] == "budget" {
		l.Outcome, l.Failure = evidence.OutcomeTimeout, &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassBudget}
	} else {
		must(l.Outcome.UnmarshalText([]byte(f[2])))
	}
	if !l.Outcome.Known() {
		l.Security = evidence.SecurityIndeterminate
	}
	if len(f) > 3 {
		must(l.Security.UnmarshalText([]byte(f[3])))
	}
	return l
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// judged is a row of a table: a world, and every finding wanted of the checks
// named, as "CHECK[@HOST] CODE VERDICT [POINTS]"; "-" is no verdict.
type judged struct {
	name  string
	world string
	want  []string
}

// checksOf lists the package's checks of some categories.
func checksOf(categories ...check.Category) []*check.Check {
	var list []*check.Check
	for _, c := range dnscheck.Checks {
		if slices.Contains(categories, c.Category) {
			list = append(list, c)
		}
	}
	return list
}

func show(c *check.Check, f check.Finding) string {
	text := c.ID
	if f.Subject.Host != "" {
		text += "@" + f.Subject.Host
	}
	verdict := f.VerdictID()
	if verdict == "" {
		verdict = "-"
	}
	text += " " + f.Code.Name + " " + verdict
	if f.Points != nil {
		text += fmt.Sprint(" ", *f.Points)
	}
	return text
}

// runJudged runs a table.
func runJudged(t *testing.T, rows []judged, categories ...check.Category) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			named := map[string]bool{}
			for _, w := range row.want {
				id, _, _ := strings.Cut(w, " ")
				id, _, _ = strings.Cut(id, "@")
				named[id] = true
			}
			s := world(row.world)
			var got []string
			for _, r := range check.Run(checksOf(categories...), s) {
				for _, f := range r.Findings {
					sound(t, s, r.Check, f)
					if named[r.Check.ID] {
						got = append(got, show(r.Check, f))
					}
				}
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(row.want, "\n\t"))
			}
		})
	}
}

// sound holds for every finding whatever it says: its texts are filled, its
// evidence is in the snapshot.
func sound(t *testing.T, s *evidence.Snapshot, c *check.Check, f check.Finding) {
	t.Helper()
	for _, text := range []string{f.Code.Text, f.Code.Advice} {
		if got := check.Render(text, f.Args); strings.Contains(got, "{") || strings.Contains(got, ": .") {
			t.Errorf("%s %s: a text with a gap: %s", c.ID, f.Code.Name, got)
		}
	}
	for _, p := range f.Evidence {
		var i int
		n := map[string]int{"routings": len(s.Routings), "systems": len(s.Systems), "lookups": len(s.Lookups), "reaches": len(s.Reaches), "sessions": len(s.Sessions)}
		parts := strings.Split(p, "/")
		if len(parts) != 3 {
			t.Errorf("%s: evidence %q", c.ID, p)
		} else if _, err := fmt.Sscan(parts[2], &i); err != nil || i >= n[parts[1]] {
			t.Errorf("%s: evidence %q is not in the snapshot", c.ID, p)
		}
	}
	if c.Category != check.Extra && f.Code.Outcome == check.Pass && f.Verdict == "" && f.Code.Verdict == "" {
		t.Errorf("%s %s passes without a verdict", c.ID, f.Code.Name)
	}
}

// produced collects the codes that tables give, as "CHECK CODE".
func produced(rows []judged, categories ...check.Category) map[string]bool {
	all := map[string]bool{}
	for _, row := range rows {
		for _, r := range check.Run(checksOf(categories...), world(row.world)) {
			for _, f := range r.Findings {
				all[r.Check.ID+" "+f.Code.Name] = true
			}
		}
	}
	return all
}
