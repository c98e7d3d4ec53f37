package dnscheck

import (
	"slices"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// routeStrictChecks are the strict readings beside Internet.nl's of IPv6,
// DNSSEC and RPKI. None asks a question of its own.
var routeStrictChecks = []*check.Check{ipv6AllNS, ipv6Special, nsAnswers, mailPath, rpkiMaxLength}

var (
	allNSAll = &check.Code{Name: "all", Outcome: check.Pass,
		Text: "All name servers of {domain} have an IPv6 address: {with}."}
	allNSSome = &check.Code{Name: "some-without", Outcome: check.Weak,
		Text:   "Some name servers of {domain} have no IPv6 address: {without}. Two with one are enough for Internet.nl; {with} has.",
		Advice: "Publish an AAAA record for each of {without}, and glue at the registry where the name lies within the zone."}
	allNSNone = &check.Code{Name: "too-few", Outcome: check.Blocked,
		Text: "Fewer than two name servers of {domain} have an IPv6 address, which \"IPv6 addresses for name servers\" tells."}
	allNSNoServers = &check.Code{Name: "no-name-servers", Outcome: check.NotApplicable,
		Text: "No name servers were found for {domain}."}
	allNSUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text:   "Whether all name servers of {domain} have an IPv6 address could not be found out ({failed}).",
		Advice: "Scan again later. If it stays so, the servers that hold these names do not answer."}
	allNSNotAsked = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "Whether all name servers of {domain} have an IPv6 address was not looked up to the end: no resolver could be reached, the scan ended before, or there are more than are looked at."}

	ipv6AllNS = &check.Check{
		ID: "ipv6-ns-all", Category: check.Extra, Level: check.Optional, Scope: check.PerDomain,
		Title: "IPv6 on every name server",
		Doc: check.Doc{
			What: "Whether every name server of the domain has an IPv6 address, not only two of them.",
			Why:  "A resolver that has only IPv6 can use no more than the name servers that have it too. The others are no reserve for it.",
			How:  "Publish an AAAA record for the name of each name server.",
		},
		Cites:    []check.Citation{check.RFC("3901", "4"), check.RFC("2182", "5")},
		Args:     []string{"domain", "with", "without", "unknown", "failed"},
		Codes:    []*check.Code{allNSAll, allNSSome, allNSNone, allNSNoServers, allNSUnknown, allNSNotAsked},
		Evaluate: evaluateAllNS,
	}
)

func evaluateAllNS(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	d := delegationOf(s)
	c := countIPv6(serversOf(s, d.hosts))
	f := check.Finding{Args: c.args(s, 1), Evidence: pointers(s, append(d.climb, c.lookups...)...)}
	switch {
	case d.ownFault:
		f.Code = allNSNotAsked
	case len(d.failed) > 0:
		f.Code, f.Args["failed"] = allNSUnknown, whatFailed(d.failed...)
	case len(d.hosts) == 0:
		f.Code = allNSNoServers
	case len(c.with) >= 2 && len(c.without) > 0:
		f.Code = allNSSome
	case c.ownFault:
		f.Code = allNSNotAsked
	case len(c.unknown) > 0:
		f.Code = allNSUnknown
	case len(c.with) < 2:
		f.Code = allNSNone
	default:
		f.Code = allNSAll
	}
	return f
}

var (
	specialNone = &check.Code{Name: "public", Outcome: check.Pass,
		Text: "Every IPv6 address of the name servers and mail servers of {domain} is one for the public Internet."}
	specialSome = &check.Code{Name: "special-address", Outcome: check.Fail,
		Text:   "Some IPv6 addresses of the name servers or mail servers of {domain} cannot be reached over the Internet, because they lie in ranges for other purposes: {special}.",
		Advice: "Remove these AAAA records, or replace each by a public address of the server. Senders and resolvers that try such an address lose time, and may give up.",
		Cites:  []check.Citation{check.RFC("6890", "2.2.3"), check.RFC("4472", "2.1")}}
	specialAllowed = &check.Code{Name: "special-address-allowed", Outcome: check.NotApplicable,
		Text: "Some IPv6 addresses of the servers of {domain} lie in ranges that are not for the public Internet: {special}. With --allow-private that is as it should be."}
	specialNoAddress = &check.Code{Name: "no-address", Outcome: check.NotApplicable,
		Text: "No name server or mail server of {domain} has an IPv6 address, so there is none to look at."}
	specialUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text:   "Not all IPv6 addresses of the name servers and mail servers of {domain} could be found out ({failed}). The known ones are public.",
		Advice: "Scan again later. If it stays so, the servers that hold these names do not answer."}
	specialNotAsked = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "The IPv6 addresses of the name servers and mail servers of {domain} were not looked up to the end: no resolver could be reached, the scan ended before, or there are more than are looked at."}

	ipv6Special = &check.Check{
		ID: "ipv6-special", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
		Title: "Public IPv6 addresses",
		Doc: check.Doc{
			What: "Whether the AAAA records of name servers and mail servers hold public addresses, and none that is IPv4-mapped, link-local, unique local, for documentation or for a way of transition (6to4, Teredo).",
			Why:  "Such an address reaches nobody, or somebody else, who may be in the sender's own network. Internet.nl drops mapped addresses without a word, and takes the others for unreachable.",
			How:  "Publish AAAA records with addresses that your provider has routed to the server, and no others. For names used inside a network alone use names of their own.",
		},
		Cites:    []check.Citation{check.RFC("6890", "2.2.3"), check.RFC("4291", "2.5"), check.RFC("4472", "2.1")},
		Args:     []string{"domain", "special", "failed"},
		Codes:    []*check.Code{specialNone, specialSome, specialAllowed, specialNoAddress, specialUnknown, specialNotAsked},
		Evaluate: evaluateSpecial,
	}
)

func evaluateSpecial(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	h := rpkiMailServers(s)
	ns := rpkiNameServers(s)
	hosts := slices.Concat(s.Mail().Hosts, firstOf(delegationOf(s).hosts, maxNameServers))
	slices.Sort(hosts)
	var special []string
	var seen []*evidence.Lookup
	for _, host := range slices.Compact(hosts) {
		l := s.Lookup(host, "AAAA")
		if l == nil {
			continue
		}
		for _, rr := range l.Answer {
			a, err := rr.Addr()
			if err != nil {
				continue
			}
			seen = append(seen, l)
			if name, is := evidence.SpecialPurpose(a); is && len(special) <= maxListed*2 {
				special = appendNew(special, host+" ["+a.String()+"] is "+name)
			}
		}
	}
	failed := slices.Concat(h.failed, ns.failed)
	f := check.Finding{Args: map[string]string{"domain": s.Domain, "special": enumerate(special), "failed": whatFailed(failed...)}, Evidence: pointers(s, seen...)}
	switch {
	case len(special) > 0 && s.Vantage.AllowPrivate:
		f.Code = specialAllowed
	case len(special) > 0:
		f.Code = specialSome
	case h.ownFault || ns.ownFault:
		f.Code = specialNotAsked
	case len(failed) > 0:
		f.Code = specialUnknown
	case len(seen) == 0:
		f.Code = specialNoAddress
	default:
		f.Code = specialNone
	}
	return f
}
