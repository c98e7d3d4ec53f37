package spf

import (
	"strings"

	"mailvet/report/evidence"
)

// CompatStatus is Internet.nl's judgement of an SPF policy.
type CompatStatus uint8

const (
	CompatNone            CompatStatus = iota // there is no policy to judge
	CompatValid                               // sufficient
	CompatInvalidSyntax                       // the record does not parse
	CompatInvalidAll                          // "+all", "?all", or no end at all
	CompatInvalidInclude                      // an include fails
	CompatInvalidRedirect                     // a redirect fails
	CompatMaxLookups                          // too many lookups, as Internet.nl counts them
)

var compatStatuses = [...]string{"", "valid", "invalid_syntax", "invalid_all", "invalid_include", "invalid_redirect", "max_dns_lookups"}

// String is the policy_status of Internet.nl's API.
func (s CompatStatus) String() string { return compatStatuses[s] }

// CompatResult is what Internet.nl says of a policy.
type CompatResult struct {
	Status CompatStatus
	Points int // of 10
	Left   int // lookups left; negative when the limit was passed
	// Path are the records on the way to the fault, outermost first; empty
	// where the status is CompatValid.
	Path []CompatStep
	// Failed is the first lookup that brought no answer for a reason that may
	// pass; Internet.nl makes a fault of it.
	Failed *evidence.Lookup
	// NotAsked is the first name that src was not asked for; the result is
	// then the one for a lookup that fails.
	NotAsked string
}

// CompatStep is a record on the way to a fault.
type CompatStep struct {
	Name   string
	Record string // escaped; empty where the name has none
}

// CompatPolicy judges the record of a domain, as selected by [CompatSelect],
// as Internet.nl's subtest for the SPF policy does. Its count of lookups goes
// by letters in the text of a term ("a:mx.example" costs one, "+a" none), and
// is looked at only before a further record is looked up. At most
// [MaxLookups] names are.
func CompatPolicy(src Source, domain, record string) CompatResult {
	w := compatWalker{src: src}
	r := w.policy(evidence.Name(domain), record, MaxLookups, false)
	for i, j := 0, len(w.path)-1; i < j; i, j = i+1, j-1 {
		w.path[i], w.path[j] = w.path[j], w.path[i]
	}
	return CompatResult{r.status, r.points, r.left, w.path, w.failed, w.notAsked}
}

const (
	compatFull    = 10
	compatPartial = 2
)

type compatWalker struct {
	src      Source
	path     []CompatStep // innermost first
	failed   *evidence.Lookup
	notAsked string
}

type compatJudgement struct {
	status CompatStatus
	points int
	left   int
}

// policy judges one record with the lookups that are left.
func (w *compatWalker) policy(name, record string, left int, included bool) compatJudgement {
	j := w.judge(record, left, included)
	if j.status != CompatValid {
		w.path = append(w.path, CompatStep{name, record})
	}
	return j
}

func (w *compatWalker) judge(record string, left int, included bool) compatJudgement {
	terms, err := CompatParse(record)
	if err != nil {
		return compatJudgement{CompatInvalidSyntax, 0, left}
	}
	o := compatWalkOver(terms)
	left -= o.cost
	wrongAll := o.all != "" && (o.all[0] == '+' || o.all[0] == 'a' || o.all[0] == '?' && !included)
	if wrongAll || len(terms) == 0 || !included && !o.redirect && o.all == "" {
		return compatJudgement{CompatInvalidAll, compatPartial, left}
	}
	j := compatJudgement{CompatValid, compatFull, left}
	for _, f := range o.follow {
		if j = w.followOne(f, j.left); j.status != CompatValid {
			break
		}
	}
	return j
}

// compatFollow is a record to be looked up.
type compatFollow struct {
	name     string
	redirect bool
}

// macro reports whether the name depends on the message: it is then taken to
// be right.
func (f compatFollow) macro() bool { return strings.Contains(f.name, "{") }

func (w *compatWalker) followOne(f compatFollow, left int) compatJudgement {
	if left < 0 {
		return compatJudgement{CompatMaxLookups, compatPartial, left}
	}
	if f.macro() {
		return compatJudgement{CompatValid, compatFull, left}
	}
	broken := CompatInvalidInclude
	if f.redirect {
		broken = CompatInvalidRedirect
	}
	var l *evidence.Lookup
	if !isBlank(f.name) {
		l = w.src(evidence.Name(f.name), "TXT")
	}
	switch {
	case l == nil && w.notAsked == "" && !isBlank(f.name):
		w.notAsked = evidence.Name(f.name)
	case l.Unknown() && l.Outcome != evidence.OutcomeBadName && w.failed == nil:
		w.failed = l
	}
	if !l.Exists() {
		// A DNS error. "No such data" counts as one, too.
		return compatJudgement{broken, compatPartial, left}
	}
	record := ""
	if texts := CompatSelect(l); len(texts) == 1 {
		record = texts[0]
	}
	j := w.policy(evidence.Name(f.name), record, left, !f.redirect)
	if j.status != CompatValid && j.status != CompatMaxLookups {
		j.status = broken
	}
	return j
}

// compatOverview is what the walk over the terms of a record finds.
type compatOverview struct {
	cost     int    // lookups that it counts
	all      string // the all that ends the walk, with its qualifier
	redirect bool   // there is something like a redirect
	follow   []compatFollow
}

// compatWalkOver looks at the text of each term, up to the first all.
func compatWalkOver(terms []string) compatOverview {
	var o compatOverview
	var redirects []string
walk:
	for _, t := range terms {
		t = strings.ToLower(t)
		switch {
		case strings.HasPrefix(t, "redirect"):
			redirects = append(redirects, t)
			o.cost++
		case strings.Contains(t, "include:"):
			o.follow = append(o.follow, compatFollow{compatPart(t, ":"), false})
			o.cost++
		case strings.Contains(t, "mx"), strings.Contains(t, "ptr"), strings.Contains(t, "exists"), t == "a":
			o.cost++
		case strings.HasSuffix(t, "all") && len(t) < 5:
			o.all = t
			break walk
		}
	}
	o.redirect = len(redirects) > 0
	// Redirects come last, one at most, and none beside an all.
	for _, t := range redirects {
		if strings.Contains(t, "redirect=") && o.all == "" {
			o.follow = append(o.follow, compatFollow{compatPart(t, "="), true})
			break
		}
		if strings.Contains(t, "include:") {
			o.follow = append(o.follow, compatFollow{compatPart(t, ":"), false})
		}
	}
	return o
}

// compatPart is the text between the first and the second mark.
func compatPart(term, mark string) string {
	_, rest, _ := strings.Cut(term, mark)
	rest, _, _ = strings.Cut(rest, mark)
	return strings.TrimSpace(rest)
}
