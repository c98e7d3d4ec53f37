package scanner_test

import (
	"testing"

	"mailvet/report/check"
	"mailvet/report/score"
	"mailvet/scanner"
)

func TestCatalogue(t *testing.T) {
	if err := check.Validate(scanner.Catalogue); err != nil {
		t.Error(err)
	}
	if err := score.InternetNL().Validate(scanner.Catalogue); err != nil {
		t.Error(err)
	}
	counts := map[check.Category]int{}
	for _, c := range scanner.Catalogue {
		counts[c.Category]++
	}
	// The subtests of Internet.nl's mail test.
	for category, want := range map[check.Category]int{check.IPv6: 4, check.DNSSEC: 4, check.Auth: 5, check.TLS: 19, check.RPKI: 6} {
		if counts[category] != want {
			t.Errorf("%s has %d checks, want %d", category, counts[category], want)
		}
	}
	without := make([]*check.Check, 0, len(scanner.Catalogue))
	without = append(without, scanner.Catalogue[1:]...)
	if err := score.InternetNL().Validate(without); err == nil {
		t.Error("a catalogue without the first check is accepted")
	}
}
