package dnssec

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// entry is what leads into a zone: DS records, or keys known beforehand.
type entry struct {
	ds   []*dns.DS
	keys []*dns.DNSKEY // only of a trust anchor
	seen []*dns.DS     // all there are, followed or not
}

// cut is what the parent zone says of a name.
type cut struct {
	ds    []*dns.DS // the name is a delegation to a signed zone
	empty bool      // the name does not exist
	fault *fault    // the name is a delegation to an unsigned zone, or nothing is proven
	ttl   time.Duration
}

// judgeCut reads the answer to the question for the DS records of n, by the
// zone p that holds the name above n.
func (x *walk) judgeCut(n name, p *zone, msg *dns.Msg) cut {
	w := &work{v: x.v}
	answer := group(msg.Answer)
	d := newDenial(p, group(msg.Ns), x.now, w, x.v.maxIterations())
	if set := answer.find(n, dns.TypeDS); set != nil {
		v, f := p.verify(set, x.now, w)
		if f != nil {
			return cut{fault: f, ttl: longestBogus}
		}
		if _, expanded := v.encloser(); expanded {
			return cut{fault: bogus(dns.ExtendedErrorCodeDNSBogus, "%s: DS records from a wildcard", set), ttl: v.ttl}
		}
		c := cut{ttl: v.ttl}
		for _, rr := range set.rrs {
			if ds, ok := rr.(*dns.DS); ok {
				c.ds = append(c.ds, ds)
			}
		}
		return c
	}
	// An alias is no delegation, and below a DNAME is nothing at all.
	if set := answer.find(n, dns.TypeCNAME); set != nil && len(set.sigs) > 0 {
		v, f := p.verify(set, x.now, w)
		if f != nil {
			return cut{fault: f, ttl: longestBogus}
		}
		if ce, expanded := v.encloser(); expanded {
			if f := d.noCloser(n, ce); f != nil {
				return cut{fault: f, ttl: v.ttl}
			}
			return cut{empty: true, ttl: v.ttl}
		}
		return cut{ttl: v.ttl}
	}
	for up := n.parent(); up.within(p.name); up = up.parent() {
		if set := answer.find(up, dns.TypeDNAME); set != nil {
			v, f := p.verify(set, x.now, w)
			if f != nil {
				return cut{fault: f, ttl: longestBogus}
			}
			if _, expanded := v.encloser(); expanded {
				return cut{fault: bogus(dns.ExtendedErrorCodeDNSBogus, "%s: a DNAME record from a wildcard", set), ttl: v.ttl}
			}
			return cut{empty: true, ttl: v.ttl}
		}
		if up == root {
			break
		}
	}
	empty, f := d.noCut(n)
	return cut{empty: empty, fault: f, ttl: d.ttl}
}

// usableDS leaves out the DS records that cannot be followed: other algorithms
// and digests, and those with SHA-1 where there is a better one (RFC 4509,
// Section 3). If none is left, the zone is as good as unsigned (RFC 4035,
// Section 5.2).
func usableDS(n name, list []*dns.DS) (entry, *fault) {
	var good []*dns.DS
	strong, algorithm := false, false
	for _, ds := range list {
		if !supported(ds.Algorithm) {
			continue
		}
		algorithm = true
		if _, ok := digestSizes[ds.DigestType]; !ok {
			continue
		}
		good = append(good, ds)
		strong = strong || ds.DigestType != dns.SHA1
	}
	if strong {
		kept := good[:0]
		for _, ds := range good {
			if ds.DigestType != dns.SHA1 {
				kept = append(kept, ds)
			}
		}
		good = kept
	}
	switch {
	case len(good) > 0:
		return entry{ds: good[:min(len(good), maxDS)]}, nil
	case algorithm:
		return entry{}, insecure(dns.ExtendedErrorCodeUnsupportedDSDigestType, "zone %s: its DS records have only digest types that are not supported here", n)
	}
	return entry{}, insecure(dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm, "zone %s: it is signed only with algorithms that are not supported here", n)
}

