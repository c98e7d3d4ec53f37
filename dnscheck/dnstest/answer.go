package dnstest

import (
	"github.com/miekg/dns"
)

// maxAliases bounds the chain of CNAME and DNAME records that is followed.
const maxAliases = 16

// question is one query as the answering functions see it.
type question struct {
	name string // canonical
	typ  uint16
	do   bool
	cd   bool
}

// Resolver gives a server that behaves as a validating recursive resolver with
// the world's trust anchor. It answers from all zones, follows aliases across
// them, and adds signatures and proofs when the DO bit asks for them (RFC 4035,
// Section 3.2). Zones that are bogus by their options (BadDS, Corrupt, times)
// give SERVFAIL with an extended error (RFC 8914) unless the CD bit is set. The
// AD bit is set on what is secure, if CD is clear and AD or DO was set (RFC
// 6840, Section 5.8). A delegation to a zone that is not in the world gives
// SERVFAIL.
func (w *World) Resolver() *Server {
	return &Server{world: w, recursive: true, respond: w.resolve}
}

func (w *World) resolve(q question) *response {
	r := &response{do: q.do, secure: true}
	name := q.name
	for range maxAliases {
		t := w.enclosing(name)
		if q.typ == dns.TypeDS && name == t.origin && t.parent != nil {
			t = t.parent // RFC 4035, Section 3.1.4.1: the DS RRset lives above the cut
		}
		if t.trust.bogus != nil && !q.cd {
			return &response{rcode: dns.RcodeServerFailure, ede: t.trust.bogus}
		}
		r.secure = r.secure && t.trust.secure
		step, next := t.lookup(r, name, q.typ)
		switch step {
		case stepDone:
			return r
		case stepReferral:
			return failure(dns.ExtendedErrorCodeNoReachableAuthority, "no server of the delegated zone answers")
		case stepAlias:
			name = next
		default:
			panic("dnstest: unknown step")
		}
	}
	return failure(dns.ExtendedErrorCodeOther, "too many aliases")
}

func failure(code uint16, text string) *response {
	return &response{
		rcode: dns.RcodeServerFailure,
		ede:   &dns.EDNS0_EDE{InfoCode: code, ExtraText: text},
	}
}

// Authoritative gives a name server for some of the world's zones: it answers
// for them, refers to zones below that it does not serve, and refuses
// everything else. Names of zones that are not in the world are ignored.
func (w *World) Authoritative(zones ...string) *Server {
	a := &authority{zones: make(map[string]*tree)}
	for _, name := range zones {
		if t := w.zones[canonical(name)]; t != nil {
			a.zones[t.origin] = t
		}
	}
	return &Server{world: w, respond: a.respond}
}

// authority answers from a set of zones.
type authority struct{ zones map[string]*tree }

func (a *authority) respond(q question) *response {
	r := &response{do: q.do, secure: true}
	name := q.name
	for i := range maxAliases {
		t := a.enclosing(name)
		if t != nil && q.typ == dns.TypeDS && name == t.origin && name != "." {
			if up := a.enclosing(parent(name)); up != nil {
				t = up // RFC 4035, Section 3.1.4.1
			}
		}
		if t == nil {
			if i == 0 {
				return &response{
					rcode: dns.RcodeRefused,
					ede:   &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNotAuthoritative},
				}
			}
			return r // the alias leads out of what this server knows
		}
		step, next := t.lookup(r, name, q.typ)
		if step != stepAlias {
			return r
		}
		name = next
	}
	return r
}

// enclosing finds the deepest served zone at or above a name.
func (a *authority) enclosing(name string) *tree {
	for {
		if t := a.zones[name]; t != nil {
			return t
		}
		if name == "." {
			return nil
		}
		name = parent(name)
	}
}
