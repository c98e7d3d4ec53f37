package dnscheck

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mailvet/dnscheck/dmarc"
	"mailvet/report/evidence"
)

// maxRecord bounds the octets of a record that is suggested, to what a text
// shows of an argument. Nothing is cut: the rest of a record is not a record.
const maxRecord = maxShown

// txtRecord writes a TXT record as one line of a zone file (RFC 1035, Section
// 5.1), ready to paste. The name is in presentation format without its final
// dot.
func txtRecord(name, text string) string {
	line := ownerName(name) + ". IN TXT " + characterStrings(text)
	if len(line) > maxRecord {
		return "it is too long to be shown here (" + strconv.Itoa(len(line)) + " octets)"
	}
	return line
}

// ownerName escapes what has a meaning of its own at the beginning of a line,
// and what would end the name.
func ownerName(name string) string {
	return ownerEscapes.Replace(name)
}

var ownerEscapes = strings.NewReplacer(" ", `\032`, ";", `\;`, "(", `\(`, ")", `\)`, "@", `\@`, "$", `\$`)

// characterStrings quotes a text, as several strings where it is longer than
// one can be: 255 octets (RFC 1035, Section 3.3).
func characterStrings(text string) string {
	var list []string
	for part := range slices.Chunk([]byte(text), 255) {
		list = append(list, `"`+evidence.EscapeText(string(part))+`"`)
	}
	if list == nil {
		return `""`
	}
	return strings.Join(list, " ")
}

// plainReport is a report address that can be told to others without a second
// thought. RFC 7489, Section 6.2, allows any URI.
var plainReport = regexp.MustCompile(`(?i)^mailto:[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]*[A-Za-z0-9](![0-9]+[kmgt]?)?$`)

// withPlainReports is the record with plain mail addresses in rua and ruf
// only, and without these tags where none is left.
func withPlainReports(r *dmarc.Record) *dmarc.Record {
	plain := &dmarc.Record{}
	for _, t := range r.Tags {
		if t.Name == "rua" || t.Name == "ruf" {
			var uris []string
			for uri := range strings.SplitSeq(t.Value, ",") {
				if uri = strings.Trim(uri, " \t"); plainReport.MatchString(uri) {
					uris = append(uris, uri)
				}
			}
			if uris == nil {
				continue
			}
			t.Value = strings.Join(uris, ",")
		}
		plain.Tags = append(plain.Tags, t)
	}
	return plain
}
