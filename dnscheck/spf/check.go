package spf

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailvet/report/evidence"
)

// Resolver answers DNS questions. A question that fails is an answer, too (see
// [evidence.Outcome]); an error says that it could not be asked, because ctx
// has ended or the resolver is wrongly configured.
type Resolver interface {
	Lookup(ctx context.Context, name, qtype string) (evidence.Lookup, error)
}

// MaxVoid is the number of lookups that may find nothing during one
// evaluation (RFC 7208, Section 4.6.4).
const MaxVoid = 2

// Bounds of RFC 7208, Section 4.6.4: MX hosts of a domain, beyond which the
// result is permerror, and names of an address, beyond which they are ignored.
const (
	maxMXHosts  = 10
	maxPTRNames = 10
)

// Checker evaluates policies. All fields but Resolver may be left zero. It may
// be used by several goroutines at once if the Resolver may.
type Checker struct {
	Resolver Resolver
	// Receiver is the name of the receiving host, for explanations; "unknown"
	// if empty (Section 7.3).
	Receiver string
	// Time is that of the check, for explanations.
	Time time.Time
	// VoidLimit takes the place of MaxVoid; negative: no limit (Section 4.6.4
	// lets it be configured).
	VoidLimit int
}

// Sender is who sends, or wants to.
type Sender struct {
	IP netip.Addr
	// From is the address of MAIL FROM. Where it is empty, or has no local
	// part, that is "postmaster" (Sections 2.4 and 4.3).
	From string
	Helo string // the name in HELO or EHLO
}

// Check is check_host() of RFC 7208, Section 4: may the sender use the domain?
// Both identities are checked with it; the domain is that of From for the one
// and Helo for the other. The error says that the evaluation could not be done,
// as ctx was cancelled or the resolver cannot be used; when ctx's time runs out
// the result is temperror.
func (c *Checker) Check(ctx context.Context, domain string, s Sender) (Verdict, error) {
	if !s.IP.IsValid() {
		return Verdict{}, errors.New("spf: check a sender without an address")
	}
	e := &evaluation{Checker: c, ctx: ctx, helo: s.Helo}
	// Section 5: IPv4-mapped IPv6 addresses are IPv4 addresses.
	e.ip = s.IP.Unmap().WithZone("")
	e.setSender(domain, s.From)
	v, err := e.host(domain, nil, false)
	if errors.Is(err, context.DeadlineExceeded) {
		// Section 4.6.4: when a limit on elapsed time is exceeded.
		v, err = Verdict{Result: ResultTempError, Reason: ReasonTime, Path: e.at, Name: presentation(e.current)}, nil
	}
	if err != nil {
		return Verdict{}, fmt.Errorf("spf: check %s: %w", presentation(domain), err)
	}
	v.Lookups, v.Void = e.lookups, e.void
	return v, nil
}

// evaluation is the state of one Check.
type evaluation struct {
	*Checker
	ctx               context.Context
	ip                netip.Addr
	local, from, helo string // the parts of the sender's address
	lookups           int
	void              []evidence.Question
	validated         []string // names of the address, see names
	validatedKnown    bool
	current           string // the name being looked at
	at                []Step // the way to it
}

func (e *evaluation) setSender(domain, from string) {
	e.local, e.from = "postmaster", domain
	if i := strings.LastIndexByte(from, '@'); i >= 0 {
		if e.from = from[i+1:]; i > 0 {
			e.local = from[:i]
		}
	} else if from != "" {
		e.from = from
	}
	e.from = strings.TrimSuffix(e.from, ".")
}

// host is check_host() for one name. It is raw: macros are made of it. Included evaluations ask for no
// explanation (Section 6.2).
func (e *evaluation) host(domain string, path []Step, included bool) (Verdict, error) {
	domain = strings.TrimSuffix(domain, ".")
	e.current, e.at = domain, path
	v := Verdict{Path: path, Name: presentation(domain)}
	if !properName(domain) {
		v.Reason = ReasonBadName
		return v, nil
	}
	l, err := e.ask(v.Name, "TXT")
	if err != nil {
		return v, err
	}
	texts := Select(l)
	switch {
	case l.Outcome == evidence.OutcomeBadName:
		v.Reason = ReasonBadName
		return v, nil
	case l.Unknown():
		v.Result, v.Reason, v.Failed = ResultTempError, ReasonDNS, l
		return v, nil
	case len(texts) == 0:
		v.Reason = ReasonNoRecord
		return v, nil
	case len(texts) > 1:
		v.Result, v.Reason = ResultPermError, ReasonSeveral
		return v, nil
	}
	r, err := Parse(texts[0])
	if err != nil {
		v.Result, v.Reason, v.Err = ResultPermError, ReasonSyntax, err
		return v, nil
	}
	return e.record(r, domain, path, included)
}

// record evaluates a record, term by term (Section 4.6).
func (e *evaluation) record(r *Record, domain string, path []Step, included bool) (Verdict, error) {
	for _, t := range r.Reached() {
		e.current, e.at = domain, append(slices.Clip(path), Step{presentation(domain), r, t})
		if t.Kind == Redirect {
			return e.redirect(t, domain, e.at, included)
		}
		v, err := e.mechanism(t, domain, e.at)
		if err != nil {
			return Verdict{}, err
		}
		if v == nil {
			continue
		}
		if v.Result == ResultFail && !included {
			v.Explanation, err = e.explain(r, domain)
		}
		return *v, err
	}
	// Section 4.7: the default result.
	return Verdict{Result: ResultNeutral, Reason: ReasonNothing, Path: path, Name: presentation(domain)}, nil
}

