package dnssec

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// rrset is the records of one owner and type in a section of a message, with
// the signatures over them.
type rrset struct {
	owner name
	typ   uint16
	rrs   []dns.RR
	sigs  []*dns.RRSIG
}

type setKey struct {
	owner name
	typ   uint16
}

// section is the RRsets of a section of a message, by owner and type.
type section struct {
	sets  map[setKey]*rrset
	order []*rrset
}

// group sorts the records of a section. Records of other classes are left
// out: there is no chain of trust for them here. Signatures without records
// stay alone under their owner and the type they cover.
func group(rrs []dns.RR) *section {
	s := &section{sets: make(map[setKey]*rrset, len(rrs))}
	var last *rrset
	var lastOwner string
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
		set := last
		if set == nil || set.typ != typ || lastOwner != h.Name {
			owner, ok := parseName(h.Name)
			if !ok {
				continue
			}
			set = s.at(owner, typ)
		}
		last, lastOwner = set, h.Name
		if isSig {
			set.sigs = append(set.sigs, sig)
		} else {
			set.rrs = append(set.rrs, rr)
		}
	}
	return s
}

func (s *section) at(owner name, typ uint16) *rrset {
	k := setKey{owner, typ}
	set := s.sets[k]
	if set == nil {
		set = &rrset{owner: owner, typ: typ}
		s.sets[k] = set
		s.order = append(s.order, set)
	}
	return set
}

// find returns the RRset; nil if there are no records of it.
func (s *section) find(owner name, typ uint16) *rrset {
	if set := s.sets[setKey{owner, typ}]; set != nil && len(set.rrs) > 0 {
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

// canonicalRDATA is the RDATA of rr in canonical form (RFC 4034, Section 6.2):
// uncompressed, with the names in it in lower case where the type is one of
// those listed.
func canonicalRDATA(rr dns.RR) ([]byte, error) {
	rr = dns.Copy(rr) // packing writes into the header, and messages are shared
	rr.Header().Name = "."
	buf := make([]byte, dns.Len(rr)+16)
	end, err := dns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		return nil, err
	}
	rdata := buf[headerLen:end:end]
	lowerNames(rdata, rr.Header().Rrtype)
	return rdata, nil
}

// headerLen is the size of owner, type, class, TTL and length of a record
// whose owner is the root.
const headerLen = 1 + 2 + 2 + 4 + 2

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
// were signed with, which for a wildcard is not the owner in the answer.
func signedData(sig *dns.RRSIG, signer name, set *rrset) ([]byte, error) {
	owner := set.owner
	if n := int(sig.Labels); n < set.owner.labels() && !(owner.isWildcard() && n == owner.labels()-1) {
		owner = owner.last(n).wildcard()
	}
	rdatas := make([]string, len(set.rrs))
	for i, rr := range set.rrs {
		rdata, err := canonicalRDATA(rr)
		if err != nil {
			return nil, err
		}
		rdatas[i] = string(rdata)
	}
	slices.SortFunc(rdatas, strings.Compare)
	rdatas = slices.Compact(rdatas)

	be := binary.BigEndian
	buf := make([]byte, 0, 512)
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
	return buf, nil
}
