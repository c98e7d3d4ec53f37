// Package testdata holds the scenarios that tests and "mailvet demo" run on.
package testdata

import "embed"

// Scenarios are the files of the built-in Internet; package scanner/lab says
// how they are written.
//
//go:embed scenarios/*.txt
var Scenarios embed.FS

// Codes are scenarios for tests alone, one for each answer of a check that no
// other scenario gets: they join those of the built-in Internet.
//
//go:embed scenarios/*.txt codes/*.txt
var Codes embed.FS
