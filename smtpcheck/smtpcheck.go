// Package smtpcheck holds the checks of what a domain's mail servers offer:
// STARTTLS, TLS, certificates and DANE. The package is pure: [Wants] says which
// DNS questions the checks still need; sessions with the servers are in the
// snapshot when the checks run.
package smtpcheck

import (
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// Checks lists the package's checks in the order of reports.
var Checks []*check.Check

// Wants lists the questions that the checks need and s does not hold yet.
func Wants(s *evidence.Snapshot) []evidence.Question { return nil }
