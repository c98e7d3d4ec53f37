// Package dnscheck holds the checks of what a domain publishes in the DNS and
// of how that is served: IPv6, DNSSEC, sender authentication and routing. The
// package is pure: [Wants] says which questions the checks still need, somebody
// else asks them, the checks read the answers.
package dnscheck

import (
	"slices"

	"mailvet/report/evidence"
)

// Checks lists the package's checks in the order of reports, which is that of
// Internet.nl within a category.
var Checks = slices.Concat(ipv6Checks, dnssecChecks, authChecks, rpkiChecks)

// Wants lists the questions that the checks need and s does not hold yet. The
// first call, on an empty snapshot, names the questions about the domain
// itself; answers bring up further ones, until nothing is wanted. The order
// has no meaning, a question may stand in the list more than once.
func Wants(s *evidence.Snapshot) []evidence.Question {
	var list []evidence.Question
	for _, wants := range []func(*evidence.Snapshot) []evidence.Question{ipv6Wants, dnssecWants, authWants, rpkiWants} {
		for _, q := range wants(s) {
			if s.Lookup(q.Name, q.Type) == nil {
				list = append(list, q)
			}
		}
	}
	return list
}

// Want is one address of a name server that has to be tried.
type Want struct{ Host, Addr string }
