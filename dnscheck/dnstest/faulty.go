package dnstest

import (
	"context"
	"strings"
	"time"
	"unicode"

	"github.com/miekg/dns"
)

// attached is a fault at a server, with how often it was used.
type attached struct {
	Fault
	used int
}

func (a *attached) spent() bool { return a.FirstN > 0 && a.used >= a.FirstN }

// AddFaults attaches faults. Those of a kind, transport or name that does not
// exist are refused, and none is attached then.
func (s *Server) AddFaults(faults ...Fault) error {
	for _, f := range faults {
		if err := f.check(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		s.faults = append(s.faults, &attached{Fault: f})
	}
	return nil
}

// ClearFaults takes all faults away.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// flawless reports whether no fault concerns a question. s.mu is held.
func (s *Server) flawless(q Question, transport string, cd bool) bool {
	for _, f := range s.faults {
		if !f.spent() && f.matches(q, transport, cd) {
			return false
		}
	}
	return true
}

// match gives the faults that concern a question, by kind, and uses them once.
func (s *Server) match(q Question, transport string, cd bool) map[Kind]Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found map[Kind]Fault
	for _, f := range s.faults {
		if f.spent() || !f.matches(q, transport, cd) {
			continue
		}
		f.used++
		if found == nil {
			found = make(map[Kind]Fault)
		}
		if _, twice := found[f.Kind]; !twice {
			found[f.Kind] = f.Fault
		}
	}
	return found
}

// reply makes the reply with all its faults; nil is silence.
func (x *exchange) reply(ctx context.Context, faults map[Kind]Fault) ([]byte, error) {
	has := func(k Kind) bool { _, ok := faults[k]; return ok }
	if has(Delay) {
		if err := sleep(ctx, faults[Delay].Delay); err != nil {
			return nil, err
		}
	}
	edns := x.query.IsEdns0() != nil
	if has(Drop) || edns && has(NoEDNSDrop) {
		return nil, nil
	}
	if has(IgnoreEDNS) {
		x.query = withoutEDNS(x.query)
	}
	var m *dns.Msg
	switch {
	case edns && has(NoEDNSFormErr):
		m = failing(withoutEDNS(x.query), dns.RcodeFormatError)
	case edns && has(NoEDNSNotImp):
		m = failing(withoutEDNS(x.query), dns.RcodeNotImplemented)
	case has(RCode):
		m = x.fail(faults[RCode])
	case has(Lame):
		m = x.lame()
	default:
		x.blind, x.strict = has(NoValidation), has(IgnoreCD)
		m = x.answer()
	}
	if has(TTL) {
		age(m, faults[TTL].TTL)
	}
	x.damage(m, has)
	octets := pack(m, x.limit())
	if has(LoseLarge) && x.transport == UDP && len(octets) > dns.MinMsgSize {
		return nil, nil
	}
	if has(Garbage) && len(octets) > 12 {
		for i := 2; i < len(octets); i++ {
			octets[i] = 0xff // counts and names that lead nowhere
		}
	}
	return octets, nil
}

// damage changes a finished message.
func (x *exchange) damage(m *dns.Msg, has func(Kind) bool) {
	if has(StripDNSSEC) {
		keep(m, func(typ uint16) bool {
			switch typ {
			case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM, dns.TypeDNSKEY, dns.TypeDS:
				return false
			}
			return true
		})
		m.AuthenticatedData = false
	}
	if has(StripRRSIG) {
		keep(m, func(typ uint16) bool { return typ != dns.TypeRRSIG })
	}
	if has(ExpireRRSIG) {
		resign(m, x.server.world.expire)
	}
	if has(CorruptRRSIG) {
		resign(m, func(sig *dns.RRSIG, _ []dns.RR) { spoil(sig) })
	}
	if has(NoValidation) || has(ClearAD) {
		m.AuthenticatedData = false
	}
	if has(SetAD) {
		m.AuthenticatedData = true
	}
	if has(Truncate) {
		m.Truncated = true
		keep(m, func(typ uint16) bool { return typ == dns.TypeOPT })
	}
	if has(WrongID) {
		m.Id++
	}
	if has(WrongQuestion) {
		m.Question = []dns.Question{{Name: "wrong.invalid.", Qtype: x.question.Type, Qclass: dns.ClassINET}}
	}
	if has(WrongCase) && len(m.Question) > 0 {
		q := m.Question[0]
		q.Name = strings.Map(otherCase, q.Name)
		m.Question = []dns.Question{q}
	}
}

