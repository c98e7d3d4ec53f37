package smtpcheck

import (
	"slices"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	reuseNone = &check.Code{Name: "one-key-each", Outcome: check.Pass,
		Text: "Every mail server of {domain} has a key of its own."}
	reuseShared = &check.Code{Name: "shared", Outcome: check.Weak,
		Text:   "Mail servers of {domain} share a key: {hosts}. Whoever takes it from one of them can pose as all, and it can only be changed everywhere at once.",
		Advice: "Give each mail server a key of its own, unless they are one machine under several names."}
	reuseSame = &check.Code{Name: "same-machine", Outcome: check.Pass,
		Text: "Mail servers of {domain} share a key, and an address, too: {hosts}. They seem to be one machine under several names."}
	reuseUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text: "The certificates of fewer than two mail servers of {domain} are known, so that their keys cannot be compared."}
	reuseOne = &check.Code{Name: "one-host", Outcome: check.NotApplicable,
		Text: "{domain} has fewer than two mail servers, so that there are no keys to compare."}
)

var certKeyReuse = &check.Check{
	ID: "cert-key-reuse", Category: check.Extra, Level: check.Informational, Scope: check.PerDomain,
	Title: "Keys shared by mail servers",
	Doc: check.Doc{
		What: "The keys in the certificates of the mail servers are compared with each other.",
		Why:  "A key on several machines is as safe as the worst kept of them.",
		How:  "Make a key on each machine, and publish a TLSA record for each.",
	},
	Cites: []check.Citation{check.RFC("7671", "8.1")},
	Args:  []string{"domain", "hosts"},
	Codes: []*check.Code{reuseNone, reuseShared, reuseSame, reuseOne, reuseUnknown},
	Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
		f := check.Finding{Code: reuseNone, Args: map[string]string{"domain": s.Domain}}
		keys, order := hostKeys(s)
		var shared []string
		same := true
		for _, host := range order {
			for _, other := range order {
				if host != other && slices.ContainsFunc(keys[host], func(k string) bool { return slices.Contains(keys[other], k) }) {
					same = same && sharesAddress(s, host, other)
					if !slices.Contains(shared, host) {
						shared = append(shared, host)
					}
				}
			}
		}
		switch {
		case len(s.Mail().Hosts) < 2:
			f.Code = reuseOne
		case len(order) < 2:
			f.Code = reuseUnknown
		case len(shared) > 0 && same:
			f.Code = reuseSame
		case len(shared) > 0:
			f.Code = reuseShared
		}
		f.Args["hosts"] = join(shared)
		return f
	},
}

// hostKeys are the keys that each host serves, in the order of the hosts.
func hostKeys(s *evidence.Snapshot) (keys map[string][]string, order []string) {
	keys = map[string][]string{}
	for _, host := range s.Mail().Hosts {
		for _, x := range servedBy(s, host) {
			if leaf := x.leaf(); leaf != nil && len(leaf.SPKI) > 0 {
				keys[host] = append(keys[host], string(leaf.SPKI))
			}
		}
		if len(keys[host]) > 0 {
			order = append(order, host)
		}
	}
	return keys, order
}

func sharesAddress(s *evidence.Snapshot, a, b string) bool {
	mine, _, _ := s.Addresses(a)
	others, _, _ := s.Addresses(b)
	for _, addr := range mine {
		if slices.Contains(others, addr) {
			return true
		}
	}
	return false
}
