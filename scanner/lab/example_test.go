package lab_test

import (
	"context"
	"fmt"
	"time"

	"mailvet/report"
	"mailvet/report/score"
	"mailvet/scanner"
	"mailvet/scanner/lab"
	"mailvet/testdata"
)

// A whole Internet in memory, and one scan in it.
func Example() {
	l, err := lab.Load(testdata.Scenarios, "scenarios", lab.Options{Now: time.Now()})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := l.Scanner()
	defer s.Close()
	snapshot, err := s.Scan(context.Background(), "wrongtlsa.test")
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := report.New(scanner.Catalogue, score.InternetNL(), snapshot)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range r.Categories {
		for _, k := range c.Checks {
			if k.Status.String() == "failed" {
				fmt.Println(k.ID, k.Findings[0].Code)
			}
		}
	}
	// Output: dane-valid mismatch
}
