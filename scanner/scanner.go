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
	"cmp"
	"context"
	"io"
	"net/netip"
	"slices"
	"time"

	"mailvet/dnscheck"
	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/flight"
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

	memo evidence.Memo // of all its snapshots
	crew flight.Crew   // runs their tasks
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

// scan is Scan within a batch, if b is not nil; the error may then be errParked.
func (s *Scanner) scan(ctx context.Context, d Domain, b *hand) (*evidence.Snapshot, error) {
	began := time.Now()
	r := &run{
		scanner: s, batch: b,
		snap: &evidence.Snapshot{
			Schema: evidence.Schema, Tool: s.Tool, Domain: d.Name, Address: d.Address(), Time: began, Vantage: s.Vantage,
		},
		started: make(map[task]bool, 2*usualLookups), wishes: s.wishes(),
		results: make(chan func() error),
		left:    cmp.Or(s.MaxQuestions, DefaultMaxQuestions),
	}
	r.snap.Share(&s.memo)
	if b != nil {
		r.snap.Cost = b.spent
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
	r.snap.Cost.DNSQueries += r.dns.Questions()
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
