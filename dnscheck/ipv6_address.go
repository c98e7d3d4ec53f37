package dnscheck

import (
	"slices"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	nsAddressEnough = &check.Code{Name: "enough", Outcome: check.Pass, Verdict: "good",
		Text: "At least two name servers of {domain} have an IPv6 address: {with}."}
	nsAddressOne = &check.Code{Name: "only-one", Outcome: check.Fail, Verdict: "other",
		Text:   "Only one name server of {domain} has an IPv6 address: {with}. When it is down, the domain cannot be found over IPv6.",
		Advice: "Give at least one more name server an IPv6 address (an AAAA record for its name, and glue at the registry where the name lies within the zone), or ask your DNS provider for it."}
	nsAddressNone = &check.Code{Name: "none", Outcome: check.Fail, Verdict: "bad",
		Text:   "No name server of {domain} has an IPv6 address. Without: {without}.",
		Advice: "Give at least two name servers an IPv6 address (an AAAA record for the name, and glue at the registry where the name lies within the zone), or ask your DNS provider for it."}
	nsAddressNoServers = &check.Code{Name: "no-name-servers", Outcome: check.Fail, Verdict: "bad",
		Text:   "No name servers were found for {domain}, neither at the name itself nor above it: the domain does not seem to exist.",
		Advice: "Check the spelling, and whether the domain is registered and delegated."}
	nsAddressServersUnknown = &check.Code{Name: "servers-unknown", Outcome: check.Inconclusive, Verdict: "bad",
		Text:   "Which name servers {domain} has could not be found out ({failed}). Internet.nl counts that as having none with IPv6.",
		Advice: "Scan again later. If it stays so, the name servers of {domain} do not answer questions for its NS records."}
	nsAddressAbove = &check.Code{Name: "servers-above", Outcome: check.Inconclusive, Verdict: "good",
		Text:   "Which name servers {domain} has could not be found out ({failed}). Internet.nl then looks at those of the zone above in their place; its verdict on them is \"{verdict}\".",
		Advice: "Scan again later. If it stays so, the name servers of {domain} do not answer questions for its NS records."}
	nsAddressUnknown = &check.Code{Name: "addresses-unknown", Outcome: check.Inconclusive, Verdict: "bad",
		Text:   "It is not known how many name servers of {domain} have an IPv6 address, because the lookup failed for {unknown} ({failed}). Internet.nl counts that as having none.",
		Advice: "Scan again later. If it stays so, the servers that hold these names do not answer for AAAA records."}
	nsAddressNotAsked = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "How many name servers of {domain} have an IPv6 address was not looked up to the end: no resolver could be reached, the scan ended before, or there are more name servers than are looked at."}

	ipv6NSAddress = &check.Check{
		ID: "ipv6-ns-address", API: "mail_ipv6_ns_address",
		Category: check.IPv6, Level: check.Required, Scope: check.PerDomain,
		Title: "IPv6 addresses for name servers",
		Doc: check.Doc{
			What: "Whether at least two name servers of the domain have an IPv6 address (an AAAA record; IPv4-mapped addresses do not count). The name servers are those of the zone that holds the domain.",
			Why:  "A mail sender that has only IPv6 cannot find the domain's mail servers if none of its name servers answers over IPv6. With one alone, the domain is lost to it when that one is down.",
			How:  "Publish an AAAA record for the names of at least two name servers. Where such a name lies within the domain itself, the registry needs the address too (glue). Most DNS providers do all of this by themselves.",
		},
		Cites:    []check.Citation{check.RFC("3596", "2.1"), check.RFC("4472", "1.3"), check.RFC("2182", "5"), check.InternetNL("mail_ipv6_ns_address")},
		Args:     []string{"domain", "with", "without", "unknown", "failed", "verdict"},
		Codes:    []*check.Code{nsAddressEnough, nsAddressOne, nsAddressNone, nsAddressNoServers, nsAddressServersUnknown, nsAddressAbove, nsAddressUnknown, nsAddressNotAsked},
		Evaluate: evaluateNSAddress,
	}
)

func evaluateNSAddress(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	d := delegationOf(s)
	c := countIPv6(serversOf(s, d.hosts))
	f := check.Finding{Args: c.args(s, 1), Evidence: pointers(s, append(d.climb, c.lookups...)...)}
	switch {
	case d.ownFault:
		f.Code = nsAddressNotAsked
	case len(d.failed) > 0 && len(d.hosts) == 0:
		f.Code, f.Args["failed"] = nsAddressServersUnknown, whatFailed(d.failed...)
	case len(d.hosts) == 0:
		f.Code = nsAddressNoServers
	case len(c.with) >= 2:
		f.Code = nsAddressEnough
	case len(c.with) == 1 && len(c.unknown) == 0:
		f.Code = nsAddressOne
	case len(c.unknown) == 0:
		f.Code = nsAddressNone
	case c.ownFault:
		f.Code = nsAddressNotAsked
	default:
		f.Code = nsAddressUnknown
		if len(c.with) == 1 {
			f.Verdict = "other"
		}
	}
	return d.above(f, nsAddressAbove)
}

