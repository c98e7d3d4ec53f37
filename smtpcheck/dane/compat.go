package dane

import (
	"cmp"
	"crypto/x509"
	"slices"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/certificate"
)

// CompatStatus is the DANE status of a mail server in Internet.nl's mail test.
type CompatStatus uint8

const (
	CompatNone      CompatStatus = iota // no records that it shows, or nothing to compare them with
	CompatFailed                        // records, none of which its tool verifies
	CompatValidated                     // at least one is verified
)

var compatStatuses = []string{"none", "failed", "validated"}

func (s CompatStatus) String() string { return compatStatuses[s] }

// Compat answers as Internet.nl's mail test does for secure TLSA records and
// the chain of the one address it looks at. It drops usages 0 and 1 from its
// list and then lets ldns-dane verify with all records, these two included.
// So it differs from [Verify] where
//
//   - a record of usage 0 or 1 beside one of usage 2 or 3 matches and the chain
//     leads to a trusted root: validated;
//   - records are there and none is usable: failed;
//   - the server's RSA key has less than 2048 bits, so that its OpenSSL does
//     not load the certificate: failed.
//
// Host is the MX host, the only name it looks for; trust is that of the chain.
func Compat(in Input, host string, trust evidence.Trust) CompatStatus {
	if !CompatShown(in.Records) || len(in.Chain) == 0 {
		return CompatNone
	}
	leaf, err := certificate.Parse(in.Chain[0])
	if err != nil {
		return CompatNone // no certificate could be had: nothing is verified
	}
	const leastRSA = 2048 // OpenSSL's security level 2
	if leaf.Key.Bits > 0 && leaf.Key.Bits < leastRSA {
		return CompatFailed
	}
	in.Names = []string{host}
	records := classify(in.Records)
	for i, r := range records {
		if r.Status == UsagePKIX {
			r.Usage = DANEEE // usable here if its other numbers are
			records[i].Status = usability(r.TLSA)
		}
	}
	supersede(records)
	v := newVerifier(in)
	// One match suffices, so those come first that need no signature verified.
	slices.SortStableFunc(records, func(a, b Record) int { return cmp.Compare(b.Usage, a.Usage) })
	for _, r := range records {
		if r.Status == NotTried && v.compat(r.TLSA, trust) {
			return CompatValidated
		}
	}
	return CompatFailed
}

func (v *verifier) compat(t evidence.TLSA, trust evidence.Trust) bool {
	switch t.Usage {
	case PKIXEE:
		return trust == evidence.Trusted && Matches(t, v.in.Chain[0]) && v.named()
	case PKIXTA:
		if trust != evidence.Trusted || !v.named() {
			return false
		}
		for _, der := range v.in.Chain[1:] {
			if Matches(t, der) {
				return true
			}
		}
		return false
	}
	status, _ := v.verify(t)
	return status == Matched
}

func (v *verifier) named() bool {
	leaf, err := x509.ParseCertificate(v.in.Chain[0])
	return err == nil && matchesName(leaf, v.in.Names)
}

// CompatShown reports whether any record is left once usages 0 and 1 are dropped,
// without which Internet.nl takes a host for one that has no TLSA records.
func CompatShown(records []evidence.TLSA) bool {
	for _, t := range records {
		if t.Usage != PKIXTA && t.Usage != PKIXEE {
			return true
		}
	}
	return false
}

// CompatRollover reports whether Internet.nl sees a scheme for changing keys:
// two records of usage 3, or one of usage 3 beside one of usage 2. It counts
// usages only.
func CompatRollover(records []evidence.TLSA) bool {
	ee, ta := 0, 0
	for _, t := range records {
		switch t.Usage {
		case DANEEE:
			ee++
		case DANETA:
			ta++
		}
	}
	return ee >= 2 || ee >= 1 && ta >= 1
}
