package smtpcheck

import (
	"fmt"
	"strings"
	"time"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/dane"
)

const forecastText = "The next certificate of {host} with the same key {same}; with a new key {new}; with a new key of another authority {issuer}. "

var (
	forecastReady = &check.Code{Name: "ready", Outcome: check.Pass,
		Text: forecastText + "What is served now is matched by {matching}."}
	forecastNewKey = &check.Code{Name: "new-key-breaks", Outcome: check.Weak, Cites: []check.Citation{check.RFC("7671", "8.1")},
		Text:   forecastText + "The certificate ends on {end}, and is commonly renewed about {due}.",
		Advice: "Either keep the key (certbot: --reuse-key), or publish a record for what comes next beside the present one, at least two TTLs ({wait}) before it is installed, that is before {before}: {next}"}
	forecastAlways = &check.Code{Name: "any-renewal-breaks", Outcome: check.Fail, Cites: []check.Citation{check.RFC("7671", "8.1"), check.RFC("7672", "3.1.1")},
		Text:   forecastText + "The records are about the certificate as a whole, which changes with every renewal. It ends on {end}, and is commonly renewed about {due}.",
		Advice: "Publish this record now, which outlives a renewal with the same key, and delete the one about the certificate two TTLs ({wait}) later: {record}"}
	forecastPublish = &check.Code{Name: "publish", Outcome: check.Weak, Cites: []check.Citation{check.RFC("7672", "2.2"), check.RFC("7671", "8.4")},
		Text:   "The zone of {host} is signed and holds no TLSA records, so that DANE is one record away.",
		Advice: "Publish what is served now: {record} And for the next key, either its record before it is installed, or: {next}"}
	forecastNothing = &check.Code{Name: "no-dane", Outcome: check.NotApplicable,
		Text: "There are no secure TLSA records for {host} that a renewal could break."}
	forecastMismatch = &check.Code{Name: "matches-nothing", Outcome: check.NotApplicable,
		Text: "The TLSA records of {host} do not match what is served, so that there is nothing to foresee: see dane-valid."}
	forecastUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text: "The certificate or the TLSA records of {host} are not known, so that nothing can be foreseen."}
)

var daneForecast = &check.Check{
	ID: "dane-forecast", Category: check.Extra, Level: check.Recommended, Scope: check.PerHost,
	Title: "DANE at the next renewal",
	Doc: check.Doc{
		What: "From the chain that is served, the TLSA records and their TTL it is foreseen whether the next certificate would still match: with the same key, with a new one, and from another authority.",
		Why:  "Most DANE failures happen on the day of a renewal: the new certificate is installed before its record is known everywhere, and mail is held back.",
		How:  "Keep two records: \"3 1 1\" of the present key, and \"3 1 1\" of the next one or \"2 1 1\" of the authority. Publish the next at least two TTLs before the key is installed, and take the old one away afterwards.",
	},
	Cites:    []check.Citation{check.RFC("7671", "8.1"), check.RFC("7671", "8.4"), check.RFC("7672", "3.1.1")},
	Requires: requiresTLS,
	Args:     []string{"host", "same", "new", "issuer", "matching", "end", "due", "before", "wait", "record", "next"},
	Codes:    []*check.Code{forecastReady, forecastNewKey, forecastAlways, forecastPublish, forecastNothing, forecastMismatch, forecastUnknown},
	Evaluate: evaluateForecast,
}

// outlook is which of the records outlive what.
type outlook struct {
	key      bool // matches the present key: 3 1 x
	anchor   bool // matches an issuer in the chain: 2 x x
	next     bool // of usage 3 and about a key, and matches nothing yet: for the next one
	matching []string
}

