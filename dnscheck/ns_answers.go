package dnscheck

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	nsAnswersUseful = &check.Code{Name: "useful", Outcome: check.Pass,
		Text: "The name servers of {domain} that were asked directly answer for it with authority: {useful}."}
	nsAnswersLame = &check.Code{Name: "lame", Outcome: check.Fail,
		Text:   "Some name servers of {domain} do not know it, others do: {lame}. Resolvers that ask there lose time, and give up where no other server answers.",
		Advice: "Load the zone on these servers, at these addresses too, or remove them from the NS records in the zone and at the registry. Try it: \"dig @NAMESERVER {domain} SOA +norecurse\" must show the flag aa.",
		Cites:  []check.Citation{check.RFC("8499", "7"), check.InternetNL("mail_ipv6_ns_reach")}}
	nsAnswersNone = &check.Code{Name: "none-useful", Outcome: check.Inconclusive,
		Text:   "No name server of {domain} answered for it with authority when asked directly: {lame}. Either they do not serve the zone there, or they refuse this scanner, or something on the way answers in their place.",
		Advice: "Ask from another network: \"dig @NAMESERVER {domain} SOA +norecurse\" must show the flag aa."}
	nsAnswersTrouble = &check.Code{Name: "server-failure", Outcome: check.Inconclusive,
		Text:   "Some name servers of {domain} answered with an error that may pass: {trouble}.",
		Advice: "Scan again later. If it stays so, see the log of these servers: a zone that has expired or could not be loaded gives SERVFAIL."}
	nsAnswersSilent = &check.Code{Name: "no-answer", Outcome: check.Inconclusive,
		Text: "No name server of {domain} that was asked directly gave an answer that could be read, which \"IPv6 reachability of name servers\" tells of."}
	nsAnswersNotAsked = &check.Code{Name: "not-asked", Outcome: check.Inconclusive, NotAsked: true,
		Text: "No name server of {domain} was asked directly: only their IPv6 addresses are, for reachability, and they have none, this host has none, or they were left out."}
	nsAnswersUnknown = &check.Code{Name: "servers-unknown", Outcome: check.Inconclusive,
		Text: "Which name servers {domain} has could not be found out, so their answers say nothing about it."}

	nsAnswers = &check.Check{
		ID: "ns-answers", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
		Title: "Useful answers of name servers",
		Doc: check.Doc{
			What: "Whether the name servers that were asked directly, to see whether they can be reached, answer for the domain with authority. Internet.nl counts any answer, a refusal too. No question is asked for this check alone.",
			Why:  "A name server that is listed for a domain and does not serve it (a lame delegation) is no reserve when the others fail, and it slows down every resolver that comes there.",
			How:  "Load the zone on every server that the NS records name, for IPv4 and IPv6 alike, and allow questions from everywhere. Try it: \"dig @NAMESERVER DOMAIN SOA +norecurse\".",
		},
		Cites:    []check.Citation{check.RFC("1912", "2.8"), check.RFC("8499", "7")},
		Args:     []string{"domain", "useful", "lame", "trouble"},
		Codes:    []*check.Code{nsAnswersUseful, nsAnswersLame, nsAnswersNone, nsAnswersTrouble, nsAnswersSilent, nsAnswersNotAsked, nsAnswersUnknown},
		Evaluate: evaluateNSAnswers,
	}
)

func evaluateNSAnswers(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	d := delegationOf(s)
	var useful, lame, trouble []string
	var seen []*evidence.Reach
	for _, host := range firstOf(d.hosts, maxNameServers) {
		for i := range s.Reaches {
			r := &s.Reaches[i]
			if r.Host != host || r.Outcome == evidence.ReachableUnknown {
				continue
			}
			seen = append(seen, r)
			switch at := host + " [" + r.Addr + "]"; {
			case r.RCode == "":
			case r.RCode == "REFUSED" || r.RCode == "NOTAUTH":
				lame = append(lame, at+" says "+r.RCode)
			case r.RCode != "NOERROR" && r.RCode != "NXDOMAIN":
				trouble = append(trouble, at+" says "+shown(r.RCode))
			case r.Authoritative:
				useful = append(useful, at)
			default:
				lame = append(lame, at+" answers without authority")
			}
		}
	}
	f := check.Finding{
		Args:     map[string]string{"domain": s.Domain, "useful": enumerate(useful), "lame": enumerate(lame), "trouble": enumerate(trouble)},
		Evidence: pointers(s, seen...),
	}
	switch {
	case d.ownFault || len(d.failed) > 0:
		f.Code = nsAnswersUnknown
	case len(seen) == 0:
		f.Code = nsAnswersNotAsked
	case len(lame) > 0 && len(useful) > 0:
		f.Code = nsAnswersLame
	case len(lame) > 0:
		f.Code = nsAnswersNone
	case len(trouble) > 0:
		f.Code = nsAnswersTrouble
	case len(useful) == 0:
		f.Code = nsAnswersSilent
	default:
		f.Code = nsAnswersUseful
	}
	return f
}
