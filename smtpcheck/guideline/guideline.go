// Package guideline holds guidelines for TLS as data: for each setting a level
// and the section it stands in. A set of [Tables] is one guideline: [NCSC] that
// of the Dutch NCSC ("ICT security guidelines for Transport Layer Security",
// version 2025-05), which Internet.nl goes by, and [Mozilla] the intermediate
// configuration of Mozilla. The tables of the NCSC have names of their own.
//
// Levels are those of the guideline. Good and sufficient settings are fine; a
// setting to phase out still works but is known to be weakening; an
// insufficient one must not be used. Whatever a table does not list is
// insufficient, which therefore is the zero value of [Level].
//
// A table is cited by the section it stands in. Internet.nl's lists do not tell
// the numbers of the guideline's tables; those of cipher suites are its
// Appendix B, which follows from Sections 3.3.3 and 3.3.4.
//
// Where the guideline calls a setting "sufficient" and Internet.nl's lists
// "good" (keys and curves), the tables follow Internet.nl; nothing depends on
// the difference.
package guideline

import "strings"

// Level is how the guideline judges a setting.
type Level uint8

const (
	Insufficient Level = iota
	PhaseOut
	Sufficient
	Good
)

var levels = []string{"insufficient", "phase-out", "sufficient", "good"}

func (l Level) String() string { return levels[l] }

// Sections of the guideline.
const (
	SectionVersions             = "3.3.1"
	SectionCertificates         = "3.3.2"
	SectionKeySizes             = "3.3.2.1"
	SectionKeyExchange          = "3.3.3"
	SectionFiniteFields         = "3.3.3.1"
	SectionCipherSuites         = "3.3.4"
	SectionHashFunctions        = "3.3.5"
	SectionCompression          = "3.4.1"
	SectionRenegotiation        = "3.4.2"
	SectionZeroRTT              = "3.4.4"
	SectionExtendedMasterSecret = "4.1"
	SectionCertificateTrust     = "4.4"
)

// Entry is one row of a table.
type Entry struct {
	Name  string // as IANA or the standard writes it
	OID   string // where certificates name it so
	Level Level
}

// Table is a list of settings of one kind, best first.
type Table struct {
	Section string
	Entries []Entry
}

// ByName returns the level of a setting by its name, in any case.
func (t *Table) ByName(name string) Level {
	for _, e := range t.Entries {
		if strings.EqualFold(e.Name, name) {
			return e.Level
		}
	}
	return Insufficient
}

// ByOID returns the level of a setting by its OID, and its name; the name is
// empty where the table does not have it.
func (t *Table) ByOID(oid string) (Level, string) {
	for _, e := range t.Entries {
		if e.OID == oid && oid != "" {
			return e.Level, e.Name
		}
	}
	return Insufficient, ""
}

// Names lists the settings of one level.
func (t *Table) Names(l Level) []string {
	var names []string
	for _, e := range t.Entries {
		if e.Level == l {
			names = append(names, e.Name)
		}
	}
	return names
}
