package smtpcheck_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/report/score"
	"mailvet/smtpcheck"
)

// testCase changes the sound world and says what a check answers then. An empty
// verdict means that Internet.nl says nothing.
type testCase struct {
	check, code, verdict string
	name                 string // where the code alone does not say it
	change               func(*world)
}

func cases(t *testing.T) []testCase {
	var list []testCase
	for _, more := range [][]testCase{domainCases(), addressCases(), sessionCases(), certificateCases(t), daneCases(t), rolloverCases(t), caaCases(), tlsCases(), extraCases(t)} {
		list = append(list, more...)
	}
	return list
}

func TestCases(t *testing.T) {
	produced := map[*check.Check]map[*check.Code]bool{}
	for _, c := range cases(t) {
		t.Run(strings.TrimSuffix(c.check+"/"+c.code+"/"+c.name, "/"), func(t *testing.T) {
			w := newWorld()
			c.change(w)
			w.Canonical()
			results := check.Run(smtpcheck.Checks, w.Snapshot)
			score.Compute(score.InternetNL(), results) // panics on an unknown verdict
			for _, r := range results {
				for _, f := range r.Findings {
					if produced[r.Check] == nil {
						produced[r.Check] = map[*check.Code]bool{}
					}
					produced[r.Check][f.Code] = true
					for _, text := range []string{f.Code.Text, f.Code.Advice} {
						if text = check.Render(text, f.Args); strings.Contains(text, "{") {
							t.Errorf("%s: an argument is missing: %s", r.Check.ID, text)
						}
					}
				}
				if r.Check.ID != c.check {
					continue
				}
				f := r.Findings[0]
				if f.Code.Name != c.code || f.VerdictID() != c.verdict {
					t.Errorf("%s, verdict %q; want %s, %q\n%s", f.Code.Name, f.VerdictID(), c.code, c.verdict, check.Render(f.Code.Text, f.Args))
				}
			}
		})
	}
	t.Run("every code", func(t *testing.T) {
		for _, c := range smtpcheck.Checks {
			if c.Evaluate == nil {
				continue
			}
			for _, code := range c.Codes {
				if !produced[c][code] {
					t.Errorf("no case shows %s/%s", c.ID, code.Name)
				}
			}
		}
	})
}

func domainCases() []testCase {
	return []testCase{
		{"starttls-exists", "no-mx", "other-2", "", func(w *world) { w.outcome(domain, "MX", evidence.OutcomeNoData) }},
		{"starttls-exists", "no-mx", "other-2", "localhost only", func(w *world) { w.answer(domain, "MX", "10 localhost.") }},
		{"starttls-exists", "no-null-mx", "other-2", "", func(w *world) {
			w.outcome(domain, "MX", evidence.OutcomeNoData)
			w.answer(domain, "A", four)
			w.answer(domain, "TXT", `"v=spf1 -all"`)
		}},
		{"starttls-exists", "null-mx", "null-mx", "", func(w *world) {
			w.answer(domain, "MX", "0 .")
			w.answer(domain, "A", four)
		}},
		{"starttls-exists", "null-mx-address-unknown", "null-mx-without-a-aaaa", "", func(w *world) {
			w.answer(domain, "MX", "0 .")
			w.outcome(domain, "A", evidence.OutcomeNoData)
			w.outcome(domain, "AAAA", evidence.OutcomeServFail)
		}},
		{"starttls-exists", "null-mx", "null-mx", "the scan ended before the addresses were known", func(w *world) {
			w.answer(domain, "MX", "0 .")
			w.outcome(domain, "A", evidence.OutcomeNoData)
			w.lookup(domain, "AAAA", func(l *evidence.Lookup) {
				l.Outcome, l.Answer, l.Failure = evidence.OutcomeTimeout, nil, &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassBudget}
			})
		}},
		{"starttls-exists", "null-mx", "null-mx", "one address is enough", func(w *world) {
			w.answer(domain, "MX", "0 .")
			w.answer(domain, "A", four)
			w.outcome(domain, "AAAA", evidence.OutcomeServFail)
		}},
		{"starttls-exists", "null-mx-without-address", "null-mx-without-a-aaaa", "", func(w *world) {
			w.answer(domain, "MX", "0 .")
			w.outcome(domain, "A", evidence.OutcomeNoData)
			w.outcome(domain, "AAAA", evidence.OutcomeNoData)
		}},
		{"starttls-exists", "null-mx-with-others", "null-mx-with-other-mx", "", func(w *world) { w.answer(domain, "MX", "0 .", "10 "+mx+".") }},
		{"starttls-exists", "mx-unknown", "other-2", "SERVFAIL", func(w *world) { w.outcome(domain, "MX", evidence.OutcomeServFail) }},
		{"starttls-exists", "mx-unknown", "other-2", "time-out", func(w *world) { w.outcome(domain, "MX", evidence.OutcomeTimeout) }},
		// The others have nothing to add then.
		{"dane-exists", "nothing-to-test", "", "null MX", func(w *world) { w.answer(domain, "MX", "0 .") }},
		{"dane-exists", "blocked", "", "null MX with others", func(w *world) { w.answer(domain, "MX", "0 .", "10 "+mx+".") }},
		{"dane-exists", "unknown-requirement", "untested", "MX unknown", func(w *world) { w.outcome(domain, "MX", evidence.OutcomeServFail) }},
		{"cert-key", "nothing-to-test", "", "null MX", func(w *world) { w.answer(domain, "MX", "0 .") }},
	}
}

