package rpki

import "time"

// Condition says whether a source can be relied on, and if not, why.
type Condition uint8

const (
	Missing     Condition = iota // none was given, or not asked
	Usable                       // the only one to judge by
	Unavailable                  // it could not be had or read
	Stale                        // it is too old
	Ahead                        // it is dated in the future: its clock or ours is wrong
	Empty                        // it holds nothing, at least not of the address family
)

var conditions = texts{"missing", "usable", "unavailable", "stale", "ahead", "empty"}

func (c Condition) String() string               { return conditions.text(uint8(c)) }
func (c Condition) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
func (c *Condition) UnmarshalText(b []byte) error {
	v, err := conditions.parse("condition", b)
	*c = Condition(v)
	return err
}

// Format is how a source is written.
type Format uint8

const (
	FormatUnknown Format = iota
	FormatJSON           // VRPs: an object with the array "roas"
	FormatCSV            // VRPs: comma-separated, with or without a header
	FormatRTR            // VRPs: RFC 8210 or 6810
	FormatPfx2as         // routes: CAIDA's prefix, length, origins
	FormatRIS            // routes: RIPE's origin, prefix, peers
)

var formats = texts{"unknown", "json", "csv", "rtr", "pfx2as", "ris"}

func (f Format) String() string               { return formats.text(uint8(f)) }
func (f Format) MarshalText() ([]byte, error) { return []byte(f.String()), nil }
func (f *Format) UnmarshalText(b []byte) error {
	v, err := formats.parse("format", b)
	*f = Format(v)
	return err
}

// Source says what was read from one source, and how fresh it is.
type Source struct {
	Format Format
	// Generated is when the source was made, by its own words; zero if it does
	// not tell, as CSV and route tables do not. The caller may then put the time
	// of the file's last change here.
	Generated time.Time
	// ValidUntil is until when it may be used, by its own words; zero if it does
	// not tell.
	ValidUntil time.Time
	Kept       int // entries taken, repeated ones counted each time
	Expired    int // VRPs left out because their own time was over
	Unseen     int // routes left out because too few peers see them
	Odd        int // routes left out because their prefix cannot be one of a route
}

// Bounds of [Source.Condition].
const (
	// DefaultMaxAge is beyond what any relying party needs to fetch all there
	// is: hours. ROAs change slowly, so that a day does little harm.
	DefaultMaxAge = 24 * time.Hour
	// clockSkew is how far two clocks may be apart.
	clockSkew = time.Hour
)

// Condition judges the source at a time. It is stale when ValidUntil is over
// or Generated is longer ago than maxAge; 0 means DefaultMaxAge, less means any
// age. A source that does not tell its age is taken to be fresh.
func (s Source) Condition(now time.Time, maxAge time.Duration) Condition {
	if maxAge == 0 {
		maxAge = DefaultMaxAge
	}
	switch {
	case s.Format == FormatUnknown:
		return Missing
	case s.Generated.After(now.Add(clockSkew)):
		return Ahead
	case !s.ValidUntil.IsZero() && now.After(s.ValidUntil):
		return Stale
	case maxAge > 0 && !s.Generated.IsZero() && now.Sub(s.Generated) > maxAge:
		return Stale
	case s.Kept == 0:
		return Empty
	}
	return Usable
}

// Together is the condition of a table that is filled from several sources:
// usable if all are, else that of the first that is not, because nobody knows
// what is missing. Without any source it is Missing.
func Together(sources ...Condition) Condition {
	if len(sources) == 0 {
		return Missing
	}
	for _, c := range sources {
		if c != Usable {
			return c
		}
	}
	return Usable
}
