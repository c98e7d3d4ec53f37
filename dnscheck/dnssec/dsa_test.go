package dnssec_test

import (
	"crypto/dsa" //lint:ignore SA1019 old vectors are signed with it, and only checked
	"crypto/ed25519"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
)

// Half of the scenarios are signed with DSA, which nobody validates any more.
// A scenario is therefore signed anew with Ed25519: what was signed rightly
// stays so, what was not stays wrong, and all else is as it was.

// substitute is a DSA key and what stands for it.
type substitute struct {
	old, new *dns.DNSKEY
	private  ed25519.PrivateKey
	dsa      *dsa.PublicKey
}

type renewer struct {
	keys           []*substitute
	genuine, wrong int
}

// renew signs the whole scenario anew.
func renew(t testing.TB, s *scenario, anchors []dns.RR) ([]dns.RR, *renewer) {
	r := &renewer{}
	r.learn(anchors)
	var msgs []*dns.Msg
	for _, g := range s.Ranges {
		for i := range g.Entries {
			m, err := g.Entries[i].parse()
			if err != nil {
				t.Logf("range entry: %v", err)
			}
			msgs = append(msgs, m)
			r.learn(m.Answer)
			r.learn(m.Ns)
		}
	}
	for _, m := range msgs {
		m.Answer, m.Ns = r.section(m.Answer), r.section(m.Ns)
	}
	return r.section(anchors), r
}

func (r *renewer) learn(rrs []dns.RR) {
	for _, rr := range rrs {
		k, ok := rr.(*dns.DNSKEY)
		if !ok || k.Algorithm != dns.DSA || r.find(k.Hdr.Name, k.KeyTag()) != nil {
			continue
		}
		seed := sha256.Sum256([]byte(dns.CanonicalName(k.Hdr.Name) + k.PublicKey))
		private := ed25519.NewKeyFromSeed(seed[:])
		fresh := dns.Copy(k).(*dns.DNSKEY)
		fresh.Algorithm = dns.ED25519
		fresh.PublicKey = base64.StdEncoding.EncodeToString(private.Public().(ed25519.PublicKey))
		r.keys = append(r.keys, &substitute{old: k, new: fresh, private: private, dsa: dsaKey(k)})
	}
}

func (r *renewer) find(zone string, tag uint16) *substitute {
	for _, s := range r.keys {
		if dns.CanonicalName(s.old.Hdr.Name) == dns.CanonicalName(zone) && s.old.KeyTag() == tag {
			return s
		}
	}
	return nil
}

// section renews the records of a section, or anchors.
func (r *renewer) section(rrs []dns.RR) []dns.RR {
	out := make([]dns.RR, len(rrs))
	for i, rr := range rrs {
		out[i] = rr
		switch x := rr.(type) {
		case *dns.DNSKEY:
			if s := r.find(x.Hdr.Name, x.KeyTag()); s != nil && x.Algorithm == dns.DSA {
				fresh := dns.Copy(s.new).(*dns.DNSKEY)
				fresh.Hdr = x.Hdr
				out[i] = fresh
			}
		case *dns.DS:
			if x.Algorithm == dns.DSA {
				out[i] = r.ds(x)
			}
		}
	}
	for i, rr := range rrs {
		if x, ok := rr.(*dns.RRSIG); ok && x.Algorithm == dns.DSA {
			out[i] = r.sign(x, covered(rrs, x), covered(out, x))
		}
	}
	return out
}

func (r *renewer) ds(x *dns.DS) *dns.DS {
	s := r.find(x.Hdr.Name, x.KeyTag)
	if s == nil || !strings.EqualFold(s.old.ToDS(x.DigestType).Digest, x.Digest) {
		fresh := dns.Copy(x).(*dns.DS)
		fresh.Algorithm = dns.ED25519
		return fresh
	}
	fresh := s.new.ToDS(x.DigestType)
	fresh.Hdr = x.Hdr
	return fresh
}

func covered(rrs []dns.RR, sig *dns.RRSIG) []dns.RR {
	var set []dns.RR
	for _, rr := range rrs {
		if rr.Header().Rrtype == sig.TypeCovered && strings.EqualFold(rr.Header().Name, sig.Hdr.Name) {
			set = append(set, rr)
		}
	}
	return set
}

func (r *renewer) sign(x *dns.RRSIG, old, set []dns.RR) *dns.RRSIG {
	fresh := dns.Copy(x).(*dns.RRSIG)
	fresh.Algorithm = dns.ED25519
	s := r.find(x.SignerName, x.KeyTag)
	if s != nil {
		fresh.KeyTag = s.new.KeyTag()
	}
	if s == nil || len(old) == 0 || !s.verify(x, old) {
		r.wrong++
		fresh.Signature = base64.StdEncoding.EncodeToString(make([]byte, ed25519.SignatureSize))
		return fresh
	}
	r.genuine++
	data, err := dnssec.SignedData(fresh, set)
	if err != nil {
		panic(err)
	}
	fresh.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(s.private, data))
	return fresh
}

// verify checks a DSA signature. It is either in the form of RFC 2536, Section
// 3, or, as an old signer wrote it, in ASN.1.
func (s *substitute) verify(sig *dns.RRSIG, set []dns.RR) bool {
	b, err := base64.StdEncoding.DecodeString(sig.Signature)
	if err != nil || s.dsa == nil {
		return false
	}
	var rs struct{ R, S *big.Int }
	if len(b) == 41 {
		rs.R, rs.S = new(big.Int).SetBytes(b[1:21]), new(big.Int).SetBytes(b[21:])
	} else if _, err := asn1.Unmarshal(b, &rs); err != nil {
		return false
	}
	data, err := dnssec.SignedData(sig, set)
	if err != nil {
		return false
	}
	hash := sha1.Sum(data)
	return dsa.Verify(s.dsa, hash[:], rs.R, rs.S)
}

// dsaKey reads the form of RFC 2536, Section 2.
func dsaKey(k *dns.DNSKEY) *dsa.PublicKey {
	b, err := base64.StdEncoding.DecodeString(k.PublicKey)
	if err != nil || len(b) < 1 {
		return nil
	}
	size := 64 + 8*int(b[0])
	if b = b[1:]; len(b) != 20+3*size {
		return nil
	}
	n := func(from, to int) *big.Int { return new(big.Int).SetBytes(b[from:to]) }
	return &dsa.PublicKey{
		Parameters: dsa.Parameters{Q: n(0, 20), P: n(20, 20+size), G: n(20+size, 20+2*size)},
		Y:          n(20+2*size, 20+3*size),
	}
}
