package dmarc

import (
	"strings"

	"mailvet/report/evidence"
)

// CompatStatus is Internet.nl's judgement of a DMARC policy.
type CompatStatus uint8

const (
	CompatNone            CompatStatus = iota // there is no policy to judge
	CompatValid                               // sufficient
	CompatInvalidSyntax                       // the record does not parse
	CompatInvalidPolicy                       // none, absent, or quarantine under test
	CompatInvalidExternal                     // sufficient, but a report destination did not consent
)

var compatStatuses = [...]string{"", "valid", "invalid_syntax", "invalid_p_sp", "invalid_external"}

// String is the policy_status of Internet.nl's API.
func (s CompatStatus) String() string { return compatStatuses[s] }

// CompatResult is what Internet.nl says of a policy.
type CompatResult struct {
	Status CompatStatus
	Points int    // of 10
	Policy string // the effective one, in lower case; empty where there is none
	Err    error  // with CompatInvalidSyntax: a *[CompatSyntaxError]
	// Destinations are the external ones, bounded like [Destinations]; only
	// where the policy is sufficient.
	Destinations []Destination
}

// CompatPolicy judges a record as Internet.nl's subtest for the DMARC policy
// does. The text is escaped, see [CompatFind]; domain is where it was found,
// org whether by falling back to the organizational domain.
func CompatPolicy(src Source, domain, text string, org bool) CompatResult {
	r, err := CompatParse(text)
	if err != nil {
		return CompatResult{Status: CompatInvalidSyntax, Err: err}
	}
	policy := r.P
	if org && r.SP != "" {
		policy = r.SP
	}
	if policy == "" || policy == "none" || policy == "quarantine" && r.T == "y" {
		return CompatResult{Status: CompatInvalidPolicy, Points: 2, Policy: policy}
	}
	res := CompatResult{Status: CompatValid, Points: 10, Policy: policy}
	res.Destinations = destinations(src, domain, compatHosts(r), compatConsents)
	for _, d := range res.Destinations {
		if !d.Consent {
			res.Status = CompatInvalidExternal
		}
	}
	return res
}

// compatHosts lists the hosts of the report URIs: those of rua, then of ruf.
func compatHosts(r *CompatRecord) []string {
	var hosts []string
	for _, list := range []string{r.RUA, r.RUF} {
		// Internet.nl cuts a tag's value at a further "=".
		list, _, _ = strings.Cut(list, "=")
		for uri := range strings.SplitSeq(list, ",") {
			_, rest := splitScheme(uri)
			host, path, _ := authority(rest)
			if n := strings.IndexAny(path, "?#"); n >= 0 {
				path = path[:n]
			}
			if host != "" || path == "" {
				continue
			}
			if _, after, ok := strings.Cut(path, "@"); ok {
				path = after
			}
			path, _, _ = strings.Cut(path, "!")
			hosts = append(hosts, strings.TrimSuffix(lowerASCII(strings.TrimSpace(path)), "."))
		}
	}
	return hosts
}

// compatConsents wants exactly one record that parses by Internet.nl's
// grammar: "v=DMARC1;" does, "v=DMARC1" does not.
func compatConsents(l *evidence.Lookup) bool {
	return len(selectTexts(l, func(text string) bool {
		_, err := CompatParse(evidence.EscapeText(text))
		return err == nil
	})) == 1
}
