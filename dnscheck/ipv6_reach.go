package dnscheck

import (
	"cmp"
	"strconv"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// reachCodes are the answers about reaching one kind of server.
type reachCodes struct {
	all, few, failing, down, forbidden, untried, noAddress   *check.Code
	unknown, notAsked, leftOut, noIPv6Here, unknownAndNobody *check.Code
}

// reachArgs are the arguments of their texts.
var reachArgs = []string{"domain", "points", "with", "without", "unknown", "failed", "answering", "failing", "down", "forbidden", "untried", "port"}

// newReachCodes makes them; kind is "name server" or "mail server", port what it listens on.
func newReachCodes(kind, port string) reachCodes {
	return reachCodes{
		all: &check.Code{Name: "all", Outcome: check.Pass, Verdict: "good",
			Text: "Every IPv6 address of the " + kind + "s of {domain} answers on " + port + ": {answering}."},
		few: &check.Code{Name: "all-but-few", Outcome: check.Pass, Verdict: "good",
			Text: "Every IPv6 address of the " + kind + "s of {domain} answers on " + port + ": {answering}. Internet.nl gives {points} of 10 points all the same, because too few of the " + kind + "s have such an address."},
		failing: &check.Code{Name: "unreachable", Outcome: check.Fail, Verdict: "bad",
			Text:   "Some IPv6 addresses of the " + kind + "s of {domain} cannot be reached on " + port + ": {failing}.",
			Advice: "Let the " + kind + " listen on each of these addresses and open the firewall for " + port + " over IPv6, or remove the AAAA record. An address that does not answer is worse than none: others wait for it."},
		down: &check.Code{Name: "host-silent", Outcome: check.Inconclusive, Verdict: "bad",
			Text:   "{down} did not answer at all, neither over IPv6 nor over IPv4, so this says nothing about its IPv6: the host is down, or does not talk to this scanner. Internet.nl counts its IPv6 addresses as unreachable.",
			Advice: "Scan again later, or from elsewhere. If it stays so, the " + kind + " is out of order."},
		forbidden: &check.Code{Name: "special-address", Outcome: check.Inconclusive, Verdict: "bad",
			Text:   "Not tried, because these addresses lie in ranges that are not for the public Internet (private, loopback, documentation and the like): {forbidden}. Internet.nl would not reach them.",
			Advice: "Remove such addresses from the public DNS. To test them in a network of your own, use --allow-private.",
			Cites:  []check.Citation{check.RFC("6890", "2.2.3")}},
		untried: &check.Code{Name: "not-tried", Outcome: check.Inconclusive,
			Text: "Not all IPv6 addresses of the " + kind + "s of {domain} were tried, because the scan ended before or there are too many: {untried}."},
		noAddress: &check.Code{Name: "no-address", Outcome: check.Blocked, Verdict: "not-tested",
			Text: "No " + kind + " of {domain} has an IPv6 address, so there is none to reach. Internet.nl gives no points for it."},
		unknown: &check.Code{Name: "addresses-unknown", Outcome: check.Inconclusive, Verdict: "good",
			Text: "The known IPv6 addresses of the " + kind + "s of {domain} answer, but it is not known whether there are others ({failed}). Internet.nl counts a failed lookup as having none."},
		unknownAndNobody: &check.Code{Name: "no-address-known", Outcome: check.Inconclusive, Verdict: "not-tested",
			Text: "The IPv6 addresses of the " + kind + "s of {domain} could not be found out ({failed}). Internet.nl counts a failed lookup as having none."},
		notAsked: &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
			Text: "The IPv6 addresses of the " + kind + "s of {domain} were not looked up to the end: no resolver could be reached, the scan ended before, or there are too many."},
		leftOut: &check.Code{Name: "left-out", Outcome: check.Inconclusive, NotAsked: true,
			Text: "Whether the " + kind + "s of {domain} can be reached over IPv6 was not tested, as asked (--no-ipv6 or --no-smtp)."},
		noIPv6Here: &check.Code{Name: "no-ipv6-here", Outcome: check.Inconclusive,
			Text:   "This host has no IPv6, so it cannot tell whether the " + kind + "s of {domain} can be reached over it.",
			Advice: "Scan from a host that has IPv6, or leave it out with --no-ipv6."},
	}
}

