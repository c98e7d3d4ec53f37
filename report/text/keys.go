package text

import (
	"slices"
	"strings"

	"mailvet/report/keys"
)

// maxKeysShown bounds the keys that are told.
const maxKeysShown = 5

// keysNote tells of DKIM keys that several domains have.
func (p *page) keysNote(n *keys.Notes) {
	list, all := n.Shared(maxKeysShown)
	if all == 0 {
		return
	}
	p.line("")
	p.para(0, "Several domains publish the same DKIM key: whoever has the private key signs for all of them. That is as intended where the records are aliases of one provider's.")
	for _, k := range list {
		names := slices.Clone(k.Names)
		for i, n := range names {
			names[i] = domainText(n)
		}
		if more := k.Domains - len(names); more > 0 {
			names = append(names, number(more, "other", "others"))
		}
		p.hanging(Clean(k.Fingerprint[:min(len(k.Fingerprint), 23)])+"...: "+strings.Join(names, ", "), 2)
	}
	if more := all - len(list); more > 0 {
		p.para(2, "and "+number(more, "more key", "more keys"))
	}
}
