package smtptest

import "math/big"

// FFDHE3072 is the prime of the group ffdhe3072, by the formula of RFC 7919,
// Appendix A.2: 2^3072 - 2^3008 + ([2^2942 * e] + 2625351) * 2^64 - 1.
func FFDHE3072() []byte {
	power := func(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }
	// e is the sum of 1/n!, here in units of 2^-(2942+64), so that what is
	// rounded away does not matter.
	const extra = 64
	sum, term := new(big.Int), power(2942+extra)
	for n := int64(1); term.Sign() > 0; n++ {
		sum.Add(sum, term)
		term.Quo(term, big.NewInt(n))
	}
	middle := new(big.Int).Rsh(sum, extra)
	middle.Add(middle, big.NewInt(2625351)).Lsh(middle, 64)
	p := power(3072)
	return p.Sub(p, power(3008)).Add(p, middle).Sub(p, big.NewInt(1)).Bytes()
}
