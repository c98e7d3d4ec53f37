package compat_test

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"strings"
	"testing"

	"mailvet/report/evidence"
	"mailvet/report/score"
	"mailvet/scanner"
	"mailvet/smtpcheck/smtptest"
)

// example is a situation: a change of the right world, and Internet.nl's answer: for each
// category raw points, maximum, percentage, status, and the verdict where it is
// another word ("=" is as in the right world), and the subtests that differ.
type example struct {
	name   string
	change func(*world)
	want   string // ipv6 | dnssec | auth | tls | rpki | total
	differ string // "CHECK STATUS/VERDICT", separated by ";"
}

const (
	allRight   = "20/20=100% passed | 10/10=100% passed | 50/50=100% passed | 140/140=100% passed | 45/45=100% passed | 100"
	noMailRPKI = "rpki-mx-exists not_tested/no-addresses; rpki-mx-valid not_tested/not-tested; rpki-mx-ns-exists not_tested/no-addresses; rpki-mx-ns-valid not_tested/not-tested; "
)

var tlsRest = []string{"tls-key-exchange", "tls-ciphers", "tls-cipher-order", "tls-version", "tls-compression", "tls-secure-renegotiation", "tls-client-renegotiation",
	"cert-trust", "cert-key", "cert-signature", "cert-host", "caa", "dane-exists", "dane-valid", "dane-rollover", "tls-zero-rtt", "tls-key-exchange-hash", "tls-extended-master-secret"}

func untested(ids ...string) string {
	return strings.Join(ids, " not_tested/not-tested; ") + " not_tested/not-tested; "
}

// noTLS is the TLS category where a server cannot be tested.
func noTLS(verdict string) string {
	return "starttls-exists error/" + verdict + "; " + untested(tlsRest...)
}

// noMail is what all ways of having no mail server share.
func noMail(ipv6, dnssec, tls string) string {
	return "ipv6-mx-address " + ipv6 + "; ipv6-mx-reach not_tested/not-tested; dnssec-mx-exists " + dnssec + "; dnssec-mx-valid not_tested/not-tested; starttls-exists " + tls + "; " +
		untested(tlsRest...) + noMailRPKI
}

// nonSender publishes that the domain sends no mail.
func nonSender(w *world) {
	w.txt(domain, "v=spf1 -all")
	w.drop("key._domainkey.example.test TXT")
}

func both(changes ...func(*world)) func(*world) {
	return func(w *world) {
		for _, c := range changes {
			c(w)
		}
	}
}

func spf(text string) func(*world)   { return func(w *world) { w.txt(domain, text) } }
func dmarc(text string) func(*world) { return func(w *world) { w.txt("_dmarc."+domain, text) } }
func mxs(data ...string) func(*world) {
	return func(w *world) { w.set(domain, "MX", data...) }
}

// selfSigned is a certificate that nobody trusts, for another name.
func selfSigned(w *world, names ...string) {
	for _, n := range names {
		c := leaf(smtptest.Leaf{SelfSigned: true, Names: []string{"other.example"}, Seed: n})
		w.serve(c, evidence.Untrusted, n)
		w.tlsa(n, record(3, 1, 1, c[0]), record(3, 0, 1, leaf(smtptest.Leaf{})[0]))
	}
}

func pinned(w *world, chain [][]byte, trust evidence.Trust, names ...string) {
	w.serve(chain, trust, names...)
	for _, n := range names {
		w.tlsa(n, record(3, 1, 1, chain[0]), record(3, 1, 1, leaf(smtptest.Leaf{Seed: "next key"})[0]))
	}
}

// oddCurve is the chain of mx1 with a key on a curve of 239 bits.
func oddCurve(t *testing.T) [][]byte {
	old, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7})
	if err != nil {
		t.Fatal(err)
	}
	odd, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 6})
	if err != nil {
		t.Fatal(err)
	}
	chain := leaf(smtptest.Leaf{Names: []string{mx1}})
	return [][]byte{bytes.Replace(chain[0], old, odd, 1), chain[1]}
}

