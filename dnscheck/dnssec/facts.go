package dnssec

import (
	"cmp"
	"encoding/base64"
	"math/big"
	"slices"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// with notes at the last link of a new state's chain what leads into the zone
// and, from the answer for its keys (which may be nil), what it publishes.
func (s *state) with(names entry, msg *dns.Msg) *state {
	last := &s.chain[len(s.chain)-1]
	last.DS = dsFacts(names.seen)
	if msg != nil {
		n, _ := parseName(last.Name + ".")
		if last.Name == "." {
			n = root
		}
		if set := group(msg.Answer).find(n, dns.TypeDNSKEY); set != nil {
			last.DNSKEYs = keyFacts(set.rrs)
		}
	}
	return s
}

func dsFacts(list []*dns.DS) []evidence.DS {
	var facts []evidence.DS
	for _, ds := range list {
		facts = append(facts, evidence.DS{Tag: ds.KeyTag, Algorithm: ds.Algorithm, Digest: ds.DigestType})
	}
	slices.SortFunc(facts, func(a, b evidence.DS) int {
		return cmp.Or(cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.Algorithm, b.Algorithm), cmp.Compare(a.Digest, b.Digest))
	})
	facts = slices.Compact(facts)
	return facts[:min(len(facts), evidence.MaxZoneRecords)]
}

func keyFacts(rrs []dns.RR) []evidence.DNSKEY {
	var facts []evidence.DNSKEY
	for _, rr := range rrs {
		k, ok := rr.(*dns.DNSKEY)
		if !ok {
			continue
		}
		public, err := base64.StdEncoding.DecodeString(k.PublicKey)
		if err != nil {
			continue
		}
		rdata := append([]byte{byte(k.Flags >> 8), byte(k.Flags), k.Protocol, k.Algorithm}, public...)
		facts = append(facts, evidence.DNSKEY{Tag: keyTag(rdata), Algorithm: k.Algorithm, Flags: k.Flags, Bits: keyBits(k.Algorithm, public)})
	}
	slices.SortFunc(facts, func(a, b evidence.DNSKEY) int {
		return cmp.Or(-cmp.Compare(a.Flags, b.Flags), cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.Algorithm, b.Algorithm), cmp.Compare(a.Bits, b.Bits))
	})
	return facts[:min(len(facts), evidence.MaxZoneRecords)]
}

// keyBits is the size of a key as people speak of it; 0 if it is not known.
func keyBits(algorithm uint8, public []byte) int {
	switch algorithm {
	case dns.RSAMD5, dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512:
		if _, n, ok := splitRSA(public); ok {
			return new(big.Int).SetBytes(n).BitLen()
		}
	case dns.ECDSAP256SHA256, dns.ED25519:
		return 256
	case dns.ECDSAP384SHA384:
		return 384
	case dns.ED448:
		return 456
	}
	return 0
}
