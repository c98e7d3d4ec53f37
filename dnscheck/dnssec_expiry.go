package dnscheck

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// How much of a signature's validity has to be left.
//
// RFC 6781, Section 4.4.2, wants signatures made anew so long before they
// expire that people can mend a signer that stopped. Three days outlast a
// weekend. Where the whole validity is short, as with servers that sign each
// answer, a quarter of it does; where it is long, three days are no sign of
// a signer at work, so a tenth is wanted. The three meet at 12 and 30 days.
const (
	expiryLeft  = 72 * time.Hour
	expiryShort = 4 * expiryLeft  // validity under which a quarter is wanted
	expiryLong  = 10 * expiryLeft // validity over which a tenth is wanted
)

func wantedLeft(validity time.Duration) time.Duration {
	switch {
	case validity < expiryShort:
		return validity / 4
	case validity > expiryLong:
		return validity / 10
	}
	return expiryLeft
}

// signed is a signature with the lookup that showed it.
type signed struct {
	*evidence.Signature
	name   string
	lookup *evidence.Lookup
}

// signaturesOf lists the signatures by a zone over what stands at or below a
// name, and over the zone's keys; those of TLSA records whoever signed them.
func signaturesOf(s *evidence.Snapshot, name string, z signedZone) []signed {
	var list []signed
	below := "." + name
	for i := range s.Lookups {
		l := &s.Lookups[i]
		if l.Security != evidence.SecuritySecure || l.Name != name && !strings.HasSuffix(l.Name, below) {
			continue
		}
		for j := range l.Signatures {
			if sig := &l.Signatures[j]; sig.Zone == z.zone.Name || l.Type == "TLSA" {
				list = append(list, signed{sig, l.Name, l})
			}
		}
	}
	if sig := z.zone.Signature; sig != nil {
		list = append(list, signed{sig, z.zone.Name, z.lookup})
	}
	return list
}

// soonest finds the signature that needs most to be made anew. Of those with a
// short validity only the newest of each zone and key counts: the others may
// come from a resolver's memory, and the server has better ones.
func soonest(list []signed, now time.Time) (worst signed, due bool) {
	type key struct {
		zone           string
		tag, algorithm int
	}
	newest := map[key]time.Time{}
	by := func(x signed) key { return key{x.Zone, int(x.Tag), int(x.Algorithm)} }
	for _, x := range list {
		if x.Expiration.After(newest[by(x)]) {
			newest[by(x)] = x.Expiration
		}
	}
	for i, x := range list {
		validity := x.Expiration.Sub(x.Inception)
		last := x.Expiration
		if validity < expiryShort {
			last = newest[by(x)]
		}
		bad := last.Sub(now) < wantedLeft(validity)
		if i == 0 || bad && !due || bad == due && x.Expiration.Before(worst.Expiration) {
			worst, due = x, bad
		}
	}
	return worst, due
}

type expiryCodes struct{ unknown, soon, stale, good *check.Code }

const adviceExpiry = "See whether the signer still runs and can reach the primary server, and renew the signatures: \"rndc sign ZONE\" (BIND), \"knotc zone-sign ZONE\" (Knot DNS), \"pdnsutil rectify-zone ZONE\" and a new serial (PowerDNS). Let it renew them at least 3 days before they expire, such as rrsig-refresh: 5d in Knot DNS."

func newExpiryCodes() expiryCodes {
	return expiryCodes{
		unknown: &check.Code{Name: "not-validated", Outcome: check.Inconclusive,
			Text: "The signatures of {name} were not validated by this scan, so it is not known when they expire."},
		soon: &check.Code{Name: "expiring", Outcome: check.Weak,
			Text:   "The signature over {what} expires on {expires}, in {left}. If it is not renewed by then, validating resolvers no longer find {name}.",
			Advice: adviceExpiry},
		stale: &check.Code{Name: "not-renewed", Outcome: check.Weak,
			Text:   "The signature over {what} is valid for {validity} and expires on {expires}, in {left}. It should have been renewed by now.",
			Advice: adviceExpiry},
		good: &check.Code{Name: "good", Outcome: check.Pass,
			Text: "The signatures of {name} are renewed in time; the first expires on {expires}, in {left}."},
	}
}