func addressCases() []testCase {
	none := func(w *world) {
		w.outcome(mx, "A", evidence.OutcomeNoData)
		w.outcome(mx, "AAAA", evidence.OutcomeNoData)
	}
	noSMTP := func(w *world) { w.Vantage.NoSMTP, w.Sessions = true, nil }
	return []testCase{
		{"starttls-exists", "not-asked", "", "", noSMTP},
		{"cert-trust", "skipped", "", "", noSMTP},
		{"dane-exists", "host-not-asked-with-records", "", "", noSMTP},
		{"dane-exists", "host-not-asked-without-records", "", "", func(w *world) { noSMTP(w); w.outcome("_25._tcp."+mx, "TLSA", evidence.OutcomeNXDomain) }},
		{"dane-exists", "skipped", "", "records unknown", func(w *world) { noSMTP(w); w.outcome("_25._tcp."+mx, "TLSA", evidence.OutcomeTimeout) }},
		{"starttls-exists", "no-address", "other", "", none},
		{"starttls-exists", "no-address", "other", "alias loop", func(w *world) {
			w.outcome(mx, "A", evidence.OutcomeLoop)
			w.outcome(mx, "AAAA", evidence.OutcomeLoop)
		}},
		{"starttls-exists", "no-such-host", "other", "", func(w *world) {
			w.outcome(mx, "A", evidence.OutcomeNXDomain)
			w.outcome(mx, "AAAA", evidence.OutcomeNXDomain)
		}},
		{"starttls-exists", "addresses-unknown", "other", "both", func(w *world) {
			w.outcome(mx, "A", evidence.OutcomeServFail)
			w.outcome(mx, "AAAA", evidence.OutcomeServFail)
		}},
		{"starttls-exists", "addresses-unknown", "other", "A only", func(w *world) { w.outcome(mx, "A", evidence.OutcomeTimeout) }},
		{"starttls-exists", "addresses-unknown", "other", "AAAA, and no A", func(w *world) {
			w.outcome(mx, "A", evidence.OutcomeNoData)
			w.outcome(mx, "AAAA", evidence.OutcomeServFail)
		}},
		{"starttls-exists", "good", "good", "AAAA unknown", func(w *world) { w.outcome(mx, "AAAA", evidence.OutcomeServFail) }},
		{"starttls-exists", "good", "good", "IPv6 only", func(w *world) { w.outcome(mx, "A", evidence.OutcomeNoData) }},
		{"starttls-exists", "good", "good", "IPv6 left out", func(w *world) {
			w.Vantage.NoIPv6 = true
			w.session(six, failure(evidence.OpConfig, evidence.ClassNoFamily))
		}},
		{"starttls-exists", "ipv6-not-asked", "", "IPv6 only", func(w *world) { w.Vantage.NoIPv6 = true; w.outcome(mx, "A", evidence.OutcomeNoData) }},
		{"starttls-exists", "not-a-host-name", "other", "the root", func(w *world) { w.answer(domain, "MX", "10 .") }},
		{"starttls-exists", "not-a-host-name", "other", "an address", func(w *world) { w.answer(domain, "MX", "10 192.0.2.1.") }},
	}
}

