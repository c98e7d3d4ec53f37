package main

import (
	"fmt"

	"mailvet/dnscheck/spf"
)

// checkText is a verdict for people.
func checkText(domain string, s spf.Sender, v spf.Verdict) string {
	var p page
	p.line("%s, sending as %s: %s", s.IP, s.From, v.Result)
	p.line("")
	p.paragraph("%s", because(v))
	if len(v.Path) > 0 {
		p.line("")
	}
	width := 0
	for _, step := range v.Path {
		width = max(width, min(len(step.Name), maxTermWidth))
	}
	for _, step := range v.Path {
		p.line("  %-*s  %s", width, step.Name, step.Term)
	}
	p.line("")
	p.line("Lookups         %d; receivers make %d", v.Lookups, spf.MaxLookups)
	p.line("Void lookups    %d; %d may find nothing", len(v.Void), spf.MaxVoid)
	for _, q := range v.Void {
		p.line("  no %s record of %s", q.Type, q.Name)
	}
	if v.Explanation != "" {
		p.line("")
		p.paragraph("%s explains: %s", domain, v.Explanation)
	}
	return p.String()
}

// because says how a verdict came about.
func because(v spf.Verdict) string {
	at := ""
	if step := v.Decided(); step != nil {
		at = step.Term.String()
	}
	switch v.Reason {
	case spf.ReasonMatched:
		return fmt.Sprintf("%s in the record of %s matches.", at, v.Name)
	case spf.ReasonNothing:
		return fmt.Sprintf("No term of the record of %s matches, and it has no all (RFC 7208, Section 4.7).", v.Name)
	case spf.ReasonBadName:
		return fmt.Sprintf("\"%s\" is no name that can have a policy (RFC 7208, Section 4.3).", v.Name)
	case spf.ReasonNoRecord:
		return fmt.Sprintf("%s has no SPF record (RFC 7208, Section 4.5).", v.Name)
	case spf.ReasonSeveral:
		return fmt.Sprintf("%s has several SPF records, where one is allowed (RFC 7208, Section 4.5).", v.Name)
	case spf.ReasonSyntax:
		return fmt.Sprintf("The record of %s does not parse: %s.", v.Name, syntax(v.Err))
	case spf.ReasonLookups:
		return fmt.Sprintf("%s in the record of %s would be lookup %d; receivers make %d (RFC 7208, Section 4.6.4).", at, v.Name, v.Lookups, spf.MaxLookups)
	case spf.ReasonVoid:
		return fmt.Sprintf("%d lookups found nothing, the last one that of %s; %d are allowed (RFC 7208, Section 4.6.4).", len(v.Void), v.Name, spf.MaxVoid)
	case spf.ReasonMXHosts:
		return fmt.Sprintf("%s has more than ten MX hosts (RFC 7208, Section 4.6.4).", v.Name)
	case spf.ReasonDNS:
		return fmt.Sprintf("The question for %s of %s failed (%s).", v.Failed.Type, v.Failed.Name, outcome(v.Failed))
	case spf.ReasonTime:
		return fmt.Sprintf("The time ran out at %s.", v.Name)
	case spf.ReasonLocalPart:
		return fmt.Sprintf("%s in the record of %s cannot be used with a local part beyond ASCII (RFC 8616, Section 4).", at, v.Name)
	}
	panic("spf: a verdict without a reason")
}
