// Package scanner drives a scan: it asks the questions that the checks want,
// opens the sessions with the mail servers, and puts what comes back into one
// snapshot. It holds the catalogue, and judges nothing.
//
// A scan has no fixed order of steps. After each answer the packages of checks
// are asked what they want next ([dnscheck.Wants] and its siblings, pure
// functions of the snapshot so far), and whatever is new is started at once. So
// nothing waits for something it does not need, and a check that needs a new
// question says so in its own package.
package scanner

import (
	"context"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"mailvet/dnscheck"
	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/resolver"
	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck"
	"mailvet/smtpcheck/probe"
)

// Catalogue is all checks in the order of reports.
var Catalogue = slices.Concat(dnscheck.Checks, smtpcheck.Checks)

// Resolver asks DNS questions: a *resolver.Resolver, or a replay.
type Resolver interface {
	Lookup(ctx context.Context, name, qtype string) (evidence.Lookup, error)
	Reach(ctx context.Context, host string, addr netip.Addr, name string) (evidence.Reach, error)
}

// Prober opens sessions with mail servers: a *probe.Prober, or a replay.
type Prober interface {
	Probe(ctx context.Context, host string, addr netip.Addr) (probe.Result, error)
}

// Router finds and judges the routes to addresses, and names who announces
// them: an *origin.Router, or a replay.
type Router interface {
	Route(ctx context.Context, addr netip.Addr) (evidence.Routing, error)
	System(ctx context.Context, asn uint32) (evidence.System, error)
}

// Fetcher makes HTTPS requests: a *fetch.Fetcher, or a replay.
type Fetcher interface {
	Fetch(ctx context.Context, url string, limit int) (evidence.Fetch, error)
}

// Scanner scans domains. The fields are not changed once Scan was called; a
// Scanner may then be used by any number of goroutines.
type Scanner struct {
	Resolver Resolver
	Prober   Prober  // may be nil with Vantage.NoSMTP
	Router   Router  // may be nil unless Vantage.RPKI is Available, or Vantage.Origins set
	Fetcher  Fetcher // may be nil with Vantage.NoHTTP
	Vantage  evidence.Vantage
	Tool     evidence.Tool

	// Prove, if not nil, is called with each snapshot before Scan returns it,
	// and what its lookups were judged by; the Resolver's Validator has to Keep
	// that. It is called by several goroutines at once.
	Prove func(*evidence.Snapshot, []dnssec.Judged)

	// Timeout bounds the scan of one domain; 0 means DefaultTimeout. What has
	// not come by then is recorded as out of budget, which makes it unknown.
	Timeout time.Duration
	// MaxQuestions bounds the questions wanted for one domain, whatever its
	// records say; 0 means DefaultMaxQuestions.
	MaxQuestions int
	// Workers is the number of domains that ScanAll has in hand at once; 0
	// means [DefaultWorkers].
	Workers int
}

// Defaults of a [Scanner].
const (
	DefaultTimeout      = 90 * time.Second
	DefaultMaxQuestions = 250
)

// Scan looks at one domain (lower-case A-labels, as [ParseDomain] gives them).
// The snapshot is canonical. The error is that of the context, or says that the
// scanner is wrongly configured; whatever the network does is in the snapshot,
// and where nothing at all could be found out its Error is set.
func (s *Scanner) Scan(ctx context.Context, domain string) (*evidence.Snapshot, error) {
	return s.scan(ctx, Domain{Name: domain}, nil)
}

// scan is Scan within a batch, if b is not nil.
func (s *Scanner) scan(ctx context.Context, d Domain, b *batchRun) (*evidence.Snapshot, error) {
	began := time.Now()
	r := &run{
		scanner: s, batch: b,
		snap: &evidence.Snapshot{
			Schema: evidence.Schema, Tool: s.Tool, Domain: d.Name, Address: d.Address(), Time: began, Vantage: s.Vantage,
		},
		started: map[task]bool{},
		results: make(chan func() error),
		left:    cmpOr(s.MaxQuestions, DefaultMaxQuestions),
	}
	var proofs resolver.Proofs
	if s.Prove != nil {
		ctx = resolver.WithProofs(ctx, &proofs)
	}
	r.budgets(ctx)
	defer func() { r.spend(); r.giveUp() }()
	if err := r.loop(ctx); err != nil {
		return nil, err
	}
	if err := r.control(ctx, r.budget); err != nil {
		return nil, err
	}
	r.snap.Cost.DNSQueries = r.dns.Questions()
	r.snap.Cost.Milliseconds = time.Since(began).Milliseconds()
	if st, ok := s.Resolver.(interface{ Stripped() bool }); ok && s.Vantage.DNSSEC == evidence.ValidationOwn {
		r.snap.Vantage.StripsDNSSEC = st.Stripped()
	}
	r.snap.Error = hopeless(r.snap)
	r.snap.Canonical()
	if s.Prove != nil {
		s.Prove(r.snap, proofs.Judged())
	}
	return r.snap, nil
}