func sessionCases() []testCase {
	starttls := func(name, code, verdict string, x evidence.Session) testCase {
		return testCase{"starttls-exists", code, verdict, name, func(w *world) { w.fail(x) }}
	}
	rejected := func(op evidence.Op, code int, line string) evidence.Session {
		x := failure(op, evidence.ClassPermanent)
		r := &evidence.Reply{Code: code, Lines: []string{line}}
		if op == evidence.OpBanner {
			x.Greeting = r
		} else {
			x.Greeting, x.Hello = &evidence.Reply{Code: 220}, r
		}
		return x
	}
	offered := func(state evidence.StartTLS, class evidence.Class) evidence.Session {
		x := failure(evidence.OpSTARTTLS, class)
		x.Greeting, x.Verb, x.Hello, x.StartTLS, x.Extensions = &evidence.Reply{Code: 220}, "EHLO", &evidence.Reply{Code: 250}, state, []string{"SIZE 1000", "STARTTLS"}
		if class == evidence.ClassTemporary {
			x.StartReply = &evidence.Reply{Code: 454, Lines: []string{"4.7.0 TLS not available due to local problem"}}
		}
		return x
	}
	handshake := func(class evidence.Class) evidence.Session {
		x := offered(evidence.StartTLSStarted, class)
		x.Failure.Op = evidence.OpHandshake
		x.Handshake = &evidence.Handshake{SNI: mx, Failure: x.Failure}
		return x
	}
	// No handshake was completed, but the plan found these suites in a version.
	agreed := func(addrs string, ver string, names ...string) func(*world) {
		return func(w *world) {
			for _, addr := range strings.Fields(addrs) {
				x := handshake(evidence.ClassTLSAlert)
				x.TLS = soundTLS()
				speaksOnly(ver, names...)(x.TLS)
				w.session(addr, x)
			}
		}
	}
	const rc4, export = "TLS_RSA_WITH_RC4_128_SHA", "TLS_RSA_EXPORT_WITH_RC4_40_MD5"
	without := func(extensions ...string) evidence.Session {
		return evidence.Session{Greeting: &evidence.Reply{Code: 220}, Verb: "EHLO", Hello: &evidence.Reply{Code: 250}, Extensions: extensions, StartTLS: evidence.StartTLSNotOffered}
	}
	at := func(name, code, verdict, addr string, x evidence.Session) testCase {
		return testCase{"starttls-exists", code, verdict, name, func(w *world) { w.session(addr, x) }}
	}
	dial := func(class evidence.Class) evidence.Session { return failure(evidence.OpDial, class) }
	// Another MX host that answers, without STARTTLS.
	alive := func(w *world) {
		w.answer(domain, "MX", "10 "+mx+".", "20 z.example.test.")
		w.answer("z.example.test", "A", "192.0.2.9")
		w.outcome("z.example.test", "AAAA", evidence.OutcomeNoData)
		x := without()
		x.Host, x.Addr, x.Port = "z.example.test", "192.0.2.9", 25
		w.Sessions = append(w.Sessions, x)
	}
	return []testCase{
		{"starttls-exists", "good", "good", "", func(w *world) {}},
		{"starttls-exists", "good", "good", "failure after the handshake", func(w *world) {
			for i := range w.Sessions {
				w.Sessions[i].Failure = &evidence.Failure{Op: evidence.OpHelloTLS, Class: evidence.ClassTimeout}
			}
		}},
		starttls("", "not-offered", "other", without("SIZE 1000", "PIPELINING")),
		starttls("XXXXXXXA", "stripped", "other", without("SIZE 1000", "XXXXXXXA")),
		starttls("XXXXXXXX", "stripped", "other", without("XXXXXXXX")),
		starttls("XCLIENT is no stripped STARTTLS", "not-offered", "other", without("XCLIENT NAME ADDR")),
		starttls("", "starttls-refused", "other", offered(evidence.StartTLSRefused, evidence.ClassPermanent)),
		starttls("454", "temporary", "other", offered(evidence.StartTLSDeferred, evidence.ClassTemporary)),
		starttls("421 greeting", "temporary", "other", failure(evidence.OpBanner, evidence.ClassTemporary)),
		starttls("554 greeting", "no-service", "other", rejected(evidence.OpBanner, 554, "no SMTP service here")),
		starttls("521 greeting", "no-service", "other", rejected(evidence.OpBanner, 521, "mx does not accept mail")),
		starttls("554 5.7.1 greeting", "refuses-this-client", "other", rejected(evidence.OpBanner, 554, "5.7.1 listed")),
		starttls("550 greeting", "refuses-this-client", "other", rejected(evidence.OpBanner, 550, "go away")),
		starttls("554 to EHLO", "refuses-this-client", "other", rejected(evidence.OpHello, 554, "no such name")),
		starttls("alert", "handshake-unknown", "other", handshake(evidence.ClassTLSAlert)),
		{"starttls-exists", "no-usual-handshake", "good", "SSL 3.0 only", agreed(four+" "+six, "SSL 3.0", rc4)},
		{"starttls-exists", "no-usual-handshake", "good", "SSL 3.0 only at IPv6", agreed(six, "SSL 3.0", rc4)},
		{"starttls-exists", "no-usual-handshake", "good", "SSL 3.0 only at IPv4", agreed(four, "SSL 3.0", rc4)},
		{"starttls-exists", "some-addresses-fail", "good", "export only at IPv6", agreed(six, "TLS 1.0", export)},
		{"starttls-exists", "unusable-tls", "other", "", agreed(four+" "+six, "TLS 1.0", export)},
		{"starttls-exists", "handshake-unknown", "other", "export, and the list is not complete", func(w *world) {
			agreed(four+" "+six, "TLS 1.0", export)(w)
			tlsBoth(func(t *evidence.TLS) { version(t, "TLS 1.0").SuitesComplete = false })(w)
		}},
		{"starttls-exists", "handshake-unknown", "other", "anonymous only", agreed(four+" "+six, "TLS 1.2", "TLS_DH_anon_WITH_AES_128_CBC_SHA")},
		{"tls-version", "insufficient", "bad", "SSL 3.0 only", agreed(four+" "+six, "SSL 3.0", rc4)},
		{"tls-ciphers", "insufficient", "bad", "SSL 3.0 only", agreed(four+" "+six, "SSL 3.0", rc4)},
		{"tls-ciphers", "blocked", "", "export only", agreed(four+" "+six, "TLS 1.0", export)},
		{"cert-key", "no-certificate", "", "no certificate seen", agreed(four+" "+six, "SSL 3.0", rc4)},
		{"cert-key", "good", "good", "a certificate in the plan's flights", func(w *world) {
			chain := w.Sessions[0].Handshake.Chain
			agreed(four+" "+six, "SSL 3.0", rc4)(w)
			tlsBoth(func(t *evidence.TLS) { t.Certificates[1].Chain = chain })(w)
		}},
		starttls("goes on in the clear", "handshake-failed", "other", handshake(evidence.ClassProtocol)),
		starttls("fails on this side", "handshake-unknown", "other", handshake(evidence.ClassTLS)),
		starttls("time-out in the handshake", "silent", "other", handshake(evidence.ClassTimeout)),
		starttls("closed in the handshake", "broken-off", "other", handshake(evidence.ClassClosed)),
		starttls("cancelled in the handshake", "not-finished", "could-not-test", handshake(evidence.ClassCancelled)),
		starttls("handshake without a word", "not-finished", "could-not-test", evidence.Session{StartTLS: evidence.StartTLSStarted}),
		starttls("", "not-smtp", "other", failure(evidence.OpBanner, evidence.ClassProtocol)),
		starttls("greets again after EHLO", "refuses-this-client", "other", failure(evidence.OpHello, evidence.ClassProtocol)),
		starttls("endless reply", "not-smtp", "other", failure(evidence.OpHello, evidence.ClassTooLarge)),
		starttls("", "connection-refused", "other", dial(evidence.ClassRefused)),
		starttls("silence everywhere", "nothing-answers", "other", dial(evidence.ClassTimeout)),
		starttls("no route everywhere", "nothing-answers", "other", dial(evidence.ClassUnreachable)),
		starttls("no greeting", "silent", "other", failure(evidence.OpBanner, evidence.ClassTimeout)),
		starttls("closed at once", "broken-off", "other", failure(evidence.OpBanner, evidence.ClassClosed)),
		starttls("reset", "broken-off", "other", failure(evidence.OpHello, evidence.ClassReset)),
		starttls("private address", "forbidden-address", "other", failure(evidence.OpConfig, evidence.ClassForbidden)),
		starttls("", "no-address-family", "could-not-test", dial(evidence.ClassNoFamily)),
		starttls("budget", "not-finished", "could-not-test", failure(evidence.OpConfig, evidence.ClassBudget)),
		starttls("no failure", "not-finished", "could-not-test", evidence.Session{}),
		{"starttls-exists", "not-finished", "could-not-test", "no session", func(w *world) { w.Sessions = nil }},
		{"starttls-exists", "no-answer", "other", "another host answers", func(w *world) { w.fail(dial(evidence.ClassTimeout)); alive(w) }},
		{"starttls-exists", "nothing-answers", "other", "no IPv6 here", func(w *world) {
			w.session(four, dial(evidence.ClassTimeout))
			w.session(six, dial(evidence.ClassNoFamily))
		}},
		// Some addresses work.
		at("IPv6 without STARTTLS", "some-addresses-fail", "good", six, without()),
		at("IPv6 refused", "some-addresses-fail", "good", six, dial(evidence.ClassRefused)),
		at("IPv6 silent", "good-rest-unknown", "good", six, dial(evidence.ClassTimeout)),
		at("no IPv6 here", "good-rest-unknown", "good", six, dial(evidence.ClassNoFamily)),
		at("IPv4 without STARTTLS", "counted-address-fails", "other", four, without()),
		at("IPv4 silent", "counted-address-unknown", "other", four, dial(evidence.ClassTimeout)),
		at("IPv4 put off", "counted-address-unknown", "other", four, failure(evidence.OpBanner, evidence.ClassTemporary)),
		at("no time for IPv4", "counted-address-unknown", "could-not-test", four, failure(evidence.OpHandshake, evidence.ClassBudget)),
		{"starttls-exists", "some-addresses-fail", "good", "the first of two IPv4 addresses", func(w *world) {
			w.answer(mx, "A", four, "192.0.2.2")
			w.serve("192.0.2.2", good, evidence.Trusted)
			w.session(four, dial(evidence.ClassRefused))
		}},
		{"starttls-exists", "counted-address-fails", "other", "the last of two IPv4 addresses", func(w *world) {
			w.answer(mx, "A", four, "192.0.2.2")
			w.session("192.0.2.2", dial(evidence.ClassRefused))
		}},
		{"cert-key", "blocked", "", "", func(w *world) { w.fail(without()) }},
		{"cert-key", "unknown-requirement", "", "", func(w *world) { w.fail(dial(evidence.ClassTimeout)) }},
		{"cert-key", "good", "good", "other addresses fail", func(w *world) { w.session(six, without()) }},
		{"dane-exists", "host-failed-with-records", "", "", func(w *world) { w.fail(without()) }},
		{"dane-exists", "host-failed-without-records", "", "", func(w *world) { w.fail(without()); w.outcome("_25._tcp."+mx, "TLSA", evidence.OutcomeNoData) }},
		{"dane-exists", "blocked", "", "records unknown", func(w *world) { w.fail(without()); w.outcome("_25._tcp."+mx, "TLSA", evidence.OutcomeServFail) }},
		{"dane-exists", "host-unknown-with-records", "untested", "", func(w *world) { w.fail(dial(evidence.ClassTimeout)) }},
		{"dane-exists", "host-unknown-without-records", "untested", "", func(w *world) {
			w.fail(dial(evidence.ClassTimeout))
			w.security("_25._tcp."+mx, "TLSA", evidence.SecurityInsecure)
		}},
		{"dane-exists", "unknown-requirement", "", "records unknown", func(w *world) {
			w.fail(dial(evidence.ClassTimeout))
			w.outcome("_25._tcp."+mx, "TLSA", evidence.OutcomeServFail)
		}},
	}
}

