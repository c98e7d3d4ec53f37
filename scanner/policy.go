package scanner

import (
	"slices"

	"mailvet/dnscheck"
	"mailvet/report/check"
	"mailvet/report/score"
	"mailvet/smtpcheck"
	"mailvet/smtpcheck/guideline"
)

// Policy is a way to judge: the checks, by one guideline for TLS, and how they
// are scored. The points and the arithmetic are those of Internet.nl in all.
type Policy struct {
	Name      string
	Catalogue []*check.Check
	Score     *score.Policy
}

// Policies lists the names of the policies, the default first.
func Policies() []string {
	var names []string
	for _, t := range guideline.All() {
		names = append(names, t.Name)
	}
	return names
}

// PolicyOf makes the policy of that name; that of the empty name is the default,
// with [Catalogue]. It reports false for others than [Policies].
func PolicyOf(name string) (Policy, bool) {
	if name == "" || name == guideline.NCSC.Name {
		return Policy{guideline.NCSC.Name, Catalogue, score.InternetNL()}, true
	}
	t := guideline.ByName(name)
	if t == nil {
		return Policy{}, false
	}
	points := score.InternetNL()
	return Policy{name, slices.Concat(dnscheck.Checks, smtpcheck.ChecksBy(t)), points.Named(t.Name + "-" + t.Version + " (points of " + points.Name + ")")}, true
}
