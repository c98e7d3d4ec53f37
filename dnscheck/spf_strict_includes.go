package dnscheck

import (
	"slices"

	"mailvet/dnscheck/dmarc"
	"mailvet/dnscheck/spf"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	spfIncludesAlive = &check.Code{Name: "alive", Outcome: check.Pass,
		Text: "Everything that the SPF records of {domain} refer to exists."}
	spfIncludesTakeover = &check.Code{Name: "takeover", Outcome: check.Fail,
		Text:   "The SPF record at {name} has {term}, and the domain {org} is not registered: it does not exist. Whoever registers it decides who may send mail in the name of {domain}.{also}",
		Advice: "Remove {term} from the record at {name} now, or register {org}.",
		Cites:  []check.Citation{check.RFC("7208", "5.2"), check.RFC("7208", "11.4")}}
	spfIncludesGone = &check.Code{Name: "target-gone", Outcome: check.Fail,
		Text:   "The SPF record at {name} has {term}, and {target} does not exist. Receivers answer permerror.{also}",
		Advice: "Remove {term} from the record at {name}, or ask the operator of {org} for the right name.",
		Cites:  []check.Citation{check.RFC("7208", "5.2"), check.RFC("7208", "6.1")}}
	spfIncludesNoSPF = &check.Code{Name: "target-without-spf", Outcome: check.Fail,
		Text:   "The SPF record at {name} has {term}, and {target} exists but has no SPF record. Receivers answer permerror.{also}",
		Advice: "Remove {term} from the record at {name}, or ask the operator of {org} for the right name.",
		Cites:  []check.Citation{check.RFC("7208", "5.2"), check.RFC("7208", "6.1")}, SameAs: spfTargetMissing.codes()}
	spfIncludesHost = &check.Code{Name: "host-gone", Outcome: check.Weak,
		Text:   "The SPF record at {name} has {term}, and {target} does not exist: the term matches nobody, and costs one of the 2 lookups that may find nothing.{also}",
		Advice: "Remove {term} from the record at {name}.",
		Cites:  []check.Citation{check.RFC("7208", "4.6.4"), check.RFC("7208", "5.3")}}
	spfIncludesDeprecated = &check.Code{Name: "deprecated", Outcome: check.Weak,
		Text:   "The SPF record at {name} has {term}, which its operator no longer asks for.{also}",
		Advice: "{instead}",
		Cites:  []check.Citation{check.RFC("7208", "4.6.4")}}
)

var spfIncludes = &check.Check{
	ID: "spf-includes", Category: check.Extra, Level: check.Required, Scope: check.PerDomain,
	Title: "Names that SPF refers to",
	Doc: check.Doc{
		What: "Whether each name in an include, redirect, a or mx term exists, whether an included name has an SPF record, whether its domain is registered at all, and whether its operator still asks for it.",
		Why:  "An include of a name without SPF record makes receivers answer permerror. A name whose domain nobody owns any more can be registered by anybody, who then decides who may send mail.",
		How:  "Remove terms of services that are not used any more when the contract ends. Ask the provider for the name of today.",
	},
	Cites: []check.Citation{check.RFC("7208", "5.2"), check.RFC("7208", "6.1"), check.RFC("7208", "11.4")},
	Args:  []string{"domain", "name", "term", "target", "org", "instead", "also", "failed"},
	Codes: []*check.Code{spfIncludesAlive, spfIncludesTakeover, spfIncludesGone, spfIncludesNoSPF, spfIncludesHost, spfIncludesDeprecated,
		spfStrictNone, spfStrictUnknown, spfStrictNotLookedUp},
	Evaluate: evaluateSPFIncludes,
}