// A host of many addresses keeps the one that counts.
func TestManyAddresses(t *testing.T) {
	w := newWorld()
	var a, aaaa []string
	for i := range 20 {
		a, aaaa = append(a, fmt.Sprintf("192.0.2.%d", 100+i)), append(aaaa, fmt.Sprintf("2001:db8::%d", 10+i))
	}
	for _, c := range []struct {
		name          string
		four, six     []string
		noIPv6        bool
		first, last   string
		n4, n6, total int
	}{
		{"both", a, aaaa, false, "192.0.2.116", "2001:db8::13", 4, 4, 8},
		{"few IPv6", a, aaaa[:2], false, "192.0.2.114", "2001:db8::11", 6, 2, 8},
		{"few IPv4", a[:1], aaaa, false, "192.0.2.100", "2001:db8::16", 1, 7, 8},
		{"IPv6 left out", a, aaaa, true, "192.0.2.112", "192.0.2.119", 8, 0, 8},
		{"few", a[:2], aaaa[:2], false, "192.0.2.100", "2001:db8::11", 2, 2, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.Sessions = nil
			w.answer(mx, "A", c.four...)
			w.answer(mx, "AAAA", c.six...)
			w.Vantage.NoIPv6 = c.noIPv6
			w.Canonical()
			list := smtpcheck.ProbeWants(w.Snapshot)
			n4 := 0
			for _, x := range list {
				if x.Host != mx {
					t.Errorf("host %s", x.Host)
				}
				if x.Addr.Is4() {
					n4++
				}
			}
			if len(list) != c.total || n4 != c.n4 || len(list)-n4 != c.n6 || list[0].Addr.String() != c.first || list[len(list)-1].Addr.String() != c.last {
				t.Errorf("%v", list)
			}
		})
	}
}

