package resolver_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/dnstest"
	"mailvet/report/evidence"
)

// txt is a TXT record's data of so many strings of 255 octets.
func txt(n int) string {
	return strings.Repeat(" \""+strings.Repeat("x", 255)+"\"", n)
}

// faultWorld has secure, insecure and bogus zones, and large records.
func faultWorld(t testing.TB) *dnstest.World {
	t.Helper()
	zone := func(origin, text string, o dnstest.Options) *dnstest.Zone {
		z, err := dnstest.ParseZone(origin, "$TTL 300\n@ NS ns\nns A 192.0.2.53\n"+text, o)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	w, err := dnstest.NewWorld(epoch,
		zone("test", "", dnstest.Options{Signed: true, NSEC3: &dnstest.NSEC3Options{}}),
		zone("good.test", "@ MX 10 mx\nmx A 192.0.2.25\nfour TXT"+txt(16)+"\nall TXT"+txt(254)+"\n", dnstest.Options{Signed: true}),
		zone("plain.test", "@ A 192.0.2.26\n", dnstest.Options{}),
		zone("bogus.test", "@ A 192.0.2.27\n", dnstest.Options{Signed: true, Corrupt: true}))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// faultRow is something that a resolver or the way to it does wrong, and what
// must be said of the domain then.
type faultRow struct {
	name     string
	question string     // "" for good.test MX
	servers  [][]string // faults, by server, as [dnstest.ParseFault] reads them
	refuse   map[string]error
	serve    handler // instead of servers

	outcome  evidence.Outcome
	security evidence.Security
	class    evidence.Class
	took     time.Duration // negative: does not matter
	stripped bool
	reason   string // part of it
}

// anyTime is where the chain of trust needs more questions than one, each of
// which takes its time.
const anyTime = -1

func one(faults ...string) [][]string { return [][]string{faults} }

// faults is the list of what resolvers do wrong. None of it is ever secure
// without proof, bogus by a resolver's word, or an absence that nobody stated.
func faults() []faultRow {
	const (
		answer, noRecord = evidence.OutcomeAnswer, evidence.OutcomeNXDomain
		silence, broken  = evidence.OutcomeTimeout, evidence.OutcomeNetwork
		secure, bogus    = evidence.SecuritySecure, evidence.SecurityBogus
		insecure, open   = evidence.SecurityInsecure, evidence.SecurityIndeterminate
	)
	aliases := answering(func(_, _ string, q, m *dns.Msg) *dns.Msg {
		for i := range 100 {
			m.Answer = append(m.Answer, rrs(fmt.Sprintf("n%d.test. 60 IN CNAME n%d.test.", i, i+1))...)
		}
		m.Answer = append(m.Answer, rrs("n100.test. 60 IN A 192.0.2.1")...)
		return m
	})
	rows := []faultRow{
		{name: "none", servers: one(), outcome: answer, security: secure},
		{name: "truncated", servers: one("* * udp truncate"), outcome: answer, security: secure},
		{name: "truncated over TCP too", servers: one("* * * truncate"), outcome: evidence.OutcomeMalformed, class: evidence.ClassProtocol, security: open},
		{name: "wrong id", servers: one("* * * wrong-id"), outcome: silence, class: evidence.ClassTimeout, security: open, took: 9 * time.Second},
		{name: "wrong id over UDP", servers: one("* * udp wrong-id"), outcome: answer, security: secure, took: anyTime},
		{name: "wrong id of one server", servers: [][]string{{"* * * wrong-id"}, {}}, outcome: answer, security: secure, took: 3 * time.Second},
		{name: "wrong question", servers: one("* * * wrong-question"), outcome: silence, class: evidence.ClassTimeout, security: open, took: 9 * time.Second},
		{name: "wrong question over UDP", servers: one("* * udp wrong-question"), outcome: answer, security: secure, took: anyTime},
		{name: "wrong case", servers: one("* * * wrong-case"), outcome: answer, security: secure},
		{name: "fragments lost, a small answer arrives", question: "no.test A", servers: one("* * udp lose-large"), outcome: noRecord, security: secure, took: 3 * time.Second},
		{name: "fragments lost, whatever is asked for", question: "no.test A", servers: one("no.test A udp drop"), outcome: noRecord, security: secure, took: 6 * time.Second},
		{name: "EDNS refused with FORMERR", servers: one("* * * no-edns-formerr"), outcome: answer, security: open, stripped: true},
		{name: "EDNS refused with NOTIMP", servers: one("* * * no-edns-notimp"), outcome: answer, security: open, stripped: true},
		{name: "EDNS refused with silence", servers: one("* * * no-edns-drop"), outcome: answer, security: open, stripped: true, took: 6 * time.Second},
		{name: "EDNS refused with silence over UDP only", servers: one("* * udp no-edns-drop"), outcome: answer, security: open, stripped: true, took: 6 * time.Second},
		{name: "EDNS ignored", servers: one("* * * ignore-edns"), outcome: answer, security: open, stripped: true},
		{name: "the first packet lost is not EDNS refused", servers: one("good.test MX udp drop first 1"), outcome: answer, security: secure, took: 3 * time.Second},
		{name: "RRSIG stripped everywhere", servers: one("* * * strip-dnssec"), outcome: answer, security: open, stripped: true},
		{name: "RRSIG stripped of one answer", servers: one("good.test MX * strip-rrsig"), outcome: answer, security: bogus},
		{name: "RRSIG stripped by one of two", servers: [][]string{{"* * * strip-dnssec"}, {}}, outcome: answer, security: secure},
		{name: "CD ignored, good data", servers: one("* * * ignore-cd"), outcome: answer, security: secure},
		{name: "CD ignored, bogus data", question: "bogus.test A", servers: one("* * * ignore-cd"), outcome: evidence.OutcomeServFail, security: open, reason: "DNSSEC Bogus"},
		{name: "AD always set, unsigned", question: "plain.test A", servers: one("* * * set-ad"), outcome: answer, security: insecure},
		{name: "AD always set, bogus", question: "bogus.test A", servers: one("* * * set-ad", "* * * no-validation"), outcome: answer, security: bogus},
		{name: "AD always set, stripped", servers: one("* * * set-ad", "* * * strip-dnssec"), outcome: answer, security: open, stripped: true},
		{name: "SERVFAIL", servers: one("* * * rcode SERVFAIL"), outcome: evidence.OutcomeServFail, security: open},
		{name: "SERVFAIL of one server", servers: [][]string{{"* * * rcode SERVFAIL ede 22"}, {}}, outcome: answer, security: secure},
		{name: "REFUSED", servers: one("* * * rcode REFUSED"), outcome: evidence.OutcomeRefused, class: evidence.ClassRefused, security: open},
		{name: "REFUSED by one server", servers: [][]string{{"* * * rcode REFUSED ede 18"}, {}}, outcome: answer, security: secure},
		{name: "one of three dead", servers: [][]string{{"* * * drop"}, {}, {}}, outcome: answer, security: secure, took: 3 * time.Second},
		{name: "two of three dead", servers: [][]string{{"* * * drop"}, {"* * * drop"}, {}}, outcome: answer, security: secure, took: 6 * time.Second},
		{name: "one of three unreachable", servers: [][]string{{}, {}, {}}, refuse: map[string]error{"udp 192.0.2.1:53": syscall.EHOSTUNREACH}, outcome: answer, security: secure},
		{name: "one of three lying", servers: [][]string{{"* * * corrupt-rrsig", "* * * no-validation"}, {}, {}}, outcome: answer, security: secure},
		{name: "two of three lying", servers: [][]string{{"* * * corrupt-rrsig", "* * * no-validation"}, {"* * * expire-rrsig", "* * * no-validation"}, {}}, outcome: answer, security: secure},
		{name: "TCP refused", servers: one("* * udp truncate"), refuse: map[string]error{"tcp 192.0.2.1:53": syscall.ECONNREFUSED}, outcome: broken, class: evidence.ClassRefused, security: open, took: 600 * time.Millisecond},
		{name: "TCP slow", servers: one("* * udp truncate", "good.test MX tcp delay 2s"), outcome: answer, security: secure, took: 2 * time.Second},
		{name: "TCP too slow", servers: one("* * udp truncate", "good.test MX tcp delay 4s"), outcome: silence, class: evidence.ClassTimeout, security: open, took: 9 * time.Second},
		{name: "TTL 0", servers: one("* * * ttl 0"), outcome: answer, security: secure},
		{name: "TTL of 68 years", servers: one("* * * ttl 2147483647"), outcome: answer, security: secure},
		{name: "TTL with the top bit", servers: one("* * * ttl 2147483648"), outcome: answer, security: secure},
		{name: "TTL of all bits", servers: one("* * * ttl 4294967295"), outcome: answer, security: secure},
		{name: "100 CNAMEs", question: "n0.test A", serve: aliases, outcome: evidence.OutcomeLoop, security: open},
		{name: "answer of 4 kB", question: "four.good.test TXT", servers: one(), outcome: answer, security: secure},
		{name: "answer of 64 kB", question: "all.good.test TXT", servers: one(), outcome: answer, security: secure},
		{name: "answer of 64 kB, no TCP", question: "all.good.test TXT", servers: one("* * tcp drop"), outcome: silence, class: evidence.ClassTimeout, security: open, took: 9 * time.Second},
		{name: "garbage", servers: one("* * * garbage"), outcome: silence, class: evidence.ClassTimeout, security: open, took: 9 * time.Second},
		{name: "referral", servers: one("* * * lame"), outcome: evidence.OutcomeMalformed, class: evidence.ClassProtocol, security: open},
		{name: "stale secondary behind the resolver", servers: one("good.test * * expire-rrsig cd", "*.good.test * * expire-rrsig cd"), outcome: answer, security: secure},
		{name: "stale secondary has one answer", servers: one("good.test MX * expire-rrsig cd"), outcome: answer, security: secure},
		{name: "stale secondary, and nothing better", servers: one("good.test MX * expire-rrsig"), outcome: answer, security: bogus},
		{name: "stale secondary behind one of two, the other dead", servers: [][]string{{"good.test MX * expire-rrsig cd"}, {"* * * drop"}}, outcome: answer, security: secure},
	}
	for code := range uint16(32) {
		row := faultRow{name: fmt.Sprintf("SERVFAIL with extended error %d", code), servers: one(fmt.Sprintf("* * * rcode SERVFAIL ede %d", code)),
			outcome: evidence.OutcomeServFail, security: open, reason: edeNames[min(int(code), len(edeNames)-1)]}
		rows = append(rows, row)
	}
	return rows
}

// edeNames are those that IANA registered, by code; then that of the rest.
var edeNames = []string{
	"Other Error", "Unsupported DNSKEY Algorithm", "Unsupported DS Digest Type", "Stale Answer", "Forged Answer", "DNSSEC Indeterminate", "DNSSEC Bogus",
	"Signature Expired", "Signature Not Yet Valid", "DNSKEY Missing", "RRSIGs Missing", "No Zone Key Bit Set", "NSEC Missing", "Cached Error", "Not Ready",
	"Blocked", "Censored", "Filtered", "Prohibited", "Stale NXDOMAIN Answer", "Not Authoritative", "Not Supported", "No Reachable Authority", "Network Error",
	"Invalid Data", "Signature Expired before Valid", "Too Early", "Unsupported NSEC3 Iterations Value", "Unable to conform to policy", "Synthesized",
	"Invalid Query Type", "extended error 31",
}

// network makes a row's network, and the servers to ask.
func (row *faultRow) network(t testing.TB, w *dnstest.World) (*fakeNet, []string) {
	t.Helper()
	n := &fakeNet{serve: row.serve, refuse: func(network, address string) error { return row.refuse[network+" "+address] }}
	if row.serve != nil {
		return n, nil
	}
	serve := map[string]handler{}
	var addrs []string
	for i, lines := range row.servers {
		s := w.Resolver()
		for _, line := range lines {
			f, err := dnstest.ParseFault(line)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.AddFaults(f); err != nil {
				t.Fatal(err)
			}
		}
		addr := fmt.Sprintf("192.0.2.%d", i+1)
		addrs = append(addrs, addr)
		serve[addr+":53"] = serving(s, 0).serve
	}
	n.serve = func(ctx context.Context, network, address string, query []byte) [][]byte {
		return serve[address](ctx, network, address, query)
	}
	return n, addrs
}

func TestFaults(t *testing.T) {
	w := faultWorld(t)
	for _, row := range faults() {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, addrs := row.network(t, w)
				r := over(t, n, addrs...)
				r.Validator = &dnssec.Validator{Anchors: w.Anchors(), Now: time.Now}
				name, qtype := "good.test", "MX"
				if row.question != "" {
					name, qtype, _ = strings.Cut(row.question, " ")
				}
				start := time.Now()
				l := lookup(t, r, name, qtype)
				if took := time.Since(start); row.took >= 0 && took != row.took {
					t.Errorf("took %v, want %v", took, row.took)
				}
				class := evidence.ClassUnknown
				if l.Failure != nil {
					class = l.Failure.Class
				}
				if l.Outcome != row.outcome || l.Security != row.security || class != row.class || r.Stripped() != row.stripped {
					t.Errorf("%v, %v (%s), %v, stripped %t; want %v, %v, %v, %t",
						l.Outcome, l.Security, l.Reason, l.Failure, r.Stripped(), row.outcome, row.security, row.class, row.stripped)
				}
				if !strings.Contains(l.Reason, row.reason) {
					t.Errorf("reason %q, want one with %q", l.Reason, row.reason)
				}
				if q := r.Stats().Questions; q > 60 {
					t.Errorf("%d questions", q)
				}
			})
		})
	}
}

