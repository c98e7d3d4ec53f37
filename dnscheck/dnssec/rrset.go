package dnssec

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/miekg/dns"
)

// rrset is the records of one owner and type in a section of a message, with
// the signatures over them.
type rrset struct {
	owner name
	typ   uint16
	rrs   []dns.RR
	sigs  []signature
}

// signature is a signature with the name of the zone that it says made it; no
// name if that cannot be read.
type signature struct {
	*dns.RRSIG
	signer name
}

type setKey struct {
	owner name
	typ   uint16
}

// section is the RRsets of a section of a message.
type section struct {
	order []*rrset
	sets  map[setKey]*rrset // only with more than fewSets
	first [2]rrset          // room for the first ones
}

// fewSets are found fastest by looking at each.
const fewSets = 8

// group sorts the records of a section. Records of other classes are left
// out: there is no chain of trust for them here. Signatures without records
// stay alone under their owner and the type they cover.
func group(rrs []dns.RR) *section {
	s := &section{}
	var last *rrset
	var owner, signer lastName
	for _, rr := range rrs {
		if rr == nil {
			continue
		}
		h := rr.Header()
		if h.Class != dns.ClassINET || h.Rrtype == dns.TypeOPT {
			continue
		}
		typ := h.Rrtype
		sig, isSig := rr.(*dns.RRSIG)
		if isSig {
			typ = sig.TypeCovered
		}
		if last == nil || last.typ != typ || owner.text != h.Name {
			n, ok := owner.parse(h.Name)
			if !ok {
				last = nil
				continue
			}
			last = s.at(n, typ)
		}
		if isSig {
			by, _ := signer.parse(sig.SignerName)
			last.sigs = append(last.sigs, signature{sig, by})
			continue
		}
		last.rrs = append(last.rrs, rr)
	}
	return s
}

// lastName is the name read last: many records in a row have the same.
type lastName struct {
	text string
	name name
	ok   bool
}

func (l *lastName) parse(s string) (name, bool) {
	if l.text != s || s == "" {
		l.text = s
		l.name, l.ok = parseName(s)
	}
	return l.name, l.ok
}

func (s *section) at(owner name, typ uint16) *rrset {
	if set := s.lookUp(owner, typ); set != nil {
		return set
	}
	var set *rrset
	if n := len(s.order); n < len(s.first) {
		set = &s.first[n]
	} else {
		set = new(rrset)
	}
	set.owner, set.typ = owner, typ
	s.order = append(s.order, set)
	switch {
	case s.sets != nil:
		s.sets[setKey{owner, typ}] = set
	case len(s.order) > fewSets:
		s.sets = make(map[setKey]*rrset, 4*fewSets)
		for _, set := range s.order {
			s.sets[setKey{set.owner, set.typ}] = set
		}
	}
	return set
}

func (s *section) lookUp(owner name, typ uint16) *rrset {
	if s.sets != nil {
		return s.sets[setKey{owner, typ}]
	}
	for _, set := range s.order {
		if set.typ == typ && set.owner == owner {
			return set
		}
	}
	return nil
}

// find returns the RRset; nil if there are no records of it.
func (s *section) find(owner name, typ uint16) *rrset {
	if set := s.lookUp(owner, typ); set != nil && len(set.rrs) > 0 {
		return set
	}
	return nil
}

// String names the RRset for people: "www.example.test A".
func (s *rrset) String() string { return s.owner.String() + " " + dns.Type(s.typ).String() }

// ttl is the smallest TTL of the records.
func (s *rrset) ttl() uint32 {
	least := ^uint32(0)
	for _, rr := range s.rrs {
		least = min(least, rr.Header().Ttl)
	}
	return least
}

// canonicalRDATA is the RDATA of each record in canonical form (RFC 4034,
// Section 6.2): uncompressed, with the names in it in lower case where the type
// is one of those listed. It is in buf as far as that has room.
func canonicalRDATA(rrs []dns.RR, buf []byte) ([][]byte, error) {
	m := dns.Msg{Answer: rrs} // which only reads them, for messages are shared
	wire, err := m.PackBuffer(buf[:cap(buf)])
	if err != nil {
		return nil, err
	}
	list := make([][]byte, len(rrs))
	at := headerLen
	for i, rr := range rrs {
		for wire[at] != 0 { // a label of the owner, never compressed
			at += int(wire[at]) + 1
		}
		at += fixedLen
		end := at + int(binary.BigEndian.Uint16(wire[at-2:]))
		list[i] = wire[at:end:end]
		lowerNames(list[i], rr.Header().Rrtype)
		at = end
	}
	return list, nil
}

