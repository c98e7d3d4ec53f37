package compat_test

import (
	"fmt"
	"testing"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/smtptest"
)

const (
	timeout  = evidence.OutcomeTimeout
	servfail = evidence.OutcomeServFail
)

// unknownMX is a failed MX lookup, to Internet.nl a domain without MX.
var unknownMX = noMail("not_tested/other", "not_tested/no-mailservers", "not_tested/other-2")

// nameServers makes n name servers of which the first with have IPv6.
func nameServers(n, with int) func(*world) {
	return func(w *world) {
		var list []string
		for i := range n {
			name := fmt.Sprintf("n%d.example.test", i)
			list = append(list, name+".")
			w.set(name, "A", fmt.Sprintf("192.0.2.%d", 100+i))
			if i < with {
				w.set(name, "AAAA", fmt.Sprintf("2001:db8:53::%d", i+1))
			}
		}
		w.set(domain, "NS", list...)
	}
}

// mailServers makes n mail servers of which the first with have IPv6, in
// addition to those that are there.
func mailServers(n, with int) func(*world) {
	return func(w *world) {
		var list []string
		for i := range n {
			name := fmt.Sprintf("m%02d.example.test", i)
			list = append(list, "10 "+name+".")
			addrs := []string{fmt.Sprintf("192.0.2.%d", 150+i), fmt.Sprintf("2001:db8:25::%d", i+1)}
			if i >= with {
				addrs = addrs[:1]
			}
			w.mail(name, addrs...)
		}
		w.set(domain, "MX", list...)
	}
}

// TestMail is the table of the ways of having mail servers and of having none.
func TestMail(t *testing.T) {
	const none = "10/10=100% passed | = | = | 0/0=0% info (no-mx) | = | 100"
	drop := func(list ...question) func(*world) { return func(w *world) { w.drop(list...) } }
	run(t, []example{
		{"no MX, address, sends mail", drop("example.test MX"), none, unknownMX},
		{"no MX, address, SPF that does not parse: no crash here", both(drop("example.test MX"), spf("v=spf1 foo")),
			"10/10=100% passed | = | 40/50=80% failed | 0/0=0% info (no-mx) | = | 95", "spf-policy failed/bad; " + unknownMX},
		{"no MX, address, v=spf1 -all: never no-null-mx", both(drop("example.test MX"), spf("v=spf1 -all")), none, unknownMX},
		{"only localhost", mxs("10 localhost."), none, unknownMX},
		{"localhost beside another", mxs("10 localhost.", "20 "+mx1+"."), allRight, ""},
		{"MX fails: as without MX", func(w *world) { w.fail(servfail, "example.test MX") }, none, unknownMX},
		{"MX times out: as without MX", func(w *world) { w.fail(timeout, "example.test MX") }, none, unknownMX},
		{"upper case and any preference", mxs("20 MX1.Example.TEST.", "5 "+mx2+"."), allRight, ""},
		{"MX 10 . is a server named so", mxs("10 ."),
			"10/20=50% failed | = | = | 0/10=0% error (unreachable) | = | 70", "ipv6-mx-address failed/bad; ipv6-mx-reach not_tested/not-tested; " + noTLS("other") + noMailRPKI},
		{"the eleventh by name is left out, with its faults", both(mailServers(11, 10)), allRight, ""},
		{"preference plays no part in that", func(w *world) {
			mailServers(11, 10)(w)
			w.records["example.test MX"][10] = "1 m10.example.test."
		}, allRight, ""},
		{"a name twice counts twice for IPv6", both(mxs("10 "+mx1+".", "20 "+mx1+".", "30 "+mx2+"."), drop("mx1.example.test AAAA")),
			"13/20=65% failed | = | = | = | = | 93", "ipv6-mx-address failed/bad"},
		{"an address unknown beside a null MX: as none", both(nonSender, mxs("0 ."), drop("example.test A"), func(w *world) { w.fail(servfail, "example.test AAAA") }),
			"10/10=100% passed | = | 40/40=100% passed | 0/0=0% info (null-mx-without-a-aaaa) | = | 100",
			"dkim-exists not_tested/no-email; " + noMail("info/null-mx-without-a-aaaa", "info/null-mx-without-a-aaaa", "info/null-mx-without-a-aaaa")},
	})
}

