package dnscheck_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mailvet/dnscheck"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var zoneTime = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// zoneWorld is a scan of example.test with the mail server mx.example.test
// and the zone facts given; change, if not nil, changes the SOA lookup.
func zoneWorld(z evidence.Zone, change func(*evidence.Lookup)) *evidence.Snapshot {
	s := world("example.test MX = 10 mx.example.test. ; 20 mx.provider.test.\nexample.test SOA = x\nmx.example.test SOA nodata\nmx.provider.test SOA nodata\n")
	s.Time = zoneTime
	for i := range s.Lookups {
		l := &s.Lookups[i]
		if l.Type != "SOA" {
			continue
		}
		own := z
		if l.Name == "mx.provider.test" {
			own.Name = "provider.test"
		} else {
			own.Name = "example.test"
		}
		l.Zones = []evidence.Zone{{Name: ".", Security: evidence.SecuritySecure}, own}
		if own.Security != evidence.SecuritySecure {
			l.Security = own.Security
		}
		l.Signatures = []evidence.Signature{sigOf(own.Name, "SOA", -time.Hour, 14*24*time.Hour)}
		if change != nil {
			change(l)
		}
	}
	s.Canonical()
	return s
}

func sigOf(zone, covers string, since, until time.Duration) evidence.Signature {
	return evidence.Signature{Zone: zone, Covers: covers, Tag: 1, Algorithm: 13, Inception: zoneTime.Add(since), Expiration: zoneTime.Add(until)}
}

// TestSignedZone: what is said of how a zone is signed.
func TestSignedZone(t *testing.T) {
	g := given{}
	t.Run("strength", g.strength)
	t.Run("expiry", g.expiry)
	t.Run("NSEC3", g.nsec3)
	everyCode(t, "signed zone", g)
}

// given are the findings that were met, as "ID CODE".
type given map[string]bool

// codesOf runs a check and lists its codes, one for each subject.
func (g given) codesOf(t *testing.T, s *evidence.Snapshot, id string) string {
	t.Helper()
	var codes []string
	for _, r := range check.Run(dnscheck.Checks, s) {
		if r.Check.ID != id {
			continue
		}
		for _, f := range r.Findings {
			sound(t, s, r.Check, f)
			codes = append(codes, f.Code.Name)
			g[id+" "+f.Code.Name] = true
		}
	}
	return strings.Join(codes, " ")
}

func secureZone(ds []evidence.DS, keys ...evidence.DNSKEY) evidence.Zone {
	return evidence.Zone{Security: evidence.SecuritySecure, DS: ds, DNSKEYs: keys}
}

func ksk(algorithm uint8, bits int) evidence.DNSKEY {
	return evidence.DNSKEY{Tag: 1, Algorithm: algorithm, Flags: 257, Bits: bits}
}

func ds(algorithm, digest uint8) []evidence.DS {
	return []evidence.DS{{Tag: 1, Algorithm: algorithm, Digest: digest}}
}

