package realmail_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/smtptest"
	"mailvet/smtpcheck/tlshello"
)

// TestGrade grades the TLS of real servers and compares what it finds with how
// they were set up, and with what others' scanners find. What each costs the
// server is counted by a relay in between.
func TestGrade(t *testing.T) {
	root(t)
	ca := smtptest.NewCA("Real", time.Now())
	costs := &costs{}
	t.Run("servers", func(t *testing.T) {
		for _, server := range []string{"postfix", "exim", "openssl", "gnutls-serv", "go", "java"} {
			t.Run(server, func(t *testing.T) {
				t.Parallel()
				tool(t, "sslscan")
				gradeCases(t, ca, server, costs)
			})
		}
	})
	// testssl.sh was asked about orders, groups and extensions at the first server
	// only, so that the others' numbers are for less than ours.
	t.Logf("connections:\n%s", costs)
}

// gradeCases grades one kind of server.
func gradeCases(t *testing.T, ca *smtptest.CA, server string, costs *costs) {
	t.Helper()
	var addrs map[string]string
	switch server {
	case "postfix":
		addrs = startHosts(t, &postfix{}, ca, 24)
	case "exim":
		addrs = startHosts(t, &exim{}, ca, 24)
	}
	for i := range tlsCases {
		c := &tlsCases[i]
		if c.server != server {
			continue
		}
		t.Run(c.label, func(t *testing.T) {
			t.Parallel()
			addr := addrs[c.label]
			switch server {
			case "go":
				addr = startGo(t, ca, c)
			case "java":
				addr = startJava(t, ca, c)
			case "openssl", "gnutls-serv":
				addr = startRaw(t, ca, c)
			}
			gradeCase(t, c, ca, addr, costs)
		})
	}
}

// costs are the numbers of connections, by case and tool.
type costs struct {
	mu   sync.Mutex
	rows map[string]map[string]int
}

func (c *costs) add(label, who string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rows == nil {
		c.rows = map[string]map[string]int{}
	}
	if c.rows[label] == nil {
		c.rows[label] = map[string]int{}
	}
	c.rows[label][who] = n
}

// String is a table in the order of the cases.
func (c *costs) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	columns := []string{"mailvet", "sslscan", "testssl.sh"}
	fmt.Fprintf(w, "| server\t| %s\t|\n", strings.Join(columns, "\t| "))
	var labels []string
	for i := range tlsCases {
		label := tlsCases[i].server + "/" + tlsCases[i].label
		labels = append(labels, label, label+", limited")
	}
	for _, label := range labels {
		row := c.rows[label]
		if row == nil {
			continue
		}
		fmt.Fprint(w, "| ", label)
		for _, who := range columns {
			if n, ok := row[who]; ok {
				fmt.Fprintf(w, "\t| %d", n)
			} else {
				fmt.Fprint(w, "\t| -")
			}
		}
		fmt.Fprint(w, "\t|\n")
	}
	w.Flush()
	return b.String()
}

func gradeCase(t *testing.T, c *tlsCase, ca *smtptest.CA, addr string, costs *costs) {
	label := c.server + "/" + c.label
	most := c.most
	if most == 0 {
		most = usualConnections
	}
	r, n := gradeServer(t, ca, addr, func(p *probe.Prober) {
		if p.MaxConnections = most; c.mute {
			p.Timeout = patience / 10
		}
	})
	costs.add(label, "mailvet", n)
	x := r.Session.TLS
	if x == nil {
		t.Fatalf("no plan: %v, %v", r.Session.StartTLS, r.Session.Failure)
	}
	t.Logf("ours, %d connections:\n%s", n, described(x))
	if n != r.Opened || n != r.Session.Connections+x.Connections {
		t.Errorf("%d connections, not %d, or %d and %d", n, r.Opened, r.Session.Connections, x.Connections)
	}
	if !x.Complete {
		t.Errorf("not complete with %d connections: %v", n, x.Stopped)
	}
	facts := factsOf(x)
	for name, want := range c.wants {
		if facts[name] != want {
			t.Errorf("%s: %q, set up was %q", name, facts[name], want)
		}
	}
	scan := sslscan(t, addr)
	costs.add(label, "sslscan", scan.connections)
	opinions := []*opinion{scan, opensslFacts(t, addr, x, scan)}
	switch {
	case c.testssl == nil:
	case os.Getenv("MAILVET_REAL") != "1":
		t.Log("testssl.sh takes minutes and is asked with MAILVET_REAL=1 only")
	default:
		o := testssl(t, addr, c.testssl...)
		costs.add(label, "testssl.sh", o.connections)
		opinions = append(opinions, o)
	}
	for _, o := range opinions {
		compareOpinion(t, label, x, o)
	}
	if n <= probe.DefaultMaxConnections {
		return
	}
	// With the usual limit the list is cut off, and what there is of it is true.
	r, n = gradeServer(t, ca, addr, func(*probe.Prober) {})
	costs.add(label+", limited", "mailvet", n)
	x = r.Session.TLS
	if n != probe.DefaultMaxConnections || x.Complete || x.Stopped == nil || x.Stopped.Class != evidence.ClassBudget {
		t.Errorf("%d connections, complete %v, stopped %v", n, x.Complete, x.Stopped)
	}
	for _, o := range opinions {
		compareOpinion(t, label, x, o)
	}
}

