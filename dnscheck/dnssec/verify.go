package dnssec

import (
	"encoding/base64"
	"time"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// Bounds on what one reply can make the validator do. Without them a small
// hostile message costs minutes (KeyTrap, CVE-2023-50387; CVE-2023-50868).
const (
	maxSignatures    = 8    // checked by cryptography for one RRset
	maxSameTag       = 4    // keys with the same tag and algorithm tried for one signature
	maxVerifications = 64   // checked by cryptography for one reply
	maxHashRounds    = 16e3 // SHA-1 computations for NSEC3 for one reply
	maxRecords       = 16   // NSEC or NSEC3 records verified for one denial
	maxKeys          = 64   // DNSKEY records read of one zone
	maxDS            = 32   // DS records followed of one delegation
	maxAliases       = 32   // CNAME and DNAME records followed in one reply
	maxQuestions     = 64   // DS and DNSKEY questions asked for one reply
)

// work counts what one reply made the validator do.
type work struct {
	v             *Validator // remembers which signatures held; nil: nobody does
	verifications int
	rounds        int
	limited       bool // something was left undone because of a bound

	packed, signed []byte // room for the data of the signature that is checked
}

// zone is a zone that is secure: its keys are to be trusted.
type zone struct {
	name  name
	keys  []*key
	chain []evidence.Zone // from the anchor to this zone
	text  string          // name as in evidence; may be empty
}

// String names the zone as evidence does.
func (z *zone) String() string {
	if z.text != "" {
		return z.text
	}
	return z.name.String()
}

// verified is an RRset together with the signature that fits it.
type verified struct {
	set  *rrset
	sig  *dns.RRSIG
	zone *zone         // whose signature it is
	ttl  time.Duration // how long it may be remembered
}

// encloser returns the name below which the wildcard stands that the RRset was
// expanded from; ok is false if it was not (RFC 4035, Section 5.3.4).
func (v *verified) encloser() (ce name, ok bool) {
	n := int(v.sig.Labels)
	if n >= ownerLabels(v.set.owner) {
		return "", false
	}
	return v.set.owner.last(n), true
}

// ownerLabels counts as the Labels field does: without a leading "*"
// (RFC 4034, Section 3.1.3).
func ownerLabels(owner name) int {
	n := owner.labels()
	if owner.isWildcard() {
		n--
	}
	return n
}

// evidence describes the signature.
func (v *verified) evidence(now time.Time) evidence.Signature {
	at := func(serial uint32) time.Time { // the instant nearest to now
		return now.Truncate(time.Second).Add(time.Duration(int32(serial-uint32(now.Unix()))) * time.Second).UTC()
	}
	return evidence.Signature{
		Zone: v.zone.String(), Covers: dns.Type(v.sig.TypeCovered).String(), Tag: v.sig.KeyTag, Algorithm: v.sig.Algorithm,
		TTL: v.sig.OrigTtl, Inception: at(v.sig.Inception), Expiration: at(v.sig.Expiration),
	}
}

// Faults of signatures, by how near to a good one they are: the nearest is
// what people need to hear of.
const (
	farForm = iota
	farAlgorithm
	farKey
	farData
	farFuture
	farPast
)

// verify looks for a signature of the zone over the RRset that holds
// (RFC 4035, Section 5.3). One is enough (RFC 6840, Section 5.4).
func (z *zone) verify(set *rrset, now time.Time, w *work) (*verified, *fault) {
	var worst *fault
	near := -1
	fail := func(n int, f *fault) {
		if n > near {
			near, worst = n, f
		}
	}
	var unusable *key
	tries := 0
	for _, sig := range set.sigs {
		if sig.signer != z.name {
			continue
		}
		if f, n := z.precheck(set, sig.RRSIG, now); f != nil {
			fail(n, f)
			continue
		}
		var data []byte
		same := 0
		for _, k := range z.keys {
			if k.tag != sig.KeyTag || k.algorithm != sig.Algorithm {
				continue
			}
			if k.unusable != nil {
				unusable = k
				continue
			}
			if same++; same > maxSameTag || tries >= maxSignatures || w.verifications >= maxVerifications {
				w.limited = true
				fail(farPast+1, bogus(dns.ExtendedErrorCodeDNSBogus, "%s: too many signatures and keys to check", set))
				break
			}
			if data == nil {
				var err error
				if data, err = w.signedData(sig.RRSIG, z.name, set); err != nil {
					fail(farForm, bogus(dns.ExtendedErrorCodeDNSBogus, "%s: the records cannot be put in canonical form", set))
					break
				}
			}
			tries++
			w.verifications++
			if w.holds(k, data, signatureOctets(sig.RRSIG)) {
				return &verified{set: set, sig: sig.RRSIG, zone: z, ttl: lifetime(set, sig.RRSIG, now)}, nil
			}
			fail(farData, bogus(dns.ExtendedErrorCodeDNSBogus, "%s: the signature by key %d of zone %s does not fit the data", set, sig.KeyTag, z.name))
		}
		if same == 0 {
			fail(farKey, bogus(dns.ExtendedErrorCodeDNSKEYMissing, "%s: zone %s has no key %d of algorithm %d, which the signature names", set, z.name, sig.KeyTag, sig.Algorithm))
		}
	}
	switch {
	case unusable != nil && near <= farKey && !z.signsData():
		return nil, insecure(dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm, "%s: signed only with key %d of zone %s, and %v", set, unusable.tag, z.name, unusable.unusable)
	case worst == nil:
		return nil, bogus(dns.ExtendedErrorCodeRRSIGsMissing, "%s: there is no signature by zone %s, which is signed", set, z.name)
	}
	return nil, worst
}

// signsData reports whether the zone has a key, besides those meant for the
// DNSKEY RRset only, that can be used here. Only where it has none may a
// signature by an unusable key excuse that there is no other: else it could be
// put there by anybody.
func (z *zone) signsData() bool {
	for _, k := range z.keys {
		if k.unusable == nil && k.flags&dns.SEP == 0 {
			return true
		}
	}
	return false
}

// signatureOctets are empty for what is no base64, which fits no data.
func signatureOctets(sig *dns.RRSIG) []byte {
	b, err := base64.StdEncoding.DecodeString(sig.Signature)
	if err != nil {
		return nil
	}
	return b
}

// precheck is all that can be wrong with a signature without cryptography.
func (z *zone) precheck(set *rrset, sig *dns.RRSIG, now time.Time) (*fault, int) {
	clock := uint32(now.Unix())
	switch {
	case !supported(sig.Algorithm):
		return bogus(dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm, "%s: signed with algorithm %d only, which is not supported here", set, sig.Algorithm), farAlgorithm
	case int(sig.Labels) > ownerLabels(set.owner) || int(sig.Labels) < z.name.labels():
		return bogus(dns.ExtendedErrorCodeDNSBogus, "%s: the signature by zone %s has a wrong number of labels", set, z.name), farForm
	// RFC 4034, Section 3.1.5: serial number arithmetic (RFC 1982).
	case int32(sig.Expiration-clock) < 0:
		return bogus(dns.ExtendedErrorCodeSignatureExpired, "%s: the signature by zone %s expired on %s", set, z.name, serialTime(sig.Expiration)), farPast
	case int32(clock-sig.Inception) < 0:
		return bogus(dns.ExtendedErrorCodeSignatureNotYetValid, "%s: the signature by zone %s is not valid before %s", set, z.name, serialTime(sig.Inception)), farFuture
	}
	return nil, 0
}

func serialTime(serial uint32) string {
	return time.Unix(int64(serial), 0).UTC().Format("2006-01-02 15:04:05 MST")
}

// lifetime is the least of the TTL, the original TTL and the signature's rest
// of validity (RFC 4035, Section 5.3.3).
func lifetime(set *rrset, sig *dns.RRSIG, now time.Time) time.Duration {
	ttl := time.Duration(min(set.ttl(), sig.OrigTtl)) * time.Second
	return min(ttl, time.Duration(int32(sig.Expiration-uint32(now.Unix())))*time.Second)
}
