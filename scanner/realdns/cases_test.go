package realdns_test

import (
	"strings"

	"mailvet/report/evidence"
)

// question is one to ask, and what has to come of it.
type question struct {
	name    string
	typ     string
	want    evidence.Security
	outcome evidence.Outcome // not looked at where it is bogus
	// lax: it is insecure by a proof that delv shows as validated.
	lax bool
}

const (
	secure   = evidence.SecuritySecure
	insecure = evidence.SecurityInsecure
	bogus    = evidence.SecurityBogus

	answer   = evidence.OutcomeAnswer
	noData   = evidence.OutcomeNoData
	nxDomain = evidence.OutcomeNXDomain
)

// kind is how a zone answers: what stands in it as such, by expansion, or not
// at all.
type kind uint8

const (
	stored   kind = iota // a record of the zone
	expanded             // a record made from a wildcard
	denied               // a proof that matches a name
	covered              // a proof that the name does not exist
)

// commonQuestions are asked of every zone that has the common records. The
// name is below the zone.
var commonQuestions = []struct {
	name    string
	typ     string
	outcome evidence.Outcome
	kind    kind
}{
	{"", "MX", answer, stored},
	{"", "SOA", answer, stored},
	{"", "DNSKEY", answer, stored}, // NODATA in a zone that is not signed
	{"", "NS", answer, stored},
	{"", "AAAA", noData, denied},
	{"", "TXT", answer, stored},
	{"mx", "A", answer, stored},
	{"mx", "AAAA", answer, stored},
	{"mx", "MX", noData, denied},
	{"_25._tcp.mx", "TLSA", answer, stored},
	{"_tcp.mx", "A", noData, denied},
	{"_25._tcp.host.w", "TLSA", nxDomain, covered},
	{"_25._tcp", "TLSA", nxDomain, covered},
	{"no", "A", nxDomain, covered},
	{"a.b.no", "MX", nxDomain, covered},
	{"ent", "A", noData, denied},
	{"a.ent", "A", nxDomain, covered},
	{"b.ent", "A", answer, stored},
	{"host.w", "A", answer, stored},
	{"x.w", "TXT", answer, expanded},
	{"x.y.w", "TXT", answer, expanded},
	{"x.w", "AAAA", noData, covered},
	{"*.w", "TXT", answer, stored},
	{"x.host.w", "TXT", nxDomain, covered},
	{"c", "A", answer, stored},
	{"c", "TXT", noData, denied},
	{"c", "CNAME", answer, stored},
}

// wholeZones have one state for all that is asked of them, but for the kinds
// and names given.
var wholeZones = []struct {
	zone   string
	want   evidence.Security
	kinds  map[kind]evidence.Security
	except map[string]evidence.Security // by name and type below the zone
}{
	{zone: "nsec.test", want: secure},
	{zone: "nsec3.test", want: secure},
	{zone: "rsa.test", want: secure},
	{zone: "ed25519.test", want: secure},
	{zone: "below.ent.nsec.test", want: secure},
	{zone: "child.nsec3.test", want: secure},
	{zone: "secure.optout.test", want: secure},
	{zone: "roll.test", want: secure},
	{zone: "p384.test", want: secure},
	{zone: "rsa512.test", want: secure},
	{zone: "rsa1.test", want: secure},
	{zone: "rsa1n3.test", want: secure},
	{zone: "many.test", want: secure},
	{zone: "ldnsrsa.test", want: secure},
	{zone: "ldnsed.test", want: secure},

	// RFC 5155, Section 9.2: what opt-out may hide is not secure.
	{zone: "optout.test", want: secure, kinds: map[kind]evidence.Security{covered: insecure, expanded: insecure}},
	{zone: "ldnsoptout.test", want: secure, kinds: map[kind]evidence.Security{covered: insecure, expanded: insecure}},
	// RFC 9276, Section 3.2: records need no proof by NSEC3.
	{zone: "toomany.test", want: secure, kinds: map[kind]evidence.Security{denied: insecure, covered: insecure, expanded: insecure}},

	{zone: "unsigned.test", want: insecure},
	{zone: "plain.nsec.test", want: insecure},
	{zone: "plain.nsec3.test", want: insecure},
	{zone: "plain.optout.test", want: insecure},
	{zone: "plain.ldnsoptout.test", want: insecure},
	{zone: "plain.toomany.test", want: insecure},
	{zone: "signed.unsigned.test", want: insecure},
	{zone: "island.test", want: insecure},
	{zone: "unknowndigest.test", want: insecure},
	{zone: "rsamd5.test", want: insecure},

	{zone: "badds.test", want: bogus},
	{zone: "badkeys.test", want: bogus},
	{zone: "nokeys.test", want: bogus},
	{zone: "expired.test", want: bogus},
	{zone: "future.test", want: bogus},
	{zone: "edited.test", want: secure, except: map[string]evidence.Security{"mx A": bogus, "c A": bogus}},
	{zone: "stripped.test", want: secure, except: map[string]evidence.Security{" TXT": bogus, "x.w TXT": bogus, "x.y.w TXT": bogus, "*.w TXT": bogus}},
	{zone: "nodenial.test", want: secure, kinds: map[kind]evidence.Security{denied: bogus, covered: bogus, expanded: bogus}},
	{zone: "nodenial3.test", want: secure, kinds: map[kind]evidence.Security{denied: bogus, covered: bogus, expanded: bogus}},
}

