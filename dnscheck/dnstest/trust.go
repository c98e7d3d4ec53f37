package dnstest

import (
	"cmp"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// trust is what a validator with the world's anchors thinks of a zone: secure,
// insecure, or bogus with the extended error that says why (RFC 8914).
type trust struct {
	secure bool
	bogus  *dns.EDNS0_EDE
}

// judge needs the parent to be judged already.
func (t *tree) judge(now time.Time) trust {
	if t.parent != nil {
		if up := t.parent.trust; !up.secure {
			return up
		}
	}
	ds := t.delegationSigners()
	supported := false
	for _, d := range ds {
		supported = supported || supportedAlgorithm(d.Algorithm) && supportedDigest(d.DigestType)
	}
	if !supported { // none, or RFC 4035, Section 5.2: treated as if there were none
		return trust{}
	}
	switch {
	case t.keys == nil:
		return bogus(dns.ExtendedErrorCodeDNSKEYMissing, "the zone is not signed, but has a DS record")
	case !t.matches(ds):
		return bogus(dns.ExtendedErrorCodeDNSKEYMissing, "no DNSKEY matches a DS record")
	case t.opts.Corrupt:
		return bogus(dns.ExtendedErrorCodeDNSBogus, "signatures are invalid")
	case now.After(t.opts.Expiration):
		return bogus(dns.ExtendedErrorCodeSignatureExpired, "signatures have expired")
	case now.Before(t.opts.Inception):
		return bogus(dns.ExtendedErrorCodeSignatureNotYetValid, "signatures are not valid yet")
	}
	return trust{secure: true}
}

func bogus(code uint16, text string) trust {
	return trust{bogus: &dns.EDNS0_EDE{InfoCode: code, ExtraText: text}}
}

// delegationSigners gives the DS records that vouch for the zone; for the root
// the trust anchor.
func (t *tree) delegationSigners() []*dns.DS {
	if t.parent == nil {
		if t.keys == nil {
			return nil
		}
		return []*dns.DS{t.keys[0].ds(cmp.Or(t.opts.Digest, dns.SHA256), t.opts.BadDS)}
	}
	s := t.parent.nodes[t.origin].sets[dns.TypeDS]
	if s == nil {
		return nil
	}
	var list []*dns.DS
	for _, rr := range s.rrs {
		list = append(list, rr.(*dns.DS))
	}
	return list
}

// matches reports whether a DS record names the key that signs the DNSKEY
// RRset.
func (t *tree) matches(list []*dns.DS) bool {
	for _, ds := range list {
		if !supportedDigest(ds.DigestType) || ds.Algorithm != t.keys[0].Algorithm || ds.KeyTag != t.keys[0].KeyTag() {
			continue
		}
		if strings.EqualFold(ds.Digest, t.keys[0].ToDS(ds.DigestType).Digest) {
			return true
		}
	}
	return false
}
