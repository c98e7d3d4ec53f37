// Package dnscheck holds the checks of what a domain publishes in the DNS and
// of how that is served: IPv6, DNSSEC, sender authentication and routing. The
// package is pure: [Wants] says which questions the checks still need and
// [ReachWants] which name servers' addresses are to be tried, somebody else
// does so, the checks read what came of it.
package dnscheck

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"mailvet/report/evidence"
)

// Checks lists the package's checks in the order of reports, which is that of
// Internet.nl within a category; those beyond its test follow.
var Checks = slices.Concat(
	ipv6Checks,
	dnssecChecks,
	authChecks,
	rpkiChecks,
	spfStrictChecks,
	dmarcStrictChecks,
	landsChecks,
	reverseChecks,
	mailboxChecks,
	routeStrictChecks,
	dkimChecks,
	dnssecExtraChecks,
	mtastsChecks,
	tlsrptChecks,
	bimiChecks,
)

// Wants lists the questions that the checks need and s does not hold yet. The
// first call, on an empty snapshot, names the questions about the domain
// itself; answers bring up further ones, until nothing is wanted. The order
// has no meaning, a question may stand in the list more than once.
//
// With Vantage.NoExtra the checks beyond Internet.nl's test want nothing.
//
// The lookups of s must be in order of name and type; the rest of it need not
// be canonical.
func Wants(s *evidence.Snapshot) []evidence.Question {
	var a Asker
	return a.Wants(s, nil)
}

// Want is one address of a name server that has to be tried.
type Want struct {
	Host string // the name server's name
	Addr netip.Addr
}

// FetchWant is one URL that has to be fetched by HTTPS.
type FetchWant struct {
	URL   string
	Limit int // octets of the body that are of interest
}

// FetchWants lists the URLs that the checks need and s does not hold yet; none
// with Vantage.NoHTTP. A URL stands in the list once, with the largest limit
// that anybody wants.
func FetchWants(s *evidence.Snapshot) []FetchWant {
	if s.Vantage.NoHTTP || s.Vantage.NoExtra {
		return nil
	}
	var list []FetchWant
	for _, wants := range []func(*evidence.Snapshot) []FetchWant{
		mailboxFetchWants,
		mtastsFetches,
		bimiFetches,
	} {
		for _, w := range wants(s) {
			if s.Fetch(w.URL) != nil {
				continue
			}
			i := slices.IndexFunc(list, func(x FetchWant) bool { return x.URL == w.URL })
			if i < 0 {
				list = append(list, w)
			} else {
				list[i].Limit = max(list[i].Limit, w.Limit)
			}
		}
	}
	return list
}

// pointers turns lookups, reaches and sessions into the evidence of a finding.
// What is nil or not in s is left out.
func pointers[T any](s *evidence.Snapshot, what ...T) []string {
	return addPointers(s, nil, what...)
}

// addPointers adds to a list those of [pointers] that are not in it.
func addPointers[T any](s *evidence.Snapshot, list []string, what ...T) []string {
	for i, w := range what {
		if p := s.Pointer(w); p != "" && !slices.Contains(list, p) {
			list = append(slices.Grow(list, len(what)-i), p)
		}
	}
	return list
}

// maxListed bounds the lists of names in texts.
const maxListed = 12

// enumerate joins names for a text: "a, b and 3 more".
func enumerate(names []string) string {
	if len(names) <= maxListed {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:maxListed], ", ") + " and " + strconv.Itoa(len(names)-maxListed) + " more"
}

// ownFault reports whether a question was not asked, or failed for a reason
// that lies with the scanner: nobody else's scan would have met it.
func ownFault(l *evidence.Lookup) bool {
	if l == nil || l.Outcome == evidence.OutcomeUnknown || l.Outcome == evidence.OutcomeNetwork {
		return true
	}
	if l.Failure == nil || l.Outcome.Known() {
		return false
	}
	switch l.Failure.Class {
	case evidence.ClassBudget, evidence.ClassCancelled, evidence.ClassNoFamily, evidence.ClassForbidden:
		return true
	}
	return false
}

// whatFailed lists questions without a usable answer, with what became of each.
func whatFailed(lookups ...*evidence.Lookup) string {
	if len(lookups) == 0 {
		return ""
	}
	list := make([]string, len(lookups))
	for i, l := range lookups {
		if list[i] = "a question was not asked"; l != nil {
			list[i] = l.Name + " " + l.Type + ": " + l.Words()
		}
	}
	return enumerate(list)
}
