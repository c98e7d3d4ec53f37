package dnssec

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// judge judges one reply.
type judge struct {
	*walk
	reply             *dns.Msg
	until             time.Time // the reply's end, if it is known
	answer, authority *section
	work              work
	result            Result
	fault             *fault // the worst yet
	messages          []Message
	exists            bool // the name at the end of the way is proven to exist
}

// step is one thing to be proven on the way from the question to the answer.
type step struct {
	set    *rrset // records that must be signed; nil for a denial
	denied name   // the name whose denial is to be proven
}

// steps follows the aliases from the question to the records, or to where
// there are none.
func (j *judge) steps(q name, typ uint16) ([]step, *fault) {
	var list []step
	seen := map[name]bool{}
	for range maxAliases {
		if seen[q] { // a loop: it ends here, and all of it is in the list
			return list, nil
		}
		seen[q] = true
		if data := j.data(q, typ); len(data) > 0 {
			return append(list, data...), nil
		}
		set, target := j.alias(q)
		if set == nil {
			return append(list, step{denied: q}), nil
		}
		list = append(list, step{set: set})
		if set.typ == dns.TypeCNAME && several(set) { // nobody knows which one will be followed
			return list, indeterminate(dns.ExtendedErrorCodeInvalidData, "%s: several CNAME records", q)
		}
		if target == "" { // the new name is too long
			return list, nil
		}
		q = target
	}
	return list, indeterminate(dns.ExtendedErrorCodeOther, "%s: more than %d aliases", q, maxAliases)
}

// several reports whether the aliases lead to different names (against RFC
// 2181, Section 10.1).
func several(set *rrset) bool {
	return slices.ContainsFunc(set.rrs, func(rr dns.RR) bool { return !dns.IsDuplicate(rr, set.rrs[0]) })
}

// data is the records asked for at q.
func (j *judge) data(q name, typ uint16) []step {
	if typ != dns.TypeANY {
		if set := j.answer.find(q, typ); set != nil {
			return []step{{set: set}}
		}
		return nil
	}
	var list []step
	for _, set := range j.answer.order {
		if set.owner == q && len(set.rrs) > 0 {
			list = append(list, step{set: set})
		}
	}
	return list
}

// alias finds the CNAME at q or the DNAME above it, and where it leads. A
// CNAME without signature that fits a DNAME is made from it, and it is the
// DNAME that must be signed (RFC 6672, Section 5.3.1). A DNAME without the
// CNAME is not followed, for whoever reads the reply would not follow it
// either, and take it for one without data.
func (j *judge) alias(q name) (set *rrset, target name) {
	cname := j.answer.find(q, dns.TypeCNAME)
	if cname != nil {
		rr, _ := cname.rrs[0].(*dns.CNAME)
		if rr == nil {
			return nil, ""
		}
		target, _ = parseName(rr.Target)
		if len(cname.sigs) > 0 {
			return cname, target
		}
	}
	for up := q; up != root; {
		up = up.parent()
		dname := j.answer.find(up, dns.TypeDNAME)
		if dname == nil || len(dname.rrs) != 1 {
			continue
		}
		rr, _ := dname.rrs[0].(*dns.DNAME)
		if rr == nil {
			continue
		}
		to, ok := parseName(rr.Target)
		if !ok {
			continue
		}
		made := q[:len(q)-len(up)] + to
		if len(made) > 255 {
			made = ""
		}
		switch {
		case cname != nil && len(cname.rrs) == 1 && made == target,
			cname == nil && made == "" && j.reply.Rcode == dns.RcodeYXDomain: // RFC 6672, Section 2.2
			return dname, made
		}
	}
	return cname, target
}

// run judges every step; the worst decides.
func (j *judge) run(ctx context.Context, q name, typ uint16) {
	switch j.reply.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeYXDomain:
	default:
		j.blame(indeterminate(0, "the resolver answered %s", rcode(j.reply.Rcode)))
		return
	}
	if j.reply.Truncated {
		j.blame(indeterminate(0, "the answer is truncated"))
		return
	}
	j.answer, j.authority = group(j.reply.Answer), group(j.reply.Ns)
	if typ == dns.TypeRRSIG {
		j.blame(indeterminate(0, "%s RRSIG: signatures are not signed themselves", q))
		return
	}
	list, f := j.steps(q, typ)
	j.blame(f)
	j.prefetch(ctx, list, typ)
	for _, s := range list {
		if j.fault != nil && j.fault.security == evidence.SecurityBogus {
			return
		}
		if s.set != nil {
			j.blame(j.judgeSet(ctx, s.set))
			j.exists = j.exists || s.set.typ == typ
		} else {
			j.blame(j.judgeDenial(ctx, s.denied, typ))
		}
	}
}

