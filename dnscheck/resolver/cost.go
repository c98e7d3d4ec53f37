package resolver

import (
	"context"
	"sync/atomic"
)

// Cost counts what was sent on behalf of one caller, see [WithCost]. It is
// safe for concurrent use.
type Cost struct{ questions atomic.Int64 }

// Questions is the number of questions sent to resolvers and name servers:
// retries, those over TCP after a truncated answer and the validator's
// included. An answer from the cache costs nothing; a question that several
// asked at once counts for the one whose call sent it.
func (c *Cost) Questions() int { return int(c.questions.Load()) }

type costKey struct{}

// WithCost makes everything that is asked with the context count in c. It
// nests: an outer Cost no longer counts.
func WithCost(ctx context.Context, c *Cost) context.Context {
	return context.WithValue(ctx, costKey{}, c)
}

// Stats counts over all callers since the Resolver's first use.
type Stats struct {
	Questions int64 // sent, over any transport
	TCP       int64 // of these, over TCP or TLS
	Timeouts  int64 // tries that ended without an answer in time
	Cached    int64 // lookups and questions answered by the cache
	Coalesced int64 // lookups and questions that joined one under way
	Dropped   int64 // messages that did not answer the question they came for
	Again     int64 // passes through a lookup whose data had turned out bogus or stripped
	Proven    int64 // lookups not asked, because a signed zone had denied them before (RFC 8198)
}

type counters struct{ questions, tcp, timeouts, cached, coalesced, dropped, again, proven atomic.Int64 }

// Stats returns the counts so far.
func (r *Resolver) Stats() Stats {
	c := &r.stats
	return Stats{c.questions.Load(), c.tcp.Load(), c.timeouts.Load(), c.cached.Load(), c.coalesced.Load(), c.dropped.Load(), c.again.Load(), c.proven.Load()}
}

// Stripped reports whether servers were seen to leave out DNSSEC records that
// must be there, and no server to give any, so that nothing can be validated.
func (r *Resolver) Stripped() bool { return r.stripped.Load() && !r.handsOn.Load() }

// count records that a question is being sent.
func (r *Resolver) count(ctx context.Context, stream bool) {
	r.stats.questions.Add(1)
	if stream {
		r.stats.tcp.Add(1)
	}
	if c, ok := ctx.Value(costKey{}).(*Cost); ok {
		c.questions.Add(1)
	}
}
