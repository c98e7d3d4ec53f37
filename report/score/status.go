package score

import "fmt"

// Status is Internet.nl's status of a subtest or a category. The order is its
// ranking, worst first, so that the smaller value wins. (Its GOOD_NOT_TESTED
// is left out: no subtest of the mail test produces it.)
type Status uint8

const (
	Error Status = iota
	Failed
	Warning
	Info
	NotTested
	Passed
)

var statuses = [...]string{"error", "failed", "warning", "info", "not_tested", "passed"}

// String is the word that Internet.nl's API uses.
func (s Status) String() string {
	if int(s) >= len(statuses) {
		panic(fmt.Sprintf("score: status value %d is outside its set", s))
	}
	return statuses[s]
}

// MarshalText writes the word of the API.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes and nothing else.
func (s *Status) UnmarshalText(b []byte) error {
	for i, word := range statuses {
		if word == string(b) {
			*s = Status(i)
			return nil
		}
	}
	return fmt.Errorf("score: %q is no status", b)
}