// Whichever server is asked first, the verdict is that of the good one.
func TestFaultsWithRotate(t *testing.T) {
	w := faultWorld(t)
	for _, row := range faults() {
		if len(row.servers) < 2 {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, addrs := row.network(t, w)
				r := over(t, n, addrs...)
				r.Rotate = true
				r.Validator = &dnssec.Validator{Anchors: w.Anchors(), Now: time.Now}
				for _, typ := range []string{"MX", "NS", "SOA", "MX"} {
					if l := lookup(t, r, "good.test", typ); l.Outcome != row.outcome || l.Security != row.security || r.Stripped() {
						t.Errorf("%s: %v, %v (%s), stripped %t", typ, l.Outcome, l.Security, l.Reason, r.Stripped())
					}
				}
			})
		})
	}
}

// What must be in the table is there.
func TestFaultsAreComplete(t *testing.T) {
	var names []string
	for _, row := range faults() {
		names = append(names, row.name)
	}
	for _, want := range []string{"truncated", "wrong id", "wrong question", "wrong case", "fragments lost", "EDNS refused with FORMERR", "EDNS refused with NOTIMP",
		"EDNS refused with silence", "RRSIG stripped", "CD ignored", "AD always set", "SERVFAIL with extended error 0", "SERVFAIL with extended error 30", "REFUSED",
		"one of three dead", "one of three lying", "TCP refused", "TCP slow", "TTL 0", "TTL of 68 years", "100 CNAMEs", "answer of 4 kB", "answer of 64 kB"} {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, want) }) {
			t.Errorf("no row for %q", want)
		}
	}
}

