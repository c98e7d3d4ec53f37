package reporttest_test

import (
	"fmt"
	"testing"

	"mailvet/report/check"
	"mailvet/report/reporttest"
)

// The worlds are made of a catalogue that a program could use.
func TestCatalogue(t *testing.T) {
	w := reporttest.Right()
	if err := check.Validate(w.Catalogue()); err != nil {
		t.Error(err)
	}
	if err := w.Policy.Validate(w.Catalogue()); err != nil {
		t.Error(err)
	}
}

func TestMistakes(t *testing.T) {
	for _, change := range []string{"no-such-check=good", "spf-exists", "spf-exists=fine", "ipv6-mx-reach=good:many"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was accepted", change)
				}
			}()
			reporttest.Right().Set(change)
		}()
	}
}

func Example() {
	w := reporttest.Right().Set("tls-version@"+reporttest.MX2+"=bad", "rpki-mx-valid=*unknown")
	s := w.Score()
	fmt.Println(s.Percent, s.Low, s.High)
	// Output: 93 93 98
}
