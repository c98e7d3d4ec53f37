// Package dnssec judges DNS answers by the signatures in them: RFC 4033 to
// 4035 with the clarifications of RFC 6840, hashed denial (RFC 5155, 9276),
// DNAME (RFC 6672) and the algorithms of RFC 5702, 6605 and 8080.
//
// Some terms, as used here:
//
//   - A trust anchor is a DS or DNSKEY record known beforehand, normally the
//     root's. The chain of trust leads from it down to the answer: an anchor
//     or DS names a key, that key signs the zone's DNSKEY RRset, a key of that
//     RRset signs the zone's records, among them the DS of the zones below.
//   - A denial is the signed proof that a name or a type does not exist. It
//     is made of NSEC records, which give the neighbours of the name, or of
//     NSEC3 records, which give the neighbours of the name's hash.
//   - An insecure delegation is one whose DS is denied: all below it is
//     unsigned as far as anybody above can tell, and that is a proven fact.
//
// What comes out is one of the four states of RFC 4033, Section 5, kept
// strictly apart: secure, insecure (there is a proof that the chain ends above
// the name, or it can only be followed with algorithms not known here), bogus
// (there must be a chain and there is none) and indeterminate (DS or DNSKEY
// records could not be had). A fault of the network is never bogus.
//
// What may be relied on follows the registries that RFC 9904 moved the list of
// RFC 8624 to:
//
//	algorithm                     here          for zones
//	 1 RSAMD5                     unsupported   MUST NOT
//	 3 DSA, 6 DSA-NSEC3-SHA1      unsupported   MUST NOT
//	 5 RSASHA1, 7 NSEC3-RSASHA1   validated     MUST NOT (RFC 9905)
//	 8 RSASHA256                  validated     RECOMMENDED
//	10 RSASHA512                  validated     NOT RECOMMENDED
//	12 ECC-GOST                   unsupported   MUST NOT (RFC 9906)
//	13 ECDSAP256SHA256            validated     RECOMMENDED
//	14 ECDSAP384SHA384            validated     MAY
//	15 ED25519                    validated     RECOMMENDED
//	16 ED448                      validated     MAY
//	17 SM2SM3, 23 ECC-GOST12      unsupported   MAY
//	DS digest
//	 1 SHA-1                      validated     MUST NOT (RFC 9905)
//	 2 SHA-256                    validated     RECOMMENDED
//	 3 GOST R 34.11-94            unsupported   MUST NOT
//	 4 SHA-384                    validated     MAY
//	 5 GOST R 34.11-2012, 6 SM3   unsupported   MAY
//
// A zone that can be entered with unsupported ones alone is insecure, not bogus
// (RFC 4035, Section 5.2). SHA-1 is still validated, although RFC 9905 lets
// operators turn it off: Unbound and so Internet.nl do likewise, and a zone that
// others find secure or bogus should not pass for an unsigned one. A SHA-1 DS
// does not count beside a better one (RFC 4509, Section 3). RSA keys have 1024
// to 4096 bits; what crypto/rsa refuses counts as unsupported.
//
// The package does no I/O and has no clock: DS and DNSKEY come from a [Source],
// the time from [Validator.Now].
package dnssec