func (g given) strength(t *testing.T) {
	rows := []struct {
		name          string
		zone          evidence.Zone
		algorithm, ds string
	}{
		{"P-256", secureZone(ds(13, 2), ksk(13, 256)), "good", "good"},
		{"P-384 with SHA-384", secureZone(ds(14, 4), ksk(14, 384)), "good", "good"},
		{"Ed25519", secureZone(ds(15, 2), ksk(15, 256)), "good", "good"},
		{"Ed448", secureZone(ds(16, 2), ksk(16, 456)), "good", "good"},
		{"RSA 2048", secureZone(ds(8, 2), ksk(8, 2048)), "good", "good"},
		{"RSA 2047", secureZone(ds(8, 2), ksk(8, 2047)), "rsa-short", "good"},
		{"RSA 1024", secureZone(ds(8, 2), ksk(8, 1024)), "rsa-short", "good"},
		{"RSA 1023", secureZone(ds(8, 2), ksk(8, 1023)), "rsa-small", "good"},
		{"short ZSK", secureZone(ds(8, 2), ksk(8, 2048), evidence.DNSKEY{Tag: 2, Algorithm: 8, Flags: 256, Bits: 1024}), "rsa-short", "good"},
		{"short key revoked", secureZone(ds(8, 2), ksk(8, 2048), evidence.DNSKEY{Tag: 2, Algorithm: 8, Flags: 257 | 128, Bits: 1024}), "good", "good"},
		{"no zone key", secureZone(ds(8, 2), ksk(8, 2048), evidence.DNSKEY{Tag: 2, Algorithm: 8, Flags: 1, Bits: 1024}), "good", "good"},
		{"SHA-512", secureZone(ds(10, 2), ksk(10, 2048)), "not-recommended", "good"},
		{"SHA-1", secureZone(ds(5, 2), ksk(5, 2048)), "must-not", "good"},
		{"SHA-1 with NSEC3", secureZone(ds(7, 2), ksk(7, 2048)), "must-not", "good"},
		{"old key beside", secureZone(ds(13, 2), ksk(13, 256), evidence.DNSKEY{Tag: 2, Algorithm: 12, Flags: 256}), "must-not", "good"},
		{"unlisted key beside", secureZone(ds(13, 2), ksk(13, 256), evidence.DNSKEY{Tag: 2, Algorithm: 200, Flags: 256}), "unlisted", "good"},
		{"SM2 only", evidence.Zone{Security: evidence.SecurityInsecure, DS: ds(17, 2)}, "unsupported", "broken"},
		{"DSA only", evidence.Zone{Security: evidence.SecurityInsecure, DS: ds(3, 2)}, "unsupported", "broken"},
		{"digest GOST only", evidence.Zone{Security: evidence.SecurityInsecure, DS: ds(13, 3)}, "broken", "unsupported"},
		{"digest unknown only", evidence.Zone{Security: evidence.SecurityInsecure, DS: ds(13, 99)}, "broken", "unsupported"},
		{"SHA-1 DS only", secureZone(ds(13, 1), ksk(13, 256)), "good", "must-not-only"},
		{"SHA-1 DS too", secureZone(append(ds(13, 1), ds(13, 2)...), ksk(13, 256)), "good", "must-not-too"},
		{"DS for another key too", secureZone(append(ds(13, 2), evidence.DS{Tag: 9, Algorithm: 13, Digest: 2}), ksk(13, 256)), "good", "without-key"},
		{"DS for another algorithm too", secureZone(append(ds(8, 2), ds(13, 2)...), ksk(13, 256)), "good", "without-key"},
		{"island", secureZone(nil, ksk(13, 256)), "good", "anchor"},
		{"broken", evidence.Zone{Security: evidence.SecurityBogus, DS: ds(13, 2), DNSKEYs: []evidence.DNSKEY{{Tag: 7, Algorithm: 13, Flags: 257}}}, "good", "broken"},
		{"keys gone", evidence.Zone{Security: evidence.SecurityBogus, DS: ds(13, 2)}, "broken", "broken"},
		{"unsigned", evidence.Zone{Security: evidence.SecurityInsecure}, "unsigned", "unsigned"},
		{"not known", evidence.Zone{Security: evidence.SecurityIndeterminate}, "zone-unknown", "zone-unknown"},
		{"evidence without facts", secureZone(nil), "zone-unknown", "zone-unknown"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s := zoneWorld(row.zone, nil)
			// Of the two mail servers, one is in the domain's own zone.
			same := func(code string) string {
				if code == "unsigned" || code == "zone-unknown" {
					return code + " " + code
				}
				return "same-zone " + code
			}
			for id, want := range map[string]string{
				"dnssec-algorithm": row.algorithm, "dnssec-ds": row.ds,
				"dnssec-mx-algorithm": same(row.algorithm), "dnssec-mx-ds": same(row.ds),
			} {
				if got := g.codesOf(t, s, id); got != want {
					t.Errorf("%s: %s, want %s", id, got, want)
				}
			}
		})
	}
	for text, want := range map[string]string{"example.test MX nodata": "no-mail-servers", "example.test MX timeout": "mx-unknown"} {
		for _, id := range []string{"dnssec-mx-ds", "dnssec-mx-algorithm"} {
			if got := g.codesOf(t, world(text), id); got != want {
				t.Errorf("%s, %s: %s, want %s", text, id, got, want)
			}
		}
	}
}

