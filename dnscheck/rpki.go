package dnscheck

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var rpkiChecks []*check.Check

func rpkiWants(s *evidence.Snapshot) []evidence.Question { return nil }