// redirect goes on in another record (Section 6.1).
func (e *evaluation) redirect(t Term, domain string, path []Step, included bool) (Verdict, error) {
	target, v, err := e.target(t, domain, path)
	if err != nil {
		return Verdict{}, err
	}
	if v != nil {
		if v.Result == ResultNone {
			v.Result = ResultPermError
		}
		return *v, nil
	}
	found, err := e.host(target, path, included)
	if found.Result == ResultNone {
		found.Result = ResultPermError
	}
	return found, err
}

// mechanism evaluates a directive; nil means that it does not match.
func (e *evaluation) mechanism(t Term, domain string, path []Step) (*Verdict, error) {
	matched := &Verdict{Result: ResultOf(t.Qualifier), Reason: ReasonMatched, Path: path, Name: presentation(domain)}
	is := func(match bool, v *Verdict, err error) (*Verdict, error) {
		if err == nil && v == nil && match {
			v = matched
		}
		return v, err
	}
	switch t.Kind {
	case All:
		return matched, nil
	case IP4, IP6:
		return is(t.Prefix.Contains(e.ip), nil, nil)
	}
	target, v, err := e.target(t, domain, path)
	if err != nil {
		return nil, err
	}
	if v != nil {
		if v.Result == ResultNone {
			return nil, nil // there is no such name, so nothing matches
		}
		return v, nil
	}
	name := presentation(target)
	switch t.Kind {
	case Include:
		return e.include(t, target, path)
	case A:
		return is(e.hostMatches(name, t, path))
	case MX:
		return is(e.mxMatches(name, t, path))
	case PTR:
		return is(e.ptrMatches(name, path))
	case Exists:
		return is(e.existsMatches(name, path))
	}
	panic("spf: evaluate a " + t.Kind.String())
}

// include evaluates another policy (Section 5.2).
func (e *evaluation) include(t Term, target string, path []Step) (*Verdict, error) {
	v, err := e.host(target, path, true)
	if err != nil {
		return nil, err
	}
	switch v.Result {
	case ResultPass:
		v.Result = ResultOf(t.Qualifier)
		return &v, nil
	case ResultFail, ResultSoftFail, ResultNeutral:
		return nil, nil
	case ResultNone:
		v.Result = ResultPermError
		return &v, nil
	case ResultTempError, ResultPermError:
		return &v, nil
	}
	panic("spf: result " + v.Result.String())
}

// target counts a term that looks something up and expands its name, the
// current one where it has none. With a Verdict there is no such name
// (ResultNone), or one lookup too many (Section 4.6.4).
func (e *evaluation) target(t Term, domain string, path []Step) (string, *Verdict, error) {
	if e.lookups++; e.lookups > MaxLookups {
		return "", &Verdict{Result: ResultPermError, Reason: ReasonLookups, Path: path, Name: presentation(domain)}, nil
	}
	if t.Domain == "" {
		return domain, nil, nil
	}
	name, ok, err := e.expand(t.Domain, domain, false)
	if err != nil {
		return "", nil, err
	}
	if !ok {
		return "", &Verdict{Reason: ReasonLocalPart, Path: path, Name: presentation(domain)}, nil
	}
	return cutName(strings.TrimSuffix(name, ".")), nil, nil
}

// cutName removes labels on the left of a name that is too long (Section 7.3).
func cutName(name string) string {
	for len(name) > 253 {
		_, rest, ok := strings.Cut(name, ".")
		if !ok {
			break // one label; it will be no proper name
		}
		name = rest
	}
	return name
}

// explain is the explanation of a record (Section 6.2). Whatever is wrong with
// it, it is then as if there were none.
func (e *evaluation) explain(r *Record, domain string) (string, error) {
	i := slices.IndexFunc(r.Terms, func(t Term) bool { return t.Kind == Exp })
	if i < 0 {
		return "", nil
	}
	name, ok, err := e.expand(r.Terms[i].Domain, domain, false)
	if err != nil || !ok {
		return "", err
	}
	l, err := e.ask(presentation(cutName(strings.TrimSuffix(name, "."))), "TXT")
	if err != nil || !l.Exists() || len(l.Answer) != 1 {
		return "", err
	}
	text := l.Answer[0].Text()
	if !isExplanation(text) {
		return "", nil
	}
	text, _, err = e.expand(text, domain, true)
	if len(text) > maxExplanation {
		text = text[:maxExplanation]
	}
	return text, err
}

// maxExplanation bounds explanations, in octets; an SMTP reply line has 512.
const maxExplanation = 2048

// ask puts a question about a name in presentation format. One that is blank
// is never put to the resolver.
func (e *evaluation) ask(name, typ string) (*evidence.Lookup, error) {
	if isBlank(name) {
		return &evidence.Lookup{Name: name, Type: typ, Outcome: evidence.OutcomeBadName}, nil
	}
	l, err := e.Resolver.Lookup(e.ctx, name, typ)
	return &l, err
}

// properName reports whether a raw name can hold a policy: two labels or more,
// of 1 to 63 octets, 253 in all (Section 4.3).
func properName(name string) bool {
	labels := strings.Split(name, ".")
	if len(labels) < 2 || len(name) > 253 {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 {
			return false
		}
	}
	return true
}

// presentation writes a raw name as DNS questions have it.
func presentation(name string) string {
	return evidence.Name(strings.ReplaceAll(evidence.EscapeText(name), " ", `\032`))
}
