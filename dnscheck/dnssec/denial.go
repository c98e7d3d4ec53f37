package dnssec

import (
	"slices"
	"time"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// denial is the NSEC and NSEC3 records that one zone gives in one reply. What
// they say counts only once their signatures are checked, which is done as
// they are needed.
type denial struct {
	zone *zone
	now  time.Time
	work *work

	nsec  []*nsec
	nsec3 []*nsec3
	max   int // NSEC3 iterations

	hashes  map[hashKey]hash
	used    []*verified
	ttl     time.Duration // of the records used
	checked int
	failed  *fault // of a record that would have been of use
	// tooCostly is set once a record is verified that has too many iterations.
	tooCostly *fault
}

// record is what NSEC and NSEC3 have in common.
type record struct {
	set     *rrset
	types   []uint16
	checked bool
	good    bool
	known   *verified // its signature held before; only for Validator.Deny
}

func (r *record) has(typ uint16) bool { return slices.Contains(r.types, typ) }

// delegates reports whether the record stands at a delegation, on its upper
// side: it then says nothing of what is at the name and below but DS
// (RFC 6840, Section 4.1).
func (r *record) delegates() bool { return r.has(dns.TypeNS) && !r.has(dns.TypeSOA) }

// opaque reports whether the record, at an ancestor of a name, says nothing of
// that name: it stands at a delegation or a DNAME (RFC 6840, Section 4.1).
func (r *record) opaque() bool { return r.delegates() || r.has(dns.TypeDNAME) }

func newDenial(z *zone, authority *section, now time.Time, w *work, iterations int) *denial {
	d := &denial{zone: z, now: now, work: w, max: iterations, ttl: longest}
	for _, set := range authority.order {
		if len(set.rrs) != 1 || !set.owner.within(z.name) {
			continue
		}
		if soa, ok := set.rrs[0].(*dns.SOA); ok && set.owner == z.name {
			// RFC 9077, Section 3: NSEC records should have no longer a TTL than
			// a negative answer. Unsigned it can only shorten the time.
			d.ttl = min(d.ttl, time.Duration(min(soa.Hdr.Ttl, soa.Minttl))*time.Second)
		}
		if !signedBy(set, z.name) {
			continue
		}
		switch rr := set.rrs[0].(type) {
		case *dns.NSEC:
			if r, ok := newNSEC(set, rr, z.name); ok {
				d.nsec = append(d.nsec, r)
			}
		case *dns.NSEC3:
			if r, ok := newNSEC3(set, rr, z.name); ok {
				d.nsec3 = append(d.nsec3, r)
			}
		}
	}
	return d
}

func signedBy(set *rrset, signer name) bool {
	return slices.ContainsFunc(set.sigs, func(sig signature) bool { return sig.signer == signer })
}

// trust checks the signature of a record. A record that was expanded from a
// wildcard says nothing of the name it was expanded to.
func (d *denial) trust(r *record) bool {
	if r.checked {
		return r.good
	}
	if d.checked++; d.checked > maxRecords {
		d.work.limited = true
		d.fail(bogus(dns.ExtendedErrorCodeDNSBogus, "%s: too many records to prove that something does not exist", r.set))
		return false
	}
	r.checked = true
	if r.known != nil {
		r.good = true
		d.used = append(d.used, r.known)
		return true
	}
	v, f := d.zone.verify(r.set, d.now, d.work)
	if f != nil {
		d.fail(f)
		return false
	}
	if _, expanded := v.encloser(); expanded {
		d.fail(bogus(dns.ExtendedErrorCodeDNSBogus, "%s: a denial from a wildcard", r.set))
		return false
	}
	r.good = true
	d.used = append(d.used, v)
	d.ttl = min(d.ttl, v.ttl)
	return true
}

func (d *denial) fail(f *fault) {
	if d.failed == nil || d.failed.security != evidence.SecurityBogus {
		d.failed = f
	}
}

// missing is the fault that a proof is not there: for a reason found on the
// way, or else the one given.
func (d *denial) missing(format string, args ...any) *fault {
	if d.failed != nil {
		return d.failed
	}
	return bogus(dns.ExtendedErrorCodeNSECMissing, format, args...)
}

// noData proves that q exists without records of the type, or is served by a
// wildcard that has none; nil if so.
func (d *denial) noData(q name, typ uint16) *fault {
	if d.noDataNSEC(q, typ) {
		return nil
	}
	if f := d.unsignedNSEC(q); f != nil {
		return f
	}
	if f, ok := d.noDataNSEC3(q, typ); ok {
		return f
	}
	return d.missing("%s %s: zone %s does not prove that there are no such records", q, dns.Type(typ), d.zone.name)
}

// noName proves that q does not exist and that no wildcard stands for it.
func (d *denial) noName(q name) *fault {
	if d.noNameNSEC(q) {
		return nil
	}
	if f := d.unsignedNSEC(q); f != nil {
		return f
	}
	if f, ok := d.noNameNSEC3(q); ok {
		return f
	}
	return d.missing("%s: zone %s does not prove that the name does not exist", q, d.zone.name)
}

// saysNoName reports whether the record that proves that q has no data says of
// q itself that it does not exist (NXNAME, RFC 9824, Section 2).
func (d *denial) saysNoName(q name) bool {
	m := d.matching(q)
	return m != nil && m.has(dns.TypeNXNAME)
}

// noCloser proves that no name is closer to q than ce, whose wildcard an
// answer was made from (RFC 4035, Section 5.3.4, RFC 5155, Section 8.8).
func (d *denial) noCloser(q, ce name) *fault {
	next := q.last(ce.labels() + 1)
	if d.noCloserNSEC(next) {
		return nil
	}
	if f, ok := d.noCloserNSEC3(next); ok {
		return f
	}
	return d.missing("%s: zone %s does not prove that the wildcard %s may stand for it", q, d.zone.name, ce.wildcard())
}

// noCut proves that q is no signed delegation. The fault is that it is an
// unsigned one, or may be, or that nothing is proven; without fault the zone
// goes on at q, unless empty says that there is no q at all.
func (d *denial) noCut(q name) (empty bool, f *fault) {
	if empty, f, ok := d.noCutNSEC(q); ok {
		return empty, f
	}
	if empty, f, ok := d.noCutNSEC3(q); ok {
		return empty, f
	}
	return false, d.missing("%s DS: zone %s proves neither a signed nor an unsigned delegation", q, d.zone.name)
}

func unsigned(q, parent name) *fault {
	return insecure(0, "zone %s is not signed: %s has no DS record for it", q, parent)
}
