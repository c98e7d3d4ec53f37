package message

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"mailvet/dnscheck/dmarc"
	"mailvet/dnscheck/spf"
	"mailvet/report/evidence"
)

// Standard is one of the two standards of DMARC, as in package dmarc. Receivers
// of both kinds exist.
type Standard uint8

const (
	StandardUnknown Standard = iota
	RFC7489                  // organizations by the public suffix list
	RFC9989                  // organizations by the DNS
)

var standards = [...]string{"unknown", "RFC 7489", "RFC 9989"}

func (s Standard) String() string               { return standards[s] }
func (s Standard) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes, and nothing else.
func (s *Standard) UnmarshalText(b []byte) error {
	i := slices.Index(standards[:], string(b))
	if i < 0 {
		return fmt.Errorf("message: %q is no standard", b)
	}
	*s = Standard(i)
	return nil
}

// DMARC is the result for one author's domain by one standard.
type DMARC struct {
	Standard Standard
	Author   string // the domain in From; empty if there is none to judge
	Result   Result8601
	Reason   DMARCReason
	Domain   string // where the record stands, or the last place that was looked at
	Record   string // in presentation format; empty if there is none
	// Tag is the one whose value is the Policy: p, sp or np. Disposition is
	// what the author's domain asks receivers to do with this message.
	Tag                 string
	Policy, Disposition dmarc.Policy
	Testing             bool // t=y (RFC 9989): the next weaker policy is asked for
	Percent             int  // pct (RFC 7489): the part of failing mail that Disposition is for
	Identifiers         []Identifier
	Failed              *evidence.Lookup
}

// Identifier is a domain that SPF or DKIM speaks for.
type Identifier struct {
	Method  string // spf or dkim
	Nth     int    // of the Signatures
	Domain  string
	Org     string // its organizational domain
	Result  Result8601
	Aligned bool
	Strict  bool // only the author's domain itself is aligned (aspf=s, adkim=s)
}

// DMARCReason says how a result came about.
type DMARCReason uint8

const (
	DMARCUnknown     DMARCReason = iota
	DMARCAligned                 // an aligned identifier passes
	DMARCUnaligned               // none does
	DMARCUndecided               // none does, and of an aligned one it is not known
	DMARCNoRecord                // there is no record
	DMARCSeveral                 // there are several, which is as if there were none
	DMARCInvalid                 // the record cannot be used
	DMARCNoAnswer                // the question for the record brought no answer
	DMARCNoAuthor                // From is missing, cannot be read, or there are several
	DMARCManyAuthors             // From names several domains (RFC 9989)
)

var dmarcReasons = [...]string{"unknown", "aligned", "not-aligned", "undecided", "no-record", "several-records", "invalid-record", "dns", "from", "several-domains"}

