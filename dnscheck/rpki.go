package dnscheck

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// The evidence for these checks (the routes to an address and the VRPs that
// cover it) is not gathered yet, so none of them has an Evaluate.
var rpkiChecks = []*check.Check{
	rpkiExists("rpki-mx-exists", "mail_rpki_exists", "mail server", "Route origin authorisation for mail servers", whyMX),
	rpkiValid("rpki-mx-valid", "mail_rpki_valid", "mail server", "Route origin validity for mail servers", whyMX),
	rpkiExists("rpki-ns-exists", "mail_ns_rpki_exists", "name server", "Route origin authorisation for name servers", whyNS),
	rpkiValid("rpki-ns-valid", "mail_ns_rpki_valid", "name server", "Route origin validity for name servers", whyNS),
	rpkiExists("rpki-mx-ns-exists", "mail_mx_ns_rpki_exists", "mail server's name server", "Route origin authorisation for the mail servers' name servers", whyMXNS),
	rpkiValid("rpki-mx-ns-valid", "mail_mx_ns_rpki_valid", "mail server's name server", "Route origin validity for the mail servers' name servers", whyMXNS),
}

const (
	whyMX   = "Whoever announces a network that is not his own, by mistake or on purpose, draws its traffic to himself: mail included. Networks that validate route origins drop such announcements, but only where the owner has said who may announce."
	whyNS   = "Whoever draws a name server's traffic to himself by a false route can answer for the domain. Networks that validate route origins drop such announcements, but only where the owner has said who may announce."
	whyMXNS = "The mail servers are found through the name servers of their own domain. Whoever draws those to himself by a false route can name other mail servers. Networks that validate route origins drop such announcements, but only where the owner has said who may announce."

	howROA = "Let the holder of the address block, mostly your hosting provider, publish a Route Origin Authorisation (ROA) for it at the regional registry, with the number of the autonomous system that announces it and, as maximum length, the length announced."
)

var rpkiArgs = []string{"domain", "addresses", "routes", "failed"}

// rpkiWants is empty as long as these checks have no evidence.
func rpkiWants(*evidence.Snapshot) []evidence.Question { return nil }

func rpkiExists(id, api, kind, title, why string) *check.Check {
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
		Codes: []*check.Code{
			{Name: "covered", Outcome: check.Pass, Verdict: "good",
				Text: "A Route Origin Authorisation covers every address of each " + kind + " of {domain}: {addresses}."},
			{Name: "not-covered", Outcome: check.Weak, Verdict: "bad",
				Text:   "No Route Origin Authorisation covers these addresses of a " + kind + " of {domain}: {addresses}. Internet.nl warns of it and gives no points.",
				Advice: howROA},
			{Name: "no-addresses", Outcome: check.NotApplicable, Verdict: "no-addresses",
				Text: "No " + kind + " of {domain} has an address, so there is nothing to cover. Internet.nl gives all points for it."},
			{Name: "source-unavailable", Outcome: check.Inconclusive, Verdict: "not-tested",
				Text:   "The Route Origin Authorisations could not be had ({failed}), so nothing is known. Internet.nl gives no points when its source fails.",
				Advice: "Scan again when the source of validated payloads is there."},
		},
	}
}

func rpkiValid(id, api, kind, title, why string) *check.Check {
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
		Codes: []*check.Code{
			{Name: "valid", Outcome: check.Pass, Verdict: "good",
				Text: "Every route to each " + kind + " of {domain} has a valid origin: {routes}."},
			{Name: "not-found", Outcome: check.Weak, Verdict: "bad",
				Text:   "No Route Origin Authorisation covers these routes to a " + kind + " of {domain}: {routes}. Internet.nl counts this as a failure, although such routes are not filtered.",
				Advice: howROA},
			{Name: "invalid", Outcome: check.Fail, Verdict: "invalid",
				Text:   "These routes to a " + kind + " of {domain} are announced against what a Route Origin Authorisation allows: {routes}. Networks that validate drop them.",
				Advice: "Correct the authorisation if the announcement is meant, in the autonomous system's number or the maximum length. If it is not meant, somebody announces addresses that are not his: tell the holder of the address block at once."},
			{Name: "not-routed", Outcome: check.NotApplicable, Verdict: "not-routed",
				Text: "No route to any " + kind + " of {domain} is known, so there is no origin to validate. Internet.nl gives all points for it."},
			{Name: "no-addresses", Outcome: check.NotApplicable, Verdict: "not-tested",
				Text: "No " + kind + " of {domain} has an address, so there is no route to validate. Internet.nl gives all points for it."},
			{Name: "source-unavailable", Outcome: check.Inconclusive, Verdict: "not-tested/validator_error",
				Text:   "The routes or the Route Origin Authorisations could not be had ({failed}), so nothing is known. Internet.nl gives no points when a source of its own fails.",
				Advice: "Scan again when the sources are there."},
		},
	}
}