// With TrustAD the codes that a validator gives for bogus data make the verdict;
// no other does.
func TestExtendedErrorsWithTrustAD(t *testing.T) {
	bogus := []uint16{6, 7, 8, 9, 10, 11, 12, 25}
	for code := range uint16(32) {
		n := &fakeNet{serve: answering(func(_, _ string, _, m *dns.Msg) *dns.Msg {
			m.Rcode = dns.RcodeServerFailure
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: code}}
			return m
		})}
		r := over(t, n)
		r.TrustAD = true
		want := evidence.SecurityIndeterminate
		if slices.Contains(bogus, code) {
			want = evidence.SecurityBogus
		}
		if l := lookup(t, r, "example.test", "A"); l.Security != want || l.Outcome != evidence.OutcomeServFail || !strings.Contains(l.Reason, edeNames[code]) {
			t.Errorf("%d: %v, %v (%s)", code, l.Outcome, l.Security, l.Reason)
		}
	}
}

// A resolver that filters says nothing about the name, whatever it answers;
// one that hands out old data, or data that it made from proofs, does.
func TestFilteringResolver(t *testing.T) {
	for code := range uint16(32) {
		for _, rcode := range []int{dns.RcodeSuccess, dns.RcodeNameError} {
			filters := code == 4 || code == 15 || code == 16 || code == 17
			serve := answering(func(_, address string, q, m *dns.Msg) *dns.Msg {
				if address == "192.0.2.2:53" {
					m.Answer = rrs("example.test. 60 IN A 192.0.2.80")
					return m
				}
				if m.Rcode = rcode; rcode == dns.RcodeSuccess {
					m.Answer = rrs("example.test. 60 IN A 192.0.2.66")
				}
				m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: code}}
				return m
			})
			alone := lookup(t, over(t, &fakeNet{serve: serve}), "example.test", "A")
			if alone.Outcome.Known() == filters || filters && (alone.Outcome != evidence.OutcomeRefused || !strings.Contains(alone.Failure.Text, edeNames[code])) {
				t.Errorf("%d alone: %v, %v", code, alone.Outcome, alone.Failure)
			}
			beside := lookup(t, over(t, &fakeNet{serve: serve}, "192.0.2.1", "192.0.2.2"), "example.test", "A")
			if filters && (len(beside.Answer) != 1 || beside.Answer[0].Data != "192.0.2.80") {
				t.Errorf("%d beside a good server: %v, %v", code, beside.Outcome, beside.Answer)
			}
		}
	}
}

