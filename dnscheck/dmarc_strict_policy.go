package dnscheck

import (
	"strconv"
	"strings"

	"mailvet/dnscheck/dmarc"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	dmarcReceiversAgree = &check.Code{Name: "agree", Outcome: check.Pass,
		Text: "Receivers of RFC 7489 and of RFC 9989 apply the same DMARC policies: {policies}."}
	dmarcReceiversPolicy = &check.Code{Name: "differ-policy", Outcome: check.Weak,
		Text:   "Receivers of RFC 7489 and of RFC 9989 apply different DMARC policies to {domain} or names below it. What they apply: {policies}.{also}",
		Advice: "Publish a record at _dmarc.{domain} that says the same in both standards: p, sp and np alike, without pct and t.",
		Cites:  []check.Citation{check.RFC("9989", "4.10.1"), check.RFC("7489", "6.6.3")}}
	dmarcReceiversRecord = &check.Code{Name: "differ-record", Outcome: check.Weak,
		Text:   "Receivers of RFC 7489 and of RFC 9989 take the DMARC policy from different records, though it is the same: {records}. Their reports go where the one or the other says.{also}",
		Advice: "Publish a record at _dmarc.{domain}: that one holds in both standards.",
		Cites:  []check.Citation{check.RFC("9989", "4.10.1"), check.RFC("7489", "6.6.3")}}
	dmarcReceiversOrg = &check.Code{Name: "differ-organization", Outcome: check.Weak,
		Text:   "Receivers of RFC 7489 and of RFC 9989 take different names for the organizational domain of {domain}: {organizations}. Mail that is aligned to the one in relaxed mode may not be so to the other.",
		Advice: "If {domain} is an organization of its own, say so with psd=n in its record; else remove the records above that name another one.",
		Cites:  []check.Citation{check.RFC("9989", "4.10.2"), check.RFC("7489", "3.2")}}
)

var dmarcReceivers = &check.Check{
	ID: "dmarc-receivers", Category: check.Extra, Level: check.Optional, Scope: check.PerDomain,
	Title: "DMARC as receivers of both standards see it",
	Doc: check.Doc{
		What: "Which DMARC policy receivers apply to the domain, to a subdomain that exists and to one that does not, by RFC 7489 (organizational domain from the public suffix list, pct) and by RFC 9989 (a walk up the DNS of at most 8 questions, np, psd, t).",
		Why:  "Receivers of both standards are about. Where they come to different policies, mail is refused by some and delivered by others, and nobody can tell why.",
		How:  "Publish a record at the domain itself. Give p, sp and np the same policy, and do without pct and t once the rollout is over.",
	},
	Cites:    []check.Citation{check.RFC("9989", "4.10"), check.RFC("7489", "6.6.3")},
	Args:     []string{"domain", "policies", "records", "organizations", "also", "failed"},
	Codes:    []*check.Code{dmarcReceiversAgree, dmarcReceiversPolicy, dmarcReceiversRecord, dmarcReceiversOrg, dmarcStrictNone, dmarcStrictUnknown, dmarcStrictNotLookedUp},
	Evaluate: evaluateDMARCReceivers,
}

// bothReceivers is what receivers of both standards apply to one kind of name.
type bothReceivers struct {
	kind     dmarc.Kind
	old, new dmarc.Applied
}

func evaluateDMARCReceivers(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	v := viewDMARC(s)
	walk := dmarc.Walk(s.Lookup, s.Domain)
	var rows []bothReceivers
	var failed, lookups []*evidence.Lookup
	for _, st := range walk.Steps {
		lookups = append(lookups, st.Lookup)
		if st.Unknown {
			failed = append(failed, st.Lookup)
		}
	}
	found := false
	for kind := dmarc.Itself; kind <= dmarc.Nonexistent; kind++ {
		row := bothReceivers{kind, dmarc.Apply(s.Lookup, dmarc.RFC7489, s.Domain, kind), dmarc.Apply(s.Lookup, dmarc.RFC9989, s.Domain, kind)}
		found = found || row.old.Record != nil || row.new.Record != nil
		if (row.old.Unknown || row.new.Unknown) && failed == nil {
			failed = append(failed, v.found.Lookup)
		}
		rows = append(rows, row)
	}
	var f check.Finding
	switch {
	case failed != nil:
		f = unknownFinding(dmarcStrictUnknown, dmarcStrictNotLookedUp, "", failed...)
	case !found:
		f = check.Finding{Code: dmarcStrictNone}
	default:
		f = compareReceivers(rows)
	}
	return v.with(f, lookups...)
}

