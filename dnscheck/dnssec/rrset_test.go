package dnssec

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// In whatever order the records of a section come, of other owners, types and
// classes between, each set has its own records and no others, in their order.
func TestGroupInAnyOrder(t *testing.T) {
	kinds := []string{
		"a.test. 60 IN A 192.0.2.1", "a.test. 60 IN A 192.0.2.2", "A.test. 60 IN A 192.0.2.3", "a.test. 60 CH A 192.0.2.1", "a.test. 60 IN TXT \"x\"",
		"b.test. 60 IN A 192.0.2.1", "c.test. 60 IN A 192.0.2.1", "d.test. 60 IN A 192.0.2.1",
		"a.test. 60 IN RRSIG A 13 2 60 20300101000000 20200101000000 1 test. AAAA", "b.test. 60 IN RRSIG A 13 2 60 20300101000000 20200101000000 1 test. AAAA", "",
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		section := make([]dns.RR, 1+rnd.IntN(9))
		for i := range section {
			if text := kinds[rnd.IntN(len(kinds))]; text != "" {
				section[i] = rr(t, text)
			}
		}
		type key struct {
			owner string
			typ   uint16
		}
		rrs, sigs := map[key][]dns.RR{}, map[key][]*dns.RRSIG{}
		sets := map[key]bool{}
		for _, r := range section {
			if r == nil || r.Header().Class != dns.ClassINET {
				continue
			}
			k := key{strings.ToLower(r.Header().Name), r.Header().Rrtype}
			if sig, ok := r.(*dns.RRSIG); ok {
				k.typ = sig.TypeCovered
				sigs[k] = append(sigs[k], sig)
			} else {
				rrs[k] = append(rrs[k], r)
			}
			sets[k] = true
		}
		got := group(section)
		if len(got.order) != len(sets) {
			t.Fatalf("%d sets, want %d: %v", len(got.order), len(sets), section)
		}
		for _, set := range got.order {
			k := key{set.owner.fqdn(), set.typ}
			if !slices.Equal(set.rrs, rrs[k]) {
				t.Fatalf("%v: %v, want %v, of %v", k, set.rrs, rrs[k], section)
			}
			if !slices.EqualFunc(set.sigs, sigs[k], func(a signature, b *dns.RRSIG) bool { return a.RRSIG == b }) {
				t.Fatalf("%v: %d signatures, want %d, of %v", k, len(set.sigs), len(sigs[k]), section)
			}
		}
	}
}
