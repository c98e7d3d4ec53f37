package check

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"mailvet/report/evidence"
)

// Run evaluates the catalogue over a canonical snapshot: the results stand in
// the catalogue's order, the findings of each in the order of their subjects.
// A check that another requires must stand before it; Validate sees to that. A
// check without a subject, one of mailboxes in a scan of a domain, is left out.
func Run(catalogue []*Check, s *evidence.Snapshot) []Result {
	s = s.Frozen()
	results := make([]Result, 0, len(catalogue))
	var scopes [PerMailbox + 1][]evidence.Subject
	for scope := PerDomain; scope <= PerMailbox; scope++ {
		scopes[scope] = Subjects(s, scope)
	}
	total := 0
	for _, c := range catalogue {
		total += len(scopes[c.Scope])
	}
	all := make([]Finding, total)
	for _, c := range catalogue {
		subjects := scopes[c.Scope]
		if len(subjects) == 0 {
			continue
		}
		findings := all[:len(subjects):len(subjects)]
		all = all[len(subjects):]
		for i, subject := range subjects {
			findings[i] = answer(c, s, subject, results)
			findings[i].Subject = subject
		}
		results = append(results, Result{c, findings})
	}
	return results
}

// answer evaluates a check for one subject; done are the results so far.
func answer(c *Check, s *evidence.Snapshot, subject evidence.Subject, done []Result) Finding {
	for _, req := range c.Requires {
		f, ok := findingFor(done, req, subject)
		if !ok {
			continue
		}
		if f.Code.Outcome == Pass || f.Code.Outcome == Weak {
			continue
		}
		args := map[string]string{"requires": req.Title}
		switch {
		case f.Code.Outcome == Inconclusive && f.Code.NotAsked:
			return Finding{Code: SkippedBy, Args: args}
		case f.Code.Outcome == Inconclusive:
			return Finding{Code: UnknownBy, Args: args}
		case f.Code.Outcome == NotApplicable:
			return Finding{Code: NothingBy, Args: args}
		default:
			return Finding{Code: BlockedBy, Args: args}
		}
	}
	if c.Evaluate == nil {
		return Finding{Code: Ungathered}
	}
	f := c.Evaluate(s, subject)
	if f.Code == nil || !slices.Contains(c.Codes, f.Code) && !slices.Contains(Common, f.Code) {
		panic(fmt.Sprintf("check: %s answered a code it does not list", c.ID))
	}
	return f
}

func findingFor(done []Result, req *Check, subject evidence.Subject) (Finding, bool) {
	i := slices.IndexFunc(done, func(r Result) bool { return r.Check == req })
	if i < 0 {
		return Finding{}, false
	}
	findings := done[i].Findings
	for _, want := range [...]evidence.Subject{subject, {Host: subject.Host}, {}} {
		for i := range findings {
			if findings[i].Subject == want {
				return findings[i], true
			}
		}
	}
	return Finding{}, false
}

// Subjects lists what a scope stands for in a snapshot, in a fixed order. It
// is empty for PerMailbox alone: without MX hosts the domain is the one subject.
func Subjects(s *evidence.Snapshot, scope Scope) []evidence.Subject {
	var list []evidence.Subject
	switch scope {
	case PerDomain:
	case PerMailbox:
		if s.Address == "" {
			return nil
		}
	case PerHost:
		for _, h := range s.Mail().Hosts {
			list = append(list, evidence.Subject{Host: h})
		}
	case PerAddress:
		for _, h := range s.Mail().Hosts {
			addrs, _, _ := s.Addresses(h)
			for _, a := range addrs {
				list = append(list, evidence.Subject{Host: h, Addr: a.String()})
			}
		}
	default:
		panic("check: scope " + scope.String())
	}
	if list == nil {
		list = []evidence.Subject{{}}
	}
	return list
}

var (
	kebab       = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	placeholder = regexp.MustCompile(`\{([^{}]*)\}`)
)

