package dnscheck

import (
	"slices"

	"mailvet/dnscheck/dmarc"
	"mailvet/dnscheck/spf"
	"mailvet/report/evidence"
)

const (
	maxSPFHosts  = 8 // questions about hosts of a, mx and exists terms
	maxSPFOwners = 3 // organizational domains of names that do not exist
)

// spfStrictWants names the questions for the checks of SPF by RFC 7208, beyond
// those for the score: the addresses behind a, mx and exists terms, as many as
// are few, whether the domain of a name that is gone is registered, and the
// record of the obsolete type.
func spfStrictWants(s *evidence.Snapshot) []evidence.Question {
	texts := spf.Select(s.Lookup(s.Domain, "TXT"))
	if len(texts) == 0 {
		return nil
	}
	var list []evidence.Question
	if !awaitsProof(s) {
		list = append(list, evidence.Question{Name: s.Domain, Type: "SPF"})
	}
	if len(texts) > 1 {
		return list
	}
	survey, hosts := surveyHosts(s)
	for _, q := range hosts[:min(len(hosts), maxSPFHosts)] {
		if s.Lookup(q.Name, q.Type) == nil {
			list = append(list, q)
		}
	}
	return append(list, ownersOfGone(s, survey)...)
}

// surveyHosts surveys the policy, and lists its questions about hosts in the
// order of evaluation, without those that are asked about the domain's own
// mail servers anyhow.
func surveyHosts(s *evidence.Snapshot) (*spf.Survey, []evidence.Question) {
	known := append(slices.Clone(s.Mail().Hosts), s.Domain)
	var hosts []evidence.Question
	survey := spf.SurveyTree(func(name, typ string) *evidence.Lookup {
		q := evidence.Question{Name: name, Type: typ}
		if !slices.Contains(known, name) && !slices.Contains(hosts, q) {
			hosts = append(hosts, q)
		}
		return s.Lookup(name, typ)
	}, walkSPF(s))
	return survey, hosts
}

// ownersOfGone asks whether there are the domains above names that do not
// exist.
func ownersOfGone(s *evidence.Snapshot, survey *spf.Survey) []evidence.Question {
	var list []evidence.Question
	v := spfView{survey, s}
	survey.Root.Each(func(b *spf.Branch, l *spf.Line, _ int) {
		target, found := v.targetOf(b, l)
		if found == nil || found.Outcome != evidence.OutcomeNXDomain {
			return
		}
		q := evidence.Question{Name: dmarc.OrgDomain(target), Type: "NS"}
		if q.Name != "" && q.Name != target && q.Name != survey.Root.Owner && len(list) < maxSPFOwners && !slices.Contains(list, q) {
			list = append(list, q)
		}
	})
	return list
}