func elevenIncludes(w *world) {
	record := "v=spf1"
	for i := range 11 {
		name := fmt.Sprintf("s%d.example", i)
		w.txt(name, "v=spf1 ip4:192.0.2.0/24 -all")
		record += " include:" + name
	}
	w.txt(domain, record+" -all")
}

func unreadable(w *world, names ...string) {
	w.serve([][]byte{[]byte("this is no certificate")}, evidence.TrustUnknown, names...)
}

const noTLSA = "dane-exists failed/bad; dane-valid not_tested/not-tested; dane-rollover not_tested/not-tested; "

// Networks that no host of the right world is in.
const (
	elsewhere, elsewhereRoute   = "198.51.100.0/24 24 64500", "198.51.100.0/24 64500"
	elsewhere6, elsewhere6Route = "3fff::/32 32 64500", "3fff::/32 64500"
)

// announced adds VRPs and routes.
func announced(vrps, routes []string) func(*world) {
	return func(w *world) { w.vrps, w.routes = append(w.vrps, vrps...), append(w.routes, routes...) }
}

// rpkiAll is a difference in each of the three groups of hosts; "" is none.
func rpkiAll(exists, valid string) string {
	text := ""
	for _, group := range []string{"mx", "ns", "mx-ns"} {
		if exists != "" && exists != "passed/good" {
			text += "rpki-" + group + "-exists " + exists + "; "
		}
		text += "rpki-" + group + "-valid " + valid + "; "
	}
	return text
}

