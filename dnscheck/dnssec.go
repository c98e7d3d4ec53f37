package dnscheck

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var dnssecChecks []*check.Check

func dnssecWants(s *evidence.Snapshot) []evidence.Question { return nil }
