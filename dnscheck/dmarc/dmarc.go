// Package dmarc reads what a domain publishes for DMARC (RFC 9989, before it
// RFC 7489): a TXT record at _dmarc below the domain, that tells receivers what
// to do with mail that fails both SPF and DKIM, and where to report it.
//
// A record is a list of tags, "v=DMARC1; p=reject; rua=mailto:...". The tag p
// is the policy for the domain, sp for names below it, t=y asks to apply the
// next weaker one. Where a domain has no record, that of its organizational
// domain holds: by RFC 7489 the registrable domain above it, one label below a
// public suffix. (RFC 9989 finds it by walking up the DNS instead.) Reports to
// another organization's address need its consent in the DNS (RFC 7489,
// Section 7.1).
//
// Two readings live here. [Parse], [Find] and [Destinations] are tolerant as
// the RFCs demand: unknown tags are ignored. Whatever begins with Compat is
// what the mail test of Internet.nl makes of the same records: a strict
// grammar, other rules for what counts. Only the second one makes points, the
// first one makes the words.
//
// The package asks nothing itself: it reads answers through a [Source], and
// [Wanted] says which answers are missing.
package dmarc

import (
	"slices"
	"strings"

	"mailvet/report/evidence"
)

// Source answers a DNS question, or returns nil where it was not asked. The
// method Lookup of a canonical [evidence.Snapshot] is one.
type Source func(name, typ string) *evidence.Lookup

// NameOf is the name that holds the record of a domain: "_dmarc." before it.
func NameOf(domain string) string {
	if domain == "" || domain == "." {
		return "_dmarc"
	}
	return "_dmarc." + evidence.Name(domain)
}

// Found is where the search for a domain's record ended.
type Found struct {
	Domain string // where the record is, or was last looked for
	Org    bool   // Domain was reached by falling back to the organizational domain
	Texts  []string
	// Lookup is the last one; nil if it was not asked, or, with Domain empty,
	// could not be, because there is no organizational domain.
	Lookup *evidence.Lookup
	// Unknown: it is not known whether there is a record, because Lookup
	// failed or was not asked.
	Unknown bool
}

// One returns the text of the one record; several are none at all (RFC 7489,
// Section 6.6.3).
func (f Found) One() (string, bool) {
	if len(f.Texts) != 1 {
		return "", false
	}
	return f.Texts[0], true
}

// Find looks for the records of a domain: at the domain, then at its
// organizational domain by the public suffix list (RFC 7489, Section 6.6.3).
// Texts are raw.
func Find(src Source, domain string) Found {
	domain = evidence.Name(domain)
	f := look(src, domain, isRecord)
	if len(f.Texts) > 0 || f.Unknown {
		return f
	}
	org := OrgDomain(domain)
	if org == domain {
		return f
	}
	if org == "" {
		return Found{Org: true}
	}
	f = look(src, org, isRecord)
	f.Org = true
	return f
}

func look(src Source, domain string, of func(string) bool) Found {
	f := Found{Domain: domain, Lookup: src(NameOf(domain), "TXT")}
	f.Unknown = f.Lookup == nil || f.Lookup.Unknown() && f.Lookup.Outcome != evidence.OutcomeBadName
	f.Texts = selectTexts(f.Lookup, of)
	return f
}

func selectTexts(l *evidence.Lookup, of func(string) bool) []string {
	if !l.Exists() {
		return nil
	}
	var list []string
	for _, rr := range l.Answer {
		if rr.Type != "TXT" {
			continue
		}
		if t := rr.Text(); of(t) {
			list = append(list, t)
		}
	}
	return list
}

// isRecord reports whether a text begins with the tag v=DMARC1; texts that do
// not are no DMARC records (RFC 7489, Section 6.6.3, step 2).
func isRecord(text string) bool {
	first, _, _ := strings.Cut(text, ";")
	name, value, ok := strings.Cut(first, "=")
	return ok && equalFold(trim(name), "v") && trim(value) == "DMARC1"
}

// MaxDestinations bounds the report destinations for which [Wanted] asks.
const MaxDestinations = 10

// Wanted lists the names whose TXT records are needed next to judge a domain:
// its record, that of its organizational domain once the first is known to
// have none, and the consent of report destinations. In all they are at most
// 2 + 2*MaxDestinations.
func Wanted(src Source, domain string) []string {
	var want []string
	need := func(l *evidence.Lookup, name string) {
		if l == nil && name != "" && !slices.Contains(want, name) {
			want = append(want, name)
		}
	}
	ask := func(list []Destination) {
		for _, d := range list[:min(len(list), MaxDestinations)] {
			need(d.Lookup, d.Name)
		}
	}
	f := Find(src, domain)
	if f.Domain != "" {
		need(f.Lookup, NameOf(f.Domain))
	}
	c := CompatFind(src, domain)
	if c.Domain != "" {
		need(c.Lookup, NameOf(c.Domain))
	}
	if text, ok := f.One(); ok {
		if r, err := Parse(text); err == nil && r.Sufficient(f.Org) {
			ask(Destinations(src, f.Domain, r))
		}
	}
	if text, ok := c.One(); ok {
		ask(CompatPolicy(src, c.Domain, text, c.Org).Destinations)
	}
	return want
}

func trim(s string) string { return strings.Trim(s, " \t") }

// equalFold compares without regard to case, in ASCII only.
func equalFold(s, t string) bool { return len(s) == len(t) && lowerASCII(s) == lowerASCII(t) }

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
