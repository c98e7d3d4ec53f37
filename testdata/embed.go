// Package testdata holds the scenarios that tests and "mailvet demo" run on.
package testdata

import "embed"

// Scenarios are the files of the built-in Internet; package scanner/lab says
// how they are written.
//
//go:embed scenarios/*.txt
var Scenarios embed.FS