func (r DMARCReason) String() string               { return dmarcReasons[r] }
func (r DMARCReason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText writes, and nothing else.
func (r *DMARCReason) UnmarshalText(b []byte) error {
	i := slices.Index(dmarcReasons[:], string(b))
	if i < 0 {
		return fmt.Errorf("message: %q is no reason", b)
	}
	*r = DMARCReason(i)
	return nil
}

// judged are the standards that a message is judged by.
var judged = []Standard{RFC7489, RFC9989}

// dmarc judges a message by each standard. Several domains in one From field
// are each judged by RFC 7489 (Section 6.6.1: the strictest policy of those
// that fail holds), and none by RFC 9989.
func (j *Judge) dmarc(ctx context.Context, q *questions, res *Result) ([]DMARC, error) {
	domains := authorDomains(res.Authors)
	var list []DMARC
	for _, std := range judged {
		switch {
		case errors.Is(res.AuthorErr, ErrManyFrom), res.AuthorErr == nil && len(domains) > 1 && std == RFC9989:
			list = append(list, DMARC{Standard: std, Reason: DMARCManyAuthors})
			continue
		case res.AuthorErr != nil:
			list = append(list, DMARC{Standard: std, Reason: DMARCNoAuthor, Result: ResultPermError})
			continue
		}
		for _, domain := range domains {
			var d DMARC
			err := q.settle(ctx, func(src func(name, typ string) *evidence.Lookup) { d = judge(src, std, domain, res) })
			if err != nil {
				return nil, err
			}
			list = append(list, d)
		}
	}
	return list, nil
}

// judge applies DMARC for one author's domain.
func judge(src dmarc.Source, std Standard, author string, res *Result) DMARC {
	d := DMARC{Standard: std, Author: author}
	f := discover(src, std, author)
	d.Domain = f.domain
	switch {
	case f.failed != nil:
		d.Result, d.Reason, d.Failed = ResultTempError, DMARCNoAnswer, f.failed
		return d
	case f.several:
		d.Reason = DMARCSeveral
		return d
	case f.record == nil:
		d.Reason = DMARCNoRecord
		return d
	}
	d.Record, d.Percent = evidence.EscapeText(clip(f.text)), 100
	if d.Tag, d.Policy = f.tag, f.policy; f.effect.Policy < dmarc.PolicyNone {
		d.Result, d.Reason = ResultPermError, DMARCInvalid
		return d
	}
	d.Identifiers = identifiers(src, std, f, author, res)
	d.Result, d.Reason = ResultFail, DMARCUnaligned
	for _, id := range d.Identifiers {
		switch {
		case id.Aligned && id.Result == ResultPass:
			d.Result, d.Reason = ResultPass, DMARCAligned
		case id.Aligned && id.Result == ResultTempError && d.Result == ResultFail:
			d.Result, d.Reason = ResultTempError, DMARCUndecided
		}
	}
	d.Disposition = dmarc.PolicyNone
	if d.Result == ResultFail {
		d.Disposition, d.Testing, d.Percent = f.effect.Policy, f.effect.Testing, f.effect.Percent
	}
	return d
}

// discovery is the record that holds for an author's domain.
type discovery struct {
	domain, text string
	record       *dmarc.Record // nil if there is none
	several      bool
	tag          string
	policy       dmarc.Policy // as the tag says
	effect       dmarc.Effect // what is asked for in the end
	failed       *evidence.Lookup
}

// discover finds the record. What is not known yet counts as none, and is
// asked for through src.
func discover(src dmarc.Source, std Standard, author string) discovery {
	if std == RFC9989 {
		return discoverWalk(src, author)
	}
	f := dmarc.Find(src, author)
	d := discovery{domain: f.Domain}
	if f.Unknown && f.Lookup != nil {
		d.failed = f.Lookup
		return d
	}
	if d.several = len(f.Texts) > 1; len(f.Texts) == 1 {
		d.use(std, f.Texts[0], f.Org, true)
	}
	return d
}

// discoverWalk goes by the tree walk (RFC 9989, Section 4.10): the record of
// the author's domain, else that of its organizational domain, else that of the
// public suffix domain above it. np holds where the author's domain does not
// exist.
func discoverWalk(src dmarc.Source, author string) discovery {
	t := dmarc.Walk(src, author)
	d := discovery{domain: author}
	for _, at := range []string{author, t.Org, t.PSD} {
		step := t.At(at)
		if step == nil || step.Record == nil {
			continue
		}
		exists := at == author
		if !exists {
			a := src(author, "A")
			exists = a == nil || a.Outcome != evidence.OutcomeNXDomain
		}
		d.domain = at
		d.use(RFC9989, step.Record.String(), at != author, exists)
		break
	}
	if d.record == nil || d.domain != author {
		for _, step := range t.Steps {
			if step.Unknown && step.Lookup != nil {
				return discovery{domain: step.Domain, failed: step.Lookup}
			}
		}
	}
	return d
}

// use reads the one record; below says that it stands above the author's
// domain, exists that this one does exist.
func (d *discovery) use(std Standard, text string, below, exists bool) {
	r, err := dmarc.Parse(text)
	d.text = text
	if err != nil {
		d.record = &dmarc.Record{}
		return
	}
	d.record, d.effect = r, r.Effect(dmarc.Standard(std), below, exists)
	if d.tag = d.effect.Tag; d.tag == "" {
		d.tag = "p" // there is no policy that could be read
	}
	if d.policy = r.Policy(d.tag); d.policy < dmarc.PolicyNone && d.effect.Policy == dmarc.PolicyNone {
		d.policy = dmarc.PolicyNone // reports can be sent, so it counts as p=none
	}
}

// identifiers lists what SPF and DKIM speak for.
func identifiers(src dmarc.Source, std Standard, f discovery, author string, res *Result) []Identifier {
	var list []Identifier
	org := orgDomain(src, std, author)
	add := func(method, mode string, nth int, domain string, result Result8601) {
		id := Identifier{Method: method, Nth: nth, Domain: domain, Result: result, Org: orgDomain(src, std, domain)}
		v, _ := f.record.Get(mode)
		id.Strict = v == "s" || v == "S"
		id.Aligned = domain == author || !id.Strict && id.Org == org
		list = append(list, id)
	}
	if s := res.mailFrom(); s != nil {
		add("spf", "aspf", 0, s.Domain, spfResult(s.Verdict.Result))
	}
	for i, s := range res.Signatures {
		if hostName(s.Domain) != "" {
			add("dkim", "adkim", i, s.Domain, s.Result)
		}
	}
	return list
}

// mailFrom is the check of SPF that DMARC looks at: of MAIL FROM, or, with the
// null sender only, of HELO (RFC 7489, Section 3.1.2).
func (r *Result) mailFrom() *SPF {
	for i := range r.SPF {
		if s := &r.SPF[i]; !s.Helo || r.Sender.From == "<>" {
			return s
		}
	}
	return nil
}

// orgDomain is the organizational domain of a name; the name itself where
// there is none above it.
func orgDomain(src dmarc.Source, std Standard, name string) string {
	if std == RFC9989 {
		return dmarc.Walk(src, name).Org
	}
	if org := dmarc.OrgDomain(name); org != "" {
		return org
	}
	return name
}

// spfResult reads SPF's result as DMARC does: only pass, and not known, matter.
func spfResult(r spf.Result) Result8601 {
	switch r {
	case spf.ResultPass:
		return ResultPass
	case spf.ResultTempError:
		return ResultTempError
	case spf.ResultNeutral:
		return ResultNeutral
	case spf.ResultPermError:
		return ResultPermError
	case spf.ResultNone:
		return ResultNone
	}
	return ResultFail
}
