package resolver

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// trail is the way through one answer, from the name asked for along the
// aliases to the records.
type trail struct {
	end     string   // the name where the way ends, canonical
	aliases []dns.RR // the records followed, a DNAME before the CNAME made from it
	owners  []string // of the CNAMEs followed, in order
	proofs  []key    // the records that prove each alias: a CNAME, or the DNAME it was made from
	records []dns.RR // of the type, at end; nil if there are none
	made    []dns.RR // CNAMEs that the answer should hold beside a DNAME, and does not
	loop    bool     // end was passed before, or there were too many aliases
	broken  bool     // a DNAME leads to a name that is too long
	denied  bool     // the answer says that there is nothing at end
}

// follow walks through the answer from a name. passed are the names behind
// us; it counts against MaxAliases.
func follow(m *dns.Msg, name string, qtype uint16, passed []string) trail {
	t := trail{end: name}
	for {
		if slices.Contains(passed, t.end) || len(passed) > MaxAliases {
			t.loop = true
			return t
		}
		t.records = rrset(m.Answer, t.end, qtype)
		if t.records != nil || qtype == dns.TypeCNAME {
			break
		}
		target, ok := t.step(m)
		if !ok {
			break
		}
		passed = append(passed, t.end)
		t.owners = append(t.owners, t.end)
		t.end = target
	}
	t.denied = m.Rcode == dns.RcodeNameError || len(t.aliases) == 0 || slices.ContainsFunc(m.Ns, func(rr dns.RR) bool {
		// RFC 2308, Section 2.2: NODATA has the SOA of the zone of the last name.
		return rr.Header().Rrtype == dns.TypeSOA && within(t.end, evidence.Name(rr.Header().Name))
	})
	return t
}

// step takes the alias at t.end, if there is one.
func (t *trail) step(m *dns.Msg) (target string, ok bool) {
	var dname *dns.DNAME
	for _, rr := range m.Answer {
		d, isDNAME := rr.(*dns.DNAME)
		if !isDNAME || d.Hdr.Class != dns.ClassINET {
			continue
		}
		if at := evidence.Name(d.Hdr.Name); at != t.end && within(t.end, at) && (dname == nil || len(d.Hdr.Name) > len(dname.Hdr.Name)) {
			dname = d
		}
	}
	var cname *dns.CNAME
	// RFC 2181, Section 10.1 allows one. Of several, which nobody should
	// send, always the same is taken, whatever their order.
	for _, rr := range rrset(m.Answer, t.end, dns.TypeCNAME) {
		if c := rr.(*dns.CNAME); cname == nil || c.Target < cname.Target {
			cname = c
		}
	}
	if dname == nil && cname == nil {
		return "", false
	}
	if dname != nil {
		// RFC 6672, Section 2.2: the end of the name is replaced.
		made := substitute(t.end, evidence.Name(dname.Hdr.Name), evidence.Name(dname.Target))
		fit, good := canonicalName(made)
		switch {
		case cname == nil && !good:
			t.aliases = append(t.aliases, dname)
			t.broken = true
			return "", false
		case cname == nil: // RFC 6672, Section 3.1 wants it in the answer
			cname = &dns.CNAME{Hdr: dns.RR_Header{Name: absolute(t.end), Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: dname.Hdr.Ttl}, Target: absolute(fit)}
			t.made = append(t.made, cname)
		case !good || fit != evidence.Name(cname.Target):
			dname = nil // has nothing to do with the CNAME
		}
	}
	if dname != nil {
		t.aliases = append(t.aliases, dname)
		t.proofs = append(t.proofs, key{name: evidence.Name(dname.Hdr.Name), qtype: dns.TypeDNAME})
	} else {
		t.proofs = append(t.proofs, key{name: t.end, qtype: dns.TypeCNAME})
	}
	t.aliases = append(t.aliases, cname)
	return evidence.Name(cname.Target), true
}

func substitute(name, from, to string) string {
	prefix := name
	if from != "." {
		prefix = strings.TrimSuffix(name, "."+from)
	}
	if to == "." {
		return prefix
	}
	return prefix + "." + to
}

// rrset returns the records of a type at a name, nil if there are none.
func rrset(section []dns.RR, name string, qtype uint16) (list []dns.RR) {
	for _, rr := range section {
		if h := rr.Header(); h.Rrtype == qtype && h.Class == dns.ClassINET && evidence.Name(h.Name) == name {
			list = append(list, rr)
		}
	}
	return list
}

// records puts an RRset into the form and order of evidence, each record
// once, at most MaxRecords, and reports whether some had to be left out.
func records(rrs []dns.RR) (list []evidence.RR, cut bool) {
	list = make([]evidence.RR, 0, len(rrs))
	for _, rr := range rrs {
		list = append(list, present(rr))
	}
	slices.SortFunc(list, func(a, b evidence.RR) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Data, b.Data), cmp.Compare(a.TTL, b.TTL))
	})
	list = slices.CompactFunc(list, func(a, b evidence.RR) bool { return a.Name == b.Name && a.Type == b.Type && a.Data == b.Data })
	if len(list) > MaxRecords {
		return list[:MaxRecords:MaxRecords], true
	}
	return list, false
}

// present writes a record in presentation format. Names in the data are made
// lower case (RFC 4343), and stay absolute.
func present(rr dns.RR) evidence.RR {
	h := rr.Header()
	out := evidence.RR{Name: evidence.Name(h.Name), Type: typeName(h.Rrtype), TTL: h.Ttl}
	if u, ok := rr.(*dns.RFC3597); ok { // RFC 3597, Section 5
		out.Data = `\# ` + strconv.Itoa(len(u.Rdata)/2) + " " + strings.ToLower(u.Rdata)
		out.Data = strings.TrimSuffix(out.Data, " ")
		return out
	}
	data := strings.TrimPrefix(lowered(rr).String(), h.String())
	out.Data = text(data, len(data))
	return out
}

// lowered is the record with the names in its data in lower case.
func lowered(rr dns.RR) dns.RR {
	low := func(names ...*string) {
		for _, n := range names {
			*n = dns.CanonicalName(*n)
		}
	}
	switch x := rr.(type) {
	case *dns.NS:
		c := *x
		low(&c.Ns)
		return &c
	case *dns.CNAME:
		c := *x
		low(&c.Target)
		return &c
	case *dns.DNAME:
		c := *x
		low(&c.Target)
		return &c
	case *dns.PTR:
		c := *x
		low(&c.Ptr)
		return &c
	case *dns.MX:
		c := *x
		low(&c.Mx)
		return &c
	case *dns.SRV:
		c := *x
		low(&c.Target)
		return &c
	case *dns.SOA:
		c := *x
		low(&c.Ns, &c.Mbox)
		return &c
	case *dns.NSEC:
		c := *x
		low(&c.NextDomain)
		return &c
	case *dns.RRSIG:
		c := *x
		low(&c.SignerName)
		return &c
	case *dns.SVCB:
		c := *x
		low(&c.Target)
		return &c
	case *dns.HTTPS:
		c := *x
		low(&c.Target)
		return &c
	case *dns.NAPTR:
		c := *x
		low(&c.Replacement)
		return &c
	}
	return rr
}
