package evidence

import (
	"strings"
	"testing"
)

// TestCompareAbsolute: the order is that of the texts with their final dot.
func TestCompareAbsolute(t *testing.T) {
	names := []string{".", "mx.example", "mx-2.example", "mx.example.test", "mx.examplf", "mx", "mx-", "mx.", "mx..", "m", "my", "mx\\.example", ""}
	for _, a := range names {
		for _, b := range names {
			if got, want := compareAbsolute(a, b), strings.Compare(a+".", b+"."); got != want {
				t.Errorf("%q and %q: %d, want %d", a, b, got, want)
			}
		}
	}
}