func TestWants(t *testing.T) {
	w := newWorld()
	w.lookup(mx, "A", func(l *evidence.Lookup) {
		l.Owner, l.Aliases = "real.example.test", []evidence.RR{{Name: mx, Type: "CNAME", Data: "real.example.test."}}
	})
	w.answer(domain, "MX", "10 "+mx+".", "20 second.example.test.", "30 .")
	w.Canonical()
	got := fmt.Sprint(smtpcheck.Wants(w.Snapshot))
	if want := "[{mx.example.test CAA} {_25._tcp.real.example.test TLSA} {_25._tcp.second.example.test TLSA} {second.example.test CAA}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := smtpcheck.ProbeWants(w.Snapshot); len(got) != 0 {
		t.Errorf("sessions are there, yet %v", got)
	}
	w.Sessions = w.Sessions[:1]
	if got := smtpcheck.ProbeWants(w.Snapshot); len(got) != 1 {
		t.Errorf("one session is missing: %v", got)
	}
	w.Vantage.NoSMTP = true
	if got := smtpcheck.ProbeWants(w.Snapshot); len(got) != 0 {
		t.Errorf("SMTP is left out, yet %v", got)
	}
	if got := smtpcheck.Wants(&evidence.Snapshot{Domain: domain}); len(got) != 0 {
		t.Errorf("nothing is known, yet %v", got)
	}
}

