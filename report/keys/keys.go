// Package keys notes the DKIM keys that several domains of a run publish: with
// such a key whoever has its private half signs for all of them.
//
// What it holds is bounded whatever the number of reports.
package keys

import (
	"crypto/sha256"
	"slices"
	"strings"

	"mailvet/report"
)

// Bounds of what is noted.
const (
	maxNoted = 200_000 // keys
	maxNames = 4       // domains named for a key
)

// Shared is a key that several domains publish.
type Shared struct {
	Fingerprint string   `json:"fingerprint"` // "sha256:" and the SHA-256 of the key's octets
	Domains     int      `json:"domains"`     // how many have it
	Names       []string `json:"names"`       // the first of them, at most four
}

// Notes are the keys of the reports so far. The zero value is ready. It is not
// safe for concurrent use.
type Notes struct {
	first  map[id]string // the first domain of each key
	shared map[id]*Shared
	last   map[id]string // the domain that was counted last for a shared key
	order  []*Shared
}

// id stands for a fingerprint, of which there are many: it is a fourth as long.
type id [16]byte

// Note takes in the fingerprints that the check dkim-keys tells of a domain.
// The reports of one domain, if there are several, come one after the other.
func (n *Notes) Note(r *report.Report) {
	for _, c := range r.Categories {
		for _, check := range c.Checks {
			if check.ID != "dkim-keys" {
				continue
			}
			for _, f := range check.Findings {
				for one := range strings.SplitSeq(f.Args["fingerprints"], "; ") {
					if _, key, ok := strings.Cut(one, " "); ok {
						n.add(key, r.Domain)
					}
				}
			}
		}
	}
}

func (n *Notes) add(fingerprint, domain string) {
	if n.first == nil {
		n.first, n.shared, n.last = map[id]string{}, map[id]*Shared{}, map[id]string{}
	}
	sum := sha256.Sum256([]byte(fingerprint))
	key := id(sum[:16])
	first, known := n.first[key]
	s := n.shared[key]
	switch {
	case !known && len(n.first) < maxNoted:
		n.first[key] = domain
		return
	case !known || first == domain || n.last[key] == domain:
		return
	case s == nil:
		s = &Shared{strings.Clone(fingerprint), 1, []string{first}}
		n.shared[key] = s
		n.order = append(n.order, s)
	case slices.Contains(s.Names, domain):
		return
	}
	n.last[key] = domain
	s.Domains++
	if len(s.Names) < maxNames {
		s.Names = append(s.Names, domain)
	}
}

// Shared lists at most so many of the keys that several domains have, in the
// order in which a second domain was found, and says how many there are.
func (n *Notes) Shared(most int) (list []Shared, all int) {
	list = []Shared{}
	for _, s := range n.order[:min(len(n.order), most)] {
		list = append(list, Shared{s.Fingerprint, s.Domains, slices.Clone(s.Names)})
	}
	return list, len(n.order)
}
