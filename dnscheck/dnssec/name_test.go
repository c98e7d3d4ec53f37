package dnssec

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestCompare: the order is that of RFC 4034, Section 6.1, and of what it says:
// labels from the right, each as octets, the absence of one first.
func TestCompare(t *testing.T) {
	var names []name
	for _, s := range []string{".", "example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.", "z.example.", `\001.z.example.`, "*.z.example.", `\200.z.example.`} {
		n, ok := parseName(s)
		if !ok {
			t.Fatal(s)
		}
		names = append(names, n)
	}
	if !slices.IsSortedFunc(names, compare) {
		t.Error("the example of RFC 4034 is out of order")
	}
	longest, _ := parseName(strings.Repeat("a.", 127))
	names = append(names, longest, longest.parent(), longest.wildcard(), longest.parent().wildcard())
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		n := root
		for range random.IntN(5) {
			label := make([]byte, 1+random.IntN(3))
			for i := range label {
				label[i] = "ab\x00\xff*"[random.IntN(5)]
			}
			n = name(append([]byte{byte(len(label))}, label...)) + n
		}
		names = append(names, n)
	}
	for _, a := range names {
		for _, b := range names {
			if got, want := compare(a, b), slices.CompareFunc(labels(a), labels(b), bytes.Compare); cmp.Compare(got, 0) != want {
				t.Fatalf("%q, %q: %d, want %d", a, b, got, want)
			}
		}
	}
}

// labels are those of a name, the last one first.
func labels(n name) (list [][]byte) {
	for ; n != root; n = n.parent() {
		list = append(list, []byte(n[1:int(n[0])+1]))
	}
	slices.Reverse(list)
	return list
}
