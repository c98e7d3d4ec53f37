package dnstest

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// prepare makes the keys and the denial chain of a signed zone.
func (t *tree) prepare(now time.Time) error {
	if !t.opts.Signed {
		return nil
	}
	o := &t.opts
	if o.Algorithm == 0 {
		o.Algorithm = dns.ECDSAP256SHA256
	}
	if o.Seed == "" {
		o.Seed = t.origin
	}
	if o.Inception.IsZero() {
		o.Inception = now.Add(-time.Hour)
	}
	if o.Expiration.IsZero() {
		o.Expiration = now.Add(14 * 24 * time.Hour)
	}
	// RFC 4034, Section 3.1.5: seconds modulo 2^32.
	t.inception, t.expiration = uint32(o.Inception.Unix()), uint32(o.Expiration.Unix())
	flags := []uint16{secureZone, zoneKey}
	if o.SingleKey {
		flags = flags[:1]
	}
	if err := t.makeKeys(&t.keys, flags, o.Algorithm); err != nil || o.Also == 0 {
		return err
	}
	return t.makeKeys(&t.also, flags, o.Also)
}

func (t *tree) makeKeys(list *[]*key, flags []uint16, algorithm uint8) error {
	for _, f := range flags {
		k, err := newKey(t.origin, f, algorithm, t.opts.Seed)
		if err != nil {
			return err
		}
		*list = append(*list, k)
		t.add(k.DNSKEY)
	}
	return nil
}

// chain builds the denial chain, once cuts, DS and DNSKEY records are in.
func (t *tree) chain() error {
	switch {
	case !t.opts.Signed:
	case t.opts.NSEC3 == nil:
		t.denial = newNSECChain(t)
	default:
		chain, err := newNSEC3Chain(t, *t.opts.NSEC3)
		if err != nil {
			return err
		}
		t.denial = chain
	}
	return nil
}

// signatures gives the RRSIG records of an RRset; none in unsigned zones.
func (t *tree) signatures(s *rrset) []dns.RR {
	if t.keys == nil {
		return nil
	}
	s.once.Do(func() { s.sigs = t.sign(s.rrs, t.inception, t.expiration) })
	return s.sigs
}

// sign makes the RRSIGs of an RRset, one for each algorithm.
func (t *tree) sign(rrs []dns.RR, inception, expiration uint32) []dns.RR {
	list := []dns.RR{t.signBy(t.keys, rrs, inception, expiration)}
	if t.also != nil {
		list = append(list, t.signBy(t.also, rrs, inception, expiration))
	}
	return list
}

// signBy makes an RRSIG: by the key-signing key for the DNSKEY RRset, by the
// zone-signing key for all others.
func (t *tree) signBy(keys []*key, rrs []dns.RR, inception, expiration uint32) dns.RR {
	k := keys[len(keys)-1]
	h := rrs[0].Header()
	if h.Rrtype == dns.TypeDNSKEY {
		k = keys[0]
	}
	sig := &dns.RRSIG{
		Hdr:        dns.RR_Header{Name: h.Name, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: h.Ttl},
		Algorithm:  k.Algorithm,
		Inception:  inception,
		Expiration: expiration,
		KeyTag:     k.KeyTag(),
		SignerName: t.origin,
	}
	if h.Rrtype == dns.TypeSOA {
		// The negative answer's SOA has a lower TTL than the one that is signed.
		rrs = t.apex.sets[dns.TypeSOA].rrs
	}
	if strings.HasPrefix(h.Name, "*") && !strings.HasPrefix(h.Name, "*.") {
		rrs = escapeStar(rrs)
	}
	if k.signer == nil {
		pretend(sig, rrs)
	} else if err := sig.Sign(fixedNonce{k.signer}, rrs); err != nil {
		panic(fmt.Sprintf("dnstest: signing %s %s: %v", h.Name, dns.TypeToString[h.Rrtype], err))
	}
	sig.Hdr.Name, sig.Hdr.Ttl = h.Name, h.Ttl
	if t.opts.Corrupt {
		spoil(sig)
	}
	return sig
}

// escapeStar writes the star of names such as *x.test as an escape, because the
// library takes all that begins with a star for wildcards when it signs. The
// octets stay the same.
func escapeStar(rrs []dns.RR) []dns.RR {
	list := make([]dns.RR, len(rrs))
	for i, rr := range rrs {
		list[i] = dns.Copy(rr)
		list[i].Header().Name = `\042` + rr.Header().Name[1:]
	}
	return list
}

// pretend fills a signature of an algorithm that we do not have.
func pretend(sig *dns.RRSIG, rrs []dns.RR) {
	h := rrs[0].Header()
	sig.TypeCovered, sig.OrigTtl = h.Rrtype, h.Ttl
	sig.Labels = uint8(dns.CountLabel(strings.TrimPrefix(h.Name, "*.")))
	octets := make([]byte, 64)
	copy(octets, h.Name)
	sig.Signature = base64.StdEncoding.EncodeToString(octets)
}

// spoil changes one bit of a signature.
func spoil(sig *dns.RRSIG) {
	octets, err := base64.StdEncoding.DecodeString(sig.Signature)
	if err != nil || len(octets) == 0 {
		return
	}
	octets[len(octets)/2] ^= 1
	sig.Signature = base64.StdEncoding.EncodeToString(octets)
}
