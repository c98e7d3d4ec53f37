package dnscheck_test

import (
	"testing"

	"mailvet/dnscheck"
	"mailvet/report/check"
)

func TestCatalogueIsValid(t *testing.T) {
	if err := check.Validate(dnscheck.Checks); err != nil {
		t.Fatal(err)
	}
}
