package resolver

import (
	"context"
	"sync"

	"mailvet/dnscheck/dnssec"
	"mailvet/report/evidence"
)

// Proofs collects what the lookups of a context were judged by, from the cache
// or not; the Validator has to Keep it. The zero value is ready. It is safe for
// concurrent use.
type Proofs struct {
	mu   sync.Mutex
	list []dnssec.Judged
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
func (p *Proofs) Judged() []dnssec.Judged {
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
	p.list = append(p.list, dnssec.Judged{Lookup: clone(l), Proofs: proofs})
}