func (c reachCodes) codes() []*check.Code {
	return []*check.Code{c.all, c.few, c.failing, c.down, c.forbidden, c.untried, c.noAddress,
		c.unknown, c.notAsked, c.leftOut, c.noIPv6Here, c.unknownAndNobody}
}

// finding judges what is not about the way the hosts were found. Points are
// those of Internet.nl, to which an address that does not answer, for whatever
// reason, is unreachable.
func (c reachCodes) finding(s *evidence.Snapshot, hosts []triedHost, points int, leftOut bool) check.Finding {
	got := sift(s, hosts)
	f := check.Finding{Code: c.choose(s, got, leftOut), Args: got.lookups.args(s, 7), Evidence: got.evidence}
	f.Args["answering"], f.Args["failing"], f.Args["down"] = enumerate(got.answering), enumerate(got.failing), enumerate(got.down)
	f.Args["forbidden"], f.Args["untried"] = enumerate(got.outOfBounds), enumerate(got.untried)
	f.Args["points"], f.Args["port"] = strconv.Itoa(points), strconv.Itoa(cmp.Or(s.Vantage.SMTPPort, 25))
	if f.Code == c.all && points < 10 {
		f.Code = c.few
	}
	if f.Code.Verdict == "good" || f.Code.Verdict == "bad" {
		f.Points = &points
	}
	f.Evidence = append(pointers(s, got.lookups.lookups...), f.Evidence...)
	return f
}

func (c reachCodes) choose(s *evidence.Snapshot, got found, leftOut bool) *check.Code {
	unknown := len(got.lookups.unknown) > 0
	switch {
	case len(got.lookups.with) == 0 && !unknown:
		return c.noAddress
	case leftOut:
		return c.leftOut
	case len(got.lookups.with) == 0 && got.lookups.ownFault:
		return c.notAsked
	case len(got.lookups.with) == 0:
		return c.unknownAndNobody
	case s.Vantage.IPv6 == evidence.Missing:
		return c.noIPv6Here
	case len(got.failing) > 0:
		return c.failing
	case len(got.untried) > 0:
		return c.untried
	case len(got.outOfBounds) > 0:
		return c.forbidden
	case len(got.down) > 0:
		return c.down
	case unknown && got.lookups.ownFault:
		return c.notAsked
	case unknown:
		return c.unknown
	}
	return c.all
}

var (
	nsReach        = newReachCodes("name server", "port 53")
	nsReachUnknown = &check.Code{Name: "servers-unknown", Outcome: check.Inconclusive, Verdict: "not-tested",
		Text:   "Which name servers {domain} has could not be found out ({failed}). Internet.nl counts that as having none with IPv6.",
		Advice: "Scan again later. If it stays so, the name servers of {domain} do not answer questions for its NS records."}
	nsReachAbove = &check.Code{Name: "servers-above", Outcome: check.Inconclusive, Verdict: "good",
		Text:   "Which name servers {domain} has could not be found out ({failed}). Internet.nl then looks at those of the zone above in their place, and gives {points} of 10 points for them.",
		Advice: "Scan again later. If it stays so, the name servers of {domain} do not answer questions for its NS records."}

	ipv6NSReach = &check.Check{
		ID: "ipv6-ns-reach", API: "mail_ipv6_ns_reach",
		Category: check.IPv6, Level: check.Required, Scope: check.PerDomain,
		Title: "IPv6 reachability of name servers",
		Doc: check.Doc{
			What: "Whether every IPv6 address of the domain's name servers answers a DNS question. Any answer counts, a refusal too. The points are an average over the name servers; those without IPv6 are left out of it once two have it.",
			Why:  "Resolvers try all addresses of a zone's name servers. One that does not answer costs each of them time, and those that have only IPv6 may not find the domain at all.",
			How:  "Let the name server listen on its IPv6 address and open port 53 for UDP and TCP in the firewall. Try it: \"dig -6 @NAMESERVER DOMAIN NS\".",
		},
		Cites:    []check.Citation{check.RFC("4472", "4.3"), check.RFC("7766", "5"), check.InternetNL("mail_ipv6_ns_reach")},
		Args:     reachArgs,
		Codes:    append(nsReach.codes(), nsReachUnknown, nsReachAbove),
		Evaluate: evaluateNSReach,
	}
)