// trustKeys takes the DNSKEY RRset of zone n into trust: a key that a DS or an
// anchor names must have signed it (RFC 4035, Section 5.2).
func trustKeys(n name, names entry, msg *dns.Msg, now time.Time, w *work) (*zone, time.Duration, *fault) {
	set := group(msg.Answer).find(n, dns.TypeDNSKEY)
	if set == nil {
		return nil, 0, bogus(dns.ExtendedErrorCodeDNSKEYMissing, "zone %s: it must be signed, but has no DNSKEY records", n)
	}
	if len(set.sigs) == 0 {
		return nil, 0, bogus(dns.ExtendedErrorCodeRRSIGsMissing, "zone %s: its DNSKEY records are not signed", n)
	}
	var all, trusted []*key
	var links []evidence.Key
	var unusable []*key
	for _, rr := range set.rrs[:min(len(set.rrs), maxKeys)] {
		dnskey, ok := rr.(*dns.DNSKEY)
		if !ok {
			continue
		}
		k, err := newKey(dnskey)
		if err != nil {
			continue
		}
		all = append(all, k)
		found := names.leadTo(n, k)
		switch {
		case len(found) > 0 && k.unusable != nil:
			unusable = append(unusable, k)
		case len(found) > 0:
			trusted, links = append(trusted, k), append(links, found...)
		}
	}
	switch {
	case len(trusted) == 0 && len(unusable) > 0 && names.leadOnlyTo(n, unusable):
		return nil, 0, insecure(dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm, "zone %s: key %d cannot be used: %v", n, unusable[0].tag, unusable[0].unusable)
	case len(trusted) == 0:
		return nil, 0, bogus(dns.ExtendedErrorCodeDNSKEYMissing, "zone %s: none of its DNSKEY records is the one named by %s", n, names)
	}
	z := &zone{name: n, keys: trusted, text: n.String()}
	v, f := z.verify(set, now, w)
	if f != nil {
		if f.ede == dns.ExtendedErrorCodeDNSKEYMissing {
			f = bogus(f.ede, "zone %s: its DNSKEY records are not signed by a key named by %s", n, names)
		}
		return nil, 0, f
	}
	if _, expanded := v.encloser(); expanded {
		return nil, 0, bogus(dns.ExtendedErrorCodeDNSBogus, "zone %s: its DNSKEY records come from a wildcard", n)
	}
	z.keys = all
	sig := v.evidence(now)
	z.chain = []evidence.Zone{{Name: z.text, Security: evidence.SecuritySecure, Keys: links, Signature: &sig}}
	return z, v.ttl, nil
}

// leadOnlyTo reports whether each of the records names one of the keys. If one
// names another key, that may have been taken out of the answer: no signature
// has been checked yet.
func (e entry) leadOnlyTo(n name, keys []*key) bool {
	for _, ds := range e.ds {
		if !slices.ContainsFunc(keys, func(k *key) bool { return k.matches(n, ds) }) {
			return false
		}
	}
	for _, known := range e.keys {
		one := entry{keys: []*dns.DNSKEY{known}}
		if !slices.ContainsFunc(keys, func(k *key) bool { return len(one.leadTo(n, k)) > 0 }) {
			return false
		}
	}
	return true
}

// leadTo lists the records that name the key.
func (e entry) leadTo(n name, k *key) []evidence.Key {
	var list []evidence.Key
	for _, ds := range e.ds {
		if k.matches(n, ds) {
			list = append(list, evidence.Key{Tag: k.tag, Algorithm: k.algorithm, Digest: ds.DigestType})
		}
	}
	for _, known := range e.keys {
		public, err := base64.StdEncoding.DecodeString(known.PublicKey)
		if err == nil && known.Algorithm == k.algorithm && bytes.Equal(public, k.rdata[4:]) {
			list = append(list, evidence.Key{Tag: k.tag, Algorithm: k.algorithm})
		}
	}
	return list
}

// String names what leads into the zone, for reasons.
func (e entry) String() string {
	if len(e.keys) > 0 {
		return "the trust anchor"
	}
	var tags []string
	for _, ds := range e.ds[:min(len(e.ds), 4)] {
		tags = append(tags, strconv.Itoa(int(ds.KeyTag)))
	}
	return "its DS records (key tag " + strings.Join(tags, ", ") + ")"
}

// strippedKeys reports whether the DNSKEY answer has lost what makes it one
// with DNSSEC.
func strippedKeys(msg *dns.Msg) bool {
	set := group(msg.Answer).find(root, dns.TypeDNSKEY)
	return set == nil || len(set.sigs) == 0
}

// anchor is the trust anchors of one name.
type anchor = entry

// anchorsByName are the trust anchors, by name.
type anchorsByName map[name]anchor

func readAnchors(rrs []dns.RR) anchorsByName {
	m := make(anchorsByName)
	for _, rr := range rrs {
		if rr == nil {
			continue
		}
		n, ok := parseName(rr.Header().Name)
		if !ok {
			continue
		}
		a := m[n]
		switch x := rr.(type) {
		case *dns.DS:
			a.ds = append(a.ds, x)
		case *dns.DNSKEY:
			a.keys = append(a.keys, x)
		default:
			continue
		}
		m[n] = a
	}
	return m
}

// above finds the name of the nearest anchor at or above n.
func (m anchorsByName) above(n name) (name, bool) {
	for {
		if _, ok := m[n]; ok {
			return n, true
		}
		if n == root {
			return "", false
		}
		n = n.parent()
	}
}

// usable leaves out what cannot be followed.
func (e entry) usable(n name) (entry, *fault) {
	var keys []*dns.DNSKEY
	for _, k := range e.keys {
		if supported(k.Algorithm) {
			keys = append(keys, k)
		}
	}
	good, f := usableDS(n, e.ds)
	good.keys = keys
	if f != nil && len(keys) == 0 {
		return entry{}, f
	}
	return good, nil
}