// TestIPv6 is the arithmetic of name servers and mail servers.
func TestIPv6(t *testing.T) {
	dead := func(addrs ...string) func(*world) {
		return func(w *world) {
			for _, a := range addrs {
				w.dead[a] = true
			}
		}
	}
	run(t, []example{
		{"two of four name servers with IPv6", nameServers(4, 2), allRight, ""},
		{"one of four", nameServers(4, 1), "12/20=60% failed | = | = | = | = | 92", "ipv6-ns-address failed/other"},
		{"none", nameServers(2, 0), "10/20=50% failed | = | = | = | = | 90", "ipv6-ns-address failed/bad; ipv6-ns-reach not_tested/not-tested"},
		{"a single one", nameServers(1, 1), "15/20=75% failed | = | = | = | = | 95", "ipv6-ns-address failed/other"},
		{"one address of two servers is silent", both(func(w *world) { w.set(ns2, "AAAA", "2001:db8::2", "2001:db8::3") }, dead("2001:db8::3")),
			"16/20=80% failed | = | = | = | = | 96", "ipv6-ns-reach failed/bad"},
		{"all are silent", dead("2001:db8::1", "2001:db8::2"), "10/20=50% failed | = | = | = | = | 90", "ipv6-ns-reach failed/bad"},
		{"mapped addresses are none", func(w *world) {
			w.set(ns1, "AAAA", "::ffff:192.0.2.1")
			w.set(ns2, "AAAA", "::ffff:192.0.2.2")
		}, "10/20=50% failed | = | = | = | = | 90", "ipv6-ns-address failed/bad; ipv6-ns-reach not_tested/not-tested"},
		{"NS fails", func(w *world) { w.fail(servfail, "example.test NS") },
			"10/20=50% failed | = | = | = | = | 90", "ipv6-ns-address failed/bad; ipv6-ns-reach not_tested/not-tested; rpki-ns-exists not_tested/no-addresses; rpki-ns-valid not_tested/not-tested; " +
				"rpki-mx-ns-exists not_tested/no-addresses; rpki-mx-ns-valid not_tested/not-tested"},
		{"NS of a name in a zone fails: the zone's", func(w *world) {
			w.domain = "sub.example.test"
			w.set(w.domain, "MX", w.records["example.test MX"]...)
			w.txt(w.domain, "v=spf1 mx -all")
			w.txt("key._domainkey."+w.domain, "v=DKIM1; p=")
			w.fail(servfail, "sub.example.test NS")
		}, allRight, ""},
		{"AAAA of one name server fails: it has none", func(w *world) { w.fail(servfail, ask(ns2, "AAAA")) },
			"15/20=75% failed | = | = | = | = | 95", "ipv6-ns-address failed/other"},
		{"one of three mail servers without AAAA", mailServers(3, 2), "16/20=80% failed | = | = | = | = | 96", "ipv6-mx-address failed/bad"},
		{"AAAA of one mail server fails: it has none", func(w *world) { w.fail(timeout, ask(mx2, "AAAA")) },
			"15/20=75% failed | = | = | = | = | 95", "ipv6-mx-address failed/bad"},
		{"IPv4 plays no part", func(w *world) { w.drop(ask(ns1, "A"), ask(ns2, "A")) }, allRight, ""},
	})
}