// severity orders the states: the weakest part of a reply decides.
func severity(s evidence.Security) int {
	switch s {
	case evidence.SecuritySecure:
		return 0
	case evidence.SecurityInsecure:
		return 1
	case evidence.SecurityIndeterminate, evidence.SecurityUnknown:
		return 2
	case evidence.SecurityBogus:
		return 3
	default:
		panic("dnssec: security state outside its set")
	}
}

// blame keeps the worst fault.
func (j *judge) blame(f *fault) {
	if f != nil && (j.fault == nil || severity(f.security) > severity(j.fault.security)) {
		j.fault = f
	}
}

// maxSigners is how many zones that claim to have signed one thing are looked
// at.
const maxSigners = 3

// signers lists the zones that the signatures name and that may hold the
// target, the lowest first.
func signers(target name, sets ...*rrset) []name {
	var list []name
	for _, set := range sets {
		for _, sig := range set.sigs {
			if n := sig.signer; target.within(n) && !slices.Contains(list, n) { // no name holds nothing
				list = append(list, n)
			}
		}
	}
	slices.SortFunc(list, func(a, b name) int { return len(b) - len(a) })
	return list[:min(len(list), maxSigners)]
}

// holder is the name whose zone holds the records: for DS the name above, for
// they are the parent's (RFC 4035, Section 2.4).
func holder(n name, typ uint16) name {
	if typ == dns.TypeDS {
		return n.parent()
	}
	return n
}

// stepSigners lists the zones that a step's signatures name and that may have
// signed it. A trust anchor has the last word on all below it: zones above it
// do not count.
func (j *judge) stepSigners(s step, typ uint16) []name {
	list := j.named(s, typ)
	at, _ := j.v.anchorMap().above(j.target(s, typ))
	return slices.DeleteFunc(list, func(n name) bool { return !n.within(at) })
}

// target is the name whose zone has to sign the step.
func (j *judge) target(s step, typ uint16) name {
	if s.set != nil {
		return holder(s.set.owner, s.set.typ)
	}
	return holder(s.denied, typ)
}

func (j *judge) named(s step, typ uint16) []name {
	if s.set != nil {
		return signers(j.target(s, typ), s.set)
	}
	var sets []*rrset
	for _, set := range j.authority.order {
		if set.typ == dns.TypeNSEC || set.typ == dns.TypeNSEC3 || set.typ == dns.TypeSOA {
			sets = append(sets, set)
		}
	}
	return signers(j.target(s, typ), sets...)
}

// prefetch finds out the zones of all steps at once, so that their questions
// wait together.
func (j *judge) prefetch(ctx context.Context, list []step, typ uint16) {
	var zones []name
	for _, s := range list {
		if named := j.stepSigners(s, typ); len(named) > 0 && !slices.Contains(zones, named[0]) {
			zones = append(zones, named[0])
		}
	}
	if len(zones) < 2 {
		return
	}
	var group sync.WaitGroup
	for _, n := range zones[:min(len(zones), maxPrefetch)] {
		group.Go(func() { j.state(ctx, n, true) })
	}
	group.Wait()
}

const maxPrefetch = 8

// judgeSet proves an RRset of the answer.
func (j *judge) judgeSet(ctx context.Context, set *rrset) *fault {
	return j.prove(ctx, step{set: set}, set.typ, func(z *zone) *fault {
		v, f := z.verify(set, j.now, &j.work)
		if f != nil {
			return f
		}
		used := []*verified{v}
		if ce, expanded := v.encloser(); expanded {
			d := newDenial(z, j.authority, j.now, &j.work, j.v.maxIterations())
			defer j.keepNSEC3(d)
			if f := d.noCloser(set.owner, ce); f != nil {
				return f
			}
			used = append(used, d.used...)
		}
		j.keep(used)
		return nil
	})
}

// judgeDenial proves that there are no records of the type at q.
func (j *judge) judgeDenial(ctx context.Context, q name, typ uint16) *fault {
	return j.prove(ctx, step{denied: q}, typ, func(z *zone) *fault {
		d := newDenial(z, j.authority, j.now, &j.work, j.v.maxIterations())
		f := j.denies(d, q, typ)
		if f == nil {
			j.v.rememberDenial(d, j.authority, j.reply.AuthenticatedData, j.until)
		}
		return f
	})
}

// denies finds the proof for what the reply says of q in a denial.
func (j *judge) denies(d *denial, q name, typ uint16) *fault {
	defer j.keepNSEC3(d)
	f := d.noData(q, typ)
	if j.reply.Rcode == dns.RcodeNameError && f != nil {
		// Beyond RFC 4035: some servers say NXDOMAIN for a name that has
		// only names below it. The proof counts, not the unsigned code.
		f = d.noName(q)
	} else if f == nil {
		j.exists = !d.saysNoName(q)
	}
	if f == nil {
		j.keep(d.used)
	}
	return f
}

