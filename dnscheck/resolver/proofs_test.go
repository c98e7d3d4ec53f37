package resolver_test

import (
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

// TestProofs: each lookup of a context is collected with what it was judged by,
// whoever's question was answered first, and each reply on the way has a part.
func TestProofs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := signedWorld(t, epoch)
		v := validator()
		v.Anchors, v.Keep = w.Anchors(), true
		r := &resolver.Resolver{Servers: []string{"192.0.2.1"}, Dial: serving(w.Resolver(), 0).dial, Validator: v}
		defer r.Close()
		var first, second resolver.Proofs
		for _, p := range []*resolver.Proofs{&first, &second} {
			ctx := resolver.WithProofs(t.Context(), p)
			for name, want := range map[string]evidence.Security{
				"mx.good.test": evidence.SecuritySecure, "out.good.test": evidence.SecurityInsecure, "bad.good.test": evidence.SecurityBogus,
				"mx.plain.test": evidence.SecurityInsecure, "no.good.test": evidence.SecuritySecure,
			} {
				l, err := r.Lookup(ctx, name, "A")
				if err != nil || l.Security != want {
					t.Fatalf("%s is %s, want %s: %v", name, l.Security, want, err)
				}
			}
			if n := len(p.Judged()); n != 5 {
				t.Errorf("%d lookups are collected, want 5", n)
			}
			for _, j := range p.Judged() {
				if len(j.Proofs) == 0 {
					t.Errorf("%s: no proof", j.Lookup.Name)
				}
				for _, part := range j.Proofs {
					if part.Reply == nil || part.Type != dns.TypeA && part.Type != dns.TypeCNAME || len(part.Chain) == 0 {
						t.Errorf("%s: proof %+v", j.Lookup.Name, part)
					}
				}
			}
		}
		if _, err := r.Lookup(t.Context(), "mx.good.test", "A"); err != nil || len(first.Judged()) != 5 {
			t.Errorf("a lookup without the context is collected, or fails: %v", err)
		}
	})
}
