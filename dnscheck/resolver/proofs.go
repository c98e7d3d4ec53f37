package resolver

import (
	"context"
	"sync"

	"mailvet/dnscheck/dnssec"
	"mailvet/report/evidence"
)

// Judged is a lookup with what its security was judged by: a proof for each
// reply on the way to its end.
type Judged struct {
	Lookup evidence.Lookup
	Proofs []*dnssec.Proof
}

// Proofs collects what the lookups of a context were judged by, from the cache
// or not; the Validator has to Keep it. The zero value is ready. It is safe for
// concurrent use.
type Proofs struct {
	mu   sync.Mutex
	list []Judged
}

type proofsKey struct{}

// WithProofs returns a context whose lookups are collected by p.
func WithProofs(ctx context.Context, p *Proofs) context.Context {
	return context.WithValue(ctx, proofsKey{}, p)
}

func proofsOf(ctx context.Context) *Proofs {
	p, _ := ctx.Value(proofsKey{}).(*Proofs)
	return p
}

// Judged lists what was collected, in the order in which it came.
func (p *Proofs) Judged() []Judged {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.list[:len(p.list):len(p.list)]
}

func (p *Proofs) add(l *evidence.Lookup, proofs []*dnssec.Proof) {
	if p == nil || len(proofs) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, Judged{clone(l), proofs})
}
