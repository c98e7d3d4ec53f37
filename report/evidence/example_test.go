package evidence_test

import (
	"fmt"

	"mailvet/report/evidence"
)

// A snapshot is stored as one line and read back as it was.
func Example() {
	s := &evidence.Snapshot{
		Domain: "example.test",
		Lookups: []evidence.Lookup{{
			Name: "example.test", Type: "MX", Outcome: evidence.OutcomeAnswer, Security: evidence.SecuritySecure,
			Answer: []evidence.RR{{Name: "example.test", Type: "MX", TTL: 300, Data: "10 mx.example.test."}},
		}},
	}
	line, err := evidence.Marshal(s)
	if err != nil {
		fmt.Println(err)
		return
	}
	back, err := evidence.Unmarshal(line)
	if err != nil {
		fmt.Println(err)
		return
	}
	mail := back.Mail()
	fmt.Println(mail.Status, mail.Hosts)
	fmt.Println(back.Lookup("example.test", "MX").Security)
	fmt.Println(back.Lookup("example.test", "A") == nil, "is: not asked")
	// Output:
	// has_mx [mx.example.test]
	// secure
	// true is: not asked
}

func ExampleClimb() {
	fmt.Println(evidence.Climb("mail.dept.example.test."))
	// Output: [mail.dept.example.test dept.example.test example.test]
}
