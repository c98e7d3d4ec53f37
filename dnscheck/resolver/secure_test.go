package resolver_test

import (
	"time"

	"mailvet/dnscheck/dnssec"
)

func validator() *dnssec.Validator {
	return &dnssec.Validator{Anchors: dnssec.RootAnchors(), Now: time.Now}
}
