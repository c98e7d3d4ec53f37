// Package check is the language of judgement. A [Check] is a literal: what it
// looks at, why that matters, every answer it can give, and one pure function
// from evidence to exactly one of these answers. The catalogue of a program is
// a slice of them; [Run] evaluates it over a snapshot.
//
// Two readings of the same evidence live side by side. A [Code] is ours: it
// makes the words a person reads. Its Verdict names the outcome that
// Internet.nl's mail test would give for the same facts, a row of the table in
// package score: it makes the points and the internetnl format. Where the two
// differ, the code's Text says so.
package check

import (
	"mailvet/report/evidence"
)

// Category groups checks. Extra is what Internet.nl does not test; it is
// never scored.
type Category uint8

const (
	CategoryNone Category = iota
	IPv6
	DNSSEC
	Auth
	TLS
	RPKI
	Extra
)

// Level is how much a check weighs, by RFC 2119.
type Level uint8

const (
	LevelNone Level = iota
	Required
	Recommended
	Optional
	Informational
)

// Scope is what a check is evaluated for.
type Scope uint8

const (
	ScopeNone Scope = iota
	PerDomain
	PerHost    // each MX host; once for the domain (empty subject) where there is none
	PerAddress // each address of each MX host; likewise
	PerMailbox // the mail address that was given; without one there is no result at all
)

// Outcome is what a code says of its subject. The zero value is the cautious one.
type Outcome uint8

const (
	Inconclusive  Outcome = iota // it cannot be said from this evidence
	Pass                         // as it should be
	Weak                         // works, but should be phased out or completed
	Fail                         // not as it should be
	NotApplicable                // there is nothing to judge
	Blocked                      // a check it requires did not pass
)

// Status is what a reader sees: [StatusOf] makes it from outcome and level.
type Status uint8

const (
	StatusUnknown Status = iota
	StatusError          // the domain or the whole category could not be tested
	StatusFailed
	StatusWarning
	StatusInfo
	StatusNotTested
	StatusPassed
)

// StatusOf is the table of what readers see.
//
// A code that is inconclusive because nobody looked (see [Code.NotAsked])
// shows as not tested, not as unknown.
func StatusOf(c *Code, l Level) Status {
	switch c.Outcome {
	case Inconclusive:
		if c.NotAsked {
			return StatusNotTested
		}
		return StatusUnknown
	case Pass:
		return StatusPassed
	case NotApplicable, Blocked:
		return StatusNotTested
	case Weak:
		if l == Required || l == Recommended {
			return StatusWarning
		}
		return StatusInfo
	case Fail:
		switch l {
		case Required:
			return StatusFailed
		case Recommended:
			return StatusWarning
		default:
			return StatusInfo
		}
	}
	panic("check: outcome " + c.Outcome.String())
}

// Citation says where a rule stands.
type Citation struct {
	Source  string `json:"source"`            // "RFC 7672", "NCSC TLS 2025-05", "Internet.nl"
	Section string `json:"section,omitempty"` // "3.1.3"
}

// RFC cites a section of an RFC.
func RFC(number, section string) Citation { return Citation{"RFC " + number, section} }

// NCSC cites the NCSC-NL TLS guidelines, version 2025-05.
func NCSC(section string) Citation { return Citation{"NCSC-NL TLS guidelines 2025-05", section} }

// InternetNL cites the mail test of Internet.nl for rules that stand nowhere else.
func InternetNL(subtest string) Citation { return Citation{"Internet.nl", subtest} }

func (c Citation) String() string {
	if c.Section == "" {
		return c.Source
	}
	return c.Source + ", Section " + c.Section
}

// Doc explains a check to someone who does not know the standard. Each part
// is one to three full sentences.
type Doc struct {
	What string // what is looked at
	Why  string // why it matters
	How  string // how to get it right, with the record or setting
}

