package smtpcheck

import (
	"mailvet/report/evidence"
	"mailvet/smtpcheck/dane"
)

// tlsaName is where the TLSA records of a TLSA base domain stand (RFC 7672,
// Section 2.2.3; RFC 6698, Section 3).
func tlsaName(base string) string { return "_25._tcp." + base }

// tlsaRecords reads the records of an answer. What cannot be read at all, which
// no resolver lets through, is left out.
func tlsaRecords(l *evidence.Lookup) []evidence.TLSA {
	var list []evidence.TLSA
	if l == nil {
		return nil
	}
	for _, rr := range l.Answer {
		if t, err := rr.TLSA(); err == nil {
			list = append(list, t)
		}
	}
	return list
}

// expanded is the name that a host is securely an alias for; empty for none.
func expanded(s *evidence.Snapshot, host string) string {
	for _, typ := range []string{"A", "AAAA"} {
		l := s.Lookup(host, typ)
		if l != nil && len(l.Aliases) > 0 && l.Owner != "" && l.Owner != host && l.Security == evidence.SecuritySecure {
			return l.Owner
		}
	}
	return ""
}

// source is where the TLSA records of a host are found, in both readings.
type source struct {
	host string
	base string           // TLSA base domain
	own  *evidence.Lookup // at base
	// compat is the lookup at the host itself, the only one that Internet.nl makes.
	compat *evidence.Lookup
}

// sourceOf picks the TLSA base domain: the name that the host is an alias for
// if there are secure records, or else the host (RFC 7672, Section 2.2.3).
func sourceOf(s *evidence.Snapshot, host string) source {
	src := source{host: host, base: host, compat: s.Lookup(tlsaName(host), "TLSA")}
	src.own = src.compat
	if target := expanded(s, host); target != "" {
		if l := s.Lookup(tlsaName(target), "TLSA"); secure(l) {
			src.base, src.own = target, l
		}
	}
	return src
}

func secure(l *evidence.Lookup) bool {
	return l.Exists() && l.Security == evidence.SecuritySecure
}

// compatRecords are the records that Internet.nl verifies with.
func (src source) compatRecords() []evidence.TLSA {
	if !secure(src.compat) {
		return nil
	}
	return tlsaRecords(src.compat)
}

// ownRecords are the records that a sender verifies with.
func (src source) ownRecords() []evidence.TLSA {
	if !secure(src.own) {
		return nil
	}
	return tlsaRecords(src.own)
}

// input is what there is to verify of a chain. The reference identifiers are
// those of RFC 7672, Section 3.2.2: the domain itself is one where its MX RRset
// is secure.
func (src source) input(s *evidence.Snapshot, x *served) dane.Input {
	in := dane.Input{Records: src.ownRecords(), Chain: x.ders, Names: []string{src.base}, Time: s.Time, Memo: s.Memo()}
	if src.base != src.host {
		in.Names = append(in.Names, src.host)
	}
	if mx := s.Lookup(s.Domain, "MX"); mx != nil && mx.Security == evidence.SecuritySecure {
		in.Names = append(in.Names, s.Domain)
	}
	return in
}

// compat is Internet.nl's status for a chain.
func (src source) compatStatus(s *evidence.Snapshot, x *served) dane.CompatStatus {
	if x.chain == nil {
		return dane.CompatNone
	}
	in := src.input(s, x)
	in.Records = src.compatRecords()
	return dane.Compat(in, src.host, x.chain.Trust)
}

// record is the TLSA record to publish for a chain, ready to paste.
func (src source) record(x *served) string {
	data := "3 1 1 <SHA-256 of the key>"
	if x != nil && len(x.ders) > 0 {
		if ee, err := dane.EE(x.ders[0]); err == nil {
			data = ee
		}
	}
	return tlsaName(src.base) + ". IN TLSA " + data
}

// countedOf is the chain of the counted address, nil if there is none.
func countedOf(s *evidence.Snapshot, host string) *served {
	for _, x := range servedBy(s, host) {
		if x.counted {
			return x
		}
	}
	return nil
}
