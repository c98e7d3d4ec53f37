package evidence

import (
	"cmp"
	"testing"
)

// TestCompareKeys: lookups are found in the order they are stored in, also with
// names that hold octets below a space.
func TestCompareKeys(t *testing.T) {
	names := []string{"", ".", "a", "a.test", "a b", "a b.test", "a\x01", "a!", "a-b.test", "ab", "b"}
	types := []string{"A", "AAAA", "MX", ""}
	for _, n1 := range names {
		for _, t1 := range types {
			for _, n2 := range names {
				for _, t2 := range types {
					if got, want := compareKeys(n1, t1, n2, t2), cmp.Compare(n1+" "+t1, n2+" "+t2); got != want {
						t.Errorf("%q %q, %q %q: %d, want %d", n1, t1, n2, t2, got, want)
					}
				}
			}
		}
	}
}