// age gives all records of a message a TTL, in copies.
func age(m *dns.Msg, ttl uint32) {
	for _, section := range []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra} {
		fresh := make([]dns.RR, 0, len(*section))
		for _, rr := range *section {
			if rr.Header().Rrtype != dns.TypeOPT { // whose TTL is none
				rr = dns.Copy(rr)
				rr.Header().Ttl = ttl
			}
			fresh = append(fresh, rr)
		}
		*section = fresh
	}
}

// fail answers with a response code.
func (x *exchange) fail(f Fault) *dns.Msg {
	m := failing(x.query, f.RCode)
	m.RecursionAvailable = x.server.recursive
	if opt := m.IsEdns0(); opt != nil && f.EDE != nil {
		opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: f.EDE.Code, ExtraText: f.EDE.Text})
	}
	return m
}

// lame answers as a server does that has never heard of the zone.
func (x *exchange) lame() *dns.Msg {
	m := failing(x.query, dns.RcodeSuccess)
	m.Ns = append(m.Ns, x.server.world.zones["."].apex.sets[dns.TypeNS].rrs...)
	return m
}

// expire signs again, for a time that is over.
func (w *World) expire(sig *dns.RRSIG, covered []dns.RR) {
	const day = 24 * 60 * 60
	t := w.zones[sig.SignerName]
	if t == nil || t.keys == nil {
		return
	}
	sig.Inception, sig.Expiration = t.inception-30*day, t.inception-day
	if len(covered) == 0 {
		return
	}
	if fresh, ok := t.sign(covered, sig.Inception, sig.Expiration)[0].(*dns.RRSIG); ok {
		sig.Signature = fresh.Signature
	}
}

// resign replaces each RRSIG of a message by a changed copy. change is also
// given the records that the signature covers, under the owner name they were
// signed with.
func resign(m *dns.Msg, change func(*dns.RRSIG, []dns.RR)) {
	for _, section := range []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra} {
		fresh := make([]dns.RR, 0, len(*section))
		for _, rr := range *section {
			if sig, ok := rr.(*dns.RRSIG); ok {
				sig = dns.Copy(sig).(*dns.RRSIG)
				change(sig, coveredBy(sig, *section))
				rr = sig
			}
			fresh = append(fresh, rr)
		}
		*section = fresh
	}
}

// coveredBy finds the RRset of a signature in a section. One that was expanded
// gets its wildcard's name back (RFC 4035, Section 5.3.2).
func coveredBy(sig *dns.RRSIG, section []dns.RR) []dns.RR {
	name := sig.Hdr.Name
	if labels := dns.Split(name); len(labels) > int(sig.Labels) && !strings.HasPrefix(name, "*.") {
		above := "."
		if sig.Labels > 0 {
			above = name[labels[len(labels)-int(sig.Labels)]:]
		}
		name = join("*", above)
	}
	var list []dns.RR
	for _, rr := range section {
		if h := rr.Header(); h.Name == sig.Hdr.Name && h.Rrtype == sig.TypeCovered {
			rr = dns.Copy(rr)
			rr.Header().Name = name
			list = append(list, rr)
		}
	}
	return list
}

// keep leaves only records of some types in a message, in new slices. The OPT
// record always stays.
func keep(m *dns.Msg, wanted func(uint16) bool) {
	for _, section := range []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra} {
		var list []dns.RR
		for _, rr := range *section {
			if typ := rr.Header().Rrtype; typ == dns.TypeOPT || wanted(typ) {
				list = append(list, rr)
			}
		}
		*section = list
	}
}

func withoutEDNS(q *dns.Msg) *dns.Msg {
	m := *q
	m.Extra = nil
	return &m
}

func otherCase(r rune) rune {
	if unicode.IsUpper(r) {
		return unicode.ToLower(r)
	}
	return unicode.ToUpper(r)
}

// sleep waits, but not longer than the context lasts.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