func (c expiryCodes) codes() []*check.Code { return []*check.Code{c.unknown, c.soon, c.stale, c.good} }

func (c expiryCodes) finding(s *evidence.Snapshot, name string) check.Finding {
	f := check.Finding{Code: c.unknown, Args: map[string]string{"name": name}}
	z := signedZoneOf(s, name)
	if z.state != zoneSecure {
		return f
	}
	list := signaturesOf(s, name, z)
	if len(list) == 0 {
		return f
	}
	worst, due := soonest(list, s.Time)
	validity, left := worst.Expiration.Sub(worst.Inception), worst.Expiration.Sub(s.Time)
	what := worst.name
	if worst.Covers != "" {
		what += " " + worst.Covers
	}
	switch {
	case !due:
		f.Code = c.good
	case left < expiryLeft && validity >= expiryShort:
		f.Code = c.soon
	default:
		f.Code = c.stale
	}
	f.Args["what"], f.Args["expires"] = what, worst.Expiration.UTC().Format("2006-01-02 15:04 UTC")
	f.Args["left"], f.Args["validity"] = span(left), span(validity)
	f.Evidence = pointers(s, worst.lookup)
	return f
}

// span says a duration in days, or in hours where it is short.
func span(d time.Duration) string {
	n, unit := int(d.Hours()/24), "day"
	if d < 2*24*time.Hour {
		n, unit = int(d.Hours()), "hour"
	}
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(n) + " " + unit + "s"
}

var (
	expiryArgs = []string{"name", "what", "expires", "left", "validity"}

	dnssecExpiryCodes   = newExpiryCodes()
	dnssecMXExpiryCodes = newExpiryCodes()

	dnssecExpiry = &check.Check{
		ID: "dnssec-expiry", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
		Title: "Expiry of the domain's signatures",
		Doc: check.Doc{
			What: "When the DNSSEC signatures expire that this scan has seen in the domain's zone. Three days have to be left, of a validity under 12 days a quarter, of one over 30 days a tenth.",
			Why:  "A signer that stops is noticed only when the signatures expire: then the domain is gone from all validating resolvers at once.",
			How:  adviceExpiry,
		},
		Cites:    []check.Citation{check.RFC("6781", "4.4.2"), check.RFC("4034", "3.1.5")},
		Requires: []*check.Check{dnssecValid},
		Args:     expiryArgs,
		Codes:    dnssecExpiryCodes.codes(),
		Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
			return dnssecExpiryCodes.finding(s, s.Domain)
		},
	}

	dnssecMXExpiry = &check.Check{
		ID: "dnssec-mx-expiry", Category: check.Extra, Level: check.Recommended, Scope: check.PerHost,
		Title: "Expiry of the mail servers' signatures",
		Doc: check.Doc{
			What: "When the DNSSEC signatures expire over the addresses and TLSA records of each mail server, and over the keys of its zone. Three days have to be left, of a validity under 12 days a quarter, of one over 30 days a tenth.",
			Why:  "When they expire, senders that validate do not find the mail server, or keep back all mail for it, as DANE demands.",
			How:  "If the zone is a mail provider's, tell them. " + adviceExpiry,
		},
		Cites:    []check.Citation{check.RFC("6781", "4.4.2"), check.RFC("7672", "2.1")},
		Requires: []*check.Check{dnssecMXValid},
		Args:     expiryArgs,
		Codes:    slices.Clone(dnssecMXExpiryCodes.codes()),
		Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
			return dnssecMXExpiryCodes.finding(s, zoneSubject(s, subject))
		},
	}
)
