package dnscheck

import (
	"slices"
	"strconv"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

const adviceDS = "Have the registry publish a DS record with digest type 2 (SHA-256), and none of types 1 and 3."

type dsCodes struct {
	zoneCodes
	unsupported, only, stray, beside, good, none *check.Code
}

func newDSCodes() dsCodes {
	return dsCodes{
		zoneCodes: newZoneCodes("the DS records"),
		unsupported: &check.Code{Name: "unsupported", Outcome: check.Fail,
			Text:   "All DS records of {zone} have digests that validators do not support ({keys}), so that the zone counts as unsigned.",
			Advice: adviceDS},
		only: &check.Code{Name: "must-not-only", Outcome: check.Fail,
			Text:   "All DS records of {zone} have digests that must no longer be used: {keys}. Some validators take the zone for an unsigned one already.",
			Advice: adviceDS, Cites: []check.Citation{check.RFC("9905", "2")}},
		stray: &check.Code{Name: "without-key", Outcome: check.Weak,
			Text:   "The parent of {zone} has DS records for keys that {zone} does not publish: {keys}. In a roll-over of keys that is in order for some days; otherwise it is left over from one, and costs the domain its DNSSEC when the matching DS record is removed by mistake.",
			Advice: "If no roll-over is under way, have these DS records removed at the registry.", Cites: []check.Citation{check.RFC("6840", "5.2"), check.RFC("7583", "3.3.2")}},
		beside: &check.Code{Name: "must-not-too", Outcome: check.Weak,
			Text:   "Beside better ones, {zone} has DS records with digests that must no longer be used: {keys}. Validators ignore them.",
			Advice: "Have them removed at the registry.", Cites: []check.Citation{check.RFC("9905", "2"), check.RFC("4509", "3")}},
		good: &check.Code{Name: "good", Outcome: check.Pass,
			Text: "The DS records of {zone} have good digests and lead to keys of the zone: {keys}."},
		none: &check.Code{Name: "anchor", Outcome: check.NotApplicable,
			Text: "The zone {zone} is entered by a trust anchor and not by DS records."},
	}
}

func (c dsCodes) own() []*check.Code {
	return []*check.Code{c.unsupported, c.only, c.stray, c.beside, c.good, c.none}
}

func (c dsCodes) finding(s *evidence.Snapshot, subject evidence.Subject, perHost bool) check.Finding {
	z := signedZoneOf(s, zoneSubject(s, subject))
	if f := c.zoneCodes.finding(s, subject, z, perHost); f != nil {
		return *f
	}
	code, list := c.judge(z.zone)
	name := zoneSubject(s, subject)
	return check.Finding{Code: code, Evidence: pointers(s, z.lookup),
		Args: map[string]string{"domain": s.Domain, "name": name, "zone": z.zone.Name, "keys": enumerate(list)}}
}

func keyText(tag uint16, what string) string {
	return "key " + strconv.Itoa(int(tag)) + " (" + what + ")"
}

func (c dsCodes) judge(z *evidence.Zone) (*check.Code, []string) {
	var known, forbidden, stray, all []string
	for _, d := range z.DS {
		text := keyText(d.Tag, evidence.DigestName(d.Digest))
		all = append(all, text)
		switch digestUse(d.Digest) {
		case useMustNot:
			forbidden = append(forbidden, text)
		case useFine:
			if d.Digest == 2 || d.Digest == 4 { // what validators know
				known = append(known, text)
			}
		}
		if !slices.ContainsFunc(z.DNSKEYs, func(k evidence.DNSKEY) bool { return k.Tag == d.Tag && k.Algorithm == d.Algorithm }) {
			stray = append(stray, keyText(d.Tag, evidence.AlgorithmName(d.Algorithm)))
		}
	}
	sha1 := slices.ContainsFunc(z.DS, func(d evidence.DS) bool { return d.Digest == 1 })
	switch {
	case len(all) == 0:
		return c.none, nil
	case len(known) == 0 && !sha1:
		return c.unsupported, all
	case len(known) == 0:
		return c.only, forbidden
	case z.Security != evidence.SecuritySecure:
		return c.broken, nil
	case len(stray) > 0 && len(z.DNSKEYs) < evidence.MaxZoneRecords:
		return c.stray, slices.Compact(stray)
	case len(forbidden) > 0:
		return c.beside, forbidden
	}
	return c.good, all
}

var (
	dnssecDSCodes   = newDSCodes()
	dnssecMXDSCodes = newDSCodes()

	dnssecDS = &check.Check{
		ID: "dnssec-ds", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
		Title: "DS records of the domain",
		Doc: check.Doc{
			What: "Whether the DS records that the parent zone has for the domain's zone have digests that may still be used, and name keys that are there.",
			Why:  "The DS record is the one link to the domain that others keep. SHA-1 no longer protects it, and one for a key that is gone is a trap for the next roll-over.",
			How:  adviceDS,
		},
		Cites: []check.Citation{check.RFC("9904", "3"), check.RFC("8624", "3.3")},
		Args:  zoneArgs,
		Codes: slices.Concat(dnssecDSCodes.domain(), dnssecDSCodes.own()),
		Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
			return dnssecDSCodes.finding(s, subject, false)
		},
	}

	dnssecMXDS = &check.Check{
		ID: "dnssec-mx-ds", Category: check.Extra, Level: check.Recommended, Scope: check.PerHost,
		Title: "DS records of the mail servers' zones",
		Doc: check.Doc{
			What: "Whether the DS records for the zone of each mail server's name, where that is not the domain's own, have digests that may still be used, and name keys that are there.",
			Why:  "If that link breaks or is forged, mail servers are not found, or false ones are.",
			How:  "If the zone is a mail provider's, tell them. " + adviceDS,
		},
		Cites: []check.Citation{check.RFC("9904", "3"), check.RFC("8624", "3.3")},
		Args:  zoneArgs,
		Codes: slices.Concat(dnssecMXDSCodes.hosts(), dnssecMXDSCodes.own()),
		Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
			return dnssecMXDSCodes.finding(s, subject, true)
		},
	}
)
