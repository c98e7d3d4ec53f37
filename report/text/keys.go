package text

import (
	"fmt"
	"slices"
	"strings"

	"mailvet/report"
)

// sharedKeys notes DKIM keys that several domains of a run publish.
type sharedKeys struct {
	first  map[string]string   // the first domain of each key
	shared map[string][]string // the domains of those that a second one has
	order  []string            // of shared
}

// Bounds of what is noted, so that memory stays flat however many domains there are.
const (
	maxKeysNoted   = 200_000
	maxKeysShown   = 5
	maxDomainsKept = 4
)

// note takes in the fingerprints that the check dkim-keys tells.
func (k *sharedKeys) note(r *report.Report) {
	for _, c := range r.Categories {
		for _, check := range c.Checks {
			if check.ID != "dkim-keys" {
				continue
			}
			for _, f := range check.Findings {
				for one := range strings.SplitSeq(f.Args["fingerprints"], "; ") {
					if _, key, ok := strings.Cut(one, " "); ok {
						k.add(key, r.Domain)
					}
				}
			}
		}
	}
}

func (k *sharedKeys) add(key, domain string) {
	if k.first == nil {
		k.first, k.shared = map[string]string{}, map[string][]string{}
	}
	first, known := k.first[key]
	switch list := k.shared[key]; {
	case !known && len(k.first) < maxKeysNoted:
		k.first[key] = domain
	case !known || first == domain || len(list) == maxDomainsKept || slices.Contains(list, domain):
	case list == nil:
		k.shared[key] = []string{first, domain}
		k.order = append(k.order, key)
	default:
		k.shared[key] = append(list, domain)
	}
}

// keysNote tells of keys that several domains have.
func (p *page) keysNote(k *sharedKeys) {
	if len(k.order) == 0 {
		return
	}
	p.line("")
	p.para(0, "Several domains publish the same DKIM key: whoever has the private key signs for all of them. That is as intended where the records are aliases of one provider's.")
	for _, key := range k.order[:min(len(k.order), maxKeysShown)] {
		names := slices.Clone(k.shared[key])
		for i, n := range names {
			names[i] = domainText(n)
		}
		if len(names) == maxDomainsKept {
			names[maxDomainsKept-1] = "others"
		}
		p.hanging(Clean(key[:min(len(key), 23)])+"...: "+strings.Join(names, ", "), 2)
	}
	if more := len(k.order) - maxKeysShown; more > 0 {
		p.para(2, fmt.Sprintf("and %s more", number(more, "key", "keys")))
	}
}