// gradeServer grades the server at an address, and counts the connections.
func gradeServer(t testing.TB, ca *smtptest.CA, addr string, change func(*probe.Prober)) (probe.Result, int) {
	t.Helper()
	relay := newRelay(t, addr)
	p := &probe.Prober{
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, relay.addr())
		},
		Helo: "scanner.example", Roots: ca.Pool(), AllowPrivate: true, Timeout: patience / 2, Backoff: 20 * time.Millisecond,
	}
	change(p)
	r, err := p.Probe(t.Context(), "mx.example.test", netip.MustParseAddr("192.0.2.25"))
	if err != nil {
		t.Fatal(err)
	}
	p.Wait()
	return r, int(relay.opened.Load())
}

// described is what was found out, and how.
func described(x *evidence.TLS) string {
	var b strings.Builder
	for _, v := range x.Versions {
		fmt.Fprintf(&b, "%s %v %s: %d suites, complete %v\n", v.Version, v.Answer, v.Reason, len(v.Suites), v.SuitesComplete)
	}
	fmt.Fprintf(&b, "%v\n", factsOf(x))
	for _, g := range x.Groups {
		fmt.Fprintf(&b, "%s %v %v; ", g.Name, g.Answer, g.Versions)
	}
	fmt.Fprintf(&b, "complete %v\n", x.GroupsComplete)
	for _, a := range x.Asked {
		fmt.Fprintf(&b, "  %s %s: %v %s %s %s %s %v\n", a.Question, a.Version, a.Answer, a.ChosenIn, a.Chosen, a.Group, a.Alert, a.Failure)
	}
	return b.String()
}

// compareOpinion lists where others differ, but for the departures that are
// known.
func compareOpinion(t *testing.T, label string, x *evidence.TLS, o *opinion) {
	t.Helper()
	differ := func(format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		for _, d := range departures {
			if d.who == o.who && d.from.MatchString(label+": "+text) {
				t.Logf("%s, a known departure: %s: %s", o.who, text, d.reason)
				return
			}
		}
		t.Errorf("%s: %s", o.who, text)
	}
	for _, v := range tlshello.Versions() {
		theirs, told := o.versions[v.String()]
		ours := x.Version(v.String())
		if !told {
			continue
		}
		if ours.Answer.Known() && theirs != (ours.Answer == evidence.Accepted) {
			differ("%v: ours %v, theirs %v", v, ours.Answer, theirs)
		}
		if v != tlshello.SSL20 {
			compareSuites(differ, x, v, ours, o)
		}
	}
	facts := factsOf(x)
	for name, theirs := range o.facts {
		ours := facts[name]
		open := ours == "unknown" || !x.Complete && (ours == evidence.NotAsked.String() || ours == evidence.NoAnswer.String())
		if ours != theirs && !open {
			differ("%s: ours %s, theirs %s", name, ours, theirs)
		}
	}
	if o.groups == nil {
		return
	}
	for _, g := range x.Groups {
		if g.Answer == evidence.Accepted && !slices.Contains(o.groups, g.Name) {
			differ("group %s: only ours", g.Name)
		}
	}
	for _, name := range o.groups {
		if g := x.Group(name); g.Answer == evidence.Refused {
			differ("group %s: only theirs", name)
		}
	}
}

func compareSuites(differ func(string, ...any), x *evidence.TLS, v tlshello.Version, ours evidence.TLSVersion, o *opinion) {
	for _, found := range ours.Suites {
		s, _ := tlshello.ParseSuite(found.Name)
		if !slices.Contains(o.suites[v.String()], s) {
			differ("%v %v: only ours", v, s)
		}
		if bits := o.dh[s]; found.DH != nil && bits != "" && bits != fmt.Sprint(found.DH.Bits) {
			differ("%v %v: DH of ours %d bits, theirs %s", v, s, found.DH.Bits, bits)
		}
	}
	for _, s := range o.suites[v.String()] {
		answer := x.Suite(v.String(), s.String())
		if answer != evidence.Accepted && (x.Complete || answer.Known()) {
			differ("%v %v: ours %v, theirs accepted", v, s, answer)
		}
	}
}
