package smtpcheck

import (
	"cmp"
	"net/netip"
	"strconv"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// evaluateSTARTTLS answers for one host from all its addresses, or for a domain
// without MX host (RFC 7505).
//
// The counted address decides what Internet.nl says, so the answer is its own
// wherever it has a fault or nothing is known of it. Addresses beside a counted
// one that works make the answer weak if they fail, and are only mentioned if
// nothing is known of them, for that cannot change the verdict.
func evaluateSTARTTLS(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
	if subject.Host == "" {
		return check.Finding{Code: withoutHost(s), Args: map[string]string{"domain": s.Domain},
			Evidence: pointers(s, s.Lookup(s.Domain, "MX"))}
	}
	args := map[string]string{"host": subject.Host, "domain": s.Domain, "helo": s.Vantage.Helo, "port": strconv.Itoa(cmp.Or(s.Vantage.SMTPPort, 25))}
	list, at := contacts(s, subject.Host)
	if code := withoutContact(s, subject.Host, list); code != nil {
		return check.Finding{Code: code, Args: args, Evidence: pointers(s, s.Lookup(subject.Host, "A"), s.Lookup(subject.Host, "AAAA"))}
	}
	var secured, failing, open, halting []string
	for i, c := range list {
		label := c.addr.String() + " (" + c.words() + ")"
		if c.code == starttlsNotCompleted {
			halting = append(halting, label)
		}
		if (c.code == starttlsNotCompleted || c.code == starttlsUseless) && (i == at || args["spoken"] == "") {
			args["spoken"] = spoken(c.session)
		}
		switch {
		case c.secured():
			secured = append(secured, c.addr.String())
		case i == at:
		case c.code.Outcome == check.Fail:
			failing = append(failing, label)
		default:
			open = append(open, label)
		}
	}
	mine := list[at]
	args["addr"], args["failure"] = mine.addr.String(), mine.words()
	args["secured"], args["failing"], args["open"] = join(secured), join(failing), join(open)
	args["halting"] = join(halting)
	f := check.Finding{Code: mine.code, Args: args}
	switch {
	case mine.code == starttlsNotCompleted:
	case mine.secured() && len(failing) > 0:
		f.Code = starttlsSomeFail
	case mine.secured() && len(halting) > 0:
		f.Code = starttlsNotCompleted
	case mine.secured() && len(open) > 0:
		f.Code = starttlsRestUnknown
	case mine.secured():
	case len(secured) > 0 && mine.code.Outcome == check.Fail:
		f.Code = starttlsCountedFails
	case len(secured) > 0:
		f.Code, f.Verdict = starttlsCountedUnknown, mine.code.Verdict
	case mine.dead() && nothingAnswers(s):
		f.Code = starttlsNothingAnswers
	}
	for _, c := range list {
		f.Evidence = append(f.Evidence, pointers(s, c.session)...)
	}
	return f
}

// withoutHost answers for a domain without MX host.
func withoutHost(s *evidence.Snapshot) *check.Code {
	switch status := s.Mail().Status; status {
	case evidence.MailUnknown:
		return starttlsMXUnknown
	case evidence.MailNoMX:
		return starttlsNoMX
	case evidence.MailShouldHaveNullMX:
		return starttlsShouldHaveNullMX
	case evidence.MailNullMX:
		// To Internet.nl a failed lookup is no address.
		if a, aaaa := s.Lookup(s.Domain, "A"), s.Lookup(s.Domain, "AAAA"); failed(a) && !aaaa.Exists() || failed(aaaa) && !a.Exists() {
			return starttlsNullMXAddressUnknown
		}
		return starttlsNullMX
	case evidence.MailNullMXNoAddress:
		return starttlsNullMXNoAddress
	case evidence.MailNullMXWithOthers:
		return starttlsNullMXWithOthers
	default:
		panic("smtpcheck: no MX host, and mail status " + status.String())
	}
}

// withoutContact answers for a host that there is no address of to speak to,
// or that nobody was to speak to; nil for others.
func withoutContact(s *evidence.Snapshot, host string, list []contact) *check.Code {
	if s.Vantage.NoSMTP {
		return starttlsNotAsked
	}
	all, known4, known6 := s.Addresses(host)
	a, aaaa := s.Lookup(host, "A"), s.Lookup(host, "AAAA")
	known4, known6 = known4 || leadsNowhere(a), known6 || leadsNowhere(aaaa)
	_, notAddress := netip.ParseAddr(host)
	switch {
	case host == "." || notAddress == nil:
		return starttlsNotHostName
	// An unknown A RRset may hold the address that counts.
	case len(list) == 0 && !known4, len(list) > 0 && !known4 && !list[0].addr.Is4():
		return starttlsAddressesUnknown
	case len(list) > 0:
		return nil
	case s.Vantage.NoIPv6 && (len(all) > 0 || !known6):
		return starttlsIPv6NotAsked
	case !known6:
		return starttlsAddressesUnknown
	case a.Outcome == evidence.OutcomeNXDomain || aaaa.Outcome == evidence.OutcomeNXDomain:
		return starttlsNoSuchHost
	}
	return starttlsNoAddress
}

// failed reports whether a question was asked without getting an answer, for
// reasons that do not lie with the scanner.
func failed(l *evidence.Lookup) bool {
	if !l.Unknown() || l.Outcome == evidence.OutcomeNetwork || l.Outcome == evidence.OutcomeUnknown {
		return false
	}
	return l.Failure == nil || l.Failure.Class != evidence.ClassBudget && l.Failure.Class != evidence.ClassCancelled
}

// leadsNowhere reports whether a name is known to have no addresses because it
// cannot be asked for, or its aliases form a loop.
func leadsNowhere(l *evidence.Lookup) bool {
	return l != nil && (l.Outcome == evidence.OutcomeBadName || l.Outcome == evidence.OutcomeLoop)
}

// pointers are the places of evidence in the snapshot; nil ones are left out.
func pointers[T *evidence.Lookup | *evidence.Session](s *evidence.Snapshot, list ...T) []string {
	var out []string
	for _, x := range list {
		if p := s.Pointer(x); p != "" {
			out = append(out, p)
		}
	}
	return out
}
