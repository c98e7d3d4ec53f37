package dnscheck

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var rpkiChecks = []*check.Check{
	rpkiExists("rpki-mx-exists", "mail_rpki_exists", "mail server", "Route origin authorisation for mail servers", whyMX, rpkiMailServers),
	rpkiValid("rpki-mx-valid", "mail_rpki_valid", "mail server", "Route origin validity for mail servers", whyMX, rpkiMailServers),
	rpkiExists("rpki-ns-exists", "mail_ns_rpki_exists", "name server", "Route origin authorisation for name servers", whyNS, rpkiNameServers),
	rpkiValid("rpki-ns-valid", "mail_ns_rpki_valid", "name server", "Route origin validity for name servers", whyNS, rpkiNameServers),
	rpkiExists("rpki-mx-ns-exists", "mail_mx_ns_rpki_exists", "mail server's name server", "Route origin authorisation for the mail servers' name servers", whyMXNS, rpkiMailNameServers),
	rpkiValid("rpki-mx-ns-valid", "mail_mx_ns_rpki_valid", "mail server's name server", "Route origin validity for the mail servers' name servers", whyMXNS, rpkiMailNameServers),
}

const (
	whyMX   = "Whoever announces a network that is not his own, by mistake or on purpose, draws its traffic to himself: mail included. Networks that validate route origins drop such announcements, but only where the owner has said who may announce."
	whyNS   = "Whoever draws a name server's traffic to himself by a false route can answer for the domain. Networks that validate route origins drop such announcements, but only where the owner has said who may announce."
	whyMXNS = "The mail servers are found through the name servers of their own domain. Whoever draws those to himself by a false route can name other mail servers. Networks that validate route origins drop such announcements, but only where the owner has said who may announce."

	howROA = "Let the holder of the address block, mostly your hosting provider, publish a Route Origin Authorisation (ROA) for it at the regional registry, with the number of the autonomous system that announces it and, as maximum length, the length announced."
)

var rpkiArgs = []string{"domain", "addresses", "routes", "failed", "verdict", "differs", "unrouted"}

// rpkiUnknown is the answers of both kinds of checks where something is not
// known.
type rpkiUnknown struct{ noSource, source, hosts, notAsked *check.Code }

// newRPKIUnknown makes the answers. What is the question in words; failed and
// nothing are Internet.nl's verdicts where a source failed and where there is
// no address at all.
func newRPKIUnknown(kind, what, failed, nothing string) rpkiUnknown {
	return rpkiUnknown{
		noSource: &check.Code{Name: "no-source", Outcome: check.Inconclusive, NotAsked: true,
			Text: "Not tested, because no validated ROA payloads (VRPs) were given, by which routes are judged. Give the output of a relying party such as Routinator or rpki-client with --vrps FILE, or an RTR cache with --vrps rtr://HOST:PORT."},
		source: &check.Code{Name: "source-unavailable", Outcome: check.Inconclusive, Verdict: failed,
			Text:   what + " is not known: {failed}. Internet.nl gives no points when a source of its own fails.",
			Advice: "Scan again when the sources are there, and fresh."},
		hosts: &check.Code{Name: "addresses-unknown", Outcome: check.Inconclusive, Verdict: nothing,
			Text:   "Which addresses each " + kind + " of {domain} has could not be found out ({failed}). Internet.nl leaves out what it cannot look up; of what is left its verdict is \"{verdict}\".",
			Advice: "Scan again later. If it stays so, the name servers concerned do not answer."},
		notAsked: &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
			Text: "The addresses of each " + kind + " of {domain}, or the routes to them, were not looked up to the end: no resolver could be reached, the scan ended before, or there are more than are looked at."},
	}
}

func (u rpkiUnknown) codes() []*check.Code {
	return []*check.Code{u.source, u.hosts, u.notAsked, u.noSource}
}

