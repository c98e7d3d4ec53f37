package rpki

import "fmt"

// State is the validation state of a route (RFC 6811, Section 2).
type State uint8

const (
	StateUnknown  State = iota // not judged: see Validation.Condition
	StateNotFound              // no VRP covers the route
	StateInvalid               // VRPs cover it, none matches
	StateValid                 // a VRP matches
)

var states = texts{"unknown", "not-found", "invalid", "valid"}

func (s State) String() string               { return states.text(uint8(s)) }
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
func (s *State) UnmarshalText(b []byte) error {
	v, err := states.parse("origin validation state", b)
	*s = State(v)
	return err
}

// Reason says why a route is invalid, as Routinator does.
type Reason uint8

const (
	ReasonNone   Reason = iota // it is not invalid
	ReasonAS                   // a covering VRP allows the length, for another AS
	ReasonLength               // the prefix is longer than any covering VRP allows
)

var reasons = texts{"none", "as", "length"}

func (r Reason) String() string               { return reasons.text(uint8(r)) }
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
func (r *Reason) UnmarshalText(b []byte) error {
	v, err := reasons.parse("reason", b)
	*r = Reason(v)
	return err
}

// Validation is what the VRPs say of a route.
type Validation struct {
	Route  Route
	State  State
	Reason Reason
	// Condition is Usable, or why the state is unknown.
	Condition Condition
	// The covering VRPs, each in one list, longest prefix first.
	Matched         []VRP // the route's AS, and its length allowed
	UnmatchedAS     []VRP // its length allowed, another AS
	UnmatchedLength []VRP // its length not allowed, whatever the AS
}

// Validate judges the origin of a route (RFC 6811, Section 2).
func (v *VRPs) Validate(r Route) Validation {
	x := Validation{Route: r}
	var covering []VRP
	covering, x.Condition = v.Covering(r.Prefix)
	if x.Condition != Usable {
		return x
	}
	for _, c := range covering {
		switch {
		case r.Prefix.Bits() > c.MaxLength:
			x.UnmatchedLength = append(x.UnmatchedLength, c)
		case c.ASN != r.Origin || r.Origin == 0:
			// RFC 6811, Section 2: no route has origin AS 0, so that a VRP for
			// AS 0 matches none, and none matches a route without origin.
			x.UnmatchedAS = append(x.UnmatchedAS, c)
		default:
			x.Matched = append(x.Matched, c)
		}
	}
	switch {
	case len(x.Matched) > 0:
		x.State = StateValid
	case len(x.UnmatchedAS) > 0:
		x.State, x.Reason = StateInvalid, ReasonAS
	case len(x.UnmatchedLength) > 0:
		x.State, x.Reason = StateInvalid, ReasonLength
	default:
		x.State = StateNotFound
	}
	return x
}

// VRPs are those that decided: the matched ones of a valid route, those with
// the reason of an invalid one, else none.
func (x Validation) VRPs() []VRP {
	switch {
	case x.State == StateValid:
		return x.Matched
	case x.Reason == ReasonAS:
		return x.UnmatchedAS
	case x.Reason == ReasonLength:
		return x.UnmatchedLength
	}
	return nil
}

// Covered reports whether there is any VRP for the route. It is false while
// nothing is known.
func (x Validation) Covered() bool {
	return x.State == StateValid || x.State == StateInvalid
}

// String is the state, with the reason in brackets: "invalid (length)",
// "unknown (stale)".
func (x Validation) String() string {
	switch {
	case x.State == StateInvalid:
		return fmt.Sprintf("%s (%s)", x.State, x.Reason)
	case x.State == StateUnknown:
		return fmt.Sprintf("%s (%s)", x.State, x.Condition)
	}
	return x.State.String()
}

// texts is the one table of a closed set: the index is the value.
type texts []string

func (t texts) text(v uint8) string {
	if int(v) >= len(t) {
		panic(fmt.Sprintf("rpki: %s value %d is outside its set", t[0], v))
	}
	return t[v]
}

func (t texts) parse(what string, b []byte) (uint8, error) {
	for i, s := range t {
		if s == string(b) {
			return uint8(i), nil
		}
	}
	return 0, fmt.Errorf("rpki: %s is no %s", quote(string(b)), what)
}
