package resolver

import (
	"context"

	"github.com/miekg/dns"
)

// Alive asks for something that every working resolver can answer, the NS
// records of the root, whatever the cache has. It reports whether an answer
// came that is of use.
func (r *Resolver) Alive(ctx context.Context) bool {
	if r.setup() != nil || ctx.Err() != nil {
		return false
	}
	rep := r.exchange(ctx, key{name: ".", qtype: dns.TypeNS})
	return ctx.Err() == nil && usable(rep)
}
