package dnscheck

import (
	"strconv"
	"strings"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	reuseDistinct = &check.Code{Name: "distinct", Outcome: check.Pass,
		Text: "The {count} selectors of {domain} that were found each have a key of their own."}
	reuseShared = &check.Code{Name: "shared", Outcome: check.Weak,
		Text:   "{domain} publishes one DKIM key at several selectors: {list}. Changing the selector then does not change the key, and whoever gets hold of it has all of them.",
		Advice: "Make a key for each selector, at least for each system that signs. Where a provider's aliases lead to one key, that is for the provider to mend.",
		Cites:  []check.Citation{check.RFC("5863", "3.5")}}
	reuseFew = &check.Code{Name: "too-few", Outcome: check.NotApplicable,
		Text: "Fewer than two keys of {domain} were found, so there is nothing to compare."}
	reuseUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text: "What DKIM keys {domain} has is not known ({failed}), so they could not be compared."}
)

var dkimReuseCheck = &check.Check{
	ID: "dkim-key-reuse", Category: check.Extra, Level: check.Optional, Scope: check.PerDomain,
	Title: "One DKIM key at several selectors",
	Doc: check.Doc{
		What: "Whether two of the selectors that were found publish the same key.",
		Why:  "Selectors are there to tell keys apart: to change a key from time to time, and to give each system its own. With one key at all of them neither works.",
		How:  "Make a new key for each selector; mail servers and providers do so when they are told to rotate. Revoke the old one, by an empty p, when no mail signed with it is under way.",
	},
	Cites:    []check.Citation{check.RFC("6376", "3.1"), check.RFC("5863", "3.5")},
	Args:     []string{"domain", "count", "list", "failed"},
	Codes:    []*check.Code{reuseDistinct, reuseShared, reuseFew, reuseUnknown},
	Evaluate: evaluateDKIMReuse,
}

func evaluateDKIMReuse(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	v := viewDKIM(s)
	f := check.Finding{Code: reuseDistinct}
	at := map[string][]string{}
	var order, groups []string
	keys := 0
	for _, r := range v.found {
		if r.key != nil {
			keys++
			p := r.key.Fingerprint()
			if at[p] == nil {
				order = append(order, p)
			}
			at[p] = append(at[p], shown(r.Name))
		}
	}
	for _, p := range order {
		if len(at[p]) > 1 {
			groups = append(groups, enumerate(at[p])+" ("+p[:len("sha256:")+16]+"...)")
		}
	}
	switch blind := v.blind(); {
	case len(blind) > 0:
		f = unknownFinding(reuseUnknown, reuseUnknown, "", blind...)
	case keys < 2:
		f.Code = reuseFew
	case len(groups) > 0:
		f.Code = reuseShared
	}
	v.args(s, &f)
	f.Args["count"], f.Args["list"] = strconv.Itoa(keys), strings.Join(groups, "; ")
	return f
}
