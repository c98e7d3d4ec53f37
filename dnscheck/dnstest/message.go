package dnstest

import (
	"encoding/binary"

	"github.com/miekg/dns"
)

// exchange is one query on its way to a reply.
type exchange struct {
	server    *Server
	transport string
	question  Question
	query     *dns.Msg
	blind     bool // do not validate
	strict    bool // validate even if told not to
}

// answer makes the reply that a server without faults gives.
func (x *exchange) answer() *dns.Msg {
	q := x.query
	opt := q.IsEdns0()
	switch {
	case opt != nil && opt.Version() != 0:
		return x.fail(Fault{RCode: dns.RcodeBadVers}) // RFC 6891, Section 6.1.3
	case q.Opcode != dns.OpcodeQuery:
		return x.fail(Fault{RCode: dns.RcodeNotImplemented})
	case q.Question[0].Qclass != dns.ClassINET, x.question.Type == dns.TypeAXFR, x.question.Type == dns.TypeIXFR:
		return x.fail(Fault{RCode: dns.RcodeRefused})
	}
	do := opt != nil && opt.Do()
	r := x.server.respond(question{x.question.Name, x.question.Type, do, (q.CheckingDisabled || x.blind) && !x.strict})
	m := failing(q, r.rcode)
	m.Answer, m.Ns = r.answer, r.authority
	m.Extra = append(r.additional, m.Extra...)
	if x.server.recursive {
		m.RecursionAvailable = true
		// RFC 4035, Section 3.2.2: CD is copied. RFC 6840, Sections 5.7 and
		// 5.8: AD only for those who show that they understand it.
		m.CheckingDisabled = q.CheckingDisabled
		m.AuthenticatedData = r.secure && !q.CheckingDisabled && (do || q.AuthenticatedData)
	} else {
		m.Authoritative = r.aa
	}
	if opt := m.IsEdns0(); opt != nil && r.ede != nil {
		opt.Option = append(opt.Option, r.ede)
	}
	return m
}

// limit is the size that the reply must fit into.
func (x *exchange) limit() int {
	if x.transport != UDP {
		return dns.MaxMsgSize
	}
	size := dns.MinMsgSize
	if opt := x.query.IsEdns0(); opt != nil {
		size = max(size, int(opt.UDPSize()))
	}
	return min(size, maxUDP)
}

// failing makes a reply without records, with an OPT record if the query had
// one (RFC 6891, Section 6.1.1).
func failing(q *dns.Msg, rcode int) *dns.Msg {
	m := new(dns.Msg)
	m.Id, m.Response, m.Opcode, m.Rcode = q.Id, true, q.Opcode, rcode
	m.RecursionDesired = q.RecursionDesired
	m.Question = q.Question
	if opt := q.IsEdns0(); opt != nil {
		m.SetEdns0(maxUDP, opt.Do())
	}
	return m
}

// pack gives the octets of a reply. One that is too long is cut down to its
// question and OPT record, with TC set: a client must not use the rest anyway
// (RFC 2181, Section 9).
func pack(m *dns.Msg, limit int) []byte {
	m.Compress = true
	octets, err := m.Pack()
	if err == nil && len(octets) <= limit {
		return octets
	}
	short := *m
	short.Answer, short.Ns, short.Extra = nil, nil, nil
	if opt := m.IsEdns0(); opt != nil {
		short.Extra = []dns.RR{opt}
	}
	if err != nil { // longer than a message can be
		short.Rcode = dns.RcodeServerFailure
	} else {
		short.Truncated = true
	}
	octets, err = short.Pack()
	if err != nil {
		return nil
	}
	return octets
}

// malformed answers octets that are no message: FORMERR if there is at least
// the header of a query, else silence.
func malformed(query []byte) []byte {
	const header = 12
	if len(query) < header || query[2]&0x80 != 0 {
		return nil
	}
	reply := make([]byte, header)
	copy(reply, query[:2])
	opcode := query[2] & 0x79 // and RD
	binary.BigEndian.PutUint16(reply[2:], uint16(opcode|0x80)<<8|dns.RcodeFormatError)
	return reply
}
