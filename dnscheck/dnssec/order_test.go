package dnssec_test

import (
	"math/rand/v2"
	"testing"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// However the records of an answer are ordered and doubled, and whatever stands
// between them, an honest one is secure and one with a forged record is not.
func TestOrderOfRecords(t *testing.T) {
	l := internet(t)
	honest, err := l.Fetch(t.Context(), "mx.nsec.test", dns.TypeA)
	if err != nil {
		t.Fatal(err)
	}
	forged := dns.Copy(honest.Answer[0]).(*dns.A)
	forged.A = []byte{198, 51, 100, 66}
	chaos := dns.Copy(honest.Answer[0])
	chaos.Header().Class = dns.ClassCHAOS
	elsewhere := dns.Copy(honest.Answer[0])
	elsewhere.Header().Name = "www.nsec.test."
	rnd := rand.New(rand.NewPCG(1, 2))
	judge := func(answer []dns.RR) evidence.Security {
		m := honest.Copy()
		m.Answer = answer
		return l.validator().Validate(t.Context(), l, "mx.nsec.test", dns.TypeA, m).Security
	}
	for range 300 {
		var answer []dns.RR
		for _, rr := range honest.Answer {
			for range 1 + rnd.IntN(3) {
				answer = append(answer, rr)
			}
		}
		for range rnd.IntN(3) {
			answer = append(answer, chaos)
		}
		rnd.Shuffle(len(answer), func(i, j int) { answer[i], answer[j] = answer[j], answer[i] })
		if got := judge(answer); got != evidence.SecuritySecure {
			t.Fatalf("%v is %v", answer, got)
		}
		answer = append(answer, forged, elsewhere)
		rnd.Shuffle(len(answer), func(i, j int) { answer[i], answer[j] = answer[j], answer[i] })
		if got := judge(answer); got == evidence.SecuritySecure {
			t.Fatalf("%v is secure", answer)
		}
	}
}
