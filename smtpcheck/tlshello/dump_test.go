package tlshello_test

import (
	"encoding/json"

	"mailvet/smtpcheck/tlshello"
)

// dump writes an answer with everything in it, for comparing two.
func dump(a *tlshello.Answer) string {
	b, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	version := ""
	if a.Hello != nil {
		version = a.Hello.Negotiated().String() // not exported, so not in the JSON
	}
	return version + " " + string(b)
}
