package dnscheck

import (
	"fmt"
	"slices"
	"strconv"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// use is what the registry that RFC 9904 made says of signing, or delegating,
// with an algorithm.
type use uint8

const (
	useUnknown        use = iota // not in the registry
	useMustNot                   // MUST NOT
	useNotRecommended            // NOT RECOMMENDED
	useFine                      // MAY, RECOMMENDED, MUST
)

// algorithmUse has the lists of RFC 8624, Section 3.1, that RFC 9904 took over,
// with what RFC 9905 (SHA-1) and RFC 9906 (GOST) changed.
func algorithmUse(algorithm uint8) use {
	switch algorithm {
	case 1, 3, 5, 6, 7, 12:
		return useMustNot
	case 10:
		return useNotRecommended
	case 8, 13, 14, 15, 16, 17, 23:
		return useFine
	}
	return useUnknown
}

// digestUse is the same for DS digests (RFC 8624, Section 3.3).
func digestUse(digest uint8) use {
	switch digest {
	case 1, 3:
		return useMustNot
	case 2, 4, 5, 6:
		return useFine
	}
	return useUnknown
}

// validated reports whether common validators know the algorithm.
func validated(algorithm uint8) bool {
	switch algorithm {
	case 5, 7, 8, 10, 13, 14, 15, 16:
		return true
	}
	return false
}

// Sizes of RSA keys. Below the first, crypto libraries refuse them (and so
// does this scan); below the second, NIST SP 800-131A lets nobody sign.
const (
	smallRSA = 1024
	shortRSA = 2048
)

const adviceAlgorithm = "Change to algorithm 13 (ECDSAP256SHA256): the DNS software rolls over by itself when its policy names the new algorithm, keeping both until the DS record at the registry is changed (RFC 6781, Section 4.1.4)."

type algorithmCodes struct {
	zoneCodes
	unsupported, mustNot, small, short, notRecommended, unlisted, good *check.Code
}

func newAlgorithmCodes() algorithmCodes {
	return algorithmCodes{
		zoneCodes: newZoneCodes("the keys"),
		unsupported: &check.Code{Name: "unsupported", Outcome: check.Fail,
			Text:   "The zone {zone} can be entered only through {keys}, which validators do not support, so that it counts as unsigned.",
			Advice: adviceAlgorithm},
		mustNot: &check.Code{Name: "must-not", Outcome: check.Fail,
			Text:   "The zone {zone} has keys of algorithms that must no longer be used: {keys}. Some validators take such a zone for an unsigned one already.",
			Advice: adviceAlgorithm, Cites: []check.Citation{check.RFC("9905", "2"), check.RFC("9906", "2")}},
		small: &check.Code{Name: "rsa-small", Outcome: check.Fail,
			Text:   "The zone {zone} has RSA keys of less than 1024 bits: {keys}. They can be broken, and validators refuse them.",
			Advice: adviceAlgorithm},
		short: &check.Code{Name: "rsa-short", Outcome: check.Weak,
			Text:   "The zone {zone} has RSA keys of less than 2048 bits: {keys}. That is less than is held to be safe today.",
			Advice: "Make RSA keys of 2048 bits, or better: " + adviceAlgorithm, Cites: []check.Citation{check.RFC("6781", "3.4.2")}},
		notRecommended: &check.Code{Name: "not-recommended", Outcome: check.Weak,
			Text:   "The zone {zone} has keys of algorithms that are not recommended for signing: {keys}. They are safe, but not all validators know them.",
			Advice: adviceAlgorithm},
		unlisted: &check.Code{Name: "unlisted", Outcome: check.Weak,
			Text:   "The zone {zone} has keys of algorithms that are not in the registry: {keys}. Validators do not know them.",
			Advice: adviceAlgorithm},
		good: &check.Code{Name: "good", Outcome: check.Pass,
			Text: "The zone {zone} is signed with {keys}."},
	}
}

func (c algorithmCodes) own() []*check.Code {
	return []*check.Code{c.unsupported, c.mustNot, c.small, c.short, c.notRecommended, c.unlisted, c.good}
}

// finding judges the keys; what is worst decides.
func (c algorithmCodes) finding(s *evidence.Snapshot, subject evidence.Subject, perHost bool) check.Finding {
	z := signedZoneOf(s, zoneSubject(s, subject))
	if f := c.zoneCodes.finding(s, subject, z, perHost); f != nil {
		return *f
	}
	code, keys := c.judge(z.zone)
	name := zoneSubject(s, subject)
	return check.Finding{Code: code, Evidence: pointers(s, z.lookup),
		Args: map[string]string{"domain": s.Domain, "name": name, "zone": z.zone.Name, "keys": enumerate(keys)}}
}

func (c algorithmCodes) judge(z *evidence.Zone) (*check.Code, []string) {
	if len(z.DS) > 0 && !slices.ContainsFunc(z.DS, func(d evidence.DS) bool { return validated(d.Algorithm) }) {
		var list []string
		for _, d := range z.DS {
			list = append(list, fmt.Sprintf("%s (DS record of key %d)", evidence.AlgorithmName(d.Algorithm), d.Tag))
		}
		return c.unsupported, slices.Compact(list)
	}
	rsa := func(k evidence.DNSKEY) bool { return k.Algorithm <= 10 && k.Bits > 0 }
	for _, rule := range []struct {
		code *check.Code
		has  func(evidence.DNSKEY) bool
	}{
		{c.small, func(k evidence.DNSKEY) bool { return rsa(k) && k.Bits < smallRSA }},
		{c.mustNot, func(k evidence.DNSKEY) bool { return algorithmUse(k.Algorithm) == useMustNot }},
		{c.short, func(k evidence.DNSKEY) bool { return rsa(k) && k.Bits < shortRSA }},
		{c.notRecommended, func(k evidence.DNSKEY) bool { return algorithmUse(k.Algorithm) == useNotRecommended }},
		{c.unlisted, func(k evidence.DNSKEY) bool { return algorithmUse(k.Algorithm) == useUnknown }},
		{c.good, func(evidence.DNSKEY) bool { return true }},
	} {
		var list []string
		for _, k := range z.DNSKEYs {
			if k.Flags&256 != 0 && k.Flags&128 == 0 && rule.has(k) { // zone keys that are not revoked
				list = append(list, keyWords(k))
			}
		}
		if len(list) > 0 {
			return rule.code, list
		}
	}
	return c.broken, nil
}

func keyWords(k evidence.DNSKEY) string {
	text := "key " + strconv.Itoa(int(k.Tag)) + " (" + evidence.AlgorithmName(k.Algorithm)
	if k.Algorithm <= 10 && k.Bits > 0 {
		text += ", " + strconv.Itoa(k.Bits) + " bits"
	}
	return text + ")"
}

var (
	zoneArgs = []string{"domain", "name", "zone", "keys"}

	dnssecAlgorithmCodes   = newAlgorithmCodes()
	dnssecMXAlgorithmCodes = newAlgorithmCodes()

	dnssecAlgorithm = &check.Check{
		ID: "dnssec-algorithm", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
		Title: "DNSSEC keys of the domain",
		Doc: check.Doc{
			What: "Whether the keys in the domain's zone are of algorithms that may still be used for signing, and long enough.",
			Why:  "A zone whose algorithms validators no longer support counts as unsigned, and with it DANE is gone; a key that is too short can be forged with.",
			How:  adviceAlgorithm,
		},
		Cites: []check.Citation{check.RFC("9904", "3"), check.RFC("8624", "3.1")},
		Args:  zoneArgs,
		Codes: slices.Concat(dnssecAlgorithmCodes.domain(), dnssecAlgorithmCodes.own()),
		Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
			return dnssecAlgorithmCodes.finding(s, subject, false)
		},
	}

	dnssecMXAlgorithm = &check.Check{
		ID: "dnssec-mx-algorithm", Category: check.Extra, Level: check.Recommended, Scope: check.PerHost,
		Title: "DNSSEC keys of the mail servers' zones",
		Doc: check.Doc{
			What: "Whether the keys in the zone of each mail server's name, where that is not the domain's own, are of algorithms that may still be used for signing, and long enough.",
			Why:  "The mail server's address and its TLSA records are no safer than the zone that they stand in.",
			How:  "If the zone is a mail provider's, tell them. " + adviceAlgorithm,
		},
		Cites: []check.Citation{check.RFC("9904", "3"), check.RFC("8624", "3.1")},
		Args:  zoneArgs,
		Codes: slices.Concat(dnssecMXAlgorithmCodes.hosts(), dnssecMXAlgorithmCodes.own()),
		Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
			return dnssecMXAlgorithmCodes.finding(s, subject, true)
		},
	}
)