// singleQuestions are those about one thing each.
var singleQuestions = []question{
	{".", "NS", secure, answer, false},
	{".", "DNSKEY", secure, answer, false},
	{".", "MX", secure, noData, false},
	{"notld", "A", secure, nxDomain, false},
	{"test", "DS", secure, answer, false},
	{"test", "MX", secure, noData, false},
	{"no.test", "MX", secure, nxDomain, false},
	{"ns1.dns.test", "AAAA", secure, answer, false},

	// Delegations.
	{"nsec.test", "DS", secure, answer, false},
	{"roll.test", "DS", secure, answer, false},
	{"unsigned.test", "DS", secure, noData, false},
	{"island.test", "DS", secure, noData, false},
	{"badds.test", "DS", secure, answer, false},
	{"rsamd5.test", "DS", secure, answer, false},
	{"plain.nsec.test", "DS", secure, noData, false},
	{"plain.nsec3.test", "DS", secure, noData, false},
	{"plain.optout.test", "DS", insecure, noData, true},
	{"secure.optout.test", "DS", secure, answer, false},
	{"plain.ldnsoptout.test", "DS", secure, noData, false}, // ldns sets the flag and leaves nothing out
	{"plain.toomany.test", "DS", insecure, noData, true},
	{"mx.plain.nsec.test", "DS", insecure, noData, false},
	{"mx.nsec.test", "DS", secure, noData, false},
	{"signed.unsigned.test", "DS", insecure, answer, false},

	// Aliases across zones, with NSEC and with NSEC3.
	{"cu.nsec.test", "A", insecure, answer, false},
	{"cs.nsec.test", "A", secure, answer, false},
	{"cback.nsec.test", "A", insecure, answer, false},
	{"cs.unsigned.test", "A", insecure, answer, false},
	{"cnx.nsec.test", "A", secure, nxDomain, false},
	{"cnodata.nsec.test", "TXT", secure, noData, false},
	{"cnodata.nsec.test", "AAAA", secure, answer, false},
	{"cbogus.nsec.test", "A", bogus, answer, false},
	{"cbogus.nsec.test", "CNAME", secure, answer, false},
	{"ctlsa.nsec.test", "TLSA", secure, answer, false},
	{"_25._tcp.alias.nsec.test", "TLSA", secure, answer, false},
	{"x.cw.nsec.test", "A", secure, answer, false},
	{"x.cw.nsec.test", "TXT", secure, noData, false},
	{"x.cwu.nsec.test", "A", insecure, answer, false},
	{"mx.d.nsec.test", "A", secure, answer, false},
	{"no.d.nsec.test", "A", secure, nxDomain, false},
	{"mx.d.nsec.test", "TXT", secure, noData, false},
	{"svcb.nsec.test", "HTTPS", secure, answer, false},
	{"svcb.nsec3.test", "HTTPS", secure, answer, false},
	{"d.nsec.test", "DNAME", secure, answer, false},
	{"d.nsec.test", "A", secure, noData, false},
	{"mx.du.nsec.test", "A", insecure, answer, false},
	{"mx.db.nsec.test", "A", bogus, answer, false},
	{"mx.dd.nsec.test", "A", secure, answer, false},
	{"cu.nsec3.test", "A", insecure, answer, false},
	{"cs.nsec3.test", "A", secure, answer, false},
	{"cback.nsec3.test", "A", insecure, answer, false},
	{"cnx.nsec3.test", "A", secure, nxDomain, false},
	{"cbogus.nsec3.test", "A", bogus, answer, false},
	{"_25._tcp.alias.nsec3.test", "TLSA", secure, answer, false},
	{"x.cw.nsec3.test", "A", secure, answer, false},
	{"x.cw.nsec3.test", "TXT", secure, noData, false},
	{"x.cwu.nsec3.test", "A", insecure, answer, false},
	{"mx.d.nsec3.test", "A", secure, answer, false},
	{"no.d.nsec3.test", "A", secure, nxDomain, false},
	{"mx.du.nsec3.test", "A", insecure, answer, false},
	{"mx.db.nsec3.test", "A", bogus, answer, false},
}

// oddQuestions are about the records whose canonical form is easily got wrong.
var oddQuestions = []question{
	{"mixed", "MX", secure, answer, false},
	{"mixed", "A", secure, noData, false},
	{"mixee", "A", secure, nxDomain, false}, // next to a name in mixed case
	{"srv", "SRV", secure, answer, false},
	{"naptr", "NAPTR", secure, answer, false},
	{"caa", "CAA", secure, answer, false},
	{"unknown", "TYPE65280", secure, answer, false},
	{"unknown", "TYPE65281", secure, noData, false},
	{`a\.b`, "A", secure, answer, false},
	{`a\.c`, "A", secure, nxDomain, false},
	{`\042lit`, "A", secure, answer, false},
	{"many", "A", secure, answer, false},
	{"long", "TXT", secure, answer, false},   // does not fit into UDP as we ask for it
	{"longer", "TXT", secure, answer, false}, // nor into any packet of an Ethernet
}

// questions are all of them.
func questions() []question {
	list := append([]question(nil), singleQuestions...)
	for _, z := range wholeZones {
		for _, q := range commonQuestions {
			want, lax := z.want, false
			if s, ok := z.kinds[q.kind]; ok {
				want, lax = s, s == insecure
			}
			if s, ok := z.except[q.name+" "+q.typ]; ok {
				want = s
			}
			outcome := q.outcome
			if q.typ == "DNSKEY" && (strings.HasPrefix(z.zone, "plain.") || z.zone == "unsigned.test") {
				outcome = noData
			}
			list = append(list, question{below(q.name, z.zone), q.typ, want, outcome, lax})
		}
	}
	for _, zone := range []string{"nsec.test", "nsec3.test", "p384.test"} {
		for _, q := range oddQuestions {
			q.name = below(q.name, zone)
			list = append(list, q)
		}
	}
	return list
}

func below(name, zone string) string {
	if name == "" {
		return zone
	}
	return name + "." + zone
}
