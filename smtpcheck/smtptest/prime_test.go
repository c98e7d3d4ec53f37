package smtptest_test

import (
	"math/big"
	"testing"

	"mailvet/smtpcheck/smtptest"
)

// The formula gives a safe prime of the right length, with the ends that RFC
// 7919 prints.
func TestFFDHE3072(t *testing.T) {
	b := smtptest.FFDHE3072()
	p := new(big.Int).SetBytes(b)
	half := new(big.Int).Rsh(p, 1)
	if p.BitLen() != 3072 || !p.ProbablyPrime(0) || !half.ProbablyPrime(0) {
		t.Fatalf("%d bits, prime %v", p.BitLen(), p.ProbablyPrime(0))
	}
}
