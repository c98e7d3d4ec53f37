package realdns_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

// TestReal runs all that needs the tree, which takes seconds to be made.
func TestReal(t *testing.T) {
	for _, name := range []string{"unbound", "delv"} {
		tool(t, name)
	}
	w := newTree(t)
	port, _ := w.validating().start(t)
	t.Run("agreement", func(t *testing.T) { testAgreement(t, w, addr(port)) })
	t.Run("broken", func(t *testing.T) { testBroken(t, w, addr(port)) })
	t.Run("revoked", func(t *testing.T) { testRevoked(t, w, port) })
	t.Run("delv", func(t *testing.T) { testDelv(t, w, port) })
	t.Run("random", func(t *testing.T) { testRandom(t, w, addr(port)) })
	t.Run("algorithm", func(t *testing.T) { testAlgorithm(t, w, addr(port)) })
	t.Run("chain", func(t *testing.T) { testChain(t, w, addr(port)) })
	t.Run("anchor", func(t *testing.T) { testAnchor(t, w) })
	t.Run("TCP", func(t *testing.T) { testTCP(t, w, addr(port)) })
	t.Run("TLS", func(t *testing.T) { testTLS(t, w) })
	t.Run("forwarder", func(t *testing.T) { testForwarder(t, w, port) })
	t.Run("portal", func(t *testing.T) { testPortal(t, w) })
	t.Run("scan", func(t *testing.T) { testScan(t, w, addr(port)) })
	t.Run("scan states", func(t *testing.T) { testScanStates(t, w, addr(port)) })
}

// client asks a server with our resolver, and fails the test should that try
// to reach anything but this machine.
func client(t *testing.T, server string) *resolver.Resolver {
	t.Helper()
	r := &resolver.Resolver{Servers: []string{server}, Timeout: askTime}
	r.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, _, err := net.SplitHostPort(address); err != nil || host != loopback {
			t.Errorf("%s is dialled, which is not on this machine", address)
			return nil, net.ErrClosed
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// validator trusts the anchors given as text.
func validator(t *testing.T, anchors string) *dnssec.Validator {
	t.Helper()
	list, err := dnssec.ParseAnchors(strings.NewReader(anchors))
	if err != nil {
		t.Fatal(err)
	}
	return &dnssec.Validator{Anchors: list, Now: time.Now}
}

// ours is our resolver with our validator.
func (w *tree) ours(t *testing.T, server string) *resolver.Resolver {
	t.Helper()
	r := client(t, server)
	r.Validator = validator(t, w.anchor)
	return r
}

// lookup is a Lookup that must not fail as such.
func lookup(t *testing.T, r *resolver.Resolver, name, typ string) evidence.Lookup {
	t.Helper()
	l, err := r.Lookup(t.Context(), name, typ)
	if err != nil {
		t.Errorf("%s %s: %v", name, typ, err)
	}
	return l
}

// judgement is what somebody says of a question.
type judgement struct {
	security evidence.Security
	outcome  evidence.Outcome
}

func (j judgement) String() string {
	if j.security == bogus {
		return "bogus"
	}
	return j.security.String() + " " + j.outcome.String()
}

// same leaves the outcome out of what is bogus: what then comes is nobody's word.
func (j judgement) same(k judgement) bool {
	return j.security == k.security && (j.security == bogus || j.outcome == k.outcome)
}

func (q question) judgement() judgement { return judgement{q.want, q.outcome} }

// expect compares one of our lookups with what has to come of it.
func (q question) expect(t *testing.T, who string, l evidence.Lookup) {
	t.Helper()
	if got := (judgement{l.Security, l.Outcome}); !got.same(q.judgement()) {
		t.Errorf("%s %s: %s says %s, want %s: %s", q.name, q.typ, who, got, q.judgement(), l.Reason)
	}
}

// verdict asks Unbound, which validates: SERVFAIL is bogus, AD is secure.
func verdict(t *testing.T, server string, q question) judgement {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(q.name), typeOf(t, q.typ))
	m.SetEdns0(1232, false)
	m.AuthenticatedData = true
	var r *dns.Msg
	err := errors.New("not asked")
	for range 3 { // Unbound closes connections when it has too many
		if r, _, err = (&dns.Client{Net: "tcp", Timeout: askTime}).ExchangeContext(t.Context(), m, server); err == nil {
			break
		}
	}
	if err != nil {
		t.Errorf("%s %s: %v", q.name, q.typ, err)
		return judgement{}
	}
	j := judgement{security: insecure, outcome: noData}
	if r.AuthenticatedData {
		j.security = secure
	}
	switch r.Rcode {
	case dns.RcodeServerFailure:
		return judgement{security: bogus}
	case dns.RcodeNameError:
		j.outcome = nxDomain
	case dns.RcodeSuccess:
		if slices.ContainsFunc(r.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype == m.Question[0].Qtype }) {
			j.outcome = answer
		}
	default:
		t.Errorf("%s %s: Unbound says %s", q.name, q.typ, dns.RcodeToString[r.Rcode])
	}
	return j
}