func examples(t *testing.T) []example {
	const noCertificate = "cert-trust not_tested/could-not-test; cert-key not_tested/not-tested; cert-signature not_tested/not-tested; cert-host not_tested/not-tested; caa warning/bad; " + noTLSA
	return []example{
		{"1 everything right", func(*world) {}, allRight, ""},
		{"2 nothing signed, no TLSA", func(w *world) { w.security[""] = evidence.SecurityInsecure; w.noTLSA(mx1, mx2) },
			"= | 2/10=20% failed | = | 120/130=92% failed | = | 82",
			"dnssec-exists failed/bad; dnssec-valid not_tested/not-tested; dnssec-mx-exists failed/bad; dnssec-mx-valid not_tested/not-tested; " + noTLSA},
		{"3 MX zone unsigned, no TLSA", func(w *world) { w.secured(evidence.SecurityInsecure, mx1, mx2); w.noTLSA(mx1, mx2) },
			"= | 2/10=20% failed | = | 120/130=92% failed | = | 82", "dnssec-mx-exists failed/bad; dnssec-mx-valid not_tested/not-tested; " + noTLSA},
		{"4 MX hosts IPv4 only", func(w *world) { w.drop(ask(mx1, "AAAA"), ask(mx2, "AAAA")) },
			"10/20=50% failed | = | = | = | = | 90", "ipv6-mx-address failed/bad; ipv6-mx-reach not_tested/not-tested"},
		{"5 one MX without AAAA", func(w *world) { w.drop(ask(mx2, "AAAA")) }, "15/20=75% failed | = | = | = | = | 95", "ipv6-mx-address failed/bad"},
		{"6 one AAAA of mx2 does not answer", func(w *world) { w.set(mx2, "AAAA", "2001:db8::12", "2001:db8::dead"); w.dead["2001:db8::dead"] = true },
			"16/20=80% failed | = | = | = | = | 96", "ipv6-mx-reach failed/bad"},
		{"7 one of two NS has an AAAA", func(w *world) { w.drop(ask(ns2, "AAAA")) }, "15/20=75% failed | = | = | = | = | 95", "ipv6-ns-address failed/other"},
		{"8 DMARC p=none", dmarc("v=DMARC1; p=none"), "= | = | 42/50=84% failed | = | = | 96", "dmarc-policy failed/policy"},
		{"9 DMARC unknown tag", dmarc("v=DMARC1; p=reject; foo=bar"), "= | = | 40/50=80% failed | = | = | 96", "dmarc-policy failed/bad"},
		{"10 DMARC rua not authorised", dmarc("v=DMARC1; p=reject; rua=mailto:d@reports.example"), "= | = | 50/50=100% passed | = | = | 100", "dmarc-policy warning/external"},
		{"11 SPF ?all", spf("v=spf1 mx ?all"), "= | = | 42/50=84% failed | = | = | 96", "spf-policy failed/all"},
		{"12 SPF include without record", both(spf("v=spf1 include:p.example -all"), func(w *world) { w.txt("p.example", "other") }),
			"= | = | 40/50=80% failed | = | = | 96", "spf-policy failed/include"},
		{"13 no DMARC, SPF, DKIM", func(w *world) {
			w.drop("example.test TXT", "_dmarc.example.test TXT", "key._domainkey.example.test TXT")
		}, "= | = | 0/50=0% failed | = | = | 80",
			"dmarc-exists failed/bad; dmarc-policy not_tested/not-tested; dkim-exists failed/bad; spf-exists failed/bad; spf-policy not_tested/not-tested"},
		{"14 no MX", both(nonSender, func(w *world) { w.drop(ask(domain, "MX")) }),
			"10/10=100% passed | = | 40/40=100% passed | 0/0=0% info (no-mx) | = | 100",
			"dkim-exists not_tested/no-email; " + noMail("not_tested/other", "not_tested/no-mailservers", "not_tested/other-2")},
		{"15 null MX", both(nonSender, mxs("0 .")),
			"10/10=100% passed | = | 40/40=100% passed | 0/0=0% info (null-mx) | = | 100",
			"dkim-exists not_tested/no-email; " + noMail("not_tested/null-mx", "not_tested/null-mx", "not_tested/null-mx")},
		{"16 null MX without address", both(nonSender, mxs("0 ."), func(w *world) { w.drop(ask(domain, "A"), ask(domain, "AAAA")) }),
			"10/10=100% passed | = | 40/40=100% passed | 0/0=0% info (null-mx-without-a-aaaa) | = | 100",
			"dkim-exists not_tested/no-email; " + noMail("info/null-mx-without-a-aaaa", "info/null-mx-without-a-aaaa", "info/null-mx-without-a-aaaa")},
		{"17 null MX beside another", both(nonSender, mxs("0 .", "10 "+mx1+".")),
			"10/10=100% passed | = | 40/40=100% passed | 0/0=0% warning (null-mx-with-other-mx) | = | 100",
			"dkim-exists not_tested/no-email; " + noMail("warning/null-mx-with-other-mx", "warning/null-mx-with-other-mx", "warning/null-mx-with-other-mx")},
		{"18 one MX without STARTTLS", func(w *world) { w.unsecured(noSTARTTLS, mx2) }, "= | = | = | 0/140=0% error (unreachable) | = | 80", noTLS("other")},
		{"19 both MX without STARTTLS", func(w *world) { w.unsecured(noSTARTTLS, mx1, mx2) }, "= | = | = | 0/10=0% error (unreachable) | = | 80", noTLS("other")},
		{"20 no time for one MX", func(w *world) { w.unsecured(cut, mx2) }, "= | = | = | 0/140=0% error (untestable) | = | 80", noTLS("could-not-test")},
		{"21 old TLS on mx2", grade(oldVersion, mx2), "= | = | = | 130/140=92% failed | = | 98", "tls-version failed/bad"},
		{"22 another fault on each MX", both(grade(weakSuite, mx1), grade(curve("secp192r1"), mx2)),
			"= | = | = | 130/140=92% failed | = | 98", "tls-ciphers failed/bad; tls-key-exchange failed/bad"},
		{"23 phase-out only", func(w *world) {
			pinned(w, leaf(smtptest.Leaf{Names: []string{mx1}, Key: smtptest.RSA2048}), evidence.Trusted, mx1)
			w.grade(fading, mx1, mx2)
			w.grade(curve("secp224r1"), mx1, mx2)
		},
			"= | = | = | 140/140=100% passed | = | 100", "cert-key warning/phase-out; tls-ciphers warning/phase-out; tls-key-exchange warning/phase-out; tls-key-exchange-hash warning/phase-out"},
		{"24 TLS 1.3 only", grade(tls13, mx1, mx2), "= | = | = | 130/130=100% passed | = | 100", only13},
		{"25 mx1 TLS 1.3 only", grade(tls13, mx1),
			"= | = | = | 140/140=100% failed | = | 100", "tls-extended-master-secret not_tested/na-no-tls-1-2"},
		{"26 no EMS on mx1", grade(unbound, mx1), "= | = | = | 130/140=92% failed | = | 98", "tls-extended-master-secret failed/bad"},
		{"27 self-signed, other name, DANE-EE", func(w *world) { selfSigned(w, mx1, mx2) }, "= | = | = | 140/140=100% passed | = | 100", "cert-trust info/bad; cert-host info/bad"},
		{"28 DANE-TA and another name on mx1", func(w *world) {
			c := leaf(smtptest.Leaf{Names: []string{"other.example"}})
			w.serve(c, evidence.Trusted, mx1)
			w.tlsa(mx1, record(2, 1, 1, c[1]), record(3, 1, 1, c[0]))
		}, "= | = | = | 140/140=100% failed | = | 100", "cert-trust info/bad; cert-host failed/bad"},
		{"29 TLSA on mx1 does not match", func(w *world) { w.tlsa(mx1, w.records["_25._tcp.mx2.example.test TLSA"]...) },
			"= | = | = | 120/140=85% failed | = | 97", "dane-valid failed/bad"},
		{"30 no TLSA on mx1", func(w *world) { w.noTLSA(mx1) }, "= | = | = | 120/140=85% failed | = | 97", noTLSA},
		{"31 no certificate of mx1", func(w *world) { unreadable(w, mx1) }, "= | = | = | 100/140=71% failed | = | 94", noCertificate},
		{"32 IPv4 prefix without ROA", func(w *world) { w.vrps = []string{elsewhere, "2001:db8::/32 32 64500"} }, "= | = | = | = | 0/45=0% failed | 80",
			rpkiAll("warning/bad", "failed/bad")},
		{"33 IPv4 announcement invalid", func(w *world) { w.vrps = []string{"192.0.2.0/24 24 64501", "2001:db8::/32 32 64500"} }, "= | = | = | = | 15/45=33% failed | 86",
			rpkiAll("passed/good", "failed/invalid")},
		{"34 one MX address without route and ROA", func(w *world) { w.set(mx1, "A", "203.0.113.7") }, "= | = | = | = | 40/45=88% warning | 97", "rpki-mx-exists warning/bad"},
		{"35 no VRPs", func(w *world) { w.vrps = nil }, "= | = | = | = | 0/45=0% error | 80", rpkiAll("error/not-tested", "error/not-tested")},
		{"36 no routes of one MX address, with ROA", func(w *world) { w.lost = map[string]bool{"192.0.2.11": true} }, "= | = | = | = | 35/45=77% error | 95",
			"rpki-mx-valid error/not-tested"},
		{"40 one MX address without route, with ROA", both(func(w *world) { w.set(mx1, "A", "203.0.113.7") }, announced([]string{"203.0.113.0/24 24 64500"}, nil)), allRight, ""},
		{"41 one of two routes not found", both(func(w *world) { w.set(mx1, "A", "203.0.113.7") },
			announced([]string{"203.0.113.0/24 24 64500"}, []string{"203.0.113.0/24 64500", "203.0.0.0/16 64501"})), "= | = | = | = | 35/45=77% failed | 95", "rpki-mx-valid failed/bad"},
		{"no route and no ROA anywhere", func(w *world) {
			w.vrps, w.routes = []string{elsewhere, elsewhere6}, []string{elsewhereRoute, elsewhere6Route}
		},
			"= | = | = | = | 30/45=66% warning | 93", rpkiAll("warning/bad", "not_tested/not-routed")},
		{"no route anywhere, with ROAs", func(w *world) { w.routes = []string{elsewhereRoute, elsewhere6Route} }, allRight, rpkiAll("", "not_tested/not-routed")},
		{"more specific than /24 and /48", announced(nil, []string{"192.0.2.0/25 64501", "2001:db8::/49 64501"}), allRight, ""},
		{"an AS_SET", announced(nil, []string{"192.0.0.0/16 0"}), allRight, ""},

		{"37 bogus", func(w *world) {
			w.secured(evidence.SecurityBogus, "example.test SOA", "example.test MX", "example.test NS", "example.test TXT")
		},
			"= | 0/10=0% failed | = | = | = | 80", "dnssec-valid failed/bad"},
		{"38 mx2 does not exist", func(w *world) { w.drop(ask(mx2, "A"), ask(mx2, "AAAA"), ask(mx2, "CAA")); w.noTLSA(mx2) },
			"15/20=75% failed | 0/10=0% failed | = | 0/140=0% error (unreachable) | = | 55",
			"ipv6-mx-address failed/bad; dnssec-mx-exists failed/resolver-error; dnssec-mx-valid not_tested/not-tested; " + noTLS("other")},
		{"39 no such name", func(w *world) { w.domain = "none.example.test" },
			"10/10=100% passed | 0/10=0% failed | 20/50=40% failed | 0/0=0% info (no-mx) | = | 60",
			"dnssec-exists failed/resolver-error; dnssec-valid not_tested/not-tested; dkim-exists failed/bad; spf-exists failed/bad; spf-policy not_tested/not-tested; " +
				noMail("not_tested/other", "not_tested/no-mailservers", "not_tested/other-2")},
		{"42 SPF with 11 includes", elevenIncludes, "= | = | 42/50=84% failed | = | = | 96", "spf-policy failed/max-lookups"},
		{"43 sp=none of the parent", func(w *world) {
			w.domain = "sub.example.test"
			w.set(w.domain, "MX", w.records["example.test MX"]...)
			w.txt(w.domain, "v=spf1 mx -all")
			w.txt("key._domainkey."+w.domain, "v=DKIM1; p=")
			w.txt("_dmarc."+domain, "v=DMARC1; p=reject; sp=none")
		}, "= | = | 42/50=84% failed | = | = | 96", "dmarc-policy failed/policy"},

		{"SHA-1 in the certificate of mx1", func(w *world) {
			pinned(w, leaf(smtptest.Leaf{Names: []string{mx1}, SHA1: true}), evidence.Untrusted, mx1)
		},
			"= | = | = | 130/140=92% failed | = | 98", "cert-signature failed/bad; cert-trust info/bad"},
		{"insufficient key on mx1", func(w *world) { pinned(w, oddCurve(t), evidence.Untrusted, mx1) },
			"= | = | = | 130/140=92% failed | = | 98", "cert-key failed/bad; cert-trust info/bad"},
		{"insufficient key and old TLS on mx1", func(w *world) { pinned(w, oddCurve(t), evidence.Untrusted, mx1); w.grade(oldVersion, mx1) },
			"= | = | = | 120/140=85% failed | = | 97", "cert-key failed/bad; cert-trust info/bad; tls-version failed/bad"},
		{"client renegotiation", grade(renews(11), mx1),
			"= | = | = | = | = | 100", "tls-client-renegotiation info/allowed-with-too-high-limit"},
		{"no CAA", func(w *world) { w.drop(ask(mx1, "CAA")) }, "= | = | = | = | = | 100", "caa warning/bad"},
		{"CAA for wildcards alone", func(w *world) { w.set(mx1, "CAA", `0 issuewild ";"`) }, "= | = | = | = | = | 100", "caa warning/insufficient"},
		{"CAA with mistakes", func(w *world) { w.set(mx2, "CAA", `0 issue "ca.example;;"`) }, "= | = | = | = | = | 100", "caa warning/syntax-error"},
		{"CAA above", func(w *world) { w.drop(ask(mx1, "CAA"), ask(mx2, "CAA")); w.set("test", "CAA", `0 issue ";"`) }, "= | = | = | = | = | 100", ""},
		{"CAA cannot be looked up", func(w *world) { w.fail(evidence.OutcomeServFail, ask(mx1, "CAA")) }, "= | = | = | = | = | 100", "caa warning/bad"},
		{"untrusted, other name on mx1", func(w *world) { selfSigned(w, mx1) }, "= | = | = | 140/140=100% passed | = | 100", "cert-trust info/bad; cert-host info/bad"},
		{"TLSA bogus on mx1", func(w *world) { w.secured(evidence.SecurityBogus, "_25._tcp."+mx1) },
			"= | = | = | 120/140=85% failed | = | 97", "dane-exists failed/bogus; dane-valid not_tested/not-tested; dane-rollover not_tested/not-tested"},
		{"no certificate of both", func(w *world) { unreadable(w, mx1, mx2) }, "= | = | = | 100/110=90% failed | = | 98", noCertificate},
		{"no TLSA on both", func(w *world) { w.noTLSA(mx1, mx2) }, "= | = | = | 120/130=92% failed | = | 98", noTLSA},
		{"TLS 1.3 only, no TLSA", func(w *world) { w.noTLSA(mx1, mx2); w.grade(tls13, mx1, mx2) },
			"= | = | = | 110/120=91% failed | = | 98", only13 + noTLSA},
	}
}

