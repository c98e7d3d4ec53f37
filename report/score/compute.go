package score

import (
	"fmt"
	"slices"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// Compute scores the results of one domain. The findings of a check must stand
// in the order of their hosts, as [check.Run] gives them: where hosts tie,
// Internet.nl shows the verdict of the last.
//
// A row of the policy without a result is like a check that nobody evaluated:
// it counts as inconclusive, so that silence never scores. A category of which
// there is no result at all is left out. Results of extra checks are ignored.
// Compute panics if a finding names an outcome that its row does not have,
// which is a mistake in the check.
func Compute(p *Policy, results []check.Result) Score {
	s := Score{Policy: p.Name}
	byCheck := make(map[string]*check.Result, len(results))
	for i := range results {
		byCheck[results[i].Check.ID] = &results[i]
	}
	var m mean
	for i := range p.Categories {
		t := tally{policy: p, rule: &p.Categories[i], byCheck: byCheck}
		if !t.gather() {
			continue
		}
		c, r := t.category()
		m.add(c, r)
		s.Categories = append(s.Categories, c)
	}
	s.Percent, s.Low, s.High = m.values()
	s.Complete = s.Low == s.High
	return s
}

// tally is the sheet of one category: a line for each row of the policy, a
// column for each server.
type tally struct {
	policy  *Policy
	rule    *CategoryRule
	byCheck map[string]*check.Result
	lines   []line
	servers []server
}

// server is a column. nowhere is the one of per-host findings without a host:
// it exists only so far as something there counts, or may count.
type server struct {
	host    string
	nowhere bool
}

type line struct {
	row   *Row
	full  int // the most that a finding can bring
	cells []cell
	// Taken over all findings: Internet.nl's aggregate.
	status, worst Status
	verdict       string
	counts        bool // in percent
	definite      bool // counts whatever the unknown turns out to be
	open          bool // some finding is inconclusive and may count
}

// cell is what a row says of a server. A cell without finding is worth 0.
type cell struct {
	seen         bool
	value        int
	low, high    int
	counts, open bool
	follows      bool // the value is that of row.PointsOf
}

// reading is what Internet.nl would have stored for a finding.
type reading struct {
	status, worst Status
	verdict       string
	points        Points
	open          bool // inconclusive: it may be otherwise
}

func (t *tally) gather() bool {
	any, rows := false, 0
	for i := range t.policy.Rows {
		if t.policy.Rows[i].Category == t.rule.ID {
			rows++
		}
	}
	t.lines = make([]line, 0, rows)
	for i := range t.policy.Rows {
		if r := &t.policy.Rows[i]; r.Category == t.rule.ID {
			t.lines = append(t.lines, line{row: r, full: t.policy.fieldFull(r.Field), status: Passed, worst: Passed, verdict: notTested})
			any = any || t.byCheck[r.Check] != nil
		}
	}
	if !any {
		return false
	}
	for i := range t.lines {
		l := &t.lines[i]
		res := t.byCheck[l.row.Check]
		if res == nil || len(res.Findings) == 0 {
			continue
		}
		for _, f := range res.Findings {
			t.read(l, res.Check, f)
		}
	}
	for i := range t.lines {
		if res := t.byCheck[t.lines[i].row.Check]; res == nil || len(res.Findings) == 0 {
			t.missing(&t.lines[i])
		}
	}
	for i := range t.lines {
		t.follow(&t.lines[i])
	}
	return true
}

const notTested = "not-tested"

// read puts a finding into its cell and into the aggregate of its line.
//
// The aggregate is Internet.nl's: a server whose status is as bad or worse
// replaces status and verdict, one whose worst status is as bad or worse
// replaces that, independently.
func (t *tally) read(l *line, c *check.Check, f check.Finding) {
	r := t.reading(l, c, f)
	l.take(r)
	cl := l.cell(t.column(c, f.Subject))
	value := r.points.of(f.Points)
	low, high := value, value
	if r.open {
		low, high = 0, l.full
	}
	if !cl.seen {
		*cl = cell{seen: true, value: value, low: low, high: high}
	}
	cl.value, cl.low, cl.high = min(cl.value, value), min(cl.low, low), min(cl.high, high)
	cl.open = cl.open || r.open
	cl.counts = cl.counts || r.worst == Failed && l.full > 0
	cl.follows = cl.follows || !r.open && l.row.PointsOf != "" && f.Points == nil && r.points.Min < r.points.Max
}

func (l *line) take(r reading) {
	if r.status <= l.status {
		l.status, l.verdict = r.status, r.verdict
	}
	if r.worst <= l.worst {
		l.worst = r.worst
	}
	counted := r.worst == Failed && l.row.Full > 0 && l.row.Field != ""
	l.counts = l.counts || counted
	l.definite = l.definite || counted && !r.open
	l.open = l.open || r.open && l.row.Counts()
}

// reading translates a finding. Without a verdict there are three cases: the
// row is as it was before the test (a requirement failed, nothing to test);
// nobody can say, and then the row counts without points; or nobody can say
// because a requirement is inconclusive of which Internet.nl does have an
// opinion, and then it would not have tested this.
func (t *tally) reading(l *line, c *check.Check, f check.Finding) reading {
	open := f.Code.Outcome == check.Inconclusive && l.full > 0
	if id := f.VerdictID(); id != "" {
		o := l.row.Outcome(id)
		if o == nil {
			panic(fmt.Sprintf("score: check %s: code %s has the verdict %q, which is no outcome of policy %s", c.ID, f.Code.Name, id, t.policy.Name))
		}
		return reading{o.Status, o.Worst, o.Verdict(), o.Points, open}
	}
	r := reading{NotTested, l.row.Initial, notTested, Points{}, open}
	if open {
		switch t.gate(c, f) {
		case gateShut:
			r.open = false
		case gateDoubtful:
		case gateOpen:
			r.worst = Failed
			if l.row.NotMandatory {
				// Where what is not tested does no harm to the category, it
				// would pass unseen. Internet.nl has another word for a source
				// that it did not get an answer from.
				r.status = Error
			}
		}
	}
	return r
}

// gate says whether Internet.nl would have come to test this at all.
type gate uint8

const (
	gateOpen     gate = iota // for all we know
	gateDoubtful             // a requirement is inconclusive, and for Internet.nl did not pass
	gateShut                 // a requirement did not pass
)

// gate looks at the requirements of an inconclusive finding without verdict
// that is not the check's own answer. A check that is not gathered says so
// before it looks at its requirements; that they did not pass is known all the
// same.
func (t *tally) gate(c *check.Check, f check.Finding) gate {
	g := gateOpen
	if f.Code != check.Ungathered && f.Code != check.UnknownBy && f.Code != check.SkippedBy {
		return g
	}
	for _, req := range c.Requires {
		res := t.byCheck[req.ID]
		if res == nil {
			continue
		}
		for _, r := range res.Findings {
			if r.Subject.Host != f.Subject.Host {
				continue
			}
			switch r.Code.Outcome {
			case check.Pass, check.Weak:
			case check.Inconclusive:
				if of := t.gate(req, r); of != gateOpen {
					g = max(g, of)
				} else if r.VerdictID() != "" {
					g = max(g, gateDoubtful)
				}
			case check.Fail, check.NotApplicable, check.Blocked:
				g = gateShut
			}
		}
	}
	return g
}

// missing makes up for a row without any finding.
func (t *tally) missing(l *line) {
	r := reading{NotTested, l.row.Initial, notTested, Points{}, l.full > 0}
	if r.open {
		r.worst = Failed
	}
	l.take(r)
	if len(t.servers) == 0 {
		t.column(nil, evidence.Subject{})
	}
	for i := range t.servers {
		*l.cell(i) = cell{seen: true, high: l.full, open: r.open, counts: r.worst == Failed}
	}
}

// follow gives the cells whose points are those of another row their value.
func (t *tally) follow(l *line) {
	for i := range l.cells {
		if !l.cells[i].follows {
			continue
		}
		c := &l.cells[i]
		c.value, c.low, c.high = 0, 0, 0
		for j := range t.lines {
			if o := &t.lines[j]; o.row.Check == l.row.PointsOf && i < len(o.cells) {
				c.value, c.low, c.high = o.cells[i].value, o.cells[i].low, o.cells[i].high
			}
		}
	}
}

// column finds the server of a subject, adding it if it is new.
func (t *tally) column(c *check.Check, s evidence.Subject) int {
	want := server{}
	if t.rule.PerHost {
		want = server{s.Host, c != nil && c.Scope != check.PerDomain && s.Host == ""}
	}
	if i := slices.Index(t.servers, want); i >= 0 {
		return i
	}
	t.servers = append(t.servers, want)
	return len(t.servers) - 1
}

func (l *line) cell(i int) *cell {
	for len(l.cells) <= i {
		l.cells = append(l.cells, cell{})
	}
	return &l.cells[i]
}

// at is the cell in which the points of the line's score field are found for a
// server: its own, or that of another row with the same field.
func (t *tally) at(l *line, server int) cell {
	if server < len(l.cells) && l.cells[server].seen {
		return l.cells[server]
	}
	for i := range t.lines {
		if o := &t.lines[i]; o.row.Field == l.row.Field && server < len(o.cells) && o.cells[server].seen {
			return o.cells[server]
		}
	}
	return cell{}
}

// category adds up.
func (t *tally) category() (Category, bounds) {
	c := Category{ID: t.rule.ID, API: t.rule.API}
	c.Checks = make([]Check, len(t.lines))
	for i := range t.lines {
		l := &t.lines[i]
		k := &c.Checks[i]
		*k = Check{ID: l.row.Check, API: l.row.API, Status: l.status, Worst: l.worst, Verdict: l.verdict}
		if !l.counts {
			continue
		}
		k.Max = l.row.Full
		c.Max += l.row.Full
		k.Points = t.least(func(server int) int { return t.at(l, server).value })
	}
	c.Points = t.least(func(server int) int {
		sum := 0
		for i := range t.lines {
			if t.lines[i].counts {
				sum += t.at(&t.lines[i], server).value
			}
		}
		return sum
	})
	if c.Max > 0 {
		c.Percent = 100 * c.Points / c.Max
	}
	b := t.bounds()
	c.Low, c.High = b.low, b.high
	c.Status, c.Verdict = t.rule.verdict(c.Checks, t.lines)
	return c, b
}

// least is the smallest value over the servers; 0 without any.
func (t *tally) least(value func(server int) int) int {
	least, found := 0, false
	for i, s := range t.servers {
		if s.nowhere && !t.some(i, func(c cell) bool { return c.counts }) {
			continue
		}
		if v := value(i); !found || v < least {
			least, found = v, true
		}
	}
	return least
}

func (t *tally) some(server int, is func(cell) bool) bool {
	for i := range t.lines {
		if cells := t.lines[i].cells; server < len(cells) && is(cells[server]) {
			return true
		}
	}
	return false
}
