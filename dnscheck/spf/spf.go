// Package spf reads what a domain publishes for the Sender Policy Framework
// (RFC 7208): a TXT record that lists who may send mail in the domain's name.
//
// A record is "v=spf1" and terms. A term is a directive, a mechanism with a
// qualifier ("-all": whoever was not matched before fails), or a modifier
// ("redirect=": go on in another domain's record). The mechanisms include, a,
// mx, ptr and exists and the modifier redirect make a receiver ask the DNS;
// it may do so for at most ten terms (Section 4.6.4), those of included
// records counted too, else the result is permerror and the policy protects
// nothing.
//
// Two readings live here. [Parse] and [Walk] are RFC 7208. [CompatPolicy] and
// whatever else begins with Compat is what the mail test of Internet.nl makes
// of the same records: another grammar, another way to count, other reasons to
// fail. Only the second one makes points, the first one makes the words.
//
// Three questions can be put to a policy. What does the record say: [Parse].
// Where does it lead, what does that cost, whom does it authorise: [Walk] for
// the tree of records, [NewSurvey] for all of it. May this sender use the
// domain: [Checker.Check], which is check_host() of Section 4.
//
// The package opens no connection: it reads answers through a [Source], and
// says which are missing ([Wanted], Survey.Missing), or puts questions to a
// [Resolver] that its caller brings.
package spf

import "mailvet/report/evidence"

// Source answers a DNS question, or returns nil where it was not asked. The
// method Lookup of a canonical [evidence.Snapshot] is one.
type Source func(name, typ string) *evidence.Lookup

// MaxLookups is the number of terms that may cause DNS queries during one
// evaluation (RFC 7208, Section 4.6.4).
const MaxLookups = 10

// Select returns the texts of the records of this version, raw (RFC 7208,
// Section 4.5): "v=spf1", then a space or nothing. An RRset with anything but
// one of them has no policy.
func Select(l *evidence.Lookup) []string {
	return selectTexts(l, func(t string) bool {
		return hasPrefixFold(t, version) && (len(t) == len(version) || t[len(version)] == ' ')
	})
}

const version = "v=spf1"

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

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && equalFold(s[:len(prefix)], prefix)
}

// equalFold compares without regard to case, in ASCII only.
func equalFold(s, t string) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range len(s) {
		if lower(s[i]) != lower(t[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