// above turns what was found of the name servers of a zone above, where the
// domain's own could not be found out, into an inconclusive answer: nothing is
// known of the domain's, but Internet.nl says this of them.
func (d delegation) above(f check.Finding, code *check.Code) check.Finding {
	if len(d.failed) > 0 && len(d.hosts) > 0 && f.VerdictID() != "" {
		f.Verdict, f.Code = f.VerdictID(), code
		f.Args["failed"], f.Args["verdict"] = whatFailed(d.failed...), f.Verdict
	}
	return f
}

var (
	mxAddressNoMail = newNoMail("other")
	mxAddressAll    = &check.Code{Name: "all", Outcome: check.Pass, Verdict: "good",
		Text: "All mail servers of {domain} have an IPv6 address: {with}."}
	mxAddressAllOdd = &check.Code{Name: "all-but-odd-mx", Outcome: check.Pass, Verdict: "good",
		Text:   "All mail servers of {domain} that were looked at have an IPv6 address: {with}. The MX records are not as they should be, though: {odd}.",
		Advice: "Let each MX record name one host, once, under the name that has the addresses: no alias, no localhost. Ten servers are enough for any domain.",
		Cites:  []check.Citation{check.RFC("5321", "5.1"), check.RFC("2181", "10.3")}}
	mxAddressSome = &check.Code{Name: "some-without", Outcome: check.Fail, Verdict: "bad",
		Text:   "Some mail servers of {domain} have no IPv6 address: {without}. Others have one: {with}.",
		Advice: "Publish an AAAA record for each of {without}, and let the mail server listen there, or ask your mail provider for it."}
	mxAddressNone = &check.Code{Name: "none", Outcome: check.Fail, Verdict: "bad",
		Text:   "No mail server of {domain} is known to have an IPv6 address. Without: {without}.",
		Advice: "Publish an AAAA record for each of {without}, and let the mail server listen there, or ask your mail provider for it."}
	mxAddressUnknown = &check.Code{Name: "addresses-unknown", Outcome: check.Inconclusive, Verdict: "bad",
		Text:   "It is not known whether all mail servers of {domain} have an IPv6 address, because the lookup failed for {unknown} ({failed}). Internet.nl counts that as having none.",
		Advice: "Scan again later. If it stays so, the servers that hold these names do not answer for AAAA records, and mail senders with IPv6 wait for them in vain."}
	mxAddressNotAsked = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "Whether {unknown} has an IPv6 address was not looked up: no resolver could be reached, or the scan ended before."}

	ipv6MXAddress = &check.Check{
		ID: "ipv6-mx-address", API: "mail_ipv6_mx_address",
		Category: check.IPv6, Level: check.Required, Scope: check.PerDomain,
		Title: "IPv6 addresses for mail servers",
		Doc: check.Doc{
			What: "Whether each mail server of the domain has an IPv6 address (an AAAA record; IPv4-mapped addresses do not count). The first ten by name are looked at; localhost is left out.",
			Why:  "A sender that has only IPv6 can deliver to such servers alone. As IPv4 addresses are shared by ever more hosts, mail over IPv6 also depends less on the good name of strangers.",
			How:  "Publish an AAAA record for the name in each MX record, let the server listen on port 25 there, and open the firewall. Give the address a reverse name too, because the server will send mail from it.",
		},
		Cites:    []check.Citation{check.RFC("3974", "4"), check.RFC("3596", "2.1"), check.InternetNL("mail_ipv6_mx_address")},
		Args:     []string{"domain", "with", "without", "unknown", "failed", "odd"},
		Codes:    slices.Concat([]*check.Code{mxAddressAll, mxAddressAllOdd, mxAddressSome, mxAddressNone, mxAddressUnknown, mxAddressNotAsked}, mxAddressNoMail.codes()),
		Evaluate: evaluateMXAddress,
	}
)

func evaluateMXAddress(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	m := s.Mail()
	if m.Status != evidence.MailHas {
		return mxAddressNoMail.finding(s, m)
	}
	c := countIPv6(serversOf(s, m.Hosts))
	odd := oddMX(s, m)
	f := check.Finding{Args: c.args(s, 1), Evidence: pointers(s, append([]*evidence.Lookup{s.Lookup(s.Domain, "MX")}, c.lookups...)...)}
	f.Args["odd"] = enumerate(odd)
	switch {
	case len(c.without) > 0 && len(c.with) == 0:
		f.Code = mxAddressNone
	case len(c.without) > 0:
		f.Code = mxAddressSome
	case c.ownFault:
		f.Code = mxAddressNotAsked
	case len(c.unknown) > 0:
		f.Code = mxAddressUnknown
	case len(odd) > 0:
		f.Code = mxAddressAllOdd
	default:
		f.Code = mxAddressAll
	}
	return f
}
