// Package score makes a number of findings: Internet.nl's number for the same
// facts, and the range it may move in once everything unknown is known.
//
// The rules are data. A [Policy] has one [Row] for each scored check and in it
// one [Outcome] for each answer Internet.nl's mail test can give: its status,
// its worst status and its points. A finding names its row's outcome
// ([check.Finding.VerdictID]); everything else is arithmetic, done by
// [Compute]:
//
//   - A check counts when its worst status is failed. The maximum of a
//     category is the sum of the full points of the checks that count.
//   - DNSSEC and TLS are added up for each server (and, for DNSSEC, for the
//     domain) apart. The category gets the smallest sum: one bad server costs
//     as much as all.
//   - A category's percentage is an integer part, and so is the mean over the
//     categories that have a maximum at all. Nothing is rounded up anywhere.
//
// # The range
//
// Percent is one number, whatever is unknown. For an inconclusive finding it
// takes what Internet.nl would show (a time-out there is a server without
// points); if the finding has no verdict, because nothing comparable can be
// said, the check counts with no points.
//
// Low and High bound what the number can become. An inconclusive finding may
// turn out to be worth anything from no points to full points, and to count
// or not to count, which depends on the outcome (a server without TLSA records
// leaves "DANE validity" out of the maximum). So:
//
//   - Low takes no points for each of them. Counting a check without points is
//     never better than leaving it out.
//   - High takes full points. For one server alone, counting a check with full
//     points is never worse than leaving it out. With several servers it can
//     be: the check then counts for all of them, also for one that has no
//     points for it. Therefore each server gets the choice that is best for
//     it before the smallest sum is taken.
//
// With that Low <= Percent <= High always holds, and however the inconclusive
// findings are resolved the new Percent lies within the old bounds; both are
// property tests. High may be a little too generous where servers differ, as
// the choice could not be made for each of them apart; it is never too low.
// An inconclusive finding of a check that can never count (trust of a
// certificate, CAA, ...) opens nothing.
//
// # What does not hold
//
// Replacing a failed finding by a passed one never lowers the score as long as
// the same checks count before and after; that is a property test. Where more
// checks count afterwards, Internet.nl's own rules can make a better domain
// worse: if of two servers without TLSA records one gets them, "DANE validity"
// begins to count, for both, and 120/130 becomes 120/140. The known ways are
// in TestBetterCanBeWorse.
package score

import (
	"mailvet/report/check"
)

// Score is the judgement in numbers. Percentages are 0 to 100.
type Score struct {
	Percent    int  // Internet.nl's number
	Low, High  int  // what it can become
	Complete   bool // Low == High
	Policy     string
	Categories []Category // those of the policy that have results, in its order
}

// Category is the score of one category. Points is the smallest sum of a
// server, which may be more than the sum of the points of the checks.
type Category struct {
	ID          check.Category
	API         string
	Points, Max int
	Percent     int // of Points and Max; 0 if Max is 0, and then it is left out of the mean
	Low, High   int
	Status      Status // Internet.nl's, which follows the statuses and not the points
	Verdict     string // Internet.nl's
	Checks      []Check
}

// Check is what Internet.nl would say of one subtest, all servers taken
// together. Points is the smallest of any server.
type Check struct {
	ID, API     string
	Status      Status
	Worst       Status // the check counts if this is Failed
	Verdict     string // the short id: "not-tested"
	Points, Max int    // both 0 if it does not count
}

// Category returns the score of a category, nil if there is none.
func (s *Score) Category(id check.Category) *Category {
	for i := range s.Categories {
		if s.Categories[i].ID == id {
			return &s.Categories[i]
		}
	}
	return nil
}

// Check returns the score of a check, nil if there is none.
func (s *Score) Check(id string) *Check {
	for i := range s.Categories {
		for j := range s.Categories[i].Checks {
			if s.Categories[i].Checks[j].ID == id {
				return &s.Categories[i].Checks[j]
			}
		}
	}
	return nil
}