import (
	"context"
	"sync"
	"time"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// Source answers one DNS question, asked with the DO and CD bits set, as the
// recursive resolver answered it, whatever the response code. The error is for
// questions that got no answer at all: cancelled, or nobody could be reached.
//
// It is called from several goroutines at once. The message is only read.
type Source interface {
	Fetch(ctx context.Context, name string, qtype uint16) (*dns.Msg, error)
}

// Result is the judgement of one reply.
type Result struct {
	Security evidence.Security
	// Reason says in one sentence why the reply is not secure, naming zone and
	// record; empty for a secure one.
	Reason string
	// EDE is the extended error (RFC 8914) nearest to Reason; 0 with none.
	EDE uint16
	// Zones is the chain of trust from the anchor downward: for replies that
	// follow aliases, the chains of all parts, each zone once. They are shared
	// and must only be read.
	Zones []evidence.Zone
	// Signatures are those that were verified in the reply itself.
	Signatures []evidence.Signature
	// NSEC3 is the parameters of the NSEC3 records verified in it, each once,
	// at most evidence.MaxNSEC3.
	NSEC3 []evidence.NSEC3
	// Proof is what the judgement rests on, if [Validator.Keep] is set.
	Proof *Proof
	// Exists says that the reply is secure but its response code, which nothing
	// signs, is not: it is NXDOMAIN, and what the signatures prove is that the
	// name exists, with the records in the reply or without any of the type.
	Exists bool
	// Stripped says that the resolver does not hand on DNSSEC records: it has
	// the root's DNSKEY RRset without signature, or not at all. Security is
	// then indeterminate, for that is no fault of the domain.
	Stripped bool
}

// Proof is a reply together with the answers that the chain of trust to it was
// made of: what a Validator needs to come to the same judgement again. The
// messages are shared and must only be read.
type Proof struct {
	Name     string // the question, fully qualified
	Type     uint16
	Time     time.Time // when the signatures were judged
	Reply    *dns.Msg
	Chain    []Message // the DS and DNSKEY answers, from the anchor downward
	Security evidence.Security
}

// Judged is a lookup with what its security was judged by: a proof for each
// reply on the way to its end.
type Judged struct {
	Lookup evidence.Lookup
	Proofs []*Proof
}

// Message is an answer of the [Source].
type Message struct {
	Name string // fully qualified
	Type uint16
	Msg  *dns.Msg
}

// Validator validates replies. It is safe for concurrent use, and meant to be
// shared: it remembers the zones it has validated. Its fields must not be
// changed after the first call.
type Validator struct {
	// Anchors are the trust anchors, DS and DNSKEY records of any zones. The
	// nearest one at or above a name counts. Without one above a name, the name
	// is insecure.
	Anchors []dns.RR
	// Now is the clock that signatures are judged by. It is required.
	Now func() time.Time
	// MaxIterations is the number of additional NSEC3 iterations above which a
	// proof makes its zone insecure (RFC 9276, Section 3.2); 0 means 100.
	MaxIterations int
	// Keep keeps the answers of the [Source] with the zones, for [Result.Proof].
	Keep bool
	// MaxZones bounds the memory of validated delegations; 0 means 20,000.
	MaxZones int

	once    sync.Once
	anchors anchorsByName
	mu      sync.Mutex // guards what is below
	cache   cache
	flights map[name]*flight
	held    recent[heldKey, struct{}]
	denied  recent[name, *denials]
}

// Validate judges reply, a recursive resolver's answer to the question: every
// RRset on the way from qname through aliases to the records asked for, and
// the denial where there are none. The weakest part decides. Records of the
// answer section that are not on this way are not looked at, and must not be
// used by the caller.
//
// Whatever happens, cancellation included, is told by the Result.
func (v *Validator) Validate(ctx context.Context, src Source, qname string, qtype uint16, reply *dns.Msg) Result {
	return v.ValidateKept(ctx, src, qname, qtype, reply, time.Time{})
}

// ValidateKept is [Validator.Validate] for a reply that was kept since it came,
// and is good until that time: nothing is denied by it later. Zero means that it
// just came.
func (v *Validator) ValidateKept(ctx context.Context, src Source, qname string, qtype uint16, reply *dns.Msg, until time.Time) Result {
	if v.Now == nil {
		return Result{Security: evidence.SecurityIndeterminate, Reason: "the validator has no clock"}
	}
	q, ok := parseName(qname)
	if !ok || reply == nil || src == nil {
		return Result{Security: evidence.SecurityIndeterminate, Reason: "there is no question or no answer to judge"}
	}
	j := &judge{walk: &walk{v: v, src: src, now: v.Now()}, reply: reply, until: until, work: work{v: v}}
	j.run(ctx, q, qtype)
	return j.conclude(q, qtype)
}

// conclude sums up.
func (j *judge) conclude(q name, typ uint16) Result {
	r := j.result
	if f := j.fault; f != nil {
		r.Security, r.Reason, r.EDE, r.Stripped = f.security, f.reason, f.ede, f.stripped
	} else {
		r.Security, r.Exists = evidence.SecuritySecure, j.exists && j.reply.Rcode == dns.RcodeNameError
	}
	if j.v.Keep {
		r.Proof = &Proof{Name: q.fqdn(), Type: typ, Time: j.now, Reply: j.reply, Chain: j.messages, Security: r.Security}
	}
	return r
}

func (v *Validator) anchorMap() anchorsByName {
	v.once.Do(func() { v.anchors = readAnchors(v.Anchors) })
	return v.anchors
}

func (v *Validator) maxIterations() int {
	if v.MaxIterations > 0 {
		return v.MaxIterations
	}
	return defaultIterations
}

// defaultIterations is what RFC 9276, Section 3.2 lets validators choose from
// as the first number of iterations that need not be done.
const defaultIterations = 100
