package dnscheck

import (
	"net/netip"
	"slices"
	"strconv"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// reverseChecks look at the names of the mail servers' addresses, beyond
// Internet.nl's test.
var reverseChecks = []*check.Check{mxReverse}

// maxReverseNames bounds the names of an address whose own addresses are asked
// for. As a rule the name is the mail server's, whose addresses are known, so
// an address costs one question; and of each family one address is looked at,
// since whoever gives one server's address a name does so for all.
const maxReverseNames = 2

// reverseName is the name of an address in the DNS (RFC 1035, Section 3.5; RFC
// 3596, Section 2.5).
func reverseName(a netip.Addr) string {
	b := make([]byte, 0, 80)
	for _, o := range slices.Backward(a.AsSlice()) {
		if a.Is4() {
			b = append(strconv.AppendUint(b, uint64(o), 10), '.')
			continue
		}
		const hex = "0123456789abcdef"
		b = append(b, hex[o&15], '.', hex[o>>4], '.')
	}
	if a.Is4() {
		return string(append(b, "in-addr.arpa"...))
	}
	return string(append(b, "ip6.arpa"...))
}

// reverseAddresses are the addresses whose names are looked at: the first of
// each family. As long as that of an earlier host may still come, there is none.
func reverseAddresses(s *evidence.Snapshot) []netip.Addr {
	var list []netip.Addr
	hosts := s.Mail().Hosts
	for _, typ := range []string{"A", "AAAA"} {
		for _, host := range hosts {
			if s.Lookup(host, typ) == nil {
				break
			}
			addrs, _, _ := s.Addresses(host)
			if i := slices.IndexFunc(addrs, func(a netip.Addr) bool { return forwardType(a) == typ }); i >= 0 {
				list = append(list, addrs[i])
				break
			}
		}
	}
	return list
}

// forwardType is the type of the records that lead back to an address.
func forwardType(a netip.Addr) string {
	if a.Is4() {
		return "A"
	}
	return "AAAA"
}

func reverseWants(s *evidence.Snapshot) []evidence.Question {
	var list []evidence.Question
	for _, a := range reverseAddresses(s) {
		at := reverseName(a)
		list = append(list, evidence.Question{Name: at, Type: "PTR"})
		for _, name := range reverseNames(s.Lookup(at, "PTR")) {
			list = append(list, evidence.Question{Name: name, Type: forwardType(a)})
		}
	}
	return list
}

// reverseNames are the names of an address that are looked at.
func reverseNames(l *evidence.Lookup) []string {
	if !l.Exists() {
		return nil
	}
	var list []string
	for _, rr := range l.Answer {
		if name := rr.Target(); rr.Type == "PTR" && name != "." && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return firstOf(list, maxReverseNames)
}

var (
	reverseConfirmed = &check.Code{Name: "confirmed", Outcome: check.Pass,
		Text: "{addr} has the name {names}, which leads back to it."}
	reverseMissing = &check.Code{Name: "no-name", Outcome: check.Fail,
		Text:   "{addr}, an address of {host}, has no name. This does not matter for mail that comes in; if the same machine sends mail from there, many receivers refuse it.",
		Advice: "If {host} sends mail from this address, ask whoever provides the address for this record, and see that the name has the address: {reverse}. IN PTR {host}."}
	reverseOther = &check.Code{Name: "not-confirmed", Outcome: check.Fail,
		Text:   "{addr}, an address of {host}, has the name {names}, which does not lead back to it. This does not matter for mail that comes in; if the same machine sends mail from there, some receivers refuse it or trust it less.",
		Advice: "If {host} sends mail from this address, let both agree: give {names} the address {addr} ({type} record), or ask whoever provides the address for another name: {reverse}. IN PTR {host}."}
	reverseUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text:   "Whether {addr}, an address of {host}, has a name that leads back to it could not be found out ({failed}).",
		Advice: "Scan again later. If it stays so, the name servers for reverse names of this network do not answer; whoever provides the address runs them."}
	reverseCut = &check.Code{Name: "not-looked-up", Outcome: check.Inconclusive,
		Text: "Whether {addr}, an address of {host}, has a name that leads back to it was not looked up: no resolver could be reached, or the scan ended before."}
	reverseLeft = &check.Code{Name: "left-out", Outcome: check.NotApplicable,
		Text: "{addr}, an address of {host}, was not looked at: of IPv4 and of IPv6 the first address of a domain's mail servers is."}
	reverseNoHosts = &check.Code{Name: "no-mail-servers", Outcome: check.NotApplicable,
		Text: "{domain} has no mail server with an address, so there are no names of addresses to look at."}
	reverseHosts = &check.Code{Name: "addresses-unknown", Outcome: check.Inconclusive,
		Text:   "Which addresses the mail servers of {domain} have could not be found out ({failed}).",
		Advice: "Scan again later. If it stays so, the name servers concerned do not answer."}
	reverseHostsCut = &check.Code{Name: "addresses-not-looked-up", Outcome: check.Inconclusive,
		Text: "Which addresses the mail servers of {domain} have was not looked up to the end: no resolver could be reached, or the scan ended before."}

	mxReverse = &check.Check{
		ID: "mx-reverse", Category: check.Extra, Level: check.Optional, Scope: check.PerAddress,
		Title: "Names of the mail servers' addresses",
		Doc: check.Doc{
			What: "Whether an address of the mail servers, the first of IPv4 and the first of IPv6, has a name (a PTR record) that has this address in turn: forward-confirmed reverse DNS.",
			Why:  "Receivers look at this for servers that send, and many refuse mail from an address without a name. MX addresses are those for mail that comes in, where nobody asks; but often the same machine sends, too. The addresses that only send are not in the DNS of the domain, so they cannot be looked at here.",
			How:  "The name of an address is set by whoever provides the address, in the control panel or on request. Use the server's own name, the one that it gives in EHLO.",
		},
		Cites:    []check.Citation{check.RFC("1912", "2.1"), check.RFC("8601", "2.7.3"), check.RFC("5321", "4.1.4")},
		Args:     []string{"domain", "host", "addr", "names", "reverse", "type", "failed"},
		Codes:    []*check.Code{reverseConfirmed, reverseMissing, reverseOther, reverseUnknown, reverseCut, reverseLeft, reverseNoHosts, reverseHosts, reverseHostsCut},
		Evaluate: evaluateReverse,
	}
)

func evaluateReverse(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
	f := check.Finding{Args: map[string]string{"domain": s.Domain, "host": subject.Host, "addr": subject.Addr}}
	addr, err := netip.ParseAddr(subject.Addr)
	if err != nil {
		h := rpkiMailServers(s)
		f.Code, f.Evidence = reverseNoHosts, pointers(s, h.lookups...)
		switch {
		case h.ownFault:
			f.Code = reverseHostsCut
		case len(h.failed) > 0:
			f.Code, f.Args["failed"] = reverseHosts, whatFailed(h.failed...)
		}
		return f
	}
	if !slices.Contains(reverseAddresses(s), addr) {
		f.Code = reverseLeft
		return f
	}
	at := reverseName(addr)
	ptr := s.Lookup(at, "PTR")
	names := reverseNames(ptr)
	f.Args["reverse"], f.Args["names"], f.Args["type"] = at, shown(enumerate(names)), forwardType(addr)
	if ownFault(ptr) || ptr.Unknown() {
		return reverseOpen(s, f, ptr)
	}
	f.Code, f.Evidence = reverseMissing, pointers(s, ptr)
	for _, name := range names {
		forward := s.Lookup(name, forwardType(addr))
		switch {
		case leadsTo(forward, addr):
			f.Code, f.Args["names"], f.Evidence = reverseConfirmed, shown(name), pointers(s, ptr, forward)
			return f
		case f.Code == reverseUnknown || f.Code == reverseCut:
		case ownFault(forward) || forward.Unknown() && forward.Outcome != evidence.OutcomeBadName:
			f = reverseOpen(s, f, ptr, forward)
		default:
			f.Code, f.Evidence = reverseOther, pointers(s, ptr, forward)
		}
	}
	return f
}

// reverseOpen is the answer where the last of the lookups brought nothing.
func reverseOpen(s *evidence.Snapshot, f check.Finding, lookups ...*evidence.Lookup) check.Finding {
	last := lookups[len(lookups)-1]
	f.Code, f.Evidence, f.Args["failed"] = reverseUnknown, pointers(s, lookups...), whatFailed(last)
	if ownFault(last) {
		f.Code = reverseCut
	}
	return f
}

// leadsTo reports whether an address is among the answers.
func leadsTo(l *evidence.Lookup, addr netip.Addr) bool {
	if !l.Exists() {
		return false
	}
	return slices.ContainsFunc(l.Answer, func(rr evidence.RR) bool {
		a, err := rr.Addr()
		return err == nil && a == addr
	})
}
