package lab_test

import (
	"testing"

	"mailvet/dnscheck"
	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/report/score"
	"mailvet/scanner"
	"mailvet/scanner/lab"
	"mailvet/smtpcheck/probe"
)

// BenchmarkParts is what a domain of a list costs in the parts of a scan that
// do no I/O: the working out of what is wanted, answer by answer, and the
// evaluation of the checks.
func BenchmarkParts(b *testing.B) {
	s := mass(b, 2, lab.Options{}).Scanner()
	s.Prober.(*probe.Prober).HandshakeOnly = true
	whole := scan(b, s, massName(0))
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("wants", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			growWants(whole)
		}
	})
	for name, checks := range map[string][]*check.Check{"dnscheck": dnscheck.Checks, "all": scanner.Catalogue} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				check.Run(checks, whole)
			}
		})
	}
	results := scanner.Judge(whole)
	b.Run("score", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			score.Compute(score.InternetNL(), results)
		}
	})
}

// growWants asks for what is wanted of a snapshot whose lookups come four at a
// time, in the order in which they were wanted.
func growWants(whole *evidence.Snapshot) {
	s := *whole
	s.Lookups = make([]evidence.Lookup, 0, len(whole.Lookups))
	var asker dnscheck.Asker
	var fresh, open []evidence.Question
	wanted := map[evidence.Question]bool{}
	for {
		for _, q := range asker.Wants(&s, fresh) {
			if !wanted[q] && whole.Lookup(q.Name, q.Type) != nil {
				open = append(open, q)
			}
			wanted[q] = true
		}
		if len(open) == 0 {
			return
		}
		fresh, open = open[:min(4, len(open))], open[min(4, len(open)):]
		for _, q := range fresh {
			at := s.Place(q.Name, q.Type)
			s.Lookups = append(s.Lookups, evidence.Lookup{})
			copy(s.Lookups[at+1:], s.Lookups[at:])
			s.Lookups[at] = *whole.Lookup(q.Name, q.Type)
		}
	}
}
