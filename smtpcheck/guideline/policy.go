package guideline

// Tables is one guideline. It is data, and is not changed once in use.
type Tables struct {
	Name string // for command lines and scores: "internetnl"
	// Version is that of the guideline.
	Version string
	Title   string // for readers
	Source  string // what citations name
	// Versions and the other tables list what the guideline speaks of.
	Versions, Suites                         *Table
	Groups, FiniteFields                     *Table
	CertificateCurves, CertificateEdwards    *Table
	CertificateSignatures, KeyExchangeHashes *Table
	// Own reports whether a finite field without a name, of that many bits, is
	// good enough; nil: none is.
	Own func(bits int) Level
	// RSA is the level of an RSA key in a certificate by the length of its modulus.
	RSA func(bits int) Level
}

// NCSC is the guideline of the Dutch NCSC, by Internet.nl's reading.
var NCSC = &Tables{
	Name: "internetnl", Version: "2025-05", Title: "the guideline of the Dutch NCSC", Source: "NCSC-NL TLS guidelines 2025-05",
	Versions: Versions, Suites: Suites, Groups: Groups, FiniteFields: FiniteFieldGroups,
	CertificateCurves: CertificateCurves, CertificateEdwards: CertificateEdwards,
	CertificateSignatures: CertificateSignatures, KeyExchangeHashes: KeyExchangeHashes, RSA: RSA,
}

// All lists the guidelines, that of the score first.
func All() []*Tables { return []*Tables{NCSC, Mozilla} }

// ByName finds a guideline; nil if there is none.
func ByName(name string) *Tables {
	for _, t := range All() {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// RSA returns the level of an RSA key in a certificate by the length of its
// modulus (Section 3.3.2.1).
func RSA(bits int) Level {
	switch {
	case bits >= 3072:
		return Good
	case bits >= 2048:
		return PhaseOut
	}
	return Insufficient
}

// FiniteField returns the level of a group for DHE by the name of its prime
// (empty: none that is well-known) and the prime's length in bits.
func (t *Tables) FiniteField(name string, bits int) Level {
	level := t.FiniteFields.ByName(name)
	if t.Own != nil {
		level = max(level, t.Own(bits))
	}
	return level
}
