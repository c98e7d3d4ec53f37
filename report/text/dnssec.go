package text

import (
	"fmt"
	"slices"
	"strings"

	"mailvet/report"
	"mailvet/report/evidence"
)

// dnssec writes how the verdicts of DNSSEC came about: the chain of each
// answer, and each zone with what leads into it.
func (p *page) dnssec(d *report.DNSSEC) {
	if d == nil {
		return
	}
	p.line("")
	p.line(p.paint("DNSSEC, zone by zone", bold))
	for _, z := range d.Zones {
		p.line("  " + p.padded(z.Security.String(), 14, securityStyle(z.Security)) + Clean(zoneText(z.Name)))
		if z.Reason != "" {
			p.para(6, "The chain of trust ends here: "+Clean(z.Reason))
		}
		for _, ds := range z.DS {
			leads := "leads to no key of the zone"
			switch {
			case ds.Leads:
				leads = "leads to that key"
			case z.Security == evidence.SecurityInsecure:
				leads = "not followed"
			}
			what := "DS record"
			if z.Name == "." {
				what = "Trust anchor"
			}
			p.para(6, fmt.Sprintf("%s for key %d, %s, digest %s: %s", what, ds.Tag, ds.AlgorithmName, ds.DigestName, leads))
		}
		for _, k := range z.Keys {
			p.para(6, keyLine(k))
		}
		if s := z.Signature; s != nil {
			p.para(6, fmt.Sprintf("These keys are signed by key %d until %s.", s.Tag, s.Expiration.UTC().Format("2006-01-02 15:04:05 UTC")))
		}
	}
	for _, a := range d.Answers {
		p.line("  " + p.padded(a.Security.String(), 14, securityStyle(a.Security)) + Clean(a.Name) + " " + Clean(a.Type))
		var chain []string
		for _, name := range a.Chain {
			chain = append(chain, Clean(name))
		}
		p.para(6, "By way of "+strings.Join(chain, " > "))
		if a.Reason != "" && !slices.ContainsFunc(d.Zones, func(z report.DNSSECZone) bool { return z.Reason == a.Reason }) {
			p.para(6, Clean(a.Reason))
		}
	}
}

func zoneText(name string) string {
	if name == "." {
		return "the root"
	}
	return "zone " + name
}

func keyLine(k report.DNSSECKey) string {
	s := fmt.Sprintf("Key %d, %s", k.Tag, k.AlgorithmName)
	if k.Bits > 0 {
		s += fmt.Sprintf(", %d bits", k.Bits)
	}
	if k.Flags&1 != 0 {
		s += ", entry point"
	}
	if k.Flags&128 != 0 {
		s += ", revoked"
	}
	if k.Trusted {
		s += ", trusted"
	}
	return s
}

func securityStyle(s evidence.Security) style {
	switch s {
	case evidence.SecuritySecure:
		return green
	case evidence.SecurityBogus:
		return red
	case evidence.SecurityInsecure:
		return yellow
	}
	return cyan
}
