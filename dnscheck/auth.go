package dnscheck

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var authChecks []*check.Check

func authWants(s *evidence.Snapshot) []evidence.Question { return nil }