// TestDNSSEC is the table of what the SOA lookup comes to.
func TestDNSSEC(t *testing.T) {
	const failed = "dnssec-exists failed/resolver-error; dnssec-valid not_tested/not-tested"
	soa := func(name string, o evidence.Outcome) func(*world) {
		return func(w *world) { w.fail(o, ask(name, "SOA")) }
	}
	status := func(s evidence.Security, list ...string) func(*world) {
		return func(w *world) { w.secured(s, list...) }
	}
	const mxNone = "dnssec-mx-exists failed/resolver-error; dnssec-mx-valid not_tested/not-tested"
	run(t, []example{
		{"SERVFAIL", soa(domain, servfail), "= | 0/10=0% failed | = | = | = | 80", failed},
		{"time-out", soa(domain, timeout), "= | 0/10=0% failed | = | = | = | 80", failed},
		{"NODATA, signed", soa(domain, evidence.OutcomeNoData), allRight, ""},
		{"NODATA, bogus", both(soa(domain, evidence.OutcomeNoData), status(evidence.SecurityBogus, "example.test SOA")),
			"= | 0/10=0% failed | = | = | = | 80", "dnssec-valid failed/bad"},
		{"NXDOMAIN, signed", soa(domain, evidence.OutcomeNXDomain), "= | 0/10=0% failed | = | = | = | 80", failed},
		{"insecure", status(evidence.SecurityInsecure, "example.test SOA"),
			"= | 2/10=20% failed | = | = | = | 84", "dnssec-exists failed/bad; dnssec-valid not_tested/not-tested"},
		{"keys cannot be had: bogus to a validating resolver", status(evidence.SecurityIndeterminate, "example.test SOA"),
			"= | 0/10=0% failed | = | = | = | 80", "dnssec-valid failed/bad"},
		{"one mail server insecure", status(evidence.SecurityInsecure, "mx1.example.test SOA"),
			"= | 2/10=20% failed | = | = | = | 84", "dnssec-mx-exists failed/bad; dnssec-mx-valid not_tested/not-tested"},
		{"one mail server bogus", status(evidence.SecurityBogus, "mx1.example.test SOA"),
			"= | 0/10=0% failed | = | = | = | 80", "dnssec-mx-valid failed/bad"},
		{"one mail server bogus, another insecure", both(status(evidence.SecurityBogus, "mx1.example.test SOA"), status(evidence.SecurityInsecure, "mx2.example.test SOA")),
			"= | 0/10=0% failed | = | = | = | 80", "dnssec-mx-exists failed/bad; dnssec-mx-valid failed/bad"},
		{"one mail server fails", soa(mx1, servfail), "= | 0/10=0% failed | = | = | = | 80", mxNone},
		{"both mail servers fail: a required subtest not tested with worst warning", both(soa(mx1, servfail), soa(mx2, timeout)),
			"= | 0/10=0% failed | = | = | = | 80", mxNone},
	})
}