// EDNS that is dropped on the way costs one question its time; then the server
// is known, until it may have been repaired.
func TestEDNSSilenceIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		row := faultRow{servers: one("* * * no-edns-drop")}
		n, addrs := row.network(t, faultWorld(t))
		r := over(t, n, addrs...)
		for i, want := range []time.Duration{6 * time.Second, 0, 0} {
			start := time.Now()
			if l := lookup(t, r, fmt.Sprintf("n%d.plain.test", i), "A"); l.Outcome != evidence.OutcomeNXDomain || time.Since(start) != want {
				t.Errorf("%d: %v after %v", i, l.Outcome, time.Since(start))
			}
		}
		time.Sleep(11 * time.Minute)
		start := time.Now()
		if l := lookup(t, r, "later.plain.test", "A"); l.Outcome != evidence.OutcomeNXDomain || time.Since(start) != 6*time.Second {
			t.Errorf("later: %v after %v", l.Outcome, time.Since(start))
		}
	})
}

// A server that answered with EDNS once is never asked without because of
// silence.
func TestEDNSIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		plain := 0
		n := &fakeNet{serve: answering(func(_, _ string, q, m *dns.Msg) *dns.Msg {
			mu.Lock()
			defer mu.Unlock()
			if q.IsEdns0() == nil {
				plain++
			}
			if strings.HasPrefix(q.Question[0].Name, "dead") {
				return nil
			}
			return m
		})}
		r := over(t, n)
		lookup(t, r, "a.test", "A")
		for i := range 5 {
			lookup(t, r, fmt.Sprintf("dead%d.test", i), "A")
		}
		if plain != 0 {
			t.Errorf("%d questions without EDNS", plain)
		}
	})
}