func typeOf(t *testing.T, s string) uint16 {
	t.Helper()
	if typ, ok := dns.StringToType[s]; ok {
		return typ
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "TYPE"), 10, 16)
	if err != nil {
		t.Fatalf("%s is no type", s)
	}
	return uint16(n)
}

// testAgreement asks everything of our resolver, while Unbound knows nothing
// yet, then of Unbound, and then again, all at once, of our resolver while
// Unbound has it all in its cache, validated or found bogus. At last Unbound's
// verdicts are taken over as they are.
func testAgreement(t *testing.T, w *tree, server string) {
	all := questions()
	cold := w.ours(t, server)
	for _, q := range all {
		q.expect(t, "our validator", lookup(t, cold, q.name, q.typ))
	}
	states := map[evidence.Security]int{}
	for _, q := range all {
		j := verdict(t, server, q)
		states[j.security]++
		if !j.same(q.judgement()) {
			t.Errorf("%s %s: Unbound says %s, want %s", q.name, q.typ, j, q.judgement())
		}
	}
	t.Logf("%d questions: %v", len(all), states)

	warm := w.ours(t, server)
	trusting := client(t, server)
	trusting.TrustAD = true
	for who, r := range map[string]*resolver.Resolver{"our validator, warm": warm, "our resolver that trusts Unbound": trusting} {
		var group sync.WaitGroup
		for _, q := range all {
			group.Go(func() { q.expect(t, who, lookup(t, r, q.name, q.typ)) })
		}
		group.Wait()
	}
	for who, r := range map[string]*resolver.Resolver{"cold": cold, "warm": warm, "trusting": trusting} {
		if r.Stripped() {
			t.Errorf("%s: Unbound is said to strip DNSSEC records", who)
		}
		t.Logf("%s: %+v", who, r.Stats())
	}
}

// testDelv has BIND's validator judge some of them: those about one thing, and
// a few of each zone.
func testDelv(t *testing.T, w *tree, port int) {
	ask := w.delv(t, port)
	list := questions()
	list = slices.DeleteFunc(list, func(q question) bool {
		// delv shows both kinds of insecurity by proof as validated.
		if q.lax {
			return true
		}
		first, _, _ := strings.Cut(q.name, ".")
		few := slices.Contains([]string{"mx A", "no A", "ent A", "x MX"}, first+" "+q.typ)
		return !few && !slices.Contains(singleQuestions, q)
	})
	for _, q := range list {
		if got, out := ask(q); got != q.want {
			t.Errorf("%s %s: delv says %s, want %s: %s", q.name, q.typ, got, q.want, out)
		}
	}
	t.Logf("%d questions", len(list))
}

// delv is BIND's validator, which asks the resolver at a port and trusts the
// tree's anchor.
func (w *tree) delv(t *testing.T, port int) func(question) (judged evidence.Security, output string) {
	t.Helper()
	delv := tool(t, "delv")
	file := filepath.Join(folder(t), "anchors")
	var text strings.Builder
	for _, ds := range w.zone(t, ".").ds {
		fmt.Fprintf(&text, "trust-anchors { . static-ds %d %d %d %q; };\n", ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest)
	}
	write(t, file, text.String())
	return func(q question) (evidence.Security, string) {
		ctx, cancel := context.WithTimeout(t.Context(), startTime)
		defer cancel()
		out, err := exec.CommandContext(ctx, delv, "-a", file, "+root", "+nomtrace",
			"-p", strconv.Itoa(port), "@"+loopback, "-q", q.name, "-t", q.typ).CombinedOutput()
		s := fmt.Sprintf("%v\n%s", err, out)
		switch {
		case strings.Contains(s, "unsigned answer"), strings.Contains(s, "response unsigned"):
			return insecure, s
		case strings.Contains(s, "fully validated"):
			return secure, s
		}
		return bogus, s
	}
}

