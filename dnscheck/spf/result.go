package spf

import (
	"fmt"

	"mailvet/report/evidence"
)

// Result is what check_host() answers (RFC 7208, Section 2.6). The zero value
// is "none".
type Result uint8

const (
	ResultNone      Result = iota // no policy was found, or the name is none that can have one
	ResultNeutral                 // the policy says nothing about this sender
	ResultPass                    // the sender is authorised
	ResultFail                    // the sender is not authorised
	ResultSoftFail                // the sender is probably not authorised
	ResultTempError               // the DNS failed; trying again later may help
	ResultPermError               // the published records are wrong
)

var results = [...]string{"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"}

func (r Result) String() string               { return results[r] }
func (r Result) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
func (r *Result) UnmarshalText(b []byte) error {
	for i, s := range results {
		if s == string(b) {
			*r = Result(i)
			return nil
		}
	}
	return fmt.Errorf("spf: %q is no result", b)
}

// ResultOf is the result of a matching mechanism (RFC 7208, Section 4.6.2).
func ResultOf(q Qualifier) Result {
	switch q {
	case Pass:
		return ResultPass
	case Fail:
		return ResultFail
	case SoftFail:
		return ResultSoftFail
	case Neutral:
		return ResultNeutral
	}
	panic(fmt.Sprintf("spf: qualifier %q of a mechanism", byte(q)))
}

// Reason says how a result came about.
type Reason uint8

const (
	ReasonUnknown   Reason = iota
	ReasonMatched          // the last term of the path matched
	ReasonNothing          // no term matched, and there is no redirect (Section 4.7)
	ReasonBadName          // the name cannot hold a policy (Section 4.3)
	ReasonNoRecord         // the name has no record (Section 4.5)
	ReasonSeveral          // the name has several records (Section 4.5)
	ReasonSyntax           // the record does not parse (Section 4.6)
	ReasonLookups          // more than ten terms that look something up (Section 4.6.4)
	ReasonVoid             // too many of the lookups found nothing (Section 4.6.4)
	ReasonMXHosts          // a domain with more than ten MX hosts (Section 4.6.4)
	ReasonDNS              // a DNS question failed (Section 4.4, Section 5)
	ReasonTime             // the time for the evaluation ran out (Section 4.6.4)
	ReasonLocalPart        // the local part has octets outside ASCII (RFC 8616, Section 4)
)

var reasons = [...]string{"unknown", "matched", "nothing-matched", "bad-name", "no-record", "several-records", "syntax",
	"lookup-limit", "void-limit", "mx-limit", "dns", "time", "local-part"}

func (r Reason) String() string               { return reasons[r] }
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
func (r *Reason) UnmarshalText(b []byte) error {
	for i, s := range reasons {
		if s == string(b) {
			*r = Reason(i)
			return nil
		}
	}
	return fmt.Errorf("spf: %q is no reason", b)
}

// Step is a term on the way to a result, with the record it stands in.
type Step struct {
	Name   string // of the record, in presentation format
	Record *Record
	Term   Term
}

// Verdict is what an evaluation found.
type Verdict struct {
	Result Result
	Reason Reason
	// Path leads from the domain's own record to the term that decided, or at
	// which the evaluation broke off: the includes and redirects on the way,
	// then the term itself. With ReasonNothing, and where the records of a
	// name are at fault, it ends with the redirect or include that leads
	// there; it is empty where that is the domain itself.
	Path []Step
	// Name is the name whose records, or lack of them, decided.
	Name string
	// Explanation is the text that the domain wants senders to be told, raw,
	// with ResultFail only (Section 6.2). It holds what the domain, and the
	// sender, put into it.
	Explanation string
	Err         error            // with ReasonSyntax: a *[SyntaxError]
	Failed      *evidence.Lookup // with ReasonDNS
	Lookups     int              // terms that looked something up, at most [MaxLookups] + 1
	// Void are the lookups among them that found nothing, in order.
	Void []evidence.Question
}

// Decided is the last step of the path: the term that decided, in the
// innermost record. It is nil where the path is empty.
func (v *Verdict) Decided() *Step {
	if len(v.Path) == 0 {
		return nil
	}
	return &v.Path[len(v.Path)-1]
}