// Whatever the order in which evidence came in, the answers are the same.
func TestOrder(t *testing.T) {
	w := newWorld()
	w.answer(mx, "A", four, "192.0.2.2")
	w.serve("192.0.2.2", other, evidence.Trusted)
	w.Canonical()
	first := check.Run(smtpcheck.Checks, w.Snapshot)
	slices.Reverse(w.Lookups)
	slices.Reverse(w.Sessions)
	slices.Reverse(w.Chains)
	slices.Reverse(w.Certificates)
	w.Canonical()
	if second := check.Run(smtpcheck.Checks, w.Snapshot); !reflect.DeepEqual(first, second) {
		t.Error("the answers differ")
	}
}

func BenchmarkRun(b *testing.B) {
	for _, c := range []struct{ name, record string }{{"3 1 1", tlsa(3, 1, good[0])}, {"2 1 1", tlsa(2, 1, good[1])}} {
		w := newWorld()
		w.record(c.record)
		w.Canonical()
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				check.Run(smtpcheck.Checks, w.Snapshot)
			}
		})
	}
}

// A domain whose mail server offers no STARTTLS.
func Example() {
	s := &evidence.Snapshot{
		Domain: "example.test",
		Lookups: []evidence.Lookup{
			{Name: "example.test", Type: "MX", Outcome: evidence.OutcomeAnswer, Answer: []evidence.RR{{Name: "example.test", Type: "MX", Data: "10 mx.example.test."}}},
			{Name: "mx.example.test", Type: "A", Outcome: evidence.OutcomeAnswer, Answer: []evidence.RR{{Name: "mx.example.test", Type: "A", Data: "192.0.2.1"}}},
			{Name: "mx.example.test", Type: "AAAA", Outcome: evidence.OutcomeNoData},
		},
		Sessions: []evidence.Session{{Host: "mx.example.test", Addr: "192.0.2.1", Port: 25, Verb: "EHLO", StartTLS: evidence.StartTLSNotOffered}},
	}
	s.Canonical()
	f := check.Run(smtpcheck.Checks, s)[0].Findings[0]
	fmt.Println(f.Code.Name, f.Code.Outcome, f.VerdictID())
	// Output: not-offered fail other
}
