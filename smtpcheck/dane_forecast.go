package smtpcheck

import (
	"fmt"
	"slices"
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
	anchor   int  // the place in the chain of an issuer that one matches: 2 x x; -1 without
	next     bool // of usage 3 and about a key, and matches nothing yet: for the next one
	matching []string
}

func evaluateForecast(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
	src, x := sourceOf(s, subject.Host), countedOf(s, subject.Host)
	f := check.Finding{Args: map[string]string{"host": subject.Host, "record": src.record(x), "next": nextRecord(s, src, x)}, Evidence: pointers(s, src.own)}
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
	res := dane.Verify(src.input(s, x))
	if res.Verdict != dane.Validated {
		f.Code = forecastMismatch
		return f
	}
	o := look(res, alsoServed(s, src, x))
	f.Code = forecastReady
	switch {
	case !o.key && o.anchor < 0:
		f.Code = forecastAlways
	case o.anchor < 0 && !o.next:
		f.Code = forecastNewKey
	}
	f.Args["matching"] = join(o.matching)
	f.Args["same"] = words(o.key || o.anchor >= 0, "will match")
	const there = "will match, if it is the key of a record that is there already"
	f.Args["new"], f.Args["issuer"] = words(o.next, there), words(o.next, there)
	if o.anchor >= 0 {
		f.Args["new"] = fmt.Sprintf("will match, if %s signs it again (authorities change their certificates, some without notice)", anchorName(x, o.anchor))
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
// A record that matches another certificate of the host is none for the next key.
func look(res dane.Result, others []dane.Result) outlook {
	o := outlook{anchor: -1}
	for i, r := range res.Records {
		t := r.TLSA
		if r.Status == dane.Matched {
			o.matching = append(o.matching, fmt.Sprintf("%d %d %d", t.Usage, t.Selector, t.Matching))
		}
		elsewhere := slices.ContainsFunc(others, func(x dane.Result) bool { return x.Records[i].Status == dane.Matched })
		switch {
		case r.Status == dane.Matched && t.Usage == dane.DANEEE && t.Selector == dane.SPKI:
			o.key = true
		case r.Status == dane.Matched && t.Usage == dane.DANETA:
			o.anchor = max(o.anchor, r.Depth)
		case r.Status == dane.NoMatch && t.Usage == dane.DANEEE && t.Selector == dane.SPKI && !elsewhere:
			o.next = true
		}
	}
	return o
}

// alsoServed is what the records say of the other certificates of the host: of
// another kind of key, or at another address.
func alsoServed(s *evidence.Snapshot, src source, x *served) []dane.Result {
	ids := []string{}
	list, _ := gradedOf(s, src.host)
	for _, g := range list {
		ids = append(ids, chainOf(g.session))
		for _, c := range g.tls.Certificates {
			ids = append(ids, c.Chain)
		}
	}
	slices.Sort(ids)
	var out []dane.Result
	for _, id := range slices.Compact(ids) {
		if chain, ders := s.Chain(id); chain != nil && chain != x.chain {
			in := src.input(s, &served{host: src.host, chain: chain, ders: ders, memo: s.Memo()})
			in.MatchOnly = true
			out = append(out, dane.Verify(in))
		}
	}
	return out
}

// anchorName names a certificate of a chain for people.
func anchorName(x *served, depth int) string {
	if depth < len(x.ders) {
		if c := x.cert(depth); c != nil && c.CommonName != "" {
			return c.CommonName
		}
	}
	return "the same authority"
}

// schedule says when: renewal is due when a third of the certificate's life is
// left, and a record must be there two TTLs before (RFC 7671, Section 8.1).
func schedule(f *check.Finding, s *evidence.Snapshot, x *served, l *evidence.Lookup) {
	leaf := x.leaf()
	ttl, known := ttlOf(l)
	wait := 2 * time.Duration(ttl) * time.Second
	due := leaf.NotAfter.Add(-leaf.NotAfter.Sub(leaf.NotBefore) / 3)
	before := due.Add(-wait)
	date := func(t time.Time) string { return t.UTC().Format(time.DateOnly) }
	f.Args["end"], f.Args["due"], f.Args["before"], f.Args["wait"] = date(leaf.NotAfter), date(due), date(before), span(wait)
	if !known {
		f.Args["wait"] += " or more: the TTL in the zone is not known, for a cache may have told what is left of it"
	}
	if due.Before(s.Time) {
		f.Args["due"] = "now"
	}
	if before.Before(s.Time) {
		f.Args["before"] = "the next renewal, which may come any day"
	}
}

// ttlOf is the TTL of the records in their zone, which their signature tells
// (RFC 4034, Section 3.1.4). What a resolver holds counts down: without a
// signature an hour is taken where there is less, and the second result is false.
func ttlOf(l *evidence.Lookup) (ttl uint32, known bool) {
	for _, sig := range l.Signatures {
		if sig.Covers == "TLSA" {
			ttl = max(ttl, sig.TTL)
		}
	}
	if ttl > 0 {
		return ttl, true
	}
	ttl = 3600
	for _, rr := range l.Answer {
		ttl = max(ttl, rr.TTL)
	}
	return ttl, false
}

// span is a time in words: "2 hours", "1 hour 30 minutes".
func span(d time.Duration) string {
	var parts []string
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}} {
		n := d / unit.size
		d -= n * unit.size
		switch {
		case n == 1:
			parts = append(parts, "1 "+unit.name)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, unit.name))
		}
	}
	return strings.Join(parts, " ")
}

// nextRecord is the record for what comes after the present key: that of the
// issuer in the chain, which needs no knowledge of the next key, if it would
// validate what is served now; or else a form to fill in.
func nextRecord(s *evidence.Snapshot, src source, x *served) string {
	owner := tlsaName(src.base) + ". IN TLSA "
	form := owner + "3 1 1 <SHA-256 of the next key>"
	if x == nil || len(x.ders) < 2 {
		return form
	}
	data, err := dane.EE(x.ders[1])
	if err != nil {
		return form
	}
	data = "2" + strings.TrimPrefix(data, "3")
	record, err := evidence.RR{Type: "TLSA", Data: data}.TLSA()
	in := src.input(s, x)
	in.Records = []evidence.TLSA{record}
	if err != nil || dane.Verify(in).Verdict != dane.Validated {
		return form
	}
	return owner + data
}
