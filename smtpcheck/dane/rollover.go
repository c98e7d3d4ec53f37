package dane

// Rollover says whether the next change of the key or certificate can be made
// without a moment in which no record matches (RFC 7671, Section 8.1 and 8.4).
type Rollover uint8

const (
	// RolloverNone: nothing stands beside the record that matches now.
	RolloverNone Rollover = iota
	// RolloverSameKey: all usable records describe the certificate or key that
	// is served now, so that a new key will match none of them.
	RolloverSameKey
	// RolloverIssuer: a DANE-TA record matches the issuer of what is served
	// now, and covers any certificate it issues next.
	RolloverIssuer
	// RolloverNextKey: a usable record beside the matching one describes
	// another certificate or key: that of the next one, or one served besides.
	RolloverNextKey
)

var rollovers = []string{"none", "same-key", "issuer", "next-key"}

func (r Rollover) String() string { return rollovers[r] }

// Scheme reads what is of use at a roll-over from a result of [Verify]. If
// nothing matches now there is no scheme, only a fault: RolloverNone.
func Scheme(res Result) Rollover {
	var usable, ee, ta, other int
	for _, r := range res.Records {
		switch {
		case r.Status == Matched && r.Usage == DANEEE:
			usable, ee = usable+1, ee+1
		case r.Status == Matched:
			usable, ta = usable+1, ta+1
		case r.Status == NoMatch:
			usable, other = usable+1, other+1
		case r.Status == Superseded:
			usable++
		}
	}
	switch {
	case res.Verdict != Validated || usable < 2:
		return RolloverNone
	case other > 0:
		return RolloverNextKey
	case ta > 0 && ee > 0:
		return RolloverIssuer
	case ta > 1:
		return RolloverIssuer
	}
	return RolloverSameKey
}
