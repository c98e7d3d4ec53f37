package spf_test

import (
	"fmt"

	"mailvet/dnscheck/spf"
	"mailvet/report/evidence"
)

func ExampleParse() {
	r, err := spf.Parse("v=spf1 +MX ip4:192.0.2.0/24  include:_spf.example.com ~all")
	fmt.Println(r, err)
	_, err = spf.Parse("v=spf1 mx ip4:192.0.2.300 -all")
	fmt.Println(err)
	// Output:
	// v=spf1 mx ip4:192.0.2.0/24 include:_spf.example.com ~all <nil>
	// spf: offset 10, term "ip4:192.0.2.300": no address of that family
}

// The same record in the two readings: for RFC 7208 it takes 12 lookups, which
// is too many; Internet.nl counts none of them.
func Example() {
	record := "v=spf1 a:m1.example.test a:m2.example.test a:m3.example.test a:m4.example.test a:m5.example.test a:m6.example.test" +
		" a:m7.example.test a:m8.example.test a:m9.example.test a:m10.example.test a:m11.example.test a:m12.example.test -all"
	source := func(name, typ string) *evidence.Lookup {
		return &evidence.Lookup{Name: name, Type: typ, Outcome: evidence.OutcomeAnswer,
			Answer: []evidence.RR{{Name: name, Type: typ, Data: `"` + record + `"`}}}
	}
	tree := spf.Walk(source, "example.test")
	fmt.Println(tree.Lookups(), tree.OverLimit())
	compat := spf.CompatPolicy(source, "example.test", record)
	fmt.Println(compat.Status, compat.Points)
	// Output:
	// 12 true
	// valid 10
}
