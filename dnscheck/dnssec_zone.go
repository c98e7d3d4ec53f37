package dnscheck

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var dnssecExtraChecks = []*check.Check{
	dnssecExpiry, dnssecMXExpiry, dnssecAlgorithm, dnssecMXAlgorithm, dnssecDS, dnssecMXDS, dnssecNSEC3,
}

// signedZone is what is known of the zone that holds a name.
type signedZone struct {
	lookup *evidence.Lookup // of the name's SOA record
	zone   *evidence.Zone   // the lowest of the chain; nil if none is known
	state  zoneState
}

type zoneState uint8

const (
	zoneUnknown  zoneState = iota // not asked, failed, or nobody validated here
	zoneSecure                    // with the facts about DS and DNSKEY records
	zoneUnsigned                  // there is no DS record
	zoneBroken                    // there is one, and it leads nowhere, or only to what nobody can validate
)

func signedZoneOf(s *evidence.Snapshot, name string) signedZone {
	z := signedZone{lookup: s.Lookup(name, "SOA")}
	if z.lookup == nil || len(z.lookup.Zones) == 0 {
		return z
	}
	z.zone = &z.lookup.Zones[len(z.lookup.Zones)-1]
	facts := len(z.zone.DS)+len(z.zone.DNSKEYs) > 0
	switch z.zone.Security {
	case evidence.SecuritySecure:
		// A name below a delegation may be insecure though the last zone of
		// the chain is secure: with NSEC3 opt-out, say.
		if z.lookup.Security == evidence.SecurityInsecure {
			z.state = zoneUnsigned
		} else if facts {
			z.state = zoneSecure
		}
	case evidence.SecurityInsecure:
		z.state = zoneUnsigned
		if facts {
			z.state = zoneBroken
		}
	case evidence.SecurityBogus:
		z.state = zoneBroken
	}
	return z
}

// name is the zone's, or that asked for where no zone is known.
func (z signedZone) name(asked string) string {
	if z.zone == nil {
		return asked
	}
	return z.zone.Name
}

// zoneCodes are the answers that the checks of a zone have in common.
type zoneCodes struct {
	noMail, mailUnknown, same, unknown, unsigned, broken *check.Code
}

func newZoneCodes(what string) zoneCodes {
	return zoneCodes{
		noMail: &check.Code{Name: "no-mail-servers", Outcome: check.NotApplicable,
			Text: "{domain} has no mail servers, so there is no zone of theirs to look at."},
		mailUnknown: &check.Code{Name: "mx-unknown", Outcome: check.Inconclusive,
			Text: "Which mail servers {domain} has is not known."},
		same: &check.Code{Name: "same-zone", Outcome: check.NotApplicable,
			Text: "{name} is in the zone {zone}, like the domain itself: see there."},
		unknown: &check.Code{Name: "zone-unknown", Outcome: check.Inconclusive,
			Text: "Nothing is known of " + what + " of the zone of {name}: its signatures were not validated by this scan."},
		unsigned: &check.Code{Name: "unsigned", Outcome: check.NotApplicable,
			Text: "{name} is not signed with DNSSEC, so there is nothing to look at."},
		broken: &check.Code{Name: "broken", Outcome: check.Blocked,
			Text: "The chain of trust to {zone} is broken, which has to be mended first."},
	}
}

func (c zoneCodes) domain() []*check.Code { return []*check.Code{c.unknown, c.unsigned, c.broken} }

func (c zoneCodes) hosts() []*check.Code {
	return []*check.Code{c.noMail, c.mailUnknown, c.same, c.unknown, c.unsigned, c.broken}
}

// finding answers where there is no zone to judge; nil where there is one.
func (c zoneCodes) finding(s *evidence.Snapshot, subject evidence.Subject, z signedZone, perHost bool) *check.Finding {
	var code *check.Code
	switch {
	case perHost && subject.Host == "":
		code = c.noMail
		if s.Mail().Status == evidence.MailUnknown {
			code = c.mailUnknown
		}
	case z.state == zoneUnknown:
		code = c.unknown
	case z.state == zoneUnsigned:
		code = c.unsigned
	case perHost && signedZoneOf(s, s.Domain).name("") == z.zone.Name:
		code = c.same
	default:
		return nil
	}
	name := zoneSubject(s, subject)
	return &check.Finding{Code: code, Args: map[string]string{"domain": s.Domain, "name": name, "zone": z.name(name)}, Evidence: pointers(s, z.lookup)}
}

func zoneSubject(s *evidence.Snapshot, subject evidence.Subject) string {
	if subject.Host == "" {
		return s.Domain
	}
	return subject.Host
}
