package resolver

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// udpSize is the payload we take over UDP: what passes every path without
// fragments, as operators agreed in 2020. We read more where it is sent.
const udpSize = 1232

// smallSize is the payload of an answer that passes every path (RFC 1035,
// Section 4.2.1), and the least that EDNS can offer (RFC 6891, Section 6.2.5).
const smallSize = 512

// maxMessage is the largest DNS message (RFC 1035, Section 4.2.2).
const maxMessage = 65535

// header is the length of a message's header.
const header = 12

// question is a question ready to be sent.
type question struct {
	key  key
	id   uint16
	wire []byte
	// patience is how long to wait for the answer.
	patience time.Duration
}

// newQuestion makes the message, with EDNS unless size is zero. Its id comes from random, so that nobody who
// does not see the question can answer it (RFC 5452, Section 9.2).
func newQuestion(k key, size uint16, patience time.Duration, random io.Reader) (*question, error) {
	var id [2]byte
	if random == nil {
		random = rand.Reader
	}
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return nil, fmt.Errorf("resolver: make a message id: %w", err)
	}
	m := dns.Msg{Question: []dns.Question{{Name: absolute(k.name), Qtype: k.qtype, Qclass: dns.ClassINET}}}
	m.Id = binary.BigEndian.Uint16(id[:])
	m.RecursionDesired = k.addr == "" // not when a name server is asked itself
	m.CheckingDisabled = !k.checking
	m.AuthenticatedData = k.checking // RFC 6840, Section 5.8
	if size > 0 {
		m.SetEdns0(size, true)
	}
	wire, err := m.Pack()
	if err != nil {
		return nil, fmt.Errorf("resolver: write the question %s %s: %w", k.name, typeName(k.qtype), err)
	}
	return &question{key: k, id: m.Id, wire: wire, patience: patience}, nil
}

// read is what a received message turned out to be.
type read uint8

const (
	notOurs   read = iota // does not answer the question: dropped
	malformed             // has the right id and cannot be read
	answered
)

// parse reads a message that came in on the way the question went out.
//
// A truncated one need not be readable beyond its header: it says only that
// the answer must be had over TCP.
func (q *question) parse(b []byte) (*dns.Msg, read) {
	if len(b) < header || binary.BigEndian.Uint16(b) != q.id || b[2]&0x80 == 0 || b[2]>>3&15 != dns.OpcodeQuery {
		return nil, notOurs
	}
	truncated := b[2]&0x02 != 0
	var m dns.Msg
	err := m.Unpack(b)
	if len(m.Question) > 0 && !q.matches(&m) {
		return nil, notOurs
	}
	if err != nil || counts(&m) != [4]uint16{be(b[4:]), be(b[6:]), be(b[8:]), be(b[10:])} || hollow(m.Answer) || hollow(m.Ns) {
		if truncated && q.echoed(b) {
			return &dns.Msg{MsgHdr: dns.MsgHdr{Id: q.id, Response: true, Truncated: true, Rcode: int(b[3] & 15)}}, answered
		}
		return nil, malformed
	}
	if len(m.Question) == 0 {
		// RFC 1035, Section 4.1.1: a server that cannot read the question, or
		// will not, may leave it out.
		if m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError {
			return nil, malformed
		}
	}
	return &m, answered
}

// matches reports whether the message repeats the question. Case is ignored
// (RFC 4343).
func (q *question) matches(m *dns.Msg) bool {
	if len(m.Question) != 1 {
		return false
	}
	got := m.Question[0]
	return got.Qtype == q.key.qtype && got.Qclass == dns.ClassINET && evidence.Name(got.Name) == q.key.name
}

// echoed reports whether b repeats the question's octets, but for case.
func (q *question) echoed(b []byte) bool {
	end := header
	for end < len(q.wire) && q.wire[end] != 0 {
		end += int(q.wire[end]) + 1
	}
	end += 5 // the root label, type and class
	if len(b) < end || be(b[4:]) != 1 {
		return false
	}
	for i := header; i < end; i++ {
		if b[i]|0x20 != q.wire[i]|0x20 {
			return false
		}
	}
	return true
}

func be(b []byte) uint16 { return binary.BigEndian.Uint16(b) }

// counts are the lengths of the four sections. Package dns reads a message
// that ends early, at the end of a record, without complaint.
func counts(m *dns.Msg) [4]uint16 {
	return [4]uint16{uint16(len(m.Question)), uint16(len(m.Answer)), uint16(len(m.Ns)), uint16(len(m.Extra))}
}

// hollow reports whether a record has no data although its type needs some.
// Package dns reads such a record as one of zeros: an MX would become a null MX.
func hollow(rrs []dns.RR) bool {
	for _, rr := range rrs {
		h := rr.Header()
		if h.Rdlength != 0 {
			continue
		}
		switch rr.(type) {
		case *dns.NULL, *dns.APL, *dns.RFC3597, *dns.OPT, *dns.EID, *dns.NIMLOC, *dns.AMTRELAY:
		default:
			return true
		}
	}
	return false
}
