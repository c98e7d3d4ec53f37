package score

import (
	"cmp"
	"slices"
)

// bounds is what a category's percentage can become.
type bounds struct {
	low, high int
	possible  bool // it can have a maximum
	certain   bool // it will have one
}

// share is points out of a maximum.
type share struct{ points, max int }

func (s share) percent() int {
	if s.max == 0 {
		return 0
	}
	return 100 * s.points / s.max
}

// compare orders two shares as fractions. Both must have a maximum.
func (s share) compare(o share) int { return cmp.Compare(s.points*o.max, o.points*s.max) }

// worst adds those of the options that make s as small a fraction as can be.
// Each option that is smaller than what there is so far makes it smaller.
func (s share) worst(options []share) share {
	slices.SortFunc(options, share.compare)
	for _, o := range options {
		if s.max == 0 || o.compare(s) < 0 {
			s = share{s.points + o.points, s.max + o.max}
		}
	}
	return s
}

// best is the opposite.
func (s share) best(options []share) share {
	slices.SortFunc(options, func(a, b share) int { return b.compare(a) })
	for _, o := range options {
		if s.max == 0 || o.compare(s) > 0 {
			s = share{s.points + o.points, s.max + o.max}
		}
	}
	return s
}

// bounds takes for each server the worst and the best that may come, and then
// the smallest of the servers. See the package's comment.
func (t *tally) bounds() bounds {
	var b bounds
	for i := range t.lines {
		b.certain = b.certain || t.lines[i].definite
		b.possible = b.possible || t.lines[i].definite || t.lines[i].open
	}
	if !b.possible {
		return b
	}
	real := slices.ContainsFunc(t.servers, func(s server) bool { return !s.nowhere })
	first, firstHigh := true, true
	for i, s := range t.servers {
		known := t.some(i, func(c cell) bool { return c.counts && !c.open })
		if s.nowhere && !known && !t.some(i, func(c cell) bool { return c.counts || c.open }) {
			continue
		}
		low, high := t.extremes(i)
		if first || low < b.low {
			b.low, first = low, false
		}
		// A server that may not exist cannot make the best case worse.
		if (!s.nowhere || known || !real) && (firstHigh || high < b.high) {
			b.high, firstHigh = high, false
		}
	}
	return b
}

func (t *tally) extremes(server int) (low, high int) {
	var lowest, highest share
	var lows, highs []share
	for i := range t.lines {
		l := &t.lines[i]
		c := t.at(l, server)
		switch full := l.row.Full; {
		case l.definite:
			lowest = share{lowest.points + c.low, lowest.max + full}
			highest = share{highest.points + c.high, highest.max + full}
		case l.open:
			lows = append(lows, share{c.low, full})
			highs = append(highs, share{c.high, full})
		}
	}
	return lowest.worst(lows).percent(), highest.best(highs).percent()
}

// mean is the last step: the integer part of the mean over the categories that
// have a maximum.
type mean struct {
	now, low, high share // max is 100 for each category
	lows, highs    []share
}

func (m *mean) add(c Category, b bounds) {
	if c.Max > 0 {
		m.now = share{m.now.points + c.Percent, m.now.max + 100}
	}
	switch {
	case b.certain:
		m.low = share{m.low.points + b.low, m.low.max + 100}
		m.high = share{m.high.points + b.high, m.high.max + 100}
	case b.possible:
		m.lows = append(m.lows, share{b.low, 100})
		m.highs = append(m.highs, share{b.high, 100})
	}
}

func (m *mean) values() (now, low, high int) {
	return m.now.percent(), m.low.worst(m.lows).percent(), m.high.best(m.highs).percent()
}