func cmpOr[T int | time.Duration](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

// run is one scan under way. Only loop's goroutine touches it, but for results.
type run struct {
	scanner *Scanner
	snap    *evidence.Snapshot
	started map[task]bool
	running int
	waiting int // of what runs, what waits for other servers than resolvers
	results chan func() error
	batch   *batchRun // nil: a scan of its own
	left    int       // questions that may still be wanted
	dns     resolver.Cost

	// budget is the context with the time that the domain may take. What waits
	// for other servers than resolvers, which all have their own patience, has
	// one of its own, patient: a domain of a batch may be set aside meanwhile.
	budget, patient context.Context
	spend, giveUp   context.CancelFunc
}

func (r *run) budgets(ctx context.Context) {
	ctx = resolver.WithCost(ctx, &r.dns)
	r.budget, r.spend = context.WithTimeout(ctx, cmpOr(r.scanner.Timeout, DefaultTimeout))
	r.patient, r.giveUp = r.budget, func() {}
	if r.batch != nil {
		r.patient, r.giveUp = context.WithTimeout(ctx, r.batch.patience())
	}
}

// task names a thing to do: a question, a session, a name server to try, an
// address to find the routes to, an autonomous system to name or a URL to fetch.
type task struct {
	kind       byte
	name, what string
}

// loop starts what is wanted until nothing is and nothing runs any more.
func (r *run) loop(ctx context.Context) error {
	var failed error
	for {
		if failed == nil && ctx.Err() == nil {
			r.start(r.budget)
		}
		if r.running == 0 {
			return cmpErr(ctx.Err(), failed)
		}
		// Every task obeys its context, so this wait is bounded by it.
		aside := r.batch != nil && r.running == r.waiting && r.batch.setAside()
		for deliver := range r.arrived() {
			if aside {
				aside = false
				r.takeUp(ctx)
			}
			if err := deliver(); err != nil && failed == nil {
				failed = err
			}
		}
	}
}

// controlQuestion is one that every working resolver can answer.
var controlQuestion = evidence.Question{Name: ".", Type: "NS"}

// control asks it where the resolver could answer nothing about the domain. If
// that fails, too, the resolver is broken, and not the domain.
func (r *run) control(ctx, budget context.Context) error {
	failed := false
	for _, l := range r.snap.Lookups {
		switch l.Outcome {
		case evidence.OutcomeServFail, evidence.OutcomeRCode:
			failed = true
		case evidence.OutcomeTimeout, evidence.OutcomeNetwork, evidence.OutcomeRefused, evidence.OutcomeMalformed:
		default:
			return nil
		}
	}
	if !failed {
		return nil
	}
	r.lookup(budget, controlQuestion)
	if r.running == 0 {
		return nil
	}
	deliver := <-r.results
	r.running--
	return cmpErr(ctx.Err(), deliver())
}

// takeUp goes on with a domain that was set aside: the time meanwhile was not
// its own.
func (r *run) takeUp(ctx context.Context) {
	r.batch.takeUp()
	r.spend()
	r.budget, r.spend = context.WithTimeout(resolver.WithCost(ctx, &r.dns), cmpOr(r.scanner.Timeout, DefaultTimeout))
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// settle is for how long a domain of a batch waits for further results once
// there is one: working out the wants is most of what a domain costs us.
const settle = 2 * time.Millisecond

// arrived waits for one result and takes those that are there with it, so that
// the wants are worked out once for all of them.
func (r *run) arrived() func(func(func() error) bool) {
	return func(yield func(func() error) bool) {
		deliver := <-r.results
		var late <-chan time.Time
		if r.batch != nil && r.running > 1 {
			t := time.NewTimer(settle)
			defer t.Stop()
			late = t.C
		}
		for {
			r.running--
			if !yield(deliver) {
				return
			}
			if late == nil || r.running == r.waiting {
				select {
				case deliver = <-r.results:
					continue
				default:
					return
				}
			}
			select {
			case deliver = <-r.results:
			case <-late:
				return
			}
		}
	}
}

func (r *run) start(ctx context.Context) {
	for _, wants := range []func(*evidence.Snapshot) []evidence.Question{dnscheck.Wants, smtpcheck.Wants} {
		for _, q := range wants(r.snap) {
			r.lookup(ctx, q)
		}
	}
	for _, w := range dnscheck.ReachWants(r.snap) {
		r.await(task{'r', w.Host, w.Addr.String()}, func() func() error { return r.reach(r.patient, w.Host, w.Addr) })
	}
	if r.scanner.Router != nil {
		for _, a := range dnscheck.RouteWants(r.snap) {
			r.begin(task{'o', "", a.String()}, func() func() error { return r.route(ctx, a) })
		}
		for _, asn := range dnscheck.SystemWants(r.snap) {
			r.begin(task{'a', "", strconv.FormatUint(uint64(asn), 10)}, func() func() error { return r.system(ctx, asn) })
		}
	}
	if r.scanner.Fetcher != nil {
		for _, w := range dnscheck.FetchWants(r.snap) {
			r.await(task{'f', "", w.URL}, func() func() error { return r.fetch(r.patient, w) })
		}
	}
	if r.scanner.Vantage.NoSMTP || r.scanner.Prober == nil {
		return
	}
	for _, w := range smtpcheck.ProbeWants(r.snap) {
		r.await(task{'s', w.Host, w.Addr.String()}, func() func() error { return r.probe(r.patient, w.Host, w.Addr) })
	}
}

func (r *run) lookup(ctx context.Context, q evidence.Question) {
	t := task{'q', evidence.Name(q.Name), q.Type}
	if r.started[t] {
		return
	}
	if r.left == 0 {
		r.started[t] = true
		r.add(evidence.Lookup{Name: t.name, Type: t.what, Outcome: evidence.OutcomeTimeout, Failure: outOfBudget(evidence.OpQuery)})
		return
	}
	r.left--
	r.begin(t, func() func() error {
		l, err := r.scanner.Resolver.Lookup(ctx, t.name, t.what)
		if err != nil && ctx.Err() != nil {
			l, err = evidence.Lookup{Name: t.name, Type: t.what, Outcome: evidence.OutcomeTimeout, Failure: outOfBudget(evidence.OpQuery)}, nil
		}
		return func() error {
			if err == nil {
				r.add(l)
			}
			return err
		}
	})
}

// add keeps the lookups in the order that evidence.Snapshot.Lookup needs.
func (r *run) add(l evidence.Lookup) {
	i, _ := slices.BinarySearchFunc(r.snap.Lookups, l, func(a, b evidence.Lookup) int {
		return compare(a.Name+" "+a.Type, b.Name+" "+b.Type)
	})
	r.snap.Lookups = slices.Insert(r.snap.Lookups, i, l)
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (r *run) reach(ctx context.Context, host string, addr netip.Addr) func() error {
	reach := evidence.Reach{Host: host, Addr: addr.String()}
	var err error
	if name, special := probe.SpecialPurpose(addr); special && !r.scanner.Vantage.AllowPrivate {
		reach.Failure = &evidence.Failure{Op: evidence.OpConfig, Class: evidence.ClassForbidden, Text: name}
	} else if reach, err = r.scanner.Resolver.Reach(ctx, host, addr, r.snap.Domain); err != nil && ctx.Err() != nil {
		reach, err = evidence.Reach{Host: host, Addr: addr.String(), Failure: outOfBudget(evidence.OpQuery)}, nil
	}
	return func() error {
		r.snap.Reaches = append(r.snap.Reaches, reach)
		return err
	}
}

func (r *run) route(ctx context.Context, addr netip.Addr) func() error {
	routing, err := r.scanner.Router.Route(ctx, addr)
	return func() error {
		switch {
		case err == nil:
			r.snap.Routings = append(r.snap.Routings, routing)
		case ctx.Err() != nil:
			err = nil // nobody knows then, which is what a missing one says
		}
		return err
	}
}

func (r *run) fetch(ctx context.Context, w dnscheck.FetchWant) func() error {
	got, err := r.scanner.Fetcher.Fetch(ctx, w.URL, w.Limit)
	if err != nil && ctx.Err() != nil {
		got, err = evidence.Fetch{URL: w.URL, Failure: outOfBudget(evidence.OpFetch)}, nil
	}
	return func() error {
		if err != nil {
			return err
		}
		r.snap.Fetches = append(r.snap.Fetches, got)
		r.snap.Cost.HTTPSConnections += got.Connections
		return nil
	}
}

func (r *run) system(ctx context.Context, asn uint32) func() error {
	system, err := r.scanner.Router.System(ctx, asn)
	return func() error {
		switch {
		case err == nil:
			r.snap.Systems = append(r.snap.Systems, system)
		case ctx.Err() != nil:
			err = nil
		}
		return err
	}
}

func (r *run) probe(ctx context.Context, host string, addr netip.Addr) func() error {
	res, err := r.scanner.Prober.Probe(ctx, host, addr)
	if ctx.Err() != nil {
		err = nil // what was found until then is in res
	}
	return func() error {
		if err != nil {
			return err
		}
		r.snap.Sessions = append(r.snap.Sessions, res.Session)
		r.snap.Chains = append(r.snap.Chains, res.Chains...)
		r.snap.Certificates = append(r.snap.Certificates, res.Certificates...)
		r.snap.Cost.SMTPConnections += res.Opened
		return nil
	}
}

// begin runs do in a goroutine of its own, unless it was begun before. What do
// returns is called by loop.
func (r *run) begin(t task, do func() func() error) {
	if r.started[t] {
		return
	}
	r.started[t] = true
	r.running++
	go func() { r.results <- do() }()
}

// await is begin for what waits for other servers than resolvers.
func (r *run) await(t task, do func() func() error) {
	if r.started[t] {
		return
	}
	r.waiting++
	r.begin(t, func() func() error {
		deliver := do()
		return func() error { r.waiting--; return deliver() }
	})
}

func outOfBudget(op evidence.Op) *evidence.Failure {
	return &evidence.Failure{Op: op, Class: evidence.ClassBudget, Text: "the time or the number of questions for this domain was used up"}
}

// hopeless says why nothing at all is known of a domain: then there is nothing
// to judge, and the fault is almost surely not the domain's. A SERVFAIL is an
// answer about the domain, unless the control question has the same fate.
func hopeless(s *evidence.Snapshot) *evidence.Failure {
	var last *evidence.Lookup
	broken := false
	if c := s.Lookup(controlQuestion.Name, controlQuestion.Type); c != nil {
		broken = c.Outcome == evidence.OutcomeServFail || c.Outcome == evidence.OutcomeRCode
	}
	for i := range s.Lookups {
		switch l := &s.Lookups[i]; l.Outcome {
		case evidence.OutcomeTimeout, evidence.OutcomeNetwork, evidence.OutcomeRefused, evidence.OutcomeMalformed:
			last = l
		case evidence.OutcomeServFail, evidence.OutcomeRCode:
			if !broken {
				return nil
			}
			last = l
		default:
			return nil
		}
	}
	if last == nil {
		return &evidence.Failure{Op: evidence.OpConfig, Class: evidence.ClassUnknown, Text: "nothing was asked"}
	}
	if broken {
		return &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassTemporary,
			Text: "the resolver fails for every question, even for the root of the DNS; see whether it reaches the Internet, or name another one with --resolver"}
	}
	f := evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassTimeout, Text: "no resolver answered any question; check the network, or name another one with --resolver"}
	switch last.Outcome {
	case evidence.OutcomeRefused:
		f.Class, f.Text = evidence.ClassRefused, "the resolver refuses to answer this host; name another one with --resolver"
	case evidence.OutcomeMalformed:
		f.Class, f.Text = evidence.ClassProtocol, "what answers is no DNS server; name another one with --resolver"
	case evidence.OutcomeNetwork:
		f.Class = evidence.ClassUnreachable
		if last.Failure != nil {
			f.Class = last.Failure.Class
		}
		f.Text = "no resolver can be reached; check the network, or name another one with --resolver"
	}
	return &f
}

// Close waits until the observers have taken their leave: the QUITs of
// sessions whose results were given already, within a short time. Nothing may
// be scanned afterwards.
func (s *Scanner) Close() error {
	if p, ok := s.Prober.(interface{ Wait() }); ok {
		p.Wait()
	}
	if r, ok := s.Resolver.(io.Closer); ok {
		return r.Close()
	}
	return nil
}

// forget makes mail servers that failed for now, before that long ago, be
// asked again. What failed in the DNS is not kept for long anyway.
func (s *Scanner) forget(age time.Duration) {
	if f, ok := s.Prober.(interface{ ForgetFailures(time.Duration) }); ok {
		f.ForgetFailures(age)
	}
}

// Judge runs the catalogue over a snapshot.
func Judge(s *evidence.Snapshot) []check.Result { return check.Run(Catalogue, s) }