func rpkiExists(id, api, kind, title, why string, hosts func(*evidence.Snapshot) rpkiHosts) *check.Check {
	unknown := newRPKIUnknown(kind, "Whether a Route Origin Authorisation covers the addresses of each "+kind+" of {domain}", "not-tested", "no-addresses")
	codes := existsCodes{
		rpkiUnknown: unknown,
		covered: &check.Code{Name: "covered", Outcome: check.Pass, Verdict: "good",
			Text: "A Route Origin Authorisation covers every address of each " + kind + " of {domain}: {addresses}."},
		uncovered: &check.Code{Name: "not-covered", Outcome: check.Weak, Verdict: "bad",
			Text:   "No Route Origin Authorisation covers these addresses of a " + kind + " of {domain}: {addresses}. Internet.nl warns of it, and gives no points all the same.{differs}",
			Advice: howROA},
		none: &check.Code{Name: "no-addresses", Outcome: check.NotApplicable, Verdict: "no-addresses",
			Text: "No " + kind + " of {domain} has an address, so there is nothing to cover. Internet.nl gives all points for it."},
	}
	return &check.Check{
		ID: id, API: api,
		Category: check.RPKI, Level: check.Required, Scope: check.PerDomain,
		Title: title,
		Doc: check.Doc{
			What: "Whether a published Route Origin Authorisation covers each address, IPv4 and IPv6, of each " + kind + " of the domain.",
			Why:  why,
			How:  howROA,
		},
		Cites: []check.Citation{check.RFC("6480", "3"), check.RFC("9582", "4"), check.RFC("9319", "5"), check.InternetNL(api)},
		Args:  rpkiArgs,
		Codes: append([]*check.Code{codes.covered, codes.uncovered, codes.none}, unknown.codes()...),
		Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
			return codes.finding(s, hosts(s))
		},
	}
}

func rpkiValid(id, api, kind, title, why string, hosts func(*evidence.Snapshot) rpkiHosts) *check.Check {
	unknown := newRPKIUnknown(kind, "Whether the routes to each "+kind+" of {domain} have a valid origin", "not-tested/validator_error", "not-tested")
	codes := validityCodes{
		rpkiUnknown: unknown,
		valid: &check.Code{Name: "valid", Outcome: check.Pass, Verdict: "good",
			Text: "Every route to each " + kind + " of {domain} has a valid origin: {routes}."},
		partly: &check.Code{Name: "valid-or-unrouted", Outcome: check.Pass, Verdict: "good",
			Text: "Every route to a " + kind + " of {domain} has a valid origin: {routes}. No route is known, though, to {unrouted}: nobody can reach it there. Internet.nl does not mind."},
		notFound: &check.Code{Name: "not-found", Outcome: check.Weak, Verdict: "bad",
			Text:   "No Route Origin Authorisation covers these routes to a " + kind + " of {domain}: {routes}. Internet.nl counts this as a failure, although such routes are not filtered.{differs}",
			Advice: howROA},
		invalid: &check.Code{Name: "invalid", Outcome: check.Fail, Verdict: "invalid",
			Text:   "These routes to a " + kind + " of {domain} are announced against what a Route Origin Authorisation allows: {routes}. Networks that validate drop them.{differs}",
			Advice: "Correct the authorisation if the announcement is meant, in the autonomous system's number or the maximum length. If it is not meant, somebody announces addresses that are not his: tell the holder of the address block at once."},
		unrouted: &check.Code{Name: "not-routed", Outcome: check.NotApplicable, Verdict: "not-routed",
			Text: "No route to any " + kind + " of {domain} is known, so there is no origin to validate. Internet.nl gives all points for it."},
		none: &check.Code{Name: "no-addresses", Outcome: check.NotApplicable, Verdict: "not-tested",
			Text: "No " + kind + " of {domain} has an address, so there is no route to validate. Internet.nl gives all points for it."},
	}
	return &check.Check{
		ID: id, API: api,
		Category: check.RPKI, Level: check.Required, Scope: check.PerDomain,
		Title: title,
		Doc: check.Doc{
			What: "Whether each route by which an address of each " + kind + " of the domain is announced has a valid origin (RFC 6811): the announcing system and the length are those that a Route Origin Authorisation allows.",
			Why:  why,
			How:  "Let the announcement and the Route Origin Authorisation agree, in the autonomous system's number and in the length of the prefix. " + howROA,
		},
		Cites: []check.Citation{check.RFC("6811", "2"), check.RFC("9319", "5"), check.InternetNL(api)},
		Args:  rpkiArgs,
		Codes: append([]*check.Code{codes.valid, codes.partly, codes.notFound, codes.invalid, codes.unrouted, codes.none}, unknown.codes()...),
		Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
			return codes.finding(s, hosts(s))
		},
	}
}