// prove finds the zone that a step's signatures name and lets try prove the
// step with its keys. Where that fails, the step is still insecure if there is
// a proof that its zone is not signed.
func (j *judge) prove(ctx context.Context, s step, typ uint16, try func(*zone) *fault) *fault {
	owner, target := s.denied, j.target(s, typ)
	if s.set != nil {
		owner = s.set.owner
	}
	var first *fault
	var firstChain []evidence.Zone
	for _, signer := range j.stepSigners(s, typ) {
		st := j.keepState(j.state(ctx, signer, true))
		f := st.fault
		switch {
		case f != nil:
		case st.zone.name != signer:
			f = bogus(dns.ExtendedErrorCodeDNSBogus, "%s: signed by %s, which is no zone: the zone is %s", owner, signer, st.zone.name)
		default:
			f = try(st.zone)
		}
		if f.excuses() && st.fault == nil {
			f, st = j.excused(ctx, f, st, target)
		}
		if f == nil || f.security == evidence.SecurityInsecure {
			j.link(st.chain)
			return f
		}
		if first == nil || severity(f.security) > severity(first.security) {
			first, firstChain = f, st.chain
		}
	}
	var st *state
	if first == nil || first.security != evidence.SecurityIndeterminate {
		st = j.keepState(j.state(ctx, target, false))
	}
	if first != nil && (st == nil || st.fault == nil || st.fault.security != evidence.SecurityInsecure) {
		j.link(firstChain)
		return first
	}
	j.link(st.chain)
	switch {
	case st.fault != nil:
		return st.fault
	case s.set != nil:
		return bogus(dns.ExtendedErrorCodeRRSIGsMissing, "%s: there is no signature, but zone %s is signed", s.set, st.zone.name)
	}
	return bogus(dns.ExtendedErrorCodeNSECMissing, "%s %s: there is no signed proof that there are no such records, but zone %s is signed", owner, dns.Type(typ), st.zone.name)
}

// excused decides where a zone leaves a step unjudged, for what it is signed
// with cannot be followed. That is an excuse for its own names only: records of
// it say nothing of a name in a signed zone further down, though anybody can
// put them into a reply about one.
func (j *judge) excused(ctx context.Context, f *fault, by *state, target name) (*fault, *state) {
	st := j.keepState(j.state(ctx, target, false))
	switch {
	case st.fault != nil:
		return st.fault, st
	case st.zone.name != by.zone.name:
		return bogus(dns.ExtendedErrorCodeDNSBogus, "%s: zone %s answers for it, but it is in the signed zone %s", target, by.zone.name, st.zone.name), st
	}
	return f, by
}

// keep notes signatures that held.
func (j *judge) keep(used []*verified) {
	for _, v := range used {
		if e := v.evidence(j.now); !slices.Contains(j.result.Signatures, e) {
			j.result.Signatures = append(j.result.Signatures, e)
		}
	}
}

// keepNSEC3 notes the parameters of the NSEC3 records that were verified.
func (j *judge) keepNSEC3(d *denial) {
	for _, v := range d.used {
		rr, ok := v.set.rrs[0].(*dns.NSEC3)
		if !ok {
			continue
		}
		e := evidence.NSEC3{Zone: d.zone.name.String(), Iterations: rr.Iterations, Salt: strings.ToLower(strings.TrimPrefix(rr.Salt, "-")), OptOut: rr.Flags&1 != 0}
		if len(j.result.NSEC3) < evidence.MaxNSEC3 && !slices.Contains(j.result.NSEC3, e) {
			j.result.NSEC3 = append(j.result.NSEC3, e)
		}
	}
}

// keepState notes the answers that a state was found out by.
func (j *judge) keepState(s *state) *state {
	if j.messages == nil {
		j.messages = s.messages[:len(s.messages):len(s.messages)]
		return s
	}
	for _, m := range s.messages {
		if !slices.Contains(j.messages, m) {
			j.messages = append(j.messages, m)
		}
	}
	return s
}

// link notes the zones of a chain.
func (j *judge) link(chain []evidence.Zone) {
	if j.result.Zones == nil {
		j.result.Zones = chain[:len(chain):len(chain)] // shared, and so only read
		return
	}
	for _, z := range chain {
		if !slices.ContainsFunc(j.result.Zones, func(known evidence.Zone) bool { return known.Name == z.Name }) {
			j.result.Zones = append(j.result.Zones, z)
		}
	}
}
