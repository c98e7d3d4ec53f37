package dnscheck

import (
	"slices"
	"strings"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// noMail is the answers of a check about mail servers to a domain without any:
// one for each way of having none.
type noMail struct {
	unknown, notAsked, none, implicit, localhost, shouldSay, null, nullUnknown, unneeded, others *check.Code
}

// newNoMail makes the answers. Internet.nl tells the variants of the null MX
// apart; verdict is its row for all the others, among which a failed MX lookup
// is one.
func newNoMail(verdict string) noMail {
	fallback := check.RFC("5321", "5.1")
	return noMail{
		unknown: &check.Code{Name: "mx-unknown", Outcome: check.Inconclusive, Verdict: verdict,
			Text:   "Which mail servers {domain} has could not be found out ({failed}). Internet.nl counts a failed MX lookup as having no mail servers.",
			Advice: "Scan again later. If it stays so, the name servers of {domain} do not answer questions for its MX records."},
		notAsked: &check.Code{Name: "mx-not-looked-up", Outcome: check.Inconclusive,
			Text: "The MX records of {domain} were not looked up: no resolver could be reached, or the scan ended before."},
		none: &check.Code{Name: "no-mx", Outcome: check.NotApplicable, Verdict: verdict,
			Text: "{domain} has no MX record, so there is no mail server to test."},
		implicit: &check.Code{Name: "implicit-mx", Outcome: check.NotApplicable, Verdict: verdict,
			Text:   "{domain} has no MX record, but it has an address, to which mail senders then deliver. Internet.nl takes it for a domain without mail and does not test that host; neither does Mailvet.",
			Advice: "If {domain} receives mail, publish an MX record for it. If it does not, publish a null MX: {domain}. IN MX 0 .",
			Cites:  []check.Citation{fallback}},
		localhost: &check.Code{Name: "only-localhost", Outcome: check.Weak, Verdict: verdict,
			Text:   "The only MX record of {domain} names localhost, which sends each sender to itself. Internet.nl ignores such a record.",
			Advice: "If {domain} receives no mail, publish a null MX instead: {domain}. IN MX 0 .",
			Cites:  []check.Citation{check.RFC("7505", "3")}},
		shouldSay: &check.Code{Name: "should-have-null-mx", Outcome: check.NotApplicable, Verdict: verdict,
			Text:   "{domain} has no MX record and its SPF record says that it sends no mail, but it has an address, to which mail senders then deliver.",
			Advice: "Publish a null MX, so that senders give up at once: {domain}. IN MX 0 .",
			Cites:  []check.Citation{fallback, check.RFC("7505", "3")}},
		null: &check.Code{Name: "null-mx", Outcome: check.NotApplicable, Verdict: "null-mx",
			Text: "{domain} says with a null MX that it receives no mail, so there is no mail server to test."},
		nullUnknown: &check.Code{Name: "null-mx-address-unknown", Outcome: check.NotApplicable, Verdict: "null-mx-without-a-aaaa",
			Text: "{domain} says with a null MX that it receives no mail, so there is no mail server to test. Whether the domain has an address could not be found out ({failed}); Internet.nl takes that for having none."},
		unneeded: &check.Code{Name: "null-mx-unneeded", Outcome: check.NotApplicable, Verdict: "null-mx-without-a-aaaa",
			Text:   "{domain} says with a null MX that it receives no mail. It has no address either, so that nobody could deliver there in the first place. Internet.nl remarks on it, at no cost.",
			Advice: "The null MX does no harm; it is not needed.",
			Cites:  []check.Citation{check.RFC("7505", "3")}},
		others: &check.Code{Name: "null-mx-with-others", Outcome: check.Weak, Verdict: "null-mx-with-other-mx",
			Text:   "{domain} has a null MX beside other MX records. The one says that the domain receives no mail, the others that it does; what senders make of that is anybody's guess. None of the servers was tested, as at Internet.nl.",
			Advice: "Remove the null MX if {domain} receives mail, else all the other MX records.",
			Cites:  []check.Citation{check.RFC("7505", "3")}},
	}
}

func (n noMail) codes() []*check.Code {
	return []*check.Code{n.unknown, n.notAsked, n.none, n.implicit, n.localhost, n.shouldSay, n.null, n.nullUnknown, n.unneeded, n.others}
}

// finding is the answer for a domain whose m has no hosts.
func (n noMail) finding(s *evidence.Snapshot, m evidence.Mail) check.Finding {
	mx := s.Lookup(s.Domain, "MX")
	a, aaaa := s.Lookup(s.Domain, "A"), s.Lookup(s.Domain, "AAAA")
	f := check.Finding{
		Args:     map[string]string{"domain": s.Domain, "failed": whatFailed(mx)},
		Evidence: pointers(s, mx, a, aaaa),
	}
	switch m.Status {
	case evidence.MailUnknown:
		f.Code = n.unknown
		if ownFault(mx) {
			f.Code = n.notAsked
		}
	case evidence.MailNoMX:
		switch {
		case len(m.Ignored) > 0:
			f.Code = n.localhost
		case a.Exists() || aaaa.Exists():
			f.Code = n.implicit
		default:
			f.Code = n.none
		}
	case evidence.MailShouldHaveNullMX:
		// Internet.nl means to have a verdict for this, "no-null-mx", and
		// because of a bug never gives it.
		f.Code = n.shouldSay
	case evidence.MailNullMX:
		f.Code = n.null
		if !a.Exists() && !aaaa.Exists() && !ownFault(a) && !ownFault(aaaa) {
			f.Code, f.Args["failed"] = n.nullUnknown, whatFailed(slices.DeleteFunc([]*evidence.Lookup{a, aaaa}, (*evidence.Lookup).Absent)...)
		}
	case evidence.MailNullMXNoAddress:
		f.Code = n.unneeded
	case evidence.MailNullMXWithOthers:
		f.Code = n.others
	default:
		panic("dnscheck: a domain with mail servers: " + m.Status.String())
	}
	return f
}

// oddMX lists what is wrong with the MX RRset beyond its hosts' own faults;
// empty if nothing.
func oddMX(s *evidence.Snapshot, m evidence.Mail) []string {
	var list []string
	for _, h := range m.Hosts {
		switch a, aaaa := s.Lookup(h, "A"), s.Lookup(h, "AAAA"); {
		case a != nil && len(a.Aliases) > 0, aaaa != nil && len(aaaa.Aliases) > 0:
			list = append(list, h+" (an alias)")
		case h == ".":
			list = append(list, h+" (a null MX with a preference other than 0)")
		case !strings.Contains(h, "."):
			list = append(list, h+" (a single label)")
		}
		if m.Times[h] > 1 {
			list = append(list, h+" (named more than once)")
		}
	}
	for _, h := range m.Over {
		list = append(list, h+" (not tested, as only ten are)")
	}
	for range min(len(m.Ignored), 1) {
		list = append(list, "localhost (ignored)")
	}
	return list
}
