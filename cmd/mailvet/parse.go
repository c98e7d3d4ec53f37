package main

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"mailvet/report"
)

// Files of results may hold a million lines of a hundred thousand octets each.
// They are read by a library that takes a third of the time of encoding/json,
// with what that one forgives.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// parseReport reads a result. The error is for what is not JSON, or of another
// form. Of a message that is no report at least the schema is read, as it comes
// first.
func parseReport(line []byte) (*report.Report, error) {
	r := &report.Report{}
	return r, json.Unmarshal(line, r, lenient)
}

// parseDomain reads a message of which only the domain matters, such as evidence.
func parseDomain(line []byte) (string, error) {
	var head struct {
		Domain string `json:"domain"`
	}
	err := json.Unmarshal(line, &head, lenient)
	return head.Domain, err
}