// TestAuth is the tables of DMARC, DKIM and SPF.
func TestAuth(t *testing.T) {
	const dmarcBad = "dmarc-exists failed/bad; dmarc-policy not_tested/not-tested"
	const spfBad = "spf-exists failed/bad; spf-policy not_tested/not-tested"
	const minus20, minus10, minus8, same = "= | = | 30/50=60% failed | = | = | 92", "= | = | 40/50=80% failed | = | = | 96", "= | = | 42/50=84% failed | = | = | 96", allRight
	with := func(change func(*world), name string, texts ...string) func(*world) {
		return both(change, func(w *world) { w.txt(name, texts...) })
	}
	consent := func(texts ...string) func(*world) {
		return with(dmarc("v=DMARC1; p=reject; rua=mailto:d@reports.example"), "example.test._report._dmarc.reports.example", texts...)
	}
	non := func(spfText, dmarcText string) func(*world) { return both(nonSender, spf(spfText), dmarc(dmarcText)) }
	const noEmail, noEmailLine, dkimBad = "dkim-exists not_tested/no-email", "= | = | 40/40=100% passed | = | = | 100", "dkim-exists failed/bad"
	run(t, []example{
		{"several DMARC records: no fallback", with(func(*world) {}, "_dmarc."+domain, "v=DMARC1; p=reject", "v=DMARC1; p=none"), minus20, dmarcBad},
		{"DMARC fails", func(w *world) { w.fail(servfail, "_dmarc.example.test TXT") }, minus20, dmarcBad},
		{"DMARC beside other texts", with(func(*world) {}, "_dmarc."+domain, "other", "v=DMARC1; p=reject"), same, ""},
		{"lower case is found and does not parse", dmarc("v=dmarc1; p=reject"), minus10, "dmarc-policy failed/bad"},
		{"spaces around = are not found", dmarc("v = DMARC1; p=reject"), minus20, dmarcBad},
		{"p not first", dmarc("v=DMARC1; sp=reject; p=reject"), minus10, "dmarc-policy failed/bad"},
		{"rua without p", dmarc("v=DMARC1; rua=mailto:d@example.test"), minus10, "dmarc-policy failed/bad"},
		{"no tags", dmarc("v=DMARC1;"), minus8, "dmarc-policy failed/policy"},
		{"quarantine under test", dmarc("v=DMARC1; p=quarantine; t=y"), minus8, "dmarc-policy failed/policy"},
		{"reject under test", dmarc("v=DMARC1; p=reject; t=y"), same, ""},
		{"quarantine, pct=0", dmarc("v=DMARC1; p=quarantine; pct=0"), same, ""},
		{"pct=1000", dmarc("v=DMARC1; p=reject; pct=1000"), minus10, "dmarc-policy failed/bad"},
		{"trailing space", dmarc("v=DMARC1; p=reject "), minus10, "dmarc-policy failed/bad"},
		{"the own domain by fallback takes sp", func(w *world) {
			w.domain = "sub.example.test"
			w.set(w.domain, "MX", w.records["example.test MX"]...)
			w.txt(w.domain, "v=spf1 mx -all")
			w.txt("key._domainkey."+w.domain, "v=DKIM1; p=")
			w.txt("_dmarc."+w.domain, "other")
			w.txt("_dmarc."+domain, "v=DMARC1; p=none; sp=reject; np=none")
		}, same, ""},
		{"consent", consent("v=DMARC1;"), same, ""},
		{"consent without semicolon", consent("v=DMARC1"), same, "dmarc-policy warning/external"},
		{"consent with rua alone", consent("v=DMARC1; rua=mailto:x@other.example"), same, "dmarc-policy warning/external"},
		{"consent twice", consent("v=DMARC1;", "v=DMARC1; p=none"), same, "dmarc-policy warning/external"},
		{"consent for another host", consent("v=DMARC1; p=none; rua=mailto:x@else.example"), same, ""},
		{"consent unknown", both(consent(), func(w *world) {
			w.fail(timeout, "example.test._report._dmarc.reports.example TXT")
		}), same, "dmarc-policy warning/external"},
		{"one final dot", dmarc("v=DMARC1; p=reject; rua=mailto:d@example.test."), same, ""},
		{"two final dots: the organization is another", dmarc("v=DMARC1; p=reject; rua=mailto:d@example.test.."), same, "dmarc-policy warning/external"},
		{"two final dots and consent", with(dmarc("v=DMARC1; p=reject; rua=mailto:d@reports.example.."), "example.test._report._dmarc.reports.example", "v=DMARC1;"), same, ""},
		{"three final dots are no name", with(dmarc("v=DMARC1; p=reject; rua=mailto:d@reports.example..."), "example.test._report._dmarc.reports.example", "v=DMARC1;"), same, "dmarc-policy warning/external"},
		{"https destination", dmarc("v=DMARC1; p=reject; rua=https://reports.example/x"), same, ""},
		{"the URI is cut at a second =", dmarc("v=DMARC1; p=reject; rua=mailto:d@example.test?s=x,mailto:d@reports.example"), same, ""},
		{"size", dmarc("v=DMARC1; p=reject; rua=mailto:d@example.test!10mb"), same, ""},

		{"DKIM fails", func(w *world) { w.fail(servfail, "_domainkey.example.test TXT") }, minus10, dkimBad},
		{"DKIM record at the name itself", both(nonSender, spf("v=spf1 mx -all"), func(w *world) { w.txt("_domainkey."+domain, "o=-") }), same, ""},
		{"no DKIM", both(nonSender, spf("v=spf1 mx -all")), minus10, dkimBad},
		{"no mail", nonSender, noEmailLine, noEmail},
		{"no mail, no space", non("v=spf1 -all", "v=DMARC1;p=reject"), noEmailLine, noEmail},
		{"no mail, exp", non("v=spf1 exp=e.example.test -all", "v=DMARC1; p=reject; x"), "= | = | 30/50=60% failed | = | = | 92", dkimBad + "; dmarc-policy failed/bad"},
		{"no mail with exp", non("v=spf1  exp=e.example.test  -all", "v=DMARC1; p=reject;"), noEmailLine, noEmail},
		{"no mail with exp behind", non("v=spf1 -all exp=e.example.test", "v=DMARC1;  p=reject;"), noEmailLine, noEmail},
		{"no mail in other case", non("v=spf1 -ALL", "v=DMARC1; p=reject"), minus10, dkimBad},
		{"no mail, V=DMARC1", non("v=spf1 -all", "V=DMARC1; p=reject"), minus10, dkimBad},
		{"no mail, p=Reject", non("v=spf1 -all", "v=DMARC1; p=Reject"), minus10, dkimBad},
		{"no mail, space before the semicolon", non("v=spf1 -all", "v=DMARC1 ; p=reject"), minus10, dkimBad},
		{"no mail, quarantine", non("v=spf1 -all", "v=DMARC1; p=quarantine"), minus10, dkimBad},
		{"no mail, ~all", non("v=spf1 ~all", "v=DMARC1; p=reject"), minus10, dkimBad},
		{"no mail, destination without consent", non("v=spf1 -all", "v=DMARC1; p=reject; rua=mailto:d@reports.example"), minus10, dkimBad + "; dmarc-policy warning/external"},
		{"no mail, DKIM fails", both(nonSender, func(w *world) { w.fail(servfail, "_domainkey.example.test TXT") }), noEmailLine, noEmail},
		{"no mail by the organization", func(w *world) {
			w.domain = "sub.example.test"
			w.set(w.domain, "MX", w.records["example.test MX"]...)
			w.txt(w.domain, "v=spf1 -all")
			w.txt("_dmarc."+domain, "v=DMARC1; p=none; sp=reject")
		}, noEmailLine, noEmail},
		{"no mail by the organization, sp=quarantine", func(w *world) {
			w.domain = "sub.example.test"
			w.set(w.domain, "MX", w.records["example.test MX"]...)
			w.txt(w.domain, "v=spf1 -all")
			w.txt("_dmarc."+domain, "v=DMARC1; p=reject; sp=quarantine")
		}, minus10, dkimBad},

		{"two SPF records", func(w *world) { w.txt(domain, "v=spf1 -all", "v=spf1 mx -all") }, minus20, spfBad},
		{"SPF fails", func(w *world) { w.fail(timeout, "example.test TXT") }, minus20, spfBad},
		{"v=spf10 is selected, and does not parse", spf("v=spf10 -all"), minus10, "spf-policy failed/bad"},
		{"rp=100", spf("v=spf1 mx rp=100 -all"), minus10, "spf-policy failed/bad"},
		{"/33", spf("v=spf1 a:example.com/33 -all"), same, ""},
		{"no terms", spf("v=spf1"), minus8, "spf-policy failed/all"},
		{"no all", spf("v=spf1 mx"), minus8, "spf-policy failed/all"},
		{"a name that ends in all is no all", spf("v=spf1 a:b.small -all"), same, ""},
		{"nothing behind all is looked at", spf("v=spf1 ~all include:gone.example +all"), same, ""},
		{"redirect beside all is not followed", spf("v=spf1 redirect=gone.example -all"), same, ""},
		{"a qualified a is not counted, but letters in names are", with(spf("v=spf1 +a +a a:mx1.example a:ptr.example mx mx mx mx mx mx mx include:p.example -all"), "p.example", "v=spf1 -all"), same, ""},
		{"one letter too many", with(spf("v=spf1 exp=mx.example a:mx1.example a:ptr.example mx mx mx mx mx mx mx include:p.example -all"), "p.example", "v=spf1 -all"),
			minus8, "spf-policy failed/max-lookups"},
		{"~all", spf("v=spf1 mx ~all"), same, ""},
		{"include of what does not exist", spf("v=spf1 include:gone.example -all"), minus8, "spf-policy failed/include"},
		{"include that times out", both(spf("v=spf1 include:p.example -all"), func(w *world) { w.fail(timeout, "p.example TXT") }), minus8, "spf-policy failed/include"},
		{"include of two records", with(spf("v=spf1 include:p.example -all"), "p.example", "v=spf1 -all", "v=spf1 mx -all"), minus10, "spf-policy failed/include"},
		{"include of +all", with(spf("v=spf1 include:p.example -all"), "p.example", "v=spf1 +all"), minus8, "spf-policy failed/include"},
		{"include of ?all", with(spf("v=spf1 include:p.example -all"), "p.example", "v=spf1 ?all"), same, ""},
		{"redirect to no record", with(spf("v=spf1 redirect=p.example"), "p.example", "other"), minus10, "spf-policy failed/redirect"},
		{"redirect to ?all", with(spf("v=spf1 redirect=p.example"), "p.example", "v=spf1 ?all"), minus8, "spf-policy failed/redirect"},
		{"redirect to a loop", spf("v=spf1 redirect=example.test"), minus8, "spf-policy failed/max-lookups"},
		{"redirect inside an include", with(with(spf("v=spf1 include:p.example -all"), "p.example", "v=spf1 redirect=q.example"), "q.example", "v=spf1 ?all"),
			minus8, "spf-policy failed/include"},
		{"12 a:host", spf("v=spf1 a:a.example a:b.example a:c.example a:d.example a:e.example a:f.example a:g.example a:h.example a:i.example a:j.example a:k.example a:l.example -all"), same, ""},
	})
}

