package report

import (
	"slices"

	"mailvet/report/evidence"
)

// DNSSEC explains the verdicts of DNSSEC: which answers they rest on, through
// which zones each was followed from the trust anchor, and what is known of
// each zone.
type DNSSEC struct {
	Answers []DNSSECAnswer `json:"answers"`
	Zones   []DNSSECZone   `json:"zones"` // each once, parents first
}

// DNSSECAnswer is one answer: the SOA records of the domain and of each mail
// server, and the TLSA records of each mail server.
type DNSSECAnswer struct {
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	Security evidence.Security `json:"security"`
	Reason   string            `json:"reason,omitempty"` // why it is not secure
	Chain    []string          `json:"chain"`            // names of zones, from the anchor downward
}

// DNSSECZone is one link of a chain. DS and Keys are the records that were
// seen, whether they fit or not; a key with Trusted is one that a DS record or
// a trust anchor leads to.
type DNSSECZone struct {
	Name      string              `json:"name"`
	Security  evidence.Security   `json:"security"`
	Reason    string              `json:"reason,omitempty"` // where and why the chain ends here
	DS        []DNSSECDS          `json:"ds,omitempty"`
	Keys      []DNSSECKey         `json:"keys,omitempty"`
	Signature *evidence.Signature `json:"signature,omitempty"` // over the keys
}

// DNSSECDS is a DS record, or a trust anchor.
type DNSSECDS struct {
	Tag           uint16 `json:"tag"`
	Algorithm     uint8  `json:"algorithm"`
	AlgorithmName string `json:"algorithm_name"`
	Digest        uint8  `json:"digest"` // the type
	DigestName    string `json:"digest_name"`
	Leads         bool   `json:"leads"` // to a key that the zone has
}

// DNSSECKey is a DNSKEY record.
type DNSSECKey struct {
	Tag           uint16 `json:"tag"`
	Algorithm     uint8  `json:"algorithm"`
	AlgorithmName string `json:"algorithm_name"`
	Flags         uint16 `json:"flags"`
	Bits          int    `json:"bits,omitempty"`
	Trusted       bool   `json:"trusted"`
}

// explainDNSSEC is nil where nothing was validated.
func explainDNSSEC(s *evidence.Snapshot) *DNSSEC {
	type question struct{ name, typ string }
	asked := []question{{s.Domain, "SOA"}}
	for _, h := range s.Mail().Hosts {
		asked = append(asked, question{h, "SOA"}, question{"_25._tcp." + h, "TLSA"})
	}
	d := &DNSSEC{Zones: []DNSSECZone{}}
	for _, q := range asked {
		l := s.Lookup(q.name, q.typ)
		if l == nil || len(l.Zones) == 0 {
			continue
		}
		a := DNSSECAnswer{Name: valid(l.Name, maxArg), Type: l.Type, Security: l.Security, Reason: valid(l.Reason, maxArg), Chain: []string{}}
		for i := range l.Zones {
			a.Chain = append(a.Chain, valid(l.Zones[i].Name, maxArg))
			d.add(&l.Zones[i])
		}
		d.Answers = append(d.Answers, a)
	}
	if d.Answers == nil {
		return nil
	}
	return d
}

// add notes a zone, or what one answer tells more of it than those before.
func (d *DNSSEC) add(z *evidence.Zone) {
	name := valid(z.Name, maxArg)
	i := slices.IndexFunc(d.Zones, func(known DNSSECZone) bool { return known.Name == name })
	if i < 0 {
		d.Zones = append(d.Zones, DNSSECZone{Name: name, Security: z.Security, Reason: valid(z.Reason, maxArg)})
		i = len(d.Zones) - 1
	}
	known := &d.Zones[i]
	if known.Security == evidence.SecuritySecure && z.Security != evidence.SecuritySecure {
		known.Security, known.Reason = z.Security, valid(z.Reason, maxArg)
	}
	if len(known.DS)+len(known.Keys) > 0 {
		return
	}
	for _, ds := range z.DS {
		leads := slices.ContainsFunc(z.Keys, func(k evidence.Key) bool {
			return k.Tag == ds.Tag && k.Algorithm == ds.Algorithm && k.Digest == ds.Digest
		})
		known.DS = append(known.DS, DNSSECDS{ds.Tag, ds.Algorithm, evidence.AlgorithmName(ds.Algorithm), ds.Digest, evidence.DigestName(ds.Digest), leads})
	}
	for _, k := range z.DNSKEYs {
		trusted := slices.ContainsFunc(z.Keys, func(t evidence.Key) bool { return t.Tag == k.Tag && t.Algorithm == k.Algorithm })
		known.Keys = append(known.Keys, DNSSECKey{k.Tag, k.Algorithm, evidence.AlgorithmName(k.Algorithm), k.Flags, k.Bits, trusted})
	}
	known.Signature = z.Signature
}
