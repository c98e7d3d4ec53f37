package dnscheck

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var ipv6Checks []*check.Check

func ipv6Wants(s *evidence.Snapshot) []evidence.Question { return nil }