func evaluateNSReach(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	d := delegationOf(s)
	if d.ownFault || len(d.failed) > 0 && len(d.hosts) == 0 {
		f := check.Finding{Code: nsReachUnknown, Args: map[string]string{"domain": s.Domain, "failed": whatFailed(d.failed...)}, Evidence: pointers(s, d.climb...)}
		if d.ownFault {
			f.Code = nsReach.notAsked
		}
		return f
	}
	hosts := tryAll(s, serversOf(s, d.hosts), nsTries)
	return d.above(nsReach.finding(s, hosts, nsPoints(hosts), s.Vantage.NoIPv6), nsReachAbove)
}

var (
	mxReach       = newReachCodes("mail server", "port {port}")
	mxReachNoMail = &check.Code{Name: "no-mail-servers", Outcome: check.NotApplicable, Verdict: "not-tested/none",
		Text: "{domain} has no mail servers that could be tested, so there is none to reach."}
	mxReachUnknown = &check.Code{Name: "mx-unknown", Outcome: check.Inconclusive, Verdict: "not-tested/none",
		Text: "Which mail servers {domain} has could not be found out ({failed}). Internet.nl counts a failed MX lookup as having no mail servers."}

	ipv6MXReach = &check.Check{
		ID: "ipv6-mx-reach", API: "mail_ipv6_mx_reach",
		Category: check.IPv6, Level: check.Required, Scope: check.PerDomain,
		Title: "IPv6 reachability of mail servers",
		Doc: check.Doc{
			What: "Whether every IPv6 address of the domain's mail servers accepts a connection on port 25. The points are an average over the MX records: a server without IPv6 counts as unreachable, one that is named twice counts twice.",
			Why:  "A sender with only IPv6 cannot deliver to an address that does not answer, and each sender that prefers IPv6 waits for it in vain before it tries another one.",
			How:  "Let the mail server listen on its IPv6 address and open port 25 in the firewall. Try it from outside: \"nc -6 MAILSERVER 25\" shows its greeting.",
		},
		Cites:    []check.Citation{check.RFC("4472", "4.3"), check.RFC("5321", "5.1"), check.InternetNL("mail_ipv6_mx_reach")},
		Args:     reachArgs,
		Codes:    append(mxReach.codes(), mxReachNoMail, mxReachUnknown),
		Evaluate: evaluateMXReach,
	}
)

func evaluateMXReach(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	m := s.Mail()
	if m.Status != evidence.MailHas {
		mx := s.Lookup(s.Domain, "MX")
		f := check.Finding{Code: mxReachNoMail, Args: map[string]string{"domain": s.Domain, "failed": whatFailed(mx)}, Evidence: pointers(s, mx)}
		if m.Status == evidence.MailUnknown {
			f.Code = mxReachUnknown
			if ownFault(mx) {
				f.Code = mxReach.notAsked
			}
		}
		return f
	}
	hosts := tryAll(s, serversOf(s, m.Hosts), mxTries)
	return mxReach.finding(s, hosts, mxPoints(hosts, m.Times), s.Vantage.NoIPv6 || s.Vantage.NoSMTP)
}