func (g given) expiry(t *testing.T) {
	const day = 24 * time.Hour
	rows := []struct {
		name         string
		since, until time.Duration // of the SOA record's signature
		want         string
	}{
		{"fresh", -time.Hour, 14 * day, "good"},
		{"three days", -11 * day, 3 * day, "good"},
		{"less than three days", -11 * day, 3*day - time.Second, "expiring"},
		{"an hour", -30 * day, time.Hour, "expiring"},
		{"one day's validity, fresh", -time.Hour, 23 * time.Hour, "good"},
		{"two days, signed for each answer", -day, day, "good"},
		{"two days, half a day left", -36 * time.Hour, 12 * time.Hour, "good"},
		{"two days, less than half a day left", -37 * time.Hour, 11 * time.Hour, "not-renewed"},
		{"a week, a quarter left", -5 * day, 2 * day, "good"},
		{"a week, a day left", -6 * day, day, "not-renewed"},
		{"a month, four days left", -26 * day, 4 * day, "good"},
		{"90 days, ten left", -80 * day, 10 * day, "good"},
		{"90 days, eight left", -82 * day, 8 * day, "not-renewed"},
		{"ten years, a year left", -9 * 365 * day, 365*day - time.Second, "not-renewed"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s := zoneWorld(secureZone(ds(13, 2), ksk(13, 256)), func(l *evidence.Lookup) {
				l.Signatures = []evidence.Signature{sigOf(l.Zones[1].Name, "SOA", row.since, row.until)}
			})
			if got := g.codesOf(t, s, "dnssec-expiry"); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
			if got, want := g.codesOf(t, s, "dnssec-mx-expiry"), row.want+" "+row.want; got != want {
				t.Errorf("mail servers: %s, want %s", got, want)
			}
		})
	}
	one := func(name string, z evidence.Zone, change func(*evidence.Lookup), want string) {
		t.Run(name, func(t *testing.T) {
			if got := g.codesOf(t, zoneWorld(z, change), "dnssec-expiry"); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
	good := secureZone(ds(13, 2), ksk(13, 256))
	one("a short one from memory beside a new one", good, func(l *evidence.Lookup) {
		l.Signatures = []evidence.Signature{sigOf("example.test", "NS", -47*time.Hour, time.Hour), sigOf("example.test", "SOA", -day, day)}
	}, "good")
	one("a long one beside a new one", good, func(l *evidence.Lookup) {
		l.Signatures = []evidence.Signature{sigOf("example.test", "NS", -13*day, day), sigOf("example.test", "SOA", -day, 13*day)}
	}, "expiring")
	one("the parent's is not the domain's", good, func(l *evidence.Lookup) {
		l.Signatures = append(l.Signatures, sigOf("test", "NSEC3", -13*day, day))
	}, "good")
	keys := good
	sig := sigOf("example.test", "DNSKEY", -13*day, day)
	keys.Signature = &sig
	one("the keys'", keys, nil, "expiring")
	one("not validated", secureZone(nil), nil, "not-validated")
	one("no signatures", good, func(l *evidence.Lookup) { l.Signatures = nil }, "not-validated")
	one("unsigned", evidence.Zone{Security: evidence.SecurityInsecure}, nil, check.BlockedBy.Name)

	if got := g.codesOf(t, zoneWorld(good, func(l *evidence.Lookup) { l.Signatures = nil }), "dnssec-mx-expiry"); got != "not-validated not-validated" {
		t.Errorf("no signatures, mail servers: %s", got)
	}

	// TLSA records may be signed by another zone.
	s := zoneWorld(good, nil)
	s.Lookups = append(s.Lookups, evidence.Lookup{Name: "_25._tcp.mx.example.test", Type: "TLSA", Outcome: evidence.OutcomeAnswer, Security: evidence.SecuritySecure,
		Signatures: []evidence.Signature{sigOf("tlsa.test", "TLSA", -13*day, day)}})
	s.Canonical()
	if got := g.codesOf(t, s, "dnssec-mx-expiry"); got != "expiring good" {
		t.Errorf("TLSA of another zone: %s", got)
	}
}

func (g given) nsec3(t *testing.T) {
	good := secureZone(ds(13, 2), ksk(13, 256))
	with := func(iterations uint16, salt string, optOut bool) func(*evidence.Lookup) {
		return func(l *evidence.Lookup) {
			l.NSEC3 = []evidence.NSEC3{{Zone: "example.test", Iterations: iterations, Salt: salt, OptOut: optOut}}
		}
	}
	rows := []struct {
		name   string
		zone   evidence.Zone
		change func(*evidence.Lookup)
		want   string
	}{
		{"as recommended", good, with(0, "", false), "good"},
		{"one iteration", good, with(1, "", false), "iterations"},
		{"a hundred", good, with(100, "", false), "iterations"},
		{"more", good, with(101, "", false), "iterations-too-many"},
		{"more, so unsigned", evidence.Zone{Security: evidence.SecurityInsecure}, with(500, "ab", false), "iterations-too-many"},
		{"salt", good, with(0, "ab", true), "salt"},
		{"opt-out", good, with(0, "", true), "opt-out"},
		{"NSEC", good, func(l *evidence.Lookup) {
			l.Signatures = append(l.Signatures, sigOf("example.test", "NSEC", -time.Hour, time.Hour))
		}, "nsec"},
		{"of another zone", good, func(l *evidence.Lookup) { l.NSEC3 = []evidence.NSEC3{{Zone: "test", Iterations: 5}} }, "not-seen"},
		{"not seen", good, nil, "not-seen"},
		{"not known", secureZone(nil), nil, "zone-unknown"},
		{"unsigned", evidence.Zone{Security: evidence.SecurityInsecure}, nil, "unsigned"},
		{"broken", evidence.Zone{Security: evidence.SecurityBogus, DS: ds(13, 2)}, nil, "broken"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := g.codesOf(t, zoneWorld(row.zone, row.change), "dnssec-nsec3"); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
	for data, want := range map[string]string{"1 0 0 -": "good", "1 0 5 AB": "iterations", "1 0 0 AB": "salt", "1 1 7 -": "not-seen", "2 0 7 -": "not-seen", "odd": "not-seen"} {
		s := zoneWorld(good, nil)
		s.Lookups = append(s.Lookups, evidence.Lookup{Name: "example.test", Type: "NSEC3PARAM", Outcome: evidence.OutcomeAnswer, Security: evidence.SecuritySecure,
			Answer: []evidence.RR{{Name: "example.test", Type: "NSEC3PARAM", Data: data}}})
		s.Canonical()
		if got := g.codesOf(t, s, "dnssec-nsec3"); got != want {
			t.Errorf("NSEC3PARAM %s: %s, want %s", data, got, want)
		}
	}
}

// TestDNSSECNSEC3Wants: the parameters are asked for only where no answer has
// shown them, and last.
func TestDNSSECNSEC3Wants(t *testing.T) {
	asked := func(s *evidence.Snapshot) (last bool) {
		for range 20 {
			list := dnscheck.Wants(s)
			if len(list) == 0 {
				return last
			}
			last = slices.ContainsFunc(list, func(q evidence.Question) bool { return q.Type == "NSEC3PARAM" })
			if last && len(list) > 1 {
				t.Errorf("asked together with others: %v", list)
			}
			for _, q := range list {
				s.Lookups = append(s.Lookups, evidence.Lookup{Name: evidence.Name(q.Name), Type: q.Type, Outcome: evidence.OutcomeNoData, Security: evidence.SecuritySecure})
			}
			s.Canonical()
		}
		t.Fatal("there is no end to the questions")
		return false
	}
	good := secureZone(ds(13, 2), ksk(13, 256))
	if !asked(zoneWorld(good, nil)) {
		t.Error("not asked though nothing was seen")
	}
	if asked(zoneWorld(good, func(l *evidence.Lookup) { l.NSEC3 = []evidence.NSEC3{{Zone: "example.test"}} })) {
		t.Error("asked though NSEC3 records were seen")
	}
	if asked(zoneWorld(evidence.Zone{Security: evidence.SecurityInsecure}, nil)) {
		t.Error("asked of an unsigned zone")
	}
}
