package dnstest

import (
	"strings"

	"github.com/miekg/dns"
)

// response is an answer in the making.
type response struct {
	do     bool // signatures and proofs are wanted
	secure bool // nothing so far that a validator could not verify
	aa     bool
	rcode  int
	ede    *dns.EDNS0_EDE

	answer, authority, additional []dns.RR
	proofs                        []*rrset // in authority
}

// put appends an RRset with its signatures to a section. With another owner
// than its own it is expanded from a wildcard (RFC 4035, Section 3.1.3.3).
func (r *response) put(section *[]dns.RR, t *tree, s *rrset, owner string) {
	rrs := s.rrs
	if r.do {
		rrs = append(rrs[:len(rrs):len(rrs)], t.signatures(s)...)
	}
	for _, rr := range rrs {
		if rr.Header().Name != owner {
			rr = dns.Copy(rr)
			rr.Header().Name = owner
		}
		*section = append(*section, rr)
	}
}

// prove appends a denial RRset to the authority section, once.
func (r *response) prove(t *tree, s *rrset) {
	for _, p := range r.proofs {
		if p == s {
			return
		}
	}
	r.proofs = append(r.proofs, s)
	r.put(&r.authority, t, s, s.header().Name)
}

// step says how the search for an answer goes on.
type step int

const (
	stepDone     step = iota // the response is complete
	stepAlias                // go on at another name
	stepReferral             // the response refers to a child zone
)

// lookup answers a question from one zone, which must enclose the name (RFC
// 1034, Section 4.3.2, step 3). With stepAlias it gives the next name.
func (t *tree) lookup(r *response, name string, typ uint16) (step, string) {
	var encloser *node
	next := name
	for _, up := range t.path(name) {
		n := t.nodes[up]
		if n == nil {
			next = up
			break
		}
		encloser = n
		if n.cut && (up != name || typ != dns.TypeDS) {
			t.refer(r, n)
			return stepReferral, ""
		}
		if dname := n.sets[dns.TypeDNAME]; dname != nil && up != name {
			return t.substitute(r, dname, name)
		}
	}
	r.aa = true
	if encloser.name == name {
		return t.answer(r, encloser, name, typ, "")
	}
	if star := t.nodes[join("*", encloser.name)]; star != nil {
		return t.answer(r, star, name, typ, next)
	}
	r.rcode = dns.RcodeNameError
	t.deny(r, func(r *response, d denial) { d.noName(r, name, encloser.name, next) })
	return stepDone, ""
}

// path lists the names from the zone's apex down to name.
func (t *tree) path(name string) []string {
	var list []string
	for ; name != t.origin; name = parent(name) {
		list = append(list, name)
	}
	list = append(list, t.origin)
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

// answer answers from node n for name. With a next closer name, n is the
// wildcard that stands for name.
func (t *tree) answer(r *response, n *node, name string, typ uint16, next string) (step, string) {
	expanded := func() {
		if next != "" {
			t.prove(r, func(r *response, d denial) { d.expanded(r, name, next) })
		}
	}
	switch typ {
	case dns.TypeANY, dns.TypeRRSIG:
		if t.answerMany(r, n, name, typ) {
			expanded()
			return stepDone, ""
		}
	default:
		if s := n.sets[typ]; s != nil {
			r.put(&r.answer, t, s, name)
			expanded()
			return stepDone, ""
		}
		if s := n.sets[dns.TypeCNAME]; s != nil {
			r.put(&r.answer, t, s, name)
			expanded()
			return stepAlias, canonical(s.rrs[0].(*dns.CNAME).Target)
		}
	}
	t.deny(r, func(r *response, d denial) {
		if next == "" {
			d.noType(r, name)
		} else {
			d.noTypeExpanded(r, name, parent(next), next)
		}
	})
	return stepDone, ""
}

// answerMany answers for ANY with all RRsets of a node, for RRSIG with all
// signatures.
func (t *tree) answerMany(r *response, n *node, name string, typ uint16) bool {
	for _, each := range n.types() {
		s := n.sets[each]
		if typ == dns.TypeANY {
			r.put(&r.answer, t, s, name)
			continue
		}
		if n.cut && each == dns.TypeNS {
			continue
		}
		for _, sig := range t.signatures(s) {
			sig = dns.Copy(sig)
			sig.Header().Name = name
			r.answer = append(r.answer, sig)
		}
	}
	return len(r.answer) > 0
}

// deny appends what a negative answer carries: the SOA record (RFC 2308,
// Section 3) and a proof.
func (t *tree) deny(r *response, proof func(*response, denial)) {
	r.put(&r.authority, t, t.soa, t.origin)
	t.prove(r, proof)
}

// prove appends a proof if the zone is signed and the client asked for it.
// Without DO the proof is made all the same and left out, because it decides
// about AD.
func (t *tree) prove(r *response, proof func(*response, denial)) {
	switch {
	case t.denial == nil:
	case r.do:
		proof(r, t.denial)
	default:
		unseen := &response{secure: true}
		proof(unseen, t.denial)
		r.secure = r.secure && unseen.secure
	}
}

// substitute answers with a DNAME record and the CNAME record that follows
// from it (RFC 6672, Section 3.1).
func (t *tree) substitute(r *response, s *rrset, name string) (step, string) {
	r.aa = true
	r.put(&r.answer, t, s, s.header().Name)
	dname := s.rrs[0].(*dns.DNAME)
	target := strings.TrimSuffix(name, s.header().Name)
	if to := canonical(dname.Target); to != "." {
		target += to
	}
	if wireLen(target) > 255 {
		r.rcode = dns.RcodeYXDomain // RFC 6672, Section 2.2: the new name is too long
		return stepDone, ""
	}
	r.answer = append(r.answer, &dns.CNAME{
		Hdr:    dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: s.header().Ttl},
		Target: target,
	})
	return stepAlias, target
}

// refer appends a referral: NS records, the DS RRset or the proof that there
// is none (RFC 4035, Section 3.1.4), and glue. NS and glue are not signed.
func (t *tree) refer(r *response, n *node) {
	ns := n.sets[dns.TypeNS]
	r.authority = append(r.authority, ns.rrs...)
	if r.do && t.denial != nil {
		if ds := n.sets[dns.TypeDS]; ds != nil {
			r.put(&r.authority, t, ds, n.name)
		} else {
			t.denial.noType(r, n.name)
		}
	}
	for _, rr := range ns.rrs {
		host := t.nodes[canonical(rr.(*dns.NS).Ns)]
		if host == nil {
			continue
		}
		for _, typ := range []uint16{dns.TypeA, dns.TypeAAAA} {
			if s := host.sets[typ]; s != nil {
				r.additional = append(r.additional, s.rrs...)
			}
		}
	}
}
