package probe

import (
	"net/netip"

	"mailvet/report/evidence"
)

// SpecialPurpose is [evidence.SpecialPurpose]. A scanner that connected to such
// an address at the wish of a stranger's MX record would scan its own network
// for him.
func SpecialPurpose(addr netip.Addr) (name string, is bool) { return evidence.SpecialPurpose(addr) }