// deprecatedTargets are included names that their operators replaced, or took
// out of their instructions because mail then has a return path of their own.
var deprecatedTargets = map[string]string{
	"aspmx.googlemail.com": "Put include:_spf.google.com in its place.",
	"smtp.zendesk.com":     "Put include:mail.zendesk.com in its place.",
	"support.zendesk.com":  "Put include:mail.zendesk.com in its place.",
	"servers.mcsv.net":     "Remove it: Mailchimp sends with a return path of its own and asks for no SPF term.",
	"spf.sendinblue.com":   "Remove it: Brevo sends with a return path of its own and asks for no SPF term.",
	"spf.mandrillapp.com":  "Remove it: Mandrill sends with a return path of its own and asks for no SPF term.",
}

func evaluateSPFIncludes(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	v := viewSPF(s)
	var faults []fault
	lacking := v.unread()
	v.Root.Each(func(b *spf.Branch, l *spf.Line, _ int) {
		found, unknown := v.judgeTarget(b, l)
		if found.code != nil {
			faults = append(faults, found)
		}
		if unknown {
			lacking = append(lacking, l.Failed...)
			for range l.Missing {
				lacking = append(lacking, nil)
			}
		}
	})
	order := []*check.Code{spfIncludesTakeover, spfIncludesGone, spfIncludesNoSPF, spfIncludesHost, spfIncludesDeprecated}
	slices.SortStableFunc(faults, func(x, y fault) int { return slices.Index(order, x.code) - slices.Index(order, y.code) })
	return v.finding(faults, spfIncludesAlive, lacking...)
}

// judgeTarget judges the name that a line refers to. Without a code there is
// nothing to say, or with unknown it is not known.
func (v spfView) judgeTarget(b *spf.Branch, l *spf.Line) (f fault, unknown bool) {
	target, l2 := v.targetOf(b, l)
	if target == "" {
		return f, false
	}
	term, name := shown(l.Term.String()), shown(b.Name)
	org := dmarc.OrgDomain(target)
	f.args = map[string]string{"term": term, "name": name, "target": shown(target), "org": shown(org), "instead": deprecatedTargets[target]}
	gone := l2 != nil && l2.Outcome == evidence.OutcomeNXDomain
	switch {
	case gone && v.unregistered(org, target):
		f.code, f.brief = spfIncludesTakeover, term+" at "+name+" leads to "+shown(org)+", which is not registered"
	case l.Below != nil && l.Below.State == spf.None && gone:
		f.code, f.brief = spfIncludesGone, term+" at "+name+" leads to a name that does not exist"
	case l.Below != nil && l.Below.State == spf.None:
		f.code, f.brief = spfIncludesNoSPF, term+" at "+name+" leads to a name without SPF record"
	case l.Below == nil && gone:
		f.code, f.brief = spfIncludesHost, term+" at "+name+" names a host that does not exist"
	case deprecatedTargets[target] != "":
		f.code, f.brief = spfIncludesDeprecated, term+" at "+name+" is not needed any more"
	}
	return f, l2 == nil || l2.Unknown() && l2.Outcome != evidence.OutcomeBadName
}

// targetOf is the name that a term refers to beyond its own record, with the
// lookup that tells whether it exists; empty if there is none.
func (v spfView) targetOf(b *spf.Branch, l *spf.Line) (string, *evidence.Lookup) {
	if !l.Reached || l.Open || l.Term.Domain == "" || spf.HasMacros(l.Term.Domain) {
		return "", nil
	}
	name := evidence.Name(evidence.EscapeText(l.Term.Domain))
	switch l.Term.Kind {
	case spf.Include, spf.Redirect:
		if l.Below == nil {
			return "", nil
		}
		return name, l.Below.Lookup
	case spf.A:
		return name, v.s.Lookup(name, "A")
	case spf.MX:
		return name, v.s.Lookup(name, "MX")
	}
	return "", nil
}

// unregistered reports whether it is known that a name's organizational domain
// does not exist.
func (v spfView) unregistered(org, target string) bool {
	if org == "" || org == v.Root.Owner {
		return false
	}
	if org == target {
		return true // which does not exist
	}
	l := v.s.Lookup(org, "NS")
	return l != nil && l.Outcome == evidence.OutcomeNXDomain
}