const (
	headerLen = 12                // of a message
	fixedLen  = 1 + 2 + 2 + 4 + 2 // the root label, type, class, TTL and RDLENGTH
)

// nameLayouts says where the names in the RDATA are, of the types whose names
// are put in lower case: RFC 4034, Section 6.2 as corrected by RFC 6840,
// Section 5.1 (not NSEC; HINFO has no names). A digit skips so many octets, an
// "s" a character-string, an "n" is a name.
var nameLayouts = map[uint16]string{
	dns.TypeNS: "n", dns.TypeMD: "n", dns.TypeMF: "n", dns.TypeCNAME: "n", dns.TypeSOA: "nn",
	dns.TypeMB: "n", dns.TypeMG: "n", dns.TypeMR: "n", dns.TypePTR: "n", dns.TypeMINFO: "nn",
	dns.TypeMX: "2n", dns.TypeRP: "nn", dns.TypeAFSDB: "2n", dns.TypeRT: "2n", dns.TypePX: "2nn",
	dns.TypeNXT: "n", dns.TypeNAPTR: "4sssn", dns.TypeKX: "2n", dns.TypeSRV: "6n", dns.TypeDNAME: "n",
	dns.TypeSIG: "99n", dns.TypeRRSIG: "99n",
}

// lowerNames works in place. It stops where the RDATA is not of the layout.
func lowerNames(rdata []byte, typ uint16) {
	i := 0
	for _, step := range nameLayouts[typ] {
		switch {
		case step == 'n':
			start := i
			for i < len(rdata) && rdata[i] != 0 && rdata[i] <= 63 {
				i += int(rdata[i]) + 1
			}
			i = min(i+1, len(rdata))
			lowerWire(rdata[start:i])
		case step == 's' && i < len(rdata):
			i += int(rdata[i]) + 1
		default:
			i += int(step - '0')
		}
		if i >= len(rdata) {
			return
		}
	}
}

// signedData is what a signature is made over (RFC 4034, Section 3.1.8.1,
// RFC 4035, Section 5.3.2): the RDATA of the RRSIG without the signature, and
// the records in canonical form and order, each once, under the owner they
// were signed with, which for a wildcard is not the owner in the answer. It is
// good until w is used for the next one.
func (w *work) signedData(sig *dns.RRSIG, signer name, set *rrset) ([]byte, error) {
	owner := set.owner
	if n := int(sig.Labels); n < set.owner.labels() && !(owner.isWildcard() && n == owner.labels()-1) {
		owner = owner.last(n).wildcard()
	}
	if w.packed == nil {
		w.packed, w.signed = make([]byte, usualSize), make([]byte, 0, usualSize)
	}
	rdatas, err := canonicalRDATA(set.rrs, w.packed)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rdatas, bytes.Compare)
	rdatas = slices.CompactFunc(rdatas, bytes.Equal)

	be := binary.BigEndian
	buf := w.signed[:0]
	buf = be.AppendUint16(buf, sig.TypeCovered)
	buf = append(buf, sig.Algorithm, sig.Labels)
	buf = be.AppendUint32(buf, sig.OrigTtl)
	buf = be.AppendUint32(buf, sig.Expiration)
	buf = be.AppendUint32(buf, sig.Inception)
	buf = be.AppendUint16(buf, sig.KeyTag)
	buf = append(buf, signer...)
	for _, rdata := range rdatas {
		buf = append(buf, owner...)
		buf = be.AppendUint16(buf, set.typ)
		buf = be.AppendUint16(buf, dns.ClassINET)
		buf = be.AppendUint32(buf, sig.OrigTtl)
		buf = be.AppendUint16(buf, uint16(len(rdata)))
		buf = append(buf, rdata...)
	}
	w.signed = buf
	return buf, nil
}

// usualSize is enough for most RRsets with their signature and key.
const usualSize = 768