// TestCertificates is the tables of certificates and DANE.
func TestCertificates(t *testing.T) {
	const none = "= | = | = | 120/140=85% failed | = | 97"
	const noRecords = "dane-exists failed/bad; dane-valid not_tested/not-tested; dane-rollover not_tested/not-tested"
	tlsa := func(list ...string) func(*world) { return func(w *world) { w.tlsa(mx1, list...) } }
	own := leaf(smtptest.Leaf{Names: []string{mx1}})
	wrong := leaf(smtptest.Leaf{Names: []string{"other.example"}})
	root := leaf(smtptest.Leaf{Names: []string{mx1}, Form: smtptest.WithRoot})[2]
	serve := func(chain [][]byte, trust evidence.Trust, list ...string) func(*world) {
		return func(w *world) { w.serve(chain, trust, mx1); w.tlsa(mx1, list...) }
	}
	expired := leaf(smtptest.Leaf{Names: []string{mx1}, Expired: true})
	const single = "dane-rollover info/bad"
	status := func(s evidence.Security) func(*world) {
		return func(w *world) { w.secured(s, "_25._tcp."+mx1) }
	}
	run(t, []example{
		{"3 0 1", tlsa(record(3, 0, 1, own[0])), allRight, single},
		{"3 1 1 of an expired certificate", serve(expired, evidence.Untrusted, record(3, 1, 1, expired[0])), allRight, single + "; cert-trust info/bad"},
		{"2 0 1", tlsa(record(2, 0, 1, own[1])), allRight, single},
		{"2 1 1 and 3 1 1", tlsa(record(2, 1, 1, own[1]), record(3, 1, 1, own[0])), allRight, ""},
		{"2 1 1 of what is not sent", tlsa(record(2, 1, 1, root)), none, single + "; dane-valid failed/bad"},
		{"2 1 1, other name", serve(wrong, evidence.Trusted, record(2, 1, 1, wrong[1])), none, single + "; dane-valid failed/bad; cert-trust info/bad; cert-host failed/bad"},
		{"2 1 1, name of the domain only", serve(leaf(smtptest.Leaf{Names: []string{domain}}), evidence.Trusted, record(2, 1, 1, own[1])), none,
			single + "; dane-valid failed/bad; cert-trust info/bad; cert-host failed/bad"},
		{"1 1 1 that is not trusted beside 3 1 1 that does not match", serve(own, evidence.Untrusted, record(1, 1, 1, own[0]), record(3, 1, 1, wrong[0])), none,
			single + "; dane-valid failed/bad; cert-trust info/bad"},
		{"insecure 2 1 1, other name", both(serve(wrong, evidence.Trusted, record(2, 1, 1, wrong[1])), status(evidence.SecurityInsecure)), none,
			noRecords + "; cert-trust info/bad; cert-host info/bad"},
		{"1 1 1 beside 3 1 1 that does not match", tlsa(record(1, 1, 1, own[0]), record(3, 1, 1, wrong[0])), allRight, single},
		{"1 1 1 alone", tlsa(record(1, 1, 1, own[0]), record(0, 1, 1, own[1])), none, noRecords},
		{"unusable records", tlsa(record(3, 1, 9, own[0]), "3 1 1 0011"), none, "dane-valid failed/bad"},
		{"one unusable, one matching", tlsa(record(3, 1, 9, own[0]), record(3, 1, 1, own[0])), allRight, ""},
		{"two that match nothing are a scheme all the same", tlsa(record(3, 1, 1, wrong[0]), record(3, 1, 1, root)), none, "dane-valid failed/bad"},
		{"records that are insecure", status(evidence.SecurityInsecure), none, noRecords},
		{"records whose keys cannot be had: bogus to a validating resolver", status(evidence.SecurityIndeterminate), none,
			"dane-exists failed/bogus; dane-valid not_tested/not-tested; dane-rollover not_tested/not-tested"},
		{"denial that is bogus", both(status(evidence.SecurityBogus), func(w *world) { w.noTLSA(mx1) }), none, noRecords},
		{"TLSA fails", func(w *world) { w.fail(servfail, "_25._tcp.mx1.example.test TLSA") }, none, noRecords},
		{"MX insecure", func(w *world) { w.secured(evidence.SecurityInsecure, "example.test MX") }, allRight, ""},
		{"RSA 1024", func(w *world) {
			c := leaf(smtptest.Leaf{Names: []string{mx1}, Key: smtptest.RSA1024})
			pinned(w, c, evidence.Trusted, mx1)
		}, "= | = | = | 110/140=78% failed | = | 95", "cert-key failed/bad; dane-valid failed/bad"},
		{"untrusted", func(w *world) { w.serve(own, evidence.Untrusted, mx1) }, allRight, "cert-trust info/bad"},
		{"both fail in another way: the later verdict", func(w *world) {
			w.secured(evidence.SecurityBogus, "_25._tcp."+mx1)
			w.noTLSA(mx2)
		}, "= | = | = | 120/130=92% failed | = | 98", noRecords},
		{"no time for the first, the second refuses", func(w *world) { w.unsecured(cut, mx1); w.unsecured(noSTARTTLS, mx2) },
			"= | = | = | 0/10=0% error (unreachable) | = | 80", noTLS("other")},
		{"no time for the address that counts", func(w *world) {
			w.cut = map[string]bool{"192.0.2.12": true}
		}, "= | = | = | 0/140=0% error (untestable) | = | 80", noTLS("could-not-test")},
		{"no STARTTLS over IPv6, which does not count", func(w *world) { w.plain = map[string]bool{"2001:db8::12": true} }, allRight, ""},
		{"no STARTTLS over IPv4, which counts", func(w *world) { w.plain = map[string]bool{"192.0.2.12": true} },
			"= | = | = | 0/140=0% error (unreachable) | = | 80", noTLS("other")},
		{"the last IPv4 address counts", func(w *world) {
			w.set(mx2, "A", "192.0.2.12", "192.0.2.99")
			w.plain = map[string]bool{"192.0.2.12": true}
		}, allRight, ""},
		{"IPv6 alone is tested", func(w *world) { w.drop(ask(mx2, "A")) }, allRight, ""},
	})
}