// Validate reports every mistake of a catalogue, joined.
func Validate(catalogue []*Check) error {
	var errs []error
	seen := map[string]bool{}
	apis := map[string]bool{}
	before := map[*Check]bool{}
	codes := map[*Code]bool{}
	for _, c := range catalogue {
		fail := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("check %s: %s", c.ID, fmt.Sprintf(format, args...)))
		}
		if !kebab.MatchString(c.ID) {
			fail("the id is not kebab-case")
		}
		if seen[c.ID] {
			fail("the id is used twice")
		}
		seen[c.ID] = true
		if c.API != "" && apis[c.API] {
			fail("the API id %s is used twice", c.API)
		}
		apis[c.API] = true
		if c.Category == CategoryNone || c.Level == LevelNone || c.Scope == ScopeNone {
			fail("category, level or scope is missing")
		}
		if (c.API == "") != (c.Category == Extra) {
			fail("extra checks, and only they, have no API id")
		}
		for what, s := range map[string]string{"title": c.Title, "what": c.Doc.What, "why": c.Doc.Why, "how": c.Doc.How} {
			if strings.TrimSpace(s) == "" {
				fail("the text %q is missing", what)
			}
		}
		if len(c.Cites) == 0 {
			fail("no citation")
		}
		for _, r := range c.Requires {
			if !before[r] {
				fail("requires %s, which does not stand before it", r.ID)
			}
		}
		before[c] = true
		for _, code := range c.Codes {
			for _, same := range code.SameAs {
				if !codes[same] {
					fail("code %s is the same as %s, which does not stand before it", code.Name, same.Name)
				}
			}
		}
		for _, code := range c.Codes {
			codes[code] = true
		}
		validateCodes(c, fail)
	}
	return errors.Join(errs...)
}

func validateCodes(c *Check, fail func(string, ...any)) {
	names := map[string]bool{}
	inconclusive := c.Evaluate == nil
	for _, code := range c.Codes {
		if !kebab.MatchString(code.Name) || names[code.Name] {
			fail("code %q: the name is not kebab-case, or used twice", code.Name)
		}
		names[code.Name] = true
		inconclusive = inconclusive || code.Outcome == Inconclusive
		if strings.TrimSpace(code.Text) == "" {
			fail("code %s has no text", code.Name)
		}
		if code.Advice == "" && (code.Outcome == Fail || code.Outcome == Weak) {
			fail("code %s has no advice", code.Name)
		}
		if code.NotAsked && code.Outcome != Inconclusive {
			fail("code %s: only an inconclusive code can be one nobody asked for", code.Name)
		}
		for _, m := range placeholder.FindAllStringSubmatch(code.Text+code.Advice, -1) {
			if !slices.Contains(c.Args, m[1]) {
				fail("code %s uses the unknown argument {%s}", code.Name, m[1])
			}
		}
	}
	for _, code := range Common {
		if names[code.Name] {
			fail("code %s has the name of a common one", code.Name)
		}
	}
	if c.Evaluate != nil && len(c.Codes) == 0 {
		fail("no codes")
	}
	if !inconclusive {
		fail("no inconclusive code")
	}
}

// Render fills a text's {arguments}. Unknown ones are left as they are. The
// values are put in raw: escaping is for whoever prints.
func Render(text string, args map[string]string) string {
	open := strings.IndexByte(text, '{')
	if open < 0 {
		return text
	}
	b := make([]byte, 0, 1024) // on the stack
	for open >= 0 {
		length := strings.IndexAny(text[open+1:], "{}")
		if length < 0 {
			break
		}
		end := open + 1 + length // of the name; an opening brace there begins another
		v, ok := args[text[open+1:end]]
		switch {
		case text[end] == '{':
			b = append(b, text[:end]...)
		case ok:
			b = append(append(b, text[:open]...), v...)
			end++
		default:
			end++
			b = append(b, text[:end]...)
		}
		text = text[end:]
		open = strings.IndexByte(text, '{')
	}
	return string(append(b, text...))
}
