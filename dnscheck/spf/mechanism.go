package spf

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"mailvet/report/evidence"
)

// look asks a question of a mechanism, about a name in presentation format as
// everywhere in this file, and counts it if it finds nothing. With
// a Verdict the evaluation ends. A name that cannot be asked for has no records
// (Section 4.8).
func (e *evaluation) look(name, typ string, path []Step) ([]evidence.RR, *Verdict, error) {
	l, err := e.ask(name, typ)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case l.Outcome == evidence.OutcomeBadName:
		return nil, nil, nil
	case l.Unknown():
		// Section 5: anything but "no error" and "name error".
		return nil, &Verdict{Result: ResultTempError, Reason: ReasonDNS, Failed: l, Path: path, Name: l.Name}, nil
	case l.Absent():
		return nil, e.countVoid(l, path), nil
	}
	return l.Answer, nil, nil
}

// countVoid counts a lookup that found nothing. Section 4.6.4 speaks of the
// terms that cause them; like other receivers we count each lookup, those of
// MX hosts too.
func (e *evaluation) countVoid(l *evidence.Lookup, path []Step) *Verdict {
	e.void = append(e.void, evidence.Question{Name: l.Name, Type: l.Type})
	limit := e.VoidLimit
	if limit == 0 {
		limit = MaxVoid
	}
	if limit < 0 || len(e.void) <= limit {
		return nil
	}
	return &Verdict{Result: ResultPermError, Reason: ReasonVoid, Path: path, Name: l.Name}
}

// addressType is the type of the address records that matter for the sender
// (Section 5).
func (e *evaluation) addressType() string {
	if e.ip.Is4() {
		return "A"
	}
	return "AAAA"
}

// hostMatches reports whether the sender's address is in the networks around
// those of a host (Section 5.3).
func (e *evaluation) hostMatches(host string, t Term, path []Step) (bool, *Verdict, error) {
	answer, v, err := e.look(host, e.addressType(), path)
	if v != nil || err != nil {
		return false, v, err
	}
	bits := t.Len6
	if e.ip.Is4() {
		bits = t.Len4
	}
	for _, rr := range answer {
		if addr, err := rr.Addr(); err == nil && netip.PrefixFrom(addr, bits).Contains(e.ip) {
			return true, nil, nil
		}
	}
	return false, nil, nil
}

// mxMatches does the same for the MX hosts of a domain (Section 5.4). A domain
// without MX records has none: there is no fallback to its own address.
func (e *evaluation) mxMatches(domain string, t Term, path []Step) (bool, *Verdict, error) {
	answer, v, err := e.look(domain, "MX", path)
	if v != nil || err != nil {
		return false, v, err
	}
	// Section 4.6.4: more than ten are a permerror, whatever they are.
	if len(answer) > maxMXHosts {
		return false, &Verdict{Result: ResultPermError, Reason: ReasonMXHosts, Path: path, Name: domain}, nil
	}
	for _, host := range mxHosts(answer) {
		match, v, err := e.hostMatches(host, t, path)
		if match || v != nil || err != nil {
			return match, v, err
		}
	}
	return false, nil, nil
}

// mxHosts are the exchanges by preference, then by name, each once; a null MX
// (RFC 7505) is none.
func mxHosts(answer []evidence.RR) []string {
	var list []evidence.MX
	for _, rr := range answer {
		if x, err := rr.MX(); err == nil && x.Host != "." {
			list = append(list, x)
		}
	}
	slices.SortFunc(list, func(a, b evidence.MX) int {
		return cmp.Or(cmp.Compare(a.Preference, b.Preference), cmp.Compare(a.Host, b.Host))
	})
	var hosts []string
	for _, x := range list {
		if !slices.Contains(hosts, x.Host) {
			hosts = append(hosts, x.Host)
		}
	}
	return hosts
}

// existsMatches looks for an A record, whatever the sender's family (Section 5.7).
func (e *evaluation) existsMatches(name string, path []Step) (bool, *Verdict, error) {
	answer, v, err := e.look(name, "A", path)
	return len(answer) > 0, v, err
}

// ptrMatches reports whether a validated name of the sender's address is the
// domain or below it (Section 5.5).
func (e *evaluation) ptrMatches(domain string, path []Step) (bool, *Verdict, error) {
	names, v, err := e.names(path)
	if v != nil || err != nil {
		return false, v, err
	}
	return slices.ContainsFunc(names, func(n string) bool { return n == domain || isBelow(n, domain) }), nil, nil
}

// names are the validated names of the sender's address: those whose own
// addresses contain it (Section 5.5). They are found once. That the address
// has none at all is a void lookup where a path, that of a ptr mechanism, is
// given; what else goes wrong here is the sender's fault, not the domain's,
// and only makes the names fewer.
func (e *evaluation) names(path []Step) ([]string, *Verdict, error) {
	if e.validatedKnown {
		return e.validated, nil, nil
	}
	l, err := e.ask(reverseName(e.ip), "PTR")
	if err != nil {
		return nil, nil, err
	}
	if l.Absent() && path != nil {
		if v := e.countVoid(l, path); v != nil {
			return nil, v, nil
		}
	}
	e.validatedKnown = true
	if !l.Exists() {
		return nil, nil, nil
	}
	for i, rr := range l.Answer {
		if i == maxPTRNames {
			break
		}
		host := rr.Target()
		back, err := e.ask(host, e.addressType())
		if err != nil {
			return nil, nil, err
		}
		if back.Exists() && slices.ContainsFunc(back.Answer, func(rr evidence.RR) bool {
			addr, err := rr.Addr()
			return err == nil && addr == e.ip
		}) {
			e.validated = append(e.validated, host)
		}
	}
	return e.validated, nil, nil
}

// bestName is the value of the macro p (Section 7.3): a validated name, the
// domain itself before those below it before others.
func (e *evaluation) bestName(domain string) (string, error) {
	names, _, err := e.names(nil)
	if err != nil || len(names) == 0 {
		return "unknown", err
	}
	domain = presentation(domain)
	best := names[0]
	for _, n := range names {
		if n == domain {
			return raw(n), nil
		}
		if isBelow(n, domain) && !isBelow(best, domain) {
			best = n
		}
	}
	return raw(best), nil
}

// isBelow compares names in presentation format. A dot with a backslash before
// it is part of a label.
func isBelow(name, domain string) bool {
	above, ok := strings.CutSuffix(name, "."+domain)
	return ok && (len(above)-len(strings.TrimRight(above, `\`)))%2 == 0
}

// raw undoes presentation format, but for dots within labels, which a raw name
// cannot tell from those between them.
func raw(name string) string {
	if strings.IndexByte(name, '\\') < 0 {
		return name
	}
	return evidence.RR{Data: name}.Text()
}

// reverseName is the name under which the names of an address are (RFC 1035,
// Section 3.5, and RFC 3596, Section 2.5).
func reverseName(ip netip.Addr) string {
	zone := ".ip6.arpa"
	if ip.Is4() {
		zone = ".in-addr.arpa"
	}
	parts := strings.Split(dotted(ip), ".")
	slices.Reverse(parts)
	return strings.Join(parts, ".") + zone
}

// dotted is an address as the macro i has it: dotted quad, or nibbles with
// dots between them.
func dotted(ip netip.Addr) string {
	if ip.Is4() {
		return ip.String()
	}
	var b strings.Builder
	for i, octet := range ip.As16() {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.FormatUint(uint64(octet>>4), 16) + "." + strconv.FormatUint(uint64(octet&15), 16))
	}
	return b.String()
}