func compareReceivers(rows []bothReceivers) check.Finding {
	var faults []fault
	for _, r := range rows {
		if r.old.Effect.Policy != r.new.Effect.Policy || r.old.Effect.Percent != r.new.Effect.Percent {
			faults = append(faults, fault{dmarcReceiversPolicy, "", nil})
			break
		}
	}
	for _, r := range rows {
		if r.old.Domain != r.new.Domain {
			records := "for " + r.kind.String() + " the one at " + recordAt(r.old) + " by RFC 7489, the one at " + recordAt(r.new) + " by RFC 9989"
			faults = append(faults, fault{dmarcReceiversRecord, "the record that holds is another one: " + records, map[string]string{"records": records}})
			break
		}
	}
	if own := rows[0]; own.old.Org != own.new.Org {
		organizations := orgText(own.old.Org) + " by RFC 7489, " + orgText(own.new.Org) + " by RFC 9989"
		faults = append(faults, fault{dmarcReceiversOrg, "the organizational domain is " + organizations, map[string]string{"organizations": organizations}})
	}
	f := check.Finding{Code: dmarcReceiversAgree, Args: map[string]string{}}
	if len(faults) > 0 {
		f = strictFinding(faults)
	}
	f.Args["policies"] = policiesText(rows)
	return f
}

func orgText(org string) string {
	if org == "" {
		return "none"
	}
	return shown(org)
}

func recordAt(a dmarc.Applied) string {
	if a.Domain == "" {
		return "no name"
	}
	return shown(dmarc.NameOf(a.Domain))
}