// testAlgorithm: a zone that ldns signed with Ed448 is secure, its denials too.
func testAlgorithm(t *testing.T, w *tree, server string) {
	r := w.ours(t, server)
	for _, q := range []question{
		{name: "ed448.test", typ: "MX", want: secure, outcome: answer},
		{name: "no.ed448.test", typ: "A", want: secure, outcome: nxDomain},
		{name: "ed448.test", typ: "DS", want: secure, outcome: answer},
	} {
		q.expect(t, "our validator", lookup(t, r, q.name, q.typ))
		if j := verdict(t, server, q); j.security != q.want {
			t.Errorf("%s %s: Unbound says %s; does it not know Ed448?", q.name, q.typ, j)
		}
	}
}

// testChain compares the recorded chain of trust with the keys that Knot made.
func testChain(t *testing.T, w *tree, server string) {
	l := lookup(t, w.ours(t, server), "mx.below.ent.nsec.test", "A")
	want := []string{".", "test", "nsec.test", "below.ent.nsec.test"}
	if len(l.Zones) != len(want) {
		t.Fatalf("the chain is %+v, want %v", l.Zones, want)
	}
	for i, z := range l.Zones {
		if z.Name != want[i] || z.Security != secure || z.Reason != "" {
			t.Errorf("zone %d is %+v, want %s, secure", i, z, want[i])
			continue
		}
		var keys []evidence.Key
		for _, ds := range w.zone(t, z.Name).ds {
			keys = append(keys, evidence.Key{Tag: ds.KeyTag, Algorithm: ds.Algorithm, Digest: ds.DigestType})
		}
		for _, k := range z.Keys {
			if !slices.Contains(keys, k) {
				t.Errorf("zone %s is entered by %+v; its DS records are %+v", z.Name, k, keys)
			}
		}
		if len(z.Keys) == 0 {
			t.Errorf("zone %s has no key", z.Name)
		}
	}
	tag := w.zone(t, "below.ent.nsec.test").ds[0].KeyTag
	if len(l.Signatures) != 1 || l.Signatures[0].Zone != "below.ent.nsec.test" || l.Signatures[0].Tag != tag || l.Signatures[0].Algorithm != dns.ED25519 {
		t.Errorf("the signatures are %+v, want one by key %d of below.ent.nsec.test", l.Signatures, tag)
	}
}

// testAnchor: with a wrong anchor all is bogus to Unbound, and to us. But what
// Unbound thinks of it does not keep us from the data (RFC 6840, Section 5.9),
// so with the right anchor all is well through that same Unbound.
func testAnchor(t *testing.T, w *tree) {
	wrong := &tree{zones: w.zones, knot: w.knot, nsd: w.nsd}
	for _, ds := range w.zone(t, "nsec.test").ds {
		ds := *ds
		ds.Hdr.Name = "."
		wrong.anchor += ds.String() + "\n"
	}
	port, _ := wrong.validating().start(t)
	right, misled := w.ours(t, addr(port)), wrong.ours(t, addr(port))
	for _, q := range []question{
		{name: "nsec.test", typ: "MX", want: secure, outcome: answer},
		{name: "no.nsec3.test", typ: "A", want: secure, outcome: nxDomain},
		{name: "unsigned.test", typ: "MX", want: insecure, outcome: answer},
		{name: "mx.edited.test", typ: "A", want: bogus},
	} {
		q.expect(t, "our validator", lookup(t, right, q.name, q.typ))
		q.want = bogus
		q.expect(t, "our validator, misled", lookup(t, misled, q.name, q.typ))
		if j := verdict(t, addr(port), q); j.security != bogus {
			t.Errorf("%s %s: Unbound, misled, says %s, want bogus", q.name, q.typ, j)
		}
	}
	if misled.Stripped() {
		t.Error("Unbound is said to strip DNSSEC records, but it is the anchor that is wrong")
	}
}
