package dnscheck

import (
	"slices"
	"strings"

	"mailvet/dnscheck/mtasts"
	"mailvet/report/evidence"
)

// Asker is [Wants] for one snapshot that grows: each family of checks is asked
// again only once an answer has come that it looked for before. The zero value
// is ready. It is for one goroutine.
type Asker struct {
	families []family
	view     evidence.Snapshot
}

// family is a family of checks with what it said last.
type family struct {
	wants  func(*evidence.Snapshot) []evidence.Question
	asked  bool
	missed []evidence.Question // what it looked for and did not find
	open   int                 // of these, what it wants
}

// wanters are the families by what they want. They read a snapshot's answers
// by Lookup alone; what else they read of it does not change during a scan.
var (
	wanters      = []func(*evidence.Snapshot) []evidence.Question{ipv6Wants, dnssecWants, dkimWants, dmarcWants, spfWants, rpkiWants}
	extraWanters = []func(*evidence.Snapshot) []evidence.Question{reverseWants, mailboxWants, spfStrictWants, dmarcStrictWants, mtastsWants, tlsrptWants, bimiWants}
)

// awaitsProof reports whether questions that nothing hurries should wait for
// the one about MTA-STS, because the domain is signed: if that is denied, with
// the proof the resolver can deny most of the others, too, without asking
// (RFC 8198).
func awaitsProof(s *evidence.Snapshot) bool {
	if s.Vantage.DNSSEC != evidence.ValidationOwn || s.Vantage.NoExtra {
		return false
	}
	soa := s.Lookup(s.Domain, "SOA")
	if soa != nil && (soa.Security != evidence.SecuritySecure || s.Lookup(mtasts.RecordName(s.Domain), "TXT") != nil) {
		return false
	}
	return s.Mail().Status == evidence.MailHas
}

// ProofSuffices reports whether it is enough to know by a proof of the zone that
// there are no such records. Of all other questions it matters what the servers
// say to them, failures included: those of the test, and those that mail servers
// ask.
func ProofSuffices(q evidence.Question) bool {
	switch q.Type {
	case "SPF":
		return true
	case "TXT":
		return strings.HasPrefix(q.Name, "_smtp._tls.") || strings.Contains(q.Name, "._bimi.") || strings.Contains(q.Name, "._domainkey.")
	}
	return false
}

// Wants lists the questions that the checks need and s does not hold yet, but
// for those that it listed before. At the first call, with nothing of fresh,
// these are all; later fresh names the lookups that have come since.
func (a *Asker) Wants(s *evidence.Snapshot, fresh []evidence.Question) []evidence.Question {
	if a.families == nil {
		a.begin(s)
	}
	var list []evidence.Question
	open := 0
	for i := range a.families {
		f := &a.families[i]
		if !f.asked || slices.ContainsFunc(fresh, func(q evidence.Question) bool { return slices.Contains(f.missed, q) }) {
			s.Watch(&a.view, &f.missed)
			list = f.ask(&a.view, list)
		}
		open += f.open
	}
	if open == 0 && !s.Vantage.NoExtra { // for then most answers are there
		for _, q := range dnssecNSEC3Wants(s) {
			if s.Lookup(q.Name, q.Type) == nil {
				list = append(list, q)
			}
		}
	}
	return list
}

func (a *Asker) begin(s *evidence.Snapshot) {
	a.families = make([]family, 0, len(wanters)+len(extraWanters))
	for _, w := range wanters {
		a.families = append(a.families, family{wants: w})
	}
	if s.Vantage.NoExtra {
		return
	}
	for _, w := range extraWanters {
		a.families = append(a.families, family{wants: w})
	}
}

// ask adds what the family wants now of a view that is watched for it.
func (f *family) ask(view *evidence.Snapshot, list []evidence.Question) []evidence.Question {
	f.asked, f.missed, f.open = true, f.missed[:0], 0
	for _, q := range f.wants(view) {
		q.Name = evidence.Name(q.Name)
		if view.Lookup(q.Name, q.Type) == nil {
			list = append(list, q)
			f.open++
		}
	}
	return list
}