// policiesText says what is applied to each kind of name.
func policiesText(rows []bothReceivers) string {
	var list []string
	for _, r := range rows {
		old, new := effectText(r.old), effectText(r.new)
		text := r.kind.String() + " " + old
		if old != new {
			text += " by RFC 7489 and " + new + " by RFC 9989"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

func effectText(a dmarc.Applied) string {
	text := a.Effect.Policy.String()
	switch {
	case a.Record == nil:
		return "nothing, as there is no record"
	case a.Effect.Policy == dmarc.PolicyAbsent:
		return "nothing, as the record has no policy"
	case a.Effect.Testing:
		text += " (weaker for t=y)"
	case a.Effect.Percent < 100:
		text += " (for " + strconv.Itoa(a.Effect.Percent) + " % of the mail)"
	}
	return text
}

var (
	dmarcSubdomainsProtected = &check.Code{Name: "protected", Outcome: check.Pass,
		Text: "The DMARC record at {name} asks for subdomains what it asks for the domain itself, or more: {policies}."}
	dmarcSubdomainsInherited = &check.Code{Name: "inherited", Outcome: check.NotApplicable,
		Text: "{domain} has no DMARC record of its own: that of its organizational domain says what holds for subdomains."}
	dmarcSubdomainsSP = &check.Code{Name: "sp-weaker", Outcome: check.Weak,
		Text:   "The DMARC record at {name} is weaker for subdomains than for the domain itself: {policies}. Whoever forges mail takes a subdomain.{also}",
		Advice: "Remove sp, or give it the policy of p; a subdomain that cannot do so yet gets a record of its own.",
		Cites:  []check.Citation{check.RFC("9989", "4.7"), check.RFC("7489", "6.3")}}
	dmarcSubdomainsNP = &check.Code{Name: "np-weaker", Outcome: check.Weak,
		Text:   "The DMARC record at {name} is weaker for subdomains that do not exist than for the domain itself: {policies}. No mail at all comes from those, but forged mail.{also}",
		Advice: "Remove np, or set np=reject.",
		Cites:  []check.Citation{check.RFC("9989", "4.7")}}
)

var dmarcSubdomains = &check.Check{
	ID: "dmarc-subdomains", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
	Title: "DMARC policy for subdomains",
	Doc: check.Doc{
		What: "Whether the tags sp (for subdomains) and np (for those that do not exist) of the domain's own DMARC record ask for less than p.",
		Why:  "Forged mail from login.DOMAIN or billing.DOMAIN deceives as well as that from the domain itself.",
		How:  "Leave sp and np out: then p holds for all. If anything, make them stricter: np=reject.",
	},
	Cites:    []check.Citation{check.RFC("9989", "4.7"), check.RFC("7489", "6.3"), check.RFC("9091", "")},
	Args:     []string{"domain", "name", "policies", "also", "failed"},
	Codes:    []*check.Code{dmarcSubdomainsProtected, dmarcSubdomainsInherited, dmarcSubdomainsSP, dmarcSubdomainsNP, dmarcStrictNone, dmarcStrictUnknown, dmarcStrictNotLookedUp},
	Evaluate: evaluateDMARCSubdomains,
}

func evaluateDMARCSubdomains(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	v := viewDMARC(s)
	f := v.gate()
	if f.Code != nil {
		return v.with(f)
	}
	if v.found.Domain != evidence.Name(s.Domain) {
		return v.with(check.Finding{Code: dmarcSubdomainsInherited})
	}
	p, sp, np := v.record.Policy("p"), v.record.Policy("sp"), v.record.Policy("np")
	var tags []string
	for _, tag := range []string{"p", "sp", "np"} {
		if policy := v.record.Policy(tag); policy >= dmarc.PolicyNone {
			tags = append(tags, tag+"="+policy.String())
		}
	}
	if tags == nil {
		return v.with(check.Finding{Code: dmarcStrictNone})
	}
	policies := strings.Join(tags, ", ")
	var faults []fault
	if sp >= dmarc.PolicyNone && sp < p {
		faults = append(faults, fault{dmarcSubdomainsSP, "sp is weaker than p", nil})
	}
	if np >= dmarc.PolicyNone && np < p {
		faults = append(faults, fault{dmarcSubdomainsNP, "np is weaker than p", nil})
	}
	f = check.Finding{Code: dmarcSubdomainsProtected, Args: map[string]string{}}
	if faults != nil {
		f = strictFinding(faults)
	}
	f.Args["policies"] = policies
	return v.with(f)
}

var (
	dmarcRolloutComplete = &check.Code{Name: "complete", Outcome: check.Pass,
		Text: "The DMARC policy at {name} holds in full: it is not under test, nor for a part of the mail only."}
	dmarcRolloutMonitoring = &check.Code{Name: "monitoring", Outcome: check.NotApplicable,
		Text: "The DMARC policy at {name} is none: it only watches, and there is nothing to roll out yet."}
	dmarcRolloutTesting = &check.Code{Name: "testing", Outcome: check.Weak,
		Text:   "The DMARC record at {name} says t=y: receivers of RFC 9989 apply the next weaker policy than {policy}, those of RFC 7489 do not know the tag and apply {policy}.{also}",
		Advice: "When the reports show that all genuine mail passes, remove t=y.",
		Cites:  []check.Citation{check.RFC("9989", "4.7")}}
	dmarcRolloutPartial = &check.Code{Name: "partial", Outcome: check.Weak,
		Text:   "The DMARC record at {name} says pct={percent}: receivers of RFC 7489 apply {policy} to that part of the mail that fails, those of RFC 9989 do not know the tag and apply {policy} to all.{also}",
		Advice: "Remove pct: for a test, t=y is what RFC 9989 has.",
		Cites:  []check.Citation{check.RFC("7489", "6.3"), check.RFC("9989", "4.7")}}
)

var dmarcRollout = &check.Check{
	ID: "dmarc-rollout", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
	Title: "DMARC rollout",
	Doc: check.Doc{
		What: "Whether the DMARC policy is under test (t=y, RFC 9989) or holds for a part of the mail only (pct below 100, RFC 7489).",
		Why:  "A test that nobody ends protects only some of those who get mail. Receivers of the other standard ignore the tag, and apply the full policy to everything already.",
		How:  "Test with p=none and reports. When all genuine mail passes, publish p=reject without t and pct.",
	},
	Cites:    []check.Citation{check.RFC("9989", "4.7"), check.RFC("7489", "6.3")},
	Args:     []string{"domain", "name", "policy", "percent", "also", "failed"},
	Codes:    []*check.Code{dmarcRolloutComplete, dmarcRolloutMonitoring, dmarcRolloutTesting, dmarcRolloutPartial, dmarcStrictNone, dmarcStrictUnknown, dmarcStrictNotLookedUp},
	Evaluate: evaluateDMARCRollout,
}

func evaluateDMARCRollout(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	v := viewDMARC(s)
	f := v.gate()
	if f.Code != nil {
		return v.with(f)
	}
	policy := v.record.Requested(v.found.Org)
	percent := strconv.Itoa(v.record.Percent())
	var faults []fault
	if v.record.Testing() {
		faults = append(faults, fault{dmarcRolloutTesting, "t=y says that the policy is only tested", nil})
	}
	if v.record.Percent() < 100 {
		faults = append(faults, fault{dmarcRolloutPartial, "pct=" + percent + " says that it holds for a part of the mail only", nil})
	}
	switch {
	case policy < dmarc.PolicyNone:
		return v.with(check.Finding{Code: dmarcStrictNone})
	case policy == dmarc.PolicyNone:
		f = check.Finding{Code: dmarcRolloutMonitoring, Args: map[string]string{}}
	case faults != nil:
		f = strictFinding(faults)
	default:
		f = check.Finding{Code: dmarcRolloutComplete, Args: map[string]string{}}
	}
	f.Args["policy"], f.Args["percent"] = policy.String(), percent
	return v.with(f)
}