func evaluateForecast(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
	src, x := sourceOf(s, subject.Host), countedOf(s, subject.Host)
	f := check.Finding{Args: map[string]string{"host": subject.Host, "record": src.record(x), "next": nextRecord(src, x)}, Evidence: pointers(s, src.own)}
	switch {
	case x == nil || x.leaf() == nil || src.own == nil || src.own.Unknown():
		f.Code = forecastUnknown
		return f
	case !src.own.Exists() && src.own.Security == evidence.SecuritySecure:
		f.Code = forecastPublish
		return f
	case len(src.ownRecords()) == 0:
		f.Code = forecastNothing
		return f
	}
	in := src.input(s, x)
	res := dane.Verify(in)
	if res.Verdict != dane.Validated {
		f.Code = forecastMismatch
		return f
	}
	o := look(res)
	f.Code = forecastReady
	switch {
	case !o.key && !o.anchor:
		f.Code = forecastAlways
	case !o.anchor && !o.next:
		f.Code = forecastNewKey
	}
	f.Args["matching"] = join(o.matching)
	f.Args["same"] = words(o.key || o.anchor, "will match")
	f.Args["new"], f.Args["issuer"] = words(o.anchor, "will match, if the same authority issues it"), words(false, "")
	if o.next {
		f.Args["issuer"] = "will match, if it is the key of a record that is there already"
		if !o.anchor {
			f.Args["new"] = f.Args["issuer"]
		}
	}
	schedule(&f, s, x, src.own)
	return f
}

func words(good bool, text string) string {
	if good {
		return text
	}
	return "will break DANE"
}

// look sorts the records by what they outlive (RFC 7671, Sections 5.1 and 5.2).
func look(res dane.Result) outlook {
	var o outlook
	for _, r := range res.Records {
		t := r.TLSA
		if r.Status == dane.Matched {
			o.matching = append(o.matching, fmt.Sprintf("%d %d %d", t.Usage, t.Selector, t.Matching))
		}
		switch {
		case r.Status == dane.Matched && t.Usage == dane.DANEEE && t.Selector == dane.SPKI:
			o.key = true
		case r.Status == dane.Matched && t.Usage == dane.DANETA:
			o.anchor = true
		case r.Status == dane.NoMatch && t.Usage == dane.DANEEE && t.Selector == dane.SPKI:
			o.next = true
		}
	}
	return o
}

// schedule says when: renewal is due when a third of the certificate's life is
// left, and a record must be there two TTLs before (RFC 7671, Section 8.1).
func schedule(f *check.Finding, s *evidence.Snapshot, x *served, l *evidence.Lookup) {
	leaf := x.leaf()
	wait := 2 * time.Duration(ttlOf(l)) * time.Second
	due := leaf.NotAfter.Add(-leaf.NotAfter.Sub(leaf.NotBefore) / 3)
	before := due.Add(-wait)
	date := func(t time.Time) string { return t.UTC().Format(time.DateOnly) }
	f.Args["end"], f.Args["due"], f.Args["before"], f.Args["wait"] = date(leaf.NotAfter), date(due), date(before), wait.String()
	if due.Before(s.Time) {
		f.Args["due"] = "now"
	}
	if before.Before(s.Time) {
		f.Args["before"] = "the next renewal, which may come any day"
	}
}

// ttlOf is the TTL of the records. What a resolver holds counts down, so an hour
// is taken where there is less.
func ttlOf(l *evidence.Lookup) uint32 {
	var ttl uint32 = 3600
	for _, rr := range l.Answer {
		ttl = max(ttl, rr.TTL)
	}
	return ttl
}

// nextRecord is the record for what comes after the present key: that of the
// issuer in the chain, which needs no knowledge of the next key, or else a form
// to fill in.
func nextRecord(src source, x *served) string {
	if x != nil && len(x.ders) > 1 {
		if data, err := dane.EE(x.ders[1]); err == nil {
			return tlsaName(src.base) + ". IN TLSA 2" + strings.TrimPrefix(data, "3")
		}
	}
	return tlsaName(src.base) + ". IN TLSA 3 1 1 <SHA-256 of the next key>"
}