// Check is one question with all its answers. A Check is immutable.
type Check struct {
	ID       string // stable, kebab-case, never reused
	API      string // Internet.nl's API id, "mail_auth_spf_exist"; empty for extra checks
	Category Category
	Level    Level
	Scope    Scope
	Title    string // a short noun phrase
	Doc      Doc
	Cites    []Citation
	// Requires lists checks that must have passed (or be Weak) for the same
	// subject, or for the domain where they have none for it. Else the answer
	// is [BlockedBy], or [UnknownBy] where a required one is inconclusive.
	Requires []*Check
	// Args names every argument that Text and Advice of its codes may use, as {name}.
	Args  []string
	Codes []*Code
	// Evaluate answers for one subject. It reads only the snapshot, which is
	// canonical, and is called at most once for each subject. Nil means that
	// this version does not gather the evidence yet: where what it requires
	// has passed, the answer is [Ungathered].
	Evaluate func(*evidence.Snapshot, evidence.Subject) Finding
}

// Code is one answer of a check.
type Code struct {
	Name    string // kebab-case, unique within its check, stable
	Outcome Outcome
	// NotAsked marks an Inconclusive code that says nobody looked, on the
	// user's wish or because this version cannot.
	NotAsked bool
	// Verdict is the row of Internet.nl's outcome table for the same facts, as
	// named by the policy in package score ("good", "not-tested/none"). Empty
	// where Internet.nl has no such subtest, or nothing comparable can be said:
	// then it counts no points.
	Verdict string
	Text    string // full sentences: what was found, naming the subject
	Advice  string // what to do; empty where nothing is to be done
	Cites   []Citation
	// SameAs lists codes of checks that stand before this one and tell the same
	// fault: where one of them was found for the same subject, readers are told
	// once. It does not hold where the argument "also" or "compared" tells more.
	SameAs []*Code
}

// Untested is the verdict, in every row, of a subject to which Internet.nl
// would not have come: not tested, with the worst status and the points of
// before the test.
const Untested = "untested"

// Finding is the answer of a check for one subject.
type Finding struct {
	Code    *Code
	Subject evidence.Subject // set by Run
	// Verdict, if not empty, takes the place of Code.Verdict where the
	// readings vary independently.
	Verdict string
	// Points, if not nil, are the points of a verdict whose points vary.
	Points   *int
	Args     map[string]string // values may be hostile text: renderers escape
	Evidence []string          // JSON pointers into the snapshot
}

// VerdictID is the finding's row of Internet.nl's outcomes.
func (f Finding) VerdictID() string {
	if f.Verdict != "" {
		return f.Verdict
	}
	return f.Code.Verdict
}

// Result is a check with its findings, one for each subject.
type Result struct {
	Check    *Check
	Findings []Finding
}

// Answers that any check may give without listing them.
var (
	// Ungathered: the check is declared, its evidence is not collected yet.
	Ungathered = &Code{Name: "not-gathered", Outcome: Inconclusive, NotAsked: true,
		Text: "Not tested: this version of Mailvet does not collect the evidence for it yet."}
	// BlockedBy: a check it requires did not pass.
	BlockedBy = &Code{Name: "blocked", Outcome: Blocked,
		Text: "Not tested, because \"{requires}\" did not pass."}
	// NothingBy: a check it requires does not apply, so neither does this one.
	NothingBy = &Code{Name: "nothing-to-test", Outcome: NotApplicable,
		Text: "There is nothing to test, because \"{requires}\" does not apply."}
	// UnknownBy: a check it requires is inconclusive, so this one is too.
	UnknownBy = &Code{Name: "unknown-requirement", Outcome: Inconclusive,
		Text: "Not known, because \"{requires}\" is not known."}
	// SkippedBy: a check it requires was left out.
	SkippedBy = &Code{Name: "skipped", Outcome: Inconclusive, NotAsked: true,
		Text: "Not tested, because \"{requires}\" was not tested."}
)

// Common is the list of the answers above.
var Common = []*Code{Ungathered, BlockedBy, NothingBy, UnknownBy, SkippedBy}