func TestExamples(t *testing.T) { run(t, examples(t)) }

func run(t *testing.T, list []example) {
	base := judge(t, right())
	for _, ex := range list {
		t.Run(ex.name, func(t *testing.T) {
			w := right()
			ex.change(w)
			got := judge(t, w)
			want := strings.Split(ex.want, " | ")
			for i, r := range strings.Split(allRight, " | ") {
				if want[i] == "=" {
					want[i] = r
				}
			}
			if line := line(got); line != strings.Join(want, " | ") {
				t.Errorf("got  %s\nwant %s", line, strings.Join(want, " | "))
			}
			compare(t, differences(base, got), ex.differ)
			if got.Low > got.Percent || got.High < got.Percent {
				t.Errorf("percent is %d, and the range %d to %d", got.Percent, got.Low, got.High)
			}
		})
	}
}

func compare(t *testing.T, got []string, want string) {
	t.Helper()
	wanted := map[string]bool{}
	for _, s := range strings.Split(want, ";") {
		if s = strings.TrimSpace(s); s != "" {
			wanted[s] = true
		}
	}
	for _, s := range got {
		if !wanted[s] {
			t.Errorf("differs: %s", s)
		}
		delete(wanted, s)
	}
	for s := range wanted {
		t.Errorf("does not: %s", s)
	}
}

// judge scans and scores a world.
func judge(t *testing.T, w *world) score.Score {
	t.Helper()
	return score.Compute(score.InternetNL(), scanner.Judge(w.scan(t)))
}

func line(s score.Score) string {
	var list []string
	for _, c := range s.Categories {
		list = append(list, show(c))
	}
	return strings.Join(append(list, fmt.Sprint(s.Percent)), " | ")
}

func show(c score.Category) string {
	text := fmt.Sprintf("%d/%d=%d%% %s", c.Points, c.Max, c.Percent, c.Status)
	if c.Verdict != c.Status.String() {
		text += " (" + c.Verdict + ")"
	}
	return text
}

// differences lists the subtests whose status or verdict are not those of base.
func differences(base, s score.Score) []string {
	var list []string
	for i, c := range s.Categories {
		for j, k := range c.Checks {
			if b := base.Categories[i].Checks[j]; b.Status != k.Status || b.Verdict != k.Verdict {
				list = append(list, k.ID+" "+k.Status.String()+"/"+k.Verdict)
			}
		}
	}
	return list
}