// A connection with many questions is closed after some answers: the rest is
// asked over new ones, at once, and nothing is lost.
func TestPipelinedConnectionClosedInTheMiddle(t *testing.T) {
	for _, answers := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			served := map[context.Context]int{}
			n := &fakeNet{serve: late(10*time.Millisecond, func(ctx context.Context, _, _ string, q []byte) [][]byte {
				mu.Lock()
				served[ctx]++
				closing := served[ctx] > answers
				mu.Unlock()
				if closing {
					time.Sleep(time.Millisecond) // after the answers
					return [][]byte{nil}
				}
				return [][]byte{good(q, nil)}
			})}
			r := over(t, n, "tcp://192.0.2.1")
			start := time.Now()
			var group sync.WaitGroup
			for i := range 8 {
				group.Go(func() {
					if l := lookup(t, r, fmt.Sprintf("n%d.test", i), "A"); l.Outcome != evidence.OutcomeAnswer {
						t.Errorf("%d: %v, %v", i, l.Outcome, l.Failure)
					}
				})
			}
			group.Wait()
			if got, want := n.dialed("tcp 192.0.2.1:53"), (8+answers-1)/answers; got != want {
				t.Errorf("%d connections, want %d", got, want)
			}
			if took := time.Since(start); took > 100*time.Millisecond {
				t.Errorf("took %v", took)
			}
		})
	}
}
